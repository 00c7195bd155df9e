"""Opening of the database that a setting names."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from gallery.database.engine import Database, TimeSource, Trace, wall_clock
from gallery.database.sqlite import open_sqlite
from gallery.errors import Misconfigured
from gallery.events import Bus

FILE = "gallery.db"


def is_postgres(url: str) -> bool:
    """Return whether a database setting names PostgreSQL."""
    return url.startswith(("postgresql://", "postgres://"))


@asynccontextmanager
async def open_database(
    url: str, data: Path, bus: Bus, clock: TimeSource = wall_clock, trace: Trace | None = None
) -> AsyncGenerator[Database]:
    """Yield the database at `url`: `sqlite:` or an empty text is the file in the directory `data`.

    Raises `Misconfigured` for an unknown `url` or a missing driver, and `StartRefused` if the
    database cannot be used.
    """
    if url in ("", "sqlite:"):
        async with open_sqlite(data / FILE, bus, clock=clock, trace=trace) as sqlite:
            yield sqlite
        return
    if not is_postgres(url):
        raise Misconfigured("A database is postgresql://USER@HOST/NAME, or sqlite:")
    if find_spec("asyncpg") is None:
        raise Misconfigured(
            "PostgreSQL needs an extra: pip install 'WHEEL[postgres]' with the file"
            " gallery_server-….whl as WHEEL, or in a checkout scripts/install --extra postgres"
        )
    from gallery.database.postgres import open_postgres  # noqa: PLC0415  (an extra)

    async with open_postgres(url, bus, clock=clock, trace=trace) as postgres:
        yield postgres
