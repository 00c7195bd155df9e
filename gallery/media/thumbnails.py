"""Smaller pictures of whatever the library holds. It decodes: run it through `media.worker`."""

import io
import os
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from gallery.media import canvas, pictures, posters
from gallery.media.damage import problem_of
from gallery.media.jobs import Rendering
from gallery.media.kinds import Kind, is_too_large, kind_of_file
from gallery.media.pixels import CannotDraw, Pixels
from gallery.media.tags import BROKEN
from gallery.media.thumbhash import LONGEST, thumbhash
from gallery.model import PIXELS, Size
from gallery.values import problems


class Drawn(NamedTuple):
    """Pictures of a file as WebP, by size, and its ThumbHash."""

    pictures: dict[Size, bytes]
    thumbhash: str


def render(file: BinaryIO, name: str, sizes: Collection[Size]) -> Rendering:
    """Return a file's pictures in these sizes, and its ThumbHash.

    What is too large in one size may do for the hash: then there is that and a problem.
    """
    problem = None
    for wanted in (sizes, ()) if sizes else (sizes,):
        try:
            pictures, hash_ = draw(file, name, wanted)
            return Rendering(pictures, hash_, problem)
        except CannotDraw as error:
            problem = problem or str(error)
        except MemoryError:
            problem = problem or problems.TOO_MUCH
    return Rendering(problem=problem)


def draw(file: BinaryIO, name: str, sizes: Collection[Size]) -> Drawn:
    """A file's pictures in these sizes, upright, in sRGB, never enlarged (but SVG).

    Raises `CannotDraw` for what is no medium, is damaged, or is too large.
    """
    longest = max((_pixels(size) for size in sizes), default=LONGEST)
    with _refusing(file):
        image = _loaded(file, name, longest)
        drawn: dict[Size, bytes] = {}
        for size in sorted(sizes, key=_pixels, reverse=True):
            image = canvas.smaller(image, _pixels(size))
            drawn[size] = canvas.webp(image)
        return Drawn(drawn, _thumbhash(image))


def thumbhash_of(picture: bytes) -> str:
    """The ThumbHash of a file that `draw` has made a picture of."""
    with _refusing(io.BytesIO(picture)):
        return _thumbhash(canvas.shrunk(picture, LONGEST))


@contextmanager
def _refusing(file: BinaryIO) -> Generator[None]:
    """Whatever a decoder makes of bytes that are not what they should be is `CannotDraw`."""
    try:
        yield
    except CannotDraw:
        raise
    except ImportError as error:  # of an extra
        raise CannotDraw(problems.NO_DECODER) from error
    except (*BROKEN, canvas.Error) as error:
        raise CannotDraw(problem_of(file, error)) from error


def _thumbhash(image: canvas.Image) -> str:
    small = canvas.rgba(canvas.smaller(image, LONGEST))
    return thumbhash(small.data, small.width, small.height)


def _pixels(size: Size) -> int:
    return PIXELS[size] or canvas.LONGEST_SIDE


def _loaded(file: BinaryIO, name: str, longest: int) -> canvas.Image:
    kind = kind_of_file(file, name)
    if is_too_large(kind, file.seek(0, os.SEEK_END)):
        raise CannotDraw(problems.TOO_MUCH)
    if kind == "raw":
        return _raw(file, longest)
    if kind is None:
        raise ValueError("no medium")
    if kind in _DECODERS:
        return canvas.of_pixels(_DECODERS[kind](file), longest)
    try:
        return canvas.shrunk(file, longest)
    except canvas.Error:
        if kind != "avif":
            raise
        return canvas.of_pixels(pictures.decoded(file), longest)  # moving ones


def _poster(file: BinaryIO) -> Pixels:
    return posters.poster(file)


def _jxl(file: BinaryIO) -> Pixels:
    from gallery.media import jxl  # noqa: PLC0415  (an extra)

    return jxl.decoded(file)


_DECODERS: Mapping[Kind, Callable[[BinaryIO], Pixels]] = {
    "film": _poster,
    "jxl": _jxl,
    "heif": pictures.decoded_heif,
    "bmp": pictures.decoded,
}
"""What libvips does not decode."""


def _raw(file: BinaryIO, longest: int) -> canvas.Image:
    """What the camera has put into the file to be shown, if that is good enough."""
    from gallery.media import raws  # noqa: PLC0415  (an extra)

    jpeg = raws.preview(file, longest)
    if jpeg is not None:
        return canvas.shrunk(jpeg, longest)
    return canvas.of_pixels(raws.developed(file, longest), longest)
