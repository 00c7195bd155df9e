"""The data directory: found by the folders that are served, or created.

The name of a library and the places of its folders may change. Its data directory is still found,
by the signs of `domain.sync.recognition`. This module only reads databases.
"""

import hashlib
import logging
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs

from gallery.config import Settings
from gallery.database.open import FILE, is_postgres
from gallery.database.peek import peek
from gallery.disk.roots import Root
from gallery.domain.sync.recognition import SIGNS
from gallery.errors import Misconfigured, StartRefused, printable
from gallery.store.sync.roots import COUNTS, KNOWN, SAMPLE, KnownRoot, known_of

logger = logging.getLogger(__name__)

SINCE_SAMPLES = 3
"""The first schema version whose databases have a sample of files."""
_KNOWN_OF_OLD = "SELECT id, name, directory, NULL FROM root"


class Content(NamedTuple):
    """The content of a database; a new one has no roots."""

    roots: Sequence[KnownRoot]
    items: int = 0
    collections: int = 0

    def __str__(self) -> str:
        return f"{_counted(self.items, 'item')}, {_counted(self.collections, 'collection')}"


Candidates = dict[Path, Content | None]
"""Data directories that contain a database, with its content; None if it cannot be read."""


def locate(settings: Settings) -> Settings:
    """Return the settings with their data directory, which need not exist yet.

    Raises `Misconfigured` if several data directories contain these folders.
    """
    if settings.data:
        return settings
    roots = [Root(*served) for served in settings.roots()]
    home = platformdirs.user_data_path("gallery", appauthor=False)
    if not home.is_absolute():
        raise Misconfigured("There is no home directory: say where the state is kept with --data")
    try:
        found = _find(home, roots, use_file=not is_postgres(settings.database))
    except (OSError, RuntimeError) as error:
        raise _unusable(str(home), error) from None
    return msgspec.structs.replace(settings, data=str(found))


def make(settings: Settings) -> Path:
    """Return the data directory; create it, for its owner only, if it does not exist.

    Raises `Misconfigured` if it lies inside a root or cannot be used, and `StartRefused` if others
    own it or may write to it.
    """
    settings = locate(settings)
    roots = [Root(*served) for served in settings.roots()]
    try:
        directory = Path(settings.data).expanduser().absolute()
        inside = [root for root in roots if _is_inside(directory, root.directory)]
        absent = [root.directory for root in roots if not _is_folder(root.directory)]
        is_known = directory.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise _unusable(settings.data, error) from None
    if inside:
        raise Misconfigured(f"The data directory {directory} must not lie in the library")
    if absent and not is_known:  # a known folder may be on a disk that is not plugged in
        raise Misconfigured(f"{printable(str(absent[0]))} is not a folder")
    try:
        str(directory).encode()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(directory)
    except (OSError, ValueError) as error:
        raise _unusable(str(directory), error) from None
    return directory


def describe(settings: Settings, directory: Path) -> str:
    """Return the line that names the library that is served, and shows whether it is new."""
    shown = printable(_short(directory))
    if is_postgres(settings.database):
        return f"Library: {shown} (in PostgreSQL)"
    try:
        content = _content(directory)
    except StartRefused:  # opening it gives the reason
        return f"Library: {shown}"
    if content is None or not content.roots:
        return f"New library: {shown}"
    return f"Library: {shown} ({content})"


def _find(home: Path, roots: Sequence[Root], *, use_file: bool) -> Path:
    """Return the data directory in `home` that contains a root, else one for a new library."""
    usual = [home / _usual_name(root) for root in roots]
    if not use_file:  # PostgreSQL has the state: there are only thumbnails to find
        return next((place for place in usual if place.is_dir()), usual[0])
    candidates = _candidates(home)
    found = {place for root in roots for place in _that_know(candidates, root)}
    if len(found) > 1:
        choices = " or ".join(
            f"--data {shlex.quote(str(place))} ({candidates[place]})" for place in sorted(found)
        )
        raise Misconfigured(printable(f"Several libraries know these folders: choose {choices}"))
    damaged = [place for place, content in candidates.items() if content is None]
    for place in found or [place for place in usual if place in damaged]:
        return place
    return next(place for place in _places(usual[0]) if not _is_taken(candidates.get(place)))


def _that_know(candidates: Candidates, root: Root) -> list[Path]:
    """Return the data directories that match a root by the surest sign by which any matches."""
    for sign in SIGNS:
        if found := [
            place
            for place, content in candidates.items()
            if content and any(sign(known, root) for known in content.roots)
        ]:
            return found
    return []


def _candidates(home: Path) -> Candidates:
    """Return the data directories in `home`, and log a warning for a damaged one."""
    found: Candidates = {}
    for directory in sorted(home.iterdir()) if home.is_dir() else ():
        try:
            content = _content(directory)
        except StartRefused as refusal:
            logger.warning("Skipped while looking for the library: %s", refusal)
            found[directory] = None
        else:
            if content is not None:
                found[directory] = content
    return found


def _content(directory: Path) -> Content | None:
    """Return the content of the database in a data directory; None if there is no database."""
    rows = peek(directory / FILE, _queries)
    if rows is None:
        return None
    known, sample, counts = rows
    return Content(known_of(known, sample), *counts[0])


def _queries(version: int) -> Sequence[str]:
    nothing = "SELECT 0 WHERE 0"
    if version == 0:
        return nothing, nothing, "SELECT 0, 0"
    if version < SINCE_SAMPLES:
        return _KNOWN_OF_OLD, nothing, COUNTS
    return KNOWN, SAMPLE, COUNTS


def _usual_name(root: Root) -> str:
    """Return the name of the data directory of a new library with this first root."""
    first = root.directory.resolve()
    label = re.sub(r"[^A-Za-z0-9]+", "-", first.name).strip("-").lower()[:40] or "library"
    return f"{label}-{hashlib.sha256(os.fsencode(first)).hexdigest()[:12]}"


def _places(usual: Path) -> Iterable[Path]:
    """Yield `usual`, and then the same name with numbers."""
    yield usual
    number = 2
    while True:
        yield usual.with_name(f"{usual.name}-{number}")
        number += 1


def _is_taken(content: Content | None) -> bool:
    """Return whether a data directory contains a library, which has other folders."""
    return content is not None and bool(content.roots)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _short(directory: Path) -> str:
    """Return a path with `~` for the home directory."""
    try:
        return str("~" / directory.relative_to(Path.home()))
    except (RuntimeError, ValueError):
        return str(directory)


def _is_inside(directory: Path, library: Path) -> bool:
    return directory.resolve().is_relative_to(library.resolve())


def _make_private(directory: Path) -> None:
    """Raise `StartRefused` for a directory that others own or may write to.

    An empty one becomes private. The superuser may use a directory of any owner.
    """
    status, shown = directory.stat(), printable(str(directory))
    if os.geteuid() not in (0, status.st_uid):
        raise StartRefused(
            f"The data directory {shown} belongs to another user: "
            f"choose another one with --data, or: sudo chown -R {os.geteuid()} '{shown}'"
        )
    if status.st_mode & 0o022 == 0:
        return
    if any(directory.iterdir()):
        raise StartRefused(
            f"The data directory {shown} can be written to by others: chmod 700 '{shown}'"
        )
    directory.chmod(0o700)


def _unusable(directory: str, error: Exception) -> Misconfigured:
    reason = "its name is not UTF-8" if isinstance(error, UnicodeError) else error
    reason = getattr(error, "strerror", None) or reason
    return Misconfigured(
        f"The data directory {printable(directory)} cannot be used: {printable(str(reason))}"
    )


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):
        return False
