"""Files as the index knows them, to be compared with what the disk shows."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Row
from gallery.model import Named
from gallery.store.lists import json_list
from gallery.values import paths


class KnownItem(NamedTuple):
    """What the index knows of a file, to be compared with what the disk shows."""

    id: int
    folder_id: int
    name: str
    size: int
    modified_at: int
    inode: int
    missing_since: int
    added_at: int
    sidecar: int = 0


_IS_KEPT = """
  CASE WHEN EXISTS (SELECT 1 FROM collection_item AS ci WHERE ci.item_id = i.id) THEN 1 ELSE 0 END
"""
_KNOWN = """
  i.id, i.folder_id, i.name, i.size, i.modified_at, i.inode, i.missing_since, i.added_at, i.sidecar
"""


async def in_folders(reader: Reader, folder_ids: Iterable[int]) -> Sequence[Row]:
    """Every item directly inside the folders, for `in_order_of_loss`: it may be many."""
    return await reader.all(
        f"""
        SELECT {_KNOWN} FROM item AS i
        WHERE i.folder_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        """,
        json_list(folder_ids),
    )


async def at_paths(reader: Reader, wanted: Sequence[str]) -> Sequence[Row]:
    """Every item that is or was at one of the paths, for `in_order_of_loss`."""
    return await reader.all(
        f"""
        SELECT {_KNOWN} FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1))
        """,
        json_list(wanted),
    )


def in_order_of_loss(rows: Iterable[Row]) -> list[KnownItem]:
    """The items of such rows, missing ones first and the latest of them last."""
    known = [KnownItem(*row) for row in rows]
    if any(item.missing_since for item in known):
        known.sort(key=lambda item: item.missing_since or 1 << 63)
    return known


class Former(NamedTuple):
    """An item that has, or had, an inode, and its path; `is_kept`: it is in a collection.

    `is_replaced`: it had that inode until another file took the place of its own, and `item` is as
    it was before.
    """

    item: KnownItem
    path: str
    is_kept: bool
    is_replaced: bool


async def by_inodes(reader: Reader, inodes: Iterable[int], since: int) -> list[Former]:
    """Every item whose file has one of the inodes, had it, or was replaced since then (ms)."""
    rows = await reader.all(
        f"""
        SELECT {_KNOWN}, i.path, {_IS_KEPT}, 0
        FROM item AS i
        WHERE i.inode IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        UNION ALL
        SELECT
          i.id, i.folder_id, i.name, i.replaced_size, i.replaced_modified_at, i.replaced_inode,
          i.missing_since, i.added_at, i.sidecar, i.path, {_IS_KEPT}, 1
        FROM item AS i
        WHERE i.replaced_inode IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
          AND i.settled_at >= $2
        """,
        json_list(inodes),
        since,
    )
    return [Former(KnownItem(*row[:9]), row[9], row[10] == 1, row[11] == 1) for row in rows]


async def kept_among(reader: Reader, item_ids: Iterable[int]) -> set[int]:
    """Which of the items are in a collection."""
    rows = await reader.all(
        """
        SELECT DISTINCT ci.item_id FROM collection_item AS ci
        WHERE ci.item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        """,
        json_list(item_ids),
    )
    return {id_ for (id_,) in rows}


class ItemPlace(NamedTuple):
    """Where an item is, or was while it was not missing."""

    root_id: int
    path: str
    missing_since: int
    folder_id: int


async def places(reader: Reader, item_ids: Iterable[int]) -> dict[int, ItemPlace]:
    """Where each of the items is."""
    rows = await reader.all(
        """
        SELECT i.id, i.root_id, i.path, i.missing_since, i.folder_id FROM item AS i
        WHERE i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        """,
        json_list(item_ids),
    )
    return {id_: ItemPlace(*rest) for id_, *rest in rows}


async def ids_at(reader: Reader, wanted: Iterable[str]) -> list[int]:
    """Every item that is or was at one of the paths."""
    rows = await reader.all(
        "SELECT i.id FROM item AS i WHERE i.path IN (SELECT value FROM json_each($1))",
        json_list(wanted),
    )
    return [id_ for (id_,) in rows]


async def paired_with(
    reader: Reader, item_ids: Iterable[int], wanted: Collection[str]
) -> list[int]:
    """What may be shown as paired with one of the items, or with what is or was at a path.

    None where there are no collections: only their readers have to be told.
    """
    rows = await reader.all(
        """
        WITH
          p (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($2)),
          s (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($3))
        SELECT k.id
        FROM item AS i CROSS JOIN item AS k
        WHERE EXISTS (SELECT 1 FROM collection_item AS ci WHERE ci.collection_id > 0)
          AND i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
          AND k.folder_id = i.folder_id AND k.stem = i.stem
        UNION
        SELECT k.id
        FROM p JOIN s ON s.k = p.k CROSS JOIN folder AS f CROSS JOIN item AS k
        WHERE EXISTS (SELECT 1 FROM collection_item AS ci WHERE ci.collection_id > 0)
          AND f.path = p.v AND k.folder_id = f.id AND k.stem = s.v
        """,
        json_list(item_ids),
        json_list(paths.parent(path) for path in wanted),
        json_list(Named.of(paths.name(path)).stem for path in wanted),
    )
    return [id_ for (id_,) in rows]


async def present_at(reader: Reader, wanted: Iterable[str]) -> dict[str, tuple[int, int]]:
    """(id, inode) of the item that is present at each of the paths that have one."""
    rows = await reader.all(
        """
        SELECT i.path, i.id, i.inode FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1)) AND i.missing_since = 0
        """,
        json_list(wanted),
    )
    return {path: (id_, inode) for path, id_, inode in rows}


async def present_below(reader: Reader, folder: str, limit: int) -> dict[int, str]:
    """The ids and paths of at most `limit` present items anywhere below `folder`."""
    low, high = paths.below(folder)
    rows = await reader.all(
        """
        SELECT id, path FROM item
        WHERE path >= $1 AND path < $2 AND +missing_since = 0
        ORDER BY path LIMIT $3
        """,
        low,
        high,
        limit,
    )
    return {row[0]: row[1] for row in rows}


async def count_below(reader: Reader, folder: str) -> int:
    """How many present items are anywhere below `folder`."""
    low, high = paths.below(folder)
    row = await reader.one(
        "SELECT COUNT(*) FROM item WHERE path >= $1 AND path < $2 AND +missing_since = 0", low, high
    )
    return int(row[0]) if row else 0


async def missing_lately(reader: Reader, root_id: int, since: int, after: int) -> list[int]:
    """At most 1,000 items missing since then (ms) or later, behind the id `after`."""
    rows = await reader.all(
        """
        SELECT id FROM item
        WHERE root_id = $1 AND missing_since <> 0 AND missing_since >= $2 AND id > $3
        ORDER BY id LIMIT 1000
        """,
        root_id,
        since,
        after,
    )
    return [id_ for (id_,) in rows]


async def forgettable(reader: Reader, root_id: int, before: int, limit: int) -> list[int]:
    """At most `limit` items missing since before then that are in no collection."""
    rows = await reader.all(
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
    return [id_ for (id_,) in rows]
