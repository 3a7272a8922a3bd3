"""Answers of the queue's control commands, which the command line prints.

Nothing else is imported here: a command has to start fast (ADMIN-83).
"""

import msgspec


class Changed(msgspec.Struct, frozen=True):
    """Number of messages or webhooks that an operation changed; `id`: of a rule that was added."""

    messages: int
    id: int = 0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a list; times in RFC 3339, UTC. `next_attempt` and `hold` are set for waiting messages, `success`
    and `last_activity` for finished ones. Texts for people: `why` (the reason for waiting, or the error), `next` (the
    next step), `admin` (advice for the administrator).
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
    """One attempt: its start (RFC 3339) and duration, host, TLS, reply, and the meaning of the reply."""

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
    """A network that an account has sent from in the last day: the latest address, times of the first and last message
    (RFC 3339), number of messages.
    """

    address: str
    first: str
    last: str
    messages: int


class StoppedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that the guard has stopped, or that was just released; times in RFC 3339, UTC. `sign`: failures,
    networks or recipients; `why`: for people. Held mail: numbers of `messages`, `recipients` and `domains`; `oldest`:
    when the oldest message was queued, "" for no messages.
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


class HookTest(msgspec.Struct, frozen=True, kw_only=True):
    """A call of ``queue webhook test``. `status`: of HTTP, 0 without an answer; `response`: its first 512 octets."""

    event: str
    url: str
    success: bool
    status: int
    error: str
    response: str


class HookLine(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook in a list; times in RFC 3339, UTC. `next_attempt` is set for waiting webhooks, `success` and
    `last_activity` for finished ones; `superseded_by`: id of the webhook in its place, or 0.
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
    """The outcome of sending a report. `result`: sent, skipped or later; `why`: for people."""

    domain: str
    day: str
    result: str
    why: str
    recipients: tuple[str, ...]


class SentReports(msgspec.Struct, frozen=True):
    """The outcomes of all reports that were due, with their numbers by result."""

    due: int
    sent: int
    skipped: int
    later: int
    reports: list[SentReport]


class PendingReport(msgspec.Struct, frozen=True):
    """Counts of a domain on a day that no report contains yet: sessions (TLS) or messages (DMARC)."""

    about: str
    day: str
    total: int
    failed: int


class WithoutReports(msgspec.Struct, frozen=True):
    """An address that gets no reports before `until`, RFC 3339."""

    address: str
    until: str
    comment: str


class Dropped(msgspec.Struct, frozen=True):
    """Number of deleted rows."""

    rows: int


class KeptPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The MTA-STS policy of another domain in cache.db. `mode`: "" if no policy could be fetched, for the reason
    `failure` (RFC 8460 §4.3). `max_age` in seconds, times in µs UTC. Mode and names are the other domain's words.
    """

    domain: str
    mode: str
    mx: list[str]
    max_age: int
    valid_end: int
    last_update: int
    last_use: int
    failure: str
    record_id: str
