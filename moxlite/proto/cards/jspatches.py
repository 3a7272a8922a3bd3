"""PatchObjects (RFC 8984 §1.4.9): changes of an object, by paths of its members. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

Object: TypeAlias = dict[str, Any]

MAX_PATH: Final = 10
"""Levels of a path into an object: paths of JSCalendar have five."""


def patched(found: Object, patch: Object) -> Object:
    """An object with the values of a patch at their paths; null takes away. Paths that lead nowhere are left out."""
    found = dict(found)
    own = {id(found)}
    for path, value in patch.items():
        tokens = tokens_of(path)
        if len(tokens) <= MAX_PATH + 1:
            with suppress(KeyError):
                put(found, tokens, value, own)
    return found


def put(holder: Object, tokens: Sequence[str], value: object, own: set[int]) -> None:
    """Put a value at a path within a copy, None to take it away. `own`: ids of the objects that are copies by now. Each
    is copied once, however many paths lead into it. Raises KeyError: there is no object of this name on the path.
    """
    *above, name = tokens
    for token in above:
        inner = holder.get(token)
        if not isinstance(inner, dict):
            raise KeyError(token)
        if id(inner) not in own:
            inner = holder[token] = dict(inner)
            own.add(id(inner))
        holder = inner
    if value is None:
        holder.pop(name, None)
    else:
        holder[name] = value


def tokens_of(path: str) -> list[str]:
    """The names of a path."""
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")]


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
