"""Transactions, whatever the engine.

A *use case* is an async function whose first argument is a `Reader` (may look) or a `Tx` (may also
change). `Database.read` gives it one consistent snapshot, `Database.write` runs it as one
transaction. SQL is written once for every engine: `$1…$n`, lists as one JSON parameter.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from gallery.errors import GalleryError
from gallery.events import Event

P = ParamSpec("P")
T = TypeVar("T")
Row = Sequence[Any]


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


class Tx(Reader):
    """A transaction that may change things.

    `now` is its one reading of the clock, in milliseconds, taken once it holds the lock.
    """

    def __init__(self, session: Session, now: int) -> None:
        super().__init__(session)
        self.now = now
        self.events: list[Event] = []
        self.discarded = False

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


class Memo:
    """What was read from a database, for as long as nothing can have changed in it.

    Where others may write too nothing is kept, and every question is asked anew.
    """

    MOST_KEPT = 10_000

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
            if len(self._answers) >= self.MOST_KEPT:
                self._answers.clear()
            self._answers[key] = generation, answer
        return answer
