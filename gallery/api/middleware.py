"""Middleware before every route, which refuses requests that are not meant for this server."""

import ipaddress
import re
from collections.abc import Collection
from functools import lru_cache

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gallery.api.preconditions import REVALIDATE

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]*)?")
MAX_HOST = 300
"""Characters of a DNS name with a port. Longer hosts are not cached either."""
ORIGIN_REFUSAL = (
    "Origin not allowed: a change must come from this server's own address; behind a proxy, let it "
    "pass the Host header on (nginx: proxy_set_header Host $http_host; Vite: changeOrigin false) "
    "and start gallery with --host-name NAME"
)
_PRIVATE = (b"cache-control", REVALIDATE.encode())
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Private:
    """Allows caches to keep answers under `/api` for one client, with a check at each use.

    An answer that has a `Cache-Control` of its own keeps it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                for name, _value in message["headers"]:
                    if name == b"cache-control":
                        break
                else:
                    message["headers"] = [*message["headers"], _PRIVATE]
            await send(message)

        await self._app(scope, receive, send_private)


class SameOrigin:
    """Refuses requests for other hosts, and changes that other web sites request.

    A browser sends the origin of an unsafe request (`Sec-Fetch-Site`, `Origin`). If there is one,
    it must be this server. No token is needed, see https://words.filippo.io/csrf/. The host must
    be an address, `localhost` or a configured name, so that no foreign name can be pointed at this
    server (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, host_names: Collection[str]) -> None:
        self._app = app
        self._names = {"localhost", *(name.lower() for name in host_names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await PlainTextResponse(refusal, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        said: dict[bytes, list[str]] = {b"host": [], b"origin": [], b"sec-fetch-site": []}
        for name, value in scope["headers"]:
            if name in said:
                said[name].append(value.decode("latin-1").lower())
        hosts = said[b"host"]
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return "Host not allowed"
        if scope["method"] in _SAFE:
            return None
        ours = (f"http://{hosts[0]}", f"https://{hosts[0]}")
        is_here = all(origin in ours for origin in said[b"origin"]) and all(
            site in ("same-origin", "none") for site in said[b"sec-fetch-site"]
        )
        return None if is_here else ORIGIN_REFUSAL

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host) if len(host) <= MAX_HOST else None
        return found is not None and (
            self._is_named(found[2] or "") or _is_address(found[1] or found[2])
        )

    def _is_named(self, host: str) -> bool:
        """Return whether a name is configured, or `*.` with the part after its first dot is."""
        return host in self._names or f"*.{host.partition('.')[2]}" in self._names


@lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
