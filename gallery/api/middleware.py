"""What stands before every route: only requests that the server was meant to get go on."""

import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]*)?")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOrigin:
    """Refuses requests for other hosts and changes that other web sites ask for.

    A browser says where an unsafe request comes from (`Sec-Fetch-Site`, `Origin`); if it says so,
    it must be from here. No token is needed, see https://words.filippo.io/csrf/. The host must be
    an address, `localhost` or a name that was configured, so that no foreign name can be pointed
    at this server (DNS rebinding).
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
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return "Host not allowed"
        if scope["method"] in _SAFE:
            return None
        site = headers.get("sec-fetch-site", "same-origin")
        ours = (f"http://{hosts[0]}".lower(), f"https://{hosts[0]}".lower())
        foreign = headers.get("origin", ours[0]).lower() not in ours
        return "Origin not allowed" if foreign or site not in ("same-origin", "none") else None

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = (found[1] or found[2]).lower()
        return name in self._names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
