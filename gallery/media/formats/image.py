"""Images: dimensions as displayed, and metadata of the header, by Pillow."""

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
from gallery.media.metadata.broken import BROKEN, report
from gallery.media.metadata.sources import NOTHING, Metadata
from gallery.media.metadata.times import clock
from gallery.values import problems

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP")
MAX_HEADER_BYTES = 32 << 20
"""Bytes of a file that are read before its pixels."""
_READ_FARTHER: Collection[Kind | None] = ("webp", "avif", "heif", "tiff")
"""Pillow reads these as a whole, or reads behind the pixels too."""
MAX_EXIF_BYTES = 1 << 20
MAX_IPTC_BYTES = 256 << 10
_IPTC_IN_PHOTOSHOP, _IPTC_IN_TIFF, _XMP_IN_TIFF = 0x0404, 33_723, 700
_ON_ITS_SIDE = range(5, 9)
_NO_MEMORY = "Memory allocation error"
"""Error text of libheif if it gets no memory, or needs more than its own limit."""
_TURNED_BY_PILLOW = ("HEIF", "TIFF")
"""Pillow returns the rotated size of these, though their EXIF may still contain an orientation."""


class Picture(NamedTuple):
    """The metadata of a header by source. `size` is in pixels, orientation applied."""

    size: tuple[int, int]
    exif: Metadata
    xmp: Metadata
    iptc: Metadata
    texts: Metadata


def read(file: BinaryIO, kind: Kind | None) -> Picture:
    """Return the metadata of a header. Broken metadata is left out.

    Raises one of `BROKEN` if the file is no picture, `TooMuch` if reading takes too much.
    """
    _prepare()
    part = bounded(file, MAX_BYTES[kind] if kind and kind in _READ_FARTHER else MAX_HEADER_BYTES)
    is_turnable = True
    if kind == "png":
        part, is_turnable = png.without_pixels(part)
    with warnings.catch_warnings(action="ignore"), _opened(part) as image:
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


def _opened(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=FORMATS)
    except RuntimeError as error:  # of damaged AVIF
        raise ValueError("no picture, or damaged") from error


def of_directory(file: BinaryIO) -> Picture:
    """Return the metadata of the tags of a TIFF, without a size. Pillow may not know its pixels.

    Most RAW files are TIFF. Raises one of `BROKEN` if the file is not TIFF.
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
    """Return the bytes of a tag. Its parsed numbers would take much more memory."""
    raw: bytes | None = getattr(directory, "_tagdata", {}).get(tag)
    return raw


@cache
def _prepare() -> None:
    """Set up Pillow once per process. `check_size` replaces its limit of pixels."""
    pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None


def _exif(image: Image.Image) -> "Image.Exif | None":
    raw = image.info.setdefault("exif")  # if it is missing, Pillow decodes a PNG to find it
    if raw and len(raw) > MAX_EXIF_BYTES:
        image.info["exif"] = b""
    try:
        return image.getexif()
    except BROKEN as error:
        report(error)
        return None


def _orientation(found: "Image.Exif | None") -> object:
    try:
        return None if found is None else found.get(exif.ORIENTATION)
    except BROKEN as error:
        report(error)
        return None


def _xmp(image: Image.Image) -> Metadata:
    raw = image.info.get("xmp") or _profile(image, "xmp")
    if isinstance(raw, str):
        raw = raw.encode()
    packet = sources.data(raw)
    return xmp.read(packet) if packet else NOTHING


def _iptc(image: Image.Image) -> Metadata:
    try:
        return _of_sets(_raw_iptc(image))
    except BROKEN as error:
        report(error)
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
    """Return the bytes of a profile that ImageMagick wrote into a text of a PNG.

    The text is a line with a name, one with a length, and the bytes as hexadecimal digits.
    """
    written = image.info.get(f"Raw profile type {name}")
    if not isinstance(written, str):
        return None
    try:
        return bytes.fromhex(written.lstrip().split("\n", 2)[2])
    except BROKEN as error:
        report(error)
        return None


def _texts(image: Image.Image) -> Metadata:
    """Return the metadata of the texts of a PNG."""
    if image.format != "PNG":
        return NOTHING
    texts = image.info
    return Metadata(
        clock=clock(texts.get("Creation Time")),
        title=sources.line(texts.get("Title")),
        caption=sources.caption(texts.get("Description")),
    )


def decoded(file: BinaryIO) -> Pixels:
    """Return the first picture, upright, of a file that only Pillow decodes (BMP, animated AVIF).

    Raises `CannotDraw` if it is too large, or one of `BROKEN` if it is damaged.
    """
    _prepare()
    file.seek(0)
    with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as image:
        check_size(*image.size)
        profile = image.info.get("icc_profile")
        has_alpha = image.has_transparency_data
        try:
            pixels = image.convert("RGBA" if has_alpha else "RGB")
        except RuntimeError as error:  # of damaged AVIF
            raise ValueError("no picture, or damaged") from error
        upright = ImageOps.exif_transpose(pixels)
        bands = len(upright.getbands())
        return Pixels(upright.tobytes(), upright.width, upright.height, bands, profile)


def decoded_heif(file: BinaryIO) -> Pixels:
    """Return the main picture of a HEIC file, which libheif rotates.

    Raises `CannotDraw` if it is too large or no decoder is installed, `MemoryError` if memory is
    not sufficient, `ValueError` if it is damaged.
    """
    pillow_heif.options.DECODE_THREADS = 1
    file.seek(0)
    try:
        image = pillow_heif.open_heif(file)
        width, height = image.size
        check_size(width, height)
        bands = len(image.mode)
        row = width * bands
        # A copy would take 50 % more memory.
        data = image.data if image.stride == row else tight(image.data, row, height, image.stride)
    except CannotDraw:
        raise
    except IndexError as error:  # libheif has no decoder for any picture of the file
        raise CannotDraw(problems.NO_DECODER) from error
    except (RuntimeError, SyntaxError, ValueError, EOFError, OSError) as error:
        if _NO_MEMORY in str(error):
            raise MemoryError from error
        raise ValueError("no picture, or damaged") from error
    return Pixels(data, width, height, bands, image.info.get("icc_profile"), owner=image)
