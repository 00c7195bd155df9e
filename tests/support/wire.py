"""Requests as bytes, for everything that no client library sends."""

import asyncio

HOST = b"Host: localhost\r\n"


async def send(port: int, *parts: bytes, until_closed: bool = True) -> bytes:
    """Send the parts one by one; return the bytes received until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read() if until_closed else await reader.read(65_536)
    except (ConnectionResetError, BrokenPipeError):
        return b""
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
