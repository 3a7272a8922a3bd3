"""Secret links of calendars: their addresses, and the calendar as those see it who have one (DAV-42)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.admin.publicpages import calendar_link
from moxlite.groupware.busy import busy_events, busy_times, merged
from moxlite.groupware.entries import BUSY_TITLE, DAY, Expander, about, read
from moxlite.groupware.people import user_of
from moxlite.proto.cards.calendarfiles import CALENDAR_END, About, WrittenZones, calendar_head, calendar_parts
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.joining import with_shown_links
from moxlite.proto.cards.privacy import shown_to_guests
from moxlite.store.groupware.collection import Collection, collection, token_of
from moxlite.store.groupware.resources import Resource, resource_data, resources_of, together
from moxlite.store.groupware.sharing import link_with, make_link

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader

MAX_FILE: Final = 4 << 20
"""Octets of the entries in an answer: reading them takes a second of processor."""

RECENT: Final = 366 * DAY
"""Seconds since the end of an entry, from which on it is left out of a calendar above `MAX_FILE`."""

BUSY_BEFORE: Final = 31 * DAY
BUSY_AFTER: Final = 366 * DAY
"""Seconds of the busy times in an answer, before and after the day's begin."""

PAGE: Final = 50
"""Entries that are read at once."""


NOT_SERVED: Final = "calendars aren't available over HTTPS on this server; your administrator can turn on dav_https"


class NotServed(Exception):
    """No listener serves calendars, so that a link would have no address."""


class SharedCalendar(msgspec.Struct, frozen=True):
    """A calendar as a link shows it. `today`: seconds UTC of the day's begin. `etag`: strong, without quotes."""

    calendar: Collection
    busy: bool
    today: int
    etag: str


async def new_link(
    account: Account, snapshot: Snapshot, find: Callable[[Reader], Collection], note: str, *, busy: bool
) -> str:
    """Make a secret link of the calendar that is found; returns its address. Raises NotServed, and what `find` and
    `make_link` raise.
    """
    if calendar_link(snapshot, account.name, "") is None:
        raise NotServed(NOT_SERVED)
    # After the check: a token without an address could not be told to its owner again.
    token = await account.write(lambda tx: make_link(tx, find(tx), note, busy=busy))
    return calendar_link(snapshot, account.name, token) or ""


async def sight(account: Account, token: str, *, busy: bool) -> SharedCalendar | None:
    """The contents of the link with a token, `busy` if only busy times are asked for; None without such a link."""
    today = int(time.time()) // DAY * DAY

    def find(r: Reader) -> SharedCalendar | None:
        link = link_with(r, token)
        if link is None:
            return None
        where = collection(r, link.collection_id)
        shown = busy or link.busy
        moves = shown or where.size > MAX_FILE  # the shown content also changes with the day
        state = f"{token_of(r, where, where.modseq)} {shown} {today if moves else ''}"
        return SharedCalendar(where, shown, today, hashlib.sha256(state.encode()).hexdigest()[:32])

    return await account.read(find, op="calendar-link")


async def calendar_file(account: Account, snapshot: Snapshot, seen: SharedCalendar) -> AsyncIterator[str]:
    """The calendar in pieces. An entry that changes meanwhile may be the new one: then the next tag is another.

    Raises TooBusy.
    """
    if seen.busy:
        stretch = seen.today - BUSY_BEFORE, seen.today + BUSY_AFTER
        own = user_of(snapshot, account.name).addresses
        times = await busy_times(account, Expander(account), seen.calendar, stretch, own)
        yield calendar_head(About("Busy"))
        for piece in busy_events(merged(times, stretch), seen.today):
            yield piece
    else:
        yield calendar_head(About(seen.calendar.display_name, seen.calendar.colour))
        zones = WrittenZones()
        async for data in _entries(account, seen):
            with suppress(BadObject):  # damaged
                entry = await read(data)
                yield await about(entry, partial(calendar_parts, with_shown_links(entry.calendar), zones))
    yield CALENDAR_END


async def _entries(account: Account, seen: SharedCalendar) -> AsyncIterator[bytes]:
    after, room = 0, MAX_FILE
    since = seen.today - RECENT if seen.calendar.size > MAX_FILE else None

    def page(r: Reader) -> list[tuple[Resource, bytes]]:
        rows = together(resources_of(r, seen.calendar.id, after, PAGE), attrgetter("size"))
        return [
            (row, b"" if since is not None and row.ends is not None and row.ends < since else _shown(r, row))
            for row in rows
        ]

    while rows := await account.scan(page, op="calendar-link"):
        for resource, data in rows:
            after = resource.id
            room -= len(data)
            if room < 0:
                return
            if data:
                yield data


def _shown(r: Reader, row: Resource) -> bytes:
    """The octets of an entry as guests see them, none for a secret or damaged one."""
    try:
        return shown_to_guests(resource_data(r, row.id), BUSY_TITLE) or b""
    except BadObject:  # damaged
        return b""
