"""The poster of a video: one of its frames."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import dropwhile, islice
from typing import BinaryIO

import av

from gallery.media.formats.pixels import CannotDraw, Pixels, check_size, tight
from gallery.media.formats.video import OPTIONS, displayed_size
from gallery.values import problems

_PLACES = (0.1, 0.3, 0.5, 0.7, 0.0)
"""Places that are tried, as fractions of the duration."""
_FIRST_PACKETS = 50
"""Encoded frames that are searched from the beginning."""
_DARK = 24.0
"""Mean luminance, of 255, below which a frame counts as black."""
_SAMPLE = (32, 18)
"""Size to which a frame is shrunk to measure its luminance."""


def poster(file: BinaryIO) -> Pixels:
    """Return the first frame that is not black at some places of a video, else the brightest one.

    If none of these places has a frame, the first frames are searched. Those before the first key
    frame come last, because they are broken.

    Raises `CannotDraw` if there is no video or it is too large, `ValueError` if it is damaged.
    """
    try:
        for frames in (_at_places, _from_first_key_frame, _first_frames):
            found = _brightest(file, frames)
            if found is not None:
                return found
    except (av.FFmpegError, OverflowError) as error:
        raise ValueError("no video, or damaged") from error
    raise ValueError("has no frame")


def _brightest(
    file: BinaryIO,
    frames: Callable[["av.container.InputContainer", "av.VideoStream"], Iterator[av.VideoFrame]],
) -> Pixels | None:
    """Return the first of these frames that is not black, else the brightest; None without any."""
    file.seek(0)
    with av.open(file, "r", options=OPTIONS) as container:
        if not container.streams.video:
            raise CannotDraw(problems.NO_PICTURE)
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise CannotDraw(problems.NO_DECODER)
        check_size(stream.width, stream.height)
        size = displayed_size(stream)
        check_size(*size)
        stream.codec_context.thread_count = 1
        best, brightest = None, -1.0
        for frame in frames(container, stream):
            light = _light(frame)
            if light > brightest:
                best, brightest = frame, light
            if light >= _DARK:
                break
        return None if best is None else _pixels(best, size)


def _at_places(
    container: "av.container.InputContainer", stream: "av.VideoStream"
) -> Iterator[av.VideoFrame]:
    """Yield one frame of each place that can be found. Damaged places are left out."""
    if not container.duration or container.duration <= 0:
        return
    stream.codec_context.skip_frame = "NONKEY"
    for place in _PLACES:
        try:
            container.seek((container.start_time or 0) + int(container.duration * place))
            found = next(container.decode(stream), None)
        except av.FFmpegError:
            continue
        if found is not None:
            yield found


def _from_first_key_frame(
    container: "av.container.InputContainer", stream: "av.VideoStream"
) -> Iterator[av.VideoFrame]:
    """Yield the first frames from a key frame on."""
    return dropwhile(lambda frame: not frame.key_frame, _first_frames(container, stream))


def _first_frames(
    container: "av.container.InputContainer", stream: "av.VideoStream"
) -> Iterator[av.VideoFrame]:
    """Yield the first frames. Damaged ones are left out."""
    for packet in islice(container.demux(stream), _FIRST_PACKETS):
        with suppress(av.FFmpegError):
            yield from stream.decode(packet)


def _light(frame: av.VideoFrame) -> float:
    width, height = _SAMPLE
    plane = frame.reformat(width=width, height=height, format="gray").planes[0]
    return sum(tight(bytes(plane), width, height, plane.line_size)) / (width * height)


def _pixels(frame: av.VideoFrame, size: tuple[int, int]) -> Pixels:
    """Return a frame with `size` in square pixels. FFmpeg's rotation is counter-clockwise."""
    width, height = size
    plane = frame.reformat(width=width, height=height, format="rgb24").planes[0]
    data = tight(bytes(plane), width * 3, height, plane.line_size)
    turn = round(-frame.rotation / 90) * 90 % 360
    return Pixels(data, width, height, 3, turn=turn)
