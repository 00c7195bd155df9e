"""Creating and reading collections through the API."""

from typing import Any

import httpx

SPANS = {"error": "Collections can't span multiple folders."}
TAKEN = {"error": "Collection name is already in use. Choose a different name."}


async def make(client: httpx.AsyncClient, name: str = "Shortlist", **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/collections", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def show(client: httpx.AsyncClient, id_: int) -> dict[str, Any]:
    answer = await client.get(f"/api/collections/{id_}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def members(client: httpx.AsyncClient, id_: int) -> list[str]:
    return [item["path"] for item in (await show(client, id_))["items"]]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "\n" not in answer.text
    return answer.status_code, answer.text


async def members_and_missing(client: httpx.AsyncClient, id_: int) -> list[tuple[str, bool]]:
    return [(i["path"], i["missing"]) for i in (await show(client, id_))["items"]]


async def collect(client: httpx.AsyncClient, name: str = "Shortlist", **more: object) -> str:
    """Create a collection and return its address."""
    return f"/api/collections/{(await make(client, name, **more))['id']}"


async def lookup(client: httpx.AsyncClient, paths: list[str]) -> dict[str, list[int]]:
    answer = await client.post("/api/collections/memberships", json={"paths": paths})
    assert answer.status_code == 200, answer.text
    found: dict[str, list[int]] = answer.json()
    return found
