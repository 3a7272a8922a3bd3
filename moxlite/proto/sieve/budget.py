"""The bounds of one run: steps, work, text that it makes, and the time of its thread (IMAP-142).

Everything that a script makes of a message is charged here before it is made, so that the largest message and the
worst script together end in an error. All costs are counted: a script that runs on one machine runs on any other. The
time of the thread is the last net, for a cost that is counted too low.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.limits import MAX_MADE, MAX_STEPS, MAX_WORK

__all__ = ["CALL", "Budget", "weight"]

CALL: Final = 64
"""Work of a small operation in Python, such as a call: 0.2 µs, as long as 64 characters are compared."""

PIECE: Final = 256 << 10
"""Work between two looks at the time: a millisecond."""


class Budget:
    """Counts what one run uses.

    Args:
      overdue: whether the run has used up its time; asked after each PIECE of work.

    Attributes:
      steps: commands and tests so far. work: so far; 1 for a character that is compared.
      pause: the work at which `charge` looks again; callers that count by themselves call it then.
    """

    __slots__ = ("_made", "_overdue", "pause", "steps", "work")

    def __init__(self, overdue: Callable[[], bool] = lambda: False) -> None:
        self._overdue = overdue
        self._made = 0
        self.steps = 0
        self.work = 0
        self.pause = PIECE

    def step(self, count: int = 1) -> None:
        """Count a command or test, or `count` names that a test looks up. Raises RunError."""
        self.steps += count
        if self.steps > MAX_STEPS:
            raise RunError(f"the script takes more than {MAX_STEPS} steps")

    def charge(self, work: int) -> None:
        """Count work before it is done. Raises RunError."""
        self.work += work
        if self.work <= self.pause:
            return
        if self.work > MAX_WORK:
            raise RunError("the script takes too much work on this message: it needs fewer tests, or shorter texts")
        if self._overdue():
            raise RunError("the script takes too much time on this message: it needs fewer tests, or shorter texts")
        self.pause = self.work + PIECE

    def make(self, octets: int) -> None:
        """Count text before it is made, and the work of it. Raises RunError."""
        self._made += octets
        if self._made > MAX_MADE:
            raise RunError("the script makes too much text of this message: it needs fewer variables and tests")
        self.charge(octets)


def weight(text: str) -> int:
    """Octets of a text in memory, at most."""
    return len(text) if text.isascii() else 4 * len(text)
