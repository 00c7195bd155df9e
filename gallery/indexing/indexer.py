"""Keeps the index true: a full pass over every root when asked for and each hour."""

import asyncio
import logging
from collections.abc import Iterator
from itertools import islice

from gallery.database.engine import Database, Reader
from gallery.disk.roots import Root
from gallery.disk.walk import Listing, Walk
from gallery.domain import reconcile
from gallery.domain.leases import Leased, LeaseLost, leased
from gallery.domain.library import Library
from gallery.errors import Unavailable
from gallery.model import Progress
from gallery.store import roots

logger = logging.getLogger(__name__)

FULL_PASS_SECONDS = 3600.0
TAKEN_SECONDS = 2.0
"""How often to ask for the lease of a root that another server scans."""


class RootIsGone(Exception):
    """The root cannot be read, or is empty though the index knows files in it."""


class Indexer:
    """Scans the roots of `library`, one after the other."""

    def __init__(self, db: Database, library: Library) -> None:
        self._db = db
        self._library = library

    async def run(self) -> None:
        """Scans for ever. A request that arrives during a scan is followed by another scan."""
        wanted = self._library.scan_wanted
        while True:
            try:
                async with asyncio.timeout(FULL_PASS_SECONDS):
                    await wanted.wait()
            except TimeoutError:
                logger.debug("the hourly pass is due")
            wanted.clear()
            accept_missing, self._library.accept_missing = self._library.accept_missing, False
            for root_id, root in self._library.roots.items():
                await self._attend_in_turn(root_id, root, accept_missing=accept_missing)

    async def _attend_in_turn(self, root_id: int, root: Root, *, accept_missing: bool) -> None:
        """Scans a root as soon as no other server does."""
        done = await self._attend(root_id, root, accept_missing=accept_missing)
        while not done:
            await asyncio.sleep(TAKEN_SECONDS)
            done = await self._attend(root_id, root, accept_missing=accept_missing)

    async def _attend(self, root_id: int, root: Root, *, accept_missing: bool) -> bool:
        """One scan; whatever stops it, the next one is tried. False while another server scans."""
        try:
            async with leased(self._db, f"scan {root_id}", self._library.holder) as db:
                if db is None:
                    return False
                await self._scan(db, root_id, root, accept_missing=accept_missing)
            self._library.offline.discard(root_id)
        except (LeaseLost, Unavailable) as error:
            logger.warning("the scan of root %r begins again: %s", root.name, error)
            return False
        except (OSError, RootIsGone) as error:
            logger.warning("root %r is offline: %s", root.name, error)
            self._library.offline.add(root_id)
        except Exception:
            logger.exception("the scan of root %r failed; it is tried again later", root.name)
        self._library.scan_ended(root_id)
        return True

    async def _scan(self, db: Leased, root_id: int, root: Root, *, accept_missing: bool) -> None:
        """One full pass. Raises `OSError` or `RootIsGone` before a single item is marked missing.

        The walk runs ahead in a thread while what it found is compared and stored.
        """
        expected = await self._db.read(_present, root_id)
        walk = Walk(root, self._library.disk.is_junk)
        listings = walk.listings()
        done = 0
        self._library.progress[root_id] = Progress("scanning", 0, expected)
        batch = await asyncio.to_thread(_take, listings)
        top = batch[0]
        if expected and not accept_missing and not top.files and not top.folders:
            raise RootIsGone("it is empty, but was not; is a disk not mounted?")
        while batch:
            ahead = asyncio.create_task(asyncio.to_thread(_take, listings))
            try:
                await self._reconcile(db, root_id, root, batch)
                done += sum(len(listing.files) for listing in batch)
                self._library.progress[root_id] = Progress("scanning", done, expected or None)
            finally:
                batch = await ahead
        await db.write(roots.finish_scan, root_id, walk.problems)
        logger.info("scanned root %r: %d files", root.name, done)

    async def _reconcile(self, db: Leased, root_id: int, root: Root, batch: list[Listing]) -> None:
        known = await self._db.read(reconcile.known, [listing.folder for listing in batch])
        # In a thread: a folder of 100,000 files takes a while, and requests must not wait for it.
        actions = await asyncio.to_thread(lambda: list(reconcile.plan(batch, known)))
        for start in range(0, len(actions), reconcile.BATCH):
            chunk = actions[start : start + reconcile.BATCH]
            await db.write(reconcile.apply, root_id, root.name, chunk)
        for action in actions:
            if isinstance(action, reconcile.FolderGone):
                while not await db.write(reconcile.apply_gone, root_id, action.path):
                    pass


async def _present(reader: Reader, root_id: int) -> int:
    return next(row.item_count for row in await roots.all_roots(reader) if row.id == root_id)


def _take(listings: Iterator[Listing]) -> list[Listing]:
    """The next folders, until they hold a batch of files or are many themselves."""
    batch: list[Listing] = []
    size = 0
    for listing in islice(listings, reconcile.BATCH):
        batch.append(listing)
        size += len(listing.files)
        if size >= reconcile.BATCH:
            break
    return batch
