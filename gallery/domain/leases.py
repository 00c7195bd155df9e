"""Work that one of several servers does at a time, whatever happens to it meanwhile."""

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
    """Another server has taken over: whatever this one still wanted to write is void."""


class Leased:
    """A database to which only the holder of a lease writes.

    Without a `lease` no other server can write to it at all.
    """

    def __init__(self, db: Database, lease: Lease | None) -> None:
        self._db = db
        self._lease = lease

    async def write(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Runs `use_case` as one transaction if the lease is still held; else `LeaseLost`."""
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
    """A database for the work `name`, for as long as the block; None if another server does it.

    Where this process is the only one that may write, it needs no lease.
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
