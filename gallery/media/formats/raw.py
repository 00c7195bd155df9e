"""RAW files: dimensions and pictures by LibRaw, metadata from the file or its embedded JPEG."""

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
from gallery.media.metadata.broken import BROKEN, report
from gallery.media.metadata.sources import NOTHING, Metadata
from gallery.media.metadata.times import clock

_ON_ITS_SIDE = (5, 6)
"""LibRaw's codes of a quarter turn, in both directions."""
_TURNS = {3: 180, 5: 270, 6: 90}
"""Degrees clockwise by the same codes."""
_HALF_IS_ENOUGH = 2
_CHANGED = 0x0132
_UNKNOWN = datetime(1970, 1, 2)  # noqa: DTZ001  (local time)
"""LibRaw writes the first of January 1970 if it does not know the time."""


def read(file: BinaryIO) -> Picture:
    """Return the dimensions and metadata of a RAW file, without developing it.

    Raises `ValueError` if LibRaw does not know the file and its tags have no dimensions.
    """
    inside = cr3.read(file) or _inside(file)
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            is_turned = raw.sizes.flip in _ON_ITS_SIDE
            found = inside or _preview(raw)
    except rawpy.LibRawError as error:
        if inside is not None and max(inside.size):
            return inside
        raise ValueError("no RAW") from error
    size = (height, width) if is_turned else (width, height)
    return (found or _of(NOTHING))._replace(size=size)


def _of(found: Metadata) -> Picture:
    return Picture((0, 0), found, NOTHING, NOTHING, NOTHING)


def _inside(file: BinaryIO) -> Picture | None:
    """Return the metadata of the tags: most RAW files are variants of TIFF. None without any."""
    try:
        found = image.of_directory(file)
    except BROKEN as error:
        report(error)
        return None
    return found if found.exif.clock or found.exif.camera else None


def _preview(raw: rawpy.RawPy) -> Picture | None:
    """Return the metadata of the embedded JPEG, None if there is none or it is broken.

    If it has no EXIF, LibRaw adds one, with the time in the tag of the last change.
    """
    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format is not rawpy.ThumbFormat.JPEG or not isinstance(preview.data, bytes):
        return None
    try:
        found = image.read(io.BytesIO(preview.data), "jpeg")
        if found.exif.clock is None:
            time = clock(_changed_at(preview.data))
            time = time if time and time.local > _UNKNOWN else None
            found = found._replace(exif=msgspec.structs.replace(found.exif, clock=time))
    except BROKEN as error:
        report(error)
        return None
    return found


def _changed_at(jpeg: bytes) -> object:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        return opened.getexif().get(_CHANGED)


def preview(file: BinaryIO, longest: int) -> bytes | None:
    """Return the embedded JPEG if it has `longest` pixels on a side, or 90 % of the picture's.

    Return None if it is smaller, or if its orientation and that of the RAW file disagree. Raises
    `ValueError` if LibRaw does not know the file.
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
            has_turn = jpeg.getexif().get(exif.ORIENTATION, 1) != 1
            is_large = max(jpeg.size) >= min(longest, whole * 9 // 10)
    except BROKEN as error:
        report(error)
        return None
    return found.data if is_large and has_turn == is_turned else None


def developed(file: BinaryIO, longest: int) -> Pixels:
    """Return the picture as LibRaw develops it, with the white balance of the camera."""
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
