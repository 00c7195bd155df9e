"""A canvas with relative coordinates, and the brushes that paint every demo scene.

Positions are fractions of the picture's width and height. Lengths are fractions of its shorter
side. Therefore a scene fits landscape, portrait and square pictures.
"""

from collections.abc import Sequence
from math import sin
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from gallery.demo.palettes import BLACK, Color, Palette, mix

Point = tuple[float, float]
PaintSize = tuple[int, int]

# Everything is painted at twice the size and then halved: ImageDraw does not smooth edges.
_SCALE = 2


class Canvas:
    """A picture being painted, with its palette and its own seeded random numbers."""

    def __init__(self, size: PaintSize, palette: Palette, seed: int) -> None:
        """Create a black canvas of `size` finished pixels."""
        self.width, self.height = size[0] * _SCALE, size[1] * _SCALE
        self.unit = min(self.width, self.height)
        self.palette = palette
        self.rng = Random(seed)
        self.image = Image.new("RGB", (self.width, self.height))
        self._pen = ImageDraw.Draw(self.image)

    def near(self, x: float, y: float, dx: float, dy: float) -> Point:
        """Return the position that is (`dx`, `dy`) lengths away from (`x`, `y`)."""
        return x + dx * self.unit / self.width, y + dy * self.unit / self.height

    def around(self, x: float, y: float, offsets: Sequence[Point]) -> list[Point]:
        """Return the positions at `offsets`, in lengths, from (`x`, `y`)."""
        return [self.near(x, y, dx, dy) for dx, dy in offsets]

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        """Fill the shape with the corners `points`."""
        self._pen.polygon(self._pixels(points), fill=color)

    def shaded(self, points: Sequence[Point], stops: Sequence[Color]) -> None:
        """Fill the shape with `stops` spread from its highest to its lowest point."""
        pixels = self._pixels(points)
        left, right = int(min(x for x, _ in pixels)), int(max(x for x, _ in pixels)) + 1
        top, bottom = int(min(y for _, y in pixels)), int(max(y for _, y in pixels)) + 1
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in pixels], fill=255)
        self.image.paste(_column(stops).resize(mask.size, _SMOOTH), (left, top), mask)

    def gradient(self, stops: Sequence[Color], top: float = 0.0, bottom: float = 1.0) -> None:
        """Fill the full width from `top` to `bottom` with `stops` blended downwards."""
        first, last = round(top * self.height), round(bottom * self.height)
        band = _column(stops).resize((self.width, max(1, last - first)), _SMOOTH)
        self.image.paste(band, (0, first))

    def box(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        """Fill an upright rectangle."""
        self._pen.rectangle(self._pixels([(left, top), (right, bottom)]), fill=color)

    def oval(self, x: float, y: float, rx: float, ry: float, color: Color) -> None:
        """Fill an ellipse with the radii `rx` and `ry`, in lengths, around a position."""
        self._pen.ellipse(self._pixels(self.around(x, y, [(-rx, -ry), (rx, ry)])), fill=color)

    def disc(self, x: float, y: float, radius: float, color: Color) -> None:
        """Fill a circle."""
        self.oval(x, y, radius, radius, color)

    def ring(self, x: float, y: float, radius: float, color: Color, width: float) -> None:
        """Draw a circle's outline, `width` lengths thick, inside `radius`."""
        edges = self._pixels(self.around(x, y, [(-radius, -radius), (radius, radius)]))
        self._pen.ellipse(edges, outline=color, width=self._thick(width))

    def line(self, points: Sequence[Point], color: Color, width: float) -> None:
        """Draw a line through `points`, `width` lengths thick."""
        self._pen.line(self._pixels(points), fill=color, width=self._thick(width), joint="curve")

    def glow(self, x: float, y: float, radius: float, color: Color, strength: float = 1.0) -> None:
        """Paint soft light around a position, fading out at `radius`."""
        # Light falls off with the square of the distance to the rim, so the rim is invisible.
        side = 2 * self._thick(radius)
        falloff = [round(strength * 255 * (1 - v / 255) ** 2) for v in range(256)]
        mask = Image.radial_gradient("L").point(falloff).resize((side, side), _SMOOTH)
        corner = (round(x * self.width) - side // 2, round(y * self.height) - side // 2)
        self.image.paste(color, (*corner, corner[0] + side, corner[1] + side), mask)

    def haze(self, top: float, bottom: float, color: Color, strength: float) -> None:
        """Paint haze over the full width: clear at `top`, `strength` (0 to 1) at `bottom`."""
        first, last = round(top * self.height), round(bottom * self.height)
        veil = Image.linear_gradient("L").point([round(v * strength) for v in range(256)])
        mask = veil.resize((self.width, last - first), _SMOOTH)
        self.image.paste(color, (0, first, self.width, last), mask)

    def clouds(self, top: float, bottom: float, color: Color, cover: float) -> None:
        """Paint clouds over the full width; `cover` goes from 0 (none) to 1 (overcast)."""
        first, last = round(top * self.height), round(bottom * self.height)
        size = (self.width // 8, max(2, (last - first) // 8))
        grid = (5, max(2, round(14 * size[1] / size[0])))
        threshold = 230 * (1 - cover)
        shape = [round(min(225.0, max(0.0, (v - threshold) * 2.6))) for v in range(256)]
        mask = cloud_noise(self.rng, size, grid).point(shape)
        # Clouds thin out towards the horizon.
        fade = Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize(size)
        mask = ImageChops.multiply(mask, fade.point([min(255, v * 2) for v in range(256)]))
        self.stain(mask, color, first, last)

    def stain(self, mask: Image.Image, color: Color, top: int, bottom: int) -> None:
        """Colour the full width between two canvas rows through a mask of any size."""
        full = mask.resize((self.width, bottom - top), _SMOOTH)
        self.image.paste(color, (0, top, self.width, bottom), full)

    def reflect(self, horizon: float, color: Color, strength: float) -> None:
        """Mirror the picture above `horizon` below it, with ripples and the tint of water."""
        edge = round(horizon * self.height)
        depth = self.height - edge
        above = self.image.crop((0, max(0, edge - depth), self.width, edge))
        mirror = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((self.width, depth))
        mirror = Image.blend(mirror, Image.new("RGB", mirror.size, color), strength)
        step = max(2, self.unit // 260)
        for row in range(0, depth, step):
            strip = mirror.crop((0, row, self.width, min(depth, row + step)))
            sway = sin(row / step * 1.1) + sin(row / step * 0.37 + 2)
            shift = round(sway * (0.4 + 2.2 * row / depth) * self.unit / 400)
            self.image.paste(ImageChops.offset(strip, shift, 0), (0, edge + row))

    def blur(self, radius: float) -> None:
        """Blur everything painted so far by `radius` lengths."""
        # A copy at a quarter of the size is blurred sixteen times as fast and looks the same.
        small = self.image.reduce(4).filter(ImageFilter.GaussianBlur(radius * self.unit / 4))
        self.image.paste(small.resize(self.image.size, _SMOOTH))

    def finish(self, grain: int = 5) -> Image.Image:
        """Return the picture at its finished size, with dark corners and film grain."""
        picture = self.image.reduce(_SCALE)
        corners = Image.radial_gradient("L").point([max(0, v - 110) // 2 for v in range(256)])
        picture.paste(BLACK, (0, 0), corners.resize(picture.size, _SMOOTH))
        if not grain:
            return picture
        speckle = Image.frombytes(
            "L", picture.size, self.rng.randbytes(self.width * self.height // 4)
        )
        speckle = speckle.point([128 + (v - 128) * grain // 128 for v in range(256)])
        return ImageChops.add(picture, Image.merge("RGB", (speckle,) * 3), 1, -128)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.width, y * self.height) for x, y in points]

    def _thick(self, length: float) -> int:
        return max(1, round(length * self.unit))


_SMOOTH = Image.Resampling.BICUBIC


def cloud_noise(rng: Random, size: PaintSize, grid: PaintSize) -> Image.Image:
    """Return soft grey noise of `size`; its largest spots are one cell of `grid` wide."""
    # Image.effect_noise uses the unseeded C random generator; seeded bytes are repeatable.
    noise = Image.new("L", size, 128)
    for octave in range(5):
        columns, rows = grid[0] * 2**octave, grid[1] * 2**octave
        blots = Image.frombytes("L", (columns, rows), rng.randbytes(columns * rows))
        noise = Image.blend(blots.resize(size, _SMOOTH), noise, 1 - 0.55**octave)
    return ImageOps.autocontrast(noise, cutoff=1)


def _column(stops: Sequence[Color]) -> Image.Image:
    """Return a column, one pixel wide, with `stops` blended evenly from top to bottom."""
    column = Image.new("RGB", (1, 64))
    for row in range(64):
        place = row / 63 * (len(stops) - 1)
        index = min(int(place), len(stops) - 2)
        column.putpixel((0, row), mix(stops[index], stops[index + 1], place - index))
    return column
