"""The folders of the library."""

from gallery.database.engine import Reader
from gallery.errors import NotAFolder
from gallery.store.library import folders
from gallery.values import paths


async def parse(reader: Reader, raw: str) -> str:
    """Return the path of the folder that `raw` names. Raises `NotAFolder` if it is not indexed."""
    path = paths.parse_folder(raw)
    if path and await folders.id_of(reader, path) is None:
        raise NotAFolder(path)
    return path
