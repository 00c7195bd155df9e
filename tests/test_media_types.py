"""Which endings are media, and which names are junk: as the shell would match the patterns."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.values.media_types import (
    DEFAULT_IGNORE,
    RAWS,
    STILLS,
    MediaType,
    junk_filter,
    mime_type,
    type_of,
)

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


@pytest.mark.parametrize(
    ("ending", "type_", "mime"),
    [
        ("jfif", "image", "image/jpeg"),
        ("hif", "image", "image/heif"),
        ("mts", "video", "video/mp2t"),
        ("m2ts", "video", "video/mp2t"),
        ("m2t", "video", "video/mp2t"),
        ("mpg", "video", "video/mpeg"),
        ("mpeg", "video", "video/mpeg"),
        ("mpe", "video", "video/mpeg"),
        ("vob", "video", "video/mpeg"),
        ("3gp", "video", "video/3gpp"),
        ("3g2", "video", "video/3gpp2"),
        ("wmv", "video", "video/x-ms-wmv"),
        ("asf", "video", "video/x-ms-asf"),
    ],
)
def test_the_endings_that_cameras_and_phones_give(ending: str, type_: MediaType, mime: str) -> None:
    for name in (f"a.{ending}", f"A.{ending.upper()}"):
        assert (type_of(name), mime_type(name)) == (type_, mime)


@pytest.mark.parametrize("name", ["app.ts", "go.mod", "tune.mod", "mts", "mts.txt"])
def test_what_is_something_else_far_more_often_is_no_medium(name: str) -> None:
    assert type_of(name) is None


def test_a_raw_file_may_have_any_jpeg_or_heif_beside_it() -> None:
    assert set(STILLS) == {"jpg", "jpeg", "jpe", "jfif", "heic", "heif", "hif"}
    assert not set(STILLS) & set(RAWS)
