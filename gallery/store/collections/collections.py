"""Collections: their rows, without the members.

The owner or the viewer is an argument and a condition of every statement.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, get_type_hints

from gallery.database.engine import Reader, Row, Tx
from gallery.model import Collection, ListRevision, Revision, Versioned
from gallery.store.lists import IDS_1, collection_ids, json_list, numbers
from gallery.values.ids import AccountId, CollectionId, ItemId
from gallery.values.names import CollectionName
from gallery.values.times import Millis, moment
from gallery.values.urls import picture_version


class Fields(NamedTuple):
    """The fields that a change sets. Each is a column of the same name, except that `name` is two.

    A new field needs no other line in this module. Clients see it if `Collection` has it, too.
    """

    name: CollectionName
    description: str = ""
    is_public: bool = False
    is_favorite: bool = False
    folder_path: str | None = None
    cover_item_id: ItemId | None = None
    item_count: int = 0


_FLAGS = [name for name, type_ in get_type_hints(Fields).items() if type_ is bool]
_NAMES = ("name_key", *Fields._fields)
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join(f"${number}" for number, _ in enumerate(_NAMES, 3))
_ASSIGNED = ", ".join(f"{name} = ${number}" for number, name in enumerate(_NAMES, 3))

_SHOWN = Collection.__struct_fields__
_SOURCES = {
    "cover_path": "cover.path",
    "has_artwork": "0",
    "cover_small_url": "NULL",
    "cover_large_url": "NULL",
}
"""The fields for clients that are not columns of the table; the URLs follow from other columns."""
_SHOWN_COLUMNS = ", ".join(_SOURCES.get(name, f"c.{name}") for name in _SHOWN)
_SMALL, _LARGE = map(_SHOWN.index, ("cover_small_url", "cover_large_url"))
_TYPES = get_type_hints(Collection)
_SHOWN_FLAGS = [place for place, name in enumerate(_SHOWN) if _TYPES[name] is bool]
_SHOWN_TIMES = [place for place, name in enumerate(_SHOWN) if _TYPES[name] is datetime]

_VISIBLE = "(c.owner_id = $1 OR c.is_public = 1)"

_SUMMARY = f"""
  SELECT
    c.id,
    c.updated_at,
    c.version,
    c.revision,
    cover.id,
    cover.size,
    cover.modified_at,
    {_SHOWN_COLUMNS}
  FROM collection AS c LEFT JOIN item AS cover ON cover.id = c.cover_item_id
"""


def _versioned(row: Row) -> Versioned:
    """Return a row of `_SUMMARY` as a collection with its revision."""
    id_, updated_at, version, disk_version, cover_id, size, modified_at, *shown = row
    if cover_id is not None:
        cover = f"/api/collections/{id_}/cover?size="
        picture = f"&v={cover_id:x}-{picture_version(size, modified_at)}"
        shown[_SMALL], shown[_LARGE] = f"{cover}small{picture}", f"{cover}large{picture}"
    for place in _SHOWN_FLAGS:
        shown[place] = shown[place] == 1
    for place in _SHOWN_TIMES:
        shown[place] = moment(shown[place])
    return Versioned(Collection(*shown), Revision(version, disk_version), updated_at)


def _plain(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return columns by name, with flags as booleans."""
    found = dict(zip(names, values, strict=True))
    for flag in _FLAGS:
        found[flag] = found[flag] == 1
    return found


async def visible(reader: Reader, viewer_id: AccountId, updated_after: Millis) -> list[Versioned]:
    """Return the collections that the viewer may see, newest first.

    Only those that were updated after `updated_after` (ms).
    """
    rows = await reader.all(
        f"""
        {_SUMMARY}
        WHERE {_VISIBLE} AND c.updated_at > $2
        ORDER BY c.updated_at DESC, c.id DESC
        """,
        viewer_id,
        updated_after,
    )
    return [_versioned(row) for row in rows]


async def list_revision(
    reader: Reader, viewer_id: AccountId, updated_after: Millis
) -> ListRevision:
    """Return the revision of the list `visible`, without reading the list."""
    row = await reader.one(
        f"""
        SELECT
          COUNT(*),
          CAST(COALESCE(SUM(c.id), 0) AS BIGINT),
          COALESCE(MAX(c.updated_at), 0),
          CAST(COALESCE(SUM(c.version), 0) AS BIGINT),
          CAST(COALESCE(SUM(c.revision), 0) AS BIGINT)
        FROM collection AS c
        WHERE {_VISIBLE} AND c.updated_at > $2
        """,
        viewer_id,
        updated_after,
    )
    assert row is not None
    return ListRevision(*row)


async def count_members(reader: Reader, viewer_id: AccountId, updated_after: Millis) -> int:
    """Return how many items the collections of `visible` have together."""
    return await reader.count(
        f"""
        SELECT CAST(COALESCE(SUM(c.item_count), 0) AS BIGINT) FROM collection AS c
        WHERE {_VISIBLE} AND c.updated_at > $2
        """,
        viewer_id,
        updated_after,
    )


