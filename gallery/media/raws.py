"""RAW files: dimensions by LibRaw, metadata from the file itself or the JPEG that lies in it."""

import io
from typing import BinaryIO

import rawpy
from PIL import Image

from gallery.media import exif, pictures
from gallery.media.pictures import Picture
from gallery.media.tags import BROKEN, NOTHING, Tags

_ON_ITS_SIDE = (5, 6)
"""LibRaw's names of a quarter turn, to either side."""


def read(file: BinaryIO) -> Picture:
    """Raises `ValueError` for what LibRaw does not know. Nothing is developed."""
    try:
        with rawpy.imread(file) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            is_turned = raw.sizes.flip in _ON_ITS_SIDE
            inside = _inside(file) or _preview(raw)
    except rawpy.LibRawError as error:
        raise ValueError("no RAW") from error
    size = (height, width) if is_turned else (width, height)
    return (inside or _of(NOTHING))._replace(size=size)


def _of(said: Tags) -> Picture:
    return Picture((0, 0), said, NOTHING, NOTHING, NOTHING)


def _inside(file: BinaryIO) -> Picture | None:
    """Most are TIFF in their own way, with EXIF among its tags."""
    file.seek(0)
    found = Image.Exif()
    try:
        found.load_from_fp(file)
        said = exif.read(found)
    except BROKEN:
        return None
    return _of(said) if said.clock or said.camera else None


def _preview(raw: rawpy.RawPy) -> Picture | None:
    """The JPEG inside is what the camera would have written alone, EXIF included."""
    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format is not rawpy.ThumbFormat.JPEG or not isinstance(preview.data, bytes):
        return None
    try:
        return pictures.read(io.BytesIO(preview.data))
    except BROKEN:
        return None
