"""Actions on a message at one account. A plan of `moxlite.acceptance` lists actions; `perform` carries them out.

An action is a value: it can be packed into a row of queue.db, where a delivery waits that cannot be made now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.encoding import msgpack_decoder, to_json, to_msgpack
from moxlite.proto.address import Address
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import DSNNotify
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.facts import NO_FACTS, MessageFacts


class NoCarrier(StoreError):
    """This version cannot perform the action; `action` is its tag."""

    def __init__(self, action: str) -> None:
        super().__init__(f"action {action!r} isn't supported yet")
        self.action = action


class Mark(Enum):
    """Special kind of a filed message; ordinary mail has none."""

    REJECT = "reject"
    """Junk that a ruleset accepts (STORE-67): it counts for no reputation."""
    FORWARD = "forward"
    """Mail forwarded by a verified domain (STORE-66)."""
    LIST = "list"
    """Mail of a mailing list."""


class Action(msgspec.Struct, frozen=True, tag_field="do", omit_defaults=True):
    """Base of all actions; `do` is the tag."""


class FileInto(Action, frozen=True, tag="file", kw_only=True):
    """Store the message in a mailbox, which is created and subscribed if it is missing.

    Attributes:
      flags: bits of `Flag`. keywords: in any case.
      destined: name of the mailbox that the message is meant for, "" if that is `mailbox`.
      forwarder: with Mark.FORWARD the verified domain that forwarded the message.
    """

    mailbox: str
    flags: int = 0
    keywords: tuple[str, ...] = ()
    mark: Mark | None = None
    destined: str = ""
    forwarder: str = ""


class KeepReject(Action, frozen=True, tag="reject", kw_only=True):
    """Keep a copy of a refused message in the rejects mailbox, seen and marked (STORE-70..72). No copy is kept if the
    mailbox has the message already, or is full.

    Attributes:
      mailbox: the rejects mailbox. destined: the mailbox that the message was meant for. Both are made if missing.
      unlimited: rejects are neither removed by age nor limited in number (`keep_rejects`).
    """

    mailbox: str
    destined: str
    unlimited: bool = False


class Discard(Action, frozen=True, tag="discard"):
    """Keep nothing. The key of the delivery is stored, and the log records it."""


class Redirect(Action, frozen=True, tag="redirect", kw_only=True):
    """Send the message on to `to`, an address whose owner has agreed (`forwarding.may_forward`): of `forward_to`
    (SMTP-159), of a script (RFC 5228 §4.2), or of an alias.

    Attributes:
      alias: the alias of which `to` is a member (SMTP-166), "" for none.
      by_script: whether a script names `to`.
      otherwise: the mailbox in which it is kept where it cannot be sent on, unless another action keeps it.
      owed: the packed `OwedMessage`; `perform` raises NoCarrier without.
    """

    to: str
    otherwise: str = "Inbox"
    alias: str = ""
    by_script: bool = False
    owed: bytes = b""


class Vacation(Action, frozen=True, tag="vacation", kw_only=True):
    """Answer the sender `to`, at most once in `seconds` for each `handle` (RFC 5230).

    Attributes:
      subject, text, sender, mime: as in `proto.sieve.outcome.AnswerAction`.
      owed: the packed `OwedMessage`; `perform` raises NoCarrier without.
    """

    handle: bytes
    to: str
    seconds: int
    subject: str = ""
    text: str = ""
    sender: str = ""
    mime: bool = False
    owed: bytes = b""


class Failed(Action, frozen=True, tag="failed", kw_only=True):
    """Note for the owner that a script failed in a line; 0 for none."""

    script: str
    line: int
    text: str


class Remember(Action, frozen=True, tag="remember", kw_only=True):
    """Remember keys, each for some seconds, for the test `duplicate` (RFC 7352)."""

    keys: tuple[tuple[bytes, int], ...]


class Notify(Action, frozen=True, tag="notify", kw_only=True):
    """Notify a program or an address of the message (RFC 5435, WEB-105).

    `perform` raises NoCarrier until Sieve (issue 12) implements it.
    """

    method: Literal["webhook", "mailto"]
    target: str
    payload: bytes = b""


AnyAction: TypeAlias = FileInto | KeepReject | Discard | Redirect | Vacation | Notify | Failed | Remember


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All actions on a message at one account, performed in one unit.

    Attributes:
      actions: in order; the first one that files adds the message, and later ones with equal flags and marks copy it.
      facts: facts of the message, before the mark of an action changes them.
      why: stored with the message (`reasons`), at most `reasons.MAX_WHY` octets; empty for none.
      clear_rejects: name of the account's rejects mailbox, from which copies with the same Message-ID are removed when
        the message is filed (STORE-74); "" for none.
      received: µs UTC, None for the time of the unit. received_offset: minutes east of UTC.
      tell: the recipient address as the client wrote it, if the account's programs are to be notified of the filed
        message (`tell.AnsweredMessage`), or if it may answer a sent message; "" if not.
    """

    actions: tuple[AnyAction, ...]
    facts: MessageFacts = NO_FACTS
    why: bytes = b""
    clear_rejects: str = ""
    received: int | None = None
    received_offset: int = 0
    tell: str = ""

    def pack(self) -> bytes:
        """Encode the delivery for a row of queue.db."""
        return to_msgpack(self)

    @classmethod
    def unpack(cls, data: bytes) -> Delivery:
        """Decode the octets of `pack`. Raises msgspec.DecodeError or ValidationError if they are damaged."""
        return _DECODER.decode(data)


