"""A clock that was wrong once, on both engines."""

import httpx
import pytest

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.database.engine import Database, Reader, Tx
from gallery.store import leases
from gallery.store.sync import unread
from gallery.values.ids import ItemId, RootId
from gallery.values.times import Millis
from tests.support.application import Clock, client_of

YEAR = 365 * 24 * 3_600_000


async def ids_after(client: httpx.AsyncClient, time: str) -> list[int]:
    answer = await client.get("/api/collections", params={"updatedAfter": time})
    return [collection["id"] for collection in answer.json()]


@pytest.mark.parametrize("years", [1, 70])
async def test_what_is_changed_after_the_clock_was_set_right_is_newer(
    settings: Settings, years: int
) -> None:
    clock = Clock()
    clock.now += years * YEAR
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        first = (await client.post("/api/collections", json={"name": "of the future"})).json()
    clock.now -= years * YEAR
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        second = (await client.post("/api/collections", json={"name": "of today"})).json()
        assert second["updatedAt"] >= first["updatedAt"]
        assert await ids_after(client, first["updatedAt"]) == [second["id"], first["id"]]


async def test_a_lease_from_the_future_is_void(db: Database) -> None:
    async def take(tx: Tx, ahead: int) -> None:
        await leases.take(tx, "work", "other")
        await tx.all("UPDATE lease SET expires_at = $1", tx.now + ahead)

    await db.write(take, leases.SECONDS * 1_000)
    assert await db.write(leases.take, "work", "this") is None
    await db.write(take, YEAR)
    lease = await db.write(leases.take, "work", "this")
    assert lease is not None
    assert lease.term > 1
    assert await db.write(leases.renew, lease)


@pytest.mark.parametrize(("settled_at", "is_ready"), [(0, True), (95_000, False), (10**9, True)])
async def test_a_file_that_settled_in_the_future_is_still(
    db: Database, settled_at: int, *, is_ready: bool
) -> None:
    async def make(tx: Tx) -> None:
        await tx.all("INSERT INTO root (name, directory) VALUES ('', '/x')")
        await tx.all("INSERT INTO folder (root_id, path) VALUES (1, '')")
        await tx.all(
            """
            INSERT INTO item (
              root_id, folder_id, path, name, type, size, modified_at, inode, added_at, settled_at)
            VALUES (1, 1, 'a.jpg', 'a.jpg', 'image', 1, 1, 1, 1, $1)
            """,
            settled_at,
        )

    async def ready(reader: Reader) -> list[int]:
        return [
            item.id for item in await unread.ready(reader, RootId(1), Millis(90_000), ItemId(0), 10)
        ]

    await db.write(make)
    assert await db.read(ready) == ([1] if is_ready else [])
    found, later = await db.read(unread.among, [ItemId(1)], Millis(90_000))
    assert (len(found), len(later)) == ((1, 0) if is_ready else (0, 1))
