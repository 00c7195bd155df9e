"""Paths inside the library: validity, parents, ancestors, and the folder scope of a list.

A path is relative, uses `/` and keeps the spelling of the file system. `""` is the whole library.
"""

from collections.abc import Iterable, Sequence

from gallery.errors import Conflict, Invalid, printable

MAX_PATH = 2_000
"""Bytes of UTF-8. An index key of either database engine can hold them."""


def is_valid(path: str) -> bool:
    """Return whether `path` can name a file or folder of the library."""
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
    """Return `path` as it is. Raise `Invalid`, which shows it, if it is not valid."""
    if not is_valid(path):
        raise Invalid(f"Invalid path: {printable(path[:MAX_PATH])}")
    return path


def parse_list(raw: Sequence[str]) -> list[str]:
    """Return the paths without blanks and repetitions, in the order of their first occurrence.

    Raises `Invalid` if one of them is not valid.
    """
    return [parse(path) for path in dict.fromkeys(raw) if path.strip()]


def parse_folder(raw: str) -> str:
    """Return `raw` without leading and trailing slashes; `""` is the whole library.

    Raises `Invalid` if it is not a valid path.
    """
    folder = raw.strip("/")
    return parse(folder) if folder else ""


def parent(path: str) -> str:
    """Return the folder that contains `path`."""
    return path.rpartition("/")[0]


def name(path: str) -> str:
    """Return the last component of `path`."""
    return path.rpartition("/")[2]


def join(folder: str, name: str) -> str:
    """Return the path of the entry `name` in `folder`."""
    return f"{folder}/{name}" if folder else name


def ancestors(folder: str) -> list[str]:
    """Return `folder` and the folders above it, topmost first, without the whole library."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def covers(folder: str, path: str) -> bool:
    """Return whether `path` is `folder` or lies below it."""
    return folder in ("", path) or path.startswith(folder + "/")


def below(folder: str) -> tuple[str, str]:
    """Return bounds of the paths below `folder`: low <= path < high.  `0` comes after `/`."""
    return (folder + "/", folder + "0") if folder else ("", "\U0010ffff")


def folder_scope_of(added: Iterable[str]) -> str:
    """Return the folder scope of a collection with these first items: their topmost folder.

    Raises `Conflict` if one of them lies outside it.
    """
    folders = {parent(path) for path in added}
    scope = min(folders, key=lambda folder: folder.count("/") + 1 if folder else 0)
    check_folder_scope(scope, folders)
    return scope


def check_folder_scope(scope: str, paths: Iterable[str]) -> None:
    """Raise `Conflict` unless every path is `scope` or lies below it."""
    if not all(covers(scope, path) for path in paths):
        raise Conflict("Collections can't span multiple folders.")
