"""What a worker process may not do, whatever a file makes its decoders do.

Limits of memory, processor time and files hold everywhere. Where Linux offers it the process can
open no file but those of Python, of libraries and of fonts, has no network, begins no process, and
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
"""Bytes of address space, if the system does not allow less."""
MAX_CPU_SECONDS = 60
"""Of processor time a request; the server stops waiting earlier, if it still runs."""
NICENESS = 10
_SET_DEATH_SIGNAL = 1

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/fontconfig", "/etc/fonts"),
    *("/var/cache/fontconfig", "/usr/share/zoneinfo", "/etc/localtime"),
    *("/sys/devices/system/cpu", "/dev/null", "/dev/urandom"),
)
"""Libraries, fonts, time zones, and how many processors there are."""


def confine(parent: int) -> tuple[Barrier, ...]:
    """Give up all that decoding does not need. Return what the sandbox keeps this process from.

    `parent` is the process of the server. Exits if that has ended already.
    """
    _end_with(parent)
    _limit(resource.RLIMIT_AS, MAX_MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    os.nice(NICENESS)
    if sys.platform != "linux":
        return ()
    held: list[Barrier] = []
    is_alone = len(list(Path("/proc/self/task").iterdir())) == 1  # else other threads are free
    if landlock.allow_only_reading(_readable()) and is_alone:
        held.append("filesystem")
    if seccomp.refuse_all_but_computing():
        held += ["network", "processes"]
    return tuple(held)


def allow_cpu_time() -> None:
    """Let the process use `MAX_CPU_SECONDS` from now on; after that the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + MAX_CPU_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _limit(what: int, most: int) -> None:
    """Lower a limit to `most`, or to what is allowed already, for good."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(what, (most, most))
    except (OSError, ValueError):
        if sys.platform == "linux":  # elsewhere not every limit can be set
            raise


def _end_with(parent: int) -> None:
    """Have the kernel end this process when the thread that has begun it ends, where it can."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(*map(ctypes.c_ulong, (_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)))
    if os.getppid() != parent:
        sys.exit("the server has ended")


def _readable() -> Iterator[str]:
    """Yield what may still be opened: Python, what it imports from, our own package, the system's.

    The folder around our package is not, unless packages are installed there: it is a checkout.
    """
    own = Path(gallery.__file__).parent
    yield str(own)
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix} - {"/"}
    installed = {*site.getsitepackages(), site.getusersitepackages()}
    yield from (place for place in sys.path if place in installed or Path(place) != own.parent)
    yield from _SYSTEM
