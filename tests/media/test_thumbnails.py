"""Thumbnails show the known picture, whatever file it is in."""

import base64
import io
import math
import random
import re
import shutil
import subprocess
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from gallery.media.formats.probe import probe
from gallery.media.formats.sniff import kind_of
from gallery.media.render.thumbhash import thumbhash
from gallery.media.render.thumbnails import draw
from gallery.model import PIXELS
from gallery.values.media_types import type_of
from tests.support.corpus import HEIGHT, WIDTH, Case, corpus, encoded, film, original
from tests.support.thumbnails import difference, drawn_of, opened

CASES = [pytest.param(case, id=case.name) for case in corpus()]


def chunks(webp: bytes) -> set[bytes]:
    """Return the kinds of chunks in a WebP file, such as EXIF, XMP and profiles."""
    assert webp[:4] == b"RIFF"
    assert webp[8:12] == b"WEBP"
    assert int.from_bytes(webp[4:8], "little") + 8 == len(webp)
    found, at = set(), 12
    while at < len(webp):
        found.add(webp[at : at + 4])
        at += 8 + int.from_bytes(webp[at + 4 : at + 8], "little") + 1 & ~1
    return found


@pytest.mark.parametrize("case", CASES)
def test_it_shows_the_picture_upright_in_its_colours_and_nothing_else(
    case: Case, tmp_path: Path
) -> None:
    content = case.make()
    webp = drawn_of(tmp_path, case.name, content).pictures["small"]
    shown = opened(webp)
    assert shown.size == (256, 171)
    assert difference(shown, case.shows) < case.tolerance
    assert chunks(webp) <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}


@pytest.mark.parametrize("case", CASES)
def test_it_has_the_shape_that_the_item_says(case: Case) -> None:
    type_ = type_of(case.name)
    assert type_
    probed = probe(io.BytesIO(case.make()), case.name, 0)
    assert (probed.width, probed.height, probed.problem) == (WIDTH, HEIGHT, None)


@cache
def imagemagick() -> str | None:
    """Return the program of ImageMagick, whatever else is called `convert` on this machine."""
    for name in ("magick", "convert", "convert-im6.q16"):
        if found := shutil.which(name):
            version = subprocess.run([found, "-version"], check=False, capture_output=True).stdout
            if version.startswith(b"Version: ImageMagick"):
                return found
    return None


UNKNOWN_TO_IT = re.compile(
    r"turned .*[.](png|webp)|(clear|wide).*[.](avif|heif|heic)|drawn.svg|inks.*|anamorphic.*"
)
"""ImageMagick 6 ignores orientation, profile or transparency in some formats, renders SVG
differently, and converts inks to other colours. FFmpeg ignores the pixel aspect ratio.
"""


@pytest.mark.parametrize("case", [it for it in CASES if not UNKNOWN_TO_IT.fullmatch(str(it.id))])
def test_an_independent_decoder_sees_the_same(case: Case, tmp_path: Path) -> None:
    content = case.make()
    file, png = tmp_path / f"it.{case.name.rpartition('.')[2]}", str(tmp_path / "seen.png")
    file.write_bytes(content)
    srgb = tmp_path / "srgb.icc"
    srgb.write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    if kind_of(content[:4096]) == "film":
        program, package = shutil.which("ffmpeg"), "ffmpeg"
        options = ["-v", "error", "-ss", "3", "-i", f"{file}", "-frames:v", "1", png]
    else:
        program, package = imagemagick(), "imagemagick"
        options = [f"{file}[0]", "-auto-orient", "-profile", f"{srgb}", png]
    if program is None:
        pytest.skip(f"not compared with another decoder: apt-get install {package}")
    if subprocess.run([program, *options], check=False, capture_output=True).returncode:
        pytest.skip(f"this {package} does not know the format")
    shown = opened(drawn_of(tmp_path, case.name, content).pictures["small"])
    with Image.open(png) as seen:
        assert difference(shown, seen) < case.tolerance + 2


def test_every_size(tmp_path: Path) -> None:
    big = encoded(original().resize((2_400, 1_600)), "JPEG", quality=95)
    sizes = tuple(PIXELS)
    drawn = drawn_of(tmp_path, "big.jpg", big, *sizes)
    assert {size: opened(drawn.pictures[size]).size for size in sizes} == {
        "small": (256, 171),
        "medium": (512, 341),
        "large": (1_600, 1_067),
        "full": (2_400, 1_600),
    }
    for picture in drawn.pictures.values():
        assert difference(opened(picture), original()) < 4


def test_what_is_small_is_not_enlarged(tmp_path: Path) -> None:
    """Vector images are the exception, because they have no pixels."""
    tiny = encoded(original().resize((40, 30)), "PNG")
    drawn = drawn_of(tmp_path, "tiny.png", tiny, *PIXELS)
    assert {opened(picture).size for picture in drawn.pictures.values()} == {(40, 30)}
    icon = b"<svg xmlns='http://www.w3.org/2000/svg' width='24' height='12'/>"
    drawn = drawn_of(tmp_path, "icon.svg", icon, "small")
    assert opened(drawn.pictures["small"]).size == (256, 128)
    drawn = drawn_of(tmp_path, "icon.svg", icon, "full")
    assert opened(drawn.pictures["full"]).size == (24, 12)


def test_one_pixel_and_long_strips(tmp_path: Path) -> None:
    for size in ((1, 1), (5_000, 1), (1, 5_000)):
        drawn = drawn_of(tmp_path, "x.png", encoded(Image.new("RGB", size, "red"), "PNG"))
        assert max(opened(drawn.pictures["small"]).size) == min(256, max(size))
        assert drawn.thumbhash


