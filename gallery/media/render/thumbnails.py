"""Thumbnails of all kinds of files. It decodes: only workers import and run it."""

import io
import os
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from gallery.media.formats import vips
from gallery.media.formats.damage import problem_of
from gallery.media.formats.image import decoded, decoded_heif
from gallery.media.formats.pixels import CannotDraw, Pixels
from gallery.media.formats.sniff import Kind, is_too_large, kind_of_file
from gallery.media.jobs import Rendering
from gallery.media.metadata.broken import BROKEN, report
from gallery.media.render import poster
from gallery.media.render.thumbhash import MAX_HASH_SIDE, thumbhash
from gallery.model import PIXELS, Size
from gallery.values import problems


class Drawn(NamedTuple):
    """Pictures of a file as WebP, by size, and its ThumbHash."""

    pictures: dict[Size, bytes]
    thumbhash: str


def render(file: BinaryIO, name: str, sizes: Collection[Size]) -> Rendering:
    """Return the pictures of a file in these sizes, and its ThumbHash, or a problem.

    If the sizes cannot be rendered, the hash is tried alone: then there are a hash and a problem.
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
    """Return the pictures of a file in these sizes, upright, in sRGB. Only SVG is enlarged.

    Raises `CannotDraw` if the file is no picture or video, is damaged, or is too large.
    """
    longest = max((_pixels(size) for size in sizes), default=MAX_HASH_SIDE)
    with _refusing(file):
        image = _loaded(file, name, longest)
        drawn: dict[Size, bytes] = {}
        for size in sorted(sizes, key=_pixels, reverse=True):
            image = vips.smaller(image, _pixels(size))
            drawn[size] = vips.webp(image)
        return Drawn(drawn, _thumbhash(image))


def thumbhash_of(picture: bytes) -> str:
    """Return the ThumbHash of a picture that `draw` returned."""
    with _refusing(io.BytesIO(picture)):
        return _thumbhash(vips.shrunk(picture, MAX_HASH_SIDE))


@contextmanager
def _refusing(file: BinaryIO) -> Generator[None]:
    """Raise `CannotDraw` in place of every error that decoders raise for damaged files."""
    try:
        yield
    except CannotDraw:
        raise
    except ImportError as error:  # of an extra that is not installed
        raise CannotDraw(problems.NO_DECODER) from error
    except (*BROKEN, vips.Error) as error:
        report(error)
        raise CannotDraw(problem_of(file, error)) from error


def _thumbhash(image: vips.Image) -> str:
    small = vips.rgba(vips.smaller(image, MAX_HASH_SIDE))
    return thumbhash(small.data, small.width, small.height)


def _pixels(size: Size) -> int:
    return PIXELS[size] or vips.MAX_WEBP_SIDE


def _loaded(file: BinaryIO, name: str, longest: int) -> vips.Image:
    kind = kind_of_file(file, name)
    if is_too_large(kind, file.seek(0, os.SEEK_END)):
        raise CannotDraw(problems.TOO_MUCH)
    if kind == "raw":
        return _raw(file, longest)
    if kind is None:
        raise ValueError("no picture or video")
    if kind in _DECODERS:
        return vips.of_pixels(_DECODERS[kind](file), longest)
    try:
        return vips.shrunk(file, longest)
    except vips.Error:
        if kind != "avif":
            raise
        return vips.of_pixels(decoded(file), longest)  # animated ones


def _poster(file: BinaryIO) -> Pixels:
    return poster.poster(file)


def _jxl(file: BinaryIO) -> Pixels:
    from gallery.media.formats import jxl  # noqa: PLC0415  (an extra)

    return jxl.decoded(file)


_DECODERS: Mapping[Kind, Callable[[BinaryIO], Pixels]] = {
    "film": _poster,
    "jxl": _jxl,
    "heif": decoded_heif,
    "bmp": decoded,
}
"""Decoders of kinds that libvips does not decode."""


def _raw(file: BinaryIO, longest: int) -> vips.Image:
    """Return the embedded JPEG if it is large enough, else the developed picture."""
    from gallery.media.formats import raw  # noqa: PLC0415  (an extra)

    jpeg = raw.preview(file, longest)
    if jpeg is not None:
        return vips.shrunk(jpeg, longest)
    return vips.of_pixels(raw.developed(file, longest), longest)
