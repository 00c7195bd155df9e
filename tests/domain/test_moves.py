"""Matching items by their bytes: which are the same file after a move, as a table."""

from typing import Any

import pytest

from gallery.domain.sync.moves import DAY, matches
from gallery.store.sync.moves import MatchCandidate, Merge
from gallery.values.file_version import FileVersion
from gallery.values.ids import ItemId, RootId
from gallery.values.times import Micros, Millis

NOW = 100 * DAY


def version(modified_at: int) -> FileVersion:
    return FileVersion(9, Micros(modified_at))


def item(id_: int, **known: Any) -> MatchCandidate:
    """Return an item with duplicate bytes, in no collection, added after the first scan."""
    default = MatchCandidate(
        ItemId(id_),
        RootId(1),
        f"{id_}.jpg",
        f"{id_}.jpg",
        version(id_),
        id_,
        "b",
        Millis(NOW + id_),
        Millis(0),
        Millis(NOW),
        0,
    )
    return default._replace(**known)


ORIGINAL = item(1, missing_since=NOW + 1_000)

CASES = {
    "a copy, then the original removed": ([ORIGINAL, item(2)], [(1, 2)]),
    "the copy is in a collection, too": ([ORIGINAL, item(2, collections=1)], [(1, 2)]),
    "two copies": ([ORIGINAL, item(2), item(3)], []),
    "one of them has the name": ([ORIGINAL, item(2), item(3, name="1.jpg")], [(1, 3)]),
    "a copy beside an older twin": ([item(1), item(2, missing_since=NOW + 9), item(3)], [(2, 3)]),
    "the copy is older than a day": (
        [ORIGINAL._replace(missing_since=Millis(NOW + 2 * DAY)), item(2)],
        [],
    ),
    "the copy came first": ([item(1), item(2, missing_since=NOW + 1_000)], []),
    "both are from the first scan": (
        [ORIGINAL._replace(added_at=Millis(NOW)), item(2, added_at=NOW)],
        [],
    ),
    "it came after the removal, alone": ([ORIGINAL, item(2, added_at=NOW + 2_000)], [(1, 2)]),
    "it came after the removal, beside a twin": (
        [item(1), item(2, missing_since=NOW + 1_000), item(3, added_at=NOW + 2_000)],
        [],
    ),
    "two originals and one copy": (
        [ORIGINAL, item(2, missing_since=NOW + 1_000), item(3)],
        [],
    ),
    "other bytes": ([ORIGINAL, item(2, fingerprint="c")], []),
    "not read yet": ([ORIGINAL._replace(fingerprint=None), item(2, fingerprint=None)], []),
    "the same file under another name": (
        [
            ORIGINAL._replace(fingerprint=None),
            item(2, inode=1, version=version(1), fingerprint=None),
        ],
        [(1, 2)],
    ),
    "several rows of that file": (
        [
            ORIGINAL,
            item(2, inode=1, version=version(1), missing_since=NOW + 1_000),
            item(3, inode=1, version=version(1)),
        ],
        [(1, 3)],
    ),
    "one of the copies has the time": ([ORIGINAL, item(2), item(3, version=version(1))], [(1, 3)]),
    "and is in a collection, so that it may be a copy": (
        [ORIGINAL, item(2), item(3, version=version(1), collections=1)],
        [],
    ),
    "one has the name and another the time": (
        [ORIGINAL, item(2, version=version(1)), item(3, name="1.jpg")],
        [(1, 3)],
    ),
    "two have the name, one of them the time as well": (
        [ORIGINAL, item(2, name="1.jpg"), item(3, name="1.jpg", version=version(1))],
        [(1, 3)],
    ),
    "it is in another root, from the first scan there": (
        [ORIGINAL, item(2, root_id=2, added_at=NOW - 1, first_scan=NOW), item(3, added_at=NOW)],
        [],
    ),
    "it came while the first scan went on": (
        [ORIGINAL, item(2, added_at=NOW + 2_000, first_scan=None)],
        [],
    ),
    "two files at once": (
        [
            ORIGINAL,
            item(2),
            item(5, fingerprint="c", missing_since=NOW + 1_000),
            item(6, fingerprint="c"),
        ],
        [(1, 2), (5, 6)],
    ),
    "nothing is missing": ([item(1), item(2)], []),
    "nothing is present": ([ORIGINAL, item(2, missing_since=NOW + 1_000)], []),
    "nothing": ([], []),
}


@pytest.mark.parametrize("case", CASES)
def test_which_items_are_one_file(case: str) -> None:
    items, expected = CASES[case]
    assert list(matches(items)) == [Merge(ItemId(one), ItemId(other)) for one, other in expected]
    assert list(matches(reversed(items))) == [
        Merge(ItemId(one), ItemId(other)) for one, other in expected
    ]
