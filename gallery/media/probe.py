"""What a media file says of itself in its header. It decodes: run it through `media.worker`.

The decoders are imported where they are used, so that only the workers load them: a server without
them starts in half the time and is some 40 MB smaller.
"""

from typing import BinaryIO

from gallery.media_types import MediaType
from gallery.model import Probed

_ORIENTATION = 0x0112
_ON_ITS_SIDE = range(5, 9)
# Containers by content. Without this list FFmpeg also opens playlists that name other files.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
_PICTURES = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP")


def probe(file: BinaryIO, type_: MediaType) -> Probed:
    """Dimensions as seen (orientation applied) and duration; a `problem` in place of an error."""
    return _film(file) if type_ == "video" else _picture(file)


def _picture(file: BinaryIO) -> Probed:
    import pillow_heif  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    pillow_heif.register_heif_opener()
    try:
        with Image.open(file, formats=_PICTURES) as image:
            width, height = image.size
            # HEIF and AVIF pixels come already turned, though their EXIF may still ask for it.
            turned = (
                image.format not in ("HEIF", "AVIF")
                and image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
            )
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return Probed(problem=_reason(error))
    return Probed(height, width) if turned else Probed(width, height)


def _film(file: BinaryIO) -> Probed:
    import av  # noqa: PLC0415

    try:
        with av.open(file, "r", options={"format_whitelist": _CONTAINERS}) as container:
            if not container.streams.video:
                return Probed(problem="holds no video")
            picture = container.streams.video[0]
            length = container.duration
            return Probed(
                picture.width or None,
                picture.height or None,
                None if length is None else length * 1000 // av.time_base,
            )
    except (av.FFmpegError, OSError, ValueError) as error:
        return Probed(problem=_reason(error))


def _reason(error: Exception) -> str:
    """The kind of error only: its text may hold the file's own bytes."""
    return f"cannot be read as media ({type(error).__name__})"
