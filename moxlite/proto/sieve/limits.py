"""Limits of scripts and of their execution (IMAP-142). Beyond one of them a script is refused, or ends in an error and
the message is kept.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_ACTIONS",
    "MAX_BODY",
    "MAX_CAPTURES",
    "MAX_FAULTS",
    "MAX_FLAGS",
    "MAX_INCLUDES",
    "MAX_MADE",
    "MAX_MAILBOX",
    "MAX_NAME",
    "MAX_NESTING",
    "MAX_NODES",
    "MAX_NUMBER",
    "MAX_REDIRECTS",
    "MAX_REQUIRES",
    "MAX_SCRIPT",
    "MAX_STEPS",
    "MAX_STRING",
    "MAX_TRACKED",
    "MAX_VALUE",
    "MAX_VARIABLES",
    "MAX_WORDS",
    "MAX_WORK",
]

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
"""Work for one message (`budget`): 128 tests of a body of 256 Ki characters. A tenth of a second of a thread; of a
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
