"""Items that may be one moved file, and the merge of their rows."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.store.lists import IDS_1, PAIRS, json_list
from gallery.store.pictures.thumbnails import DRAWN_COLUMNS
from gallery.store.sync import metadata
from gallery.store.sync.metadata import READ_COLUMNS, SORT_COLUMNS
from gallery.values.file_version import FileVersion
from gallery.values.ids import ItemId, RootId
from gallery.values.times import Millis

MAX_COPIES = 100
"""Moves are not looked for among more files than this with the same bytes."""


class MatchCandidate(NamedTuple):
    """An item with the same bytes as another one, or with the same inode, size and time."""

    id: ItemId
    root_id: RootId
    path: str
    name: str
    version: FileVersion
    inode: int
    fingerprint: str | None
    added_at: Millis
    missing_since: Millis
    first_scan: Millis | None
    """When the first scan of its root ended."""
    collections: int
    """The number of collections that it is in."""


async def lookalikes(reader: Reader, item_ids: Iterable[ItemId]) -> list[MatchCandidate]:
    """Return the items that share inode or bytes with a missing item and with one of `item_ids`.

    Groups of more than `MAX_COPIES` with the same bytes are left out: their moves cannot be
    distinguished.
    """
    rows = await reader.all(
        f"""
        WITH
          these AS MATERIALIZED (
            SELECT i.inode, i.fingerprint FROM item AS i
            WHERE i.id IN {IDS_1}),
          bytes AS MATERIALIZED (
            SELECT DISTINCT t.fingerprint FROM these AS t
            WHERE EXISTS (
                SELECT 1 FROM item AS m
                WHERE m.fingerprint = t.fingerprint AND m.missing_since > 0)
              AND NOT EXISTS (
                SELECT 1 FROM item AS c WHERE c.fingerprint = t.fingerprint
                ORDER BY c.fingerprint LIMIT 1 OFFSET $2)),
          inodes AS MATERIALIZED (
            SELECT DISTINCT t.inode FROM these AS t
            WHERE EXISTS (
              SELECT 1 FROM item AS m WHERE m.inode = t.inode AND m.missing_since > 0))
        SELECT
          i.id, i.root_id, i.path, i.name, i.size, i.modified_at, i.inode, i.fingerprint,
          i.added_at, i.missing_since, r.first_scan,
          (SELECT COUNT(*) FROM collection_item AS ci WHERE ci.item_id = i.id)
        FROM item AS i JOIN root AS r ON r.id = i.root_id
        WHERE i.id IN (
          SELECT a.id FROM item AS a WHERE a.inode IN (SELECT inode FROM inodes)
          UNION
          SELECT b.id FROM item AS b WHERE b.fingerprint IN (SELECT fingerprint FROM bytes))
        """,
        json_list(item_ids),
        MAX_COPIES,
    )
    return [
        MatchCandidate(id_, root_id, path, name, FileVersion(size, modified_at), *rest)
        for id_, root_id, path, name, size, modified_at, *rest in rows
    ]


class Merge(NamedTuple):
    """Two items that are one file: the older one stays, at the place of the younger."""

    older: ItemId
    younger: ItemId


_FILE_COLUMNS = ("size", "modified_at", "sidecar", "probed_at", "read_tries")
_DESCRIBED = ", ".join(
    f"{column} = y.{column}"
    for column in (*_FILE_COLUMNS, *READ_COLUMNS, *SORT_COLUMNS, *DRAWN_COLUMNS)
)

_REMEMBERED = """
  replaced_inode = CASE WHEN item.inode <> y.inode THEN item.inode ELSE item.replaced_inode END,
  replaced_size = CASE WHEN item.inode <> y.inode THEN item.size ELSE item.replaced_size END,
  replaced_modified_at =
    CASE WHEN item.inode <> y.inode THEN item.modified_at ELSE item.replaced_modified_at END,
  settled_at = CASE WHEN item.inode <> y.inode THEN CAST($3 AS BIGINT) ELSE y.settled_at END
"""
"""Remember the former file of the older item.

A merge because of equal bytes is a guess: the younger item may be a copy, and the file of the older
one may be moving to a folder that was not listed yet. If it appears there within an hour, the item
follows it.
"""


async def take_over(tx: Tx, pairs: Sequence[Merge]) -> None:
    """Give metadata and memberships of the younger items to the older ones, and delete the younger.

    Where both are members, the older one keeps its place. A cover changes to the older one.
    """
    older, younger = json_list(f.older for f in pairs), json_list(f.younger for f in pairs)
    # Count down for collections that have both items: one of their memberships is deleted below.
    await tx.all(
        f"""
        WITH
          {PAIRS},
          gone (id, n) AS MATERIALIZED (
            SELECT mine.collection_id, COUNT(*)
            FROM o JOIN y ON y.k = o.k
              JOIN collection_item AS mine ON mine.item_id = o.v
              JOIN collection_item AS other
                ON other.item_id = y.v AND other.collection_id = mine.collection_id
            GROUP BY mine.collection_id)
        UPDATE collection SET item_count = item_count - gone.n FROM gone
        WHERE collection.id = gone.id
        """,
        older,
        younger,
    )
    await tx.all(
        f"""
        WITH {PAIRS}
        INSERT INTO collection_item (collection_id, item_id, position)
        SELECT ci.collection_id, o.v, ci.position
        FROM y JOIN collection_item AS ci ON ci.item_id = y.v JOIN o ON o.k = y.k
        WHERE true ORDER BY ci.collection_id, o.v
        ON CONFLICT (collection_id, item_id) DO NOTHING
        """,
        older,
        younger,
    )
    await tx.all(
        f"""
        WITH {PAIRS}
        UPDATE collection SET cover_item_id = o.v FROM o JOIN y ON y.k = o.k
        WHERE collection.cover_item_id = y.v
        """,
        older,
        younger,
    )
    await tx.all(
        f"""
        DELETE FROM collection_item
        WHERE item_id IN {IDS_1}
        """,
        younger,
    )
    await tx.many(
        f"""
        UPDATE item SET {_DESCRIBED}, {_REMEMBERED} FROM item AS y
        WHERE y.id = $2 AND item.id = $1
        """,
        [(*pair, tx.now) for pair in pairs],
    )
    await metadata.take_over(tx, older, younger)
    await tx.all(f"DELETE FROM item WHERE id IN {IDS_1}", younger)
