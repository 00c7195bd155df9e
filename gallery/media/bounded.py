"""Reading a file within bounds: decoders of headers go through a file for as long as it lasts."""

from typing import BinaryIO, cast

MAX_READS = 200_000
"""Calls for one file. A decoder that skips junk byte by byte makes many of them."""


class TooMuch(ValueError):
    """To read the file would take too much memory or time."""


def bounded(file: BinaryIO, max_bytes: int) -> BinaryIO:
    """Return `file` from its beginning, of which `max_bytes` can be read in `MAX_READS` calls.

    It raises `TooMuch` when twice as much of both together was read. Then it is at its end: some
    decoders go on after an error.
    """
    file.seek(0)
    return cast("BinaryIO", _Bounded(file, max_bytes))


class _Bounded:
    """As much of a file as Pillow and FFmpeg use of one."""

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
