"""Alarms of calendar entries (DAV-50): those that have come are told by notices on devices and by mail to their owner,
and the next moment of each entry is found.

A notice is a row that devices are told of (`web.notices`). A mail is delivered into the Inbox by a key of entry and
moment before the rows change, so that a crash in between makes no second one. No address of an alarm is read.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from moxlite.groupware.entries import DAY, LARGE, Expander
from moxlite.groupware.letters import MAX_SHOWN, reminder
from moxlite.groupware.people import addresses_of
from moxlite.metrics import Counter
from moxlite.processor import give_way, off_loop
from moxlite.proto.address import Address
from moxlite.proto.cards.alarms import TriggeredAlarm, triggered_alarms, zone_of
from moxlite.proto.cards.calendarobject import BadObject, CalendarObject, read_object
from moxlite.proto.cards.contentline import plain
from moxlite.proto.cards.joining import join_of
from moxlite.proto.cards.moments import in_zone, is_date, moment_of
from moxlite.proto.cards.rules import EPOCH
from moxlite.proto.mime.compose import TextPart, address_field, compose, needs_utf8, new_message_id, text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.types import MailAddress
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.errors import StorageBusy, StoreError
from moxlite.store.groupware.alarms import (
    SECOND,
    AlarmCheck,
    DueAlarm,
    DueEntry,
    due_entries,
    note_looked,
    room_for_alarms,
)
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.mail.settings import reader_language
from moxlite.store.names import INBOX
from moxlite.store.people.notices import Choice, choice

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.store.upkeep.outbox import OutboxRow

logger = logging.getLogger("moxlite.groupware")

LATE: Final = 3600
"""Seconds after its moment up to which an alarm is told."""

AHEAD: Final = 30 * DAY
"""Seconds before the end of its stored instances at which a repeated entry is looked at again."""

MANY: Final = 200
"""Instances above which an entry is looked at in a thread: their times take the loop 3 ms."""

UNKNOWN: Final = {"UTC": ""}
"""The zone of an owner who has told none."""

ALARMS: Final = Counter(
    "moxlite_calendar_alarms_total",
    "Calendar alerts: notified, emailed, failed (couldn't store the email), or over the hourly limit.",
    ["result"],
)


class AlarmSender:
    """The handler of alarms, of the kind `alarms.RING`.

    Args:
      told: is called with an account whose devices are to be told.
      tmp: folder for mail.
    """

    def __init__(self, *, config: CurrentConfig, told: Callable[[str], None], tmp: Path) -> None:
        self._config = config
        self._told = told
        self._tmp = tmp

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """Look at some of the entries that are due. Raises StoreError."""
        now = row.created
        entries = await account.scan(partial(due_entries, now=now), op="alarms")
        # Without instances no alarm is found, so they are made first. The entries are read again, as they have others
        # now.
        if any(due_entry.goes_on and (due_entry.expanded or 0) <= now // SECOND + AHEAD for due_entry in entries):
            await Expander(account).extend()
            entries = await account.scan(partial(due_entries, now=now), op="alarms")

        def read(r: Reader) -> tuple[Choice, tuple[int, int]]:
            return choice(r), room_for_alarms(r, now)

        chosen, (notices, mails) = await account.read(read, op="alarms")
        looked: list[AlarmCheck] = []
        for entry in entries:
            found = await self._look(account.name, entry, chosen, now // SECOND)
            # Drop alarms above the hourly limits instead of postponing them, because late alarms are useless.
            kept = found.notices[: notices if chosen.alarms != "none" else 0]
            mailed = found.mails[: mails if chosen.alarms == "all" else 0]
            if chosen.alarms == "all":
                ALARMS.labels(result="over").inc(len(found.notices) - len(kept) + len(found.mails) - len(mailed))
            notices, mails = notices - len(kept), mails - len(mailed)
            for rung in mailed:
                # Before the rows change: after a crash between both the key of the mail keeps it from coming twice.
                await self._mail(account, rung, now)
            looked.append(AlarmCheck(entry, found.next, kept, mailed))
        number = await account.write(partial(note_looked, looked=looked, now=now))
        if number:
            ALARMS.labels(result="noticed").inc(number)
            self._told(account.name)

    async def _look(self, name: str, entry: DueEntry, chosen: Choice, now: int) -> AlarmCheck:
        own = addresses_of(self._config.current, name)
        work = partial(look, entry, UNKNOWN.get(chosen.zone, chosen.zone), now, frozenset(one.lower() for one in own))
        if len(entry.data) <= LARGE and len(entry.instances) <= MANY:
            await give_way()
            return work()
        return await off_loop(work, kind="dav")

    async def _mail(self, account: Account, rung: DueAlarm, now: int) -> None:
        """Deliver the mail of an alarm. One that cannot be stored is given up. Raises StorageBusy: it can be soon."""
        snapshot = self._config.current
        address = next(iter(addresses_of(snapshot, account.name)), None)
        settings = snapshot.account(account.name)
        if address is None or settings is None:
            return
        language = await account.read(reader_language, op="alarms")
        subject, text = reminder(rung.title, rung.place, rung.link, rung.when, rung.day, language)
        parsed = Address.parse(address)
        person = MailAddress(settings.full_name, parsed.localpart, parsed.domain.ascii)
        utf8 = needs_utf8(person)
        headers = [
            address_field("From", [person], utf8=utf8),
            address_field("To", [person], utf8=utf8),
            text_field("Subject", subject),
            f"Date: {format_date(now)}\r\n".encode(),
            text_field("Message-ID", new_message_id(snapshot.static.hostname.ascii)),
            text_field("Auto-Submitted", "auto-generated"),
        ]
        octets = b"".join(compose(headers, TextPart(text)))
        key = hashlib.sha256(b"alarm %d %d" % (rung.resource_id, rung.moment)).digest()
        try:
            with Spool.of(octets, self._tmp) as spool:
                prepared = await prepare(spool, b"Return-Path: <>\r\n")
                await deliver(account, prepared, NO_FACTS, INBOX, transaction_id=key)
        except StorageBusy:
            raise
        except StoreError as error:
            kv = {"account": account.name, "err": str(error)}
            logger.warning("failed to store alert email", extra={"kv": kv})
            ALARMS.labels(result="failed").inc()
            return
        ALARMS.labels(result="mailed").inc()


def look(entry: DueEntry, zone_name: str, now: int, own: frozenset[str]) -> AlarmCheck:
    """Find the alarms of an entry that came up to now, seconds UTC, and its next moment.

    Args:
      zone_name: the owner's zone, "" if it is not known, for a calendar without one.
      own: addresses of the owner, in lower case.
    """
    zone = zone_of(entry.time_zone, zone_name)
    try:
        calendar_object = read_object(entry.data)
    except BadObject:  # damaged
        return AlarmCheck(entry, None)
    came, following = triggered_alarms(calendar_object, entry.instances, zone or UTC, (entry.since // SECOND, now), own)
    fresh = [
        (ring.action, _rung(calendar_object, ring, entry.resource_id, zone))
        for ring in came
        # after a long stop of the server all alarms of the meantime would come at once
        if ring.moment > now - LATE
    ]
    # It has no alarm in what is stored, but may have one beyond that.
    if following is None and entry.goes_on:
        following = max(now + DAY, (entry.expanded or 0) - AHEAD)
    return AlarmCheck(
        entry,
        None if following is None else following * SECOND,
        tuple(rung for action, rung in fresh if action == "notice"),
        tuple(rung for action, rung in fresh if action == "mail"),
    )


def _rung(calendar_object: CalendarObject, ring: TriggeredAlarm, resource_id: int, zone: tzinfo | None) -> DueAlarm:
    """An alarm as it is told, in the zone of the calendar or its owner, else of the entry."""
    part = calendar_object.parts[ring.part]
    title, place = (plain(part.value(name), MAX_SHOWN) for name in ("SUMMARY", "LOCATION"))
    start = part.first("DTSTART") or part.first("DUE")
    moment = moment_of(start, calendar_object.zones)
    link = join_of(part)
    if ring.starts is None or ring.ends is None or start is None or moment is None:
        return DueAlarm(resource_id, title, place, None, "", moment=ring.moment, link=link)
    day = f"{EPOCH + timedelta(seconds=ring.starts):%Y-%m-%d}" if is_date(start) else ""
    span = ring.starts, ring.ends
    if moment.tzinfo is None:
        span = in_zone(span[0], zone or UTC), in_zone(span[1], zone or UTC)
    try:
        begin, end = (datetime.fromtimestamp(one, zone or moment.tzinfo or UTC) for one in span)
    except (OverflowError, ValueError, OSError):  # at the end of all years
        return DueAlarm(resource_id, title, place, span[0], day, moment=ring.moment, link=link)
    return DueAlarm(resource_id, title, place, span[0], day, moment=ring.moment, when=(begin, end), link=link)
