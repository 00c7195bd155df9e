"""The SQL in a module as texts, and the values that are inserted into them."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

STATEMENT = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE \w+|DELETE FROM|WITH (RECURSIVE )?\w+|TRUNCATE \w+)\b"
)
CLAUSE = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|WITH|FROM|WHERE|AND|OR|NOT|IN|IS|EXISTS|ORDER BY|VALUES"
    r"|RETURNING|SET|CAST)\b"
)
"""A text that contains one of these words in capitals is SQL, or becomes part of it."""
CHECKED = ("sql", "text")
"""`Clause.sql` and what numbers its parameters: a clause is checked where it is created."""


def texts(module: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each statement in a module; ` X ` stands for an inserted value."""
    tree = ast.parse(module.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and id(node) not in docstrings:
            text = _text(node)
            if STATEMENT.search(text):
                yield node.lineno, text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or " X " for part in node.values)
    return ""


def put_in(module: Path) -> Iterator[tuple[int, str]]:
    """Yield line and expression of each value inserted into SQL that is not a constant.

    F-strings, `.format`, `%` and `+` build SQL. Constants are literals, names in capitals, and
    anything built only from constants: local names that are assigned only constants, parameters if
    every call in the module passes constants, and results of functions of constants. A number after
    `$` is the name of a parameter.
    """
    tree = ast.parse(module.read_text())
    functions = [
        n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    scopes = [_Scope(tree, functions, function) for function in functions]
    inside = {id(node): scope for scope in scopes for node in ast.walk(scope.function)}
    module_scope = _Scope(tree, functions, None)
    for node in ast.walk(tree):
        scope = inside.get(id(node), module_scope)
        for part in _parts(node):
            if not scope.is_constant(part):
                yield part.lineno, ast.unparse(part)


def _parts(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that a node inserts into SQL."""
    if isinstance(node, ast.JoinedStr) and CLAUSE.search(_text(node)):
        yield from _put_into(node)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Clause":
        yield node.args[0]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("format", "format_map"):
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
        if CLAUSE.search(_text(node.left)):
            yield node.right
        elif CLAUSE.search(_text(node.right)):
            yield node.left


def _put_into(node: ast.JoinedStr) -> Iterator[ast.expr]:
    """Yield the expressions between braces, except the numbers of parameters."""
    for before, part in zip([None, *node.values], node.values, strict=False):
        is_number = before is not None and _text(before).endswith("$")
        if isinstance(part, ast.FormattedValue) and not is_number:
            yield part.value


_PARTS: dict[type[ast.expr], Callable[[Any], Iterable[ast.expr]]] = {
    ast.Constant: lambda _node: (),
    ast.JoinedStr: _put_into,
    ast.List: lambda node: node.elts,
    ast.Tuple: lambda node: node.elts,
    ast.Starred: lambda node: [node.value],
    ast.Subscript: lambda node: [node.value],
    ast.GeneratorExp: lambda node: [node.elt],
    ast.ListComp: lambda node: [node.elt],
    ast.IfExp: lambda node: [node.body, node.orelse],
    ast.BinOp: lambda node: (
        [node.left] if ast.unparse(node.right).startswith("len(") else [node.left, node.right]
    ),
}
"""The parts that must be constant in a constant expression. A text times a length is that text."""


class _Scope:
    """The possible values of the names in one function or module."""

    def __init__(
        self,
        tree: ast.Module,
        functions: list[ast.FunctionDef | ast.AsyncFunctionDef],
        function: ast.FunctionDef | ast.AsyncFunctionDef | None,
    ) -> None:
        self._tree = tree
        self._functions = functions
        self.function = function or tree
        self._under_way = set[str]()

    def is_constant(self, node: ast.expr) -> bool:
        """Return whether the expression is built only from constants."""
        if isinstance(node, ast.Name):
            return node.id.isupper() or self._is_constant_name(node.id)
        if isinstance(node, ast.Attribute):
            return node.attr.isupper() or node.attr in CHECKED
        if isinstance(node, ast.Call):
            return self._is_constant_result(node)
        parts = _PARTS.get(type(node))
        return parts is not None and all(map(self.is_constant, parts(node)))

    def _is_constant_result(self, node: ast.Call) -> bool:
        """Return whether the call is of a function, or of a method, with only constants."""
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in CHECKED:
                return True
            return all(map(self.is_constant, (node.func.value, *node.args)))
        arguments = node.args[:1] if ast.unparse(node.func) == "map" else node.args
        return bool(arguments) and all(map(self.is_constant, arguments))

    def _is_constant_name(self, name: str) -> bool:
        if name in self._under_way:
            return True
        self._under_way.add(name)
        try:
            given = list(self._given(name))
            return bool(given) and all(map(self.is_constant, given))
        finally:
            self._under_way.discard(name)

    def _given(self, name: str) -> Iterator[ast.expr]:
        """Yield each value that a name can have, or an expression that is not a constant."""
        for node in ast.walk(self.function):
            match node:
                case ast.Assign(targets=[target], value=value):
                    yield from _matched(target, value, name)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    yield from _matched(target, value, name)
                case (
                    ast.For(target=target, iter=values)
                    | ast.comprehension(target=target, iter=values)
                ):
                    listed = values.elts if isinstance(values, (ast.Tuple, ast.List)) else [values]
                    for value in listed:
                        yield from _matched(target, value, name)
        if isinstance(self.function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = [argument.arg for argument in self.function.args.args]
            if name in names:
                yield from self._passed(self.function.name, names.index(name))

    def _passed(self, function: str, index: int) -> Iterator[ast.expr]:
        """Yield each value that the module passes to a private function as its argument `index`."""
        calls = [
            node
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function
        ]
        if not function.startswith("_") or not calls:
            yield ast.Call(ast.Name(function), [], [])  # any module may call it
        for call in calls:
            yield call.args[index] if index < len(call.args) else ast.Call(call.func, [], [])


def _matched(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    """Yield the value that `name` gets when `value` is assigned to `target`."""
    if isinstance(target, ast.Name):
        if target.id == name:
            yield value
    elif isinstance(target, ast.Tuple):
        for number, each in enumerate(target.elts):
            if isinstance(value, (ast.Tuple, ast.List)):
                yield from _matched(each, value.elts[number], name)
            elif name in {n.id for n in ast.walk(each) if isinstance(n, ast.Name)}:
                yield value
