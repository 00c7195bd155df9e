"""Lists as one JSON parameter, the form that both engines read with `json_each`."""

from collections.abc import Iterable

import msgspec


def json_list(values: Iterable[str] | Iterable[int]) -> str:
    """`values` as a JSON array, for one `$n`."""
    return msgspec.json.encode(list(values)).decode()
