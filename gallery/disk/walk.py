"""Listings of the folders of a root: whole folders, or only the names that hints point at."""

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gallery.disk.failures import is_absent, is_exhausted
from gallery.disk.roots import FileSeen, Root, seen, shown, sidecar_of, sidecar_stamp, signed
from gallery.model import Problem
from gallery.values import paths
from gallery.values.file_version import FileVersion
from gallery.values.media_types import described_by, is_sidecar, stem, type_of
from gallery.values.times import Micros

MAX_PROBLEMS = 100
"""Problems of one walk that are kept. One more says that others were dropped."""

_encode = msgspec.json.Encoder().encode
_Found = tuple[str, int, int, int, int]
"""Name, size, modified_at, inode and sidecar. A `FileSeen` is slower to make. The stored digests
depend on this form.
"""


class FolderListing(NamedTuple):
    """The media files and the folders directly inside `folder`. All paths are library paths.

    `names` are the names that were examined. None means all names; those in `unknown` could not be
    examined. `inode` and `modified_at` (microseconds) are the folder's own. Two whole listings with
    the same `digest` are equal. If `is_expected`, the digest is that of the last listing, and
    `files` is empty although the folder has `file_count` files.
    """

    folder: str
    files: list[FileSeen]
    folders: list[str]
    names: frozenset[str] | None = None
    inode: int | None = None
    modified_at: Micros | None = None
    digest: str | None = None
    file_count: int = 0
    is_expected: bool = False
    unknown: frozenset[str] = frozenset()

    def has_looked_at(self, name: str) -> bool:
        """Return whether the name was examined, so that it is absent if it is not listed."""
        if self.names is None:
            return name not in self.unknown
        return name in self.names


class Walk:
    """A walk through a root from the top, parents before their children. It blocks.

    A folder that cannot be read is a problem and has no listing. It must not be taken for empty.
    `expected` are the digests of earlier listings, by folder. `is_unsure`: the disk reported an
    error that says nothing about the file, so a new walk should follow soon.
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
        self.is_unsure = False

    def listings(self, top: str | None = None) -> Iterator[FolderListing]:
        """Yield the listing of each readable folder from `top` down.

        Raises `OSError` if `top` or the root cannot be read, or if no folder can be read now.
        """
        top = self._root.name if top is None else top
        pending = [top]
        while pending:
            folder = pending.pop()
            try:
                listing = self._list(folder)
            except OSError as error:
                self.is_unsure |= not is_absent(error)
                if folder == top or is_exhausted(error):
                    raise
                self._report(folder, error.strerror or "cannot be read")
                continue
            pending.extend(reversed(listing.folders))
            yield listing

    def glance(self, folder: str, names: Collection[str]) -> FolderListing:
        """Return a listing of a few names of a folder.

        A name of a sidecar stands for the files that it describes. Raises `OSError` if the folder
        cannot be entered.
        """
        prefix = f"{folder}/" if folder else ""
        files: list[FileSeen] = []
        folders: list[str] = []
        with self._root.open_folder(folder) as descriptor:
            own = os.fstat(descriptor)
            names = set(names).union(_described(descriptor, names))
            for name in sorted(names):
                if self._is_junk(name) or not paths.is_valid(prefix + name):
                    continue
                try:
                    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        folders.append(prefix + name)
                    elif type_of(name) and (
                        file := seen(name, status, sidecar_of(name, descriptor))
                    ):
                        files.append(file)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as error:
                    self._note(prefix + name, error)
                    names.discard(name)
        known_by = _identity(own)
        return FolderListing(folder, files, folders, frozenset(names), *known_by, None, len(files))

    def _list(self, folder: str) -> FolderListing:
        prefix = f"{folder}/" if folder else ""
        room = paths.MAX_PATH - len(prefix.encode())
        found: list[_Found] = []
        sidecars: dict[str, FileVersion] = {}
        folders: list[str] = []
        unknown = set[str]()
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
                    is_first = name.endswith(".xmp") or stem(name) not in sidecars
                    if (
                        is_sidecar(name)
                        and is_first
                        and (status := self._look(entry, prefix, unknown))
                    ):
                        sidecars[stem(name)] = FileVersion.of(status)
                    continue
                fits = name.isascii() and len(name) <= room  # ten times as fast as `is_valid`
                if not fits and not paths.is_valid(prefix + name):
                    self._report(prefix + name, "has a name that is not UTF-8 or too long")
                elif is_folder:
                    folders.append(prefix + name)
                elif status := self._look(entry, prefix, unknown):
                    found.append(
                        (name, status.st_size, status.st_mtime_ns // 1000, signed(status.st_ino), 0)
                    )
        if sidecars:
            found = [
                (name, size, modified_at, inode, _stamp(name, sidecars))
                for name, size, modified_at, inode, _sidecar in found
            ]
        found = _without(unknown, found)
        found.sort()
        folders.sort()
        known_by = _identity(own)
        content = _encode((known_by, found, folders))
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        is_expected = self._expected.get(folder) == digest and not unknown
        files = [] if is_expected else [_seen(*file) for file in found]
        return FolderListing(
            *(folder, files, folders, None, *known_by),
            digest=None if unknown else digest,
            file_count=len(found),
            is_expected=is_expected,
            unknown=frozenset(unknown),
        )

    def _look(
        self, entry: os.DirEntry[str], prefix: str, unknown: set[str]
    ) -> os.stat_result | None:
        """Return the status of a regular file, else None.

        A name that cannot be examined is added to `unknown`.
        """
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # gone since the folder was listed
            return None
        except OSError as error:
            self._note(prefix + entry.name, error)
            unknown.add(entry.name)
            return None
        return status if stat.S_ISREG(status.st_mode) else None

    def _note(self, path: str, error: OSError) -> None:
        """Report a path that exists but cannot be examined. Raises `error` if it affects all."""
        self.is_unsure |= not is_absent(error)
        if is_exhausted(error):
            raise error
        self._report(path, error.strerror or "cannot be read")

    def _report(self, path: str, reason: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(shown(path)[: paths.MAX_PATH], reason))
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append(Problem("", "and more"))


def _seen(name: str, size: int, modified_at: int, inode: int, sidecar: int) -> FileSeen:
    return FileSeen(name, FileVersion(size, Micros(modified_at)), inode, sidecar)


def _identity(status: os.stat_result) -> tuple[int, Micros]:
    return signed(status.st_ino), Micros(status.st_mtime_ns // 1000)


def _described(folder: int, names: Iterable[str]) -> Iterator[str]:
    """Yield the names of files in a folder that the sidecars among `names` describe."""
    for name in names:
        for described in described_by(name) if is_sidecar(name) else ():
            if os.access(described, os.F_OK, dir_fd=folder, follow_symlinks=False):
                yield described


def _without(unknown: set[str], found: list[_Found]) -> list[_Found]:
    """Return the files whose sidecars are known. The names of the others become `unknown`."""
    if not unknown:
        return found
    described = {stem(name) for name in unknown if is_sidecar(name)}
    names = [name for name, *_file in found]
    unknown |= {name for name in names if name in described or stem(name) in described}
    return [file for name, file in zip(names, found, strict=True) if name not in unknown]


def _stamp(name: str, sidecars: Mapping[str, FileVersion]) -> int:
    """Return the `FileSeen.sidecar` of a file, given the sidecars of its folder by stem."""
    return sidecar_stamp([sidecars[base] for base in (name, stem(name)) if base in sidecars])
