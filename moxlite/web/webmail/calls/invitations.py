"""The calls for invitations to events (WEBMAIL-129)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.groupware.carrying import EntryChange, answered_entry
from moxlite.groupware.entries import about
from moxlite.groupware.people import user_of
from moxlite.processor import off_loop
from moxlite.proto.address import AddressKey, one_spelling, spellings
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import write_component
from moxlite.proto.cards.editing import BadForm, Form
from moxlite.proto.cards.invitation import (
    ANSWERS,
    MAX_CALENDAR,
    PARTSTATS,
    Calendar,
    Event,
    Moment,
    Person,
    Rule,
    placed,
    write_counter,
    write_declined,
    write_reply,
)
from moxlite.proto.cards.itip import new_calendar, role_of
from moxlite.proto.cards.moments import known_zone
from moxlite.proto.cards.received import Omission, answer_in, left_out_of
from moxlite.proto.mime.text import part_text
from moxlite.sandbox.jobs import CleanCalendar, ReadCalendar
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.store.content import body
from moxlite.store.groupware.resources import entry_with_uid
from moxlite.store.people.invitations import InvitationState, Version, note_answer, note_invitation
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, Unavailable, UserError
from moxlite.web.webmail.calls.composing import CallID
from moxlite.web.webmail.calls.entries import Recurrence, Visit, stored
from moxlite.web.webmail.calls.eventmail import (
    EventMailCalls,
    Letter,
    StoredEvent,
    act_of,
    added_events,
    calendar_user,
    date_in,
    event_there,
    removed_event,
    stored_event,
    update_event,
)
from moxlite.web.webmail.eventforms import event_at, event_before, part_at
from moxlite.web.webmail.holders import number_of
from moxlite.web.webmail.invitationtypes import (
    AppliedInvitation,
    Earlier,
    Guest,
    Invitation,
    Proposal,
    Repeats,
    State,
    When,
)
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.web.webmail.reading.parsed import author_of, is_validated, structure_of
from moxlite.web.webmail.reading.parts import part_at as message_part
from moxlite.web.webmail.timeproposals import TimeProposal, proposed_in
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.mime import types as mime
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.holders import Holder

logger = logging.getLogger("moxlite.web.invitations")

SHOWN_PEOPLE: Final = 100
"""Participants in an answer; the card names some of them."""

MAX_ADDRESS: Final = 320
"""Characters of an address that is shown."""

PROPOSED: Final = "proposed"
"""Answer of a guest who has proposed another time, as the account notes it."""

Answer = Literal["yes", "no", "maybe"]
Time = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}Z)?$")]
Path = Annotated[str, Meta(max_length=400)]


class InvitationCalls(EventMailCalls):
    """Calls about calendars in messages."""

    @call()
    async def invitation(self, caller: Caller, message_id: ID, path: Path) -> Invitation:
        """The event in the part at ``path`` of a message."""
        session, snapshot = caller.require(), self._server.config.current
        calendar, source = await self._calendar(session, message_id, path)
        event = calendar.event
        organizer = "" if event.organizer is None else _key(event.organizer.address)
        known: InvitationState | None = None
        state: State = "cancelled" if event.cancelled else ""
        if event.uid and organizer and not number_of(message_id) and calendar.method in ("REQUEST", "CANCEL"):
            version = _version(calendar, source, message_id)
            async with self._accounts.use(session.account) as account:
                known = await account.write(lambda tx: note_invitation(tx, event.uid, _occurrence(event), version))
            state = _state(version, known.version)
        proposed: TimeProposal | None = None
        if calendar.method == "COUNTER":
            async with self._entries(caller) as visit:
                proposed = await self._proposed(session, visit, message_id, calendar, source)
            state = "stranger" if proposed is None else state
        elif calendar.method == "DECLINECOUNTER" and not (source.proven and source.author == organizer):
            state = "stranger"
        me = await self._invited(session, calendar.event)
        async with self._entries(caller) as visit:
            there = await event_there(visit, calendar)
            act = await act_of(
                partial(user_of, snapshot, session.account), calendar, there, me, trusted=state != "stranger"
            )
        (noted, answered), before, left = await _noted(snapshot, session.account, calendar, there, me)
        # The calendar has "maybe" for a guest who has proposed another time.
        if known is not None and (not noted or (noted, known.answer) == ("maybe", PROPOSED)):
            noted, answered = known.answer, known.answered
        return Invitation(
            method=calendar.method,
            title=event.title,
            start=_when(event.start),
            end=_when(event.end),
            place=event.place,
            description=event.description,
            organizer=None if event.organizer is None else _guest(event.organizer),
            people=[_guest(attendee) for attendee in event.attendees[:SHOWN_PEOPLE]],
            more=event.more + max(0, len(event.attendees) - SHOWN_PEOPLE),
            repeats=_repeats(event.rule),
            one_of_many=event.recurrence is not None,
            others=calendar.others,
            state=state,
            sent_by="" if source.author == _speaker(calendar) else source.sender,
            newer=known.version.message_id if known is not None and state == "old" else 0,
            me=me,
            answer=noted,
            answered_old=bool(noted) and answered < event.sequence,
            event_id=0 if there is None else there.resource.id,
            join=event.join,
            before=_earlier(before) if act == "update" or (calendar.method == "REQUEST" and not state) else None,
            proposal=None if proposed is None else _proposal(proposed, event),
            left_out=list(left),
            act="" if state == "old" else act,
        )

    @call(once=True)
    async def invitation_apply(
        self, caller: Caller, message_id: ID, path: Path, calendar_id: AnyID = 0
    ) -> AppliedInvitation:
        """Bring into the user's calendar what a message of any sender says: add its events, update the event there,
        or remove it, as ``act`` of `invitation` says. No organizer or guest hears of it. ``calendar_id``: where new
        events go, 0 for the first calendar.
        """
        session, snapshot = caller.require(), self._server.config.current
        calendar, source = await self._calendar(session, message_id, path)
        event = calendar.event
        me = await self._invited(session, event)
        async with self._entries(caller) as visit:
            there = await event_there(visit, calendar)
            user = user_of(snapshot, session.account)
            act = await act_of(partial(user_of, snapshot, session.account), calendar, there, me, trusted=False)
            if act == "add":
                return await added_events(visit, user, source.text, event.uid, calendar_id, self._server.tmp)
            if there is None or not act:
                raise Conflict("this event was changed since you opened it")
            if act == "remove":
                recurrence = "" if event.recurrence is None else await date_in(there.entry, event.recurrence)
                removed = await removed_event(visit, self._user(caller, visit), there, recurrence)
            else:
                removed = None
                await update_event(visit, user, source.text, self._server.sandbox, session.account)
            if event.organizer is not None and calendar.method in ("REQUEST", "CANCEL") and not number_of(message_id):
                version = _version(calendar, source, message_id)
                occurrence = _occurrence(event)
                await visit.account.write(lambda tx: note_invitation(tx, event.uid, occurrence, version, approved=True))
        return AppliedInvitation(0 if removed is not None else there.resource.id, removed=removed)

    @call(once=True)
    async def invitation_answer(
        self,
        caller: Caller,
        message_id: ID,
        path: Path,
        answer: Answer,
        submit_id: CallID,
        note: Annotated[str, Meta(max_length=2000)] = "",
    ) -> None:
        """Answer an invitation to its organiser, from the address that is invited, once for each ``submit_id``
        (RFC 6047).
        """
        session = caller.require()
        calendar, source = await self._calendar(session, message_id, path)
        event, me = calendar.event, await self._invited(session, calendar.event)
        if calendar.method != "REQUEST" or event.organizer is None or not event.uid:
            raise UserError("you can't reply to this invitation")
        if not me:
            raise UserError("none of your addresses were invited")
        name = _name_of(event, me)
        letter = Letter(
            to=event.organizer,
            me=me,
            name=name,
            title=event.title,
            times=(event.start, event.end),
            method="REPLY",
            said=PARTSTATS[answer],
            text=write_reply(event, me, name, answer, note, datetime.now(UTC)),
            note=note,
            message_id=message_id,
            in_reply_to=source.message_id,
        )
        await self._answer(caller, calendar, source, letter, submit_id, answer)

    @call(once=True)
    async def invitation_propose(
        self,
        caller: Caller,
        message_id: ID,
        path: Path,
        start: Time,
        end: Time,
        submit_id: CallID,
        note: Annotated[str, Meta(max_length=2000)] = "",
    ) -> None:
        """Propose another time to the organiser of an event to which the user is invited, once for each ``submit_id``,
        and answer that the user comes perhaps (RFC 5546 §3.2.7). ``start``, ``end``: in UTC, or of whole days the
        first and the day after the last.
        """
        session = caller.require()
        calendar, source = await self._calendar(session, message_id, path)
        event, me = calendar.event, await self._invited(session, calendar.event)
        if calendar.method != "REQUEST" or event.organizer is None or not event.uid or event.rule is not None:
            raise UserError("you can't reply to this invitation")
        if not me:
            raise UserError("none of your addresses were invited")
        letter = _counter(event, event.organizer, me, (start, end), note)
        letter = msgspec.structs.replace(letter, message_id=message_id, in_reply_to=source.message_id)
        await self._answer(caller, calendar, source, letter, submit_id, PROPOSED)

    @call(once=True)
    async def event_propose(
        self,
        caller: Caller,
        event_id: ID,
        start: Time,
        end: Time,
        submit_id: CallID,
        recurrence: Recurrence = "",
        note: Annotated[str, Meta(max_length=2000)] = "",
    ) -> None:
        """Propose another time for an event of the user's calendar, or for one of a series, as `invitation_propose`
        does.
        """
        session = caller.require()
        async with self._entries(caller) as visit:
            _, entry = await stored(visit, event_id)
            part = part_at(entry, recurrence)
            event = await about(entry, partial(event_at, entry, recurrence))
            me = await self._invited(session, event)
            user = calendar_user(self._server.config.current, session.account, me, entry.addresses())
            if await about(entry, partial(role_of, entry, user.addresses)) != "attendee":
                raise UserError("you're not invited to this event")
            if not me or event.organizer is None or event.cancelled or (event.rule is not None and not recurrence):
                raise UserError("you can't reply to this invitation")
            letter = _counter(event, event.organizer, me, (start, end), note)

            async def changed() -> EntryChange | None:
                # A date that has no component of its own keeps the answer to its series; another user's calendar its
                # owner's.
                if visit.holder.guest or (recurrence and part is entry.main):
                    return None
                asked = await about(entry, lambda: write_component(new_calendar(entry, [part], "REQUEST")))
                return await answered_entry(visit.account, asked, user, PARTSTATS["maybe"], "")

            await self._send_stored(caller, letter, submit_id, changed)

    @call(once=True)
    async def invitation_proposal(
        self,
        caller: Caller,
        message_id: ID,
        path: Path,
        accept: bool,
        submit_id: CallID,
        note: Annotated[str, Meta(max_length=2000)] = "",
    ) -> None:
        """Accept another time that a guest proposes: the event moves, and all guests hear of it; or decline it, once
        for each ``submit_id`` (RFC 5546 §3.2.8). A conflict if the event was changed since.
        """
        session = caller.require()
        calendar, source = await self._calendar(session, message_id, path)
        event = calendar.event
        async with self._entries(caller) as visit:
            found = await self._proposed(session, visit, message_id, calendar, source)
            if found is None:
                raise UserError("you can't reply to this invitation")
            state = found.state(event.sequence)
            if state == "accepted" and accept:
                return  # by an earlier call, whose answer was lost
            if state:
                raise Conflict("this event was changed since you opened it")
            if accept:
                author = self._author(caller, visit)
                try:
                    made = await about(found.entry, partial(found.moved, author))
                except BadForm as error:
                    raise UserError(reason_of(error)) from None
                except OverflowError:
                    raise UserError("start: events and their recurrences must be in the years 1 to 9999") from None
                await self._put_event(caller, visit, found.resource.collection_id, (made, found.resource))
                return
        event = msgspec.structs.replace(event, organizer=found.organizer)
        letter = Letter(
            to=found.by,
            me=found.organizer.address,
            name=found.organizer.name,
            title=event.title,
            times=(event.start, event.end),
            method="DECLINECOUNTER",
            said="DECLINECOUNTER",
            text=write_declined(event, note, datetime.now(UTC)),
            note=note,
            message_id=message_id,
            in_reply_to=source.message_id,
        )
        await self._send(caller, letter, submit_id)

    async def _proposed(
        self, session: Session, visit: Visit, message_id: int, calendar: Calendar, source: Source
    ) -> TimeProposal | None:
        """The time that a COUNTER proposes; None where its proven author is no guest of an event of the user's, or the
        event has no such time.
        """
        event = calendar.event
        if calendar.method != "COUNTER" or number_of(message_id) or not source.proven or not event.uid:
            return None
        found = await stored_event(visit, event.uid)
        if found is None:
            return None
        there, entry = found.resource, found.entry
        own = user_of(self._server.config.current, session.account, entry.addresses()).addresses
        recurrence = "" if event.recurrence is None else await date_in(entry, event.recurrence)
        if event.recurrence is not None and not recurrence:
            return None
        return await about(entry, partial(proposed_in, there, entry, recurrence, event, source.author, own))

    async def _answer(
        self,
        caller: Caller,
        calendar: Calendar,
        source: Source,
        letter: Letter,
        submit_id: str,
        answer: Answer | Literal["proposed"],
    ) -> None:
        """Send an answer, with which the event comes into the user's calendar. A refused event that is not there stays
        out.
        """
        session, event = caller.require(), calendar.event

        async def changed() -> EntryChange | None:
            async with self._accounts.use(session.account) as account:
                there = await account.read(lambda r: entry_with_uid(r, event.uid), op="invitation")
                if answer == "no" and there is None:
                    return None
                async with self._server.sandbox.turn(session.account) as turn:
                    clean = (await turn.do(CleanCalendar(source.text))).text
                user = calendar_user(self._server.config.current, session.account, letter.me)
                status = PARTSTATS["maybe" if answer == PROPOSED else answer]
                return await answered_entry(account, clean, user, status, source.author if source.proven else "")

        def noted(tx: AccountTx) -> None:
            note_answer(tx, event.uid, _occurrence(event), answer, event.sequence)

        await self._send_stored(caller, letter, submit_id, changed, noted)

    async def _calendar(self, session: Session, message_id: int, path: str) -> tuple[Calendar, Source]:
        """The calendar in a part, and its message. Raises NotFound, UserError, Unavailable."""
        async with self._server.views.shown(session.account), self._holders.at(session, message_id) as holder:
            local = holder.local_id(message_id)
            text, source = await holder.account.read(lambda r: _text(r, holder, local, path), op="invitation")
            try:
                async with self._server.sandbox.turn(session.account) as turn:
                    calendar = await turn.do(ReadCalendar(text))
                return await off_loop(partial(placed, calendar), kind="invitation"), source
            except Refused as e:
                raise UserError(worded("calendar: {reason}", reason=e)) from e
            except JobFailed as e:
                raise Unavailable("couldn't read the calendar; try again later") from e


class Source(msgspec.Struct, frozen=True):
    """The message with a calendar: the calendar, its Message-ID, the From address as people see it, and as `author_of`
    gives it.
    """

    text: str
    message_id: str
    sender: str
    author: str
    proven: bool


async def _noted(
    snapshot: Snapshot, account: str, calendar: Calendar, there: StoredEvent | None, me: str
) -> tuple[tuple[str, int], Event | None, tuple[Omission, ...]]:
    """The answer in the user's calendar, "" for none, and the version that it is to; the event as it was before
    this version; what the calendar doesn't have of it.
    """
    event = calendar.event
    if there is None or not event.uid or calendar.method not in ("PUBLISH", "REQUEST", "CANCEL"):
        return ("", 0), None, ()
    entry = there.entry
    time = "" if event.recurrence is None else event.recurrence.time
    own = user_of(snapshot, account, entry.addresses()).addresses
    status, version = answer_in(entry, own | {me.lower()}, time)
    before = await off_loop(partial(_before, entry, event), kind="invitation")
    return (ANSWERS.get(status, ""), version), before, left_out_of(entry.parts)


def _version(calendar: Calendar, source: Source, message_id: int) -> Version:
    event = calendar.event
    return Version(
        sequence=event.sequence,
        stamp=event.stamp,
        organizer="" if event.organizer is None else _key(event.organizer.address),
        author=source.author,
        proven=source.proven,
        cancelled=calendar.method == "CANCEL" or event.cancelled,
        message_id=message_id,
    )


def _state(version: Version, newest: Version) -> State:
    """The state of a version beside the newest that is known."""
    if newest.order > version.order:
        trusted = newest.is_of(version)
    elif newest.order == version.order:
        trusted = version.is_of(newest)
    else:
        trusted = version.may_change(newest)
    if not trusted:
        return "stranger"
    if newest.cancelled:
        return "cancelled"
    return "old" if newest.order > version.order else ""


def _counter(event: Event, organizer: Person, me: str, times: tuple[str, str], note: str) -> Letter:
    """The message of a guest who proposes another time. `times`: as in `invitation_propose`. Raises UserError."""
    start, end = map(_time, times)
    if len({"T" in one for one in times}) > 1 or end < start or times[0] == times[1]:
        raise UserError("the event must end after it starts")
    name = _name_of(event, me)
    return Letter(
        to=organizer,
        me=me,
        name=name,
        title=event.title,
        times=(_moment(start), _moment(end)),
        method="COUNTER",
        said="COUNTER",
        text=write_counter(event, me, name, (start, end), note, datetime.now(UTC)),
        note=note,
    )


def _speaker(calendar: Calendar) -> str:
    """The address that a calendar should come from: the organiser's, in an answer the guest's."""
    event = calendar.event
    if calendar.method in ("REPLY", "COUNTER", "REFRESH"):
        return _key(event.attendees[0].address) if event.attendees else ""
    return "" if event.organizer is None else _key(event.organizer.address)


def _occurrence(event: Event) -> str:
    """The line of the one event of a repeated one, by which the account notes it; "" for all of them."""
    return "" if event.recurrence is None else event.recurrence.line


def _key(address: str) -> str:
    return one_spelling(address.strip())


def _text(r: Reader, holder: Holder, message_id: int, path: str) -> tuple[str, Source]:
    holder.check_message(r, message_id)
    structure = structure_of(r, message_id)
    part: mime.Part | None = message_part(structure.root, path)
    if part is None or part.parts:
        raise NotFound("part not found")
    if part.decoded > MAX_CALENDAR:
        raise UserError("calendar: must be 1 MiB or smaller")
    content = body.locate(r, message_id)
    text = part_text(part, lambda start, stop: body.read_content(r, content, start, stop - start), MAX_CALENDAR + 1)
    sender = next((spellings(address.localpart, address.domain)[-1] for address in structure.envelope.from_), "")
    author, proven = author_of(structure), is_validated(r, message_id)
    text = text.encode("utf-8", "replace").decode()
    source = Source(text, structure.envelope.message_id or "", sender[:MAX_ADDRESS], author, proven)
    return text, source


def _time(text: str) -> datetime:
    """Raises UserError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UserError("start: this date doesn't exist") from None


