"""A library of a million items, inserted as rows: browsing, filters, search, and memory.

Creating a million files would take an hour and add nothing: each row is what a scan and the reading
of a real file write.
"""

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

import msgspec

from gallery.database.schema import schema
from gallery.database.upgrades import SCHEMA_VERSION
from gallery.model import NameKeys
from gallery.values.places import direction
from gallery.values.times import month_of
from gallery.values.words import words_of
from tests.bench.client import Connection, Request
from tests.bench.dataset import SEED
from tests.bench.processes import Server
from tests.bench.table import Row

MIB = 1 << 20
FIRST_YEAR, YEARS = 2000, 25
YEAR = 31_556_952_000
VOCABULARY, CAMERAS, KEYWORDS = 20_000, 20, 2_000
BATCH = 1_000
BIG_FOLDER = "all"
"""One folder holds a tenth of the items; the others hold a thousand each."""
ASKED = 40
FIRST = 100
"""Items of the first page of a search, as a front end shows them."""


Query = dict[str, str | int]


class Words:
    """Invented words: the n-th is used about 1/n times as often as the first."""

    def __init__(self) -> None:
        chance = random.Random(SEED)
        self.chance = chance
        self.all = ["".join(chance.choice(part) for part in _SYLLABLES) for _ in range(VOCABULARY)]
        self._weights = list(accumulate(1 / (n + 1) for n in range(VOCABULARY)))

    def draw(self, count: int) -> list[str]:
        return self.chance.choices(self.all, cum_weights=self._weights, k=count)


_SYLLABLES = ("bcdfghjklmnprstvwz", "aeiou", "bcdfgklmnprst", "aeiou", "bcdfgklmnprst", "aeiou")


