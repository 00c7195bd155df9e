"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

import click

SECONDS_BETWEEN_LINES = 5.0


class Bar:
    """Shows `done` of `total` (None: not known) of some work, until its block ends."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._is_terminal = sys.stderr.isatty()
        self._told = time.monotonic()
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_terminal and self._last:
            click.echo(err=True)
        elif self._last and kind is None:
            click.echo(self._last, err=True)

    def show(self, done: int, total: int | None) -> None:
        """Tells how far the work is."""
        self._last = f"{self._label}: {done:,}" + (f" of {total:,}" if total else "")
        if self._is_terminal:
            width = 30
            full = width * min(done, total) // total if total else 0
            bar = f" [{'#' * full}{'-' * (width - full)}]" if total else ""
            click.echo(f"\r\033[K{self._last}{bar}", nl=False, err=True)
        elif time.monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            click.echo(self._last, err=True)
