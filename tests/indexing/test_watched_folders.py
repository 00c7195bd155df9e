"""The watching process by itself: which folders it watches, and what it reports."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gallery.indexing.watches import undecodable_folder
from gallery.values.media_types import DEFAULT_IGNORE
from gallery.values.paths import ancestors
from tests.support.library import Tree

SECONDS = 20.0
"""The limit for each report. It takes a tenth of a second, but the machine may be busy."""
NOBODY = 65_534
COMMAND = (sys.executable, "-P", "-m", "gallery.indexing.watcher")
AS_NOBODY = f"""
import os, sys
from gallery.indexing.watcher import main
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
main(*sys.argv[1:])
"""
"""Drops the privileges of root, who may read everything."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system recurses")


class Watcher:
    """The process, and what it has reported so far."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.paths = set[str]()
        self.deep = set[str]()
        self.lost = 0
        self.state: str | None = None
        self._made = 0
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            report = json.loads(line)
            if isinstance(report, list):
                self.paths.update(report)
                self.state = self.state or ""
            elif isinstance(report, str):
                self.state = report
            else:
                self.deep.update(report.get("deep", ()))
                self.lost += report.get("lost", False)
            self._news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until the reports satisfy a condition."""
        async with asyncio.timeout(SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def reports(self, *folders: str) -> None:
        """Wait until each of the folders is watched: a new file in it is reported by its path.

        Before that, the process reports the folder that has to be scanned.
        """
        self.deep.clear()
        for is_reported in (self._is_covered, self.paths.__contains__):
            self._made += 1
            new = [f"{folder}/{self._made}.jpg" for folder in folders]
            for path in new:
                (self.folder / path).write_bytes(b"new")
            await self.until(lambda: all(map(is_reported, new)))  # noqa: B023  (awaited here)

    def _is_covered(self, path: str) -> bool:
        return path in self.paths or not self.deep.isdisjoint(ancestors(path))

    def watches(self) -> int:
        """Return the number of kernel watches of the process."""
        found = 0
        for info in Path(f"/proc/{self.process.pid}/fdinfo").iterdir():
            found += info.read_text().count("inotify wd:")
        return found

    def look_again(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@asynccontextmanager
async def watching(folder: Path, command: Sequence[str] = COMMAND) -> AsyncGenerator[Watcher]:
    """Yield a watcher as soon as it watches every folder that it can."""
    process = await asyncio.create_subprocess_exec(
        *command,
        *(str(folder), json.dumps(DEFAULT_IGNORE)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    watcher = Watcher(process, folder)
    try:
        await watcher.until(lambda: watcher.state is not None)
        yield watcher
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def folders(tree: Tree, count: int) -> list[str]:
    names = [f"f{number:04}" for number in range(count)]
    for name in names:
        (tree.folder / name).mkdir(parents=True)
    return names


def undecodable(folder: Path, name: bytes = b"\xff.jpg") -> bytes:
    return os.fsencode(folder) + b"/" + name


@pytest.fixture
def public() -> Iterator[Path]:
    """Yield a folder that other users can enter."""
    with tempfile.TemporaryDirectory(prefix="gallery-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def test_a_folder_that_may_not_be_read_hides_no_other(public: Path) -> None:
    tree = Tree(public / "library")
    names = folders(tree, 30)
    closed = tree.folder / "f0000" / "closed"
    closed.mkdir()
    command: Sequence[str] = COMMAND
    if os.geteuid() == 0:
        command = (sys.executable, "-P", "-c", AS_NOBODY)
    closed.chmod(0)
    try:
        async with watching(tree.folder, command) as watcher:
            await watcher.reports(*names)
            closed.chmod(0o755)
            await watcher.reports("f0000/closed")
    finally:
        closed.chmod(0o755)


async def test_names_that_are_not_utf_8_hide_no_change_elsewhere(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "library")
    folders(tree, 30)
    bad = tree.folder / "f0003"
    os.mkdir(undecodable(bad, b"folder \xe9"))  # noqa: PTH102  (a name that is not text)
    async with watching(tree.folder) as watcher:
        for _ in range(5):
            with open(undecodable(bad), "wb"):
                pass
            await watcher.reports("f0004", "f0029")
        (bad / "beside.jpg").write_bytes(b"it is looked for in the folder, if it is not report")
        await watcher.until(lambda: not watcher.paths.isdisjoint({"f0003", "f0003/beside.jpg"}))
        assert watcher.lost == 0, "it was known from the beginning: no full pass is needed"


async def test_a_new_name_that_is_not_utf_8_costs_one_full_pass(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "library")
    names = folders(tree, 30)
    async with watching(tree.folder) as watcher:
        for number in range(5):
            with open(undecodable(tree.folder / "f0003", b'"\n%d\xff' % number), "wb"):
                pass
            watcher.paths.clear()
            await watcher.until(lambda: "f0003" in watcher.paths)
            await watcher.reports(*(name for name in names if name != "f0003"))
        assert watcher.lost == 1


async def test_neither_links_nor_junk_take_watches(tmp_path: Path) -> None:
    tree, big = Tree(tmp_path / "library"), Tree(tmp_path / "big")
    folders(big, 200)
    (tree.folder / "link").symlink_to(big.folder)
    (tree.folder / ".git/objects/00").mkdir(parents=True)
    (tree.folder / "photos/2025").mkdir(parents=True)
    async with watching(tree.folder) as watcher:
        assert watcher.watches() == 3
        (tree.folder / "later").symlink_to(big.folder)
        (tree.folder / "photos/later").symlink_to(big.folder)
        (tree.folder / ".cache/1").mkdir(parents=True)
        await watcher.reports("photos/2025")
        assert watcher.watches() == 3


async def test_every_folder_of_a_tree_is_watched_however_it_came(tmp_path: Path) -> None:
    tree, aside = Tree(tmp_path / "library"), Tree(tmp_path / "aside")
    for number in range(1_000):
        (aside.folder / f"{number % 10}/{number % 100}/{number}").mkdir(parents=True)
    inner = [str(path.relative_to(aside.folder)) for path in aside.folder.rglob("*")]
    async with watching(tree.folder) as watcher:
        await asyncio.to_thread(shutil.copytree, aside.folder, tree.folder / "copied")
        await watcher.reports(*(f"copied/{path}" for path in inner))
        (tree.folder / "copied").rename(tree.folder / "renamed")
        await watcher.reports(*(f"renamed/{path}" for path in inner))
        aside.folder.rename(tree.folder / "copied")
        await watcher.reports(*(f"copied/{path}" for path in inner))
        for number in range(20):  # one at a time, so that watches have to be merged
            (tree.folder / f"one-{number}").mkdir()
            await watcher.reports(f"one-{number}")
        shutil.rmtree(tree.folder / "renamed")
        (tree.folder / "renamed").mkdir()
        await watcher.reports("renamed", *(f"copied/{path}" for path in inner), "one-0", "one-19")


def limited(most: int) -> list[str]:
    """Return a command that limits the watches of the command after it."""
    script = f'echo {most} > /proc/sys/user/max_inotify_watches && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]


async def test_at_the_limit_of_watches_it_is_said_how_many_there_are(tmp_path: Path) -> None:
    if subprocess.run([*limited(60), "true"], check=False, capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    tree = Tree(tmp_path / "library")
    names = folders(tree, 100)
    os.utime(tree.folder / names[50], (2**31, 2**31))
    async with watching(tree.folder, [*limited(60), *COMMAND]) as watcher:
        assert watcher.state is not None
        assert watcher.state.startswith("only 5")
        assert watcher.state.endswith(
            " of 101 folders are watched: "
            "the system's limit of watches is reached (fs.inotify.max_user_watches)"
        )
        await watcher.reports(names[50])  # the folder with the latest change
        for name in names[40:]:
            shutil.rmtree(tree.folder / name)
        watcher.look_again()
        await watcher.until(lambda: watcher.state == "")
        await watcher.reports(*names[:40])


def test_the_folder_is_read_from_the_message_of_the_library() -> None:
    shown = r'Unable to decode path "/a/\"b\"\n\u{301}\\x/é\u{202e}/c\xFF\xC3.jpg" to string'
    assert undecodable_folder(RuntimeError(shown)) == '/a/"b"\n\u0301\\x/é\u202e'
    assert undecodable_folder(RuntimeError("another")) is None
