"""Keeps the index true: a full pass over every root when asked for and each hour."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from itertools import islice

from gallery.database.engine import Database, Reader
from gallery.disk.roots import Root, Roots
from gallery.disk.walk import Listing, Walk
from gallery.domain import reconcile
from gallery.domain.leases import Leased, LeaseLost, leased
from gallery.domain.library import Library
from gallery.errors import Unavailable
from gallery.model import Progress
from gallery.store import items, roots

logger = logging.getLogger(__name__)

FULL_PASS_SECONDS = 3600.0
TAKEN_SECONDS = 2.0
"""How often to ask for the lease of a root that another server scans."""


FEW_FILES = 20
"""So many files may be lost at one stroke, unless they are all that there were."""

Lost = reconcile.Gone | reconcile.FolderGone


class RootIsGone(Exception):
    """The root has lost so much that its disk is likely not there."""


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
        done, gone = 0, list[Lost]()
        self._library.progress[root_id] = Progress("scanning", 0, expected)
        batch = await asyncio.to_thread(_take, listings)
        while batch:
            ahead = asyncio.create_task(asyncio.to_thread(_take, listings))
            try:
                gone += await self._apply_found(db, root_id, root, batch)
                done += sum(len(listing.files) for listing in batch)
                self._library.progress[root_id] = Progress("scanning", done, expected or None)
            finally:
                batch = await ahead
        await self._apply_lost(db, root_id, root, gone, None if accept_missing else expected)
        await db.write(roots.finish_scan, root_id, walk.problems)
        logger.info("scanned root %r: %d files", root.name, done)

    async def _apply_found(
        self, db: Leased, root_id: int, root: Root, batch: list[Listing]
    ) -> list[Lost]:
        """Stores what the folders hold; what they have lost waits until the walk has ended."""
        known = await self._db.read(reconcile.known, [listing.folder for listing in batch])
        # In a thread: a folder of 100,000 files takes a while, and requests must not wait for it.
        actions = await asyncio.to_thread(lambda: list(reconcile.plan(batch, known)))
        found = [action for action in actions if not isinstance(action, Lost)]
        for chunk in _chunks(found):
            await db.write(reconcile.apply, root_id, root.name, chunk)
        return [action for action in actions if isinstance(action, Lost)]

    async def _apply_lost(
        self, db: Leased, root_id: int, root: Root, lost: list[Lost], expected: int | None
    ) -> None:
        """Marks what is lost missing. Raises `RootIsGone` if it is too much at one stroke.

        It is looked for once more: a request may have indexed it after its folder was listed.
        """
        disk = self._library.disk
        gone = await asyncio.to_thread(lambda: [a for a in lost if not _is_back(disk, a)])
        files = [action for action in gone if isinstance(action, reconcile.Gone)]
        folders = [action.path for action in gone if isinstance(action, reconcile.FolderGone)]
        if expected is not None and gone:
            below = [await self._db.read(items.count_below, folder) for folder in folders]
            missing = len(files) + sum(below)
            is_everything = missing >= expected
            if is_everything or (missing >= FEW_FILES and missing * 2 >= expected):
                raise RootIsGone(f"{missing} of its {expected} files are gone; is a disk missing?")
        for chunk in _chunks(files):
            await db.write(reconcile.apply, root_id, root.name, chunk)
        for folder in folders:
            while not await db.write(reconcile.apply_gone, root_id, folder):
                pass


def _is_back(disk: Roots, action: Lost) -> bool:
    if isinstance(action, reconcile.Gone):
        return disk.look(action.path) is not None
    return disk.is_folder(action.path)


def _chunks(actions: Sequence[reconcile.Action]) -> Iterator[Sequence[reconcile.Action]]:
    for start in range(0, len(actions), reconcile.BATCH):
        yield actions[start : start + reconcile.BATCH]


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
