"""Cursors: where a page ended. Opaque to clients, and checked: only those we made are taken."""

import base64
import re
import zlib

from gallery.errors import Invalid

_OURS = re.compile(r"(0|-?[1-9][0-9]{0,17})\.([0-9a-f]{8})")


def encode(list_id: str, position: int) -> str:
    """A cursor that continues `list_id` behind `position`."""
    text = f"{position}.{_check(list_id, str(position)):08x}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(list_id: str, cursor: str) -> int:
    """The position in a cursor; `Invalid` if it is none of ours, or another list's."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except ValueError:
        text = ""
    ours = _OURS.fullmatch(text)
    if ours is None or int(ours[2], 16) != _check(list_id, ours[1]):
        raise Invalid("Invalid cursor")
    return int(ours[1])


def _check(list_id: str, position: str) -> int:
    return zlib.crc32(f"{list_id}/{position}".encode())
