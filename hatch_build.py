"""The build hook: it adds generated files to the wheel or to an editable install."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = Path("gallery", "api", "swagger_ui")
NAMES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")


class CustomBuildHook(BuildHookInterface[Any]):
    """Copy the files of Swagger UI into the package.

    They come from a package that is needed only during the build. At run time its template engine
    and its YAML parser would be useless.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        found = find_spec("swagger_ui")
        assert found is not None
        assert found.origin is not None
        target = Path(self.root) / ASSETS
        target.mkdir(exist_ok=True)
        for name in NAMES:
            shutil.copyfile(Path(found.origin).parent / "static" / name, target / name)
        build_data["artifacts"].append(f"/{ASSETS}/*")
