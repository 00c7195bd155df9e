"""Bringing items to what the disk shows: new ones, changed, moved, missing and forgotten ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.model import Named
from gallery.store.library import search_words
from gallery.store.lists import IDS_1, KEYED_2, json_list
from gallery.store.sync.metadata import READ_COLUMNS
from gallery.values.file_version import FileVersion
from gallery.values.ids import FolderId, ItemId, RootId
from gallery.values.media_types import MediaType
from gallery.values.times import Millis, file_time, month_of


class NewFile(NamedTuple):
    """A file that the index did not know."""

    folder_id: FolderId
    path: str
    name: str
    type: MediaType
    version: FileVersion
    inode: int
    sidecar: int


async def insert(tx: Tx, root_id: RootId, new: Sequence[NewFile]) -> None:
    """The files are items; until they are read, the time of the file stands for that of taking."""
    await tx.many(
        """
        INSERT INTO item
          (root_id, folder_id, path, name, type, size, modified_at, inode, sidecar, added_at,
           settled_at, sort_name, stem, extension, taken_at, taken_local, taken_month)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $14, $15)
        """,
        [
            (
                *(root_id, item.folder_id, item.path, item.name, item.type),
                *(*item.version, item.inode, item.sidecar, tx.now),
                *(*Named.of(item.name), *_file_time(item.version)),
            )
            for item in new
        ],
    )
    rows = await tx.all(
        """
        SELECT i.id, i.name FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1)) AND i.missing_since = 0
        """,
        json_list(item.path for item in new),
    )
    await search_words.insert(tx, [(id_, name) for id_, name in rows])


def _file_time(version: FileVersion) -> tuple[int, int]:
    """Return the time of a file in milliseconds, and its month."""
    taken = file_time(version.modified_at)
    return taken, month_of(taken)


class SeenFile(NamedTuple):
    """A known file as the disk shows it now."""

    id: ItemId
    version: FileVersion
    inode: int
    sidecar: int


_SAME = "size = $2 AND modified_at = $3"
_AS_SEEN = f"""
  {", ".join(f"{column} = CASE WHEN {_SAME} THEN {column} END" for column in READ_COLUMNS)},
  thumbhash = CASE WHEN {_SAME} THEN thumbhash END,
  drawn_at = CASE WHEN {_SAME} AND thumbhash IS NOT NULL THEN drawn_at END,
  taken_at = CASE WHEN {_SAME} THEN taken_at ELSE $7 END,
  taken_local = CASE WHEN {_SAME} THEN taken_local ELSE $7 END,
  taken_month = CASE WHEN {_SAME} THEN taken_month ELSE $8 END,
  rating = CASE WHEN {_SAME} THEN rating ELSE 0 END,
  probed_at = CASE WHEN {_SAME} AND sidecar = $5 AND problem IS NULL THEN probed_at END,
  settled_at = CASE WHEN {_SAME} AND sidecar = $5 THEN settled_at ELSE $6 END,
  read_tries = CASE WHEN {_SAME} AND sidecar = $5 THEN read_tries ELSE 0 END,
  size = $2,
  modified_at = $3,
  inode = $4,
  sidecar = $5,
  missing_since = 0
"""
"""The file is present and as described; what was read from other bytes is dropped, and what
could not be read or drawn is tried again.

$2 to $5 describe it, $6 is now, $7 and $8 are the time and month of the file.
"""


def _as_seen(item: "SeenFile | PlacedItem", now: Millis) -> tuple[int, ...]:
    """Return the parameters $2 to $8 of `_AS_SEEN`."""
    return (*item.version, item.inode, item.sidecar, now, *_file_time(item.version))


_IS_REPLACED = """
  inode <> $4 AND (size <> $2 OR modified_at <> $3)
  AND (
    replaced_inode IS NULL
    OR (probed_at IS NOT NULL AND settled_at < $10)
    OR settled_at < $9)
