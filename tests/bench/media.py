"""Pictures and originals, compared with other programs on the same files.

Thumbnails are compared with `vipsthumbnail` on the same files, one process per processor. Cached
thumbnails are compared with the calibrator, originals with nginx. If a program is not installed,
its column stays empty.
"""

import os
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import msgspec
from PIL import Image, ImageFilter

from tests.bench import processes, reads
from tests.bench.client import HOST, Connection, Request
from tests.bench.dataset import SEED
from tests.bench.processes import Server
from tests.bench.reads import Case
from tests.bench.table import Row

HEADINGS = ("what", "ours", "beside", "ratio", "target", "", "")
PIXELS = (6_000, 4_000)
CLIENTS = 4
ROUNDS = 3
GIB = 1 << 30
PART = 1 << 20
SEEK_BYTES = 64 << 10
_LONG_AGO = 1_700_000_000
_WARM_UP = 4


def measure(folder: Path, photographs: int, repetitions: int) -> list[Row]:
    library = folder / "photographs"
    make_photographs(library, photographs + _WARM_UP)
    files = sorted(library.iterdir())[_WARM_UP:]
    theirs, mine = [], []
    for number in range(ROUNDS):  # each ends before the server starts its background work
        theirs.append(_vipsthumbnail(folder / f"theirs-{number}", files))
        with processes.gallery(library, folder / f"data-{number}") as server:
            mine.append(_drawn(server, photographs))
    rows = [_row(f"{photographs} thumbnails of 24-megapixel JPEGs", "s", mine, theirs, 1 / 0.8)]
    with (
        processes.gallery(library, folder / "data") as server,
        processes.calibrator() as calibrator,
        server.connection() as ours,
        calibrator.connection() as bare,
    ):
        while not all(item["thumbhash"] for item in _items(ours, photographs)):
            sleep(0.2)
        addresses = [item["thumbnailUrl"] for item in _items(ours, photographs)]
        for address in addresses:
            bare.ask(Request("PUT", address, ours.ask(Request("GET", address)).body))
        again = [Request("GET", address) for address in addresses]
        kept = Case("a thumbnail that was asked for before", 2, again)
        rows.append(reads.measure(kept, ours, bare, repetitions))
    with (
        processes.gallery(library, folder / "data") as server,
        processes.calibrator() as calibrator,
        server.connection() as ours,
        calibrator.connection() as bare,
    ):
        rows.append(_from_disk(ours, bare, again))
    return rows + _originals(folder, repetitions)


def make_photographs(folder: Path, count: int) -> None:
    """Write unique pictures of 24 megapixels, some 5 MB each."""
    folder.mkdir(parents=True)
    noise = Image.effect_noise(PIXELS, 40)
    ramp = Image.radial_gradient("L").resize(PIXELS)
    fractal = Image.effect_mandelbrot(PIXELS, (-2.0, -1.0, 1.0, 1.0), 100)
    picture = Image.merge("RGB", (noise, ramp, fractal)).filter(ImageFilter.GaussianBlur(1.2))
    picture.save(folder / "first.jpg", quality=88)
    content = (folder / "first.jpg").read_bytes()
    (folder / "first.jpg").unlink()
    for number in range(count):
        file = folder / f"IMG_{number:04d}.jpg"
        file.write_bytes(content + b"%d" % number)
        os.utime(file, (_LONG_AGO, _LONG_AGO))


def _vipsthumbnail(target: Path, files: Sequence[Path]) -> float | None:
    """Return the seconds for all files, after a warm-up, with one thread per process."""
    program = shutil.which("vipsthumbnail")
    if program is None:
        return None
    target.mkdir()
    options = ["--size", "256x256", "--eprofile", "srgb"]
    output = f"{target}/%s.webp[Q=80,effort=2,strip]"
    command = [program, *options, "-o", output]
    environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
    subprocess.run([*command, files[0]], check=True, env=environment)
    concurrency = os.cpu_count() or 1
    begun = perf_counter()
    running = [
        subprocess.Popen([*command, *files[hand::concurrency]], env=environment)
        for hand in range(concurrency)
    ]
    assert not any(process.wait() for process in running)
    return perf_counter() - begun


def _drawn(server: Server, count: int) -> float:
    """Return the seconds for all thumbnails, requested over several connections at once."""
    with server.connection() as ours:
        items = _items(ours, count)
    addresses = [f"/api/items/{item['id']}/thumbnail?size=small" for item in items]
    _ask_all(server, addresses[:_WARM_UP])
    begun = perf_counter()
    _ask_all(server, addresses[_WARM_UP:])
    return perf_counter() - begun


