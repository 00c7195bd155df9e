"""Making pictures of one file: the server opens it and keeps the pictures, a worker decodes."""

import logging
import os
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import BinaryIO, NamedTuple, TypeVar, TypeVarTuple

import anyio

from gallery.disk.failures import is_absent
from gallery.disk.roots import Root
from gallery.domain.threads import within
from gallery.errors import Unavailable
from gallery.media.cache import Cache, key_of
from gallery.media.fingerprints import fingerprint
from gallery.media.jobs import HashPicture, RenderFile, Rendering
from gallery.media.worker import Workers
from gallery.media.worker_process import WorkerFailed
from gallery.model import Size
from gallery.values import paths
from gallery.values.file_version import FileVersion

T = TypeVar("T")
Args = TypeVarTuple("Args")

logger = logging.getLogger(__name__)

DISK_SECONDS = 20.0
"""How long the disk may take to open a file, and to say whether it is as it was."""


class NotRendered(Enum):
    """Why nothing came of it, though another time something may."""

    ABSENT = auto()
    CHANGED = auto()


class RenderedFile(NamedTuple):
    """What came of it: pictures of this version of the file.

    A `problem` says why some cannot be made; without a `thumbhash` none can be. `kept` bytes went
    to the cache.
    """

    version: FileVersion
    thumbhash: str | None
    problem: str | None = None
    pictures: tuple[bytes, ...] = ()
    kept: int = 0


class _Opened(NamedTuple):
    """A file, how it was when it was opened, and its pictures that are in the cache under `key`."""

    file: BinaryIO
    status: os.stat_result
    key: str
    here: dict[Size, bytes]


class Renderer:
    """Makes pictures of the files of one root and keeps them in a cache.

    At most `readers` threads of its own open them, so a disk that hangs delays no other root.
    """

    def __init__(self, workers: Workers, root: Root, cache: Cache, readers: int) -> None:
        self._workers = workers
        self._root = root
        self._cache = cache
        self._readers = anyio.CapacityLimiter(readers)

    async def draw(
        self, path: str, sizes: Sequence[Size], wanted: Sequence[Size], seconds: float
    ) -> RenderedFile | NotRendered:
        """See to it that the pictures of a file are in the cache in these sizes.

        Those that are `wanted` are returned. Raises `WorkerFailed` if that takes longer than
        `seconds`, or kills the worker, and `Unavailable` if it says nothing of the file that it
        cannot be drawn now.
        """
        try:
            opened = await self._on_disk(self._open, path, sizes, discard=_close)
        except FileNotFoundError:
            return NotRendered.ABSENT
        with opened.file:
            missing = tuple(size for size in sizes if size not in opened.here)
            try:
                rendering = await self._render(opened, path, missing, seconds)
            except WorkerFailed:
                if await self._on_disk(_is_unchanged, opened):
                    raise
                return NotRendered.CHANGED  # a file that is cut while it is read kills, too
            kept = await self._on_disk(self._keep, opened, rendering)
        if kept is None:
            return NotRendered.CHANGED
        pictures = opened.here | rendering.pictures
        return RenderedFile(
            FileVersion.of(opened.status),
            rendering.thumbhash,
            rendering.problem,
            tuple(pictures[size] for size in wanted if size in pictures),
            kept,
        )

    async def _render(
        self, opened: _Opened, path: str, missing: tuple[Size, ...], seconds: float
    ) -> Rendering:
        """Make what is missing; if nothing is, the hash is made of what is there."""
        if opened.here and not missing:
            smallest = min(opened.here.values(), key=len)
            return await self._workers.render(HashPicture(smallest), (), seconds)
        request = RenderFile(paths.name(path), missing)
        return await self._workers.render(request, [opened.file.fileno()], seconds)

    async def _on_disk(
        self,
        work: Callable[[*Args], T],
        *args: *Args,
        discard: Callable[[T], object] | None = None,
    ) -> T:
        """Call `work` in a thread. Raises `FileNotFoundError` if there is no file to be read."""
        try:
            return await within(DISK_SECONDS, self._readers, work, *args, discard=discard)
        except TimeoutError:
            raise Unavailable("The disk did not answer in time") from None
        except OSError as error:
            if is_absent(error):
                raise FileNotFoundError from error
            raise Unavailable("The file cannot be read now") from error

    def _open(self, path: str, sizes: Sequence[Size]) -> _Opened:
        file = self._root.open_file(path)
        try:
            status = os.fstat(file.fileno())
            size, modified_at = FileVersion.of(status)
            key = key_of(fingerprint(file, size), modified_at)
            found = ((wanted, self._cache.read(key, wanted)) for wanted in sizes)
            here = {wanted: picture for wanted, picture in found if picture is not None}
        except BaseException:
            file.close()
            raise
        return _Opened(file, status, key, here)

    def _keep(self, opened: _Opened, rendering: Rendering) -> int | None:
        """Keep the pictures if the file stayed the same. Return how many bytes that takes."""
        if not _is_unchanged(opened):
            return None
        try:
            return sum(
                self._cache.keep(opened.key, size, picture)
                for size, picture in rendering.pictures.items()
            )
        except OSError as error:  # the disk is full, say: they are drawn again the next time
            logger.warning("a thumbnail is not kept: %s", error.strerror)
            return 0


def _close(opened: _Opened) -> None:
    opened.file.close()


def _is_unchanged(opened: _Opened) -> bool:
    return _identity(os.fstat(opened.file.fileno())) == _identity(opened.status)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
