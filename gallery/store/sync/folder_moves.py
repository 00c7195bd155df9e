"""The folders that collections are bound to."""

from collections.abc import Iterable

from gallery.database.engine import Reader, Tx
from gallery.store.lists import json_list
from gallery.values import paths


async def lost(reader: Reader, among: Iterable[str]) -> list[str]:
    """Which of the folders are the scope of a collection and not on the disk any more."""
    rows = await reader.all(
        """
        SELECT DISTINCT c.folder_path
        FROM collection AS c JOIN folder AS f ON f.path = c.folder_path
        WHERE c.folder_path IN (SELECT value FROM json_each($1)) AND f.missing_since <> 0
        """,
        json_list(among),
    )
    return [path for (path,) in rows]


async def count_left(reader: Reader, folder: str, since: int) -> int:
    """How many items are below `folder`, or were there at the time `since`."""
    low, high = paths.below(folder)
    row = await reader.one(
        """
        SELECT COUNT(*) FROM item
        WHERE path >= $1 AND path < $2 AND (missing_since = 0 OR missing_since >= $3)
        """,
        low,
        high,
        since,
    )
    return int(row[0]) if row else 0


async def rename(tx: Tx, former: str, path: str) -> None:
    """The collections bound to `former`, or to a folder below it, follow it to `path`."""
    low, high = paths.below(former)
    await tx.all(
        """
        UPDATE collection SET
          folder_path = CAST($2 AS TEXT) || substr(folder_path, CAST($3 AS INTEGER)),
          revision = revision + 1
        WHERE folder_path = $1 OR (folder_path >= $4 AND folder_path < $5)
        """,
        former,
        path,
        len(former) + 1,
        low,
        high,
    )
