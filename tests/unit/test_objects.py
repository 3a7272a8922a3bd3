"""The sizes of objects (docs/style.md): what a reader holds in the head at a time."""

import ast
from collections.abc import Iterator

from tests.trees import nodes, trees

MAX_METHODS = 20
"""Of one class, properties and inherited ones counted."""

MAX_ATTRIBUTES = 12
"""Of one object; structs and dataclasses, which only hold values, have as many fields as the value has."""

LARGER = {
    "admin/standby/replicating.py Replication": (
        20,
        13,
        "one copy to a target: the program's run, and who waits for it",
    ),
    "imapd/session/view.py CountedView": (17, 13, "the numbers of a view change with its messages"),
    "net/imapclient/client.py Client": (30, 13, "commands of IMAP on one connection, whose lines are a class apart"),
    "proto/imap/threading.py References": (24, 15, "subjects are the second step of one algorithm (RFC 5256)"),
    "proto/imap/server.py ServerDecoder": (
        26,
        18,
        "lines, literals and APPEND are steps of one grammar",
    ),
    "proto/imap/tokens.py Reader": (26, 4, "one method for each token of the grammar, all on one position"),
    "proto/mime/envelope.py _ListParser": (9, 14, "one pass over the tokens, in which an address has many parts"),
    "proto/mime/structure.py _Scanner": (25, 13, "one pass over the octets, in which parts share the open delimiters"),
    "proto/sieve/state.py State": (13, 17, "what a running script knows, with its budget"),
    "proto/smtp/server.py ServerConnection": (
        23,
        19,
        "commands, DATA and BDAT take turns on one input",
    ),
    "store/auth/authdb.py AuthDB": (11, 13, "an object for each table of the file"),
    "store/changelog/unit.py AccountTx": (24, 16, "a transaction with the changes that it collects"),
    "store/file/health.py Health": (17, 13, "a flag that tasks wait for, with the faults that set it"),
    "web/admin/sessions.py AdminSessions": (25, 11, "sessions with the administrator's own way to log in"),
    "workers/auth.py WorkerAuth": (15, 16, "the tables of AuthDB, which ask another process here"),
}
"""Classes that stay larger, with their numbers of methods and attributes: their state is one thing, and parts of it
apart would have to be read together.
"""


def sizes() -> Iterator[tuple[str, int, int]]:
    """Each class with methods, inherited ones counted: ``path Name``, its methods, its attributes (0 for structs and
    dataclasses).
    """
    for path in trees():
        for node in nodes(path, ast.ClassDef):
            methods = [one for base in lineage(path, node) for one in methods_of(base)]
            attributes = set() if holds_values(node) else {name for one in methods for name in assigned(one)}
            yield f"{path} {node.name}", len({one.name for one in methods}), len(attributes)


def methods_of(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods in the body of a class."""
    return (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def lineage(path: str, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """A class, and its bases in moxlite."""
    yield node
    for base in node.bases:
        if isinstance(base, ast.Name) and (found := named(path, base.id)) is not None:
            yield from lineage(*found)


def named(path: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """The class of a name in a module, with the path of its own module; None for one that is not of moxlite."""
    for node in nodes(path, ast.ClassDef):
        if node.name == name:
            return path, node
    for line in nodes(path, ast.ImportFrom):
        for alias in line.names:
            if name == (alias.asname or alias.name) and (line.module or "").startswith("moxlite."):
                file = (line.module or "").removeprefix("moxlite.").replace(".", "/")
                source = next((one for one in (f"{file}.py", f"{file}/__init__.py") if one in trees()), None)
                return None if source is None else named(source, alias.name)
    return None


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
