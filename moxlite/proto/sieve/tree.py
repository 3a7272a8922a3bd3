"""The tree of a script: calls with their arguments, before their meaning is known (RFC 5228 §8.2).

Nodes have no part in garbage collection: a tree has no circles, and the check of 64 KiB makes ten thousand nodes.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class NumberArgument(msgspec.Struct, frozen=True, tag="number", gc=False):
    """A number, its quantifier multiplied in (§2.4.1). `at`: offset in characters of this and all other nodes."""

    value: int
    at: int = 0


class StringsArgument(msgspec.Struct, frozen=True, tag="strings", gc=False):
    """A string, or a list of strings (§2.4.2)."""

    texts: tuple[str, ...]
    listed: bool = False
    at: int = 0


class TagArgument(msgspec.Struct, frozen=True, tag="tag", gc=False):
    """A tag in lower case, without its colon (§2.6.2)."""

    name: str
    at: int = 0


Argument: TypeAlias = NumberArgument | StringsArgument | TagArgument


class Call(msgspec.Struct, frozen=True, gc=False):
    """A command or a test: a name in lower case and arguments (§2.6).

    Attributes:
      tests: the tests that it takes; `listed` when they are in parentheses.
      block: the commands in braces, None without braces.
      end: offset after the last argument.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    tests: tuple[Call, ...] = ()
    listed: bool = False
    block: tuple[Call, ...] | None = None
    at: int = 0
    end: int = 0
