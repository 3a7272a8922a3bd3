"""Mail about events: what a user sends by hand, such as answers and other times, and what the user's calendar has of
it.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.compose.draft import File
from moxlite.groupware.carrying import EntryChange, by_language, updated_entry
from moxlite.groupware.entries import BadEntry, TooBusy, about, has_time, read
from moxlite.groupware.files import ImportResult, NoEntries, Target, add_file
from moxlite.groupware.letters import answer_words
from moxlite.groupware.people import account_of, given_addresses, is_me, user_of
from moxlite.processor import off_loop
from moxlite.proto.address import Address, AddressError, one_spelling
from moxlite.proto.cards.calendarobject import BadObject, CalendarObject
from moxlite.proto.cards.components import BadComponents, Component, write_component
from moxlite.proto.cards.contentline import property_of
from moxlite.proto.cards.editing import BadForm, one_removed
from moxlite.proto.cards.itip import STAMP, address_of, organizer_of, role_of, sequence_of
from moxlite.proto.cards.moments import moment_of, seconds_of
from moxlite.proto.cards.vcard import Unreadable
from moxlite.proto.mime.compose import new_message_id
from moxlite.sandbox.jobs import CleanCalendar
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.store.groupware.resources import Resource, entry_with_uid, resource_data, resource_of
from moxlite.store.groupware.scheduling import delete_entry, put_received
from moxlite.web.composing.sending import send
from moxlite.web.composing.uploads import Party, Written
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, StorageRefused, Unavailable, UserError
from moxlite.web.webmail.calls.entries import EntryCalls, Visit, check_unchanged, event_calendar
from moxlite.web.webmail.eventforms import UndoStep, part_at
from moxlite.web.webmail.holders import number_of
from moxlite.web.webmail.invitationtypes import Act, AppliedInvitation
from moxlite.web.webmail.timeproposals import time_in_series
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.cards.invitation import Calendar, Event, Moment, Person, Recurrence
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.groupware.scheduling import User

TRIES: Final = 5
"""Attempts to send an answer while other programs change its entry."""


class EntryChanged(Exception):
    """The entry was changed since the change to it was made."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message about an event. `to`: its reader; `me`: the address in the event that speaks, `name`: its name;
    `title`, `times`: the event's, start and end; `said`: of `letters.SAID`; `text`: the calendar; `note`: the user's.
    `message_id`: of the mail that it answers, 0 for none; `in_reply_to`: that one's Message-ID.
    """

    to: Person
    me: str
    name: str
    title: str
    times: tuple[Moment | None, Moment | None]
    method: str
    said: str
    text: str
    note: str
    message_id: int = 0
    in_reply_to: str = ""


class StoredEvent(msgspec.Struct, frozen=True):
    """An event of the user's calendars."""

    resource: Resource
    entry: CalendarObject


