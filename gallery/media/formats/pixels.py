"""A decoded picture, and which ones are not decoded."""

from typing import NamedTuple

from gallery.values import problems

MAX_PIXELS = 500_000_000
"""Of a picture that is decoded, as its header tells."""


class CannotDraw(ValueError):
    """The file is no picture, is damaged, or is too large; its text is the problem in words."""


class Pixels(NamedTuple):
    """`bands` bytes a pixel, row by row; `profile` is the ICC profile, None for sRGB.

    It stands upright once it is turned clockwise by `turn` degrees. `owner` is what must live as
    long as `data` is read, where that is memory of a decoder.
    """

    data: bytes | memoryview
    width: int
    height: int
    bands: int
    profile: bytes | None = None
    turn: int = 0
    owner: object = None


def check_size(width: int, height: int) -> None:
    """Raises `CannotDraw` for what would take too much memory to decode."""
    if width * height > MAX_PIXELS:
        raise CannotDraw(problems.TOO_MUCH)


def tight(data: bytes | memoryview, width: int, height: int, stride: int) -> bytes:
    """Rows of `width` bytes, without what decoders add to the end of each."""
    if stride == width:
        return bytes(data[: width * height])
    return b"".join(data[row * stride : row * stride + width] for row in range(height))
