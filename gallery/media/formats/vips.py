"""Pixels: loading, shrinking and WebP by libvips, with only the loaders that are needed.

Results are in sRGB, upright, and without metadata. Failures of libvips are `Error`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO, TypeAlias

import pyvips

from gallery.media.formats.pixels import Pixels, check_size

MAX_WEBP_SIDE = 16_383
"""Pixels on the longer side of the largest WebP."""
_QUALITY, _EFFORT = 80, 2
_TINY = 64
_LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif", "Svg")
_WHOLE = "[fail_on=error]"
"""Truncated files are errors. libvips 8.18 ignores this as a keyword argument here."""
_ON_ITS_SIDE = range(5, 9)
_TURNS = {90: "rot90", 180: "rot180", 270: "rot270"}

Error = pyvips.Error
Image: TypeAlias = Any
"""A `pyvips.Image`: the library has no types."""


def shrunk(file: BinaryIO | bytes, longest: int) -> Image:
    """Return the picture in a file, at most `longest` pixels wide and high.

    Only this file is read: an SVG cannot load others. All pixels are decoded here, so a damaged
    file raises `Error` here. Raises `CannotDraw` if it is too large.
    """
    with _source(file) as source:
        header = pyvips.Image.new_from_source(source, "")
        check_size(header.width, header.height)
        is_drawing = header.get("vips-loader").startswith("svg")
    with _source(file) as source:
        return pyvips.Image.thumbnail_source(
            source,
            longest,
            height=longest,
            size="both" if is_drawing and longest < MAX_WEBP_SIDE else "down",
            export_profile="srgb",
            option_string=_WHOLE,
        ).copy_memory()


def size(file: BinaryIO) -> tuple[int, int]:
    """Return the dimensions of a picture as displayed, by its header. Raises `Error`."""
    with _source(file) as source:
        header = pyvips.Image.new_from_source(source, "")
        is_turned = header.get_typeof("orientation") and header.get("orientation") in _ON_ITS_SIDE
        return (header.height, header.width) if is_turned else (header.width, header.height)


def of_pixels(pixels: Pixels, longest: int) -> Image:
    """Return a decoded picture as `shrunk` would."""
    _prepare()
    image = pyvips.Image.new_from_memory(
        pixels.data, pixels.width, pixels.height, pixels.bands, "uchar"
    ).copy(interpretation="srgb" if pixels.bands >= 3 else "b-w")
    if pixels.profile:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", pixels.profile)
    if pixels.turn:
        image = getattr(image, _TURNS[pixels.turn])()
    return image.thumbnail_image(
        longest, height=longest, size="down", export_profile="srgb"
    ).copy_memory()


def smaller(image: Image, longest: int) -> Image:
    """Return a result of `shrunk` or `of_pixels`, made smaller."""
    return image.thumbnail_image(longest, height=longest, size="down")


def webp(image: Image) -> bytes:
    """Return the picture as WebP without metadata, lossless if it is tiny."""
    is_tiny = max(image.width, image.height) <= _TINY
    encoded: bytes = image.webpsave_buffer(
        Q=_QUALITY, effort=_EFFORT, lossless=is_tiny, keep="none"
    )
    return encoded


def rgba(image: Image) -> Pixels:
    """Return the pixels of a picture with four bytes per pixel."""
    image = image.colourspace("srgb")
    image = image if image.hasalpha() else image.bandjoin(255)
    data = bytes(image.cast("uchar").write_to_memory())
    return Pixels(data, image.width, image.height, 4)


@contextmanager
def _source(file: BinaryIO | bytes) -> Generator[Image]:
    """Yield the file as a source of libvips, from its beginning.

    Pixels must be computed within the block: libvips reads the file only then, and pyvips keeps the
    bytes of a source alive only as long as the source (except for `new_from_source`). Messages of
    libvips about an earlier file are cleared.
    """
    _prepare()
    pyvips.vips_lib.vips_error_clear()
    if isinstance(file, bytes):
        yield pyvips.Source.new_from_memory(file)
    else:
        file.seek(0)
        yield pyvips.Source.new_from_descriptor(file.fileno())


@cache
def _prepare() -> None:
    """Set up libvips once per process: one thread, no cache, and no loaders but ours."""
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
