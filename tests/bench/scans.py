"""Scans: of a library that nobody knows yet and of the unchanged one, beside a bare walk.

The first scan is timed as people meet it: each file is read as well, as soon as it is listed, by
worker processes beside the scan. The scan has ended when `lastScan` appears.
"""

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import msgspec

from tests.bench.client import Connection, Request
from tests.bench.processes import Server

MOST_SECONDS = 300.0
POLL_SECONDS = 0.02
"""Oftener, and what is measured would be the asking."""
PROBE_SECONDS = 0.002
QUIET_SECONDS = 0.5
"""Between a scan and the reading the progress is null for a moment, but never for this long."""

_STATE = Request("GET", "/api/library")


class Root(msgspec.Struct, rename="camel"):
    """What `GET /api/library` says of the root."""

    last_scan: str | None
    progress: dict[str, object] | None
    item_count: int


class Library(msgspec.Struct):
    """The answer to `GET /api/library`."""

    roots: list[Root]


class FirstScan(NamedTuple):
    """A first scan and the slowest answer meanwhile in seconds; the most memory in bytes."""

    seconds: float
    slowest_health: float
    peak_memory: int


def first(server: Server, items: int) -> FirstScan:
    """Follows the scan that the server began a few milliseconds before it said that it serves."""
    begun = perf_counter()
    with server.connection() as ours, probed(server) as answers:
        while (root := _root(ours)).last_scan is None:
            _wait(begun)
        taken = perf_counter() - begun
    assert root.item_count == items
    return FirstScan(taken, max(answers), server.peak_memory())


def again(server: Server) -> float:
    """Seconds of a scan of the unchanged tree."""
    with server.connection() as ours:
        begun = perf_counter()
        ours.ask(Request("POST", "/api/library/scan"), 202)
        while _root(ours).progress is not None:
            _wait(begun)
        return perf_counter() - begun


def await_rest(server: Server) -> None:
    """Waits until every file has been read: reading would disturb whatever is timed next."""
    begun = quiet_since = perf_counter()
    with server.connection() as ours:
        while perf_counter() - quiet_since < QUIET_SECONDS:
            _wait(begun)
            if _root(ours).progress is not None:
                quiet_since = perf_counter()


def walk(folder: Path) -> float:
    """Seconds of a bare walk: every entry listed and looked at, nothing kept."""
    begun = perf_counter()
    pending = [os.fspath(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
    return perf_counter() - begun


@contextmanager
def probed(server: Server) -> Generator[list[float]]:
    """How long each `GET /api/health` took while the block ran, asked on a connection of its own.

    Whoever blocks the event loop shows here, because health itself asks for nothing.
    """
    answers: list[float] = []
    ended = threading.Event()
    request = Request("GET", "/api/health")

    def probe() -> None:
        with server.connection() as connection:
            while not (answers and ended.wait(PROBE_SECONDS)):
                begun = perf_counter()
                connection.exchange(request)
                answers.append(perf_counter() - begun)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()


def item_count(ours: Connection) -> int:
    """How many files the index knows to be there."""
    return _root(ours).item_count


def _root(ours: Connection) -> Root:
    (root,) = msgspec.json.decode(ours.ask(_STATE).body, type=Library).roots
    return root


def _wait(begun: float) -> None:
    if perf_counter() - begun > MOST_SECONDS:
        raise TimeoutError("The server is not done with the library")
    sleep(POLL_SECONDS)
