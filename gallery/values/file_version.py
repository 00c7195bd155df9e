"""The version of a file."""

import os
from typing import NamedTuple

from gallery.values.times import Micros


class FileVersion(NamedTuple):
    """Size in bytes and time of modification, which together identify a version of a file.

    A write changes at least one of them; a move keeps both.
    """

    size: int
    modified_at: Micros

    @classmethod
    def of(cls, status: os.stat_result) -> "FileVersion":
        """Return the version of the file with this status."""
        return cls(status.st_size, Micros(status.st_mtime_ns // 1_000))
