"""Submission to the queue: the envelope and all facts of one message (QUEUE-1..6, SMTP-111..118).

smtpd, webmail, webapi and the senders of reports and DSNs make it; `queue.submit` takes it together with the spool of
the octets. It is defined in store because a submission with a Sent copy waits as a row of the account's outbox
(STORE-189a), packed by `pack`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from enum import IntFlag
from typing import Final, TypeAlias

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.proto.address import Address
from moxlite.store.content.spool import Spool
from moxlite.store.errors import StoreError
from moxlite.wording import worded

MAX_EXTRA: Final = 16 << 10
"""Octets of all keys and values of `extra` together (QUEUE-5)."""

MAX_EXTRA_KEYS: Final = 64
"""Keys in `extra` (QUEUE-5)."""

EVENT: Final = "moxlite-event"
"""Key of `extra` with the id of the entry of a calendar that a mail is about."""

KEPT: Final = "moxlite-kept"
"""Key of `extra` of a message that an account has sent on and kept: its author has reached the owner, so the author
isn't told what becomes of it.
"""

MAX_EXTRA_KEY: Final = 64
"""Octets of one key (QUEUE-5)."""


class QueueFull(StoreError):
    """The account has too many messages in the queue already (SMTP-115); the text is for the sender."""


class FromIDTaken(StoreError):
    """The unique sender id of a submission is in use (QUEUE-6)."""

    def __init__(self, from_id: str) -> None:
        super().__init__(f"sender ID {from_id} is already in use")
        self.from_id = from_id


class SendingStopped(StoreError):
    """The account's sending looks abused, so the queue accepts nothing until the administrator releases it (SMTP-170).

    The text is for its user. `since`: µs UTC.
    """

    def __init__(self, since: int) -> None:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(since // 1_000_000))
        super().__init__(
            worded(
                "sending is paused for your account since {when} because it may be compromised. Messages you "
                "sent are on hold. Contact your administrator and change your password",
                when=when,
            )
        )
        self.since = since


class DSNNotify(IntFlag):
    """Events for which the sender wants a DSN for a recipient (RFC 3461 §4.1); 0: not specified, DSNs for failures and
    delays.
    """

    NEVER = 1
    SUCCESS = 2
    FAILURE = 4
    DELAY = 8


class SubmissionRecipient(msgspec.Struct, frozen=True, omit_defaults=True):
    """One recipient of a submission: it becomes one row of the queue.

    ``dsn_orcpt``: as given, ``rfc822;…``, decoded from xtext (RFC 3461 §4.2). ``mail_from`` replaces the submission's
    ``mail_from`` for this recipient and holds ``from_id`` in its localpart (QUEUE-6); both are unset without FROMID.
    """

    address: Address
    dsn_notify: DSNNotify = DSNNotify(0)
    dsn_orcpt: str = ""
    mail_from: Address | None = None
    from_id: str = ""


class Submission(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message for the queue.

    Attributes:
      account: the sending account; DSNs are delivered to it, and its limits have counted the message.
      mail_from: the envelope sender, None for the null path ``<>``.
      recipients: at least one; one row each.
      received: time of acceptance, µs UTC.
      prefix: header lines put before the octets of the spool, each ending in CRLF: DKIM-Signature, Received.
      has8bit, smtputf8: extensions that the next server must support (SMTP-29).
      requiretls: True for REQUIRETLS (RFC 8689 §2), False for ``TLS-Required: No`` (§5), None for neither.
      message_id: as in the header with its brackets, "" without one (QUEUE-4).
      subject: decoded, shown in lists of the queue.
      extra: text pairs that travel to rows and webhooks (QUEUE-5).
      hold_until: µs UTC of FUTURERELEASE, None: send at once; future_release: ``for;SECONDS`` or ``until;TIME`` for
        DSNs (QUEUE-27).
      hold: no attempt is made until an administrator releases it (QUEUE-20).
      dsn_ret, dsn_envid: ``FULL``, ``HDRS`` or ""; the decoded envelope id (RFC 3461 §4.3, §4.4).
      priority: MT-PRIORITY (RFC 6710), -9..9. deliver_by: seconds and mode letters of DELIVERBY (RFC 2852), "" if not
        given.
      transport: name of the transport to use, "" for routing.
      login_address: the address of the log-in, "" for mail made by the server. remote: the client's IP address, "" if
        it is not known.
      key: makes the submission unique for 7 days: a second one with the same key adds nothing (STORE-189). Empty: it is
        not unique. note: octets that the queue keeps with the key (`apiqueue.Receipt`).
    """

    account: str
    mail_from: Address | None
    recipients: tuple[SubmissionRecipient, ...]
    received: int
    prefix: bytes = b""
    has8bit: bool = False
    smtputf8: bool = False
    requiretls: bool | None = None
    message_id: str = ""
    subject: str = ""
    extra: dict[str, str] = {}
    hold_until: int | None = None
    hold: bool = False
    future_release: str = ""
    dsn_ret: str = ""
    dsn_envid: str = ""
    priority: int = 0
    deliver_by: str = ""
    is_dmarc_report: bool = False
    is_tls_report: bool = False
    transport: str = ""
    login_address: str = ""
    remote: str = ""
    key: bytes = b""
    note: bytes = b""

    def pack(self) -> bytes:
        """Encode the submission for a row of the outbox."""
        return to_msgpack(self)

    @classmethod
    def unpack(cls, data: bytes) -> Submission:
        """Decode the octets of `pack`. Raises msgspec.DecodeError or ValidationError if they are damaged."""
        return _DECODER.decode(data)


Submit: TypeAlias = Callable[[Submission, Spool], Awaitable[list[int]]]
"""Type of `queue.submit`. It adds one row per recipient and returns their ids after the commit. The caller still owns
the spool. Raises QueueFull, FromIDTaken, SendingStopped, and the errors of `Database.write`.
"""

_DECODER: Final = msgpack_decoder(Submission)
