"""Films: dimensions as seen, length, and what the container's tags say, by FFmpeg's libraries."""

import re
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

import av

from gallery.limits import MAX_NUMBER
from gallery.media.bounded import bounded
from gallery.media.metadata import sources, xmp
from gallery.media.metadata.sources import MAX_TEXT_BYTES, NOTHING, Metadata
from gallery.media.metadata.times import clock, utc

OPTIONS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf",
    "protocol_whitelist": "none",
    "export_xmp": "1",
}
"""Containers by content: without this list FFmpeg also opens playlists that name other files. And
whatever a container names, no other file and no address is opened.
"""
MAX_BYTES = 32 << 20
"""Of a film that are read for what it says: its index, and one picture."""
_ON_ITS_SIDE = 90
_APPLE = "com.apple.quicktime."
_ISO_6709 = re.compile(
    r"([+-]\d{1,9}(?:\.\d{1,20})?)([+-]\d{1,9}(?:\.\d{1,20})?)([+-]\d{1,9}(?:\.\d{1,20})?)?"
)
_EARLIEST_YEAR = 1971
"""Clocks that were never set show 1904 or 1970, where the counting begins."""


class Film(NamedTuple):
    """`size` in pixels, rotation applied; `duration` in milliseconds."""

    size: tuple[int, int] | None
    duration: int | None
    tags: Metadata
    xmp: Metadata


def read(file: BinaryIO) -> Film:
    """Raises `ValueError` or `OSError` for what is no film."""
    try:
        return _read(bounded(file, MAX_BYTES))
    except av.FFmpegError as error:
        raise ValueError("no film") from error


def _read(file: BinaryIO) -> Film:
    with av.open(file, "r", options=OPTIONS) as container:
        if not container.streams.video:
            raise ValueError("holds no video")
        picture = container.streams.video[0]
        length = container.duration
        size = (picture.width, picture.height) if picture.width and picture.height else None
        if size and _is_on_its_side(container, picture):
            size = size[::-1]
        described = {**_lower(picture.metadata), **_lower(container.metadata)}
        return Film(
            size,
            length * 1000 // av.time_base if length and 0 <= length <= MAX_NUMBER else None,
            tags_of(described),
            xmp.read(described["xmp"].encode(errors="replace")) if "xmp" in described else NOTHING,
        )


def _is_on_its_side(container: "av.container.InputContainer", picture: "av.VideoStream") -> bool:
    """Whether the container asks for a quarter turn: that is told beside a decoded frame only."""
    try:
        frame = next(container.decode(picture))
    except (av.FFmpegError, StopIteration, ValueError):
        return False
    return frame.rotation % 180 == _ON_ITS_SIDE


def _lower(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in metadata.items()}


def tags_of(said: Mapping[str, str]) -> Metadata:
    """Return what the tags of a container say, by their names in lower case."""

    def first(*names: str) -> str | None:
        return next((said[name] for name in names if said.get(name, "").strip()), None)

    made = utc(first("creation_time", "date_utc"))
    position, altitude = _location(first(f"{_APPLE}location.iso6709", "location", "location-eng"))
    return Metadata(
        clock=clock(first(f"{_APPLE}creationdate")),
        utc=made if made and made.year >= _EARLIEST_YEAR else None,
        camera=sources.camera(
            sources.name(first(f"{_APPLE}make", "com.android.manufacturer", "make")),
            sources.name(first(f"{_APPLE}model", "com.android.model", "model")),
        ),
        position=position,
        altitude=altitude,
        title=sources.line(first("title", f"{_APPLE}title", f"{_APPLE}displayname")),
        caption=sources.text(first("description", f"{_APPLE}description", "comment")),
        keywords=sources.keywords(
            (name,)
            for name in re.split(
                "[,;]", (first(f"{_APPLE}keywords", "keywords") or "")[:MAX_TEXT_BYTES]
            )
        ),
    )


def _location(raw: str | None) -> tuple[tuple[int, int] | None, int | None]:
    """Position and altitude out of `+48.8583+002.2945+035.000/`."""
    found = _ISO_6709.match(raw or "")
    if found is None:
        return None, None
    height = round(float(found[3] or 0) * 1_000)
    return sources.position(float(found[1]), float(found[2])), height or None
