"""Landlock (Linux 5.13 and later): a restriction of the files that a process may open.

See https://docs.kernel.org/userspace-api/landlock.html. The system calls have the same numbers on
all processors. A restriction applies to the calling thread and its descendants, and is permanent.
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_SET_NO_NEW_PRIVS = 38

_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Number of file rights by version of Landlock; later versions have as many as the last one."""
_TCP = 0b11
"""Bind and connect, from version 4 on."""
_SCOPED = 0b11
"""Abstract sockets and signals to processes outside, from version 6 on."""


class _Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`: rights that are denied unless a rule allows them."""

    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    """`struct landlock_path_beneath_attr`, which has no padding."""

    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def allow_only_reading(places: Iterable[str]) -> bool:
    """Allow the calling thread to open only files at or below `places`, and only for reading.

    Deny TCP connections too, if the kernel can. Open files stay open. Return whether the
    restriction applies: the kernel may lack Landlock, or a container may forbid it.
    """
    call = ctypes.CDLL(None, use_errno=True).syscall
    version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    if version < 1:
        return False
    rights = (1 << _RIGHTS.get(version, _RIGHTS[5])) - 1
    rules = _Ruleset(rights, _TCP if version >= 4 else 0, _SCOPED if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for place in places:
            with suppress(OSError):  # some do not exist on every system
                _allow_reading(ruleset, place)
        forbid_new_privileges()
        return bool(call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _allow_reading(ruleset: int, place: str) -> None:
    call = ctypes.CDLL(None, use_errno=True).syscall
    descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = _PathBeneath(_READ_FILE | (_READ_FOLDER if is_folder else 0), descriptor)
        call(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_RULE_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(descriptor)


def forbid_new_privileges() -> None:
    """Prevent executed programs from gaining rights (`PR_SET_NO_NEW_PRIVS`)."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(*map(ctypes.c_ulong, (_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
