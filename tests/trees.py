"""The product's modules as trees, parsed and walked once, for tests that look at all of them."""

import ast
import gc
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

import moxlite

Node = TypeVar("Node", bound=ast.AST)

HERE = Path(moxlite.__file__).parent


@cache
def trees() -> Mapping[str, ast.Module]:
    """All modules of moxlite by their path in the package."""
    gc.disable()  # it would look through a million nodes, none of them garbage, again and again: 3 of 4 seconds
    try:
        return {str(path.relative_to(HERE)): ast.parse(path.read_bytes()) for path in sorted(HERE.rglob("*.py"))}
    finally:
        gc.freeze()
        gc.enable()


@cache
def _by_type(path: str) -> Mapping[type[ast.AST], list[ast.AST]]:
    found: dict[type[ast.AST], list[ast.AST]] = {}
    for node in ast.walk(trees()[path]):
        found.setdefault(type(node), []).append(node)
    return found


def nodes(path: str, kind: type[Node]) -> Iterator[Node]:
    """A module's nodes of one type, outer ones first."""
    return (node for node in _by_type(path).get(kind, ()) if isinstance(node, kind))
