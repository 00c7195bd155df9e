"""The library: its roots, what is under way in them, and a look for what is not indexed yet."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from gallery import paths
from gallery.database.engine import Database, Reader, Tx
from gallery.disk.roots import FileSeen, Root, Roots, shown
from gallery.disk.walk import Listing
from gallery.domain import reconcile
from gallery.errors import NotAFolder, NotInLibrary, StartRefused, Unavailable
from gallery.model import Page, Progress, RootState, moment
from gallery.store import folders, items, roots

P = ParamSpec("P")
T = TypeVar("T")

LOOK_SECONDS = 2.0
"""How long a request waits for the disk."""


class Library:
    """The roots that this process serves, and what is under way in them.

    `holder` names this server among others on the same database, also after a restart.
    """

    def __init__(self, disk: Roots, ids: Mapping[str, int], holder: str) -> None:
        self.disk = disk
        self.holder = holder
        self.roots: Mapping[int, Root] = {ids[name]: r for name, r in disk.by_name.items()}
        self.progress: dict[int, Progress] = {}
        self.offline: set[int] = set()
        self.accept_missing = False
        self.scan_wanted = asyncio.Event()

    def id_of(self, path: str) -> int:
        """The id of the root that a path of the library belongs to."""
        return next(id_ for id_, root in self.roots.items() if root == self.disk.of(path))

    def request_scan(self, *, accept_missing: bool) -> None:
        """The indexer reconciles every root as soon as it can, if need be once more."""
        self.accept_missing = self.accept_missing or accept_missing
        self.progress |= {
            id_: Progress("scanning", 0, None) for id_ in self.roots if id_ not in self.progress
        }
        self.scan_wanted.set()

    def scan_ended(self, root_id: int) -> None:
        """Nothing is under way in the root any more, unless the next scan is already asked for."""
        if not self.scan_wanted.is_set():
            self.progress.pop(root_id, None)


async def register(tx: Tx, disk: Roots) -> dict[str, int]:
    """The id of each root that is served, by name; new ones are made.

    Raises `StartRefused` where one that was served without a name would get one, or lose it: every
    path would change with it.
    """
    known = {row.name for row in await roots.all_roots(tx)}
    served = set(disk.by_name)
    if known and ("" in known) != ("" in served):
        how = "without a name" if "" in known else "with names"
        raise StartRefused(
            f"This library has been served {how}; serve it so again, or use another data directory"
        )
    return {
        name: await roots.register(tx, name, shown(root.directory))
        for name, root in disk.by_name.items()
    }


async def states(reader: Reader, library: Library) -> list[RootState]:
    """Every root: one that is known but not served now is offline."""
    return [
        RootState(
            name=row.name,
            state=_state(row.id, library),
            item_count=row.item_count,
            missing_count=row.missing_count,
            last_scan=None if row.last_scan is None else moment(row.last_scan),
            progress=library.progress.get(row.id),
            problems=row.problems,
        )
        for row in await roots.all_roots(reader)
    ]


def _state(root_id: int, library: Library) -> str:
    if root_id in library.offline or root_id not in library.roots:
        return "offline"
    progress = library.progress.get(root_id)
    return "scanning" if progress and progress.phase == "scanning" else "online"


async def item_at(reader: Reader, path: str) -> Page:
    """A page of the one item at `path`, or of none."""
    item = await items.at(reader, path)
    return Page([item] if item else [], None)


async def folder(reader: Reader, raw: str) -> str:
    """The folder of the library that `raw` names; `NotAFolder` if the index knows none there."""
    path = paths.parse_folder(raw)
    if path and not await folders.exists(reader, path):
        raise NotAFolder(path)
    return path


async def write_with_a_look(
    db: Database,
    library: Library,
    use_case: Callable[Concatenate[Tx, P], Awaitable[T]],
    *args: P.args,
    **kw: P.kwargs,
) -> T:
    """Runs `use_case`; if it misses files or a folder, looks at the disk once and tries again.

    A file that was copied a moment ago is indexed on the spot this way, and what everybody else
    sends costs no look. The disk is only touched between the two transactions.
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
    """Looks for the files and indexes them if each is there; whether it is worth another try."""
    deadline = time.monotonic() + LOOK_SECONDS
    found = await _look(lambda: _files(library.disk, wanted, deadline))
    by_root: dict[int, dict[str, list[FileSeen]]] = {}
    for path, file in found.items():
        folders_here = by_root.setdefault(library.id_of(path), {})
        folders_here.setdefault(paths.parent(path), []).append(file)
    for root_id, folders_here in by_root.items():
        await db.write(_index_now, root_id, library.roots[root_id].name, folders_here)
    return bool(found)


def _files(disk: Roots, wanted: Sequence[str], deadline: float) -> dict[str, FileSeen]:
    """Each of the files; none at all as soon as one is not there, or time is up."""
    found = {}
    for path in wanted:
        file = disk.look(path)
        if file is None:
            return {}
        if time.monotonic() > deadline:
            raise TimeoutError
        found[path] = file
    return found


async def _index_now(tx: Tx, root_id: int, top: str, here: Mapping[str, list[FileSeen]]) -> None:
    known = await reconcile.known(tx, here)
    actions: list[reconcile.Action] = []
    for path, files in here.items():
        of_folder = known.get(path, reconcile.NOTHING_KNOWN)
        names = {file.name for file in files}
        # Only these files were looked at: the rest of the folder is as it was.
        narrowed = of_folder._replace(
            children=(), files=[file for file in of_folder.files if file.name in names]
        )
        listing = Listing(path, files, [])
        actions.extend(reconcile.plan([listing], {path: narrowed}))
    await reconcile.apply(tx, root_id, top, actions)


async def _index_folder(db: Database, library: Library, path: str) -> bool:
    if not await _look(lambda: library.disk.is_folder(path)):
        return False
    root = library.disk.of(path)
    assert root is not None
    found = [reconcile.FolderFound(path)]
    await db.write(reconcile.apply, library.id_of(path), root.name, found)
    return True


async def _look(look: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await asyncio.to_thread(look)
    except TimeoutError:
        raise Unavailable("The disk did not answer in time") from None
