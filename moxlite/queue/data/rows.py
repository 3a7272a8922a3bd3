"""The rows of queue.db as values (docs/spec/queue.md §1): messages that wait, messages that are finished, and their
attempts.

Domains are lower-case U-labels, as in the database (QUEUE-2).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from moxlite.encoding import from_builtins, from_json, json_decoder, to_json
from moxlite.proto.address import NULL_PATH, Domain, Localpart, Path, pack_localpart, parse_ip_literal
from moxlite.store.delivery.status import ReceiverKind
from moxlite.store.delivery.submission import DSNNotify
from moxlite.store.file.transaction import Row as SQLRow

DELIVERING: Final = "delivering..."
"""Error text of an attempt that is under way (QUEUE-7)."""

INTERRUPTED: Final = "interrupted"
"""Error text of an attempt that was under way when the process ended; set at the next start."""

MAX_RESULTS: Final = 100
"""Attempts kept per message; the oldest go first (QUEUE-155)."""


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt. ``start`` in µs UTC, ``duration`` in µs.

    ``code`` is 0, ``secode`` (the enhanced code without its class) and ``reply`` (the server's lines) are empty if no
    server replied. ``error``: text for people. ``command``: the SMTP command or step that failed. ``tls`` is the
    version and cipher, ``policy`` the policies that were satisfied (``dane sts``, ``opportunistic``), ``clear`` without
    TLS, "" without a session. ``tls_failures``: in the words of RFC 8460 §4.3, at most 10. ``handed``: the kind of
    server that took the message, after a success.
    """

    start: int
    duration: int = 0
    success: bool = False
    code: int = 0
    secode: str = ""
    command: str = ""
    error: str = ""
    reply: str = ""
    transport: str = ""
    host: str = ""
    ip: str = ""
    tls: str = ""
    policy: str = ""
    tls_failures: tuple[str, ...] = ()
    handed: ReceiverKind = ReceiverKind.NOBODY


def decode_results(text: str) -> tuple[Result, ...]:
    """Decode the column ``results``."""
    return from_json(text, tuple[Result, ...])


def encode_results(results: Sequence[Result]) -> str:
    """Encode the last MAX_RESULTS attempts for the column ``results``."""
    return to_json(list(results[-MAX_RESULTS:])).decode()


def _path(localpart: str, domain: str) -> Path:
    if not domain:
        return NULL_PATH
    host = parse_ip_literal(domain, untagged_ipv6=True) if domain.startswith("[") else Domain.parse(domain)
    return Path(Localpart(localpart), host)


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    base_id: int
    queued: int
    account: str
    login_address: str
    sender_localpart: str
    sender_domain: str
    from_id: str
    rcpt_localpart: str
    rcpt_domain: str
    message_id: str
    subject: str
    attempts: int
    max_attempts: int
    last_attempt: int | None
    dialed_ips: Mapping[str, tuple[str, ...]]
    results: tuple[Result, ...]
    transport: str
    future_release_request: str
    has8bit: bool
    smtputf8: bool
    is_dmarc_report: bool
    is_tls_report: bool
    size: int
    require_tls: bool | None
    extra: Mapping[str, str]
    dsn_notify: DSNNotify
    dsn_ret: str
    dsn_envid: str
    dsn_orcpt: str

    @property
    def sender(self) -> Path:
        """The envelope sender, possibly the null path."""
        return _path(self.sender_localpart, self.sender_domain)

    @property
    def recipient(self) -> Path:
        """The envelope recipient."""
        return _path(self.rcpt_localpart, self.rcpt_domain)

    @property
    def sender_address(self) -> str:
        """The sender's address for people; empty for the null path."""
        return f"{pack_localpart(Localpart(self.sender_localpart))}@{self.sender_domain}" if self.sender_domain else ""

    @property
    def recipient_address(self) -> str:
        """The recipient's address for people."""
        return f"{pack_localpart(Localpart(self.rcpt_localpart))}@{self.rcpt_domain}"

    @property
    def last_result(self) -> Result | None:
        """The latest attempt."""
        return self.results[-1] if self.results else None


class Message(_Common, frozen=True, kw_only=True):
    """A row of ``msg``: a message for one recipient that waits or is being delivered. Times in µs UTC, sizes in
    octets. `guarded`: it is on hold because its account is stopped (SMTP-170).
    """

    content_id: int
    hold: bool
    next_attempt: int
    prefix: bytes
    priority: int
    deliver_by: str
    dsn_due: str
    dsn_next: int
    guarded: bool

    @property
    def done(self) -> bool:
        """Whether the message has made its last attempt, and waits only for its DSN."""
        return self.dsn_due not in {"", "delayed"}


class Retired(_Common, frozen=True, kw_only=True):
    """A row of ``msg_retired``: a message that was delivered, failed, or was dropped."""

    success: bool
    last_activity: int
    keep_until: int


MESSAGE_FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(Message))
RETIRED_FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(Retired))
MESSAGE_COLUMNS: Final = ", ".join(MESSAGE_FIELDS)
RETIRED_COLUMNS: Final = ", ".join(RETIRED_FIELDS)

_JSON: Final[Mapping[str, Any]] = {
    "dialed_ips": json_decoder(dict[str, tuple[str, ...]]).decode,
    "results": json_decoder(tuple[Result, ...]).decode,
    "extra": json_decoder(dict[str, str]).decode,
}


def _values(fields: Sequence[str], row: SQLRow) -> dict[str, object]:
    return {name: _JSON[name](value) if name in _JSON else value for name, value in zip(fields, row, strict=True)}


def message_of(row: SQLRow) -> Message:
    """Convert a row selected with MESSAGE_COLUMNS."""
    return from_builtins(_values(MESSAGE_FIELDS, row), Message, strict=False)


def retired_of(row: SQLRow) -> Retired:
    """Convert a row selected with RETIRED_COLUMNS."""
    return from_builtins(_values(RETIRED_FIELDS, row), Retired, strict=False)
