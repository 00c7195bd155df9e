"""The SQL of the store: only forms that both engines know, and an index for every list."""

import ast
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import httpx
import pytest

from gallery.database.schema import for_postgres, schema, tables
from tests.support import sql_texts
from tests.support.collections import make
from tests.support.filled import TRAP
from tests.support.library import BEACH, TRIP, Tree, rescan

PACKAGE = Path(__file__).parents[2] / "gallery"
STORE = PACKAGE / "store"
BIG = re.compile(
    r"\b(item|folder|label|item_keyword|item_mark|collection|collection_item)\b(?: AS (\w+))?"
)


LISTED = (
    *(f"sort={sort}" for sort in ("takenAt", "name", "addedAt", "modifiedAt", "size", "rating")),
    "text=beach&types=image&years=2023&months_logic=none&months=2023-01",
    "keywords=a&keywords=b&keywords_logic=all&cameras=x&lenses=y&lenses_logic=none",
    "near=1,2,3&hasLocation=true&hasProblem=true&minRating=1&maxSize=9&takenAfter=2020-01-01T00:00:00Z",
    "collections=1&collections=2&collections_logic=all&folders=photos&favorite=true",
    "keywords=a&collections=1&favorite=false&orientations=square&minDuration=1",
    "missing=true",
)
"""Filters with every kind of clause, in every order that an index serves."""

FORBIDDEN = {
    "a question mark as a placeholder": r"\?",
    "a double-quoted name or string": r'"',
    "= ANY": r"=\s*ANY",
    "IFNULL, which one engine has": r"\bIFNULL\b",
    "group_concat or string_agg": r"\b(group_concat|string_agg)\b",
    "scalar MAX or MIN of several": r"\b(MAX|MIN)\s*\([^()]*,",
    "IS $n": r"\bIS\s+(NOT\s+)?\$",
    "LIMIT without a bound": r"LIMIT\s+(NULL|-)",
    "->>": r"->>",
    "INSERT OR": r"INSERT\s+OR\b",
    "rowid, but of the table of words": r"^(?!.*item_words).*\browid\b",
    "LIKE, GLOB or NOCASE": r"\b(LIKE|GLOB|NOCASE)\b",
    "lower() or upper()": r"\b(lower|upper)\s*\(",
    "dates of the engine": r"\b(datetime|strftime|unixepoch|now)\s*\(",
    "CAST to anything but BIGINT, TEXT and INTEGER": r"CAST\([^()]*AS (?!BIGINT|TEXT|INTEGER)",
    "SELECT *": r"SELECT\s+\*",
    "JOIN with json_each": r"JOIN\s+json_each|json_each\([^)]*\)[^()]*\bJOIN\b(?<!CROSS JOIN)",
    "ON CONFLICT after SELECT without WHERE": r"FROM j\s+(ORDER|ON CONFLICT)",
    "SUM without a cast": r"(?<!CAST\(COALESCE\()(?<!CAST\()\bSUM\(",
    "RETURNING with a qualified column": r"RETURNING[^;]*\b\w+\.\w+",
}


def statements() -> Iterator[tuple[str, str]]:
    """Yield place and text of every statement in the store."""
    for module in sorted(STORE.rglob("*.py")):
        for line, text in sql_texts.texts(module):
            yield f"{module.relative_to(STORE)}:{line}", text


def test_the_statements_of_every_subject_are_looked_at() -> None:
    found = Counter(place.partition("/")[0] for place, _sql in statements())
    assert min(found[subject] for subject in ("collections", "library", "pictures", "sync")) >= 5


@pytest.mark.parametrize(("place", "sql"), list(statements()), ids=lambda value: value[:24])
def test_no_statement_uses_what_only_one_engine_understands(place: str, sql: str) -> None:
    found = [why for why, form in FORBIDDEN.items() if re.search(form, sql, re.DOTALL)]
    assert not found, place


NAMES = {"table.name", "', '.join(table.columns)", "key", "select", "where"}
OF_THE_SCHEMA = {"database/copy.py": NAMES}
"""Names of tables and columns as in `schema.sql`, and statements made only of them."""


def test_values_are_parameters_and_only_constants_are_put_into_sql() -> None:
    for module in sorted(PACKAGE.rglob("*.py")):
        name = str(module.relative_to(PACKAGE))
        if name.startswith(("store/", "database/")):
            allowed = OF_THE_SCHEMA.get(name, set())
            found = [(name, *each) for each in sql_texts.put_in(module) if each[1] not in allowed]
            assert not found


@pytest.mark.parametrize(
    "code",
    [
        "def f(x): return f\"UPDATE item SET name = '{x}'\"",
        'def f(x): return f"INSERT INTO {x} (a) VALUES (1)"',
        'def f(x): return f"DELETE FROM item WHERE {x}"',
        'def f(x): return f"WITH a AS (SELECT 1) {x}"',
        "def f(x): return \"DELETE FROM item WHERE path = '%s'\" % x",
        'def f(x): return "DELETE FROM item WHERE path = " + x',
        'def f(x): return "{} IS NULL".format(x)',
        'def _f(x): return f"{x} IS NULL"\ndef g(y): return _f("a"), _f(y)',
        "def f(x): return Clause(x, ())",
        'def f(x):\n    a = "i.name"\n    a = x\n    return f"{a} IS NULL"',
    ],
)
def test_what_is_no_constant_is_found_in_every_form(tmp_path: Path, code: str) -> None:
    (tmp_path / "x.py").write_text(code)
    assert list(sql_texts.put_in(tmp_path / "x.py"))


