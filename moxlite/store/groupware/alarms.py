"""When entries of calendars remind their owner, and the alarms that came (DAV-50): tables `alarm` and `alarm_notice`.

A change of an entry, or of its stored instances, only says that its next moment is to be found (`due` 0); the task that
carries the outbox (`upkeep.outbox`) has that done, and knows the next moment of the account by an index. What an alarm
is, is in `proto.cards.alarms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from moxlite.proto.cards.components import Instance
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader, Tx

RING: Final = "ring"
"""Kind of the handler of alarms that are due, or to be found."""

MAX_NOTICES: Final = 60
MAX_MAILS: Final = 20
"""Notices, and mails, that alarms of an account make in an hour."""

MAX_NEWS: Final = 20
"""Notices of an account in an hour of what other people change in its events."""

REACH: Final = 40 * 86_400
"""Seconds after the end of an instance within which its alarms count."""

MOST_INSTANCES: Final = 2000
"""Stored instances of an entry that are looked at: all of them (`groupware.entries`)."""

MOST_ENTRIES: Final = 50
MOST_OCTETS: Final = 1 << 20
"""Entries, and octets of them, that are looked at for one unit."""

MAX_TEXT: Final = 100
"""Characters of a title or place in a notice."""

SECOND: Final = 1_000_000
HOUR: Final = 3600 * SECOND
KEPT: Final = 24 * HOUR
"""µs for which alarms that came are kept."""

NEXT: Final = "SELECT min(due) FROM alarm"
SEEK: Final = """
INSERT INTO alarm (resource_id, since, due) VALUES (?1, ?2, 0)
ON CONFLICT (resource_id) DO UPDATE SET since = iif(due <= ?2, since, ?2), due = 0"""
SEEK_KNOWN: Final = "UPDATE alarm SET due = 0 WHERE resource_id = ?"
SEEK_ALL: Final = """
UPDATE alarm SET since = iif(due <= ?2, since, ?2), due = 0
WHERE resource_id IN (SELECT id FROM resource WHERE collection_id = ?1)"""
SEEK_EACH: Final = "UPDATE alarm SET since = iif(due <= ?1, since, ?1), due = 0"
DROP: Final = "DELETE FROM alarm WHERE resource_id = ?"
DROP_LOST: Final = "DELETE FROM alarm WHERE due <= ? AND resource_id NOT IN (SELECT id FROM resource)"
POSTPONE: Final = "UPDATE alarm SET due = ? WHERE due <= ?"
DUE: Final = """
SELECT a.resource_id, a.since, r.modseq, r.size, r.expanded_from, r.expanded_to, r.ends, c.time_zone
FROM alarm a JOIN resource r ON r.id = a.resource_id JOIN collection c ON c.id = r.collection_id
WHERE a.due <= ? ORDER BY a.due LIMIT ?"""
DATA: Final = "SELECT data FROM resource_data WHERE resource_id = ?"
INSTANCES: Final = """
SELECT starts, ends, recurrence, part FROM instance WHERE resource_id = ? AND ends > ? ORDER BY starts LIMIT ?"""
SAME: Final = """
SELECT 1 FROM alarm a JOIN resource r ON r.id = a.resource_id WHERE a.resource_id = ? AND a.since = ? AND r.modseq = ?
AND r.expanded_to IS ?"""
SET: Final = "UPDATE alarm SET since = ?, due = ? WHERE resource_id = ?"
ADD: Final = """
INSERT INTO alarm_notice (rung, mailed, resource_id, title, place, starts, day, news) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
COUNT: Final = "SELECT count(*), coalesce(sum(mailed), 0) FROM alarm_notice WHERE rung > ? AND NOT news"
COUNT_NEWS: Final = "SELECT count(*) FROM alarm_notice WHERE rung > ? AND news"
EXPIRE: Final = "DELETE FROM alarm_notice WHERE rung <= ?"
HIGHEST: Final = "SELECT coalesce(max(id), 0) FROM alarm_notice"
NEW: Final = """
SELECT id, resource_id, title, place, starts, day FROM alarm_notice
WHERE id > ? AND rung > ? AND NOT mailed AND news <= ? ORDER BY id DESC LIMIT ?"""


class DueEntry(msgspec.Struct, frozen=True):
    """An entry whose alarms have come, or are to be found. `since`: µs UTC up to which they are done. `expanded`: the
    seconds up to which its instances are stored, None for an entry that does not repeat; `goes_on`: beyond these.
    """

    resource_id: int
    since: int
    modseq: int
    expanded: int | None
    goes_on: bool
    time_zone: str
    data: bytes
    instances: list[Instance]


class DueAlarm(msgspec.Struct, frozen=True):
    """A due alarm.

    `starts`: seconds UTC of the instance, None without a time; `day`: the first day of an all-day entry, as YYYY-MM-DD,
    else "". `id`: its row's id. Before it has a row: `moment`, seconds UTC, and for an email `when`, start and end in
    the zone in which it shows them, and `link`, by which one joins, "" for none.
    """

    resource_id: int
    title: str
    place: str
    starts: int | None
    day: str
    id: int = 0
    moment: int = 0
    when: tuple[datetime, datetime] | None = None
    link: str = ""


