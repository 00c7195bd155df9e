"""The bytes of an original, of one version of it."""

import os
import time
from typing import BinaryIO

from gallery.disk.roots import Roots

GRAIN_SECONDS = 0.01
"""Two writes within so short a time may leave the same times in a file."""


class Replaced(Exception):
    """The file has been written to since it was opened."""


class Original:
    """An open original. Times in nanoseconds; whoever has it closes it.

    What replaces the file under its name is not seen, and what is written into it is an error: the
    bytes are always those of the `version` that was opened. It blocks.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        status = os.fstat(file.fileno())
        if time.time_ns() - status.st_ctime_ns < GRAIN_SECONDS * 1e9:
            time.sleep(GRAIN_SECONDS)  # else the next write may leave no trace
            status = os.fstat(file.fileno())
        self._identity = _identity(status)
        self.size = status.st_size
        self.modified_at = status.st_mtime_ns

    @property
    def version(self) -> str:
        """Tells these bytes from all that were or will be in the place of the file."""
        return "-".join(f"{number:x}" for number in self._identity)

    def read(self, start: int, most: int) -> bytes:
        """At most so many bytes from `start` on; `Replaced` if they may be of another version."""
        found = os.pread(self._file.fileno(), most, start)
        if _identity(os.fstat(self._file.fileno())) != self._identity or not found:
            raise Replaced
        return found

    def close(self) -> None:
        """Ends the use of it."""
        self._file.close()


def open_original(roots: Roots, path: str) -> Original:
    """The media file at a library path; `OSError` if the index would not list one there."""
    file = roots.open_file(path)
    try:
        return Original(file)
    except BaseException:
        file.close()
        raise


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
