"""Supervision of a root: it runs the watching process and notices when the disk is exchanged.

If watching ends, it is started again, with growing pauses after failures. Each start is followed by
a full scan, because changes before it may be unknown.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from gallery.disk.roots import Root
from gallery.domain.sync.root_status import RootStatus
from gallery.model import Hint

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Seconds between two checks that the root is the same directory on the same disk."""
STALL_SECONDS = 5.0
"""A server that was stopped for longer may have missed changes."""
MIN_PAUSE = 1.0
MAX_PAUSE = 60.0
"""Seconds until watching is started again after a failure."""
MAX_LINE = 16 << 20
"""Bytes of one message of the watching process."""
LOOK_AGAIN_SECONDS = 60.0
"""Seconds between two searches for folders without a watch, if a pass ended meanwhile."""


class WatcherReport(msgspec.Struct):
    """A message: `deep` are folders to list with everything below; `lost`: changes were lost."""

    deep: list[str] = []
    lost: bool = False


_decoder = msgspec.json.Decoder(list[str] | str | WatcherReport)


class WatchFailed(Exception):
    """The root is no longer watched. The message contains the reason."""


class WatchSupervisor:
    """Watch the root of `status`. Unless `is_watching`, only check that it is there.

    `ignore` are the patterns of the names that are not watched.
    """

    def __init__(
        self,
        status: RootStatus,
        ignore: Sequence[str],
        *,
        is_watching: bool,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        self._status = status
        self._ignore = ignore
        self._is_watching = is_watching
        self._look_again_seconds = look_again_seconds
        self._look: asyncio.Task[tuple[int, int] | None] | None = None
        status.advance("scanning", 0, None)  # until the first scan ends

    async def run(self) -> None:
        """Work until cancelled."""
        status = self._status
        pause = MIN_PAUSE
        while True:
            try:
                identity = await self._identity()
            except OSError:  # a temporary error says nothing about the root
                await asyncio.sleep(LOOK_SECONDS)
                continue
            began = time.monotonic()
            if identity is None:
                status.set_offline()
                status.end_scan()
                await asyncio.sleep(LOOK_SECONDS)
                continue
            try:
                if self._is_watching:
                    await self._watch(identity)
                else:
                    status.request_scan()
                    await self._until_other(identity)
                pause = MIN_PAUSE
            except (WatchFailed, OSError) as error:
                logger.warning("root %r is not watched: %s", status.root.name, error)
                status.set_watch_problem(f"changes are found by full passes only: {error}")
                status.report_gap()
                pause = MIN_PAUSE if time.monotonic() - began > MAX_PAUSE else pause
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE)

    async def _identity(self) -> tuple[int, int] | None:
        """Return the present identity of the root, None if it is absent or its disk hangs.

        Raises `OSError` if it cannot be determined now.
        """
        if self._look is None:
            self._look = asyncio.create_task(asyncio.to_thread(self._status.root.identity))
        done, _pending = await asyncio.wait({self._look}, timeout=LOOK_SECONDS)
        if not done:
            return None  # the next call waits for the same thread
        look, self._look = self._look, None
        return look.result()

    async def _until_other(self, identity: tuple[int, int]) -> None:
        """Wait until another directory or disk is in this place, or none."""
        before = time.monotonic()
        while True:
            with suppress(OSError):  # after a temporary error the root counts as unchanged
                if await self._identity() != identity:
                    return
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if now - before > LOOK_SECONDS + STALL_SECONDS:
                self._status.report_gap()
            before = now

    async def _watch(self, identity: tuple[int, int]) -> None:
        """Watch until a new start is needed. Raises `WatchFailed` if watching fails before."""
        async with watching(self._status.root, self._ignore) as process:
            self._status.renewal.clear()
            listening = asyncio.create_task(self._listen(process))
            others = (
                asyncio.create_task(self._until_other(identity)),
                asyncio.create_task(self._status.renewal.wait()),
                asyncio.create_task(self._look_again(process)),
            )
            try:
                await asyncio.wait({listening, *others}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._status.set_watched(is_watched=False)
                for task in (listening, *others):
                    task.cancel()
                outcome, *_others = await asyncio.gather(listening, *others, return_exceptions=True)
            if isinstance(outcome, WatchFailed):
                raise outcome

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Handle the messages of the process. Raises `WatchFailed` when it ends."""
        assert process.stdout is not None
        status = self._status
        reason = None
        async for line in process.stdout:
            match _decoder.decode(line):
                case str(text):
                    reason = text or None
                    if status.is_watched:
                        status.set_watch_problem(reason)
                case WatcherReport(deep, is_lost):
                    status.hint((status.root.path(path) for path in deep), Hint.DEEP)
                    if is_lost:
                        status.report_gap()
                case list(changed):
                    if not status.is_watched:
                        status.set_watched(is_watched=True)
                        status.set_watch_problem(reason)
                        status.request_scan()
                    status.hint(status.root.path(path) for path in changed)
        raise WatchFailed(reason or "the watching process has ended")

    async def _look_again(self, process: asyncio.subprocess.Process) -> None:
        """Request watches, from time to time, for folders that have none.

        A scan may have found new folders, or the system may allow more watches.
        """
        assert process.stdin is not None
        status = self._status
        passes = status.passes
        while True:
            await asyncio.sleep(self._look_again_seconds)
            if status.passes != passes:
                passes = status.passes
                process.stdin.write(b"\n")
                await process.stdin.drain()
            if status.is_watched_in_part:
                status.report_gap()


@asynccontextmanager
async def watching(root: Root, ignore: Sequence[str]) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Yield a process that watches the root and ends with the block; see `watcher`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "gallery.indexing.watcher"),  # nothing is imported from the current directory
        *(root.directory, msgspec.json.encode(list(ignore))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE,
        start_new_session=True,  # Ctrl-C must reach only the server
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
