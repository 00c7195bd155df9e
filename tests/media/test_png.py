"""PNG: metadata beside long texts, and before or after the pixels."""

import zlib
from pathlib import Path

import pytest
from PIL import PngImagePlugin

from tests.support.pictures import chunk, exif, picture
from tests.support.pictures import probed as read
from tests.support.thumbnails import drawn_of, opened


@pytest.mark.parametrize("is_behind", [False, True])
def test_a_png_has_the_dimensions_of_what_is_drawn_of_it(tmp_path: Path, is_behind: bool) -> None:
    """Decoders ignore an orientation after the pixels."""
    whole = picture("PNG")
    turn = chunk(b"eXIf", exif(main={0x0112: 6}).tobytes().removeprefix(b"Exif\0\0"))
    at = whole.index(b"IEND" if is_behind else b"IDAT") - 4
    content = whole[:at] + turn + whole[at:]
    found = read(content, "x.png")
    assert found.camera == "Canon EOS R5"
    drawn = drawn_of(tmp_path, "x.png", content, "small").pictures["small"]
    assert (found.width, found.height) == opened(drawn).size


def _texts(*kinds: bytes) -> list[bytes]:
    """Return chunks with the same long text, one of each kind."""
    long = b"x" * (3 << 20)
    packed = zlib.compress(long)
    every = {
        b"tEXt": b"Comment\0" + long * 2,
        b"zTXt": b"Comment\0\0" + packed,
        b"iTXt": b"Comment\0\1\0\0\0" + packed,
    }
    return [chunk(kind, every[kind]) for kind in kinds]


@pytest.mark.parametrize(
    "long",
    [
        _texts(b"tEXt"),
        _texts(b"zTXt"),
        _texts(b"iTXt"),
        _texts(b"tEXt", b"zTXt", b"iTXt") * 40,
        [chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 999_999))] * 99,
        [chunk(b"zTXt", b"Comment\0\7?"), chunk(b"tEXt", b"Title\0broken", b"\0\0\0\0")],
        [chunk(b"iCCP", b"x\0\0" + zlib.compress(b"x" * (3 << 20)))],
        [chunk(b"caBX", b"x" * (40 << 20))] * 2,
    ],
    ids=["tEXt", "zTXt", "iTXt", "many", "all together", "broken", "colours", "others"],
)
@pytest.mark.parametrize("is_behind", [False, True])
def test_a_long_text_does_not_take_the_others_from_a_png(
    long: list[bytes], is_behind: bool
) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "A title")
    whole = picture("PNG", pnginfo=texts, exif=exif())
    at = whole.index(b"IEND" if is_behind else b"IDAT") - 4
    found = read(whole[:at] + b"".join(long) + whole[at:], "x.png")
    assert (found.width, found.height, found.problem) == (64, 48, None)
    assert (found.title, found.camera) == ("A title", "Canon EOS R5")


def test_a_text_that_cannot_be_unpacked_does_not_take_the_others_from_a_png() -> None:
    whole = picture("PNG")
    at = whole.index(b"IEND") - 4
    broken = chunk(b"zTXt", b"Comment\0\0no deflate")
    found = read(whole[:at] + broken + chunk(b"tEXt", b"Title\0Behind") + whole[at:], "x.png")
    assert (found.title, found.problem) == ("Behind", None)
