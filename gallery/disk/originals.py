"""The bytes of an original, of one version of it."""

import os
import time
from typing import BinaryIO

from gallery.disk.roots import Roots
from gallery.values.file_version import FileVersion

GRAIN_SECONDS = 0.01
"""Two writes within so short a time may leave the same times in a file."""


class Replaced(Exception):
    """The file has been written to since it was opened."""


class Original:
    """An open original; whoever has it closes it.

    What is put in place of the file is not seen, and what is written into it is an error: the bytes
    are always those of the `version` that was opened. It blocks.
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
        """Tells these bytes from all that were or will be in the place of the file."""
        status = self._status
        times = status.st_mtime_ns, status.st_ctime_ns
        return "-".join(f"{number:x}" for number in (status.st_ino, self.size, *times))

    def read(self, start: int, most: int) -> bytes:
        """At most so many bytes from `start` on; `Replaced` if they may be of another version."""
        try:
            found = b""
            while len(found) < most:  # some file systems give less than is asked for
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
        """Raises `Replaced` if somebody may have written.

        Who writes may put the time of the file back, but not that of the inode. It changes, too,
        when the file gets or loses a name, as by a file that is put in its place: that is no write.
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
        """Leave the file to the thread that hangs in `read`, which closes it when it ends."""
        self._is_left = True

    def close(self) -> None:
        """Ends the use of it."""
        if not self._is_left:
            self._file.close()


def open_original(roots: Roots, path: str) -> Original:
    """The media file at a library path; `OSError` if the index would not list one there."""
    file = roots.open_file(path)
    try:
        return Original(file, path)
    except BaseException:
        file.close()
        raise
