"""The only access to the files of the library: all code that opens or examines one uses this.

Nothing is ever written. No symbolic link inside a root is followed, not even one that is created
during the access (`disk.beneath`).
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gallery.disk.beneath import FOLDER, open_beneath
from gallery.disk.failures import is_absent, is_exhausted
from gallery.errors import Unavailable
from gallery.values import paths
from gallery.values.file_version import FileVersion
from gallery.values.media_types import sidecars, type_of

_FILE = os.O_RDONLY | os.O_NONBLOCK
_AWAY = {errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH}
"""Errors of a network share that is no longer available."""


class FileSeen(NamedTuple):
    """The state of a media file on the disk.

    `sidecar` changes whenever the XMP files of the media file change. It is 0 if there are none.
    """

    name: str
    version: FileVersion
    inode: int
    sidecar: int = 0


class Root(NamedTuple):
    """A directory that is served; its `name` is the first component of its paths, or `""`."""

    name: str
    directory: Path

    def relative(self, path: str) -> str:
        """Return the part of a library path that is relative to this root."""
        return path[len(self.name) + 1 :] if self.name else path

    def path(self, relative: str) -> str:
        """Return the library path for `relative` below this root; `""` is the root's own folder."""
        return "/".join(filter(None, (self.name, relative)))

    def identity(self) -> tuple[int, int] | None:
        """Return device and inode of the directory, None if it is absent.

        They differ if another directory or disk is in this place. Raises `OSError` if they cannot
        be determined now. It blocks, possibly for long on a network share.
        """
        try:
            status = self.directory.stat()
        except OSError as error:
            if is_away(error):
                return None
            raise
        return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None

    @contextmanager
    def open_folder(self, path: str) -> Generator[int]:
        """Yield a descriptor of the folder at a library path.

        Raises `OSError` if it is not a folder, or a link.
        """
        descriptor = self._open(path, FOLDER)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def open_file(self, path: str) -> BinaryIO:
        """Return the open regular file at a library path. Raises `OSError` if it is not one."""
        descriptor = self._open(path, _FILE)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        raise FileNotFoundError(path)

    def _open(self, path: str, flags: int) -> int:
        root = os.open(self.directory, FOLDER)  # the root itself may be a link
        try:
            return open_beneath(root, self.relative(path), flags)
        finally:
            os.close(root)

    def open_sidecars(self, path: str) -> list[BinaryIO]:
        """Return the open XMP files of the file at a library path, its exclusive one first.

        Raises `OSError` if one exists that cannot be opened now.
        """
        with ExitStack() as found:
            files = []
            for spellings in sidecars(paths.name(path)):
                for spelling in spellings:
                    try:
                        file = self.open_file(paths.join(paths.parent(path), spelling))
                    except OSError as error:
                        if not is_absent(error):
                            raise
                    else:
                        files.append(found.enter_context(file))
                        break
            found.pop_all()
            return files

    def sidecar_of(self, path: str) -> int:
        """Return the `FileSeen.sidecar` of the file at a library path. Raises `OSError`."""
        with self.open_folder(paths.parent(path)) as folder:
            return sidecar_of(paths.name(path), folder)


