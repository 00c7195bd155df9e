"""Files with a limit on how much is read: a decoder of headers may read all of a file."""

from typing import BinaryIO, cast

MAX_READS = 200_000
"""Calls of `read` for one file. A decoder that skips junk byte by byte makes many."""


class TooMuch(ValueError):
    """Reading the file would take too much memory or time."""


def bounded(file: BinaryIO, max_bytes: int) -> BinaryIO:
    """Return `file`, at its beginning, with a limit of `max_bytes` in `MAX_READS` calls.

    Bytes and calls are added up. At twice the limit `read` raises `TooMuch`, and after that it
    returns no bytes, because some decoders continue after an error.
    """
    file.seek(0)
    return cast("BinaryIO", _Bounded(file, max_bytes))


class _Bounded:
    """The methods of a file that Pillow and FFmpeg use."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._read = file.read
        self._left = 2 * max_bytes
        self._cost = max_bytes // MAX_READS
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        left = self._left
        if left < 0:
            return b""
        data = self._read(size if 0 <= size < left else left + 1)
        self._left = left = left - self._cost - len(data)
        if left < 0:
            raise TooMuch
        return data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
