"""Nearness in whole numbers agrees with the haversine formula."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gallery.values.places import Direction, circle, direction
from tests.support.reference import distance

latitudes = st.integers(-900_000_000, 900_000_000)
longitudes = st.integers(-1_800_000_000, 1_800_000_000)


def is_within(middle: Direction, place: Direction, chord: int) -> bool:
    return sum((a - b) ** 2 for a, b in zip(middle, place, strict=True)) <= chord


@given(latitudes, longitudes, latitudes, longitudes, st.floats(0, 20_000))
def test_what_is_near_is_near(lat: int, lon: int, to_lat: int, to_lon: int, km: float) -> None:
    away = distance((lat, lon), to_lat / 1e7, to_lon / 1e7)
    assume(abs(away - km) > 0.001 + away * 1e-6)  # the edge is uncertain by a few millimetres
    assume(away < 19_900)
    around = circle(to_lat / 1e7, to_lon / 1e7, km)
    assert is_within(around.middle, direction(lat, lon), around.chord) == (away < km)
    if away < km:
        assert around.south <= lat <= around.north
    assert max(map(abs, around.middle)) <= 10**9
    assert 0 <= around.chord < 2**62


@given(latitudes, longitudes)
def test_everything_is_within_half_the_earth(lat: int, lon: int) -> None:
    around = circle(12, 34, 20_016)
    assert is_within(around.middle, direction(lat, lon), around.chord)
    assert around.south <= lat <= around.north


@pytest.mark.parametrize("km", [0.0, 0.01])
def test_a_place_is_near_itself(km: float) -> None:
    around = circle(48.8584, 2.2945, km)
    assert is_within(around.middle, direction(488_584_000, 22_945_000), around.chord)
