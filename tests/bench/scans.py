"""Scans of a new library and of an unchanged one, compared with a bare walk.

The first scan is timed as people experience it: worker processes read each file as soon as it is
listed. The scan has ended when `lastScan` appears.
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
"""Frequent polling would distort the measurement."""
PROBE_SECONDS = 0.002
QUIET_SECONDS = 0.5
"""The progress is null between a scan and the reading, but never for this long."""

_STATE = Request("GET", "/api/library")


class Root(msgspec.Struct, rename="camel"):
    """The fields of a root in `GET /api/library`."""

    last_scan: str | None
    progress: dict[str, object] | None
    item_count: int


class Library(msgspec.Struct):
    """The answer to `GET /api/library`."""

    roots: list[Root]


class FirstScan(NamedTuple):
    """A first scan, the slowest answer meanwhile in seconds, and the peak memory in bytes."""

    seconds: float
    slowest_health: float
    peak_memory: int


def first(server: Server, items: int) -> FirstScan:
    """Measure the first scan, which began a few milliseconds before the server was ready."""
    begun = perf_counter()
    with server.connection() as ours, probed(server) as answers:
        while (root := _root(ours)).last_scan is None:
            _wait(begun)
        taken = perf_counter() - begun
    assert root.item_count == items
    return FirstScan(taken, max(answers), server.peak_memory())


def again(server: Server) -> float:
    """Return the seconds of a scan of the unchanged tree."""
    with server.connection() as ours:
        begun = perf_counter()
        ours.ask(Request("POST", "/api/library/scan"), 202)
        while _root(ours).progress is not None:
            _wait(begun)
        return perf_counter() - begun


def await_rest(server: Server) -> None:
    """Wait until every file has been read: reading would distort the next measurement."""
    begun = quiet_since = perf_counter()
    with server.connection() as ours:
        while perf_counter() - quiet_since < QUIET_SECONDS:
            _wait(begun)
            if _root(ours).progress is not None:
                quiet_since = perf_counter()


def walk(folder: Path) -> float:
    """Return the seconds of a bare walk that lists and stats every entry."""
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
    """Measure each `GET /api/health` while the block runs, over a connection of its own.

    The request needs nothing but the event loop, so it shows how long that is blocked.
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
    """Return the number of files in the index."""
    return _root(ours).item_count


def _root(ours: Connection) -> Root:
    (root,) = msgspec.json.decode(ours.ask(_STATE).body, type=Library).roots
    return root


def _wait(begun: float) -> None:
    if perf_counter() - begun > MOST_SECONDS:
        raise TimeoutError("The server is not done with the library")
    sleep(POLL_SECONDS)
