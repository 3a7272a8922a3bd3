"""The vocabulary in which commands and tests declare their arguments (RFC 5228 §2.6).

A struct of `commands` or `conditions` has its `Syntax` beside its fields. The checker reads arguments by it, and the
printer writes them.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Final, TypeAlias

import msgspec

Strings: TypeAlias = tuple[str, ...]


class Value(Enum):
    """Kind of an argument; the value is its name in faults."""

    STRING = "a string"
    STRINGS = "a string or a list of strings"
    NUMBER = "a number"


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A tagged argument.

    Attributes:
      tag: without colon. field: the field of the struct that gets its value.
      takes: the kind of the argument after the tag; None for a tag alone.
      value: of a tag alone. form: for STRING, how the field's text is made of the argument, e.g. ``value {}``.
      needs: the extension that it belongs to, "" for that of the command.
      group: options of one group exclude each other; the field without a name of its own.
    """

    tag: str
    field: str
    takes: Value | None = None
    value: bool | str = True
    form: str = ""
    needs: str = ""
    group: str = ""

    @property
    def excludes(self) -> str:
        """Name of the group."""
        return self.group or self.field


class Positional(msgspec.Struct, frozen=True):
    """A positional argument. `optional`: may be left out; told from the others by their number."""

    field: str
    takes: Value
    optional: bool = False


class Syntax(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a command or test.

    Attributes:
      name: in lower case.
      needs: extensions of which the script must ask for one; empty for the commands of RFC 5228 itself.
      options: tagged arguments, in the order in which they are printed.
      positional: in order.
      by_tag: the options by their tags; made of `options`.
    """

    name: str
    needs: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    positional: tuple[Positional, ...] = ()
    by_tag: dict[str, Option] = {}

    def __post_init__(self) -> None:
        self.by_tag.update((option.tag, option) for option in self.options)


class Written(msgspec.Struct, frozen=True, tag_field="is", omit_defaults=True, kw_only=True):
    """Base of commands and tests whose arguments are as their syntax says."""

    syntax: ClassVar[Syntax]


IS: Final = "is"
CONTAINS: Final = "contains"
MATCHES: Final = "matches"
REGEX: Final = "regex"
"""Match types (RFC 5228 §2.7.1, draft-murchison-sieve-regex §3). RFC 5231 adds ``value gt`` and ``count gt``, with all
relations.
"""

MATCH: Final = (
    Option(tag="is", field="match", value=IS),
    Option(tag="contains", field="match", value=CONTAINS),
    Option(tag="matches", field="match", value=MATCHES),
    Option(tag="regex", field="match", value=REGEX, needs="regex"),
    Option(tag="value", field="match", takes=Value.STRING, form="value {}", needs="relational"),
    Option(tag="count", field="match", takes=Value.STRING, form="count {}", needs="relational"),
)
COMPARATOR: Final = (Option(tag="comparator", field="comparator", takes=Value.STRING),)

ADDRESS_PART: Final = (
    Option(tag="all", field="part", value="all"),
    Option(tag="localpart", field="part", value="localpart"),
    Option(tag="domain", field="part", value="domain"),
    Option(tag="user", field="part", value="user", needs="subaddress"),
    Option(tag="detail", field="part", value="detail", needs="subaddress"),
)
"""RFC 5228 §2.7.4, RFC 5233 §4."""

INDEX: Final = (
    Option(tag="index", field="index", takes=Value.NUMBER, needs="index"),
    Option(tag="last", field="last", needs="index"),
)
"""RFC 5260 §6. An index of 0 stands for all fields."""
