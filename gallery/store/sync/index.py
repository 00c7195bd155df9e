"""Changes of items to what the disk shows: new, changed, moved, missing and purged ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.model import NameKeys
from gallery.store.library import search_words
from gallery.store.lists import IDS_1, KEYED_2, json_list
from gallery.store.sync.metadata import READ_COLUMNS
from gallery.values.file_version import FileVersion
from gallery.values.ids import FolderId, ItemId, RootId
from gallery.values.media_types import MediaType
from gallery.values.times import Millis, file_time, month_of


class NewFile(NamedTuple):
    """A file that is not in the index."""

    folder_id: FolderId
    path: str
    name: str
    type: MediaType
    version: FileVersion
    inode: int
    sidecar: int


async def insert(tx: Tx, root_id: RootId, new: Sequence[NewFile]) -> None:
    """Insert items for the files. Until they are read, the time of the file is the time taken."""
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
                *(*NameKeys.of(item.name), *_file_time(item.version)),
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
    """A known file as it is on the disk now."""

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
"""The item is present, with this state of its file.

Metadata of other bytes is dropped, and what could not be read or rendered is tried again. $2 to $5
describe the file, $6 is now, $7 and $8 are the time and month of the file.
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
"""The file is another one, and the present one is to be remembered.

An earlier file that is remembered is kept: of several that come within moments, the first was
certain and the others were guesses. A file that is there since before $10, and was read, is no
guess any more. A file that was replaced before $9 is not needed any more. (On some disks each mount
gives all files new inodes and changes nothing else.)
"""


async def update(
    tx: Tx, seen: Sequence[SeenFile], guessed_since: Millis, believed_since: Millis
) -> None:
    """Store the present state of files at their paths.

    A file that another one has replaced is remembered. It does not take the place of one that was
    remembered since `guessed_since`, unless it was read and is unchanged since `believed_since`.
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
    """A known file and its present place."""

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
    """Return each of the items with its place."""
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
    """Move each item to its new path, also if items swap their paths.

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
                *NameKeys.of(item.name),
            )
            for item in placed
        ],
    )
    await search_words.rename(tx, [(item.id, item.name) for item in placed])


async def mark_missing(tx: Tx, lost: Mapping[ItemId, str], since: Millis) -> list[ItemId]:
    """Mark the items missing that are still present at these paths. Return their ids.

    Of several items that were at one path, each has a later time than the one before.
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
    """Delete items. They must be in no collection."""
    gone = json_list(item_ids)
    await search_words.delete(tx, gone)
    await tx.all(f"DELETE FROM item WHERE id IN {IDS_1}", gone)
