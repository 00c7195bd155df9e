"""Opening of files and folders beneath a folder, without following a link on the way.

On Linux one system call does this (openat2, https://lwn.net/Articles/796868/). If the kernel lacks
it or a container forbids it, each component of the path is opened relative to the one before.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPENAT2 = 437
"""The number of the system call. It is the same on all processors."""
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08

Open = Callable[[int, str, int], int]


class _How(ctypes.Structure):
    """The kernel's `struct open_how`."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(folder: int, path: str, flags: int) -> int:
    """Return a new descriptor for `path`, relative to the folder with the descriptor `folder`.

    `""` is the folder itself. Raises `OSError` if nothing is there, or a component is a link.
    """
    if "\0" in path:
        raise FileNotFoundError(path)
    return (openat2() or walk)(folder, path or ".", flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def walk(folder: int, path: str, flags: int) -> int:
    """Open `path` as `open_beneath` does, one component after another."""
    *above, name = path.split("/")
    inner = folder
    try:
        for part in above:
            outer, inner = inner, os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=inner)
            if outer != folder:
                os.close(outer)
        return os.open(name, flags, dir_fd=inner)
    finally:
        if inner != folder:
            os.close(inner)


@cache
def openat2() -> Open | None:
    """Return a function like `open_beneath` that uses the system call, None if it is unusable."""
    if sys.platform != "linux":
        return None
    call = ctypes.CDLL(None, use_errno=True).syscall

    def open_by_kernel(folder: int, path: str, flags: int) -> int:
        how = _How(flags, 0, _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH)
        name = ctypes.c_char_p(os.fsencode(path))
        result = call(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(folder),
            name,
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), path)
        return int(result)

    here = os.open("/", FOLDER)
    try:
        os.close(open_by_kernel(here, ".", FOLDER))
    except OSError:  # ENOSYS from an old kernel, EPERM from a container
        return None
    finally:
        os.close(here)
    return open_by_kernel
