"""A record of acknowledged changes, to compare with the state after a crash."""

import random
import time
from typing import Any

import httpx

from tests.support.library import TRIP
from tests.support.waiting import eventually

State = tuple[str, list[str]]
"""Name and paths of a collection."""
_ById = dict[int, dict[str, Any]]


class Ledger:
    """The last acknowledged state of each collection, and the later states that are possible."""

    def __init__(self) -> None:
        self.acknowledged: dict[int, State] = {}
        self.unknown: dict[int, list[State]] = {}
        self.writes = 0

    async def wait_for(self, count: int) -> None:
        """Wait until this many more writes are acknowledged."""
        goal = self.writes + count
        await eventually(lambda: self.writes >= goal, f"{goal} writes", seconds=60)

    async def check(self, client: httpx.AsyncClient) -> None:
        """Assert that each collection has its last acknowledged state, or a possible later one."""
        listed, shown = await self._at_rest(client)
        for id_, state in self.acknowledged.items():
            found = shown[id_]
            now = (found["name"], [item["path"] for item in found["items"]])
            assert now == state or now in self.unknown.get(id_, []), "an acknowledged write is lost"
            assert found["itemCount"] == len(set(now[1])) == len(now[1]) == listed[id_]["itemCount"]
            assert (found["coverPath"] in now[1]) if now[1] else (found["coverPath"] is None)
            self.acknowledged[id_] = now
        self.unknown.clear()
        names = [one["name"] for one in listed.values()]
        assert len(set(names)) == len(names)

    async def _at_rest(self, client: httpx.AsyncClient) -> tuple[_ById, _ById]:
        """Return the list and each collection, read while no change is running."""
        while True:
            before = (await client.get("/api/collections")).json()
            shown = {
                id_: (await client.get(f"/api/collections/{id_}")).json()
                for id_ in self.acknowledged
            }
            if (await client.get("/api/collections")).json() == before:
                return {one["id"]: one for one in before}, shown

    async def write(self, client: httpx.AsyncClient, chance: random.Random, worker: str) -> None:
        """Change its own collections until the server is gone. A 503 means: outcome unknown."""
        mine: list[int] = []
        try:
            while True:
                if not mine or (len(mine) < 3 and chance.random() < 0.2):
                    body = {"name": f"{time.time_ns()} {worker}", "folderPath": ""}
                    answer = await client.post("/api/collections", json=body)
                    if answer.status_code == 201:
                        mine.append(answer.json()["id"])
                        self.acknowledged[mine[-1]] = (body["name"], [])
                    continue
                id_ = chance.choice(mine)
                paths = chance.sample(TRIP, chance.randrange(len(TRIP) + 1))
                state = (f"{time.time_ns()} {worker}", paths)
                self.unknown.setdefault(id_, []).append(state)
                answer = await client.put(
                    f"/api/collections/{id_}", json={"name": state[0], "paths": paths}
                )
                assert answer.status_code in (200, 503), answer.text
                if answer.status_code == 200:
                    self.acknowledged[id_] = state
                    self.unknown[id_].clear()
                    self.writes += 1
        except httpx.TransportError:
            return
