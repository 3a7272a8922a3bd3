"""Questions of the server to a process that knows `regex`, and its answers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class Question(msgspec.Struct, frozen=True):
    """Compile a pattern, and search it in texts, for at most `seconds` of the processor together. `texts`: UTF-8 in
    which also half a surrogate pair may stand.
    """

    pattern: str
    texts: tuple[bytes, ...] = ()
    seconds: float = 0.0


class Answer(msgspec.Struct, frozen=True):
    """Outcome of a question.

    Attributes:
      outcome: "fault": it is not a regular expression, `text` says why. "costly": to compile it takes too much memory.
        "slow": the seconds were not enough for all texts.
      found: whether the pattern is found in each text, of "slow" in those that were searched.
      compiling, searching: seconds of the processor. memory: octets that the process has grown by.
    """

    outcome: Literal["done", "fault", "costly", "slow"]
    text: Annotated[str, msgspec.Meta(max_length=500)] = ""
    found: tuple[bool, ...] = ()
    compiling: float = 0.0
    searching: float = 0.0
    memory: int = 0


class TooCostly(Exception):
    """The system ended the process: the pattern takes too much time to compile."""


class NoProcess(Exception):
    """No process can be started, or it did not answer in time, as on a busy machine."""
