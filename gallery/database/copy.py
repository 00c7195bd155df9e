"""Copies everything from one database to another, whatever their engines."""

import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from gallery.database.engine import Database, Reader, Row, Tx
from gallery.database.schema import Table, tables
from gallery.errors import StartRefused

PAGE = 5_000

CopyProgress = Callable[[int, int | None], None]


async def copy(source: Database, target: Database, progress: CopyProgress) -> dict[str, int]:
    """Copies every row of every table in one transaction; how many rows each table has.

    Ids are kept, and none that was ever given out is given out again. What arrived is read back:
    counts and checksums must agree. `progress` hears how many rows are done. Raises `StartRefused`
    for a target that is not empty and for a copy that differs; the target is then as it was.
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
            raise StartRefused(f"What arrived in {table.name} differs from what was sent")
        copied[table.name] = sent.count
    await target.set_last_ids(tx, await source.last_ids())
    return copied


class _Sum:
    """Counts rows and sums them up."""

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
    """The next rows in the order of the primary key."""
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
