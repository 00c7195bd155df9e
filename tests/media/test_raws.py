"""RAW files, within the limits of the optional decoder, and the pairs that cameras write."""

import io
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from gallery.config import Settings
from gallery.media.formats.probe import probe
from tests.support.library import Tree, pairs, read, rescan
from tests.support.pictures import exif, picture
from tests.support.raws import dng, dng_with_preview
from tests.support.thumbnails import drawn_of, opened


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
    """It is developed, because the file contains no usable preview."""
    drawn = drawn_of(tmp_path, "x.dng", dng(orientation), "small", "full")
    assert {opened(picture).size for picture in drawn.pictures.values()} == {size}


def test_the_preview_of_a_raw_file_is_read_as_long_as_it_is_needed(tmp_path: Path) -> None:
    """Previews of several megabytes lie in pages that go back to the system when they are freed.

    The test renders in a separate process, because reading freed pages would crash.
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
from gallery.media.formats import vips
from gallery.media.render.thumbnails import draw
from PIL import Image
kept, taken = vips.smaller, []
def smaller(image, longest):
    gc.collect()
    taken[:] = [bytes([n]) * (3 << 20) for n in range(16)]
    return kept(image, longest)
vips.smaller = smaller
with open(sys.argv[1], "rb") as file:
    for _ in range(4):
        picture = draw(file, "x.dng", ("small",)).pictures["small"]
        print(Image.open(io.BytesIO(picture)).size)
"""
