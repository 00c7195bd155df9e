"""Clients that do not read, trickle, or send expensive requests, and their cost to the server."""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from gallery.api.connections import connection_limit
from gallery.config import Settings
from tests.support.library import Tree, scanned
from tests.support.measure import peak, pulse, resident
from tests.support.serving import Process, serving
from tests.support.waiting import pause

pytestmark = pytest.mark.slow

HOST = b"Host: localhost\r\n"
FILES = 10_000
NAME = "n" * 180
MOST_MIB = 250
"""The memory that an attack may add."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Process]:
    tree = Tree(tmp_path / "pictures")
    tree.write(*(f"{NAME}{number:05}.jpg" for number in range(FILES)), content=b"")
    async with serving(Settings((str(tree.folder),), str(tmp_path / "data"))) as process:
        async with process.client() as client:
            await scanned(client)
        yield process


async def leave(writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def clients(
    server: Process, count: int, *parts: bytes
) -> AsyncGenerator[list[asyncio.StreamReader]]:
    """Yield connections that have each sent the parts and read at most some 1,000 bytes."""
    connection_limit()  # raises the limit of this process, which holds the other ends
    address = urlsplit(server.url)
    async with AsyncExitStack() as stack:
        readers, writers = [], []
        for _ in range(count):
            own = socket.socket()
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # a small buffer
            own.connect((address.hostname, address.port))
            reader, writer = await asyncio.open_connection(sock=own, limit=1_000)
            stack.push_async_callback(leave, writer)
            readers.append(reader)
            writers.append(writer)
        for writer in writers:
            writer.writelines(parts)
        yield readers


async def answered(readers: list[asyncio.StreamReader], seconds: float = 60) -> list[int]:
    """Return the status of each answer; 0 for a connection that was cut."""

    async def status(reader: asyncio.StreamReader) -> int:
        try:
            line = await reader.readline()
        except ConnectionError:
            return 0
        return int(line.split()[1]) if line else 0

    async with asyncio.timeout(seconds):
        return list(await asyncio.gather(*map(status, readers)))


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"\r\n"


async def collection_of_all(client: httpx.AsyncClient) -> int:
    paths = [f"{NAME}{number:05}.jpg" for number in range(FILES)]
    made = await client.post("/api/collections", json={"name": "all", "folderPath": ""})
    id_: int = made.json()["id"]
    answer = await client.put(f"/api/collections/{id_}", json={"name": "all", "paths": paths})
    assert answer.status_code == 200, answer.text
    return id_


async def cost(server: Process, attack: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return the peak memory that an attack adds, in MiB, and the slowest answer meanwhile in s."""
    before = resident(server.process.pid)
    async with pulse(server.url) as beat:
        await attack()
    added = peak(server.process.pid) - before
    print(f"+{added:.0f} MiB, slowest health {beat.slowest * 1000:.0f} ms")  # noqa: T201
    return added, beat.slowest


async def settled(server: Process) -> None:
    """Wait until the server has filled all its buffers."""
    async with asyncio.timeout(30):
        before = 0.0
        while (now := resident(server.process.pid)) > before:
            before = now
            await pause(0.5)


async def test_who_does_not_read_a_large_collection_costs_one_part(server: Process) -> None:
    async with server.client() as client:
        id_ = await collection_of_all(client)

    async def attack() -> None:
        async with clients(server, 100, get(f"/api/collections/{id_}")) as readers:
            assert {*await answered(readers)} == {200}
            await settled(server)

    added, slowest = await cost(server, attack)
    assert added < MOST_MIB
    assert slowest < 3


async def test_who_does_not_read_many_pages_takes_no_more_than_the_budget(server: Process) -> None:
    async def attack() -> None:
        async with AsyncExitStack() as stack:
            readers = []
            for limit in range(4_800, 5_000):
                page = clients(server, 1, get(f"/api/items?limit={limit}"))
                readers += await stack.enter_async_context(page)
            assert {*await answered(readers)} <= {200, 503}

    added, slowest = await cost(server, attack)
    assert added < 450
    assert slowest < 3


