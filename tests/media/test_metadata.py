"""The metadata of real files of every format, and of their sidecars."""

from typing import Any

import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin
from PIL.TiffImagePlugin import IFDRational

from tests.support.pictures import GPS, LISTS, chunk, exif, film, picture, xmp
from tests.support.pictures import probed as read


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_exif_is_read_in_every_format_that_has_it(kind: str) -> None:
    found = read(picture(kind, exif=exif(gps=GPS, main={0x010E: "A caption", 0x4746: 4})))
    assert found.taken == (1751544794500, 1751544794500, None, "exif")
    assert (found.camera, found.lens) == ("Canon EOS R5", "RF24-70mm F2.8 L IS USM")
    assert (found.exposure, found.aperture, found.iso) == (4_000_000, 2_800, 100)
    assert (found.focal_length, found.rating, found.caption) == (35_000, 4, "A caption")
    assert (found.position, found.altitude) == ((488_584_000, -22_945_000), -35_500)


def test_tiff_has_its_exif_among_its_own_tags() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x010F], tags[0x0110], tags[0x010E] = "NIKON CORPORATION", "NIKON D850", "A caption"
    tags[700] = xmp('xmp:Rating="3"')
    tags.tagtype[700] = 1
    found = read(picture("TIFF", tiffinfo=tags), "x.tif")
    assert (found.camera, found.caption, found.rating) == ("NIKON D850", "A caption", 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_xmp_is_read_in_every_format_that_has_it(kind: str) -> None:
    packet = xmp('xmp:Rating="5"', LISTS)
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", packet.decode())
        content = picture("PNG", pnginfo=texts)
    else:
        content = picture(kind, xmp=packet)
    found = read(content)
    assert (found.rating, found.title, found.caption) == (5, "A title", "A caption")
    assert found.keywords == (("sea",), ("Paris",), ("Places", "Europe", "Paris"))
    assert found.problem is None


def test_png_texts_count_where_nothing_else_speaks() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "A title")
    texts.add_itxt("Description", "Une légende")
    found = read(picture("PNG", pnginfo=texts), "x.png")
    assert (found.title, found.caption) == ("A title", "Une légende")


def test_what_a_png_says_behind_its_pixels_is_read_without_them() -> None:
    packet = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp('xmp:Rating="5"')
    behind = (
        chunk(b"eXIf", exif(main={0x0112: 6}).tobytes().removeprefix(b"Exif\0\0"))
        + chunk(b"iTXt", packet)
        + chunk(b"tEXt", b"Title\0broken", b"\0\0\0\0")
    )
    large = (20_000).to_bytes(4, "big") + (60_000).to_bytes(4, "big") + b"\x08\x02\0\0\0"
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", large) + chunk(b"IDAT", b"?" * 99) + behind
    for end in (b"", chunk(b"IEND", b"")):
        found = read(content + end, "x.png")
        assert (found.width, found.height, found.problem) == (20_000, 60_000, None)
        assert (found.rating, found.camera, found.title) == (5, "Canon EOS R5", None)


def test_a_moving_png_is_read() -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    found = read(picture("PNG", save_all=True, append_images=frames), "x.png")
    assert (found.width, found.height, found.problem) == (64, 48, None)


