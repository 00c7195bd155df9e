"""Pictures that were made once, as files: named by what they were made of, and whole or not there.

A file holds a picture and a digest of it, so one that was cut or damaged is as good as none. All
of it may be deleted at any time. It blocks.
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
"""Another number whenever the same file would be drawn in another way than before."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_DIGEST_BYTES = 8
_TEMPORARY = ".new"
_USED_SECONDS = 60.0
"""How exactly it is remembered when a picture was last used."""
STALE_SECONDS = 3_600.0
"""Age of a half-written file whose writer cannot be at work any more."""


def key_of(fingerprint: str, modified_at: Micros) -> str:
    """What the pictures of a file are kept under: its bytes, and its time.

    A file that moves keeps both. The fingerprint alone would not do: it does not see what changes
    in the middle of a file without changing its size.
    """
    made_of = f"{FORMAT_VERSION} {fingerprint} {modified_at}"
    return hashlib.blake2b(made_of.encode(), digest_size=16).hexdigest()


class Cache(NamedTuple):
    """Pictures by key and size, as files below `folder`."""

    folder: Path

    def read(self, key: str, size: Size) -> bytes | None:
        """Return the picture, None if there is none or it is damaged.

        Raises `OSError` if the system has no descriptor or memory left: that says nothing of it.
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
        """The picture, or the next larger one that is there, or the next smaller one."""
        sizes = tuple(PIXELS)
        at = sizes.index(size)
        found = (self.read(key, other) for other in (*sizes[at:], *reversed(sizes[:at])))
        return next((picture for picture in found if picture is not None), None)

    def keep(self, key: str, size: Size, picture: bytes) -> int:
        """The picture is there from now on, whatever happens; how many bytes that takes.

        Raises `OSError` if the disk does not take it.
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
        """How many bytes all pictures take; what a writer that died has left behind is removed."""
        used = 0
        for path, status in self._files():
            if path.endswith(_TEMPORARY) and time.time() - status.st_mtime > STALE_SECONDS:
                _remove(path)
            else:
                used += status.st_size
        return used

    def shrink(self, max_bytes: int) -> int:
        """Removes the pictures that were not used for the longest until the rest takes `max_bytes`.

        How many bytes were removed. It looks twice, so that it need not remember every file:
        first how much was used in which minute, then for what is that old.
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
