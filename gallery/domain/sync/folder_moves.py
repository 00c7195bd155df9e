"""The scope of a collection follows its folder when that is renamed or moved.

A folder is known again by its inode and its time of modification, which a rename keeps (see
`reconcile`), or else by its files: it counts as renamed when it is gone and half of what was in it
has turned up below one other folder, under the same names.
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
    """How many items have lately gone from one folder to another."""

    def __init__(self) -> None:
        self._count: Counter[tuple[str, str]] = Counter()

    def __bool__(self) -> bool:
        return bool(self._count)

    def note(self, departures: Iterable[Departure]) -> None:
        """Items were moved. Under another name one says nothing of its folder."""
        for former, path in departures:
            if paths.name(former) == paths.name(path) and len(self._count) < MAX_REMEMBERED:
                self._count[paths.parent(former), paths.parent(path)] += 1

    def folders(self) -> set[str]:
        """Every folder that something went away from, or from below."""
        return {above for former, _path in self._count for above in paths.ancestors(former)}

    def heirs(self, folder: str) -> Counter[str]:
        """Where to, and how often, what was in `folder` or below went with the rest of it."""
        votes = Counter[str]()
        for (former, path), count in self._count.items():
            if not paths.covers(folder, former):
                continue
            rest = former[len(folder) :]  # "" or "/…": the way from the folder down
            if path.endswith(rest) and len(path) > len(rest):
                votes[path[: len(path) - len(rest)]] += count
        return votes

    def forget(self) -> None:
        """A full pass has ended: whatever was renamed until now has been followed."""
        self._count.clear()

    def begin_anew(self, found: Collection[str]) -> None:
        """Folders that are there, new or again: what went away from such a path before is no more
        about them.
        """
        for former, path in list(self._count):
            if former in found:
                del self._count[former, path]


async def follow(tx: Tx, departures: Departures) -> None:
    """Binds the collections of folders that were renamed to what these are called now."""
    changed = False
    for folder in await folder_moves.lost(tx, departures.folders()):
        for heir, votes in departures.heirs(folder).most_common(1):
            left = await folder_moves.count_left(tx, folder, Millis(tx.now - DAY))
            if votes >= left:
                await folder_moves.rename(tx, folder, heir)
                changed = True
    if not changed:
        tx.discard()
