"""The SQLite engine: snapshots, durability settings, refusals, events."""

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest

from gallery.database import integrity, sqlite
from gallery.database.engine import Reader, SteadyClock, Tx, UniqueViolation
from gallery.database.sqlite import SqliteDatabase, open_sqlite
from gallery.database.sqlite_connections import translated
from gallery.database.sqlite_file import APPLICATION_ID
from gallery.database.upgrades import SCHEMA_VERSION
from gallery.errors import NotAllowed, StartRefused, Unavailable
from gallery.events import Bus, Event, ItemsChanged
from gallery.values.ids import RootId
from tests.support.waiting import eventually, eventually_in_thread, others_have_run


async def add(tx: Tx, name: str) -> None:
    await tx.all("INSERT INTO account (name, created_at) VALUES ($1, $2)", name, tx.now)
    tx.after_commit(ItemsChanged(RootId(len(name)), ()))


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


async def test_a_reader_gives_one_value_a_count_a_column_or_pairs(db: SqliteDatabase) -> None:
    async def look(reader: Reader) -> tuple[object, ...]:
        return (
            await reader.value("SELECT name FROM account ORDER BY id"),
            await reader.count("SELECT COUNT(*) FROM account"),
            await reader.column("SELECT name FROM account ORDER BY id"),
            await reader.pairs("SELECT id, name FROM account ORDER BY id"),
        )

    assert await db.read(look) == (None, 0, [], [])
    await db.write(add, "one")
    await db.write(add, "two")
    assert await db.read(look) == ("one", 2, ["one", "two"], [(1, "one"), (2, "two")])

    async def two_columns(reader: Reader) -> object:
        return await reader.value("SELECT id, name FROM account")

    with pytest.raises(ValueError, match="unpack"):
        await db.read(two_columns)


async def test_a_reader_cannot_write(db: SqliteDatabase) -> None:
    async def write(reader: Reader) -> None:
        await reader.all("INSERT INTO account (name, created_at) VALUES ('x', 1)")

    with pytest.raises(Unavailable):
        await db.read(write)
    assert await db.read(names) == []


async def test_a_read_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async def endless(reader: Reader) -> None:
        await reader.all(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
        )

    async with open_sqlite(tmp_path / "x.db", Bus(), read_seconds=0.5) as db:
        for _ in range(2 * sqlite.READERS):
            with pytest.raises(Unavailable):
                await db.read(endless)
        assert await db.read(names) == [], "the connections are free again"


async def test_cancelled_reads_give_their_connections_back(db: SqliteDatabase) -> None:
    async def wait(_reader: Reader) -> None:
        await asyncio.Event().wait()

    for _ in range(10):
        tasks = [asyncio.create_task(db.read(wait)) for _ in range(5)]
        await others_have_run()
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
    assert heard == [(ItemsChanged(RootId(3), ()), 1), (ItemsChanged(RootId(5), ()), 2)]


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


def test_a_clock_that_is_set_back_goes_on_at_half_its_pace_until_the_real_time_is_there() -> None:
    real, elapsed = 500, 0
    clock = SteadyClock(lambda: real, lambda: elapsed * 1_000_000)
    assert clock() == 500
    real = 300
    assert clock() == 500
    given = []
    for _ in range(5):
        real, elapsed = real + 100, elapsed + 100
        given.append(clock())
    assert given == [550, 600, 600, 700, 800]


def test_a_clock_begins_with_the_newest_time_that_is_stored() -> None:
    elapsed = 0
    clock = SteadyClock(lambda: 1_000, lambda: elapsed * 1_000_000)
    clock.set_newest(4_070_908_800_000)
    assert clock() == 4_070_908_800_000, "2099 was stored once"
    elapsed += 4_000
    assert clock() == 4_070_908_802_000, "and two seconds pass in four"
    clock.set_newest(7)
    assert clock() == 4_070_908_802_000


async def spoil(tx: Tx) -> None:
    await tx.all(
        "INSERT INTO account (name, created_at) VALUES (CAST(X'61ff62' AS TEXT), 7), ('whole', 8)"
    )


async def test_a_text_that_is_no_utf_8_is_shown_as_far_as_it_can_be(db: SqliteDatabase) -> None:
    await db.write(spoil)
    for _ in range(3 * sqlite.READERS):
        assert await db.read(names) == ["a\ufffdb", "whole"]
    await db.write(add, "later")
    for _ in range(3 * sqlite.READERS):
        assert await db.read(names) == ["a\ufffdb", "whole", "later"], "no snapshot was left open"


async def test_a_statement_that_changes_something_is_not_run_twice_for_such_a_text(
    db: SqliteDatabase,
) -> None:
    await db.write(spoil)

    async def change(tx: Tx) -> None:
        await tx.all("UPDATE account SET created_at = created_at + 1 RETURNING name")

    async def times(reader: Reader) -> list[int]:
        return [row[0] for row in await reader.all("SELECT created_at FROM account ORDER BY id")]

    with pytest.raises(Unavailable):
        await db.write(change)
    assert await db.read(times) == [7, 8]
    await db.write(add, "later")


