"""The plan is pure: it is tested by tables, and by properties over a rearranged disk."""

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.disk.roots import FileSeen
from gallery.disk.walk import FolderListing
from gallery.domain.sync.plan import (
    Action,
    Added,
    FolderFound,
    FolderGone,
    FolderListed,
    Gone,
    KnownFolder,
    Look,
    Moved,
    Seen,
    UnlistedFile,
    plan,
)
from gallery.store.sync.files import KnownItem
from gallery.values.file_version import FileVersion
from gallery.values.ids import FolderId, ItemId
from gallery.values.times import Micros, Millis


def seen(name: str, size: int = 1, modified_at: int = 1, inode: int = 1) -> FileSeen:
    return FileSeen(name, FileVersion(size, Micros(modified_at)), inode)


def known(id_: int, file: FileSeen, missing_since: int = 0, added_at: int = 0) -> KnownItem:
    name, version, inode, sidecar = file
    return KnownItem(
        ItemId(id_),
        FolderId(1),
        name,
        version,
        inode,
        Millis(missing_since),
        Millis(added_at),
        sidecar,
    )


def moved(id_: int, former: str, folder: str, file: FileSeen, *, void: bool = True) -> Moved:
    return Moved(ItemId(id_), former, folder, file, left_a_void=void)


def of_x(
    files: Sequence[FileSeen], before: Sequence[KnownItem], names: Collection[str] | None = None
) -> Look:
    """Return a look at the folder x, which is in the index."""
    listing = FolderListing("x", list(files), [], None if names is None else frozenset(names))
    return Look.at(listing, KnownFolder(is_present=True, files=before))


A, B, C = seen("a.jpg"), seen("b.jpg", inode=2), seen("c.jpg", inode=3)
NEW_A = seen("a.jpg", size=2, modified_at=2, inode=9)
A_AS_B = seen("b.jpg")


@pytest.mark.parametrize(
    ("files", "before", "expected"),
    [
        ([A], [], [Added("x", A)]),
        ([A], [known(1, A)], []),
        ([], [known(1, A)], [Gone(ItemId(1), "x/a.jpg")]),
        ([], [known(1, A, 5)], []),
        ([A._replace(sidecar=7)], [known(1, A)], [Seen(ItemId(1), "x", A._replace(sidecar=7))]),
        ([A], [known(1, A._replace(sidecar=7))], [Seen(ItemId(1), "x", A)]),
        ([A], [known(1, A, 5)], [Seen(ItemId(1), "x", A)]),
        ([NEW_A], [known(1, A, 5)], [Seen(ItemId(1), "x", NEW_A)]),
        ([seen("a.jpg", size=2)], [known(1, A)], [Seen(ItemId(1), "x", seen("a.jpg", size=2))]),
        ([seen("a.jpg", inode=2)], [known(1, A)], [Seen(ItemId(1), "x", seen("a.jpg", inode=2))]),
        ([NEW_A], [known(1, A)], [Seen(ItemId(1), "x", NEW_A)]),
        ([A], [known(1, A, 5), known(2, A, 7)], [Seen(ItemId(2), "x", A)]),
        ([A], [known(1, A, 5), known(2, A)], []),
        ([], [known(1, A, 5), known(2, A)], [Gone(ItemId(2), "x/a.jpg")]),
        ([B], [known(1, A)], [Added("x", B), Gone(ItemId(1), "x/a.jpg")]),
        # a rename, including one of case or of Unicode form only
        ([A_AS_B], [known(1, A)], [moved(1, "x/a.jpg", "x", A_AS_B)]),
        ([seen("A.JPG")], [known(1, A)], [moved(1, "x/a.jpg", "x", seen("A.JPG"))]),
        (
            [seen("e\u0301.jpg")],
            [known(1, seen("é.jpg"))],
            [
                moved(1, "x/é.jpg", "x", seen("e\u0301.jpg")),
            ],
        ),
        ([A_AS_B], [known(1, A, 5)], [moved(1, "x/a.jpg", "x", A_AS_B)]),
        # no rename: a different size or time shows that the inode was reused
        (
            [seen("b.jpg", size=2)],
            [known(1, A)],
            [
                Added("x", seen("b.jpg", size=2)),
                Gone(ItemId(1), "x/a.jpg"),
            ],
        ),
        # two files changed places
        (
            [seen("a.jpg", inode=2), seen("b.jpg", inode=1)],
            [known(1, A), known(2, B)],
            [
                moved(2, "x/b.jpg", "x", seen("a.jpg", inode=2), void=False),
                moved(1, "x/a.jpg", "x", seen("b.jpg", inode=1), void=False),
            ],
        ),
        # all files moved up by one
        (
            [seen("b.jpg", inode=1), seen("c.jpg", inode=2), seen("d.jpg", inode=3)],
            [known(1, A), known(2, B), known(3, C)],
            [
                moved(1, "x/a.jpg", "x", seen("b.jpg", inode=1)),
                moved(2, "x/b.jpg", "x", seen("c.jpg", inode=2), void=False),
                moved(3, "x/c.jpg", "x", seen("d.jpg", inode=3), void=False),
            ],
        ),
        # a file moved away, and another one took its place
        (
            [NEW_A, A_AS_B],
            [known(1, A)],
            [
                Added("x", NEW_A),
                moved(1, "x/a.jpg", "x", A_AS_B, void=False),
            ],
        ),
        # two names of one file
        ([A, A_AS_B], [known(1, A)], [Added("x", A_AS_B)]),
        ([A_AS_B], [known(1, A), known(2, A_AS_B)], [Gone(ItemId(1), "x/a.jpg")]),
    ],
)
def test_what_has_to_change_in_a_folder(
    files: list[FileSeen], before: list[KnownItem], expected: list[Action]
) -> None:
    assert list(plan([of_x(files, before)])) == expected


