"""Keeps the index of a root true: follows what is pointed at, and at times looks through it all."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing

from gallery.database.engine import Database
from gallery.disk.failures import is_exhausted
from gallery.disk.roots import is_away
from gallery.disk.walk import Walk
from gallery.domain.leases import Leased, LeaseLost, leased
from gallery.domain.sync import reconcile
from gallery.domain.sync.library import Library
from gallery.domain.sync.root_status import RootStatus
from gallery.errors import Unavailable
from gallery.indexing.hints import pointed_at
from gallery.indexing.passes import Pass, RootIsGone, present
from gallery.model import Hint
from gallery.store.library import folders
from gallery.store.sync import roots

logger = logging.getLogger(__name__)

TAKEN_SECONDS = 2.0
"""How often to ask for the lease of a root that another server scans."""
SHARE = 20
"""Full passes that nobody asked for take at most one part in so many of the time."""
MANY_HINTS = 1_000
"""So many hints at once are a storm, of which the system may have dropped a part."""
QUIET_SECONDS = 2.0
"""How long after a storm the watching is begun anew, and a full pass looks for what was missed."""
AGAIN_SECONDS = 2.0
MAX_PAUSE = 60.0
"""When what has failed is tried again, doubled each time."""
MAX_TRIES = 5
"""How often a disk may report errors, during half a minute, until its root is offline."""
FOLD_SECONDS = 3.0
"""How long what is missed may turn up by itself, before a copy is taken for it."""
FORGET_MILLISECONDS = 30 * 24 * 3_600_000
"""How long what is missing and in no collection is remembered."""


def _pause(tries: int, longest: float) -> float:
    """Return how many seconds to wait after so many tries in succession have failed."""
    return min(AGAIN_SECONDS * 2.0 ** (tries - 1), longest) if tries else 0.0


def _is_gone(error: Exception) -> bool:
    """Return whether an error says that the root is not there, or not as it was."""
    return isinstance(error, RootIsGone) or (isinstance(error, OSError) and is_away(error))


class Indexer:
    """Attends the root `status` of `library`; looks through all of it every `seconds`.

    While it `is_unsure` whether something has gone unnoticed, no copy is taken for what is missing:
    that may be elsewhere with its own inode, where nobody has looked yet. It is held until a full
    pass has.
    """

    def __init__(self, db: Database, library: Library, status: RootStatus, seconds: float) -> None:
        self._db = db
        self._library = library
        self._status = status
        self._seconds = seconds
        self._due = time.monotonic() + seconds
        self._earliest = 0.0
        self._is_after_storm = False
        self._is_unsure = True
        self._held = set[int]()
        self._tries = 0
        self._unsure_passes = 0

    async def run(self) -> None:
        """Works for ever. What is asked for during some work is followed by more work."""
        status = self._status
        while True:
            try:
                async with asyncio.timeout(self._due - time.monotonic()):
                    await status.work.wait()
            except TimeoutError:
                logger.debug("a pass over root %r is due", status.root.name)
                self._begin_anew()
            status.work.clear()
            if status.is_doubted:
                status.is_doubted = False
                self._is_unsure = True
                self._doubt(0.0)
            is_done = not (status.scan_wanted or status.has_hints or status.ripe)
            while not is_done:
                is_done = await self._attend()
                if not is_done:
                    await asyncio.sleep(_pause(self._tries, MAX_PAUSE) or TAKEN_SECONDS)

    async def _attend(self) -> bool:
        """Does what there is to do; whatever stops it, it is tried again.

        False if another server is at work in this root, or has taken it over, or what stopped it
        says nothing about the root.
        """
        status = self._status
        try:
            async with leased(self._db, f"scan {status.id}", self._library.holder) as lease:
                if lease is None:
                    return False
                if status.is_offline and not status.scan_wanted:
                    status.take_hints()  # of no use: whether it is back shows a full pass only
                    self._doubt(0.0)
                elif status.scan_wanted:
                    await self._scan(lease)
                else:
                    await self._follow_hints(lease)
                    await self._fold(lease)
        except (OSError, RootIsGone, LeaseLost, Unavailable) as error:
            if not _is_gone(error):
                self._put_off(error)
                return False
            logger.warning("root %r is offline: %s", status.root.name, error)
            status.is_offline = True
        except Exception:
            logger.exception("work on root %r failed; it is tried again", status.root.name)
            self._doubt(AGAIN_SECONDS)
        self._tries = 0
        status.trouble = None
        return True

    def _put_off(self, error: Exception) -> None:
        """The work begins again in a while. A disk that goes on reporting errors is offline."""
        status = self._status
        self._tries += 1
        level = logging.WARNING if self._tries == 1 else logging.DEBUG
        logger.log(level, "work on root %r begins again: %s", status.root.name, error)
        if isinstance(error, OSError):
            status.trouble = f"the disk cannot be read now: {error.strerror}"
            status.is_offline |= self._tries >= MAX_TRIES and not is_exhausted(error)
        status.request_scan()

    def _begin_anew(self) -> None:
        """A full pass; after a storm it comes once the root is watched anew."""
        if self._is_after_storm and self._status.is_watched:
            self._due = time.monotonic() + self._seconds
            self._status.renewal.set()
        else:
            self._status.request_scan()
        self._is_after_storm = False

    def _note_storm(self, hints: int) -> None:
        if hints >= MANY_HINTS:
            self._is_after_storm = self._is_unsure = True
            self._doubt(QUIET_SECONDS)

    def _doubt(self, seconds: float) -> None:
        """A full pass follows in so many seconds, as far as its share of the time allows."""
        self._due = max(time.monotonic() + seconds, self._earliest)

    async def _scan(self, lease: Leased) -> None:
        """One full pass. Raises `OSError` or `RootIsGone` before a single item is marked missing.

        Hints that come meanwhile are followed at once, and once more at the end: they may be newer
        than what was listed.
        """
        status = self._status
        status.scan_wanted = False
        accept_missing, status.accept_missing = status.accept_missing, False
        began = time.monotonic()
        newer = set[str]()
        try:
            status.identity = await asyncio.to_thread(status.root.identity)
            expected = await self._db.read(present, status.id)
            status.advance("scanning", 0, expected or None)
            known = await self._db.read(folders.digests, status.id)
            walk = Walk(status.root, self._library.disk.is_junk, known)
            work = Pass(self._db, lease, self._library, status)
            async with aclosing(work.over(walk.listings())) as steps:
                async for _step in steps:
                    status.advance("scanning", work.files, expected or None)
                    if status.has_hints:
                        newer.update(await self._follow_hints(lease, accept_missing))
            await work.lose(None if accept_missing else expected)
            self._is_unsure = self._is_after_storm
            self._unsure_passes = self._unsure_passes + 1 if walk.is_unsure else 0
            held, self._held = self._held, set()
            if newer or status.has_hints or self._is_unsure:
                self._fold_later([*work.lost, *held])
            else:
                self._library.transient.difference_update(held)
                await work.fold_all()
            await work.follow()
            self._library.departures.forget()
            await lease.write(roots.finish_scan, status.id, walk.problems)
            status.is_offline = False
            await self._forget(lease)
            logger.info("scanned root %r: %d files", status.root.name, work.files)
        except (OSError, RootIsGone, LeaseLost, Unavailable) as error:
            if _is_gone(error):
                status.is_offline = True  # before it can look as if the scan had ended well
            else:
                status.accept_missing |= accept_missing
            raise
        finally:
            took = time.monotonic() - began
            self._earliest = time.monotonic() + SHARE * took
            self._doubt(_pause(self._unsure_passes, self._seconds) or self._seconds)
            status.passes += 1
            status.scan_ended()
            status.hint(newer)

    async def _follow_hints(self, lease: Leased, accept_missing: bool = False) -> set[str]:
        """Looks where somebody points at, until nobody does any more; where that was."""
        status = self._status
        followed = set[str]()
        while hints := status.take_hints(MANY_HINTS):
            followed.update(hints)
            walk = Walk(status.root, self._library.disk.is_junk)
            deep = {path for path, hint in hints.items() if hint is Hint.DEEP}
            expected = await self._db.read(present, status.id)
            work = Pass(self._db, lease, self._library, status)
            await work.over_all(await pointed_at(self._db, walk, status.root.name, hints, deep))
            self._note_storm(len(hints))
            if walk.is_unsure:
                self._doubt(AGAIN_SECONDS)
            # The only file of a root may well be deleted.
            await work.lose(expected if expected > 1 and not accept_missing else None)
            await work.follow()
            self._fold_later(work.lost)
        return followed

    async def _fold(self, lease: Leased) -> None:
        """What is missing for a while was perhaps copied and removed."""
        ripe, self._status.ripe = self._status.ripe, set()
        if ripe:
            work = Pass(self._db, lease, self._library, self._status)
            await work.merge(ripe)
            await work.follow()

    def _fold_later(self, lost: Sequence[int]) -> None:
        """First whatever has been moved may turn up with its inode."""

        def ripen() -> None:
            if self._is_unsure:
                self._held.update(lost)
                return
            self._library.transient.difference_update(lost)
            self._status.ripe.update(lost)
            self._status.work.set()

        if lost:
            self._library.transient.update(lost)
            asyncio.get_running_loop().call_later(FOLD_SECONDS, ripen)

    async def _forget(self, lease: Leased) -> None:
        before = self._db.now() - FORGET_MILLISECONDS
        while not await lease.write(reconcile.purge, self._status.id, before):
            pass
