"""Live events: sent at once to every client that may know; a client that is too slow is cut off."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gallery.config import Settings
from gallery.domain.feed import MAX_WAITING, Feed
from gallery.events import Bus, CollectionChanged, Event, ItemsChanged, Missed, RootChanged
from gallery.model import Actor
from gallery.values.ids import AccountId, CollectionId, RootId
from tests.support.collections import make
from tests.support.library import BEACH, TRIP, Tree, rescan, scanned
from tests.support.serving import Process, serving
from tests.support.waiting import eventually

Received = tuple[str, dict[str, Any]]


class Listener:
    """A client that reads one stream."""

    def __init__(self, lines: AsyncGenerator[str]) -> None:
        self._lines = lines
        self.ids: list[str] = []

    async def next(self) -> Received:
        """Return the next event; skip heartbeats."""
        kind = ""
        async with asyncio.timeout(10):
            async for line in self._lines:
                name, _colon, value = line.partition(": ")
                if name == "id":
                    self.ids.append(value)
                elif name == "event":
                    kind = value
                elif name == "data":
                    return kind, json.loads(value)
        raise EOFError

    async def until(self, wanted: str) -> dict[str, Any]:
        """Return the data of the next event of a kind."""
        while True:
            kind, data = await self.next()
            if kind == wanted:
                return data


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, headers: dict[str, str] | None = None
) -> AsyncGenerator[Listener]:
    async with client.stream("GET", "/api/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        yield Listener(lines)  # type: ignore[arg-type]


@pytest.fixture
async def server(tmp_path: Path, library: Tree) -> AsyncGenerator[Process]:
    """Yield a process that has scanned the library and watches it."""
    async with serving(Settings((str(library.folder),), str(tmp_path / "data"))) as process:
        async with process.client() as client:
            await scanned(client)
        yield process


async def test_what_happens_is_told(server: Process, library: Tree) -> None:
    async with server.client() as client, listening(client) as listener:
        made = await make(client, paths=[BEACH])
        assert await listener.next() == ("collection", {"id": made["id"]})
        await client.put(f"/api/collections/{made['id']}", json={"name": "other"})
        assert await listener.next() == ("collection", {"id": made["id"]})
        await client.put(f"/api/collections/{made['id']}", json={"name": "other"})  # no change
        library.write("photos/new.jpg")
        assert await listener.next() == ("items", {"root": "", "folders": ["photos"]})
        await rescan(client)
        assert await listener.until("library") == {"root": ""}
        await client.delete(f"/api/collections/{made['id']}")
        assert await listener.until("collection") == {"id": made["id"]}
        assert listener.ids == sorted(listener.ids, key=int)


async def test_after_a_reconnect_everything_may_be_new(server: Process) -> None:
    async with server.client() as client:
        async with listening(client, {"Last-Event-ID": "7"}) as listener:
            assert await listener.next() == ("resync", {})
        head = await client.head("/api/events")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
        assert (await client.post("/api/events")).status_code == 405


async def test_a_server_with_open_streams_stops_at_once(server: Process) -> None:
    async with server.client() as client, listening(client) as one, listening(client) as other:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        for listener in (one, other):
            with pytest.raises(EOFError):
                await listener.next()
        assert await server.process.wait() == 0
        assert time.monotonic() - began < 3


async def test_clients_that_never_read_or_just_leave_cost_nothing_for_long(
    server: Process, library: Tree
) -> None:
    request = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    before = descriptors(server)
    deaf = [socket.create_connection(address) for _ in range(50)]
    for connection in deaf:
        connection.send(request)
    async with server.client() as client:
        for number in range(300):
            await make(client, f"number {number}")
        assert resident(server) < 200 << 20
        for connection in deaf:
            connection.close()
        await eventually(lambda: descriptors(server) <= before + 5)
        assert (await client.get("/api/health")).status_code == 200


def descriptors(server: Process) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def resident(server: Process) -> int:
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


MINE, THEIRS = Actor(AccountId(1)), Actor(AccountId(2))


async def heard(feed: Feed) -> list[Event]:
    found = []
    while True:
        try:
            async with asyncio.timeout(0):
                found.append(await feed.next())
        except TimeoutError:
            return found


async def test_nobody_hears_of_the_private_collections_of_others() -> None:
    bus = Bus()
    with Feed(bus, MINE) as mine, Feed(bus, THEIRS) as theirs:
        private, public = (
            CollectionChanged(CollectionId(5), AccountId(1), is_public=False),
            CollectionChanged(CollectionId(6), AccountId(1), True),
        )
        for event in (private, public, ItemsChanged(RootId(1), ("a",)), RootChanged(RootId(1))):
            bus.publish(event)
        assert await heard(mine) == [
            private,
            public,
            ItemsChanged(RootId(1), ("a",)),
            RootChanged(RootId(1)),
        ]
        assert await heard(theirs) == [
            public,
            ItemsChanged(RootId(1), ("a",)),
            RootChanged(RootId(1)),
        ]
    bus.publish(public)
    assert await heard(mine) == []


async def test_who_is_too_slow_has_to_look_at_everything_anew() -> None:
    bus = Bus()
    with Feed(bus, MINE) as feed:
        for number in range(MAX_WAITING + 3):
            bus.publish(CollectionChanged(CollectionId(number), AccountId(1), is_public=False))
        last = [
            CollectionChanged(CollectionId(MAX_WAITING + more), AccountId(1), is_public=False)
            for more in (1, 2)
        ]
        assert await heard(feed) == [Missed(), *last]
        for _ in range(3):
            bus.publish(RootChanged(RootId(1)))
        assert await heard(feed) == [RootChanged(RootId(1))], (
            "the same event is not sent twice in a row"
        )


async def test_paths_are_told_as_they_are(server: Process, library: Tree) -> None:
    async with server.client() as client, listening(client) as listener:
        library.write("new\nline/é.jpg")
        assert (await listener.until("items"))["folders"] == ["new\nline"]
        assert await make(client, folderPath="", paths=["new\nline/é.jpg", TRIP[0]])