def iptc(*sets: tuple[int, int, bytes]) -> bytes:
    """Return a JPEG with these IPTC data sets."""
    data = b"".join(
        bytes([0x1C, record, number]) + len(value).to_bytes(2, "big") + value
        for record, number, value in sets
    )
    data += b"\0" * (len(data) % 2)
    resource = b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data
    segment = b"Photoshop 3.0\0" + resource
    content = picture("JPEG")
    return content[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + content[2:]


@pytest.mark.parametrize(
    ("mark", "encoding"), [(True, "utf-8"), (False, "utf-8"), (False, "latin-1")]
)
def test_iptc_is_read_whatever_its_encoding(mark: bool, encoding: str) -> None:
    sets = [
        (2, 5, "Été".encode(encoding)),
        (2, 25, "mer".encode(encoding)),
        (2, 25, "île".encode(encoding)),
        (2, 120, "à Nice".encode(encoding)),
        (2, 55, b"20250703"),
        (2, 60, b"121314+0200"),
    ]
    found = read(iptc(*([(1, 90, b"\x1b%G")] if mark else []), *sets))
    assert (found.title, found.caption) == ("Été", "à Nice")
    assert found.keywords == (("mer",), ("île",))
    assert found.taken == (1751537594000, 1751544794000, 120, "iptc")


TIMES: dict[str, tuple[Any, tuple[int, int, int | None, str]]] = {
    "with its zone": ({"own": {0x9011: "+02:00"}}, (1751537594500, 1751544794500, 120, "exif")),
    "with a zone beside GMT": (
        {"own": {0x9011: "-03:30"}},
        (1751557394500, 1751544794500, -210, "exif"),
    ),
    "with a zone that is none": (
        {"own": {0x9011: "   "}},
        (1751544794500, 1751544794500, None, "exif"),
    ),
    "with a satellite's time": (
        {"gps": {7: (IFDRational(10), IFDRational(13), IFDRational(20)), 29: "2025:07:03"}},
        (1751537594500, 1751544794500, 120, "gps"),
    ),
    "with a satellite that disagrees": (
        {"gps": {7: (IFDRational(10), IFDRational(5), IFDRational(0)), 29: "2025:07:03"}},
        (1751544794500, 1751544794500, None, "exif"),
    ),
    "digitized only": (
        {"own": {0x9003: "0000:00:00 00:00:00", 0x9004: "2025:07:03 12:13:14"}},
        (1751544794000, 1751544794000, None, "exif"),
    ),
    "never set": (
        {"own": {0x9003: "    :  :     :  :  "}},
        (1600000000000, 1600000000000, None, "file"),
    ),
    "of no calendar": (
        {"own": {0x9003: "2025:13:40 25:61:61"}},
        (1600000000000, 1600000000000, None, "file"),
    ),
    "of no century": (
        {"own": {0x9003: "9999:01:01 00:00:00"}},
        (1600000000000, 1600000000000, None, "file"),
    ),
}


@pytest.mark.parametrize(("more", "taken"), [*TIMES.values()], ids=[*TIMES])
def test_the_time_of_the_camera_counts(more: Any, taken: tuple[int, int, int | None, str]) -> None:
    assert read(picture("JPEG", exif=exif(**more))).taken == taken


def test_a_time_with_a_zone_in_xmp_goes_before_the_clock_of_the_camera() -> None:
    zoned = xmp('photoshop:DateCreated="2025-07-03T12:00:00+09:00"')
    found = read(picture("JPEG", exif=exif(), xmp=zoned))
    assert found.taken == (1751511600000, 1751544000000, 540, "xmp")
    plain = xmp('photoshop:DateCreated="1985"')
    assert read(picture("JPEG", exif=exif(), xmp=plain)).taken[3] == "exif"
    assert read(picture("JPEG", xmp=plain)).taken == (473385600000, 473385600000, None, "xmp")


def test_what_stands_beside_a_file_goes_before_what_stands_in_it() -> None:
    inside = picture("JPEG", exif=exif(main={0x4746: 1}), xmp=xmp('xmp:Rating="2"', LISTS))
    assert read(inside).rating == 2
    alone = xmp('xmp:Rating="-1" exif:DateTimeOriginal="2024-01-01T00:00:00"')
    shared = xmp('xmp:Rating="4" tiff:Model="Scanner"')
    found = read(inside, "x.jpg", alone, shared)
    assert (found.rating, found.camera, found.title) == (-1, "Scanner", "A title")
    assert found.taken == (1704067200000, 1704067200000, None, "sidecar")


def test_a_picture_that_cannot_be_read_still_has_its_sidecar() -> None:
    found = read(b"no picture", "x.jpg", xmp('xmp:Rating="4"', LISTS))
    assert found.problem is not None
    assert (found.rating, found.title) == (4, "A title")


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<",
        b"no xml",
        BOMB,
        OUTSIDE,
        xmp()[:-30],
        b"\xff\xfe",
        b"<x/>",
        xmp('xmp:Rating="many"'),
    ]
    + [xmp('exif:GPSLatitude="1,2N" exif:GPSLongitude="x"'), xmp('exif:ExposureTime="1/0"')],
)
def test_broken_xmp_is_left_out_and_the_picture_stays(packet: bytes) -> None:
    found = read(picture("JPEG"), "x.jpg", packet)
    assert (found.width, found.height, found.problem, found.rating) == (64, 48, None, 0)
    assert (found.title, found.position, found.exposure) == (None, None, None)


