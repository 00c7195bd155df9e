"""Pictures: dimensions as seen, and the metadata in their headers, by Pillow."""

import warnings
from collections.abc import Collection
from functools import cache
from typing import BinaryIO, NamedTuple

import pillow_heif
from PIL import Image, ImageOps

from gallery.media.bounded import bounded
from gallery.media.formats import png
from gallery.media.formats.pixels import CannotDraw, Pixels, check_size, tight
from gallery.media.formats.sniff import MAX_BYTES, Kind
from gallery.media.metadata import exif, iptc, sources, xmp
from gallery.media.metadata.sources import BROKEN, NOTHING, Metadata
from gallery.media.metadata.times import clock
from gallery.values import problems

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP")
MAX_HEADER_BYTES = 32 << 20
"""Of a picture that are read before its pixels begin."""
_READ_FARTHER: Collection[Kind | None] = ("webp", "avif", "heif", "tiff")
"""Pillow reads these as a whole, or looks behind the pixels, too."""
MAX_EXIF_BYTES = 1 << 20
MAX_IPTC_BYTES = 256 << 10
_IPTC_IN_PHOTOSHOP, _IPTC_IN_TIFF, _XMP_IN_TIFF = 0x0404, 33_723, 700
_ON_ITS_SIDE = range(5, 9)
_NO_MEMORY = "Memory allocation error"
"""How libheif says that it gets no memory, or would need more than it takes for safety."""
_TURNED_BY_PILLOW = ("HEIF", "TIFF")
"""Their sizes are those after turning, though their EXIF may still ask for it."""


class Picture(NamedTuple):
    """What the header of a picture says; `size` in pixels, orientation applied."""

    size: tuple[int, int]
    exif: Metadata
    xmp: Metadata
    iptc: Metadata
    texts: Metadata


def read(file: BinaryIO, kind: Kind | None) -> Picture:
    """Return what the header of a picture says. Broken metadata is only left out.

    Raises one of `BROKEN` for what is no picture, `TooMuch` for what takes too much to read.
    """
    _prepare()
    part = bounded(file, MAX_BYTES[kind] if kind and kind in _READ_FARTHER else MAX_HEADER_BYTES)
    is_turnable = True
    if kind == "png":
        part, is_turnable = png.without_pixels(part)
    with warnings.catch_warnings(action="ignore"), Image.open(part, formats=FORMATS) as image:
        width, height = image.size
        found = _exif(image)
        is_turned = (
            is_turnable
            and image.format not in _TURNED_BY_PILLOW
            and _orientation(found) in _ON_ITS_SIDE
        )
        return Picture(
            (height, width) if is_turned else (width, height),
            exif=exif.read(found) if found is not None else NOTHING,
            xmp=_xmp(image),
            iptc=_iptc(image),
            texts=_texts(image),
        )


def of_directory(file: BinaryIO) -> Picture:
    """Return what the tags of a TIFF say, whether or not Pillow knows its pixels; no size.

    Most RAW files are TIFF, too. Raises one of `BROKEN` for what is none.
    """
    found = Image.Exif()
    with warnings.catch_warnings(action="ignore"):
        found.load_from_fp(bounded(file, MAX_HEADER_BYTES))
        directory = found._info  # noqa: SLF001  (no other way)
        packet = _bytes_of(directory, _XMP_IN_TIFF)
        sets = _bytes_of(directory, _IPTC_IN_TIFF)
        return Picture(
            (0, 0),
            exif=exif.read(found),
            xmp=xmp.read(packet) if packet else NOTHING,
            iptc=_of_sets(sets),
            texts=NOTHING,
        )


def _bytes_of(directory: object, tag: int) -> bytes | None:
    """Return a tag as it is written: the numbers of a long one would take much more memory."""
    raw: bytes | None = getattr(directory, "_tagdata", {}).get(tag)
    return raw


@cache
def _prepare() -> None:
    """Once a process. Nothing is decoded here, so a picture may be as large as it says."""
    pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None


def _exif(image: Image.Image) -> "Image.Exif | None":
    raw = image.info.setdefault("exif")  # without any, Pillow would decode a PNG to look for it
    if raw and len(raw) > MAX_EXIF_BYTES:
        image.info["exif"] = b""
    try:
        return image.getexif()
    except BROKEN:
        return None