def make(file: Path, library: Path, items: int) -> Words:
    """Create the database of such a library and its empty folder."""
    words = Words()
    folders = [BIG_FOLDER] * (items // BATCH // 10)
    rest = range(items // BATCH - len(folders))
    folders += [f"{number // 100:02d}/{number % 100:02d}" for number in rest]
    known = sorted({"", *folders, *(path.partition("/")[0] for path in folders)})
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.executescript(f"PRAGMA journal_mode = WAL; {schema()}; PRAGMA synchronous = OFF; BEGIN")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute(
            "INSERT INTO root (name, directory, item_count, last_scan, first_scan)"
            " VALUES ('', ?, ?, 1, 1)",
            (str(library), items),
        )
        db.executemany(
            "INSERT INTO folder (root_id, path, parent) VALUES (1, ?, ?)",
            [(path, path.rpartition("/")[0] if path else None) for path in known],
        )
        ids = {path: number + 1 for number, path in enumerate(known)}
        db.executemany(
            "INSERT INTO label (kind, name, key) VALUES (?, ?, ?)",
            [("camera", f"Camera {n}", f"camera {n}") for n in range(CAMERAS)]
            + [("keyword", f"{n} {words.all[n]}", f"{n} {words.all[n]}") for n in range(KEYWORDS)],
        )
        for number, folder in enumerate(words.chance.sample(folders, len(folders))):
            numbers = range(number * BATCH, (number + 1) * BATCH)
            year = FIRST_YEAR - 1970 + number * YEARS // len(folders)
            _add(db, words, (folder, ids[folder]), numbers, year * YEAR)
        db.execute(
            "UPDATE folder SET item_count ="
            " (SELECT COUNT(*) FROM item AS i WHERE i.folder_id = folder.id)"
        )
        db.execute("COMMIT")
    return words


def _add(
    db: sqlite3.Connection, words: Words, folder: tuple[str, int], numbers: range, beginning: int
) -> None:
    """Insert items of a folder (path, id), taken within a year from `beginning`."""
    path, folder_id = folder
    chance = words.chance
    rows, texts, keywords = [], [], []
    for number in numbers:
        name = f"IMG_{number:07d}.jpg" if number % 20 else f"MOV_{number:07d}.mp4"
        taken = beginning + chance.randrange(YEAR)
        place = _place(chance) if number % 3 == 0 else None
        position: tuple[int | None, ...] = (*place, *direction(*place)) if place else (None,) * 5
        rows.append(
            (
                *(folder_id, f"{path}/{name}", name, "image" if number % 20 else "video"),
                *(chance.randrange(10**5, 10**7), taken * 1000, 7919 * (number + 1)),
                *((4000, 3000) if number % 3 else (3000, 4000)),
                None if number % 20 else chance.randrange(1_000, 60_000),
                *(taken, f"{chance.getrandbits(128):032x}", *NameKeys.of(name)),
                *(taken, month_of(taken), int(chance.random() ** 3 * 6)),
                1 + min(int(chance.expovariate(0.4)), CAMERAS - 1),
                *position,
            )
        )
        texts.append((number + 1, " ".join(words_of(name)), " ".join({*words.draw(4)})))
        drawn = {min(int(chance.paretovariate(0.5)), KEYWORDS) for _ in range(2)}
        keywords += [(CAMERAS + keyword, number + 1) for keyword in drawn]
    db.executemany(
        """
        INSERT INTO item (folder_id, path, name, type, size, modified_at, inode, width, height,
          duration, added_at, fingerprint, sort_name, stem, extension, taken_local, taken_month,
          rating, camera_id, latitude, longitude, x, y, z,
          root_id, taken_source, taken_at, probed_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
          ?19, ?20, ?21, ?22, ?23, ?24, 1, 'exif', ?16, ?11)
        """,
        rows,
    )
    db.executemany("INSERT INTO item_words (rowid, name_words, text_words) VALUES (?, ?, ?)", texts)
    db.executemany("INSERT INTO item_keyword VALUES (?, ?)", keywords)


def _place(chance: random.Random) -> tuple[int, int]:
    return chance.randrange(-600_000_000, 700_000_000), chance.randrange(-(18 * 10**8), 18 * 10**8)


class Asking:
    """Realistic queries. Words and cameras are drawn as often as they are used."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._chance = random.Random(SEED)

    def a_word(self) -> Query:
        return {"text": self._words.draw(1)[0]}

    def the_beginning_of_a_word(self) -> Query:
        return {"text": self._words.draw(1)[0][:3]}

    def two_words(self) -> Query:
        return {"text": " ".join(self._words.draw(2))}

    def camera_rating_and_type(self) -> Query:
        return {**self._camera(), **self._rating(), "types": "image"}

    def year_camera_and_rating(self) -> Query:
        return {**self._year(), **self._camera(), **self._rating()}

    def keyword_year_and_orientation(self) -> Query:
        number = min(int(self._chance.paretovariate(0.5)), KEYWORDS) - 1
        keyword = f"{number} {self._words.all[number]}"
        return {"keywords": keyword, **self._year(), "orientations": "portrait"}

    def folder_rating_and_type(self) -> Query:
        return {"folders": f"{self._chance.randrange(9):02d}", **self._rating(), "types": "image"}

    def place_year_and_type(self) -> Query:
        lat, lon = self._chance.uniform(-50, 60), self._chance.uniform(-170, 170)
        return {"near": f"{lat:.3f},{lon:.3f},100", **self._year(), "types": "image"}

    def _year(self) -> Query:
        return {"years": FIRST_YEAR + self._chance.randrange(YEARS)}

    def _camera(self) -> Query:
        return {"cameras": f"camera {min(int(self._chance.expovariate(0.4)), CAMERAS - 1)}"}

    def _rating(self) -> Query:
        return {"minRating": self._chance.randrange(1, 6)}


def searches(ours: Connection, words: Words) -> list[Row]:
    """Measure the first page of each kind of search, with new values each time."""
    asking = Asking(words)
    rows = []
    for draw in (
        asking.a_word,
        asking.the_beginning_of_a_word,
        asking.two_words,
        asking.camera_rating_and_type,
        asking.year_camera_and_rating,
        asking.keyword_year_and_orientation,
        asking.folder_rating_and_type,
        asking.place_year_and_type,
    ):
        what = draw.__name__.replace("_", " ")
        taken = []
        for _ in range(ASKED):
            query = urlencode({**draw(), "limit": FIRST})
            begun = perf_counter()
            ours.ask(Request("GET", f"/api/items?{query}"))
            taken.append(perf_counter() - begun)
        rows.append(Row(f"{what}: 50 of 100", median(taken) * 1000, "ms", None, 30))
        rows.append(Row(f"{what}: 95 of 100", sorted(taken)[ASKED * 95 // 100] * 1000, "ms"))
    return rows


def pages(ours: Connection, calibrator: Connection, size: int) -> list[Row]:
    """Measure successive pages of the big folder, each requested twice."""
    address = f"/api/folders?path={BIG_FOLDER}&limit={size}"
    cursor: str | None = ""
    firsts: list[float] = []
    agains: list[float] = []
    theirs: list[float] = []
    while cursor is not None and len(firsts) < 2 * ASKED:
        request = Request("GET", f"{address}&cursor={cursor}" if cursor else address)
        begun = perf_counter()
        answer = ours.ask(request)
        firsts.append(perf_counter() - begun)
        cursor = msgspec.json.decode(answer.body)["nextCursor"]
        calibrator.ask(Request("PUT", request.path, answer.body))
        for _ in range(3):
            for side, taken in ((ours, agains), (calibrator, theirs)):
                begun = perf_counter()
                side.ask(request)
                taken.append(perf_counter() - begun)
    bare = median(theirs) * 1000
    what = f"a page of {size} of a folder of 100,000"
    return [
        Row(what, median(agains) * 1000, "ms", bare, 4),
        Row(f"{what}, first after a change", median(firsts) * 1000, "ms", bare),
    ]


def memory(server: Server) -> Row:
    """Return the peak memory after all measurements."""
    peak = server.peak_memory() / MIB
    return Row("resident memory, at its peak", peak, "MiB", None, 300_000_000 / MIB)


def measure(
    ours: Connection, calibrator: Connection, server: Server, words: Words
) -> Sequence[Row]:
    return [*pages(ours, calibrator, 500), *searches(ours, words), memory(server)]