class EventMailCalls(EntryCalls):
    """Calls about mail that has events."""

    async def _send_stored(
        self,
        caller: Caller,
        letter: Letter,
        submit_id: str,
        changed: Callable[[], Awaitable[EntryChange | None]],
        noted: Callable[[AccountTx], object] | None = None,
    ) -> None:
        """Send a message together with what the user's calendar has of it, in one unit: neither is there without the
        other. `changed` makes the change of the calendar.

        Raises UserError: the calendar can't take the event, and nothing is sent.
        """
        for _ in range(TRIES):
            try:
                change = await changed()
            except (Refused, BadEntry, BadObject, BadComponents) as e:
                raise UserError(
                    worded("couldn't add the event to your calendar, so your reply wasn't sent: {reason}", reason=e)
                ) from e
            except (JobFailed, TooBusy) as error:
                raise Unavailable("the server is busy; try again in a moment") from error

            def also(tx: AccountTx, change: EntryChange | None = change) -> None:
                if change is not None and not change.store(tx):
                    raise EntryChanged
                if noted is not None:
                    noted(tx)

            with suppress(EntryChanged):
                return await self._send(caller, letter, submit_id, also)
        raise Unavailable("the server is busy; try again in a moment")

    async def _send(
        self, caller: Caller, letter: Letter, submit_id: str, also: Callable[[AccountTx], None] | None = None
    ) -> None:
        """Send a message about an event, as an answer to the mail that has it, if there is one. `also`: as in
        `SendOptions`.

        It comes from the address that speaks in the event: another one would tell the reader whose it is.
        """
        session, server = caller.require(), self._server
        octets = letter.text.encode("utf-8", "replace")
        reply = File(
            name="reply.ics",
            media_type="text/calendar",
            size=len(octets),
            blocks=lambda: [octets],
            parameters=(("method", letter.method), ("charset", "utf-8")),
            place="alternative",
        )
        options = msgspec.structs.replace(self._send_options(caller), submit_id=bytes.fromhex(submit_id), also=also)
        with suppress(AddressError):
            way = await options.way_of(Address.parse(letter.me))
            if way is None or way.owner:
                raise UserError(worded("you can't reply because you can't send from {address}", address=letter.me))
        original = letter.message_id if not number_of(letter.message_id) else 0
        async with self._accounts.use(session.account) as account:
            # Of the reader's newest mail, which may be large.
            [language] = await account.scan(lambda r: by_language(r, [letter.to.address]), op="invitation")
        name = letter.name or letter.me
        subject, html = answer_words(language, letter.said, name, letter.title, letter.times, letter.note)
        written = Written(
            from_=Party(letter.name, letter.me),
            to=[Party(letter.to.name, letter.to.address)],
            cc=[],
            bcc=[],
            reply_to=[],
            subject=subject,
            text="",
            html=html,
            uploads=[],
            message_id=new_message_id(server.config.current.static.hostname.ascii),
            in_reply_to=letter.in_reply_to,
            references=[letter.in_reply_to] if letter.in_reply_to else [],
            original_id=original,
            original_flag="answered" if original else "",
        )
        try:
            async with self._accounts.use(session.account) as account:
                await send(
                    self._accounts,
                    account,
                    server.keys,
                    server.sandbox,
                    written,
                    options,
                    server.tmp,
                    server.deliveries,
                    [reply],
                )
        except OSError as e:
            raise StorageRefused("the server's disk is full") from e

    async def _invited(self, session: Session, event: Event) -> str:
        """The user's address among the participants, as it is written there; "" for none. It may be a masked address,
        or the address of a linked mailbox.
        """
        snapshot, account = self._server.config.current, session.account
        people = [attendee.address for attendee in event.attendees]
        invited = [address for address in people if is_me(snapshot, account, address)]
        if not invited:
            async with self._accounts.use(account) as opened:
                given = await opened.read(lambda r: given_addresses(r, people), op="invitation")
            return next(iter(given), "")
        # In person before as a member of an alias.
        return next((address for address in invited if account_of(snapshot, address) == account), invited[0])


async def event_there(visit: Visit, calendar: Calendar) -> StoredEvent | None:
    """The user's event that an organizer's message, or a file, is about; None for another message."""
    if calendar.method not in ("", "PUBLISH", "REQUEST", "CANCEL"):
        return None
    return await stored_event(visit, calendar.event.uid)


async def stored_event(visit: Visit, uid: str) -> StoredEvent | None:
    def find(r: Reader) -> tuple[Resource, bytes] | None:
        resource = entry_with_uid(r, uid)
        if resource is None or resource.component != "VEVENT":
            return None
        return resource, resource_data(r, resource.id)

    found = await visit.account.read(find, op="invitation") if uid else None
    return None if found is None else StoredEvent(found[0], await read(found[1]))


async def date_in(entry: CalendarObject, at: Recurrence) -> str:
    """The time of a series that a message names, as `form_at` takes it; "" where the series doesn't have it."""
    recurrence = await about(entry, partial(time_in_series, entry, at))
    moment = moment_of(property_of(at.line), entry.zones)
    if at.following or not recurrence or moment is None:
        return ""
    known = any(part.value("RECURRENCE-ID") == recurrence for part in entry.parts)
    return recurrence if known or await has_time(entry, seconds_of(moment)) else ""


