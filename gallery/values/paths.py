"""Paths inside the library: what is one, what lies below another, what scope a list has.

A path is relative, `/`-separated, spelled as the file system spells it. `""` is the whole library.
"""

from collections.abc import Iterable, Sequence

from gallery.errors import Conflict, Invalid, printable

MAX_PATH = 2_000
"""In bytes of UTF-8: what an index key of either database engine holds."""


def is_valid(path: str) -> bool:
    """Whether `path` can name a file of the library."""
    return (
        path != ""
        and "\0" not in path
        and len(path) <= MAX_PATH
        and (path.isascii() or _fits(path))
        and not any(part in ("", ".", "..") for part in path.split("/"))
    )


def _fits(path: str) -> bool:
    try:
        return len(path.encode()) <= MAX_PATH
    except UnicodeEncodeError:  # a lone surrogate: the disk's name was not UTF-8
        return False


def parse(path: str) -> str:
    """`path` itself, or `Invalid` that shows it."""
    if not is_valid(path):
        raise Invalid(f"Invalid path: {printable(path[:MAX_PATH])}")
    return path


def parse_list(raw: Sequence[str]) -> list[str]:
    """The paths that a list means: blanks and repetitions dropped, the first occurrence stays."""
    return [parse(path) for path in dict.fromkeys(raw) if path.strip()]


def parse_folder(raw: str) -> str:
    """The folder that `raw` names, without the slashes around it; `""` is the whole library."""
    folder = raw.strip("/")
    return parse(folder) if folder else ""


def parent(path: str) -> str:
    """The folder that holds `path`."""
    return path.rpartition("/")[0]


def name(path: str) -> str:
    """The last component of `path`."""
    return path.rpartition("/")[2]


def join(folder: str, name: str) -> str:
    """The path of what is called `name` in `folder`."""
    return f"{folder}/{name}" if folder else name


def ancestors(folder: str) -> list[str]:
    """`folder` and the folders above it, shallowest first, without the whole library."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def covers(folder: str, path: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return folder in ("", path) or path.startswith(folder + "/")


def below(folder: str) -> tuple[str, str]:
    """Bounds of what lies below `folder`: low <= path < high.  `0` is what follows `/`."""
    return (folder + "/", folder + "0") if folder else ("", "\U0010ffff")


def scope_of(added: Iterable[str]) -> str:
    """The scope that the first items of a collection give it: the shallowest of their folders.

    Raises `Conflict` if one of them lies outside it.
    """
    folders = {parent(path) for path in added}
    scope = min(folders, key=lambda folder: folder.count("/") + 1 if folder else 0)
    check_scope(scope, folders)
    return scope


def check_scope(scope: str, paths: Iterable[str]) -> None:
    """Raises `Conflict` unless each of `paths` lies in `scope` or below it."""
    if not all(covers(scope, path) for path in paths):
        raise Conflict("Collections can't span multiple folders.")