@pytest.mark.parametrize(
    "code",
    [
        'A = "item"\nB = f"DELETE FROM {A}"',
        'def f(n): return f"UPDATE item SET size = ${n}"',
        'def f(n): return "WHERE " + ("a" if n else "b")',
        'def _f(x): return f"{x} IS NULL"\ndef g(y): return _f("a"), _f("b")',
        'def f(y):\n    for a, b in (("i.x", y), ("i.z", y)):\n        yield f"{a} IS NULL", b',
    ],
)
def test_constants_may_be_put_together(tmp_path: Path, code: str) -> None:
    (tmp_path / "x.py").write_text(code)
    assert not list(sql_texts.put_in(tmp_path / "x.py"))


def test_no_row_is_taken_apart_by_position() -> None:
    """A new column in a statement must not shift the others: rows get names."""
    positional = [
        f"{module.relative_to(STORE.parent)}:{node.lineno}: {ast.unparse(node)}"
        for room in ("domain", "store", "indexing")
        for module in sorted((STORE.parent / room).rglob("*.py"))
        for node in ast.walk(ast.parse(module.read_text()))
        if _takes_apart(node)
    ]
    assert not positional


def _takes_apart(node: ast.AST) -> TypeGuard[ast.expr]:
    """Return whether it is `*a[1:]`, `a[x][1:3]`, `row[0]`, `row[N:]` or similar."""
    if isinstance(node, ast.Starred):
        whole = node.value
        is_part = isinstance(whole, ast.Subscript) and isinstance(whole.slice, ast.Slice)
        return is_part and not ast.unparse(whole).startswith("sys.argv")
    if not isinstance(node, ast.Subscript):
        return False
    of, at = node.value, node.slice
    if isinstance(of, ast.Subscript):
        return isinstance(at, ast.Slice | ast.Constant | ast.UnaryOp)
    return isinstance(of, ast.Name) and of.id in ROWS and not isinstance(at, ast.Name)


ROWS = {"row", "item", "action", "file", "rest", "now", "key"}
"""Variable names of one row, or of one struct."""


def test_the_schema_is_plain_sqlite_and_fits_the_mapping_of_types() -> None:
    text = schema()
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(text)
    connection.close()
    assert not re.search(r"\b(REAL|TRIGGER|PRAGMA|DATETIME|BOOLEAN|NOCASE)\b|\"", text)
    for comment in re.findall(r"--.*", text):
        assert not re.search(r"\b(INTEGER|TEXT|BLOB)\b", comment)
    tables = re.findall(r"CREATE TABLE \w+ \((.*?)\n\)(.*?);", text, re.DOTALL)
    assert all("STRICT" in options for _columns, options in tables)
    for index in re.finditer(r"CREATE (UNIQUE )?INDEX", text):
        assert "--" in text[: index.start()].splitlines()[-1], "each index says what it is for"


def test_the_schema_becomes_postgres_by_its_types_alone() -> None:
    translated = for_postgres(schema())
    assert not re.search(r"STRICT|ROWID|AUTOINCREMENT|\bINTEGER\b|\bBLOB\b", translated)
    assert translated.count("CREATE TABLE") == schema().count("CREATE TABLE") == len(tables()) - 1
    assert all(table.key and set(table.key) <= set(table.columns) for table in tables())


SMALL = "unprobed|missing|problem"
"""Indexes of few items, which may be read as a whole."""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_no_query_scans_a_big_table(
    client: httpx.AsyncClient, library: Tree, statements: list[str], tmp_path: Path
) -> None:
    made = await make(client, folderPath="", paths=list(TRIP))
    url = f"/api/collections/{made['id']}"
    for method, tail, body in (
        ("GET", "", None),
        ("GET", "/items", None),
        ("PUT", "/order", {"paths": [TRIP[2]]}),
        ("PUT", "", {"name": "x", "paths": [BEACH, TRIP[1]], "folderPath": "photos"}),
        ("PUT", "", {"name": "y", "coverPath": BEACH, "folderPath": "photos/2025"}),
        ("DELETE", "/items", {"paths": [BEACH]}),
    ):
        assert (await client.request(method, url + tail, json=body)).is_success
    for read in ("", "?include=itemIds", "?updatedAfter=2020-01-01T00:00:00Z", "/identifiers"):
        await client.get(f"/api/collections{read}", headers={"If-None-Match": '"x"'})
    await client.post("/api/collections/memberships", json={"paths": list(TRIP)})
    await client.get("/api/items", params={"path": BEACH})
    for criteria in LISTED:
        assert (await client.get(f"/api/items?{criteria}")).is_success
        assert (await client.get(f"/api/items?{criteria}&limit=1")).is_success
    for sort in ("name", "takenAt", "size"):
        await client.get(f"/api/folders?path=photos/2025/trip/day1&sort={sort}&limit=1")
    await client.get("/api/folders")
    await client.get("/api/items/1")
    library.write("photos/new.jpg")
    library.remove(BEACH)
    await rescan(client)
    await client.delete(url)
    texts = {sql for sql in statements if sql.split()[0] in ("SELECT", "UPDATE", "DELETE", "WITH")}
    assert len(texts) > 25
    connection = sqlite3.connect(tmp_path / "data" / "gallery.db")
    for sql in texts:
        big = {alias or table for table, alias in BIG.findall(sql)}
        values = [json.dumps([1])] * len(set(re.findall(r"\$\d+", sql)))
        plan = connection.execute("EXPLAIN QUERY PLAN " + re.sub(r"\$(\d)", r"?\1", sql), values)
        for *_numbers, step in plan.fetchall():
            scanned = re.match(rf"SCAN (\w+)(?! VIRTUAL)(?!.*INDEX item_({SMALL}))", step)
            assert not (scanned and scanned[1] in big), f"{step}\n{sql}"
            is_walk = "ORDER BY" in sql and "LIMIT" in sql  # the walk ends with the page
            assert is_walk or not TRAP.search(step), f"{step}\n{sql}"
    connection.close()
