"""Functions of a source file: where they are, and whether they have changed."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["REST", "Function", "functions"]

REST: Final = ""
"""Name of what is in no function: imports, constants, fields of classes."""

Def: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """A function of a module, or a method; functions inside belong to the one around them."""

    name: str
    """With the classes around it: `Session.run`."""
    digest: str
    """Changes with the code, not with comments, docstrings and places."""
    lines: range
    """Of the body: the line of `def` runs when the module is imported. Empty for the rest of a module."""


def functions(source: str) -> dict[str, Function]:
    """Functions of a file by name, and the rest of it."""
    tree = ast.parse(source)
    found: dict[str, Function] = {}
    for name, node in _defined(tree, ""):
        lines = range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
        # two of a name, such as a property and its setter, are one
        before = found.get(name)
        digest = _digest(node)
        if before is not None:
            digest, lines = _hash(before.digest + digest), range(before.lines.start, lines.stop)
        found[name] = Function(name, digest, lines)
    found[REST] = Function(REST, _digest(_Emptied().visit(tree)), range(0))
    return found


def _defined(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Def]]:
    for one in node.body:
        if isinstance(one, Def):
            yield prefix + one.name, one
        elif isinstance(one, ast.ClassDef):
            yield from _defined(one, f"{prefix}{one.name}.")


class _Emptied(ast.NodeTransformer):
    """Takes bodies of functions out of a tree."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [ast.Pass()]
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.body = [ast.Pass()]
        return node


def _digest(node: ast.AST) -> str:
    for one in ast.walk(node):
        body = getattr(one, "body", None)
        if isinstance(one, Def | ast.ClassDef | ast.Module) and body and _is_text(body[0]):
            del one.body[0]
    return _hash(ast.dump(node))


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