class Roots:
    """All roots that are served, by name, and the rule for names to ignore (junk)."""

    def __init__(self, roots: Sequence[Root], is_junk: Callable[[str], bool]) -> None:
        self.by_name: Mapping[str, Root] = {root.name: root for root in roots}
        self.is_junk = is_junk

    def of(self, path: str) -> Root | None:
        """Return the root of a library path, None if no root has its name."""
        return self.by_name.get("") or self.by_name.get(path.partition("/")[0])

    def look(self, wanted: Iterable[str], unknown: set[str] | None = None) -> dict[str, FileSeen]:
        """Return the media files at the `wanted` library paths, by path.

        A path where the index would list no file is left out. A path that cannot be examined
        because of a disk error is added to `unknown`. Raises `Unavailable` for such an error if
        `unknown` is None, and always if no file at all can be examined now.
        """
        by_folder: dict[str, list[str]] = {}
        for path in wanted:
            by_folder.setdefault(paths.parent(path), []).append(path)
        found = {}
        for folder, files in by_folder.items():
            root = self.of(files[0])
            if root is None or (root.name and not folder) or self._hides(root, folder):
                continue
            try:
                with root.open_folder(folder) as descriptor:
                    for path in files:
                        if file := self._look(descriptor, path.rpartition("/")[2]):
                            found[path] = file
            except OSError as error:
                if is_absent(error):
                    continue
                if unknown is None or is_exhausted(error):
                    raise Unavailable("The disk cannot be read now") from error
                unknown.update(path for path in files if path not in found)
        return found

    def open_file(self, path: str) -> BinaryIO:
        """Return the open media file at a library path.

        Raises `OSError` if the index would not list a file there, or it cannot be opened.
        """
        root = self.of(path)
        if root is None or self._hides(root, path) or not type_of(paths.name(path)):
            raise FileNotFoundError(path)
        return root.open_file(path)

    def unreadable(self, files: Iterable[str]) -> set[str]:
        """Return the library paths whose files cannot be opened.

        Raises `Unavailable` if no file at all can be opened now.
        """
        found = set()
        for path in files:
            try:
                self.open_file(path).close()
            except OSError as error:
                if is_exhausted(error):
                    raise Unavailable("The disk cannot be read now") from error
                found.add(path)
        return found

    def _look(self, folder: int, name: str) -> FileSeen | None:
        if not type_of(name) or self.is_junk(name):
            return None
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if is_absent(error):
                return None
            raise
        return seen(name, status, sidecar_of(name, folder))

    def inode_of_folder(self, path: str) -> int | None:
        """Return the inode of the folder at a library path.

        None if the index would not enter a folder there. Raises `Unavailable` if this cannot be
        determined now.
        """
        root = self.of(path)
        if root is None or self._hides(root, path):
            return None
        try:
            with root.open_folder(path) as descriptor:
                return signed(os.fstat(descriptor).st_ino)
        except OSError as error:
            if is_absent(error):
                return None
            raise Unavailable("The disk cannot be read now") from error

    def is_folder(self, path: str) -> bool:
        """Return whether a library path is a folder that the index would enter.

        Raises `Unavailable` if this cannot be determined now.
        """
        return self.inode_of_folder(path) is not None

    def _hides(self, root: Root, path: str) -> bool:
        return any(self.is_junk(part) for part in filter(None, root.relative(path).split("/")))


def is_away(error: OSError) -> bool:
    """Return whether an error at a root's own folder means that the root is absent."""
    return is_absent(error) or error.errno in _AWAY


def shown(path: str | Path) -> str:
    """Return a path as valid Unicode, with escapes for bytes that are not UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def seen(name: str, status: os.stat_result, sidecar: int = 0) -> FileSeen | None:
    """Return the state of the file with this `status`, None if it is not a regular file."""
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileSeen(name, FileVersion.of(status), signed(status.st_ino), sidecar)


def sidecar_of(name: str, folder: int) -> int:
    """Return the `FileSeen.sidecar` of a file in the folder with the descriptor `folder`.

    Raises `OSError` if it cannot be determined now.
    """
    found = []
    for spellings in sidecars(name):
        for spelling in spellings:
            try:
                status = os.stat(spelling, dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                if is_absent(error):
                    continue
                raise
            if stat.S_ISREG(status.st_mode):
                found.append(FileVersion.of(status))
                break
    return sidecar_stamp(found)


def sidecar_stamp(found: Sequence[FileVersion]) -> int:
    """Return one number for the versions of sidecars, 0 for none. The database stores it."""
    if not found:
        return 0
    text = repr([tuple(version) for version in found])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) or 1


def signed(number: int) -> int:
    """Return an unsigned number of 64 bits, such as an inode, as the databases' signed one."""
    return number - (1 << 64) if number >= 1 << 63 else number
