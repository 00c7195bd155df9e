"""Criteria as SQL, compared with plain Python on thousands of random filters."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery.database.engine import Database, Tx
from gallery.disk.roots import FileSeen
from gallery.domain.library import browsing
from gallery.domain.library.browsing import ItemSlice
from gallery.domain.sync import reconcile
from gallery.domain.sync.plan import Added, FolderFound, Gone
from gallery.model import Actor, Probed, Taken
from gallery.store.library import browsing as pages
from gallery.store.people import accounts
from gallery.store.sync import roots, unread
from gallery.values.criteria import Criteria, Near
from gallery.values.file_version import FileVersion
from gallery.values.ids import AccountId, ItemId, RootId
from gallery.values.times import Micros, Millis
from tests.support.reference import Fact, answer

ITEMS = 150
DRAWN = {"": 2_000, "postgres": 800}
"""The number of filters for each engine; PostgreSQL takes long to plan each."""
DAY = 20_454
"""Days since 1970; the day decides the order of shuffles."""
ROOT = RootId(1)
FOLDERS = ["x", "x/a", "x/a/b", "x/ab", "x/Été"]
NAMES = ["img2", "img10", "IMG_0042", "Straße", "東京タワー", "été à Nice", "b-w"]
ENDINGS = ["jpg", "JPG", "png", "heic", "mp4"]
CAMERAS = ["Canon EOS R5", "NIKON D850", "Pixel 8", None]
LENSES = ["RF24-70mm", "ÉLAN 50", None]
KEYWORDS = [("sea",), ("Paris",), ("Places", "Europe", "Paris"), ("Places", "Asia"), ("Œuvre",)]
TEXTS = [None, "A day at the beach", "Éclairs & Straßen", "10 kittens", "x_y"]
PLACES = [(488_584_000, 22_945_000), (515_007_000, -1_246_000), (-900_000_000, 0), None]
PLACES += [(0, 1_799_999_000), (1_000, -1_799_999_000)]
BEGINNING = datetime(2024, 12, 30, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def drawn_fact(chance: random.Random, number: int) -> tuple[str, FileSeen, Probed]:
    """Return a random file with its folder and its metadata."""
    local = milliseconds(BEGINNING + timedelta(hours=chance.randrange(24 * 5)))
    offset = chance.choice([None, 0, 120, -330])
    taken = Taken(local - (offset or 0) * 60_000, local, offset, "exif")
    name = f"{chance.choice(NAMES)} {number % 13}.{chance.choice(ENDINGS)}"
    file = FileSeen(name, FileVersion(chance.randrange(5), Micros(local * 1000)), number)
    read = Probed(
        width=chance.choice([None, 3000, 4000, 4000]),
        height=chance.choice([3000, 4000]),
        duration=chance.choice([None, 4_350, 60_000]),
        taken=taken,
        camera=chance.choice(CAMERAS),
        lens=chance.choice(LENSES),
        position=chance.choice(PLACES),
        rating=chance.randrange(-1, 6),
        problem=chance.choice([None, None, "is cut off"]),
        title=chance.choice(TEXTS),
        caption=chance.choice(TEXTS),
        keywords=tuple(chance.sample(KEYWORDS, chance.randrange(3))),
    )
    return chance.choice(FOLDERS), file, read


@pytest.fixture
async def facts(db: Database) -> list[Fact]:
    """Insert items into the database; return them as plain facts."""
    chance = random.Random(5)
    drawn: dict[str, tuple[str, FileSeen, Probed]] = {}
    for number in range(ITEMS):
        folder, file, read = drawn_fact(chance, number)
        drawn.setdefault(f"{folder}/{file.name}", (folder, file, read))
    await db.write(roots.register, "x", "/nowhere")
    await db.write(
        reconcile.apply, ROOT, "x", [FolderFound(folder) for folder in FOLDERS], Millis(0)
    )
    files = [Added(folder, file) for folder, file, _read in drawn.values()]
    for start in range(0, len(files), 50):  # at three different times
        await db.write(reconcile.apply, ROOT, "x", files[start : start + 50], Millis(0))
    waiting = await db.read(unread.ready, ROOT, Millis(1 << 50), ItemId(0), 1_000)
    metadata = [(item, drawn[item.path][2]) for item in waiting]
    await db.write(reconcile.store_metadata, ROOT, metadata, ())
    lost = [Gone(item.id, item.path) for item in waiting if item.id % 11 == 0]
    await db.write(reconcile.apply, ROOT, "x", lost, db.now())
    marks, members = await db.write(people, [item.id for item in waiting])
    rows = await db.read(pages_added)
    return [
        Fact(
            item.id,
            item.path,
            *item.version,
            rows[item.id],
            item.id % 11 == 0,
            found,
            item.id in marks,
            frozenset(id_ for id_, ids in members.items() if item.id in ids),
        )
        for item, found in metadata
    ]


async def pages_added(reader: Any) -> dict[int, int]:
    return {row[0]: row[1] for row in await reader.all("SELECT id, added_at FROM item")}


async def people(tx: Tx, ids: list[int]) -> tuple[set[int], dict[int, set[int]]]:
    """Insert two people with marks; return the favorites and visible collections of the first."""
    await accounts.insert(tx, "viewer")
    await accounts.insert(tx, "other")
    members = {1: set(ids[::2]), 2: set(ids[::3]), 3: set(ids[::5]), 4: set()}
    for id_, (owner, public) in {1: (1, 0), 2: (2, 1), 3: (2, 0), 4: (1, 0)}.items():
        await tx.all(
            """
            INSERT INTO collection (id, owner_id, name, name_key, description, item_count,
              is_public, is_favorite, created_at, updated_at)
            VALUES ($1, $2, $3, $3, '', 0, $4, 0, 0, 0)
            """,
            id_,
            owner,
            f"{id_}",
            public,
        )
        await tx.many(
            "INSERT INTO collection_item (collection_id, item_id, position) VALUES ($1, $2, $2)",
            [(id_, item) for item in members[id_]],
        )
    marks = {1: set(ids[::4]), 2: set(ids[::7])}
    await tx.many(
        "INSERT INTO item_mark (account_id, item_id, is_favorite) VALUES ($1, $2, 1)",
        [(account, item) for account, items in marks.items() for item in items],
    )
    return marks[1], {1: members[1], 2: members[2], 4: members[4]}


def some(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), max_size=3)


moments = st.integers(-2, 24 * 6).map(lambda hours: BEGINNING + timedelta(hours=hours, seconds=-1))
added = st.integers(0, 3).map(lambda step: datetime.now(UTC) + timedelta(milliseconds=step - 200))
logics = st.sampled_from(["any", "all", "none", None])
cased = [name and name.swapcase() for name in ("Canon EOS R5", "NIKON D850", "none such")]
keywords = ["SEA", "paris", "Places", "places/europe", "Places/Europe/Paris", "œuvre", "nothing"]
points = st.builds(
    Near,
    lat=st.sampled_from([48.8584, 51.5, -90.0, 0.0, 89.0]),
    lon=st.sampled_from([2.2945, -0.1246, 180.0, -180.0, 0.0]),
    km=st.sampled_from([0.0, 0.5, 30.0, 344.0, 5_000.0, 19_000.0, 100_000.0]),
)
texts = ["beach", "be", "STRASSE", "img", "img 4", "004", "東京", "タ", "e", "nice ete", "&", "10"]
DRAWING: dict[str, st.SearchStrategy[Any]] = {
    "folders": some(["x", "/x/a/", "x/a", "x/ab", "x/Été", "x/nothing", "", "x/A"]),
    "types": some(["image", "video"]),
    "extensions": some(["jpg", "JPG", "mp4", "tiff"]),
    "cameras": some(cased),
    "lenses": some(["rf24-70MM", "élan 50", "élan 50"]),
    "keywords": some(keywords),
    "orientations": some(["landscape", "portrait", "square"]),
    "years": some([2024, 2025, 1, 9999]),
    "months": some(["2024-12", "2025-01", "2025-12", "9999-12"]),
    "taken_after": moments,
    "taken_before": moments,
    "added_after": added,
    "added_before": added,
    "min_rating": st.sampled_from([-1.0, 0.0, 2.5, 5.0, 1e300]),
    "max_rating": st.sampled_from([-1.0, 0.0, 2.5, 5.0, -1e300]),
    "min_width": st.sampled_from([1.0, 3000.5, 4000.0]),
    "min_height": st.sampled_from([1.0, 3000.5, 4000.0]),
    "min_size": st.sampled_from([0.0, 2.0, 4.5]),
    "max_size": st.sampled_from([0.0, 2.0, 4.5]),
    "min_duration": st.sampled_from([0.0, 4.35, 4.351]),
    "max_duration": st.sampled_from([0.0, 4.35, 60.0]),
    "has_location": st.booleans(),
    "has_rating": st.booleans(),
    "has_problem": st.booleans(),
    "favorite": st.booleans(),
    "missing": st.booleans(),
    "near": points,
    "collections": some([1, 2, 3, 4, 99]),
    "text": st.sampled_from(texts) | st.lists(st.sampled_from(texts), max_size=2).map(" ".join),
}
LOGICS = {f"{key}_logic": logics for key in DRAWING if f"{key}_logic" in Criteria.__struct_fields__}
orders = {
    "sort": st.sampled_from(
        ["takenAt", "name", "addedAt", "modifiedAt", "size", "rating", "random", None]
    ),
    "order": st.sampled_from(["asc", "desc", None]),
}


@st.composite
def some_criteria(draw: st.DrawFn) -> Criteria:
    """Draw criteria with at most three keys, so that they often match; any logic and order."""
    keys = draw(st.lists(st.sampled_from(sorted(DRAWING)), max_size=3, unique=True))
    values = {key: draw(DRAWING[key]) for key in keys}
    for key in keys:
        if f"{key}_logic" in LOGICS:
            values[f"{key}_logic"] = draw(logics)
    values |= {key: draw(strategy) for key, strategy in orders.items()}
    return Criteria(**values)


async def paged(db: Database, criteria: Criteria, limit: int) -> list[int]:
    """Return the ids of all pages."""
    found: list[int] = []
    after = None
    while True:
        part = await db.read(
            browsing.page, Actor(AccountId(1)), criteria, ItemSlice(after, limit, DAY)
        )
        found += [item.id for item in part.items]
        if part.next is None:
            return found
        assert len(part.items) == limit
        after = part.next


@pytest.mark.parametrize("short", [10_000, 40], ids=["sources", "walks"])
async def test_the_database_finds_what_the_criteria_say_in_their_order(
    db: Database, facts: list[Fact], monkeypatch: pytest.MonkeyPatch, short: int, database: str
) -> None:
    """Both ways are tested: a list of ids from one part of the filter, and a walk in order."""
    monkeypatch.setattr(pages, "SHORT", short)
    drawn: list[tuple[Criteria, int]] = []

    @settings(
        max_examples=DRAWN[database[:8]] // 2,
        suppress_health_check=[HealthCheck.too_slow],
        deadline=None,
    )
    @given(some_criteria(), st.sampled_from([3, 25, 200]))
    def draw(criteria: Criteria, limit: int) -> None:
        drawn.append((criteria, limit))

    draw()
    members = {id_ for fact in facts for id_ in fact.collections}
    hits = 0
    for criteria, limit in drawn:
        expected = answer(facts, _counting(criteria, members | {4}), DAY)
        found = await paged(db, criteria, limit)
        assert found == expected, msgspec.json.encode(criteria)
        hits += bool(found)
    assert hits > len(drawn) // 4, "most criteria must not be out of reach"


def _counting(criteria: Criteria, visible: set[int]) -> Criteria:
    """Return criteria with only visible collections; with none of them visible nothing matches."""
    if not criteria.collections:
        return criteria
    kept = [id_ for id_ in criteria.collections if id_ in visible]
    if kept:
        return msgspec.structs.replace(criteria, collections=kept)
    is_none = criteria.collections_logic == "none"
    return msgspec.structs.replace(
        criteria, collections=[-1], collections_logic="none" if is_none else "any"
    )


async def test_a_page_takes_two_statements_whatever_it_asks_for(
    db: Database, facts: list[Fact]
) -> None:
    everything = Criteria(
        folders=["x"] * 50,
        keywords=[f"k{n}" for n in range(100)],
        collections=list(range(1, 100)),
        cameras=[f"c{n}" for n in range(100)],
        text=" ".join(f"w{n}" for n in range(200)),
    )
    assert await paged(db, everything, 10) == []
    assert facts
