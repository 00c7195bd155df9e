"""Criteria as SQL for both engines. Only this module turns a filter into SQL.

A filter becomes clauses and sources. A clause is a condition on a row `item AS i`. A source is a
statement that gives the ids of all items that meet a clause. A page is read from a short source,
otherwise by a walk in the wanted order; see `browsing`. SQLite must not choose an index for a
clause by itself.
"""

from collections.abc import Iterable, Iterator

from gallery.store.library.clauses import (
    IN,
    SOURCE,
    TEXTS,
    Clause,
    ClauseParts,
    Filter,
    list_of,
)
from gallery.store.lists import NUMBERS, json_list
from gallery.store.planner import unindexed
from gallery.values.criteria import (
    Criteria,
    Near,
    Sort,
    at_least,
    at_most,
    milliseconds,
    month_number,
)
from gallery.values.ids import AccountId, FolderId
from gallery.values.names import label_key
from gallery.values.paths import below
from gallery.values.places import circle
from gallery.values.times import beginning_of
from gallery.values.words import words_of

_ADDED, _RATING = unindexed("i.added_at"), unindexed("i.rating")
_SIZE, _LATITUDE = unindexed("i.size"), unindexed("i.latitude")
MAX_ZONE = 15 * 3_600_000
"""Milliseconds by which local time may differ from UTC."""


def filter_of(criteria: Criteria, viewer_id: AccountId, owner_id: AccountId) -> Filter:
    """Return the criteria of `owner_id` as a filter for `viewer_id`. Missing items are left out."""
    made = Filter([], [], [])
    for part in (_places, _lists, _keywords, _collections, _times, _numbers, _flags, _text):
        for clause, source in part(criteria, viewer_id, owner_id):
            made.clauses.append(clause)
            if source:
                made.sources.append(source)
    made.span.extend(_span(criteria))
    return made


def in_folder(folder_id: FolderId, sort: Sort) -> Filter:
    """Return a filter for the items directly inside a folder. Their natural order has an index."""
    if sort == "name":
        return Filter([Clause("i.folder_id = {}", (folder_id,))], [], [])
    source = Clause(SOURCE.format("s.folder_id = {}"), (folder_id,))
    return Filter([Clause(f"{_FOLDER} = {{}}", (folder_id,))], [source], [])


_FOLDER = unindexed("i.folder_id")
_INSIDE = """
  WITH
    a (k, v) AS MATERIALIZED (SELECT key, value FROM json_each({})),
    b (k, v) AS MATERIALIZED (SELECT key, value FROM json_each({}))
  SELECT f.id FROM a JOIN b ON b.k = a.k CROSS JOIN folder AS f WHERE f.path >= a.v AND f.path < b.v
  UNION
  SELECT f.id FROM folder AS f WHERE f.path IN (SELECT value FROM json_each({}))
"""


def _places(criteria: Criteria, _viewer_id: AccountId, _owner_id: AccountId) -> ClauseParts:
    folders = [folder.strip("/") for folder in criteria.folders or ()]
    if folders and "" not in folders:
        lows, highs = zip(*map(below, folders), strict=True)
        values = json_list(lows), json_list(highs), json_list(folders)
        yield (
            Clause(IN.format(_FOLDER, _INSIDE), values),
            Clause(SOURCE.format(IN.format("s.folder_id", _INSIDE)), values),
        )
    if criteria.near:
        yield _near(criteria.near)


def _near(near: Near) -> tuple[Clause, Clause]:
    around = circle(near.lat, near.lon, near.km)
    x, y, z = around.middle
    within = (
        "({0}.x - {{}}) * ({0}.x - {{}}) + ({0}.y - {{}}) * ({0}.y - {{}})"
        " + ({0}.z - {{}}) * ({0}.z - {{}}) <= {{}}"
    )
    values = (x, x, y, y, z, z, around.chord)
    band = "s.latitude >= {} AND s.latitude <= {}"
    return (
        Clause(within.format("i"), values),
        Clause(
            SOURCE.format(f"{band} AND {within.format('s')}"),
            (around.south, around.north, *values),
        ),
    )


_NONE = "({} IS NULL OR {} NOT IN ({}))"
_ORIENTATION = """
  CASE WHEN i.width > i.height THEN 'landscape' WHEN i.width < i.height THEN 'portrait'
    WHEN i.width = i.height THEN 'square' END
"""
_LABELS = "SELECT l.id FROM label AS l WHERE l.kind = '{}' AND l.key IN ({})"
_CAMERAS, _LENSES = _LABELS.format("camera", TEXTS), _LABELS.format("lens", TEXTS)
_KEYWORDS = _LABELS.format("keyword", TEXTS)
_CAMERA, _LENS = unindexed("i.camera_id"), unindexed("i.lens_id")
_INDEXED = {_CAMERA: "s.camera_id", _LENS: "s.lens_id"}
"""The column of a source that stands for a column of a clause."""


