"""The folders that are scopes of collections."""

from collections.abc import Iterable

from gallery.database.engine import Reader, Tx
from gallery.store.lists import json_list
from gallery.values import paths
from gallery.values.times import Millis


async def lost(reader: Reader, among: Iterable[str]) -> list[str]:
    """Return those of the folders that are scopes of collections and missing."""
    return await reader.column(
        """
        SELECT DISTINCT c.folder_path
        FROM collection AS c JOIN folder AS f ON f.path = c.folder_path
        WHERE c.folder_path IN (SELECT value FROM json_each($1)) AND f.missing_since <> 0
        """,
        json_list(among),
    )


async def count_left(reader: Reader, folder: str, since: Millis) -> int:
    """Return how many items are below `folder`, or were there at the time `since`."""
    low, high = paths.below(folder)
    return await reader.count(
        """
        SELECT COUNT(*) FROM item
        WHERE path >= $1 AND path < $2 AND (missing_since = 0 OR missing_since >= $3)
        """,
        low,
        high,
        since,
    )


async def rename(tx: Tx, former: str, path: str) -> None:
    """Change the scopes `former`, and those below it, to `path`."""
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
