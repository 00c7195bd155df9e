"""IPTC in every place where files have it, complete and broken."""

import io

import pytest
from PIL import Image, PngImagePlugin

from gallery.media.formats.probe import probe
from gallery.media.metadata import iptc


def data(*sets: tuple[tuple[int, int], bytes]) -> bytes:
    return b"".join(
        bytes([0x1C, *key]) + len(value).to_bytes(2, "big") + value for key, value in sets
    )


def resources(raw: bytes, name: bytes = b"") -> bytes:
    """Return the resource as Photoshop writes it, after another one."""
    named = bytes([len(name)]) + name + b"\0" * ((len(name) + 1) % 2)
    padded = raw + b"\0" * (len(raw) % 2)
    before = b"8BIM\x03\xf3\0\0\0\0\0\x03abc\0"
    return before + b"8BIM\x04\x04" + named + len(raw).to_bytes(4, "big") + padded


SAID = data((iptc.TITLE, b"A day"), (iptc.KEYWORDS, b"sea"), (iptc.KEYWORDS, b"sun"))


def jpeg(segments: bytes, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, **{"format": "JPEG", **options})  # type: ignore[arg-type]
    content = buffer.getvalue()
    return content[:2] + segments + content[2:]


def segment(raw: bytes) -> bytes:
    body = b"Photoshop 3.0\0" + resources(raw)
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


def title(content: bytes, name: str = "x.jpg") -> str | None:
    found = probe(io.BytesIO(content), name, 0)
    assert found.problem is None
    return found.title


def test_iptc_is_read_of_a_jpeg_that_holds_several_pictures() -> None:
    """Phones and cameras write those: a smaller picture or a gain map follows."""
    several = jpeg(
        segment(SAID),
        format="MPO",
        save_all=True,
        append_images=[Image.new("RGB", (32, 24), "red")],
    )
    with Image.open(io.BytesIO(several)) as image:
        assert image.format == "MPO"
    assert title(several) == "A day"
    assert title(jpeg(segment(SAID))) == "A day"


@pytest.mark.parametrize("profile", ["iptc", "8bim"])
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_iptc_is_read_where_imagemagick_puts_it_in_a_png(profile: str, is_wrapped: bool) -> None:
    raw = resources(SAID, b"name") if is_wrapped else SAID
    assert title(png_with(profile, raw), "x.png") == "A day"


def test_xmp_is_read_where_imagemagick_puts_it_in_a_png() -> None:
    packet = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="Ein Tag"/></rdf:RDF>'
    )
    assert title(png_with("xmp", packet.encode()), "x.png") == "Ein Tag"


def png_with(profile: str, raw: bytes) -> bytes:
    digits = raw.hex()
    lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
    texts = PngImagePlugin.PngInfo()
    texts.add_text(
        f"Raw profile type {profile}",
        "\n".join(["", f"{profile} profile", f"{len(raw):8}", *lines, ""]),
        zip=True,
    )
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, "PNG", pnginfo=texts)
    return buffer.getvalue()


@pytest.mark.parametrize("digits", ["", "\nxmp", "\nxmp\n 3\nzz", "\n\n\n\n", "\nxmp\n3\n616"])
def test_a_broken_profile_in_a_png_is_left_out(digits: str) -> None:
    texts = PngImagePlugin.PngInfo()
    for profile in ("xmp", "iptc", "8bim"):
        texts.add_text(f"Raw profile type {profile}", digits)
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, "PNG", pnginfo=texts)
    assert title(buffer.getvalue(), "x.png") is None


def test_an_empty_iptc_field_does_not_take_the_others_away() -> None:
    raw = data(
        (iptc.TITLE, b""), (iptc.KEYWORDS, b"sea"), (iptc.KEYWORDS, b""), (iptc.DATE, b""),
        (iptc.CAPTION, b"A day"),
    )  # fmt: skip
    found = iptc.read(iptc.sets_of(raw))
    assert (found.title, found.keywords, found.caption) == (None, (("sea",),), "A day")


def test_what_stands_before_a_broken_data_set_is_read() -> None:
    second = len(data((iptc.TITLE, b"A day")))
    for length in range(second, len(SAID)):
        assert iptc.sets_of(SAID[:length])[iptc.TITLE] == [b"A day"]
    assert iptc.read(iptc.sets_of(SAID + b"\x1d junk")).title == "A day"
    assert iptc.read(iptc.sets_of(SAID + b"\x1c\x02\x05\xff\xff" + b"x" * 99)).title == "A day"


def test_a_long_data_set_tells_the_width_of_its_length() -> None:
    long = b"x" * 40_000
    raw = b"\x1c\x02\x78\x80\x04" + len(long).to_bytes(4, "big") + long + SAID
    found = iptc.sets_of(raw)
    assert found[iptc.CAPTION] == [long]
    assert found[iptc.TITLE] == [b"A day"]
