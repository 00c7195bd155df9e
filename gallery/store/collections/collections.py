"""Collections: their rows, without the members.

The owner or the viewer is an argument and a WHERE in every statement.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Row, Tx
from gallery.model import Collection, ListRevision, Revision, Versioned
from gallery.store.lists import json_list, numbers
from gallery.values.names import CollectionName
from gallery.values.times import moment
from gallery.values.urls import picture_version

_VISIBLE = "(c.owner_id = $1 OR c.is_public = 1)"

_SUMMARY = """
  SELECT
    c.id,
    c.name,
    c.description,
    c.folder_path,
    c.item_count,
    c.is_public,
    c.is_favorite,
    c.owner_id,
    c.created_at,
    c.updated_at,
    c.version,
    c.revision,
    cover.id,
    cover.path,
    cover.size,
    cover.modified_at
  FROM collection AS c LEFT JOIN item AS cover ON cover.id = c.cover_item_id
"""


def _tagged(row: Row) -> Versioned:
    id_, name, description, folder_path, count, public, favorite, owner_id, *rest = row
    created_at, updated_at, version, disk_version, cover_id, cover_path, size, modified_at = rest
    picture = cover = ""
    if cover_id is not None:
        cover = f"/api/collections/{id_}/cover?size="
        picture = f"&v={cover_id:x}-{picture_version(size, modified_at)}"
    collection = Collection(
        id_,
        name,
        description,
        folder_path,
        cover_path,
        False,
        f"{cover}small{picture}" if cover else None,
        f"{cover}large{picture}" if cover else None,
        count,
        public == 1,
        favorite == 1,
        owner_id,
        moment(created_at),
        moment(updated_at),
    )
    return Versioned(collection, Revision(version, disk_version), updated_at)


async def visible(reader: Reader, viewer_id: int, updated_after: int) -> list[Versioned]:
    """What the viewer may see and was updated after then (ms), newest first."""
    rows = await reader.all(
        f"""
        {_SUMMARY}
        WHERE {_VISIBLE} AND c.updated_at > $2
        ORDER BY c.updated_at DESC, c.id DESC
        """,
        viewer_id,
        updated_after,
    )
    return [_tagged(row) for row in rows]


async def list_revision(reader: Reader, viewer_id: int, updated_after: int) -> ListRevision:
    """The state of `visible`, without reading it."""
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


async def count_members(reader: Reader, viewer_id: int, updated_after: int) -> int:
    """Return how many items the collections of `visible` have together."""
    row = await reader.one(
        f"""
        SELECT CAST(COALESCE(SUM(c.item_count), 0) AS BIGINT) FROM collection AS c
        WHERE {_VISIBLE} AND c.updated_at > $2
        """,
        viewer_id,
        updated_after,
    )
    return int(row[0]) if row else 0


async def visible_ids(reader: Reader, viewer_id: int) -> list[int]:
    """The ids of all that the viewer may see, ascending."""
    rows = await reader.all(f"SELECT c.id FROM collection AS c WHERE {_VISIBLE}", viewer_id)
    return sorted(id_ for (id_,) in rows)


class CollectionState(NamedTuple):
    """The state of a collection, and how many items it has."""

    version: int
    disk_version: int
    size: int


async def states(reader: Reader, viewer_id: int) -> dict[int, CollectionState]:
    """The states of all that the viewer may see, by id.

    One row of lists: as many rows as there are collections would cost the driver five times more.
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
    ids, *parts = map(numbers, row)
    return dict(zip(ids, map(CollectionState, *parts), strict=True))


class Access(NamedTuple):
    """Who may see a collection, its state, and how many items it has."""

    owner_id: int
    is_public: bool
    revision: Revision
    item_count: int


async def access(reader: Reader, id_: int) -> Access | None:
    """Whose collection `id_` is; None if there is none."""
    row = await reader.one(
        "SELECT owner_id, is_public, version, revision, item_count FROM collection WHERE id = $1",
        id_,
    )
    return Access(row[0], row[1] == 1, Revision(row[2], row[3]), row[4]) if row else None


async def get(reader: Reader, id_: int) -> Versioned | None:
    """The collection `id_`, whoever may see it."""
    row = await reader.one(f"{_SUMMARY} WHERE c.id = $1", id_)
    return _tagged(row) if row else None


class Fields(NamedTuple):
    """What a person may set of a collection itself."""

    name: CollectionName
    description: str
    is_public: bool
    is_favorite: bool
    folder_path: str | None
    cover_item_id: int | None
    item_count: int


class Locked(NamedTuple):
    """A collection that this transaction has locked for a change; `version` is the new one."""

    id: int
    owner_id: int
    version: int
    disk_version: int
    fields: Fields

    @property
    def revision(self) -> Revision:
        return Revision(self.version, self.disk_version)

    @property
    def former_tag(self) -> Revision:
        return Revision(self.version - 1, self.disk_version)


async def lock(tx: Tx, id_: int, owner_id: int) -> Locked | None:
    """Locks the owner's collection for a change and bumps its version, in one statement."""
    row = await tx.one(
        """
        UPDATE collection SET version = version + 1 WHERE id = $1 AND owner_id = $2
        RETURNING
          version, revision, name, name_key, description, is_public, is_favorite, folder_path,
          cover_item_id, item_count
        """,
        id_,
        owner_id,
    )
    if row is None:
        return None
    version, disk_version, name, key, description, public, favorite, folder, cover, count = row
    name = CollectionName(name, key)
    return Locked(
        id_,
        owner_id,
        version,
        disk_version,
        Fields(name, description, public == 1, favorite == 1, folder, cover, count),
    )


async def insert(tx: Tx, owner_id: int, new: Fields) -> int | None:
    """The id of the new collection; None if the owner has one of that name."""
    row = await tx.one(
        """
        INSERT INTO collection
          (owner_id, name, name_key, description, is_public, is_favorite, folder_path,
           cover_item_id, item_count, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
        ON CONFLICT (owner_id, name_key) DO NOTHING
        RETURNING id
        """,
        owner_id,
        *_values(new),
        tx.now,
    )
    return int(row[0]) if row else None


async def update(tx: Tx, id_: int, fields: Fields) -> None:
    """Raises `UniqueViolation` if the owner has another collection of that name."""
    await tx.all(
        """
        UPDATE collection SET
          name = $2,
          name_key = $3,
          description = $4,
          is_public = $5,
          is_favorite = $6,
          folder_path = $7,
          cover_item_id = $8,
          item_count = $9,
          updated_at = $10
        WHERE id = $1
        """,
        id_,
        *_values(fields),
        tx.now,
    )


def _values(fields: Fields) -> tuple[object, ...]:
    return (
        fields.name.text,
        fields.name.key,
        fields.description,
        int(fields.is_public),
        int(fields.is_favorite),
        fields.folder_path,
        fields.cover_item_id,
        fields.item_count,
    )


async def delete(tx: Tx, id_: int) -> None:
    """Its memberships go with it, by the database's own cascade."""
    await tx.all("DELETE FROM collection WHERE id = $1", id_)


async def touch(tx: Tx, item_ids: Sequence[int]) -> None:
    """The disk did something to the items: the collections that show them have a new state."""
    await tx.all(
        """
        UPDATE collection SET revision = revision + 1 WHERE id IN (
          SELECT ci.collection_id FROM collection_item AS ci
          WHERE ci.item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))
        """,
        json_list(item_ids),
    )