def test_without_sizes_there_is_the_hash_alone(tmp_path: Path) -> None:
    content = encoded(original(), "PNG")
    drawn = drawn_of(tmp_path, "x.png", content)
    with (tmp_path / "file").open("rb") as file:
        alone = draw(file, "x.png", ())
    assert alone.pictures == {}
    assert len(alone.thumbhash) == len(drawn.thumbhash)


# ThumbHash


def reference(rgba: bytes, width: int, height: int) -> list[int]:
    """Return the four-bit numbers of a hash, computed from the formulas of the format per pixel."""

    def rounded(number: float) -> int:
        return math.floor(number + 0.5)

    pixels = [[value / 255 for value in rgba[at : at + 4]] for at in range(0, len(rgba), 4)]
    count = sum(pixel[3] for pixel in pixels)
    mean = [sum(p[band] * p[3] for p in pixels) / count if count else 0.0 for band in range(3)]
    over = [[mean[band] * (1 - p[3]) + p[band] * p[3] for band in range(3)] for p in pixels]
    is_clear = count < width * height
    most = 5 if is_clear else 7
    across = max(1, rounded(most * width / max(width, height)))
    down = max(1, rounded(most * height / max(width, height)))

    def transform(values: list[float], nx: int, ny: int) -> tuple[float, list[int], float]:
        waves = [
            sum(
                values[y * width + x]
                * math.cos(math.pi / width * cx * (x + 0.5))
                * math.cos(math.pi / height * cy * (y + 0.5))
                for y in range(height)
                for x in range(width)
            )
            / (width * height)
            for cy in range(ny)
            for cx in range(nx)
            if cx * ny < nx * (ny - cy)
        ]
        scale = max((abs(wave) for wave in waves[1:]), default=0.0)
        flat = scale < 1e-9
        return waves[0], [0 if flat else rounded(7.5 + 7.5 * w / scale) for w in waves[1:]], scale

    light = transform([sum(p) / 3 for p in over], max(3, across), max(3, down))
    yellow = transform([(p[0] + p[1]) / 2 - p[2] for p in over], 3, 3)
    warm = transform([p[0] - p[1] for p in over], 3, 3)
    wide = width > height
    head = rounded(63 * light[0]) | rounded(31.5 + 31.5 * yellow[0]) << 6
    head |= rounded(31.5 + 31.5 * warm[0]) << 12 | rounded(31 * light[2]) << 18 | is_clear << 23
    shape = (down if wide else across) | rounded(63 * yellow[2]) << 3
    shape |= rounded(63 * warm[2]) << 9 | wide << 15
    numbers = [head >> bits & 15 for bits in range(0, 24, 4)]
    numbers += [shape >> bits & 15 for bits in range(0, 16, 4)]
    channels = [light, yellow, warm]
    if is_clear:
        alpha = transform([p[3] for p in pixels], 5, 5)
        numbers += [rounded(15 * alpha[0]), rounded(15 * alpha[2])]
        channels.append(alpha)
    numbers += [wave for channel in channels for wave in channel[1]]
    return numbers + [0] * (len(numbers) % 2)


@pytest.mark.parametrize("seed", range(12))
def test_the_hash_is_a_thumbhash(seed: int) -> None:
    """A coefficient of zero may be 7 or 8, so a difference of 1 is allowed."""
    chance = random.Random(seed)
    width, height = chance.randint(1, 32), chance.randint(1, 32)
    alphas = [255] if seed % 2 else [0, 90, 255]
    rgba = bytes(
        value
        for _ in range(width * height)
        for value in (*chance.choices(range(256), k=3), chance.choice(alphas))
    )
    packed = base64.b64decode(thumbhash(rgba, width, height))
    numbers = [number for byte in packed for number in (byte & 15, byte >> 4)]
    expected = reference(rgba, width, height)
    assert len(numbers) == len(expected)
    head = 12 if len(alphas) > 1 else 10
    assert numbers[:head] == expected[:head]
    assert all(abs(a - b) <= 1 for a, b in zip(numbers, expected, strict=True))


def test_a_hash_that_is_known() -> None:
    """The hash of a red picture is the same for all sizes."""
    assert thumbhash(bytes((255, 0, 0, 255)) * 64, 8, 8) == thumbhash(
        bytes((255, 0, 0, 255)) * 256, 16, 16
    )


@pytest.mark.parametrize(
    ("size", "ratio", "displayed"),
    [
        ((720, 576), Fraction(64, 45), (1024, 576)),
        ((720, 576), Fraction(16, 15), (768, 576)),
        ((720, 480), Fraction(8, 9), (640, 480)),
        ((360, 240), Fraction(1, 50), (360, 240)),
    ],
    ids=["wide DVD", "DVD", "American DVD", "nonsense"],
)
def test_a_film_has_the_shape_that_people_see(
    size: tuple[int, int], ratio: Fraction, displayed: tuple[int, int], tmp_path: Path
) -> None:
    codec = ("vob", "mpeg2video") if ratio > Fraction(1, 10) else ("mp4", "libx264")
    content = film(original().resize(size), *codec, pixel_ratio=ratio)
    probed = probe(io.BytesIO(content), "x.mpg", 0)
    assert (probed.width, probed.height) == displayed
    shown = opened(drawn_of(tmp_path, "x.mpg", content, "full").pictures["full"])
    assert shown.size == displayed
    assert difference(shown, original()) < 4.0


def test_a_film_without_a_frame_at_some_places_shows_one_of_the_first(tmp_path: Path) -> None:
    content = film(original(), "mpegts", "libx264", muxing={"pat_period": "0.01"})
    packets = len(content) // 188
    for start in range(0, packets * 19 // 20, packets // 12):
        rest = content[start * 188 :]
        shown = opened(drawn_of(tmp_path, "x.mts", rest).pictures["small"])
        assert difference(shown, original()) < 4.0
