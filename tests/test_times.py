"""Times as they are stored and shown: a table."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.values import times

DAY = 86_400_000


@pytest.mark.parametrize(
    ("milliseconds", "month"),
    [
        (0, 197001),
        (-1, 196912),
        (31 * DAY - 1, 197001),
        (31 * DAY, 197002),
        (951_782_400_000, 200002),
        (times.EARLIEST, 101),
        (times.LATEST, 999912),
    ],
)
def test_the_month_of_a_time(milliseconds: int, month: int) -> None:
    assert times.month_of(milliseconds) == month


@pytest.mark.parametrize(
    ("month", "beginning"),
    [
        (197001, 0),
        (197002, 31 * DAY),
        (196912, -31 * DAY),
        (196913, 0),
        (0, times.EARLIEST),
        (1, times.EARLIEST),
        (999913, times.LATEST),
        (1_000_001, times.LATEST),
    ],
)
def test_the_beginning_of_a_month(month: int, beginning: int) -> None:
    assert times.beginning_of(month) == beginning


def test_a_month_holds_each_time_from_its_beginning_to_before_the_next() -> None:
    for month in (197001, 200002, 202412, 999911, 102):
        beginning, end = times.beginning_of(month), times.beginning_of(month + 1)
        assert times.month_of(beginning) == times.month_of(end - 1) == month
        assert times.month_of(beginning - 1) < month < times.month_of(end)


@pytest.mark.parametrize(
    ("modified_at", "shown"),
    [
        (0, 0),
        (1_999, 1),
        (-1, -1),
        (10**18, times.LATEST),
        (-(10**18), times.EARLIEST),
    ],
)
def test_the_time_of_a_file_is_within_the_calendar(modified_at: int, shown: int) -> None:
    assert times.file_time(modified_at) == shown
    times.month_of(shown)


def test_times_are_shown_in_whole_seconds() -> None:
    assert times.moment(times.Millis(1_999)) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert times.local_time(times.Millis(1_999)) == "1970-01-01T00:00:01"
    assert times.local_time(times.Millis(-1)) == "1969-12-31T23:59:59"


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [
        (None, None),
        (0, "+00:00"),
        (120, "+02:00"),
        (-210, "-03:30"),
        (-30, "-00:30"),
        (840, "+14:00"),
        (-900, "-15:00"),
    ],
)
def test_zones_are_shown_as_people_write_them(minutes: int | None, shown: str | None) -> None:
    assert times.zone(minutes) == shown


@given(st.integers(times.EARLIEST, times.LATEST))
def test_a_time_is_in_its_month(milliseconds: int) -> None:
    month = times.month_of(milliseconds)
    assert times.beginning_of(month) <= milliseconds
    assert milliseconds < times.beginning_of(month + 1) or month == 999912
