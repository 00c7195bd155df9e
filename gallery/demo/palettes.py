"""The colours of the demo pictures: one palette for each kind of light."""

from typing import NamedTuple

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)


class Palette(NamedTuple):
    """The colours of one scene; every scene accepts every palette."""

    sky: tuple[Color, ...]  # from the zenith down to the horizon
    sun: Color
    land: tuple[Color, Color]  # the farthest layer, the nearest layer
    water: tuple[Color, Color]  # at the horizon, at the viewer's feet
    ground: tuple[Color, Color]  # lit, in shade
    accents: tuple[Color, ...]  # at least four: houses, petals, clothes, boats


def mix(first: Color, second: Color, share: float) -> Color:
    """Return the colour `share` of the way (0 to 1) from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _colors(words: str) -> tuple[Color, ...]:
    """Parse `rrggbb rrggbb …` as colours."""
    return tuple((int(w[:2], 16), int(w[2:4], 16), int(w[4:], 16)) for w in words.split())


def _pair(words: str) -> tuple[Color, Color]:
    """Parse exactly two colours."""
    first, second = _colors(words)
    return first, second


NOON = Palette(
    sky=_colors("2f7fc4 6cb3e4 bfe3f5"),
    sun=(255, 250, 225),
    land=_pair("9fc0cf 3f6f52"),
    water=_pair("2f86b5 48b9b4"),
    ground=_pair("f0dcb0 cfae7c"),
    accents=_colors("e4572e f3a712 29908f 3d5a98 f6efe2 c8485d"),
)
DAWN = Palette(
    sky=_colors("40567f 9a86ab f0a58d ffdcae"),
    sun=(255, 240, 205),
    land=_pair("c39aa6 3c4766"),
    water=_pair("e3a890 5a6d95"),
    ground=_pair("d9b491 8e6a66"),
    accents=_colors("d1495b edae49 00798c 66477d f7e1d7 e07a5f"),
)
DUSK = Palette(
    sky=_colors("2b2350 7a2f68 e0563f ffb347"),
    sun=(255, 226, 150),
    land=_pair("a2455f 231a38"),
    water=_pair("e8733f 3b2554"),
    ground=_pair("c57b57 5c3448"),
    accents=_colors("ff7b54 ffb26b 939b62 7d5ba6 ffd56f c4314b"),
)
NIGHT = Palette(
    sky=_colors("050a1c 0d1b3d 27406f"),
    sun=(245, 243, 222),
    land=_pair("1d2f55 060a15"),
    water=_pair("1c3562 060c1d"),
    ground=_pair("22304d 0b1120"),
    accents=_colors("ffd27d ff8c61 6fc3df b388eb f9f1c8 5fe3a1"),
)
DESERT = Palette(
    sky=_colors("3d7ab5 8fb8d0 f5dcb4"),
    sun=(255, 246, 214),
    land=_pair("dba477 a2502c"),
    water=_pair("5b9aa0 2c6a7d"),
    ground=_pair("e8a05c 9c4a27"),
    accents=_colors("b5361c e0952f 176d81 6a2c70 f4e3c1 d9572b"),
)
AUTUMN = Palette(
    sky=_colors("7d93a8 c2c6c0 f1e1c2"),
    sun=(255, 243, 210),
    land=_pair("b49a7c 5d3a22"),
    water=_pair("a3a596 4a5a5a"),
    ground=_pair("c08b4a 6b4526"),
    accents=_colors("c8401f e58a1f f0b93a 8a2b20 f5e6c8 7a7d36"),
)
WINTER = Palette(
    sky=_colors("7fa3c7 b9d0e2 edf2f5"),
    sun=(255, 252, 240),
    land=_pair("c3d5e3 38536e"),
    water=_pair("a9c6d8 466f8f"),
    ground=_pair("f7fafc bccddd"),
    accents=_colors("b23a48 2f5d7c e9c46a 5b8e7d f1f5f8 8d6a9f"),
)
SPRING = Palette(
    sky=_colors("6db7dd b4dcea fbeee6"),
    sun=(255, 252, 230),
    land=_pair("a9cdb4 3f7d4c"),
    water=_pair("8fc7c9 3c8a94"),
    ground=_pair("a9cf72 5c9a45"),
    accents=_colors("f28cae f7b7c9 fbd36b c77dd9 fff4f2 ef6f6c"),
)
GARDEN = Palette(
    sky=_colors("33573a 6d9a55 c3d68a"),
    sun=(255, 246, 190),
    land=_pair("7fa968 24452e"),
    water=_pair("74a58f 2b5a52"),
    ground=_pair("86a957 3b5f31"),
    accents=_colors("d7263d f46197 f9c22e 8f5bd4 fff6e9 f2762e"),
)
LAGOON = Palette(
    sky=_colors("1478b8 4fc0dd d6f3ec"),
    sun=(255, 253, 232),
    land=_pair("8fd0c8 1f6f5f"),
    water=_pair("0f7fa8 63d9c3"),
    ground=_pair("fdf1d3 e3c698"),
    accents=_colors("ff6b6b ffd166 06a6a0 2d5f9a fdf6ec f78c6b"),
)
