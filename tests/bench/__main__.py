"""The command of the benchmark, which prints the table. Linux only: it reads /proc."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from tests.bench import (
    dataset,
    machine,
    processes,
    reading,
    reads,
    report,
    scans,
    statements,
    table,
    watching,
    writes,
)
from tests.bench import engines as both_engines
from tests.bench import media as pictures
from tests.bench import million as many
from tests.bench.report import Part, Result
from tests.bench.table import Row

MIB = 1 << 20
PAGE = Path(__file__).parents[2] / "docs/performance.md"
UNIT = 10_000
"""Scan times are shown per this number of files."""


class Size(NamedTuple):
    """The amount of work: items, collections, and repetitions of a read, a change, a scan, …"""

    items: int
    collections: int
    reads: int
    writes: int
    scans: int
    watched: int
    photographs: int


FULL = Size(100_000, 200, 300, 60, 3, 60, 2_000)
QUICK = Size(10_000, 50, 60, 15, 3, 20, 500)


@click.command()
@click.option("--items", type=click.IntRange(2_000), help="Files of the library.")
@click.option("--collections", type=click.IntRange(1), help="Collections, of 500 items each.")
@click.option("--quick", is_flag=True, help="Smaller libraries, and fewer repetitions.")
@click.option(
    "--markdown",
    is_flag=True,
    help="Measure all parts and write docs/performance.md; with one part, print its table.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead.")
@click.option("--engines", is_flag=True, help="PostgreSQL beside SQLite, a million memberships.")
@click.option("--million", is_flag=True, help="Browsing and search, a million items.")
@click.option(
    "--media", is_flag=True, help="Thumbnails beside vipsthumbnail, originals beside nginx."
)
def main(
    *,
    items: int | None,
    collections: int | None,
    quick: bool,
    markdown: bool,
    output: Path | None,
    **chosen: bool,
) -> None:
    """Measure the server beside one without a database, on the disk of TMPDIR."""
    size = QUICK if quick else FULL
    size = size._replace(items=items or size.items, collections=collections or size.collections)
    parts: dict[Part, Callable[[], Result]] = {
        "requests": lambda: _requests(size),
        "million": lambda: _million(items or (100_000 if quick else 1_000_000)),
        "media": lambda: _media(16 if quick else 24, 60 if quick else 300),
        "engines": lambda: _engines(*((10_000, 50_000) if quick else (100_000, 1_000_000))),
    }
    alone = [part for part in parts if chosen.get(part)]
    if markdown and not alone:
        page = report.document({part: measure() for part, measure in parts.items()})
        (output or PAGE).write_text(page, "utf-8")
        return
    for part in alone or ["requests"]:
        result = parts[part]()
        show = table.markdown if markdown else table.plain
        click.echo("\n".join([show(result.rows, result.headings), "", *result.notes]))


def _requests(size: Size) -> Result:
    with tempfile.TemporaryDirectory(prefix="gallery-bench-") as name:
        folder = Path(name)
        rows, synchronised = _measure(folder, size)
        return Result(
            rows, table.HEADINGS, [machine.description(folder), *_notes(size, synchronised)]
        )


def _engines(items: int, memberships: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="gallery-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as another user if we are root
        rows = both_engines.measure(folder, items, memberships, _tell)
        where = machine.description(folder)
    return Result(
        rows, both_engines.HEADINGS, [where, f"{items:,} items, {memberships:,} memberships"]
    )


def _million(items: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="gallery-bench-") as name:
        folder = Path(name)
        library, data = folder / "library", folder / "data"
        library.mkdir()
        data.mkdir()
        _tell(f"making {items:,} rows")
        words = many.make(data / "gallery.db", library, items)
        _tell("asking")
        with (
            processes.gallery(library, data) as server,
            processes.calibrator() as other,
            server.connection() as ours,
            other.connection() as calibrator,
        ):
            rows = many.measure(ours, calibrator, server, words)
        where = machine.description(folder)
    return Result(rows, table.HEADINGS, [where, f"{items:,} items, first pages of {many.FIRST}"])


def _media(photographs: int, repetitions: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="gallery-bench-") as name:
        folder = Path(name)
        _tell("thumbnails and originals")
        rows = pictures.measure(folder, photographs, repetitions)
        where = machine.description(folder)
    runs = f"medians; {photographs} photographs in each of {pictures.ROUNDS} rounds"
    return Result(rows, pictures.HEADINGS, [where, f"{runs}, an original read five times"])


def _notes(size: Size, synchronised: float) -> tuple[str, ...]:
    """Return the notes below the table; `synchronised` in ms."""
    what = f"{size.items:,} items, {size.collections} collections of {dataset.MEMBERS}"
    bare = "uvicorn, httptools and uvloop that echo the same body or send the same bytes"
    alone = f"to append 4 KiB and fdatasync alone takes {synchronised:.2f} ms"
    return (
        f"{what}; medians of {size.reads} reads a side, {size.writes} changes, {size.scans} scans",
        f"Calibrator: {bare}; for scans a bare os.scandir and stat walk in one thread",
        f"A change is on the disk when it is acknowledged; {alone}",
        "SQL: statements, without the BEGIN and COMMIT around each operation",
    )


def _measure(folder: Path, size: Size) -> tuple[list[Row], float]:
    """Return every row, and the duration of a synchronised write in ms."""
    _tell(f"making {size.items:,} files")
    library = folder / "library"
    paths = dataset.make_library(library, size.items)
    _tell("scanning")
    idle = _memory_at_rest(folder)
    firsts = []
    for number in range(size.scans - 1):
        with processes.gallery(library, folder / f"data-{number}") as server:
            firsts.append(scans.first(server, size.items))
    with processes.gallery(library, folder / "data") as server, processes.calibrator() as other:
        firsts.append(scans.first(server, size.items))
        _tell("waiting until every file is read")
        scans.await_rest(server)
        walks, agains = [], []
        for _ in range(size.scans):
            walks.append(scans.walk(library))
            agains.append(scans.again(server))
        with server.connection() as ours, other.connection() as calibrator:
            _tell(f"making {size.collections} collections")
            ids = dataset.make_collections(ours, paths, size.collections)
            cases = reads.cases(ours, calibrator, paths, ids, size.reads)
            rows = []
            for case in cases:
                _tell(case.what)
                rows.append(reads.measure(case, ours, calibrator, size.reads))
            _tell("changes")
            scratch = folder / "synchronised"
            changed, synchronised = writes.measure(ours, paths, scratch, size.writes)
            _tell("watching")
            seen = watching.visible(server, library, size.watched)
    _tell("a copy into a big folder")
    storm = watching.storm(folder, size.items, size.items // 10)
    _tell("reading photographs")
    read = _reading(folder, size.photographs)
    _tell("counting statements")
    counted = asyncio.run(statements.count(folder / "small", cases))
    rows = [row._replace(statements=counted[row.what]) for row in (*rows, *changed)]
    rows += _scan_rows(size.items, firsts, agains, median(walks), idle)
    rows += _watching_rows(size.items, seen, storm)
    rows += read
    return rows, synchronised


def _scan_rows(
    items: int, firsts: Sequence[scans.FirstScan], agains: Sequence[float], walk: float, idle: int
) -> list[Row]:
    per_unit = UNIT / items
    first = median(scan.seconds for scan in firsts)
    slowest = max(scan.slowest_health for scan in firsts)
    grown = max(scan.peak_memory for scan in firsts) - idle
    bare = walk * per_unit
    return [
        Row(f"first scan, per {UNIT:,} files", first * per_unit, "s", bare),
        Row(
            f"scan of the unchanged tree, per {UNIT:,} files",
            median(agains) * per_unit,
            "s",
            bare,
            1.5,
        ),
        Row("slowest GET /api/health during a first scan", slowest * 1000, "ms", None, 100),
        Row("memory that a first scan adds, at its peak", grown / MIB, "MiB"),
    ]


def _reading(folder: Path, count: int) -> list[Row]:
    library = folder / "photographs"
    reading.make_photographs(library, count)
    bare = min(reading.bare(library) for _ in range(3))
    with processes.gallery(folder / "empty", folder / "data-of-nothing") as server:
        scans.await_rest(server)
        idle = reading.spent(server)
    with processes.gallery(library, folder / "data-of-photographs") as server:
        ours, elapsed = reading.ours(server, count, idle)
    unit = 1_000 / count
    what = "1,000 photographs, indexed and read"
    return [
        Row(f"{what}: seconds of a processor", ours * unit, "s", bare * unit, 2),
        Row(f"{what}: by the clock", elapsed * unit, "s"),
    ]


def _watching_rows(items: int, seen: Mapping[str, float], storm: watching.Storm) -> list[Row]:
    copied = f"{items // 10:,} files copied into a folder of {items:,}"
    return [
        *(
            Row(f"until a {kind} shows, 95 of 100", seconds * 1000, "ms", None, 300)
            for kind, seconds in seen.items()
        ),
        Row(f"{copied}: until all show", storm.until_equal, "s"),
        Row("meanwhile: slowest GET /api/health", storm.slowest_health * 1000, "ms", None, 100),
        Row("meanwhile: add one, 95 of 100", storm.additions * 1000, "ms", None, 50),
    ]


def _memory_at_rest(folder: Path) -> int:
    """Return the peak memory in bytes of a server with an empty library."""
    empty = folder / "empty"
    empty.mkdir()
    with processes.gallery(empty, folder / "data-of-empty") as server:
        return scans.first(server, 0).peak_memory


def _tell(text: str) -> None:
    """Print progress to standard error; only the table goes to standard output."""
    click.echo(f"{text} …", err=True)


if __name__ == "__main__":
    main()
