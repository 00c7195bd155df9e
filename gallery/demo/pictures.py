"""Writing a drawn picture as a camera does: format, EXIF, time."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

_TURNS = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
_EXIF, _GPS = 0x8769, 0x8825


class Camera(NamedTuple):
    """A camera that takes pictures; `focal` in millimetres."""

    make: str
    model: str
    lens: str
    focal: float
    knows_zone: bool = False


class PaintedPlace(NamedTuple):
    """The place of a picture: its position in degrees, and its time zone."""

    latitude: float
    longitude: float
    zone: str


def save(
    image: Image.Image,
    file: Path,
    taken: datetime,
    camera: Camera | None,
    place: PaintedPlace | None,
    orientation: int,
) -> None:
    """Write `image` in the format of the file's extension.

    With an `orientation` of 6 or 8 the pixels are stored rotated, as cameras store them, and EXIF
    holds the orientation.
    """
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    ending = file.suffix.lower()
    if ending == ".gif":
        steps = [image.rotate(angle, Image.Resampling.BICUBIC) for angle in (0, 2, 0, -2)]
        image.save(file, save_all=True, append_images=steps[1:], duration=250, loop=0)
    elif ending in (".jpg", ".jpeg"):
        image.save(file, quality=84, exif=_exif(taken, camera, place, orientation))
    else:
        image.save(file)


_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
  xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmp:Rating="{rating}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<lr:hierarchicalSubject><rdf:Bag>{keywords}</rdf:Bag></lr:hierarchicalSubject>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""


def sidecar(file: Path, rating: int, title: str, keywords: Sequence[str]) -> None:
    """Write an XMP sidecar as photo managers do; `|` separates the levels of a keyword."""
    items = "".join(f"<rdf:li>{keyword}</rdf:li>" for keyword in keywords)
    file.write_text(_XMP.format(rating=rating, title=title, keywords=items))


def _exif(
    taken: datetime, camera: Camera | None, place: PaintedPlace | None, orientation: int
) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if camera is None:
        return exif
    exif[0x010F], exif[0x0110] = camera.make, camera.model
    moment = taken.strftime("%Y:%m:%d %H:%M:%S")
    details = exif.get_ifd(_EXIF)
    details[0x9003] = details[0x9004] = moment
    details[0x829A] = IFDRational(1, 60 + taken.minute * 10)
    details[0x829D] = IFDRational(28 + taken.day, 10)
    details[0x8827] = 100 * 2 ** (taken.hour % 4)
    details[0x920A] = IFDRational(round(camera.focal * 10), 10)
    details[0xA434] = camera.lens
    if place is not None:
        if camera.knows_zone:
            details[0x9011] = place.zone
        position = exif.get_ifd(_GPS)
        position[1] = "N" if place.latitude >= 0 else "S"
        position[2] = _degrees(place.latitude)
        position[3] = "E" if place.longitude >= 0 else "W"
        position[4] = _degrees(place.longitude)
    return exif


def _degrees(angle: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Return degrees, minutes and hundredths of seconds, as EXIF stores them."""
    hundredths = round(abs(angle) * 360_000)
    minutes, rest = divmod(hundredths, 6_000)
    degrees, minutes = divmod(minutes, 60)
    return IFDRational(degrees), IFDRational(minutes), IFDRational(rest, 100)
