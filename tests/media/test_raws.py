"""RAW files, as far as the extra reads them; and the pairs that cameras make of them."""

import io
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from PIL import Image

from gallery.config import Settings
from gallery.media.probe import probe
from tests.api.test_browsing import pairs
from tests.library import Tree, read, rescan
from tests.media.test_metadata import exif, picture
from tests.media.test_thumbnails import drawn_of, opened

_SIZES = {"B": 1, "c": 1, "H": 2, "I": 4, "i": 4}
_TYPES = {"B": 1, "c": 2, "H": 3, "I": 4, "i": 10}


def dng(
    orientation: int = 1, more: Mapping[int, tuple[str, bytes | tuple[int, ...]]] | None = None
) -> bytes:
    """A small DNG: 64 x 48 values behind a mosaic of colours, and when it was taken."""
    pixels = bytes(range(256)) * (64 * 48 * 2 // 256)
    own = _directory(
        {0x9003: ("c", b"2025:07:03 12:13:14\0"), 0x8827: ("H", (200,))}, 8 + len(pixels)
    )
    start = 8 + len(pixels) + len(own)
    entries: dict[int, tuple[str, bytes | tuple[int, ...]]] = {
        0x00FE: ("I", (0,)),
        0x0100: ("I", (64,)),
        0x0101: ("I", (48,)),
        0x0102: ("H", (16,)),
        0x0103: ("H", (1,)),
        0x0106: ("H", (32803,)),
        0x010F: ("c", b"Canon\0"),
        0x0110: ("c", b"Canon EOS R5\0"),
        0x0111: ("I", (8,)),
        0x0112: ("H", (orientation,)),
        0x0115: ("H", (1,)),
        0x0116: ("I", (48,)),
        0x0117: ("I", (len(pixels),)),
        0x828D: ("H", (2, 2)),
        0x828E: ("B", (0, 1, 1, 2)),
        0x8769: ("I", (8 + len(pixels),)),
        0xC612: ("B", (1, 4, 0, 0)),
        0xC614: ("c", b"Canon EOS R5\0"),
        0xC621: ("i", (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)),
        0xC65A: ("H", (21,)),
        **(more or {}),
    }
    return b"II*\0" + struct.pack("<I", start) + pixels + own + _directory(entries, start)


def dng_with_preview(preview: bytes, raw: bytes | None = None) -> bytes:
    """The same with a JPEG inside that the camera wants to be shown."""
    raw = raw or dng()
    end = len(raw) + len(raw) % 2
    start = struct.unpack_from("<I", raw, 4)[0]
    count = struct.unpack_from("<H", raw, start)[0]
    made = bytearray(raw.ljust(end, b"\0"))
    struct.pack_into("<I", made, start + 2 + 12 * count, end)  # the next directory
    entries: dict[int, tuple[str, bytes | tuple[int, ...]]] = {
        0x00FE: ("I", (1,)),
        0x0103: ("H", (6,)),
        0x0201: ("I", (0,)),
        0x0202: ("I", (len(preview),)),
    }
    at = end + len(_directory(entries, end))
    entries[0x0201] = ("I", (at,))
    return bytes(made) + _directory(entries, end) + preview


def _directory(entries: dict[int, tuple[str, bytes | tuple[int, ...]]], at: int) -> bytes:
    """A directory of TIFF that lies at an offset, with the values that do not fit into it."""
    behind = at + 2 + 12 * len(entries) + 4
    table, values = struct.pack("<H", len(entries)), b""
    for tag, (kind, content) in sorted(entries.items()):
        raw = (
            content
            if isinstance(content, bytes)
            else struct.pack(f"<{len(content)}{kind}", *content)
        )
        count = len(raw) // _SIZES[kind] // (2 if kind == "i" else 1)
        if len(raw) > 4:
            field = struct.pack("<I", behind + len(values))
            values += raw + b"\0" * (len(raw) % 2)
        else:
            field = raw.ljust(4, b"\0")
        table += struct.pack("<HHI", tag, _TYPES[kind], count) + field
    return table + b"\0" * 4 + values


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (6, (48, 64)), (8, (48, 64))])
def test_a_raw_file_has_the_dimensions_that_people_see_and_its_metadata(
    orientation: int, size: tuple[int, int]
) -> None:
    found = probe(io.BytesIO(dng(orientation)), "x.dng", 0)
    assert (found.width, found.height, found.problem) == (*size, None)
    assert (found.camera, found.iso) == ("Canon EOS R5", 200)
    assert found.taken == (1751544794000, 1751544794000, None, "exif")


