"""Several times of one file that make one statement: an instant in UTC, and a local clock."""

from typing import Any

import pytest
from PIL.TiffImagePlugin import IFDRational

from tests.support.pictures import exif, picture, xmp
from tests.support.pictures import probed as read

_LOCAL = {"own": {0x9291: ""}}
_ZONED = {"own": {0x9291: "", 0x9011: "+02:00"}}
_BY_SATELLITE = {
    "own": {0x9291: ""},
    "gps": {7: (IFDRational(10), IFDRational(13), IFDRational(20)), 29: "2025:07:03"},
}
ONE_STATEMENT: dict[str, tuple[Any, str, str, tuple[int, int, int | None, str]]] = {
    "XMP in UTC": (
        _LOCAL,
        'exif:DateTimeOriginal="2025-07-03T10:13:14Z"',
        "",
        (1751537594000, 1751544794000, 120, "xmp"),
    ),
    "XMP in UTC with a fraction": (
        _LOCAL,
        'photoshop:DateCreated="2025-07-03T06:43:14.7+00:00"',
        "",
        (1751524994000, 1751544794000, 330, "xmp"),
    ),
    "XMP in UTC, fourteen hours away": (
        _LOCAL,
        'xmp:CreateDate="2025-07-02T22:13:14Z"',
        "",
        (1751494394000, 1751544794000, 840, "xmp"),
    ),
    "XMP in UTC, farther than any zone": (
        _LOCAL,
        'xmp:CreateDate="2025-07-02T21:58:14Z"',
        "",
        (1751493494000, 1751493494000, 0, "xmp"),
    ),
    "XMP in UTC, seven minutes from any zone": (
        _LOCAL,
        'xmp:CreateDate="2025-07-03T10:06:14Z"',
        "",
        (1751537174000, 1751537174000, 0, "xmp"),
    ),
    "XMP in UTC where the camera says the zone": (
        _ZONED,
        'xmp:CreateDate="2025-07-03T10:13:14Z"',
        "",
        (1751537594000, 1751544794000, 120, "xmp"),
    ),
    "XMP in UTC where the camera says another moment": (
        _ZONED,
        'xmp:CreateDate="2025-07-03T11:13:14Z"',
        "",
        (1751541194000, 1751541194000, 0, "xmp"),
    ),
    "a date in XMP": (
        _LOCAL,
        'xmp:CreateDate="2025-07-03Z"',
        "",
        (1751500800000, 1751500800000, 0, "xmp"),
    ),
    "XMP with a zone of its own": (
        _LOCAL,
        'xmp:CreateDate="2025-07-03T12:13:14+09:00"',
        "",
        (1751512394000, 1751544794000, 540, "xmp"),
    ),
    "a sidecar in UTC": (
        _LOCAL,
        "",
        'exif:DateTimeOriginal="2025-07-03T10:13:14Z"',
        (1751537594000, 1751544794000, 120, "sidecar"),
    ),
    "a sidecar with a local clock, XMP in UTC": (
        _LOCAL,
        'exif:DateTimeOriginal="2025-07-03T10:13:14Z"',
        'exif:DateTimeOriginal="2025-07-03T13:13:14"',
        (1751537594000, 1751548394000, 180, "sidecar"),
    ),
    "a sidecar with a local clock, satellites": (
        _BY_SATELLITE,
        "",
        'exif:DateTimeOriginal="2025-07-03T13:13:14"',
        (1751537594000, 1751548394000, 180, "sidecar"),
    ),
    "a satellite's time in XMP": (
        _LOCAL,
        'exif:GPSTimeStamp="2025-07-03T10:13:20Z"',
        "",
        (1751537594000, 1751544794000, 120, "gps"),
    ),
    "a satellite's time in a sidecar": (
        _LOCAL,
        "",
        'exif:GPSTimeStamp="2025-07-03T10:13:20"',
        (1751537594000, 1751544794000, 120, "gps"),
    ),
    "a satellite's time and a local clock in XMP": (
        {},
        'xmp:CreateDate="2025-07-03T12:13:14" exif:GPSTimeStamp="2025-07-03T10:13:20Z"',
        "",
        (1751537594000, 1751544794000, 120, "gps"),
    ),
    "a satellite's time in XMP alone": (
        {},
        'exif:GPSTimeStamp="2025-07-03T10:13:14Z"',
        "",
        (1751537594000, 1751537594000, 0, "gps"),
    ),
    "a satellite's time in XMP that disagrees": (
        _LOCAL,
        'exif:GPSTimeStamp="2025-07-03T10:05:00Z"',
        "",
        (1751537100000, 1751537100000, 0, "gps"),
    ),
    "a satellite's date in XMP": (
        _LOCAL,
        'exif:GPSTimeStamp="2025-07-03"',
        "",
        (1751544794000, 1751544794000, None, "exif"),
    ),
}


@pytest.mark.parametrize(
    ("camera", "inside", "beside", "taken"), [*ONE_STATEMENT.values()], ids=[*ONE_STATEMENT]
)
def test_an_instant_in_utc_and_a_local_clock_are_one_statement(
    camera: Any, inside: str, beside: str, taken: tuple[int, int, int | None, str]
) -> None:
    options: dict[str, Any] = {"exif": exif(**camera)} if camera else {}
    content = picture("JPEG", xmp=xmp(inside), **options)
    assert read(content, "x.jpg", *([xmp(beside)] if beside else [])).taken == taken
