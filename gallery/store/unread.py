"""Items whose files are still to be read."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gallery.database.engine import Reader, Tx
from gallery.model import Probed


class Unread(NamedTuple):
    """An item whose file has not been read yet, as it was when it was listed."""

    id: int
    path: str
    size: int
    modified_at: int


async def ready(
    reader: Reader, root_id: int, still_since: int, after: int, limit: int
) -> list[Unread]:
    """What waits to be read behind the id `after` and is still since `still_since` (milliseconds).

    To be still is to have no new size or time, neither by the clock of who looked nor by that of
    who wrote. A file from the future tells nothing by its own time.
    """
    rows = await reader.all(
        """
        SELECT id, path, size, modified_at FROM item
        WHERE root_id = $1 AND probed_at IS NULL AND missing_since = 0 AND id > $5
          AND settled_at <= $2 AND (modified_at <= $3 OR modified_at > $4)
        ORDER BY id LIMIT $6
        """,
        root_id,
        still_since,
        still_since * 1000,
        still_since * 1000 + 60_000_000,
        after,
        limit,
    )
    return [Unread(*row) for row in rows]


async def count(reader: Reader, root_id: int) -> int:
    """How many items wait to be read."""
    row = await reader.one(
        "SELECT COUNT(*) FROM item WHERE root_id = $1 AND probed_at IS NULL AND missing_since = 0",
        root_id,
    )
    return int(row[0]) if row else 0


async def store(tx: Tx, read: Sequence[tuple[Unread, Probed]]) -> None:
    """Keeps what was read, unless the file has changed since it was listed."""
    await tx.many(
        """
        UPDATE item SET
          width = $1, height = $2, duration = $3, problem = $4, fingerprint = $5, probed_at = $6
        WHERE id = $7 AND size = $8 AND modified_at = $9
        """,
        [
            (*msgspec.structs.astuple(found), tx.now, item.id, item.size, item.modified_at)
            for item, found in read
        ],
    )