_DECODER: Final = msgpack_decoder(Delivery)


# Messages by their Message-ID or sender.


FOUND: Final = 20
"""Messages found by one Message-ID (copies, and ids that senders use twice) or of one sender."""

LOOKED_AT: Final = 50_000
"""Newest messages searched for a sender: a tenth of a second in a thread."""

BY_MESSAGEID: Final = "SELECT id FROM message WHERE messageid = ? ORDER BY id DESC LIMIT ?"

BY_SENDER: Final = """
SELECT s.message_id FROM (SELECT message_id, received, mailfrom, mailfrom_domain, msgfrom, msgfrom_domain
  FROM message_smtp INDEXED BY message_smtp_received ORDER BY received DESC LIMIT ?4) s
JOIN message m ON m.id = s.message_id
WHERE s.msgfrom_domain = ?2 AND (?1 = '' OR s.msgfrom = ?1 COLLATE NOCASE)
   OR s.mailfrom_domain = ?2 AND (?1 = '' OR s.mailfrom = ?1 COLLATE NOCASE
     OR substr(s.mailfrom, 1, length(?1)) = ?1 COLLATE NOCASE
        AND substr(s.mailfrom, length(?1) + 1, 1) IN ('+', '-', '=')
     OR substr(s.mailfrom, -length(?1) - 1) = '=' || ?1 COLLATE NOCASE)
ORDER BY s.received DESC LIMIT ?3"""
NAMES: Final = """
SELECT m.id, b.name FROM message m JOIN mailbox b ON b.id = m.mailbox_id
WHERE m.id IN (SELECT value FROM json_each(?))"""


def messages_by_messageid(r: Reader, messageid: str) -> list[int]:
    """Ids of messages with this canonical Message-ID, newest first."""
    return [row[0] for row in r.rows(BY_MESSAGEID, messageid, FOUND)]


def messages_by_sender(r: Reader, localpart: str, domain: str) -> list[int]:
    """Ids of messages that came by SMTP, copies of refused ones included, with this address in From or MAIL FROM,
    newest first. An empty localpart stands for all addresses of the domain, which is given in U-labels. In MAIL FROM
    the address may have a tag: ``list-bounces+mia=example.org``, ``prvs=1234=ann``. For `scan`.
    """
    return [row[0] for row in r.rows(BY_SENDER, localpart, domain, FOUND, LOOKED_AT)]


def mailbox_names(r: Reader, ids: Sequence[int]) -> dict[int, str]:
    """Mailbox name of each existing message, by its id."""
    return dict(r.rows(NAMES, to_json(list(ids)).decode()))


# Delivery handed to the queue because the account cannot take the message now while other recipients can (SMTP-108).
#
# smtpd makes it; `Queue.defer` keeps it with the octets in queue.db and retries. It is defined in store, as
# `submission` is, because both components know store.


class Deferred(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is still to be made at an account.

    Attributes:
      key: key of the transaction: the account performs the delivery once under it, and the queue keeps one row for it.
      account: its name. delivery: the actions there. prefix: trace fields put before the octets.
      sender: envelope sender, None for the null path, which gets no notice. recipient: the address as the client wrote
        it.
      code, ecode, text: the reply that the client would have got from the account.
      dsn_notify, dsn_ret, dsn_envid, dsn_orcpt: the DSN parameters of the sender (RFC 3461).
      message_id, subject: shown in lists of the queue. smtputf8, has8bit, requiretls: of the message.
    """

    key: bytes
    account: str
    delivery: Delivery
    prefix: bytes
    sender: Address | None
    recipient: Address
    code: int
    ecode: str
    text: str
    dsn_notify: DSNNotify = DSNNotify.FAILURE
    dsn_ret: str = ""
    dsn_envid: str = ""
    dsn_orcpt: str = ""
    message_id: str = ""
    subject: str = ""
    smtputf8: bool = False
    has8bit: bool = False
    requiretls: bool = False


Defer: TypeAlias = Callable[[Sequence[Deferred], Spool], Awaitable[None]]
"""Type of `Queue.defer`. It returns once the rows are durable. The caller still owns the spool. Raises QueueFull and
the errors of `Database.write`, and then no row was written.
"""
