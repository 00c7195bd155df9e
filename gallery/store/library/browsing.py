"""Pages of items in some order, of the whole library or of one folder."""

from collections.abc import Sequence
from typing import NamedTuple

from gallery.database.engine import Reader
from gallery.model import Item
from gallery.store.library.clauses import MISSING, SORT_KEYS, Clause, Filter, presence, shuffled
from gallery.store.library.items import COLUMNS, item_of
from gallery.store.planner import unindexed
from gallery.values.criteria import Criteria
from gallery.values.ids import ItemId

SHORT = 10_000
"""A source with fewer ids is looked up one by one; with more, a walk finds a page faster."""

Mark = tuple[int | str, ItemId]
"""The sort key and the id of the last item of a page."""


class ItemPart(NamedTuple):
    """Some items in order, and where the next part begins; None after the last part."""

    items: list[Item]
    next: Mark | None


class ItemSlice(NamedTuple):
    """The wanted part: at most `limit` items after `after`. `day` sets the order of a shuffle."""

    after: Mark | None
    limit: int
    day: int


_PAGE = """
  SELECT {columns}, {key} FROM item AS i WHERE {where} ORDER BY {order} LIMIT {limit}
"""


_COUNT = "(SELECT COUNT(*) FROM ({} LIMIT {}) AS n)"


async def page(reader: Reader, order: Criteria, filter_: Filter, part: ItemSlice) -> ItemPart:
    """Return a part of the items that meet the filter, in the order of `order`. Two statements.

    Of `order`, only the sort order and `missing` are used. If one part of the filter has few ids,
    they are looked up and sorted; otherwise the index of the order is walked until the page is
    full. An item that keeps its sort key is never skipped or shown twice, also when others change
    between two pages.
    """
    source = MISSING if order.missing else await _shortest(reader, filter_.sources)
    sort = order.sorted_by
    key = shuffled(part.day) if sort == "random" else Clause(SORT_KEYS[sort])
    here = presence(order.missing)
    clauses = list(filter_.clauses)
    if source:
        clauses += [Clause(unindexed(here.sql)), Clause(f"i.id IN ({source.sql})", source.values)]
    else:
        clauses += [here]
    if source is None and sort == "takenAt":
        clauses += filter_.span
    direction, comparison = ("DESC", "<") if order.is_descending else ("ASC", ">")
    if part.after:
        clauses.append(
            Clause(f"({key.sql}, i.id) {comparison} ({{}}, {{}})", (*key.values, *part.after))
        )
    bound = _Bound()
    sql = _PAGE.format(
        columns=COLUMNS,
        key=bound.text(key),
        where=" AND ".join(map(bound.text, clauses)),
        order=f"{bound.text(key)} {direction}, i.id {direction}",
        limit=bound.text(Clause("{}", (part.limit + 1,))),
    )
    rows = await reader.all(sql, *bound.values)
    items = [item_of(row) for row in rows[: part.limit]]
    if len(rows) <= part.limit:
        return ItemPart(items, None)
    id_, *_item, last_key = rows[part.limit - 1]
    return ItemPart(items, (last_key, id_))


async def _shortest(reader: Reader, sources: Sequence[Clause]) -> Clause | None:
    """Return the source with the fewest ids, None if none has less than `SHORT`."""
    if not sources:
        return None
    bound = _Bound()
    counts = [_COUNT.format(bound.text(source), SHORT) for source in sources]
    row = await reader.one("SELECT " + ", ".join(counts), *bound.values)
    assert row is not None
    fewest = min(row)
    return sources[list(row).index(fewest)] if fewest < SHORT else None


class _Bound:
    """Numbers the values of clauses in the order in which they are put into a statement."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def text(self, clause: Clause) -> str:
        """Return the clause with `$n` in place of each `{}`, and keep its values."""
        first = len(self.values) + 1
        self.values += clause.values
        return clause.sql.format(*(f"${first + number}" for number in range(len(clause.values))))
