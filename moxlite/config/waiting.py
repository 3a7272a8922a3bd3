"""Keys of the configuration that no code reads yet, and the warning that they are not in effect (ADMIN-10).

`script/check config-keys` compares the list with the code: it must have exactly the keys that no code reads.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from moxlite.config.domains import Domains
from moxlite.config.fields import fields_of
from moxlite.config.listeners import Listener
from moxlite.config.static import DNS, Static
from moxlite.config.toml.decode import Finding, KeyPath
from moxlite.config.values import Section

WAITING: Final[Mapping[type[Section], frozenset[str]]] = {
    Static: frozenset(("psl",)),
    DNS: frozenset(("validate",)),
    Listener: frozenset(("debug_http",)),
}
"""Keys by table. Keys below such a key are not in effect either."""


def not_in_effect(file: Static | Domains) -> list[Finding]:
    """A warning for each key of `WAITING` that the file sets to another value than its default. It has
    the path of the first place in the file.
    """
    found: dict[tuple[type[Section], str], list[KeyPath]] = {}
    for section, path in _sections(file, ()):
        for field in fields_of(type(section)):
            waits = field.name in WAITING.get(type(section), ())
            if waits and getattr(section, field.name) != field.default:
                found.setdefault((type(section), field.name), []).append((*path, field.name))
    return [Finding(paths[0], "is not in effect yet", _elsewhere(len(paths) - 1)) for paths in found.values()]


def _elsewhere(number: int) -> str:
    return f"nor is it at {number} other {'place' if number == 1 else 'places'}" if number else ""


def _sections(value: object, path: KeyPath) -> Iterator[tuple[Section, KeyPath]]:
    """The tables of a file, without tables below a key of `WAITING`."""
    match value:
        case Section():
            yield value, path
            left_out = WAITING.get(type(value), frozenset())
            for name in value.__struct_fields__:
                if name not in left_out:
                    yield from _sections(getattr(value, name), (*path, name))
        case Mapping():
            for key, item in value.items():
                yield from _sections(item, (*path, key))
        case tuple():
            for index, item in enumerate(value):
                yield from _sections(item, (*path, index))
