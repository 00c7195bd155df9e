"""EXIF in unusual places, and in files whose pixels Pillow cannot read."""

import io
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from gallery.media.formats.probe import probe
from gallery.model import Probed
from tests.support.raws import dng

PACKET = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    b' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    b' dc:title="A title" xmp:Rating="4"/></rdf:RDF>'
)


def read(content: bytes, name: str) -> Probed:
    return probe(io.BytesIO(content), name, 1_600_000_000_000_000)


@pytest.mark.parametrize("has_own", [True, False])
def test_exif_in_the_main_directory_is_read(has_own: bool) -> None:
    exif = Image.Exif()
    exif[0x9003], exif[0x829A], exif[0x8827] = "2006:05:27 12:37:03", IFDRational(16, 5), 250
    if has_own:
        exif.get_ifd(0x8769).update({0x9000: b"0220", 0x8827: 100})
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, "JPEG", exif=exif)
    found = read(buffer.getvalue(), "x.jpg")
    assert found.taken.source == "exif"
    assert found.exposure == 3_200_000_000
    assert found.iso == (100 if has_own else 250)


def test_a_tiff_in_colours_that_pillow_does_not_know_keeps_what_it_says(tmp_path: Path) -> None:
    """CIELAB of 16 bits: libvips draws it."""
    sets = b"\x1c\x02\x78\0\x09A caption"
    content = tiff({0x010F: b"Nikon\0", 700: PACKET, 33_723: sets})
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(content))
    (tmp_path / "x.tif").write_bytes(content)
    with (tmp_path / "x.tif").open("rb") as file:
        found = probe(file, "x.tif", 0)
    assert (found.width, found.height, found.problem) == (16, 8, None)
    assert (found.camera, found.title, found.rating) == ("Nikon", "A title", 4)
    assert found.caption == "A caption"


def test_what_lightroom_writes_into_a_raw_file_is_read() -> None:
    raw = dng()
    start = struct.unpack_from("<I", raw, 4)[0]
    end = start + 2 + 12 * struct.unpack_from("<H", raw, start)[0]
    rows = [raw[at : at + 12] for at in range(start + 2, end, 12)]
    rows.append(struct.pack("<HHII", 700, 1, len(PACKET), len(raw)))
    rows.sort(key=lambda row: struct.unpack("<H", row[:2])[0])
    directory = struct.pack("<H", len(rows)) + b"".join(rows) + bytes(4)
    pointer = struct.pack("<I", len(raw) + len(PACKET))
    found = read(raw[:4] + pointer + raw[8:] + PACKET + directory, "x.dng")
    assert (found.title, found.rating, found.camera) == ("A title", 4, "Canon EOS R5")
    assert (found.width, found.height, found.problem) == (64, 48, None)


def tiff(texts: Mapping[int, bytes]) -> bytes:
    """Return a TIFF of 16 x 8 pixels in CIELAB."""
    numbers = {256: 16, 257: 8, 259: 1, 262: 8, 277: 3, 278: 8, 279: 16 * 8 * 6}
    at = 8 + 2 + 12 * (len(numbers) + len(texts) + 2) + 4
    tags: dict[int, tuple[int, int, int]] = {tag: (4, 1, number) for tag, number in numbers.items()}
    behind = b""
    for tag, kind, data in [
        (258, 3, struct.pack("<HHH", 16, 16, 16)),
        (273, 0, bytes(16 * 8 * 6)),
        *((tag, 2 if data.endswith(b"\0") else 1, data) for tag, data in texts.items()),
    ]:
        where = at + len(behind)
        tags[tag] = (kind, len(data) // 2 if kind == 3 else len(data), where)
        if tag == 273:
            tags[tag] = (4, 1, where)
        behind += data + b"\0" * (len(data) % 2)
    rows = b"".join(struct.pack("<HHII", tag, *tags[tag]) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4) + behind