def _orientation(found: "Image.Exif | None") -> object:
    try:
        return None if found is None else found.get(exif.ORIENTATION)
    except BROKEN:
        return None


def _xmp(image: Image.Image) -> Metadata:
    raw = image.info.get("xmp") or _profile(image, "xmp")
    if isinstance(raw, str):
        raw = raw.encode()
    if isinstance(raw, tuple):
        raw = bytes(raw)
    return xmp.read(raw) if isinstance(raw, bytes) and raw else NOTHING


def _iptc(image: Image.Image) -> Metadata:
    try:
        return _of_sets(_raw_iptc(image))
    except BROKEN:
        return NOTHING


def _of_sets(raw: bytes | None) -> Metadata:
    return iptc.read(iptc.sets_of(raw)) if raw and len(raw) <= MAX_IPTC_BYTES else NOTHING


def _raw_iptc(image: Image.Image) -> bytes | None:
    if image.format in ("JPEG", "MPO"):
        return image.info.get("photoshop", {}).get(_IPTC_IN_PHOTOSHOP)  # type: ignore[no-any-return]
    if image.format == "TIFF":
        return _bytes_of(image.tag_v2, _IPTC_IN_TIFF)  # type: ignore[attr-defined]
    raw = _profile(image, "iptc") or _profile(image, "8bim")
    return iptc.among_resources(raw) if raw and raw.startswith(b"8BIM") else raw


def _profile(image: Image.Image, name: str) -> bytes | None:
    """Return what ImageMagick, and much that is built upon it, writes into a text of a PNG.

    That is a line with a name, one with a length, and the bytes as hexadecimal digits.
    """
    written = image.info.get(f"Raw profile type {name}")
    if not isinstance(written, str):
        return None
    try:
        return bytes.fromhex(written.lstrip().split("\n", 2)[2])
    except BROKEN:
        return None


def _texts(image: Image.Image) -> Metadata:
    """The texts that PNG has room for."""
    if image.format != "PNG":
        return NOTHING
    said = image.info
    return Metadata(
        clock=clock(said.get("Creation Time")),
        title=sources.line(said.get("Title")),
        caption=sources.caption(said.get("Description")),
    )


def decoded(file: BinaryIO) -> Pixels:
    """The first picture of a file that only Pillow knows (BMP, moving AVIF), upright.

    Raises `CannotDraw`, or one of `BROKEN`.
    """
    _prepare()
    file.seek(0)
    with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as image:
        check_size(*image.size)
        profile = image.info.get("icc_profile")
        has_alpha = image.has_transparency_data
        try:
            pixels = image.convert("RGBA" if has_alpha else "RGB")
        except RuntimeError as error:  # as damaged AVIF does
            raise ValueError("no picture, or damaged") from error
        upright = ImageOps.exif_transpose(pixels)
        bands = len(upright.getbands())
        return Pixels(upright.tobytes(), upright.width, upright.height, bands, profile)


def decoded_heif(file: BinaryIO) -> Pixels:
    """The main picture of a HEIC file, which libheif turns by itself.

    Raises `CannotDraw` for what is too large, `MemoryError` for what needs more than there is,
    `ValueError` for what is damaged.
    """
    pillow_heif.options.DECODE_THREADS = 1
    file.seek(0)
    try:
        image = pillow_heif.open_heif(file)
        width, height = image.size
        check_size(width, height)
        bands = len(image.mode)
        row = width * bands
        # A copy would take half as much memory again.
        data = image.data if image.stride == row else tight(image.data, row, height, image.stride)
    except CannotDraw:
        raise
    except IndexError as error:  # libheif leaves out what it has no decoder for: all, here
        raise CannotDraw(problems.NO_DECODER) from error
    except (RuntimeError, SyntaxError, ValueError, EOFError, OSError) as error:
        if _NO_MEMORY in str(error):
            raise MemoryError from error
        raise ValueError("no picture, or damaged") from error
    return Pixels(data, width, height, bands, image.info.get("icc_profile"), owner=image)
