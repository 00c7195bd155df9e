"""Everything that gallery refuses, as one tree.

    GalleryError                 the message is a sentence for the person who asked
     ├─ Invalid            400   what was sent cannot be meant
     │   ├─ NotInLibrary         paths or ids that are no item of the library
     │   └─ NotAFolder           a scope that is no directory of the library
     ├─ NotAllowed         403
     ├─ NotFound           404
     ├─ TooSlow            408   a body that stalled
     ├─ Conflict           409   right in itself, but not together with what is there
     │   └─ NameTaken
     ├─ Changed            412   somebody else was faster (If-Match)
     ├─ TooLarge           413
     ├─ RangeNotSatisfiable 416
     ├─ Unavailable        503   nothing wrong with the request: try again
     └─ StartRefused             the server does not start; exit status 1
         └─ Misconfigured        … because of what was typed or configured; exit status 2

`api/errors.py` alone knows the status codes.
"""

from collections.abc import Sequence


class GalleryError(Exception):
    """A refusal that can be shown to whoever asked."""

    @property
    def message(self) -> str:
        return str(self)


class Invalid(GalleryError):
    """The request cannot be meant as it stands."""


class NotInLibrary(Invalid):
    """`first` is no item of the library; `paths` are all of which that could change by a look."""

    def __init__(self, first: str, paths: Sequence[str] = ()) -> None:
        super().__init__(f"Not in the library: {printable(first)}")
        self.paths = paths


class NotAFolder(Invalid):
    """`path` is no directory of the library."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Not a folder in the library: {printable(path)}")
        self.path = path


class NotAllowed(GalleryError):
    """The caller may not do this."""


class NotFound(GalleryError):
    """There is no such thing."""


class TooSlow(GalleryError):
    """The request did not arrive in time."""


class Conflict(GalleryError):
    """What is asked for contradicts what is stored."""


class NameTaken(Conflict):
    """Another collection of the same owner has this name, in some spelling."""

    def __init__(self) -> None:
        super().__init__("Collection name is already in use. Choose a different name.")


class Changed(GalleryError):
    """The caller's precondition does not hold any more."""


class TooLarge(GalleryError):
    """The body is over the limit."""


class RangeNotSatisfiable(GalleryError):
    """None of the bytes that are asked for are in the file, which has `size` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__("Range not satisfiable")
        self.size = size


class Unavailable(GalleryError):
    """The server cannot do this now; repeating the request later is safe."""


class StartRefused(GalleryError):
    """The world does not let the server start."""


class Misconfigured(StartRefused):
    """What was typed or configured is wrong."""


def printable(text: str) -> str:
    """`text` on one line: control characters and the like escaped as JSON would, without quotes."""
    return "".join(c if c.isprintable() and c not in '"\\' else _escape(c) for c in text)


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
