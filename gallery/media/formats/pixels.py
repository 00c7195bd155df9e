"""Decoded pictures, and the limit of their size."""

from typing import NamedTuple

from gallery.values import problems

MAX_PIXELS = 500_000_000
"""Of a picture that is decoded, by its header."""


class CannotDraw(ValueError):
    """The file is no picture, is damaged, or is too large. The text is the problem for clients."""


class Pixels(NamedTuple):
    """A decoded picture: `bands` bytes per pixel, row by row.

    `profile` is the ICC profile, None for sRGB. Rotated clockwise by `turn` degrees the picture is
    upright. `owner` keeps `data` alive if that is memory of a decoder.
    """

    data: bytes | memoryview
    width: int
    height: int
    bands: int
    profile: bytes | None = None
    turn: int = 0
    owner: object = None


def check_size(width: int, height: int) -> None:
    """Raise `CannotDraw` if decoding would take too much memory."""
    if width * height > MAX_PIXELS:
        raise CannotDraw(problems.TOO_MUCH)


def tight(data: bytes | memoryview, width: int, height: int, stride: int) -> bytes:
    """Return rows of `width` bytes, without the padding that decoders add to each."""
    if stride == width:
        return bytes(data[: width * height])
    return b"".join(data[row * stride : row * stride + width] for row in range(height))
