"""Refuse keys made of an address's text: `f"{author.localpart}@{author.domain}" == text`, `address.lower() in known`.

An address has several texts: its domain in U-labels or A-labels, its localpart in NFC or not. `moxlite.proto.address`
has what all of them share: `AddressKey`, which mypy doesn't let anybody compare with text, and `one_spelling` for keys
that are stored as text. A text made of an address is refused where it becomes an operand of ``==`` or ``in``, a member
of a set, a key, or an SQL parameter. Writing it and lower-casing it aren't findings.
"""

import ast
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FOLDS = frozenset({"lower", "casefold"})
KEEPS = frozenset({"strip", "removeprefix", "removesuffix", "encode"})
LOOKUPS = frozenset({"add", "get", "setdefault", "pop", "discard", "index", "count", "fromkeys", "frozenset", "set"})
STATEMENTS = frozenset({"row", "rows", "value", "execute", "iterate"})
ADDRESS = re.compile(
    r"(?:.*_)?(?:address|addresses|localpart|recipients?|senders?|authors?|members?|people|person|targets?|destinations?|mail_?from|rcpt_?to|email)"
)

KEPT: dict[str, str] = {
    "admin/dns/senders:check_dmarc": "URIs of a DNS record, which are ASCII",
    "admin/dns/wanted:_reporting": "URIs of a DNS record, which are ASCII",
    "config/snapshot:_lookup_host": "localparts of two parsed addresses, with the domain beside them",
    "smtpd/context:_day": "localpart of a parsed address",
    "smtpd/context:count": "localpart of a parsed address",
    "store/mail/masked:note_masked_mail": "facts of SMTP, which are in NFC and U-labels",
    "store/people/correspondents:is_known": "columns in NFC and U-labels",
    "store/people/correspondents:known_address": "columns in NFC and U-labels",
}
"""Functions that compare a text of an address, and why each has one spelling of it."""


def main() -> int:
    """Print each place; 1 if there is one, or if a kept function has none."""
    findings = 0
    unused = set(KEPT)
    for path in sorted(TOP.glob("moxlite/**/*.py")):
        for function, line, text in keys_in(ast.parse(path.read_text())):
            place = f"{path.relative_to(TOP / 'moxlite').with_suffix('')}:{function}"
            unused.discard(place)
            if place not in KEPT:
                findings += 1
                print(f"moxlite/{path.relative_to(TOP / 'moxlite')}:{line}: {place}: {text}")
    for place in sorted(unused):
        print(f"script/checks/addresses.py: KEPT names {place}, which compares no address")
    if findings:
        print("addresses: compare `AddressKey`, or keep `one_spelling` (moxlite/proto/address.py)", file=sys.stderr)
    return 1 if findings or unused else 0


def keys_in(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """The function, line and text of each key that is made of an address's text."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            own = list(_own_nodes(function))
            names = {
                target.id
                for node in own
                if isinstance(node, ast.Assign) and _is_text(node.value, frozenset())
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in own:
                for key in _keys(node):
                    if _is_text(key, frozenset(names)):
                        yield function.name, node.lineno, ast.unparse(node)[:100]
                        break


def _own_nodes(function: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """The nodes of a function without nodes of inner functions."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            yield from _own_nodes(child)


def _keys(node: ast.AST) -> list[ast.expr]:
    """The expressions that a node compares or looks up."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            compared = any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in ops)
            return [left, *others] if compared and not any(map(_is_constant, (left, *others))) else []
        case ast.Set(elts=elements):
            return elements
        case ast.SetComp(elt=element):
            return [element]
        case ast.Dict(keys=keys):
            return [key for key in keys if key is not None]
        case ast.DictComp(key=key):
            return [key]
        case ast.Subscript(slice=index):
            return [index]
        case ast.Call(func=ast.Attribute(attr=name), args=arguments) if name in LOOKUPS | STATEMENTS:
            return arguments
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in LOOKUPS:
            return arguments
    return []


def _is_text(node: ast.expr, names: frozenset[str]) -> bool:
    """Whether an expression is the text of an address, or has one among its elements."""
    match node:
        case ast.Name(id=name):
            return name in names
        case ast.JoinedStr(values=values):
            return any(
                isinstance(at, ast.Constant) and at.value == "@" and isinstance(before, ast.FormattedValue)
                for before, at in pairwise(values)
            )
        case ast.Call(func=ast.Attribute(value=text, attr=name)) if name in FOLDS:
            return _is_text(text, names) or _is_address(text)
        case ast.Call(func=ast.Attribute(value=text, attr=name)) if name in KEEPS:
            return _is_text(text, names)
        case ast.Call(func=ast.Name(id="map"), args=[ast.Attribute(attr=name), texts]) if name in FOLDS:
            return _is_address(texts)
        case ast.Starred(value=value):
            return _is_text(value, names)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return any(_is_text(element, names) for element in elements)
        case ast.GeneratorExp(elt=element) | ast.ListComp(elt=element) | ast.SetComp(elt=element):
            return _is_text(element, names)
    return False


def _is_constant(node: ast.expr) -> bool:
    """Whether an expression is a text of the program, or a set of them: ``"postmaster"``, ``NO_ANSWER``."""
    match node:
        case ast.Constant():
            return True
        case ast.Set(elts=elements) | ast.Tuple(elts=elements):
            return all(map(_is_constant, elements))
        case ast.Name(id=name):
            return name.isupper()
    return False


def _is_address(node: ast.expr) -> bool:
    """Whether an expression is named after an address."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return ADDRESS.fullmatch(name) is not None
        case ast.Call(func=ast.Name(id="str"), args=[text]):
            return _is_address(text)
        case ast.Call(func=ast.Attribute(value=text, attr="strip")):
            return _is_address(text)
        case ast.Subscript(value=text, slice=ast.Constant(value=str() as name)):
            return ADDRESS.fullmatch(name) is not None
        case ast.Subscript(value=text):
            return _is_address(text)
    return False


if __name__ == "__main__":
    sys.exit(main())
