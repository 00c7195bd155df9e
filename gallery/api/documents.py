"""`/openapi.yaml` as it is written, and `/docs`, its rendering by Swagger UI."""

import asyncio
from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gallery.api.streams import InParts
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
_SWAGGER_UI = Path(__file__).parent / "swagger_ui"
"""Its files, which `hatch_build.py` has put here."""
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


def specification_file() -> Path:
    """`openapi.yaml`: beside the package in a checkout, inside it in a wheel."""
    inside = Path(str(files("gallery"))) / "openapi.yaml"
    return inside if inside.is_file() else Path(__file__).parents[2] / "openapi.yaml"


@cache
def _content(file: Path) -> bytes:
    return file.read_bytes()


async def specification(_request: Request) -> Response:
    """The API in machine form."""
    content = await asyncio.to_thread(_content, specification_file())
    return InParts(content, 200, None, "application/yaml")


async def page(_request: Request) -> Response:
    """The API for people."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _CSP})


async def start(_request: Request) -> Response:
    """The script that starts the rendering; the policy above allows none inside the page."""
    return Response(_START, media_type="text/javascript")


async def asset(request: Request) -> Response:
    """One of Swagger UI's own files, of those that the page names."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise NotFound("Not found")
    if not _SWAGGER_UI.is_dir():
        raise NotFound("Not built: install gallery once more")
    content = await asyncio.to_thread(_content, _SWAGGER_UI / name)
    return InParts(content, 200, None, _ASSETS[name])


async def home(_request: Request) -> Response:
    """Until there is a web UI, people who open the server in a browser see what it can do."""
    return RedirectResponse("/docs")
