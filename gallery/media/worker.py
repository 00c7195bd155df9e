"""Worker processes, which decode files: one that crashes or hangs a decoder costs one process.

The server opens the files and passes descriptors. A worker (`media.child`) cannot open files, has
no network, and its answers are validated (`media.jobs`).
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Generic, NamedTuple, TypeVar

import msgspec
from anyio import CapacityLimiter, to_thread

from gallery.errors import Unavailable
from gallery.media.jobs import (
    HELLO,
    MAX_METADATA_BYTES,
    MAX_PICTURES_BYTES,
    METADATA,
    PICTURES,
    Answer,
    Barrier,
    HashPicture,
    ReadFile,
    RenderFile,
    Rendering,
    Request,
)
from gallery.media.worker_process import WorkerFailed, WorkerProcess
from gallery.model import Probed

logger = logging.getLogger(__name__)

R = TypeVar("R")

START_SECONDS = 60.0
"""How long a process may take to start, on a busy machine."""
IDLE_SECONDS = 60.0
"""How long a process may be idle before it is ended."""
STOP_SECONDS = 2.0
"""How long `close` waits until killed processes have ended."""
MAX_SENT = 8
"""Requests that are sent before the first is answered, so that a process never has to wait."""
MAX_HELLO_BYTES = 1 << 10
_LEVELS = {"debug": logging.DEBUG, "warning": logging.WARNING}


Job = tuple[Request, Sequence[int]]
"""A request and the descriptors of its files."""


class _Kind(NamedTuple, Generic[R]):
    """The decoder of an answer, its maximum in bytes, and its timeout."""

    decoder: msgspec.msgpack.Decoder[Answer[R]]
    most: int
    seconds: float


class Workers:
    """A pool of worker processes, which are started on demand and reused.

    There are as many as concurrent callers. `sandbox` is what the sandbox denies them, `None` until
    the first has started. Use `open_workers`, which ends them all.
    """

    def __init__(self, *, max_sent: int = MAX_SENT, idle_seconds: float = IDLE_SECONDS) -> None:
        self._max_sent = max_sent
        self._idle_seconds = idle_seconds
        self.sandbox: Sequence[Barrier] | None = None
        self._children = set[WorkerProcess]()
        self._idle: list[WorkerProcess] = []
        self._ending = set[asyncio.Task[None]]()
        self._reapers = CapacityLimiter(1)
        self._is_closed = False
        self._is_left = asyncio.Event()

    async def read(
        self, jobs: Sequence[tuple[ReadFile, Sequence[int]]], seconds: float
    ) -> list[Probed | WorkerFailed]:
        """Return the metadata of each file, in order. Each may take `seconds`.

        A failure does not affect the other files. Raises `Unavailable` if no process can start.
        """
        return await self._each(jobs, _Kind(METADATA, MAX_METADATA_BYTES, seconds))

    async def render(
        self, request: RenderFile | HashPicture, files: Sequence[int], seconds: float
    ) -> Rendering:
        """Render a file.

        Raises `WorkerFailed` if that takes longer than `seconds` or the process dies, and
        `Unavailable` if no process can start.
        """
        kind = _Kind(PICTURES, MAX_PICTURES_BYTES, seconds)
        [result] = await self._each([(request, files)], kind)
        if isinstance(result, WorkerFailed):
            raise result
        return result

    async def _each(self, jobs: Sequence[Job], kind: _Kind[R]) -> list[R | WorkerFailed]:
        results: list[R | WorkerFailed] = []
        while len(results) < len(jobs):
            child = await self._take()
            try:
                await _ask(child, jobs[len(results) :], kind, results, self._max_sent)
            except WorkerFailed as failure:
                self._end(child)
                if self._is_closed:
                    raise Unavailable("The server is stopping") from failure
                results.append(failure)
            except BaseException:
                self._end(child)
                raise
            else:
                self._put_back(child)
        return results

    async def _take(self) -> WorkerProcess:
        """Return a live process: an idle one, or a new one."""
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            self._end(child)  # it was killed from outside
        if self._is_closed:
            raise Unavailable("The server is stopping")
        return await self._start()

    async def _start(self) -> WorkerProcess:
        # Not in a thread: the kernel ends the process with the thread that started it.
        try:
            child = WorkerProcess()
        except OSError as error:
            raise Unavailable("No worker process can be started now") from error
        self._children.add(child)
        try:
            hello = await child.receive(HELLO, MAX_HELLO_BYTES, START_SECONDS)
        except WorkerFailed as failure:
            self._end(child)
            raise Unavailable("No worker process can be started now") from failure
        except BaseException:
            self._end(child)
            raise
        self.sandbox = hello.sandbox
        return child

    def _put_back(self, child: WorkerProcess) -> None:
        child.idle_since = time.monotonic()
        self._idle.append(child)
        asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        """End the processes that were idle for too long. They come first."""
        while self._idle and self._idle[0].idle_since <= time.monotonic() - self._idle_seconds:
            self._end(self._idle.pop(0))

    def _end(self, child: WorkerProcess) -> None:
        """Kill a process, and reap it in a thread."""
        child.close()
        child.kill()
        self._children.discard(child)
        self._is_left.set()
        ending = asyncio.ensure_future(to_thread.run_sync(child.reap, limiter=self._reapers))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End all processes. Callers of busy ones get `WorkerFailed`."""
        self._is_closed = True
        for child in self._idle:
            self._end(child)
        self._idle.clear()
        for child in self._children:
            child.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while self._children:  # each caller ends its own process
                    await self._is_left.wait()
                    self._is_left.clear()
                await asyncio.gather(*self._ending)


@asynccontextmanager
async def open_workers(
    *, max_sent: int = MAX_SENT, idle_seconds: float = IDLE_SECONDS
) -> AsyncGenerator[Workers]:
    """Yield workers, and end them after the block."""
    workers = Workers(max_sent=max_sent, idle_seconds=idle_seconds)
    try:
        yield workers
    finally:
        await workers.close()


async def _ask(
    child: WorkerProcess,
    jobs: Sequence[Job],
    kind: _Kind[R],
    results: list[R | WorkerFailed],
    max_sent: int,
) -> None:
    """Append the results of the jobs. Raises `WorkerFailed` at the first without a result."""
    sent = 0
    for number in range(len(jobs)):
        while sent < min(len(jobs), number + max_sent):
            await child.send(*jobs[sent], kind.seconds)
            sent += 1
        answer = await child.receive(kind.decoder, kind.most, kind.seconds)
        for line in answer.log:
            logger.log(_LEVELS[line.level], "%s", line.text)
        if answer.result is None:
            raise WorkerFailed(answer.error or "answered nothing")
        results.append(answer.result)
