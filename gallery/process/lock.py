"""The lock on a data directory, which one process at a time holds."""

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
"""Bytes of the lock file that are read."""


@contextmanager
def locked(data: Path) -> Generator[str]:
    """Lock the data directory for this process. Raise `StartRefused` if another one has the lock.

    Yield the name in the lock file, which identifies the server with this data directory. The
    directory itself is locked, too, if its file system supports that; then deleting the lock file
    does no harm. On a disk that takes no writes the lock file may be absent.
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
    """Return a descriptor of the lock file; None if it is absent and not needed."""
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
    """Take a lock; return False if the file system does not support it.

    Raises `StartRefused` if another process holds it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartRefused(f"Another gallery already uses the data directory {data}") from None
    except OSError:
        return False
    return True
