"""The cost of statements to SQLite on a filled database: the index of each, and a bound."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gallery.database.engine import Reader
from gallery.domain.library import browsing
from gallery.domain.library.browsing import ItemSlice
from gallery.model import Actor
from gallery.store import times
from gallery.store.library import folders, items
from gallery.store.pictures import thumbnails
from gallery.store.sync import files, folder_moves, moves, roots, unread
from gallery.values.criteria import Criteria
from gallery.values.ids import AccountId, FolderId, ItemId, RootId
from gallery.values.times import Millis
from tests.support.filled import TRAP, CountedSession, fill

FOLDERS = 2_000
ITEMS = 10
"""The items in each folder; two of them are missing."""
EVERYTHING = FOLDERS * ITEMS

Ask = Callable[[Reader], Awaitable[object]]
CASES: dict[str, tuple[int, str, Ask]] = {
    "the folders of the library": (
        150 * FOLDERS,
        "i USING COVERING INDEX item_path (path>? AND path<?)",
        lambda reader: folders.inside(reader, "", None, FOLDERS),
    ),
    "a page of these": (
        150 * FOLDERS,
        "i USING COVERING INDEX item_path (path>? AND path<?)",
        lambda reader: folders.inside(reader, "", "f0100", 10),
    ),
    "what is below a folder": (
        1_000,
        "item USING COVERING INDEX item_path (path>? AND path<?)",
        lambda reader: files.present_below(reader, "f0001", 500),
    ),
    "how many these are": (
        1_000,
        "item USING COVERING INDEX item_path (path>? AND path<?)",
        lambda reader: files.count_below(reader, "f0001"),
    ),
    "how many were there lately": (
        1_000,
        "item USING COVERING INDEX item_path (path>? AND path<?)",
        lambda reader: folder_moves.count_left(reader, "f0001", Millis(5)),
    ),
    "which of some items are to be read": (
        2_000,
        "i USING INTEGER PRIMARY KEY (rowid=?)",
        lambda reader: unread.among(reader, map(ItemId, range(64)), Millis(0)),
    ),
    "which of some items are to be drawn": (
        2_000,
        "i USING INTEGER PRIMARY KEY (rowid=?)",
        lambda reader: thumbnails.waiting_among(reader, map(ItemId, range(64))),
    ),
    "what is to be read": (
        10_000,
        "i USING INDEX item_unprobed (root_id=? AND read_tries=? AND id>?)",
        lambda reader: unread.ready(reader, RootId(1), Millis(2**40), ItemId(5_000), 64),
    ),
    "what is to be drawn": (
        1_000,
        "i USING INDEX item_undrawn (root_id=? AND taken_local<?)",
        lambda reader: thumbnails.waiting(reader, RootId(1), (2**40, ItemId(1)), 64),
    ),
    "items by path": (
        10_000,
        "i USING COVERING INDEX item_path (path=?)",
        lambda reader: items.by_paths(reader, [f"f0001/img{n}.jpg" for n in range(10)]),
    ),
    "items at paths": (
        10_000,
        "i USING INDEX item_path (path=? AND missing_since=?)",
        lambda reader: files.present_at(reader, [f"f0001/img{n}.jpg" for n in range(10)]),
    ),
    "items of folders": (
        10_000,
        "i USING INDEX item_folder (folder_id=?)",
        lambda reader: files.in_folders(reader, [FolderId(7), FolderId(8)]),
    ),
    "items that look alike": (
        20_000,
        "i USING INTEGER PRIMARY KEY (rowid=?)",
        lambda reader: moves.lookalikes(reader, map(ItemId, range(64))),
    ),
    "a sample of each root": (
        20_000,
        "s USING COVERING INDEX item_folder (folder_id=? AND missing_since=?)",
        roots.sampled,
    ),
    "the newest time": (
        1_000,
        "i USING COVERING INDEX item_added (missing_since=?)",
        times.newest,
    ),
    "a page of a folder": (
        10_000,
        "i USING INDEX item_folder (folder_id=? AND missing_since=?)",
        lambda reader: browsing.folder(
            reader, "f0001", Criteria(sort="name"), ItemSlice(None, 500, 1), None
        ),
    ),
    "a page of items of a folder": (
        20_000,
        "i USING INTEGER PRIMARY KEY (rowid=?)",
        lambda reader: browsing.page(
            reader, Actor(AccountId(1)), Criteria(folders=["f0001"]), ItemSlice(None, 500, 1)
        ),
    ),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of 20,000 items in 2,000 folders."""
    file = tmp_path_factory.mktemp("filled") / "gallery.db"
    fill(file, [f"f{number:04}" for number in range(FOLDERS)], ITEMS, missing=2)
    return file


@pytest.fixture
def session(filled: Path) -> Iterator[CountedSession]:
    with closing(sqlite3.connect(filled)) as connection:
        yield CountedSession(connection)


@pytest.mark.parametrize("case", CASES)
async def test_a_statement_takes_its_index_and_no_more_work_than_it_must(
    session: CountedSession, case: str
) -> None:
    most, index, ask = CASES[case]
    await ask(Reader(session))
    assert any(index in step for step in session.plans), session.plans
    if case != "the newest time":
        assert not any(TRAP.search(step) for step in session.plans), session.plans
    assert session.steps <= most


async def test_every_order_is_walked_no_further_than_a_page(session: CountedSession) -> None:
    for sort in ("takenAt", "name", "addedAt", "modifiedAt", "size", "rating"):
        session.steps, session.plans = 0, []
        part = ItemSlice(None, 100, 1)
        await browsing.page(Reader(session), Actor(AccountId(1)), Criteria(sort=sort), part)
        assert not any("TEMP B-TREE" in step for step in session.plans), sort
        assert session.steps <= 20_000, sort


async def test_covers_are_the_first_present_items(session: CountedSession) -> None:
    found, following = await folders.inside(Reader(session), "", None, 3)
    assert [(folder.path, folder.item_count) for folder in found] == [
        (f"f000{number}", ITEMS) for number in range(3)
    ]
    assert following == "f0002"
    row = await Reader(session).one("SELECT id FROM item WHERE path = 'f0001/img2.jpg'")
    assert row is not None
    assert f"/{row[0]}/" in str(found[1].cover_url)
