"""The log of a process: on standard error, one line for each record and more for a trace.

Names of files are in many records, and whoever names a file must not be able to write log lines or
to control a terminal: control characters, line ends, escape sequences and marks that change the
direction of text are escaped in every record, whichever logger it comes from.
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
        """Return the trace with its lines; the message of each exception is on one of them."""
        _type, error, trace = ei
        if error is None:
            return super().formatException(ei)
        found = traceback.TracebackException(type(error), error, trace)
        return "\n".join(line for part in found.format() for line in _lines(part))


def _lines(part: str) -> list[str]:
    """Split what only our own code names: a frame, or what stands between two exceptions.

    Of an exception itself everything follows the name of its class, so it never looks like those.
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