async def test_who_does_not_read_a_full_picture_costs_one_part(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "pictures")
    noise = Image.effect_noise((3_000, 3_000), 120).convert("RGB")
    tree.folder.mkdir(exist_ok=True)
    noise.save(tree.folder / "noise.jpg", quality=95)
    tree.age()
    async with serving(Settings((str(tree.folder),), str(tmp_path / "data"))) as server:
        async with server.client() as client:
            await scanned(client)
            item = (await client.get("/api/items")).json()["items"][0]
            full = f"/api/items/{item['id']}/thumbnail?size=full"
            length = len((await client.get(full)).content)
            assert length > 4 << 20

        async def attack() -> None:
            async with clients(server, 100, get(full)) as readers:
                assert {*await answered(readers)} == {200}

        added, slowest = await cost(server, attack)
    assert added < 150
    assert slowest < 3


async def test_who_does_not_read_originals_costs_a_part_each(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "pictures")
    (tree.folder / "big.mp4").write_bytes(b"a" * (64 << 20))
    async with serving(Settings((str(tree.folder),), str(tmp_path / "data"))) as server:
        async with server.client() as client:
            await scanned(client)

        async def attack() -> None:
            async with clients(server, 900, get("/media/big.mp4")) as readers:
                assert {*await answered(readers)} == {200}
                await settled(server)

        added, slowest = await cost(server, attack)
    assert added < 400
    assert slowest < 3


async def test_trickled_bodies_take_no_more_than_the_budget(server: Process) -> None:
    size = 16 << 20
    head = (
        b"PUT /api/collections/1/order HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size
    )

    async def attack() -> None:
        async with clients(server, 60, head, b" " * (size - 1)) as readers:
            refused = await answered(readers[-10:], 60)
            assert refused == [503] * 10, "the last come when the memory is taken"

    added, slowest = await cost(server, attack)
    assert added < MOST_MIB
    assert slowest < 3


async def test_large_lists_are_decoded_one_at_a_time(server: Process) -> None:
    async with server.client() as client:
        made = await client.post("/api/collections", json={"name": "x", "folderPath": ""})
    entries = b",".join(b'"%06d"' % number for number in range(1_600_000))
    content = b'{"paths":[%b]}' % entries
    head = f"PUT /api/collections/{made.json()['id']}/order HTTP/1.1\r\n".encode() + HOST
    head += b"Content-Length: %d\r\n\r\n" % len(content)
    assert len(content) < 16 << 20

    async def attack() -> None:
        async with clients(server, 10, head, content) as readers:
            assert {*await answered(readers, 120)} <= {400, 503}

    added, _slowest = await cost(server, attack)
    assert added < 600


async def test_long_questions_take_no_more_memory_than_is_counted(server: Process) -> None:
    before = resident(server.process.pid)
    async with server.client() as client:
        for number in range(4_000):
            words = f"&keywords={number}{'%01' * 600}" * 4
            answer = await client.get(f"/api/items?limit=1{words}")
            assert answer.status_code == 200
    assert resident(server.process.pid) - before < 40


async def test_of_600_event_streams_each_that_is_answered_hears(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "pictures")
    async with (
        serving(Settings((str(tree.folder),), str(tmp_path / "data"))) as server,
        clients(server, 600, get("/api/events")) as readers,
    ):
        found = await answered(readers)
        assert (found.count(200), found.count(503)) == (500, 100)
        async with server.client() as client:
            await client.post("/api/collections", json={"name": "x"})
        async with asyncio.timeout(30):
            for reader, code in zip(readers, found, strict=True):
                if code == 200:
                    await reader.readuntil(b"event: collection")


async def test_at_a_low_limit_of_descriptors_others_are_still_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = tmp_path / "limited"
    limited.write_text(f'#!/bin/sh\nulimit -n 300\nexec {sys.executable} "$@"\n')
    limited.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(limited))
    tree = Tree(tmp_path / "pictures")
    (tree.folder / "big.mp4").write_bytes(b"a" * (24 << 20))
    async with serving(Settings((str(tree.folder),), str(tmp_path / "data"))) as server:
        async with server.client() as client:
            await scanned(client)
        async with clients(server, 400, b"GET / HT"):
            await healthy(server.url, 5)
        async with clients(server, 400, get("/media/big.mp4")):
            await healthy(server.url, 30)


async def healthy(url: str, seconds: float) -> None:
    """Assert that an honest client is answered within `seconds`, and then repeatedly."""
    good = 0
    async with asyncio.timeout(seconds):
        while good < 10:
            try:
                async with httpx.AsyncClient(base_url=url, timeout=5) as client:
                    answer = await client.get("/api/health")
                good = good + 1 if answer.status_code == 200 else 0
            except httpx.TransportError:
                good = 0
            await pause(0.05)
