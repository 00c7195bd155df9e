"""Which names are junk: as the shell would match the patterns, whatever the case."""

import fnmatch

from hypothesis import given
from hypothesis import strategies as st

from gallery.values.media_types import DEFAULT_IGNORE, junk_filter

letters = st.text("aB.*?[]!-~", max_size=5)


@given(letters.filter(bool), letters)
def test_a_name_is_junk_if_a_pattern_matches_it(pattern: str, name: str) -> None:
    assert junk_filter([pattern])(name) == fnmatch.fnmatchcase(name.lower(), pattern.lower())
    assert junk_filter(["x?x", pattern, "y*"])(name) == fnmatch.fnmatchcase(
        name.lower(), pattern.lower()
    )


def test_the_usual_junk_is_junk_and_pictures_are_not() -> None:
    is_junk = junk_filter(DEFAULT_IGNORE)
    junk = (".hidden.jpg", "@EADIR", "x.jpg.part", "thumbs.DB", "copy.jpg~", "#recycle", "A.TMP")
    assert all(map(is_junk, junk))
    assert not any(map(is_junk, ("a.jpg", "x.part.jpg", "tmp", "thumbs.db.png", "é~.gif")))
    assert not junk_filter([])(".hidden")
