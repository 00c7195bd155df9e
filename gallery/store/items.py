"""Items: the media files that the index knows."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gallery import paths
from gallery.database.engine import Reader, Row, Tx
from gallery.media_types import MediaType
from gallery.model import Item, Probed, media_url, picture_version
from gallery.store.lists import json_list

COLUMNS = """
  i.id, i.path, i.name, i.type, i.size, i.modified_at, i.width, i.height, i.duration,
  i.missing_since
"""
"""What `item_of` needs of `item AS i`."""

THE_ONE_AT_ITS_PATH = """
  (i.missing_since = 0 OR NOT EXISTS (
    SELECT 1 FROM item AS o
    WHERE o.path = i.path AND (o.missing_since = 0 OR o.missing_since > i.missing_since)))
"""
"""Of several items that were at one path, the present one counts, else the last that was there."""


def item_of(row: Row) -> Item:
    """An item as clients see it, from a row that begins with its `COLUMNS`."""
    id_, path, name, type_, size, modified_at, width, height, duration, missing_since, *_ = row
    return Item(
        id_,
        path,
        name,
        type_,
        path[: -len(name) - 1],
        media_url(path),
        f"/api/items/{id_}/thumbnail?size=small&v={picture_version(size, modified_at)}",
        None,
        width,
        height,
        None if duration is None else duration / 1000,
        None,
        missing_since != 0,
    )


class Located(NamedTuple):
    """An item as the rules of collections need it."""

    id: int
    path: str


async def by_paths(reader: Reader, wanted: Sequence[str]) -> dict[str, Located]:
    """The item at each of the paths that have one."""
    rows = await reader.all(
        f"""
        SELECT i.id, i.path
        FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1)) AND {THE_ONE_AT_ITS_PATH}
        """,
        json_list(wanted),
    )
    return {path: Located(id_, path) for id_, path in rows}


async def by_ids(reader: Reader, wanted: Sequence[int]) -> dict[int, Located]:
    """The items that have one of the ids."""
    rows = await reader.all(
        """
        SELECT i.id, i.path
        FROM item AS i
        WHERE i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        """,
        json_list(wanted),
    )
    return {id_: Located(id_, path) for id_, path in rows}


async def at(reader: Reader, path: str) -> Item | None:
    """The item at `path`, whole."""
    row = await reader.one(
        f"SELECT {COLUMNS} FROM item AS i WHERE i.path = $1 AND {THE_ONE_AT_ITS_PATH}", path
    )
    return item_of(row) if row else None


class Known(NamedTuple):
    """What the index knows of a file, to be compared with what the disk shows."""

    id: int
    folder_id: int
    name: str
    size: int
    modified_at: int
    inode: int
    missing_since: int


async def in_folders(reader: Reader, folder_ids: Iterable[int]) -> list[Known]:
    """Every item directly inside the folders, missing ones first and the latest of them last."""
    rows = await reader.all(
        """
        SELECT id, folder_id, name, size, modified_at, inode, missing_since
        FROM item
        WHERE folder_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        """,
        json_list(folder_ids),
    )
    known = [Known(*row) for row in rows]
    if any(item.missing_since for item in known):
        known.sort(key=lambda item: item.missing_since or 1 << 63)
    return known


class NewItem(NamedTuple):
    """A file that the index did not know."""

    folder_id: int
    path: str
    name: str
    type: MediaType
    size: int
    modified_at: int
    device: int
    inode: int


async def present_paths(reader: Reader, wanted: Sequence[str]) -> set[str]:
    """Which of the paths are those of present items."""
    rows = await reader.all(
        """
        SELECT i.path FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1)) AND i.missing_since = 0
        """,
        json_list(wanted),
    )
    return {path for (path,) in rows}


async def missing_among(reader: Reader, item_ids: Sequence[int]) -> set[int]:
    """Which of the items are marked missing."""
    rows = await reader.all(
        """
        SELECT i.id FROM item AS i
        WHERE i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND i.missing_since <> 0
        """,
        json_list(item_ids),
    )
    return {id_ for (id_,) in rows}


async def insert(tx: Tx, root_id: int, new: Sequence[NewItem]) -> None:
    await tx.many(
        """
        INSERT INTO item
          (root_id, folder_id, path, name, type, size, modified_at, device, inode, added_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        [(root_id, *item, tx.now) for item in new],
    )


