"""The envelope and options of a message that a user submits; its octets are in a spool."""

import msgspec

from moxlite.config.snapshot import Snapshot
from moxlite.logins.identity import Identity
from moxlite.proto.address import Address, Domain
from moxlite.store.delivery.submission import SubmissionRecipient


class Letter(msgspec.Struct, frozen=True, kw_only=True):
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
    own_from_id: bool = True
    extra: dict[str, str] = {}
    requiretls: bool = False
    hold_until: int | None = None
    future_release: str = ""
    dsn_ret: str = ""
    dsn_envid: str = ""
    priority: int = 0
    deliver_by: str = ""
