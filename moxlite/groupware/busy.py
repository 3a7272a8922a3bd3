"""When a calendar user is busy (RFC 4791 §7.10, RFC 6638 §5.1)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from moxlite.groupware.entries import BadEntry, Expander, TooBusy
from moxlite.processor import give_way
from moxlite.proto.cards.components import Component, Instance
from moxlite.proto.cards.itip import address_of
from moxlite.proto.cards.moments import period_of, utc_text
from moxlite.proto.cards.repeating import Span
from moxlite.store.groupware.collection import Collection, collections_of
from moxlite.store.groupware.resources import NoSuchResource, Resource, overlapping

if TYPE_CHECKING:
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.changelog.account import Account

PAGE: Final = 100
"""Rows that are read at once."""

MAX_BUSY: Final = 10_000
"""Periods of an answer."""

Busy = tuple[int, int, str]
"""Seconds UTC of the start and the end of a period, and its kind, as FBTYPE has it."""

OF_ANSWER: Final = {"DECLINED": "", "TENTATIVE": "BUSY-TENTATIVE", "NEEDS-ACTION": "BUSY-TENTATIVE"}
"""How an event makes busy by the answer to its invitation."""


async def busy_times(
    account: Account, expander: Expander, where: Collection, stretch: Span, own: frozenset[str]
) -> list[Busy]:
    """When the owner, with these addresses, is busy by a calendar."""
    busy: list[Busy] = []
    after = 0
    while len(busy) < MAX_BUSY and not where.transparent:
        rows = await account.read(
            partial(
                overlapping,
                collection_id=where.id,
                components=("VEVENT", "VFREEBUSY"),
                since=stretch[0],
                until=stretch[1],
                after=after,
                limit=PAGE,
            ),
            op="dav-busy",
        )
        for one in rows:
            after = one.id
            await give_way()
            busy += await _busy_of(expander, one, stretch, own)
        if len(rows) < PAGE:
            break
    return busy[:MAX_BUSY]


async def busy_of(accounts: Accounts, sandbox: Sandbox, name: str, stretch: Span, own: frozenset[str]) -> list[Busy]:
    """When the user of an account, with these addresses, is busy by all calendars. What cannot be expanded is left out.

    Raises StoreError.
    """
    found: list[Busy] = []
    async with accounts.use(name) as account:
        expander = Expander(account, sandbox)
        for where in await account.read(lambda r: collections_of(r, "calendar"), op="busy"):
            try:
                found += await busy_times(account, expander, where, stretch, own)
            except (BadEntry, TooBusy):
                continue
    return found


async def _busy_of(expander: Expander, one: Resource, stretch: Span, own: frozenset[str]) -> list[Busy]:
    try:
        found = await expander.read(one)
    except NoSuchResource:
        return []
    if found.kind == "VFREEBUSY":
        lines = (line for part in found.parts for line in part.all("FREEBUSY"))
        pairs = (
            (period_of(value), line.parameter("FBTYPE").upper()) for line in lines for value in line.value.split(",")
        )
        return [(*period, kind or "BUSY") for period, kind in pairs if period is not None and kind != "FREE"]
    if found.repeated:
        instances = await expander.instances(one, found, stretch)
    else:
        instances = [Instance(*found.span(found.main), "", 0)]
    return [
        (inst.starts, inst.ends, kind)
        for inst in instances
        if (kind := _kind(found.parts[inst.part], own)) and inst.starts < stretch[1] and inst.ends > stretch[0]
    ]


def _kind(part: Component, own: frozenset[str]) -> str:
    """How an event makes its owner busy; "" for not."""
    status = part.value("STATUS").upper()
    if part.value("TRANSP").upper() == "TRANSPARENT" or status == "CANCELLED":
        return ""
    mine = next((line for line in part.all("ATTENDEE") if address_of(line) in own), None)
    answer = "" if mine is None or address_of(part.first("ORGANIZER")) in own else mine.parameter("PARTSTAT").upper()
    kind = OF_ANSWER.get(answer, "BUSY")
    return "BUSY-TENTATIVE" if kind and status == "TENTATIVE" else kind


def merged(busy: Iterable[Busy], stretch: Span) -> list[Busy]:
    """Periods in a stretch. Periods of a kind that touch become one."""
    found: list[Busy] = []
    for start, end, kind in sorted(busy, key=lambda one: (one[2], one[0])):
        start, end = max(start, stretch[0]), min(end, stretch[1])
        if start >= end:
            continue
        if found and found[-1][2] == kind and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]), kind)
        else:
            found.append((start, end, kind))
    return found


def busy_events(busy: Iterable[Busy], stamp: int) -> Iterator[str]:
    """Events that say only when their owner is busy, for programs that show no VFREEBUSY. `stamp`: seconds UTC."""
    for start, end, kind in busy:
        status = "TENTATIVE" if kind == "BUSY-TENTATIVE" else "CONFIRMED"
        lines = (
            "BEGIN:VEVENT",
            f"UID:busy-{start}-{end}",
            f"DTSTAMP:{utc_text(stamp)}",
            f"DTSTART:{utc_text(start)}",
            f"DTEND:{utc_text(end)}",
            "SUMMARY:Busy",
            f"STATUS:{status}",
            "END:VEVENT",
        )
        yield "".join(f"{line}\r\n" for line in lines)


def busy_calendar(stretch: Span, busy: Iterable[Busy], uid: str = "", people: Sequence[str] = ()) -> str:
    """The calendar that says so; an answer to a question has its UID, and the lines of its people."""
    answer = ("METHOD:REPLY",) if uid else ()
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//moxlite//EN",
        *answer,
        "BEGIN:VFREEBUSY",
        f"UID:{uid or f'busy-{stretch[0]}-{stretch[1]}'}",
        f"DTSTAMP:{utc_text(int(time.time()))}",
        f"DTSTART:{utc_text(stretch[0])}",
        f"DTEND:{utc_text(stretch[1])}",
        *people,
        *(f"FREEBUSY;FBTYPE={kind}:{utc_text(start)}/{utc_text(end)}" for start, end, kind in busy),
        "END:VFREEBUSY",
        "END:VCALENDAR",
    ]
    return "".join(f"{line}\r\n" for line in lines)
