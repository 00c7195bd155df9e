"""A frame that stands for a film."""

from collections.abc import Iterator
from typing import BinaryIO

import av

from gallery.media.formats.pixels import CannotDraw, Pixels, check_size, tight
from gallery.media.formats.video import OPTIONS
from gallery.values import problems

_PLACES = (0.1, 0.3, 0.5, 0.7, 0.0)
"""Where to look for one, as parts of the length."""
_FIRST_FRAMES = 50
"""So many are looked at where the length is not known."""
_DARK = 24.0
"""Mean luminance, of 255, of what is taken for black."""
_GLANCE = (32, 18)


def poster(file: BinaryIO) -> Pixels:
    """The first frame that is not black at some places of the film, else the brightest of them.

    Raises `CannotDraw` for what has no video or is too large, `ValueError` for what is damaged.
    """
    file.seek(0)
    try:
        with av.open(file, "r", options=OPTIONS) as container:
            if not container.streams.video:
                raise CannotDraw(problems.NO_PICTURE)
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise CannotDraw(problems.NO_DECODER)
            check_size(stream.width, stream.height)
            stream.codec_context.thread_count = 1
            best, brightest = None, -1.0
            for frame in _frames(container, stream):
                light = _light(frame)
                if light > brightest:
                    best, brightest = frame, light
                if light >= _DARK:
                    break
            if best is None:
                raise ValueError("holds no picture")
            return _pixels(best)
    except (av.FFmpegError, OverflowError) as error:
        raise ValueError("no film, or damaged") from error


def _frames(
    container: "av.container.InputContainer", stream: "av.VideoStream"
) -> Iterator[av.VideoFrame]:
    """One frame of each place that can be found; damaged places are left out."""
    if not container.duration or container.duration <= 0:
        for number, frame in enumerate(container.decode(stream)):
            if number >= _FIRST_FRAMES:
                return
            yield frame
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


def _light(frame: av.VideoFrame) -> float:
    width, height = _GLANCE
    plane = frame.reformat(width=width, height=height, format="gray").planes[0]
    return sum(tight(bytes(plane), width, height, plane.line_size)) / (width * height)


def _pixels(frame: av.VideoFrame) -> Pixels:
    """FFmpeg turns against the clock."""
    plane = frame.reformat(format="rgb24").planes[0]
    data = tight(bytes(plane), frame.width * 3, frame.height, plane.line_size)
    turn = round(-frame.rotation / 90) * 90 % 360
    return Pixels(data, frame.width, frame.height, 3, turn=turn)
