"""Collections: making, showing, editing and deleting them.

Each use case states its rule; together they are section 3 of the contract. What concerns only the
list of members stands in `members`.
"""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from gallery.database.engine import Reader, Tx, UniqueViolation
from gallery.domain.collections import access, members
from gallery.domain.collections.access import Versions
from gallery.domain.collections.selection import Selection
from gallery.domain.library import folders
from gallery.errors import Invalid, NameTaken, printable
from gallery.events import CollectionChanged
from gallery.model import Actor, Collection, Item, ListTag, Tag, Tagged, Wish
from gallery.store.collections import collections
from gallery.store.collections import members as member_rows
from gallery.store.collections.collections import Fields
from gallery.store.library import items
from gallery.store.library.items import Located
from gallery.values import names, paths
from gallery.values.names import CollectionName

MOST_ADDED = 500
"""Entries of a list of items that create and add take."""

BEFORE_ALL_TIMES = -(1 << 62)

T = TypeVar("T")


async def create(tx: Tx, actor: Actor, wish: Wish) -> Tagged:
    """Makes a collection of the actor's. Its name must be free, whatever the case.

    Items may come with it, at most 500. The scope is the folder given, else what the items set;
    the cover is the item given, which must be among them, else the first.
    """
    name = CollectionName.parse(wish.name)
    description = names.parse_description(wish.description or "")
    selection = Selection.parse(wish.paths, wish.item_ids, MOST_ADDED)
    chosen = await selection.resolve(tx) if selection else []
    scope = None if wish.folder_path is None else await folders.parse(tx, wish.folder_path)
    cover = _chosen_cover(wish, chosen) or (chosen[0] if chosen else None)
    fields = Fields(
        name,
        description,
        is_public=wish.is_public or False,
        is_favorite=wish.is_favorite or False,
        folder_path=members.scope_with(scope, chosen),
        cover_item_id=cover.id if cover else None,
        item_count=len(chosen),
    )
    id_ = await collections.insert(tx, actor.id, fields)
    if id_ is None:
        raise NameTaken
    if chosen:
        await member_rows.append(tx, id_, [item.id for item in chosen])
    tx.after_commit(CollectionChanged(id_, actor.id, fields.is_public))
    created = await collections.get(tx, id_)
    assert created is not None
    return created


def _chosen_cover(wish: Wish, chosen: Sequence[Located]) -> Located | None:
    """The item at the cover path, if there is one; it must be among the chosen."""
    if not wish.cover_path:
        return None
    path = paths.parse(wish.cover_path)
    for item in chosen:
        if item.path == path:
            return item
    raise Invalid(f"Not in this collection: {printable(path)}")


class Listing(NamedTuple, Generic[T]):
    """A list of collections in one state."""

    rows: list[T]
    tag: ListTag


async def visible(reader: Reader, actor: Actor, updated_after: int | None) -> Listing[Tagged]:
    """What the actor may see, updated strictly after a time (ms) if one is given, newest first."""
    rows = await collections.visible(reader, actor.id, _after(updated_after))
    return Listing(rows, ListTag.of(rows))


async def list_tag(reader: Reader, actor: Actor, updated_after: int | None) -> ListTag:
    """Changes whenever `visible` would."""
    return await collections.list_tag(reader, actor.id, _after(updated_after))


async def list_size(reader: Reader, actor: Actor, updated_after: int | None) -> tuple[ListTag, int]:
    """Return `list_tag`, and the number of collections."""
    tag = await list_tag(reader, actor, updated_after)
    return tag, tag.length


async def list_size_with_members(
    reader: Reader, actor: Actor, updated_after: int | None
) -> tuple[ListTag, int]:
    """Return `list_tag`, and the number of collections and of their items together."""
    tag, length = await list_size(reader, actor, updated_after)
    return tag, length + await collections.count_members(reader, actor.id, _after(updated_after))


