"""Items whose files wait to be read, and the number of tries of each.

A try is counted before the file is opened. So a file that crashes the server, or that is being read
when the power fails, is known after the restart: it is read alone, after all others.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gallery.database.engine import Reader, Row, Tx
from gallery.store.lists import IDS_1, json_list
from gallery.store.planner import unindexed
from gallery.values import problems
from gallery.values.file_version import FileVersion
from gallery.values.ids import ItemId, RootId
from gallery.values.times import Millis


class Unread(NamedTuple):
    """An item whose file was not read yet, as it was listed.

    `tries` counts how often reading began and did not end.
    """

    id: ItemId
    path: str
    version: FileVersion
    sidecar: int = 0
    tries: int = 0


_UNREAD = "i.id, i.path, i.size, i.modified_at, i.sidecar, i.read_tries"


def _unread(row: Row) -> Unread:
    """Return a row of the columns `_UNREAD` as an item."""
    id_, path, size, modified_at, sidecar, tries = row
    return Unread(id_, path, FileVersion(size, modified_at), sidecar, tries)


_WAITS = "i.probed_at IS NULL AND i.missing_since = 0"
"""The condition of the index `item_unprobed`."""
_WAITS_AMONG = f"i.probed_at IS NULL AND {unindexed('i.missing_since')} = 0"
"""The same for items that are looked up one by one."""
_STILL = """
  ((i.settled_at <= $2 OR i.settled_at > $3) AND (i.modified_at <= $4 OR i.modified_at > $5))
"""
"""Size and time did not change lately, by the server's clock and by the time of the file.

A time in the future is ignored: it proves nothing.
"""
_FUTURE = 60_000
"""Milliseconds by which clocks may differ."""


def _still_since(milliseconds: Millis) -> tuple[int, int, int, int]:
    """Return the parameters $2 to $5."""
    future = milliseconds + _FUTURE
    return milliseconds, future, milliseconds * 1000, future * 1000


async def ready(
    reader: Reader, root_id: RootId, still_since: Millis, after: ItemId, limit: int
) -> list[Unread]:
    """Return items that were never tried and are unchanged since `still_since` (milliseconds).

    Their ids are greater than `after`, in order.
    """
    rows = await reader.all(
        f"""
        SELECT {_UNREAD} FROM item AS i
        WHERE i.root_id = $1 AND {_WAITS} AND {_STILL} AND i.read_tries = 0 AND i.id > $6
        ORDER BY i.id LIMIT $7
        """,
        root_id,
        *_still_since(still_since),
        after,
        limit,
    )
    return [_unread(row) for row in rows]


async def tried(reader: Reader, root_id: RootId, still_since: Millis, limit: int) -> list[Unread]:
    """Return items that were tried before, the least tried first. Each is to be read alone."""
    rows = await reader.all(
        f"""
        SELECT {_UNREAD} FROM item AS i
        WHERE i.root_id = $1 AND {_WAITS} AND {_STILL} AND i.read_tries > 0
        ORDER BY i.read_tries, i.id LIMIT $6
        """,
        root_id,
        *_still_since(still_since),
        limit,
    )
    return [_unread(row) for row in rows]


async def among(
    reader: Reader, item_ids: Iterable[ItemId], still_since: Millis
) -> tuple[list[Unread], list[ItemId]]:
    """Return those of the items that are ready, and the ids of those that changed lately.

    Items that were tried before are in neither list: they are read after the others (see `tried`).
    """
    rows = await reader.all(
        f"""
        SELECT {_UNREAD}, CASE WHEN {_STILL} THEN 1 ELSE 0 END
        FROM item AS i
        WHERE i.id IN {IDS_1} AND {_WAITS_AMONG}
          AND i.read_tries = 0
        """,
        json_list(item_ids),
        *_still_since(still_since),
    )
    ready = [_unread(item) for *item, is_still in rows if is_still]
    return ready, [id_ for id_, *_item, is_still in rows if not is_still]


async def begin(tx: Tx, item_ids: Iterable[ItemId]) -> None:
    """Count one more try of each item. Commit this before a file is opened."""
    await tx.all(
        f"""
        UPDATE item SET read_tries = read_tries + 1
        WHERE id IN {IDS_1}
        """,
        json_list(item_ids),
    )


async def withdraw(tx: Tx, item_ids: Iterable[ItemId]) -> None:
    """Take back the last try of each item, because it proves nothing about the file.

    The file could not be opened, changed meanwhile, or was not reached before the server stopped.
    """
    await tx.all(
        f"""
        UPDATE item SET read_tries = read_tries - 1
        WHERE id IN {IDS_1} AND read_tries > 0
        """,
        json_list(item_ids),
    )


async def roots_with_some(reader: Reader) -> set[RootId]:
    """Return the roots with items that wait to be read.

    Files that the server has no permission to read do not count: reading them depends on a person.
    """
    found = await reader.column(
        """
        SELECT r.id FROM root AS r WHERE EXISTS (
          SELECT 1 FROM item AS i
          WHERE i.root_id = r.id AND i.probed_at IS NULL AND i.missing_since = 0
            AND (i.problem IS NULL OR i.problem <> $1)
        )
        """,
        problems.FORBIDDEN,
    )
    return set(found)


async def count(reader: Reader, root_id: RootId) -> int:
    """Return how many items wait to be read."""
    return await reader.count(
        "SELECT COUNT(*) FROM item WHERE root_id = $1 AND probed_at IS NULL AND missing_since = 0",
        root_id,
    )
