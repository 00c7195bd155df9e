"""A pass over folders of a root: it stores found files at once, and losses at the end."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import aclosing
from itertools import islice

from gallery.database.engine import Database, Reader
from gallery.disk.roots import Roots
from gallery.disk.walk import FolderListing
from gallery.domain.leases import Leased
from gallery.domain.sync import folder_moves, reconcile
from gallery.domain.sync.changes import Outcome
from gallery.domain.sync.compare import compare
from gallery.domain.sync.library import Library
from gallery.domain.sync.moves import DAY
from gallery.domain.sync.plan import Action, FolderFound, FolderGone, Gone, Moved
from gallery.domain.sync.reconcile import BATCH
from gallery.domain.sync.root_status import RootStatus, looks_unplugged
from gallery.errors import Unavailable
from gallery.store.sync import files, roots
from gallery.values.ids import ItemId, RootId
from gallery.values.times import Millis

AHEAD = 4_000
"""Files or folders that are compared at a time. They are stored in several batches."""

Lost = Gone | FolderGone


class RootIsGone(Exception):
    """The root has lost many files at once, so its disk was probably unplugged."""


class Pass:
    """A pass. Lost files are missing since its start. It can write only while it has the lease."""

    def __init__(
        self,
        db: Database,
        lease: Leased,
        library: Library,
        status: RootStatus,
        *,
        ahead: int = AHEAD,
        batch: int = BATCH,
    ) -> None:
        self._db = db
        self._lease = lease
        self._library = library
        self._status = status
        self._ahead = ahead
        self._batch = batch
        self._since = db.now()
        self._losses: list[Lost] = []
        self.lost: list[ItemId] = []
        self.files = 0

    async def over(self, listings: Iterator[FolderListing]) -> AsyncGenerator[None]:
        """Reconcile the listings, one batch per step. A thread reads the disk ahead."""
        batch = await asyncio.to_thread(_take, listings, self._ahead)
        while batch:
            ahead = asyncio.create_task(asyncio.to_thread(_take, listings, self._ahead))
            try:
                await self._reconcile(batch)
                self.files += sum(listing.file_count for listing in batch)
                yield
            finally:
                batch = await ahead

    async def over_all(self, listings: Iterator[FolderListing]) -> None:
        """Reconcile all listings."""
        async with aclosing(self.over(listings)) as steps:
            async for _step in steps:
                pass

    async def _reconcile(self, batch: Sequence[FolderListing]) -> None:
        actions = await compare(self._db, self._library, batch)
        found = {action.path for action in actions if isinstance(action, FolderFound)}
        self._library.departures.forget_folders(found)
        await self._apply([action for action in actions if not isinstance(action, Lost)])
        self._losses += [action for action in actions if isinstance(action, Lost)]
        for action in actions:
            if isinstance(action, Moved) and not action.left_a_void:
                # The file at the former path may have been taken for a new version of this item.
                self._library.serving(action.former).hint([action.former])

    async def _apply(self, actions: Sequence[Action]) -> None:
        status = self._status
        ordered = reconcile.in_order(actions)
        for start in range(0, len(ordered), self._batch):
            chunk = ordered[start : start + self._batch]
            self._note(
                await self._lease.write(
                    reconcile.apply, status.id, status.root.name, chunk, self._since
                )
            )

    def _note(self, outcome: Outcome) -> None:
        self.lost += outcome.lost
        self._library.departures.note(outcome.departures)

    async def merge(self, missing: Collection[ItemId]) -> None:
        """Merge missing items with the new items whose files have the same bytes."""
        self._note(
            await self._lease.write(
                reconcile.merge, self._status.id, missing, self._library.transient
            )
        )

    async def merge_all(self) -> None:
        """Merge the items that became missing within a day, so also those from before a crash."""
        last: ItemId | None = ItemId(0)
        while last is not None:
            missing = await self._db.read(
                files.missing_lately, self._status.id, Millis(self._since - DAY), last
            )
            if missing:
                await self.merge(missing)
            last = missing[-1] if missing else None

    async def follow(self) -> None:
        """Let the folder scopes of collections follow the folders that were moved."""
        if self._library.departures:
            await self._lease.write(folder_moves.follow, self._library.departures)

    async def lose(self, expected: int | None) -> None:
        """Mark the lost files as missing. Raises `RootIsGone` if too many are lost at once.

        `expected` is the number of files that the index contains, None to accept any loss. Each
        lost file is looked for once more: a request may have indexed it after the listing.
        """
        disk = self._library.disk
        gone = await asyncio.to_thread(_still_lost, disk, self._losses)
        self._losses = []
        alone = [action for action in gone if isinstance(action, Gone)]
        folders = [action.path for action in gone if isinstance(action, FolderGone)]
        if expected is not None and gone:
            missing = await self._db.read(_count, alone, folders)
            if looks_unplugged(missing, expected):
                raise RootIsGone(f"{missing} of its {expected} files are gone; is a disk missing?")
        await self._apply(alone)
        for folder in folders:
            is_all = False
            while not is_all:
                is_all, outcome = await self._lease.write(
                    reconcile.apply_gone, self._status.id, folder, self._since
                )
                self._note(outcome)


def _still_lost(disk: Roots, lost: Sequence[Lost]) -> list[Lost]:
    """Return the losses that the disk confirms."""
    unknown = set[str]()
    there = set(disk.look((action.path for action in lost if isinstance(action, Gone)), unknown))
    for action in lost:
        if isinstance(action, FolderGone):
            try:
                if disk.is_folder(action.path):
                    there.add(action.path)
            except Unavailable:
                unknown.add(action.path)
    return [action for action in lost if action.path not in there | unknown]


async def _count(reader: Reader, gone: Sequence[Gone], folders: Sequence[str]) -> int:
    """Return how many present items are lost with the files and folders. Moved ones are not."""
    places = await files.places(reader, [action.id for action in gone])
    alone = sum(
        action.id in places
        and places[action.id].path == action.path
        and not places[action.id].missing_since
        for action in gone
    )
    return alone + sum([await files.count_below(reader, folder) for folder in folders])


async def present(reader: Reader, root_id: RootId) -> int:
    """Return the number of files of the root that are in the index and not missing."""
    return next(row.item_count for row in await roots.all_roots(reader) if row.id == root_id)


def _take(listings: Iterator[FolderListing], ahead: int) -> list[FolderListing]:
    """Return the next listings, until they contain `ahead` files or are `ahead` listings."""
    batch: list[FolderListing] = []
    size = 0
    for listing in islice(listings, ahead):
        batch.append(listing)
        size += listing.file_count
        if size >= ahead:
            break
    return batch
