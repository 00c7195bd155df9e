"""The cache of thumbnails: one file for each picture and size.

A file contains a picture and its digest, so a truncated or damaged file counts as missing. Files
appear whole, and all may be deleted at any time. The functions block.
"""

import errno
import hashlib
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gallery.model import PIXELS, Size
from gallery.values.times import Micros

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
"""Increase it when thumbnails of the same file would look different."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_DIGEST_BYTES = 8
_TEMPORARY = ".new"
_USED_SECONDS = 60.0
"""Resolution of the time at which a picture was last used."""
STALE_SECONDS = 3_600.0
"""Age at which a temporary file is abandoned: its writer has died."""


def key_of(fingerprint: str, modified_at: Micros) -> str:
    """Return the cache key of a file, from its fingerprint and its modification time.

    Both survive a move. The fingerprint alone is not enough: it misses a change in the middle of a
    file that keeps the size.
    """
    source = f"{FORMAT_VERSION} {fingerprint} {modified_at}"
    return hashlib.blake2b(source.encode(), digest_size=16).hexdigest()


class Cache(NamedTuple):
    """Pictures by key and size, in files below `folder`."""

    folder: Path

    def read(self, key: str, size: Size) -> bytes | None:
        """Return the picture, None if it is missing or damaged.

        Raises `OSError` if the system has no descriptor or memory left: the file may be whole.
        """
        place = self._file(key, size)
        try:
            with place.open("rb", buffering=0) as file:
                content = file.read()
                used_at, now = os.fstat(file.fileno()).st_atime, time.time()
            if now - used_at > _USED_SECONDS:
                os.utime(place, (now, now))
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in _EXHAUSTED:
                raise
            logger.warning("%s cannot be read: %s", place, error)
            return None
        picture, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        return picture if digest == _digest(picture) else None

    def nearest(self, key: str, size: Size) -> bytes | None:
        """Return the picture in this size, else the next larger one, else the next smaller one."""
        sizes = tuple(PIXELS)
        at = sizes.index(size)
        found = (self.read(key, other) for other in (*sizes[at:], *reversed(sizes[:at])))
        return next((picture for picture in found if picture is not None), None)

    def keep(self, key: str, size: Size, picture: bytes) -> int:
        """Store a picture durably. Return how many bytes the file takes.

        Raises `OSError` if it cannot be written.
        """
        file = self._file(key, size)
        new = file.with_name(f"{secrets.token_hex(8)}{_TEMPORARY}")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with new.open("xb") as written:
                written.write(picture + _digest(picture))
                written.flush()
                os.fsync(written.fileno())
            new.replace(file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        return len(picture) + _DIGEST_BYTES

    def _file(self, key: str, size: Size) -> Path:
        return self.folder / key[:2] / f"{key}-{size}.webp"

    def survey(self) -> int:
        """Return how many bytes all pictures take. Remove abandoned temporary files."""
        used = 0
        for path, status in self._files():
            if path.endswith(_TEMPORARY) and time.time() - status.st_mtime > STALE_SECONDS:
                _remove(path)
            else:
                used += status.st_size
        return used

    def shrink(self, max_bytes: int) -> int:
        """Remove the least recently used pictures until the rest takes at most `max_bytes`.

        Return how many bytes were removed. Files are listed twice, so that they need not all be in
        memory: first to add up the bytes by minute of use, then to remove the oldest.
        """
        by_minute = Counter[int]()
        for _path, status in self._files():
            by_minute[_minute(status)] += status.st_size
        excess = by_minute.total() - max_bytes
        removed, last = 0, -1
        for last in sorted(by_minute):
            removed += by_minute[last]
            if removed >= excess:
                break
        removed = 0
        for path, status in self._files():
            if removed >= excess:
                break
            if _minute(status) <= last:
                _remove(path)
                removed += status.st_size
        return removed

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        with suppress(FileNotFoundError):
            for folder in sorted(self.folder.iterdir()):
                with suppress(OSError), os.scandir(folder) as entries:
                    for entry in entries:
                        with suppress(FileNotFoundError):
                            yield entry.path, entry.stat()


def _minute(status: os.stat_result) -> int:
    return int(status.st_atime // _USED_SECONDS)


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()


def _digest(picture: bytes) -> bytes:
    return hashlib.blake2b(picture, digest_size=_DIGEST_BYTES).digest()
