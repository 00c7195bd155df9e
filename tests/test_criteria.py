"""The closed schema of filters: the accepted values, and the error texts for others."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gallery.errors import Invalid
from gallery.values.criteria import (
    KEYS,
    LISTS,
    Criteria,
    at_least,
    at_most,
    milliseconds,
    month_number,
    parse,
    takes,
)

WRONG: dict[str, tuple[Any, str]] = {
    "an unknown key": ({"colour": "red"}, "colour"),
    "an unknown key beside known ones": ({"types": ["image"], "typesLogic": "any"}, "typesLogic"),
    "a text for a number": ({"minRating": "4"}, "minRating"),
    "a number for a text": ({"text": 4}, "text"),
    "one value for a list": ({"cameras": "Canon"}, "cameras"),
    "a null in a list": ({"cameras": [None]}, "cameras[0]"),
    "an unknown type": ({"types": ["sound"]}, "types[0]"),
    "an unknown logic": ({"types_logic": "some"}, "types_logic"),
    "an unknown order": ({"sort": "beauty"}, "sort"),
    "a month that is none": ({"months": ["2025-13"]}, "months[0]"),
    "a year that is none": ({"years": [0]}, "years[0]"),
    "a time without a zone": ({"takenAfter": "2025-01-01T00:00:00"}, "takenAfter"),
    "no time": ({"addedBefore": "yesterday"}, "addedBefore"),
    "a latitude beyond the pole": ({"near": {"lat": 91, "lon": 0, "km": 1}}, "near.lat"),
    "a place without a distance": ({"near": {"lat": 1, "lon": 0}}, "near"),
    "an unknown key of a place": ({"near": {"lat": 1, "lon": 0, "km": 1, "m": 2}}, "near"),
    "a folder that is none": ({"folders": ["a", "b//c"]}, "folders[1]"),
    "a NUL": ({"text": "a\0b"}, "text"),
    "a NUL in a list": ({"keywords": ["a\0b"]}, "keywords"),
    "too many values": ({"cameras": ["x"] * 101}, "cameras"),
    "a text that is too long": ({"text": "x" * 1001}, "text"),
    "an id that is none": ({"collections": [0]}, "collections[0]"),
    "a limit of nothing": ({"limit": 0}, "limit"),
    "a truth that is none": ({"favorite": 1}, "favorite"),
    "no object": ([], "object"),
}


@pytest.mark.parametrize(("content", "names"), [*WRONG.values()], ids=[*WRONG])
def test_what_is_wrong_is_named(content: object, names: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse(content)
    assert names in refusal.value.message


SAID = {
    "types": (["photo"], "types[0]: types takes a list (at most 100), each image or video"),
    "sort": ("date", "sort takes addedAt, modifiedAt, name, random, rating, size or takenAt"),
    "order": ("up", "order takes asc or desc"),
    "months": (["2025-13"], "each a month like 2025-07"),
    "years": (["x"], "each a whole number from 1 to 9999"),
    "minRating": ("many", "minRating takes a number"),
    "hasLocation": ("maybe", "hasLocation takes true or false"),
    "takenAfter": ("2020-01-01", "takenAfter takes an ISO 8601 time with a zone, like 2026-"),
    "near": ("1,2", "near takes lat (-90 to 90), lon (-180 to 180) and km (0 to 100000): near=lat"),
    "limit": ("0", "limit takes a whole number from 1 to 10000000"),
    "text": ("x" * 1001, "text takes a text of at most 1000 characters"),
}


@pytest.mark.parametrize("key", SAID)
def test_a_refusal_says_what_the_key_takes(key: str) -> None:
    value, words = SAID[key]
    with pytest.raises(Invalid) as refusal:
        parse({key: value}, strict=False)
    assert words in refusal.value.message


def test_what_every_key_takes_can_be_said() -> None:
    assert all(takes(key) for key in KEYS)


def test_every_key_may_be_absent_or_null() -> None:
    assert parse({}) == parse(dict.fromkeys(KEYS)) == Criteria()


def test_the_keys_are_those_of_the_contract() -> None:
    lists = ["types", "extensions", "cameras", "lenses", "keywords", "orientations"]
    lists += ["years", "months", "collections"]
    alone = "takenAfter takenBefore addedAfter addedBefore minRating maxRating minWidth minHeight"
    alone += " minSize maxSize minDuration maxDuration hasLocation hasRating favorite missing near"
    alone += " hasProblem text sort order limit folders"
    assert {*lists, *(f"{key}_logic" for key in lists), *alone.split()} == set(KEYS)
    assert {*lists, "folders"} == LISTS


def test_numbers_of_a_query_may_be_texts() -> None:
    near = {"lat": "48.8", "lon": "-2", "km": "3"}
    found = parse(
        {"minSize": "12", "years": ["2025"], "missing": "true", "near": near}, strict=False
    )
    assert (found.min_size, found.years, found.missing) == (12.0, [2025], True)
    assert found.near is not None
    assert found.near.lon == -2.0
    for word in ("nan", "inf", "-Infinity", "many"):
        with pytest.raises(Invalid, match="minSize"):
            parse({"minSize": word}, strict=False)


def test_bounds_are_whole_numbers_on_the_right_side() -> None:
    assert (at_least(2.1), at_most(2.9), at_least(2.0), at_most(2.0)) == (3, 2, 2, 2)
    assert at_least(4.35, 1_000) == at_most(4.35, 1_000) == 4_350
    assert abs(at_least(1e300)) < 2**63 > abs(at_most(-1e300, 1_000))
    time = datetime(2025, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert milliseconds(time) == milliseconds(time.replace(microsecond=1_000)) == 1735689600001


def test_a_month_as_a_number() -> None:
    assert month_number("2025-07") == 202507
