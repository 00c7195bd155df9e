"""A bug in our own code must not look like a damaged file."""

import logging
from collections.abc import Iterator

import pytest

from gallery.media import worker
from gallery.media.metadata import broken

LOGGERS = (broken.logger, worker.logger)


class _Warnings(logging.Handler):
    """The warnings of decoding, also those that workers sent."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def bugs() -> Iterator[list[logging.LogRecord]]:
    """Fail a test in which a bug of ours was caught as a damaged file; a test of that clears it."""
    handler = _Warnings()
    for logger in LOGGERS:
        logger.addHandler(handler)
    yield handler.records
    for logger in LOGGERS:
        logger.removeHandler(handler)
    assert [handler.format(record) for record in handler.records] == []