class AlarmCheck(msgspec.Struct, frozen=True):
    """An entry's due alarms, and its next due time (µs UTC) or None."""

    entry: DueEntry
    next: int | None
    notices: tuple[DueAlarm, ...] = ()
    mails: tuple[DueAlarm, ...] = ()


def next_alarm(r: Reader) -> int | None:
    """The earliest moment at which an alarm comes or is to be found, µs UTC."""
    found: int | None = r.value(NEXT)
    return found


def seek_alarms(tx: AccountTx, resource_id: int, *, has: bool) -> None:
    """Note that an entry was put, which has alarms or has none. Alarms of before are not told of, but those that have
    just come.
    """
    if has:
        tx.execute(SEEK, resource_id, tx.now)
        tx.owed()
    else:
        tx.execute(DROP, resource_id)


def seek_known(tx: AccountTx, resource_id: int) -> None:
    """Note that the stored instances of an entry have changed."""
    if tx.execute(SEEK_KNOWN, resource_id):
        tx.owed()


def seek_in(tx: AccountTx, collection_id: int) -> None:
    """Note that the time zone of a calendar has changed."""
    if tx.execute(SEEK_ALL, collection_id, tx.now):
        tx.owed()


def seek_all(tx: AccountTx) -> None:
    """Note that the time zone of the owner has changed."""
    if tx.execute(SEEK_EACH, tx.now):
        tx.owed()


def postpone_alarms(tx: AccountTx, due: int) -> None:
    """Look at alarms that are due by now again at `due`, µs UTC."""
    tx.execute(POSTPONE, due, tx.now)


def due_entries(r: Reader, now: int) -> list[DueEntry]:
    """Entries whose alarms are due, as many as one unit may have."""
    found: list[DueEntry] = []
    octets = 0
    for resource_id, since, modseq, size, begun, ended, ends, zone in r.rows(DUE, now, MOST_ENTRIES):
        octets += size
        # The first one always, however large it is: else its alarms would never be found, nor those behind it.
        if found and octets > MOST_OCTETS:
            break
        earliest = since // SECOND - REACH
        rows = [] if begun is None else r.rows(INSTANCES, resource_id, earliest, MOST_INSTANCES)
        goes_on = ended is not None and (ends is None or ends > ended)
        instances = [Instance(*row) for row in rows]
        data = bytes(r.value(DATA, resource_id) or b"")
        found.append(DueEntry(resource_id, since, modseq, ended, goes_on, zone, data, instances))
    return found


def room_for_alarms(r: Reader, now: int) -> tuple[int, int]:
    """The numbers of notices and of mails that an account may still get within the hour."""
    total, mailed = r.row(COUNT, now - HOUR) or (0, 0)
    return max(0, MAX_NOTICES - (total - mailed)), max(0, MAX_MAILS - mailed)


def note_looked(tx: Tx, looked: Sequence[AlarmCheck], now: int) -> int:
    """Write what was found of entries at a moment, µs UTC; returns the number of notices. What has changed meanwhile
    is looked at again.
    """
    tx.execute(DROP_LOST, now)
    # Here, and by no task of its own: what an account without new alarms keeps longer is little, and no list has it.
    tx.execute(EXPIRE, now - KEPT)
    number = 0
    for one in looked:
        entry = one.entry
        # The alarms were computed by a thread, from octets and instances that may be others by now. Its row is still
        # due, so that the next round finds it.
        if tx.row(SAME, entry.resource_id, entry.since, entry.modseq, entry.expanded) is None:
            continue
        for mailed, rows in enumerate((one.notices, one.mails)):
            for rung in rows:
                text = rung.title[:MAX_TEXT], rung.place[:MAX_TEXT]
                tx.execute(ADD, now, mailed, rung.resource_id, *text, rung.starts, rung.day, 0)
        number += len(one.notices)
        if one.next is None:
            tx.execute(DROP, entry.resource_id)
        else:
            tx.execute(SET, max(now, entry.since), one.next, entry.resource_id)
    return number


def note_news(tx: AccountTx, news: DueAlarm) -> None:
    """Add a notice of what someone else changed in an event, up to `MAX_NEWS` in an hour."""
    if tx.value(COUNT_NEWS, tx.now - HOUR) < MAX_NEWS:
        text = news.title[:MAX_TEXT], news.place[:MAX_TEXT]
        tx.execute(ADD, tx.now, 0, news.resource_id, *text, news.starts, news.day, 1)


def highest_notice(r: Reader) -> int:
    """The number of the newest alarm that came, 0 without one."""
    found: int = r.value(HIGHEST)
    return found


def alarms_after(r: Reader, number: int, since: int, limit: int, *, news: bool = False) -> list[DueAlarm]:
    """Alarms with a number above this that came after a moment, µs UTC, and were no mail; the newest, newest first.
    `news`: also notices of what other people changed.
    """
    return [
        DueAlarm(resource_id, title, place, starts, day, number)
        for number, resource_id, title, place, starts, day in r.rows(NEW, number, since, news, limit)
    ]
