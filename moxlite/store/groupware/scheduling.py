"""Changes of entries that are shared with other people: each is one unit with the messages that it owes them
(RFC 6638 §3, DAV-23..28).

The messages are rows of the outbox, which `moxlite.groupware.carrying` hands over: into calendars of this server, or to
the queue.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.proto.address import one_spelling
from moxlite.proto.cards.calendarobject import CalendarObject, read_object
from moxlite.proto.cards.components import write_component
from moxlite.proto.cards.contentline import Property
from moxlite.proto.cards.itip import (
    OF_ATTENDEE,
    OF_ORGANIZER,
    Message,
    NotAllowed,
    Role,
    address_of,
    check_organizer,
    is_over,
    organizer_of,
    role_of,
    with_sender,
)
from moxlite.proto.cards.itipanswers import answered, check_attendee, is_answer, refused
from moxlite.proto.cards.organizing import called_off, organized, renewed
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import (
    INBOX,
    SCHEDULE,
    Collection,
    check_own,
    collection_named,
    collections_of,
    create_collection,
    default_of,
    delete_collection,
    ensure_defaults,
)
from moxlite.store.groupware.eventnotices import Author, note_change
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    ResourceFacts,
    delete_resource,
    entry_with_uid,
    put_resource,
    resource_data,
    resource_named,
    together,
)
from moxlite.store.mail.delegates import Sends, right_to_send
from moxlite.store.types import ModSeq
from moxlite.wording import worded

UNDELIVERED: Final = "UNDELIVERED"
"""Method of a row that only says to whom a mail about an event could not be delivered."""

SCHEDULED: Final = frozenset({"VEVENT", "VTODO"})
"""Components that are scheduled with people."""

AT_ONCE: Final = 20
"""Entries with guests that are removed in one unit, after which units of other callers go first."""

MAX_INBOX: Final = 500
"""Maximum number of stored messages about events. A new one replaces the oldest."""

SHARED: Final = """
SELECT name, size FROM resource WHERE collection_id = ? AND tag IS NOT NULL AND (ends IS NULL OR ends > ?)
LIMIT ?"""
OLDEST: Final = "SELECT name FROM resource WHERE collection_id = ? ORDER BY changed, id LIMIT 1"

WAITS: Final = "SELECT EXISTS (SELECT 1 FROM outbox WHERE key = ? AND due > 0)"
# The carrier sets `due` to 0 in a unit before it hands a row over, the first of a change first.
TAKE: Final = "DELETE FROM outbox WHERE key = ? AND due > 0 RETURNING id"
HURRY: Final = "UPDATE outbox SET due = 0 WHERE kind = ? AND due > 0"


class InOtherCalendar(StoreError):
    """Another calendar of the user has the entry; `collection` and `name` are its place."""

    def __init__(self, collection: str, name: str) -> None:
        super().__init__("another calendar already has this event with its guests")
        self.collection = collection
        self.name = name


class Guest(msgspec.Struct, frozen=True):
    """Another user, who changes the owner's events.

    Attributes:
      account: the guest's. address: that of the log-in. own: all of the guest's own addresses, in lower case.
      closed: addresses of the owner from which the guest may not write (SMTP-189), in lower case.
      organizer: the line ORGANIZER that names the owner, None for an owner without an address.
    """

    account: str
    address: str
    own: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    organizer: Property | None = None


class User(msgspec.Struct, frozen=True):
    """The owner of an account as a calendar user. `addresses`: the own ones; `local`: of other people with an account
    here. In lower case. `guest`: who acts in the owner's name, None for the owner.
    """

    addresses: frozenset[str]
    local: frozenset[str] = frozenset()
    guest: Guest | None = None


class ScheduleMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a change owes.

    Attributes:
      sender: the user's address in the entry. resource: id of the entry, 0 for one that is gone.
      title: of the entry. behalf: address of the guest who wrote on behalf of the user, "" for none. others as in
        `itip.Message`.
    """

    method: str
    sender: str
    recipients: tuple[str, ...]
    text: str
    before: str
    resource: int
    title: str
    dates: bool = False
    behalf: str = ""

    def pack(self) -> bytes:
        """Encode it for the row."""
        return to_msgpack(self)

    @classmethod
    def unpack(cls, data: bytes) -> ScheduleMessage:
        """Decode it from the row. Raises msgspec.DecodeError or ValidationError if it is damaged."""
        return _DECODER.decode(data)


