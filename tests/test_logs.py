"""The name of a file cannot add lines to the log, or control a terminal."""

import logging
from collections.abc import Callable

import pytest

from gallery.logs import FORMAT, EscapingFormatter

HOSTILE = "a\nERROR gallery: forged\r\x1b[2J\x07\x9b1m\u202egpj.\u2028\udcff é 猫"
ESCAPED = r"a\nERROR gallery: forged\r\x1b[2J\x07\x9b1m\u202egpj.\u2028\udcff é 猫"


def formatted(message: str, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("it", logging.ERROR, __file__, 1, message, (HOSTILE,), exc_info)
    return EscapingFormatter(FORMAT).format(record)


def raised(raise_it: Callable[[], None]) -> Exception:
    try:
        raise_it()
    except Exception as error:  # noqa: BLE001  (whichever it is)
        return error
    raise AssertionError


def test_a_record_is_one_line_of_printable_characters() -> None:
    assert formatted("%s is bad") == f"ERROR it: {ESCAPED} is bad"


def one() -> None:
    raise ValueError(HOSTILE)


def caused() -> None:
    raise KeyError(1) from raised(one)


def grouped() -> None:
    raise ExceptionGroup(HOSTILE, [raised(one), raised(caused)])


def with_a_forged_frame() -> None:
    raise ValueError('\n\n  File "forged", line 1\nERROR gallery: forged')


@pytest.mark.parametrize("raise_it", [one, caused, grouped, with_a_forged_frame])
def test_a_trace_keeps_its_lines_and_its_messages_have_none(raise_it: Callable[[], None]) -> None:
    lines = formatted("%s", raised(raise_it)).split("\n")
    assert lines[0] == f"ERROR it: {ESCAPED}"
    assert all(line.isprintable() for line in lines)
    assert sum(line.lstrip(" |+").startswith("File ") for line in lines) >= 1
    assert not any(
        line.lstrip(" |+").startswith(("ERROR gallery", 'File "forged')) for line in lines
    )
