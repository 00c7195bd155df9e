"""Watching of each folder below a directory, except links, junk and unreadable folders.

New folders get a watch of their own. If there are too many watches, the smaller ones are merged. A
folder that contains a name that is not UTF-8 may end its watch at any time. Such *fragile* folders
have separate watches.
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
"""Inotify instances that are kept. The system allows 128 for all programs of a user."""
MIN_FOLDERS_MERGED = 0.75
"""The part of the folders that is tried next if the system refuses watches for all."""
LIMIT_SECONDS = 0.1
"""How long the system takes to release the watches of an instance that failed."""
MAX_HINTS = 500
"""Folders that are reported one by one when changes in them may have been lost."""
RECENT_SECONDS = 5.0
"""With more folders, only those are reported that were modified within this time."""
MIN_PAUSE = 0.25
MAX_PAUSE = 30.0
"""Seconds until a watch that has died is started again. They double each time."""
LONG_LIFE_SECONDS = 60.0
"""A watch that lived longer is started again without a long pause."""


class Reporter(NamedTuple):
    """The functions that report changes.

    `paths` takes changed paths, `deep` takes folders to list with everything below. `lost` reports
    that changes were lost, `state` why not everything is watched, with an empty text if it is.
    """

    paths: Callable[[Sequence[str]], None]
    deep: Callable[[Sequence[str]], None]
    lost: Callable[[], None]
    state: Callable[[str], None]


class WatchedFolders:
    """Watch the folders of a root, and report what may have changed there."""

    def __init__(self, root: Root, is_junk: Callable[[str], bool], tell: Reporter) -> None:
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
        """Request a search for folders that are not watched yet. Any thread may call this."""
        self._reports.put(None)

    def run(self) -> None:
        """Watch until something fails. Raises `OSError` or `RuntimeError` with the reason."""
        self._add(self._tree.discover([""]))
        if not self._watches:
            raise OSError(LIMIT if self._is_short else "nothing can be watched")
        self._tell.paths([])
        while True:
            try:
                report = self._reports.get(timeout=self._restart_due())
            except queue.Empty:
                continue
            if report is None:
                self._add(self._tree.discover([""], again=True))
                continue
            watch, found = report
            if isinstance(found, Exception):
                self._handle_failure(watch, found)
            else:
                self._follow(found)

    def _follow(self, changes: Changes) -> None:
        """Report changes, and watch the new folders among them."""
        start = len(self._top)
        changed = {path[start:] for _change, path in changes}
        deleted = {path[start:] for change, path in changes if change is Change.deleted}
        if "" in deleted:
            raise FileNotFoundError("the folder was moved or deleted")
        self._tell.paths(sorted(changed))
        for path in sorted(deleted):
            self._tree.forget(path)  # even if a folder is there again: it is another one
        new = [path for path in sorted(changed) if self._tree.is_new(path)]
        if new:
            self._add(self._tree.discover(new))
            self._tell.deep(new)  # reports what came in before they were watched

    def _handle_failure(self, dead: Watch, error: Exception) -> None:
        """Start a watch again that has died, separated from the folder that ended it.

        Raises `RuntimeError` if the error names no folder.
        """
        if dead in self._watches:
            self._watches.remove(dead)
        culprit = undecodable_folder(error)
        if culprit is None:
            raise RuntimeError(str(error))
        if folder := self._tree.find(culprit[len(self._top) :]):
            folder.is_fragile = True
            if not dead.is_fragile:
                self._replace(dead)
                self._tell.lost()  # once for each folder: a scan also reports its problem
                return
        is_young = time.monotonic() - dead.began < LONG_LIFE_SECONDS
        dead.pause = max(min(dead.pause * 2, MAX_PAUSE) if is_young else 0.0, MIN_PAUSE)
        self._dead.append((time.monotonic() + dead.pause, dead))

    def _restart_due(self) -> float | None:
        """Start the dead watches again whose pause is over. Return the seconds to the next."""
        now = time.monotonic()
        due = [dead for at, dead in self._dead if at <= now]
        self._dead = [(at, dead) for at, dead in self._dead if at > now]
        for dead in due:
            self._replace(dead)
        return max(0.0, min(at for at, _ in self._dead) - now) if self._dead else None

    def _replace(self, dead: Watch) -> None:
        """Watch the folders of a dead watch again, and report changes that may have been lost."""
        folders = list(self._tree.held_by([dead]))
        for place in folders:
            place.folder.watch = None
        listed = self._tree.discover(self._tree.changed(folders))
        present = {
            place.path: place
            for place in [*folders, *listed]
            if self._tree.find(place.path) is place.folder
        }
        self._add(list(present.values()), pause=dead.pause)
        is_many = len(folders) > MAX_HINTS
        lately = time.time_ns() - int(RECENT_SECONDS * 1e9) if is_many else 0
        self._tell.paths(
            [place.path for place in folders if self._tree.modified_at(place.path) >= lately]
        )
        if is_many:
            self._tell.lost()

    def _add(self, folders: Sequence[FolderPlace], *, pause: float = 0.0) -> None:
        """Watch folders, and new folders that came into them before they were watched."""
        while folders:
            for is_fragile in (False, True):
                same = [place for place in folders if place.folder.is_fragile == is_fragile]
                try:
                    self._start(same, is_fragile=is_fragile, pause=pause)
                except LimitReached:
                    self._start_some(same, is_fragile=is_fragile)
            watched = (place for place in folders if place.folder.watch)
            folders = self._tree.discover(self._tree.changed(watched))
        self._merge(is_fragile=False, most=MAX_WATCHES)
        self._merge(is_fragile=True, most=MAX_FRAGILE_WATCHES)
        self._report_state()

    def _start(
        self, folders: Sequence[FolderPlace], *, is_fragile: bool, pause: float = 0.0
    ) -> None:
        """Watch the folders. Those that cannot be watched, for example absent ones, are left out.

        Raises `LimitReached` if the system allows no more watches.
        """
        if not folders:
            return
        directories = [self._top + place.path for place in folders]
        try:
            watch = Watch(directories, self._reports.put, is_fragile=is_fragile, pause=pause)
        except OSError:
            left = [place for place in folders if may_be_listed(self._root, place.path)]
            parts = [left]
            if len(left) == len(folders) > 1:
                parts = [left[: len(left) // 2], left[len(left) // 2 :]]
            for part in parts if len(folders) > 1 else ():
                self._start(part, is_fragile=is_fragile, pause=pause)
            return
        self._watches.append(watch)
        for place in folders:
            place.folder.watch = watch

    def _start_some(self, folders: Sequence[FolderPlace], *, is_fragile: bool) -> None:
        """Watch as many folders as the system allows, the latest changed ones first."""
        now = time.time_ns()
        folders = sorted(folders, key=lambda place: place.folder.modified_at or now, reverse=True)
        self._is_short = True
        while folders := folders[: int(len(folders) * MIN_FOLDERS_MERGED)]:
            time.sleep(LIMIT_SECONDS)
            try:
                self._start(folders, is_fragile=is_fragile)
            except LimitReached:
                continue
            return

    def _merge(self, *, is_fragile: bool, most: int) -> None:
        """Merge the smaller watches if there are more than `most`. The new one begins first.

        A watch is included unless it is more than twice as large as all smaller ones together.
        Thus each folder is moved to another watch only a few times, even if many folders come one
        by one.
        """
        same = [watch for watch in self._watches if watch.is_fragile == is_fragile]
        if len(same) <= most:
            return
        sizes = dict.fromkeys(same, 0)
        for place in self._tree.all():
            if place.folder.watch in sizes:
                sizes[place.folder.watch] += 1
        same.sort(key=sizes.__getitem__)
        merged = same[:2]
        for watch in same[2:]:
            if sizes[watch] > 2 * sum(sizes[smaller] for smaller in merged):
                break
            merged.append(watch)
        try:
            self._start(list(self._tree.held_by(merged)), is_fragile=is_fragile)
        except LimitReached:
            return
        for place in self._tree.held_by(merged):
            place.folder.watch = None
        for watch in merged:
            self._watches.remove(watch)
            watch.retire()

    def _report_state(self) -> None:
        """Report whether everything is watched, if this has changed."""
        state = ""
        if self._is_short:
            watched = [place.folder.watch is not None for place in self._tree.all()]
            self._is_short = not all(watched)
            if self._is_short:
                state = f"only {sum(watched):,} of {len(watched):,} folders are watched: {LIMIT}"
        if state != self._state:
            self._state = state
            self._tell.state(state)
