"""The effects of one index transaction beyond the items themselves."""

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

MAX_FOLDERS_NAMED = 50
"""Folders that one event names; if there are more, it names none."""


class Outcome(NamedTuple):
    """The items that a transaction moved, and those that it marked missing."""

    departures: list[Departure]
    lost: list[ItemId]


class Changes:
    """The changes of a transaction, for the counts of roots, the collections and the listeners.

    `paths` are those that may lead to another item now, `neighbours` the paths of new items. The
    items of the folders in `recount` are counted again; `grown` maps a folder to its number of new
    items.
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
        """Add to the counts of present and missing items of a root."""
        counts = self._counts.setdefault(root_id, [0, 0])
        counts[0] += present
        counts[1] += missing

    def depart(self, former: str, path: str) -> None:
        """Note that an item moved from one path to another."""
        self.outcome.departures.append(Departure(former, path))
        self.paths |= {former, path}
        both = {paths.parent(former), paths.parent(path)}
        self.folders |= both
        self.recount |= both

    async def publish(self, tx: Tx) -> None:
        """Update counts and collections, and publish the events after the commit."""
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
        named = tuple(sorted(self.folders)) if len(self.folders) <= MAX_FOLDERS_NAMED else None
        for root_id in self._counts:
            tx.after_commit(ItemsChanged(root_id, named))
