import httpx


async def test_a_server_that_serves_is_healthy(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
