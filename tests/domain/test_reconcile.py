"""Plan and application together: properties over many successive listings."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gallery.database.engine import Database, Reader
from gallery.disk.roots import FileSeen, Roots
from gallery.disk.walk import FolderListing
from gallery.domain.sync import reconcile
from gallery.domain.sync.compare import compare
from gallery.domain.sync.library import Library
from gallery.domain.sync.plan import Action, FolderGone
from gallery.events import Bus
from gallery.store.sync import roots
from gallery.values.file_version import FileVersion
from gallery.values.ids import RootId
from gallery.values.times import Micros

ROOT = RootId(1)
names = st.sampled_from(["a.jpg", "b.jpg", "c.mp4", "é.png"])
few = st.integers(0, 2)
a_version = st.builds(FileVersion, few, few.map(Micros))
a_file = st.builds(FileSeen, names, a_version, st.integers(0, 5), few)
some_files = st.lists(a_file, unique_by=(lambda file: file.name, lambda file: file.inode))
some_folders = st.lists(st.sampled_from(["x/d", "x/e", "x/f"]), unique=True)
a_listing = st.builds(
    lambda files, folders: FolderListing("x", files, folders), some_files, some_folders
)


async def show(reader: Reader) -> list[tuple[Any, ...]]:
    rows = await reader.all(
        """
        SELECT path, size, modified_at, inode, sidecar, id FROM item WHERE missing_since = 0
        ORDER BY path
        """
    )
    return [tuple(row) for row in rows]


async def counts(reader: Reader) -> tuple[int, int, int, int]:
    row = next(iter(await roots.all_roots(reader)))
    present = await reader.one("SELECT COUNT(*) FROM item WHERE missing_since = 0")
    missing = await reader.one("SELECT COUNT(*) FROM item WHERE missing_since <> 0")
    assert present is not None
    assert missing is not None
    return row.item_count, present[0], row.missing_count, missing[0]


async def kept(reader: Reader) -> list[tuple[Any, ...]]:
    """Return the derived values, actual and expected: counts of folders, words of names."""
    return [
        tuple(row)
        for row in await reader.all(
            """
            SELECT f.path, f.item_count, (
              SELECT COUNT(*) FROM item AS i WHERE i.folder_id = f.id AND i.missing_since = 0)
            FROM folder AS f
            UNION ALL
            SELECT i.path, i.id, COALESCE(
              (SELECT w.rowid FROM item_words AS w
               WHERE w.rowid = i.id
                 AND w.name_words = replace(replace(i.name, '.', ' '), 'é', 'e')), 0)
            FROM item AS i
            """
        )
    ]


async def reconciled(db: Database, library: Library, listing: FolderListing) -> list[Action]:
    folders = [listing, *(FolderListing(folder, [], []) for folder in listing.folders)]
    actions = await compare(db, library, folders)
    await db.write(reconcile.apply, ROOT, "x", actions, db.now())
    for action in actions:
        if isinstance(action, FolderGone):
            is_all, _departures = await db.write(reconcile.apply_gone, ROOT, action.path, db.now())
            assert is_all
    return actions


async def test_the_index_shows_what_was_listed_whatever_came_before(
    db: Database, tmp_path: object
) -> None:
    await db.write(roots.register, "x", "/nowhere")
    library = Library(Roots([], lambda _name: False), {}, "", Bus())
    former: dict[tuple[object, ...], int] = {}
    listings: list[FolderListing] = []

    @given(a_listing)
    def draw(listing: FolderListing) -> None:
        listings.append(listing)

    draw()
    assert len(listings) > 50
    for listing in listings:
        await reconciled(db, library, listing)
        shown = await db.read(show)
        assert [row[:-1] for row in shown] == sorted(
            (f"x/{file.name}", *file.version, file.inode, file.sidecar) for file in listing.files
        )
        now = {row[1:4]: row[-1] for row in shown}
        moved = {key: id_ for key, id_ in now.items() if former.get(key, id_) != id_}
        # Only an older item, which had been missing, may replace the present one.
        assert all(id_ < former[key] for key, id_ in moved.items()), "a file keeps its id"
        former = now
        wrong = [row for row in await db.read(kept) if row[1] != row[2]]
        assert wrong == []
        item_count, present, missing_count, missing = await db.read(counts)
        assert (item_count, missing_count) == (present, missing)
        assert await reconciled(db, library, listing) == [], "a second time changes nothing"
