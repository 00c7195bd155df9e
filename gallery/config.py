"""Settings, and the only reader of the environment, the TOML file and the flags.

A flag goes before the environment, that before the file, that before the default. `SETTINGS` is the
table that the command line, the README and their test share.
"""

import ipaddress
import os
import stat
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

import msgspec

from gallery.errors import Misconfigured, printable
from gallery.values import paths
from gallery.values.media_types import DEFAULT_IGNORE

_OF_LIBRARIES = (
    *("PATH", "HOME", "TZ", "LANG", "LC_", "PYTHON", "LD_LIBRARY_PATH", "DYLD_", "FONTCONFIG_"),
    *("MALLOC_", "SYSTEMROOT"),
)
"""Beginnings of the names of variables that libraries may need."""
_WORKERS_ONLY = {
    "VIPS_DISC_THRESHOLD": str(1 << 40),  # they may not write: pictures stay in memory
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",  # every other one takes 64 MiB of the addresses they may have
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
MAX_PAUSE = 30 * 24 * 3600
MAX_GIB = 1_000_000
MAX_SHOWN = 60
"""Characters of a bad value that are shown."""
_LISTS = ("library", "host_name", "ignore")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SECONDS = f"seconds from 1 to {MAX_PAUSE:,}"

HostName = Annotated[str, msgspec.Meta(pattern=rf"^(\*\.)?{_LABEL}(\.{_LABEL})*\Z", max_length=253)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Rescan = Annotated[float, msgspec.Meta(ge=1, le=MAX_PAUSE)]
Poll = Literal[0] | Rescan
Gib = Annotated[float, msgspec.Meta(ge=0, le=MAX_GIB)]

TAKES = {
    "library": "a folder, a list of them, each FOLDER or NAME=FOLDER, or a table of NAME = FOLDER",
    "data": "a folder",
    "database": "postgresql://USER@HOST/NAME, or sqlite:",
    "host": "an address or a name to listen on",
    "port": "a whole number from 0 to 65535",
    "open": "true or false (also yes or no, on or off, 1 or 0)",
    "host_name": "DNS names: letters, digits and hyphens between dots, and *. in front",
    "ignore": "a list of shell patterns",
    "rescan": _SECONDS,
    "poll": f"{_SECONDS}, or 0",
    "thumbnails": f"GiB from 0 to {MAX_GIB:,}",
}
"""What each setting may be, in words."""


class RootSetting(NamedTuple):
    """A folder to serve; `name` is the first component of its paths, `""` if it stands alone."""

    name: str
    directory: Path


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be configured, checked."""

    library: tuple[str, ...] = ()
    data: str = ""
    database: str = ""
    host: str = "127.0.0.1"
    port: Port = 8000
    open: bool = False
    host_name: tuple[HostName, ...] = ()
    ignore: tuple[str, ...] = DEFAULT_IGNORE
    rescan: Rescan = 3600
    poll: Poll = 0
    thumbnails: Gib = 10

    def roots(self) -> list[RootSetting]:
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


class Given(NamedTuple):
    """A value as it was given; `origin` says where, as people wrote it."""

    origin: str
    value: Any


def load(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in force. `flags` holds what was typed, and `config`, the TOML file.

    Raises `Misconfigured` with one sentence for a bad value, an unknown key or a file that cannot
    be read. It names the option, the variable, or the file and its key.
    """
    file = flags.get("config") or environ.get(CONFIG_VARIABLE)
    given = _of_file(Path(file)) if file else {}
    for setting in SETTINGS:
        key, variable = setting.key, setting.variable
        if text := environ.get(variable):
            value = text.split(os.pathsep) if key in _LISTS else text
            given[key] = Given(f"{variable}={_cut(text)}", value)
        typed = flags.get(key)
        if not (typed is None or typed is False or typed == ()):
            shown = _cut(" ".join(typed) if isinstance(typed, tuple) else str(typed))
            option = "" if key == "library" else f"--{key.replace('_', '-')} "
            given[key] = Given(f"{option}{shown}", typed)
    hints = get_type_hints(Settings, include_extras=True)
    return Settings(**{key: _checked(key, hints[key], *given[key]) for key in given})


def _checked(key: str, kind: Any, origin: str, value: Any) -> Any:
    """Return a value of the type of its setting, or raise `Misconfigured`."""
    if key in _LISTS and isinstance(value, str):
        value = [value]
    if key == "open" and isinstance(value, str):
        value = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}.get(value.lower(), value)
    if key == "library" and isinstance(value, dict):
        if any("=" in name or not paths.is_valid(name) or "/" in name for name in value):
            raise Misconfigured(f"{origin}: a root's name is one component of a path, without =")
        value = [
            f"{name}={folder}" if isinstance(folder, str) else 0 for name, folder in value.items()
        ]
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        raise Misconfigured(f"{origin}: {key.replace('_', '-')} takes {TAKES[key]}") from None


def _cut(text: str) -> str:
    return printable(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


def worker_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of processes that decode files: what finds and sets up libraries.

    Nothing else, above all no password, is there for a file to steal.
    """
    kept = {name: value for name, value in environ.items() if name.startswith(_OF_LIBRARIES)}
    return kept | _WORKERS_ONLY


def _of_file(file: Path) -> dict[str, Given]:
    """Return what a TOML file says; `Misconfigured` for a key that is no setting."""
    known = [setting.key for setting in SETTINGS]
    content = _read_file(file)
    for key in content:
        if key not in known:
            similar = get_close_matches(key, known, 1)
            hint = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(known)}"
            raise Misconfigured(f"{printable(str(file))}: {_cut(key)} is no setting: {hint}")
    return {
        key: Given(f"{printable(str(file))}: {key} = {_cut(_in_toml(value))}", value)
        for key, value in content.items()
    }


def _in_toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # to read some of the others never ends
            raise Misconfigured(f"{printable(str(file))} cannot be read: it is not a regular file")
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"{printable(str(file))} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is not TOML: {error}") from None


def _root(text: str) -> RootSetting:
    """`FOLDER` or `NAME=FOLDER`; an existing folder whose name holds `=` is a folder."""
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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
