"""ThumbHash: a placeholder of about 25 bytes, shown until the picture has loaded.

The format is Evan Wallace's, https://evanw.github.io/thumbhash/: the lowest frequencies of the
luminance, of two colour differences and of the alpha channel, each a cosine transform whose
coefficients are rounded to four bits.
"""

import base64
import math
from collections.abc import Sequence
from typing import NamedTuple

MAX_HASH_SIDE = 32
"""Pixels on the longer side of the picture that is hashed: enough for its frequencies."""

_FLAT = 1e-9
"""Smaller scales are rounding errors."""


class _Channel(NamedTuple):
    """The mean of a channel, its other coefficients in the order of the format, and their scale."""

    mean: float
    waves: list[float]
    scale: float

    def nibbles(self) -> list[int]:
        """Return the coefficients as 0 to 15, where 7.5 means zero. A flat channel has only 0."""
        if self.scale < _FLAT:
            return [0] * len(self.waves)
        return [_rounded(7.5 + 7.5 * wave / self.scale) for wave in self.waves]


def thumbhash(rgba: bytes | memoryview, width: int, height: int) -> str:
    """Return the base64 of the hash of RGBA pixels, at most 100 on a side."""
    alphas = [value / 255 for value in rgba[3::4]]
    covered = sum(alphas)
    means = [
        sum(value / 255 * alpha for value, alpha in zip(rgba[band::4], alphas, strict=True))
        / (covered or 1)
        for band in range(3)
    ]
    # Transparent pixels get the mean colour, so that edges do not change the hash.
    red, green, blue = (
        [
            mean * (1 - alpha) + value / 255 * alpha
            for value, alpha in zip(rgba[band::4], alphas, strict=True)
        ]
        for band, mean in enumerate(means)
    )
    has_alpha = covered < width * height
    longer = max(width, height)
    most = 5 if has_alpha else 7
    across = max(1, _rounded(most * width / longer))
    down = max(1, _rounded(most * height / longer))

    def channel(values: Sequence[float], nx: int, ny: int) -> _Channel:
        return _transformed(values, width, height, nx, ny)

    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    warm = [r - g for r, g in zip(red, green, strict=True)]
    l_, p, q = (
        channel(light, max(3, across), max(3, down)),
        channel(yellow, 3, 3),
        channel(warm, 3, 3),
    )
    head = (
        _rounded(63 * l_.mean)
        | _rounded(31.5 + 31.5 * p.mean) << 6
        | _rounded(31.5 + 31.5 * q.mean) << 12
        | _rounded(31 * l_.scale) << 18
        | has_alpha << 23
    )
    is_landscape = width > height
    shape = (
        (down if is_landscape else across)
        | _rounded(63 * p.scale) << 3
        | _rounded(63 * q.scale) << 9
        | is_landscape << 15
    )
    packed = bytearray(head.to_bytes(3, "little") + shape.to_bytes(2, "little"))
    nibbles = [*l_.nibbles(), *p.nibbles(), *q.nibbles()]
    if has_alpha:
        a = channel(alphas, 5, 5)
        packed.append(_rounded(15 * a.mean) | _rounded(15 * a.scale) << 4)
        nibbles += a.nibbles()
    nibbles += [0] * (len(nibbles) % 2)
    packed += bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return base64.b64encode(packed).decode()


def _transformed(values: Sequence[float], width: int, height: int, nx: int, ny: int) -> _Channel:
    """Return the cosine transform of a channel: the lower triangle of `nx` by `ny` frequencies."""
    rows = [values[y * width : (y + 1) * width] for y in range(height)]
    columns = [
        [sum(value * wave for value, wave in zip(row, cosines, strict=True)) for row in rows]
        for cosines in (
            [math.cos(math.pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(nx)
        )
    ]
    mean, waves = 0.0, []
    for cy in range(ny):
        cosines = [math.cos(math.pi / height * cy * (y + 0.5)) for y in range(height)]
        for cx in range(nx):
            if cx * ny >= nx * (ny - cy):
                break
            found = sum(value * wave for value, wave in zip(columns[cx], cosines, strict=True)) / (
                width * height
            )
            if cx or cy:
                waves.append(found)
            else:
                mean = found
    return _Channel(mean, waves, max(map(abs, waves), default=0.0))


def _rounded(number: float) -> int:
    """Round to the nearest integer, halves up, as JavaScript does."""
    return math.floor(number + 0.5)
