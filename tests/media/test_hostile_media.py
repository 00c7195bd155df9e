"""Malicious files: they cause a refusal or the end of a worker, and show no other file."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest
from PIL import Image

from gallery.media.formats.pixels import CannotDraw
from gallery.media.formats.sniff import kind_of
from gallery.media.jobs import RenderFile
from gallery.media.render.thumbnails import draw
from gallery.media.worker import open_workers
from gallery.values.media_types import type_of
from tests.support.bombs import BOMBS
from tests.support.corpus import CAN_JXL, Case, corpus, encoded, original
from tests.support.thumbnails import difference, drawn_of, opened

CASES = {case.name: case for case in corpus()}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotDraw):
        drawn_of(tmp_path, name, BOMBS[name])


@pytest.mark.parametrize("name", ["drawn.svg", "few.gif", "rgb.png", "baseline.jpg", "rgb.tif"])
def test_a_file_that_is_too_large_for_its_kind_is_refused_at_once(
    name: str, tmp_path: Path
) -> None:
    """It claims 10 TB, but has no bytes after its beginning."""
    file = tmp_path / name
    file.write_bytes(CASES[name].make())
    try:
        os.truncate(file, 10 << 40)
    except OSError:
        pytest.skip("this file system has no files of 10 TB")
    began = time.monotonic()
    with (
        file.open("rb") as opened_file,
        pytest.raises(CannotDraw, match="takes too much memory or time"),
    ):
        draw(opened_file, name, ["small"])
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("list.mov", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        ("page.jpg", b"<!DOCTYPE html><html><script>alert(1)</script></html>"),
        ("script.gif", b"#!/bin/sh\n"),
        ("magick.png", b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/'\n"),
        ("postscript.tif", b"%!PS-Adobe-3.0\n"),
        ("paper.jpg", b"%PDF-1.7\n"),
        ("portable.png", b"P6\n1 1\n255\n\0\0\0"),
        ("empty.jpg", b""),
        ("text.svg", b"hello <svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("half.jpg", b"\xff\xd8\xff"),
        ("half.mp4", b"\0\0\0\x20ftypisom"),
        ("half.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("half.dng", b"II*\0\x08\0\0\0"),
        ("not raw.dng", b"IIU\0rubbish"),
    ],
)
def test_what_is_no_medium_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(CannotDraw):
        drawn_of(tmp_path, name, content)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("a.jpg", "rgb.png"),
        ("a.png", "libx264.mp4"),
        ("a.mp4", "baseline.jpg"),
        ("a.svg", "few.gif"),
        ("a.heic", "drawn.svg"),
        ("a.dng", "progressive.jpg"),
        ("a.gif", "plain.heic"),
        ("a.jpg", "avchd.mts"),
        ("a.jpg", "mpeg2video.m2t"),
        ("a.jpg", "mpeg2video.mpg"),
        ("a.jpg", "mpeg2video.mpeg"),
        ("a.jpg", "mpeg4.3gp"),
        ("a.jpg", "wmv2.wmv"),
        ("a.mts", "baseline.jpg"),
    ],
)
def test_what_it_is_tells_its_content_and_not_its_name(name: str, of: str, tmp_path: Path) -> None:
    drawn = drawn_of(tmp_path, name, CASES[of].make())
    assert difference(opened(drawn.pictures["small"]), original()) < 4


def test_a_polyglot_is_what_it_begins_with(tmp_path: Path) -> None:
    content = CASES["baseline.jpg"].make() + b"PK\x03\x04<script>alert(1)</script>"
    drawn = drawn_of(tmp_path, "a.jpg", content)
    assert difference(opened(drawn.pictures["small"]), original()) < 4
    assert b"script" not in drawn.pictures["small"]


async def test_a_drawing_loads_nothing_from_outside(tmp_path: Path) -> None:
    """A file beside it, or an address: what it references is not in the picture."""
    (tmp_path / "red.png").write_bytes(encoded(Image.new("RGB", (64, 64), "red"), "PNG"))
    called = asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    for place in ("red.png", f"file://{tmp_path}/red.png", f"http://127.0.0.1:{port}/red.png"):
        svg = (
            f"<?xml-stylesheet href='http://127.0.0.1:{port}/x.css' type='text/css'?>"
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
            f"width='64' height='64'><image xlink:href='{place}' href='{place}' width='64' "
            f"height='64'/><use xlink:href='{place}#x'/></svg>"
        )
        try:
            drawn = await asyncio.to_thread(drawn_of, tmp_path, "x.svg", svg.encode())
        except CannotDraw:
            continue
        assert opened(drawn.pictures["small"]).convert("RGBA").getchannel("A").getextrema() == (
            0,
            0,
        )
    server.close()
    await server.wait_closed()
    assert not called.is_set()


@pytest.mark.parametrize(
    "name",
    ["mpeg4.mov", "libvpx-vp9.webm", "mpeg4.avi", "libx264.mkv"]
    + ["avchd.mts", "mpeg2video.mpg", "mpeg2video.mpeg", "wmv2.wmv"],
)
def test_half_a_film_is_refused_or_shows_a_frame(name: str, tmp_path: Path) -> None:
    content = CASES[name].make()
    for part in (1, 20, 50, 80):
        try:
            drawn = drawn_of(tmp_path, name, content[: len(content) * part // 100])
        except CannotDraw:
            continue
        shown = opened(drawn.pictures["small"])
        assert min(difference(shown, seen) for seen in (original(), Image.new("RGB", (9, 6)))) < 4


def whole_or_refused(content: bytes, case: Case, folder: Path) -> bool:
    """Return whether the picture is refused; assert that it is whole if not."""
    try:
        drawn = drawn_of(folder, case.name, content)
    except CannotDraw:
        return True
    assert difference(opened(drawn.pictures["small"]), case.shows) < case.tolerance
    return False


@pytest.mark.parametrize(
    "name", [name for name in CASES if "turned" not in name and type_of(name) == "image"]
)
def test_half_a_file_never_shows_half_a_picture(name: str, tmp_path: Path) -> None:
    """The first picture of an animation may be complete already."""
    content = CASES[name].make()
    parts = [content[: len(content) * part // 100] for part in (1, 20, 50, 80)]
    refused = [whole_or_refused(part, CASES[name], tmp_path) for part in parts]
    assert refused[0]


DAMAGED = (
    *("baseline.jpg", "rgb.png", "few.gif", "lossy.webp", "plain.avif", "plain.heic"),
    *("rgb.tif", "rgb.bmp", "drawn.svg", "libx264.mp4", "mpeg4.avi", "libvpx-vp9.webm"),
    *("avchd.mts", "mpeg2video.mpg", "wmv2.wmv"),
    *(("lossy rgb.jxl", "lossless rgb.jxl") if CAN_JXL else ()),
)


async def test_damaged_files_are_drawn_or_refused(tmp_path: Path) -> None:
    """Random bytes are changed, in a worker: there is no other outcome, and the worker survives."""
    chance = random.Random(7)
    for name in DAMAGED:
        content = CASES[name].make()
        for number in range(12):
            damaged = bytearray(content)
            for _ in range(chance.choice((1, 5, 50))):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            (tmp_path / f"{number} {name}").write_bytes(damaged)
    outcomes = set()
    async with open_workers() as workers:
        for path in sorted(tmp_path.iterdir()):
            with path.open("rb") as file:
                request = RenderFile(path.name, ("small",))
                rendering = await workers.render(request, [file.fileno()], 30)
            outcomes.add("refused" if rendering.problem else "drawn")
    assert outcomes == {"drawn", "refused"}


def test_kinds() -> None:
    assert kind_of(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom") == "raw"
    assert kind_of(b"II*\0\x10\0\0\0CR\2\0") == "raw"
    assert kind_of(b"\0\0\0\x14ftypqt  ") == "film"
    assert kind_of(b"\0\0\0\x08wide\0\0\0\0mdat") == "film"
    assert kind_of(b"RIFF\0\0\0\0WAVE") is None
    assert (
        kind_of(b"\xef\xbb\xbf <?xml version='1.0'?>\n<!-- <svg> --> <!DOCTYPE svg><svg>") == "svg"
    )
    assert kind_of(b"<svg:svg xmlns:svg='x'>") == "svg"
    assert kind_of(b"<html><svg>") is None
    assert kind_of(b"<!---->" * 500 + b"<svg") is None  # and quickly
