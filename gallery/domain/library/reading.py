"""What comes of reading files: when one is given up, and how much is stored at a time."""

from collections.abc import Iterator, Sequence

from gallery import limits
from gallery.media.metadata.times import by_file
from gallery.model import Probed
from gallery.store.sync.unread import Unread
from gallery.values import problems

MAX_TRIES = 3
"""Tries that did not end. After them a file is not read again until it changes."""

MAX_PART = 100_000
"""Characters that are stored in one transaction: it takes some 50 ms, whatever files say."""


def is_given_up(item: Unread) -> bool:
    """Return whether the item is not to be read. Then it is learnt as `unreadable` instead."""
    return item.tries >= MAX_TRIES


def unreadable(item: Unread) -> Probed:
    """Return what is known of a file that takes too much memory or time: its own time."""
    return Probed(problem=problems.TOO_MUCH, taken=by_file(item.version.modified_at))


def parts(
    read: Sequence[tuple[Unread, Probed]],
) -> Iterator[list[tuple[Unread, Probed]]]:
    """Yield what was read in parts, each to be learnt in a transaction of its own."""
    part: list[tuple[Unread, Probed]] = []
    weight = 0
    for item, found in read:
        weight += _weight(found)
        if part and weight > MAX_PART:
            yield part
            part, weight = [], _weight(found)
        part.append((item, found))
    if part:
        yield part


def _weight(found: Probed) -> int:
    """Return how many characters are stored: of a keyword every level with those above it."""
    words = len(found.title or "") + len(found.caption or "")
    return words + sum(
        limits.characters(names[: depth + 1])
        for names in found.keywords
        for depth in range(len(names))
    )
