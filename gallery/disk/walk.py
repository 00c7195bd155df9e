"""A walk over a root: what is there, folder by folder."""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gallery import paths
from gallery.disk.roots import FileSeen, Root, seen, shown
from gallery.media_types import type_of
from gallery.model import Problem

MOST_PROBLEMS = 100
"""How many problems of one walk are kept; the last of them says that there were more."""


class Listing(NamedTuple):
    """The media files and the folders directly inside `folder`; all paths are library paths."""

    folder: str
    files: list[FileSeen]
    folders: list[str]


class Walk:
    """Lists a root from the top, parents before their children.

    A folder that cannot be read is a problem and has no listing: nothing is known of what it
    holds, so nobody may conclude that it is empty. It blocks: run it in a thread.
    """

    def __init__(self, root: Root, is_junk: Callable[[str], bool]) -> None:
        self._root = root
        self._is_junk = is_junk
        self.problems: list[Problem] = []

    def listings(self) -> Iterator[Listing]:
        """Every folder of the root that can be read. `OSError` if the root itself cannot."""
        pending = [self._root.name]
        while pending:
            folder = pending.pop()
            try:
                listing = self._list(folder)
            except OSError as error:
                if folder == self._root.name:
                    raise
                self._report(folder, error.strerror or "cannot be read")
                continue
            pending.extend(reversed(listing.folders))
            yield listing

    def _list(self, folder: str) -> Listing:
        prefix = f"{folder}/" if folder else ""
        files: list[FileSeen] = []
        folders: list[str] = []
        with self._root.open_folder(folder) as descriptor, os.scandir(descriptor) as entries:
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
                if not paths.is_valid(prefix + name):
                    self._report(prefix + name, "has a name that is not UTF-8 or too long")
                elif is_folder:
                    folders.append(prefix + name)
                else:
                    self._look(entry, prefix, files)
        folders.sort()
        return Listing(folder, files, folders)

    def _look(self, entry: os.DirEntry[str], prefix: str, files: list[FileSeen]) -> None:
        try:
            file = seen(entry.name, entry.stat(follow_symlinks=False))
        except FileNotFoundError:  # gone since the folder was listed
            return
        except OSError as error:
            self._report(prefix + entry.name, error.strerror or "cannot be read")
            return
        if file:
            files.append(file)

    def _report(self, path: str, reason: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(shown(path)[: paths.LONGEST_PATH], reason))
        elif len(self.problems) == MOST_PROBLEMS:
            self.problems.append(Problem("", "and more"))
