"""A cursor is taken by the list that made it, and by no other: a table and a property."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.api.requests.cursor import CursorNumber, Text, decode, encode
from gallery.errors import Invalid

Shape: type[tuple[str, int]] = tuple[Text, CursorNumber]
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(NAMES, st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_gives_back_its_place(name: str, number: int) -> None:
    cursor = encode("items", (name, number))
    assert decode("items", cursor, Shape) == (name, number)
    with pytest.raises(Invalid):
        decode("members", cursor, Shape)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "é",
        "====",
        packed("no JSON"),
        packed('["00000000"]'),
        packed('["00000000", ["a", 1]]'),
        encode("items", (1, 1)),
        encode("items", ("a", "b")),
        encode("items", ("a", 1, 2)),
        encode("items", ("a\0", 1)),
        encode("items", ("a", 2**64)),
    ],
)
def test_any_other_text_is_refused(cursor: Any) -> None:
    with pytest.raises(Invalid, match="Invalid cursor"):
        decode("items", cursor, Shape)
