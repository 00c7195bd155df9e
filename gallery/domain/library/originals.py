"""Originals: the unchanged files of the library."""

from collections.abc import AsyncGenerator

import anyio

from gallery.disk.failures import is_absent
from gallery.disk.originals import Original, open_original
from gallery.disk.roots import Roots
from gallery.domain.threads import within
from gallery.errors import NotFound, Unavailable

READERS = 16
"""Threads that read the originals of one root, so that a disk that hangs delays no other root."""
READ_SECONDS = 30.0
"""How long the disk may take to open a file, or to read one part of it."""
FIRST_PART, MAX_PART = 1 << 16, 1 << 20
"""Bytes of the first part, and of the largest: each part is twice as long as the one before.

So a client that stops early costs little memory.
"""
MAX_LARGE_READS = 64
"""Originals that are read in parts of `MAX_PART` at once; others are read in parts of an eighth."""


class Originals:
    """Opens and reads the files of the library in threads."""

    def __init__(self, disk: Roots, *, read_seconds: float = READ_SECONDS) -> None:
        self._disk = disk
        self._read_seconds = read_seconds
        self._reads = 0
        self._readers = {name: anyio.CapacityLimiter(READERS) for name in disk.by_name}

    async def open(self, path: str) -> Original:
        """Return the opened original at a path of the library; the caller closes it.

        Raises `NotFound` if there is no such file, also where the index has it, and `Unavailable`
        if the disk cannot open it now.
        """
        root = self._disk.of(path)
        if root is None:
            raise NotFound("Not found")
        limiter = self._readers[root.name]
        try:
            return await within(
                self._read_seconds,
                limiter,
                open_original,
                self._disk,
                path,
                discard=Original.close,
            )
        except TimeoutError:
            raise Unavailable("The file cannot be read now") from None
        except OSError as error:
            if is_absent(error):
                raise NotFound("Not found") from None
            raise Unavailable("The file cannot be read now") from error

    async def read(self, original: Original, start: int, end: int) -> AsyncGenerator[bytes]:
        """Yield the bytes from `start` to before `end`, in parts.

        Raises `Replaced` as soon as the file is no longer the one that was opened, `OSError` if the
        disk cannot read it, and `TimeoutError` if a part takes over 30 s.
        """
        root = self._disk.of(original.path)
        assert root is not None
        limiter, size = self._readers[root.name], FIRST_PART
        largest = MAX_PART if self._reads < MAX_LARGE_READS else MAX_PART // 8
        self._reads += 1
        try:
            while start < end:
                part = min(size, end - start)
                yield await within(self._read_seconds, limiter, original.read, start, part)
                start, size = start + part, min(size * 2, largest)
        except TimeoutError:
            original.leave_open()  # closing it may hang as well
            raise
        finally:
            self._reads -= 1
