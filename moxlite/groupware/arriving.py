"""Calendars in mail that came (DAV-29): after their delivery, invitations of known and proven senders come into the
calendar, answers into the organiser's entry. The sandbox reads them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.groupware.carrying import read_owed, receive
from moxlite.groupware.entries import BadEntry, TooBusy, read
from moxlite.groupware.people import given_addresses, is_me, user_of
from moxlite.processor import off_loop
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.cards.calendarobject import BadObject, CalendarObject
from moxlite.proto.cards.components import BadComponents
from moxlite.proto.cards.itip import address_of, brought_by, organizer_of
from moxlite.proto.mime.text import part_text
from moxlite.sandbox.jobs import CleanCalendar
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import BUSY, NO_PROCESS, JobFailed
from moxlite.store.content import body
from moxlite.store.errors import ChunkDamaged, LimitExceeded, NoSuchMessage, OverQuota
from moxlite.store.groupware.resources import entry_with_uid, resource_data
from moxlite.store.groupware.scheduling import ScheduleMessage
from moxlite.store.mail.facts import VALIDATED, smtp_arrival
from moxlite.store.mail.fetching import structure_of
from moxlite.store.people.correspondents import is_known
from moxlite.store.rows.messages import message, packed_structure
from moxlite.store.types import Flag

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.proto.mime.types import Part
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.store.upkeep.outbox import OutboxRow

logger = logging.getLogger("moxlite.groupware")

MAX_CALENDAR: Final = 1 << 20
"""Octets of a calendar (WEBMAIL-129)."""


class ReceivedCalendar(msgspec.Struct, frozen=True):
    """A message with a calendar: its text, the one proven author in
    `one_spelling`, and whether the account knows that.
    """

    text: str
    author: str
    known: bool


class InvitationReceiver:
    """The handler of outbox rows of the kind `perform.ARRIVED`."""

    def __init__(self, *, config: CurrentConfig, sandbox: Sandbox) -> None:
        self._config = config
        self._sandbox = sandbox

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """Look at the calendar of one message."""
        settings = self._config.current.account(account.name)
        number = row.message_id
        if settings is None or settings.invitations == "never" or number is None:
            return
        # In a thread: before anything is known of the sender, up to a mebibyte is unpacked and decoded.
        found = await account.scan(lambda r: _arrived(r, number), op="invitation")
        if found is None:
            return
        try:
            # The message may come from a stranger, so only parse what the sandbox has rewritten.
            async with self._sandbox.turn(account.name) as turn:
                text = (await turn.do(CleanCalendar(found.text))).text
            await self._take(account, found, text, row.key, everyone=settings.invitations == "all")
        except JobFailed as error:
            # The row is handed over again later. Any other failure is the calendar's own fault, and would come again.
            if str(error) in (BUSY, NO_PROCESS):
                raise trio.TooSlowError from error
            _log(account, found, error)
        except TooBusy as error:
            raise trio.TooSlowError from error
        except (Refused, BadEntry, BadObject, BadComponents, OverQuota, LimitExceeded) as error:
            _log(account, found, error)

    async def _take(self, account: Account, found: ReceivedCalendar, text: str, key: bytes, *, everyone: bool) -> None:
        method, entry = await read_owed(text)
        snapshot = self._config.current
        user = await off_loop(lambda: user_of(snapshot, account.name, entry.addresses()), kind="dav")
        # Addresses that the user gives away are written to as any other.
        given = await account.scan(lambda r: given_addresses(r, entry.addresses()), op="invitation")
        user = msgspec.structs.replace(user, addresses=user.addresses | set(given))
        octets = await account.read(lambda r: _entry(r, entry.uid), op="invitation")
        there = await read(octets) if octets else None
        if not await off_loop(lambda: _may_say(method, entry, found.author, there), kind="dav"):
            return
        if method != "REPLY" and found.author in user.addresses:
            return  # the own entry is changed by its owner alone
        if method == "REQUEST":
            is_own = partial(is_me, snapshot, account.name)
            invited = bool(given) or await off_loop(lambda: _invites(entry, is_own), kind="dav")
            # By the addresses in the event itself: a mail that was sent on, or to a list, invites other people.
            if not invited or (not there and not (found.known or everyone)):
                return
        owed = ScheduleMessage(
            method=method, sender=found.author, recipients=(), text=text, before="", resource=0, title=entry.title
        )
        if await receive(account, owed, user, key):
            kv = {"account": account.name, "method": method, "author": found.author}
            logger.info("calendar changed by email", extra={"kv": kv})


def _invites(entry: CalendarObject, is_own: Callable[[str], bool]) -> bool:
    return any(map(is_own, {address_of(line) for part in entry.parts for line in part.all("ATTENDEE")}))


def _may_say(method: str, entry: CalendarObject, author: str, there: CalendarObject | None) -> bool:
    """Whether the author of a mail is the one who may say this: the organiser, who brought the entry that is
    `there`, or the guest who answers.
    """
    if method == "REPLY":
        return all(address_of(part.first("ATTENDEE")) == author for part in entry.parts)
    return author == address_of(organizer_of(entry)) or author in brought_by(there)


def _entry(r: Reader, uid: str) -> bytes:
    """The octets of the entry with a UID, empty without one."""
    resource = entry_with_uid(r, uid)
    return b"" if resource is None else resource_data(r, resource.id)


def _arrived(r: Reader, number: int) -> ReceivedCalendar | None:
    """The message, if it is still there, is not junk, and its one author is proven."""
    try:
        row = message(r, number)
        packed = packed_structure(r, number)
        structure = None if packed is None else structure_of(packed)
    except (NoSuchMessage, ChunkDamaged):
        return None
    came = smtp_arrival(r, number)
    # The cheap questions first: most of what comes with a calendar to everyone is junk, or proves no author.
    if structure is None or came is None or came.msgfrom_validation not in VALIDATED or row.flags & Flag.JUNK:
        return None
    part = _calendar(structure.root)
    senders = structure.envelope.from_
    if part is None or part.decoded > MAX_CALENDAR or len(senders) != 1 or not senders[0].localpart:
        return None
    try:
        domain = Domain.parse(senders[0].domain)
    except AddressError:
        return None
    content = body.locate(r, number)
    text = part_text(part, lambda start, stop: body.read_content(r, content, start, stop - start), MAX_CALENDAR + 1)
    known = is_known(r, senders[0].localpart, domain.unicode, row.received)
    author = str(senders[0].key)
    return ReceivedCalendar(text.encode("utf-8", "replace").decode(), author, known)


def _calendar(part: Part) -> Part | None:
    """The first calendar of a message."""
    if (part.type, part.subtype) == ("TEXT", "CALENDAR"):
        return part
    return next((calendar for child in part.children if (calendar := _calendar(child)) is not None), None)


def _log(account: Account, found: ReceivedCalendar, error: Exception) -> None:
    kv = {"account": account.name, "author": found.author, "err": str(error)}
    logger.info("calendar data in email rejected", extra={"kv": kv})
