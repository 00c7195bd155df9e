"""The folders below a directory as a watcher knows them: which are there, and what watches each."""

from collections.abc import Callable, Container, Iterable, Iterator

from gallery.disk.failures import is_absent
from gallery.disk.roots import Root
from gallery.disk.subfolders import list_subfolders, look_at_folder
from gallery.indexing.watches import Watch
from gallery.values import paths


class WatchedFolder:
    """A folder that is there, by the names on the way from the top."""

    __slots__ = ("children", "identity", "is_fragile", "modified_at", "watch")

    def __init__(self, identity: tuple[int, int]) -> None:
        self.identity = identity
        self.modified_at: int | None = None
        self.is_fragile = False
        self.watch: Watch | None = None
        self.children: dict[str, WatchedFolder] = {}


FolderPlace = tuple[str, WatchedFolder]


class FolderTree:
    """What was listed of a root, without links, junk, and what may not be read."""

    def __init__(self, root: Root, is_junk: Callable[[str], bool]) -> None:
        self._root = root
        self._is_junk = is_junk
        self._tree: dict[str, WatchedFolder] = {}  # the folder of the root itself, under ""

    def is_new(self, path: str) -> bool:
        """Whether there is a folder at a path that should be watched and is not."""
        if self.find(paths.parent(path)) is None or self._is_junk(paths.name(path)):
            return False
        seen = look_at_folder(self._root, path)
        if seen is None or not paths.is_valid(path):
            return False
        known = self.find(path)
        return known is None or known.watch is None or known.identity != seen[0]

    def find(self, path: str) -> WatchedFolder | None:
        folder = self._tree.get("")
        for name in path.split("/") if path else ():
            if folder is None:
                return None
            folder = folder.children.get(name)
        return folder

    def _siblings(self, path: str) -> dict[str, WatchedFolder] | None:
        """The folders among which that at a path is, or may be put."""
        if not path:
            return self._tree
        above = self.find(paths.parent(path))
        return above.children if above else None

    def forget(self, path: str) -> None:
        siblings = self._siblings(path)
        if siblings:
            siblings.pop(paths.name(path), None)

    def all(self) -> Iterator[FolderPlace]:
        pending = [("", self._tree[""])] if self._tree else []
        while pending:
            path, folder = pending.pop()
            yield path, folder
            pending += [(paths.join(path, name), it) for name, it in folder.children.items()]

    def held_by(self, watches: Container[Watch | None]) -> Iterator[FolderPlace]:
        return ((path, folder) for path, folder in self.all() if folder.watch in watches)

    def discover(self, tops: Iterable[str], *, again: bool = False) -> list[FolderPlace]:
        """List the folders at `tops`, and below them what is new; the folders not watched yet.

        With `again` also what is known.
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
            except OSError as error:  # the passes name it
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
                found.append((path, folder))
            for gone in folder.children.keys() - set(seen.names):
                del folder.children[gone]
            pending += [
                paths.join(path, inner)
                for inner in seen.names
                if again or inner not in folder.children
            ]
        return found

    def changed(self, folders: Iterable[FolderPlace]) -> list[str]:
        """Return which of the folders may have changed since they were listed."""
        return [
            path
            for path, folder in folders
            if look_at_folder(self._root, path) != (folder.identity, folder.modified_at)
        ]

    def modified_at(self, path: str) -> int:
        seen = look_at_folder(self._root, path)
        return seen[1] if seen else 0
