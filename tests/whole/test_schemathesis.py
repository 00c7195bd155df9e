"""A real server, and valid and invalid requests that schemathesis generates from `openapi.yaml`.

Every answer must have a documented status, content type, headers and shape. What the document
forbids must be refused, an undocumented method must be 405, and nothing may be a 5xx.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from typing import Any, TypeAlias
from urllib.parse import urlencode
from zlib import crc32

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from gallery.api.endpoints.documents import specification_file
from gallery.config import Settings
from tests.support.library import TRIP, Tree
from tests.support.serving import serving
from tests.support.waiting import eventually_in_thread

CONFIG = {
    # Generated paths and tags would match nothing: most of them come from here.
    "dictionaries": {
        "paths": {"values": [*TRIP, "", "photos/2025/trip/day3/nothing.jpg"]},
        "ids": {"values": [1, 2, 3, 4, 5]},
        "folders": {"values": ["", "photos", "/photos/2025/trip/", "photos/2025/trip/day1"]},
        "tags": {"values": ['"1-0"', "*", 'W/"1-0"', '"7-7", "1-0"']},
    },
    "parameters": {
        "body.paths[*]": {"dictionary": "paths", "probability": 0.8},
        "body.itemIds[*]": {"dictionary": "ids", "probability": 0.8},
        "body.coverPath": {"dictionary": "paths", "probability": 0.8},
        "body.folderPath": {"dictionary": "folders", "probability": 0.8},
        "query.path": {"dictionary": "paths", "probability": 0.8},
        "header.If-Match": {"dictionary": "tags", "probability": 0.5},
        "header.If-None-Match": {"dictionary": "tags", "probability": 0.5},
    },
    "generation": {"max-examples": 40, "deterministic": True},
    "suppress-health-check": ["too_slow"],
    "checks": {
        # Some rules are only in words, so a valid shape may be refused.
        "positive_data_acceptance": {"enabled": False},
        "negative_data_rejection": {"expected-statuses": [400, 404, 412, 413, 414, 431]},
        # There are no accounts.
        "ignored_auth": {"enabled": False},
    },
}
Case: TypeAlias = schemathesis.Case[Any]
SCHEMA = schemathesis.openapi.from_path(
    str(specification_file()), config=SchemathesisConfig.from_dict(CONFIG)
).exclude(path="/api/events")  # has no end: `api/test_events.py`
ON_A_COLLECTION = [
    found.ok()
    for found in SCHEMA.get_all_operations()
    if isinstance(found, Ok) and "{id}" in found.ok().path
]


LONGEST_QUERY = 7_000
"""In bytes. With a longer one the request line would be refused for every method."""


class Target:
    """A running server with the files of a trip; it creates collections as needed."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.calling: dict[str, Any] = {
            "base_url": url,
            "session": session,
            "allow_redirects": False,
        }
        self._url = url
        self._session = session
        self._numbers = count(1)

    def aim_at_a_new_collection(self, case: Case) -> None:
        """Replace a small id by that of a new collection."""
        id_ = case.path_parameters.get("id")
        if isinstance(id_, int) and 0 < id_ < 1 << 31:
            case.path_parameters["id"] = self.new_collection()

    def ease(self, case: Case) -> None:
        """Adapt half of the valid cases, so that they pass the first checks.

        They get no precondition and no cursor, an unused name and only one list of items.
        """
        body = case.body if isinstance(case.body, dict) else {}
        content = repr((body, dict(case.query), dict(case.headers)))
        is_right = case.meta is not None and case.meta.generation.mode.is_positive
        if not is_right or crc32(content.encode()) % 2:
            return
        for header in ("If-Match", "If-None-Match"):
            case.headers.pop(header, None)
        case.query.pop("cursor", None)
        if len(case.query) > 1:
            case.query.pop("path" if case.path == "/api/items" else "", None)
        if isinstance(name := body.get("name"), str):
            body["name"] = f"{name[:200].strip()} {self.free_name()}"
        if body.get("paths") is not None:
            body.pop("itemIds", None)

    def wait_until_read(self) -> None:
        """Wait until every file is listed with its width."""
        for path in TRIP:
            eventually_in_thread(partial(self._is_read, path))

    def _is_read(self, path: str) -> bool:
        return any(item["width"] for item in self._items_at(path))

    def _items_at(self, path: str) -> list[dict[str, Any]]:
        page = self._session.get(f"{self._url}/api/items", params={"path": path}).json()
        items: list[dict[str, Any]] = page["items"]
        return items

    def free_name(self) -> str:
        return f"Name {next(self._numbers)}"

    def new_collection(self) -> int:
        """Create a collection of three pictures and return its id."""
        body = {"name": self.free_name(), "folderPath": "photos", "paths": TRIP[:3]}
        made = self._session.post(f"{self._url}/api/collections", json=body)
        assert made.status_code == 201
        id_: int = made.json()["id"]
        return id_


def example_bodies(case: Case) -> list[dict[str, Any]]:
    """Return the example bodies that the document has for the operation."""
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    return [e["value"] for media in content.values() for e in media["examples"].values()]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Yield a server process that has read all its files: only requests change its state."""
    folder = tmp_path_factory.mktemp("schemathesis")
    tree = Tree(folder / "library")
    for path in TRIP:
        tree.draw(path, (8, 6))
    settings = Settings(library=(str(tree.folder),), data=str(folder / "data"))
    stack = AsyncExitStack()
    with asyncio.Runner() as runner, requests.Session() as session:
        server = runner.run(stack.enter_async_context(serving(settings)))
        try:
            target = Target(server.url, session)
            target.wait_until_read()
            yield target
        finally:
            runner.run(stack.aclose())


@SCHEMA.parametrize()
def test_whatever_is_sent_is_answered_as_documented(case: Case, target: Target) -> None:
    hypothesis.assume(len(urlencode(case.query, doseq=True)) < LONGEST_QUERY)
    target.aim_at_a_new_collection(case)
    target.ease(case)
    case.call_and_validate(**target.calling)


@hypothesis.settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
@hypothesis.given(data=st.data())
def test_whatever_is_done_to_a_collection_is_answered_as_documented(
    target: Target, data: st.DataObject
) -> None:
    """The requests form sequences, many with example bodies. Deleted is gone for all methods."""
    id_, is_there = target.new_collection(), True
    for _ in range(8):
        case = data.draw(data.draw(st.sampled_from(ON_A_COLLECTION)).as_strategy())
        case.path_parameters["id"] = id_
        body: dict[str, Any] | None = data.draw(st.sampled_from([None, *example_bodies(case)]))
        if body:
            case.headers.pop("If-Match", None)
            case.body = {**body, "name": target.free_name()} if "name" in body else body
        answer = case.call_and_validate(**target.calling)
        assert is_there or answer.status_code in (400, 404)
        if (case.operation.label, answer.status_code) == ("DELETE /api/collections/{id}", 200):
            is_there = False
