"""A disk that fails or hangs while a file is sent."""

import asyncio
import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from gallery.app import Limits
from gallery.domain.library import originals
from gallery.domain.threads import within
from tests.support.collections import make
from tests.support.library import Tree, rescan
from tests.support.waiting import eventually

BIG = 24 << 20
HURRIED = pytest.mark.parametrize("limits", [Limits(read_seconds=0.2)])
"""A limit on the time of a read."""


@pytest.fixture
def big(library: Tree) -> Path:
    file = library.folder / "big.mp4"
    file.write_bytes(b"a" * BIG)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    return file


async def receive(port: int, address: str) -> int:
    """Return the number of bytes received until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    received = 0
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(20):
            while part := await reader.read(65_536):
                received += len(part)
    writer.close()
    return received


async def test_a_read_error_in_the_middle_cuts_the_connection_and_is_one_line(
    port: int,
    library: Tree,
    big: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    big.rename(library.folder / "big\n\x1b.mp4")
    pread = os.pread

    def failing(fd: int, most: int, start: int) -> bytes:
        if start > 4 << 20:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(fd, most, start)

    monkeypatch.setattr(os, "pread", failing)
    assert 0 < await receive(port, "/media/big%0A%1B.mp4") < BIG
    await eventually(lambda: caplog.records)
    [record] = caplog.records
    assert record.exc_info is None
    assert record.getMessage() == (
        "/media/big\\u000a\\u001b.mp4 cannot be read: [Errno 5] Input/output error"
    )


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Make the disk hang after the beginning of each file, until the test ends."""
    released, pread, hung = threading.Event(), os.pread, list[int]()

    def hang(fd: int, most: int, start: int) -> bytes:
        if start > 4 << 20:
            hung.append(start)
            released.wait()
        return pread(fd, most, start)

    monkeypatch.setattr(os, "pread", hang)
    yield hung
    released.set()


@HURRIED
async def test_a_disk_that_hangs_cuts_the_connection(
    hanging: list[int], port: int, client: httpx.AsyncClient, big: Path
) -> None:
    await rescan(client)
    made = await make(client, folderPath="", paths=["big.mp4"])
    for url in ("/media/big.mp4", f"/api/collections/{made['id']}/download"):
        assert 0 < await receive(port, url) < BIG
        async with asyncio.timeout(5):
            assert (await client.get("/api/health")).status_code == 200
    assert len(hanging) == 2


@HURRIED
async def test_a_disk_that_hangs_before_the_first_byte_is_503(
    client: httpx.AsyncClient, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(originals, "open_original", lambda *_given: released.wait())
    answer = await client.get("/media/big.mp4")
    released.set()
    assert (answer.status_code, answer.text) == (503, "The file cannot be read now")
    assert answer.headers["retry-after"]


async def test_threads_that_hang_keep_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    released, limiter = threading.Event(), anyio.CapacityLimiter(2)
    for _ in range(4):
        with pytest.raises(TimeoutError):
            await within(0.05, limiter, released.wait)
    assert limiter.borrowed_tokens == 2
    released.set()
    assert await within(5, limiter, lambda: 7) == 7
    await eventually(lambda: not limiter.borrowed_tokens)


async def test_what_a_left_thread_opens_is_discarded() -> None:
    released, limiter = threading.Event(), anyio.CapacityLimiter(2)
    discarded: list[str] = []

    def slow(name: str) -> str:
        released.wait()
        return name

    with pytest.raises(TimeoutError):
        await within(0.05, limiter, slow, "late", discard=discarded.append)
    caller = asyncio.create_task(within(60, limiter, slow, "cancelled", discard=discarded.append))
    await eventually(lambda: limiter.borrowed_tokens == 2)
    caller.cancel()
    await asyncio.wait({caller})
    assert caller.cancelled()
    assert not discarded
    released.set()
    await eventually(lambda: not limiter.borrowed_tokens)
    assert sorted(discarded) == ["cancelled", "late"]
    assert await within(5, limiter, slow, "taken", discard=discarded.append) == "taken"
    assert len(discarded) == 2