def test_numbers_of_xmp_are_those_of_exif() -> None:
    found = read(
        picture("JPEG"),
        "x.jpg",
        xmp(
            'exif:ExposureTime="1/250" exif:FNumber="28/10" exif:FocalLength="35/1" '
            'exif:GPSLatitude="48,51.504N" exif:GPSLongitude="2,17,40.2W" '
            'exif:GPSAltitude="355/10" exif:GPSAltitudeRef="1" '
            'tiff:Make="Canon" tiff:Model="EOS R5"',
            "<exif:ISOSpeedRatings><rdf:Seq><rdf:li>100</rdf:li></rdf:Seq></exif:ISOSpeedRatings>"
            "<digiKam:TagsList><rdf:Seq><rdf:li>Places/Asia</rdf:li></rdf:Seq></digiKam:TagsList>",
        ),
    )
    assert (found.exposure, found.aperture, found.focal_length) == (4_000_000, 2_800, 35_000)
    assert (found.position, found.altitude, found.iso) == ((488_584_000, -22_945_000), -35_500, 100)
    assert (found.camera, found.keywords) == ("Canon EOS R5", (("Places", "Asia"),))


def test_what_windows_writes_is_utf_16() -> None:
    texts = {0x9C9B: "Ein Titel", 0x9C9C: "Grüße", 0x9C9E: "eins;zwei"}
    main = {tag: f"{text}\0".encode("utf-16-le") for tag, text in texts.items()}
    found = read(picture("JPEG", exif=exif(main=main)))
    assert (found.title, found.caption) == ("Ein Titel", "Grüße")
    assert found.keywords == (("eins",), ("zwei",))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("OLYMPUS DIGITAL CAMERA", None),
        ("   ", None),
        ("line\r\nline", "line\nline"),
        ("nul\0behind", "nul"),
        ("x" * 20_000, "x" * 10_000),
    ],
)
def test_a_caption_is_what_somebody_wrote(written: str, shown: str | None) -> None:
    assert read(picture("JPEG", exif=exif(main={0x010E: written}))).caption == shown


def test_a_comment_of_the_user_is_a_caption_in_its_own_encoding() -> None:
    for comment in (b"ASCII\0\0\0caf\xc3\xa9", b"UNICODE\0" + "café".encode("utf-16-le")):
        assert read(picture("JPEG", exif=exif(own={0x9286: comment}))).caption == "café"


def test_broken_exif_is_left_out_and_the_picture_stays() -> None:
    whole = exif(gps=GPS).tobytes()
    for end in range(8, len(whole), 7):
        found = read(picture("JPEG", exif=whole[:end]))
        assert (found.width, found.height, found.problem) == (64, 48, None)
    strange = exif(
        own={0x829A: IFDRational(1, 0), 0x8827: 0},
        main={0x4746: 99},
        gps={2: (IFDRational(1),), 4: (IFDRational(1, 0),) * 3},
    )
    found = read(picture("JPEG", exif=strange))
    assert (found.exposure, found.iso, found.rating, found.position) == (None, None, 0, None)


def test_a_film_says_when_and_where_it_was_taken() -> None:
    said = {
        "com.apple.quicktime.creationdate": "2025-07-03T12:13:14+0200",
        "com.apple.quicktime.make": "Apple",
        "com.apple.quicktime.model": "iPhone 13",
        "com.apple.quicktime.location.ISO6709": "+48.8584-002.2945+035.500/",
        "title": "A film",
        "comment": "Of the sea",
    }
    found = read(film("mov", "libx264", metadata=said), "x.mov")
    assert found.taken == (1751537594000, 1751544794000, 120, "container")
    assert (found.camera, found.title, found.caption) == ("Apple iPhone 13", "A film", "Of the sea")
    assert (found.position, found.altitude) == ((488_584_000, -22_945_000), 35_500)


@pytest.mark.parametrize(
    ("made", "source"),
    [("2025-07-03T10:13:14.000000Z", "container"), ("1904-01-01T00:00:00.000000Z", "file")],
)
@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_the_clock_of_a_film_is_in_utc(container: str, made: str, source: str) -> None:
    found = read(film(container, "libx264", metadata={"creation_time": made}), "x.mp4")
    assert found.taken is not None
    assert found.taken.source == source
    assert found.taken.at == (1751537594000 if source == "container" else 1_600_000_000_000)
    assert found.taken.offset is None
