"""Smaller pictures of whatever the library holds. It decodes: run it through `media.worker`."""

from collections.abc import Collection
from typing import BinaryIO, NamedTuple

from gallery.media import canvas, pictures
from gallery.media.kinds import HEAD_BYTES, kind_of
from gallery.media.pixels import CannotDraw
from gallery.media.tags import BROKEN
from gallery.media.thumbhash import LONGEST, thumbhash
from gallery.media_types import is_raw
from gallery.model import PIXELS, Size


class Drawn(NamedTuple):
    """Pictures of a file as WebP, by size, and its ThumbHash."""

    pictures: dict[Size, bytes]
    thumbhash: str


def draw(file: BinaryIO, name: str, sizes: Collection[Size]) -> Drawn:
    """A file's pictures in these sizes, upright, in sRGB, never enlarged (but SVG).

    What it is tells its content; whether a TIFF is a RAW file, its name.
    Raises `CannotDraw` for what is no medium, is damaged, or is too large.
    """
    longest = max((_pixels(size) for size in sizes), default=LONGEST)
    try:
        image = canvas.kept(_loaded(file, name, longest))
    except CannotDraw:
        raise
    except BROKEN as error:
        raise CannotDraw("damaged") from error
    drawn: dict[Size, bytes] = {}
    for size in sorted(sizes, key=_pixels, reverse=True):
        image = canvas.smaller(image, _pixels(size))
        drawn[size] = canvas.webp(image)
    return Drawn(drawn, _thumbhash(image))


def thumbhash_of(picture: bytes) -> str:
    """The ThumbHash of a file that `draw` has made a picture of."""
    return _thumbhash(canvas.shrunk(picture, LONGEST))


def _thumbhash(image: canvas.Image) -> str:
    small = canvas.rgba(canvas.smaller(image, LONGEST))
    return thumbhash(small.data, small.width, small.height)


def _pixels(size: Size) -> int:
    return PIXELS[size] or canvas.LONGEST_SIDE


def _loaded(file: BinaryIO, name: str, longest: int) -> canvas.Image:
    file.seek(0)
    kind = kind_of(file.read(HEAD_BYTES))
    if kind == "raw" or (kind == "tiff" and is_raw(name)):
        return _raw(file, longest)
    if kind == "film":
        from gallery.media import posters  # noqa: PLC0415

        return canvas.of_pixels(posters.poster(file), longest)
    if kind == "heif":
        return canvas.of_pixels(pictures.decoded_heif(file), longest)
    if kind == "bmp":
        return canvas.of_pixels(pictures.decoded(file), longest)
    if kind is None:
        raise CannotDraw("no medium")
    try:
        return canvas.shrunk(file, longest)
    except CannotDraw:
        if kind != "avif":
            raise
        return canvas.of_pixels(pictures.decoded(file), longest)  # moving ones


def _raw(file: BinaryIO, longest: int) -> canvas.Image:
    """What the camera has put into the file to be shown, if that is good enough."""
    try:
        from gallery.media import raws  # noqa: PLC0415
    except ImportError as error:
        raise CannotDraw("RAW needs the extra `raw`") from error
    jpeg = raws.preview(file, longest)
    if jpeg is not None:
        return canvas.shrunk(jpeg, longest)
    return canvas.of_pixels(raws.developed(file, longest), longest)
