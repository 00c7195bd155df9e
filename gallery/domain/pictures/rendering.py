"""Thumbnails of one file: the server opens it and caches the thumbnails, a worker decodes."""

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
"""How long the disk may take to open a file, or to check whether it has changed."""


class NotRendered(Enum):
    """Why a file was not rendered now; another try may succeed."""

    ABSENT = auto()
    CHANGED = auto()


class RenderedFile(NamedTuple):
    """The thumbnails of one version of a file.

    A `problem` is the reason why some are missing; without a `thumbhash` there can be none. `kept`
    is how many bytes were added to the cache.
    """

    version: FileVersion
    thumbhash: str | None
    problem: str | None = None
    pictures: tuple[bytes, ...] = ()
    kept: int = 0


class _Opened(NamedTuple):
    """A file, its state when it was opened, and its thumbnails in the cache under `key`."""

    file: BinaryIO
    status: os.stat_result
    key: str
    here: dict[Size, bytes]


class Renderer:
    """Makes thumbnails of the files of one root and keeps them in a cache.

    At most `readers` own threads open files, so a disk that hangs delays no other root.
    """

    def __init__(self, workers: Workers, root: Root, cache: Cache, readers: int) -> None:
        self._workers = workers
        self._root = root
        self._cache = cache
        self._readers = anyio.CapacityLimiter(readers)

    async def draw(
        self, path: str, sizes: Sequence[Size], wanted: Sequence[Size], seconds: float
    ) -> RenderedFile | NotRendered:
        """Put the thumbnails of a file into the cache in these sizes, and return the `wanted` ones.

        Raises `WorkerFailed` if the worker takes longer than `seconds` or dies. Raises
        `Unavailable` if the file cannot be rendered now for a reason that is not in the file.
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
                return NotRendered.CHANGED  # the worker dies if a file is truncated meanwhile
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
        """Return the missing thumbnails. If all are cached, make the hash from a cached one."""
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
        """Call `work` in a thread. Raises `FileNotFoundError` if the file is absent."""
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
        """Cache the thumbnails if the file is unchanged. Return how many bytes this takes."""
        if not _is_unchanged(opened):
            return None
        try:
            return sum(
                self._cache.keep(opened.key, size, picture)
                for size, picture in rendering.pictures.items()
            )
        except OSError as error:  # for example, the disk is full: they are rendered again later
            logger.warning("a thumbnail cannot be cached: %s", error.strerror)
            return 0


def _close(opened: _Opened) -> None:
    opened.file.close()


def _is_unchanged(opened: _Opened) -> bool:
    return _identity(os.fstat(opened.file.fileno())) == _identity(opened.status)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