"""
"""It is another file, and none is remembered in place of this one yet: of several that come within
moments the first is certain, what came after it were guesses. What has been there since $10, and
was read, is no guess any more. (On some disks each mount gives all files new inodes, and changes
nothing else.)
"""


async def update(
    tx: Tx, seen: Sequence[SeenFile], guessed_since: Millis, believed_since: Millis
) -> None:
    """The files are at their paths, and as described.

    The file that another one has replaced is remembered, unless an earlier one since
    `guessed_since` is, whose own replacement has not been there since `believed_since`.
    """
    await tx.many(
        f"""
        UPDATE item SET
          replaced_inode = CASE WHEN {_IS_REPLACED} THEN inode ELSE replaced_inode END,
          replaced_size = CASE WHEN {_IS_REPLACED} THEN size ELSE replaced_size END,
          replaced_modified_at =
            CASE WHEN {_IS_REPLACED} THEN modified_at ELSE replaced_modified_at END,
          {_AS_SEEN}
        WHERE id = $1
        """,
        [(item.id, *_as_seen(item, tx.now), guessed_since, believed_since) for item in seen],
    )


class PlacedItem(NamedTuple):
    """A known file and where it is now."""

    id: ItemId
    version: FileVersion
    inode: int
    sidecar: int
    root_id: RootId
    folder_id: FolderId
    path: str
    name: str
    type: MediaType


async def whole(reader: Reader, item_ids: Iterable[ItemId]) -> dict[ItemId, PlacedItem]:
    """Each of the items and its place."""
    rows = await reader.all(
        f"""
        SELECT
          i.id, i.size, i.modified_at, i.inode, i.sidecar, i.root_id, i.folder_id, i.path, i.name,
          i.type
        FROM item AS i WHERE i.id IN {IDS_1}
        """,
        json_list(item_ids),
    )
    return {
        id_: PlacedItem(id_, FileVersion(size, modified_at), *rest)
        for id_, size, modified_at, *rest in rows
    }


async def put(tx: Tx, placed: Sequence[PlacedItem]) -> None:
    """Puts each item at its new path, also where they change places among themselves.

    No other present item may be at one of the paths.
    """
    await tx.all(
        f"""
        UPDATE item SET missing_since = -id
        WHERE id IN {IDS_1}
        """,
        json_list(item.id for item in placed),
    )
    await tx.many(
        f"""
        UPDATE item SET
          {_AS_SEEN},
          replaced_inode = CASE WHEN replaced_inode <> $4 THEN replaced_inode END,
          root_id = $9,
          folder_id = $10,
          path = $11,
          name = $12,
          type = $13,
          sort_name = $14,
          stem = $15,
          extension = $16
        WHERE id = $1
        """,
        [
            (
                item.id,
                *_as_seen(item, tx.now),
                *(item.root_id, item.folder_id, item.path, item.name, item.type),
                *Named.of(item.name),
            )
            for item in placed
        ],
    )
    await search_words.rename(tx, [(item.id, item.name) for item in placed])


async def mark_missing(tx: Tx, lost: Mapping[ItemId, str], since: Millis) -> list[ItemId]:
    """The items are not on the disk any more; those that were present at these paths until now.

    Of several that were at one path, each is missing since later than the one before.
    """
    return await tx.column(
        f"""
        WITH
          i (k, v) AS MATERIALIZED {KEYED_2},
          p (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($3))
        UPDATE item SET missing_since = COALESCE(
          (SELECT MAX(o.missing_since) + 1 FROM item AS o
           WHERE o.path = item.path AND o.missing_since >= $1),
          $1)
        FROM i JOIN p ON p.k = i.k
        WHERE item.id = i.v AND item.path = p.v AND item.missing_since = 0
        RETURNING id
        """,
        since,
        json_list(lost),
        json_list(lost.values()),
    )


async def delete(tx: Tx, item_ids: Iterable[ItemId]) -> None:
    """The items must be in no collection."""
    gone = json_list(item_ids)
    await search_words.delete(tx, gone)
    await tx.all(f"DELETE FROM item WHERE id IN {IDS_1}", gone)
