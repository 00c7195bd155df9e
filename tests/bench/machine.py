"""A description of the machine, without which the figures mean nothing."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from pathlib import Path


def description(folder: Path) -> str:
    """Return date, processor, versions, and the file system of `folder`."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"files on {_file_system(folder)}"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _file_system(folder: Path) -> str:
    """Return the type of the innermost mount that contains `folder`."""
    kinds = {}
    for line in Path("/proc/mounts").read_text("utf-8").splitlines():
        _device, place, kind, *_rest = line.split(" ")
        kinds[place] = kind
    real = folder.resolve()
    return next(kinds[os.fspath(p)] for p in (real, *real.parents) if os.fspath(p) in kinds)
