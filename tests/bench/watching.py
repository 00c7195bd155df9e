"""The delay until the index shows changes on the disk, and the latency meanwhile."""

import os
import random
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from time import perf_counter, sleep
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from tests.bench import processes, scans
from tests.bench.client import Connection, Request
from tests.bench.dataset import SEED, create_request, created
from tests.bench.processes import Server

PAUSE_SECONDS = 0.15
"""A pause between two changes, so that each is seen separately."""
MOST_SECONDS = 10.0
POLL_SECONDS = 0.002
FOLDER = "2025/all in one"


class Storm(NamedTuple):
    """A copy of many files into a big folder, in seconds.

    It holds the time from the end of the copy until the index is equal, the slowest answer of `GET
    /api/health`, and the 95th percentile of additions to a collection meanwhile.
    """

    until_equal: float
    slowest_health: float
    additions: float


def visible(server: Server, library: Path, times: int) -> dict[str, float]:
    """Return the 95th percentile, per kind of change, of the seconds until the API shows it."""
    folder = library / "watched"
    folder.mkdir()
    taken: dict[str, list[float]] = {"write": [], "rename": [], "delete": []}
    with server.connection() as ours:
        for number in range(times):
            one, other = (f"watched/{kind}{number}.gif" for kind in "ab")
            sleep(PAUSE_SECONDS)
            (library / one).write_bytes(b"GIF89a")
            taken["write"].append(_until(ours, one, is_there=True))
            sleep(PAUSE_SECONDS)
            (library / one).rename(library / other)
            taken["rename"].append(_until(ours, other, is_there=True))
            sleep(PAUSE_SECONDS)
            (library / other).unlink()
            taken["delete"].append(_until(ours, other, is_there=False))
    return {kind: quantiles(seconds, n=20)[-1] for kind, seconds in taken.items()}


def _until(ours: Connection, path: str, *, is_there: bool) -> float:
    request = Request("GET", f"/api/items?path={quote(path)}")
    begun = perf_counter()
    while perf_counter() - begun < MOST_SECONDS:
        found = msgspec.json.decode(ours.ask(request).body)["items"]
        if bool(found and not found[0]["missing"]) == is_there:
            return perf_counter() - begun
        sleep(POLL_SECONDS)
    raise TimeoutError(f"{path} is not as it is on the disk")


def storm(folder: Path, items: int, copied: int) -> Storm:
    """Copy `copied` files into a folder of `items` files while collections are changed."""
    library, aside = folder / "flat", folder / "aside"
    paths = [_make(library / FOLDER, f"old{number}") for number in range(items)]
    for number in range(copied):
        _make(aside, f"new{number}")
    with processes.gallery(library, folder / "data-of-flat") as server:
        scans.first(server, items)
        scans.await_rest(server)
        additions: list[float] = []
        ended = threading.Event()
        people = threading.Thread(target=_people, args=(server, paths, additions, ended))
        with scans.probed(server) as answers:
            people.start()
            subprocess.run(["cp", "-r", f"{aside}/.", library / FOLDER], check=True)
            begun = perf_counter()
            with server.connection() as ours:
                while scans.item_count(ours) < items + copied:
                    sleep(POLL_SECONDS)
            taken = perf_counter() - begun
            ended.set()
            people.join()
        return Storm(taken, max(answers), quantiles(additions, n=20)[-1])


def _make(folder: Path, name: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.gif").open("wb") as file:
        file.write(name.encode())
        os.utime(file.fileno(), (1_700_000_000, 1_700_000_000))
    return f"{FOLDER}/{name}.gif"


def _people(
    server: Server, paths: Sequence[str], additions: list[float], ended: threading.Event
) -> None:
    """Add a picture to a collection every 20 ms."""
    draw = random.Random(SEED)
    with server.connection() as ours:
        made = create_request("While it is copied", paths[:1])
        id_ = created(ours.ask(made, 201).header("location"))
        while not ended.wait(0.02):
            wish = {"paths": [draw.choice(paths)]}
            begun = perf_counter()
            ours.ask(Request.with_json("POST", f"/api/collections/{id_}/items", wish))
            additions.append(perf_counter() - begun)
