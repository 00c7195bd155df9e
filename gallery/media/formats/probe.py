"""The metadata of a media file. It decodes: only workers import and run it.

A server without decoders starts in half the time and takes 40 MB less memory. Decoders of extras
are imported where they are used, because they may not be installed.
"""

import os
from collections.abc import Iterable
from typing import BinaryIO

from gallery.limits import MAX_SIDE
from gallery.media.bounded import TooMuch
from gallery.media.formats import image, svg, video, vips
from gallery.media.formats.damage import problem_of
from gallery.media.formats.sniff import Kind, is_too_large, kind_of_file
from gallery.media.metadata import times, xmp
from gallery.media.metadata.broken import BROKEN, report, reported
from gallery.media.metadata.sources import NOTHING, Metadata, Sources, merged
from gallery.model import Probed
from gallery.values import problems
from gallery.values.media_types import is_drawing


def probe(file: BinaryIO, name: str, modified_at: int, sidecars: Iterable[bytes] = ()) -> Probed:
    """Return the metadata of a file and its sidecars, with a `problem` instead of an error.

    If the file cannot be read, its sidecars and its time (`modified_at`, microseconds) remain. A
    property comes from the first sidecar that has it.
    """
    sidecar = merged([xmp.read(content) for content in sidecars])
    kind = kind_of_file(file, name) or ("svg" if is_drawing(name) else None)
    if is_too_large(kind, file.seek(0, os.SEEK_END)):
        return _probed(Sources(sidecar), modified_at, problem=problems.TOO_MUCH)
    file.seek(0)
    try:
        if kind == "film":
            return _video(file, sidecar, modified_at)
        if kind == "svg":
            return _svg(file, sidecar, modified_at)
        return _image(file, sidecar, modified_at, kind)
    except TooMuch:
        problem = problems.TOO_MUCH
    except ImportError:  # of an extra
        problem = problems.NO_DECODER
    except BROKEN as error:
        report(error)
        problem = problem_of(file, error)
    return _probed(Sources(sidecar), modified_at, problem=problem)


def _image(file: BinaryIO, sidecar: Metadata, modified_at: int, kind: Kind | None) -> Probed:
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
            report(error)
            picture = _by_vips(file, kind, error)
        else:
            if kind == "avif":  # Pillow does not crop it
                with reported():
                    picture = picture._replace(size=_vips_size(file))
    found = Sources(sidecar, picture.xmp, picture.iptc, picture.exif, picture.texts)
    return _probed(found, modified_at, size=picture.size)


def _by_vips(file: BinaryIO, kind: Kind | None, error: Exception) -> image.Picture:
    """Return the dimensions by libvips of a file that Pillow refused with `error`.

    Raises `error` if libvips refuses it too.
    """
    try:
        size = _vips_size(file)
    except ValueError as reason:
        raise error from reason
    if kind == "tiff":
        with reported():
            return image.of_directory(file)._replace(size=size)
    return image.Picture(size, NOTHING, NOTHING, NOTHING, NOTHING)


def _vips_size(file: BinaryIO) -> tuple[int, int]:
    """Return the dimensions by libvips. Raises `ValueError` if it cannot read the file."""
    try:
        return vips.size(file)
    except (vips.Error, OSError) as error:
        raise ValueError("not drawn") from error


def _svg(file: BinaryIO, sidecar: Metadata, modified_at: int) -> Probed:
    return _probed(Sources(sidecar), modified_at, size=svg.read(file))


def _video(file: BinaryIO, sidecar: Metadata, modified_at: int) -> Probed:
    film = video.read(file)
    found = Sources(sidecar, film.xmp, container=film.tags)
    return _probed(found, modified_at, size=film.size, duration=film.duration)


def _probed(
    found: Sources,
    modified_at: int,
    *,
    size: tuple[int, int] | None = None,
    duration: int | None = None,
    problem: str | None = None,
) -> Probed:
    """Return each property from the first source that has it."""
    all_ = merged(found)
    width, height = size if size and min(size) > 0 and max(size) <= MAX_SIDE else (None, None)
    return Probed(
        width=width,
        height=height,
        duration=duration,
        problem=problem,
        taken=times.choose(found, modified_at),
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
