"""Files as the index has them, for comparison with the disk."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Row
from gallery.model import NameKeys
from gallery.store.lists import IDS_1, json_list
from gallery.store.planner import unindexed
from gallery.values import paths
from gallery.values.file_version import FileVersion
from gallery.values.ids import FolderId, ItemId, RootId
from gallery.values.times import Millis


class KnownItem(NamedTuple):
    """A file in the index, for comparison with the disk."""

    id: ItemId
    folder_id: FolderId
    name: str
    version: FileVersion
    inode: int
    missing_since: Millis
    added_at: Millis
    sidecar: int = 0


_PRESENCE = unindexed("missing_since")
_IS_KEPT = """
  CASE WHEN EXISTS (SELECT 1 FROM collection_item AS ci WHERE ci.item_id = i.id) THEN 1 ELSE 0 END
"""
_KNOWN = """
  i.id, i.folder_id, i.name, i.size, i.modified_at, i.inode, i.missing_since, i.added_at, i.sidecar
"""


def _known(row: Row) -> KnownItem:
    """Return a row of the columns `_KNOWN` as an item."""
    id_, folder_id, name, size, modified_at, inode, missing_since, added_at, sidecar = row
    version = FileVersion(size, modified_at)
    return KnownItem(id_, folder_id, name, version, inode, missing_since, added_at, sidecar)


async def in_folders(reader: Reader, folder_ids: Iterable[FolderId]) -> Sequence[Row]:
    """Return every item directly inside the folders, as rows for `in_order_of_loss`."""
    return await reader.all(
        f"""
        SELECT {_KNOWN} FROM item AS i
        WHERE i.folder_id IN {IDS_1}
        """,
        json_list(folder_ids),
    )


async def at_paths(reader: Reader, wanted: Sequence[str]) -> Sequence[Row]:
    """Return every item that is or was at one of the paths, as rows for `in_order_of_loss`."""
    return await reader.all(
        f"""
        SELECT {_KNOWN} FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1))
        """,
        json_list(wanted),
    )


def in_order_of_loss(rows: Iterable[Row]) -> list[KnownItem]:
    """Return the items of such rows: missing ones in order of their loss, then the present ones."""
    known = [_known(row) for row in rows]
    if any(item.missing_since for item in known):
        known.sort(key=lambda item: item.missing_since or 1 << 63)
    return known


class Former(NamedTuple):
    """An item that has, or had, an inode, and its path; `is_kept`: it is in a collection.

    `is_replaced`: it had the inode until another file replaced its own, and `item` is the state
    before that.
    """

    item: KnownItem
    path: str
    is_kept: bool
    is_replaced: bool


async def by_inodes(reader: Reader, inodes: Iterable[int], since: Millis) -> list[Former]:
    """Return every item whose file, or one of it replaced since `since` (ms), has such an inode."""
    rows = await reader.all(
        f"""
        SELECT {_KNOWN}, i.path, {_IS_KEPT}, 0
        FROM item AS i
        WHERE i.inode IN {IDS_1}
        UNION ALL
        SELECT
          i.id, i.folder_id, i.name, i.replaced_size, i.replaced_modified_at, i.replaced_inode,
          i.missing_since, i.added_at, i.sidecar, i.path, {_IS_KEPT}, 1
        FROM item AS i
        WHERE i.replaced_inode IN {IDS_1}
          AND i.settled_at >= $2
        """,
        json_list(inodes),
        since,
    )
    return [
        Former(_known(item), path, is_kept == 1, is_replaced == 1)
        for *item, path, is_kept, is_replaced in rows
    ]


async def kept_among(reader: Reader, item_ids: Iterable[ItemId]) -> set[ItemId]:
    """Return those of the items that are in a collection."""
    found = await reader.column(
        f"""
        SELECT DISTINCT ci.item_id FROM collection_item AS ci
        WHERE ci.item_id IN {IDS_1}
        """,
        json_list(item_ids),
    )
    return set(found)


class ItemPlace(NamedTuple):
    """The place of an item; of a missing one, the last."""

    root_id: RootId
    path: str
    missing_since: Millis
    folder_id: FolderId


async def places(reader: Reader, item_ids: Iterable[ItemId]) -> dict[ItemId, ItemPlace]:
    """Return the place of each of the items."""
    rows = await reader.all(
        f"""
        SELECT i.id, i.root_id, i.path, i.missing_since, i.folder_id FROM item AS i
        WHERE i.id IN {IDS_1}
        """,
        json_list(item_ids),
    )
    return {id_: ItemPlace(*rest) for id_, *rest in rows}


async def ids_at(reader: Reader, wanted: Iterable[str]) -> list[ItemId]:
    """Return every item that is or was at one of the paths."""
    return await reader.column(
        "SELECT i.id FROM item AS i WHERE i.path IN (SELECT value FROM json_each($1))",
        json_list(wanted),
    )


async def paired_with(
    reader: Reader, item_ids: Iterable[ItemId], wanted: Collection[str]
) -> list[ItemId]:
    """Return the items that may be paired with one of the items, or with one at the paths.

    Without collections there are none: the result only serves the revisions of collections.
    """
    return await reader.column(
        f"""
        WITH
          p (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($2)),
          s (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($3))
        SELECT k.id
        FROM item AS i CROSS JOIN item AS k
        WHERE EXISTS (SELECT 1 FROM collection_item AS ci WHERE ci.collection_id > 0)
          AND i.id IN {IDS_1}
          AND k.folder_id = i.folder_id AND k.stem = i.stem
        UNION
        SELECT k.id
        FROM p JOIN s ON s.k = p.k CROSS JOIN folder AS f CROSS JOIN item AS k
        WHERE EXISTS (SELECT 1 FROM collection_item AS ci WHERE ci.collection_id > 0)
          AND f.path = p.v AND k.folder_id = f.id AND k.stem = s.v
        """,
        json_list(item_ids),
        json_list(paths.parent(path) for path in wanted),
        json_list(NameKeys.of(paths.name(path)).stem for path in wanted),
    )


async def present_at(reader: Reader, wanted: Iterable[str]) -> dict[str, tuple[ItemId, int]]:
    """Return (id, inode) of the present item at each path that has one."""
    rows = await reader.all(
        """
        SELECT i.path, i.id, i.inode FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1)) AND i.missing_since = 0
        """,
        json_list(wanted),
    )
    return {path: (id_, inode) for path, id_, inode in rows}


async def present_below(reader: Reader, folder: str, limit: int) -> dict[ItemId, str]:
    """Return the ids and paths of at most `limit` present items anywhere below `folder`."""
    low, high = paths.below(folder)
    found = await reader.pairs(
        f"""
        SELECT id, path FROM item
        WHERE path >= $1 AND path < $2 AND {_PRESENCE} = 0
        ORDER BY path LIMIT $3
        """,
        low,
        high,
        limit,
    )
    return dict(found)


async def count_below(reader: Reader, folder: str) -> int:
    """Return how many present items are anywhere below `folder`."""
    low, high = paths.below(folder)
    return await reader.count(
        f"SELECT COUNT(*) FROM item WHERE path >= $1 AND path < $2 AND {_PRESENCE} = 0", low, high
    )


async def missing_lately(
    reader: Reader, root_id: RootId, since: Millis, after: ItemId
) -> list[ItemId]:
    """Return at most 1,000 items that are missing since `since` (ms), with ids after `after`."""
    return await reader.column(
        """
        SELECT id FROM item
        WHERE root_id = $1 AND missing_since <> 0 AND missing_since >= $2 AND id > $3
        ORDER BY id LIMIT 1000
        """,
        root_id,
        since,
        after,
    )


async def forgettable(reader: Reader, root_id: RootId, before: Millis, limit: int) -> list[ItemId]:
    """Return at most `limit` items that are missing since before `before` and in no collection."""
    return await reader.column(
        """
        SELECT i.id FROM item AS i
        WHERE i.root_id = $1 AND i.missing_since <> 0 AND i.missing_since < $2
          AND NOT EXISTS (SELECT 1 FROM collection_item AS ci WHERE ci.item_id = i.id)
        ORDER BY i.missing_since LIMIT $3
        """,
        root_id,
        before,
        limit,
    )
