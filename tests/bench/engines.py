"""Both engines side by side: the same server on SQLite and PostgreSQL, a million memberships.

PostgreSQL comes from the wheel that the tests use, on this machine, over a local socket. It syncs
each commit, as SQLite does here. Run as `scripts/bench --engines`.
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter

from tests.bench import dataset, processes, scans
from tests.bench.client import Connection, Request
from tests.bench.dataset import MEMBERS, SEED
from tests.bench.processes import Server
from tests.bench.table import Row
from tests.support import postgres

HEADINGS = ("what", "PostgreSQL", "SQLite", "ratio", "target", "", "")
REPETITIONS = 60
CLIENTS = 16
SECONDS = 6.0
ONE_CLIENT = 2.5
"""The allowed ratio of PostgreSQL's time to SQLite's, for one client."""

Step = Callable[[int], Request]


def measure(folder: Path, items: int, memberships: int, tell: Callable[[str], None]) -> list[Row]:
    """Return every row; `tell` receives the progress."""
    tell(f"making {items:,} files")
    library = folder / "library"
    paths = dataset.make_library(library, items)
    with ExitStack() as stack:
        (folder / "postgres").mkdir(mode=0o700)
        database = stack.enter_context(postgres.running(folder / "postgres"))
        serve = processes.gallery
        theirs = stack.enter_context(serve(library, folder / "b", "--database", database.url))
        lite = stack.enter_context(serve(library, folder / "a"))
        servers = (theirs, lite)
        ids: list[int] = []
        for server in servers:
            tell(f"scanning, and making {memberships:,} memberships")
            scans.await_rest(server)
            with server.connection() as connection:
                ids = dataset.make_collections(connection, paths, memberships // MEMBERS)
        tell("one client")
        connections = [stack.enter_context(server.connection()) for server in servers]
        rows = [_one_client(what, connections, step) for what, step in _steps(paths, ids)]
        tell(f"{CLIENTS} clients")
        busy = [_throughput(server, paths, ids) for server in servers]
        rows.append(Row(f"{CLIENTS} clients, 9 pages to 1 change", busy[0], "/s", busy[1]))
    return rows


def _steps(paths: Sequence[str], ids: Sequence[int]) -> Iterator[tuple[str, Step]]:
    """Yield the steps of one client with the request of each turn, the same for both engines."""
    draw = random.Random(SEED)
    lists = [draw.sample(paths, 1_000) for _ in range(REPETITIONS)]

    def of(turn: int) -> str:
        return f"/api/collections/{ids[turn * 7 % len(ids)]}"

    def change(method: str, tail: str, size: int) -> Step:
        return lambda turn: Request.with_json(
            method, of(turn) + tail, {"paths": lists[turn % REPETITIONS][:size]}
        )

    lookup = "/api/collections/memberships"
    yield (
        "memberships of 1,000 paths",
        lambda turn: Request.with_json("POST", lookup, {"paths": lists[turn % REPETITIONS]}),
    )
    yield "a collection of 500", lambda turn: Request("GET", of(turn))
    yield "a page of 100", lambda turn: Request("GET", of(turn) + "/items?limit=100")
    yield "304", lambda turn: Request("GET", of(turn), etag="*")
    yield "add one", change("POST", "/items", 1)
    yield "add 500", change("POST", "/items", 500)
    yield "reorder 500", change("PUT", "/order", 500)
    yield "remove 500", change("DELETE", "/items", 500)


def _one_client(what: str, connections: Sequence[Connection], step: Step) -> Row:
    """Measure both servers in turn; return the medians."""
    times: list[list[float]] = [[] for _ in connections]
    for turn in range(REPETITIONS):
        request = step(turn)
        for connection, taken in zip(connections, times, strict=True):
            begun = perf_counter()
            answer = connection.exchange(request)
            taken.append(perf_counter() - begun)
            assert answer.status in (200, 304), (what, answer)
    theirs, lite = (median(taken) * 1000 for taken in times)
    return Row(what, theirs, "ms", lite, ONE_CLIENT)


def _throughput(server: Server, paths: Sequence[str], ids: Sequence[int]) -> float:
    """Return the requests per second that `CLIENTS` concurrent clients get answered."""
    done = [0] * CLIENTS
    until = monotonic() + SECONDS

    def work(number: int) -> None:
        draw = random.Random(number)
        with server.connection() as connection:
            while monotonic() < until:
                address = f"/api/collections/{draw.choice(ids)}/items"
                if draw.random() < 0.1:
                    listed = {"paths": [draw.choice(paths)]}
                    connection.ask(Request.with_json("POST", address, listed))
                else:
                    connection.ask(Request("GET", f"{address}?limit=20"))
                done[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / SECONDS
