"""PatchObjects (RFC 8984 §1.4.9): changes of an object, by paths of its members. Values in, values out."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Object: TypeAlias = dict[str, Any]

MAX_PATH: Final = 10
"""Levels of a path into an object: paths of JSCalendar have five."""


def patched(found: Object, patch: Object) -> Object:
    """An object with the values of a patch at their paths; null takes away. Paths that lead nowhere are left out."""
    for path, value in patch.items():
        found = _with(found, tokens_of(path), value)
    return found


def tokens_of(path: str) -> list[str]:
    """The names of a path."""
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")]


def _with(found: Object, tokens: list[str], value: Any) -> Object:
    name, *rest = tokens
    if rest:
        inner = found.get(name)
        if not isinstance(inner, dict) or len(rest) > MAX_PATH:
            return found
        return {**found, name: _with(inner, rest, value)}
    if value is None:
        return {key: one for key, one in found.items() if key != name}
    return {**found, name: value}


def difference(old: Object, new: Object, path: str = "", depth: int = 0) -> Object:
    """The patch that makes one object of another."""
    patch: Object = {}
    for name in [*old, *(one for one in new if one not in old)]:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        here = path + name.replace("~", "~0").replace("/", "~1")
        # a series with many guests whose exceptions have others: what is gone would take more room than what is there
        if (
            isinstance(before, dict)
            and isinstance(after, dict)
            and depth < MAX_PATH
            and len(before.keys() - after.keys()) <= len(after)
        ):
            patch |= difference(before, after, f"{here}/", depth + 1)
        else:
            patch[here] = after
    return patch
