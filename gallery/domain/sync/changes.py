"""What one transaction of the index changes besides the items themselves."""

from collections import Counter
from typing import NamedTuple

from gallery.database.engine import Tx
from gallery.domain.sync.folder_moves import Departure
from gallery.events import ItemsChanged
from gallery.store.collections import collections
from gallery.store.library import folders
from gallery.store.sync import files, roots
from gallery.values import paths
from gallery.values.ids import ItemId, RootId

FOLDERS_TOLD = 50
"""So many folders are named in one event; of more, none is."""


class Outcome(NamedTuple):
    """What else a transaction has led to: items that have moved, and items that are missing."""

    departures: list[Departure]
    lost: list[ItemId]


class Changes:
    """What a transaction did: for the counts of roots, the collections concerned, and listeners.

    `paths` are those that may mean another item now than they did, `neighbours` those of new ones.
    The items of the folders in `recount` are counted anew; `grown` have so many new ones.
    """

    def __init__(self, root_id: RootId) -> None:
        self.items = set[ItemId]()
        self.paths = set[str]()
        self.neighbours = set[str]()
        self.recount = set[str]()
        self.grown = Counter[str]()
        self.folders = set[str]()
        self.outcome = Outcome([], [])
        self._counts = {root_id: [0, 0]}

    def count(self, root_id: RootId, *, present: int = 0, missing: int = 0) -> None:
        counts = self._counts.setdefault(root_id, [0, 0])
        counts[0] += present
        counts[1] += missing

    def depart(self, former: str, path: str) -> None:
        """An item went from one path to another."""
        self.outcome.departures.append(Departure(former, path))
        self.paths |= {former, path}
        both = {paths.parent(former), paths.parent(path)}
        self.folders |= both
        self.recount |= both

    async def tell(self, tx: Tx) -> None:
        touched = self.items.union(await files.ids_at(tx, self.paths) if self.paths else ())
        if touched or self.neighbours:
            touched.update(await files.paired_with(tx, touched, self.paths | self.neighbours))
        if touched:
            await collections.touch(tx, sorted(touched))
        if self.recount:
            await folders.count_items(tx, sorted(self.recount))
        grown = {path: by for path, by in self.grown.items() if path not in self.recount}
        if grown:
            await folders.count_more(tx, grown)
        for root_id, (present, missing) in sorted(self._counts.items()):
            if present or missing:
                await roots.count(tx, root_id, present, missing)
        told = tuple(sorted(self.folders)) if len(self.folders) <= FOLDERS_TOLD else None
        for root_id in self._counts:
            tx.after_commit(ItemsChanged(root_id, told))
