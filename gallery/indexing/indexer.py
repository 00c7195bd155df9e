"""Updating the index of a root, by hints and by full scans."""

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
from gallery.domain.sync.schedule import MANY_HINTS, MIN_PAUSE, Due, Schedule
from gallery.errors import Unavailable
from gallery.indexing.hints import pointed_at
from gallery.indexing.passes import Pass, RootIsGone, present
from gallery.model import Hint
from gallery.store.library import folders
from gallery.store.sync import roots
from gallery.values.ids import ItemId
from gallery.values.times import Millis

logger = logging.getLogger(__name__)

LEASE_RETRY_SECONDS = 2.0
"""Seconds between two requests for the lease of a root that another server scans."""
MAX_TRIES = 5
"""A root is offline after this many disk errors, which take half a minute."""
MERGE_SECONDS = 3.0
"""How long a moved file may reappear with its own inode before it is merged with a copy."""


def _is_gone(error: Exception) -> bool:
    """Return whether an error means that the root is absent or has lost too many files."""
    return isinstance(error, RootIsGone) or (isinstance(error, OSError) and is_away(error))


class Indexer:
    """Update the index of one root: a full scan every `seconds`, and hints at once."""

    def __init__(self, db: Database, library: Library, status: RootStatus, seconds: float) -> None:
        self._db = db
        self._library = library
        self._status = status
        self._schedule = Schedule(time.monotonic(), seconds)

    async def run(self) -> None:
        """Work until cancelled. Work that is requested meanwhile follows."""
        status, schedule = self._status, self._schedule
        while True:
            try:
                async with asyncio.timeout(schedule.due - time.monotonic()):
                    await status.work.wait()
            except TimeoutError:
                self._begin_due()
            status.work.clear()
            if status.take_gap():
                schedule.note_gap(time.monotonic())
            is_done = not status.has_work
            while not is_done:
                is_done = await self._do_work()
                if not is_done:
                    await asyncio.sleep(schedule.pause or LEASE_RETRY_SECONDS)

    def _begin_due(self) -> None:
        logger.debug("a full scan of root %r is due", self._status.root.name)
        if (
            self._schedule.take_due(time.monotonic(), is_watched=self._status.is_watched)
            is Due.PASS
        ):
            self._status.request_scan()
        else:
            self._status.renewal.set()

    async def _do_work(self) -> bool:
        """Do the requested work. Return whether it is done.

        It must be tried again if another server has the lease of this root, or after an error that
        says nothing about the root.
        """
        status = self._status
        try:
            async with leased(self._db, f"scan {status.id}", self._library.holder) as lease:
                if lease is None:
                    return False
                if status.is_scan_wanted:
                    await self._scan(lease)
                elif status.is_offline:
                    status.take_hints()  # only a full scan shows whether the root is back
                    self._schedule.want_pass(time.monotonic())
                else:
                    await self._follow_hints(lease)
                    await self._merge_ripe(lease)
        except (OSError, RootIsGone, LeaseLost, Unavailable) as error:
            if not _is_gone(error):
                self._postpone(error)
                return False
            logger.warning("root %r is offline: %s", status.root.name, error)
            status.set_offline()
        except Exception:
            logger.exception("work on root %r failed; it is tried again", status.root.name)
            self._schedule.want_pass(time.monotonic(), MIN_PAUSE)
        self._schedule.note_success()
        status.set_disk_problem(None)
        return True

    def _postpone(self, error: Exception) -> None:
        """Request the work again. Set the root offline if its disk keeps reporting errors."""
        status = self._status
        failures = self._schedule.note_failure()
        level = logging.WARNING if failures == 1 else logging.DEBUG
        logger.log(level, "work on root %r is tried again: %s", status.root.name, error)
        if isinstance(error, OSError):
            status.set_disk_problem(f"the disk cannot be read now: {error.strerror}")
            if failures >= MAX_TRIES and not is_exhausted(error):
                status.set_offline()
        status.request_scan()

    async def _scan(self, lease: Leased) -> None:
        """Do one full scan.

        Raises `OSError` or `RootIsGone` before any item is marked as missing. Hints that arrive
        meanwhile are followed at once, and again at the end: they may be newer than the listing.
        """
        status, schedule = self._status, self._schedule
        accept_missing = status.begin_pass()
        began = time.monotonic()
        newer = set[str]()
        try:
            await asyncio.to_thread(status.identify)
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
            schedule.note_listed(is_unsure=walk.is_unsure)
            held = schedule.release()
            if newer or status.has_hints or schedule.is_unsure:
                self._merge_later([*work.lost, *held])
            else:
                self._library.transient.difference_update(held)
                await work.merge_all()
            await work.follow()
            self._library.departures.forget()
            await lease.write(roots.finish_scan, status.id, walk.problems)
            status.set_offline(is_offline=False)
            await self._purge(lease)
            logger.info("scanned root %r: %d files", status.root.name, work.files)
        except (OSError, RootIsGone, LeaseLost, Unavailable) as error:
            if _is_gone(error):
                status.set_offline()  # before `end_pass`, so that the scan never looks successful
            elif accept_missing:
                status.request_scan(accept_missing=True)
            raise
        finally:
            schedule.note_pass_ended(time.monotonic(), began)
            status.end_pass()
            status.hint(newer)

    async def _follow_hints(self, lease: Leased, accept_missing: bool = False) -> set[str]:
        """Follow hints until none are left. Return their paths."""
        status = self._status
        followed = set[str]()
        while hints := status.take_hints(MANY_HINTS):
            followed.update(hints)
            walk = Walk(status.root, self._library.disk.is_junk)
            deep = {path for path, hint in hints.items() if hint is Hint.DEEP}
            expected = await self._db.read(present, status.id)
            work = Pass(self._db, lease, self._library, status)
            await work.over_all(await pointed_at(self._db, walk, status.root.name, hints, deep))
            self._schedule.note_hints(time.monotonic(), len(hints))
            if walk.is_unsure:
                self._schedule.want_pass(time.monotonic(), MIN_PAUSE)
            # A root with a single file is not offline when that file is deleted.
            await work.lose(expected if expected > 1 and not accept_missing else None)
            await work.follow()
            self._merge_later(work.lost)
        return followed

    async def _merge_ripe(self, lease: Leased) -> None:
        """Merge items that have been missing for a while with the copies of their files."""
        ripe = self._status.take_ripe()
        if ripe:
            work = Pass(self._db, lease, self._library, self._status)
            await work.merge(ripe)
            await work.follow()

    def _merge_later(self, lost: Sequence[ItemId]) -> None:
        """Request a merge of items later: a moved file may reappear with its own inode before."""

        def ripen() -> None:
            if self._schedule.is_unsure:
                self._schedule.hold(lost)
                return
            self._library.transient.difference_update(lost)
            self._status.ripen(lost)

        if lost:
            self._library.transient.update(lost)
            asyncio.get_running_loop().call_later(MERGE_SECONDS, ripen)

    async def _purge(self, lease: Leased) -> None:
        before = Millis(self._db.now() - reconcile.PURGE_MILLISECONDS)
        while not await lease.write(reconcile.purge, self._status.id, before):
            pass
