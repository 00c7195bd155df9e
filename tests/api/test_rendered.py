"""Cached answers: never more than there is room for, and the least recently used are evicted."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.api.responses.byte_cache import OVERHEAD, ByteCache, digest
from gallery.domain.collections import memberships
from tests.support.collections import lookup, make
from tests.support.library import BEACH, SUNSET


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=60))
def test_what_is_kept_fits_and_is_what_was_given(keeps: list[tuple[int, int]]) -> None:
    room = 100 + 6 * OVERHEAD
    rendered, given_ = ByteCache(room), dict[tuple[int, int], bytes]()
    for key, size in keeps:
        given_[key, size] = bytes([key]) * size
        rendered.keep(digest((key, size)), given_[key, size])
        kept = {each: rendered.get(digest(each)) for each in given_}
        sizes = [len(answer) + OVERHEAD for answer in kept.values() if answer is not None]
        assert sum(sizes) <= room
        assert all(answer in (None, given_[each]) for each, answer in kept.items())
        assert kept[key, size] == given_[key, size]


def test_the_least_recently_used_goes_first() -> None:
    rendered = ByteCache(4 * (10 + OVERHEAD))
    for key in "abcd":
        rendered.keep(digest(key), b"x" * 10)
    rendered.get(digest("a"))
    rendered.keep(digest("e"), b"x" * 10)
    kept = [rendered.get(digest(key)) is not None for key in "abcde"]
    assert kept == [True, False, True, True, True]


@pytest.mark.parametrize("limit", ["MAX_CACHED", "MAX_COLLECTIONS"])
async def test_a_lookup_says_the_same_where_memory_does_not_hold_everything(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    one = (await make(client, "one", paths=[BEACH, SUNSET]))["id"]
    two = (await make(client, "two", paths=[BEACH]))["id"]
    in_memory = await lookup(client, [BEACH, SUNSET, BEACH, "x.jpg", f"{BEACH}\0"])
    monkeypatch.setattr(memberships, limit, 1)
    await make(client, "three")
    searched = await lookup(client, [BEACH, SUNSET, BEACH, "x.jpg", f"{BEACH}\0"])
    assert searched == in_memory == {BEACH: [one, two], SUNSET: [one]}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_is_asked_again_between_two_changes_costs_no_statement(
    client: httpx.AsyncClient, statements: list[str]
) -> None:
    made = await make(client, paths=[BEACH])
    reads = ("/api/collections", f"/api/collections/{made['id']}", "/api/collections/identifiers")
    for change in range(2):
        for url in reads:
            await client.get(url)
        await lookup(client, [BEACH])
        del statements[:]
        for url in reads:
            assert (await client.get(url)).status_code == 200
        assert await lookup(client, [BEACH, SUNSET]) == {BEACH: [made["id"]]}
        assert [sql for sql in statements if "probed_at" not in sql] == [], change
        await client.put(f"/api/collections/{made['id']}", json={"name": f"name {change}"})
        assert (await client.get(reads[0])).json()[0]["name"] == f"name {change}"
