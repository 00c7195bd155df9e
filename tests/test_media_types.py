"""The media type of a name, and the patterns of ignored files, which match as in a shell."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.values import media_types
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


@pytest.mark.parametrize(
    ("name", "kind", "mime"),
    [
        ("a.jpg", "image", "image/jpeg"),
        ("A.JPEG", "image", "image/jpeg"),
        ("a.Mp4", "video", "video/mp4"),
        ("a.b.svg", "image", "image/svg+xml"),
        ("jpg", None, "application/octet-stream"),
        ("a.txt", None, "application/octet-stream"),
    ],
)
def test_the_type_of_a_name(name: str, kind: str | None, mime: str) -> None:
    assert media_types.type_of(name) == kind
    assert kind is None or media_types.mime_type(name) == mime


def test_sidecars_and_what_they_describe() -> None:
    alone, shared = media_types.sidecars("a.jpg")
    assert (alone, shared) == (("a.jpg.xmp", "a.jpg.XMP"), ("a.xmp", "a.XMP"))
    assert media_types.is_sidecar("a.XMP")
    assert not media_types.is_sidecar("a.xmp.jpg")
    assert media_types.described_by("a.jpg.xmp")[0] == "a.jpg"
    described = media_types.described_by("a.xmp")
    assert {"a.jpg", "a.JPG", "a.mov"} <= set(described)
    assert "a" not in described


def test_some_types_are_special() -> None:
    assert media_types.is_drawing("a.SVG")
    assert not media_types.is_drawing("a.png")
    assert media_types.is_raw("a.CR2")
    assert not media_types.is_raw("a.jpg")