def _after(updated_after: int | None) -> int:
    return BEFORE_ALL_TIMES if updated_after is None else updated_after


async def visible_with_members(
    reader: Reader, actor: Actor, updated_after: int | None
) -> Listing[tuple[Tagged, list[int]]]:
    """`visible`, and of each the ids of its items in order."""
    rows, tag = await visible(reader, actor, updated_after)
    ids = await member_rows.ids_by_collection(reader, [row.collection.id for row in rows])
    return Listing([(row, ids[row.collection.id]) for row in rows], tag)


async def identifiers(reader: Reader, actor: Actor) -> Listing[int]:
    """The ids of all that the actor may see, ascending."""
    ids = await collections.visible_ids(reader, actor.id)
    return Listing(ids, await list_tag(reader, actor, None))


class Detail(NamedTuple):
    """A collection with all its items, in order."""

    collection: Collection
    items: list[Item]
    tag: Tag


async def detail(reader: Reader, actor: Actor, id_: int) -> Detail:
    """A collection that the actor may see, whole."""
    found = await access.get(reader, actor, id_)
    return Detail(found.collection, await members.everything(reader, id_), found.tag)


async def edit(tx: Tx, actor: Actor, id_: int, allowed: Versions, wish: Wish) -> Tag:
    """Renames the actor's collection and sets what else the wish holds; the name is required.

    With items it becomes that whole list: the cover stays if it is still a member, else the first
    is it. A scope given must hold every member, the present scope what is new.
    """
    name = CollectionName.parse(wish.name)
    description = None if wish.description is None else names.parse_description(wish.description)
    selection = Selection.parse(wish.paths, wish.item_ids, None)
    held = await access.hold(tx, actor, id_, allowed)
    before = held.fields
    whole = None if selection is None else await members.WholeList.of(tx, id_, selection)
    scope = None if wish.folder_path is None else await folders.parse(tx, wish.folder_path)
    cover = await _edited_cover(tx, held, wish, whole)
    if whole:
        members.check_size(len(whole.wanted))
    if scope is not None:
        everything = whole.wanted if whole else await member_rows.located(tx, id_)
        scope = members.scope_with(scope, everything)
    else:
        scope = members.scope_with(before.folder_path, whole.new if whole else [])
    after = Fields(
        name,
        before.description if description is None else description,
        before.is_public if wish.is_public is None else wish.is_public,
        before.is_favorite if wish.is_favorite is None else wish.is_favorite,
        scope,
        cover,
        len(whole.wanted) if whole else before.item_count,
    )
    if after == before and not (whole and whole.differs):
        tx.discard()
        return held.former_tag
    if whole and whole.differs:
        await member_rows.put_all(tx, id_, [item.id for item in whole.wanted])
    try:
        await collections.update(tx, id_, after)
    except UniqueViolation:
        raise NameTaken from None
    tx.after_commit(CollectionChanged(id_, actor.id, before.is_public or after.is_public))
    return held.tag


async def _edited_cover(
    tx: Tx, held: collections.Held, wish: Wish, whole: "members.WholeList | None"
) -> int | None:
    """The id of the item that is the cover after an edit."""
    if whole is not None:
        chosen = _chosen_cover(wish, whole.wanted)
        return chosen.id if chosen else whole.cover(held.fields.cover_item_id)
    if not wish.cover_path:
        return held.fields.cover_item_id
    path = paths.parse(wish.cover_path)
    item = (await items.by_paths(tx, [path])).get(path)
    if item is None or not await member_rows.among(tx, held.id, [item.id]):
        raise Invalid(f"Not in this collection: {printable(path)}")
    return item.id


async def delete(tx: Tx, actor: Actor, id_: int, allowed: Versions) -> None:
    """Deletes the actor's collection and its memberships; media files are never touched."""
    held = await access.hold(tx, actor, id_, allowed)
    await collections.delete(tx, id_)
    tx.after_commit(CollectionChanged(id_, actor.id, held.fields.is_public))
