"""A process that tells where something has changed below a directory: one JSON line at a time.

    python -m gallery.indexing.watcher DIRECTORY

The first list is `[]`, once it watches; then come lists of paths, relative to the directory. A text
says why not everything is watched, or nothing any more. It ends with its standard input.

It is a process and no thread because to begin takes as long as a walk through the whole directory,
during which watchfiles lets no other thread of Python run; and because it may die: one name that is
no UTF-8, and watchfiles has to be begun anew.
"""

import json
import os
import sys
import threading
from collections.abc import Iterable

from watchfiles import watch

DEBOUNCE_MILLISECONDS = 200
"""How long changes are gathered while more of them keep coming."""
STEP_MILLISECONDS = 40
"""How long none may come for those gathered to be told."""
TOLD_AT_ONCE = 200
LIMIT = "the system's limit of watches is reached (fs.inotify.max_user_watches)"


def main(directory: str) -> None:
    """Tells of changes until the standard input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    top = os.path.realpath(directory)
    try:
        try:
            _watch(top, ignore_denied=False)
        except PermissionError as error:
            # To pass over what may not be read is also to pass over the limit of watches.
            _explain(error, "a folder may not be read, and some may not be watched")
            _watch(top, ignore_denied=True)
    except (OSError, RuntimeError) as error:
        is_limit = "limit" in str(error)
        _explain(error, LIMIT if is_limit else "the system reports an error")


def _explain(error: Exception, reason: str) -> None:
    """The reason is for everybody; where on this machine it happened is for the log alone."""
    sys.stderr.write(f"{reason}: {error}\n")
    _tell(reason)


def _watch(top: str, *, ignore_denied: bool) -> None:
    is_ready = False
    for changes in watch(
        top,
        watch_filter=None,
        debounce=DEBOUNCE_MILLISECONDS,
        step=STEP_MILLISECONDS,
        rust_timeout=100,
        yield_on_timeout=True,  # a first time, so that we know that it watches
        raise_interrupt=False,
        force_polling=False,
        ignore_permission_denied=ignore_denied,
    ):
        if not is_ready:
            is_ready = True
            _tell([])
        told = sorted(_below(top, {path for _kind, path in changes}))
        for start in range(0, len(told), TOLD_AT_ONCE):
            _tell(told[start : start + TOLD_AT_ONCE])


def _below(top: str, changed: Iterable[str]) -> Iterable[str]:
    """The paths relative to `top`. Where links led to a folder, where it really is.

    Of a folder with several ways to it, the system reports changes on one of the ways only.
    """
    real: dict[str, str] = {top: top}
    for path in changed:
        folder, _slash, name = path.rpartition("/")
        if folder not in real:
            real[folder] = os.path.realpath(folder)
        if path == top:
            yield ""
        elif real[folder] == top:
            yield name
        elif real[folder].startswith(f"{top}/"):
            yield f"{real[folder][len(top) + 1 :]}/{name}"


def _tell(what: list[str] | str) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _end_with_input() -> None:
    while os.read(0, 1024):  # not through `sys.stdin`, whose lock would be in the way of an exit
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
