"""The PostgreSQL engine: what it refuses, retries, and answers when the server goes away."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import httpx
import pytest

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.database.engine import Reader, Tx, UniqueViolation
from gallery.database.postgres import PostgresDatabase, open_postgres
from gallery.database.upgrades import SCHEMA_VERSION
from gallery.domain.leases import LeaseLost, leased
from gallery.errors import StartRefused, Unavailable
from gallery.events import Bus, CollectionChanged, Event, ItemsChanged, Missed
from gallery.store import leases
from gallery.values.ids import AccountId, CollectionId, RootId
from tests.support import postgres as postgres_server
from tests.support.application import client_of
from tests.support.ledger import Ledger
from tests.support.library import TRIP, Tree, read, scanned
from tests.support.serving import serving
from tests.support.waiting import eventually


@pytest.fixture
async def url(postgres: postgres_server.Server) -> str:
    await postgres_server.empty(postgres.url)
    return postgres.url


@pytest.fixture
async def db(url: str) -> AsyncGenerator[PostgresDatabase]:
    async with open_postgres(url, Bus()) as opened:
        yield opened


async def add(tx: Tx, name: str) -> None:
    await tx.all("INSERT INTO account (name, created_at) VALUES ($1, $2)", name, tx.now)
    tx.after_commit(ItemsChanged(RootId(len(name)), ()))


async def names(reader: Reader) -> list[str]:
    return [row[0] for row in await reader.all("SELECT name FROM account ORDER BY id")]


async def test_a_database_that_does_not_fit_is_refused_in_one_sentence(
    postgres: postgres_server.Server,
) -> None:
    for unfit, why in (
        (postgres.unfit_url, "CREATE DATABASE"),
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be used"),
        ("postgresql://[", "cannot be used"),
    ):
        with pytest.raises(StartRefused, match=why) as refusal:
            async with open_postgres(unfit, Bus()):
                pass
        assert "\n" not in str(refusal.value)


async def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    async with open_postgres(url, Bus()):
        pass
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE schema_version SET version = $1", SCHEMA_VERSION + 1)
    await connection.close()
    with pytest.raises(StartRefused, match="newer gallery"):
        async with open_postgres(url, Bus()):
            pass


async def test_many_servers_may_start_on_an_empty_database(url: str) -> None:
    async def start() -> None:
        async with open_postgres(url, Bus()) as db:
            assert await db.read(names) == []

    await asyncio.gather(*(start() for _ in range(5)))


async def test_a_reader_sees_one_snapshot_and_cannot_write(db: PostgresDatabase) -> None:
    async def look_twice(reader: Reader) -> tuple[list[str], list[str]]:
        before = await names(reader)
        await db.write(add, "meanwhile")
        return before, await names(reader)

    assert await db.read(look_twice) == ([], [])

    async def write(reader: Reader) -> None:
        await reader.all("INSERT INTO account (name, created_at) VALUES ('x', 1)")

    with pytest.raises(Unavailable):
        await db.read(write)
    assert await db.read(names) == ["meanwhile"]


async def test_the_constraint_decides(db: PostgresDatabase) -> None:
    await db.write(add, "x")
    with pytest.raises(UniqueViolation):
        await db.write(add, "x")
    assert await db.read(names) == ["x"]


async def test_a_deadlock_is_run_again_and_told_once(url: str) -> None:
    bus, heard = Bus(), list[Event]()
    bus.listen(heard.append)
    async with open_postgres(url, bus) as db:
        await db.write(add, "a")
        await db.write(add, "b")
        meet = asyncio.Barrier(2)
        tries = Counter[str]()

        async def rename(tx: Tx, first: str, second: str) -> None:
            tries[first] += 1
            await tx.all("UPDATE account SET created_at = 1 WHERE name = $1", first)
            if tries.total() <= 2:
                await meet.wait()
            await tx.all("UPDATE account SET created_at = 2 WHERE name = $1", second)
            tx.after_commit(ItemsChanged(RootId(9), ()))

        await asyncio.gather(db.write(rename, "a", "b"), db.write(rename, "b", "a"))
        assert tries.total() == 3
        assert heard.count(ItemsChanged(RootId(9), ())) == 2


async def test_servers_tell_each_other_what_happens(url: str) -> None:
    """Changes by people are sent at once, those of the index in batches; breaks are reported."""
    buses, heard = (Bus(), Bus()), (list[Event](), list[Event]())
    for bus, list_ in zip(buses, heard, strict=True):
        bus.listen(list_.append)

    async def receives(list_: list[Event], event: Event) -> None:
        await eventually(lambda: event in list_, f"{event} is received")

    async def publish(tx: Tx, *events: Event) -> None:
        for event in events:
            tx.after_commit(event)

    async with open_postgres(url, buses[0]) as here, open_postgres(url, buses[1]) as there:

        async def both_listen() -> bool:
            return await here.read(listeners) == 2

        await eventually(both_listen)
        private = CollectionChanged(CollectionId(1), AccountId(1), is_public=False)
        await here.write(publish, private, ItemsChanged(RootId(1), ("a",)))
        await here.write(publish, ItemsChanged(RootId(1), ("b",)), ItemsChanged(RootId(2), None))
        await receives(heard[1], private)
        await receives(heard[1], ItemsChanged(RootId(2), None))
        assert {e for e in heard[1] if isinstance(e, ItemsChanged)} <= {
            ItemsChanged(RootId(1), ("a",)),
            ItemsChanged(RootId(1), ("b",)),
            ItemsChanged(RootId(1), ("a", "b")),
            ItemsChanged(RootId(2), None),
        }
        many = tuple(f"folder {number}" for number in range(2_000))
        await there.write(publish, ItemsChanged(RootId(3), many))
        await receives(heard[0], ItemsChanged(RootId(3), None))
        assert heard[0].count(private) == 1, "a bus receives its own events once"
        connection = await asyncpg.connect(url)
        await connection.execute("SELECT pg_notify('gallery', 'what is this?')")
        await receives(heard[0], Missed())
        heard[0].clear()
        await connection.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'gallery relay'
            """
        )
        await connection.close()
        await receives(heard[0], Missed())
        await eventually(both_listen)
        await there.write(publish, CollectionChanged(CollectionId(2), AccountId(1), is_public=True))
        await receives(heard[0], CollectionChanged(CollectionId(2), AccountId(1), is_public=True))


