"""The members of a collection: adding, removing, ordering and paging."""

from collections.abc import Sequence

import msgspec

from gallery.database.engine import Reader, Tx
from gallery.domain.collections import access
from gallery.domain.collections.access import Versions
from gallery.domain.collections.selection import Selection
from gallery.errors import Conflict, Invalid, printable
from gallery.events import CollectionChanged
from gallery.model import Actor, Item, Revision
from gallery.store.collections import collections, members
from gallery.store.collections.collections import Fields, Locked
from gallery.store.library.items import Located
from gallery.values import paths
from gallery.values.ids import CollectionId, ItemId

MAX_ITEMS = 100_000
"""Items that one collection may have."""
FIRST_POSITION = -(1 << 62)
_CHUNK = 1_000


def folder_scope_with(scope: str | None, added: Sequence[Located]) -> str | None:
    """Return the scope of a collection after items were added to it.

    A scope never changes here, and every added item must be in it or below. Without a scope, the
    common folder of the first items becomes the scope. Raises `Conflict` otherwise.
    """
    places = [item.path for item in added]
    if scope is not None:
        paths.check_folder_scope(scope, places)
        return scope
    return paths.folder_scope_of(places) if places else None


def check_size(count: int) -> None:
    """Raise `Conflict` for more items than a collection may have."""
    if count > MAX_ITEMS:
        raise Conflict(f"A collection holds at most {MAX_ITEMS:,} items.")


async def add(
    tx: Tx, actor: Actor, id_: CollectionId, allowed: Versions, selection: Selection
) -> Revision:
    """Append the items in the given order; an item that is already a member keeps its place.

    The first item ever added becomes the cover, and sets the scope if there is none. Either all
    items are added or none.
    """
    locked = await access.lock(tx, actor, id_, allowed)
    chosen = await selection.resolve(tx)
    ids = await members.append(tx, id_, [item.id for item in chosen])
    if not ids:
        return _unchanged(tx, locked)
    added = [item for item in chosen if item.id in ids]
    count = locked.fields.item_count + len(added)
    check_size(count)
    fields = locked.fields._replace(
        folder_path=folder_scope_with(locked.fields.folder_path, added),
        cover_item_id=locked.fields.cover_item_id or added[0].id,
        item_count=count,
    )
    return await _changed(tx, locked, fields)


async def remove(
    tx: Tx, actor: Actor, id_: CollectionId, allowed: Versions, selection: Selection
) -> Revision:
    """Remove the items; those that are not members are ignored.

    If the cover is removed, the item after it becomes the cover, or the first if it was the last.
    """
    locked = await access.lock(tx, actor, id_, allowed)
    chosen = [item.id for item in (await selection.known(tx)).values() if item]
    removed = await members.remove(tx, id_, chosen) if chosen else {}
    if not removed:
        return _unchanged(tx, locked)
    cover = locked.fields.cover_item_id
    if cover in removed:
        cover = await members.next_after(tx, id_, removed[cover])
    count = locked.fields.item_count - len(removed)
    return await _changed(tx, locked, locked.fields._replace(cover_item_id=cover, item_count=count))


async def order(
    tx: Tx, actor: Actor, id_: CollectionId, allowed: Versions, selection: Selection
) -> Revision:
    """Move the listed items to the front, in that order; the others keep their order.

    Every listed item must be a member. The first item becomes the cover.
    """
    locked = await access.lock(tx, actor, id_, allowed)
    # One item more than there are members is enough to find one that is not a member.
    known = await selection.known(tx, locked.fields.item_count + 1)
    wanted = {item.id: name for name, item in known.items() if item}
    listed = list(wanted)
    now = await members.first_ids(tx, id_, len(listed))
    is_same = now == listed
    moved = set(listed) if is_same else await members.put_first(tx, id_, listed)
    for name, item in known.items():
        if item is None or item.id not in moved:
            raise Invalid(f"Not in this collection: {printable(name)}")
    if is_same and locked.fields.cover_item_id == listed[0]:
        return _unchanged(tx, locked)
    return await _changed(tx, locked, locked.fields._replace(cover_item_id=listed[0]))


class WholeList(msgspec.Struct, frozen=True):
    """The new list of members of a collection, compared with the present one."""

    wanted: list[Located]
    new: list[Located]
    differs: bool

    @classmethod
    async def of(cls, tx: Tx, collection_id: CollectionId, selection: Selection) -> "WholeList":
        """Return the list that a selection names.

        Raises `NotInLibrary` if an item is unknown, and `Conflict` for too many items.
        """
        check_size(selection.size)
        wanted = await selection.resolve(tx)
        present = await members.first_ids(tx, collection_id, MAX_ITEMS)
        former = set(present)
        new = [item for item in wanted if item.id not in former]
        return cls(wanted, new, [item.id for item in wanted] != present)

    def cover(self, former: ItemId | None) -> ItemId | None:
        """Return the former cover if it is still a member, otherwise the first item."""
        if any(item.id == former for item in self.wanted):
            return former
        return self.wanted[0].id if self.wanted else None


def _unchanged(tx: Tx, locked: Locked) -> Revision:
    tx.discard()
    return locked.former_revision


async def _changed(tx: Tx, locked: Locked, fields: Fields) -> Revision:
    """Store the fields that depend on the members, and publish the change."""
    await collections.update(tx, locked.id, fields)
    tx.after_commit(CollectionChanged(locked.id, locked.owner_id, fields.is_public))
    return locked.revision


async def everything(reader: Reader, collection_id: CollectionId) -> list[Item]:
    """Return all items of a collection, in order. Other requests run between the parts."""
    found: list[Item] = []
    after: int | None = FIRST_POSITION
    while after is not None:
        part, after = await members.part(reader, collection_id, after, _CHUNK)
        found += part
    return found


async def page(
    reader: Reader, actor: Actor, id_: CollectionId, after: int, limit: int
) -> tuple[members.MemberPart, Revision]:
    """Return at most `limit` members after a position, and the state of the collection."""
    revision = await access.require_visible(reader, actor, id_)
    return await members.part(reader, id_, after, limit), revision
