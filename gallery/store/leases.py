"""Leases: work that one server does at a time."""

from typing import NamedTuple

from gallery.database.engine import Tx

SECONDS = 15
"""How long a lease lasts that is not renewed."""


class Lease(NamedTuple):
    """A right to do some work, until it expires or somebody else has a later term of it."""

    name: str
    holder: str
    term: int


async def take(tx: Tx, name: str, holder: str) -> Lease | None:
    """The lease, if it is free, expired or the holder's own from before; a new term begins.

    One that is to last for over twice as long as any may is void: its holder's clock was wrong.
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
    """Makes the lease last anew, and keeps others from taking it until this transaction ends.

    False if a later term has begun: whoever holds the lease now has taken over the work.
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
    """Others need not wait until it expires."""
    await tx.all(
        "UPDATE lease SET expires_at = 0 WHERE name = $1 AND term = $2", lease.name, lease.term
    )
