"""The states that programs are told of by event stream, websocket and push (RFC 8620 §7.1), all types in one place.

Of another user's account, only changes of what is shared are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.groupware.people import addresses_of
from moxlite.store.delivery.scripts import script_state
from moxlite.store.delivery.submissions import submission_state
from moxlite.store.delivery.vacation import load_form
from moxlite.store.forms import mark
from moxlite.store.groupware.eventnotices import event_notice_state
from moxlite.store.groupware.history import calendar_state, contact_state
from moxlite.store.mail.sharenotices import share_notice_state
from moxlite.store.rows.emails import newest_email
from moxlite.store.rows.history import epoch_mark, mail_state, mailbox_state
from moxlite.web.jmap.identities import identities_state, participants
from moxlite.web.jmap.quota import quota_of
from moxlite.web.jmap.sharing import Collections

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.file.transaction import Reader
    from moxlite.store.groupware.collection import Kind
    from moxlite.web.jmap.accounts import Place


STATES: Final[Mapping[str, Callable[[Reader], int]]] = {
    "Mailbox": mailbox_state,
    "Email": mail_state,
    "Thread": mail_state,
    "EmailSubmission": submission_state,
    "AddressBook": contact_state,
    "ContactCard": contact_state,
    "Calendar": calendar_state,
    "CalendarEvent": calendar_state,
    "CalendarEventNotification": event_notice_state,
    "ShareNotification": share_notice_state,
}
"""Types whose state is a modseq."""

SETTINGS: Final = ("Identity", "VacationResponse", "SieveScript", "Quota", "ParticipantIdentity", "Principal")
"""Types whose state is made of settings: of the account, or of the configuration."""

DELIVERY: Final = "EmailDelivery"
"""Changes when mail is added, and not when mail moves or a draft is saved (RFC 8621 §1.5): it wakes sleeping phones."""

TYPES: Final = frozenset({*STATES, *SETTINGS, DELIVERY})
"""All types that are told."""

SHELVES: Final[Mapping[Kind, tuple[str, str]]] = {
    "contact": ("AddressBook", "ContactCard"),
    "calendar": ("Calendar", "CalendarEvent"),
}
"""Types of what is shared in collections."""

GATHER: Final = 0.02
"""Seconds in which changes are gathered for one event."""


class Viewer(msgspec.Struct, frozen=True):
    """Who is told of an account: the user's place there, the configuration, and the address of the log-in."""

    place: Place
    snapshot: Snapshot
    address: str


def is_news(name: str, before: str | None, now: str) -> bool:
    """Whether the state of a type has changed. That of EmailDelivery goes back when the newest email is deleted, which
    is no delivery.
    """
    if name != DELIVERY or before is None:
        return before != now
    (old, _, old_mark), (new, _, new_mark) = before.partition("-"), now.partition("-")
    known = old[:1] == new[:1] and old_mark == new_mark
    return not known or int(new[1:]) > int(old[1:])


def default_address(snapshot: Snapshot, account: str) -> str:
    """The address by which a program is told that has no log-in at the moment."""
    return next(iter(addresses_of(snapshot, account)), "")


def seen_states(r: Reader, viewer: Viewer) -> dict[str, str]:
    """The states of all types that the user is told of, by type: of another's account only of what is shared. They
    change with what the user may read, and with the rights to it.
    """
    place = viewer.place
    if place.guest:
        return _shared_states(r, viewer)
    ending = epoch_mark(r)
    states = {name: f"{read(r)}{ending}" for name, read in STATES.items()}
    snapshot, name = viewer.snapshot, place.owner
    states |= {
        "Identity": identities_state(r, place, snapshot, viewer.address),
        "VacationResponse": mark(load_form(r)),
        "SieveScript": script_state(r),
        "Quota": quota_of(r, place.account)[0],
        "ParticipantIdentity": participants(snapshot, name, viewer.address)[0],
        "Principal": snapshot.revision,
        DELIVERY: f"e{newest_email(r)}{ending}",
    }
    return states


def _shared_states(r: Reader, viewer: Viewer) -> dict[str, str]:
    place = viewer.place
    states: dict[str, str] = {}
    boxes = [box for box, _ in place.seen(r)]
    if boxes:
        states = dict.fromkeys(("Mailbox", "Email", "Thread"), place.state(r, place.modseq(r, mailbox_state)))
        states[DELIVERY] = f"e{newest_email(r, [box.id for box in boxes])}{place.mark(r)}"
        states["Identity"] = identities_state(r, place, viewer.snapshot, viewer.address)
    for kind, names in SHELVES.items():
        shelf = Collections(kind, place.guest)
        if shelf.shared(r):
            states |= dict.fromkeys(names, shelf.state(r))
    return states


class SharedStates:
    """The states of an account for a user, read once after each change for all connections that watch it.

    All wait for one event, and so go on in one pass of the loop: a lock would be handed from one to the next, a pass
    each, and 150 connections would have 150 deadlines.
    """

    __slots__ = ("__weakref__", "_gathering", "_read", "_reading", "_states")

    def __init__(self) -> None:
        self._gathering: trio.Event | None = None
        self._reading: trio.Event | None = None
        self._read = -1, ""
        self._states: dict[str, str] = {}

    async def gather(self) -> None:
        """Wait for the end of the `GATHER` seconds that began with the first one who waits."""
        if self._gathering is not None:
            await self._gathering.wait()
            return
        ended = self._gathering = trio.Event()
        try:
            await trio.sleep(GATHER)
        finally:
            self._gathering = None
            ended.set()

    async def at(self, viewer: Viewer, modseq: int) -> dict[str, str]:
        """The states at this modseq, or later, by the viewer's configuration. Raises StoreError."""
        revision = viewer.snapshot.revision
        while self._read[0] < modseq or self._read[1] != revision:
            if self._reading is not None:
                await self._reading.wait()
                continue
            ended = self._reading = trio.Event()
            try:
                states = await viewer.place.account.read(partial(seen_states, viewer=viewer), op="jmap push")
                self._states, self._read = states, (max(modseq, self._read[0]), revision)
            finally:
                self._reading = None
                ended.set()
        return self._states
