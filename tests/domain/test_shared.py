"""Shared work: done once for all that wait, as long as one still waits."""

import asyncio

import pytest

from gallery.domain.pictures.single_flight import SingleFlight
from gallery.errors import Unavailable
from tests.support.waiting import others_have_run


class Work:
    """Work that ends when the test permits it."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        return self.begun


async def turns() -> None:
    """Let every task that is ready make progress."""
    for _ in range(20):
        await others_have_run()


async def test_many_wait_for_one() -> None:
    shared, work = SingleFlight[str, int](1, 9, "too many"), Work()
    waiting = [asyncio.create_task(shared.get("a", work)) for _ in range(5)]
    await turns()
    waiting[0].cancel()
    work.may_end.set()
    assert await asyncio.gather(*waiting[1:]) == [1, 1, 1, 1]
    assert waiting[0].cancelled()
    await shared.rest()
    assert await shared.get("a", work) == 2  # no result is kept


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    shared, first, second = SingleFlight[str, int](1, 9, "too many"), Work(), Work()
    busy = asyncio.create_task(shared.get("a", first))
    left = asyncio.create_task(shared.get("b", second))
    await turns()
    left.cancel()
    await turns()
    again = asyncio.create_task(shared.get("b", second))
    await turns()
    first.may_end.set()
    second.may_end.set()
    assert (await busy, await again) == (1, 1)
    assert second.begun == 1


async def test_what_has_begun_goes_on() -> None:
    shared, work = SingleFlight[str, int](1, 9, "too many"), Work()
    left = asyncio.create_task(shared.get("a", work))
    await turns()
    left.cancel()
    await turns()
    joined = asyncio.create_task(shared.get("a", work))
    await turns()
    work.may_end.set()
    assert await joined == 1
    assert work.begun == 1


async def test_an_error_is_everybodys_and_is_not_kept() -> None:
    shared = SingleFlight[str, int](1, 9, "too many")

    async def fail() -> int:
        raise LookupError

    both = await asyncio.gather(
        shared.get("a", fail), shared.get("a", fail), return_exceptions=True
    )
    assert [type(error) for error in both] == [LookupError, LookupError]
    work = Work()
    work.may_end.set()
    assert await shared.get("a", work) == 1


async def test_too_many_are_refused_and_those_who_join_are_not() -> None:
    shared, work = SingleFlight[int, int](1, 2, "too many"), Work()
    waiting = [asyncio.create_task(shared.get(key, work)) for key in (1, 2, 1)]
    await turns()
    with pytest.raises(Unavailable, match="too many"):
        await shared.get(3, work)
    work.may_end.set()
    await asyncio.gather(*waiting)
    assert await shared.get(3, work) == 3
