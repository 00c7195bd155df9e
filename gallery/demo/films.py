"""Short films: the camera moves slowly over one picture."""

from datetime import datetime
from pathlib import Path

import av
from PIL import Image

RATE = 24
_CODECS = {".mp4": "libx264", ".mov": "libx264", ".webm": "libvpx-vp9"}


def film(image: Image.Image, file: Path, taken: datetime, seconds: float) -> None:
    """Write a video of 640 x 360 that pans over `image`, in the format of the file's extension."""
    wide = image.resize((800, 450))
    frames = round(seconds * RATE)
    with av.open(str(file), "w") as container:
        container.metadata["creation_time"] = taken.isoformat()
        stream = container.add_stream(_CODECS[file.suffix.lower()], rate=RATE)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(frames):
            left, top = 160 * number // frames, 90 * number // frames
            still = wide.crop((left, top, left + 640, top + 360))
            container.mux(stream.encode(_frame(still)))
        container.mux(stream.encode(None))


def _frame(picture: Image.Image) -> av.VideoFrame:
    frame = av.VideoFrame(picture.width, picture.height, "rgb24")
    frame.planes[0].update(picture.tobytes())
    return frame
