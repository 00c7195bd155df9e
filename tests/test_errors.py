"""Error texts are one line, whatever the request contained."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery import errors


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Été 🏖.jpg", "Été 🏖.jpg"),
        ("a\nb", r"a\u000ab"),
        ('"x"', r"\"x\""),
        ("\\", r"\\"),
        ("\ud800", r"\ud800"),
        ("\U000e0001", r"\udb40\udc01"),
    ],
)
def test_a_text_on_one_line(text: str, shown: str) -> None:
    assert errors.printable(text) == shown


@given(st.text())
def test_what_is_shown_can_be_read_back(text: str) -> None:
    shown = errors.printable(text)
    assert shown.isprintable()
    assert json.loads(f'"{shown}"') == text


def test_errors_say_what_was_wrong() -> None:
    missing = errors.NotInLibrary("a\tb", ["a\tb", "c"])
    assert (missing.message, missing.paths) == (r"Not in the library: a\u0009b", ["a\tb", "c"])
    assert str(errors.NotAFolder("x")) == "Not a folder in the library: x"
    assert errors.NameTaken().message.startswith("Collection name is already in use")
    assert errors.RangeNotSatisfiable(7).size == 7
