"""Faults of a script: at upload with their place, at run time with their line."""

from __future__ import annotations

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """A fault in a script. `line` and `column` count from 1, columns in characters; `text` names what was expected."""

    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.text}"


class ScriptError(ValueError):
    """The script was refused.

    Attributes:
      faults: at least one, in the order of the text.
      requires: extensions that the script asks for, as far as it could be read.
    """

    def __init__(self, faults: tuple[Fault, ...], requires: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults
        self.requires = requires


class SyntaxFault(ValueError):
    """The text cannot be read on. `at`: offset in characters."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at


class RunError(Exception):
    """An error at run time: the message is kept, and nothing else is done (RFC 5228 §2.10.6)."""
