"""Accounts of people."""

from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.values.ids import AccountId
from gallery.values.times import Millis

BUILT_IN_OWNER = "owner"
"""The name of the only account of open mode; the first real account will take over its row."""


class Account(NamedTuple):
    """An account; `created_at` in milliseconds since 1970."""

    id: AccountId
    created_at: Millis


async def first(reader: Reader) -> Account | None:
    """Return the oldest account."""
    row = await reader.one("SELECT id, created_at FROM account ORDER BY id LIMIT 1")
    return Account(*row) if row else None


async def insert(tx: Tx, name: str) -> Account:
    """Insert an account and return it."""
    row = await tx.one(
        "INSERT INTO account (name, created_at) VALUES ($1, $2) RETURNING id, created_at",
        name,
        tx.now,
    )
    assert row is not None
    return Account(*row)
