"""Cursors: where a page ended. Opaque to clients, and checked: only those we made are taken."""

import base64
import zlib
from typing import Annotated, TypeVar

import msgspec

from gallery.errors import Invalid

CursorNumber = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Text = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$")]
Position = tuple[int | str, ...]
"""What an end of a page is known by; every list has its own."""
P = TypeVar("P", bound=Position)


def encode(list_id: str, place: Position) -> str:
    """A cursor that continues `list_id` behind `place`."""
    text = msgspec.json.encode((_check(list_id, place), place))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode(list_id: str, cursor: str, shape: type[P]) -> P:
    """The place in a cursor; `Invalid` if it is none of ours, or another list's.

    The check tells slips, not tricks: whatever it is, the place has the shape.
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
