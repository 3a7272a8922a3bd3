"""What an account's web server is told of the messages that it has sent (QUEUE-93, QUEUE-94, WEB-105, WEB-106)."""

import datetime as dt
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec

from moxlite.config.domains import Account, OutgoingWebhook
from moxlite.config.snapshot import Snapshot
from moxlite.queue.data.rows import Message, Result, Retired
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.keeping import NewHook, add_hook
from moxlite.store.file.transaction import Tx

__all__ = ["Event", "Outgoing", "Webhooks", "keep_hooks", "moment", "note_event", "webhooks_of"]

ACCOUNT_GONE: Final = 7 * 24 * 3600 * SECOND
"""How long webhooks of a removed account stay listed (QUEUE-25)."""


class Event(StrEnum):
    """What has become of a sent message (WEB-106)."""

    DELIVERED = "delivered"
    """The next host has accepted it, which need not be the last one."""
    SUPPRESSED = "suppressed"
    DELAYED = "delayed"
    """An attempt has failed, it is tried again; or a DSN says that the next host has to wait."""
    FAILED = "failed"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    CANCELED = "canceled"
    """It was removed by the admin or the user."""
    UNRECOGNIZED = "unrecognized"
    """What came to the message's own sender address is no DSN, or one that cannot be understood."""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The JSON of a call about a sent message (WEB-105). `dsn`: a DSN from elsewhere says so. `suppressing`: nothing
    more will be sent to the recipient. `smtp_code` is 0, `smtp_enhanced_code` empty where no server spoke.
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
    """What the configuration says of webhooks: where an account wants to be told of sent messages, None for nowhere,
    and for how many µs its finished calls stay listed.
    """

    outgoing: Callable[[str], OutgoingWebhook | None]
    keep_for: Callable[[str], int]


def webhooks_of(snapshot: Snapshot) -> Webhooks:
    """As it is now."""

    def outgoing(name: str) -> OutgoingWebhook | None:
        account = snapshot.account(name)
        return None if account is None else account.outgoing_webhook

    return Webhooks(outgoing, lambda name: keep_hooks(snapshot.account(name)))


def keep_hooks(account: Account | None) -> int:
    """For how many µs finished calls of an account stay listed; None: it is gone."""
    return ACCOUNT_GONE if account is None else int(account.keep_retired_webhook_period * SECOND)


def moment(microseconds: int) -> dt.datetime:
    """For JSON, in UTC."""
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
    """Queue a call about a message, in the transaction that changes its row, if its account wants to hear of such
    events (QUEUE-94). Mail without a sender and the server's own reports concern no account.

    Args:
      result: of the attempt, or what the DSN says.
      dsn: it was learnt from a DSN. suppressing: the recipient is in the suppression list from now on.
    """
    if not message.account or not message.sender_domain or message.is_dmarc_report or message.is_tls_report:
        return
    target = webhooks.outgoing(message.account)
    if target is None or (target.events and event not in target.events):
        return
    code = 0 if result is None or result.success else result.code
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
        smtp_enhanced_code=f"{str(code)[0]}.{result.secode}" if code and result is not None and result.secode else "",
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
            payload=msgspec.json.encode(payload),
            keep=webhooks.keep_for(message.account),
            msg_id=message.id,
            from_id=message.from_id,
            message_id=message.message_id,
            subject=message.subject,
        ),
        now,
    )
