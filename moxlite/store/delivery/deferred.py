"""Delivery handed to the queue because the account cannot take the message now while other recipients can (SMTP-108).

smtpd makes it; `Queue.defer` keeps it with the octets in queue.db and retries. It is defined in store, as `submission`
is, because both components know store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec

from moxlite.proto.address import Address
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Delivery
from moxlite.store.delivery.submission import DSNNotify


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
"""Type of `Queue.defer`: returns once the rows are durable; the spool stays the caller's. Raises QueueFull and the
errors of `Database.write`: then no row was written.
"""
