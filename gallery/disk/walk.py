"""What is in a root: folder by folder, or only at names that somebody pointed at."""

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gallery import paths
from gallery.disk.roots import FileSeen, Root, seen, shown, signed
from gallery.media_types import type_of
from gallery.model import Problem

MOST_PROBLEMS = 100
"""How many problems of one walk are kept; the last of them says that there were more."""

_encode = msgspec.json.Encoder().encode


class Listing(NamedTuple):
    """The media files and the folders directly inside `folder`; all paths are library paths.

    `names` are those that were looked at, None if it was everything. `inode` and `modified_at`
    (microseconds) are the folder's own. Two whole listings with the same `digest` are the same; one
    that `is_expected` has the digest of the last time, and leaves its `file_count` files out.
    """

    folder: str
    files: list[FileSeen]
    folders: list[str]
    names: frozenset[str] | None = None
    inode: int | None = None
    modified_at: int | None = None
    digest: str | None = None
    file_count: int = 0
    is_expected: bool = False


class Walk:
    """Lists a root from the top, parents before their children.

    A folder that cannot be read is a problem and has no listing: nothing is known of what it
    holds, so nobody may conclude that it is empty. `expected` are the digests of former listings,
    by folder. It blocks: run it in a thread.
    """

    def __init__(
        self,
        root: Root,
        is_junk: Callable[[str], bool],
        expected: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._root = root
        self._is_junk = is_junk
        self._expected = expected
        self.problems: list[Problem] = []

    def listings(self, top: str | None = None) -> Iterator[Listing]:
        """Every readable folder from `top` down; `OSError` if that, or the root, is not."""
        top = self._root.name if top is None else top
        pending = [top]
        while pending:
            folder = pending.pop()
            try:
                listing = self._list(folder)
            except OSError as error:
                if folder == top:
                    raise
                self._report(folder, error.strerror or "cannot be read")
                continue
            pending.extend(reversed(listing.folders))
            yield listing

    def glance(self, folder: str, names: Collection[str]) -> Listing:
        """What is at some names of a folder. `OSError` if the folder cannot be entered."""
        prefix = f"{folder}/" if folder else ""
        files: list[FileSeen] = []
        folders: list[str] = []
        with self._root.open_folder(folder) as descriptor:
            own = os.fstat(descriptor)
            for name in sorted(names):
                if self._is_junk(name) or not paths.is_valid(prefix + name):
                    continue
                try:
                    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    folders.append(prefix + name)
                elif type_of(name) and (file := seen(name, status)):
                    files.append(file)
        known_by = _identity(own)
        return Listing(folder, files, folders, frozenset(names), *known_by, None, len(files))

    def _list(self, folder: str) -> Listing:
        prefix = f"{folder}/" if folder else ""
        room = paths.LONGEST_PATH - len(prefix.encode())
        found: list[tuple[str, int, int, int]] = []  # as `FileSeen`, which takes longer to make
        folders: list[str] = []
        with self._root.open_folder(folder) as descriptor, os.scandir(descriptor) as entries:
            own = os.fstat(descriptor)
            for entry in entries:
                name = entry.name
                if self._is_junk(name):
                    continue
                if entry.is_symlink():
                    self._report(prefix + name, "is a symbolic link")
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                if not is_folder and type_of(name) is None:
                    continue
                fits = name.isascii() and len(name) <= room  # nearly always, and ten times as fast
                if not fits and not paths.is_valid(prefix + name):
                    self._report(prefix + name, "has a name that is not UTF-8 or too long")
                elif is_folder:
                    folders.append(prefix + name)
                elif status := self._look(entry, prefix):
                    found.append(
                        (name, status.st_size, status.st_mtime_ns // 1000, signed(status.st_ino))
                    )
        found.sort()
        folders.sort()
        known_by = _identity(own)
        digest = hashlib.blake2b(_encode((known_by, found, folders)), digest_size=16).hexdigest()
        is_expected = self._expected.get(folder) == digest
        files = [] if is_expected else [FileSeen(*file) for file in found]
        return Listing(folder, files, folders, None, *known_by, digest, len(found), is_expected)

    def _look(self, entry: os.DirEntry[str], prefix: str) -> os.stat_result | None:
        """What a regular file is like."""
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # gone since the folder was listed
            return None
        except OSError as error:
            self._report(prefix + entry.name, error.strerror or "cannot be read")
            return None
        return status if stat.S_ISREG(status.st_mode) else None

    def _report(self, path: str, reason: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(shown(path)[: paths.LONGEST_PATH], reason))
        elif len(self.problems) == MOST_PROBLEMS:
            self.problems.append(Problem("", "and more"))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return signed(status.st_ino), status.st_mtime_ns // 1000
