"""The operations of `openapi.yaml`."""

from typing import Any, NamedTuple

import yaml

from gallery.api.endpoints.documents import specification_file

Json = dict[str, Any]
DOCUMENT: Json = yaml.safe_load(specification_file().read_text("utf-8"))
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


class Operation(NamedTuple):
    """One method of one address, with its references resolved."""

    path: str
    method: str
    item: Json
    definition: Json

    @property
    def parameters(self) -> list[Json]:
        found = self.item.get("parameters", []) + self.definition.get("parameters", [])
        return [resolved(each) for each in found]

    @property
    def responses(self) -> dict[int, Json]:
        listed = self.definition["responses"].items()
        return {int(status): resolved(r) for status, r in listed if status != "default"}

    @property
    def bodies(self) -> dict[str, Any]:
        """Return the example bodies by name."""
        content = self.definition.get("requestBody", {}).get("content", {})
        return {
            name: example["value"]
            for media in content.values()
            for name, example in media["examples"].items()
        }


def operations() -> list[Operation]:
    return [
        Operation(path, method, item, definition)
        for path, item in DOCUMENT["paths"].items()
        for method, definition in item.items()
        if method in METHODS
    ]


def resolved(node: Json) -> Json:
    """Return the target of a reference, or the node itself."""
    if "$ref" not in node:
        return node
    found: Json = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found)
