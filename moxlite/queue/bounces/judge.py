"""Classification of replies: their meaning (QUEUE-180), and whether the recipient's address is dead (QUEUE-82)."""

from typing import Final

from moxlite.queue.bounces.table import BARE, CODES, ENTRIES, OURS, Cause, Entry, Meaning

MAX_TEXT: Final = 2048
"""Characters of a reply that are searched: as many as are kept (QUEUE-150)."""

UNNAMED: Final = Meaning(Cause.OTHER, "")
"""The meaning of a reply that no entry matches."""

DEAD_STATUS: Final = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
DEAD_CODES: Final = frozenset({521, 556})
"""The host or the domain takes no mail (RFC 7504)."""

ALIVE_STATUS: Final = ("7.", "2.2", "3.4", "6.")
"""Enhanced codes for a policy, a full mailbox, or the size or form of one message."""

OWN_COMMANDS: Final = frozenset({"route", "auth", "mtasts"})
"""Commands of failures on our side: a transport that fails on purpose, a smarthost that rejects our password."""

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
    """Return the meaning of a failure.

    Args:
      code: of the reply, 0 without a reply. status: the enhanced code without its class, or "".
      text: the lines of the reply, or our own error text.
      command: the SMTP command or step that failed.
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
    """Whether a permanent failure shows that the address is dead, so that the account sends nothing more to it
    (QUEUE-82). False for a policy, a full mailbox or a block of our own address.
    """
    if not is_of_the_recipient(code, status, text, command):
        return False
    cause = explain(code, status, text, command).cause
    if status in DEAD_STATUS or code in DEAD_CODES:
        return True
    return not status and code in UNKNOWN_CODES and command == "rcpt" and cause is Cause.UNKNOWN_USER


def is_of_the_recipient(code: int, status: str, text: str, command: str) -> bool:
    """Whether a permanent failure by another server may be due to the recipient's address. False for a policy, a full
    mailbox, the size or form of one message, and failures due to our server.
    """
    if code < 500 or command in OWN_COMMANDS or _one_of(status, ALIVE_STATUS):
        return False
    return explain(code, status, text, command).cause not in NOT_OF_RECIPIENT
