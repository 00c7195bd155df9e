"""Nothing outside a root is ever opened, through any link, by either way of opening."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gallery.disk import beneath
from gallery.disk.beneath import FOLDER, Open

WAYS = tuple(filter(None, (beneath.walk, beneath.openat2())))
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """Return a folder with a file deep inside; a secret lies beside the folder."""
    (tmp_path / "root/a/b").mkdir(parents=True)
    (tmp_path / "root/a/b/file").write_bytes(b"ours")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file").write_bytes(b"secret")
    return tmp_path / "root"


@pytest.fixture
def folder(inside: Path) -> Iterator[int]:
    descriptor = os.open(inside, FOLDER)
    yield descriptor
    os.close(descriptor)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Open:
    found: Open = request.param
    return found


def refusal(way: Open, folder: int, path: str) -> int | None:
    """Return the number of the error of opening a file; None if it opens or has no number."""
    try:
        os.close(way(folder, path, READ))
    except OSError as error:
        return error.errno
    return None


def test_the_kernel_of_this_machine_can_do_it() -> None:
    """Without it half of these tests would prove nothing."""
    assert os.uname().sysname != "Linux" or beneath.openat2() is not None


def test_it_opens_what_is_there(way: Open, folder: int) -> None:
    descriptor = way(folder, "a/b/file", READ)
    assert os.read(descriptor, 9) == b"ours"
    os.close(descriptor)
    for path in (".", "a", "a/b"):
        os.close(way(folder, path, FOLDER | os.O_NOFOLLOW))


@pytest.mark.parametrize(
    "place", ["link", "a/link", "a/b/link", "upwards/file", "a/away/file", "a/here/b/file"]
)
def test_it_follows_no_link(way: Open, folder: int, inside: Path, place: str) -> None:
    (inside / "link").symlink_to(inside / "a/b/file")
    (inside / "a/link").symlink_to("/etc/passwd")
    (inside / "a/b/link").symlink_to("file")
    (inside / "upwards").symlink_to("../secret")
    (inside / "a/away").symlink_to(inside.parent / "secret")
    (inside / "a/here").symlink_to(".")
    assert refusal(way, folder, place) in (errno.ELOOP, errno.ENOTDIR, errno.EXDEV)


@pytest.mark.parametrize("path", ["nothing", "a/nothing/file", "a/b/file/more", "x" * 5_000])
def test_what_is_not_there_is_an_os_error(way: Open, folder: int, path: str) -> None:
    before = len(os.listdir("/dev/fd"))
    assert refusal(way, folder, path) in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
    with pytest.raises(FileNotFoundError):
        beneath.open_beneath(folder, "a/b/file\0.jpg", READ)
    assert len(os.listdir("/dev/fd")) == before


def test_a_link_swapped_in_meanwhile_gains_nothing(way: Open, folder: int, inside: Path) -> None:
    """A folder and a link to elsewhere change places all the time: only our bytes are ever read."""
    (inside / "link").symlink_to("../secret")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (inside / "a/b").rename(inside / "aside")
            (inside / "link").rename(inside / "a/b")
            (inside / "a/b").rename(inside / "link")
            (inside / "aside").rename(inside / "a/b")

    thread = threading.Thread(target=swap)
    thread.start()
    read, refused = set(), 0
    try:
        for _ in range(20_000):
            try:
                descriptor = way(folder, "a/b/file", READ)
            except OSError:
                refused += 1
            else:
                read.add(os.read(descriptor, 9))
                os.close(descriptor)
    finally:
        stop.set()
        thread.join()
    assert read == {b"ours"}
    assert refused
