"""One inotify instance of watchfiles, in a thread of its own.

This is how watchfiles 1.3 (notify 8.0) works, according to its source, and what follows:

- An instance gets its paths when it is created. New folders need another instance.
- It ends at the first event on a name that is not UTF-8, even if the file is only opened, and drops
  the changes it has gathered. The error contains the path.
- It does not report an overflow of the kernel's queue. The indexer assumes one after a storm of
  hints.
- Creating an instance holds the lock of Python for about 10 µs per path.
"""

import re
import threading
import time
from collections.abc import Callable, Sequence

from watchfiles import Change
from watchfiles._rust_notify import RustNotify

DEBOUNCE_MILLISECONDS = 200
"""How long changes are gathered at most, while more keep coming."""
STEP_MILLISECONDS = 40
"""Gathered changes are reported when no more come for this long."""
RETIRED_STEPS = 50
"""Steps that a retired watch continues, to report changes from before its successor began."""
LIMIT = "the system's limit of watches is reached (fs.inotify.max_user_watches)"

_UNDECODABLE = re.compile(r'Unable to decode path "(.*)" to string', re.DOTALL)
_ESCAPED = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]+)\}|(.))", re.DOTALL)
_CONTROL = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}

Changes = set[tuple[Change, str]]
Report = tuple["Watch", "Changes | Exception"]


class LimitReached(Exception):
    """The system allows no more watches."""


class Watch:
    """Watch folders and report changes directly inside them, until it is retired or dies.

    `is_fragile`: a folder contains a name that is not UTF-8, so the watch may die at any time.
    `pause` is the number of seconds that its start was delayed after its predecessor died.

    Raises `LimitReached`, `OSError` if one of the paths is absent or unreadable, and `RuntimeError`
    if there are too many instances.
    """

    def __init__(
        self,
        paths: Sequence[str],
        report: Callable[[Report], None],
        *,
        is_fragile: bool = False,
        is_recursive: bool = False,
        pause: float = 0.0,
    ) -> None:
        self.is_fragile = is_fragile
        self.pause = pause
        self.began = time.monotonic()
        self._report = report
        self._steps_left: int | None = None
        try:
            self._notify = RustNotify(list(paths), False, False, 0, is_recursive, False)
        except OSError as error:
            if "watch limit" in str(error):
                raise LimitReached from error
            raise
        threading.Thread(target=self._run, daemon=True).start()

    def retire(self) -> None:
        """End soon, because a successor already watches the same folders."""
        self._steps_left = RETIRED_STEPS

    def is_set(self) -> bool:
        """Return whether to stop. Watchfiles calls this once in each step."""
        if self._steps_left is None:
            return False
        self._steps_left -= 1
        return self._steps_left < 0

    def _run(self) -> None:
        with self._notify as notify:
            while True:
                try:
                    found = notify.watch(DEBOUNCE_MILLISECONDS, STEP_MILLISECONDS, 0, self)
                except RuntimeError as error:
                    self._report((self, error))
                    return
                if isinstance(found, str):  # "stop", because `is_set` returned true
                    return
                self._report((self, {(Change(kind), path) for kind, path in found}))


def undecodable_folder(error: Exception) -> str | None:
    """Return the folder that contains the name, not UTF-8, that ended a watch.

    The message contains the path in the escaped form of Rust's debug output. None if it contains
    no path, or the folder's own path is not UTF-8.
    """
    found = _UNDECODABLE.search(str(error))
    if found is None:
        return None
    path = _ESCAPED.sub(_unescape, found[1].encode())
    folder, _slash, _name = path.rpartition(b"/")
    try:
        return folder.decode()
    except UnicodeDecodeError:
        return None


def _unescape(match: re.Match[bytes]) -> bytes:
    byte, character, other = match.groups()
    if byte:
        return bytes.fromhex(byte.decode())
    if character:
        return chr(int(character, 16)).encode()
    return _CONTROL.get(other, other)
