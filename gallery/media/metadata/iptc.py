"""IPTC-IIM, the standard of newspapers before XMP: numbered data sets of bytes."""

from collections.abc import Mapping, Sequence

from gallery.media.metadata import sources
from gallery.media.metadata.sources import MAX_TEXT_BYTES, Metadata
from gallery.media.metadata.times import clock

_UTF8 = b"\x1b%G"
TITLE, KEYWORDS, DATE, TIME, CAPTION, ENCODING = (
    (2, 5),
    (2, 25),
    (2, 55),
    (2, 60),
    (2, 120),
    (1, 90),
)

Sets = Mapping[tuple[int, int], Sequence[bytes]]
"""The values of each data set, by record number and data set number."""

_MARK, _HEAD = b"\x1c", 5
_LONG = 0x8000
"""Marks a longer length: the other bits are its number of bytes."""
MAX_LENGTH_BYTES = 4
_RESOURCE, _RESOURCE_HEAD = b"8BIM", 6
_IPTC = 0x0404


def sets_of(raw: bytes) -> Sets:
    """Return the data sets of IPTC-IIM before the first broken one."""
    found: dict[tuple[int, int], list[bytes]] = {}
    at = 0
    while raw.startswith(_MARK, at) and at + _HEAD <= len(raw):
        key, length = (raw[at + 1], raw[at + 2]), int.from_bytes(raw[at + 3 : at + _HEAD])
        at += _HEAD
        if length & _LONG:
            width = length - _LONG
            if width > MAX_LENGTH_BYTES:
                break
            length = int.from_bytes(raw[at : at + width])
            at += width
        found.setdefault(key, []).append(raw[at : at + length])
        at += length
    return found


def among_resources(raw: bytes) -> bytes:
    """Return the IPTC-IIM among Photoshop resources, empty if there is none."""
    at = 0
    while raw.startswith(_RESOURCE, at) and at + _RESOURCE_HEAD < len(raw):
        number = int.from_bytes(raw[at + 4 : at + _RESOURCE_HEAD])
        name = 1 + raw[at + _RESOURCE_HEAD]
        at += _RESOURCE_HEAD + name + name % 2
        length = int.from_bytes(raw[at : at + 4])
        if number == _IPTC:
            return raw[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
    return b""


def read(sets: Sets) -> Metadata:
    """Return the metadata of data sets. Texts are UTF-8 if declared or valid, else Latin-1."""
    date, time = (_text(sets, key) or "" for key in (DATE, TIME))
    return Metadata(
        clock=clock(f"{date} {time}".strip()),
        title=sources.line(_text(sets, TITLE)),
        caption=sources.caption(_text(sets, CAPTION)),
        keywords=sources.keywords((_decoded(sets, raw),) for raw in sets.get(KEYWORDS, ())),
    )


def _text(sets: Sets, key: tuple[int, int]) -> str | None:
    values = sets.get(key)
    return _decoded(sets, values[0]) if values else None


def _decoded(sets: Sets, raw: bytes) -> str:
    if list(sets.get(ENCODING, ()))[:1] == [_UTF8]:
        return raw[:MAX_TEXT_BYTES].decode(errors="replace")
    return sources.decoded(raw)
