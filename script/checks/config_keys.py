"""Compare `moxlite/config/load.py` with the code: the keys of the configuration that nothing reads.

A key counts as read where product code outside of the configuration's own reading and checking has an attribute of its
name, or names it to `getattr`. That finds no key whose name others have too, and needs no run.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from moxlite.config.domains import Domains
from moxlite.config.fields import ArrayShape, TableShape, TablesShape, fields_of
from moxlite.config.load import WAITING
from moxlite.config.static import SpecialUseMailboxes, Static
from moxlite.config.values import Section

TOP = Path(__file__).resolve().parents[2]

USING = {"domains.py", "snapshot.py", "webrules.py"}
"""Modules of the configuration that use it."""

BY_NAME: set[type[Section]] = {SpecialUseMailboxes}
"""Tables whose fields are read in a loop over their names."""


def sections(section: type[Section], seen: set[type[Section]]) -> Iterator[type[Section]]:
    """All tables of a file, once each, but for those that only are below a key of the list."""
    if section in seen:
        return
    seen.add(section)
    yield section
    for field in fields_of(section):
        shape = field.shape
        while isinstance(shape, ArrayShape | TablesShape):
            shape = shape.item
        if isinstance(shape, TableShape) and field.name not in WAITING.get(section, ()):
            yield from sections(shape.section, seen)


def names_read() -> set[str]:
    """The names of all attributes that product code reads."""
    found: set[str] = set()
    for path in (TOP / "moxlite").rglob("*.py"):
        if "config" in path.parts and path.name not in USING:
            continue
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Load()):
                    found.add(name)
                case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
                    found.add(name)
    return found


def main() -> int:
    """Print the differences; exit status 1 if there are any."""
    read = names_read()
    wrong = 0
    seen: set[type[Section]] = set()
    for section in (*sections(Static, seen), *sections(Domains, seen)):
        listed = WAITING.get(section, frozenset())
        unread = {one.name for one in fields_of(section) if one.name not in read} if section not in BY_NAME else set()
        for name in sorted(unread - listed):
            print(f"{section.__name__}.{name} is read by nothing: put it into moxlite/config/load.py, or read it")
        for name in sorted(listed - unread):
            print(f"{section.__name__}.{name} is read, or no key any more: take it out of moxlite/config/load.py")
        wrong += len(unread ^ listed)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
