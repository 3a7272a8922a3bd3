"""Limits of scripts and of their execution (IMAP-142), and the budget of one run (IMAP-142c). Beyond one of them a
script is refused, or ends in an error and the message is kept.

Everything that a script makes of a message is charged to the budget before it is made, so that the largest message and
the worst script together end in an error. All costs are counted: a script that runs on one machine runs on any other.
The time of the thread is the last net, for a cost that is counted too low.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moxlite.proto.sieve.errors import RunError

MAX_SCRIPT: Final = 64 << 10
"""Octets of a script (IMAP-141)."""

MAX_NESTING: Final = 30
"""Depth of blocks and tests in each other; RFC 5228 §4 asks for 15. The checker and printer recurse as deep."""

MAX_NODES: Final = 5000
"""Commands and tests of a script. People write a hundred; the check of as many takes 20 ms."""

MAX_REQUIRES: Final = 100
"""Extensions named by one script: there are 60 registered ones."""

MAX_FAULTS: Final = 20
"""Faults that are told of one script: the writer reads the first ones."""

MAX_NUMBER: Final = (1 << 63) - 1
"""Largest number: RFC 5228 §2.4.1 asks for 31 bits, and SQLite and msgpack hold 63."""

MAX_STRING: Final = 64 << 10
"""Characters of a string after its variables are replaced: the size of the largest script."""

MAX_VALUE: Final = 4096
"""Characters of a variable; RFC 5229 §6 asks for 4000 octets, and longer ones are cut."""

MAX_VARIABLES: Final = 256
"""Variables of one script; RFC 5229 §6 asks for 128."""

MAX_NAME: Final = 64
"""Characters of the name of a variable; RFC 5229 §6 asks for 32."""

MAX_FLAGS: Final = 64
"""IMAP flags on one message."""

MAX_WORDS: Final = 1024
"""Words that one command reads as flags: no message has as many."""

MAX_STEPS: Final = 10_000
"""Commands and tests executed for one message, included scripts among them; a test takes one for each of its names."""

MAX_WORK: Final = 32 << 20
"""Work for one message (`Budget`): 128 tests of a body of 256 Ki characters. A tenth of a second of a thread; of a
Raspberry Pi half a second.
"""

MAX_MADE: Final = 6 << 20
"""Octets of all texts that are made for one message, whether they are kept or not. With lists and decoders around them
a run takes at most 16 MB.
"""

MAX_BODY: Final = 256 << 10
"""Characters of a body that tests see. Longer texts are rare; HTML of this size takes some 10 MB while it is read."""

MAX_CAPTURES: Final = 32
"""Match variables, the whole text among them; RFC 5229 §3.2 asks for 10."""

MAX_EXPRESSION: Final = 256
"""Characters of a regular expression, as of the pattern of a rule (STORE-162)."""

MAX_EXPRESSIONS: Final = 200
"""Regular expressions of a script: each takes up to 64 KiB while the script is kept ready, and a sane one 4."""

MAX_MAILBOX: Final = 1000
"""Characters of the name of a mailbox."""

MAX_TRACKED: Final = 100
"""Ids that one message adds to those that ``duplicate`` remembers."""

MAX_ACTIONS: Final = 32
"""Actions on one message."""

MAX_REDIRECTS: Final = 5
"""Redirects of one message (RFC 5228 §4.2 asks for a limit against mail bombs)."""

MAX_INCLUDES: Final = 10
"""Depth of included scripts (RFC 6609 §3.1)."""

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
            raise RunError(f"the script ran too many steps (limit {MAX_STEPS})")

    def charge(self, work: int) -> None:
        """Count work before it is done. Raises RunError."""
        self.work += work
        if self.work <= self.pause:
            return
        if self.work > MAX_WORK:
            raise RunError("the script is too complex to process this message; use fewer tests or shorter strings")
        if self._overdue():
            raise RunError("the script took too long to process this message; use fewer tests or shorter strings")
        self.pause = self.work + PIECE

    def make(self, octets: int) -> None:
        """Count text before it is made, and the work of it. Raises RunError."""
        self._made += octets
        if self._made > MAX_MADE:
            raise RunError("the script generated too much text for this message; use fewer variables and tests")
        self.charge(octets)


def weight(text: str) -> int:
    """Octets of a text in memory, at most."""
    return len(text) if text.isascii() else 4 * len(text)
