"""Moves that keep no inode: to another disk, by copying and deleting, by link and unlink.

Such a move shows as two items for a while, and the older one is missing. Once both have a
fingerprint, they are merged: the older item keeps its id and all that people did with it, and gets
the place of the younger one.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from gallery.database.engine import Tx
from gallery.store.sync import index, moves
from gallery.store.sync.moves import MatchCandidate, Merge
from gallery.values.ids import ItemId

DAY = 24 * 3_600_000
"""Milliseconds that may pass between a copy and the removal of the original."""


class _MatchRule(NamedTuple):
    """A property that two items share if they are one file.

    `may_have_met`: it proves a move even if both were present at once. `may_be_kept`: it proves a
    move even if the younger one is in a collection. `is_identity`: it proves that they are the same
    file.
    """

    key: Callable[[MatchCandidate], Hashable]
    may_have_met: bool = True
    may_be_kept: bool = True
    is_identity: bool = False


_MATCH_RULES = (
    _MatchRule(lambda it: (it.inode, it.version), is_identity=True),
    _MatchRule(lambda it: it.fingerprint and (it.fingerprint, it.name, it.version.modified_at)),
    _MatchRule(lambda it: it.fingerprint and (it.fingerprint, it.name)),
    _MatchRule(
        lambda it: it.fingerprint and (it.fingerprint, it.version.modified_at), may_be_kept=False
    ),
    _MatchRule(lambda it: it.fingerprint, may_have_met=False),
)
"""The most certain rule comes first."""


def matches(lookalikes: Iterable[MatchCandidate]) -> Iterator[Merge]:
    """Yield the pairs of items that are one file that was moved. Pure.

    A missing item and a younger present item are a pair if no third item shares the property: the
    bytes, and possibly name or time. If several present items share it, they are copies. Finally, a
    missing item is paired with the only copy that was made within a day before its removal, with
    any name and time. Items of the first scan of one root are never paired.
    """
    left = sorted(lookalikes, key=lambda item: item.id)
    for rule in _MATCH_RULES:
        for missing, present in _alike(left, rule.key):
            if rule.is_identity:
                del missing[1:]  # several rows of the same file: the oldest counts
            if len(missing) == len(present) == 1 and _follows(present[0], missing[0], rule):
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
    """Yield the missing and the present items of each group that shares a key."""
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
    """Return whether one was added while the other was present, within a day before its removal."""
    earliest = max(older.added_at, older.missing_since - DAY)
    return not _is_first(younger, older) and earliest < younger.added_at < older.missing_since


def _is_first(younger: MatchCandidate, older: MatchCandidate) -> bool:
    """Return whether the younger one was found by the first scan of the root of both."""
    return older.root_id == younger.root_id and (
        younger.first_scan is None or younger.added_at <= younger.first_scan
    )


def _follows(younger: MatchCandidate, older: MatchCandidate, rule: _MatchRule) -> bool:
    """Return whether the times allow that the younger one is the later place of the older."""
    if _is_first(younger, older):
        return False
    if younger.added_at >= older.missing_since:
        return True
    return (
        rule.may_have_met
        and (rule.may_be_kept or not younger.collections)
        and younger.added_at > max(older.added_at, older.missing_since - DAY)
    )


async def merge_matches(
    tx: Tx, item_ids: Collection[ItemId], transient: Collection[ItemId]
) -> list[tuple[MatchCandidate, MatchCandidate]]:
    """Merge the items that match and return each pair (older, younger) as it was before.

    `transient` items became missing a moment ago and may still be found by their inode: they are
    not merged.
    """
    found = await moves.lookalikes(tx, item_ids) if item_ids else []
    alike = {item.id: item for item in found if item.id not in transient}
    pairs = list(matches(alike.values()))
    if pairs:
        await merge(tx, pairs)
    return [(alike[pair.older], alike[pair.younger]) for pair in pairs]


async def merge(tx: Tx, pairs: Sequence[Merge]) -> None:
    """Move each older item to the place and collections of the younger one, and delete that."""
    ends = await index.whole(tx, [pair.younger for pair in pairs])
    await moves.take_over(tx, pairs)
    await index.put(tx, [ends[pair.younger]._replace(id=pair.older) for pair in pairs])
