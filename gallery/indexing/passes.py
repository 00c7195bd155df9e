"""Going over some folders of a root: what is found is stored at once, what is lost at the end."""

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
"""So many files, or folders, are compared at a time; they are stored in several batches."""

Lost = Gone | FolderGone


class RootIsGone(Exception):
    """The root has lost so much that its disk is likely not there."""


class Pass:
    """What is lost counts as missing since the pass began. All changes need the lease."""

    def __init__(self, db: Database, lease: Leased, library: Library, status: RootStatus) -> None:
        self._db = db
        self._lease = lease
        self._library = library
        self._status = status
        self._since = db.now()
        self._losses: list[Lost] = []
        self.lost: list[ItemId] = []
        self.files = 0

    async def over(self, listings: Iterator[FolderListing]) -> AsyncGenerator[None]:
        """Reconciles the listings, a batch for each step; the disk is read ahead in a thread."""
        batch = await asyncio.to_thread(_take, listings)
        while batch:
            ahead = asyncio.create_task(asyncio.to_thread(_take, listings))
            try:
                await self._reconcile(batch)
                self.files += sum(listing.file_count for listing in batch)
                yield
            finally:
                batch = await ahead

    async def over_all(self, listings: Iterator[FolderListing]) -> None:
        """Reconciles the listings, in one go."""
        async with aclosing(self.over(listings)) as steps:
            async for _step in steps:
                pass

    async def _reconcile(self, batch: Sequence[FolderListing]) -> None:
        actions = await compare(self._db, self._library, batch)
        found = {action.path for action in actions if isinstance(action, FolderFound)}
        self._library.departures.begin_anew(found)
        await self._apply([action for action in actions if not isinstance(action, Lost)])
        self._losses += [action for action in actions if isinstance(action, Lost)]
        for action in actions:
            if isinstance(action, Moved) and not action.left_a_void:
                # Another file is there, which may have been taken for a new version of this one.
                self._library.serving(action.former).hint([action.former])

    async def _apply(self, actions: Sequence[Action]) -> None:
        status = self._status
        ordered = reconcile.in_order(actions)
        for start in range(0, len(ordered), BATCH):
            chunk = ordered[start : start + BATCH]
            self._note(
                await self._lease.write(
                    reconcile.apply, status.id, status.root.name, chunk, self._since
                )
            )

    def _note(self, outcome: Outcome) -> None:
        self.lost += outcome.lost
        self._library.departures.note(outcome.departures)

    async def merge(self, missing: Collection[ItemId]) -> None:
        """What came elsewhere in place of the missing items, by its bytes, is them."""
        self._note(
            await self._lease.write(
                reconcile.merge, self._status.id, missing, self._library.transient
            )
        )

    async def merge_all(self) -> None:
        """`merge` for whatever went missing within a day, and so also before a crash."""
        last: ItemId | None = ItemId(0)
        while last is not None:
            missing = await self._db.read(
                files.missing_lately, self._status.id, Millis(self._since - DAY), last
            )
            if missing:
                await self.merge(missing)
            last = missing[-1] if missing else None

    async def follow(self) -> None:
        """Collections follow the folders that they are bound to."""
        if self._library.departures:
            await self._lease.write(folder_moves.follow, self._library.departures)

    async def lose(self, expected: int | None) -> None:
        """Marks what is lost missing. Raises `RootIsGone` if it is too much at one stroke.

        `expected` is how many files there should be, None if any loss is to be believed. What is
        lost is looked for once more: a request may have indexed it after its folder was listed.
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
    """Return what is certain not to be there."""
    unknown = set[str]()
    there = set(disk.look((it.path for it in lost if isinstance(it, Gone)), unknown))
    for action in lost:
        if isinstance(action, FolderGone):
            try:
                if disk.is_folder(action.path):
                    there.add(action.path)
            except Unavailable:
                unknown.add(action.path)
    return [action for action in lost if action.path not in there | unknown]


async def _count(reader: Reader, gone: Sequence[Gone], folders: Sequence[str]) -> int:
    """How many present items are lost with the files and the folders: some have moved since."""
    places = await files.places(reader, [action.id for action in gone])
    alone = sum(
        action.id in places
        and places[action.id].path == action.path
        and not places[action.id].missing_since
        for action in gone
    )
    return alone + sum([await files.count_below(reader, folder) for folder in folders])


async def present(reader: Reader, root_id: RootId) -> int:
    """How many files the index knows to be in the root."""
    return next(row.item_count for row in await roots.all_roots(reader) if row.id == root_id)


def _take(listings: Iterator[FolderListing]) -> list[FolderListing]:
    """The next folders, until they hold a batch of files or are many themselves."""
    batch: list[FolderListing] = []
    size = 0
    for listing in islice(listings, AHEAD):
        batch.append(listing)
        size += listing.file_count
        if size >= AHEAD:
            break
    return batch
