"""Webhooks about incoming messages, and recognition of messages to the unique sender address of a sent one (QUEUE-95,
WEB-106, WEB-107).
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.acceptance.messagejson import IncomingMessage, IncomingMeta, MessageJSON, message_json, read_structure
from moxlite.config.domains import IncomingWebhook
from moxlite.encoding import to_json
from moxlite.proto.address import Address, AddressError, Localpart, pack_localpart
from moxlite.proto.dsn import DSN, Action, DSNError, parse_dsn
from moxlite.queue.context import Context
from moxlite.queue.data import status
from moxlite.queue.data.rows import RETIRED_COLUMNS, Result, encode_results, retired_of
from moxlite.queue.data.suppression import note_failure
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.events import Event, Webhooks, keep_hooks, moment, note_event, webhooks_of
from moxlite.queue.webhooks.keeping import INCOMING, NewHook, add_hook
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import locate, read_content
from moxlite.store.delivery.perform import AnsweredMessage
from moxlite.store.delivery.status import State
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.upkeep.outbox import OutboxRow

logger = logging.getLogger("moxlite.queue.webhooks")

EVENTS: Final = {
    Action.FAILED: Event.FAILED,
    Action.DELAYED: Event.DELAYED,
    Action.DELIVERED: Event.DELIVERED,
    Action.RELAYED: Event.RELAYED,
    Action.EXPANDED: Event.EXPANDED,
}
STATES: Final = {
    Event.FAILED: State.FAILED,
    Event.DELIVERED: State.DELIVERED,
    Event.RELAYED: State.RELAYED,
    Event.EXPANDED: State.RELAYED,
}
"""Final state of a sent message by the event of a DSN; other events do not change the state."""

MAX_ERROR: Final = 2000
"""Characters kept of a DSN's diagnostic text."""

OF_FROM_ID: Final = f"SELECT {RETIRED_COLUMNS} FROM msg_retired WHERE from_id = ? AND from_id <> '' AND account = ?"  # noqa: S608 column names
SET_RESULTS: Final = "UPDATE msg_retired SET results = ?, last_activity = ? WHERE id = ?"
# A range without rows, 1 to 0: the key of an incoming message is kept for its days from now, whatever waits here.
ONCE: Final = "INSERT INTO unit_key (key, first_id, last_id, live) VALUES (?, 1, 0, ?) ON CONFLICT DO NOTHING"


class IncomingCarrier:
    """Moves rows of the kind `TELL` from the accounts' outboxes into queue.db, each once."""

    def __init__(
        self,
        ctx: Context,
        database: Database,
        changed: Callable[[], None],
        watched: Callable[[Sequence[str]], None],
    ) -> None:
        """`changed`: called when a call may be due. `watched`: called with the accounts whose sent messages have
        changed.
        """
        self._ctx = ctx
        self._database = database
        self._changed = changed
        self._watched = watched

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """Queue the call about an incoming message, if the account has a webhook for it. A message to the unique sender
        address of a sent one is recorded as an event of the sent one instead. A removed or damaged message causes no
        call.

        Raises StoreError: the row is carried again later.
        """
        if row.message_id is None:
            return
        answered_message = AnsweredMessage.unpack(row.data)
        snapshot = self._ctx.config.current
        try:
            if (from_id := self.from_id(answered_message.recipient)) and await self._answers(account, row, from_id):
                return
            settings = snapshot.account(account.name)
            if settings is None or settings.incoming_webhook is None:
                return
            found = await account.scan(
                partial(_payload, message_id=row.message_id, told=answered_message), op="webhook message"
            )
        except (NoSuchMessage, ChunkDamaged) as error:
            logger.error("webhook for incoming mail failed", extra={"kv": {"err": error, "account": account.name}})
            return
        unit = partial(
            _add,
            key=row.key,
            account=account.name,
            target=settings.incoming_webhook,
            found=found,
            keep=keep_hooks(settings),
            now=self._ctx.clock(),
        )
        await self._database.write(unit)
        self._changed()

    def from_id(self, recipient: str) -> str:
        """The FROMID in a recipient address: the localpart after the domain's first separator, "" without one
        (QUEUE-6).
        """
        try:
            address = Address.parse(recipient)
        except AddressError:
            return ""
        settings = self._ctx.config.current.domain(address.domain)
        if settings is None or not settings.localpart_separators:
            return ""
        return str(address.localpart).partition(settings.localpart_separators[0])[2]

    async def _answers(self, account: Account, row: OutboxRow, from_id: str) -> bool:
        """Whether the message was sent to the unique sender address of one of the account's finished messages. If so,
        the event is recorded at that message.
        """
        known = await self._database.read(lambda r: r.row(OF_FROM_ID, from_id, account.name), op="webhook from id")
        if known is None:
            return False
        assert row.message_id is not None
        dsn = await account.scan(partial(_dsn, message_id=row.message_id), op="webhook dsn")
        snapshot = self._ctx.config.current
        settings = snapshot.account(account.name)
        suppresses = settings is not None and not settings.no_dsn_suppression
        expiry = int(snapshot.static.queue.suppression_expiry * SECOND) if suppresses else None
        unit = partial(
            note_answer,
            key=row.key,
            account=account.name,
            from_id=from_id,
            dsn=dsn,
            webhooks=webhooks_of(snapshot),
            expiry=expiry,
            now=self._ctx.clock(),
        )
        await self._database.write(unit)
        self._changed()
        self._watched([account.name])
        return True


