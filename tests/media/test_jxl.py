"""JPEG XL, within the limits of the optional decoder."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

import gallery.media.formats
from gallery.config import Settings
from gallery.media.formats.pixels import CannotDraw
from gallery.media.formats.probe import probe
from gallery.values import problems
from tests.support.corpus import CAN_JXL, jxl, jxl_of_jpeg, original
from tests.support.library import Tree, read, scanned
from tests.support.pictures import exif, picture
from tests.support.raws import dng
from tests.support.serving import serving
from tests.support.thumbnails import drawn_of, opened

needs_jxl = pytest.mark.skipif(not CAN_JXL, reason="no wheel of pyjpegxl for this machine")
TURNED = bytes.fromhex(
    "ff0a18700b041497040802010068004b188b15c209aa1787bd17080160642c5bbb08e52b7000000000"
)
"""8 x 4 pixels, left blue, right red, to be rotated by 90°: by cjxl, from an oriented PNG."""
XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf="
    b"'http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description xmlns:xmp="
    b"'http://ns.adobe.com/xap/1.0/' xmp:Rating='4'/></rdf:RDF></x:xmpmeta>"
)


@needs_jxl
def test_it_stands_upright(tmp_path: Path) -> None:
    found = probe(io.BytesIO(TURNED), "x.jxl", 0)
    assert (found.width, found.height, found.problem) == (4, 8, None)
    shown = opened(drawn_of(tmp_path, "x.jxl", TURNED).pictures["small"])
    assert shown.size == (4, 8)
    assert shown.getpixel((1, 1)) == (50, 80, 190)


@needs_jxl
def test_metadata_is_read_and_says_nothing_of_the_orientation() -> None:
    said = exif(main={0x0112: 6}).tobytes()
    for box in (b"\0\0\0\6" + said, b"\0\0\0\0" + said.removeprefix(b"Exif\0\0")):
        found = probe(io.BytesIO(jxl(original(), exif=box, xmp=XMP)), "x.jxl", 0)
        assert (found.width, found.height, found.problem) == (*original().size, None)
        assert (found.camera, found.rating, found.iso) == ("Canon EOS R5", 4, 100)
        assert found.taken[3] == "exif"


@needs_jxl
def test_a_jpeg_that_was_packed_keeps_its_metadata() -> None:
    found = probe(io.BytesIO(jxl_of_jpeg(picture("JPEG", exif=exif(), xmp=XMP))), "x.jxl", 0)
    assert (found.width, found.height, found.problem) == (64, 48, None)
    assert (found.camera, found.rating) == ("Canon EOS R5", 4)


@needs_jxl
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", problems.EMPTY),
        (b"no picture", problems.NO_PICTURE),
        (b"\xff\x0a" + b"\0" * 99, problems.DAMAGED),
    ],
)
def test_what_is_wrong_is_told(content: bytes, problem: str, tmp_path: Path) -> None:
    assert probe(io.BytesIO(content), "x.jxl", 0).problem == problem
    with pytest.raises(CannotDraw, match=problem):
        drawn_of(tmp_path, "x.jxl", content)


@needs_jxl
def test_half_a_picture_is_cut_off(tmp_path: Path) -> None:
    content = jxl(original())
    with pytest.raises(CannotDraw, match=problems.CUT_OFF):
        drawn_of(tmp_path, "x.jxl", content[: len(content) // 2])


@pytest.mark.parametrize(
    ("module", "name", "content"), [("jxl", "x.jpg", TURNED), ("raw", "x.dng", dng())]
)
def test_without_the_extra_its_files_lack_a_decoder(
    module: str, name: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"gallery.media.formats.{module}", None)
    monkeypatch.delattr(gallery.media.formats, module, raising=False)
    assert probe(io.BytesIO(content), name, 0).problem == problems.NO_DECODER
    with pytest.raises(CannotDraw, match=problems.NO_DECODER):
        drawn_of(tmp_path, name, content)


def test_without_the_extras_their_endings_are_no_media() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT], check=True, capture_output=True, text=True
    )
    assert ended.stdout == "None None image\n"


_WITHOUT = """
import importlib.util
importlib.util.find_spec = lambda name: None
from gallery.values.media_types import type_of
print(type_of("a.jxl"), type_of("a.dng"), type_of("a.jpg"))
"""


@needs_jxl
async def test_it_is_listed_read_sent_and_drawn(tmp_path: Path) -> None:
    library = Tree(tmp_path / "library")
    content = jxl(original())
    library.write("a.jxl", content=content)
    library.age()
    settings = Settings((str(library.folder),), str(tmp_path / "data"))
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        await read(settings)
        [item] = (await client.get("/api/items?types=image")).json()["items"]
        assert (item["width"], item["height"]) == original().size
        sent = await client.get(item["url"])
        assert (sent.headers["content-type"], sent.content) == ("image/jxl", content)
        drawn = await client.get(item["thumbnailUrl"])
        assert (drawn.status_code, opened(drawn.content).size) == (200, (256, 171))
