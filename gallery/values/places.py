"""Positions on the earth as whole numbers, so that both engines find the same ones near a place."""

from math import ceil, cos, floor, pi, radians, sin
from typing import NamedTuple

DEGREE = 10_000_000
"""Units of a degree in which positions are stored: one is about 11 mm."""
EARTH_KM = 6_371.0088
"""Mean radius of the earth (IUGG)."""
_UNIT = 1_000_000_000
_WHOLE = 2 * _UNIT**2


class Direction(NamedTuple):
    """A position as a unit vector from the centre of the earth, in units of 10^-9 (6 mm)."""

    x: int
    y: int
    z: int


class Circle(NamedTuple):
    """The positions whose squared straight distance from `middle` is at most `chord`.

    `chord` is in squared units of `Direction`. `south` and `north` are the latitudes, in 10^-7
    degrees, between which the circle lies; they narrow a search.
    """

    middle: Direction
    chord: int
    south: int
    north: int


def direction(latitude: int, longitude: int) -> Direction:
    """Return the direction of a position in 10^-7 degrees."""
    lat, lon = radians(latitude / DEGREE), radians(longitude / DEGREE)
    parts = cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)
    return Direction(*(round(part * _UNIT) for part in parts))


def circle(lat: float, lon: float, km: float) -> Circle:
    """Return the circle of `km` kilometres around a point in degrees.

    Distances are along great circles of a sphere.
    """
    angle = km / EARTH_KM
    if angle >= pi:
        return Circle(Direction(0, 0, 0), _WHOLE, -90 * DEGREE, 90 * DEGREE)
    reach = angle * 180 / pi * DEGREE + 1
    return Circle(
        direction(round(lat * DEGREE), round(lon * DEGREE)),
        round((2 * sin(angle / 2) * _UNIT) ** 2),
        floor(lat * DEGREE - reach),
        ceil(lat * DEGREE + reach),
    )