def note_answer(
    tx: Tx,
    *,
    key: bytes,
    account: str,
    from_id: str,
    dsn: DSN | None,
    webhooks: Webhooks,
    expiry: int | None,
    now: int,
) -> None:
    """Append a message to the unique sender address of a finished message to that message's attempts, and queue a call;
    once per key.

    Args:
      dsn: the parsed DSN, None if the message is not a DSN.
      expiry: µs after which a suppression caused by a DSN of failure ends, 0 for never; None if DSNs must not suppress
        (QUEUE-156).
    """
    row = tx.row(OF_FROM_ID, from_id, account)
    if row is None or not tx.execute(ONCE, key, now):
        return
    message = retired_of(row)
    dsn_recipient = dsn.recipients[0] if dsn is not None and len(dsn.recipients) == 1 else None
    event = EVENTS[dsn_recipient.action] if dsn_recipient is not None else Event.UNRECOGNIZED
    success = event in (Event.DELIVERED, Event.RELAYED, Event.EXPANDED)
    words = (
        (dsn_recipient.diagnostic or dsn_recipient.status_comment or dsn_recipient.status)
        if dsn_recipient is not None
        else "no delivery status"
    )
    result = Result(
        start=now,
        success=success,
        code=dsn_recipient.code if dsn_recipient is not None and not success else 0,
        secode=dsn_recipient.status.partition(".")[2] if dsn_recipient is not None and not success else "",
        error=f"incoming message: {event}: {words}"[:MAX_ERROR],
        reply=dsn_recipient.diagnostic[:MAX_ERROR] if dsn_recipient is not None else "",
        host=dsn_recipient.remote_mta if dsn_recipient is not None else "",
    )
    tx.execute(SET_RESULTS, encode_results((*message.results, result)), now, message.id)
    if event in STATES:
        status.note_answer(tx, message, STATES[event], result, now)
    suppressing = False
    if event is Event.FAILED and expiry is not None:
        suppressing = note_failure(tx, message, result, "DSN", now=now, expiry=expiry)
    note_event(tx, message, event, webhooks, now, result, dsn=dsn_recipient is not None, suppressing=suppressing)


def _dsn(r: Reader, message_id: int) -> DSN | None:
    content = locate(r, message_id)
    try:
        return parse_dsn(
            read_structure(r, message_id), lambda start, stop: read_content(r, content, start, stop - start)
        )
    except DSNError:
        return None


def _payload(r: Reader, message_id: int, told: AnsweredMessage) -> tuple[MessageJSON, bytes]:
    """The message as JSON, and the payload of the call."""
    message, automated = message_json(r, message_id)
    smtp = told.facts.smtp
    mail_from = smtp is not None and smtp.mailfrom_domain
    meta = IncomingMeta(
        msg_id=message_id,
        mail_from=f"{pack_localpart(Localpart(smtp.mailfrom))}@{mail_from}" if smtp is not None and mail_from else "",
        mail_from_validated=smtp is not None and smtp.mailfrom_ok,
        msg_from_validated=smtp is not None and smtp.msgfrom_ok,
        rcpt_to=told.recipient,
        dkim_verified_domains=list(told.facts.dkim_domains),
        remote_ip=smtp.remote_ip if smtp is not None else "",
        received=moment(told.received),
        mailbox_name=told.mailbox,
        automated=automated or smtp is None or not (smtp.mailfrom or smtp.mailfrom_domain),
    )
    return message, to_json(IncomingMessage(**msgspec.structs.asdict(message), meta=meta))


def _add(
    tx: Tx, *, key: bytes, account: str, target: IncomingWebhook, found: tuple[MessageJSON, bytes], keep: int, now: int
) -> None:
    message, payload = found
    if not tx.execute(ONCE, key, now):
        return
    new = NewHook(
        account=account,
        url=target.url,
        authorization=target.authorization,
        secret=target.secret,
        event=INCOMING,
        payload=payload,
        keep=keep,
        message_id=message.message_id,
        subject=message.subject,
    )
    add_hook(tx, new, now)
