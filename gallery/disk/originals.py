"""Reading an original, with the guarantee that all bytes are of one version of the file."""

import os
import time
from typing import BinaryIO

from gallery.disk.roots import Roots
from gallery.values.file_version import FileVersion

GRAIN_SECONDS = 0.01
"""Two writes within this time may leave the same times in a file."""


class Replaced(Exception):
    """The file may have been written to since it was opened."""


class Original:
    """An open original. Its owner closes it. Its methods block.

    The bytes are always of the `version` that was opened: a file that is put in its place has no
    effect, and a write into it makes `read` raise `Replaced`.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self.path = path
        self._file = file
        self._is_left = False
        status = os.fstat(file.fileno())
        if time.time_ns() - status.st_ctime_ns < GRAIN_SECONDS * 1e9:
            time.sleep(GRAIN_SECONDS)  # else the next write may leave no trace
            status = os.fstat(file.fileno())
        self._status = status
        self.size, self.modified_at = FileVersion.of(status)
        self._names, self._seen_at = status.st_nlink, status.st_ctime_ns

    @property
    def version(self) -> str:
        """Return a text that no other content at this path ever had or will have."""
        status = self._status
        times = status.st_mtime_ns, status.st_ctime_ns
        return "-".join(f"{number:x}" for number in (status.st_ino, self.size, *times))

    def read(self, start: int, most: int) -> bytes:
        """Return `most` bytes from `start` on.

        Raises `Replaced` if they may be of another version, or the file ends before.
        """
        try:
            found = b""
            while len(found) < most:  # some file systems return fewer bytes than requested
                part = os.pread(self._file.fileno(), most - len(found), start + len(found))
                if not part:
                    raise Replaced
                found = found + part if found else part
            self._check()
            return found
        finally:
            if self._is_left:
                self._file.close()

    def _check(self) -> None:
        """Raise `Replaced` if the file may have been written to.

        A writer can restore the file's time of modification, but not the inode's time of change.
        The latter also changes when the file gains or loses a name. That is not a write.
        """
        now = os.fstat(self._file.fileno())
        if now.st_nlink != self._names:
            self._names, self._seen_at = now.st_nlink, now.st_ctime_ns
        former = self._status
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (
            *(former.st_size, former.st_mtime_ns, self._seen_at),
        ):
            raise Replaced

    def leave_open(self) -> None:
        """Let the thread that hangs in `read` close the file when it returns."""
        self._is_left = True

    def close(self) -> None:
        """Close the file, unless a thread still reads it."""
        if not self._is_left:
            self._file.close()


def open_original(roots: Roots, path: str) -> Original:
    """Return the open media file at a library path.

    Raises `OSError` if the index would not list a file there, or it cannot be opened.
    """
    file = roots.open_file(path)
    try:
        return Original(file, path)
    except BaseException:
        file.close()
        raise