_DECODER: Final = msgpack_decoder(ScheduleMessage)


def undelivered(resource: int, recipients: Sequence[str]) -> bytes:
    """The row that notes in an entry of the account that a mail about it did not arrive."""
    people = tuple(map(one_spelling, recipients))
    return ScheduleMessage(
        method=UNDELIVERED, sender="", recipients=people, text="", before="", resource=resource, title=""
    ).pack()


class PutResult(msgspec.Struct, frozen=True):
    """An entry that was put: whether it is new, and whether its octets are others than the client's. `told`: people who
    hear of it.
    """

    resource: Resource
    new: bool
    altered: bool
    told: int = 0


class EntryPut(msgspec.Struct, frozen=True):
    """An entry as a user puts it.

    Attributes:
      allowed: gets the entry as it is, and raises if it may not be replaced.
      answer: an attendee's answer is sent. keep_answers: as of `itip.organized`. tell: people hear of the change; else
        of all that has changed with the next change of which they do. again: the entry was removed before. outcome: as
        was computed before the unit; None to compute it there.
      wait: µs for which the messages wait, in which `take_back` finds them.
    """

    name: str
    data: bytes
    facts: ResourceFacts
    user: User
    allowed: Callable[[Resource | None], None] = lambda _: None
    answer: bool = True
    keep_answers: bool = False
    tell: bool = True
    again: bool = False
    outcome: Outcome | None = None
    wait: int = 0


def put_entry(tx: AccountTx, where: Collection, entry: EntryPut) -> PutResult:
    """Put an entry as `put_resource`, and owe its people the messages that the change means.

    Raises NotAllowed, InOtherCalendar, ReadOnly, and as `put_resource`.
    """
    check_own(where)
    before = resource_named(tx, where.id, entry.name)
    guest = entry.user.guest
    octets = resource_data(tx, before.id) if guest is not None and before is not None else None
    done = _put(tx, where, entry, before)
    if guest is not None and entry.facts.component == "VEVENT":
        note_change(tx, Author(account=guest.account), done.resource.id, octets, resource_data(tx, done.resource.id))
    return done


class Outcome(msgspec.Struct, frozen=True):
    """Meaning of a change of an entry with people, computed from its octets alone.

    Attributes:
      before: hash of what the entry was, None for a new one. refusal: why it may not be changed, None if it may.
      role: of the user. octets: as they are stored. answers: the change is an attendee's answer alone.
      sender: the user's address in the entry. messages: about the change. title: of an entry that is removed.
      sends: how a guest may write from the owner's addresses, of which the rest was computed; None: not at all.
    """

    before: bytes | None
    refusal: NotAllowed | None = None
    role: Role = ""
    octets: bytes = b""
    answers: bool = False
    sender: str = ""
    messages: tuple[Message, ...] = ()
    title: str = ""
    sends: Sends | None = None

    def counts_for(self, before: bytes | None, sends: Sends | None) -> bool:
        """Whether it is of an entry with this hash, and of a guest with this right."""
        return self.before == before and self.sends == sends


def outcome_of(before: bytes | None, entry: EntryPut, now: int, sends: Sends | None = None) -> Outcome:
    """Compute the outcome of an entry that is put in place of `before`. `now`: seconds UTC; `sends`: how a guest may
    write from the owner's addresses. Takes a second for the largest entries (DAV-5a), so that it is not for the event
    loop, nor for a unit.
    """
    digest = None if before is None else hashlib.sha256(before).digest()
    user, keep_answers = entry.user, entry.keep_answers
    after = read_object(entry.data)
    was = None if before is None else read_object(before)
    role = role_of(after, user.addresses)
    earlier = "" if was is None else role_of(was, user.addresses)
    # Of what is over nothing can be decided any more. An event that is moved from the past to the future is new to its
    # guests, so both must be over.
    silent = not entry.tell or (is_over(after, now) and (was is None or is_over(was, now)))
    calendar, messages = after.calendar, tuple[Message, ...]()
    try:
        check_organizer(after, was)
        if user.guest is not None:
            _check_guest(user, user.guest, sends, after, was)
        if role == "attendee" and earlier == "attendee" and was is not None:
            check_attendee(was, after, user.addresses)
        # Store a silent change exactly as the client sent it. Otherwise the marks of messages would claim that people
        # were notified.
        if role == "organizer" and not silent:
            calendar_object = renewed(after) if entry.again and was is None else after
            done = organized(was, calendar_object, user.addresses, user.local, now, keep_answers=keep_answers)
            calendar, messages = done.calendar, done.messages
        elif role == "attendee" and not silent and entry.answer:
            reply = answered(was, after, user.addresses, user.local, now, keep_answers=keep_answers)
            calendar, messages = reply.calendar, () if reply.message is None else (reply.message,)
        elif earlier == "organizer" and was is not None and not role and not silent:
            messages = called_off(was, user.addresses, now)
    except NotAllowed as error:
        return Outcome(digest, error, sends=sends)
    altered = calendar is not after.calendar
    # An answer alone keeps the schedule tag, so that a client that changes the event meanwhile is not refused for it.
    answers = role == earlier == "attendee" and was is not None and is_answer(was, after, user.addresses)
    # If an event no longer has people, its previous version has the address by which guests know the organizer.
    people = (after if role or was is None else was).addresses()
    return Outcome(
        digest,
        None,
        role,
        write_component(calendar).encode() if altered else entry.data,
        answers,
        next((address for address in people if address in user.addresses), ""),
        _from_guest(messages, user, sends),
        sends=sends,
    )


