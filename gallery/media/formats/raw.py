"""RAW files: dimensions and pictures by LibRaw, metadata from the file or the JPEG in it."""

import io
from datetime import datetime
from typing import BinaryIO

import msgspec
import rawpy
from PIL import Image

from gallery.media.formats import cr3, image
from gallery.media.formats.image import Picture
from gallery.media.formats.pixels import Pixels, check_size
from gallery.media.metadata import exif
from gallery.media.metadata.sources import BROKEN, NOTHING, Metadata
from gallery.media.metadata.times import clock

_ON_ITS_SIDE = (5, 6)
"""LibRaw's names of a quarter turn, to either side."""
_TURNS = {3: 180, 5: 270, 6: 90}
"""How far clockwise, by the same names."""
_HALF_IS_ENOUGH = 2
_CHANGED = 0x0132
_UNKNOWN = datetime(1970, 1, 2)  # noqa: DTZ001  (a wall clock's)
"""LibRaw writes the first of January 1970 where it does not know the time."""


def read(file: BinaryIO) -> Picture:
    """Return what a RAW file says. Nothing is developed.

    Raises `ValueError` for what neither LibRaw knows nor tells of itself.
    """
    inside = cr3.read(file) or _inside(file)
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            is_turned = raw.sizes.flip in _ON_ITS_SIDE
            said = inside or _preview(raw)
    except rawpy.LibRawError as error:
        if inside is not None and max(inside.size):
            return inside
        raise ValueError("no RAW") from error
    size = (height, width) if is_turned else (width, height)
    return (said or _of(NOTHING))._replace(size=size)


def _of(said: Metadata) -> Picture:
    return Picture((0, 0), said, NOTHING, NOTHING, NOTHING)


def _inside(file: BinaryIO) -> Picture | None:
    """Most are TIFF in their own way, with EXIF, and what Lightroom adds, among its tags."""
    try:
        found = image.of_directory(file)
    except BROKEN:
        return None
    return found if found.exif.clock or found.exif.camera else None


def _preview(raw: rawpy.RawPy) -> Picture | None:
    """Return what the JPEG inside says: what the camera would have written alone, EXIF included.

    Where it has no EXIF LibRaw writes one: with the time in the tag of a file's last change.
    """
    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format is not rawpy.ThumbFormat.JPEG or not isinstance(preview.data, bytes):
        return None
    try:
        said = image.read(io.BytesIO(preview.data), "jpeg")
        if said.exif.clock is None:
            time = clock(_changed_at(preview.data))
            time = time if time and time.local > _UNKNOWN else None
            said = said._replace(exif=msgspec.structs.replace(said.exif, clock=time))
    except BROKEN:
        return None
    return said


def _changed_at(jpeg: bytes) -> object:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        return opened.getexif().get(_CHANGED)


def preview(file: BinaryIO, longest: int) -> bytes | None:
    """The JPEG inside, if it is as large as asked for, or as the picture itself.

    Raises `ValueError` for what LibRaw does not know. None, too, if the JPEG does not tell what
    has to be turned though it must be.
    """
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            found = raw.extract_thumb()
            whole = max(raw.sizes.width, raw.sizes.height)
            is_turned = raw.sizes.flip in _TURNS
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    except rawpy.LibRawError as error:
        raise ValueError("no RAW, or damaged") from error
    if found.format is not rawpy.ThumbFormat.JPEG or not isinstance(found.data, bytes):
        return None
    try:
        with Image.open(io.BytesIO(found.data), formats=("JPEG",)) as jpeg:
            tells = jpeg.getexif().get(exif.ORIENTATION, 1) != 1
            is_large = max(jpeg.size) >= min(longest, whole * 9 // 10)
    except BROKEN:
        return None
    return found.data if is_large and tells == is_turned else None


def developed(file: BinaryIO, longest: int) -> Pixels:
    """The picture as LibRaw makes it of what the sensor saw, as the camera balanced the colours."""
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            check_size(width, height)
            is_half = max(width, height) >= longest * _HALF_IS_ENOUGH
            array = raw.postprocess(use_camera_wb=True, half_size=is_half)
    except rawpy.LibRawError as error:
        raise ValueError("no RAW, or damaged") from error
    height, width, bands = array.shape
    return Pixels(array.tobytes(), width, height, bands)
