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


_WAITS = "i.probed_at IS NULL AND i.missing_since = 0"
_STILL = "(i.settled_at <= $2 AND (i.modified_at <= $3 OR i.modified_at > $4))"
"""It has no new size or time, neither by the clock of who looked nor by that of who wrote. A file
from the future tells nothing by its own time.
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
        WHERE i.root_id = $1 AND {_WAITS} AND {_STILL} AND i.id > $5
        ORDER BY i.id LIMIT $6
        """,
        root_id,
        *_still_since(still_since),
        after,
        limit,
    )
    return [Unread(*row) for row in rows]


async def among(
    reader: Reader, item_ids: Iterable[int], still_since: int
) -> tuple[list[Unread], list[int]]:
    """Of the items those that wait: what is still since then (ms), and the ids of the rest."""
    rows = await reader.all(
        f"""
        SELECT
          i.id, i.path, i.size, i.modified_at, i.sidecar, CASE WHEN {_STILL} THEN 1 ELSE 0 END
        FROM item AS i
        WHERE i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND {_WAITS}
        """,
        json_list(item_ids),
        *_still_since(still_since),
    )
    ready = [Unread(*row) for *row, is_still in rows if is_still]
    return ready, [row[0] for row in rows if not row[-1]]


async def count(reader: Reader, root_id: int) -> int:
    """How many items wait to be read."""
    row = await reader.one(
        "SELECT COUNT(*) FROM item WHERE root_id = $1 AND probed_at IS NULL AND missing_since = 0",
        root_id,
    )
    return int(row[0]) if row else 0
