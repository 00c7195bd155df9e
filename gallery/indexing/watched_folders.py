"""Watches each folder below a directory by itself: no link, no junk, nothing unreadable.

New folders get a watch of their own; when there are many, the smaller ones are merged. A folder in
which a name is not UTF-8 may end the watch that it is in at any time, so such folders share watches
that hold no others.
"""

import queue
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from watchfiles import Change

from gallery.disk.roots import Root
from gallery.disk.subfolders import may_be_listed
from gallery.indexing.folder_tree import FolderPlace, FolderTree
from gallery.indexing.watches import (
    LIMIT,
    Changes,
    LimitReached,
    Report,
    Watch,
    undecodable_folder,
)

MAX_WATCHES = 6
MAX_FRAGILE_WATCHES = 3
"""How many inotify instances stay: the system has 128 for all programs of a user."""
MIN_FOLDERS_MERGED = 0.75
"""How many of the folders are tried next when the system gives no watches for all."""
LIMIT_SECONDS = 0.1
"""How long the system takes to give back the watches of an instance that came to nothing."""
MAX_HINTS = 500
"""Of how many folders each is told when something there may have gone unnoticed."""
LATELY_SECONDS = 5.0
MIN_PAUSE = 0.25
MAX_PAUSE = 30.0
"""Seconds until a watch that dies again and again is made anew, doubled each time."""
LONG_LIFE_SECONDS = 60.0


class Tell(NamedTuple):
    """What is told: paths to look at, folders to look through, and in general."""

    paths: Callable[[Sequence[str]], None]
    deep: Callable[[Sequence[str]], None]
    lost: Callable[[], None]
    state: Callable[[str], None]


