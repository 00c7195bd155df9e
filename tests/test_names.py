"""Rules of names, as tables and properties."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.errors import Invalid
from gallery.values.names import CollectionName, key_of, label_key, parse_description

any_text = st.text(max_size=300)


@given(any_text)
def test_a_name_is_trimmed_visible_short_and_free_of_controls_or_refused(raw: str) -> None:
    try:
        name = CollectionName.parse(raw)
    except Invalid:
        return
    assert name.text in raw
    assert 0 < len(name.text) <= 255
    assert not any(unicodedata.category(c) == "Cc" for c in name.text)
    assert CollectionName.parse(name.text) == name


@given(any_text)
def test_the_key_ignores_case_and_the_way_characters_are_composed(name: str) -> None:
    key = key_of(name)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert key_of(unicodedata.normalize(form, name)) == key
    assert key_of(name.casefold()) == key or key_of(key) != key


@pytest.mark.parametrize("blank", ["\ufe0f", "\u180b", "\U000e0100", "\u034f", " \u200d "])
def test_what_nobody_sees_is_no_name(blank: str) -> None:
    with pytest.raises(Invalid, match="required"):
        CollectionName.parse(blank)


def test_control_characters_are_not_trimmed_but_refused() -> None:
    with pytest.raises(Invalid, match="control"):
        CollectionName.parse("\x1fabc")
    assert CollectionName.parse("\u3000abc\n").text == "abc"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Straße", "STRASSE", True),
        ("ẞ", "ss", True),
        ("É", "e\u0301", True),
        ("ς", "Σ", True),
        ("ﬁ", "FI", True),
        ("Ａ", "a", True),
        ("\u212a", "k", True),
        ("İ", "i", False),
        ("ı", "i", False),
        ("a b", "ab", False),
        ("a\u200b", "a", False),
    ],
)
def test_what_counts_as_the_same_name(one: str, other: str, same: bool) -> None:
    assert (key_of(one) == key_of(other)) is same


@pytest.mark.parametrize("raw", [None, "", " \n"])
def test_no_name_is_refused(raw: str | None) -> None:
    with pytest.raises(Invalid, match="required"):
        CollectionName.parse(raw)


def test_a_name_of_256_characters_is_refused() -> None:
    assert CollectionName.parse("é" * 255).text == "é" * 255
    with pytest.raises(Invalid, match="too long: at most 255"):
        CollectionName.parse("é" * 256)


def test_the_key_of_a_label_fits_into_an_index() -> None:
    assert label_key("CANON") == "canon"
    assert len(label_key("x" * 1_000)) == 500


def test_a_description_is_any_text_without_nul() -> None:
    assert parse_description("a\nb " * 2_500) == "a\nb " * 2_500
    with pytest.raises(Invalid, match="NUL"):
        parse_description("a\0")
    with pytest.raises(Invalid, match=r"at most 10.?000"):
        parse_description("a" * 10_001)
