"""Parameters: ids in paths, and what stands behind the question mark."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request

from gallery.errors import Invalid
from gallery.model import LARGEST_ID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In a query string an unescaped plus sign is a space; a zone cannot begin with one.
_SPACE_BEFORE_ZONE = re.compile(r"(?<=[\d:.]) (?=\d\d(:?\d\d)?$)")


def parameters(request: Request) -> QueryParams:
    """What stands behind the question mark; `Invalid` unless it is UTF-8."""
    raw = request.scope["query_string"].decode("latin-1")
    try:
        return QueryParams(parse_qsl(raw, keep_blank_values=True, errors="strict"))
    except (UnicodeDecodeError, ValueError):
        raise Invalid("Invalid query: not UTF-8") from None


def collection_id(request: Request) -> int:
    """The id in the path: a whole number from 1 to 2^63-1, in ASCII digits."""
    raw = request.path_params["id"]
    if re.fullmatch(r"[1-9][0-9]{0,18}", raw) and int(raw) <= LARGEST_ID:
        return int(raw)
    raise Invalid("Invalid collection ID")


def limit(request: Request, default: int, largest: int) -> int:
    """The size of a page."""
    raw = parameters(request).get("limit")
    if raw is None:
        return default
    if re.fullmatch(r"[0-9]{1,9}", raw) and 1 <= int(raw) <= largest:
        return int(raw)
    raise Invalid(f"Invalid limit: a whole number from 1 to {largest}")


def updated_after(request: Request) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 time with a zone, None if none is given."""
    given = parameters(request)
    raw = given.get("updatedAfter", given.get("updated_after"))
    if raw is None:
        return None
    try:
        moment = datetime.fromisoformat(_SPACE_BEFORE_ZONE.sub("+", raw))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid("Invalid updatedAfter: an ISO 8601 time with a zone, 2026-04-03T18:11:04Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
