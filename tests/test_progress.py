"""The progress display, on a terminal and in a file, and the line that remains at the end."""

import sys
import time

import pytest

from gallery.process import progress
from gallery.process.progress import Bar, Steps


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that the test sets."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def test_elsewhere_only_lasting_work_is_told(
    now: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Steps(["scanning", "reading"]) as steps:
        assert steps.show([("scanning", 0, None)])
        assert not steps.show([])
        assert steps.show([("scanning", 10, None), ("drawing", 1, 2)])
        now[0] += progress.SECONDS_BETWEEN_LINES
        assert steps.show([("scanning", 1_200, None)])
        now[0] += progress.SECONDS_BETWEEN_LINES
        assert steps.show([("reading", 1, 5), ("reading", 2, 5)])
        now[0] += progress.SECONDS_BETWEEN_LINES
        assert steps.show([("reading", 3, 5), ("reading", 4, 5), ("drawing", 0, 5)])
        assert not steps.show([("drawing", 0, 5)])
    assert capsys.readouterr().err == "Scanning: 1,200\nReading: 7 of 10\n"


def test_a_terminal_is_cleared_after_a_step(
    now: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Steps(["scanning"]) as steps:
        steps.show([("scanning", 0, None)])
        assert capsys.readouterr().err == ""
        now[0] += progress.SECONDS_BEFORE_BAR
        steps.show([("scanning", 3, None)])
        assert capsys.readouterr().err == "\r\033[KScanning: 3"
    assert capsys.readouterr().err == "\r\033[K"


@pytest.mark.parametrize(("done", "left"), [(2, "Drawing: 2 of 2\n"), (1, "")])
def test_only_complete_work_leaves_its_count(
    done: int, left: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Bar("Drawing") as bar:
        bar.show(done, 2)
    assert capsys.readouterr().err == left