@pytest.mark.parametrize("content", [b"", b"no raw", dng()[:300]])
def test_what_is_no_raw_file_has_a_problem(content: bytes) -> None:
    assert probe(io.BytesIO(content), "x.dng", 0).problem is not None


def test_a_raw_file_that_holds_a_jpeg_is_read_as_what_it_is(tmp_path: Path) -> None:
    content = picture("JPEG", exif=exif())
    found = probe(io.BytesIO(content), "x.nef", 0)
    assert (found.width, found.height, found.problem) == (64, 48, None)
    assert found.camera == "Canon EOS R5"
    assert drawn_of(tmp_path, "x.nef", content, "small").thumbhash


async def test_a_raw_file_is_paired_with_the_picture_beside_it(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("new/A.DNG", "new/B.dng", "other/C.dng", content=dng())
    library.write("new/A.jpg", "new/c.jpg", content=picture("JPEG"))
    library.age()
    await rescan(client)
    await read(settings)
    found = await pairs(client)
    assert (found["A.DNG"], found["A.jpg"]) == ("A.jpg", "A.DNG")
    assert {found[name] for name in ("B.dng", "C.dng", "c.jpg")} == {None}
    library.move("new/A.jpg", "other/c.jpg")
    await rescan(client)
    found = await pairs(client)
    assert found["A.DNG"] is None
    assert found["C.dng"] == "c.jpg"


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (6, (48, 64)), (3, (64, 48))])
def test_its_thumbnail_stands_upright(
    tmp_path: Path, orientation: int, size: tuple[int, int]
) -> None:
    """Developed, as there is no picture inside that could be shown."""
    drawn = drawn_of(tmp_path, "x.dng", dng(orientation), "small", "full")
    assert {opened(picture).size for picture in drawn.pictures.values()} == {size}


def test_the_preview_of_a_raw_file_is_read_as_long_as_it_is_needed(tmp_path: Path) -> None:
    """Previews of several megabytes lie in pages that go back to the system when they are freed.

    They are drawn by a process of its own: to read them then is a crash.
    """
    noise = Image.effect_noise((2_400, 1_800), 90)
    shown = Image.merge("RGB", [noise, noise.rotate(90).resize(noise.size), noise.rotate(180)])
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=92)
    assert len(buffer.getvalue()) > 3 << 20
    (tmp_path / "x.dng").write_bytes(dng_with_preview(buffer.getvalue()))
    drawing = subprocess.run(
        [sys.executable, "-c", _UNDER_PRESSURE, str(tmp_path / "x.dng")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (drawing.returncode, drawing.stderr) == (0, "")
    assert drawing.stdout.splitlines() == ["(256, 192)"] * 4


_UNDER_PRESSURE = """
import gc, io, sys
from gallery.media import canvas
from gallery.media.thumbnails import draw
from PIL import Image
kept, taken = canvas.smaller, []
def smaller(image, longest):
    gc.collect()
    taken[:] = [bytes([n]) * (3 << 20) for n in range(16)]
    return kept(image, longest)
canvas.smaller = smaller
with open(sys.argv[1], "rb") as file:
    for _ in range(4):
        picture = draw(file, "x.dng", ("small",)).pictures["small"]
        print(Image.open(io.BytesIO(picture)).size)
"""