def test_only_the_names_that_were_looked_at_are_compared() -> None:
    before = [known(1, A), known(2, B)]
    assert list(plan([of_x([], before, names=["b.jpg"])])) == [Gone(ItemId(2), "x/b.jpg")]
    listing = FolderListing("x", [], ["x/new"], frozenset({"new", "gone"}))
    of_folder = KnownFolder(is_present=True, children=["x/stays", "x/gone"])
    assert list(plan([Look.at(listing, of_folder)])) == [FolderGone("x/gone")]


def test_folders_come_and_go() -> None:
    listing = FolderListing("x", [], ["x/new", "x/stays"], None, 7, Micros(8), "digest")
    of_folder = KnownFolder(is_present=True, children=["x/stays", "x/gone"])
    assert list(plan([Look.at(listing, of_folder)])) == [
        FolderGone("x/gone"),
        FolderListed("x", 7, Micros(8), None, 0),
    ]
    assert list(plan([Look.at(listing, KnownFolder(is_present=False))])) == [
        FolderFound("x"),
        FolderListed("x", 7, Micros(8), "digest", 0),
    ]


@pytest.mark.parametrize(
    ("listing", "digest"),
    [
        (FolderListing("x", [A], [], None, 7, Micros(8), "digest"), "digest"),
        (FolderListing("x", [], [], None, 7, Micros(8), "digest"), None),
        (FolderListing("x", [NEW_A], [], None, 7, Micros(8), "digest"), "digest"),
        (FolderListing("x", [A], [], frozenset({"a.jpg"}), 7, Micros(8)), None),
    ],
    ids=["as it was", "something is lost", "something is new", "not whole"],
)
def test_a_digest_is_kept_of_what_is_settled_only(
    listing: FolderListing, digest: str | None
) -> None:
    look = Look.at(listing, KnownFolder(is_present=True, files=[known(1, A)]))
    listed = [action for action in plan([look]) if isinstance(action, FolderListed)]
    assert listed == [FolderListed("x", 7, Micros(8), digest, len(listing.files))]


def test_a_file_from_another_folder_is_the_item_that_is_not_there_any_more() -> None:
    stray = UnlistedFile(known(5, seen("old.jpg")), "y/old.jpg", left_a_void=True)
    assert list(plan([of_x([A], [])], [stray])) == [moved(5, "y/old.jpg", "x", A)]
    assert list(plan([of_x([B], [])], [stray])) == [Added("x", B)]


def test_a_file_that_was_replaced_and_turns_up_elsewhere_is_the_item() -> None:
    """The index had recorded the other file in its place as a new version of it."""
    look = of_x([seen("a.jpg", inode=9), A_AS_B], [known(7, seen("a.jpg", inode=9))])
    former = UnlistedFile(known(7, A), "x/a.jpg", left_a_void=False)
    assert list(plan([look], [former])) == [
        Added("x", seen("a.jpg", inode=9)),
        moved(7, "x/a.jpg", "x", A_AS_B, void=False),
    ]


def test_of_several_names_of_a_file_the_last_one_that_was_there_moves() -> None:
    strays = [
        UnlistedFile(known(1, seen("1.jpg"), 50), "y/1.jpg", left_a_void=True),
        UnlistedFile(known(2, seen("2.jpg"), 70), "y/2.jpg", left_a_void=True),
        UnlistedFile(known(3, seen("3.jpg")), "y/3.jpg", left_a_void=True),
    ]
    assert list(plan([of_x([A], [])], strays)) == [moved(3, "y/3.jpg", "x", A)]
    assert list(plan([of_x([A], [])], strays[:2])) == [moved(2, "y/2.jpg", "x", A)]


