"""The calls for messages that are sent later, and that come back later (WEBMAIL-96, WEBMAIL-125); for alarms, settings
and notices, which have few calls each.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.acceptance.sieve.keeping import SortingNotices, sorting_notices
from moxlite.groupware.entries import read, with_outcome
from moxlite.groupware.people import user_of
from moxlite.processor import off_loop
from moxlite.proto.cards.alarms import OVER, acknowledged
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import write_component
from moxlite.proto.cards.itip import rebuilt
from moxlite.store.accounts.access import shares_drafts
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMessage
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import Leaving
from moxlite.store.groupware.alarms import SECOND, alarms_after
from moxlite.store.groupware.collection import collection
from moxlite.store.groupware.resources import NoSuchResource, Resource, resource_data, resource_of
from moxlite.store.groupware.scheduling import EntryPut, put_entry
from moxlite.store.later import leaving, may_leave, snooze, snoozes, unschedule, unsnooze, watch
from moxlite.store.mail.settings import set_address_view
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.types import MessageID
from moxlite.submission.authors import senders
from moxlite.submission.counting import WITHDRAWN
from moxlite.web.calls import call
from moxlite.web.composing.sending import LONGEST, moment, reschedule
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotAllowed, StorageRefused
from moxlite.web.preferences import SomeSettings, ViewMode, change_settings
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.calls.entries import EntryCalls
from moxlite.web.webmail.holders import Holder
from moxlite.web.webmail.items import time_of
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.web.webmail.reading.parsed import sender_key
from moxlite.web.webmail.types import MessageItem
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader

# The calls for alarms of the calendar in an open page (DAV-51).


RECENT: Final = 300
"""Seconds for which an alarm that came is told to a page: one that was not connected for a moment."""

MOST: Final = 5
"""Alarms in an answer, the newest, as in a notice."""


class AlarmItem(msgspec.Struct, frozen=True):
    """An alarm that has come. ``starts``: seconds UTC of the event, null without a time; ``day``: the first day of an
    event of whole days, as YYYY-MM-DD, else "".
    """

    id: int
    event_id: int
    title: str
    place: str
    starts: int | None
    day: str


class AlarmCalls(EntryCalls):
    """Calls about alarms that have come."""

    @call()
    async def alarms(self, caller: Caller, after: AnyID = 0) -> list[AlarmItem]:
        """Alarms that came within five minutes, after the one with the id ``after``; the newest five, newest first."""
        since = time.time_ns() // 1000 - RECENT * SECOND
        async with self._entries(caller) as visit:
            rung = await visit.account.read(partial(alarms_after, number=after, since=since, limit=MOST), op="alarms")
        return [AlarmItem(one.id, one.resource_id, one.title, one.place, one.starts, one.day) for one in rung]

    @call()
    async def alarm_seen(self, caller: Caller, event_id: ID, snooze: Annotated[int, Meta(ge=0, le=10_080)] = 0) -> None:
        """Note that the user has seen the alarms of an event so far, in the event, where programs of the user find it.

        ``snooze``: minutes after which the user is reminded once more, 0 for never.
        """
        now = int(time.time())
        again = now + snooze * 60 if snooze else None
        async with self._entries(caller) as visit:
            account = visit.account
            resource, data = await account.read(partial(_stored, number=event_id), op="alarms")
            entry = await read(data)
            octets = await off_loop(lambda: _seen(entry, now, again), kind="dav")
            where = await account.read(lambda r: collection(r, resource.collection_id), op="alarms")
            facts = await visit.expander.facts(where, octets)
            user = user_of(self._server.config.current, caller.require().account, facts.addresses)

            def allowed(there: Resource | None) -> None:
                if there is None or there.modseq != resource.modseq:
                    raise Conflict("the event has changed")

            put = await with_outcome(account, where.id, EntryPut(resource.name, octets, facts, user, allowed))
            await account.write(lambda tx: put_entry(tx, where, put))


def _seen(entry: CalendarObject, now: int, again: int | None) -> bytes:
    return write_component(rebuilt(entry, acknowledged(entry, now, again, str(uuid.uuid4())))).encode()


def _stored(r: Reader, number: int) -> tuple[Resource, bytes]:
    """An event or task of the user's own, which alarms are about. Raises NoSuchResource."""
    resource = resource_of(r, number)
    if resource is None or resource.component not in OVER:
        raise NoSuchResource("entry not found")
    return resource, resource_data(r, number)


