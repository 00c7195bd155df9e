"""Progress of long work: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

import click

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BEFORE_BAR = 1.0
"""Seconds that a step lasts before a terminal shows it."""
WIDTH = 30


class Bar:
    """Shows `done` of `total` (None if it is not known) of some work, until its block ends.

    A complete count stays on the screen. Any other is removed, because it may be out of date.
    """

    def __init__(self, label: str, delay: float = 0.0) -> None:
        self._label = label
        self._is_terminal = sys.stderr.isatty()
        self._line_at = time.monotonic()
        self._begin = self._line_at + delay
        self._last = ""
        self._is_complete = False
        self._is_drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_complete and kind is None:
            self.end()
        else:
            self.clear()

    def end(self) -> None:
        """Leave the last count on the screen."""
        click.echo("" if self._is_drawn else self._last, err=True)

    def clear(self) -> None:
        """Remove the bar from the screen."""
        if self._is_drawn:
            click.echo("\r\033[K", nl=False, err=True)

    def show(self, done: int, total: int | None) -> None:
        """Show how far the work is."""
        self._last = f"{self._label}: {done:,}" + (f" of {total:,}" if total else "")
        self._is_complete = bool(total) and done == total
        now = time.monotonic()
        if now < self._begin:
            return
        if self._is_terminal:
            full = WIDTH * min(done, total) // total if total else 0
            bar = f" [{'#' * full}{'-' * (WIDTH - full)}]" if total else ""
            click.echo(f"\r\033[K{self._last}{bar}", nl=False, err=True)
            self._is_drawn = True
        elif now - self._line_at >= SECONDS_BETWEEN_LINES:
            self._line_at = now
            click.echo(self._last, err=True)


class Steps:
    """Shows work that goes on in several places, in consecutive steps."""

    def __init__(self, steps: Sequence[str]) -> None:
        self._steps = steps
        self._step: str | None = None
        self._bar = Bar("")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._turn_to(None)

    def show(self, under_way: Iterable[tuple[str, int, int | None]]) -> bool:
        """Show the sum over all places of the earliest step; return False if none is under way."""
        places = list(under_way)
        for step in self._steps:
            if here := [(done, total) for name, done, total in places if name == step]:
                self._turn_to(step)
                totals = [total for _done, total in here if total is not None]
                is_known = len(totals) == len(here)
                self._bar.show(sum(done for done, _ in here), sum(totals) if is_known else None)
                return True
        self._turn_to(None)
        return False

    def _turn_to(self, step: str | None) -> None:
        if step == self._step:
            return
        if self._step is not None:
            self._bar.clear()  # its last count is not known
        self._step = step
        if step is not None:
            self._bar = Bar(step.capitalize(), SECONDS_BEFORE_BAR)
