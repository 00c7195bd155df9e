"""Transactions, whatever the engine.

A *use case* is an async function whose first argument is a `Reader` (may look) or a `Tx` (may also
change). `Database.read` gives it one consistent snapshot, `Database.write` runs it as one
transaction. SQL is written once for every engine: `$1…$n`, lists as one JSON parameter.
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
"""Is told every SQL statement."""
_HALF_PACE = 2_000_000
"""Nanoseconds that pass while a clock at half pace goes on by a millisecond."""


class SteadyClock:
    """`clock`, but for the times when it is set back: a `TimeSource` that never does.

    While `clock` is behind what was given out before, time goes on from there at half its pace,
    until the two meet. Changes would else look older than what clients have seen, and be missed by
    `updatedAfter`; and if time stood still, nothing would ever have been still for two seconds.
    """

    def __init__(self, clock: TimeSource, elapsed: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._latest = 0
        self._since = elapsed()

    def set_newest(self, newest: int) -> None:
        """Begin no earlier than at the time `newest`."""
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
    """The time, as a `TimeSource`."""
    return time.time_ns() // 1_000_000


class UniqueViolation(GalleryError):
    """The database refused a second row of the same key. The transaction is lost."""


class Session(Protocol):
    """One connection, as the engine's module wraps it."""

    async def fetch(self, sql: str, args: Sequence[object]) -> Sequence[Row]: ...

    async def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None: ...


class Reader:
    """Looks at one snapshot of the database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def all(self, sql: str, *args: object) -> Sequence[Row]:
        """Every row of one statement."""
        return await self._session.fetch(sql, args)

    async def one(self, sql: str, *args: object) -> Row | None:
        """The first row of one statement, None if there is none."""
        rows = await self._session.fetch(sql, args)
        return rows[0] if rows else None

    async def value(self, sql: str, *args: object) -> Any | None:
        """Return the only column of the first row of one statement, None if there is no row."""
        row = await self.one(sql, *args)
        if row is None:
            return None
        (value,) = row
        return value

    async def count(self, sql: str, *args: object) -> int:
        """Return the whole number that one statement gives, as `SELECT COUNT(*)`; 0 for no row."""
        return await self.value(sql, *args) or 0

    async def column(self, sql: str, *args: object) -> list[Any]:
        """Return the only column of every row of one statement."""
        return [value for (value,) in await self._session.fetch(sql, args)]

    async def pairs(self, sql: str, *args: object) -> list[tuple[Any, Any]]:
        """Return both columns of every row of one statement, as for a `dict`."""
        return [(first, second) for first, second in await self._session.fetch(sql, args)]


class Tx(Reader):
    """A transaction that may change things."""

    def __init__(self, session: Session, clock: TimeSource) -> None:
        super().__init__(session)
        self._clock = clock
        self.events: list[Event] = []
        self.discarded = False

    @cached_property
    def now(self) -> Millis:
        """Its one reading of the clock, in milliseconds: when it is first asked for, so that a
        use case that begins with a lock has the lock by then.
        """
        return Millis(self._clock())

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs one prepared statement for each of `rows`."""
        if rows:
            await self._session.run_many(sql, rows)

    def after_commit(self, event: Event) -> None:
        """Publishes `event` once, and only if, this transaction has been committed."""
        self.events.append(event)

    def discard(self) -> None:
        """Nothing has changed: the transaction ends in a roll-back, and that is no error."""
        self.discarded = True


class Database(Protocol):
    """What an engine offers. Open it with `async with`."""

    @property
    def generation(self) -> int | None:
        """Grows with every transaction that may have changed something; None if others may write.

        What was read when it had its present value is still true.
        """
        ...

    async def read(
        self,
        use_case: Callable[Concatenate[Reader, P], Awaitable[T]],
        *args: P.args,
        **kw: P.kwargs,
    ) -> T:
        """Runs `use_case` on one consistent snapshot; `Unavailable` if it takes over 10 s."""
        ...

    async def write(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Runs `use_case` as one transaction and answers once it is durable.

        An error rolls it back whole. A caller that is cancelled meanwhile never tears it: it runs
        to its end, committed or rolled back.
        """
        ...

    @property
    def problems(self) -> list[str]:
        """What an administrator should know, in sentences: damage, and why nothing is written."""
        ...

    def now(self) -> Millis:
        """The time, in milliseconds, by the clock of its transactions."""
        ...

    def set_newest(self, newest: int) -> None:
        """Make that clock begin no earlier than at the newest time (ms) that is stored."""
        ...

    async def last_ids(self) -> dict[str, int]:
        """The last id that each table has given out: none is ever given out twice."""
        ...

    async def set_last_ids(self, tx: Tx, last: Mapping[str, int]) -> None:
        """Makes the next ids come behind these, as part of the transaction `tx`."""
        ...


class Shield:
    """Runs work that its caller's cancellation must not tear: transactions, and their clean-up."""

    def __init__(self) -> None:
        self._live: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives. A caller that is cancelled stops waiting; the work runs to its end."""
        return await asyncio.shield(self.start(work))

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begins `work`, which nobody need wait for."""
        task = asyncio.create_task(work)
        self._live.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._live.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; a caller that left must not cause a warning

    async def drain(self) -> None:
        """Waits until all that was begun has ended."""
        while self._live:
            await asyncio.wait(self._live)


class GenerationCache:
    """What was read from a database, for as long as nothing can have changed in it.

    Where others may write too nothing is kept, and every question is asked anew.
    """

    MAX_CACHED = 10_000

    def __init__(self, db: Database) -> None:
        self._db = db
        self._answers: dict[Hashable, tuple[int, Any]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer of `ask`, asked only if a commit may have changed it since the last time."""
        generation = self._db.generation  # as of before the question
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
