"""The envelope and options of a message that a user submits; its octets are in a spool."""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

import msgspec

from moxlite.config.snapshot import Snapshot
from moxlite.logins.identity import Identity
from moxlite.proto.address import Address, Domain
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.submission.authors import OWN, FindWay, SendingRoute


class OutgoingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope and options of one submitted message.

    Attributes:
      snapshot: the configuration for all decisions about the message.
      identity: the user.
      hostname: of this server, in a Message-Id that is made.
      mail_from: the envelope sender, one that the caller has checked to belong to the user; None for the null path.
      recipients: the envelope's, at least one, without FROMID.
      remote: the address of the client, "" if unknown.
      received: time of submission, µs UTC.
      max_size: octets of a message.
      trace: header fields to put on top, each ending in CRLF.
      may_need_smtputf8, may_have_8bit: False if a pedantic server requires these parameters of MAIL and the client did
        not give them (SMTP-29).
      own_from_id: the client has chosen a FROMID if `mail_from` has text after a separator. False: that text belongs to
        the address in From, and each recipient gets a new FROMID.
      extra: text pairs for the queue, beside those in fields of the message (QUEUE-5).
      way_of: tells how mail from an address goes out, if the user may write from it.
      requiretls, hold_until, future_release, dsn_ret, dsn_envid, priority, deliver_by: as in `Submission`.
    """

    snapshot: Snapshot
    identity: Identity
    hostname: Domain
    mail_from: Address | None
    recipients: tuple[SubmissionRecipient, ...]
    received: int
    remote: str = ""
    max_size: int
    way_of: FindWay
    trace: bytes = b""
    may_need_smtputf8: bool = True
    may_have_8bit: bool = True
    own_from_id: bool = True
    extra: dict[str, str] = {}
    requiretls: bool = False
    hold_until: int | None = None
    future_release: str = ""
    dsn_ret: str = ""
    dsn_envid: str = ""
    priority: int = 0
    deliver_by: str = ""


class Complete(msgspec.Struct, frozen=True):
    """A checked and signed message: the submission for the queue, its author, and the way of mail from that.

    ``added``: the fields that the message lacked, which the prefix of the submission ends with. ``dropped``: names of
    the fields that do not go out, since `added` replaces them, or they name another user.
    ``prepared``: parsed from the caller's spool; None if parts of the spool do not go out, such as Bcc.
    """

    submission: Submission
    author: Address
    way: SendingRoute = OWN
    added: bytes = b""
    dropped: tuple[bytes, ...] = ()
    prepared: PreparedMessage | None = None


# Exceptions of `submit`: why a message is not sent.


class SubmissionRefused(Exception):
    """The message cannot be sent as it is; nothing was queued.

    `code` and `ecode`: of the SMTP reply, 4xx if a retry makes sense. `result`: the label for metrics.
    """

    def __init__(self, code: int, ecode: str, text: str, result: str) -> None:
        super().__init__(text)
        self.code = code
        self.ecode = ecode
        self.text = text
        self.result = result


class SubmissionStuck(Exception):
    """The commit took too long; the message may be queued or not."""


# How well mail to a domain would be protected, for the user who writes it (WEBMAIL-94).


Finding = Literal["yes", "no", "error", ""]
"""``error``: the look-up failed; "": it was not made."""


class Assurance(msgspec.Struct, frozen=True):
    """The protection of mail to a domain, as DNS and its MTA-STS policy promise it.

    Attributes:
      mtasts: it has a policy that is enforced (RFC 8461).
      dnssec: DNSSEC vouches for the names of its mail hosts.
      dane: the first of these has TLSA records that can verify it (RFC 7672).
    """

    mtasts: Finding = ""
    dnssec: Finding = ""
    dane: Finding = ""


Assure: TypeAlias = Callable[[Domain], Awaitable[Assurance]]
"""Looks up the protection of mail to a domain, in 15 s at most; raises nothing."""


async def not_asked(domain: Domain) -> Assurance:
    """Return an empty result, for servers that make no look-ups: localserve, and a server without a queue."""
    return Assurance()
