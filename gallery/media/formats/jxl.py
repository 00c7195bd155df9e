"""JPEG XL: dimensions, metadata and pixels by libjxl. An extra, as its decoder is young."""

from typing import BinaryIO

import pyjpegxl
from PIL import Image

from gallery.media.formats.image import MAX_EXIF_BYTES, Picture
from gallery.media.formats.pixels import Pixels, check_size
from gallery.media.formats.sniff import MAX_BYTES
from gallery.media.metadata import exif, xmp
from gallery.media.metadata.sources import BROKEN, NOTHING, Metadata

_OFFSET_BYTES = 4
"""The box of EXIF begins with how far behind it the TIFF header lies."""

pyjpegxl.set_num_threads(1)


def read(file: BinaryIO) -> Picture:
    """Return what the header and the boxes of a picture say. No pixel is decoded.

    Raises `ValueError` for what libjxl does not know.
    """
    found = _probed(_content(file))
    return Picture(
        (found.width, found.height),  # libjxl turns by itself, whatever EXIF says
        exif=_exif(found.exif or b""),
        xmp=xmp.read(found.xmp) if found.xmp else NOTHING,
        iptc=NOTHING,
        texts=NOTHING,
    )


def decoded(file: BinaryIO) -> Pixels:
    """Return the picture, upright.

    Raises `CannotDraw` for what is too large, `ValueError` for what is damaged.
    """
    content = _content(file)
    header = _probed(content)
    check_size(header.width, header.height)
    try:
        found, data = pyjpegxl.decode(content, dtype="uint8")
    except RuntimeError as error:
        raise ValueError("no picture, or damaged") from error
    bands = found.num_color_channels + found.has_alpha
    return Pixels(data, found.width, found.height, bands, found.icc)


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(MAX_BYTES["jxl"])


def _probed(content: bytes) -> pyjpegxl.Metadata:
    try:
        return pyjpegxl.probe(content)
    except RuntimeError as error:
        raise ValueError("no picture, or damaged") from error


def _exif(box: bytes) -> Metadata:
    start = _OFFSET_BYTES + int.from_bytes(box[:_OFFSET_BYTES])
    if not start < len(box) <= MAX_EXIF_BYTES:
        return NOTHING
    found = Image.Exif()
    try:
        found.load(box[start:])
        return exif.read(found)
    except BROKEN:
        return NOTHING
