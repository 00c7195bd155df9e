"""Concurrent requests: names stay unique, positions distinct, transactions whole."""

import asyncio
import random
from collections import Counter

import httpx

from tests.support.collections import TAKEN, make, show
from tests.support.library import Tree, rescan
from tests.support.waiting import others_have_run


async def test_of_50_who_create_one_name_one_succeeds(client: httpx.AsyncClient) -> None:
    names = ["Straße", "STRASSE", "strasse", "straße", "STRAßE"] * 10
    answers = await asyncio.gather(
        *(client.post("/api/collections", json={"name": name}) for name in names)
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert all(answer.json() == TAKEN for answer in answers if answer.status_code == 409)


async def test_400_who_add_to_one_collection_get_400_places(
    client: httpx.AsyncClient, library: Tree
) -> None:
    many = [f"many/{n:03}.jpg" for n in range(400)]
    library.write(*many)
    await rescan(client)
    made = await make(client, folderPath="many")
    url = f"/api/collections/{made['id']}/items"
    answers = await asyncio.gather(*(client.post(url, json={"paths": [path]}) for path in many))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["etag"] for answer in answers}) == 400
    found = await show(client, made["id"])
    assert sorted(item["path"] for item in found["items"]) == many
    assert found["itemCount"] == 400


async def test_of_many_who_saw_the_same_version_one_changes_it(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client)
    url = f"/api/collections/{made['id']}"
    seen = {"If-Match": (await client.get(url)).headers["etag"]}
    answers = await asyncio.gather(
        *(client.put(url, json={"name": f"name {n}"}, headers=seen) for n in range(40))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 39}


async def test_2000_writes_half_of_them_cancelled_leave_nothing_torn(
    client: httpx.AsyncClient, library: Tree
) -> None:
    """Each write moves the whole list of a collection; a partial one would lose or double items."""
    many = [f"many/{n:03}.jpg" for n in range(20)]
    library.write(*many)
    await rescan(client)
    made = await make(client, folderPath="many", paths=many)
    url = f"/api/collections/{made['id']}"
    chance = random.Random(7)

    async def write(number: int) -> None:
        order = chance.sample(many, len(many))
        kind = number % 4
        if kind == 0:
            await client.put(f"{url}/order", json={"paths": order})
        elif kind == 1:
            await client.request("DELETE", f"{url}/items", json={"paths": order[:10]})
        elif kind == 2:
            await client.post(f"{url}/items", json={"paths": order})
        else:
            await client.put(url, json={"name": f"n{number}", "paths": order})

    cancelled = 0
    for start in range(0, 2_000, 50):
        tasks = [asyncio.create_task(write(number)) for number in range(start, start + 50)]
        for task in chance.sample(tasks, 25):
            for _ in range(chance.randrange(30)):
                await others_have_run()
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        cancelled += sum(isinstance(result, asyncio.CancelledError) for result in results)
        assert all(r is None or isinstance(r, asyncio.CancelledError) for r in results)
        found = await show(client, made["id"])
        paths = [item["path"] for item in found["items"]]
        assert len(set(paths)) == len(paths) == found["itemCount"]
        assert (found["coverPath"] in paths) if paths else (found["coverPath"] is None)
    assert cancelled > 500
    await client.put(url, json={"name": "last", "paths": many})
    assert [item["path"] for item in (await show(client, made["id"]))["items"]] == many
