"""JPEG XL: dimensions, metadata and pixels by libjxl, from the extra `jxl`."""

from typing import BinaryIO

import pyjpegxl
from PIL import Image

from gallery.media.formats.image import MAX_EXIF_BYTES, Picture
from gallery.media.formats.pixels import Pixels, check_size
from gallery.media.formats.sniff import MAX_BYTES
from gallery.media.metadata import exif, xmp
from gallery.media.metadata.broken import BROKEN, report
from gallery.media.metadata.sources import NOTHING, Metadata

_OFFSET_BYTES = 4
"""The EXIF box begins with the offset of the TIFF header behind it."""

pyjpegxl.set_num_threads(1)


def read(file: BinaryIO) -> Picture:
    """Return the metadata of the header and the boxes, without decoding pixels.

    Raises `ValueError` if libjxl does not know the file.
    """
    found = _probed(_content(file))
    return Picture(
        (found.width, found.height),  # libjxl applies the orientation
        exif=_exif(found.exif or b""),
        xmp=xmp.read(found.xmp) if found.xmp else NOTHING,
        iptc=NOTHING,
        texts=NOTHING,
    )


def decoded(file: BinaryIO) -> Pixels:
    """Return the picture, upright.

    Raises `CannotDraw` if it is too large, `ValueError` if it is damaged.
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
    except BROKEN as error:
        report(error)
        return NOTHING
