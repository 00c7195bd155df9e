"""People's accounts."""

from gallery.database.engine import Reader, Tx

BUILT_IN_OWNER = "owner"
"""The name of the one account of open mode; the first real account takes over its row."""


async def first(reader: Reader) -> int | None:
    """The id of the oldest account."""
    row = await reader.one("SELECT id FROM account ORDER BY id LIMIT 1")
    return int(row[0]) if row else None


async def insert(tx: Tx, name: str) -> int:
    row = await tx.one(
        "INSERT INTO account (name, created_at) VALUES ($1, $2) RETURNING id", name, tx.now
    )
    assert row is not None
    return int(row[0])