async def listeners(reader: Reader) -> int:
    rows = await reader.all(
        """
        SELECT 1 FROM pg_stat_activity
        WHERE application_name = 'gallery relay' AND state = 'idle' AND query <> ''
        """
    )
    return len(rows)


async def test_a_connection_lost_before_the_commit_is_replaced(db: PostgresDatabase) -> None:
    lost: list[int] = []

    async def lose(tx: Tx) -> None:
        await add(tx, "kept")
        if not lost:
            lost.append(1)
            await tx.all("SELECT pg_terminate_backend(pg_backend_pid())")

    await db.write(lose)
    assert await db.read(names) == ["kept"]


async def test_a_commit_that_is_lost_is_said_to_be_unknown(db: PostgresDatabase, url: str) -> None:
    async def cut_before_commit(tx: Tx) -> None:
        await add(tx, "unknown")
        row = await tx.one("SELECT pg_backend_pid()")
        assert row is not None
        other = await asyncpg.connect(url)
        await other.execute("SELECT pg_terminate_backend($1)", row[0])
        await other.close()

    with pytest.raises(Unavailable, match="not known"):
        await db.write(cut_before_commit)
    await db.write(add, "unknown")
    assert await db.read(names) == ["unknown"]


async def test_a_server_that_goes_away_is_503_until_it_is_back(
    postgres: postgres_server.Server, url: str, tmp_path: Path, library: Tree
) -> None:
    settings = Settings((str(library.folder),), str(tmp_path / "data"), url)
    async with started(create_app(settings)) as app, client_of(app) as client:
        await scanned(client)
        made = await client.post("/api/collections", json={"name": "x", "paths": TRIP[:1]})
        await asyncio.to_thread(postgres.stop)
        try:
            for request in (
                client.get("/api/collections"),
                client.post("/api/collections", json={"name": "y"}),
                client.get(made.headers["location"]),
            ):
                answer = await request
                assert answer.status_code == 503
                assert answer.headers["retry-after"]
            assert (await client.get("/api/health")).status_code == 200
        finally:
            await asyncio.to_thread(postgres.start)
        assert (await client.get(made.headers["location"])).json()["itemCount"] == 1
        assert (await client.post("/api/collections", json={"name": "y"})).status_code == 201


def two_servers(url: str, tmp_path: Path, library: Tree) -> list[Settings]:
    return [
        Settings((str(library.folder),), str(tmp_path / f"data-{number}"), url)
        for number in range(2)
    ]


