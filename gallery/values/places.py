"""Positions on the earth as whole numbers: every engine finds the same ones near a place."""

from math import ceil, cos, floor, pi, radians, sin
from typing import NamedTuple

DEGREE = 10_000_000
"""Stored positions are in parts of a degree, some 11 mm."""
EARTH_KM = 6_371.0088
"""Mean radius of the earth (IUGG)."""
_UNIT = 1_000_000_000
_WHOLE = 2 * _UNIT**2


class Direction(NamedTuple):
    """A position as a unit vector from the middle of the earth, in units of 10^-9 (6 mm)."""

    x: int
    y: int
    z: int


class Circle(NamedTuple):
    """All within a distance: at most `chord` squared away from `middle`, in its units squared.

    The latitudes (10^-7 degrees) between which the circle lies narrow a search down.
    """

    middle: Direction
    chord: int
    south: int
    north: int


def direction(latitude: int, longitude: int) -> Direction:
    """The direction of a position in 10^-7 degrees."""
    lat, lon = radians(latitude / DEGREE), radians(longitude / DEGREE)
    parts = cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)
    return Direction(*(round(part * _UNIT) for part in parts))


def circle(lat: float, lon: float, km: float) -> Circle:
    """What is within `km` kilometres, along a great circle of a sphere, of a point in degrees."""
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
