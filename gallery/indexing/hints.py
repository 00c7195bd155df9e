"""Turning hints into folder listings.

A hint is a path where something may have changed, and nothing else. The disk decides what is there
now. A file is examined alone, a known folder with its direct content, a new folder with everything
below. The watcher hints at a new folder again once it is watched, because earlier changes in it
were not reported.
"""

import asyncio
import errno
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice

from gallery.database.engine import Database
from gallery.disk.failures import is_absent, is_exhausted
from gallery.disk.walk import FolderListing, Walk
from gallery.store.library import folders
from gallery.values import paths

_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


async def pointed_at(
    db: Database, walk: Walk, top: str, hinted: Collection[str], deep: Collection[str]
) -> Iterator[FolderListing]:
    """Return the listings for the hints in the root whose own folder is `top`.

    Folders in `deep` are listed with everything below, new or not. Raises `OSError` if the root
    cannot be read.
    """
    glances = await asyncio.to_thread(lambda: list(_glances(walk, top, hinted)))
    inside = {path for glance in glances for path in glance.folders}
    above = {path for glance in glances for path in paths.ancestors(glance.folder)}
    known = await db.read(folders.known, inside | above)
    unknown = {path for path in inside | above if path not in known or known[path].missing}
    single = ({top} if top in hinted else set()) | (inside - unknown).difference(deep)
    levels = await asyncio.to_thread(lambda: list(_levels(walk, single, top)))
    replaced = {
        level.folder
        for level in levels
        if level.folder in known and known[level.folder].inode not in (None, level.inode)
    }
    tops = _topmost(unknown | replaced | inside.intersection(deep))
    levels = [level for level in levels if not _is_below(level.folder, tops)]
    listed = {level.folder for level in levels}
    glances = [g for g in glances if g.folder not in listed and not _is_below(g.folder, tops)]
    trees = (_tree(walk, path) for path in sorted(tops))
    return chain(glances, levels, chain.from_iterable(trees))


def _glances(walk: Walk, top: str, hinted: Iterable[str]) -> Iterator[FolderListing]:
    """Yield a listing of the hinted names, by folder.

    If a folder is absent, its own name is examined in its parent.
    """
    names = defaultdict[int, dict[str, set[str]]](lambda: defaultdict(set))

    def point_at(path: str) -> None:
        folder = paths.parent(path)
        names[folder.count("/") + 1 if folder else 0][folder].add(paths.name(path))

    for path in hinted:
        if path != top:
            point_at(path)
    # The deepest folders come first, because an absent folder adds a name to its parent.
    for depth in range(max(names, default=0), -1, -1):
        for folder, here in names.pop(depth, {}).items():
            try:
                yield walk.glance(folder, here)
            except OSError as error:
                walk.is_unsure |= not is_absent(error)
                if folder == top or is_exhausted(error):
                    raise
                if error.errno in _NO_FOLDER:
                    point_at(folder)


def _levels(walk: Walk, single: Iterable[str], top: str) -> Iterator[FolderListing]:
    for folder in sorted(single):
        try:
            yield from islice(walk.listings(folder), 1)
        except OSError as error:
            if folder == top or is_exhausted(error):
                raise


def _tree(walk: Walk, folder: str) -> Iterator[FolderListing]:
    """Yield the listings of a folder and everything below, none if it cannot be read."""
    try:
        yield from walk.listings(folder)
    except OSError as error:
        if is_exhausted(error):
            raise


def _topmost(folders_: Collection[str]) -> set[str]:
    return {path for path in folders_ if not set(paths.ancestors(path)[:-1]).intersection(folders_)}


def _is_below(folder: str, tops: Collection[str]) -> bool:
    return any(above in tops for above in paths.ancestors(folder))
