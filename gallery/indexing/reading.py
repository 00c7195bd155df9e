"""Reading a batch of files: the server opens them, and a worker reads their metadata."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from enum import Enum, auto
from typing import BinaryIO, NamedTuple, TypeVar, TypeVarTuple

import anyio
import msgspec

from gallery.disk.failures import is_exhausted, is_forbidden
from gallery.disk.roots import Root
from gallery.domain.threads import within
from gallery.errors import Unavailable
from gallery.media.fingerprints import fingerprint
from gallery.media.jobs import ReadFile
from gallery.media.worker import Workers
from gallery.media.worker_process import WorkerFailed
from gallery.model import Probed
from gallery.store.sync.unread import Unread
from gallery.values import paths
from gallery.values.file_version import FileVersion

T = TypeVar("T")
Args = TypeVarTuple("Args")

DISK_SECONDS = 60.0
"""How long the disk may take to open a part of a batch, or to check it for changes."""
MAX_OPEN = 16
"""Files of a part of a batch. Two parts are open at a time, and their sidecars."""
MAX_THREADS = 8
"""Threads that may wait for a disk that does not respond."""


class Unopened(Enum):
    """Why a file was not read. A later try may succeed."""

    CHANGED = auto()
    FORBIDDEN = auto()


class _Opened(NamedTuple):
    """An open file that is unchanged since its listing, its open sidecars and its fingerprint."""

    file: BinaryIO
    sidecars: list[BinaryIO]
    fingerprint: str

    def close(self) -> None:
        _close((self.file, *self.sidecars))


Result = Probed | WorkerFailed | Unopened


class FileReader:
    """Read files in a worker while the next ones are being opened."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._parts = asyncio.Semaphore(2)
        self._turn = asyncio.Lock()
        self._threads = anyio.CapacityLimiter(MAX_THREADS)

    async def read(self, root: Root, batch: Sequence[Unread], seconds: float) -> list[Result]:
        """Return the metadata of each file. Reading one takes at most `seconds`.

        The result of a file that cannot be opened, or changed since its listing, is `Unopened`.
        Raises `Unavailable` if no file at all can be read now.
        """
        parts = [batch[start : start + MAX_OPEN] for start in range(0, len(batch), MAX_OPEN)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._read(root, part, seconds)) for part in parts]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [result for task in tasks for result in task.result()]

    async def _read(self, root: Root, batch: Sequence[Unread], seconds: float) -> list[Result]:
        async with self._parts:
            opened = await self._on_disk(_open_all, root, batch, discard=_close_all)
            try:
                jobs = [
                    _job(item, one)
                    for item, one in zip(batch, opened, strict=True)
                    if isinstance(one, _Opened)
                ]
                async with self._turn:
                    answers = iter(await self._workers.read(jobs, seconds))
                found = [next(answers) if isinstance(one, _Opened) else one for one in opened]
                return await self._on_disk(_checked, root, batch, opened, found)
            finally:
                _close_all(opened)

    async def _on_disk(
        self,
        work: Callable[[*Args], T],
        *args: *Args,
        discard: Callable[[T], object] | None = None,
    ) -> T:
        try:
            return await within(DISK_SECONDS, self._threads, work, *args, discard=discard)
        except TimeoutError:
            raise Unavailable("the disk did not answer in time") from None
        except OSError as error:
            raise Unavailable(f"files cannot be opened now: {error.strerror}") from error


def _job(item: Unread, opened: _Opened) -> tuple[ReadFile, list[int]]:
    files = [file.fileno() for file in (opened.file, *opened.sidecars)]
    return ReadFile(paths.name(item.path), item.version.modified_at), files


def _open_all(root: Root, batch: Sequence[Unread]) -> list[_Opened | Unopened]:
    """Open the files of a batch. Raises `OSError` for an error that concerns all files."""
    opened: list[_Opened | Unopened] = []
    try:
        opened.extend(_open(root, item) for item in batch)
    except BaseException:
        _close_all(opened)
        raise
    return opened


def _open(root: Root, item: Unread) -> _Opened | Unopened:
    with ExitStack() as files:
        try:
            file = files.enter_context(root.open_file(item.path))
            if not _is_as_listed(file, item):
                return Unopened.CHANGED
            sidecars = root.open_sidecars(item.path) if item.sidecar else []
            files.callback(_close, sidecars)
            opened = _Opened(file, sidecars, fingerprint(file, item.version.size))
        except OSError as error:
            if is_exhausted(error):
                raise
            return Unopened.FORBIDDEN if is_forbidden(error) else Unopened.CHANGED
        files.pop_all()
        return opened


def _close_all(opened: Iterable[_Opened | Unopened]) -> None:
    for one in opened:
        if isinstance(one, _Opened):
            one.close()


def _close(files: Iterable[BinaryIO]) -> None:
    for file in files:
        file.close()


def _checked(
    root: Root,
    batch: Sequence[Unread],
    opened: Sequence[_Opened | Unopened],
    found: Sequence[Result],
) -> list[Result]:
    """Return the results, with `Unopened.CHANGED` for files that changed since their listing."""
    return [
        _checked_one(root, item, one, result)
        for item, one, result in zip(batch, opened, found, strict=True)
    ]


def _checked_one(root: Root, item: Unread, opened: _Opened | Unopened, result: Result) -> Result:
    if not isinstance(opened, _Opened):
        return opened
    if not _is_unchanged(root, item, opened):
        return Unopened.CHANGED
    if isinstance(result, Probed):
        return msgspec.structs.replace(result, fingerprint=opened.fingerprint)
    return result


def _is_unchanged(root: Root, item: Unread, opened: _Opened) -> bool:
    try:
        return _is_as_listed(opened.file, item) and root.sidecar_of(item.path) == item.sidecar
    except OSError:
        return False


def _is_as_listed(file: BinaryIO, item: Unread) -> bool:
    return FileVersion.of(os.fstat(file.fileno())) == item.version
