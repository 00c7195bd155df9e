"""Transactions, independent of the engine.

A *use case* is an async function whose first argument is a `Reader` (may read) or a `Tx` (may also
write). `Database.read` gives it one consistent snapshot, `Database.write` runs it as one
transaction. SQL is written once for all engines: parameters are `$1…$n`, and a list is one
JSON parameter.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from gallery.errors import GalleryError
from gallery.events import Event
from gallery.values.times import Millis

P = ParamSpec("P")
T = TypeVar("T")
Row = Sequence[Any]
TimeSource = Callable[[], int]
"""Milliseconds since 1970."""
Trace = Callable[[str], None]
"""Called with every SQL statement."""
_HALF_PACE = 2_000_000
"""Nanoseconds in which a clock at half pace advances by a millisecond."""


class SteadyClock:
    """A `TimeSource` that follows `clock` and never goes back.

    If `clock` is set back, the time advances at half pace until `clock` has caught up. Otherwise a
    change would look older than what clients have seen, and `updatedAfter` would miss it. If the
    time stood still, no file would ever count as unchanged for two seconds.
    """

    def __init__(self, clock: TimeSource, elapsed: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._latest = 0
        self._since = elapsed()

    def set_newest(self, newest: int) -> None:
        """Make the clock return no time before `newest`."""
        if newest > self._latest:
            self._latest, self._since = newest, self._elapsed()

    def __call__(self) -> int:
        now = self._clock()
        if now >= self._latest:
            self._latest, self._since = now, self._elapsed()
        else:
            gained = (self._elapsed() - self._since) // _HALF_PACE
            self._latest += gained
            self._since += gained * _HALF_PACE
        return self._latest


def wall_clock() -> int:
    """Return the system's time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class UniqueViolation(GalleryError):
    """The database refused a second row with the same key. The transaction cannot continue."""


class Session(Protocol):
    """A connection, wrapped by the module of its engine."""

    async def fetch(self, sql: str, args: Sequence[object]) -> Sequence[Row]: ...

    async def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None: ...


class Reader:
    """A consistent snapshot of the database, for reading."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def all(self, sql: str, *args: object) -> Sequence[Row]:
        """Return all rows of one statement."""
        return await self._session.fetch(sql, args)

    async def one(self, sql: str, *args: object) -> Row | None:
        """Return the first row of one statement, None if it returns no rows."""
        rows = await self._session.fetch(sql, args)
        return rows[0] if rows else None

    async def value(self, sql: str, *args: object) -> Any | None:
        """Return the only column of the first row of one statement, None without a row."""
        row = await self.one(sql, *args)
        if row is None:
            return None
        (value,) = row
        return value

    async def count(self, sql: str, *args: object) -> int:
        """Return the integer that one statement selects, 0 without a row: `SELECT COUNT(*)`."""
        return await self.value(sql, *args) or 0

    async def column(self, sql: str, *args: object) -> list[Any]:
        """Return the only column of every row of one statement."""
        return [value for (value,) in await self._session.fetch(sql, args)]

    async def pairs(self, sql: str, *args: object) -> list[tuple[Any, Any]]:
        """Return the two columns of every row of one statement, ready for `dict`."""
        return [(first, second) for first, second in await self._session.fetch(sql, args)]


class Tx(Reader):
    """A transaction that may write."""

    def __init__(self, session: Session, clock: TimeSource) -> None:
        super().__init__(session)
        self._clock = clock
        self.events: list[Event] = []
        self.discarded = False

    @cached_property
    def now(self) -> Millis:
        """Return the time of the transaction, in milliseconds: when this is first read.

        A use case that begins with a lock has the lock by then.
        """
        return Millis(self._clock())

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one prepared statement for each of `rows`."""
        if rows:
            await self._session.run_many(sql, rows)

    def after_commit(self, event: Event) -> None:
        """Publish `event` after this transaction was committed, and only then."""
        self.events.append(event)

    def discard(self) -> None:
        """End the transaction in a rollback without an error, because nothing has changed."""
        self.discarded = True


class Database(Protocol):
    """A database of any engine. Open it with `async with`."""

    @property
    def generation(self) -> int | None:
        """Return a number that grows with every transaction that may have changed something.

        Data that was read at the same generation is still correct. None if other processes may
        write.
        """
        ...

    async def read(
        self,
        use_case: Callable[Concatenate[Reader, P], Awaitable[T]],
        *args: P.args,
        **kw: P.kwargs,
    ) -> T:
        """Run `use_case` on one consistent snapshot. Raises `Unavailable` after 10 s."""
        ...

    async def write(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Run `use_case` as one transaction. Return its result when it is durable.

        An error rolls back the whole transaction. If the caller is cancelled, the transaction still
        runs to its end and is committed or rolled back.
        """
        ...

    @property
    def problems(self) -> list[str]:
        """Return sentences for an administrator: damage, and why writing is impossible."""
        ...

    def now(self) -> Millis:
        """Return the time in milliseconds, by the clock that transactions use."""
        ...

    def set_newest(self, newest: int) -> None:
        """Make that clock return no time before `newest` (ms), the newest one stored."""
        ...

    async def last_ids(self) -> dict[str, int]:
        """Return the last id that each table has assigned. An id is never assigned twice."""
        ...

    async def set_last_ids(self, tx: Tx, last: Mapping[str, int]) -> None:
        """Make the next ids greater than these, as part of the transaction `tx`."""
        ...


class Shield:
    """Work that must run to its end although its caller is cancelled, such as transactions."""

    def __init__(self) -> None:
        self._live: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of `work`. It runs to its end even if the caller is cancelled."""
        return await asyncio.shield(self.start(work))

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work`. The caller may wait for the task, but need not."""
        task = asyncio.create_task(work)
        self._live.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._live.discard(task)
        if not task.cancelled():
            task.exception()  # mark it as retrieved: a cancelled caller must not cause a warning

    async def drain(self) -> None:
        """Wait until all work that was started has ended."""
        while self._live:
            await asyncio.wait(self._live)


class GenerationCache:
    """A cache of results that were read from a database, valid until the next commit.

    If other processes may write too, nothing is cached.
    """

    MAX_CACHED = 10_000

    def __init__(self, db: Database) -> None:
        self._db = db
        self._answers: dict[Hashable, tuple[int, Any]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `ask`. It is called only if a commit may have changed the result."""
        generation = self._db.generation  # before the read, which may see a later commit
        kept = self._answers.get(key)
        if kept is not None and kept[0] == generation:
            answer: T = kept[1]
            return answer
        answer = await ask()
        if generation is not None:
            if len(self._answers) >= self.MAX_CACHED:
                self._answers.clear()
            self._answers[key] = generation, answer
        return answer
