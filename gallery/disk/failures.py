"""Classes of the operating system's errors: absent, forbidden, or no resources left."""

import errno

_FORBIDDEN = {errno.EACCES, errno.EPERM}
_ABSENT = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ENXIO, errno.ENODEV),
    *(errno.ELOOP, errno.EXDEV, *_FORBIDDEN),
}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN}


def is_absent(error: OSError) -> bool:
    """Return whether no file is there that this server may open without following a link.

    All other errors (EMFILE, ENOMEM, EIO …) say nothing about the file: a later try may succeed.
    """
    return error.errno is None or error.errno in _ABSENT


def is_forbidden(error: OSError) -> bool:
    """Return whether the system forbids this server to read a file."""
    return error.errno in _FORBIDDEN


def is_exhausted(error: OSError) -> bool:
    """Return whether the process or the system has no descriptors or memory left."""
    return error.errno in _EXHAUSTED