def _items(ours: Connection, count: int) -> list[dict[str, Any]]:
    """Return all items as soon as they are listed."""
    while True:
        answer = ours.ask(Request("GET", "/api/items?sort=name"))
        found: list[dict[str, Any]] = msgspec.json.decode(answer.body)["items"]
        if len(found) == count + _WARM_UP:
            return found
        sleep(0.05)


def _ask_all(server: Server, addresses: Sequence[str]) -> None:
    def ask(mine: Sequence[str]) -> None:
        with server.connection() as connection:
            for address in mine:
                connection.ask(Request("GET", address))

    threads = [
        threading.Thread(target=ask, args=(addresses[number::CLIENTS],))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _from_disk(ours: Connection, bare: Connection, requests: Sequence[Request]) -> Row:
    """Measure each thumbnail once, from a server that has just started, and the same bytes."""
    times: tuple[list[float], list[float]] = ([], [])
    ours.ask(Request("GET", "/api/health"))
    for request in requests:
        begun = perf_counter()
        body = ours.ask(request).body
        times[0].append((perf_counter() - begun) * 1000)
        bare.ask(Request("PUT", request.path, body))
        begun = perf_counter()
        bare.ask(request)
        times[1].append((perf_counter() - begun) * 1000)
    return _row("a thumbnail for the first time since the start", "ms", *times, None)


def _originals(folder: Path, repetitions: int) -> list[Row]:
    library = folder / "films"
    library.mkdir()
    with (library / "film.mp4").open("wb") as file:
        file.truncate(GIB)
    with (
        processes.gallery(library, folder / "data-of-films") as server,
        _nginx(folder, library) as other,
    ):
        sides = [(server.port, "/media/film.mp4"), *([(other, "/film.mp4")] if other else [])]
        whole: list[list[float]] = [[] for _side in sides]
        seeks: list[list[float]] = [[] for _side in sides]
        for _ in range(5):
            for (port, path), taken in zip(sides, whole, strict=True):
                taken.append(_read(port, path))
        places = random.Random(SEED)
        for _ in range(repetitions):
            start = places.randrange(GIB - SEEK_BYTES)
            for (port, path), taken in zip(sides, seeks, strict=True):
                taken.append(_read(port, path, start) * 1000)
    return [
        _row("an original of 1 GiB", "s", whole[0], whole[-1], 1 / 0.7),
        _row("64 KiB from somewhere in it", "ms", seeks[0], seeks[-1], None),
    ]


def _row(
    what: str,
    unit: str,
    mine: Sequence[float],
    theirs: Sequence[float | None],
    at_most: float | None,
) -> Row:
    """Return a row of medians, with the other program beside ours if it is installed."""
    beside = [seconds for seconds in theirs if seconds is not None]
    if theirs is mine or not beside:
        return Row(what, median(mine), unit)
    return Row(what, median(mine), unit, median(beside), at_most)


def _read(port: int, path: str, start: int | None = None) -> float:
    """Return the seconds until the file has arrived over a new connection."""
    wanted = GIB if start is None else SEEK_BYTES
    more = "" if start is None else f"Range: bytes={start}-{start + SEEK_BYTES - 1}\r\n"
    buffer = bytearray(PART)
    begun = perf_counter()
    with socket.create_connection((HOST, port)) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{more}Connection: close\r\n\r\n"
        connection.sendall(request.encode())
        got = 0
        while count := connection.recv_into(buffer):
            got += count
    assert got >= wanted
    return perf_counter() - begun


@contextmanager
def _nginx(folder: Path, root: Path) -> Generator[int | None]:
    """Yield the port of nginx with one worker and default settings; None if it is not installed."""
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    with socket.create_server((HOST, 0)) as found:
        port = int(found.getsockname()[1])
    places = "".join(
        f"{kind}_temp_path {folder}/nginx-{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;"
        "events { worker_connections 64; } http { access_log off; sendfile on;"
        f"{places} server {{ listen {HOST}:{port}; root {root}; }} }}"
    )
    folder.chmod(0o755)  # its worker runs as another user if we are root
    with subprocess.Popen([program, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL) as it:
        try:
            sleep(1)
            yield port
        finally:
            it.terminate()
