"""Originals: the files of the library, as they are."""

import errno
from collections.abc import AsyncGenerator

import anyio
from anyio import to_thread

from gallery.disk.originals import Original, open_original
from gallery.disk.roots import Roots
from gallery.errors import NotFound, Unavailable

READERS = 16
"""Threads that read originals at a time: a disk that hangs must not keep all others waiting."""
PART = 1 << 20
"""Bytes that are read at a time."""
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.EACCES, errno.ENXIO)
"""There is nothing, or a link on the way, or nothing that this server may read."""


class Originals:
    """Opens and reads the files of the library without blocking anybody."""

    def __init__(self, disk: Roots) -> None:
        self._disk = disk
        self._readers = anyio.CapacityLimiter(READERS)

    async def open(self, path: str) -> Original:
        """The original at a path of the library; the caller closes it.

        Raises `NotFound` if there is none, whatever the index says, and `Unavailable` if the disk
        does not give it now.
        """
        try:
            return await to_thread.run_sync(open_original, self._disk, path, limiter=self._readers)
        except OSError as error:
            if error.errno is None or error.errno in _ABSENT:
                raise NotFound("Not found") from None
            raise Unavailable("The file cannot be read now") from error

    async def read(self, original: Original, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes from `start` to before `end`, in parts.

        Raises `Replaced` as soon as the file is no longer the one that was opened.
        """
        for at in range(start, end, PART):
            yield await to_thread.run_sync(
                original.read, at, min(PART, end - at), limiter=self._readers
            )
