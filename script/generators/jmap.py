"""The table of properties in docs/jmap.md, from the types of the JMAP methods."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from moxlite.web import jmap
from moxlite.web.jmap.standard import ObjectType

TOP: Final = Path(__file__).resolve().parent.parent.parent
PAGE: Final = "docs/jmap.md"
BEGIN: Final = "<!-- made by script/gen from the types of moxlite/web/jmap -->\n"
END: Final = "\n## Compared with other servers"
HEADING: Final = """
| Object | Set by programs | Given with a new object alone | Set by the server |
|---|---|---|---|
"""


def outputs() -> dict[str, bytes]:
    """The page with its table."""
    head, begin, rest = (TOP / PAGE).read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert begin, f"{PAGE} has no place for the table"
    assert end, f"{PAGE} has no place for the table"
    rows = "".join(_row(kind) for kind in sorted(_types(), key=lambda kind: kind.name))
    return {PAGE: f"{head}{begin}{HEADING}{rows}{end}{tail}".encode()}


def _types() -> list[ObjectType]:
    modules = (import_module(f"{jmap.__name__}.{module.name}") for module in iter_modules(jmap.__path__))
    values = [value for module in modules for value in vars(module).values()]
    return list({value.name: value for value in values if isinstance(value, ObjectType)}.values())


def _row(kind: ObjectType) -> str:
    by_server = [name for name in kind.fixed if name not in kind.once]
    return f"| {kind.name} ({kind.source}) | {_names(kind.settable)} | {_names(kind.once)} | {_names(by_server)} |\n"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"
