"""Parameters: ids in paths, and what stands behind the question mark."""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request

from gallery.errors import Invalid, printable
from gallery.values.criteria import LISTS, Criteria, parse, wrong
from gallery.values.ids import MAX_ID, CollectionId, ItemId
from gallery.values.times import Millis

T = TypeVar("T", bound=str)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In a query string an unescaped plus sign is a space; a zone cannot begin with one.
_SPACE_BEFORE_ZONE = re.compile(r"(?<=[\d:.]) (?=\d\d(:?\d\d)?$)")
_PARSED = "gallery.query"
"""Where the scope of a request keeps its parameters."""
PAGE = 500
MAX_PAGE = 5_000


def parameters(request: Request) -> QueryParams:
    """Return what stands behind the question mark, parsed once. Raises `Invalid` if not UTF-8."""
    known: QueryParams | None = request.scope.get(_PARSED)
    if known is not None:
        return known
    raw = request.scope["query_string"].decode("latin-1")
    try:
        parsed = QueryParams(parse_qsl(raw, keep_blank_values=True, errors="strict"))
    except (UnicodeDecodeError, ValueError):
        raise Invalid("Invalid query: not UTF-8") from None
    request.scope[_PARSED] = parsed
    return parsed


def check_keys(request: Request, known: Collection[str]) -> None:
    """Raise `Invalid` if a key stands behind the question mark that is not `known`."""
    for key in parameters(request):
        if key not in known:
            raise Invalid(f"Invalid query: {printable(key)} is not known here")


def collection_id(request: Request) -> CollectionId:
    """The id of a collection in the path: a whole number from 1 to 2^63-1, in ASCII digits."""
    return CollectionId(_id(request, "collection"))


def item_id(request: Request) -> ItemId:
    """The id of an item in the path, in the same form."""
    return ItemId(_id(request, "item"))


def _id(request: Request, noun: str) -> int:
    raw = request.path_params["id"]
    if re.fullmatch(r"[1-9][0-9]{0,18}", raw) and int(raw) <= MAX_ID:
        return int(raw)
    raise Invalid(f"Invalid {noun} ID")


def flag(request: Request, name: str) -> bool:
    """Whether a parameter says yes: `1` or `true`; `0`, `false` and none at all say no."""
    raw = parameters(request).get(name, "0").lower()
    if raw not in ("1", "true", "0", "false"):
        raise Invalid(f"Invalid {name}: 1 or 0")
    return raw in ("1", "true")


def choice(request: Request, name: str, choices: Sequence[T]) -> T:
    """A parameter that is one of some words; the first of them if it is not given."""
    raw = parameters(request).get(name, choices[0])
    for known in choices:
        if raw == known:
            return known
    raise Invalid(f"Invalid {name}: {', '.join(choices[:-1])} or {choices[-1]}")


def limit(request: Request) -> int:
    """The size of a page."""
    raw = parameters(request).get("limit")
    if raw is None:
        return PAGE
    if re.fullmatch(r"[0-9]{1,9}", raw) and 1 <= int(raw) <= MAX_PAGE:
        return int(raw)
    raise Invalid(f"Invalid limit: a whole number from 1 to {MAX_PAGE}")


def criteria_of(request: Request, *, allowed: Collection[str], others: Collection[str]) -> Criteria:
    """The filter behind the question mark, of the `allowed` keys; `others` mean something else.

    A list is its key repeated. Raises `Invalid` for a key that is none of these, given twice though
    it is no list, or whose value is not of its type.
    """
    content: dict[str, object] = {}
    for key, value in parameters(request).multi_items():
        if key in others:
            continue
        if key not in allowed:
            raise Invalid(f"Invalid query: {printable(key)} is not known here")
        if key in LISTS:
            values = content.setdefault(key, [])
            assert isinstance(values, list)
            values.append(value)
        elif key in content:
            raise Invalid(f"Invalid query: {key} is given twice")
        elif value.lower() == "null" and key != "text":
            raise wrong(key)
        else:
            content[key] = _structured(key, value)
    return parse(content, strict=False)


def _structured(key: str, raw: str) -> object:
    """A value of a query as the criteria have it."""
    if key == "near" and raw.count(",") == 2:
        return dict(zip(("lat", "lon", "km"), raw.split(","), strict=True))
    if key.endswith(("After", "Before")):
        if "-" not in raw:  # a number would be taken for seconds since 1970
            raise wrong(key)
        return _time(raw)
    return raw


def _time(raw: str) -> str:
    """A value whose zone has lost its plus sign; any other as it is."""
    return _SPACE_BEFORE_ZONE.sub("+", raw)


def updated_after(request: Request) -> Millis | None:
    """Milliseconds since 1970 of an ISO 8601 time with a zone, None if none is given."""
    given = parameters(request)
    raw = given.get("updatedAfter", given.get("updated_after"))
    if raw is None:
        return None
    try:
        moment = datetime.fromisoformat(_time(raw))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid("Invalid updatedAfter: an ISO 8601 time with a zone, 2026-04-03T18:11:04Z")
    return Millis((moment - _EPOCH) // timedelta(milliseconds=1))
