"""The log of a process: on standard error, one line for each record and more for a trace.

Many records contain names of files. Such a name must not add log lines or control a terminal.
Therefore control characters, line ends, escape sequences and marks that change text direction are
escaped in the records of all loggers.
"""

import logging
import traceback
from types import TracebackType

FORMAT = "%(levelname)s %(name)s: %(message)s"

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up() -> None:
    """Log warnings and errors of all loggers of this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(EscapingFormatter(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class EscapingFormatter(logging.Formatter):
    """Formats a record so that only a trace takes more than one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        return escaped(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  (logging's name)
        """Return the trace line by line, with the message of each exception on one line."""
        _type, error, trace = ei
        if error is None:
            return super().formatException(ei)
        found = traceback.TracebackException(type(error), error, trace)
        return "\n".join(line for part in found.format() for line in _lines(part))


def _lines(part: str) -> list[str]:
    """Return the lines of a part of a trace, escaped.

    Only a frame, or the text between two exceptions, has several lines. The text of an exception
    begins with the name of its class, so it is never taken for one of these.
    """
    whole = part.removesuffix("\n")
    is_ours = whole.startswith("\n") or whole.lstrip(" |").startswith(("File ", "+-", "+ Exc"))
    return [escaped(line) for line in (whole.split("\n") if is_ours else [whole])]


def escaped(text: str) -> str:
    """Return `text` on one line, with every character that is not printable escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
