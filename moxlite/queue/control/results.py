"""What the commands about the queue print: answers of the server, read by the command line.

Nothing else is imported here: a command has to start fast (ADMIN-83).
"""

import msgspec

__all__ = [
    "Changed",
    "Dropped",
    "HookLine",
    "Line",
    "PendingReport",
    "Rule",
    "SentFrom",
    "SentReport",
    "SentReports",
    "StoppedAccount",
    "Suppressed",
    "Try",
    "WithoutReports",
]


class Changed(msgspec.Struct, frozen=True):
    """How many messages or webhooks an operation changed; `id` of a rule that was added."""

    messages: int
    id: int = 0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A message as lists show it; times in RFC 3339, UTC. `next_attempt` and `hold` are those of waiting messages,
    `success` and `last_activity` those of finished ones. For people: `why` it waits, or what went wrong, what comes
    `next`, and what the administrator must do (`admin`).
    """

    id: int
    queued: str
    account: str
    sender: str
    recipient: str
    message_id: str
    subject: str
    size: int
    attempts: int
    transport: str
    error: str
    next_attempt: str = ""
    hold: bool = False
    success: bool | None = None
    last_activity: str = ""
    why: str = ""
    next: str = ""
    admin: str = ""


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: when it began (RFC 3339), how many seconds it took, with whom, over which TLS, what was answered,
    and what that means.
    """

    start: str
    seconds: float
    transport: str
    host: str
    ip: str
    tls: str
    outcome: str
    reply: str
    meaning: str
    admin: str


class Rule(msgspec.Struct, frozen=True):
    """A hold rule."""

    id: int
    account: str
    sender: str
    recipient: str


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """An address to which an account sends nothing more; times in RFC 3339, UTC, empty for never."""

    account: str
    address: str
    base: str
    manual: bool
    reason: str
    created: str
    expires: str = ""


class SentFrom(msgspec.Struct, frozen=True):
    """A network that an account has sent from in the last day: the latest address, when first and last (RFC 3339)."""

    address: str
    first: str
    last: str
    messages: int


class StoppedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that the guard has stopped, or had; times in RFC 3339, UTC. `sign`: failures, networks or recipients;
    `why`: for people. What is held: `messages` to so many `recipients` in so many `domains`, the `oldest` queued then,
    "" for nothing.
    """

    account: str
    since: str
    sign: str
    why: str
    messages: int
    recipients: int
    domains: int
    oldest: str
    sources: list[SentFrom]


class HookLine(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as lists show it; times in RFC 3339, UTC. `next_attempt` is that of waiting ones, `success` and
    `last_activity` those of finished ones, `superseded_by` 0 unless another one took its place.
    """

    id: int
    msg_id: int
    submitted: str
    account: str
    event: str
    url: str
    attempts: int
    error: str
    next_attempt: str = ""
    success: bool | None = None
    last_activity: str = ""
    superseded_by: int = 0


class SentReport(msgspec.Struct, frozen=True):
    """What became of a report. `result`: sent, skipped or later; `why`: for people."""

    domain: str
    day: str
    result: str
    why: str
    recipients: tuple[str, ...]


class SentReports(msgspec.Struct, frozen=True):
    """How many reports were due, and what became of each."""

    due: int
    sent: int
    skipped: int
    later: int
    reports: list[SentReport]


class PendingReport(msgspec.Struct, frozen=True):
    """What was counted for a domain on a day, and is in no report yet: sessions, or messages."""

    about: str
    day: str
    total: int
    failed: int


class WithoutReports(msgspec.Struct, frozen=True):
    """An address that gets no reports until a time, RFC 3339."""

    address: str
    until: str
    comment: str


class Dropped(msgspec.Struct, frozen=True):
    """How many rows went."""

    rows: int
