"""Work that only one of several servers does at a time."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Concatenate, ParamSpec, TypeVar

from gallery.database.engine import Database, Tx
from gallery.errors import GalleryError
from gallery.store import leases
from gallery.store.leases import Lease

P = ParamSpec("P")
T = TypeVar("T")


class LeaseLost(GalleryError):
    """Another server has taken the lease, so this one must not write any more."""


class Leased:
    """A database in which only the holder of a lease writes.

    Without a `lease`, no other server can write to the database at all.
    """

    def __init__(self, db: Database, lease: Lease | None) -> None:
        self._db = db
        self._lease = lease

    async def write(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Run `use_case` as one transaction. Raises `LeaseLost` if another server has the lease."""
        lease = self._lease
        if lease is None:
            return await self._db.write(use_case, *args, **kw)

        async def fenced(tx: Tx) -> T:
            if not await leases.renew(tx, lease):
                raise LeaseLost(f"The lease {lease.name} has been taken over")
            return await use_case(tx, *args, **kw)

        return await self._db.write(fenced)


@asynccontextmanager
async def leased(db: Database, name: str, holder: str) -> AsyncGenerator[Leased | None]:
    """Yield a database for the work `name`, or None if another server does this work.

    Where this process is the only writer, it needs no lease.
    """
    if db.generation is not None:
        yield Leased(db, None)
        return
    lease = await db.write(leases.take, name, holder)
    if lease is None:
        yield None
        return
    try:
        yield Leased(db, lease)
    finally:
        await db.write(leases.release, lease)
