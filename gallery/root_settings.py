"""The folders to serve, written as FOLDER or NAME=FOLDER."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gallery.errors import Misconfigured, printable
from gallery.values import paths


class RootSetting(NamedTuple):
    """A folder to serve; `name` is the first component of its paths, `""` if it has none."""

    name: str
    directory: Path


def parse(library: Sequence[str]) -> list[RootSetting]:
    """Return the folders to serve. Raise `Misconfigured` if there are none or they conflict.

    Several folders need different names, and none may lie inside another.
    """
    if not library:
        raise Misconfigured("No library: name the folder to serve, as in: gallery serve FOLDER")
    roots = [_parse(text) for text in library]
    names = [root.name for root in roots]
    if len(roots) > 1 and "" in names:
        raise Misconfigured("Each of several folders needs a name: NAME=FOLDER")
    if len(set(names)) < len(names):
        raise Misconfigured("Two folders have the same name")
    places = [root.directory.resolve() for root in roots]
    for one in places:
        for other in places:
            if one is not other and one.is_relative_to(other):
                raise Misconfigured(f"{one} lies inside {other}: serve one of them")
    return roots


def _parse(text: str) -> RootSetting:
    """Return the folder of `FOLDER` or `NAME=FOLDER`.

    An existing folder whose path contains `=` is a FOLDER.
    """
    name, equals, place = text.partition("=")
    if not equals or name.startswith(("/", "./", "../", "~")) or _is_folder(_place(text)):
        name, place = "", text
    elif "/" in name or not paths.is_valid(name):
        raise Misconfigured(
            f"{printable(text)}: in NAME=FOLDER the name is one component of a path, without /"
        )
    return RootSetting(name, _place(place))


def _place(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, ValueError) as error:
        raise Misconfigured(f"{printable(text)}: {error}") from None


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):
        return False
