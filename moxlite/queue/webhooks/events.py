"""Webhooks about an account's sent messages (QUEUE-93, QUEUE-94, WEB-105, WEB-106)."""

import datetime as dt
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec

from moxlite.config.domains import Account, OutgoingWebhook
from moxlite.config.snapshot import Snapshot
from moxlite.encoding import to_json
from moxlite.queue.data.rows import Message, Result, Retired
from moxlite.queue.data.status import detail_of
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.keeping import NewHook, add_hook
from moxlite.store.file.transaction import Tx

ACCOUNT_GONE: Final = 7 * 24 * 3600 * SECOND
"""µs for which webhooks of a removed account stay listed (QUEUE-25)."""


class Event(StrEnum):
    """An event of a sent message (WEB-106)."""

    DELIVERED = "delivered"
    """The next host has accepted the message; it need not be the last one."""
    SUPPRESSED = "suppressed"
    DELAYED = "delayed"
    """An attempt has failed and is tried again, or a DSN reports a delay at the next host."""
    FAILED = "failed"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    CANCELED = "canceled"
    """The administrator or the user has removed the message."""
    UNRECOGNIZED = "unrecognized"
    """A message to the unique sender address is not a DSN, or is a DSN that cannot be understood."""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The JSON of a call about a sent message (WEB-105). `dsn`: the event comes from a DSN of another server.
    `suppressing`: the recipient was added to the suppression list. `smtp_code` is 0, `smtp_enhanced_code` empty without
    a server's reply.
    """

    version: int = 0
    event: Event
    dsn: bool = msgspec.field(name="DSN")
    suppressing: bool
    queue_msg_id: int = msgspec.field(name="QueueMsgID")
    from_id: str = msgspec.field(name="FromID")
    message_id: str = msgspec.field(name="MessageID")
    subject: str
    webhook_queued: dt.datetime
    smtp_code: int = msgspec.field(name="SMTPCode")
    smtp_enhanced_code: str = msgspec.field(name="SMTPEnhancedCode")
    error: str
    extra: dict[str, str]


class Webhooks(msgspec.Struct, frozen=True):
    """Settings of webhooks by account: `outgoing` returns the webhook for sent messages or None, `keep_for` the µs for
    which finished calls stay listed.
    """

    outgoing: Callable[[str], OutgoingWebhook | None]
    keep_for: Callable[[str], int]


def webhooks_of(snapshot: Snapshot) -> Webhooks:
    """Settings of webhooks by this configuration."""

    def outgoing(name: str) -> OutgoingWebhook | None:
        account = snapshot.account(name)
        return None if account is None else account.outgoing_webhook

    return Webhooks(outgoing, lambda name: keep_hooks(snapshot.account(name)))


def keep_hooks(account: Account | None) -> int:
    """µs for which finished calls of an account stay listed. `account`: None for a removed one."""
    return ACCOUNT_GONE if account is None else int(account.keep_retired_webhook_period * SECOND)


def moment(microseconds: int) -> dt.datetime:
    """Convert a time (µs UTC) for JSON."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)


def note_event(
    tx: Tx,
    message: Message | Retired,
    event: Event,
    webhooks: Webhooks,
    now: int,
    result: Result | None = None,
    *,
    dsn: bool = False,
    suppressing: bool = False,
) -> None:
    """Queue a call about a message, in the transaction that changes its row, if the account's webhook includes the
    event (QUEUE-94). Mail from the null path and the server's own reports cause no calls.

    Args:
      result: of the attempt, or the content of the DSN.
      dsn: the event comes from a DSN. suppressing: the recipient was added to the suppression list.
    """
    if not message.account or not message.sender_domain or message.is_dmarc_report or message.is_tls_report:
        return
    target = webhooks.outgoing(message.account)
    if target is None or (target.events and event not in target.events):
        return
    code = 0 if result is None or result.success else result.code
    detail = detail_of(result) if code and result is not None else ""
    payload = Outgoing(
        event=event,
        dsn=dsn,
        suppressing=suppressing,
        queue_msg_id=message.id,
        from_id=message.from_id,
        message_id=message.message_id,
        subject=message.subject,
        webhook_queued=moment(now),
        smtp_code=code,
        smtp_enhanced_code=f"{str(code)[0]}.{detail}" if detail else "",
        error=result.error if result is not None else "",
        extra=dict(message.extra),
    )
    add_hook(
        tx,
        NewHook(
            account=message.account,
            url=target.url,
            authorization=target.authorization,
            secret=target.secret,
            event=event,
            payload=to_json(payload),
            keep=webhooks.keep_for(message.account),
            msg_id=message.id,
            from_id=message.from_id,
            message_id=message.message_id,
            subject=message.subject,
        ),
        now,
    )
