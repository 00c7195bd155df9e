"""The parts of SQL that filters and orders are built from."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gallery.store.lists import json_list
from gallery.values.criteria import Sort


class Clause(NamedTuple):
    """A part of SQL with `{}` for each of its values."""

    sql: str
    values: tuple[object, ...] = ()


class Filter(NamedTuple):
    """The conditions of items; `sources` are statements for the ids that meet one of them.

    `span` bounds the local time of all matches, so that a walk by time starts and ends there.
    """

    clauses: list[Clause]
    sources: list[Clause]
    span: list[Clause]


ClauseParts = Iterator[tuple[Clause, Clause | None]]


SORT_KEYS: dict[Sort, str] = {
    "takenAt": "i.taken_local",
    "name": "i.sort_name",
    "addedAt": "i.added_at",
    "modifiedAt": "i.modified_at",
    "size": "i.size",
    "rating": "i.rating",
}
PRIME = 2**31 - 1


def shuffled(day: int) -> Clause:
    """Return a sort key that is another permutation of the items each day.

    It is a square modulo a prime, of a number that depends on the id and the day. No product
    exceeds 62 bits.
    """
    factor, shift = 1 + day * 1_103_515_245 % (PRIME - 1), day * 12_820_163 % PRIME
    number = "(((i.id % 2147483647) * CAST({} AS BIGINT) + CAST({} AS BIGINT)) % 2147483647)"
    return Clause(f"({number} * {number}) % 2147483647", (factor, shift, factor, shift))


def presence(missing: bool | None) -> Clause:
    """Return the condition that items are present, or missing. Indexes begin with its column."""
    return Clause("i.missing_since <> 0" if missing else "i.missing_since = 0")


MISSING = Clause("SELECT s.id FROM item AS s WHERE s.missing_since <> 0")
"""The source of all missing items, which are few."""

IN = "{} IN ({})"
SOURCE = "SELECT s.id FROM item AS s WHERE {}"
TEXTS = "SELECT value FROM json_each({})"


class List(NamedTuple):
    """Different values as one JSON text."""

    text: str
    length: int


def list_of(wanted: Iterable[str | int] | None) -> List | None:
    """Return the values once each, None if there are none: an empty list is no condition."""
    values = list(dict.fromkeys(wanted or ()))
    return List(json_list(values), len(values)) if values else None
