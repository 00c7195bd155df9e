"""PostgreSQL, through asyncpg: for more than one server on one library.

Other servers may write at any time. A transaction that fails with a conflict, or that loses its
connection before the commit, is run again. If the connection is lost *during* the commit, its
outcome is unknown. The answer is then 503, and repeating the request is safe.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg
import msgspec

from gallery.database.engine import (
    Reader,
    Row,
    Shield,
    SteadyClock,
    TimeSource,
    Trace,
    Tx,
    UniqueViolation,
    wall_clock,
)
from gallery.database.relay import CHANNEL, NOTIFY, Relay
from gallery.database.schema import (
    POSTGRES_PRELUDE,
    POSTGRES_SEARCH,
    for_postgres,
    schema,
    statements,
    tables,
)
from gallery.database.upgrades import SCHEMA_VERSION, UPGRADES, upgrade
from gallery.errors import StartRefused, Unavailable
from gallery.events import Bus
from gallery.values.times import Millis

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CONNECTIONS = 10
OLDEST_VERSION = 15
"""The oldest supported major version of PostgreSQL."""
ATTEMPTS = 10
"""How often a transaction is run that fails with a conflict."""
READ_DEADLINE = 10.0
"""Seconds that one `read` may take."""
CONNECT_SECONDS = 2.0
STATEMENT_SECONDS = 30.0
_MIGRATION_LOCK = 0x67616C6C657279

_LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection ended within a message
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
"""The connection is lost or was refused."""
_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, *_LOST)
"""Nothing was committed, and another attempt may succeed."""
_FULL = (asyncpg.DiskFullError, asyncpg.ReadOnlySQLTransactionError)


class PostgresDatabase:
    """A `Database` (see `engine`) on a PostgreSQL server, opened by `open_postgres`."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        bus: Bus,
        relay: Relay,
        clock: TimeSource,
        trace: Trace | None,
    ) -> None:
        self._pool = pool
        self._relay = relay
        self._shield = Shield()
        self._bus = bus
        self._clock = SteadyClock(clock)
        self._trace = trace

    @property
    def generation(self) -> None:
        """Return None: other servers may write at any time."""
        return

    @property
    def problems(self) -> list[str]:
        """Return an empty list: a PostgreSQL server has its own monitoring."""
        return []

    async def read(
        self,
        use_case: Callable[Concatenate[Reader, P], Awaitable[T]],
        *args: P.args,
        **kw: P.kwargs,
    ) -> T:
        try:
            async with (
                asyncio.timeout(READ_DEADLINE),
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await use_case(Reader(_Session(connection, self._trace)), *args, **kw)
        except (*_AGAIN, *_FULL, asyncpg.QueryCanceledError) as error:
            raise _unavailable(error) from error

    async def write(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        return await self._shield.run(self._retried(use_case, *args, **kw))

    async def _retried(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._transact(use_case, *args, **kw)
            except _AGAIN as error:
                # A lost connection is replaced once; after that the client repeats the request.
                if attempt == ATTEMPTS or (isinstance(error, _LOST) and attempt > 1):
                    raise _unavailable(error) from error
                await asyncio.sleep(0.002 * 2**attempt)
            except (*_FULL, asyncpg.QueryCanceledError) as error:
                raise _unavailable(error) from error
            except asyncpg.UniqueViolationError as error:
                raise UniqueViolation(str(error)) from error
        raise AssertionError("unreachable")

    async def _transact(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                tx = Tx(_Session(connection, self._trace), self._clock)
                result = await use_case(tx, *args, **kw)
                for payload in () if tx.discarded else self._relay.payloads(tx.events):
                    await connection.execute(NOTIFY, CHANNEL, payload)
            except BaseException:
                if not connection.is_closed():
                    await transaction.rollback()
                raise
            if tx.discarded:
                await transaction.rollback()
                return result
            try:
                await transaction.commit()
            except _LOST as error:
                raise Unavailable("It is not known whether the change was stored") from error
        for event in tx.events:
            self._bus.publish(event)
        self._relay.gather(tx.events)
        return result

    def now(self) -> Millis:
        return Millis(self._clock())

    def set_newest(self, newest: int) -> None:
        self._clock.set_newest(newest)

    async def last_ids(self) -> dict[str, int]:
        return await self.read(_last_ids)

    async def set_last_ids(self, tx: Tx, last: Mapping[str, int]) -> None:
        for table, id_ in last.items():
            await tx.all("SELECT setval(pg_get_serial_sequence($1, 'id'), $2)", table, id_)

    async def drain(self) -> None:
        """Wait until every transaction that was started has ended."""
        await self._shield.drain()


async def _last_ids(reader: Reader) -> dict[str, int]:
    rows = await reader.all(
        """
        SELECT t.name, pg_sequence_last_value(pg_get_serial_sequence(t.name, 'id')::regclass)
        FROM (SELECT value AS name FROM json_each($1)) AS t
        """,
        msgspec.json.encode([table.name for table in tables() if table.has_ids]).decode(),
    )
    return {name: last for name, last in rows if last is not None}


class _Session:
    """A connection as `engine.Session`."""

    def __init__(self, connection: Any, trace: Trace | None) -> None:
        self._connection = connection
        self._trace = trace

    async def fetch(self, sql: str, args: Sequence[object]) -> Sequence[Row]:
        if self._trace:
            self._trace(sql)
        try:
            rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        except asyncpg.UniqueViolationError as error:
            raise UniqueViolation(str(error)) from error
        return rows

    async def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        if self._trace:
            self._trace(sql)
        try:
            await self._connection.executemany(sql, rows)
        except asyncpg.UniqueViolationError as error:
            raise UniqueViolation(str(error)) from error


@asynccontextmanager
async def open_postgres(
    url: str,
    bus: Bus,
    *,
    clock: TimeSource = wall_clock,
    trace: Trace | None = None,
) -> AsyncGenerator[PostgresDatabase]:
    """Yield the database at `url`, upgraded to the present schema.

    Raises `StartRefused` if it cannot be reached, is not UTF-8 with the collation "C", is older
    than 15, or was written by a newer gallery.
    """
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings={
                # A generic plan is a hundred times slower than a plan for this list.
                "plan_cache_mode": "force_custom_plan",
                "statement_timeout": f"{STATEMENT_SECONDS:.0f}s",
                "idle_in_transaction_session_timeout": "30s",
            },
        )
    except (*_LOST, asyncpg.PostgresError, ValueError) as error:
        raise StartRefused(f"The database cannot be used: {error}") from None
    async with pool:
        relay = Relay(
            lambda: asyncpg.connect(
                url,
                timeout=CONNECT_SECONDS,
                server_settings={"application_name": "gallery relay"},
            ),
            (*_LOST, asyncpg.PostgresError),
            bus,
        )
        database = PostgresDatabase(pool, bus, relay, clock, trace)
        async with pool.acquire() as connection:
            await _check(connection)
            await _migrate(connection)
        listening = asyncio.create_task(relay.run())
        try:
            yield database
        finally:
            listening.cancel()
            await asyncio.wait({listening})
            await database.drain()


async def _check(connection: Any) -> None:
    version = connection.get_server_version().major
    if version < OLDEST_VERSION:
        raise StartRefused(f"PostgreSQL {OLDEST_VERSION} or newer is needed, this is {version}")
    encoding, collation = await connection.fetchrow(
        """
        SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database
        WHERE datname = current_database()
        """
    )
    if (encoding, collation) != ("UTF8", "C"):
        raise StartRefused(
            f"The database is {encoding} with collation {collation}; make it with: "
            "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        )


async def _migrate(connection: Any) -> None:
    """Upgrade the database to the present schema in one transaction, one server at a time."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"
        )
        version = await connection.fetchval("SELECT version FROM schema_version")
        if version is None:
            whole = (*POSTGRES_PRELUDE, *POSTGRES_SEARCH, *statements(for_postgres(schema())))
            for statement in whole:
                await connection.execute(statement)
            await connection.execute("INSERT INTO schema_version VALUES ($1)", SCHEMA_VERSION)
        elif version <= SCHEMA_VERSION:
            for steps in UPGRADES[version - 1 :]:
                await upgrade(_Session(connection, None), steps, is_postgres=True)
            await connection.execute("UPDATE schema_version SET version = $1", SCHEMA_VERSION)
        else:
            raise StartRefused(
                "The database was written by a newer gallery "
                f"(schema {version}, this one supports {SCHEMA_VERSION})"
            )


def _unavailable(error: BaseException) -> Unavailable:
    logger.warning("database: %s: %s", type(error).__name__, error)
    if isinstance(error, _FULL):
        return Unavailable("The disk does not take any more writes")
    if isinstance(error, (TimeoutError, asyncpg.QueryCanceledError)):
        return Unavailable("The database did not answer in time")
    if isinstance(error, _LOST):
        return Unavailable("The database cannot be reached")
    return Unavailable("The database is busy")
