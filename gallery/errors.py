"""The errors that gallery shows to people, as one tree.

    GalleryError                 the message is a sentence for people
     ├─ Invalid            400   the request is wrong in itself
     │   ├─ NotInLibrary         paths or ids that are no item of the library
     │   └─ NotAFolder           a folder scope that is no folder of the library
     ├─ NotAllowed         403
     ├─ NotFound           404
     ├─ TooSlow            408   a body that stalled
     ├─ Conflict           409   the request conflicts with the stored state
     │   └─ NameTaken
     ├─ Changed            412   a precondition does not hold (If-Match)
     ├─ TooLarge           413
     ├─ RangeNotSatisfiable 416
     ├─ Unavailable        503   the request is right: try again later
     └─ StartRefused             the command cannot do its work; exit status 1
         └─ Misconfigured        … because of an argument or a setting; exit status 2

Only `api/errors.py` contains the status codes.
"""

from collections.abc import Sequence


class GalleryError(Exception):
    """An error whose message may be shown to the client."""

    @property
    def message(self) -> str:
        return str(self)


class Invalid(GalleryError):
    """The request is wrong, whatever the state of the server."""


class NotInLibrary(Invalid):
    """`first` is no item of the library; `paths` may become items once the disk is read."""

    def __init__(self, first: str, paths: Sequence[str] = ()) -> None:
        super().__init__(f"Not in the library: {printable(first)}")
        self.paths = paths


class NotAFolder(Invalid):
    """`path` is no folder of the library."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Not a folder in the library: {printable(path)}")
        self.path = path


class NotAllowed(GalleryError):
    """The caller may not do this."""


class NotFound(GalleryError):
    """The requested object does not exist."""


class TooSlow(GalleryError):
    """The request did not arrive in time."""


class Conflict(GalleryError):
    """The request conflicts with the stored state."""


class NameTaken(Conflict):
    """Another collection of the same owner has this name, in some spelling."""

    def __init__(self) -> None:
        super().__init__("Collection name is already in use. Choose a different name.")


class Changed(GalleryError):
    """A precondition of the request does not hold."""


class TooLarge(GalleryError):
    """The body exceeds its limit."""


class RangeNotSatisfiable(GalleryError):
    """The file has `size` bytes and contains none of those requested."""

    def __init__(self, size: int) -> None:
        super().__init__("Range not satisfiable")
        self.size = size


class Unavailable(GalleryError):
    """The server cannot do this now; the client may repeat the request later."""


class StartRefused(GalleryError):
    """The server or a command cannot do its work."""


class Misconfigured(StartRefused):
    """An argument or a setting is wrong."""


def printable(text: str) -> str:
    """Return `text` on one line: escaped as in a JSON string where needed, without quotes."""
    return "".join(c if c.isprintable() and c not in '"\\' else _escape(c) for c in text)


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
