"""Stands guard over a root: has it watched, and notices when another disk is in its place.

Whatever ends the watching, it is begun again, ever less often; and after each beginning the whole
root is reconciled, because nobody knows what went unnoticed before.
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
"""How often to look whether the root is still the same directory on the same disk."""
STALL_SECONDS = 5.0
"""Whoever was stopped for longer may have missed something."""
MIN_PAUSE = 1.0
MAX_PAUSE = 60.0
"""Seconds until the watching is begun anew after it has failed."""
MAX_LINE = 16 << 20

LOOK_AGAIN_SECONDS = 60.0
"""How often folders that are not watched are looked for, if there was a pass meanwhile."""


class Told(msgspec.Struct):
    """Folders to look through with all that is below; whether something has gone unnoticed."""

    deep: list[str] = []
    lost: bool = False


_decoder = msgspec.json.Decoder(list[str] | str | Told)


class WatchFailed(Exception):
    """The root is not watched any more; the message says why."""


class WatchSupervisor:
    """Guards the root `status`. Unless `is_watching`, only whether it is there.

    `ignore` are the patterns of the names that are not watched.
    """

    def __init__(self, status: RootStatus, ignore: Sequence[str], *, is_watching: bool) -> None:
        self._status = status
        self._ignore = ignore
        self._is_watching = is_watching
        self._look: asyncio.Task[tuple[int, int] | None] | None = None
        status.advance("scanning", 0, None)  # from now on until it has been scanned

    async def run(self) -> None:
        """Works for ever."""
        status = self._status
        pause = MIN_PAUSE
        while True:
            try:
                identity = await self._identity()
            except OSError:  # it cannot be told now, which says nothing about the root
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
        """Return that of the root's directory now; None also if the disk does not answer.

        Raises `OSError` if it cannot be told now.
        """
        if self._look is None:
            self._look = asyncio.create_task(asyncio.to_thread(self._status.root.identity))
        done, _pending = await asyncio.wait({self._look}, timeout=LOOK_SECONDS)
        if not done:
            return None  # and no second thread waits for the same disk
        look, self._look = self._look, None
        return look.result()

    async def _until_other(self, identity: tuple[int, int]) -> None:
        """Returns when there is another directory in this place, or none, or another disk."""
        before = time.monotonic()
        while True:
            with suppress(OSError):  # what cannot be told now is as it was
                if await self._identity() != identity:
                    return
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if now - before > LOOK_SECONDS + STALL_SECONDS:
                self._status.report_gap()
            before = now

    async def _watch(self, identity: tuple[int, int]) -> None:
        """Watches until it has to be begun anew. Raises `WatchFailed` if it fails before."""
        async with watching(self._status.root, self._ignore) as process:
            self._status.renewal.clear()
            told = asyncio.create_task(self._listen(process))
            others = (
                asyncio.create_task(self._until_other(identity)),
                asyncio.create_task(self._status.renewal.wait()),
                asyncio.create_task(self._look_again(process)),
            )
            try:
                await asyncio.wait({told, *others}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._status.set_watched(is_watched=False)
                for task in (told, *others):
                    task.cancel()
                results = await asyncio.gather(told, *others, return_exceptions=True)
            if isinstance(results[0], WatchFailed):
                raise results[0]

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Pass on what the process tells. Raises `WatchFailed` when it ends."""
        assert process.stdout is not None
        status = self._status
        reason = None
        async for line in process.stdout:
            match _decoder.decode(line):
                case str(text):
                    reason = text or None
                    if status.is_watched:
                        status.set_watch_problem(reason)
                case Told(deep, is_lost):
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
        """Ask now and then for watches for what a pass may have found, and for what has none."""
        assert process.stdin is not None
        status = self._status
        passes = status.passes
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            if status.passes != passes:
                passes = status.passes
                process.stdin.write(b"\n")
                await process.stdin.drain()
            if status.is_watched_in_part:
                status.report_gap()


@asynccontextmanager
async def watching(root: Root, ignore: Sequence[str]) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process that watches the root, for as long as the block; see `watcher`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "gallery.indexing.watcher"),  # nothing is imported from the current directory
        *(root.directory, msgspec.json.encode(list(ignore))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE,
        start_new_session=True,  # Ctrl-C is meant for us
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
