"""A filter of system calls (seccomp, Linux on x86-64 and ARM64) for a process that only computes.

See https://docs.kernel.org/userspace-api/seccomp_filter.html. The filter lists refused calls, not
allowed ones, because decoders and their libraries use different calls with every version.
"""

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterator
from typing import NamedTuple

from gallery.media.landlock import forbid_new_privileges

_REFUSED = {
    # Connections. The one to the server exists already.
    "socket": (41, 198),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "connect": (42, 203),
    # New processes; reading, tracing and signalling other processes.
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # Not covered by Landlock: times, modes and attributes of files, open ones included.
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "open_by_handle_at": (304, 265),
    # Parts of the kernel that no decoder needs.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "personality": (135, 92),
}
"""Numbers of system calls on x86-64 and on ARM64."""


class _Processor(NamedTuple):
    """A column of `_REFUSED`, the name in filters, and numbers of calls with rules of their own."""

    column: int
    audit: int
    seccomp: int
    clone: int
    tgkill: int
    prlimit64: int


_PROCESSORS = {
    "x86_64": _Processor(0, 0xC000003E, 317, 56, 234, 302),
    "aarch64": _Processor(1, 0xC00000B7, 277, 220, 131, 261),
}
_CLONE3 = 435
_OTHER_ABI = 0x40000000
"""The lowest call number of x32, a second set of system calls on x86-64."""
_CLONE_THREAD = 0x10000

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data`."""
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_REFUSE, _UNKNOWN = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
_SET_FILTER, _ALL_THREADS = 1, 1

_Instruction = tuple[int, int, int, int]
"""Code, jumps if true and if false, operand."""


class _Filter(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def refuse_all_but_computing() -> bool:
    """Refuse new processes, connections, signals to others, and changes to files, in all threads.

    A refused call fails with EPERM. Return whether the filter applies: the processor may be an
    unknown one, the kernel may lack filters, or a container may forbid them.
    """
    processor = _PROCESSORS.get(platform.machine())
    if processor is None or sys.maxsize < 1 << 32:  # 32-bit processes have other call numbers
        return False
    instructions = list(_program(processor, os.getpid()))
    packed = b"".join(
        code.to_bytes(2, "little") + bytes((yes, no)) + operand.to_bytes(4, "little")
        for code, yes, no, operand in instructions
    )
    code = ctypes.create_string_buffer(packed, len(packed))
    program = _Filter(len(instructions), ctypes.cast(code, ctypes.c_void_p))
    forbid_new_privileges()
    result = ctypes.CDLL(None, use_errno=True).syscall(
        ctypes.c_long(processor.seccomp),
        ctypes.c_uint(_SET_FILTER),
        ctypes.c_uint(_ALL_THREADS),
        ctypes.byref(program),
    )
    return bool(result == 0)


def _program(processor: _Processor, own: int) -> Iterator[_Instruction]:
    """Yield the filter for the process `own`. Each rule returns, or the next one applies."""
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _IF_EQUAL, 1, 0, processor.audit
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER
    yield _IF_AT_LEAST, 0, 1, _OTHER_ABI
    yield _RETURN, 0, 0, _KILL
    for numbers in _REFUSED.values():
        number = numbers[processor.column]
        if number is not None:
            yield _IF_EQUAL, 0, 1, number
            yield _RETURN, 0, 0, _REFUSE
    yield (
        _IF_EQUAL,
        0,
        1,
        _CLONE3,
    )  # a filter cannot read its flags; the C library falls back to clone
    yield _RETURN, 0, 0, _UNKNOWN
    yield _IF_EQUAL, 0, 4, processor.clone
    yield _LOAD, 0, 0, _FIRST_ARGUMENT
    yield _IF_BITS, 1, 0, _CLONE_THREAD
    yield _RETURN, 0, 0, _REFUSE
    yield _RETURN, 0, 0, _ALLOW
    for number, only in ((processor.tgkill, own), (processor.prlimit64, 0)):
        yield _IF_EQUAL, 0, 4, number  # of other processes
        yield _LOAD, 0, 0, _FIRST_ARGUMENT
        yield _IF_EQUAL, 1, 0, only
        yield _RETURN, 0, 0, _REFUSE
        yield _RETURN, 0, 0, _ALLOW
    yield _RETURN, 0, 0, _ALLOW
