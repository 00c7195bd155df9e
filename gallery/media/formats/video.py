"""Videos: dimensions as displayed, duration, and tags of the container, by FFmpeg's libraries."""

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
"""Allowed containers, because FFmpeg also opens playlists, which name other files; and no protocol,
so that FFmpeg never opens another file or an address.
"""
MAX_BYTES = 32 << 20
"""Of a video that are read for its metadata: its index, and one frame."""
MAX_PIXEL_RATIO = 4
"""Of width to height of a pixel, and of height to width. Larger ratios are ignored."""
_ON_ITS_SIDE = 90
_APPLE = "com.apple.quicktime."
_ISO_6709 = re.compile(
    r"([+-]\d{1,9}(?:\.\d{1,20})?)([+-]\d{1,9}(?:\.\d{1,20})?)([+-]\d{1,9}(?:\.\d{1,20})?)?"
)
_EARLIEST_YEAR = 1971
"""Clocks that were never set show their epoch, 1904 or 1970."""


class Film(NamedTuple):
    """The metadata of a video: `size` in square pixels, rotation applied; `duration` in ms."""

    size: tuple[int, int] | None
    duration: int | None
    tags: Metadata
    xmp: Metadata


def read(file: BinaryIO) -> Film:
    """Return the metadata of a video. Raises `ValueError` or `OSError` if it is none."""
    try:
        return _read(bounded(file, MAX_BYTES))
    except av.FFmpegError as error:
        raise ValueError("no video") from error


def _read(file: BinaryIO) -> Film:
    with av.open(file, "r", options=OPTIONS) as container:
        if not container.streams.video:
            raise ValueError("has no video stream")
        picture = container.streams.video[0]
        length = container.duration
        size = displayed_size(picture) if picture.width and picture.height else None
        if size and _is_on_its_side(container, picture):
            size = size[::-1]
        described = {**_lower(picture.metadata), **_lower(container.metadata)}
        return Film(
            size,
            length * 1000 // av.time_base if length and 0 <= length <= MAX_NUMBER else None,
            tags_of(described),
            xmp.read(described["xmp"].encode(errors="replace")) if "xmp" in described else NOTHING,
        )


def displayed_size(picture: "av.VideoStream") -> tuple[int, int]:
    """Return width and height in square pixels, before rotation.

    The pixels of DVD, HDV and AVCHD are not square: players stretch or shrink the width.
    """
    ratio = picture.sample_aspect_ratio or 1
    if not 1 / MAX_PIXEL_RATIO <= ratio <= MAX_PIXEL_RATIO:
        ratio = 1
    return max(round(picture.width * ratio), 1), picture.height


def _is_on_its_side(container: "av.container.InputContainer", picture: "av.VideoStream") -> bool:
    """Return whether there is a rotation by 90 degrees. FFmpeg reports it with a decoded frame."""
    try:
        frame = next(container.decode(picture))
    except (av.FFmpegError, StopIteration, ValueError):
        return False
    return frame.rotation % 180 == _ON_ITS_SIDE


def _lower(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in metadata.items()}


def tags_of(tags: Mapping[str, str]) -> Metadata:
    """Return the metadata of the tags of a container. Their names are in lower case."""

    def first(*names: str) -> str | None:
        return next((tags[name] for name in names if tags.get(name, "").strip()), None)

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
    """Return position and altitude from `+48.8583+002.2945+035.000/`."""
    found = _ISO_6709.match(raw or "")
    if found is None:
        return None, None
    height = round(float(found[3] or 0) * 1_000)
    return sources.position(float(found[1]), float(found[2])), height or None
