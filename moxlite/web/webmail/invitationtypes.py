"""Events of invitations as browsers have them (WEBMAIL-129)."""

from __future__ import annotations

from typing import Literal

import msgspec

from moxlite.proto.cards.received import Omission
from moxlite.web.webmail.eventforms import UndoStep

State = Literal["", "old", "cancelled", "stranger"]
Act = Literal["", "add", "update", "remove"]


class Guest(msgspec.Struct, frozen=True):
    """An organiser or participant. ``answer``: yes, no, maybe, or "" for none yet."""

    name: str
    address: str
    answer: str


class When(msgspec.Struct, frozen=True):
    """A point in time: ``local`` as the sender has it (a date, or date and time); ``utc`` seconds since 1970, None for
    a date and for a time that is the same on all clocks; ``zone``: name of the sender's zone, "" for none.
    """

    local: str
    utc: int | None
    zone: str


class AppliedInvitation(msgspec.Struct, frozen=True):
    """The user's calendar after that. ``event_id``: of the event there, 0 for none; ``added``, ``known``: numbers
    of events that are new, and that were there; ``removed``: what `event_undo` needs to bring the event back, None
    where it wasn't removed.
    """

    event_id: int
    added: int = 0
    known: int = 0
    removed: UndoStep | None = None


class Repeats(msgspec.Struct, frozen=True):
    """A rule of a repeated event; ``frequency`` is "" for one without words. ``days``: MO … SU, with a number before
    them where it counts; ``until``: a date, or "".
    """

    frequency: str
    interval: int
    count: int
    until: str
    days: list[str]
    month_days: list[int]
    months: list[int]


class Proposal(msgspec.Struct, frozen=True):
    """Another time that a guest proposes for an event of the user's. ``start``, ``end``: of the event now.
    ``state``: "" for one that can be accepted, ``accepted`` if the event is at this time, ``changed`` if it was changed
    since.
    """

    by: Guest
    start: When
    end: When
    state: Literal["", "accepted", "changed"]


class Earlier(msgspec.Struct, frozen=True):
    """An event as it was before an update."""

    title: str
    start: When | None
    end: When | None
    place: str


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An event in a message.

    ``method``: as in iTIP, "" for a file that only has an event. ``others``: number of further events; ``more``: of
    further participants. ``state``: "" for the newest version, ``old`` (``newer`` is the message with the newest one),
    ``cancelled``, or ``stranger`` for a change that does not prove to be the organiser's, or another time that does not
    prove to be proposed by a guest of an event of the user's. ``sent_by``: the From address, if it is not the
    organiser's, or in an answer not the guest's; else "". ``me``: the address that is invited, "" if none of the
    user's is. ``answer``: the user's, also ``proposed`` for another time, "" for none; ``answered_old``: to an earlier
    version. ``event_id``: of the event in the user's calendar, 0 for none. ``before``: the event as that had it before
    this version, None where it is not known. ``join``: the https link by which one joins, "" for none.
    ``proposal``: what a COUNTER proposes to the user, None in all others. ``left_out``: what the user's calendar could
    not take of the event: its ``zone``, so that its times are the same on all clocks; its ``end``; its ``rule``;
    ``excluded`` dates of its rule; some of its ``guests``. ``act``: what `invitation_apply` does: ``add`` the event to
    the calendar, ``update`` or ``remove`` the one there, or "" for nothing.
    """

    method: str
    title: str
    start: When | None
    end: When | None
    place: str
    description: str
    organizer: Guest | None
    people: list[Guest]
    more: int
    repeats: Repeats | None
    one_of_many: bool
    others: int
    state: State
    sent_by: str
    newer: int
    me: str
    answer: str
    answered_old: bool
    event_id: int
    join: str
    before: Earlier | None
    proposal: Proposal | None
    left_out: list[Omission]
    act: Act