class WatchedFolders:
    """Watches the folders of a root, and tells what may have changed there."""

    def __init__(self, root: Root, is_junk: Callable[[str], bool], tell: Tell) -> None:
        self._root = root
        self._top = str(root.directory).rstrip("/") + "/"
        self._tree = FolderTree(root, is_junk)
        self._tell = tell
        self._watches: list[Watch] = []
        self._dead: list[tuple[float, Watch]] = []
        self._is_short = False
        self._state = ""
        self._reports = queue.SimpleQueue[Report | None]()

    def look_again(self) -> None:
        """Look for folders that are not watched yet, soon. Safe in any thread."""
        self._reports.put(None)

    def run(self) -> None:
        """Watch until something fails; raises `OSError` or `RuntimeError`, which says what."""
        self._add(self._tree.discover([""]))
        if not self._watches:
            raise OSError(LIMIT if self._is_short else "nothing can be watched")
        self._tell.paths([])
        while True:
            try:
                report = self._reports.get(timeout=self._revive())
            except queue.Empty:
                continue
            if report is None:
                self._add(self._tree.discover([""], again=True))
                continue
            watch, found = report
            if isinstance(found, Exception):
                self._bury(watch, found)
            else:
                self._follow(found)

    def _follow(self, changes: Changes) -> None:
        """Tell of changes, and watch the folders that are new among them."""
        below = len(self._top)
        changed = {path[below:]: False for _change, path in changes}
        changed |= {path[below:]: True for change, path in changes if change is Change.deleted}
        if changed.get(""):
            raise FileNotFoundError("the folder was moved or deleted")
        told = sorted(changed)
        self._tell.paths(told)
        for path in told:
            if changed[path]:
                self._tree.forget(path)  # also if there is a folder again: that is another one
        new = [path for path in told if self._tree.is_new(path)]
        if new:
            self._add(self._tree.discover(new))
            self._tell.deep(new)  # what came in before they were watched

    def _bury(self, dead: Watch, error: Exception) -> None:
        """Watch the folders of a watch that has died anew, without the one that ended it."""
        if dead in self._watches:
            self._watches.remove(dead)
        culprit = undecodable_folder(error)
        if culprit is None:
            raise RuntimeError(str(error))
        if folder := self._tree.find(culprit[len(self._top) :]):
            folder.is_fragile = True
            if not dead.is_fragile:
                self._replace(dead)
                self._tell.lost()  # once for each folder: a pass also names what is wrong there
                return
        is_young = time.monotonic() - dead.began < LONG_LIFE_SECONDS
        dead.pause = max(min(dead.pause * 2, MAX_PAUSE) if is_young else 0.0, MIN_PAUSE)
        self._dead.append((time.monotonic() + dead.pause, dead))

    def _revive(self) -> float | None:
        """Make the dead watches anew whose pause is over; the seconds until the next is due."""
        now = time.monotonic()
        due = [dead for at, dead in self._dead if at <= now]
        self._dead = [(at, dead) for at, dead in self._dead if at > now]
        for dead in due:
            self._replace(dead)
        return max(0.0, min(at for at, _ in self._dead) - now) if self._dead else None

    def _replace(self, dead: Watch) -> None:
        """Watch its folders anew, and tell of what may have gone unnoticed in them."""
        folders = list(self._tree.held_by([dead]))
        for _path, folder in folders:
            folder.watch = None
        listed = self._tree.discover(self._tree.changed(folders))
        there = {path: it for path, it in [*folders, *listed] if self._tree.find(path) is it}
        self._add(list(there.items()), pause=dead.pause)
        is_many = len(folders) > MAX_HINTS
        lately = time.time_ns() - int(LATELY_SECONDS * 1e9) if is_many else 0
        told = [path for path, _ in folders if self._tree.modified_at(path) >= lately]
        self._tell.paths(told)
        if is_many:
            self._tell.lost()

    def _add(self, folders: Sequence[FolderPlace], *, pause: float = 0.0) -> None:
        """Watch folders, and what came into them before they were watched."""
        while folders:
            for is_fragile in (False, True):
                same = [it for it in folders if it[1].is_fragile == is_fragile]
                try:
                    self._start(same, is_fragile=is_fragile, pause=pause)
                except LimitReached:
                    self._start_some(same, is_fragile=is_fragile)
            folders = self._tree.discover(self._tree.changed(it for it in folders if it[1].watch))
        self._merge(is_fragile=False, most=MAX_WATCHES)
        self._merge(is_fragile=True, most=MAX_FRAGILE_WATCHES)
        self._tell_state()

    def _start(
        self, folders: Sequence[FolderPlace], *, is_fragile: bool, pause: float = 0.0
    ) -> None:
        """Watch the folders; those that cannot be, because they have gone, say, are left out."""
        if not folders:
            return
        places = [self._top + path for path, _folder in folders]
        try:
            watch = Watch(places, self._reports.put, is_fragile=is_fragile, pause=pause)
        except OSError:
            left = [it for it in folders if may_be_listed(self._root, it[0])]
            parts = [left]
            if len(left) == len(folders) > 1:
                parts = [left[: len(left) // 2], left[len(left) // 2 :]]
            for part in parts if len(folders) > 1 else ():
                self._start(part, is_fragile=is_fragile, pause=pause)
            return
        self._watches.append(watch)
        for _path, folder in folders:
            folder.watch = watch

    def _start_some(self, folders: Sequence[FolderPlace], *, is_fragile: bool) -> None:
        """Watch as many as the system allows, those first in which something changed last."""
        folders = sorted(folders, key=lambda it: it[1].modified_at or time.time_ns(), reverse=True)
        self._is_short = True
        while folders := folders[: int(len(folders) * MIN_FOLDERS_MERGED)]:
            time.sleep(LIMIT_SECONDS)
            try:
                self._start(folders, is_fragile=is_fragile)
            except LimitReached:
                continue
            return

    def _merge(self, *, is_fragile: bool, most: int) -> None:
        """If there are too many watches, make one of the smaller ones; it begins before they end.

        It takes those that are together not much smaller than the next: so a folder is watched
        anew a few times only, however many come one by one.
        """
        same = [watch for watch in self._watches if watch.is_fragile == is_fragile]
        if len(same) <= most:
            return
        sizes = dict.fromkeys(same, 0)
        for _path, folder in self._tree.all():
            if folder.watch in sizes:
                sizes[folder.watch] += 1
        same.sort(key=sizes.__getitem__)
        merged = same[:2]
        for watch in same[2:]:
            if sizes[watch] > 2 * sum(sizes[it] for it in merged):
                break
            merged.append(watch)
        try:
            self._start(list(self._tree.held_by(merged)), is_fragile=is_fragile)
        except LimitReached:
            return
        for _path, left_out in self._tree.held_by(merged):
            left_out.watch = None
        for watch in merged:
            self._watches.remove(watch)
            watch.retire()

    def _tell_state(self) -> None:
        """Say so if not everything is watched."""
        state = ""
        if self._is_short:
            watched = [folder.watch is not None for _path, folder in self._tree.all()]
            self._is_short = not all(watched)
            if self._is_short:
                state = f"only {sum(watched):,} of {len(watched):,} folders are watched: {LIMIT}"
        if state != self._state:
            self._state = state
            self._tell.state(state)
