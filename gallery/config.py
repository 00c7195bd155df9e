"""Settings, and the only reader of the environment, the TOML file and the flags.

A flag goes before the environment, that before the file, that before the default. `SETTINGS` is the
table that the command line, the README and their test share.
"""

import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gallery import paths
from gallery.errors import Misconfigured, printable
from gallery.media_types import DEFAULT_IGNORE

_OF_LIBRARIES = (
    *("PATH", "HOME", "TZ", "LANG", "LC_", "PYTHON", "LD_LIBRARY_PATH", "DYLD_", "FONTCONFIG_"),
    *("MALLOC_", "SYSTEMROOT"),
)
"""Beginnings of the names of variables that libraries may need."""
_WORKERS_ONLY = {
    "VIPS_DISC_THRESHOLD": str(1 << 40),  # they may not write: pictures stay in memory
    "OPENBLAS_NUM_THREADS": "1",
}


class Setting(NamedTuple):
    """A setting: key of the TOML file, environment variable, and what it does."""

    key: str
    variable: str
    help: str


SETTINGS = (
    Setting("library", "GALLERY_LIBRARY", "Folders to serve: one, or several as NAME=FOLDER."),
    Setting("data", "GALLERY_DATA", "Folder for everything that is not the originals."),
    Setting("database", "GALLERY_DATABASE", "PostgreSQL to use in place of a file in there."),
    Setting("host", "GALLERY_HOST", "Address to listen on."),
    Setting("port", "GALLERY_PORT", "Port to listen on; 0 picks a free one."),
    Setting("open", "GALLERY_OPEN", "Serve everybody who can reach a host other than loopback."),
    Setting(
        "host_name", "GALLERY_HOST_NAME", "Further names by which clients may call the server."
    ),
    Setting("ignore", "GALLERY_IGNORE", "Names, as shell patterns, that the index skips."),
    Setting(
        "rescan", "GALLERY_RESCAN", "Seconds between full passes, which find what was not noticed."
    ),
    Setting(
        "poll", "GALLERY_POLL", "Seconds between full passes in place of watching: network shares."
    ),
    Setting(
        "thumbnails", "GALLERY_THUMBNAILS", "GiB of thumbnails to keep; the least used go first."
    ),
)
CONFIG_VARIABLE = "GALLERY_CONFIG"
LONGEST_PAUSE = 30 * 24 * 3600
MOST_GIB = 1_000_000


class Served(NamedTuple):
    """A folder to serve; `name` is the first component of its paths, `""` if it stands alone."""

    name: str
    directory: Path


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be configured, checked."""

    library: tuple[str, ...] = ()
    data: str = ""
    database: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    open: bool = False
    host_name: tuple[str, ...] = ()
    ignore: tuple[str, ...] = DEFAULT_IGNORE
    rescan: float = 3600
    poll: float = 0
    thumbnails: float = 10

    def roots(self) -> list[Served]:
        """The folders to serve; `Misconfigured` if there are none, or they do not fit together."""
        if not self.library:
            raise Misconfigured("No library: name the folder to serve, as in: gallery serve FOLDER")
        roots = [_root(text) for text in self.library]
        names = [root.name for root in roots]
        if len(roots) > 1 and "" in names:
            raise Misconfigured("Of several folders each needs a name: NAME=FOLDER")
        if len(set(names)) < len(names):
            raise Misconfigured("Two folders have the same name")
        places = [root.directory.resolve() for root in roots]
        for one in places:
            for other in places:
                if one is not other and one.is_relative_to(other):
                    raise Misconfigured(f"{one} lies inside {other}: serve one of them")
        return roots

    def check_exposure(self) -> None:
        """Without accounts everybody may do everything, so only this machine is served."""
        if self.open or self.host == "localhost" or _is_loopback(self.host):
            return
        raise Misconfigured(
            f"Refusing to listen on {self.host}: there is no account, so everybody who reaches it "
            "could change everything. Use --open if you mean it."
        )


def load(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. `flags` holds what was typed, and `config`, the TOML file, if any.

    Raises `Misconfigured` with one sentence for a bad value, an unknown key or a file that cannot
    be read.
    """
    file = flags.get("config") or environ.get(CONFIG_VARIABLE)
    values: dict[str, Any] = _read_file(Path(file)) if file else {}
    for setting in SETTINGS:
        if environ.get(setting.variable):
            values[setting.key] = _of_variable(setting, environ[setting.variable])
        typed = flags.get(setting.key)
        if not (typed is None or typed is False or typed == ()):
            values[setting.key] = typed
    if isinstance(values.get("library"), str):
        values["library"] = [values["library"]]
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"Bad setting: {_plain(str(error))}") from None
    if not 0 <= settings.port <= 65_535:
        raise Misconfigured(f"Bad setting: port {settings.port} is not one of 0 to 65535")
    if not 1 <= settings.rescan <= LONGEST_PAUSE:
        raise Misconfigured(f"Bad setting: rescan {settings.rescan:g} is not 1 s to 30 days")
    if settings.poll and not 1 <= settings.poll <= LONGEST_PAUSE:
        raise Misconfigured(f"Bad setting: poll {settings.poll:g} is not 1 s to 30 days, or 0")
    if not 0 <= settings.thumbnails <= MOST_GIB:
        raise Misconfigured(
            f"Bad setting: thumbnails {settings.thumbnails:g} is not 0 to {MOST_GIB:,} GiB"
        )
    return settings


def worker_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of processes that decode files: what finds and sets up libraries.

    Nothing else, above all no password, is there for a file to steal.
    """
    kept = {name: value for name, value in environ.items() if name.startswith(_OF_LIBRARIES)}
    return kept | _WORKERS_ONLY


def _plain(message: str) -> str:
    """The message of msgspec, with the setting's name where it has a JSON path."""
    return re.sub(r" - at `\$\.?(\w*)[^`]*`", r" (\1)", message).replace("`", "'")


def _read_file(file: Path) -> dict[str, Any]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # to read some of the others never ends
            raise Misconfigured(f"{printable(str(file))} cannot be read: it is not a regular file")
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"{printable(str(file))} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is not TOML: {error}") from None


def _of_variable(setting: Setting, text: str) -> Any:
    """Lists are separated as in PATH."""
    if setting.key in ("library", "host_name", "ignore"):
        return text.split(os.pathsep)
    return text


def _root(text: str) -> Served:
    """`FOLDER` or `NAME=FOLDER`; an existing folder whose name holds `=` is a folder."""
    name, equals, place = text.partition("=")
    if not equals or "/" in name or _is_folder(_place(text)):
        name, place = "", text
    elif not paths.is_valid(name):
        raise Misconfigured(f"{printable(text)}: a root's name is one component of a path")
    return Served(name, _place(place))


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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
