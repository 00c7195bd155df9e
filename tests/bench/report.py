"""The whole of `docs/performance.md`: the text of `page.md` with the results of one run."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from tests.bench import table
from tests.bench.table import Row

Part = Literal["requests", "million", "media", "engines"]
TEMPLATE = Path(__file__).with_name("page.md")
WIDTH = 120


class Result(NamedTuple):
    """The results of one part: its rows, the headings of its columns, and its notes."""

    rows: Sequence[Row]
    headings: tuple[str, ...]
    notes: Sequence[str]


def document(results: Mapping[Part, Result]) -> str:
    """Return the page: each part's table and notes replace its mark."""
    page = TEMPLATE.read_text("utf-8")
    for part in get_args(Part):
        result = results[part]
        found = table.markdown(result.rows, result.headings)
        page = page.replace(f"<!-- {part} -->", f"{found}\n\n{_listed(result.notes)}")
    return page


def _listed(notes: Sequence[str]) -> str:
    return "\n".join(
        textwrap.fill(f"- {note}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        for note in notes
    )
