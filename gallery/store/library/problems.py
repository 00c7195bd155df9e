"""Problems: items whose files cannot be opened, read or rendered."""

from collections.abc import Iterable
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.model import Problem
from gallery.store.lists import IDS_1, json_list
from gallery.values import problems
from gallery.values.ids import ItemId, RootId

MAX_NAMED = 100
"""Items with a problem that are named for each root."""


class RootProblems(NamedTuple):
    """How many items of a root have a problem, and the first of them by path."""

    total: int = 0
    first: tuple[Problem, ...] = ()


async def by_root(reader: Reader) -> dict[RootId, RootProblems]:
    """Return the problems of each root that has some. Missing items do not count."""
    rows = await reader.all(
        """
        SELECT p.root_id, p.count, p.path, p.problem FROM (
          SELECT
            i.root_id, i.path, i.problem,
            COUNT(*) OVER (PARTITION BY i.root_id) AS count,
            ROW_NUMBER() OVER (PARTITION BY i.root_id ORDER BY i.path) AS number
          FROM root AS r CROSS JOIN item AS i
          WHERE i.root_id = r.id AND i.problem IS NOT NULL AND i.missing_since = 0
        ) AS p
        WHERE p.number <= $1 ORDER BY p.root_id, p.number
        """,
        MAX_NAMED,
    )
    found: dict[RootId, RootProblems] = {}
    for root_id, count, path, problem in rows:
        before = found.get(root_id, RootProblems())
        found[root_id] = RootProblems(count, (*before.first, Problem(path, problem)))
    return found


async def forbid(tx: Tx, item_ids: Iterable[ItemId]) -> list[str]:
    """Note that the server has no permission to read these files.

    Return the paths where this is new. The items still wait to be read.
    """
    return await tx.column(
        f"""
        UPDATE item SET problem = $2
        WHERE id IN {IDS_1}
          AND probed_at IS NULL AND (problem IS NULL OR problem <> $2)
        RETURNING path
        """,
        json_list(item_ids),
        problems.FORBIDDEN,
    )