class SeenItem(NamedTuple):
    """A known file as the disk shows it now."""

    id: int
    size: int
    modified_at: int
    device: int
    inode: int


async def update(tx: Tx, seen: Sequence[SeenItem]) -> None:
    """The files are present, and as described; what was read from other bytes is dropped."""
    await tx.many(
        """
        UPDATE item SET
          width = CASE WHEN size = $2 AND modified_at = $3 THEN width END,
          height = CASE WHEN size = $2 AND modified_at = $3 THEN height END,
          duration = CASE WHEN size = $2 AND modified_at = $3 THEN duration END,
          problem = CASE WHEN size = $2 AND modified_at = $3 THEN problem END,
          probed_at = CASE
            WHEN size = $2 AND modified_at = $3 AND problem IS NULL THEN probed_at END,
          size = $2,
          modified_at = $3,
          device = $4,
          inode = $5,
          missing_since = 0
        WHERE id = $1
        """,
        seen,
    )


async def mark_missing(tx: Tx, ids: Sequence[int]) -> list[int]:
    """The items are not on the disk any more; those of them that were present until now."""
    rows = await tx.all(
        """
        UPDATE item SET missing_since = $1
        WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($2)) AND missing_since = 0
        RETURNING id
        """,
        tx.now,
        json_list(ids),
    )
    return [id_ for (id_,) in rows]


async def present_below(reader: Reader, folder: str, limit: int) -> list[int]:
    """The ids of at most `limit` present items anywhere below `folder`."""
    low, high = paths.below(folder)
    rows = await reader.all(
        """
        SELECT id FROM item
        WHERE path >= $1 AND path < $2 AND missing_since = 0
        ORDER BY path LIMIT $3
        """,
        low,
        high,
        limit,
    )
    return [id_ for (id_,) in rows]


async def count_below(reader: Reader, folder: str) -> int:
    """How many present items are anywhere below `folder`."""
    low, high = paths.below(folder)
    row = await reader.one(
        "SELECT COUNT(*) FROM item WHERE path >= $1 AND path < $2 AND missing_since = 0", low, high
    )
    return int(row[0]) if row else 0


class Unprobed(NamedTuple):
    """An item whose file has not been read yet, as it was when it was listed."""

    id: int
    path: str
    size: int
    modified_at: int


async def unprobed(
    reader: Reader, root_id: int, still_since: int, after: int, limit: int
) -> list[Unprobed]:
    """What waits to be read behind the id `after` and is still since `still_since` (microseconds).

    A file from the future cannot be told from a still one by its time, so it counts as still.
    """
    rows = await reader.all(
        """
        SELECT id, path, size, modified_at FROM item
        WHERE root_id = $1 AND probed_at IS NULL AND missing_since = 0 AND id > $4
          AND (modified_at <= $2 OR modified_at > $3)
        ORDER BY id LIMIT $5
        """,
        root_id,
        still_since,
        still_since + 60_000_000,
        after,
        limit,
    )
    return [Unprobed(*row) for row in rows]


async def count_unprobed(reader: Reader, root_id: int) -> int:
    """How many items wait to be read."""
    row = await reader.one(
        "SELECT COUNT(*) FROM item WHERE root_id = $1 AND probed_at IS NULL AND missing_since = 0",
        root_id,
    )
    return int(row[0]) if row else 0


async def store_probed(tx: Tx, read: Sequence[tuple[Unprobed, Probed]]) -> None:
    """Keeps what was read, unless the file has changed since it was listed."""
    await tx.many(
        """
        UPDATE item SET width = $1, height = $2, duration = $3, problem = $4, probed_at = $5
        WHERE id = $6 AND size = $7 AND modified_at = $8
        """,
        [
            (p.width, p.height, p.duration, p.problem, tx.now, i.id, i.size, i.modified_at)
            for i, p in read
        ],
    )
