"""Leases: work that one server does at a time."""

from typing import NamedTuple

from gallery.database.engine import Tx

SECONDS = 15
"""How long a lease lasts without renewal."""


class Lease(NamedTuple):
    """The right of one server to do some work, until it expires or a later term begins."""

    name: str
    holder: str
    term: int


async def take(tx: Tx, name: str, holder: str) -> Lease | None:
    """Return the lease and begin a new term, or return None if another server holds it.

    A lease is free if it has expired or if `holder` held it before. It is also free if it expires
    too far in the future, because the clock of its holder was wrong.
    """
    term = await tx.value(
        """
        INSERT INTO lease (name, holder, term, expires_at) VALUES ($1, $2, 1, $3)
        ON CONFLICT (name) DO UPDATE SET
          term = lease.term + 1,
          holder = excluded.holder,
          expires_at = excluded.expires_at
        WHERE lease.holder = excluded.holder OR lease.expires_at < $4
          OR lease.expires_at > $5
        RETURNING term
        """,
        name,
        holder,
        tx.now + SECONDS * 1_000,
        tx.now,
        tx.now + 2 * SECONDS * 1_000,
    )
    return None if term is None else Lease(name, holder, term)


async def renew(tx: Tx, lease: Lease) -> bool:
    """Extend the lease. No other server can take it until this transaction ends.

    Return False if a later term has begun: another server does the work now.
    """
    row = await tx.one(
        """
        UPDATE lease SET expires_at = $3 WHERE name = $1 AND term = $2
        RETURNING term
        """,
        lease.name,
        lease.term,
        tx.now + SECONDS * 1_000,
    )
    return row is not None


async def release(tx: Tx, lease: Lease) -> None:
    """End the lease, so that others do not wait until it expires."""
    await tx.all(
        "UPDATE lease SET expires_at = 0 WHERE name = $1 AND term = $2", lease.name, lease.term
    )
