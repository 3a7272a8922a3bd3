"""Patterns of LIST and LSUB (RFC 9051 §6.3.9): ``*`` matches anything, ``%`` anything but the separator (IMAP-67,
IMAP-146).

Theory of operation
-------------------
A pattern is run as a machine whose states are the positions in it, all at once: one integer holds
a bit for each position that can have been reached. Each character of a name costs a handful of operations on that
integer, whatever the pattern: there is no backtracking to attack.
"""

import re
from typing import Final

from moxlite.imapd.session.errors import bad
from moxlite.store.names import composed

MAX_PATTERN: Final = 1000
"""Characters of a pattern (IMAP-146): as many as a name may have."""

_WILDCARDS: Final = re.compile(r"[*%]+")


class Pattern:
    """One pattern, joined with its reference. Names are compared with regard to case, except INBOX."""

    __slots__ = ("_any", "_end", "_inbox", "_letters", "_part", "_wild", "text")

    def __init__(self, reference: str, pattern: str) -> None:
        """`reference` and `pattern` as in LIST, joined as they are. Raises Refused (BAD) if they're too long."""
        text = composed(reference + pattern)
        if len(text) > MAX_PATTERN:
            raise bad("pattern is too long")
        # Adjacent wildcards are merged, so that one step of closure is enough.
        self.text = _WILDCARDS.sub(lambda match: "*" if "*" in match[0] else "%", text)
        self._inbox = text[:1] in "iI*%"  # INBOX is the same name in any case (RFC 9051 §5.1)
        self._letters: dict[str, int] = {}
        self._any = self._part = 0
        for position, letter in enumerate(self.text):
            bit = 1 << position
            if letter == "*":
                self._any |= bit
            elif letter == "%":
                self._part |= bit
            else:
                self._letters[letter] = self._letters.get(letter, 0) | bit
        self._wild = self._any | self._part
        self._end = 1 << len(self.text)

    def matches(self, name: str) -> bool:
        """Whether `name` matches."""
        if self._run(name):
            return True
        if self._inbox and name[:5] == "Inbox" and (len(name) == 5 or name[5] == "/"):
            return self._run("INBOX" + name[5:]) or self._run("inbox" + name[5:])
        return False

    def _run(self, name: str) -> bool:
        if not self._wild:
            return name == self.text
        if self._wild << 1 == self._end:  # the usual case: one wildcard, at the end
            head = len(self.text) - 1
            return name.startswith(self.text[:head]) and (self._any > 0 or name.find("/", head) < 0)
        letters, wild, anything, part = self._letters, self._wild, self._any, self._part
        states = 1
        for letter in name:
            states |= (states & wild) << 1
            stay = states & (anything if letter == "/" else anything | part)
            states = (states & letters.get(letter, 0)) << 1 | stay
            if not states:
                return False
        states |= (states & wild) << 1
        return bool(states & self._end)
