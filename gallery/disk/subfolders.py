"""Names and identities of folders, without their files, for the watcher."""

import os
import stat
import time
from collections.abc import Callable
from typing import NamedTuple

from gallery.disk.roots import Root
from gallery.values import paths

GRAIN_NANOSECONDS = 50_000_000
"""Two changes within this time may leave the same time of modification."""


class Subfolders(NamedTuple):
    """The names of the folders directly inside a folder that the index would enter.

    `identity` is the device and inode of the folder. `modified_at` is in nanoseconds, or None if
    a later change may leave the same time. `is_undecodable`: the name of a file or folder in it is
    not UTF-8.
    """

    identity: tuple[int, int]
    modified_at: int | None
    names: list[str]
    is_undecodable: bool


class FolderState(NamedTuple):
    """Device and inode of a folder, and when it was modified, in nanoseconds."""

    identity: tuple[int, int]
    modified_at: int


def list_subfolders(root: Root, folder: str, is_junk: Callable[[str], bool]) -> Subfolders:
    """Return the folders in `folder`. Links are not followed.

    Raises `OSError` if it cannot be listed.
    """
    names: list[str] = []
    is_undecodable = False
    now = time.time_ns()
    with root.open_folder(folder) as descriptor, os.scandir(descriptor) as entries:
        own = os.fstat(descriptor)
        for entry in entries:
            name = entry.name
            if not name.isascii() and not paths.is_valid(name):
                is_undecodable = True
            elif not is_junk(name) and entry.is_dir(follow_symlinks=False):
                names.append(name)
    is_settled = own.st_mtime_ns < now - GRAIN_NANOSECONDS
    modified_at = own.st_mtime_ns if is_settled else None
    return Subfolders((own.st_dev, own.st_ino), modified_at, names, is_undecodable)


def look_at_folder(root: Root, folder: str) -> FolderState | None:
    """Return the state of a folder, None if it is not a folder or cannot be examined."""
    try:
        status = os.lstat(root.directory / folder)
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    return FolderState((status.st_dev, status.st_ino), status.st_mtime_ns)


def may_be_listed(root: Root, folder: str) -> bool:
    """Return whether this process may read the names in a folder."""
    return os.access(root.directory / folder, os.R_OK, follow_symlinks=True)