async def act_of(
    user_of_people: Callable[[Iterable[str]], User],
    calendar: Calendar,
    there: StoredEvent | None,
    me: str,
    *,
    trusted: bool,
) -> Act:
    """The act of `invitation_apply` for a message. `user_of_people`: the user among some addresses; `me`: the user\'s
    address that is invited; `trusted`: an answer brings the event into the calendar.
    """
    event, method = calendar.event, calendar.method
    off = method == "CANCEL" or event.cancelled
    of_file = method in ("", "PUBLISH")
    if there is None or (of_file and calendar.others):
        return "add" if (of_file or (method == "REQUEST" and not me)) and not off else ""
    entry, date = there.entry, ""
    if event.recurrence is not None:
        date = await date_in(entry, event.recurrence)
        if off and not date:
            return ""
    own = user_of_people(entry.addresses()).addresses
    if method == "" or not await about(entry, partial(_is_organizers, entry, event, own)):
        return ""
    part = await about(entry, partial(part_at, entry, date))
    if off:
        return "remove" if event.sequence >= sequence_of(part) else ""
    answerable = trusted and me != "" and method == "REQUEST"
    return "update" if not answerable and _is_newer(event, part) else ""


async def removed_event(visit: Visit, user: User, there: StoredEvent, recurrence: str) -> UndoStep:
    """Remove an event, or one time of a series, of which people know already that it's canceled."""
    resource, account = there.resource, visit.account
    data = await account.read(lambda r: resource_data(r, resource.id), op="invitation")
    try:
        made = one_removed(there.entry, recurrence) if recurrence else None
    except (BadForm, OverflowError) as error:
        raise UserError(reason_of(error)) from None
    octets = b"" if made is None else (await off_loop(partial(write_component, made), kind="dav")).encode()
    facts = None if made is None else await visit.expander.facts_of(await read(octets))

    def unit(tx: AccountTx) -> int:
        where = visit.calendar(tx, resource.collection_id, write=True)
        check_unchanged(resource_of(tx, resource.id), resource.modseq)
        if facts is None:
            delete_entry(tx, where, resource.name, lambda _: None, user, tell=False)
            return 0
        return put_received(tx, resource, octets, facts, matters=True).modseq

    left = await account.write(unit)
    return UndoStep(resource.collection_id, resource.name, data.decode("utf-8", "replace"), left, quiet=True)


async def added_events(
    visit: Visit, owner: User, text: str, uid: str, calendar_id: int, tmp: Path
) -> AppliedInvitation:
    where = await visit.account.read(lambda r: event_calendar(r, calendar_id) if calendar_id else None, op="invitation")
    done, file = ImportResult(), io.BytesIO(text.encode())
    try:
        await add_file(visit.account, file, Target("calendar", where), done, owner, tmp)
    except (NoEntries, Unreadable) as error:
        raise UserError(worded("can't read this file: {reason}", reason=error)) from None
    if done.unread and not done.added:
        raise UserError(worded("can't read this file: {reason}", reason=done.problems[0]))
    there = await stored_event(visit, uid)
    return AppliedInvitation(0 if there is None else there.resource.id, added=done.added, known=done.known)


async def update_event(visit: Visit, user: User, text: str, sandbox: Sandbox, name: str) -> None:
    """Update the event as its organizer's mail would, if that were verified."""
    try:
        async with sandbox.turn(name) as turn:
            clean = (await turn.do(CleanCalendar(text))).text
        if not await updated_entry(visit.account, clean, user):
            raise Conflict("this event was changed since you opened it")
    except (Refused, BadComponents) as error:
        raise UserError(worded("calendar: {reason}", reason=error)) from None
    except JobFailed:
        raise Unavailable("the server is busy; try again in a moment") from None


def _is_organizers(entry: CalendarObject, event: Event, own: frozenset[str]) -> bool:
    """Whether an event of a message names the organizer of an entry, who isn't the user."""
    if event.organizer is None or role_of(entry, own) == "organizer":
        return False
    return address_of(organizer_of(entry)) == one_spelling(event.organizer.address)


def _is_newer(event: Event, part: Component) -> bool:
    """Whether an event of a message is a later version than a component (RFC 5546 §2.1.5)."""
    sequence, organizer = sequence_of(part), part.first("ORGANIZER")
    stamp = "" if organizer is None else organizer.parameter(STAMP)
    return event.sequence > sequence or (event.sequence == sequence and "" < stamp < event.stamp)


def calendar_user(snapshot: Snapshot, account: str, me: str, people: Iterable[str] = ()) -> User:
    """The user of an account, who is `me` in an event with these people."""
    user = user_of(snapshot, account, people)
    return msgspec.structs.replace(user, addresses=user.addresses | {one_spelling(me)})
