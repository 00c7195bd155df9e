"""Making pictures of one file. It decodes: run it through `media.worker`."""

import logging
import os
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import BinaryIO, NamedTuple

from gallery.disk.roots import Root
from gallery.media import thumbnails
from gallery.media.cache import Cache, key_of
from gallery.media.fingerprints import fingerprint
from gallery.media.pixels import CannotDraw
from gallery.media.thumbnails import Drawn
from gallery.model import Size

logger = logging.getLogger(__name__)

TOO_MUCH = "takes too much memory or time to draw"


class Trouble(Enum):
    """Why nothing came of it, though another time something may."""

    ABSENT = auto()
    CHANGED = auto()


class Made(NamedTuple):
    """What came of it: pictures of the file as it was then, size and time (microseconds) included.

    A `problem` says why some cannot be made; without a `thumbhash` none can be. `kept` bytes went
    to the cache.
    """

    size: int
    modified_at: int
    thumbhash: str | None
    problem: str | None = None
    pictures: tuple[bytes, ...] = ()
    kept: int = 0


def draw(
    root: Root, cache: Cache, path: str, sizes: Sequence[Size], wanted: Sequence[Size] = ()
) -> Made | Trouble:
    """Sees to it that the pictures of a file are in the cache in these sizes.

    Those that are `wanted` are given back.
    """
    try:
        opened = root.open_file(path)
    except OSError:
        return Trouble.ABSENT
    with opened as file:
        status = os.fstat(file.fileno())
        version = status.st_size, status.st_mtime_ns // 1000
        key = key_of(fingerprint(file, status.st_size), version[1])
        here = {size: picture for size in sizes if (picture := cache.read(key, size)) is not None}
        drawn, problem = _tried(file, path, [size for size in sizes if size not in here], here)
        if _identity(os.fstat(file.fileno())) != _identity(status):
            return Trouble.CHANGED
    if drawn is None:
        return Made(*version, None, problem)
    pictures = here | drawn.pictures
    given = tuple(pictures[size] for size in wanted if size in pictures)
    return Made(*version, drawn.thumbhash, problem, given, _keep(cache, key, drawn.pictures))


def _tried(
    file: BinaryIO, path: str, missing: Sequence[Size], here: Mapping[Size, bytes]
) -> tuple[Drawn | None, str | None]:
    """What could be drawn, and the problem. What is too large in one size may do in none."""
    problem = None
    for sizes in (missing, ()) if missing else (missing,):
        try:
            return _drawn(file, path, sizes, here), problem
        except CannotDraw as error:
            problem = problem or f"cannot be drawn ({error})"
        except MemoryError:
            problem = problem or TOO_MUCH
    return None, problem


def _drawn(file: BinaryIO, path: str, missing: Sequence[Size], here: Mapping[Size, bytes]) -> Drawn:
    """What is missing; if nothing is, the hash is made of what is here."""
    if here and not missing:
        return Drawn({}, thumbnails.thumbhash_of(min(here.values(), key=len)))
    return thumbnails.draw(file, path, missing)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _keep(cache: Cache, key: str, pictures: Mapping[Size, bytes]) -> int:
    """How many bytes that takes."""
    try:
        return sum(cache.keep(key, size, picture) for size, picture in pictures.items())
    except OSError as error:  # the disk is full, say: they are drawn again the next time
        logger.warning("a thumbnail is not kept: %s", error.strerror)
        return 0
