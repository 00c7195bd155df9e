"""The SQLite engine: snapshots, durability settings, refusals, events."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gallery.database import sqlite
from gallery.database.engine import Reader, Tx, UniqueViolation
from gallery.database.sqlite import SqliteDatabase, open_sqlite
from gallery.database.upgrades import SCHEMA_VERSION
from gallery.errors import NotAllowed, StartRefused, Unavailable
from gallery.events import Bus, Event, ItemsChanged


async def add(tx: Tx, name: str) -> None:
    await tx.all("INSERT INTO account (name, created_at) VALUES ($1, $2)", name, tx.now)
    tx.after_commit(ItemsChanged(len(name), ()))


async def names(reader: Reader) -> list[str]:
    return [row[0] for row in await reader.all("SELECT name FROM account ORDER BY id")]


async def test_a_reader_sees_one_snapshot_whatever_is_written_meanwhile(
    db: SqliteDatabase,
) -> None:
    async def look_twice(reader: Reader) -> tuple[list[str], list[str]]:
        before = await names(reader)
        await db.write(add, "meanwhile")
        return before, await names(reader)

    assert await db.read(look_twice) == ([], [])
    assert await db.read(names) == ["meanwhile"]


async def test_a_reader_cannot_write(db: SqliteDatabase) -> None:
    async def write(reader: Reader) -> None:
        await reader.all("INSERT INTO account (name, created_at) VALUES ('x', 1)")

    with pytest.raises(Unavailable):
        await db.read(write)
    assert await db.read(names) == []


async def test_a_read_that_takes_too_long_is_ended(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "READ_DEADLINE", 0.05)

    async def endless(reader: Reader) -> None:
        await reader.all(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
        )

    for _ in range(2 * sqlite.READERS):
        with pytest.raises(Unavailable):
            await db.read(endless)
    monkeypatch.undo()
    assert await db.read(names) == [], "the connections are free again"


async def test_cancelled_reads_give_their_connections_back(db: SqliteDatabase) -> None:
    async def wait(_reader: Reader) -> None:
        await asyncio.Event().wait()

    for _ in range(10):
        tasks = [asyncio.create_task(db.read(wait)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await db.read(names) == []


async def test_the_constraint_decides_and_its_refusal_has_a_name(db: SqliteDatabase) -> None:
    await db.write(add, "x")
    with pytest.raises(UniqueViolation):
        await db.write(add, "x")
    await db.write(add, "y")
    assert await db.read(names) == ["x", "y"]


async def test_events_are_told_after_the_commit_and_only_then(tmp_path: Path) -> None:
    bus, heard = Bus(), list[tuple[Event, int]]()

    def count() -> int:
        connection = sqlite3.connect(tmp_path / "x.db")
        try:
            return int(connection.execute("SELECT COUNT(*) FROM account").fetchone()[0])
        finally:
            connection.close()

    bus.listen(lambda event: heard.append((event, count())))
    async with open_sqlite(tmp_path / "x.db", bus) as db:
        await db.write(add, "one")
        with pytest.raises(UniqueViolation):
            await db.write(add, "one")
        await db.write(add, "three")
    assert heard == [(ItemsChanged(3, ()), 1), (ItemsChanged(5, ()), 2)]


async def test_what_is_acknowledged_is_durable(db: SqliteDatabase, tmp_path: Path) -> None:
    async def settings(tx: Tx) -> list[object]:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        return [(await tx.all(f"PRAGMA {name}"))[0][0] for name in pragmas]

    full = 2
    assert await db.write(settings) == ["wal", full, 1]
    assert stat.S_IMODE((tmp_path / "gallery.db").stat().st_mode) == 0o600


async def test_the_clock_is_read_once_a_transaction(tmp_path: Path) -> None:
    ticks = iter(range(100, 200))
    async with open_sqlite(tmp_path / "x.db", Bus(), clock=lambda: next(ticks)) as db:

        async def now_twice(tx: Tx) -> tuple[int, int]:
            first = tx.now
            await tx.all("SELECT 1")
            return first, tx.now

        assert [await db.write(now_twice) for _ in range(2)] == [(100, 100), (101, 101)]


async def test_a_clock_that_is_set_back_stands_still(tmp_path: Path) -> None:
    times = iter([500, 300, 501])
    async with open_sqlite(tmp_path / "x.db", Bus(), clock=lambda: next(times)) as db:

        async def now(tx: Tx) -> int:
            return tx.now

        assert [await db.write(now) for _ in range(3)] == [500, 500, 501]


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    async with open_sqlite(file, Bus()):
        pass
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StartRefused, match="newer gallery"):
        async with open_sqlite(file, Bus()):
            pass
    assert file.read_bytes() == before


@pytest.mark.parametrize("at", [0, 4_096])
async def test_a_damaged_database_is_refused_and_left_alone(tmp_path: Path, at: int) -> None:
    file = tmp_path / "x.db"
    async with open_sqlite(file, Bus()):
        pass
    content = bytearray(file.read_bytes())
    content[at : at + 100] = b"\xaa" * 100
    file.write_bytes(content)
    with pytest.raises(StartRefused):
        async with open_sqlite(file, Bus()):
            pass
    assert file.read_bytes() == content


async def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        async with open_sqlite(tmp_path / f"{number % 2}.db", Bus()) as db:
            await asyncio.gather(*(db.read(names) for _ in range(5)))
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_cancelled_write_runs_to_its_end_and_an_error_leaves_nothing(
    db: SqliteDatabase,
) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await tx.all("INSERT INTO account (name, created_at) VALUES ($1, $2)", "slow", tx.now)
        entered.set()
        await go.wait()

    async def failing(tx: Tx) -> None:
        await tx.all("INSERT INTO account (name, created_at) VALUES ($1, $2)", "bad", tx.now)
        raise NotAllowed("no")

    async def discarding(tx: Tx) -> str:
        await tx.all("INSERT INTO account (name, created_at) VALUES ($1, $2)", "not", tx.now)
        tx.discard()
        return "fine"

    task = asyncio.create_task(db.write(slow))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    with pytest.raises(NotAllowed):
        await db.write(failing)
    assert await db.write(discarding) == "fine"
    assert await db.read(names) == ["slow"]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[SqliteDatabase]:
    async with open_sqlite(tmp_path / "gallery.db", Bus()) as opened:
        yield opened
