"""Which files are read next, and when one is given up; the counts survive a restart."""

import random
from collections.abc import Sequence

import msgspec
import pytest

from gallery.database.engine import Database, Reader, Row, Tx
from gallery.disk.roots import FileSeen
from gallery.domain.library import browsing, reading
from gallery.domain.library.browsing import ItemSlice
from gallery.domain.sync import reconcile
from gallery.domain.sync.plan import Added, FolderFound, Seen
from gallery.model import Actor, Probed
from gallery.store.sync import roots, unread
from gallery.store.sync.unread import Unread
from gallery.values.criteria import Criteria
from gallery.values.file_version import FileVersion
from gallery.values.ids import AccountId, ItemId, RootId
from gallery.values.times import Micros, Millis

MODIFIED_AT = Micros(1_000)
ROOT = RootId(1)
STILL = Millis(1 << 50)
"""Later than every change."""


def file(number: int, *, size: int = 1, sidecar: int = 0, inode: int | None = None) -> FileSeen:
    return FileSeen(f"{number}.jpg", FileVersion(size, MODIFIED_AT), inode or number, sidecar)


@pytest.fixture
async def items(db: Database) -> list[ItemId]:
    """Insert four files that wait to be read; return their ids."""
    await db.write(roots.register, "x", "/nowhere")
    added = [Added("x", file(number)) for number in range(1, 5)]
    await db.write(reconcile.apply, ROOT, "x", [FolderFound("x"), *added], Millis(0))
    return [item.id for item in await db.read(unread.ready, ROOT, STILL, ItemId(0), 9)]


async def tried(db: Database) -> list[tuple[int, int]]:
    return [(item.id, item.tries) for item in await db.read(unread.tried, ROOT, STILL, 9)]


async def ready(db: Database) -> list[int]:
    return [item.id for item in await db.read(unread.ready, ROOT, STILL, ItemId(0), 9)]


async def read_in_full(db: Database) -> tuple[list[int], dict[int, str | None]]:
    """Read as the queue does; files with even ids kill the server.

    Return the ids that were begun, in order, and the final problems.
    """
    begun: list[int] = []
    while True:
        batch = await db.read(unread.ready, ROOT, STILL, ItemId(0), 2)
        batch = batch or (await db.read(unread.tried, ROOT, STILL, 1))
        if not batch:
            return begun, dict(await db.read(problems))
        if reading.is_given_up(batch[0]):
            await db.write(
                reconcile.store_metadata, ROOT, [(batch[0], reading.unreadable(batch[0]))], ()
            )
            continue
        await db.write(unread.begin, [item.id for item in batch])
        begun += [item.id for item in batch]
        if any(item.id % 2 == 0 for item in batch):
            continue  # the server has died, and another one starts
        found = [(item, Probed(taken=reading.unreadable(item).taken)) for item in batch]
        await db.write(reconcile.store_metadata, ROOT, found, ())


async def problems(reader: Reader) -> list[tuple[int, str | None]]:
    return [(row[0], row[1]) for row in await reader.all("SELECT id, problem FROM item")]


async def test_what_ends_the_server_is_given_up_and_the_others_are_read(
    db: Database, items: list[ItemId]
) -> None:
    begun, known = await read_in_full(db)
    assert [begun.count(item) for item in items] == [2, 3, 2, 3]
    assert begun[:4] == items
    assert begun[4] == items[0], "each alone from now on"
    assert known == {id_: None if id_ % 2 else "takes too much memory or time" for id_ in items}


async def test_what_was_tried_comes_last_and_is_not_preferred(
    db: Database, items: list[ItemId]
) -> None:
    await db.write(unread.begin, items[:2])
    await db.write(unread.begin, items[:1])
    assert await ready(db) == items[2:]
    assert await tried(db) == [(items[1], 1), (items[0], 2)]
    among, later = await db.read(unread.among, items, STILL)
    assert ([item.id for item in among], later) == (items[2:], [])
    assert await db.read(unread.among, items, Millis(0)) == ([], items[2:])
    assert await db.read(unread.count, ROOT) == 4


async def test_a_try_that_says_nothing_is_taken_back(db: Database, items: list[ItemId]) -> None:
    await db.write(unread.begin, items[:2])
    await db.write(unread.begin, items[:1])
    await db.write(unread.withdraw, items)
    assert await tried(db) == [(items[0], 1)]
    assert await ready(db) == items[1:]


