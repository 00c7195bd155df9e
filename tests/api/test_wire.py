"""Connections in every protocol state: none stays open without progress, none is corrupted."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from gallery.api import protocol
from gallery.api.connections import Connections
from gallery.api.requests import bodies
from gallery.app import Limits
from gallery.domain import budget as budgets
from gallery.domain.budget import Budget
from gallery.errors import Unavailable
from gallery.server import HEADERS
from tests.support.collections import make
from tests.support.library import Tree
from tests.support.waiting import eventually, others_have_run
from tests.support.wire import HOST, send, status

HEALTH = b"GET /api/health HTTP/1.1\r\n" + HOST + b"\r\n"
NO_ROUTE = b"POST /nowhere HTTP/1.1\r\n" + HOST
BIG = 48 << 20

TRICKLES: list[tuple[bytes, bytes]] = [
    (b"", b"\r\n"),
    (HEALTH, b"\r\n"),
    (NO_ROUTE + b"Content-Length: 1000000\r\n\r\n", b"x"),
    (NO_ROUTE + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    (NO_ROUTE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    (b"GET /api/health HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n", b"x"),
    (b"POST /api/collections HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n", b" "),
]


@pytest.mark.parametrize(("first", "trickle"), TRICKLES, ids=lambda part: repr(part[:30]))
async def test_no_trickle_keeps_a_connection_open(
    port: int,
    connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
    first: bytes,
    trickle: bytes,
) -> None:
    connections.head_seconds = 0.5
    monkeypatch.setattr(bodies, "STALL_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    ending = asyncio.create_task(reader.read())
    async with asyncio.timeout(20):
        while not ending.done():
            writer.write(trickle)
            await asyncio.wait({ending}, timeout=0.1)
    assert ending.exception() is None or isinstance(ending.exception(), ConnectionError)
    writer.transport.abort()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Return a function that waits until the server has checked its connections twice."""
    count, look = 0, Connections.look

    def counted(self: Connections) -> None:
        nonlocal count
        look(self)
        count += 1

    async def wait() -> None:
        before = count
        await eventually(lambda: count >= before + 2)

    monkeypatch.setattr(Connections, "look", counted)
    return wait


async def test_a_running_answer_is_never_interrupted(
    looked: Callable[[], Awaitable[None]],
    port: int,
    library: Tree,
    connections: Connections,
) -> None:
    """An error in the next request is answered after the running answer, not inside it."""
    connections.head_seconds = 0.1
    (library.folder / "big.mp4").write_bytes(b"a" * BIG)
    get = b"GET /media/big.mp4 HTTP/1.1\r\n" + HOST + b"\r\n"
    for following, expected in (
        (b"GET / HTTP/1.1\r\nX: ", 408),
        (b"\x00\x01\r\n", 400),
        (b"GET /" + b"x" * 9_000, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 50_000, 431),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get + following)
        received = await reader.readuntil(b"\r\n\r\n")
        assert status(received) == 200
        await looked()
        async with asyncio.timeout(60):
            body = await reader.readexactly(BIG)
            assert set(body) == {ord("a")}
            assert status(await reader.read()) == expected
        writer.close()


async def test_refusals_of_the_protocol_carry_the_headers_of_every_answer(port: int) -> None:
    lines = b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 102
    for request in (b"\x00\r\n", b"GET /" + b"x" * 9_000, lines):
        answer = (await send(port, request)).decode().lower()
        for name, value in HEADERS:
            assert f"{name}: {value}\r\n".lower() in answer


@pytest.mark.parametrize("version", ["0.9", "2.0", "1.2", "3.0"])
async def test_other_versions_of_the_protocol_are_refused(port: int, version: str) -> None:
    request = b"GET /api/health HTTP/%b\r\n" % version.encode() + HOST + b"\r\n"
    assert status(await send(port, request)) == 400


async def test_requests_that_wait_for_others_are_few(port: int) -> None:
    many = protocol.MAX_PIPELINED + 1
    answers = await send(port, HEALTH * (many + 500))
    found = [status(b"HTTP/1.1" + answer) for answer in answers.split(b"HTTP/1.1")[1:]]
    assert found == [200] * many + [429]


async def test_idle_connections_make_room_the_oldest_first(
    looked: Callable[[], Awaitable[None]], port: int, connections: Connections
) -> None:
    connections.limit, connections.young_seconds = 10, 0.2
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
    await looked()
    for _ in range(3):
        assert status(await send(port, HEALTH, until_closed=False)) == 200
    closed = [reader for reader, _ in idle if reader.at_eof() or reader.exception()]
    assert 0 < len(closed) < 10, "only as many as needed, the oldest first"
    assert not idle[-1][0].at_eof()
    for _, writer in idle:
        writer.close()


async def test_clients_that_do_not_read_make_room(
    port: int, library: Tree, connections: Connections
) -> None:
    connections.limit = 10
    (library.folder / "big.mp4").write_bytes(b"a" * BIG)
    get = b"GET /media/big.mp4 HTTP/1.1\r\n" + HOST + b"\r\n"
    deaf = [await asyncio.open_connection("127.0.0.1", port, limit=1_000) for _ in range(10)]
    for reader, writer in deaf:
        writer.write(get)
        await reader.readexactly(100)
    refused = await send(port, HEALTH)
    assert status(refused) == 503
    assert b"retry-after" in refused.lower()
    connections.stuck_seconds = 0.1

    async def is_answered() -> bool:
        return status(await send(port, HEALTH, until_closed=False)) == 200

    await eventually(is_answered)
    for _, writer in deaf:
        writer.transport.abort()


@pytest.mark.parametrize("limits", [Limits(max_streams=50)])
async def test_event_streams_take_their_place_before_they_are_answered(
    limits: Limits, port: int, client: httpx.AsyncClient
) -> None:
    places = limits.max_streams
    request = b"GET /api/events HTTP/1.1\r\n" + HOST + b"\r\n"
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(places + 20)]
    for _, writer in opened:
        writer.write(request)
    async with asyncio.timeout(60):
        heads = [await reader.readuntil(b"\r\n\r\n") for reader, _ in opened]
    answered = [status(head) for head in heads]
    assert sorted(answered) == [200] * places + [503] * 20
    await make(client)
    async with asyncio.timeout(60):
        for (reader, _), code in zip(opened, answered, strict=True):
            if code == 200:
                assert await reader.readuntil(b"event: collection")
    for _, writer in opened:
        writer.transport.abort()


async def test_a_budget_is_shared_in_order_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(100, "full")
    one = await budget.take(60)
    waiting = [asyncio.create_task(budget.take(amount)) for amount in (60, 30)]
    await others_have_run()
    assert not any(task.done() for task in waiting), "the second one is not let past the first"
    waiting[0].cancel()
    second = await waiting[1]
    one.give_back()
    one.give_back()
    second.give_back()
    assert budget.used == 0
    with await budget.take(1_000) as whole:
        assert whole.amount == budget.used == 100
        monkeypatch.setattr(budgets, "WAIT_SECONDS", 0.05)
        with pytest.raises(Unavailable):
            await budget.take(1)
    assert budget.used == 0
