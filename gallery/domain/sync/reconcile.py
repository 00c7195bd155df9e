"""Transactions that bring the index to what the disk shows, batch by batch; see `compare`.

The disk is the truth. A file that is gone is marked missing, never deleted, and the item keeps its
id. The item is present again when a file is at its path again, or when its file is found elsewhere.
Applying a plan twice changes nothing the second time, and a folder that agrees with the index has
an empty plan.

Each of these transactions waits for all others, of all roots and servers: a file that moves from
one root to another concerns two of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from gallery.database.engine import Tx
from gallery.domain.sync import moves
from gallery.domain.sync.changes import Changes, Outcome
from gallery.domain.sync.plan import (
    Action,
    Added,
    FolderFound,
    FolderListed,
    FolderMoved,
    Gone,
    Moved,
    Seen,
)
from gallery.model import Probed
from gallery.store.library import folders, problems
from gallery.store.pictures import thumbnails
from gallery.store.pictures.thumbnails import RenderedItem
from gallery.store.sync import files, folder_moves, index, metadata, roots
from gallery.store.sync.moves import Merge
from gallery.store.sync.unread import Unread
from gallery.values import paths
from gallery.values.ids import ItemId, RootId
from gallery.values.media_types import type_of
from gallery.values.times import Millis

BATCH = 300
"""Actions or files of one transaction: it holds the write lock for well under 50 ms."""

PURGE_MILLISECONDS = 30 * 24 * 3_600_000
"""How long a missing item that is in no collection is kept."""

REPLACED_MILLISECONDS = 3_600_000
"""How long a file that was replaced by another one is looked for elsewhere."""

BELIEVED_MILLISECONDS = 10_000
"""A new version that was read, and is older than this, is no guess any more."""

_ORDER = (FolderFound, FolderMoved, Moved, Added, Seen, Gone, FolderListed)


def in_order(actions: Iterable[Action]) -> list[Action]:
    """Return the actions in the order in which several transactions must apply them.

    An item leaves its path before a missing item is present there again.
    """
    return sorted(actions, key=lambda action: _ORDER.index(type(action)))


async def apply(
    tx: Tx, root_id: RootId, top: str, actions: Sequence[Action], since: Millis
) -> Outcome:
    """Apply the actions to the index.

    `top` is the path of the root's own folder, and `since` the time (ms) from which absent items
    are missing. A `FolderGone` may concern too many items for one transaction: `apply_gone` applies
    it.
    """
    await roots.lock(tx)
    found = [action.path for action in actions if isinstance(action, FolderFound)]
    added = [action for action in actions if isinstance(action, Added)]
    seen = [action for action in actions if isinstance(action, Seen)]
    moved = [action for action in actions if isinstance(action, Moved)]
    gone = {action.id: action.path for action in actions if isinstance(action, Gone)}
    listed = [action for action in actions if isinstance(action, FolderListed)]
    changes = Changes(root_id)
    held: list[Added | Seen | Moved] = [*added, *seen, *moved]
    changes.folders |= {*found, *(action.folder for action in held)}
    if found:
        await folders.make_known(tx, root_id, top, found)
    for action in actions:
        if isinstance(action, FolderMoved):
            await folder_moves.rename(tx, action.former, action.path)
    if added or seen or moved or gone:
        concerned = {*gone, *(action.id for action in held if not isinstance(action, Added))}
        await folders.forget_digests(tx, changes.folders, concerned)
    if moved:
        await _move(tx, changes, root_id, moved, since)
    if added:
        await _add(tx, changes, root_id, added)
    if seen:
        await _update_seen(tx, changes, root_id, seen)
    if gone:
        await _mark_missing(tx, changes, root_id, gone, since)
    if listed:
        await folders.store_listed(tx, [folders.ListedFolder(*action) for action in listed])
    await changes.publish(tx)
    return changes.outcome


async def apply_gone(tx: Tx, root_id: RootId, folder: str, since: Millis) -> tuple[bool, Outcome]:
    """Mark at most a batch of the items below `folder` missing.

    Return whether it was the last batch, and the outcome.
    """
    await roots.lock(tx)
    changes = Changes(root_id)
    gone = await files.present_below(tx, folder, BATCH)
    await folders.forget_digests(tx, (), gone)
    await _mark_missing(tx, changes, root_id, gone, since)
    is_all = len(gone) < BATCH
    if is_all:
        await folders.mark_missing(tx, folder)
    changes.folders |= {folder, paths.parent(folder)}
    await changes.publish(tx)
    return is_all, changes.outcome


async def store_metadata(
    tx: Tx, root_id: RootId, read: Sequence[tuple[Unread, Probed]], transient: Collection[ItemId]
) -> Outcome:
    """Store the metadata of files, and merge items that turn out to be one moved file."""
    await roots.lock(tx)
    changes = Changes(root_id)
    await metadata.store(tx, read)
    changes.items |= {item.id for item, _probed in read}
    changes.folders |= {paths.parent(item.path) for item, _probed in read}
    await _merge(tx, changes, changes.items, transient)
    await changes.publish(tx)
    return changes.outcome


async def store_thumbnails(tx: Tx, root_id: RootId, rendered: Sequence[RenderedItem]) -> None:
    """Store the results of rendering; collections that show the items get a new revision."""
    await roots.lock(tx)
    changes = Changes(root_id)
    await thumbnails.store(tx, rendered)
    changes.items |= {it.source.id for it in rendered}
    changes.folders |= {paths.parent(it.source.path) for it in rendered}
    await changes.publish(tx)


async def forbid(tx: Tx, root_id: RootId, item_ids: Iterable[ItemId]) -> None:
    """Note that the server has no permission to read these files."""
    await roots.lock(tx)
    changes = Changes(root_id)
    changes.folders |= {paths.parent(path) for path in await problems.forbid(tx, item_ids)}
    if changes.folders:
        await changes.publish(tx)
    else:
        tx.discard()


async def merge(
    tx: Tx, root_id: RootId, missing: Collection[ItemId], transient: Collection[ItemId]
) -> Outcome:
    """Merge missing items with the items that their files have become; see `moves`."""
    await roots.lock(tx)
    changes = Changes(root_id)
    await _merge(tx, changes, missing, transient)
    if changes.outcome.departures:
        await changes.publish(tx)
    else:
        tx.discard()
    return changes.outcome


async def purge(tx: Tx, root_id: RootId, before: Millis) -> bool:
    """Delete at most a batch of items and folders that have been missing since before `before`.

    Return whether it was the last batch. Items in a collection are never deleted.
    """
    await roots.lock(tx)
    gone = await files.forgettable(tx, root_id, before, BATCH)
    if gone:
        await index.delete(tx, gone)
        await roots.count(tx, root_id, 0, -len(gone))
    empty = await folders.forgettable(tx, root_id, before, BATCH)
    if empty:
        await folders.delete(tx, empty)
    if not gone and not empty:
        tx.discard()
    return max(len(gone), len(empty)) < BATCH


async def _add(tx: Tx, changes: Changes, root_id: RootId, added: Sequence[Added]) -> None:
    """Insert the files that are not indexed yet: a request may have indexed one since the plan."""
    by_path = {paths.join(action.folder, action.file.name): action for action in added}
    indexed = await files.present_at(tx, by_path)
    known = await folders.known(tx, {action.folder for action in added})
    new = [
        index.NewFile(
            known[folder].id, path, file.name, type_, file.version, file.inode, file.sidecar
        )
        for path, (folder, file) in by_path.items()
        if path not in indexed and (type_ := type_of(file.name))
    ]
    await index.insert(tx, root_id, new)
    changes.neighbours.update(item.path for item in new)
    changes.grown.update(paths.parent(item.path) for item in new)
    changes.count(root_id, present=len(new))


async def _update_seen(tx: Tx, changes: Changes, root_id: RootId, seen: Sequence[Seen]) -> None:
    """Store the files as they were seen, unless the items have moved since."""
    places = await files.places(tx, [action.id for action in seen])
    here = [
        action
        for action in seen
        if action.id in places
        and places[action.id].path == paths.join(action.folder, action.file.name)
    ]
    revived = sum(places[action.id].missing_since != 0 for action in here)
    seen_files = [
        index.SeenFile(id_, file.version, file.inode, file.sidecar) for id_, _folder, file in here
    ]
    guessed_since = Millis(tx.now - REPLACED_MILLISECONDS)
    believed_since = Millis(tx.now - BELIEVED_MILLISECONDS)
    await index.update(tx, seen_files, guessed_since, believed_since)
    changes.count(root_id, present=revived, missing=-revived)
    if revived:
        changes.recount.update(action.folder for action in here)
    changes.items.update(action.id for action in here)


async def _mark_missing(
    tx: Tx, changes: Changes, root_id: RootId, gone: Mapping[ItemId, str], since: Millis
) -> None:
    """Mark the items missing, unless they have moved since."""
    lost = await index.mark_missing(tx, gone, since)
    left = {paths.parent(gone[id_]) for id_ in lost}
    changes.folders |= left
    changes.recount |= left
    changes.count(root_id, present=-len(lost), missing=len(lost))
    changes.items.update(lost)
    changes.outcome.lost.extend(lost)


async def _merge(
    tx: Tx, changes: Changes, item_ids: Collection[ItemId], transient: Collection[ItemId]
) -> None:
    for older, younger in await moves.merge_matches(tx, item_ids, transient):
        changes.items.add(older.id)
        changes.count(older.root_id, missing=-1)  # the younger one already counted as present
        changes.depart(older.path, younger.path)


async def _move(
    tx: Tx, changes: Changes, root_id: RootId, moved: Sequence[Moved], since: Millis
) -> None:
    """Move the items to the present places of their files.

    If a request has indexed such a file meanwhile, its new item is merged with the moved one. An
    item whose file was overwritten becomes missing.
    """
    places = await files.places(tx, [action.id for action in moved])
    into = {
        paths.join(action.folder, action.file.name): action
        for action in moved
        if action.id in places and places[action.id].path == action.former
    }
    movers = {action.id for action in into.values()}
    there = await files.present_at(tx, into)
    duplicates = {
        id_: into[path].id
        for path, (id_, inode) in there.items()
        if id_ not in movers and inode == into[path].file.inode
    }
    if duplicates:
        await moves.merge(tx, [Merge(older, younger) for younger, older in duplicates.items()])
        changes.count(root_id, present=-len(duplicates))
    overwritten = {
        id_: path
        for path, (id_, _inode) in there.items()
        if id_ not in movers and id_ not in duplicates
    }
    await _mark_missing(tx, changes, root_id, overwritten, since)
    known = await folders.known(tx, {action.folder for action in into.values()})
    placed = [
        index.PlacedItem(
            action.id,
            action.file.version,
            action.file.inode,
            action.file.sidecar,
            root_id,
            known[action.folder].id,
            path,
            action.file.name,
            type_of(action.file.name) or "image",
        )
        for path, action in into.items()
    ]
    await index.put(tx, placed)
    for item in placed:
        former = places[item.id]
        changes.items.add(item.id)
        changes.count(
            former.root_id,
            present=0 if former.missing_since else -1,
            missing=-1 if former.missing_since else 0,
        )
        changes.count(root_id, present=1)
        changes.depart(former.path, item.path)