@pytest.mark.parametrize(
    ("seen", "tries"),
    [
        (file(1, inode=9), 3),  # as after another mount
        (file(1, size=2), 0),
        (file(1, sidecar=7), 0),
    ],
    ids=["same", "changed", "sidecar"],
)
async def test_a_file_is_given_up_until_it_changes(
    db: Database, items: list[ItemId], seen: FileSeen, tries: int
) -> None:
    for _ in range(reading.MAX_TRIES):
        await db.write(unread.begin, items[:1])
    (item,) = await db.read(unread.tried, ROOT, STILL, 9)
    assert reading.is_given_up(item)
    await db.write(reconcile.store_metadata, ROOT, [(item, reading.unreadable(item))], ())
    assert await tried(db) == []
    await db.write(reconcile.apply, ROOT, "x", [Seen(item.id, "x", seen)], Millis(0))
    found = [
        *await db.read(unread.tried, ROOT, STILL, 1),
        *await db.read(unread.ready, ROOT, STILL, ItemId(0), 1),
    ]
    assert [(item.id, item.tries) for item in found][:1] == [(item.id, tries)]


async def test_what_was_read_has_no_tries(db: Database, items: list[ItemId]) -> None:
    await db.write(unread.begin, items)
    await db.write(unread.begin, items[:1])
    version = FileVersion(1, MODIFIED_AT)
    listed = [
        Unread(ItemId(id_), f"x/{number}.jpg", version, 0, 0) for number, id_ in enumerate(items, 1)
    ]
    listed[0] = listed[0]._replace(tries=1)
    await db.write(
        reconcile.store_metadata,
        ROOT,
        [(item, Probed(taken=reading.unreadable(item).taken)) for item in listed],
        (),
    )
    await db.write(forget_reading)
    assert await ready(db) == items


async def forget_reading(tx: Tx) -> None:
    await tx.all("UPDATE item SET probed_at = NULL")


def test_what_was_read_is_stored_in_parts_of_bounded_size() -> None:
    item = Unread(ItemId(1), "x", FileVersion(1, MODIFIED_AT))
    short = reading.unreadable(item)
    long = msgspec.structs.replace(short, keywords=(("x" * 50,) * 9,) * 60)
    read = [(item, short)] * 30 + [(item, long)] * 3 + [(item, short)] * 64
    parts = list(reading.parts(read))
    assert [pair for part in parts for pair in part] == read
    assert [len(part) for part in parts] == [30, 1, 1, 1, 64]
    assert list(reading.parts([])) == []


CHANCE = random.Random(5)
LONGEST = tuple(
    "".join(map(chr, CHANCE.choices(some, k=500)))
    for some in (range(0x1F300, 0x1F5FF), range(0x4E00, 0x9FFF), range(0x3300, 0x3357), (0xFDFA,))
)
"""Keywords of 2,000 and 1,500 bytes, and two with keys many times as long."""


async def test_the_longest_names_fit_into_the_indexes_of_both_engines(
    db: Database, items: list[ItemId]
) -> None:
    (item, *_rest) = await db.read(unread.ready, ROOT, STILL, ItemId(0), 9)
    found = msgspec.structs.replace(
        reading.unreadable(item),
        keywords=tuple((name,) for name in LONGEST),
        camera=LONGEST[0][:255],
        lens=LONGEST[1][:255],
        title="\ufdfa" * 1_000,
        caption="\ufdfa" * 10_000,
    )
    await db.write(reconcile.store_metadata, ROOT, [(item, found)], ())
    known = await db.read(keywords)
    assert known == dict.fromkeys(LONGEST, items[0])
    for name in LONGEST:
        criteria = Criteria(keywords=[name])
        part = await db.read(browsing.page, Actor(AccountId(1)), criteria, ItemSlice(None, 9, 0))
        assert [item.id for item in part.items] == items[:1]


async def keywords(reader: Reader) -> dict[str, int]:
    rows = await reader.all(
        "SELECT l.name, k.item_id FROM label AS l JOIN item_keyword AS k ON k.keyword_id = l.id"
    )
    return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_an_index_holds_what_waits_in_both_orders(db: Database) -> None:
    for plan in await db.read(plans):
        assert len(plan) == 1, plan  # in particular no sorting
        assert plan[0].startswith("SEARCH i USING INDEX item_unprobed"), plan


async def plans(reader: Reader) -> list[list[str]]:
    """Return SQLite's plans of finding the files to read, and those tried before."""
    explaining = Explaining(reader)
    await unread.ready(Reader(explaining), ROOT, STILL, ItemId(0), 9)
    await unread.tried(Reader(explaining), ROOT, STILL, 9)
    return explaining.plans


class Explaining:
    """A session that explains each statement and returns no rows."""

    def __init__(self, reader: Reader) -> None:
        self.plans: list[list[str]] = []
        self._reader = reader

    async def fetch(self, sql: str, args: Sequence[object]) -> Sequence[Row]:
        rows = await self._reader.all(f"EXPLAIN QUERY PLAN {sql}", *args)
        self.plans.append([str(row[-1]) for row in rows])
        return []

    async def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        raise NotImplementedError
