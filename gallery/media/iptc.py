"""IPTC-IIM, what newspapers used before XMP: numbered data sets of bytes."""

from collections.abc import Mapping
from typing import Any

from gallery.media import tags
from gallery.media.tags import MAX_TEXT_BYTES, Tags
from gallery.media.times import clock

_UTF8 = b"\x1b%G"
TITLE, KEYWORDS, DATE, TIME, CAPTION, ENCODING = (
    (2, 5),
    (2, 25),
    (2, 55),
    (2, 60),
    (2, 120),
    (1, 90),
)

Sets = Mapping[tuple[int, int], Any]
"""Bytes, a list of them, or None for an empty data set."""


def read(sets: Sets) -> Tags:
    """What the data sets say; in UTF-8 if they say so or can be, else in Latin-1."""
    date, time = (_text(sets, key) or "" for key in (DATE, TIME))
    return Tags(
        clock=clock(f"{date} {time}".strip()),
        title=tags.line(_text(sets, TITLE)),
        caption=tags.text(_text(sets, CAPTION)),
        keywords=tags.keywords((_decoded(sets, raw),) for raw in _all(sets, KEYWORDS)),
    )


def _all(sets: Sets, key: tuple[int, int]) -> list[bytes]:
    """Return the values of a data set; Pillow gives None for an empty one."""
    value = sets.get(key)
    return [raw for raw in (value if isinstance(value, list) else [value]) if raw is not None]


def _text(sets: Sets, key: tuple[int, int]) -> str | None:
    values = _all(sets, key)
    return _decoded(sets, values[0]) if values else None


def _decoded(sets: Sets, raw: bytes) -> str:
    if _all(sets, ENCODING)[:1] == [_UTF8]:
        return raw[:MAX_TEXT_BYTES].decode(errors="replace")
    return tags.decoded(raw)
