"""What a user hands in, beside the octets."""

import msgspec

from moxlite.config.snapshot import Snapshot
from moxlite.logins.identity import Identity
from moxlite.proto.address import Address, Domain
from moxlite.store.delivery.submission import SubmissionRecipient

__all__ = ["Letter"]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends to whom, and how.

    Attributes:
      snapshot: the configuration by which all of it is decided.
      identity: the user.
      hostname: of this server, in a Message-Id that is made.
      mail_from: the envelope sender, which the caller has found to be the user's own; None for the null path.
      recipients: the envelope's, at least one, without FROMID.
      remote: the address of the client, "" where it is not known.
      received: when it was handed in, µs UTC.
      max_size: octets of a message.
      trace: header fields to stand on top, each ending in CRLF.
      may_need_smtputf8, may_have_8bit: False where a pedantic server was not told of such a need (SMTP-29).
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
    trace: bytes = b""
    may_need_smtputf8: bool = True
    may_have_8bit: bool = True
    requiretls: bool = False
    hold_until: int | None = None
    future_release: str = ""
    dsn_ret: str = ""
    dsn_envid: str = ""
    priority: int = 0
    deliver_by: str = ""
