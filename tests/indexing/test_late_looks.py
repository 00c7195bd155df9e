"""The index follows a folder that is read in parts, late, and while it changes.

On a busy machine a watcher lags behind the disk, so that an item seems missing while a copy of its
file exists. Here the test decides what is read, and when.
"""

import os
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gallery.database.engine import Database, Reader
from gallery.database.open import open_database
from gallery.disk.roots import Root, Roots, seen
from gallery.disk.walk import Walk
from gallery.domain.collections import editing
from gallery.domain.leases import Leased, leased
from gallery.domain.people import accounts
from gallery.domain.sync import reconcile, roots
from gallery.domain.sync.library import Library
from gallery.events import Bus
from gallery.indexing.hints import pointed_at
from gallery.indexing.passes import Pass
from gallery.media.fingerprints import fingerprint
from gallery.media.metadata.times import by_file
from gallery.model import Actor, CollectionInput, Probed
from gallery.store.sync import roots as roots_rows
from gallery.store.sync import unread
from gallery.values.ids import ItemId
from gallery.values.media_types import DEFAULT_IGNORE, junk_filter
from gallery.values.times import Millis
from tests.support.application import Clock
from tests.support.library import Tree
from tests.support.rearranging import Folder

FILES = 25
ROUNDS = 40
SEEDS = (0, 1, 3, 4, 5, 6, 8, 9)
"""With each of these seeds an item once lost its file before the match was stored."""


class Looks:
    """The work of the indexer, one step at a time."""

    def __init__(self, db: Database, lease: Leased, library: Library) -> None:
        self._db = db
        self._lease = lease
        self._library = library
        self._served = next(iter(library.roots.values()))
        self._lost: list[ItemId] = []

    async def at(self, touched: list[str]) -> None:
        """Scan the folders of the hints."""
        walk = Walk(self._served.root, self._library.disk.is_junk)
        self._served.hint(touched)
        while hints := self._served.take_hints(9):
            work = self._pass()
            await work.over_all(await pointed_at(self._db, walk, "", hints, ()))
            await self._end(work)

    async def at_everything(self) -> None:
        """Run a full pass."""
        self._served.identify()
        walk = Walk(self._served.root, self._library.disk.is_junk)
        work = self._pass()
        await work.over_all(walk.listings())
        await self._end(work)
        await self._lease.write(roots_rows.finish_scan, self._served.id, walk.problems)

    def _pass(self) -> Pass:
        return Pass(self._db, self._lease, self._library, self._served, ahead=4, batch=3)

    async def _end(self, work: Pass) -> None:
        await work.lose(None)
        await work.follow()
        self._lost += work.lost
        self._library.transient.update(work.lost)

    async def merge(self) -> None:
        """Match missing items by their bytes, as the indexer does after some seconds."""
        self._library.transient.difference_update(self._lost)
        work = self._pass()
        lost, self._lost = self._lost, []
        await work.merge(lost)
        await work.follow()

    async def read(self, limit: int) -> None:
        """Read some of the waiting files."""
        batch = await self._db.read(
            unread.ready, self._served.id, Millis(1 << 50), ItemId(0), limit
        )
        found = []
        for item in batch:
            try:
                with self._served.root.open_file(item.path) as file:
                    now = seen(item.path, os.fstat(file.fileno()))
                    size, modified_at = item.version
                    said = Probed(taken=by_file(modified_at), fingerprint=fingerprint(file, size))
            except OSError:
                continue
            if now is not None and now.version == item.version:
                found.append((item, said))
        if found:
            await self._db.write(
                reconcile.store_metadata, self._served.id, found, self._library.transient
            )


@asynccontextmanager
async def looking(
    tmp_path: Path, tree: Tree, clock: Clock
) -> AsyncGenerator[tuple[Database, Looks, Actor]]:
    disk = Roots([Root("", tree.folder)], junk_filter(DEFAULT_IGNORE))
    async with open_database("", tmp_path, Bus(), clock) as db:
        owner, _born = await accounts.built_in_owner(db)
        library = Library(disk, await roots.register(db, disk), "here", Bus())
        async with leased(db, "scan 1", "here") as lease:
            assert lease is not None
            yield db, Looks(db, lease, library), owner


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_item_finds_its_file_however_late_the_looks_are(
    tmp_path: Path, clock: Clock, seed: int
) -> None:
    chance = random.Random(seed)
    tree = Tree(tmp_path / "library")
    folder = Folder(tree, seed)
    for _ in range(FILES):
        folder.create()
    async with looking(tmp_path, tree, clock) as (db, looks, owner):
        await looks.at_everything()
        await looks.read(FILES)
        ids = {folder.files[path]: id_ for path, id_ in (await db.read(present)).items()}
        await db.write(
            editing.create,
            owner,
            CollectionInput(name="all", folder_path="", item_ids=list(ids.values())),
        )
        folder.known()
        folder.touched.clear()
        for _ in range(ROUNDS):
            for _ in range(chance.randint(0, 2)):
                folder.copy()
            folder.rearrange(chance.randint(0, 4))
            clock.now += chance.choice((1, 20, 2_500, 15_000))
            count = chance.randint(0, max(1, len(folder.touched) // 4))
            touched, folder.touched = folder.touched[:count], folder.touched[count:]
            await looks.at(touched)
            await looks.read(chance.randint(1, 30))
            await looks.merge()
        for _ in range(3):
            touched, folder.touched = folder.touched, []
            await looks.at(touched)
            await looks.at_everything()
            await looks.read(10 * FILES + ROUNDS)
            await looks.merge()
        paths = {id_: path for path, id_ in (await db.read(present)).items()}
    surely = {file: path for file, path in folder.surely().items() if file in ids}
    assert len(surely) > FILES / 4
    assert {file: paths.get(ids[file]) for file in surely} == surely


async def present(reader: Reader) -> dict[str, ItemId]:
    rows = await reader.all("SELECT path, id FROM item WHERE missing_since = 0")
    return dict(map(tuple, rows))
