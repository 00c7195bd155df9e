"""The scope of a collection follows its folder when that is renamed or moved.

A folder is recognised by its inode and its modification time, which a rename keeps (see
`reconcile`). Otherwise it is recognised by its files: it counts as renamed if it is gone and half
of its files have appeared below one other folder, under the same names.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from gallery.database.engine import Tx
from gallery.store.sync import folder_moves
from gallery.values import paths
from gallery.values.times import Millis

DAY = 24 * 3_600_000
MAX_REMEMBERED = 10_000


class Departure(NamedTuple):
    """An item was moved from one path to another."""

    former: str
    path: str


class Departures:
    """How many items have moved recently from one folder to another."""

    def __init__(self) -> None:
        self._count: Counter[tuple[str, str]] = Counter()

    def __bool__(self) -> bool:
        return bool(self._count)

    def note(self, departures: Iterable[Departure]) -> None:
        """Count items that moved. One that changed its name is no evidence of a renamed folder."""
        for former, path in departures:
            if paths.name(former) == paths.name(path) and len(self._count) < MAX_REMEMBERED:
                self._count[paths.parent(former), paths.parent(path)] += 1

    def folders(self) -> set[str]:
        """Return every folder that items have left, and the folders above it."""
        return {above for former, _path in self._count for above in paths.ancestors(former)}

    def destinations(self, folder: str) -> Counter[str]:
        """Return each new place of `folder`, and how many of its items have moved there.

        Only an item that kept its path below the folder counts.
        """
        votes = Counter[str]()
        for (former, path), count in self._count.items():
            if not paths.covers(folder, former):
                continue
            rest = former[len(folder) :]  # "" or "/…": the path below the folder
            if path.endswith(rest) and len(path) > len(rest):
                votes[path[: len(path) - len(rest)]] += count
        return votes

    def forget(self) -> None:
        """Forget all moves after a full pass: collections have followed them."""
        self._count.clear()

    def forget_folders(self, found: Collection[str]) -> None:
        """Forget the moves out of folders that were found now: the old ones were other folders."""
        for former, path in list(self._count):
            if former in found:
                del self._count[former, path]


async def follow(tx: Tx, departures: Departures) -> None:
    """Change the scope of collections whose folders were renamed to the new paths."""
    changed = False
    for folder in await folder_moves.lost(tx, departures.folders()):
        for heir, votes in departures.destinations(folder).most_common(1):
            left = await folder_moves.count_left(tx, folder, Millis(tx.now - DAY))
            if votes >= left:
                await folder_moves.rename(tx, folder, heir)
                changed = True
    if not changed:
        tx.discard()
