"""Finding out what a reply means (QUEUE-180), and what it says of the recipient (QUEUE-82)."""

from typing import Final

from moxlite.queue.bounces.table import BARE, CODES, ENTRIES, OURS, Cause, Entry, Meaning

__all__ = ["UNNAMED", "explain", "is_of_the_recipient", "names_dead_address"]

MAX_TEXT: Final = 2048
"""Characters of a reply that are looked at: what is kept of one (QUEUE-150)."""

UNNAMED: Final = Meaning(Cause.OTHER, "")
"""What no entry knows."""

DEAD_STATUS: Final = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
DEAD_CODES: Final = frozenset({521, 556})
"""RFC 7504: the host, the domain takes no mail."""

ALIVE_STATUS: Final = ("7.", "2.2", "3.4", "6.")
"""A rule, a full mailbox, the size or the form of one message."""

OWN_COMMANDS: Final = frozenset({"route", "auth", "mtasts"})
"""Failures of our side: a transport that fails on purpose, a smarthost that does not know our password."""

NOT_OF_RECIPIENT: Final = frozenset(
    {
        Cause.BLOCKED_IP,
        Cause.RATE,
        Cause.CONTENT,
        Cause.SIZE,
        Cause.POLICY,
        Cause.AUTH,
        Cause.GREYLIST,
        Cause.TLS,
        Cause.FULL,
    }
)

UNKNOWN_CODES: Final = frozenset({550, 551, 553})


def explain(code: int, status: str, text: str, command: str = "") -> Meaning:
    """What a failure means.

    Args:
      code: of the reply, 0 where there was none. status: the enhanced code without its class, or "".
      text: the lines of the reply, or what we say ourselves.
      command: what was being done.
    """
    if command in OURS:
        return OURS[command]
    words = " ".join(text[:MAX_TEXT].lower().replace("\u2019", "'").split())
    for entry in ENTRIES:
        if _fits(entry, code, status, words):
            return entry.meaning
    for known, meaning in CODES:
        if _one_of(status, known):
            return meaning
    return UNNAMED if code else BARE.get(command, UNNAMED)


def _fits(entry: Entry, code: int, status: str, words: str) -> bool:
    return (
        (not entry.codes or code in entry.codes)
        and (not entry.status or _one_of(status, entry.status))
        and all(one in words for one in entry.words)
    )


def _one_of(status: str, known: tuple[str, ...]) -> bool:
    return bool(status) and any(status == one or (one.endswith(".") and status.startswith(one)) for one in known)


def names_dead_address(code: int, status: str, text: str, command: str) -> bool:
    """Whether a permanent failure says that the address will not come back to life, so that the account sends there no
    more (QUEUE-82): never what a rule, a full mailbox or a block of our own address has caused.
    """
    if not is_of_the_recipient(code, status, text, command):
        return False
    cause = explain(code, status, text, command).cause
    if status in DEAD_STATUS or code in DEAD_CODES:
        return True
    return not status and code in UNKNOWN_CODES and command == "rcpt" and cause is Cause.UNKNOWN_USER


def is_of_the_recipient(code: int, status: str, text: str, command: str) -> bool:
    """Whether a permanent failure by another server may lie with the address at all: not a rule, a full mailbox, the
    size or form of one message, nor anything about us.
    """
    if code < 500 or command in OWN_COMMANDS or _one_of(status, ALIVE_STATUS):
        return False
    return explain(code, status, text, command).cause not in NOT_OF_RECIPIENT
