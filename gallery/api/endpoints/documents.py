"""`/openapi.yaml`, and `/docs`, which shows it with Swagger UI."""

import asyncio
import gzip
from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gallery.api.responses import encodings
from gallery.api.responses.streams import InParts
from gallery.errors import NotFound

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gallery: the API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START = """SwaggerUIBundle({url: "/openapi.yaml", dom_id: "#api", deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis], validatorUrl: null, tryItOutEnabled: true});
"""
_SWAGGER_UI = Path(__file__).parents[1] / "swagger_ui"
"""The files of Swagger UI, which `hatch_build.py` puts into `gallery/api`."""
_LEVEL = 9
"""A file is compressed only once, at its first request."""
_ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect x="8" y="3" width="21" height="19" rx="3" fill="#8fb8de"/>
<rect x="3" y="9" width="21" height="20" rx="3" fill="#1f4e79"/>
<path d="M5 26l6-8 4 5 3-3 4 6z" fill="#fff"/><circle cx="18" cy="15" r="2" fill="#ffd166"/>
</svg>
"""
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


def specification_file() -> Path:
    """Return where `openapi.yaml` is: beside the package in a checkout, inside it in a wheel."""
    inside = Path(str(files("gallery"))) / "openapi.yaml"
    return inside if inside.is_file() else Path(__file__).parents[3] / "openapi.yaml"


@cache
def _content(file: Path, *, is_gzip: bool) -> bytes:
    content = file.read_bytes()
    return gzip.compress(content, _LEVEL, mtime=0) if is_gzip else content


async def specification(request: Request) -> Response:
    """Return the specification of the API."""
    is_gzip = encodings.accepts_gzip(request)
    content = await asyncio.to_thread(_content, specification_file(), is_gzip=is_gzip)
    return InParts(content, 200, None, "application/yaml")


async def page(_request: Request) -> Response:
    """Return the page that shows the API."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _CSP})


async def start(_request: Request) -> Response:
    """Return the script that starts Swagger UI; the policy allows no script inside the page."""
    return Response(_START, media_type="text/javascript")


async def asset(request: Request) -> Response:
    """Return one of the files of Swagger UI that the page needs."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise NotFound("Not found")
    if not _SWAGGER_UI.is_dir():
        raise NotFound("Not built: install gallery once more")
    is_gzip = encodings.accepts_gzip(request) and _ASSETS[name].startswith("text/")
    content = await asyncio.to_thread(_content, _SWAGGER_UI / name, is_gzip=is_gzip)
    return InParts(content, 200, None, _ASSETS[name])


async def icon(_request: Request) -> Response:
    """Return the icon, which browsers request by themselves."""
    headers = {"Cache-Control": "max-age=86400"}
    return Response(_ICON, media_type="image/svg+xml", headers=headers)


async def home(_request: Request) -> Response:
    """Redirect to the page of the API, until there is a web UI."""
    return RedirectResponse("/docs")
