"""The folders of a root, without their files: what a watcher has to know of them."""

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
    """The names of the folders directly inside a folder that an index would enter.

    `identity` is the device and inode of the folder. `modified_at` is in nanoseconds, or None if
    the folder may have changed since without another time. `is_undecodable`: a name in it, of
    whatever kind, is not UTF-8.
    """

    identity: tuple[int, int]
    modified_at: int | None
    names: list[str]
    is_undecodable: bool


def list_subfolders(root: Root, folder: str, is_junk: Callable[[str], bool]) -> Subfolders:
    """List the folders in `folder`, without following a link. Raises `OSError`."""
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


def look_at_folder(root: Root, folder: str) -> tuple[tuple[int, int], int] | None:
    """Return identity and time of modification of what is a folder and no link, else None."""
    try:
        status = os.lstat(root.directory / folder)
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    return (status.st_dev, status.st_ino), status.st_mtime_ns


def may_be_listed(root: Root, folder: str) -> bool:
    """Return whether there is a folder whose names this process may read."""
    return os.access(root.directory / folder, os.R_OK, follow_symlinks=True)