def outcome_of_removal(before: bytes, user: User, now: int, sends: Sends | None = None, *, answer: bool) -> Outcome:
    """Compute the outcome of an entry that is removed, as `outcome_of`."""
    was, digest = read_object(before), hashlib.sha256(before).digest()
    messages: tuple[Message, ...] = ()
    if user.guest is not None:
        try:
            _check_guest(user, user.guest, sends, was)
        except NotAllowed as error:
            return Outcome(digest, error, sends=sends)
    if not is_over(was, now):
        match role_of(was, user.addresses):
            case "organizer":
                messages = called_off(was, user.addresses, now)
            case "attendee" if answer and (reply := refused(was, user.addresses, now)) is not None:
                messages = (reply,)
    sender = next((address for address in was.addresses() if address in user.addresses), "")
    messages = _from_guest(messages, user, sends)
    return Outcome(digest, title=was.title, sender=sender, messages=messages, sends=sends)


def guest_sends(r: Reader, user: User) -> Sends | None:
    """Right of the account's guest to write from its addresses now; None without a right or a guest."""
    return None if user.guest is None else right_to_send(r, user.guest.account, time.time_ns() // 1000)


def _check_guest(user: User, guest: Guest, sends: Sends | None, *versions: CalendarObject | None) -> None:
    """Check that a guest may write to the people of an entry in the owner's name. `versions`: the new one, and the one
    before. Raises NotAllowed.
    """
    for version in versions:
        line = None if version is None else organizer_of(version)
        if version is None or line is None:
            continue
        role = role_of(version, user.addresses)
        if not role and address_of(line) in guest.own:
            raise NotAllowed(OF_ORGANIZER, "you're the organizer of this event, so only your own calendars can have it")
        people = version.addresses()
        if not role or user.addresses.issuperset(people):
            continue
        mine = next(address for address in people if address in user.addresses)
        if sends is None or mine in guest.closed:
            condition = OF_ORGANIZER if role == "organizer" else OF_ATTENDEE
            why = worded(
                "to change an event with guests here, you need permission to send from {address}", address=mine
            )
            raise NotAllowed(condition, why)


def _from_guest(messages: tuple[Message, ...], user: User, sends: Sends | None) -> tuple[Message, ...]:
    """Messages that a guest of the owner's calendar sends."""
    if user.guest is None or sends != "behalf":
        return messages
    return tuple(with_sender(message, user.addresses, user.guest.address) for message in messages)


def is_scheduled(facts: ResourceFacts, before: Resource | None) -> bool:
    """Whether people may have to hear of an entry that is put. One that had guests is shared still: they are owed the
    word that they are no longer invited.
    """
    return facts.component in SCHEDULED and bool(facts.addresses or (before is not None and before.tag is not None))


def _put(tx: AccountTx, where: Collection, entry: EntryPut, before: Resource | None) -> PutResult:
    facts, data = entry.facts, entry.data
    if not is_scheduled(facts, before):
        resource, new = put_resource(tx, where.id, entry.name, data, facts, entry.allowed)
        return PutResult(resource, new, altered=False)
    entry.allowed(before)
    outcome = entry.outcome
    # Recompute if the entry or the guest's right has changed since, which is rare.
    sends = guest_sends(tx, entry.user)
    if outcome is None or not outcome.counts_for(None if before is None else before.hash, sends):
        octets = None if before is None else resource_data(tx, before.id)
        outcome = outcome_of(octets, entry, tx.now // 1_000_000, sends)
    if outcome.refusal is not None:
        raise outcome.refusal
    # Two calendars with the same event would both send its messages, with answers that contradict each other.
    if outcome.role and before is None and (other := entry_with_uid(tx, facts.uid)) is not None:
        raise InOtherCalendar(_name_of(tx, other.collection_id), other.name)
    tag = tx.modseq() if outcome.role else None
    if before is not None and before.tag is not None and outcome.answers:
        tag = ModSeq(before.tag)
    resource, new = put_resource(tx, where.id, entry.name, outcome.octets, facts, tag=tag)
    told = _owe(tx, outcome, resource.id, facts, entry.user, entry.wait)
    return PutResult(resource, new, altered=outcome.octets != data, told=told)


def delete_entry(
    tx: AccountTx,
    where: Collection,
    name: str,
    allowed: Callable[[Resource], None],
    user: User,
    *,
    answer: bool = True,
    tell: bool = True,
    outcome: Outcome | None = None,
    wait: int = 0,
) -> int:
    """Remove an entry as `delete_resource`, and owe its people the messages that this means; `tell`, `outcome` and
    `wait` as of `EntryPut`. Returns how many people hear of it. Raises ReadOnly and NotAllowed, too.
    """
    check_own(where)
    before = resource_named(tx, where.id, name)
    shared = before is not None and before.tag is not None and not where.inbox
    # Read while it is there; the owner is shown what a guest has removed.
    octets = resource_data(tx, before.id) if before is not None and (user.guest is not None or shared) else None
    delete_resource(tx, where.id, name, allowed, keep=True)
    if before is None or octets is None:
        return 0
    if user.guest is not None and before.component == "VEVENT":
        note_change(tx, Author(account=user.guest.account), before.id, octets, None)
    if shared and (tell or user.guest is not None):
        sends = guest_sends(tx, user)
        if outcome is None or not outcome.counts_for(before.hash, sends):
            outcome = outcome_of_removal(octets, user, tx.now // 1_000_000, sends, answer=answer)
        if outcome.refusal is not None:
            raise outcome.refusal
        if tell:
            return _owe(tx, outcome, 0, ResourceFacts(before.uid, before.component, outcome.title), user, wait)
    return 0


def move_entry(
    tx: AccountTx,
    source: Collection,
    name: str,
    facts: ResourceFacts,
    target: tuple[Collection, str],
    user: User,
    *,
    keep: bool = False,
    answer: bool = True,
) -> bool:
    """Move an entry or card to a place in a collection of the same kind, or with `keep` copy it; returns whether the
    place was empty. What is there is removed as by `delete_entry`, since its guests would keep the meeting (RFC 6638
    §3.2). `facts` are of the octets that are moved. Raises as put_resource, and NoSuchResource, ReadOnly.
    """
    where, new_name = target
    check_own(where)
    if not keep:
        check_own(source)
    resource = resource_named(tx, source.id, name)
    if resource is None:
        raise NoSuchResource("entry not found")
    data = resource_data(tx, resource.id)
    there = resource_named(tx, where.id, new_name)
    # First, as the UID of what is replaced may be that of the entry itself.
    if there is not None:
        delete_entry(tx, where, new_name, lambda _: None, user, answer=answer)
    if not keep:
        delete_resource(tx, source.id, name, lambda _: None)
    put_resource(tx, where.id, new_name, data, facts, tag=resource.tag)
    return there is None


def remove_collection(tx: AccountTx, where: Collection, user: User, *, answer: bool = True) -> bool:
    """Remove a calendar or address book.

    Upcoming entries with guests are removed one by one, like by `delete_entry`, because guests would keep the meetings
    otherwise.

    A unit removes `AT_ONCE` of these, or fewer large ones. Call this until it returns True, which means that nothing is
    left. Raises as `delete_entry` and `delete_collection`.
    """
    rows: list[tuple[str, int]] = list(tx.rows(SHARED, where.id, tx.now // 1_000_000, AT_ONCE))
    for name, _ in together(rows, lambda row: row[1]):
        delete_entry(tx, where, name, lambda _: None, user, answer=answer)
    if rows:
        return False
    delete_collection(tx, where.id)
    return True


def put_received(
    tx: AccountTx, resource: Resource | None, data: bytes, facts: ResourceFacts, *, matters: bool
) -> Resource:
    """Put an entry as a message of others has changed it; a new one into the first calendar that takes it. `matters`:
    the change is the organiser's. Raises as `put_resource`.
    """
    # Answers of guests do not make a client's own change a conflict (RFC 6638 §3.2.10); what the organiser changed
    # does.
    tag = tx.modseq() if matters or resource is None else resource.tag
    where = default_calendar(tx, facts.component).id if resource is None else resource.collection_id
    name = entry_name(facts.uid) if resource is None else resource.name
    return put_resource(tx, where, name, data, facts, tag=tag)[0]


def added_entry(data: bytes, facts: ResourceFacts, owner: User) -> EntryPut:
    """An entry of a file, as `add_entry` takes it."""
    return EntryPut(entry_name(facts.uid), data, facts, owner, tell=False)


def add_entry(tx: AccountTx, where: Collection, entry: EntryPut) -> bool:
    """Add an entry of a file, unless a calendar of the account has it. Its people hear nothing of the import, but of
    later changes (`put_entry`); of an entry with two organisers, of neither. Returns whether the entry was added.
    Raises ReadOnly, and as `put_resource`.
    """
    check_own(where)
    if entry_with_uid(tx, entry.facts.uid) is not None:
        return False
    try:
        put_entry(tx, where, entry)
    except NotAllowed:
        put_resource(tx, where.id, entry.name, entry.data, entry.facts)
    return True


def entry_name(uid: str) -> str:
    """The name of an entry that the server puts."""
    return f"{hashlib.sha256(uid.encode()).hexdigest()[:32]}.ics"


def default_calendar(tx: AccountTx, component: str) -> Collection:
    """The calendar for events from other people. It's created if no calendar accepts them."""
    ensure_defaults(tx)
    calendar = default_of([one for one in collections_of(tx, "calendar") if component in one.components])
    return calendar or create_collection(tx, Collection(0, "calendar", "events", "Events", components=(component,)))


def note_message(tx: AccountTx, data: bytes, facts: ResourceFacts) -> None:
    """Keep a message about an event for programs that look for such (RFC 6638 §2.2): the newest of each event."""
    ensure_defaults(tx)
    inbox = collection_named(tx, "calendar", INBOX)
    name = entry_name(facts.uid)
    if inbox.total >= MAX_INBOX and resource_named(tx, inbox.id, name) is None:
        delete_resource(tx, inbox.id, tx.value(OLDEST, inbox.id), lambda _: None)
    put_resource(tx, inbox.id, name, data, facts)


def _name_of(r: Reader, collection_id: int) -> str:
    return str(r.value("SELECT name FROM collection WHERE id = ?", collection_id))


def is_waiting(r: Reader, account: str, uid: str, modseq: int) -> bool:
    """Whether the messages that a change of an entry owes wait, as `EntryPut.wait` has it. `modseq`: of the change."""
    return bool(r.value(WAITS, _key(account, uid, modseq, 0)))


def take_back(tx: AccountTx, uid: str, modseq: int) -> bool:
    """Take back the messages that a change of an entry owes; False if they don't wait, or no longer."""
    number = 0
    while tx.row(TAKE, _key(tx.account, uid, modseq, number)) is not None:
        number += 1
    return number > 0


def _key(account: str, uid: str, modseq: int, number: int) -> bytes:
    return hashlib.sha256(f"schedule\0{account}\0{uid}\0{modseq}\0{number}".encode()).digest()


def _owe(tx: AccountTx, outcome: Outcome, resource: int, facts: ResourceFacts, user: User, wait: int) -> int:
    """Owe the messages of a change; returns how many people get one."""
    behalf = user.guest.address if user.guest is not None and outcome.sends == "behalf" else ""
    if outcome.messages and not wait:
        # What waits would come to people after what is newer: a new event after the word that it's canceled.
        tx.execute(HURRY, SCHEDULE)
    for number, message in enumerate(outcome.messages):
        owed = ScheduleMessage(
            method=message.method,
            sender=outcome.sender,
            recipients=message.recipients,
            text=message.text,
            before=message.before,
            resource=resource,
            title=facts.title,
            dates=message.dates,
            behalf=behalf,
        )
        key = _key(tx.account, facts.uid, tx.modseq(), number)
        tx.owe(key, SCHEDULE, owed.pack(), due=tx.now + wait if wait else 0)
    return len({address for message in outcome.messages for address in message.recipients})
