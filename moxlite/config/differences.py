"""Differences between two versions of domains.toml, value by value and without secrets, for the audit log (WEB-160)."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from moxlite.config.domains import Domains
from moxlite.config.fields import Shape, TableShape, TablesShape, fields_of
from moxlite.config.masking import MASK
from moxlite.config.toml.decode import KeyPath, dotted
from moxlite.config.toml.encode import encode

MOST: Final = 100
"""Differences that are told; an edit by a person has few."""

LONGEST: Final = 500
"""Characters of a text that is told."""

LONGEST_LIST: Final = 20_000
"""Characters of a list or table that is told whole: some 500 addresses. Which of them were there before is what readers
of the log look for.
"""


class Changed(NamedTuple):
    """A value, by its path as in TOML; None where it is not set."""

    path: str
    before: Any
    after: Any


def differences(old: Domains, new: Domains) -> list[Changed]:
    """The values that differ. Objects that are equal are not looked into."""
    found: list[Changed] = []
    for field in fields_of(Domains):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name not in ("accounts", "domains"):
            found += _values(field.shape, (field.name,), _field(old, field.name), _field(new, field.name))
            continue
        for name in dict.fromkeys((*before, *after)):
            one, other = before.get(name), after.get(name)
            if one != other:
                shape = TableShape(type(one if one is not None else other))
                was, now = (None if it is None else encode(it) for it in (one, other))
                found += _values(shape, (field.name, name), was, now)
                if len(found) > MOST:
                    break
    return found[:MOST]


def _field(domains: Domains, name: str) -> Any:
    return encode(domains).get(name)


def _values(shape: Shape, path: KeyPath, before: Any, after: Any) -> Iterator[Changed]:
    if before == after:
        return
    below = _below(shape, before, after)
    if below is None:
        yield Changed(dotted(path), _shown(before), _shown(after))
        return
    for name, one, secret in below:
        was = before.get(name) if isinstance(before, dict) else None
        now = after.get(name) if isinstance(after, dict) else None
        if secret:
            if was != now:
                yield Changed(dotted((*path, name)), MASK if was else None, f"{MASK}, another" if now and was else MASK)
        else:
            yield from _values(one, (*path, name), was, now)


def _below(shape: Shape, before: Any, after: Any) -> list[tuple[str, Shape, bool]] | None:
    """The keys of a table with their shapes; None for a value that is told as a whole."""
    given = [one for one in (before, after) if one is not None]
    if not all(isinstance(one, dict) for one in given):
        return None
    names = dict.fromkeys(name for one in given for name in one)
    if not names:
        return None
    match shape:
        case TableShape():
            fields = {field.name: field for field in fields_of(shape.section)}
            return [(name, fields[name].shape, fields[name].secret) for name in names if name in fields]
        case TablesShape():
            return [(name, shape.item, False) for name in names]
        case _:
            return None


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + "…"
    if isinstance(value, list | dict):
        text = repr(value)
        return text[:LONGEST] + "…" if len(text) > LONGEST_LIST else value
    return value
