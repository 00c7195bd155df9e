"""What an error of the operating system says about a file."""

import errno

_FORBIDDEN = {errno.EACCES, errno.EPERM}
_ABSENT = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ENXIO, errno.ENODEV),
    *(errno.ELOOP, errno.EXDEV, *_FORBIDDEN),
}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN}


def is_absent(error: OSError) -> bool:
    """Return whether there is no file, a link on the way, or one that this server may not read.

    All other errors (EMFILE, ENOMEM, EIO …) say nothing of the file: another time it may be read.
    """
    return error.errno is None or error.errno in _ABSENT


def is_forbidden(error: OSError) -> bool:
    """Return whether the system does not let this server read a file."""
    return error.errno in _FORBIDDEN


def is_exhausted(error: OSError) -> bool:
    """Return whether the process or the system has no descriptors or memory left for any file."""
    return error.errno in _EXHAUSTED
