"""Folders in the index."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.model import Folder
from gallery.store.lists import IDS_1, IDS_2, json_list
from gallery.store.planner import unindexed
from gallery.values import paths
from gallery.values.ids import FolderId, ItemId, RootId
from gallery.values.times import Micros, Millis
from gallery.values.urls import thumbnail_url
from gallery.values.words import natural_key

_PRESENCE = unindexed("i.missing_since")


class FolderRow(NamedTuple):
    """A folder in the index; `digest` is that of the listing with which its items agree."""

    id: FolderId
    missing: bool
    inode: int | None
    modified_at: Micros | None
    digest: str | None


async def known(reader: Reader, wanted: Iterable[str]) -> dict[str, FolderRow]:
    """Return the folder of each path that is, or was, a folder."""
    rows = await reader.all(
        """
        SELECT path, id, missing_since, inode, modified_at, digest FROM folder
        WHERE path IN (SELECT value FROM json_each($1))
        """,
        json_list(wanted),
    )
    return {
        path: FolderRow(id_, missing_since != 0, *rest) for path, id_, missing_since, *rest in rows
    }


async def by_inodes(reader: Reader, inodes: Iterable[int]) -> list[tuple[str, int, Micros]]:
    """Return (path, inode, modified_at) of every folder that has, or had, one of the inodes."""
    rows = await reader.all(
        f"""
        SELECT f.path, f.inode, f.modified_at FROM folder AS f
        WHERE f.inode IN {IDS_1}
        """,
        json_list(inodes),
    )
    return [(path, inode, modified_at) for path, inode, modified_at in rows]


async def digests(reader: Reader, root_id: RootId) -> dict[str, str]:
    """Return the digest of each folder of the root whose items agree with its last listing."""
    found = await reader.pairs(
        "SELECT path, digest FROM folder WHERE root_id = $1 AND digest IS NOT NULL", root_id
    )
    return dict(found)


async def children(reader: Reader, parents: Iterable[str]) -> list[tuple[str, str]]:
    """Return (parent, path) of the present folders directly inside each of `parents`."""
    return await reader.pairs(
        """
        SELECT parent, path FROM folder
        WHERE parent IN (SELECT value FROM json_each($1)) AND missing_since = 0
        """,
        json_list(parents),
    )


async def id_of(reader: Reader, path: str) -> FolderId | None:
    """Return the id of the present folder at `path`."""
    return await reader.value("SELECT id FROM folder WHERE path = $1 AND missing_since = 0", path)


async def inside(
    reader: Reader, path: str, after: str | None, limit: int
) -> tuple[list[Folder], str | None]:
    """Return a page of the present folders directly inside `path`, and where the next one begins.

    They are in natural order, at most `limit`, after the folder `after`. The next page begins after
    the second result; None follows the last page. The roots with names are inside the whole
    library, `""`. The cover of a folder is the first item, by path, in it or below.
    """
    names = await reader.column(
        """
        SELECT f.path FROM folder AS f
        WHERE (f.parent = $1 OR (f.parent IS NULL AND $1 = '')) AND f.path <> $1
          AND f.missing_since = 0
        """,
        path,
    )
    if len(names) > limit:
        page, following = await asyncio.to_thread(_page, names, after, limit)
    else:
        page, following = _page(names, after, limit)
    # Without `unindexed`, SQLite would read a whole index that begins with missing_since to find
    # the cover of each folder.
    rows = await reader.all(
        f"""
        SELECT
          f.path,
          f.item_count + COALESCE((
            SELECT CAST(SUM(b.item_count) AS BIGINT) FROM folder AS b
            WHERE b.path >= f.path || '/' AND b.path < f.path || '0'), 0),
          cover.id, cover.size, cover.modified_at
        FROM folder AS f LEFT JOIN item AS cover ON cover.id = (
          SELECT i.id FROM item AS i
          WHERE i.path >= f.path || '/' AND i.path < f.path || '0' AND {_PRESENCE} = 0
          ORDER BY i.path LIMIT 1)
        WHERE f.path IN (SELECT value FROM json_each($1))
        """,
        json_list(page),
    )
    found = {
        path: Folder(
            path,
            paths.name(path),
            count,
            None if cover is None else thumbnail_url(cover, size, modified_at),
        )
        for path, count, cover, size, modified_at in rows
    }
    return [found[path] for path in page], following


def _page(names: Iterable[str], after: str | None, limit: int) -> tuple[list[str], str | None]:
    ordered = sorted(names, key=_natural_order)
    first = 0 if after is None else bisect_right(ordered, _natural_order(after), key=_natural_order)
    page = ordered[first : first + limit]
    return page, page[-1] if len(ordered) > first + limit else None


def _natural_order(path: str) -> tuple[str, str]:
    return natural_key(paths.name(path)), path


async def count_items(tx: Tx, paths_: Iterable[str]) -> None:
    """Count the present items of the folders again."""
    await tx.all(
        """
        UPDATE folder SET item_count = (
          SELECT COUNT(*) FROM item AS i WHERE i.folder_id = folder.id AND i.missing_since = 0)
        WHERE path IN (SELECT value FROM json_each($1))
        """,
        json_list(paths_),
    )


async def count_more(tx: Tx, grown: Mapping[str, int]) -> None:
    """Add the number of new items to the count of each folder, where nothing else has changed."""
    await tx.many(
        "UPDATE folder SET item_count = item_count + $2 WHERE path = $1", sorted(grown.items())
    )


async def make_known(tx: Tx, root_id: RootId, top: str, found: Iterable[str]) -> None:
    """Mark the folders `found` and their parents up to the root folder `top` present."""
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
    """Mark the folder `gone` and all folders below it missing."""
    low, high = paths.below(gone)
    await tx.all(
        """
        UPDATE folder SET missing_since = $1, digest = NULL
        WHERE (path = $2 OR (path >= $3 AND path < $4)) AND missing_since = 0
        """,
        tx.now,
        gone,
        low,
        high,
    )


async def forget_digests(tx: Tx, paths_: Iterable[str], item_ids: Iterable[ItemId]) -> None:
    """Forget the digests of the folders, and of those of the items: they do not agree any more."""
    await tx.all(
        f"""
        UPDATE folder SET digest = NULL
        WHERE digest IS NOT NULL AND (
          path IN (SELECT value FROM json_each($1))
          OR id IN (
            SELECT i.folder_id FROM item AS i
            WHERE i.id IN {IDS_2}))
        """,
        json_list(paths_),
        json_list(item_ids),
    )


class ListedFolder(NamedTuple):
    """A folder as it was listed, with `file_count` media files directly inside."""

    path: str
    inode: int
    modified_at: Micros
    digest: str | None
    file_count: int


async def store_listed(tx: Tx, listed: Iterable[ListedFolder]) -> None:
    """Store the identities of folders, and the digest where the index has as many files."""
    await tx.many(
        """
        UPDATE folder SET
          inode = $2,
          modified_at = $3,
          digest = CASE
            WHEN CAST($4 AS TEXT) IS NULL THEN NULL
            WHEN CAST($5 AS BIGINT) = (
              SELECT COUNT(*) FROM item AS i WHERE i.folder_id = folder.id AND i.missing_since = 0
            ) THEN CAST($4 AS TEXT) END
        WHERE path = $1
        """,
        [tuple(folder) for folder in listed],
    )


async def forgettable(
    reader: Reader, root_id: RootId, before: Millis, limit: int
) -> list[FolderId]:
    """Return at most `limit` folders that are missing since before `before` and have no items."""
    return await reader.column(
        """
        SELECT f.id FROM folder AS f
        WHERE f.root_id = $1 AND f.missing_since <> 0 AND f.missing_since < $2
          AND NOT EXISTS (SELECT 1 FROM item AS i WHERE i.folder_id = f.id)
        ORDER BY f.id LIMIT $3
        """,
        root_id,
        before,
        limit,
    )


async def delete(tx: Tx, folder_ids: Iterable[FolderId]) -> None:
    """Delete folders. They must have no items, not even missing ones."""
    await tx.all(
        f"DELETE FROM folder WHERE id IN {IDS_1}",
        json_list(folder_ids),
    )
