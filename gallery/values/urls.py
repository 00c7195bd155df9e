"""Addresses that answers hold."""

import re
from urllib.parse import quote

from gallery.values.ids import ItemId
from gallery.values.times import Micros

_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch


def media_url(path: str) -> str:
    """Return where the original of the item at `path` is."""
    # Most paths need no escapes, and to see that is four times as fast as to look for them.
    return "/media/" + (path if _PLAIN(path) else quote(path))


def thumbnail_url(item_id: ItemId, size: int, modified_at: Micros) -> str:
    """Return where the small picture of an item is: elsewhere for every version of its file."""
    return f"/api/items/{item_id}/thumbnail?size=small&v={picture_version(size, modified_at)}"


def picture_version(size: int, modified_at: Micros) -> str:
    """Return what names a version of a file, so that pictures of it can be cached without end."""
    return f"{modified_at:x}-{size:x}"
