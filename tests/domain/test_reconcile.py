"""The plan: pure, so its tests are tables and properties; and applying it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.database.engine import Database, Reader
from gallery.disk.roots import FileSeen
from gallery.disk.walk import Listing
from gallery.domain import reconcile
from gallery.domain.reconcile import Added, FolderFound, FolderGone, Gone, KnownFolder, Seen, plan
from gallery.store import roots
from gallery.store.items import Known

names = st.sampled_from(["a.jpg", "b.jpg", "c.mp4", "é.png"])
a_file = st.builds(
    FileSeen, names, st.integers(0, 2), st.integers(0, 2), st.just(1), st.integers(0, 2)
)
some_files = st.lists(a_file, unique_by=lambda file: file.name)
some_folders = st.lists(st.sampled_from(["x/d", "x/e", "x/f"]), unique=True)
a_listing = st.builds(Listing, st.just("x"), some_files, some_folders)


def seen(name: str, size: int = 1, modified_at: int = 1, inode: int = 1) -> FileSeen:
    return FileSeen(name, size, modified_at, 1, inode)


def known(id_: int, file: FileSeen, missing_since: int = 0) -> Known:
    return Known(id_, 1, file.name, file.size, file.modified_at, file.inode, missing_since)


A, B = seen("a.jpg"), seen("b.jpg")


@pytest.mark.parametrize(
    ("files", "before", "expected"),
    [
        ([A], [], [Added("x", A)]),
        ([A], [known(1, A)], []),
        ([], [known(1, A)], [Gone(1, "x/a.jpg")]),
        ([], [known(1, A, 5)], []),
        ([A], [known(1, A, 5)], [Seen(1, A)]),
        ([seen("a.jpg", size=2)], [known(1, A)], [Seen(1, seen("a.jpg", size=2))]),
        ([seen("a.jpg", inode=2)], [known(1, A)], [Seen(1, seen("a.jpg", inode=2))]),
        ([A._replace(device=9)], [known(1, A)], []),
        ([A], [known(1, A, 5), known(2, A, 7)], [Seen(2, A)]),
        ([A], [known(1, A, 5), known(2, A)], []),
        ([], [known(1, A, 5), known(2, A)], [Gone(2, "x/a.jpg")]),
        ([B], [known(1, A)], [Added("x", B), Gone(1, "x/a.jpg")]),
    ],
)
def test_what_has_to_change_in_a_folder(
    files: list[FileSeen], before: list[Known], expected: list[reconcile.Action]
) -> None:
    of_x = KnownFolder(is_present=True, children=[], files=before)
    assert list(plan([Listing("x", files, [])], {"x": of_x})) == expected


def test_folders_come_and_go() -> None:
    listing = Listing("x", [], ["x/new", "x/stays"])
    of_x = KnownFolder(is_present=True, children=["x/stays", "x/gone"], files=[])
    assert list(plan([listing], {"x": of_x})) == [FolderGone("x/gone")]
    assert list(plan([listing], {})) == [FolderFound("x")]


async def show(reader: Reader) -> list[tuple[object, ...]]:
    rows = await reader.all(
        "SELECT id, path, size, modified_at, inode FROM item WHERE missing_since = 0 ORDER BY path"
    )
    return [tuple(row) for row in rows]


async def counts(reader: Reader) -> tuple[int, int, int, int]:
    row = next(iter(await roots.all_roots(reader)))
    present = await reader.one("SELECT COUNT(*) FROM item WHERE missing_since = 0")
    missing = await reader.one("SELECT COUNT(*) FROM item WHERE missing_since <> 0")
    assert present is not None
    assert missing is not None
    return row.item_count, present[0], row.missing_count, missing[0]


async def reconciled(db: Database, listing: Listing) -> list[reconcile.Action]:
    folders = [listing, *(Listing(folder, [], []) for folder in listing.folders)]
    state = await db.read(reconcile.known, [each.folder for each in folders])
    actions = list(plan(folders, state))
    await db.write(reconcile.apply, 1, "x", actions)
    for action in actions:
        if isinstance(action, FolderGone):
            assert await db.write(reconcile.apply_gone, 1, action.path)
    return actions


async def test_the_index_shows_what_was_listed_whatever_came_before(db: Database) -> None:
    """Properties of plan and apply together, over many listings of one folder in a row."""
    await db.write(roots.register, "x", "/nowhere")
    ids: dict[object, object] = {}
    listings: list[Listing] = []

    @given(a_listing)
    def draw(listing: Listing) -> None:
        listings.append(listing)

    draw()
    assert len(listings) > 50
    for listing in listings:
        await reconciled(db, listing)
        shown = await db.read(show)
        assert [row[1:] for row in shown] == sorted(
            (f"x/{file.name}", file.size, file.modified_at, file.inode) for file in listing.files
        )
        for id_, path, *_rest in shown:
            assert ids.setdefault(path, id_) == id_, "an item keeps its id for ever"
        item_count, present, missing_count, missing = await db.read(counts)
        assert (item_count, missing_count) == (present, missing)
        assert await reconciled(db, listing) == [], "a second time changes nothing"
