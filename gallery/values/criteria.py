"""Criteria: the closed schema of filters and orders of items. Pure.

The same keys are the query string of `GET /api/items` and the `filterCriteria` of a stored filter.
Different keys are joined by AND. An empty list means the same as an absent key. An item without
the property of a key (no duration, no camera) does not match it, but matches the logic `none`.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import inspect

from gallery.errors import Invalid, printable
from gallery.values import paths
from gallery.values.media_types import MediaType

Logic = Literal["any", "all", "none"]
Orientation = Literal["landscape", "portrait", "square"]
Sort = Literal["takenAt", "name", "addedAt", "modifiedAt", "size", "rating", "random"]
Order = Literal["asc", "desc"]
CriteriaText = Annotated[str, msgspec.Meta(max_length=paths.MAX_PATH)]
Names = Annotated[list[CriteriaText], msgspec.Meta(max_length=100)]
Year = Annotated[int, msgspec.Meta(ge=1, le=9999)]
Month = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

MAX_NUMBER = 2**62
"""Bounds are cut to this, so that they can be compared with integers of 64 bits."""
MAX_TEXT = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Near(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Within `km` kilometres of a point in degrees."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    km: Annotated[float, msgspec.Meta(ge=0, le=100_000)]


def _key(field: str) -> str:
    """Return the key of a field: camelCase, except `<list>_logic` for the logic of a list."""
    if field.endswith("_logic"):
        return field
    first, *rest = field.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Criteria(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_key):
    """A filter and an order as a client wrote them; None stands for an absent key."""

    folders: Names | None = None
    types: Annotated[list[MediaType], msgspec.Meta(max_length=100)] | None = None
    types_logic: Logic | None = None
    extensions: Names | None = None
    extensions_logic: Logic | None = None
    cameras: Names | None = None
    cameras_logic: Logic | None = None
    lenses: Names | None = None
    lenses_logic: Logic | None = None
    keywords: Names | None = None
    keywords_logic: Logic | None = None
    orientations: Annotated[list[Orientation], msgspec.Meta(max_length=100)] | None = None
    orientations_logic: Logic | None = None
    years: Annotated[list[Year], msgspec.Meta(max_length=100)] | None = None
    years_logic: Logic | None = None
    months: Annotated[list[Month], msgspec.Meta(max_length=100)] | None = None
    months_logic: Logic | None = None
    taken_after: Moment | None = None
    taken_before: Moment | None = None
    added_after: Moment | None = None
    added_before: Moment | None = None
    min_rating: float | None = None
    max_rating: float | None = None
    min_width: float | None = None
    min_height: float | None = None
    min_size: float | None = None
    max_size: float | None = None
    min_duration: float | None = None
    max_duration: float | None = None
    has_location: bool | None = None
    has_rating: bool | None = None
    has_problem: bool | None = None
    favorite: bool | None = None
    missing: bool | None = None
    near: Near | None = None
    collections: Annotated[list[Id], msgspec.Meta(max_length=100)] | None = None
    collections_logic: Logic | None = None
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | None = None
    sort: Sort | None = None
    order: Order | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for a value that its type cannot exclude."""
        for field, key in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True):
            value = getattr(self, field)
            texts = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"Expected a finite number - at `$.{key}`")
            if any(isinstance(text, str) and "\0" in text for text in texts):
                raise ValueError(f"Expected no NUL - at `$.{key}`")
        for number, folder in enumerate(self.folders or ()):
            if folder.strip("/") and not paths.is_valid(folder.strip("/")):
                raise ValueError(f"Expected a folder - at `$.folders[{number}]`")

    @property
    def sorted_by(self) -> Sort:
        return self.sort or "takenAt"

    @property
    def is_descending(self) -> bool:
        """Return whether the order descends: without `order`, every sort but by name does."""
        return (self.order or ("asc" if self.sort == "name" else "desc")) == "desc"


KEYS = tuple(field.encode_name for field in msgspec.structs.fields(Criteria))
LISTS = frozenset(key.removesuffix("_logic") for key in KEYS if key.endswith("_logic")) | {
    "folders"
}


def parse(content: object, *, strict: bool = True) -> Criteria:
    """Return the criteria in decoded JSON. Unless `strict`, numbers may be given as text.

    Raises `Invalid`, which names the key, if it is unknown or its value is of the wrong type or
    out of range.
    """
    if not isinstance(content, dict):
        raise Invalid("Invalid criteria: they are an object")
    for key in content:
        if key not in KEYS:
            raise Invalid(f"Invalid criteria: {printable(str(key))} is not known")
    try:
        return msgspec.convert(content, Criteria, strict=strict)
    except msgspec.ValidationError as error:
        place = str(error).rpartition(" - at `$.")[2].removesuffix("`")
        raise wrong(place) from None


def wrong(place: str) -> Invalid:
    """Return the error for a bad value at `place`: a key, or a place inside its value."""
    key = re.split(r"[.\[]", place, maxsplit=1)[0]
    where = f"{place}: " if place != key else ""
    return Invalid(f"Invalid criteria: {where}{key} takes {takes(key)}")


def takes(key: str) -> str:
    """Return, in words, the values that a key takes."""
    fields = inspect.type_info(Criteria).fields  # type: ignore[attr-defined]
    types = next(field.type.types for field in fields if field.encode_name == key)
    return _in_words(types[0])


def _in_words(kind: inspect.Type) -> str:
    """Return, in words, the values that a type of the schema takes."""
    words = (
        "lat (-90 to 90), lon (-180 to 180) and km (0 to 100000): near=lat,lon,km in a query, an "
        "object in JSON"
    )
    match kind:
        case inspect.ListType():
            most = f" (at most {kind.max_length})" if kind.max_length else ""
            words = f"a list{most}, each {_in_words(kind.item_type)}"
        case inspect.LiteralType():
            *first, last = (str(value) for value in kind.values)
            words = f"{', '.join(first)} or {last}"
        case inspect.IntType():
            words = f"a whole number from {kind.ge} to {kind.le}"
        case inspect.FloatType():
            words = "a number"
        case inspect.BoolType():
            words = "true or false"
        case inspect.DateTimeType():
            words = "an ISO 8601 time with a zone, like 2026-04-03T18:11:04Z"
        case inspect.StrType(pattern=str()):
            words = "a month like 2025-07"
        case inspect.StrType():
            words = f"a text of at most {kind.max_length} characters, without NUL"
    return words


def milliseconds(moment: datetime) -> int:
    """Return a time in milliseconds since 1970, rounded up.

    A stored time is before the result exactly if it is before `moment`.
    """
    return -((_EPOCH - moment) // _MILLISECOND)


def at_least(bound: float, scale: int = 1) -> int:
    """Return `bound` times `scale`, rounded up and cut to `MAX_NUMBER`."""
    return max(-MAX_NUMBER, min(math.ceil(Decimal(repr(bound)) * scale), MAX_NUMBER))


def at_most(bound: float, scale: int = 1) -> int:
    """Return `bound` times `scale`, rounded down and cut to `MAX_NUMBER`."""
    return max(-MAX_NUMBER, min(math.floor(Decimal(repr(bound)) * scale), MAX_NUMBER))


def month_number(month: str) -> int:
    """Return a month like `2025-07` as 202507."""
    return int(month.replace("-", ""))
