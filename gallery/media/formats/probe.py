"""What a media file says of itself. It decodes: run it through `media.worker`.

Only the workers import it: a server without the decoders starts in half the time and is some 40 MB
smaller. Those of the extras are imported where they are used, because they may be missing.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

from gallery.limits import MAX_SIDE
from gallery.media.bounded import TooMuch
from gallery.media.formats import image, svg, video, vips
from gallery.media.formats.damage import problem_of
from gallery.media.formats.sniff import Kind, is_too_large, kind_of_file
from gallery.media.metadata import times, xmp
from gallery.media.metadata.sources import BROKEN, NOTHING, Metadata, Sources, merged
from gallery.model import Probed
from gallery.values import problems
from gallery.values.media_types import is_drawing


def probe(file: BinaryIO, name: str, modified_at: int, sidecars: Iterable[bytes] = ()) -> Probed:
    """All that a file and its sidecars say; a `problem` in place of an error.

    Of a file that cannot be read at least the sidecars are, and it has its own time
    (`modified_at`, microseconds). Of several sidecars the first counts that says something.
    """
    beside = merged([xmp.read(content) for content in sidecars])
    kind = kind_of_file(file, name) or ("svg" if is_drawing(name) else None)
    if is_too_large(kind, file.seek(0, os.SEEK_END)):
        return _probed(Sources(beside), modified_at, problem=problems.TOO_MUCH)
    file.seek(0)
    try:
        if kind == "film":
            return _film(file, beside, modified_at)
        if kind == "svg":
            return _drawing(file, beside, modified_at)
        return _picture(file, beside, modified_at, kind)
    except TooMuch:
        problem = problems.TOO_MUCH
    except ImportError:  # of an extra
        problem = problems.NO_DECODER
    except BROKEN as error:
        problem = problem_of(file, error)
    return _probed(Sources(beside), modified_at, problem=problem)


def _picture(file: BinaryIO, beside: Metadata, modified_at: int, kind: Kind | None) -> Probed:
    if kind == "raw":
        from gallery.media.formats import raw  # noqa: PLC0415  (an extra)

        picture = raw.read(file)
    elif kind == "jxl":
        from gallery.media.formats import jxl  # noqa: PLC0415  (an extra)

        picture = jxl.read(file)
    else:
        try:
            picture = image.read(file, kind)
        except TooMuch:
            raise
        except BROKEN as error:
            picture = _seen(file, kind, error)
        else:
            if kind == "avif":  # Pillow does not crop it
                with suppress(*BROKEN):
                    picture = picture._replace(size=_drawn_size(file))
    said = Sources(beside, picture.xmp, picture.iptc, picture.exif, picture.texts)
    return _probed(said, modified_at, size=picture.size)


def _seen(file: BinaryIO, kind: Kind | None, error: Exception) -> image.Picture:
    """Return at least the dimensions of what Pillow refuses and libvips draws."""
    try:
        size = _drawn_size(file)
    except ValueError as reason:
        raise error from reason
    if kind == "tiff":
        with suppress(*BROKEN):
            return image.of_directory(file)._replace(size=size)
    return image.Picture(size, NOTHING, NOTHING, NOTHING, NOTHING)


def _drawn_size(file: BinaryIO) -> tuple[int, int]:
    """Return the dimensions of what libvips draws. Raises `ValueError` if it does not."""
    try:
        return vips.size(file)
    except (vips.Error, OSError) as error:
        raise ValueError("not drawn") from error


def _drawing(file: BinaryIO, beside: Metadata, modified_at: int) -> Probed:
    return _probed(Sources(beside), modified_at, size=svg.read(file))


def _film(file: BinaryIO, beside: Metadata, modified_at: int) -> Probed:
    film = video.read(file)
    said = Sources(beside, film.xmp, container=film.tags)
    return _probed(said, modified_at, size=film.size, duration=film.duration)


def _probed(
    said: Sources,
    modified_at: int,
    *,
    size: tuple[int, int] | None = None,
    duration: int | None = None,
    problem: str | None = None,
) -> Probed:
    """What all sources say together: of each thing, what the first says that speaks of it."""
    all_ = merged(said)
    width, height = size if size and min(size) > 0 and max(size) <= MAX_SIDE else (None, None)
    return Probed(
        width=width,
        height=height,
        duration=duration,
        problem=problem,
        taken=times.choose(said, modified_at),
        camera=all_.camera,
        lens=all_.lens,
        exposure=all_.exposure,
        aperture=all_.aperture,
        iso=all_.iso,
        focal_length=all_.focal_length,
        position=all_.position,
        altitude=all_.altitude,
        rating=all_.rating or 0,
        title=all_.title,
        caption=all_.caption,
        keywords=all_.keywords,
    )
