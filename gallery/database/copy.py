"""Copying of a whole database to another, between any two engines."""

import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from gallery.database.engine import Database, Reader, Row, Tx
from gallery.database.schema import Table, tables
from gallery.errors import StartRefused

PAGE = 5_000
"""Rows that are read at a time."""

CopyProgress = Callable[[int, int | None], None]


async def copy(source: Database, target: Database, progress: CopyProgress) -> dict[str, int]:
    """Copy every row of every table in one transaction. Return the number of rows of each table.

    Ids are kept, and an id that was ever assigned is never assigned again. The rows are read back:
    counts and checksums must agree. `progress` is called with the number of rows done. Raises
    `StartRefused` if the target is not empty or the copy differs; the target is then unchanged.
    """
    return await target.write(_fill, source, target, progress)


async def _fill(
    tx: Tx, source: Database, target: Database, progress: CopyProgress
) -> dict[str, int]:
    for table in tables():
        if await tx.one(f"SELECT 1 FROM {table.name} LIMIT 1"):
            raise StartRefused(f"The target is not empty: it has rows in {table.name}")
    copied: dict[str, int] = {}
    for table in tables():
        sent = _Sum()
        async for page in _pages(source, table):
            sent.add(page)
            await tx.many(_insert(table), page)
            progress(sum(copied.values()) + sent.count, None)
        arrived = _Sum()
        after: Row | None = None
        while page := await _page(tx, table, after):
            arrived.add(page)
            after = _key(table, page[-1])
        if (sent.count, sent.digest) != (arrived.count, arrived.digest):
            raise StartRefused(f"The copy of {table.name} differs from its source")
        copied[table.name] = sent.count
    await target.set_last_ids(tx, await source.last_ids())
    return copied


class _Sum:
    """The count and checksum of rows."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

    def add(self, rows: Sequence[Row]) -> None:
        self.count += len(rows)
        self._hash.update(msgspec.json.encode([tuple(row) for row in rows]))


async def _pages(source: Database, table: Table) -> AsyncGenerator[Sequence[Row]]:
    after: Row | None = None
    while page := await source.read(_page, table, after):
        yield page
        after = _key(table, page[-1])


async def _page(reader: Reader, table: Table, after: Row | None) -> Sequence[Row]:
    """Return the next rows in the order of the primary key, those after the key `after`."""
    key = ", ".join(table.key)
    select = f"SELECT {', '.join(table.columns)} FROM {table.name}"
    if after is None:
        return await reader.all(f"{select} ORDER BY {key} LIMIT {PAGE}")
    marks = ", ".join(f"${number + 1}" for number in range(len(after)))
    where = f"WHERE ({key}) > ({marks})"
    return await reader.all(f"{select} {where} ORDER BY {key} LIMIT {PAGE}", *after)


def _key(table: Table, row: Row) -> Row:
    return [row[table.columns.index(column)] for column in table.key]


def _insert(table: Table) -> str:
    marks = ", ".join(f"${number + 1}" for number in range(len(table.columns)))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"
