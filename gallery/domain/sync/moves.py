"""Moves that leave no common inode: to another disk, by copy and removal, by link and unlink.

Such a move shows as two items for a while, the older one missing. Once both are known by their
bytes, the younger one folds into the older: that one keeps its id and all that people did with it,
and is where the younger one was.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from gallery.database.engine import Tx
from gallery.store.sync import index, moves
from gallery.store.sync.moves import MatchCandidate, Merge
from gallery.values.ids import ItemId

DAY = 24 * 3_600_000
"""So many milliseconds may lie between a copy and the removal of the original."""


class _Likeness(NamedTuple):
    """What two items have in common.

    Whether that tells a move although both were there at once, and although somebody has put the
    younger one into a collection, too; `is_identity`: it tells that they are the very same file.
    """

    key: Callable[[MatchCandidate], Hashable]
    may_have_met: bool = True
    may_be_kept: bool = True
    is_identity: bool = False


_LIKENESSES = (
    _Likeness(lambda it: (it.inode, it.version), is_identity=True),
    _Likeness(lambda it: it.fingerprint and (it.fingerprint, it.name, it.version.modified_at)),
    _Likeness(lambda it: it.fingerprint and (it.fingerprint, it.name)),
    _Likeness(
        lambda it: it.fingerprint and (it.fingerprint, it.version.modified_at), may_be_kept=False
    ),
    _Likeness(lambda it: it.fingerprint, may_have_met=False),
)
"""The surest first."""


def matches(lookalikes: Iterable[MatchCandidate]) -> Iterator[Merge]:
    """Yield which items are one file that was moved. Pure.

    A missing one and a present one that came later are paired if they alone have something in
    common: their bytes, and name or time for choice. Whatever else is on the disk with the same
    makes the present one a copy. At last a missing one is paired with the only copy that was made
    within a day before it was removed, whatever its name and time. Items from the first scan of one
    root are never paired.
    """
    left = sorted(lookalikes, key=lambda item: item.id)
    for likeness in _LIKENESSES:
        for missing, present in _alike(left, likeness.key):
            if likeness.is_identity:
                del missing[1:]  # of several rows of one and the same file, the oldest
            if len(missing) == len(present) == 1 and _follows(present[0], missing[0], likeness):
                yield Merge(missing[0].id, present[0].id)
                left.remove(missing[0])
                left.remove(present[0])
    for missing, present in _alike(left, lambda item: item.fingerprint):
        for older in missing if len(missing) == 1 else ():
            copies = [item for item in present if _is_copy(item, older)]
            if len(copies) == 1:
                yield Merge(older.id, copies[0].id)


def _alike(
    items: Iterable[MatchCandidate], key: Callable[[MatchCandidate], Hashable]
) -> Iterator[tuple[list[MatchCandidate], list[MatchCandidate]]]:
    """Yield the missing and the present ones of all that have a key in common."""
    groups = defaultdict[Hashable, list[MatchCandidate]](list)
    for item in items:
        if value := key(item):
            groups[value].append(item)
    for group in groups.values():
        yield (
            [item for item in group if item.missing_since],
            [item for item in group if not item.missing_since],
        )


def _is_copy(younger: MatchCandidate, older: MatchCandidate) -> bool:
    """Return whether one was added while the other was there, a day before its end at most."""
    earliest = max(older.added_at, older.missing_since - DAY)
    return not _is_first(younger, older) and earliest < younger.added_at < older.missing_since


def _is_first(younger: MatchCandidate, older: MatchCandidate) -> bool:
    """Return whether the younger one was there at the first scan of the root of both."""
    return older.root_id == younger.root_id and (
        younger.first_scan is None or younger.added_at <= younger.first_scan
    )


def _follows(younger: MatchCandidate, older: MatchCandidate, likeness: _Likeness) -> bool:
    """Whether the times admit that one is the other's later place."""
    if _is_first(younger, older):
        return False
    if younger.added_at >= older.missing_since:
        return True
    return (
        likeness.may_have_met
        and (likeness.may_be_kept or not younger.collections)
        and younger.added_at > max(older.added_at, older.missing_since - DAY)
    )


async def merge_matches(
    tx: Tx, item_ids: Collection[ItemId], transient: Collection[ItemId]
) -> list[tuple[MatchCandidate, MatchCandidate]]:
    """Folds what was read, or is missing, as far as it goes; the (older, younger) items before.

    What is `transient` has just been missed and may still turn up with its own inode.
    """
    found = await moves.lookalikes(tx, item_ids) if item_ids else []
    alike = {item.id: item for item in found if item.id not in transient}
    pairs = list(matches(alike.values()))
    if pairs:
        await merge(tx, pairs)
    return [(alike[pair.older], alike[pair.younger]) for pair in pairs]


async def merge(tx: Tx, pairs: Sequence[Merge]) -> None:
    """Each older item is where the younger one was, and in its collections; that one ends."""
    ends = await index.whole(tx, [pair.younger for pair in pairs])
    await moves.take_over(tx, pairs)
    await index.put(tx, [ends[pair.younger]._replace(id=pair.older) for pair in pairs])
