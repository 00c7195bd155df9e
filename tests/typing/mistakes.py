"""Mistakes that mypy must report. This code never runs.

`scripts/check` fails if mypy accepts one of them, because an unused `type: ignore` is an error
(`warn_unused_ignores`).
"""

from gallery.database.engine import Reader, Tx
from gallery.domain.collections import access, editing
from gallery.domain.sync import reconcile
from gallery.media.cache import key_of
from gallery.model import Actor
from gallery.store.collections import members
from gallery.store.library import items
from gallery.store.people.accounts import Account
from gallery.store.pictures import thumbnails
from gallery.store.sync import files, unread
from gallery.store.sync.unread import Unread
from gallery.values.file_version import FileVersion
from gallery.values.ids import AccountId, CollectionId, FolderId, ItemId, RootId
from gallery.values.times import Micros, Millis, moment


async def ids_are_not_swapped(
    reader: Reader,
    tx: Tx,
    *,
    item: ItemId,
    collection: CollectionId,
    root: RootId,
    folder: FolderId,
) -> None:
    """Each of the five ids is refused in place of another one, and so is a plain number."""
    actor = Actor(AccountId(1))
    await items.detail(reader, item, actor.id)
    await items.detail(reader, actor.id, item)  # type: ignore[arg-type]
    await members.append(tx, collection, [item])
    await members.append(tx, item, [collection])  # type: ignore[arg-type, list-item]
    await files.in_folders(reader, [folder])
    await files.in_folders(reader, [root])  # type: ignore[list-item]
    await unread.ready(reader, root, Millis(0), item, 1)
    await unread.ready(reader, item, Millis(0), root, 1)  # type: ignore[arg-type]
    await access.require_visible(reader, actor, collection)
    await access.require_visible(reader, actor, item)  # type: ignore[arg-type]
    await editing.detail(reader, actor, 1)  # type: ignore[arg-type]
    await reconcile.purge(tx, folder, tx.now)  # type: ignore[arg-type]
    await thumbnails.source(reader, collection)  # type: ignore[arg-type]
    Actor(Account(AccountId(1), Millis(0)).created_at)  # type: ignore[arg-type]
    (await files.places(reader, [item]))[root]  # type: ignore[index]


async def units_are_not_mixed(tx: Tx, root: RootId, item: ItemId, version: FileVersion) -> None:
    """Milliseconds, microseconds and plain numbers are not interchangeable."""
    await reconcile.purge(tx, root, Millis(tx.now - 1_000))
    await reconcile.purge(tx, root, tx.now - 1_000)  # type: ignore[arg-type]
    await reconcile.purge(tx, root, version.modified_at)  # type: ignore[arg-type]
    await unread.ready(tx, root, version.modified_at, item, 1)  # type: ignore[arg-type]
    moment(tx.now)
    moment(version.modified_at)  # type: ignore[arg-type]
    key_of("fingerprint", version.modified_at)
    key_of("fingerprint", tx.now)  # type: ignore[arg-type]
    FileVersion(1, tx.now)  # type: ignore[arg-type]


def a_version_is_one_thing(item: ItemId, size: int, modified_at: Micros) -> None:
    """Size and time cannot change places, and neither replaces the whole."""
    version = FileVersion(size, modified_at)
    Unread(item, "x.jpg", version)
    FileVersion(modified_at, size)  # type: ignore[arg-type]
    Unread(item, "x.jpg", size, modified_at)  # type: ignore[arg-type]
    Unread(item, "x.jpg", (size, size))  # type: ignore[arg-type]
