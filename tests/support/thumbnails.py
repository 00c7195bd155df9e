"""Comparing thumbnails with the pictures that they must show."""

import io
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

from gallery.media.render.thumbnails import Drawn, draw
from gallery.model import Size


def drawn_of(folder: Path, name: str, content: bytes, *sizes: Size) -> Drawn:
    (folder / "file").write_bytes(content)
    with (folder / "file").open("rb") as file:
        return draw(file, name, sizes or ("small",))


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture), formats=("WEBP",))
    image.load()
    return image


def difference(shown: Image.Image, expected: Image.Image) -> float:
    """Return the largest mean difference of a channel, 0 to 255, on the same background."""
    here, there = on_ground(shown), on_ground(expected).resize(shown.size, Image.Resampling.BOX)
    return max(ImageStat.Stat(ImageChops.difference(here, there)).mean)


def on_ground(image: Image.Image) -> Image.Image:
    whole = image.convert("RGBA")
    ground = Image.new("RGBA", whole.size, (120, 120, 120, 255))
    return Image.alpha_composite(ground, whole).convert("RGB")
