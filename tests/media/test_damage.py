"""The error texts for files that the decoders refuse: damaged, or not supported."""

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from gallery.media.formats import vips
from gallery.media.formats.probe import probe
from gallery.media.render.thumbnails import render
from gallery.values import problems


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def full(kind: bytes, *parts: bytes) -> bytes:
    return box(kind, b"\0\0\0\0", *parts)


def heif(codec: bytes) -> bytes:
    """Return a HEIF file of one picture, 16 x 16 pixels, with that codec."""
    properties = box(b"ipco", full(b"ispe", struct.pack(">II", 16, 16)))
    associations = full(b"ipma", struct.pack(">IHBB", 1, 1, 1, 0x81))

    def meta(at: int) -> bytes:
        location = b"\x44\0" + struct.pack(">HHHHII", 1, 1, 0, 1, at, 16 * 16 * 3)
        return full(
            b"meta",
            full(b"hdlr", b"\0\0\0\0pict" + b"\0" * 13),
            full(b"pitm", b"\0\1"),
            full(b"iloc", location),
            full(b"iinf", b"\0\1", box(b"infe", b"\2\0\0\0\0\1\0\0", codec, b"\0")),
            box(b"iprp", properties, associations),
        )

    head = box(b"ftyp", b"mif1\0\0\0\0mif1miaf")
    at = len(head) + len(meta(0)) + 8
    return head + meta(at) + box(b"mdat", bytes(16 * 16 * 3))


def old_jpeg() -> bytes:
    """Return a TIFF with old-style JPEG compression, which current programs cannot read."""
    return tiff({259: 6, 262: 6, 277: 3})


def tiff(more: dict[int, int], following: int = 0) -> bytes:
    tags = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 16, 279: 256, **more}
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    directory = struct.pack("<H", len(tags)) + rows + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", 8 + 256) + bytes(256) + directory


def strange_bmp() -> bytes:
    """Return a BMP with two bits per pixel, which only Windows CE uses."""
    pixels = bytes(4 * 16)
    head = struct.pack("<IiiHHIIiiII", 40, 16, 16, 1, 2, 0, len(pixels), 0, 0, 4, 0)
    start = 14 + len(head) + 16
    return (
        struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + head + bytes(16) + pixels
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("raw.heif", heif(b"unci")),
        ("old.tif", old_jpeg()),
        ("strange.bmp", strange_bmp()),
    ],
)
def test_what_has_no_decoder_here_is_not_called_damaged(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with (tmp_path / name).open("rb") as file:
        assert probe(file, name, 0).problem in (None, problems.NO_DECODER)
        assert render(file, name, ["small"]).problem == problems.NO_DECODER


def test_what_libvips_said_of_one_file_is_not_said_of_the_next(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((300, 200), 50).convert("RGB").save(buffer, "AVIF")
    (tmp_path / "cut.avif").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (tmp_path / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xd9" * 9)
    with (tmp_path / "cut.avif").open("rb") as file:
        assert vips.size(file) == (300, 200)
    with (tmp_path / "damaged.jpg").open("rb") as file, pytest.raises(vips.Error) as raised:
        vips.size(file)
    assert "bad seek" not in str(raised.value)
