"""A process that reports changes below a directory, one JSON line at a time.

    python -P -m gallery.indexing.watcher DIRECTORY IGNORE

`IGNORE` is the JSON list of the patterns of junk. The standard output has these lines:

- A list contains changed paths, relative to the directory. The first one, `[]`, means that watching
  has begun.
- An object has the key `deep`, folders to list with everything below, or the key `lost`: changes
  were lost somewhere.
- A text is the reason why not everything, or nothing any more, is watched. An empty text means that
  everything is.

Each line on the standard input requests a search for folders that are not watched yet. The process
ends when its input ends.

It is a process and not a thread, because its start takes as long as a walk through the whole
directory, and watchfiles blocks all other threads of Python for a part of that time.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

from gallery.disk.roots import Root
from gallery.indexing.watched_folders import Reporter, WatchedFolders
from gallery.indexing.watches import LIMIT, LimitReached, Report, Watch
from gallery.logs import escaped
from gallery.values.media_types import junk_filter

MAX_PATHS_PER_LINE = 200
"""Paths in one line."""


def main(directory: str, ignore: str) -> None:
    """Report changes until the standard input ends."""
    top = os.path.realpath(directory)
    try:
        if sys.platform == "linux":
            is_junk = junk_filter(json.loads(ignore))
            watched = WatchedFolders(Root("", Path(top)), is_junk, REPORTER)
            _watch_input(watched.look_again)
            watched.run()
        else:
            _watch_input(lambda: None)
            _watch_tree(top)
    except LimitReached as error:
        _explain(error, LIMIT)
    except UnicodeEncodeError as error:
        _explain(error, "the name of the folder is not UTF-8")
    except (OSError, RuntimeError) as error:
        is_public = not isinstance(error, RuntimeError) and error.errno is None
        _explain(error, str(error) if is_public else "the system reports an error")


def _watch_tree(top: str) -> None:
    """Watch everything below `top` with one watch, where the system supports this."""
    reports = SimpleQueue[Report]()
    Watch([top], reports.put, is_recursive=True)
    _write_paths([])
    while True:
        _watch, found = reports.get()
        if isinstance(found, Exception):
            raise found
        _write_paths(sorted({path[len(top) + 1 :] for _change, path in found}))


def _explain(error: Exception, reason: str) -> None:
    """Write the reason as a message, and the whole error, which may contain paths, to the log."""
    sys.stderr.write(escaped(f"{reason}: {error}") + "\n")
    _write(reason)


def _write_paths(changed: Sequence[str]) -> None:
    for start in range(0, max(len(changed), 1), MAX_PATHS_PER_LINE):
        _write(changed[start : start + MAX_PATHS_PER_LINE])


def _write(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


REPORTER = Reporter(
    paths=_write_paths,
    deep=lambda folders: _write({"deep": folders}),
    lost=lambda: _write({"lost": True}),
    state=_write,
)


def _watch_input(look_again: Callable[[], None]) -> None:
    """Call `look_again` for each line of the input, and end the process when the input ends."""

    def watch() -> None:
        while os.read(0, 1024):  # not through `sys.stdin`, whose lock would prevent an exit
            look_again()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
