"""Parameters of requests: ids in paths, and the query."""

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
# In a query string an unescaped plus sign means a space; a zone never begins with a space.
_SPACE_BEFORE_ZONE = re.compile(r"(?<=[\d:.]) (?=\d\d(:?\d\d)?$)")
_PARSED = "gallery.query"
"""Key of the parsed query in the scope of a request."""
PAGE = 500
MAX_PAGE = 5_000


def parameters(request: Request) -> QueryParams:
    """Return the query, which is parsed once. Raise `Invalid` if it is not UTF-8."""
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
    """Raise `Invalid` if the query contains a key that is not `known`."""
    for key in parameters(request):
        if key not in known:
            raise Invalid(f"Invalid query: {printable(key)} is not known here")


def collection_id(request: Request) -> CollectionId:
    """Return the id of a collection in the path: from 1 to 2^63-1, in ASCII digits.

    Raises `Invalid` for anything else.
    """
    return CollectionId(_id(request, "collection"))


def item_id(request: Request) -> ItemId:
    """Return the id of an item in the path, in the same form."""
    return ItemId(_id(request, "item"))


def _id(request: Request, noun: str) -> int:
    raw = request.path_params["id"]
    if re.fullmatch(r"[1-9][0-9]{0,18}", raw) and int(raw) <= MAX_ID:
        return int(raw)
    raise Invalid(f"Invalid {noun} ID")


def flag(request: Request, name: str) -> bool:
    """Return True for `1` or `true`, and False for `0`, `false` or an absent parameter."""
    raw = parameters(request).get(name, "0").lower()
    if raw not in ("1", "true", "0", "false"):
        raise Invalid(f"Invalid {name}: 1 or 0")
    return raw in ("1", "true")


def choice(request: Request, name: str, choices: Sequence[T]) -> T:
    """Return a parameter that is one of `choices`; the first of them if it is absent."""
    raw = parameters(request).get(name, choices[0])
    for known in choices:
        if raw == known:
            return known
    raise Invalid(f"Invalid {name}: {', '.join(choices[:-1])} or {choices[-1]}")


def limit(request: Request) -> int:
    """Return the requested size of a page."""
    raw = parameters(request).get("limit")
    if raw is None:
        return PAGE
    if re.fullmatch(r"[0-9]{1,9}", raw) and 1 <= int(raw) <= MAX_PAGE:
        return int(raw)
    raise Invalid(f"Invalid limit: a whole number from 1 to {MAX_PAGE}")


def criteria_of(request: Request, *, allowed: Collection[str], others: Collection[str]) -> Criteria:
    """Return the criteria in the query. They may have `allowed` keys; keys in `others` are skipped.

    A list repeats its key. Raises `Invalid` for any other key, for a key that is given twice though
    it is no list, and for a value of the wrong type.
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
    """Return a value of the query in the form that the criteria take."""
    if key == "near" and raw.count(",") == 2:
        return dict(zip(("lat", "lon", "km"), raw.split(","), strict=True))
    if key.endswith(("After", "Before")):
        if "-" not in raw:  # a number would be taken for seconds since 1970
            raise wrong(key)
        return _time(raw)
    return raw


def _time(raw: str) -> str:
    """Return a time with the plus sign of its zone restored; any other value as it is."""
    return _SPACE_BEFORE_ZONE.sub("+", raw)


def updated_after(request: Request) -> Millis | None:
    """Return `updatedAfter`, an ISO 8601 time with a zone, in milliseconds since 1970.

    None if it is absent. Raises `Invalid` if it is no such time.
    """
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
