"""`openapi.yaml` describes the code: its addresses, its shapes, and examples that work."""

import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis
from starlette.routing import Route

from gallery.api.endpoints import events, library, members
from gallery.api.endpoints.documents import specification_file
from gallery.api.requests import query
from gallery.api.routes import routes
from gallery.domain.collections import members as rules
from gallery.domain.collections import memberships
from gallery.model import (
    Collection,
    CollectionInput,
    Folder,
    FolderPage,
    Item,
    ItemDetail,
    ItemPage,
    Location,
    Problem,
    Progress,
    RootState,
)
from gallery.values import criteria, names, paths
from gallery.values.ids import MAX_ID
from tests.support.library import TRIP, Tree
from tests.support.openapi import DOCUMENT, Json, Operation, operations, resolved

SCHEMAS: Json = DOCUMENT["components"]["schemas"]
STRUCTS: dict[str, type[msgspec.Struct]] = {
    struct.__name__: struct
    for struct in (
        Item,
        ItemDetail,
        Location,
        FolderPage,
        Folder,
        Collection,
        ItemPage,
        CollectionInput,
        library.LibraryState,
        RootState,
        Progress,
        Problem,
        members.ItemsInput,
        members.MembershipsInput,
        library.ScanInput,
        events.CollectionEvent,
        events.ItemsEvent,
        events.LibraryEvent,
    )
}
"""The structs of requests and answers, by the name of their schema, which is their own."""
OPERATION_ID = re.compile(
    "(get|list|create|update|delete|add|remove|reorder|download|scan|stream)([A-Z][a-z]+)+"
)
"""A verb and a noun: the name of a function in a generated client."""
PLACE = "#/components/schemas/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def nodes(node: Any, at: str = "#") -> Iterator[tuple[str, Json]]:
    """Yield every mapping of the document with its place, except in examples."""
    if isinstance(node, dict):
        yield at, node
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from nodes(value, f"{at}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, f"{at}/{index}")


def misfits(schema: Json, value: Any) -> list[str]:
    """Return why `value` does not match `schema`."""
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


# The addresses


async def test_it_lists_every_address_and_method_that_the_server_answers_and_no_other(
    client: httpx.AsyncClient,
) -> None:
    """`Allow` lists the methods of an address; GET implies HEAD."""
    answered = {}
    for route in routes():
        if isinstance(route, Route):
            answer = await client.request("PROPFIND", route.path_format.replace("{id}", "1"))
            assert (answer.status_code, answer.text) == (405, "Method not allowed")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            answered[route.path_format] = set(answer.headers["allow"].split(", "))
    listed: dict[str, set[str]] = {path: set() for path in DOCUMENT["paths"]}
    for one in operations():
        listed[one.path] |= {"GET", "HEAD"} if one.method == "get" else {one.method.upper()}
    assert answered == listed


# The shapes


@pytest.mark.parametrize("name", [*STRUCTS])
def test_a_schema_is_the_struct_that_the_code_reads_or_writes(name: str) -> None:
    """Fields, required fields and types are the same; the document may have stricter limits."""
    _, components = msgspec.json.schema_components(STRUCTS.values(), ref_template=PLACE + "{name}")
    ours, written = components[name], SCHEMAS[name]
    assert list(written["properties"]) == list(ours["properties"])
    assert written.get("required", []) == ours["required"]
    for field, schema in ours["properties"].items():
        assert_agree(f"{name}.{field}", by_type(schema), by_type(written["properties"][field]))


def by_type(schema: Json) -> dict[str, Json]:
    """Return what a schema allows, by JSON type; a struct by its name."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PLACE)
        return {name: {}} if name in STRUCTS else by_type(resolved(schema))
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return {kind: each for part in schema[word] for kind, each in by_type(part).items()}
    kinds = schema.get("type", "string")  # our enums are of strings
    return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)


def assert_agree(at: str, ours: Mapping[str, Json], written: Mapping[str, Json]) -> None:
    assert set(ours) == set(written), at
    for kind, schema in ours.items():
        for limit in ("enum", "minimum", "maximum"):
            if limit in schema:
                assert written[kind].get(limit) == schema[limit], f"{at}: {limit}"
        if kind == "array":
            inner = written[kind]["items"]
            assert_agree(f"{at}[]", by_type(schema["items"]), by_type(inner))


@pytest.mark.parametrize("module", [members, library, events])
def test_no_body_that_the_code_knows_is_left_out(module: ModuleType) -> None:
    bodies = {
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, msgspec.Struct)
        and each.__module__ == module.__name__
    }
    assert bodies
    assert bodies <= set(STRUCTS.values())


def test_its_limits_are_those_of_the_code() -> None:
    parameters = {
        parameter["name"]: parameter["schema"]
        for one in operations()
        for parameter in one.parameters
    }
    limit, path, summary = parameters["limit"], parameters["path"], SCHEMAS["Collection"]
    assert (limit["minimum"], limit["default"], limit["maximum"]) == (
        1,
        query.PAGE,
        query.MAX_PAGE,
    )
    assert path["maxLength"] == paths.MAX_PATH
    assert (SCHEMAS["Id"]["minimum"], SCHEMAS["Id"]["maximum"]) == (1, MAX_ID)
    looked_up = SCHEMAS["MembershipsInput"]["properties"]["paths"]
    assert looked_up["maxItems"] == memberships.MAX_PATHS
    assert summary["properties"]["name"]["maxLength"] == names.MAX_NAME
    assert summary["properties"]["itemCount"]["maximum"] == rules.MAX_ITEMS
    for schema in (summary, SCHEMAS["CollectionInput"]):
        assert schema["properties"]["description"]["maxLength"] == names.MAX_DESCRIPTION


def test_items_are_filtered_by_all_criteria_and_nothing_else() -> None:
    (listing,) = [one for one in operations() if one.definition["operationId"] == "listItems"]
    documented = {
        parameter["name"]: resolved(parameter["schema"]) for parameter in listing.parameters
    }
    assert documented.keys() == {*criteria.KEYS, "path", "cursor"}
    (shapes, parts) = msgspec.json.schema_components([criteria.Criteria])
    for key, shape in parts["Criteria"]["properties"].items():
        choices = [c for c in shape["anyOf"] if c != {"type": "null"}]
        said = documented[key]
        if key in criteria.LISTS:
            assert (said["type"], said["maxItems"]) == ("array", choices[0]["maxItems"])
            assert resolved(said["items"]).get("enum") == choices[0]["items"].get("enum")
        elif key not in ("near", "limit"):
            kinds = {"number", "boolean", "string", "integer"}
            assert said["type"] in kinds & {c.get("type", "string") for c in choices}, key
            enums = [set(c["enum"]) for c in choices if "enum" in c]
            assert ([set(said["enum"])] if "enum" in said else []) == enums, key
    assert shapes


async def test_an_answer_that_is_put_together_has_the_fields_that_its_schema_lists(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/api/collections", json={"name": "Trip", "paths": TRIP, "folderPath": ""})
    listed = (await client.get("/api/collections?include=itemIds")).json()[0]
    detail = (await client.get("/api/collections/1")).json()
    assert list(listed) == fields("CollectionListEntry")
    assert list(detail) == fields("CollectionDetail")
    assert list(detail["items"][0]) == fields("Item")


def fields(name: str) -> list[str]:
    """Return the properties of a schema, with those of its `allOf` parts."""
    parts = [resolved(part) for part in SCHEMAS[name].get("allOf", [SCHEMAS[name]])]
    return [field for part in parts for field in part["properties"]]


# The document itself


def test_it_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["servers"] == [{"url": "/"}]
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_its_schemas_are_valid_json_schemas() -> None:
    schemas = [node["schema"] for _, node in nodes(DOCUMENT) if "schema" in node]
    for schema in [*SCHEMAS.values(), *schemas]:
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    references = {node["$ref"] for _, node in nodes(DOCUMENT) if "$ref" in node}
    kinds = DOCUMENT["components"].items()
    there = {f"#/components/{kind}/{name}" for kind, named in kinds for name in named}
    assert there == references


def test_nothing_in_it_was_left_blank() -> None:
    """An unquoted comma in YAML's short form ends a text and begins a key without a value."""
    assert [at for at, node in nodes(DOCUMENT) if None in node.values()] == []


def test_every_operation_says_what_it_does() -> None:
    ids = [one.definition["operationId"] for one in operations()]
    assert len(set(ids)) == len(ids)
    tags = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    for one in operations():
        assert OPERATION_ID.fullmatch(one.definition["operationId"])
        assert one.definition["summary"]
        assert one.definition["description"]
        assert set(one.definition["tags"]) <= tags
        in_path = {parameter["name"] for parameter in one.parameters if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", one.path))
        assert all(parameter["description"] for parameter in one.parameters)


def test_every_link_leads_to_an_operation_that_takes_what_it_hands_on() -> None:
    takes = {
        one.definition["operationId"]: {parameter["name"] for parameter in one.parameters}
        for one in operations()
    }
    links = [
        link
        for one in operations()
        for response in one.responses.values()
        for link in response.get("links", {}).values()
    ]
    assert links
    for link in links:
        assert set(link["parameters"]) <= takes[link["operationId"]]


def test_every_example_has_the_shape_of_its_schema() -> None:
    wrong = {}
    for at, node in nodes(DOCUMENT):
        schema = node.get("schema", node if at.startswith(PLACE[:-1]) else None)
        if not isinstance(schema, dict):
            continue
        examples = [example["value"] for example in node.get("examples", {}).values()]
        for example in [*examples, *([node["example"]] if "example" in node else [])]:
            if found := misfits(schema, example):
                wrong[at] = found
    assert wrong == {}


# The examples


@pytest.fixture
async def prepared(client: httpx.AsyncClient, library: Tree) -> None:
    """Create a collection of two pictures with the id of the examples, after many others."""
    for path in TRIP:
        library.draw(path, (6, 4))
    last = DOCUMENT["components"]["parameters"]["CollectionId"]["example"]
    for number in range(1, last):
        await client.post("/api/collections", json={"name": f"Collection {number}"})
    body = {"name": "Prepared", "folderPath": "photos/2025/trip", "paths": TRIP[:2]}
    made = await client.post("/api/collections", json=body)
    assert made.json()["id"] == last


def answered() -> list[Operation]:
    """Return the operations whose answer ends; the stream of events has tests of its own."""
    return [one for one in operations() if one.definition["operationId"] != "streamEvents"]


def examples() -> Iterator[Any]:
    """Yield every operation with each example body, and without a body if that is optional."""
    for one in answered():
        required = one.definition.get("requestBody", {}).get("required", False)
        cases = {**({} if required else {"": None}), **one.bodies}
        for name, body in cases.items():
            yield pytest.param(one, body, id=f"{one.definition['operationId']}-{name}".strip("-"))


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(("operation", "body"), [*examples()])
async def test_every_example_works_and_is_answered_as_documented(
    client: httpx.AsyncClient, operation: Operation, body: object
) -> None:
    answer = await client.request(operation.method, url_of(operation), json=body)
    assert answer.status_code < 400, answer.text
    assert_documented(operation, answer)


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(
    "operation",
    [pytest.param(one, id=one.path) for one in answered() if one.method == "get"],
)
async def test_head_answers_as_get_does(client: httpx.AsyncClient, operation: Operation) -> None:
    got = await client.get(url_of(operation))
    asked = await client.head(url_of(operation))
    assert (asked.status_code, asked.headers) == (got.status_code, got.headers)


REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an id that is none": ("get", "/api/collections/0", {}),
    "no such collection": ("delete", "/api/collections/99", {}),
    "no JSON": ("post", "/api/collections", {"content": b"name=Trip"}),
    "a name that is taken": ("post", "/api/collections", {"json": {"name": "prepared"}}),
    "a body that is too large": ("post", "/api/collections", {"content": b" " * (4 << 20) + b"1"}),
    "two folders": ("post", "/api/collections", {"json": {"name": "x", "paths": TRIP}}),
    "changed since": (
        "put",
        "/api/collections/12/order",
        {"json": {"paths": TRIP[:1]}, "headers": {"If-Match": '"77-0"'}},
    ),
    "another host": ("get", "/api/library", {"headers": {"Host": "example.org"}}),
    "another site": ("post", "/api/library/scan", {"headers": {"Sec-Fetch-Site": "cross-site"}}),
    "a filter that is none": ("get", "/api/items?minRating=many", {}),
    "a key that is unknown": ("get", "/api/items?colour=red", {}),
    "no such folder": ("get", "/api/folders?path=nowhere", {}),
    "no such item": ("get", "/api/items/99", {}),
    "an id of no item": ("get", "/api/items/x", {}),
    "a limit that is none": ("get", "/api/collections/12/items", {"params": {"limit": 0}}),
    "a cursor that is none": ("get", "/api/collections/12/items", {"params": {"cursor": "x"}}),
    "a time without a zone": (
        "get",
        "/api/collections",
        {"params": {"updatedAfter": "2026-04-03"}},
    ),
    "too many to look up": (
        "post",
        "/api/collections/memberships",
        {"json": {"paths": ["x"] * 1001}},
    ),
}


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(("method", "url", "more"), [*REFUSED.values()], ids=[*REFUSED])
async def test_a_refusal_is_answered_as_documented(
    client: httpx.AsyncClient, method: str, url: str, more: dict[str, Any]
) -> None:
    answer = await client.request(method, url, **more)
    path = re.sub("/(12|99|0|x)(?=/|$)", "/{id}", url.partition("?")[0])
    (operation,) = (one for one in operations() if (one.path, one.method) == (path, method))
    assert answer.status_code >= 400
    assert_documented(operation, answer)


def url_of(operation: Operation) -> str:
    """Return the address of an operation with its required parameters, taken from the examples."""
    url = operation.path
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            url = url.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        elif parameter.get("required"):
            assert parameter["in"] == "query"
            url += f"?{parameter['name']}={quote(parameter['example'])}"
    return url


def assert_documented(operation: Operation, answer: httpx.Response) -> None:
    """Assert that status, content type, headers and body are as documented."""
    response = operation.responses[answer.status_code]
    for name, described in response.get("headers", {}).items():
        header = resolved(described)
        if name not in answer.headers and not header.get("required"):
            continue
        given: Any = answer.headers[name]
        given = int(given) if header["schema"]["type"] == "integer" else given
        assert misfits(header["schema"], given) == [], name
    if not response.get("content"):
        assert answer.content == b""
        return
    if "*/*" in response["content"]:  # the bytes of a file
        return
    media = response["content"][answer.headers["content-type"]]
    decoders = {"application/json": answer.json, "application/yaml": lambda: DOCUMENT}
    decode = decoders.get(answer.headers["content-type"], lambda: answer.text)
    assert misfits(media["schema"], decode()) == []


# How it is served


async def test_it_is_served_byte_for_byte(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.yaml")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/yaml")
    assert answer.content == specification_file().read_bytes()


async def test_its_rendering_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    """The page loads only addresses of this server, and they exist."""
    page = await client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page.text)
    assert len(links) >= 3
    for link in links:
        assert link.startswith("/")
        assert not link.startswith("//")
        assert (await client.get(link)).status_code == 200
    for text in (page.text, (await client.get("/docs/start.js")).text):
        assert "://" not in text
    assert '"/openapi.yaml"' in (await client.get("/docs/start.js")).text


async def test_a_browser_that_opens_the_server_is_led_to_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/docs")


def descriptions(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"description", "summary"} and isinstance(inner, str):
                yield inner
            else:
                yield from descriptions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from descriptions(inner)


def test_no_line_of_a_description_begins_like_a_numbered_list() -> None:
    """`/docs` would show a status at the start of a line, `409.`, as the number of a list item."""
    found = list(descriptions(DOCUMENT))
    lines = [line for text in found for line in text.splitlines()]
    assert len(found) > 300
    assert [line for line in lines if re.match(r"\s*\d+[.)](\s|$)", line)] == []
