"""`/openapi.yaml` as it is written, and `/docs`, its rendering by Swagger UI from a wheel."""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

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


def specification_file() -> Path:
    """`openapi.yaml`: beside the package in a checkout, inside it in a wheel."""
    inside = Path(str(files("gallery"))) / "openapi.yaml"
    return inside if inside.is_file() else Path(__file__).parents[2] / "openapi.yaml"


async def specification(_request: Request) -> Response:
    """The API in machine form."""
    return FileResponse(specification_file(), media_type="application/yaml")


async def page(_request: Request) -> Response:
    """The API for people."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _CSP})


async def start(_request: Request) -> Response:
    """The script that starts the rendering; the policy above allows none inside the page."""
    return Response(_START, media_type="text/javascript")


async def home(_request: Request) -> Response:
    """Until there is a web UI, people who open the server in a browser see what it can do."""
    return RedirectResponse("/docs")


def assets() -> StaticFiles:
    """Swagger UI's own files."""
    # Found, not imported: its own code would bring a template engine and a YAML parser along.
    package = find_spec("swagger_ui")
    assert package is not None
    assert package.origin is not None
    return StaticFiles(directory=Path(package.origin).parent / "static")
