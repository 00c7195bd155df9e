"""A look at the disk for files that a request names and that are not in the index yet."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from gallery.database.engine import Database, Tx
from gallery.disk.roots import FileSeen, Roots
from gallery.disk.walk import FolderListing
from gallery.domain.sync import reconcile
from gallery.domain.sync.compare import compare
from gallery.domain.sync.library import Library
from gallery.domain.sync.plan import FolderFound
from gallery.errors import NotAFolder, NotInLibrary, Unavailable
from gallery.values import paths
from gallery.values.ids import RootId

P = ParamSpec("P")
T = TypeVar("T")

LOOK_SECONDS = 2.0
"""How long a request waits for the disk."""
_CHUNK = 100


async def write_with_a_look(
    db: Database,
    library: Library,
    use_case: Callable[Concatenate[Tx, P], Awaitable[T]],
    *args: P.args,
    **kw: P.kwargs,
) -> T:
    """Run `use_case`. If it misses files or a folder, look at the disk once and try again.

    So a file that was copied a moment ago is indexed at once, and all other requests need no look.
    The disk is used only between the two transactions.
    """
    looked_for_files = looked_for_folder = False
    while True:
        try:
            return await db.write(use_case, *args, **kw)
        except NotInLibrary as refusal:
            if looked_for_files or not await _index_files(db, library, refusal.paths):
                raise
            looked_for_files = True
        except NotAFolder as refusal:
            if looked_for_folder or not await _index_folder(db, library, refusal.path):
                raise
            looked_for_folder = True


async def _index_files(db: Database, library: Library, wanted: Sequence[str]) -> bool:
    """Index the files if all of them exist. Return whether the use case should be tried again."""
    deadline = time.monotonic() + LOOK_SECONDS
    found = await _look(lambda: _files(library.disk, wanted, deadline))
    by_root = defaultdict[RootId, dict[str, list[FileSeen]]](lambda: defaultdict(list))
    for path, file in found.items():
        by_root[library.serving(path).id][paths.parent(path)].append(file)
    for root_id, by_folder in by_root.items():
        # Only these files were looked at: the rest of their folders stays as it is.
        listings = [
            FolderListing(folder, files, [], names=frozenset(file.name for file in files))
            for folder, files in by_folder.items()
        ]
        actions = await compare(db, library, listings)
        top = library.roots[root_id].root.name
        await db.write(reconcile.apply, root_id, top, actions, db.now())
    return bool(found)


def _files(disk: Roots, wanted: Sequence[str], deadline: float) -> dict[str, FileSeen]:
    """Return each of the files, or none if one is absent. Raises `TimeoutError` after the deadline.

    `deadline` is a time of `time.monotonic`.
    """
    found: dict[str, FileSeen] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        found |= disk.look(part)
        if not all(path in found for path in part):
            return {}
        if time.monotonic() > deadline:
            raise TimeoutError
    return found


async def _index_folder(db: Database, library: Library, path: str) -> bool:
    if not await _look(lambda: library.disk.is_folder(path)):
        return False
    served = library.serving(path)
    await db.write(reconcile.apply, served.id, served.root.name, [FolderFound(path)], db.now())
    return True


async def _look(look: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await asyncio.to_thread(look)
    except TimeoutError:
        raise Unavailable("The disk did not answer in time") from None
