"""Errors of decoders that damaged files cause, and their log.

An error is logged wherever it is caught, so that a bug in our own code is not taken for a damaged
file.
"""

import logging
import struct
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from gallery.errors import printable

logger = logging.getLogger(__name__)

BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""What the libraries raise for damaged files. Catch it with `report` or `reported` only."""

_BUGS = (AssertionError, AttributeError, NameError, TypeError)
"""What is a bug if our own code raises it, whatever the file contains."""
_PACKAGE = "gallery."

_file: ContextVar[str] = ContextVar("_file", default="a file")


@contextmanager
def decoding(name: str) -> Generator[None]:
    """Name the file that is decoded in the block, for the log."""
    token = _file.set(name)
    try:
        yield
    finally:
        _file.reset(token)


def report(error: BaseException) -> None:
    """Log an error that was caught: at debug, but a bug of ours as a warning with its trace."""
    is_bug = isinstance(error, _BUGS) and _is_ours(error)
    logger.log(
        logging.WARNING if is_bug else logging.DEBUG,
        "%s: %s: %s",
        printable(_file.get()),
        type(error).__name__,
        printable(str(error)),
        exc_info=error if is_bug else None,
    )


@contextmanager
def reported() -> Generator[None]:
    """Suppress and log every error of `BROKEN`."""
    try:
        yield
    except BROKEN as error:
        report(error)


def _is_ours(error: BaseException) -> bool:
    """Return whether the innermost Python frame of an error is in this package."""
    trace, module = error.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__"))
        trace = trace.tb_next
    return module.startswith(_PACKAGE)
