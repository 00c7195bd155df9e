"""Search words, and the natural order of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.values.names import key_of
from gallery.values.words import MAX_KEY, MAX_WORD, MAX_WORDS, natural_key, words_of

WORDS = {
    "IMG_0042.jpg": ["img", "0042", "jpg"],
    "Straße à Nice": ["strasse", "a", "nice"],
    "STRASSE a\u0300 NICE": ["strasse", "a", "nice"],
    "e\u0301te\u0301 \ufb01ne": ["ete", "fine"],
    "one, two;three—one": ["one", "two", "three"],
    "東京タワー2024": ["東京", "京タ", "タワ", "ワー", "ー", "2024"],
    "abc東": ["abc", "東"],
    "한국 여행": ["\u1112\u1161\u11ab\u1100\u116e\u11a8", "\u110b\u1167\u1112\u1162\u11bc"],
    "\U0001f600 !?": [],
    "": [],
    "x" * 100: ["x" * MAX_WORD],
    "'); DROP TABLE item; --*": ["drop", "table", "item"],
}


@pytest.mark.parametrize("text", WORDS)
def test_a_text_has_words_without_case_and_accents(text: str) -> None:
    assert words_of(text) == WORDS[text]


@given(st.text())
def test_words_hold_nothing_that_either_search_index_would_take_apart(text: str) -> None:
    words = words_of(text)
    assert all(word.isalnum() and 0 < len(word) <= MAX_WORD for word in words)
    assert len(set(words)) == len(words) <= MAX_WORDS
    assert words_of(" ".join(words)) == words or not " ".join(words).isascii()


@given(st.text())
def test_case_does_not_count(text: str) -> None:
    assert words_of(text) == words_of(text.casefold())


NATURAL = [
    *("", " b", "_a", "1", "2", "02", "10", "0100"),
    *("a", "a 2", "a 10", "img", "img1", "IMG2.jpg", "img02.jpg", "Img10.jpg"),
    *("Über", "v", "éa", "f"),
]


def test_names_stand_in_natural_order() -> None:
    ordered = ["", " b", "1", "02", "2", "10", "0100", "_a", "a", "a 2", "a 10", "éa", "f"]
    ordered += ["img", "img1", "IMG2.jpg", "img02.jpg", "Img10.jpg", "Über", "v"]
    assert sorted(sorted(NATURAL), key=natural_key) == ordered


@given(st.text("aB_ 019", max_size=8), st.text("aB_ 019", max_size=8))
def test_numbers_are_compared_by_their_value(one: str, other: str) -> None:
    """The expected order is the usual one: a list of texts and numbers in turn."""

    def parts(name: str) -> list[tuple[int, int, str]]:
        found, at = [], 0
        name = name.lower()
        while at < len(name):
            end = at
            while end < len(name) and name[end].isdigit():
                end += 1
            if end > at:
                found.append((ord("0"), int(name[at:end]), ""))
                at = end
            else:
                found.append((ord(name[at]), 0, ""))
                at += 1
        return found

    if parts(one) != parts(other):
        assert (natural_key(one) < natural_key(other)) == (parts(one) < parts(other))
    else:
        assert natural_key(one) == natural_key(other)


@given(st.text(max_size=300))
def test_a_key_fits_into_an_index(name: str) -> None:
    assert len(natural_key(name)) <= MAX_KEY
    assert len(natural_key(name).encode(errors="surrogatepass")) <= 2_000
    assert natural_key(name.upper()) == natural_key(key_of(name).upper()) or not name.isascii()
