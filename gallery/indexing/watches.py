"""One inotify instance of watchfiles, in a thread of its own.

What watchfiles 1.3 (notify 8.0) does, read from its source, and what follows from it:

- An instance takes its paths when it is made and no more later: new folders need another instance.
- It dies at the first event on a name that is not UTF-8, even if that is only opened, and drops
  what it has gathered. The error names the path.
- It does not tell when the kernel's queue has run over: the indexer takes a storm for that.
- To make one holds the lock of Python, some 10 µs for each path.
"""

import re
import threading
import time
from collections.abc import Callable, Sequence

from watchfiles import Change
from watchfiles._rust_notify import RustNotify

DEBOUNCE_MILLISECONDS = 200
"""How long changes are gathered while more of them keep coming."""
STEP_MILLISECONDS = 40
"""How long none may come for those gathered to be told."""
RETIRED_STEPS = 50
"""How many steps a retired watch goes on, until it has told what came before its successor."""
LIMIT = "the system's limit of watches is reached (fs.inotify.max_user_watches)"

_UNDECODABLE = re.compile(r'Unable to decode path "(.*)" to string', re.DOTALL)
_ESCAPED = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]+)\}|(.))", re.DOTALL)
_CONTROL = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}

Changes = set[tuple[Change, str]]
Report = tuple["Watch", "Changes | Exception"]


class LimitReached(Exception):
    """The system gives no more watches."""


class Watch:
    """Watches folders, and reports what changes directly inside them, until it is retired or dies.

    `is_fragile`: some of the folders hold a name that is not UTF-8, so that it may die at any time.
    `pause` is how many seconds it was put off because its predecessor had died.

    Raises `LimitReached`, `OSError` if one of the paths is not there or may not be read, and
    `RuntimeError` if there are too many instances.
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
        """End soon: a successor watches the same folders by now."""
        self._steps_left = RETIRED_STEPS

    def is_set(self) -> bool:
        """Return whether to stop; watchfiles asks once in each step."""
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
                if isinstance(found, str):  # it was told to stop
                    return
                self._report((self, {(Change(kind), path) for kind, path in found}))


def undecodable_folder(error: Exception) -> str | None:
    """Return the folder whose entry has ended a watch because its name is not UTF-8.

    The message shows the path as Rust shows it for debugging.
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
