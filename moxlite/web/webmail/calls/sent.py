"""The calls for sent messages: the outbox and the delivery status (WEBMAIL-138)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
import trio
from msgspec import Meta

from moxlite.encoding import to_json
from moxlite.proto.address import Address, AddressError
from moxlite.proto.dsn import DSN, Action, DSNError, DSNRecipient, parse_dsn
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.content import body
from moxlite.store.delivery.status import RecipientStatus, State
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.later import leaving
from moxlite.store.rows import messages as message_rows
from moxlite.store.rows.views import members
from moxlite.store.types import Flag
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Unavailable
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.items import time_of
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.web.webmail.reading.parsed import structure_of
from moxlite.wording import Remark, remark

if TYPE_CHECKING:
    from moxlite.store.changelog.bus import Cursor
    from moxlite.store.delivery.status import Deliveries
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import MessageRow
    from moxlite.wakeup import Wakeup


WAIT: Final = 20.0
"""Seconds that a call waits for a change: less than the timeouts of proxies, and than the grace period of a server that
stops.
"""

GATHER: Final = 0.2
"""Seconds from a change to reading it. An import is a thousand transactions without a DSN; they are read once."""

PAGE: Final = 100
"""Messages of one page of the queue."""

FINISHED: Final = 7 * 24 * 3600 * 1_000_000
"""Microseconds for which finished messages are shown."""

SOON: Final = 60 * 1_000_000
"""Microseconds before it leaves in which a message does not count: it can be undone for less."""

MAX_COUNTED: Final = 1000
"""Messages in the queue that are counted."""

RowIDs = Annotated[list[ID], Meta(min_length=1, max_length=1000)]
Time = Annotated[datetime, Meta(tz=True)]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Delivery status of a message for one recipient, as `store.delivery.status.RecipientStatus`. ``tls`` is the
    protection of the connection in the last attempt.
    """

    id: int
    recipient: str
    state: Literal["queued", "trying", "held", "delivered", "relayed", "failed", "canceled"]
    attempts: int
    ended: Time | None
    last_attempt: Time | None
    next_attempt: Time | None
    last_planned: Time | None
    error: str
    advice: Remark
    reply: str
    host: str
    tls: str


class DeliveryReport(msgspec.Struct, frozen=True):
    """All recipients of a message; empty if nothing is known of them, or no longer. ``seen`` identifies this state."""

    recipients: list[Delivery]
    seen: str


