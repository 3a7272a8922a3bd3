"""The sizes of objects (docs/style.md): what a reader holds in the head at a time."""

import ast
from collections.abc import Iterator

from tests.trees import nodes, trees

MAX_METHODS = 20
"""Of one class, properties counted."""

MAX_ATTRIBUTES = 12
"""Of one object; structs and dataclasses, which only hold values, have as many fields as the value has."""

LARGER = {
    "proto/imap/server.py ServerDecoder": (
        26,
        18,
        "lines, literals and APPEND are steps of one grammar",
    ),
    "proto/imap/tokens.py Reader": (26, 3, "one method for each token of the grammar, all on one position"),
    "proto/mime/envelope.py _ListParser": (9, 14, "one pass over the tokens, in which an address has many parts"),
    "proto/mime/structure.py _Scanner": (25, 13, "one pass over the octets, in which parts share the open delimiters"),
    "proto/smtp/server.py ServerConnection": (
        25,
        19,
        "commands, DATA and BDAT take turns on one input",
    ),
}
"""Classes that stay larger, with their numbers of methods and attributes: their state is one thing, and parts of it
apart would have to be read together.
"""


def sizes() -> Iterator[tuple[str, int, int]]:
    """Each class with methods: ``path Name``, its methods, its attributes (0 for structs and dataclasses)."""
    for path in trees():
        for node in nodes(path, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            attributes = set() if holds_values(node) else {name for one in methods for name in assigned(one)}
            yield f"{path} {node.name}", len(methods), len(attributes)


def holds_values(node: ast.ClassDef) -> bool:
    """Whether the class is a struct, a section of the configuration or a dataclass."""
    marks = [ast.unparse(one) for one in (*node.bases, *node.decorator_list)]
    return any(name in mark for mark in marks for name in ("Struct", "Section", "dataclass"))


def assigned(method: ast.AST) -> Iterator[str]:
    """The attributes of `self` that a method sets."""
    for node in ast.walk(method):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def test_objects_are_small() -> None:
    """docs/style.md: at most 20 methods and 12 attributes; exceptions do not grow, and leave the list when small."""
    found = {name: (methods, attributes) for name, methods, attributes in sizes()}
    large = {name: size for name, size in found.items() if size[0] > MAX_METHODS or size[1] > MAX_ATTRIBUTES}
    grown = {
        name: size
        for name, size in large.items()
        if name not in LARGER or any(now > most for now, most in zip(size, LARGER[name][:2], strict=True))
    }
    assert grown == {}
    assert set(LARGER) - set(large) == set(), "these keep the limits now: leave them out of LARGER"