async def visible_ids(reader: Reader, viewer_id: AccountId) -> list[CollectionId]:
    """Return the ids of all collections that the viewer may see, ascending."""
    found = await reader.column(f"SELECT c.id FROM collection AS c WHERE {_VISIBLE}", viewer_id)
    return sorted(found)


class CollectionState(NamedTuple):
    """The revision of a collection, and how many items it has."""

    version: int
    disk_version: int
    size: int


async def states(reader: Reader, viewer_id: AccountId) -> dict[CollectionId, CollectionState]:
    """Return the states of all collections that the viewer may see, by id.

    The result is one row of lists: one row for each collection would take the driver five times
    longer.
    """
    row = await reader.one(
        f"""
        SELECT
          json_group_array(c.id),
          json_group_array(c.version),
          json_group_array(c.revision),
          json_group_array(c.item_count)
        FROM collection AS c
        WHERE {_VISIBLE}
        """,
        viewer_id,
    )
    assert row is not None
    ids, *parts = row
    states_ = map(CollectionState, *map(numbers, parts))
    return dict(zip(collection_ids(ids), states_, strict=True))


class Access(NamedTuple):
    """The owner of a collection, whether it is public, its revision, and how many items it has."""

    owner_id: AccountId
    is_public: bool
    revision: Revision
    item_count: int


async def access(reader: Reader, id_: CollectionId) -> Access | None:
    """Return the owner and the state of the collection `id_`, None if it does not exist."""
    row = await reader.one(
        "SELECT owner_id, is_public, version, revision, item_count FROM collection WHERE id = $1",
        id_,
    )
    if row is None:
        return None
    owner_id, is_public, version, disk_version, item_count = row
    return Access(owner_id, is_public == 1, Revision(version, disk_version), item_count)


async def get(reader: Reader, id_: CollectionId) -> Versioned | None:
    """Return the collection `id_`, without a check of who may see it."""
    row = await reader.one(f"{_SUMMARY} WHERE c.id = $1", id_)
    return _versioned(row) if row else None


class Locked(NamedTuple):
    """A collection that this transaction has locked for a change; `version` is the new one."""

    id: CollectionId
    owner_id: AccountId
    version: int
    disk_version: int
    fields: Fields

    @property
    def revision(self) -> Revision:
        """Return the revision after the change."""
        return Revision(self.version, self.disk_version)

    @property
    def former_revision(self) -> Revision:
        """Return the revision before the change."""
        return Revision(self.version - 1, self.disk_version)


async def lock(tx: Tx, id_: CollectionId, owner_id: AccountId) -> Locked | None:
    """Lock the owner's collection for a change and increase its version, in one statement.

    Return None if the owner has no such collection.
    """
    row = await tx.one(
        f"""
        UPDATE collection SET version = version + 1 WHERE id = $1 AND owner_id = $2
        RETURNING version, revision, {_COLUMNS}
        """,
        id_,
        owner_id,
    )
    if row is None:
        return None
    version, disk_version, *values = row
    found = _plain(_NAMES, values)
    found["name"] = CollectionName(found["name"], found.pop("name_key"))
    return Locked(id_, owner_id, version, disk_version, Fields(**found))


async def insert(tx: Tx, owner_id: AccountId, new: Fields) -> CollectionId | None:
    """Return the id of the new collection, None if the owner has one of that name."""
    return await tx.value(
        f"""
        INSERT INTO collection (owner_id, created_at, updated_at, {_COLUMNS})
        VALUES ($1, $2, $2, {_VALUES})
        ON CONFLICT (owner_id, name_key) DO NOTHING
        RETURNING id
        """,
        owner_id,
        tx.now,
        *_values(new),
    )


async def update(tx: Tx, id_: CollectionId, fields: Fields) -> None:
    """Store all fields. Raises `UniqueViolation` if the owner's other collection has the name."""
    await tx.all(
        f"UPDATE collection SET updated_at = $2, {_ASSIGNED} WHERE id = $1",
        id_,
        tx.now,
        *_values(fields),
    )


def _values(fields: Fields) -> list[object]:
    """Return the values of `_COLUMNS`, in their order."""
    name, *others = fields
    plain = (int(value) if isinstance(value, bool) else value for value in others)
    return [name.key, name.text, *plain]


async def delete(tx: Tx, id_: CollectionId) -> None:
    """Delete a collection. The database deletes its memberships by a cascade."""
    await tx.all("DELETE FROM collection WHERE id = $1", id_)


async def touch(tx: Tx, item_ids: Sequence[ItemId]) -> None:
    """Increase the disk version of the collections that have one of the items."""
    await tx.all(
        f"""
        UPDATE collection SET revision = revision + 1 WHERE id IN (
          SELECT ci.collection_id FROM collection_item AS ci
          WHERE ci.item_id IN {IDS_1})
        """,
        json_list(item_ids),
    )
