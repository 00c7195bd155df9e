"""A folder whose files are rearranged at random, with a record of where each file is."""

import random
import shutil
from collections.abc import Callable

from tests.support.library import Tree


class Folder:
    """A tree of files with distinct contents, rearranged at random.

    `files` maps each path to its file. `edited` and `moved` are the files that were written to or
    moved since `known` was called; the place of a file in both is ambiguous. `touched` lists the
    changed paths in order, as a watcher reports them.
    """

    def __init__(self, tree: Tree, seed: int) -> None:
        self.root = tree.folder
        self.files: dict[str, int] = {}
        self.edited: set[int] = set()
        self.moved: set[int] = set()
        self._random = random.Random(seed)
        self.made = 0
        self.touched: list[str] = []

    def rearrange(self, times: int) -> None:
        """Make `times` random changes, the likely ones more often."""
        ways: list[tuple[int, Callable[[], None]]] = [
            (20, self.create),
            (25, self.rename),
            (15, self.swap),
            (5, self.rotate),
            (10, self.overwrite),
            (10, self.replace),
            (10, self.delete),
            (5, self.copy),
            (1, self.rename_folder),
        ]
        weights, doings = zip(*ways, strict=True)
        for doing in self._random.choices(doings, weights, k=times):
            doing()

    def known(self) -> None:
        """Mark the place of every file as known."""
        self.edited.clear()
        self.moved.clear()

    def create(self) -> None:
        path = self._new_path()
        self.made += 1
        self._write(path, self.made)
        self.files[path] = self.made

    def rename(self) -> None:
        self._move(self._any(), self._new_path())

    def swap(self) -> None:
        self._cycle(2)

    def rotate(self) -> None:
        self._cycle(3)

    def overwrite(self) -> None:
        path = self._any()
        self._write(path, self.files[path])
        self.edited.add(self.files[path])

    def replace(self) -> None:
        path = self._any()
        aside = f"{path}.tmp"
        self._write(aside, self.files[path])
        (self.root / aside).rename(self.root / path)
        self.touched.append(path)
        self.edited.add(self.files[path])

    def delete(self) -> None:
        path = self._any()
        (self.root / path).unlink()
        self.touched.append(path)
        del self.files[path]

    def copy(self) -> None:
        path, new = self._any(), self._new_path()
        self._folder_of(new)
        shutil.copy2(self.root / path, self.root / new)
        self.touched.append(new)
        self.made += 1
        self.files[new] = self.made

    def rename_folder(self) -> None:
        folder = self._any().rpartition("/")[0]
        new = f"{self._random.choice(['', 'deep/', 'deep/er/'])}f{self._random.random()}"
        if new.startswith(f"{folder}/"):
            return
        self._folder_of(new)
        (self.root / folder).rename(self.root / new)
        self.touched += [folder, new]
        for path in [path for path in self.files if path.startswith(f"{folder}/")]:
            file = self.files.pop(path)
            self.files[new + path[len(folder) :]] = file
            self.moved.add(file)

    def _any(self) -> str:
        return self._random.choice(list(self.files))

    def _new_path(self) -> str:
        near = self._any().rpartition("/")[0] if self.files else "start"
        folder = self._random.choice([near, near, near, f"{near}/in", f"n{self.made % 97}"])
        return f"{folder}/{self._random.random()}.jpg"

    def _move(self, former: str, path: str) -> None:
        self._folder_of(path)
        (self.root / former).rename(self.root / path)
        self.touched += [former, path]
        file = self.files.pop(former)
        self.files[path] = file
        self.moved.add(file)

    def _cycle(self, length: int) -> None:
        paths = self._random.sample(list(self.files), length)
        files = [self.files[path] for path in paths]
        (self.root / paths[-1]).rename(self.root / ".aside")
        for former, path in zip(reversed(paths[:-1]), reversed(paths), strict=False):
            (self.root / former).rename(self.root / path)
        (self.root / ".aside").rename(self.root / paths[0])
        self.touched += paths
        for path, file in zip(paths, files[-1:] + files[:-1], strict=True):
            self.files[path] = file
            self.moved.add(file)

    def _folder_of(self, path: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)

    def _write(self, path: str, file: int) -> None:
        self._folder_of(path)
        (self.root / path).write_text(f"{file} {self._random.random()}")
        self.touched.append(path)

    def surely(self) -> dict[int, str]:
        """Return the path of each file whose place is unambiguous."""
        unsure = self.edited & self.moved
        return {file: path for path, file in self.files.items() if file not in unsure}
