"""Roots: the directories that are served."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gallery.database.engine import Reader, Tx
from gallery.model import Problem

_PROBLEMS = msgspec.json.Decoder(list[Problem])


class RootRow(NamedTuple):
    id: int
    name: str
    item_count: int
    missing_count: int
    last_scan: int | None
    problems: list[Problem]


async def all_roots(reader: Reader) -> list[RootRow]:
    """Every root that was ever served, by name."""
    rows = await reader.all(
        "SELECT id, name, item_count, missing_count, last_scan, problems FROM root ORDER BY name"
    )
    return [
        RootRow(id_, name, items, missing, last_scan, _PROBLEMS.decode(problems))
        for id_, name, items, missing, last_scan, problems in rows
    ]


async def register(tx: Tx, name: str, directory: str) -> int:
    """The id of the root `name`, which is at `directory` from now on."""
    row = await tx.one(
        """
        INSERT INTO root (name, directory) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET directory = excluded.directory
        RETURNING id
        """,
        name,
        directory,
    )
    assert row is not None
    return int(row[0])


async def count(tx: Tx, root_id: int, present: int, missing: int) -> None:
    """Adds to the counts of present and of missing items what a change made of them."""
    await tx.all(
        """
        UPDATE root SET item_count = item_count + $2, missing_count = missing_count + $3
        WHERE id = $1
        """,
        root_id,
        present,
        missing,
    )


async def finish_scan(tx: Tx, root_id: int, problems: Sequence[Problem]) -> None:
    """A whole pass over the root ended now, and met `problems`."""
    await tx.all(
        "UPDATE root SET last_scan = $2, problems = $3 WHERE id = $1",
        root_id,
        tx.now,
        msgspec.json.encode(problems).decode(),
    )
