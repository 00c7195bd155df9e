"""The kind of a file by its content. Its name is not reliable."""

import re
from collections.abc import Mapping
from typing import BinaryIO, Literal

from gallery.values.media_types import is_raw, type_of

Kind = Literal[
    "jpeg", "png", "gif", "webp", "avif", "heif", "jxl", "tiff", "bmp", "svg", "raw", "film"
]

MAX_BYTES: Mapping[Kind, int] = {
    "svg": 20 << 20,
    "gif": 512 << 20,
    "webp": 512 << 20,
    "avif": 512 << 20,
    "heif": 512 << 20,
    "jxl": 512 << 20,
    "png": 1 << 30,
    "jpeg": 1 << 30,
    "raw": 1 << 30,
    "bmp": 2 << 30,
    "tiff": 8 << 30,
}
"""The largest file of each kind that is read or rendered. Videos have no limit, because they are
not read as a whole."""
HEAD_BYTES = 4_096
"""Bytes at the beginning that decide."""
_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"FUJIFILMCCD-RAW", "raw"),
    (b"IIRO", "raw"),
    (b"IIRS", "raw"),
    (b"MMOR", "raw"),
    (b"IIU\0", "raw"),
    (b"\x1aE\xdf\xa3", "film"),
    (b"\0\0\1\xba", "film"),
    (b"\0\0\1\xb3", "film"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "film"),
)
"""The last three are MPEG program streams, MPEG video streams, and ASF (WMV)."""
_PACKETS = ((0, 188), (4, 192))
"""Offset of the first sync byte of MPEG transport streams, and their distance: broadcast, and with
a time before each packet (cameras, Blu-ray)."""
_SYNC = 0x47
_MIN_PACKETS = 3
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_ANY_HEIF = {b"mif1", b"msf1"}
"""Brands for any codec."""
_CANON = b"crx "
_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
"""First atoms of QuickTime files that are older than `ftyp`."""
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?"
    rb"(?>(?>(?:<!--.*?-->|<!DOCTYPE\s[^\[>]*(?:\[.*?\]\s*)?>)\s*)*)"
    rb"<(?:\w+:)?svg[\s>/]",
    re.DOTALL,
)


def is_too_large(kind: Kind | None, size: int) -> bool:
    """Return whether a file of `size` bytes is too large to be read or rendered."""
    return kind is not None and kind in MAX_BYTES and size > MAX_BYTES[kind]


def kind_of_file(file: BinaryIO, name: str) -> Kind | None:
    """Return the kind of a file by its content, None if it is not known.

    The name decides if the content is ambiguous: many RAW files are TIFF or have an unknown
    signature, and videos may begin with anything.
    """
    file.seek(0)
    kind = kind_of(file.read(HEAD_BYTES))
    if is_raw(name) and kind in (None, "tiff"):
        return "raw"
    return "film" if kind is None and type_of(name) == "video" else kind


def kind_of(head: bytes) -> Kind | None:
    """Return the kind of a file by its first bytes, None if it is not known, as of playlists.

    RAW files that are TIFF have the kind `tiff`, except some of Canon.
    """
    if head[:4] == b"II*\0" and head[8:10] == b"CR":
        return "raw"
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF":
        riffs: dict[bytes, Kind] = {b"WEBP": "webp", b"AVI ": "film"}
        return riffs.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    if head[4:8] in _ATOMS or _is_transport_stream(head):
        return "film"
    return "svg" if _SVG.match(head) else None


def _is_transport_stream(head: bytes) -> bool:
    """Return whether there is a sync byte at the beginning of each packet."""
    return any(
        len(firsts) >= _MIN_PACKETS and set(firsts) == {_SYNC}
        for firsts in (head[first::length] for first, length in _PACKETS)
    )


def _of_brands(head: bytes) -> Kind:
    """Return the kind of an ISO media file by the brands in its first box."""
    end = min(int.from_bytes(head[:4]), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF:
        return "avif"
    if brands & _HEIF:
        return "heif"
    if _CANON in brands:
        return "raw"
    return "heif" if brands & _ANY_HEIF else "film"
