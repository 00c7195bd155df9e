"""Times as numbers and as clients see them: tables."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.values.times import (
    EARLIEST,
    LATEST,
    beginning_of,
    file_time,
    local_time,
    moment,
    month_of,
    zone,
)

SECOND = 1_000
JULY = 1_751_328_000_000


@pytest.mark.parametrize(
    ("milliseconds", "month"),
    [(0, 197001), (-1, 196912), (JULY, 202507), (JULY - 1, 202506), (EARLIEST, 101)],
)
def test_the_month_of_a_time(milliseconds: int, month: int) -> None:
    assert month_of(milliseconds) == month


@pytest.mark.parametrize(
    ("month", "milliseconds"),
    [
        (197001, 0),
        (202507, JULY),
        (202413, 1_735_689_600_000),
        (1_000_001, LATEST),
        (1, EARLIEST),
    ],
)
def test_the_beginning_of_a_month(month: int, milliseconds: int) -> None:
    assert beginning_of(month) == milliseconds


@given(st.integers(EARLIEST, LATEST))
def test_a_time_is_in_its_month(milliseconds: int) -> None:
    month = month_of(milliseconds)
    assert beginning_of(month) <= milliseconds
    assert milliseconds < beginning_of(month + 1) or month == 999912


@pytest.mark.parametrize(
    ("modified_at", "milliseconds"),
    [(0, 0), (1_500, 1), (-1, -1), (2**62, LATEST), (-(2**62), EARLIEST)],
)
def test_the_time_of_a_file_is_in_the_calendar(modified_at: int, milliseconds: int) -> None:
    assert file_time(modified_at) == milliseconds


def test_what_clients_see_has_whole_seconds() -> None:
    assert moment(JULY + 999) == datetime(2025, 7, 1, tzinfo=UTC)
    assert local_time(JULY + 61 * SECOND) == "2025-07-01T00:01:01"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(None, None), (0, "+00:00"), (120, "+02:00"), (-210, "-03:30"), (345, "+05:45")],
)
def test_a_zone_as_text(minutes: int | None, text: str | None) -> None:
    assert zone(minutes) == text
