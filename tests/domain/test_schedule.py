"""When a root is scanned: a pure schedule, without disk or waiting."""

import pytest

from gallery.domain.sync.root_status import looks_unplugged
from gallery.domain.sync.schedule import (
    MANY_HINTS,
    MAX_PAUSE,
    MIN_PAUSE,
    QUIET_SECONDS,
    SHARE,
    Due,
    Schedule,
    backoff,
)

HOUR = 3_600.0


def surely_passed(schedule: Schedule, began: float, ended: float) -> None:
    schedule.note_listed(is_unsure=False)
    schedule.note_pass_ended(ended, began)


def test_a_pass_is_due_after_each_interval() -> None:
    schedule = Schedule(100.0, HOUR)
    assert schedule.due == 100.0 + HOUR
    assert schedule.take_due(schedule.due, is_watched=True) is Due.PASS
    surely_passed(schedule, 3_700.0, 3_701.0)
    assert schedule.due == 3_701.0 + HOUR


def test_nothing_is_certain_before_the_first_pass() -> None:
    schedule = Schedule(0.0, HOUR)
    assert schedule.is_unsure
    surely_passed(schedule, 0.0, 1.0)
    assert not schedule.is_unsure


def test_passes_that_were_not_asked_for_take_a_share_of_the_time() -> None:
    schedule = Schedule(0.0, HOUR)
    surely_passed(schedule, 0.0, 10.0)
    schedule.note_gap(11.0)
    assert schedule.due == 10.0 + SHARE * 10.0
    assert schedule.is_unsure


def test_after_a_storm_the_watching_is_renewed_then_a_pass_releases_what_was_held() -> None:
    schedule = Schedule(0.0, HOUR)
    surely_passed(schedule, 0.0, 0.0)
    schedule.note_hints(1.0, MANY_HINTS - 1)
    assert not schedule.is_unsure

    schedule.note_hints(1.0, MANY_HINTS)
    assert schedule.is_unsure
    assert schedule.due == 1.0 + QUIET_SECONDS
    schedule.hold([7, 8])

    # A pass during the storm is not enough: later hints may have been dropped.
    schedule.note_listed(is_unsure=False)
    assert schedule.is_unsure

    assert schedule.take_due(3.0, is_watched=True) is Due.RENEWAL
    assert schedule.due == 3.0 + HOUR
    surely_passed(schedule, 3.0, 4.0)
    assert not schedule.is_unsure
    assert schedule.release() == {7, 8}
    assert schedule.release() == set()


def test_after_a_storm_a_root_that_is_not_watched_has_its_pass_at_once() -> None:
    schedule = Schedule(0.0, HOUR)
    schedule.note_hints(1.0, MANY_HINTS)
    assert schedule.take_due(3.0, is_watched=False) is Due.PASS
    surely_passed(schedule, 3.0, 4.0)
    assert not schedule.is_unsure


def test_a_tree_that_changes_while_it_is_listed_is_listed_again_ever_later() -> None:
    schedule = Schedule(0.0, HOUR)
    pauses = []
    for _ in range(4):
        schedule.note_listed(is_unsure=True)
        schedule.note_pass_ended(0.0, 0.0)
        pauses.append(schedule.due)
    assert pauses == [MIN_PAUSE, MIN_PAUSE * 2, MIN_PAUSE * 4, MIN_PAUSE * 8]


def test_failures_are_counted_until_something_succeeds() -> None:
    schedule = Schedule(0.0, HOUR)
    assert schedule.pause == 0.0
    assert [schedule.note_failure() for _ in range(3)] == [1, 2, 3]
    assert schedule.pause == backoff(3, MAX_PAUSE) > 0.0
    schedule.note_success()
    assert schedule.pause == 0.0


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 0.0), (1, 2.0), (2, 4.0), (5, 32.0), (6, 60.0), (10_000, 60.0)]
)
def test_a_pause_doubles_up_to_the_longest(tries: int, seconds: float) -> None:
    assert backoff(tries, 60.0) == seconds


@pytest.mark.parametrize(
    ("missing", "expected", "is_unplugged"),
    [
        (0, 0, False),
        (1, 1, True),
        (1, 2, False),
        (19, 38, False),
        (19, 19, True),
        (20, 40, True),
        (20, 41, False),
        (500, 1_000, True),
        (499, 1_000, False),
    ],
)
def test_a_root_that_loses_half_of_its_files_looks_unplugged(
    missing: int, expected: int, *, is_unplugged: bool
) -> None:
    assert looks_unplugged(missing, expected) is is_unplugged
