"""Questions of the server to a process that knows `regex`, and its answers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class Question(msgspec.Struct, frozen=True):
    """Compile a pattern."""

    pattern: str


class Answer(msgspec.Struct, frozen=True):
    """Outcome of a question.

    Attributes:
      outcome: "fault": it is not a regular expression, `text` says why. "costly": to compile it takes too much memory.
      compiling: seconds of the processor. memory: octets that the process has grown by.
    """

    outcome: Literal["done", "fault", "costly"]
    text: Annotated[str, msgspec.Meta(max_length=500)] = ""
    compiling: float = 0.0
    memory: int = 0


class TooCostly(Exception):
    """The system ended the process: the pattern takes too much time to compile."""


class NoProcess(Exception):
    """No process can be started, or it did not answer in time, as on a busy machine."""
