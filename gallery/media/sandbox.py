"""The sandbox of a worker process, which may decode hostile files.

Memory, processor time and writing are limited on every system. If Linux supports it, the process
can open only files of Python, libraries and fonts, has no network, cannot start processes, and
ends with the server.
"""

import ctypes
import os
import resource
import signal
import site
import sys
from collections.abc import Iterator
from pathlib import Path

import gallery
from gallery.media import landlock, seccomp
from gallery.media.jobs import Barrier

MAX_MEMORY = 2 << 30
"""Bytes of address space. The system may allow less."""
MAX_CPU_SECONDS = 60
"""Of processor time for one request. The server stops waiting earlier."""
NICENESS = 10
_SET_DEATH_SIGNAL = 1

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/fontconfig", "/etc/fonts"),
    *("/var/cache/fontconfig", "/usr/share/zoneinfo", "/etc/localtime"),
    *("/sys/devices/system/cpu", "/dev/null", "/dev/urandom"),
)
"""Libraries, fonts, time zones, and the number of processors."""


def confine(parent: int) -> tuple[Barrier, ...]:
    """Give up all rights that decoding does not need. Return what the sandbox denies.

    `parent` is the process id of the server. Exit if the server has ended already.
    """
    _end_with(parent)
    _limit(resource.RLIMIT_AS, MAX_MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    os.nice(NICENESS)
    if sys.platform != "linux":
        return ()
    held: list[Barrier] = []
    is_alone = (
        len(list(Path("/proc/self/task").iterdir())) == 1
    )  # other threads would not be restricted
    if landlock.allow_only_reading(_readable()) and is_alone:
        held.append("filesystem")
    if seccomp.refuse_all_but_computing():
        held += ["network", "processes"]
    return tuple(held)


def allow_cpu_time() -> None:
    """Let the process use `MAX_CPU_SECONDS` from now on. Then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + MAX_CPU_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _limit(what: int, most: int) -> None:
    """Lower a limit permanently to `most`, unless it is lower already."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(what, (most, most))
    except (OSError, ValueError):
        if sys.platform == "linux":  # elsewhere not every limit can be set
            raise


def _end_with(parent: int) -> None:
    """Let the kernel, on Linux, end this process when the thread that started it ends."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(*map(ctypes.c_ulong, (_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)))
    if os.getppid() != parent:
        sys.exit("the server has ended")


def _readable() -> Iterator[str]:
    """Yield the places that stay readable: Python, installed packages, our package, the system.

    The folder around our package is not, unless packages are installed there: it is a checkout.
    """
    own = Path(gallery.__file__).parent
    yield str(own)
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix} - {"/"}
    installed = {*site.getsitepackages(), site.getusersitepackages()}
    yield from (place for place in sys.path if place in installed or Path(place) != own.parent)
    yield from _SYSTEM
