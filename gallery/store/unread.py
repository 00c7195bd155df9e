"""Items whose files are still to be read."""

from collections.abc import Iterable
from typing import NamedTuple

from gallery.database.engine import Reader
from gallery.store.lists import json_list


class Unread(NamedTuple):
    """An item whose file has not been read yet, as it was when it was listed."""

    id: int
    path: str
    size: int
    modified_at: int
    sidecar: int = 0


_STILL = """
  i.probed_at IS NULL AND i.missing_since = 0
  AND i.settled_at <= $2 AND (i.modified_at <= $3 OR i.modified_at > $4)
"""
"""It waits, and has no new size or time, neither by the clock of who looked nor by that of who
wrote. A file from the future tells nothing by its own time.
"""


def _still_since(milliseconds: int) -> tuple[int, int, int]:
    """The parameters $2 to $4."""
    return milliseconds, milliseconds * 1000, milliseconds * 1000 + 60_000_000


async def ready(
    reader: Reader, root_id: int, still_since: int, after: int, limit: int
) -> list[Unread]:
    """What waits behind the id `after` and is still since `still_since` (milliseconds)."""
    rows = await reader.all(
        f"""
        SELECT i.id, i.path, i.size, i.modified_at, i.sidecar FROM item AS i
        WHERE i.root_id = $1 AND {_STILL} AND i.id > $5
        ORDER BY i.id LIMIT $6
        """,
        root_id,
        *_still_since(still_since),
        after,
        limit,
    )
    return [Unread(*row) for row in rows]


async def ready_among(reader: Reader, item_ids: Iterable[int], still_since: int) -> list[Unread]:
    """Those of the items that wait to be read and are still since then (milliseconds)."""
    rows = await reader.all(
        f"""
        SELECT i.id, i.path, i.size, i.modified_at, i.sidecar FROM item AS i
        WHERE i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND {_STILL}
        """,
        json_list(item_ids),
        *_still_since(still_since),
    )
    return [Unread(*row) for row in rows]


async def count(reader: Reader, root_id: int) -> int:
    """How many items wait to be read."""
    row = await reader.one(
        "SELECT COUNT(*) FROM item WHERE root_id = $1 AND probed_at IS NULL AND missing_since = 0",
        root_id,
    )
    return int(row[0]) if row else 0