# The calls for settings (WEBMAIL-55, 105).


class SettingsCalls(AccountCalls):
    """Calls for the user's settings of the webmail. The event stream sends them at its start, and when they change."""

    @call()
    async def settings_save(self, caller: Caller, settings: SomeSettings) -> None:
        """Save these settings; `labels` and those that are left out stay. The user's other pages are notified."""
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: change_settings(tx, settings))

    @call()
    async def from_address_settings_save(
        self, caller: Caller, from_address: Annotated[str, Meta(min_length=1, max_length=1000)], view_mode: ViewMode
    ) -> None:
        """Store how messages of a sender are shown; "" removes the entry."""
        key = sender_key(from_address)
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: set_address_view(tx, key, view_mode or None))


# The calls for notices about sorting: answers while away, failed scripts, stopped forwarding (WEB-158b).


class SortingCalls(AccountCalls):
    """Calls for notices about the sorting of the user's own mail."""

    @call()
    async def sorting_notices(self, caller: Caller) -> SortingNotices:
        """Answers that are being sent, the newest error, and addresses to which nothing is sent on any more."""
        name = caller.require().account
        passed_on = self._server.config.current.passed_on(name)
        async with self._accounts.use(name) as account:
            return await sorting_notices(account, passed_on, time.time_ns() // 1000)


LONGEST_SNOOZE: Final = 732 * 86_400
"""Seconds for which a message may be put off: two years."""

MAX_LISTED: Final = 1000
"""Messages in the list of what waits."""

OWN: Final = "you can only snooze your own messages"
"""Subject of the error that a guest gets."""

Some = Annotated[list[ID], Meta(min_length=1, max_length=1000)]
Seconds = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Time = Annotated[datetime, Meta(tz=True)]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits until ``due``: to be ``sent``; to come ``back`` to the mailbox ``origin``; or for an
    ``answer``, without which it comes to the Inbox. ``writer``: the account of another user who wrote it, and alone
    may change its time; "" for the user's own.
    """

    kind: Literal["sent", "back", "answer"]
    due: Time
    item: MessageItem
    origin: str = ""
    writer: str = ""


def _waiting(r: Reader, holder: Holder) -> list[Waiting]:
    """The messages of an account that wait; of another's account those that will be sent."""
    now = time.time_ns() // 1000
    names = {box.id: box.name for box in mailboxes(r)}
    found = [("sent", one.due, MessageID(one.message_id), "", _other_writer(holder, one)) for one in leaving(r, now)]
    for row in snoozes(r) if not holder.guest else ():
        kind = "answer" if row.away_id is None else "back"
        found.append((kind, row.due, row.message_id, names.get(row.origin_id, "") if row.origin_id else "", ""))
    found = sorted(found, key=lambda one: one[1])[:MAX_LISTED]
    rows = rows_by_ids(r, [one[2] for one in found])
    items = {row.id: item for row, item in zip(rows, holder.items(r, rows), strict=True)}
    return [
        Waiting(kind=kind, due=time_of(due), item=items[message_id], origin=origin, writer=writer)  # type: ignore[arg-type]  # of the literals above
        for kind, due, message_id, origin, writer in found
        if message_id in items
    ]


def _other_writer(holder: Holder, message: Leaving) -> str:
    """The account of another user who wrote a message that waits; "" for the user's own."""
    # An owner who writes alone is not named.
    writer = message.writer or holder.owner
    return "" if writer == (holder.guest or holder.owner) else writer


def _check_writer(r: Reader, holder: Holder, message_id: int) -> None:
    """Refuse a change of time unless the user wrote this message, and may still send it. Raises NotAllowed, and as
    `_leaving`.
    """
    message = _leaving(r, holder, message_id)
    if message is not None and (writer := _other_writer(holder, message)):
        raise NotAllowed(worded("only {writer} can change the time of this message", writer=writer))
    if not may_leave(r, holder.owner, message_id):
        raise NotAllowed(WITHDRAWN)


def _leaving(r: Reader, holder: Holder, message_id: int) -> Leaving | None:
    """A message that waits to be sent. Raises NoSuchMessage for a guest who does not work on the drafts there."""
    if holder.guest and not shares_drafts(r, holder.guest):
        raise NoSuchMessage(message_id)
    return next((one for one in leaving(r, 0) if one.message_id == message_id), None)


class LaterCalls(AccountCalls):
    """Calls about messages that wait for a moment. Times are seconds since 1970; the browser knows the zone of its
    user.
    """

    @call()
    async def message_snooze(self, caller: Caller, message_ids: Some, until: Seconds, unanswered: bool = False) -> None:
        """Put messages off: they move to Snoozed, and return at ``until`` as new mail.

        With ``unanswered`` they stay where they are, and copies come to the Inbox unless they are answered by then.
        """
        due = moment("until", until, LONGEST_SNOOZE)
        put = watch if unanswered else snooze
        await self._put(caller, message_ids, lambda tx, ids: put(tx, ids, due))

    @call()
    async def message_unsnooze(self, caller: Caller, message_ids: Some) -> None:
        """Return messages that were put off now, as they were; those that wait for an answer no longer do."""
        await self._put(caller, message_ids, unsnooze)

    @call()
    async def messages_waiting(self, caller: Caller) -> list[Waiting]:
        """Messages that wait, the next one first; a thousand at most. One whose time has come is on its way. Messages
        of accounts on whose drafts the user works are among them.
        """
        session = caller.require()
        others = await senders(self._accounts, self._holders.auth, self._server.config.current, session.account)
        waiting: list[Waiting] = []
        for owner in {session.account: True} | {sender.owner: True for sender in others}:
            async with self._holders.drafts(session, owner) as holder:
                if holder.owner == owner:
                    waiting += await holder.account.scan(partial(_waiting, holder=holder), op="webmail_waiting")
        return sorted(waiting, key=lambda one: one.due)[:MAX_LISTED]

    @call()
    async def scheduled_change(self, caller: Caller, message_id: ID, send_at: Seconds = 0) -> None:
        """Send a scheduled message at another time, seconds since 1970; 0: now. A conflict if it is on its way."""
        due = moment("send_at", send_at, LONGEST) if send_at else 0
        wish, session = msgspec.structs.replace(self._wish(caller), send_at=due), caller.require()
        try:
            async with self._holders.at(session, message_id) as holder:
                local = holder.local_id(message_id)
                await holder.account.read(lambda r: _check_writer(r, holder, local), op="webmail_waiting")
                await reschedule(holder.account, self._server.keys, local, wish, self._server.tmp)
        except OSError as e:
            raise StorageRefused("the server's disk is full") from e

    @call()
    async def scheduled_cancel(self, caller: Caller, message_id: ID) -> int:
        """Make a message that leaves later a draft again; returns the draft's id. A conflict if it is on its way."""
        async with self._holders.at(caller.require(), message_id) as holder:

            def unit(tx: AccountTx) -> int:
                local = holder.local_id(message_id)
                _leaving(tx, holder, local)
                return unschedule(tx, local)

            return holder.shown_id(await holder.account.write(unit))

    async def _put(
        self, caller: Caller, shown: Sequence[int], change: Callable[[AccountTx, list[MessageID]], object]
    ) -> None:
        async with self._holders.at(caller.require(), shown[0]) as holder:

            def unit(tx: AccountTx) -> None:
                message_ids = list(holder.known(tx, shown))
                holder.refuse_guest(OWN)
                change(tx, message_ids)

            await holder.account.write(unit)
