"""The properties read from real files."""

import io
from pathlib import Path

import pillow_heif
import pytest
import pyvips
from PIL import Image

from gallery.media.fingerprints import fingerprint
from gallery.media.formats.probe import probe
from gallery.media.render.thumbnails import render
from gallery.model import Probed
from tests.support.pictures import film, picture

PICTURES = ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"]


def heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "teal")).save(buffer)
    return buffer.getvalue()


def read(content: bytes, name: str = "x.jpg") -> Probed:
    return probe(io.BytesIO(content), name, 0)


def size(found: Probed) -> tuple[int | None, int | None, str | None]:
    return found.width, found.height, found.problem


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_has_dimensions_whatever_its_name(kind: str) -> None:
    assert size(read(picture(kind))) == (64, 48, None)


def test_a_heic_picture_has_dimensions() -> None:
    assert size(read(heic())) == (64, 48, None)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_dimensions_are_those_that_people_see(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = (64, 48) if orientation < 5 else (48, 64)
    assert size(read(picture(kind, exif=exif))) == (*upright, None)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx-vp9"), ("matroska", "libx264")]
    + [("avi", "mpeg4")],
)
def test_a_film_has_dimensions_and_a_duration(container: str, codec: str) -> None:
    found = read(film(container, codec), "x.mp4")
    assert size(found) == (64, 48, None)
    assert found.duration == pytest.approx(2_000, abs=60)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_film_that_is_to_be_turned_has_the_dimensions_that_people_see(degrees: int) -> None:
    upright = (48, 64) if degrees % 180 else (64, 48)
    assert size(read(film("mp4", "libx264", rotation=degrees), "x.mov")) == (*upright, None)


DRAWINGS = {
    '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200px"/>': (300, 200),
    '<svg width="1in" height="2.54cm"/>': (96, 96),
    '<svg viewBox="0 0 30 20"/>': (30, 20),
    '<svg viewBox="0,0,30,20" width="60"/>': (60, 40),
    '<svg viewBox="0 0 30 20" height="10"/>': (15, 10),
    '<svg width="100%" height="100%"/>': (None, None),
    "<svg/>": (None, None),
    '<!DOCTYPE svg SYSTEM "file:///etc/passwd"><svg width="1" height="1"/>': (1, 1),
}


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_drawing_has_the_dimensions_that_it_asks_for(drawing: str) -> None:
    assert size(read(drawing.encode(), "x.svg")) == (*DRAWINGS[drawing], None)


BOMB = b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg width="1" height="1">&b;</svg>'


@pytest.mark.parametrize("content", [b"", b"no xml", b"<html/>", b"<svg", BOMB])
def test_what_is_no_drawing_has_a_problem(content: bytes) -> None:
    found = read(content, "x.svg")
    assert (found.width, found.height) == (None, None)
    assert found.problem is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no media",
        picture("JPEG")[:20],
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\0" * 999,
    ]
    + [b"#EXTM3U\n/etc/passwd\n", film("mp4", "libx264")[:100]],
    ids=lambda value: repr(value[:12]),
)
@pytest.mark.parametrize("name", ["x.jpg", "x.mp4", "x.svg"])
def test_what_cannot_be_read_has_a_problem_and_the_time_of_the_file(
    content: bytes, name: str
) -> None:
    found = read(content, name)
    assert (found.width, found.height, found.duration) == (None, None, None)
    assert found.problem is not None
    assert "passwd" not in found.problem
    assert found.taken == (0, 0, None, "file")


def test_copies_of_a_file_have_the_same_fingerprint_and_others_have_another() -> None:
    content = bytes(range(256)) * 2_000
    same = fingerprint(io.BytesIO(content), len(content))
    assert same == fingerprint(io.BytesIO(content), len(content))
    assert len(same) == 32
    others = (b"x" + content[1:], content[:-1] + b"x", content[:-1], b"")
    different = {fingerprint(io.BytesIO(other), len(other)) for other in others}
    assert len(different - {same}) == len(others)


def test_what_is_drawn_though_pillow_refuses_it_has_its_dimensions_and_no_problem(
    tmp_path: Path,
) -> None:
    """Pillow does not support signed samples."""
    (tmp_path / "x.tif").write_bytes(
        pyvips.Image.black(64, 48).cast("short").write_to_buffer(".tif")
    )
    with (tmp_path / "x.tif").open("rb") as file:
        assert size(probe(file, "x.tif", 0)) == (64, 48, None)
        assert render(file, "x.tif", ["small"]).problem is None


def test_a_cropped_avif_has_the_dimensions_of_what_is_drawn(tmp_path: Path) -> None:
    """A crop in its properties replaces the profile, which has the same length."""
    content = picture("AVIF", icc_profile=b"x" * 28)
    profile = b"colrprof" + b"x" * 28
    properties, essential = b"\5\1\2\x83\4\5", b"\5\1\2\x83\x84\5"
    assert profile in content
    assert properties in content
    part = b"".join(number.to_bytes(4, "big") for number in (40, 1, 30, 1, 0, 1, 0, 1))
    content = content.replace(profile, b"clap" + part).replace(properties, essential)
    (tmp_path / "x.avif").write_bytes(content)
    with (tmp_path / "x.avif").open("rb") as file:
        assert size(probe(file, "x.avif", 0)) == (40, 30, None)
        drawn = render(file, "x.avif", ["small"]).pictures["small"]
    assert Image.open(io.BytesIO(drawn)).size == (40, 30)


_PNG = picture("PNG")
_WEBP = picture("WEBP")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.jpg", b"", "is empty"),
        ("x.mp4", b"", "is empty"),
        ("x.svg", b"", "is empty"),
        ("x.jpg", b"hello, world", "is not a picture"),
        ("x.mp4", b"hello, world", "is not a picture"),
        ("x.dng", b"hello, world", "is not a picture"),
        ("x.jpg", picture("JPEG")[:30], "is cut off"),
        ("x.png", _PNG[:24], "is cut off"),
        ("x.webp", _WEBP[:40], "is cut off"),
        ("x.avif", picture("AVIF")[:60], "is cut off"),
        ("x.heic", heic()[:60], "is cut off"),
        ("x.mp4", film("mp4", "libx264")[:200], "is cut off"),
        ("x.png", _PNG[:12] + b"IHDX" + _PNG[16:], "is damaged"),
        ("x.webp", _WEBP[:8] + b"WEBPXXXX" + _WEBP[16:], "is damaged"),
        ("x.jpg", b"\xff\xd8\xff\xd9" * 9, "is damaged"),
    ],
)
def test_a_problem_is_told_in_words(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with (tmp_path / name).open("rb") as file:
        assert probe(file, name, 0).problem == problem
        rendering = render(file, name, ["small"])
    assert (rendering.problem, rendering.thumbhash) == (problem, None)
