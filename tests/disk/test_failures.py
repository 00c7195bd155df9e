"""The meaning of a system error for a file, as a table."""

import errno

import pytest

from gallery.disk.failures import is_absent, is_exhausted, is_forbidden


@pytest.mark.parametrize(
    ("number", "absent", "forbidden", "exhausted"),
    [
        (None, True, False, False),
        (errno.ENOENT, True, False, False),
        (errno.ELOOP, True, False, False),
        (errno.EACCES, True, True, False),
        (errno.EPERM, True, True, False),
        (errno.EIO, False, False, False),
        (errno.ESTALE, False, False, False),
        (errno.EMFILE, False, False, True),
        (errno.ENOMEM, False, False, True),
    ],
)
def test_what_an_error_says(
    number: int | None, *, absent: bool, forbidden: bool, exhausted: bool
) -> None:
    error = OSError() if number is None else OSError(number, "text")
    assert (is_absent(error), is_forbidden(error), is_exhausted(error)) == (
        absent,
        forbidden,
        exhausted,
    )
