"""The tree of folders of a root, with the watch of each folder."""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

from gallery.disk.failures import is_absent
from gallery.disk.roots import Root
from gallery.disk.subfolders import list_subfolders, look_at_folder
from gallery.indexing.watches import Watch
from gallery.values import paths


class WatchedFolder:
    """A folder of the tree, with its child folders by name.

    `is_fragile`: a name in it is not UTF-8, which may end its watch at any time.
    """

    __slots__ = ("children", "identity", "is_fragile", "modified_at", "watch")

    def __init__(self, identity: tuple[int, int]) -> None:
        self.identity = identity
        self.modified_at: int | None = None
        self.is_fragile = False
        self.watch: Watch | None = None
        self.children: dict[str, WatchedFolder] = {}


class FolderPlace(NamedTuple):
    """A folder and its path, relative to the root."""

    path: str
    folder: WatchedFolder


class FolderTree:
    """The folders of a root that were listed. Links, junk and unreadable folders are left out."""

    def __init__(self, root: Root, is_junk: Callable[[str], bool]) -> None:
        self._root = root
        self._is_junk = is_junk
        self._tree: dict[str, WatchedFolder] = {}  # the key "" is the root's own folder

    def is_new(self, path: str) -> bool:
        """Return whether a path is a folder that should be watched and is not."""
        if self.find(paths.parent(path)) is None or self._is_junk(paths.name(path)):
            return False
        seen = look_at_folder(self._root, path)
        if seen is None or not paths.is_valid(path):
            return False
        known = self.find(path)
        return known is None or known.watch is None or known.identity != seen.identity

    def find(self, path: str) -> WatchedFolder | None:
        """Return the known folder at a path, None if there is none."""
        folder = self._tree.get("")
        for name in path.split("/") if path else ():
            if folder is None:
                return None
            folder = folder.children.get(name)
        return folder

    def _siblings(self, path: str) -> dict[str, WatchedFolder] | None:
        """Return the folders beside the one at a path, by name, None if its parent is unknown."""
        if not path:
            return self._tree
        above = self.find(paths.parent(path))
        return above.children if above else None

    def forget(self, path: str) -> None:
        """Remove a folder and all folders below it."""
        siblings = self._siblings(path)
        if siblings:
            siblings.pop(paths.name(path), None)

    def all(self) -> Iterator[FolderPlace]:
        """Yield every known folder, parents first."""
        pending = [FolderPlace("", self._tree[""])] if self._tree else []
        while pending:
            place = pending.pop()
            yield place
            pending += [
                FolderPlace(paths.join(place.path, name), child)
                for name, child in place.folder.children.items()
            ]

    def held_by(self, watches: Container[Watch | None]) -> Iterator[FolderPlace]:
        """Yield the folders that one of the watches contains."""
        return (place for place in self.all() if place.folder.watch in watches)

    def discover(self, tops: Iterable[str], *, again: bool = False) -> list[FolderPlace]:
        """List the folders at `tops` and the new folders below. Return those without a watch.

        With `again`, known folders below are listed as well. Raises `OSError` if the root's own
        folder cannot be listed now.
        """
        found = []
        pending = list(tops)
        while pending:
            path = pending.pop()
            siblings = self._siblings(path)
            if siblings is None:
                continue
            name = paths.name(path)
            try:
                seen = list_subfolders(self._root, path, self._is_junk)
            except OSError as error:  # a scan reports it
                if is_absent(error):
                    siblings.pop(name, None)
                elif not path:
                    raise
                continue
            folder = siblings.get(name)
            if folder is None or folder.identity != seen.identity:
                folder = siblings[name] = WatchedFolder(seen.identity)
            folder.modified_at = seen.modified_at
            folder.is_fragile |= seen.is_undecodable
            if folder.watch is None:
                found.append(FolderPlace(path, folder))
            for gone in folder.children.keys() - set(seen.names):
                del folder.children[gone]
            pending += [
                paths.join(path, inner)
                for inner in seen.names
                if again or inner not in folder.children
            ]
        return found

    def changed(self, folders: Iterable[FolderPlace]) -> list[str]:
        """Return the paths of those folders that may have changed since they were listed."""
        return [
            path
            for path, folder in folders
            if look_at_folder(self._root, path) != (folder.identity, folder.modified_at)
        ]

    def modified_at(self, path: str) -> int:
        """Return when a folder was modified, in nanoseconds, 0 if it is absent."""
        seen = look_at_folder(self._root, path)
        return seen.modified_at if seen else 0
