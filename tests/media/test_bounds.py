"""Whatever a file contains, its cost and the stored metadata are bounded, and more is refused."""

import io
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from gallery import limits
from gallery.media.formats import sniff, svg, video
from gallery.media.formats.probe import probe
from gallery.media.metadata import exif, iptc, rdf, sources, xmp
from gallery.media.metadata.broken import BROKEN
from gallery.media.metadata.sources import Metadata
from gallery.media.metadata.times import by_file, clock
from gallery.model import Probed
from gallery.values.media_types import type_of
from gallery.values.words import words_of
from tests.support.pictures import picture
from tests.support.pictures import probed as read
from tests.support.pictures import xmp as packet

SECONDS = 0.05
MANY = 32_000


def seconds(work: Callable[[], object]) -> float:
    """Return the shortest processor time of three runs."""
    times = []
    for _ in range(3):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


SHAPES = {
    "digits": lambda n: "1" * n,
    "digits, then none": lambda n: "1" * n + "x",
    "numbers": lambda n: "1.1" * (n // 3) + "x",
    "a time, spaces": lambda n: "2025-07-03" + " " * n + "x",
    "a zone, spaces": lambda n: "+02:00" + " \0" * (n // 2) + "x",
    "spaces": lambda n: " " * n + "x",
    "spaces between": lambda n: "1" + " " * n + "x",
    "signs": lambda n: "+1" * (n // 2) + "\n",
    "two positions": lambda n: "+1+" + "1" * n + "\n",
    "points": lambda n: "." * n,
    "exponents": lambda n: "1e" * (n // 2),
    "separators": lambda n: "|/;," * (n // 4),
    "names": lambda n: "a|b/c;d," * (n // 8),
    "degrees": lambda n: "1,1." + "1" * n + "x",
    "comments": lambda n: "<!--" * (n // 4),
    "types": lambda n: "<!DOCTYPE x [" + "] " * (n // 2),
    "declarations": lambda n: "<?xml " * (n // 6),
    "zero bytes": lambda n: "\0" * n,
    "marks": lambda n: "a\u0301" * (n // 2),
    "ligatures": lambda n: "\ufdfa" * n,
}


def drawing(text: str) -> object:
    quoted = text.replace("<", "").replace("\0", "").replace("\n", " ")
    content = f'<svg width="{quoted}" height="{quoted}" viewBox="{quoted}"/>'
    return svg.read(io.BytesIO(content.encode()))


def properties(text: str) -> object:
    names = ("exif:GPSLatitude", "exif:ExposureTime", "xmp:Rating", "exif:DateTimeOriginal")
    lists = ("dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList", "dc:title")
    said = {name: [text] for name in (*names, *lists, "exif:GPSLongitude", "exif:GPSAltitude")}
    return xmp.tags_of(said)


DATA_SETS = (iptc.TITLE, iptc.KEYWORDS, iptc.DATE, iptc.TIME, iptc.CAPTION)
READERS: dict[str, Callable[[str], object]] = {
    "a time": clock,
    "a zone": lambda text: clock("2025-07-03", None, text),
    "a fraction": lambda text: clock("2025-07-03", text),
    "a container": lambda text: video.tags_of(
        dict.fromkeys(("location", "keywords", "creation_time", "title", "comment"), text)
    ),
    "a drawing": drawing,
    "a kind": lambda text: sniff.kind_of(text.encode()[: sniff.HEAD_BYTES]),
    "properties": properties,
    "a packet": lambda text: xmp.read(text.encode()),
    "data sets": lambda text: iptc.read({key: [text.encode()] for key in DATA_SETS}),
    "bytes of data sets": lambda text: iptc.sets_of(text.encode()),
    "resources": lambda text: iptc.among_resources(text.encode()),
    "a number": lambda text: sources.scaled(text, 1_000),
    "a line": sources.line,
    "a text of bytes": lambda text: sources.text(text.encode()),
    "words": words_of,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_long(reader: str, shape: str) -> None:
    work = READERS[reader]
    texts = [SHAPES[shape](n) for n in (MANY // 2, MANY)]
    half, whole = (seconds(lambda text=text: work(text)) for text in texts)  # type: ignore[misc]
    assert whole < SECONDS
    assert whole < 0.02 or whole / half < 3  # less is within the noise of a busy machine


LARGE = 4 << 20
HEAD = (
    b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    b' xmlns:dc="http://purl.org/dc/elements/1.1/"><r:Description>'
)
PACKETS = {
    "elements": HEAD + b"<a/>" * (LARGE // 4),
    "depth": HEAD + b"<a>" * (LARGE // 3),
    "nested items": HEAD + b"<dc:subject>" + b"<r:li>a" * (LARGE // 8),
    "attributes": HEAD + b"<a " + b" ".join(b'a%x=""' % n for n in range(LARGE // 12)),
    "namespaces": HEAD + b"<a " + b" ".join(b'xmlns:a%x="u"' % n for n in range(LARGE // 19)),
    "items": HEAD
    + b"<dc:subject><r:Bag>"
    + b"".join(b"<r:li>%d</r:li>" % n for n in range(90_000))
    + b"</r:Bag></dc:subject></r:Description></r:RDF>",
    "one text": HEAD
    + b"<dc:title>"
    + b"a" * (LARGE - 300)
    + b"</dc:title></r:Description></r:RDF>",
    "references": HEAD + b"<dc:title>" + b"&lt;" * (LARGE // 4 - 200),
}


@pytest.mark.parametrize("shape", PACKETS)
def test_four_megabytes_of_xmp_take_less_than_a_second(shape: str) -> None:
    content = PACKETS[shape][: xmp.MAX_PACKET]
    assert seconds(lambda: xmp.read(content)) < 1


def test_of_many_keywords_the_first_are_kept() -> None:
    many = sources.keywords((f"name {number}",) for number in range(10_000))
    assert many == tuple((f"name {number}",) for number in range(500))
    assert sources.keywords([("x" * 600, "y")]) == (("x" * 500,),)
    assert sources.keywords([("x" * 495, "y" * 4, "z")]) == (("x" * 495, "y" * 4),)
    assert sources.keywords([tuple("abcdefghijklmn")]) == (tuple("abcdefghij"),)
    assert sources.keywords([("é" * 500,), ("b",), ("é" * 500,), ("", "b")]) == (
        ("é" * 500,),
        ("b",),
    )
    long = [(f"{number:03}" + "é" * 497,) for number in range(100)]
    assert len(sources.keywords(long)) == (64 << 10) // (3 + 2 * 497)


def deep(levels: int, separator: str) -> bytes:
    path = separator.join(f"level{number}" for number in range(levels))
    name = "lr:hierarchicalSubject" if separator == "|" else "digiKam:TagsList"
    lists = f"<{name}><rdf:Bag><rdf:li>{path}</rdf:li></rdf:Bag></{name}>"
    return packet('xmp:Rating="3"', lists)


@pytest.mark.parametrize("separator", ["|", "/"])
def test_of_a_deep_hierarchy_the_first_ten_levels_are_kept(separator: str) -> None:
    expected = (tuple(f"level{number}" for number in range(10)),)
    for found in (
        read(picture("JPEG"), "x.jpg", deep(6_000, separator)),
        read(picture("JPEG", xmp=deep(6_000, separator))),
    ):
        assert (found.keywords, found.rating, found.problem) == (expected, 3, None)


def kept(said: Metadata) -> Probed:
    """Return metadata as the server receives it from a worker."""
    names = set(Metadata.__struct_fields__) - {"clock", "utc", "rating"}
    found = Probed(
        taken=by_file(0), rating=said.rating or 0, **{name: getattr(said, name) for name in names}
    )
    taken: Probed = msgspec.json.decode(msgspec.json.encode(found), type=Probed)
    assert taken == found
    return taken


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Hypothesis generates the first texts slowly on a busy machine."""
texts = st.text(max_size=50) | st.text("a|/;, 1.é\ufdfa\0", max_size=3_000)


@patient
@given(st.dictionaries(st.sampled_from(DATA_SETS), st.lists(st.binary() | texts.map(str.encode))))
def test_data_sets_are_kept_within_bounds(sets: dict[tuple[int, int], list[bytes]]) -> None:
    kept(iptc.read(sets))


@patient
@given(
    st.dictionaries(
        st.sampled_from(
            XMP_NAMES := (
                "dc:subject",
                "lr:hierarchicalSubject",
                "digiKam:TagsList",
                "dc:title",
                "dc:description",
                "tiff:Make",
                "tiff:Model",
                "aux:Lens",
                "exif:ExposureTime",
                "exif:FNumber",
                "xmp:Rating",
                "exif:ISOSpeedRatings",
                "exif:GPSLatitude",
                "exif:GPSLongitude",
                "exif:GPSAltitude",
            )
        ),
        st.lists(
            texts | st.from_regex(r"-?\d{1,400}(/\d{1,3}|,\d{1,2}[NSEW])?", fullmatch=True),
            max_size=5,
        ),
    )
)
def test_properties_are_kept_within_bounds(said: dict[str, list[str]]) -> None:
    kept(xmp.tags_of(said))


@patient
@given(st.binary(max_size=300))
@example(deep(300, "|"))
@example(b"<" * 1_000)
@example(b"\xfe\xff\0<\0a\0/\0>")
def test_a_packet_is_read_whatever_its_bytes(raw: bytes) -> None:
    kept(xmp.read(raw))
    rdf.properties(raw)


@patient
@given(
    st.lists(st.lists(texts | st.binary() | st.integers() | st.none(), max_size=15), max_size=20)
)
def test_keywords_are_kept_within_bounds(given_: list[list[Any]]) -> None:
    limits.check_keywords(kept(Metadata(keywords=sources.keywords(given_))).keywords)


a_value = st.integers(0, 65_535) | st.text(max_size=20) | st.binary(max_size=40)


@patient
@given(
    st.dictionaries(st.sampled_from((0x10E, 0x10F, 0x110, 0x4746, 0x9C9B, 0x9C9E)), a_value),
    st.binary(max_size=200),
    st.integers(0, 400),
)
def test_exif_is_kept_within_bounds(values: dict[int, Any], noise: bytes, end: int) -> None:
    made = Image.Exif()
    for tag, value in values.items():
        made[tag] = value
    try:
        whole = made.tobytes()
    except BROKEN:  # Pillow does not write that
        whole = b"Exif\0\0II*\0\x08\0\0\0"
    found = Image.Exif()
    with warnings.catch_warnings(action="ignore"):
        try:
            found.load(whole[:end] + noise)
        except BROKEN:
            return
        kept(exif.read(found))


BEYOND: dict[str, Any] = {
    "width": 2**31,
    "duration": 2**53,
    "problem": "x" * 256,
    "taken": [2**60, 0, None, "exif"],
    "camera": "x" * 256,
    "iso": -1,
    "exposure": 2**64,
    "position": [0, 2_000_000_000],
    "altitude": -(2**53),
    "rating": 6,
    "title": "x" * 1_001,
    "caption": "x\0",
    "keywords": [[f"{number}"] for number in range(501)],
    "fingerprint": "x" * 32,
}


@pytest.mark.parametrize("field", BEYOND)
def test_the_server_refuses_more_than_a_worker_may_say(field: str) -> None:
    raw = {"taken": [0, 0, None, "file"], field: BEYOND[field]}
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.json.decode(msgspec.json.encode(raw), type=Probed)


@pytest.mark.parametrize(
    "keywords",
    [
        [["x" * 250, "y" * 250]],
        [["x"] * 11],
        [[f"{n:03}" + "x" * 490] for n in range(133)],
        [[]],
        [[""]],
    ],
    ids=["long", "deep", "much", "empty", "blank"],
)
def test_the_server_refuses_keywords_beyond_the_limits(keywords: list[list[str]]) -> None:
    raw = {"taken": [0, 0, None, "file"], "keywords": keywords}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(raw), type=Probed)


BEGINNINGS = {
    "x.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>",
    "spaces.svg": b"",
    "x.gif": b"GIF89a\x09\0\x09\0\0\0\0",
    "x.png": b"\x89PNG\r\n\x1a\n",
    "x.jpg": b"\xff\xd8\xff\xe0\0\x04JF",
    "x.tif": b"II*\0\x08\0\0\0",
    "x.webp": b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
    "x.avif": b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
    "x.heic": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
    "x.bmp": b"BM",
    "x.jxl": b"\xff\x0a",
    "wrong.jpg": b"GIF89a\x09\0\x09\0\0\0\0",
}
FILMS = {
    "x.mp4": b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
    "x.mkv": b"\x1aE\xdf\xa3\x84B\x82\x81m\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff",
    "x.avi": b"RIFF\xff\xff\xff\x7fAVI LIST",
    "x.mts": (b"\0\0\0\0G" + b"\0" * 187) * 64,
    "x.m2t": (b"G" + b"\0" * 187) * 64,
    "x.mpg": b"\0\0\1\xba\0\0\1\xbb",
    "x.wmv": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
}


def sparse(folder: Path, name: str, size: int) -> Path:
    """Return a sparse file of that size: only its beginning uses disk space."""
    path = folder / name
    path.write_bytes((BEGINNINGS | FILMS)[name])
    try:
        os.truncate(path, size)
    except OSError:
        pytest.skip("this file system has no such files")
    return path


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_file_of_ten_terabytes_is_refused_at_once(name: str, tmp_path: Path) -> None:
    path = sparse(tmp_path, name, 10 << 40)
    type_ = type_of(name)
    assert type_ is not None
    began = time.process_time()
    with path.open("rb") as file:
        found = probe(file, name, 0)
    assert time.process_time() - began < 0.1
    assert found.problem == "takes too much memory or time"


@pytest.mark.parametrize("name", ["x.gif", "x.jpg", "x.bmp", "wrong.jpg"])
def test_a_decoder_does_not_go_through_a_large_file(name: str, tmp_path: Path) -> None:
    path = sparse(tmp_path, name, 500 << 20)
    with path.open("rb") as file:
        assert seconds(lambda: probe(file, name, 0)) < 1
        assert probe(file, name, 0).problem


@pytest.mark.parametrize("name", FILMS)
def test_a_film_of_ten_terabytes_of_nothing_is_given_up_soon(name: str, tmp_path: Path) -> None:
    path = sparse(tmp_path, name, 10 << 40)
    with path.open("rb") as file:
        began = time.process_time()
        found = probe(file, name, 0)
        assert time.process_time() - began < 8
    assert found.problem


def test_what_a_film_says_of_its_place_fits_into_columns() -> None:
    for raw in ("+1+1+" + "9" * 400, "+" + "9" * 400 + "+1/", "+1.5+2.5+9e99/", "nonsense"):
        kept(video.tags_of({"location": raw}))
