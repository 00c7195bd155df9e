"""Making pictures of one file. It decodes: run it through `media.worker`."""

import logging
import os
from collections.abc import Mapping, Sequence
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


class Made(NamedTuple):
    """What came of it: pictures of the file as it was then, size and time (microseconds) included.

    Without a `thumbhash` none can be made, and `problem` says why. `kept` bytes went to the cache.
    """

    size: int
    modified_at: int
    thumbhash: str | None
    problem: str | None = None
    pictures: tuple[bytes, ...] = ()
    kept: int = 0


def draw(
    root: Root, cache: Cache, path: str, sizes: Sequence[Size], wanted: Sequence[Size] = ()
) -> Made | None:
    """Sees to it that the pictures of a file are in the cache in these sizes.

    Those that are `wanted` are given back. None if somebody wrote to the file meanwhile. Raises
    `OSError` if it cannot be opened.
    """
    with root.open_file(path) as file:
        status = os.fstat(file.fileno())
        version = status.st_size, status.st_mtime_ns // 1000
        key = key_of(fingerprint(file, status.st_size), version[1])
        here = {size: picture for size in sizes if (picture := cache.read(key, size)) is not None}
        try:
            drawn = _drawn(file, path, [size for size in sizes if size not in here], here)
        except CannotDraw as error:
            made = Made(*version, None, f"cannot be drawn ({error})")
        except MemoryError:
            made = Made(*version, None, TOO_MUCH)
        else:
            pictures = here | drawn.pictures
            given = tuple(pictures[size] for size in wanted)
            made = Made(*version, drawn.thumbhash, None, given)
        if _identity(os.fstat(file.fileno())) != _identity(status):
            return None
    return made._replace(kept=_keep(cache, key, drawn.pictures)) if made.thumbhash else made


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