@pytest.mark.parametrize(
    ("kept", "newcomer_added", "stays"),
    [
        ((), 0, False),  # both are equally old: a move over another file
        ((), 9, True),  # the newcomer was written a moment ago, to replace the other
        ((1,), 0, True),  # an item in a collection is not given up for one in none
        ((2,), 9, False),
        ((1, 2), 9, False),
    ],
)
def test_a_file_moved_onto_another_one(
    kept: Collection[int], newcomer_added: int, stays: bool
) -> None:
    before = [known(1, A), known(2, B, added_at=newcomer_added)]
    onto_a = seen("a.jpg", inode=2)
    actions = list(plan([of_x([onto_a], before)], kept=set(map(ItemId, kept))))
    if stays:
        assert actions == [Seen(ItemId(1), "x", onto_a), Gone(ItemId(2), "x/b.jpg")]
    else:
        assert actions == [moved(2, "x/b.jpg", "x", onto_a)]


places = st.lists(
    st.tuples(st.sampled_from(["x", "y"]), st.sampled_from("abcd"), st.integers(1, 6)),
    unique_by=(lambda place: place[:2], lambda place: place[2]),
    max_size=6,
)
"""Where the files are: (folder, name, inode), each file once."""

Index = dict[int, tuple[str, KnownItem]]


def looks(now: list[tuple[str, str, int]], index: Index) -> list[Look]:
    found = []
    for folder in ("x", "y"):
        files = sorted(seen(f"{n}.jpg", n_, n_, n_) for f, n, n_ in now if f == folder)
        rows = [row for where, row in index.values() if where == folder]
        rows.sort(key=lambda row: row.missing_since or 1 << 63)
        known_folder = KnownFolder(is_present=True, files=rows)
        found.append(Look.at(FolderListing(folder, files, []), known_folder))
    return found


def planned(now: list[tuple[str, str, int]], index: Index) -> list[Action]:
    """Return the plan; items that lost their name are strays, as the database would find them."""
    both = looks(now, index)
    shown = {row.id for look in both for row in look.rows.values()}
    shadows = [
        UnlistedFile(row, f"{folder}/{row.name}", left_a_void=False)
        for folder, row in index.values()
        if row.id not in shown
    ]
    return list(plan(both, shadows))


def applied(index: Index, actions: Sequence[Action], time: int) -> Index:
    after = dict(index)
    moved = {action.id for action in actions if isinstance(action, Moved)}
    onto = {(action.folder, action.file.name) for action in actions if isinstance(action, Moved)}
    for id_, (folder, row) in index.items():
        if (folder, row.name) in onto and not row.missing_since and id_ not in moved:
            after[id_] = folder, row._replace(missing_since=Millis(time))  # overwritten
    for action in actions:
        if isinstance(action, Added):
            after[len(after) + 1] = action.folder, known(len(after) + 1, action.file, 0, time)
        elif isinstance(action, Seen | Moved):
            added_at = after[action.id][1].added_at
            after[action.id] = action.folder, known(action.id, action.file, 0, added_at)
        elif isinstance(action, Gone):
            folder, row = after[action.id]
            after[action.id] = folder, row._replace(missing_since=Millis(time))
    return after


@given(st.lists(places, min_size=2, max_size=6))
def test_no_way_of_rearranging_files_loses_or_doubles_one(
    moments: list[list[tuple[str, str, int]]],
) -> None:
    index: Index = {}
    ids: dict[int, int] = {}
    for time, now in enumerate(moments, 1):
        actions = planned(now, index)
        assert len({action.id for action in actions if isinstance(action, Moved)}) == sum(
            isinstance(action, Moved) for action in actions
        )
        before, index = index, applied(index, actions, time)
        present = {
            (f, row.name, row.inode): row for f, row in index.values() if not row.missing_since
        }
        assert sorted(present) == sorted((f, f"{n}.jpg", inode) for f, n, inode in now)
        assert planned(now, index) == [], "a second time changes nothing"
        assert before.keys() <= index.keys(), "no item is ever forgotten"
        were_there = {row.inode for _f, row in before.values() if not row.missing_since}
        ids = {inode: id_ for inode, id_ in ids.items() if inode in were_there}
        for row in present.values():
            if row.inode in were_there:
                moved_onto = [
                    r for f, r in before.values() if not r.missing_since and r.id == row.id
                ]
                assert row.id == ids[row.inode] or moved_onto, "a file that is still there keeps it"
            ids[row.inode] = row.id


def test_a_listing_as_it_was_changes_nothing() -> None:
    listing = FolderListing("x", [], [], None, 7, Micros(8), "digest")
    known_folder = KnownFolder(is_present=True, inode=7, modified_at=Micros(8), digest="digest")
    assert list(plan([Look.at(listing, known_folder)])) == []


def test_a_file_that_left_after_its_folder_was_listed_is_where_it_is_now() -> None:
    late = Look.at(FolderListing("y", [A_AS_B], []), KnownFolder(is_present=True))
    stray = UnlistedFile(known(1, A), "x/a.jpg", left_a_void=True)
    assert list(plan([of_x([A], [known(1, A)]), late], [stray])) == [
        moved(1, "x/a.jpg", "y", A_AS_B)
    ]
