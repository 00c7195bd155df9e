"""Which version of a file something was read from."""

import os
from typing import NamedTuple

from gallery.values.times import Micros


class FileVersion(NamedTuple):
    """The size in bytes and the time of modification: one of them changes when a file is written.

    A move keeps both.
    """

    size: int
    modified_at: Micros

    @classmethod
    def of(cls, status: os.stat_result) -> "FileVersion":
        """Return the version of the file with this status."""
        return cls(status.st_size, Micros(status.st_mtime_ns // 1_000))
