"""calendar-data and address-data of a report (DAV-18): how entries are asked for, and their texts, in portions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from moxlite.groupware.entries import LARGE
from moxlite.processor import give_way, off_loop
from moxlite.proto.cards.calendarobject import CalendarObject, expanded, limited
from moxlite.proto.cards.cardobject import read_card, shown_card
from moxlite.proto.cards.components import Component, Instance, write_component
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.moments import period_of
from moxlite.proto.cards.repeating import Span
from moxlite.proto.dav.filters import BadFilter, time_range
from moxlite.proto.dav.xml import CALDAV, CARDDAV, DAV
from moxlite.store.groupware.resources import Resource
from moxlite.web.dav.places import Refusal
from moxlite.web.dav.properties import check_number

CALENDAR_DATA: Final = CALDAV + "calendar-data"
ADDRESS_DATA: Final = CARDDAV + "address-data"

PORTION: Final = 32 << 10
"""Octets of instances that are made at once."""

PORTION_MADE: Final = 20
"""Times its octets that a portion takes with the objects of its lines: measured with empty lines."""


class DataWanted(msgspec.Struct, frozen=True):
    """How calendar-data and address-data are shown.

    Attributes:
      expand, recurrences, busy: stretches (RFC 4791 §9.6.5 to §9.6.7). comp: the components and properties, None for
        all. version: of cards. names: properties of cards, empty for all.
    """

    name: str
    expand: Span | None = None
    recurrences: Span | None = None
    busy: Span | None = None
    comp: Element | None = None
    version: str = ""
    names: tuple[str, ...] = ()

    @property
    def as_kept(self) -> bool:
        """Whether it is shown to the letter."""
        return self == DataWanted(self.name)


def data_wanted(root: Element) -> DataWanted | None:
    """Read a report's wishes about the data of entries; None if it does not want them. Raises Refusal."""
    prop = root.find(DAV + "prop")
    card = None if prop is None else prop.find(ADDRESS_DATA)
    calendar = None if prop is None else prop.find(CALENDAR_DATA)
    for data in (card, calendar):
        check_number(0 if data is None else sum(1 for _ in data.iter()))
    if card is not None:
        version = card.get("version") or "3.0"  # the default of RFC 6352 §10.4
        if card.get("content-type", "text/vcard") != "text/vcard" or version not in ("3.0", "4.0"):
            raise Refusal(403, CARDDAV + "supported-address-data-conversion", "only vCard 3.0 and 4.0 are supported")
        names = tuple((prop.get("name") or "").upper() for prop in card.findall(CARDDAV + "prop"))
        return DataWanted(ADDRESS_DATA, version=version, names=names)
    if calendar is None:
        return None
    if calendar.get("content-type", "text/calendar") != "text/calendar" or calendar.get("version", "2.0") != "2.0":
        raise Refusal(403, CALDAV + "supported-calendar-data", "only iCalendar 2.0 is supported")
    parts = (calendar.find(CALDAV + name) for name in ("expand", "limit-recurrence-set", "limit-freebusy-set"))
    try:
        expand, recurrences, busy = map(time_range, parts)
    except BadFilter as error:
        raise Refusal(403, error.condition, str(error)) from None
    return DataWanted(CALENDAR_DATA, expand, recurrences, busy, calendar.find(CALDAV + "comp"))


def portions(instances: Sequence[Instance], sizes: Sequence[int]) -> Iterator[Sequence[Instance]]:
    """Instances in portions of `PORTION` octets, or one that is larger. `sizes`: octets of the entry's components."""
    start = octets = 0
    for at, instance in enumerate(instances):
        if at > start and octets + sizes[instance.part] > PORTION:
            yield instances[start:at]
            start, octets = at, 0
        octets += sizes[instance.part]
    if start < len(instances):
        yield instances[start:]


def calendar_lines(calendar: Component) -> tuple[str, str]:
    """The lines of a calendar before and after its components, of which it has none."""
    text = write_component(calendar)
    at = text.rindex("END:")
    return text[:at], text[at:]


def instances_text(calendar_object: CalendarObject, data_wanted: DataWanted, instances: Sequence[Instance]) -> str:
    """The text of these instances, without the calendar around them."""
    calendar = shown_calendar(calendar_object, data_wanted, instances)
    return "".join(map(write_component, calendar.components))


async def made(resource: Resource, make: Callable[[], str]) -> str:
    """Make the text of an entry, of a large one in a thread."""
    if resource.size <= LARGE:
        await give_way()
        return make()
    return await off_loop(make, kind="dav")


def card_text(data: bytes, data_wanted: DataWanted) -> str:
    """The text of a card in the version that is wanted: as it was put, where it has that."""
    card_object = read_card(data)
    if not data_wanted.names and card_object.card.value("VERSION") == data_wanted.version:
        return data.decode("utf-8-sig")
    return shown_card(card_object, data_wanted.version, data_wanted.names)


def shown_calendar(
    calendar_object: CalendarObject, data_wanted: DataWanted, instances: Sequence[Instance]
) -> Component:
    calendar = calendar_object.calendar
    if data_wanted.expand is not None:
        calendar = expanded(calendar_object, instances)
    elif data_wanted.recurrences is not None and calendar_object.repeated:
        calendar = limited(calendar_object, data_wanted.recurrences, instances)
    if data_wanted.busy is not None:
        calendar = _busy_within(calendar, data_wanted.busy)
    return calendar if data_wanted.comp is None else _pruned(calendar, data_wanted.comp)


def _pruned(part: Component, wanted: Element) -> Component:
    """The properties and components of a component that an element names (RFC 4791 §9.6.1)."""
    names = {(one.get("name") or "").upper() for one in wanted.findall(CALDAV + "prop")}
    every = wanted.find(CALDAV + "allprop") is not None or not names
    lines = part.properties if every else [prop for prop in part.properties if prop.name in names]
    inner = {(one.get("name") or "").upper(): one for one in wanted.findall(CALDAV + "comp")}
    if wanted.find(CALDAV + "allcomp") is not None:
        return Component(part.name, lines, part.components)
    return Component(
        part.name,
        lines,
        [_pruned(component, inner[component.name]) for component in part.components if component.name in inner],
    )


def _busy_within(calendar: Component, stretch: Span) -> Component:
    """The calendar without the periods of VFREEBUSY outside of a stretch (RFC 4791 §9.6.7)."""
    parts: list[Component] = []
    for part in calendar.components:
        lines: list[Property] = []
        for line in part.properties:
            if line.name == "FREEBUSY":
                line = _periods_within(line, stretch)
            if line.name != "FREEBUSY" or line.value:
                lines.append(line)
        parts.append(Component(part.name, lines, part.components))
    return Component(calendar.name, calendar.properties, parts)


def _periods_within(line: Property, stretch: Span) -> Property:
    kept = [
        value
        for value in line.value.split(",")
        if (period := period_of(value)) is not None and period[0] < stretch[1] and period[1] > stretch[0]
    ]
    return property_of(line.whole[: len(line.whole) - len(line.value)] + ",".join(kept)) or line
