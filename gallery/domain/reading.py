"""When a file is given up: reading it was begun several times and never ended."""

from gallery.media.times import by_file
from gallery.model import Probed
from gallery.store.unread import Unread

MAX_TRIES = 3
"""After so many tries that did not end a file is not read again until it changes."""
TOO_MUCH = "takes too much memory or time"


def is_given_up(item: Unread) -> bool:
    """Return whether the item is not to be read. Then it is learnt as `unreadable` instead."""
    return item.tries >= MAX_TRIES


def unreadable(item: Unread) -> Probed:
    """Return what is known of a file that takes too much memory or time: its own time."""
    return Probed(problem=TOO_MUCH, taken=by_file(item.modified_at))
