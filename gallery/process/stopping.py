"""The end of a server whose disk hangs: it does not wait forever for threads and children."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

EXIT_SECONDS = 8.0
"""Seconds from the signal to the end of the process, whatever still runs."""
_TIDY_SECONDS = 0.5


def exit_in(seconds: float, leftover: Path) -> None:
    """End the process with status 0 after `seconds`, unless it has ended by itself.

    The database has this time to complete its work; acknowledged changes are already on the disk.
    Children are killed, and the socket `leftover` is removed.
    """
    threading.Thread(target=_tidy, args=(seconds, leftover), daemon=True).start()
    threading.Thread(target=_exit, args=(seconds + _TIDY_SECONDS,), daemon=True).start()


def _exit(seconds: float) -> None:
    time.sleep(seconds)
    os._exit(0)  # an ordinary end would join the threads that hang


def _tidy(seconds: float, leftover: Path) -> None:
    time.sleep(seconds)
    for child in _children():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    leftover.unlink(missing_ok=True)
    logger.warning("stopped without waiting for threads that hang")
    os._exit(0)


def _children() -> Iterator[int]:
    """Yield the child processes of this one, if the system lists them (Linux)."""
    for thread in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            yield from map(int, thread.read_text().split())