def _lists(criteria: Criteria, _viewer_id: AccountId, _owner_id: AccountId) -> ClauseParts:
    """Yield the conditions on properties that have one value in each item."""
    c = criteria
    for column, among, wanted, logic in (
        ("i.type", TEXTS, list_of(c.types), c.types_logic),
        ("i.extension", TEXTS, list_of(_lower(c.extensions)), c.extensions_logic),
        (_ORIENTATION, TEXTS, list_of(c.orientations), c.orientations_logic),
        ("i.taken_month / 100", NUMBERS, list_of(c.years), c.years_logic),
        ("i.taken_month", NUMBERS, list_of(_months(c.months)), c.months_logic),
        (_CAMERA, _CAMERAS, list_of(_keys(c.cameras)), c.cameras_logic),
        (_LENS, _LENSES, list_of(_keys(c.lenses)), c.lenses_logic),
    ):
        if wanted is None:
            continue
        values = (wanted.text,)
        if logic == "none":
            yield Clause(_NONE.format(column, column, among), values), None
        elif logic == "all" and wanted.length > 1:
            yield Clause("1 = 0"), None
        else:
            indexed = _INDEXED.get(column)
            source = Clause(SOURCE.format(IN.format(indexed, among)), values) if indexed else None
            yield Clause(IN.format(column, among), values), source


def _lower(names: Iterable[str] | None) -> list[str]:
    return [name.lower() for name in names or ()]


def _keys(names: Iterable[str] | None) -> list[str]:
    return [label_key(name) for name in names or ()]


def _months(months: Iterable[str] | None) -> list[int]:
    return [month_number(month) for month in months or ()]


_WITH_KEYWORDS = f"SELECT k.item_id FROM item_keyword AS k WHERE k.keyword_id IN ({_KEYWORDS})"
_BOTH_SEE = "(c.owner_id = {} OR c.is_public = 1) AND (c.owner_id = {} OR c.is_public = 1)"
_COUNTING = f"FROM collection AS c WHERE c.id IN ({NUMBERS}) AND {_BOTH_SEE}"
_COLLECTED = f"""
  SELECT ci.item_id FROM collection_item AS ci WHERE ci.collection_id IN (SELECT c.id {_COUNTING})
"""
_IN_ALL_KEYWORDS = f"{_WITH_KEYWORDS} GROUP BY k.item_id HAVING COUNT(*) = {{}}"
_IN_ALL_COLLECTIONS = f"""
  {_COLLECTED} GROUP BY ci.item_id HAVING COUNT(*) = (SELECT COUNT(*) {_COUNTING})
"""
_MARKED = "SELECT m.item_id FROM item_mark AS m WHERE m.account_id = {} AND m.is_favorite = 1"


def _keywords(criteria: Criteria, _viewer_id: AccountId, _owner_id: AccountId) -> ClauseParts:
    keys = list_of(_keys(criteria.keywords))
    if keys is None:
        return
    if criteria.keywords_logic == "all":
        source = Clause(_IN_ALL_KEYWORDS, (keys.text, keys.length))
        yield Clause(_HAS_ALL_KEYWORDS, source.values), source
    else:
        yield _having(_WITH_KEYWORDS, "k", (keys.text,), is_none=criteria.keywords_logic == "none")


_HAS_ALL_KEYWORDS = f"""
  (SELECT COUNT(*) FROM item_keyword AS k
   WHERE k.keyword_id IN ({_KEYWORDS}) AND k.item_id = i.id) = {{}}
"""
_HAS_ALL_COLLECTIONS = f"""
  (SELECT NULLIF(COUNT(*), 0) FROM collection_item AS ci
   WHERE ci.collection_id IN (SELECT c.id {_COUNTING}) AND ci.item_id = i.id)
  = (SELECT COUNT(*) {_COUNTING})
"""


def _having(
    statement: str, table: str, values: tuple[object, ...], *, is_none: bool = False
) -> tuple[Clause, Clause | None]:
    """Return the condition that an item has, or lacks, a row of `table` in a statement.

    The check of one item is a search in an index. The statement is a source only for few items.
    """
    has = f"EXISTS ({statement} AND {table}.item_id = i.id)"
    if is_none:
        return Clause(f"NOT {has}", values), None
    return Clause(has, values), Clause(statement, values)


