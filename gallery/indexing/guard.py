"""Stands guard over a root: has it watched, and notices when another disk is in its place.

Whatever ends the watching, it is begun again, ever less often; and after each beginning the whole
root is reconciled, because nobody knows what went unnoticed before.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from gallery.disk.roots import Root
from gallery.domain.library import Served

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often to look whether the root is still the same directory on the same disk."""
STALL_SECONDS = 5.0
"""Whoever was stopped for longer may have missed something."""
SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds until the watching is begun anew after it has failed."""
LONGEST_LINE = 16 << 20

_told = msgspec.json.Decoder(list[str] | str)


class Blind(Exception):
    """The root is not watched any more; the message says why."""


class Guard:
    """Guards the root `served`. Unless `is_watching`, only whether it is there."""

    def __init__(self, served: Served, *, is_watching: bool) -> None:
        self._served = served
        self._is_watching = is_watching
        self._look: asyncio.Task[tuple[int, int] | None] | None = None
        served.advance("scanning", 0, None)  # from now on until it has been scanned

    async def run(self) -> None:
        """Works for ever."""
        served = self._served
        pause = SHORTEST_PAUSE
        while True:
            identity = await self._identity()
            began = time.monotonic()
            if identity is None:
                served.is_offline = True
                served.scan_ended()
                await asyncio.sleep(LOOK_SECONDS)
                continue
            try:
                if self._is_watching:
                    await self._watch(identity)
                else:
                    served.request_scan()
                    await self._until_other(identity)
                pause = SHORTEST_PAUSE
            except (Blind, OSError) as error:
                logger.warning("root %r is not watched: %s", served.root.name, error)
                served.blind = f"changes are found by full passes only: {error}"
                served.doubt()
                pause = SHORTEST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else pause
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _identity(self) -> tuple[int, int] | None:
        """That of the root's directory now; None also if the disk does not answer."""
        if self._look is None:
            self._look = asyncio.create_task(asyncio.to_thread(self._served.root.identity))
        done, _pending = await asyncio.wait({self._look}, timeout=LOOK_SECONDS)
        if not done:
            return None  # and no second thread waits for the same disk
        look, self._look = self._look, None
        return look.result()

    async def _until_other(self, identity: tuple[int, int]) -> None:
        """Returns when there is another directory in this place, or none, or another disk."""
        before = time.monotonic()
        while await self._identity() == identity:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if now - before > LOOK_SECONDS + STALL_SECONDS:
                self._served.doubt()
            before = now

    async def _watch(self, identity: tuple[int, int]) -> None:
        """Watches until it has to be begun anew. Raises `Blind` if it fails before."""
        async with watching(self._served.root) as process:
            self._served.renewal.clear()
            told = asyncio.create_task(self._listen(process))
            others = (
                asyncio.create_task(self._until_other(identity)),
                asyncio.create_task(self._served.renewal.wait()),
            )
            try:
                await asyncio.wait({told, *others}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._served.is_watched = False
                for task in (told, *others):
                    task.cancel()
                results = await asyncio.gather(told, *others, return_exceptions=True)
            if isinstance(results[0], Blind):
                raise results[0]

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        root = self._served.root
        is_ready = False
        reason = None
        async for line in process.stdout:
            told = _told.decode(line)
            if isinstance(told, str):
                reason = told
                continue
            if not is_ready:
                is_ready = True
                self._served.is_watched = True
                self._served.blind = reason
                self._served.request_scan()
            self._served.hint(root.path(path) for path in told)
        raise Blind(reason or "the watching process has ended")


@asynccontextmanager
async def watching(root: Root) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process that watches the root, for as long as the block; see `watcher`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "gallery.indexing.watcher", root.directory),  # nothing of a library is run
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        start_new_session=True,  # Ctrl-C is meant for us
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
