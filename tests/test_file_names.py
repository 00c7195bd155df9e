"""Unique file names that every system can unpack."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.values import file_names
from gallery.values.names import key_of

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("beach.jpg", "beach.jpg"),
        ("Été à la mer 🏖️.jpg", "Été à la mer 🏖️.jpg"),
        ("..\\..\\autoexec.bat", ".._.._autoexec.bat"),
        ("C:evil.jpg", "C_evil.jpg"),
        ("new\nline.jpg", "new_line.jpg"),
        ("\u202egpj.exe", "_gpj.exe"),
        ("what?.jpg", "what_.jpg"),
        ("dot.", "dot"),
        ("...", "_"),
        (" ", "_"),
        ("con.jpg", "_con.jpg"),
        ("COM1", "_COM1"),
        ("console.jpg", "console.jpg"),
        ("x" * 300 + ".jpg", "x" * 251 + ".jpg"),
    ],
)
def test_a_safe_name(name: str, made: str) -> None:
    assert file_names.safe(name) == made


def test_of_names_alike_the_first_keeps_its_own() -> None:
    names = ["a.jpg", "A.JPG", "a.jpg", "a (2).jpg", "b", "B", "é.jpg", "e\u0301.jpg"]
    assert file_names.unique(names) == [
        *("a.jpg", "A (2).JPG", "a (3).jpg", "a (2) (2).jpg"),
        *("b", "B (2)", "é.jpg", "e\u0301 (2).jpg"),
    ]


def test_many_names_alike_take_no_time() -> None:
    """Each name tries the number after the last one."""
    assert file_names.unique(["IMG_0001.JPG"] * 20_000)[-1] == "IMG_0001 (20000).JPG"


@given(st.lists(NAMES, max_size=20))
def test_names_are_unique_and_safe(names: list[str]) -> None:
    made = file_names.unique(names)
    assert len(made) == len(names)
    assert len({key_of(name) for name in made}) == len(made)
    for name in made:
        assert 0 < len(name.encode()) <= 255
        assert not set(name) & set('\\/:*?"<>|')
        assert all(unicodedata.category(character) != "Cc" for character in name)
        assert name not in (".", "..")
        assert name.rstrip(" .") == name


def test_a_name_whose_extension_is_too_long_is_cut_at_its_end() -> None:
    assert file_names.safe("a." + "x" * 300) == "a." + "x" * 253
