"""The lock on a data directory: one process at a time has it."""

import fcntl
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gallery.errors import StartRefused

LOCK = "gallery.process.lock"
MAX_NAME = 64
"""Bytes of the lock file that count."""


@contextmanager
def locked(data: Path) -> Generator[str]:
    """Keep the data directory for this process; `StartRefused` if another one has it.

    Give the name that the lock file holds: that of the server with this data directory. The
    directory itself is locked, too, where its file system can do that: whether the lock file was
    deleted does not matter then. On a disk that takes no writes a lock file need not be there.
    """
    with ExitStack() as stack:
        try:
            directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StartRefused(
                f"The data directory {data} cannot be read: {error.strerror}"
            ) from None
        stack.callback(os.close, directory)
        is_held = _hold(directory, data)
        file = _open(data / LOCK, is_needed=not is_held)
        if file is None:
            yield secrets.token_hex(8)
            return
        stack.callback(os.close, file)
        if not _hold(file, data) and not is_held:
            raise StartRefused(f"The file system of {data} has no locks")
        name = os.read(file, MAX_NAME).decode("ascii", "ignore").strip()
        if not name:
            name = secrets.token_hex(8)
            with suppress(OSError):  # a full disk: it has another name next time
                os.write(file, name.encode())
        yield name


def _open(file: Path, *, is_needed: bool) -> int | None:
    """Return a descriptor of the lock file; None if there is none, and none is needed."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        try:
            descriptor = os.open(file, flags | os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            descriptor = os.open(file, flags | os.O_RDONLY)
    except FileNotFoundError:
        if is_needed:
            raise StartRefused(
                f"The lock {file} cannot be made: the disk takes no writes"
            ) from None
        return None
    except OSError as error:
        raise StartRefused(f"The lock {file} cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StartRefused(f"The lock {file} is not a regular file")
    return descriptor


def _hold(descriptor: int, data: Path) -> bool:
    """Return whether the lock is ours now; False if the file system has none of this kind."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartRefused(f"Another gallery already uses the data directory {data}") from None
    except OSError:
        return False
    return True
