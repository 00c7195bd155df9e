"""Cursors: where a page ended. They are opaque to clients, and only our own are accepted."""

import base64
import zlib
from typing import Annotated, TypeVar

import msgspec

from gallery.errors import Invalid

CursorNumber = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Text = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$")]
Position = tuple[int | str, ...]
"""The sort key at the end of a page; each list has its own form."""
P = TypeVar("P", bound=Position)


def encode(list_id: str, place: Position) -> str:
    """Return a cursor that continues `list_id` after `place`."""
    text = msgspec.json.encode((_check(list_id, place), place))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode(list_id: str, cursor: str, shape: type[P]) -> P:
    """Return the place in a cursor, which has the form `shape`.

    Raises `Invalid` if the cursor is not ours, or is of another list. The checksum finds mistakes,
    not forgeries.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        check, raw = msgspec.json.decode(text, type=tuple[str, msgspec.Raw])
        place: P = msgspec.json.decode(raw, type=shape)
    except (ValueError, msgspec.MsgspecError):
        raise Invalid("Invalid cursor") from None
    if check != _check(list_id, place):
        raise Invalid("Invalid cursor")
    return place


def _check(list_id: str, place: Position) -> str:
    return f"{zlib.crc32(msgspec.json.encode((list_id, place))):08x}"
