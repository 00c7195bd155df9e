"""Folders that the index knows."""

from collections.abc import Iterable
from typing import NamedTuple

from gallery import paths
from gallery.database.engine import Reader, Tx
from gallery.store.lists import json_list


async def exists(reader: Reader, path: str) -> bool:
    """Whether the index knows `path` as a folder that is present."""
    row = await reader.one("SELECT 1 FROM folder WHERE path = $1 AND missing_since = 0", path)
    return row is not None


class Known(NamedTuple):
    """A folder that the index knows."""

    id: int
    missing: bool


async def known(reader: Reader, wanted: Iterable[str]) -> dict[str, Known]:
    """What is known of each of the paths that is, or was, a folder."""
    rows = await reader.all(
        """
        SELECT path, id, missing_since FROM folder
        WHERE path IN (SELECT value FROM json_each($1))
        """,
        json_list(wanted),
    )
    return {path: Known(id_, missing_since != 0) for path, id_, missing_since in rows}


async def children(reader: Reader, parents: Iterable[str]) -> list[tuple[str, str]]:
    """(parent, path) of the present folders directly inside each of `parents`."""
    rows = await reader.all(
        """
        SELECT parent, path FROM folder
        WHERE parent IN (SELECT value FROM json_each($1)) AND missing_since = 0
        """,
        json_list(parents),
    )
    return [(parent, path) for parent, path in rows]


async def make_known(tx: Tx, root_id: int, top: str, found: Iterable[str]) -> None:
    """The folders `found` are present, and so are those above them up to the root's own, `top`."""
    present = {top} | {
        folder for path in found for folder in paths.ancestors(path) if paths.covers(top, folder)
    }
    await tx.many(
        """
        INSERT INTO folder (root_id, path, parent) VALUES ($1, $2, $3)
        ON CONFLICT (path) DO UPDATE SET missing_since = 0
        """,
        [(root_id, path, None if path == top else paths.parent(path)) for path in sorted(present)],
    )


async def mark_missing(tx: Tx, gone: str) -> None:
    """The folder `gone` is not there any more, and so is nothing below it."""
    low, high = paths.below(gone)
    await tx.all(
        """
        UPDATE folder SET missing_since = $1
        WHERE (path = $2 OR (path >= $3 AND path < $4)) AND missing_since = 0
        """,
        tx.now,
        gone,
        low,
        high,
    )
