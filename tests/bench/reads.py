"""Reads: the latency of our server, compared with the calibrator for the same request.

The calibrator sends the bytes that our server answered; for a lookup of memberships it decodes the
body and encodes it again. So a ratio is the cost of rules and database on top of the stack.
"""

import random
from collections.abc import Sequence
from statistics import median
from time import perf_counter
from typing import NamedTuple

from tests.bench.client import Connection, Request
from tests.bench.dataset import MEMBERS, SEED
from tests.bench.table import Row

LOOKED_UP = 1_000
WARM_UP = 10
MAX_COLLECTIONS = 20
"""The number of collections requested in turn, so that not every request finds a warm cache."""


class Case(NamedTuple):
    """Requests of one kind; `at_most` is the allowed ratio to the calibrator's time."""

    what: str
    at_most: float | None
    requests: Sequence[Request]
    status: int = 200
    changed: Sequence[int] = ()
    """Collections that are renamed before the requests, in turn, so that nothing is cached."""

    def after_a_change_of(self, ids: Sequence[int]) -> "Case":
        """Return the same case, measured for the first request after a change."""
        what = f"{self.what}, first after a change"
        return self._replace(what=what, at_most=None, changed=ids)


def lookups(what: str, path_lists: Sequence[Sequence[str]]) -> Case:
    """Return the case of memberships of each of the lists."""
    address = "/api/collections/memberships"
    bodies = [Request.with_json("POST", address, {"paths": paths}) for paths in path_lists]
    return Case(what, 4, bodies)


def cases(
    ours: Connection,
    calibrator: Connection,
    paths: Sequence[str],
    collections: Sequence[int],
    repetitions: int,
) -> list[Case]:
    """Return all cases; store their answers in the calibrator. Lookups never repeat a list."""
    draw = random.Random(SEED)
    count = repetitions + WARM_UP
    starts = [draw.randrange(len(paths) - LOOKED_UP + 1) for _ in range(count)]
    shown = draw.sample(collections, min(MAX_COLLECTIONS, len(collections)))
    details = [Request("GET", f"/api/collections/{id_}") for id_ in shown]
    pages = [Request("GET", f"/api/collections/{id_}/items?limit={MEMBERS}") for id_ in shown]
    index = [Request("GET", "/api/collections")]
    known = {each: _copy(each, ours, calibrator) for each in (*details, *pages, *index)}

    def unchanged(requests: Sequence[Request]) -> list[Request]:
        return [each._replace(etag=known[each]) for each in requests]

    together = lookups(
        "memberships, 1,000 paths that stand together",
        [paths[start : start + LOOKED_UP] for start in starts],
    )
    anywhere = [draw.sample(paths, LOOKED_UP) for _ in starts]
    detail = Case(f"a collection of {MEMBERS} items", 6, details)
    whole_list = Case(f"list of {len(collections)} collections", 4, index)
    return [
        together,
        lookups("memberships, 1,000 random paths", anywhere),
        detail,
        whole_list,
        Case("304 of a collection", 2, unchanged(details), 304),
        Case("304 of the list", 2, unchanged(index), 304),
        Case("304 of a page of items", 2, unchanged(pages), 304),
        Case(f"a page of {MEMBERS} items", None, pages),
        *(case.after_a_change_of(shown) for case in (together, detail, whole_list)),
    ]


def _copy(request: Request, ours: Connection, calibrator: Connection) -> str:
    """Store our answer in the calibrator; return its entity tag."""
    answer = ours.ask(request)
    calibrator.ask(Request("PUT", request.path, answer.body))
    assert calibrator.ask(request).body == answer.body
    return answer.header("etag")


def measure(case: Case, ours: Connection, calibrator: Connection, repetitions: int) -> Row:
    """Return the medians of both sides, measured in turn, so that noise affects both."""
    requests = case.requests
    sides = (ours, calibrator)
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(WARM_UP + repetitions):
        request = requests[turn % len(requests)]
        if case.changed:
            id_ = case.changed[turn % len(case.changed)]
            ours.ask(Request.with_json("PUT", f"/api/collections/{id_}", {"name": f"{id_} {turn}"}))
        for side, taken in zip(sides, times, strict=True):
            begun = perf_counter()
            answer = side.exchange(request)
            taken.append(perf_counter() - begun)
            assert answer.status == case.status, (case.what, answer.status)
    mine, theirs = (median(taken[WARM_UP:]) * 1000 for taken in times)
    return Row(case.what, mine, "ms", theirs, case.at_most)
