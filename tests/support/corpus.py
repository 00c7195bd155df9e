"""One picture with known pixels, in files of every format, orientation and colour space.

A thumbnail must show this picture, whatever a decoder makes of the file.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, NamedTuple

import av
import pillow_heif
import pyvips
from PIL import Image, ImageCms, ImageDraw

pillow_heif.register_heif_opener()

CAN_JXL = find_spec("pyjpegxl") is not None
WIDTH, HEIGHT = 360, 240
_ORIENTATION = 0x0112
# The operation that turns a picture with this orientation upright.
_UNDONE = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def original(mode: str = "RGB") -> Image.Image:
    """Return four fields of different colours, one of them a ramp: rotation always changes it."""
    made = Image.new("RGB", (WIDTH, HEIGHT), (200, 60, 50))
    draw = ImageDraw.Draw(made)
    draw.rectangle((WIDTH // 2, 0, WIDTH, HEIGHT // 2 - 1), (60, 160, 80))
    draw.rectangle((0, HEIGHT // 2, WIDTH // 2 - 1, HEIGHT), (50, 80, 190))
    for x in range(WIDTH // 2, WIDTH):
        grey = 40 + (x - WIDTH // 2) * 180 // (WIDTH // 2)
        draw.line((x, HEIGHT // 2, x, HEIGHT), (grey, grey, grey))
    if mode == "1":
        return made.convert("L").point(lambda value: 255 * (value > 90)).convert("1")
    return made.convert(mode)


class Case(NamedTuple):
    """How a file is made, and the picture that its thumbnail must show."""

    name: str
    make: Callable[[], bytes]
    shows: Image.Image
    tolerance: float = 4.0


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if kind == "TIFF":
        options.pop("quality", None)
        if "exif" in options:  # Pillow cannot write all of these tags into this format
            options["exif"] = only_orientation(options["exif"])
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def only_orientation(exif: bytes) -> Image.Exif:
    given, made = Image.Exif(), Image.Exif()
    given.load(exif)
    made[_ORIENTATION] = given[_ORIENTATION]
    return made


def turned(image: Image.Image, orientation: int) -> tuple[Image.Image, Image.Exif]:
    """Return the picture as a file with that orientation stores it, and the EXIF that says so."""
    undone = _UNDONE[orientation]
    inverse = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}.get(orientation, undone)
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    return image if inverse is None else image.transpose(inverse), exif


def corpus() -> Iterator[Case]:
    yield from _plain()
    yield from _jxl() if CAN_JXL else ()
    yield from _turned()
    yield from _coloured()
    yield from _moving()
    yield from _films()


def _case(name: str, image: Image.Image, kind: str, **options: Any) -> Case:
    return Case(name, partial(encoded, image, kind, **options), image)


def _plain() -> Iterator[Case]:
    """Yield every format in each of its modes."""
    rgb, grey, bits = original(), original("L"), original("1")
    clear = rgb.copy()
    clear.putalpha(Image.linear_gradient("L").resize(rgb.size))
    few = rgb.quantize(64)
    sixteen = grey.convert("I").point(lambda value: value * 257).convert("I;16")
    for name, options in JPEGS.items():
        yield _case(f"{name}.jpg", rgb, "JPEG", **options)
    yield _case("grey.jpg", grey, "JPEG", quality=92)
    for image, name in ((rgb, "rgb"), (grey, "grey"), (bits, "bits"), (few, "few"), (clear, "a")):
        yield _case(f"{name}.png", image, "PNG")
        yield _case(f"{name}.tif", few.convert("RGB") if image is few else image, "TIFF")
    for image, name in ((rgb, "rgb"), (grey, "grey"), (bits, "bits"), (few, "few")):
        yield _case(f"{name}.bmp", image, "BMP")
    yield _case("sixteen.png", sixteen, "PNG")._replace(shows=grey)
    yield _case("sixteen.tif", sixteen, "TIFF")._replace(shows=grey)
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        yield _case(f"{compression}.tiff", rgb, "TIFF", compression=compression)
    yield _case("few.gif", few, "GIF")
    yield _case("interlaced.gif", few, "GIF", interlace=1)
    yield _case("lossy.webp", rgb, "WEBP", quality=92)
    yield _case("lossless.webp", clear, "WEBP", lossless=True)
    yield _case("plain.avif", rgb, "AVIF", quality=90)
    yield _case("clear.avif", clear, "AVIF", quality=90)
    yield _case("plain.heic", rgb, "HEIF", quality=92)
    yield _case("clear.heif", clear, "HEIF", quality=92)
    yield Case("drawn.svg", svg, rgb)


JPEGS: dict[str, dict[str, Any]] = {
    "baseline": {"quality": 92},
    "progressive": {"quality": 92, "progressive": True},
    "420": {"quality": 92, "subsampling": 2},
    "best": {"quality": 100},
}
_KINDS = {
    "jpg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "tif": "TIFF",
    "avif": "AVIF",
    "heic": "HEIF",
}


def _jxl() -> Iterator[Case]:
    rgb, grey, wide = original(), original("L"), profile("p3")
    clear = rgb.copy()
    clear.putalpha(Image.linear_gradient("L").resize(rgb.size))
    for image, name in ((rgb, "rgb"), (grey, "grey"), (clear, "clear")):
        for kind, lossless in (("lossless", True), ("lossy", False)):
            made = partial(jxl, image, lossless=lossless)
            yield Case(f"{kind} {name}.jxl", made, image)
    there = converted(rgb, None, wide, "RGB")
    for kind, lossless in (("lossless", True), ("lossy", False)):
        made = partial(jxl, there, lossless=lossless, icc=wide)
        yield Case(f"{kind} wide.jxl", made, rgb)


def jxl(image: Image.Image, **options: Any) -> bytes:
    import pyjpegxl  # noqa: PLC0415  (there are no wheels for some machines)

    channels = len(image.getbands())
    return pyjpegxl.encode(image.tobytes(), *image.size, num_channels=channels, **options)


def jxl_of_jpeg(content: bytes) -> bytes:
    """Return the same JPEG, transcoded without loss."""
    import pyjpegxl  # noqa: PLC0415

    return pyjpegxl.jpeg_to_jxl(content)


def _turned() -> Iterator[Case]:
    for orientation in _UNDONE:
        lying, exif = turned(original(), orientation)
        for ending, kind in _KINDS.items():
            case = _case(f"turned {orientation}.{ending}", lying, kind, exif=exif.tobytes())
            yield case._replace(shows=original())


def _coloured() -> Iterator[Case]:
    """Yield the same colours in colour spaces other than sRGB."""
    rgb, wide, inks = original(), profile("p3"), profile("cmyk")
    there = converted(rgb, None, wide, "RGB")
    for ending, kind in _KINDS.items():
        case = _case(f"wide.{ending}", there, kind, quality=95, icc_profile=wide)
        yield case._replace(shows=rgb)
    printed = converted(rgb, None, inks, "CMYK")
    seen = converted(printed, inks, None, "RGB")  # some of these colours cannot be printed
    for name, kind, options in (
        ("inks.jpg", "JPEG", {"quality": 95, "icc_profile": inks}),
        ("inks.tif", "TIFF", {"icc_profile": inks}),
        ("inks, none says which.jpg", "JPEG", {"quality": 95}),
    ):
        yield _case(name, printed, kind, **options)._replace(shows=seen)


def _moving() -> Iterator[Case]:
    """Yield animations, which show their first picture."""
    rgb = original()
    others = [rgb.rotate(180), rgb.rotate(180)]
    for kind, ending in (("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png"), ("AVIF", "avif")):
        options = {"save_all": True, "append_images": others, "duration": 100}
        yield _case(f"moving.{ending}", rgb, kind, **options)


def _films() -> Iterator[Case]:
    """Yield videos, which show a frame from the middle."""
    rgb = original()
    for container, codec, ending in (
        ("mp4", "libx264", "mp4"),
        ("mp4", "libx265", "m4v"),
        ("mov", "mpeg4", "mov"),
        ("webm", "libvpx-vp9", "webm"),
        ("matroska", "libx264", "mkv"),
        ("avi", "mpeg4", "avi"),
        ("mpegts", "mpeg2video", "m2t"),
        ("mpeg", "mpeg2video", "mpg"),
        ("vob", "mpeg2video", "vob"),
        ("mpeg2video", "mpeg2video", "mpeg"),
        ("3gp", "mpeg4", "3gp"),
        ("3g2", "libx264", "3g2"),
        ("asf", "wmv2", "wmv"),
    ):
        yield Case(f"{codec}.{ending}", partial(film, rgb, container, codec), rgb)
    yield Case("avchd.mts", partial(film, rgb, "mpegts", "libx264", muxing=AVCHD), rgb)
    high = partial(film, rgb, "mp4", "libx264", matrix="ITU709")
    yield Case("high definition.mp4", high, rgb)
    full = partial(film, rgb, "mp4", "libx264", is_full_range=True)
    yield Case("full range.mp4", full, rgb)
    for turn in (90, 180, 270):
        lying = rgb.rotate(turn, expand=True)
        yield Case(f"{turn}.mov", partial(film, lying, "mov", "libx264", rotation=-turn), rgb)
    for name, container, codec, width, ratio, turn in ANAMORPHIC:
        lying = rgb.rotate(turn, expand=True)
        squeezed = lying.resize((width, lying.height))
        make = partial(film, squeezed, container, codec, rotation=-turn, pixel_ratio=ratio)
        yield Case(f"anamorphic {name}", make, rgb)


ANAMORPHIC = (
    ("avchd.mts", "mpegts", "libx264", 270, Fraction(4, 3), 0),
    ("dv.mov", "mov", "mpeg4", 330, Fraction(12, 11), 0),
    ("narrow.mp4", "mp4", "libx264", 400, Fraction(9, 10), 0),
    ("lying.mov", "mov", "libx264", 180, Fraction(4, 3), 90),
)
"""Of films whose pixels are not square: name, format, codec, width in pixels, width of a pixel to
its height, rotation."""
AVCHD = {"mpegts_m2ts_mode": "1"}
"""As cameras write it: with a timestamp before each packet of the transport stream."""


def svg() -> bytes:
    return (
        b"<?xml version='1.0'?><!-- a drawing --><svg xmlns='http://www.w3.org/2000/svg' "
        b"width='360' height='240'><linearGradient id='ramp'>"
        b"<stop stop-color='rgb(40,40,40)'/><stop offset='1' stop-color='rgb(220,220,220)'/>"
        b"</linearGradient><rect width='360' height='240' fill='rgb(200,60,50)'/>"
        b"<rect x='180' width='180' height='120' fill='rgb(60,160,80)'/>"
        b"<rect y='120' width='180' height='120' fill='rgb(50,80,190)'/>"
        b"<rect x='180' y='120' width='180' height='120' fill='url(#ramp)'/></svg>"
    )


def profile(name: str) -> bytes:
    """Return one of the ICC profiles that libvips contains."""
    found: bytes = pyvips.Operation.call("profile_load", name)
    return found


def converted(
    image: Image.Image, source: bytes | None, target: bytes | None, mode: str
) -> Image.Image:
    """Convert the colours from one profile to another; None is sRGB."""
    before, after = (
        ImageCms.ImageCmsProfile(io.BytesIO(icc) if icc else ImageCms.createProfile("sRGB"))
        for icc in (source, target)
    )
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    made = ImageCms.profileToProfile(image, before, after, intent, mode)
    assert made is not None
    return made


def film(
    image: Image.Image,
    container: str,
    codec: str,
    rotation: int = 0,
    matrix: str = "ITU601",
    *,
    is_full_range: bool = False,
    pixel_ratio: Fraction = Fraction(1),
    muxing: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Return a video of one second of black and four seconds of the picture."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=dict(muxing)) as output:
        options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        stream = output.add_stream(codec, rate=8, options=options)
        assert isinstance(stream, av.VideoStream)
        if rotation:
            stream.set_display_rotation(rotation)
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.sample_aspect_ratio = pixel_ratio
        stream.codec_context.gop_size = 4
        stream.codec_context.colorspace = {"ITU601": 5, "ITU709": 1}[matrix]
        stream.codec_context.color_range = 2 if is_full_range else 1
        for number in range(40):
            shown = image if number >= 8 else Image.new("RGB", image.size)
            frame = av.VideoFrame.from_image(shown).reformat(  # type: ignore[no-untyped-call]
                format="yuv420p",
                dst_colorspace=matrix,
                dst_color_range="JPEG" if is_full_range else "MPEG",
            )
            frame.pts, frame.time_base = number, Fraction(1, 8)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()
