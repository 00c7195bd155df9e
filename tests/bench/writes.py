"""Changes of a collection: the time until they are acknowledged, which means durable.

There is no comparison, because the calibrator stores nothing. The time of one synchronised write to
the disk is reported beside them, because each change waits for one.
"""

import os
import random
from collections.abc import Generator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.bench.client import Connection, Request
from tests.bench.dataset import MEMBERS, SEED, create_request, created
from tests.bench.table import Row

CREATE = f"create with {MEMBERS}"
PAGE_OF_DATABASE = bytes(4096)


def changes(id_: int, paths: Sequence[str]) -> Generator[tuple[str, Request]]:
    """Yield the changes of a collection made of the first 500 paths, in this order."""
    address = f"/api/collections/{id_}"
    present, new, one = paths[:MEMBERS], paths[MEMBERS : 2 * MEMBERS], paths[2 * MEMBERS :]
    for what, method, where, listed in (
        ("add one", "POST", "items", one),
        (f"add {MEMBERS}", "POST", "items", new),
        (f"reorder {MEMBERS}", "PUT", "order", present[::-1]),
        (f"remove {MEMBERS}", "DELETE", "items", new),
    ):
        yield what, Request.with_json(method, f"{address}/{where}", {"paths": listed})


def sample(draw: random.Random, paths: Sequence[str]) -> list[str]:
    """Return the paths of one round of changes, in random order."""
    return draw.sample(paths, 2 * MEMBERS + 1)


def measure(
    ours: Connection, paths: Sequence[str], scratch: Path, rounds: int
) -> tuple[list[Row], float]:
    """Return the median of each change over all rounds, and of a synchronised write, in ms."""
    draw = random.Random(SEED)
    times: dict[str, list[float]] = {}
    synchronised = []
    for number in range(rounds):
        chosen = sample(draw, paths)
        made = create_request(f"Scratch {number}", chosen[:MEMBERS])
        begun = perf_counter()
        answer = ours.exchange(made)
        times.setdefault(CREATE, []).append(perf_counter() - begun)
        assert answer.status == 201, answer
        id_ = created(answer.header("location"))
        for what, request in changes(id_, chosen):
            begun = perf_counter()
            answer = ours.exchange(request)
            times.setdefault(what, []).append(perf_counter() - begun)
            assert answer.status == 200, answer
        ours.ask(Request("DELETE", f"/api/collections/{id_}"))
        synchronised.append(_synchronised_write(scratch))
    rows = [Row(what, median(taken) * 1000, "ms") for what, taken in times.items()]
    return rows, median(synchronised) * 1000


def _synchronised_write(file: Path) -> float:
    """Return the seconds to append one page to a file and sync it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        begun = perf_counter()
        os.write(descriptor, PAGE_OF_DATABASE)
        os.fdatasync(descriptor)
        return perf_counter() - begun
    finally:
        os.close(descriptor)
