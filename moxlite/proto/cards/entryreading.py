"""Facts of an entry, computed from its components. Linear in the size of the entry."""

from __future__ import annotations

from itertools import islice
from typing import Final

from moxlite.proto.cards.calendarobject import MAX_TITLE, CalendarObject
from moxlite.proto.cards.colours import shown_colour
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import plain
from moxlite.proto.cards.entryfacts import MAX_PERIODS, EntryFacts, PartFacts
from moxlite.proto.cards.itip import address_of, agent_of, attendees_of, organizer_of
from moxlite.proto.cards.joining import join_of
from moxlite.proto.cards.moments import is_date, moment_of, period_of
from moxlite.proto.cards.privacy import privacy_of
from moxlite.proto.cards.repeating import main_part

MAX_PLACE: Final = 200
"""Characters of a place that views show."""


def entry_facts(entry: CalendarObject) -> EntryFacts:
    """Compute the facts of an entry."""
    organizer = organizer_of(entry)
    told = entry.parts if entry.kind == "VFREEBUSY" else []
    lines = (line for part in told for line in part.all("FREEBUSY"))
    periods = (
        (*period, plain(line.parameter("FBTYPE"), 30).upper() or "BUSY")
        for line in lines
        for value in line.value.split(",")
        if (period := period_of(value)) is not None
    )
    return EntryFacts(
        privacy=privacy_of(entry),
        repeated=entry.repeated,
        main=main_part(entry.parts) or 0,
        organizer=None if organizer is None else address_of(organizer),
        answered=organizer is not None and agent_of(organizer) == "SERVER",
        parts=[_part_facts(entry, part) for part in entry.parts],
        periods=list(islice((period for period in periods if period[2] != "FREE"), MAX_PERIODS)),
    )


def _part_facts(entry: CalendarObject, part: Component) -> PartFacts:
    first = part.first("DTSTART") or part.first("DUE")
    start = moment_of(first, entry.zones)
    floating = start is not None and start.tzinfo is None
    starts, ends = entry.span(part)
    return PartFacts(
        starts=starts,
        ends=ends,
        clock="utc" if not floating else "date" if first is not None and is_date(first) else "local",
        title=plain(part.value("SUMMARY"), MAX_TITLE),
        place=plain(part.value("LOCATION"), MAX_PLACE),
        free=part.value("TRANSP").upper() == "TRANSPARENT",
        status=plain(part.value("STATUS"), 20).upper(),
        people={address: plain(line.parameter("PARTSTAT"), 20).upper() for address, line in attendees_of(part).items()},
        link=join_of(part),
        colour=shown_colour(part.value("COLOR")),
    )