def _moment(at: datetime) -> Moment:
    """A proposed time, in UTC, or a day."""
    local = at.replace(tzinfo=None).isoformat() if at.tzinfo is not None else at.date().isoformat()
    return Moment(local, None, "UTC" if at.tzinfo is not None else "")


def _name_of(event: Event, address: str) -> str:
    """The name of a participant, as the organiser writes it."""
    key = AddressKey.parse(address)
    return next((person.name for person in event.attendees if AddressKey.parse(person.address) == key), "")


def _proposal(found: TimeProposal, event: Event) -> Proposal:
    start, end = (_when_of(found.shown, at, found.entry) for at in (found.shown.start, found.shown.end))
    return Proposal(_guest(found.by), start, end, found.state(event.sequence))


def _when_of(form: Form, at: datetime, entry: CalendarObject) -> When:
    """A local time of a form."""
    if form.whole:
        return When(at.date().isoformat(), None, "")
    zone = known_zone(form.zone, entry.zones) if form.zone else None
    return When(at.isoformat(), None if zone is None else int(at.replace(tzinfo=zone).timestamp()), form.zone)


def _guest(person: Person) -> Guest:
    return Guest(person.name, person.address, person.answer)


def _before(entry: CalendarObject, event: Event) -> Event | None:
    before = event_before(entry, event)
    return None if before is None else placed(Calendar("", before, 0)).event


def _earlier(event: Event | None) -> Earlier | None:
    return None if event is None else Earlier(event.title, _when(event.start), _when(event.end), event.place)


def _when(one: Moment | None) -> When | None:
    return None if one is None else When(one.local, one.utc, one.zone)


def _repeats(rule: Rule | None) -> Repeats | None:
    if rule is None:
        return None
    days, month_days, months = list(rule.days), list(rule.month_days), list(rule.months)
    return Repeats(rule.frequency, rule.interval, rule.count, rule.until, days, month_days, months)
