"""A process that tells where something has changed below a directory: one JSON line at a time.

    python -P -m gallery.indexing.watcher DIRECTORY IGNORE

`IGNORE` is the JSON list of the patterns of junk. The first list is `[]`, once it watches; then
come lists of paths, relative to the directory. An object holds `deep`, folders that are to be
looked through with all that is below, or `lost`: something has gone unnoticed somewhere. A text
says why not everything is watched, or nothing any more; an empty text that everything is. Each line
on the standard input asks to look for folders that are not watched yet; it ends with its input.

It is a process and no thread because to begin takes as long as a walk through the whole directory,
and because watchfiles lets no other thread of Python run for a part of that.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

from gallery.disk.roots import Root
from gallery.indexing.watched_folders import Tell, WatchedFolders
from gallery.indexing.watches import LIMIT, LimitReached, Report, Watch
from gallery.logs import escaped
from gallery.values.media_types import junk_filter

TOLD_AT_ONCE = 200


def main(directory: str, ignore: str) -> None:
    """Tell of changes until the standard input ends."""
    top = os.path.realpath(directory)
    try:
        if sys.platform == "linux":
            is_junk = junk_filter(json.loads(ignore))
            watched = WatchedFolders(Root("", Path(top)), is_junk, TELL)
            _attend_input(watched.look_again)
            watched.run()
        else:
            _attend_input(lambda: None)
            _watch_tree(top)
    except LimitReached as error:
        _explain(error, LIMIT)
    except UnicodeEncodeError as error:
        _explain(error, "the name of the folder is not UTF-8")
    except (OSError, RuntimeError) as error:
        is_ours = not isinstance(error, RuntimeError) and error.errno is None
        _explain(error, str(error) if is_ours else "the system reports an error")


def _watch_tree(top: str) -> None:
    """Watch everything below `top` where the system does so by itself, and follows no link."""
    reports = SimpleQueue[Report]()
    Watch([top], reports.put, is_recursive=True)
    _tell_paths([])
    while True:
        _watch, found = reports.get()
        if isinstance(found, Exception):
            raise found
        _tell_paths(sorted({path[len(top) + 1 :] for _change, path in found}))


def _explain(error: Exception, reason: str) -> None:
    """The reason is for everybody; where on this machine it happened is for the log alone."""
    sys.stderr.write(escaped(f"{reason}: {error}") + "\n")
    _tell(reason)


def _tell_paths(told: Sequence[str]) -> None:
    for start in range(0, max(len(told), 1), TOLD_AT_ONCE):
        _tell(told[start : start + TOLD_AT_ONCE])


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


TELL = Tell(
    paths=_tell_paths,
    deep=lambda folders: _tell({"deep": folders}),
    lost=lambda: _tell({"lost": True}),
    state=_tell,
)


def _attend_input(look_again: Callable[[], None]) -> None:
    """Ask to look again at each line, and end the process with the input."""

    def attend() -> None:
        while os.read(0, 1024):  # not through `sys.stdin`, whose lock would prevent an exit
            look_again()
        os._exit(0)

    threading.Thread(target=attend, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
