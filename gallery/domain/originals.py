"""Originals: the files of the library, as they are."""

from collections.abc import AsyncGenerator

import anyio
from anyio import to_thread

from gallery.disk.failures import is_absent
from gallery.disk.originals import Original, open_original
from gallery.disk.roots import Roots
from gallery.errors import NotFound, Unavailable

READERS = 16
"""Threads that read the originals of one root: one that hangs keeps no other waiting."""
FIRST_PART, LARGEST_PART = 1 << 16, 1 << 20
"""Bytes that are read at a time, doubled from part to part: who does not read takes no memory."""


class Originals:
    """Opens and reads the files of the library without blocking anybody."""

    def __init__(self, disk: Roots) -> None:
        self._disk = disk
        self._readers = {name: anyio.CapacityLimiter(READERS) for name in disk.by_name}

    async def open(self, path: str) -> Original:
        """The original at a path of the library; the caller closes it.

        Raises `NotFound` if there is none, whatever the index says, and `Unavailable` if the disk
        does not give it now.
        """
        root = self._disk.of(path)
        if root is None:
            raise NotFound("Not found")
        limiter = self._readers[root.name]
        try:
            return await to_thread.run_sync(open_original, self._disk, path, limiter=limiter)
        except OSError as error:
            if is_absent(error):
                raise NotFound("Not found") from None
            raise Unavailable("The file cannot be read now") from error

    async def read(self, original: Original, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes from `start` to before `end`, in parts.

        Raises `Replaced` as soon as the file is no longer the one that was opened.
        """
        root = self._disk.of(original.path)
        assert root is not None
        size = FIRST_PART
        while start < end:
            part = min(size, end - start)
            yield await to_thread.run_sync(
                original.read, start, part, limiter=self._readers[root.name]
            )
            start, size = start + part, min(size * 2, LARGEST_PART)