def _collections(criteria: Criteria, viewer_id: AccountId, owner_id: AccountId) -> ClauseParts:
    """Yield the condition on collections. Only those that viewer and owner may see count.

    With `all` and no visible collection, no item matches.
    """
    ids = list_of(criteria.collections)
    if ids is None:
        return
    seen = (ids.text, viewer_id, owner_id)
    if criteria.collections_logic == "all":
        source = Clause(_IN_ALL_COLLECTIONS, seen + seen)
        yield Clause(_HAS_ALL_COLLECTIONS, source.values), source
    else:
        yield _having(_COLLECTED, "ci", seen, is_none=criteria.collections_logic == "none")


def _times(criteria: Criteria, _viewer_id: AccountId, _owner_id: AccountId) -> ClauseParts:
    c = criteria
    for text, moment in (
        ("i.taken_at >= {}", c.taken_after),
        ("i.taken_at < {}", c.taken_before),
        (f"{_ADDED} >= {{}}", c.added_after),
        (f"{_ADDED} < {{}}", c.added_before),
    ):
        if moment:
            yield Clause(text, (milliseconds(moment),)), None


def _span(criteria: Criteria) -> Iterator[Clause]:
    """Yield bounds of the local time, which follow from the time in UTC and from the years."""
    c = criteria
    if c.taken_after:
        yield Clause("i.taken_local >= {}", (milliseconds(c.taken_after) - MAX_ZONE,))
    if c.taken_before:
        yield Clause("i.taken_local < {}", (milliseconds(c.taken_before) + MAX_ZONE,))
    ends = [month for year in c.years or () for month in (year * 100 + 1, year * 100 + 12)]
    for months, logic in ((ends, c.years_logic), (_months(c.months), c.months_logic)):
        if months and logic != "none":
            yield Clause("i.taken_local >= {}", (beginning_of(min(months)),))
            yield Clause("i.taken_local < {}", (beginning_of(max(months) + 1),))


def _numbers(criteria: Criteria, _viewer_id: AccountId, _owner_id: AccountId) -> ClauseParts:
    c = criteria
    for text, bound, scale in (
        (f"{_RATING} >= {{}}", c.min_rating, 1),
        ("i.width >= {}", c.min_width, 1),
        ("i.height >= {}", c.min_height, 1),
        (f"{_SIZE} >= {{}}", c.min_size, 1),
        ("i.duration >= {}", c.min_duration, 1_000),
    ):
        if bound is not None:
            yield Clause(text, (at_least(bound, scale),)), None
    for text, bound, scale in (
        (f"{_RATING} <= {{}}", c.max_rating, 1),
        (f"{_SIZE} <= {{}}", c.max_size, 1),
        ("i.duration <= {}", c.max_duration, 1_000),
    ):
        if bound is not None:
            yield Clause(text, (at_most(bound, scale),)), None


def _flags(criteria: Criteria, viewer_id: AccountId, _owner_id: AccountId) -> ClauseParts:
    c = criteria
    if c.has_location is not None:
        yield Clause(f"{_LATITUDE} IS {'NOT NULL' if c.has_location else 'NULL'}"), None
    if c.has_rating is not None:
        yield Clause(f"{_RATING} {'<>' if c.has_rating else '='} 0"), None
    if c.has_problem is not None:
        source = Clause(SOURCE.format("s.problem IS NOT NULL"))
        yield (
            (Clause("i.problem IS NOT NULL"), source)
            if c.has_problem
            else (Clause("CASE WHEN i.problem IS NULL THEN 1 ELSE 0 END = 1"), None)
        )
    if c.favorite is not None:
        yield _having(_MARKED, "m", (viewer_id,), is_none=not c.favorite)


_WORDS = "' ' || w.name_words || ' ' || w.text_words"
_HAS_PREFIX = f"replace({_WORDS}, {{}}, '') <> {_WORDS}"
"""A text that changes when ` word` is removed has a word that begins with it."""
_HAS_WORDS = "EXISTS (SELECT 1 FROM item_words AS w WHERE w.rowid = i.id AND {})"


def _text(criteria: Criteria, _viewer_id: AccountId, _owner_id: AccountId) -> ClauseParts:
    """Yield the condition on words: the source finds rare ones, the clause tests common ones."""
    words = words_of(criteria.text or "")
    if words:
        yield (
            Clause(
                _HAS_WORDS.format(" AND ".join([_HAS_PREFIX] * len(words))),
                tuple(f" {word}" for word in words),
            ),
            Clause(
                "SELECT s.rowid FROM item_words({}) AS s",
                (" ".join(f"{word}*" for word in words),),
            ),
        )
