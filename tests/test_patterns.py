"""No pattern that is applied to a request takes more than linear time."""

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

import gallery.api
import gallery.values
from tests.support.library import Tree

LENGTH = 32_000
MODULES = (
    "gallery.model",
    *(found.name for found in pkgutil.walk_packages(gallery.values.__path__, "gallery.values.")),
    *(found.name for found in pkgutil.walk_packages(gallery.api.__path__, "gallery.api.")),
)
METHODS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
UNITS = (
    *(
        " ",
        "\t",
        "0",
        "9",
        '"',
        "'",
        ",",
        "a",
        "Z",
        "%",
        "-",
        ":",
        ".",
        "/",
        "[",
        "]",
        "=",
        "é",
        "+",
    ),
    *('W/"', '"",', '"a" ', " ,", "0-", "0 ", "a ", "%2", "1:", "..", "a.", "[:", "\u0301", "\n"),
)
PREFIXES = ("", '"', 'W/"', "[", "0-", "a")
SUFFIXES = ("", "\x00", '"', " x")


def searches() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Yield every pattern of the modules, with each method that its module calls."""
    for name in MODULES:
        module = importlib.import_module(name)
        source = Path(str(module.__file__)).read_text()
        for attribute, value in vars(module).items():
            pattern = getattr(value, "__self__", value)
            if not isinstance(pattern, re.Pattern):
                continue
            called = re.findall(rf"\b{attribute}\.({'|'.join(METHODS)})\b", source)
            for method in {*called} if value is pattern else {value.__name__}:
                yield f"{name}.{attribute}.{method}", searching(pattern, method)
        for method, text in re.findall(r're\.(match|fullmatch|search)\(r?"([^"]*)"', source):
            yield f"{name}: {text}", searching(re.compile(text), method)


def searching(pattern: "re.Pattern[str]", method: str) -> Callable[[str], object]:
    if method == "sub":
        return lambda text: pattern.sub("", text)
    if method == "finditer":
        return lambda text: list(pattern.finditer(text))
    found: Callable[[str], object] = getattr(pattern, method)
    return found


def seconds(search: Callable[[str], object], text: str) -> float:
    """Return the shortest processor time of three runs, or of the first run that is short."""
    shortest = 60.0
    for _ in range(3):
        began = time.thread_time()
        search(text)
        shortest = min(shortest, time.thread_time() - began)
        if shortest < 0.005:
            break
    return shortest


def test_there_are_patterns() -> None:
    found = [name for name, _search in searches()]
    assert len(found) >= 8, found


SEARCHES = list(searches())


@pytest.mark.parametrize(("name", "search"), SEARCHES, ids=[name for name, _ in SEARCHES])
def test_a_pattern_takes_linear_time(name: str, search: Callable[[str], object]) -> None:
    for unit in UNITS:
        for prefix in PREFIXES:
            for suffix in SUFFIXES:
                text = prefix + unit * (LENGTH // len(unit)) + suffix
                took = seconds(search, text)
                assert took < 0.05, (name, prefix, unit, suffix, took)
                if took >= 0.005:
                    twice = seconds(search, prefix + unit * (2 * LENGTH // len(unit)) + suffix)
                    assert twice < took * 3, (name, prefix, unit, suffix, took, twice)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("header", "prefix"),
    [
        ("Range", "bytes="),
        ("Range", ""),
        ("If-Range", '"'),
        ("If-Match", ""),
        ("If-None-Match", ""),
        ("If-Modified-Since", ""),
        ("If-Unmodified-Since", "Mon, 01 Jan "),
        ("Host", ""),
        ("Origin", ""),
        ("Accept-Encoding", ""),
        ("Content-Length", ""),
        ("Last-Event-ID", ""),
    ],
)
async def test_no_header_stops_the_server(
    client: httpx.AsyncClient, library: Tree, header: str, prefix: str
) -> None:
    library.write("a.jpg", content=b"x" * 100)
    for unit in UNITS:
        if unit in ("é", "\u0301", "\n"):
            continue  # no header contains these characters
        value = prefix + unit * (LENGTH // len(unit))
        more = {"Range": "bytes=0-1"} if header == "If-Range" else {}
        for method, url in (("GET", "/media/a.jpg"), ("PUT", "/api/collections/1")):
            began = time.thread_time()
            answer = await client.request(method, url, headers={**more, header: value})
            assert time.thread_time() - began < 0.5, (header, unit)
            assert answer.status_code < 500


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_no_query_stops_the_server(client: httpx.AsyncClient) -> None:
    for key in (
        "path",
        "cursor",
        "limit",
        "takenAfter",
        "near",
        "text",
        "updatedAfter",
        "size",
        "x",
    ):
        for unit in UNITS:
            value = unit * (LENGTH // len(quote(unit, safe="")))
            for url in ("/api/items", "/api/collections", "/api/folders"):
                began = time.thread_time()
                answer = await client.get(url, params={key: value})
                assert time.thread_time() - began < 0.5, (url, key, unit)
                assert answer.status_code < 500
