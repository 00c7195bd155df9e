"""Bringing the index to what the disk shows: `plan` decides, `apply` does.

The disk is the truth. A file that is gone is marked missing, never deleted, and keeps its id; it is
whole again when something is at its path again. Applying a plan twice changes nothing the second
time, and a folder that is as the index knows it gives an empty plan.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.disk.roots import FileSeen
from gallery.disk.walk import Listing
from gallery.events import ItemsChanged
from gallery.media_types import type_of
from gallery.model import Probed
from gallery.store import collections, folders, items, roots

BATCH = 1_000
"""Actions or files of one transaction: it holds the write lock for well under 50 ms."""


class FolderFound(NamedTuple):
    """A folder that the index did not know, or thought missing."""

    path: str


class FolderGone(NamedTuple):
    """A known folder that is not there; everything below it is missing too."""

    path: str


class Added(NamedTuple):
    """A file that the index did not know."""

    folder: str
    file: FileSeen


class Seen(NamedTuple):
    """A known file that differs from what is known, or was missing."""

    id: int
    file: FileSeen


class Gone(NamedTuple):
    """A known file that is not there."""

    id: int
    path: str


Action = FolderFound | FolderGone | Added | Seen | Gone


class KnownFolder(NamedTuple):
    """What the index knows of a folder that was listed."""

    is_present: bool
    children: Collection[str]
    files: Sequence[items.Known]


NOTHING_KNOWN = KnownFolder(is_present=False, children=(), files=())


async def known(reader: Reader, listed: Collection[str]) -> dict[str, KnownFolder]:
    """What the index knows of each of the folders, in three statements."""
    states = await folders.known(reader, listed)
    children = defaultdict(list)
    for parent, path in await folders.children(reader, listed):
        children[parent].append(path)
    files = defaultdict(list)
    for file in await items.in_folders(reader, [state.id for state in states.values()]):
        files[file.folder_id].append(file)
    return {
        path: KnownFolder(not state.missing, children[path], files[state.id])
        for path, state in states.items()
    }


def plan(listings: Iterable[Listing], known: Mapping[str, KnownFolder]) -> Iterator[Action]:
    """What has to change so that the index shows the listed folders as they are."""
    for listing in listings:
        yield from _plan_folder(listing, known.get(listing.folder, NOTHING_KNOWN))


def _plan_folder(listing: Listing, known: KnownFolder) -> Iterator[Action]:
    if not known.is_present:
        yield FolderFound(listing.folder)
    for path in set(known.children) - set(listing.folders):
        yield FolderGone(path)
    # Of several rows for one name the last one counts: the present one, or the latest missing.
    by_name = {file.name: file for file in known.files}
    for file in listing.files:
        row = by_name.pop(file.name, None)
        if row is None:
            yield Added(listing.folder, file)
        elif row.missing_since or (row.size, row.modified_at, row.inode) != (
            file.size,
            file.modified_at,
            file.inode,
        ):
            yield Seen(row.id, file)
    for row in by_name.values():
        if not row.missing_since:
            yield Gone(row.id, f"{listing.folder}/{row.name}" if listing.folder else row.name)


async def apply(tx: Tx, root_id: int, top: str, actions: Sequence[Action]) -> None:
    """Makes the index show what the actions say. `top` is the path of the root's own folder.

    A `FolderGone` may concern more than one transaction should hold: it is not applied here, see
    `apply_gone`.
    """
    found = [action.path for action in actions if isinstance(action, FolderFound)]
    added = [action for action in actions if isinstance(action, Added)]
    seen = {action.id: action.file for action in actions if isinstance(action, Seen)}
    gone = [action.id for action in actions if isinstance(action, Gone)]
    if found:
        await folders.make_known(tx, root_id, top, found)
    new = await _new_items(tx, added) if added else []
    await items.insert(tx, root_id, new)
    revived = 0
    if seen:
        revived = len(await items.missing_among(tx, list(seen)))
        await items.update(tx, [items.SeenItem(id_, *file[1:]) for id_, file in seen.items()])
    gone = await items.mark_missing(tx, gone) if gone else []
    await _tell(tx, root_id, [*seen, *gone], len(new) + revived - len(gone), len(gone) - revived)


async def _new_items(tx: Tx, added: Sequence[Added]) -> list[items.NewItem]:
    """The files that are still unknown: a request may have indexed one since the plan was made."""
    by_path = {f"{a.folder}/{a.file.name}" if a.folder else a.file.name: a for a in added}
    indexed = await items.present_paths(tx, list(by_path))
    known = await folders.known(tx, {a.folder for a in added})
    return [
        items.NewItem(known[a.folder].id, path, a.file.name, type_, *a.file[1:])
        for path, a in by_path.items()
        if path not in indexed and (type_ := type_of(a.file.name))
    ]


async def apply_gone(tx: Tx, root_id: int, folder: str) -> bool:
    """Marks at most a batch of what was below `folder` missing; whether that was all of it."""
    gone = await items.mark_missing(tx, await items.present_below(tx, folder, BATCH))
    is_all = len(gone) < BATCH
    if is_all:
        await folders.mark_missing(tx, folder)
    await _tell(tx, root_id, gone, -len(gone), len(gone))
    return is_all


async def learn(tx: Tx, root_id: int, read: Sequence[tuple[items.Unprobed, Probed]]) -> None:
    """Keeps what files said of themselves."""
    await items.store_probed(tx, read)
    await _tell(tx, root_id, [item.id for item, _probed in read])


async def _tell(
    tx: Tx, root_id: int, item_ids: Sequence[int], present: int = 0, missing: int = 0
) -> None:
    """Keeps the root's counts, the state of the items' collections, and listeners informed."""
    if item_ids:
        await collections.touch(tx, item_ids)
    if present or missing:
        await roots.count(tx, root_id, present, missing)
    tx.after_commit(ItemsChanged(root_id))
