"""The table: operation, ours, the calibrator's, their ratio, and whether the target is met."""

from collections.abc import Sequence
from typing import NamedTuple

HEADINGS = ("what", "ours", "calibrator", "ratio", "target", "", "SQL")
_IS_TEXT = (True, False, False, False, False, True, False)


class Row(NamedTuple):
    """A measurement; `at_most` bounds the ratio, or our own value if there is no comparison."""

    what: str
    ours: float
    unit: str
    calibrator: float | None = None
    at_most: float | None = None
    statements: int | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the cells, in the order of `HEADINGS`."""
        ratio = self.ours / self.calibrator if self.calibrator else None
        target = ""
        if self.at_most is not None:
            bound = f"{self.at_most:.3g}"
            target = f"< {bound} {self.unit}" if ratio is None else f"≤ {bound} x"
        return (
            self.what,
            f"{_short(self.ours)} {self.unit}",
            "" if self.calibrator is None else f"{_short(self.calibrator)} {self.unit}",
            "" if ratio is None else f"{ratio:.2f} x",
            target,
            self._verdict(self.ours if ratio is None else ratio),
            "" if self.statements is None else f"{self.statements}",
        )

    def _verdict(self, value: float) -> str:
        if self.at_most is None:
            return ""
        return "ok" if value <= self.at_most else "over"


def plain(rows: Sequence[Row], headings: tuple[str, ...] = HEADINGS) -> str:
    """Return the table aligned for a terminal."""
    lines = [headings, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if is_text else cell.rjust(width)
            for cell, width, is_text in zip(line, widths, _IS_TEXT, strict=True)
        ).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[Row], headings: tuple[str, ...] = HEADINGS) -> str:
    """Return the table as Markdown, without empty columns."""
    rule = tuple("---" if is_text else "--:" for is_text in _IS_TEXT)
    cells = [row.cells() for row in rows]
    columns = [
        column for column in zip(headings, rule, *cells, strict=True) if any(column[2:]) or not rows
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def _short(value: float) -> str:
    """Return a number with three significant digits."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{decimals}f}"
