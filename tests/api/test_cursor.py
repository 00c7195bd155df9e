"""Cursors: they survive a round trip, and only our own for the same list are accepted."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.api.requests import cursor
from gallery.api.requests.cursor import CursorNumber, Text
from gallery.errors import Invalid

Place: Any = tuple[Text, CursorNumber]
TEXTS = st.text().filter(lambda text: "\0" not in text and text.isprintable())


@given(TEXTS, TEXTS, st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_gives_the_place_it_was_made_of(list_id: str, text: str, number: int) -> None:
    made = cursor.encode(list_id, (text, number))
    assert cursor.decode(list_id, made, Place) == (text, number)
    assert made.isascii()
    assert not set("+/=&?#% ") & set(made), "it needs no escaping in an address"


GOOD = cursor.encode("list", ("a", 1))


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "ä",
        GOOD[:-1],
        GOOD[:-4],
        f"{GOOD} ",
        f"{GOOD}AAAA",
        GOOD.swapcase(),
        cursor.encode("other list", ("a", 1)),
        cursor.encode("list", (1, "a")),
        cursor.encode("list", ("a",)),
        cursor.encode("list", ("a", 1, 1)),
        cursor.encode("list", ("a\0", 1)),
        cursor.encode("list", ("a", 2**63)),
        _encoded('["00000000",["a",1]]'),
        _encoded('["00000000"]'),
        _encoded('{"a":1}'),
        _encoded("null"),
        _encoded("[" * 10_000),
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="Invalid cursor"):
        cursor.decode("list", text, Place)