async def test_two_servers_on_one_database_agree(url: str, tmp_path: Path, library: Tree) -> None:
    many = [f"many/{n:03}.jpg" for n in range(100)]
    library.write(*many)
    library.age()
    one, two = two_servers(url, tmp_path, library)
    async with (
        started(create_app(one)) as first,
        started(create_app(two)) as second,
        client_of(first) as a,
        client_of(second) as b,
    ):
        await scanned(a)
        await scanned(b)
        await read(one)  # this changes what collections show
        clients: list[httpx.AsyncClient] = [a, b] * 50
        names = ["Straße", "STRASSE"] * 50
        answers = await asyncio.gather(
            *(
                c.post("/api/collections", json={"name": n})
                for c, n in zip(clients, names, strict=True)
            )
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 99}
        made = await a.post("/api/collections", json={"name": "all", "folderPath": "many"})
        place = made.headers["location"]
        answers = await asyncio.gather(
            *(
                c.post(f"{place}/items", json={"paths": [path]})
                for c, path in zip(clients, many, strict=True)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        for round_ in range(3):
            at_a, at_b = await a.get(place), await b.get(place)
            assert at_a.content == at_b.content
            assert at_a.headers["etag"] == at_b.headers["etag"]
            assert sorted(item["path"] for item in at_a.json()["items"]) == many
            tag = {"If-Match": at_a.headers["etag"]}
            changes = await asyncio.gather(
                *(
                    c.put(place, json={"name": f"{round_} {n}"}, headers=tag)
                    for n, c in enumerate(clients[:10])
                )
            )
            assert Counter(answer.status_code for answer in changes) == {200: 1, 412: 9}
        await b.request("DELETE", f"{place}/items", json={"paths": many[1:]})
        found = await a.post("/api/collections/memberships", json={"paths": many})
        assert list(found.json()) == many[:1], "nothing is remembered that another server changed"
        assert (await a.get(place)).json()["itemCount"] == 1


@pytest.mark.timeout(300)
async def test_a_scan_is_done_by_one_server_and_taken_over_when_that_is_killed(
    url: str, tmp_path: Path, library: Tree
) -> None:
    """The holder is killed during its scan; the other one has to finish it."""
    library.write(*(f"many/{number % 50:02}/{number:05}.jpg" for number in range(20_000)))
    one, two = two_servers(url, tmp_path, library)
    async with serving(one) as holder, holder.client() as at_holder:

        async def is_under_way() -> bool:
            return await _items(at_holder) > 1_000

        async def is_taken_over() -> bool:
            return bool((await _lease(url))["term"] > 1)

        await eventually(is_under_way)
        async with started(create_app(two)) as other, client_of(other) as client:
            assert (await client.get("/api/library")).json()["roots"][0]["lastScan"] is None
            holder.process.kill()
            began = time.monotonic()
            await eventually(is_taken_over)
            assert time.monotonic() - began < leases.SECONDS + 5
            await scanned(client)
            assert await _items(client) == 20_000 + len(TRIP)


async def test_who_has_lost_a_lease_writes_nothing_more(db: PostgresDatabase) -> None:
    async with leased(db, "work", "slow") as slow:
        assert slow is not None
        async with leased(db, "work", "other") as none:
            assert none is None
        await slow.write(add, "in time")
        async with leased(db, "work", "slow") as restarted:
            assert restarted is not None
            with pytest.raises(LeaseLost):
                await slow.write(add, "too late")
            await restarted.write(add, "after a restart")
    assert await db.read(names) == ["in time", "after a restart"]


async def _items(client: httpx.AsyncClient) -> int:
    found: int = (await client.get("/api/library")).json()["roots"][0]["itemCount"]
    return found


async def _lease(url: str) -> asyncpg.Record:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow("SELECT * FROM lease WHERE name LIKE 'scan%'")
    finally:
        await connection.close()
    assert row is not None
    return row


async def test_two_servers_under_load_a_kill_and_a_restart_lose_nothing(
    postgres: postgres_server.Server, url: str, tmp_path: Path, library: Tree
) -> None:
    """One server is killed, and the database restarts under the other, while both write."""
    ledger, chance = Ledger(), random.Random(5)
    one, two = two_servers(url, tmp_path, library)
    async with serving(two) as stays, stays.client() as at_two:
        await scanned(at_two)
        async with serving(one) as dies, dies.client() as at_one:
            work = [
                asyncio.create_task(ledger.write(client, random.Random(chance.random()), name))
                for client, name in ((at_one, "a"), (at_one, "b"), (at_two, "c"), (at_two, "d"))
            ]
            await ledger.wait_for(40)
            dies.process.kill()
            await ledger.wait_for(20)
            await asyncio.to_thread(postgres.restart)
            await ledger.wait_for(20)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await ledger.check(at_two)
        answers = await asyncio.gather(
            *(at_two.post("/api/collections", json={"name": "again"}) for _ in range(9))
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 8}