async def test_connections_that_have_met_damage_are_replaced(
    db: SqliteDatabase, tmp_path: Path
) -> None:
    """One page of the file is damaged while the server runs, and is repaired later."""
    await db.write(add, "x" * 100_000)
    with closing(sqlite3.connect(tmp_path / "gallery.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = tmp_path / "gallery.db"
    whole = file.read_bytes()
    await db.write(add, "another generation")  # this empties the page caches
    pages = [whole[at : at + 4_096] for at in range(0, len(whole), 4_096)]
    with file.open("r+b") as damaged:
        damaged.writelines(b"\xaa" * 4_096 if b"x" * 99 in page else page for page in pages)
    for _ in range(2 * sqlite.READERS):
        with pytest.raises(Unavailable):
            await db.read(names)
    with file.open("r+b") as mended:
        mended.write(whole)
    for _ in range(2 * sqlite.READERS):
        assert len(await db.read(names)) == 2


@pytest.mark.parametrize("gone", ["gallery.db", "gallery.db-wal", "data"])
async def test_a_file_that_is_not_in_its_place_takes_no_writes(tmp_path: Path, gone: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    place = data if gone == "data" else data / gone
    async with open_sqlite(data / "gallery.db", Bus()) as db:
        await db.write(add, "before")
        place.rename(tmp_path / "aside")
        for _ in range(2):
            with pytest.raises(Unavailable, match="not in its place"):
                await db.write(add, "lost")
        assert await db.read(names) == ["before"]
        assert len(db.problems) == 1
        (tmp_path / "aside").rename(place)
        await db.write(add, "after")
        assert db.problems == []
        place.rename(tmp_path / "aside")
        if gone == "data":
            data.mkdir()
        place.touch() if gone != "data" else (data / "gallery.db").touch()
        with pytest.raises(Unavailable, match="not in its place"):
            await db.write(add, "lost in another file")


@pytest.mark.parametrize(
    ("statement", "is_ours"),
    [
        ("CREATE TABLE bookmark (id INTEGER)", False),
        ("PRAGMA user_version = 3", False),
        ("PRAGMA application_id = 252006674", False),
        ("PRAGMA page_size = 8192; VACUUM", True),
    ],
)
async def test_a_file_of_another_program_is_refused_and_left_alone(
    tmp_path: Path, statement: str, *, is_ours: bool
) -> None:
    file = tmp_path / "x.db"
    with closing(sqlite3.connect(file)) as other:
        other.executescript(statement)
    before = file.read_bytes()
    if is_ours:
        async with open_sqlite(file, Bus()) as db:
            await db.write(add, "x")
        return
    with pytest.raises(StartRefused, match="another program"):
        async with open_sqlite(file, Bus()):
            pass
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.db"]


async def test_a_file_from_before_the_application_id_gets_one(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    for _ in range(2):
        async with open_sqlite(file, Bus()):
            pass
        with closing(sqlite3.connect(file)) as other:
            assert other.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
            other.execute("PRAGMA application_id = 0")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("SQLITE_PROTOCOL", "busy"),
        ("SQLITE_BUSY_SNAPSHOT", "busy"),
        ("SQLITE_NOMEM", "busy"),
        ("SQLITE_FULL", "writes"),
        ("SQLITE_READONLY_DBMOVED", "writes"),
        ("SQLITE_IOERR_SHORT_READ", "reached"),
        ("SQLITE_CORRUPT_INDEX", "reached"),
        ("SQLITE_NOTADB", "reached"),
        ("SQLITE_FORMAT", "reached"),
    ],
)
def test_what_the_world_does_to_a_database_is_no_mistake_of_ours(name: str, meaning: str) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorname = name
    assert meaning in str(translated(error))
    assert isinstance(translated(error), Unavailable)


@pytest.mark.parametrize("name", ["", "SQLITE_ERROR", "SQLITE_MISUSE", "SQLITE_CONSTRAINT_CHECK"])
def test_a_mistake_of_ours_stays_one(name: str) -> None:
    error = sqlite3.OperationalError("no such column")
    if name:
        error.sqlite_errorname = name
    assert translated(error) is error


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


async def test_damage_that_a_quick_check_misses_is_found_in_the_background(tmp_path: Path) -> None:
    """An index contains another name than the row."""
    file = tmp_path / "x.db"
    async with open_sqlite(file, Bus()) as db:
        await db.write(add, "beach")
    content = bytearray(file.read_bytes())
    at = content.index(b"beach")
    content[at : at + 5] = b"peach"
    file.write_bytes(content)
    async with open_sqlite(file, Bus(), check_after=0) as db:
        await eventually(lambda: db.problems)
        assert "damaged" in db.problems[0]
        assert "account" in db.problems[0]


async def test_a_sound_database_has_no_problems(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "x.db", Bus()) as db:
        await db.write(add, "x")
        assert await integrity.find_problems((tmp_path / "x.db").as_uri()) == []


def test_a_check_that_is_cancelled_at_any_moment_leaves_no_thread_behind(tmp_path: Path) -> None:
    """A thread that reports to a closed event loop would fail this test."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("CREATE TABLE x (y)")

    async def cancel_after(turns: int) -> None:
        checking = asyncio.create_task(integrity.find_problems((tmp_path / "x.db").as_uri()))
        for _ in range(turns):
            await others_have_run()
        checking.cancel()
        await asyncio.wait({checking})

    threads = set(threading.enumerate())
    for turns in range(20):
        asyncio.run(cancel_after(turns))
    eventually_in_thread(lambda: set(threading.enumerate()) <= threads)
