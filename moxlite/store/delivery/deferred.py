"""What is handed to the queue when an account cannot take a message now, and others of the same message can (SMTP-108).

smtpd makes it; `Queue.defer` keeps it with the octets in queue.db and tries again. It lies in store as `submission`
does: both rooms know it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec

from moxlite.proto.address import Address
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Delivery
from moxlite.store.delivery.submission import DSNNotify

__all__ = ["Defer", "Deferred"]


class Deferred(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that an account owes.

    Attributes:
      key: of the transaction: the account performs the delivery once under it, and one row waits for both.
      account: its name. delivery: what is to be done there. prefix: trace fields put before the octets.
      sender: envelope sender, None for the null path, who gets no notice. recipient: the address that the client wrote.
      code, ecode, text: the reply that the account would have given.
      dsn_notify, dsn_ret, dsn_envid, dsn_orcpt: what the sender has asked to be told, and how (RFC 3461).
      message_id, subject: for lists. smtputf8, has8bit, requiretls: of the message.
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
"""`Queue.defer`: returns once the rows are durable; the spool stays the caller's. Raises QueueFull and what a Database
raises: then nothing is owed.
"""
