"""Use cases that create, list, edit and delete collections.

Each use case states its rule; together they are section 3 of the contract. The rules of the list of
members are in `members`.
"""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from gallery.database.engine import Reader, Tx, UniqueViolation
from gallery.domain.collections import access, members
from gallery.domain.collections.access import Versions
from gallery.domain.collections.selection import Selection
from gallery.domain.library import folders
from gallery.errors import Invalid, NameTaken, printable
from gallery.events import CollectionChanged
from gallery.model import (
    Actor,
    Collection,
    CollectionInput,
    Item,
    ListRevision,
    Revision,
    Versioned,
)
from gallery.store.collections import collections
from gallery.store.collections import members as member_rows
from gallery.store.collections.collections import Fields
from gallery.store.library import items
from gallery.store.library.items import Located
from gallery.values import names, paths
from gallery.values.ids import CollectionId, ItemId
from gallery.values.names import CollectionName
from gallery.values.times import Millis

MAX_ADDED = 500
"""Items that one request may create with or add."""

BEFORE_ALL_TIMES = Millis(-(1 << 62))

T = TypeVar("T")


async def create(tx: Tx, actor: Actor, given: CollectionInput) -> Versioned:
    """Create a collection of the actor. No other one may have its name, in upper or lower case.

    At most 500 items may come with it. The scope is the given folder, otherwise the common folder
    of the items. The cover is the given item, which must be among them, otherwise the first.
    """
    own = own_fields(given)
    selection = Selection.parse(given.paths, given.item_ids, MAX_ADDED)
    chosen = await selection.resolve(tx) if selection else []
    scope = None if given.folder_path is None else await folders.parse(tx, given.folder_path)
    cover = _chosen_cover(given, chosen) or (chosen[0] if chosen else None)
    fields = Fields(
        **own,
        folder_path=members.folder_scope_with(scope, chosen),
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


def own_fields(given: CollectionInput) -> dict[str, Any]:
    """Return the checked `Fields` that an input sets by itself, without those that it leaves out.

    The use cases set folder scope, cover and number of items, which depend on the members. Raises
    `Invalid` for a value that a field does not allow, and for a missing name.
    """
    description = given.description
    fields = {
        "name": CollectionName.parse(given.name),
        "description": None if description is None else names.parse_description(description),
        "is_public": given.is_public,
        "is_favorite": given.is_favorite,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _chosen_cover(given: CollectionInput, chosen: Sequence[Located]) -> Located | None:
    """Return the item at the cover path, None without such a path. It must be among the chosen."""
    if not given.cover_path:
        return None
    path = paths.parse(given.cover_path)
    for item in chosen:
        if item.path == path:
            return item
    raise Invalid(f"Not in this collection: {printable(path)}")


class CollectionList(NamedTuple, Generic[T]):
    """A list of collections and its revision."""

    rows: list[T]
    revision: ListRevision


async def visible(
    reader: Reader, actor: Actor, updated_after: Millis | None
) -> CollectionList[Versioned]:
    """Return the collections that the actor may see, newest first.

    With a time (ms), return only those that were updated after it.
    """
    rows = await collections.visible(reader, actor.id, _after(updated_after))
    return CollectionList(rows, ListRevision.of(rows))


async def list_revision(reader: Reader, actor: Actor, updated_after: Millis | None) -> ListRevision:
    """Return the revision of `visible`. It changes whenever the list would."""
    return await collections.list_revision(reader, actor.id, _after(updated_after))


async def list_size(
    reader: Reader, actor: Actor, updated_after: Millis | None
) -> tuple[ListRevision, int]:
    """Return `list_revision`, and the number of collections."""
    revision = await list_revision(reader, actor, updated_after)
    return revision, revision.length


async def list_size_with_members(
    reader: Reader, actor: Actor, updated_after: Millis | None
) -> tuple[ListRevision, int]:
    """Return `list_revision`, and the number of collections and of their items together."""
    revision, length = await list_size(reader, actor, updated_after)
    return revision, length + await collections.count_members(
        reader, actor.id, _after(updated_after)
    )


def _after(updated_after: Millis | None) -> Millis:
    return BEFORE_ALL_TIMES if updated_after is None else updated_after


async def visible_with_members(
    reader: Reader, actor: Actor, updated_after: Millis | None
) -> CollectionList[tuple[Versioned, list[ItemId]]]:
    """Return the collections of `visible`, and the ids of the items of each, in order."""
    rows, revision = await visible(reader, actor, updated_after)
    ids = await member_rows.ids_by_collection(reader, [row.collection.id for row in rows])
    return CollectionList([(row, ids[row.collection.id]) for row in rows], revision)


async def identifiers(reader: Reader, actor: Actor) -> CollectionList[CollectionId]:
    """Return the ids of all collections that the actor may see, ascending."""
    ids = await collections.visible_ids(reader, actor.id)
    return CollectionList(ids, await list_revision(reader, actor, None))


class Detail(NamedTuple):
    """A collection with all its items, in order."""

    collection: Collection
    items: list[Item]
    revision: Revision


async def detail(reader: Reader, actor: Actor, id_: CollectionId) -> Detail:
    """Return a collection that the actor may see, with all items."""
    found = await access.get(reader, actor, id_)
    return Detail(found.collection, await members.everything(reader, id_), found.revision)


async def edit(
    tx: Tx, actor: Actor, id_: CollectionId, allowed: Versions, given: CollectionInput
) -> Revision:
    """Set the fields that the input has; the name is required.

    With items, they become the whole list: the cover stays if it is still a member, otherwise the
    first item becomes the cover. A new folder scope must contain every member, the present one
    every new item.
    """
    own = own_fields(given)
    selection = Selection.parse(given.paths, given.item_ids, None)
    locked = await access.lock(tx, actor, id_, allowed)
    before = locked.fields
    whole = None if selection is None else await members.WholeList.of(tx, id_, selection)
    scope = None if given.folder_path is None else await folders.parse(tx, given.folder_path)
    cover = await _edited_cover(tx, locked, given, whole)
    count = before.item_count
    if whole:
        count = len(whole.wanted)
        members.check_size(count)
    after = before._replace(
        **own,
        folder_path=await _edited_folder_scope(tx, locked, scope, whole),
        cover_item_id=cover,
        item_count=count,
    )
    if after == before and not (whole and whole.differs):
        tx.discard()
        return locked.former_revision
    if whole and whole.differs:
        await member_rows.put_all(tx, id_, [item.id for item in whole.wanted])
    try:
        await collections.update(tx, id_, after)
    except UniqueViolation:
        raise NameTaken from None
    tx.after_commit(CollectionChanged(id_, actor.id, before.is_public or after.is_public))
    return locked.revision


async def _edited_folder_scope(
    tx: Tx, locked: collections.Locked, scope: str | None, whole: "members.WholeList | None"
) -> str | None:
    """Return the folder scope after an edit; `scope` is the new one, None leaves it as it is."""
    if scope is None:
        return members.folder_scope_with(locked.fields.folder_path, whole.new if whole else [])
    everything = whole.wanted if whole else await member_rows.located(tx, locked.id)
    return members.folder_scope_with(scope, everything)


async def _edited_cover(
    tx: Tx, locked: collections.Locked, given: CollectionInput, whole: "members.WholeList | None"
) -> ItemId | None:
    """Return the id of the item that is the cover after an edit."""
    if whole is not None:
        chosen = _chosen_cover(given, whole.wanted)
        return chosen.id if chosen else whole.cover(locked.fields.cover_item_id)
    if not given.cover_path:
        return locked.fields.cover_item_id
    path = paths.parse(given.cover_path)
    item = (await items.by_paths(tx, [path])).get(path)
    if item is None or not await member_rows.among(tx, locked.id, [item.id]):
        raise Invalid(f"Not in this collection: {printable(path)}")
    return item.id


async def delete(tx: Tx, actor: Actor, id_: CollectionId, allowed: Versions) -> None:
    """Delete the actor's collection and its memberships; media files are never touched."""
    locked = await access.lock(tx, actor, id_, allowed)
    await collections.delete(tx, id_)
    tx.after_commit(CollectionChanged(id_, actor.id, locked.fields.is_public))
