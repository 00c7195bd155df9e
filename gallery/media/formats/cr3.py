"""CR3, the RAW format of newer Canon cameras: boxes as in MP4, with EXIF in several of them."""

import os
import warnings
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from PIL import Image

from gallery.media.bounded import TooMuch, bounded
from gallery.media.formats.image import MAX_EXIF_BYTES, MAX_HEADER_BYTES, Picture
from gallery.media.metadata import exif, xmp
from gallery.media.metadata.broken import BROKEN, report
from gallery.media.metadata.sources import NOTHING

MAX_BOXES = 1_000
"""Boxes of one file that are read."""
_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MAIN, _EXIF, _GPS = b"CMT1", b"CMT2", b"CMT4"
_MAX_BYTES = {
    _MAIN: MAX_EXIF_BYTES,
    _EXIF: MAX_EXIF_BYTES,
    _GPS: MAX_EXIF_BYTES,
    _XMP: xmp.MAX_PACKET,
}
_WIDTH, _HEIGHT = 0x0100, 0x0101


class _Box(NamedTuple):
    """A box: its kind (a UUID for those of makers), and the offsets of its content."""

    kind: bytes
    start: int
    end: int


def read(file: BinaryIO) -> Picture | None:
    """Return the dimensions and metadata of a file; None if it is no CR3.

    Broken parts are left out. Raises `TooMuch` if reading takes too much.
    """
    part = bounded(file, MAX_HEADER_BYTES)
    try:
        raw = dict(_parts(part))
    except TooMuch:
        raise
    except BROKEN as error:
        report(error)
        return None
    if _MAIN not in raw:
        return None
    with warnings.catch_warnings(action="ignore"):
        main, own, gps = (_directory(raw.get(kind, b"")) for kind in (_MAIN, _EXIF, _GPS))
        size, metadata = _size(main), exif.read_apart(main, own, gps)
    return Picture(
        size,
        exif=metadata,
        xmp=xmp.read(raw[_XMP]) if _XMP in raw else NOTHING,
        iptc=NOTHING,
        texts=NOTHING,
    )


def _parts(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the EXIF directories and the XMP, each with the kind of its box."""
    for box in _boxes(file):
        if box.end - box.start <= _MAX_BYTES.get(box.kind, -1):
            file.seek(box.start)
            yield box.kind, file.read(box.end - box.start)


def _boxes(file: BinaryIO) -> Iterator[_Box]:
    """Yield the boxes of a file, and those inside boxes that contain metadata."""
    ends = [file.seek(0, os.SEEK_END)]
    at = 0
    for _ in range(MAX_BOXES):
        while ends and at + 8 > ends[-1]:
            at = ends.pop()
        if not ends:
            return
        box = _box(file, at, ends[-1])
        if box is None:
            return
        yield box
        if box.kind in (b"moov", _CANON):
            ends.append(box.end)
            at = box.start
        else:
            at = box.end


def _box(file: BinaryIO, at: int, end: int) -> _Box | None:
    """Return the box at an offset, None if it does not fit before `end`."""
    file.seek(at)
    head = file.read(32)
    length, kind, start = int.from_bytes(head[:4]), head[4:8], 8
    if length == 1:
        length, start = int.from_bytes(head[8:16]), 16
    elif length == 0:
        length = end - at
    if kind == b"uuid":
        kind, start = head[start : start + 16], start + 16
    return _Box(kind, at + start, at + length) if start <= length <= end - at else None


def _directory(raw: bytes) -> Image.Exif:
    """Return an EXIF directory, empty if `raw` is empty or broken."""
    found = Image.Exif()
    try:
        found.load(raw)
    except BROKEN as error:
        report(error)
        return Image.Exif()
    return found


def _size(main: Image.Exif) -> tuple[int, int]:
    """Return width and height as displayed, (0, 0) if they are missing."""
    try:
        width, height, orientation = map(main.get, (_WIDTH, _HEIGHT, exif.ORIENTATION))
    except BROKEN as error:
        report(error)
        return 0, 0
    if not (isinstance(width, int) and isinstance(height, int)):
        return 0, 0
    return (height, width) if orientation in range(5, 9) else (width, height)
