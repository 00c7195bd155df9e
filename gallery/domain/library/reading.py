"""Rules of reading files: when the server gives one up, and how much one transaction stores."""

from collections.abc import Iterator, Sequence

from gallery import limits
from gallery.media.metadata.times import by_file
from gallery.model import Probed
from gallery.store.sync.unread import Unread
from gallery.values import problems

MAX_TRIES = 3
"""After this many tries that did not end, a file is not read again until it changes."""

MAX_PART = 100_000
"""Characters that one transaction stores: this takes about 50 ms."""


def is_given_up(item: Unread) -> bool:
    """Return whether the item is not to be read any more. It is stored as `unreadable` then."""
    return item.tries >= MAX_TRIES


def unreadable(item: Unread) -> Probed:
    """Return the metadata of a file that takes too much memory or time: its modification time."""
    return Probed(problem=problems.TOO_MUCH, taken=by_file(item.version.modified_at))


def parts(
    read: Sequence[tuple[Unread, Probed]],
) -> Iterator[list[tuple[Unread, Probed]]]:
    """Yield what was read in parts; each is to be stored in its own transaction."""
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
    """Return how many characters are stored. A keyword is stored once for each of its levels."""
    words = len(found.title or "") + len(found.caption or "")
    return words + sum(
        limits.characters(names[: depth + 1])
        for names in found.keywords
        for depth in range(len(names))
    )
