"""The meaning of criteria in plain Python over plain facts: the SQL of both engines must agree.

Of the product it uses only the structs and two rules with tests of their own: the words of a text,
and the natural order of names.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from gallery.model import Probed
from gallery.values.criteria import Criteria
from gallery.values.words import natural_key, words_of


class Fact(NamedTuple):
    """An item with everything that criteria can refer to. Times in milliseconds."""

    id: int
    path: str
    size: int
    modified_at: int
    added_at: int
    is_missing: bool
    read: Probed
    is_favorite: bool
    collections: frozenset[int]
    """The collections that count: those visible to the viewer."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def extension(self) -> str:
        return self.name.rpartition(".")[2].lower()

    @property
    def local(self) -> datetime:
        assert self.read.taken is not None
        return datetime.fromtimestamp(self.read.taken.local / 1000, UTC)

    @property
    def orientation(self) -> str | None:
        width, height = self.read.width, self.read.height
        if width is None or height is None:
            return None
        return "square" if width == height else "landscape" if width > height else "portrait"

    @property
    def keywords(self) -> set[str]:
        return {
            "/".join(names[: depth + 1]).casefold()
            for names in self.read.keywords
            for depth in range(len(names))
        }

    @property
    def words(self) -> list[str]:
        names = [name for levels in self.read.keywords for name in levels]
        texts = [self.name, self.read.title or "", self.read.caption or "", *names]
        return [word for text in texts for word in words_of(text)]


def answer(facts: Iterable[Fact], criteria: Criteria, day: int) -> list[int]:
    """Return the ids of all matching items, in order."""
    found = [fact for fact in facts if matches(fact, criteria)]
    found.sort(key=lambda fact: (sort_key(fact, criteria, day), fact.id))
    if (criteria.order or ("asc" if criteria.sort == "name" else "desc")) == "desc":
        found.reverse()
    return [fact.id for fact in found]


def sort_key(fact: Fact, criteria: Criteria, day: int) -> tuple[int | str]:
    assert fact.read.taken is not None
    if criteria.sort == "random":
        prime = 2**31 - 1
        number = (fact.id * (1 + day * 1_103_515_245 % (prime - 1)) + day * 12_820_163) % prime
        return (number * number % prime,)
    keys: dict[str | None, int | str] = {
        None: fact.read.taken.local,
        "takenAt": fact.read.taken.local,
        "name": natural_key(fact.name),
        "addedAt": fact.added_at,
        "modifiedAt": fact.modified_at,
        "size": fact.size,
        "rating": fact.read.rating,
    }
    return (keys[criteria.sort],)


def matches(fact: Fact, c: Criteria) -> bool:
    assert fact.read.taken is not None
    taken = datetime.fromtimestamp(fact.read.taken.at / 1000, UTC)
    added = datetime.fromtimestamp(fact.added_at / 1000, UTC)
    seconds = None if fact.read.duration is None else fact.read.duration / 1000
    month = f"{fact.local.year:04d}-{fact.local.month:02d}"
    return all(
        (
            fact.is_missing == bool(c.missing),
            not c.folders or any(_inside(fact.path, folder) for folder in c.folders),
            _list(c.types, c.types_logic, {"video" if fact.extension == "mp4" else "image"}),
            _list(c.extensions, c.extensions_logic, {fact.extension}),
            _list(c.cameras, c.cameras_logic, _one(fact.read.camera)),
            _list(c.lenses, c.lenses_logic, _one(fact.read.lens)),
            _list(c.keywords, c.keywords_logic, fact.keywords),
            _list(c.orientations, c.orientations_logic, _one(fact.orientation)),
            _list(c.years, c.years_logic, {fact.local.year}),
            _list(c.months, c.months_logic, {month}),
            c.taken_after is None or taken >= c.taken_after,
            c.taken_before is None or taken < c.taken_before,
            c.added_after is None or added >= c.added_after,
            c.added_before is None or added < c.added_before,
            _at_least(fact.read.rating, c.min_rating),
            _at_most(fact.read.rating, c.max_rating),
            _at_least(fact.read.width, c.min_width),
            _at_least(fact.read.height, c.min_height),
            _at_least(fact.size, c.min_size),
            _at_most(fact.size, c.max_size),
            _at_least(seconds, c.min_duration),
            _at_most(seconds, c.max_duration),
            c.has_location is None or c.has_location == (fact.read.position is not None),
            c.has_rating is None or c.has_rating == (fact.read.rating != 0),
            c.has_problem is None or c.has_problem == (fact.read.problem is not None),
            c.favorite is None or c.favorite == fact.is_favorite,
            c.near is None or _near(fact, c.near.lat, c.near.lon, c.near.km),
            _list(c.collections, c.collections_logic, fact.collections),
            all(any(w.startswith(word) for w in fact.words) for word in words_of(c.text or "")),
        )
    )


def _inside(path: str, folder: str) -> bool:
    return folder.strip("/") == "" or path.startswith(folder.strip("/") + "/")


def _one(value: str | None) -> set[str]:
    return set() if value is None else {value.casefold()}


def _list(wanted: Sequence[object] | None, logic: str | None, has: Iterable[object]) -> bool:
    if not wanted:
        return True
    values = {value.casefold() if isinstance(value, str) else value for value in wanted}
    some = values.intersection(has)
    return {"any": bool(some), "all": some == values, "none": not some}[logic or "any"]


def _at_least(value: float | None, bound: float | None) -> bool:
    return bound is None or (value is not None and value >= bound)


def _at_most(value: float | None, bound: float | None) -> bool:
    return bound is None or (value is not None and value <= bound)


def _near(fact: Fact, lat: float, lon: float, km: float) -> bool:
    """Return whether an item is near, to the millimetre: at a pole all longitudes are one place."""
    return fact.read.position is not None and distance(fact.read.position, lat, lon) <= km + 1e-6


def distance(position: tuple[int, int], lat: float, lon: float) -> float:
    """Return kilometres along a great circle, by the haversine formula."""
    one, other = math.radians(position[0] / 1e7), math.radians(lat)
    turn = math.radians(position[1] / 1e7 - lon)
    half = math.sin((one - other) / 2) ** 2
    half += math.cos(one) * math.cos(other) * math.sin(turn / 2) ** 2
    return 2 * 6_371.0088 * math.asin(min(1.0, math.sqrt(half)))
