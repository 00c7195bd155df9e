"""The symbols that a module defines, read from its text. Tests resolve symbols in documents."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "gallery"


@cache
def defined(module: Path) -> frozenset[str]:
    """Return the top-level names of a module, and `Class.member` of each class."""
    return frozenset(_names(ast.parse(module.read_text()).body))


def _names(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield prefix + node.name
            case ast.ClassDef():
                yield prefix + node.name
                yield from _names(node.body, f"{prefix}{node.name}.")
            case ast.Assign():
                for target in node.targets:
                    for part in ast.walk(target):
                        if isinstance(part, ast.Name):
                            yield prefix + part.id
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case _:
                pass


def problem_of(file: str, symbol: str) -> str | None:
    """Return why `file: symbol`, relative to the package, cannot be resolved; None if it can.

    The text names the present place of a symbol that has moved.
    """
    module = PACKAGE / file
    if module.is_file() and symbol in defined(module):
        return None
    places = [
        str(other.relative_to(PACKAGE))
        for other in sorted(PACKAGE.rglob("*.py"))
        if symbol in defined(other)
    ]
    return f"{file}: {symbol} does not exist; {symbol} is in {', '.join(places) or 'no module'}"


def is_dotted_name(dotted: str) -> bool:
    """Return whether `store.members.add` is a package, a module, or a symbol of a module."""
    parts = dotted.split(".")
    for depth in range(len(parts), 0, -1):
        place = PACKAGE.joinpath(*parts[:depth])
        symbol = ".".join(parts[depth:])
        if place.with_suffix(".py").is_file():
            return not symbol or symbol in defined(place.with_suffix(".py"))
        if place.is_dir():
            return not symbol
    return False