class Departing(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the queue for one recipient. ``next_attempt`` is null while it is on hold. ``code``: with which
    another server refused it last; 0 without one. ``stopped``: only the administrator can release it.
    """

    id: int
    recipient: str
    subject: str
    attempts: int
    next_attempt: Time | None
    error: str
    code: int
    stopped: bool


class Departed(msgspec.Struct, frozen=True):
    """A message that was sent, for one recipient; ``state`` is its end."""

    recipient: str
    state: Literal["delivered", "relayed", "failed", "canceled"]
    ended: Time


class Outbox(msgspec.Struct, frozen=True):
    """Messages on their way, whether there are ``more``, and those that ended within a week."""

    waiting: list[Departing]
    more: bool
    ended: list[Departed]


class SentCalls(AccountCalls):
    """The calls for sent messages."""

    @call()
    async def outbox(self, caller: Caller, before: AnyID = 0) -> Outbox:
        """The account's mail that the queue delivers, the newest first: a page with ids below ``before``, or with 0 the
        first page, with what was sent within a week. Mail that leaves later is in ``messages_waiting`` and
        ``account_later_list``.
        """
        name, queue = caller.require().account, self._required()
        found = await queue.waiting_of(name, before or 2**62, PAGE)
        ended = [] if before else await queue.ended_of(name, time.time_ns() // 1000 - FINISHED, PAGE)
        return Outbox(
            [
                Departing(
                    id=message.id,
                    recipient=message.recipient,
                    subject=message.subject,
                    attempts=message.attempts,
                    next_attempt=None if message.next_attempt is None else time_of(message.next_attempt),
                    error=message.error,
                    code=message.code,
                    stopped=message.stopped,
                )
                for message in found
            ],
            len(found) == PAGE,
            [Departed(recipient, state, time_of(at)) for _, recipient, state, at in ended],  # type: ignore[arg-type]  # final states
        )

    @call()
    async def outbox_count(self, caller: Caller) -> int:
        """Messages that leave later, and those in the queue that were delayed or put on hold. One that is about to
        leave, or can still be undone, does not count.
        """
        name, queue = caller.require().account, self._server.deliveries
        later = time.time_ns() // 1000 + SOON
        async with self._accounts.use(name) as account:
            own = await account.scan(lambda r: leaving(r, later), op="webmail_outbox")
        if queue is None:
            return len(own)
        late = [
            one for one in await queue.waiting_of(name, 2**62, MAX_COUNTED) if one.error or one.next_attempt is None
        ]
        return len(own) + len(await queue.held(name)) + len(late)

    @call()
    async def delivery_status(
        self, caller: Caller, message_id: ID, seen: Annotated[str, Meta(max_length=64)] = ""
    ) -> DeliveryReport:
        """The delivery status of a sent message, by the queue and by the DSNs that came back.

        If it still is the state ``seen``, the call waits up to 20 seconds for a change.
        """
        session = caller.require()
        deliveries = self._server.deliveries
        if deliveries is None:
            return _report([])

        def read(r: Reader) -> str:
            message_rows.message(r, message_id)
            return structure_of(r, message_id).envelope.message_id

        async with self._accounts.use(session.account) as account:
            name = await account.read(read, op="webmail_delivery")
            if not name:
                return _report([])
            _, news = await account.subscribe()
            with news, deliveries.watch(session.account) as wakeup:

                async def look() -> DeliveryReport:
                    # Cleared before the look: a change during the look wakes the call again.
                    wakeup.clear()
                    while news.pending() and news.closing is None:
                        await news.take()
                        news.acknowledge(news.modseq)
                    words = await account.scan(lambda r: words_of(r, message_id), op="webmail_returned")
                    return _report(corrected(await deliveries.status(session.account, name), words))

                report = await look()
                with trio.move_on_after(WAIT):
                    while report.seen == seen and news.closing is None:
                        await _either(wakeup, news)
                        await trio.sleep(GATHER)
                        report = await look()
        return report

    @call(audit="delivery retried")
    async def delivery_retry(self, caller: Caller, delivery_ids: RowIDs) -> int:
        """Retry at once; returns the number of recipients."""
        return await self._required().try_now(caller.require().account, delivery_ids)

    @call(audit="delivery canceled")
    async def delivery_cancel(self, caller: Caller, delivery_ids: RowIDs) -> int:
        """Stop delivery to these recipients; returns the number of recipients that had not been reached."""
        return await self._required().cancel(caller.require().account, delivery_ids)

    def _required(self) -> Deliveries:
        if self._server.deliveries is None:
            raise Unavailable("the outgoing queue isn't available right now")
        return self._server.deliveries


async def _either(wakeup: Wakeup, news: Cursor) -> None:
    """Wait until the queue or the account has changed."""

    async def first(wait: Callable[[], Awaitable[None]]) -> None:
        await wait()
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first, wakeup.wait)
        nursery.start_soon(first, news.wait)


def _report(recipient_statuses: list[RecipientStatus]) -> DeliveryReport:
    recipients = [_delivery(recipient_status) for recipient_status in recipient_statuses]
    digest = hashlib.sha256(to_json(recipients)).hexdigest()
    return DeliveryReport(recipients, digest)


def _delivery(recipient_status: RecipientStatus) -> Delivery:
    def when(time: int | None) -> datetime | None:
        return None if time is None else time_of(time)

    return Delivery(
        id=recipient_status.id,
        recipient=recipient_status.recipient,
        state=recipient_status.state.value,
        attempts=recipient_status.attempts,
        ended=when(recipient_status.ended),
        last_attempt=when(recipient_status.last_attempt),
        next_attempt=when(recipient_status.next_attempt),
        last_planned=when(recipient_status.last_planned),
        error=recipient_status.error,
        advice=remark(recipient_status.advice),
        reply=recipient_status.reply,
        host=recipient_status.host,
        tls=recipient_status.tls,
    )


# DSNs that came back for a sent message (WEBMAIL-138). A host may accept a message and send a notice later that it
# could not deliver it; the queue knows only of the acceptance.


MAX_MEMBERS: Final = 500
"""Messages of a thread that are examined, the newest ones."""

MAX_NOTICES: Final = 20
"""DSNs of a thread that are read, the newest ones: a DSN for 1,000 recipients has 256 KiB."""

OVERRIDES: Final = {
    Action.FAILED: (State.FAILED, frozenset({State.DELIVERED, State.RELAYED})),
    Action.DELIVERED: (State.DELIVERED, frozenset({State.RELAYED})),
}
"""By the action of a DSN: the state that it means, and the states of the queue that it replaces."""


class Word(msgspec.Struct, frozen=True):
    """The report of a DSN on one recipient. `at` is the time of its arrival, µs UTC; `host` is the reporting MTA."""

    recipient: DSNRecipient
    host: str
    at: int


def words_of(r: Reader, message_id: int) -> list[Word]:
    """The reports of DSNs in the thread of a message, oldest first: only DSNs that return the message, or answer it,
    and are not junk. For `scan`.
    """
    sent = message_rows.message(r, message_id)
    notices = [member.row for member in members(r, sent.threadid, MAX_MEMBERS) if _counts(member.row)]
    words: list[Word] = []
    for row in notices[-MAX_NOTICES:]:
        notice = _about(r, row, sent.messageid)
        if notice is not None:
            words += [Word(recipient, notice.reporting_mta, row.received) for recipient in notice.recipients]
    return words


def corrected(recipient_statuses: Sequence[RecipientStatus], words: Sequence[Word]) -> list[RecipientStatus]:
    """The status of each recipient, corrected by reports that came after the queue's result."""
    if not words:
        return list(recipient_statuses)
    by_address: dict[tuple[str, str], Word] = {}
    for word in words:
        if word.recipient.action in OVERRIDES:
            names = (word.recipient.original_recipient, word.recipient.final_recipient)
            by_address.update({key: word for name in names if (key := _key(name)) is not None})
    return [
        _corrected(recipient_status, by_address.get(_key(recipient_status.recipient) or ("", "")))
        for recipient_status in recipient_statuses
    ]


def _corrected(recipient_status: RecipientStatus, word: Word | None) -> RecipientStatus:
    if word is None:
        return recipient_status
    said = word.recipient
    state, replaced = OVERRIDES[said.action]
    if recipient_status.state not in replaced:
        return recipient_status
    error = ""
    if state is State.FAILED:
        why = said.diagnostic or said.status_comment or said.status
        error = f"A notice of {word.host} says: {why}" if word.host else why
    return msgspec.structs.replace(
        recipient_status,
        state=state,
        ended=word.at,
        error=error,
        meaning="",
        advice="",
        reply=said.diagnostic,
        host=word.host,
    )


def _counts(row: MessageRow) -> bool:
    return row.dsn and not row.is_reject and not row.flags & Flag.JUNK


def _about(r: Reader, row: MessageRow, messageid: str | None) -> DSN | None:
    """The DSN in a message, if it is about the message with this canonical Message-ID, else None."""
    try:
        structure = structure_of(r, row.id)
        content = body.locate(r, row.id)
        dsn = parse_dsn(structure, lambda start, stop: body.read_content(r, content, start, stop - start))
    except (DSNError, NoSuchMessage, ChunkDamaged):
        return None
    about = canonical_message_id(dsn.returned_message_id or structure.envelope.in_reply_to)
    return dsn if about is not None and about == messageid else None


def _key(address: str) -> tuple[str, str] | None:
    try:
        parsed = Address.parse(address)
    except AddressError:
        return None
    return str(parsed.localpart), parsed.domain.ascii
