"""CR3 files: the metadata in their boxes, and boxes that must do no harm."""

import io
import tracemalloc

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from gallery.media.formats import cr3
from gallery.media.formats.probe import probe
from tests.support.pictures import GPS, xmp
from tests.support.raws import dng, dng_with_preview

CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
MAIN = {0x0100: 6000, 0x0101: 4000, 0x010F: "Canon", 0x0110: "Canon EOS R5"}
OWN = {
    0x9003: "2025:07:03 12:13:14",
    0x9291: "50",
    0x829A: IFDRational(1, 250),
    0x829D: IFDRational(28, 10),
    0x8827: 100,
    0x920A: IFDRational(35, 1),
    0xA434: "RF24-70mm F2.8 L IS USM",
}


def box(kind: bytes, *content: bytes, length: int | None = None) -> bytes:
    whole = b"".join(content)
    return (8 + len(whole) if length is None else length).to_bytes(4, "big") + kind + whole


def directory(tags: dict[int, object]) -> bytes:
    made = Image.Exif()
    for tag, value in tags.items():
        made[tag] = value
    return made.tobytes().removeprefix(b"Exif\0\0")


def raw(*parts: bytes, behind: bytes = b"") -> bytes:
    """Return a file without a picture, with these boxes of Canon."""
    return (
        box(b"ftyp", b"crx \0\0\0\1crx isom")
        + box(b"moov", box(b"uuid", CANON, box(b"CNCV", b"x" * 30), *parts), box(b"mvhd", b""))
        + behind
        + box(b"mdat", b"\0" * 64)
    )


WHOLE = raw(
    box(b"CMT1", directory(MAIN)),
    box(b"CMT2", directory(OWN)),
    box(b"CMT3", b"what is Canon's own"),
    box(b"CMT4", directory(GPS)),
    behind=box(b"uuid", XMP, xmp('xmp:Rating="4"')),
)


def test_the_boxes_say_when_where_and_how_it_was_taken() -> None:
    found = probe(io.BytesIO(WHOLE), "x.cr3", 0)
    assert (found.width, found.height, found.problem) == (6000, 4000, None)
    assert found.taken == (1751544794500, 1751544794500, None, "exif")
    assert (found.camera, found.lens) == ("Canon EOS R5", "RF24-70mm F2.8 L IS USM")
    assert (found.exposure, found.aperture, found.iso) == (4_000_000, 2_800, 100)
    assert (found.focal_length, found.rating) == (35_000, 4)
    assert (found.position, found.altitude) == ((488_584_000, -22_945_000), -35_500)


def test_it_is_as_wide_as_people_see_it() -> None:
    content = raw(box(b"CMT1", directory({**MAIN, 0x0112: 6})))
    found = probe(io.BytesIO(content), "x.cr3", 0)
    assert (found.width, found.height) == (4000, 6000)


def test_a_box_that_is_broken_or_too_large_is_left_out() -> None:
    content = raw(
        box(b"CMT1", directory(MAIN)),
        box(b"CMT2", b"no directory"),
        box(b"CMT4", directory(GPS) + b"\0" * (2 << 20)),
        behind=box(b"uuid", XMP, b"<" * (5 << 20)),
    )
    found = probe(io.BytesIO(content), "x.cr3", 0)
    assert (found.camera, found.position, found.lens) == ("Canon EOS R5", None, None)
    assert found.taken.source == "file"


def test_no_cut_makes_it_fail() -> None:
    for end in range(0, len(WHOLE), 5):
        found = probe(io.BytesIO(WHOLE[:end]), "x.cr3", 0)
        assert found.camera in (None, "Canon EOS R5")


@pytest.mark.parametrize(
    "content",
    [
        box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", length=0) * 5_000,
        box(b"ftyp", b"crx \0\0\0\1") + box(b"free") * 5_000 + WHOLE,
        box(b"ftyp", b"crx \0\0\0\1") + box(b"uuid", CANON, length=2**32 - 1),
        raw(box(b"CMT1", directory(MAIN), length=2**32 - 1)),
        raw(box(b"CMT1", (2**63).to_bytes(8, "big"), length=1)),
        raw(box(b"CMT1", length=4)),
    ],
    ids=["nested", "many", "long", "long part", "longer part", "short part"],
)
def test_what_it_says_of_its_boxes_costs_little(content: bytes) -> None:
    tracemalloc.start()
    try:
        assert cr3.read(io.BytesIO(content)) is None
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        (b"2025:07:03 12:13:14\0", (1751544794000, 1751544794000, None, "exif")),
        (b"no time, as it seems\0", (0, 0, None, "file")),
    ],
)
def test_where_only_libraw_knows_the_time_it_is_taken_from_its_head(
    changed: bytes, taken: tuple[int, int, int | None, str]
) -> None:
    """LibRaw writes its metadata before a JPEG that has no EXIF of its own."""
    preview = io.BytesIO()
    Image.new("RGB", (64, 48)).save(preview, "JPEG")
    silent = dng(more={0x0132: ("c", changed)})
    for tag in (0x010F, 0x0110, 0x8769):
        silent = silent.replace(tag.to_bytes(2, "little"), (0xFFF0).to_bytes(2, "little"), 1)
    found = probe(io.BytesIO(dng_with_preview(preview.getvalue(), silent)), "x.dng", 0)
    assert found.taken == taken
    assert (found.camera, found.problem) == ("Canon EOS R5", None)
