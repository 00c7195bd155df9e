"""Cursors: where a page ended. Opaque to clients, and checked: only those we made are taken."""

import base64
import zlib

import msgspec

from gallery.errors import Invalid

Place = tuple[int | str, ...]
"""What an end of a page is known by; every list has its own."""

_decoder = msgspec.json.Decoder(tuple[str, list[int | str]])


def encode(list_id: str, place: Place) -> str:
    """A cursor that continues `list_id` behind `place`."""
    text = msgspec.json.encode((_check(list_id, place), place))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode(list_id: str, cursor: str) -> Place:
    """The place in a cursor; `Invalid` if it is none of ours, or another list's."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        check, parts = _decoder.decode(text)
    except (ValueError, msgspec.DecodeError):
        raise Invalid("Invalid cursor") from None
    place = tuple(parts)
    if check != _check(list_id, place):
        raise Invalid("Invalid cursor")
    return place


def _check(list_id: str, place: Place) -> str:
    return f"{zlib.crc32(msgspec.json.encode((list_id, place))):08x}"
