"""Messages about events that others sent (iTIP, RFC 5546): what they change in the receiver's copy, which keeps what is
the receiver's own, such as alarms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final, Literal, get_args

import msgspec

from moxlite.proto.cards.calendarobject import ZONED, CalendarObject, object_of
from moxlite.proto.cards.components import BadComponents, Component, read_components, read_mailed, write_component
from moxlite.proto.cards.contentline import Property, property_of, unfolded, with_value
from moxlite.proto.cards.editing import with_zones
from moxlite.proto.cards.filezones import MAX_ZONES, zones_of
from moxlite.proto.cards.itip import (
    ANSWERS,
    BEFORE,
    BROUGHT_BY,
    LEFT_OUT,
    PERSONAL,
    STAMP,
    Dates,
    address_of,
    asked_of,
    attendees_of,
    by_key,
    is_off,
    key_of,
    mapped,
    named_by,
    new_calendar,
    organizer_of,
    rebuilt,
    sequence_of,
    times_of,
    with_parameters,
    with_property,
)
from moxlite.proto.cards.itipanswers import own_line
from moxlite.proto.cards.joining import mailed_link
from moxlite.proto.cards.limits import (
    CONDITIONS,
    MAX_ENTRY,
    MOST,
    SIZE,
    TOO_LARGE,
    AboveLimit,
    above,
    check_extent,
    octets_of,
)
from moxlite.proto.cards.moments import (
    Zones,
    iana_zone,
    is_date,
    known_zone,
    moment_of,
    seconds_of,
    utc_text,
    value_of,
    zone_name,
)  # fmt: skip
from moxlite.proto.cards.repeating import (
    OF_SERIES,
    LeftOut,
    date_of,
    left_out,
    main_part,
    parts_of,
    recurrence_of,
    rules_of,
    with_known_instances,
)
from moxlite.proto.cards.rules import BadRecurrence, modern_rule
from moxlite.wording import reason_of

MAX_DELEGATE: Final = 330
"""Characters of the address to which an answer hands an invitation on."""

MAX_LINE: Final = 32 << 10
"""Characters of a line accepted from an email."""

UNWANTED: Final = PERSONAL | {"ATTACH", "IMAGE", "CONFERENCE", "METHOD"}
"""Properties that no mail brings into a calendar, of CONFERENCE all but the link by which one joins."""

RULES_OF_ZONES: Final = frozenset({"STANDARD", "DAYLIGHT"})
"""Components within others that a mail brings: of VTIMEZONE (RFC 5545 §3.6.5)."""

REPEATED: Final = frozenset({"ATTENDEE", "RDATE", "EXDATE", "COMMENT", "CONTACT", "REQUEST-STATUS"})
"""Properties that a component may have several times; of others the first counts."""

OF_CANCELLED: Final = frozenset({"UID", "SUMMARY", "LOCATION", "ORGANIZER", "DURATION", "CLASS"})
"""Properties of a series that a date has which is called off: no user looks at the description, files and alarms of
such a date.
"""

WHEN: Final = ("DTSTART", "DTEND", "DURATION")
WHAT: Final = ("SUMMARY", "LOCATION")
FORMER: Final = (*WHEN, *WHAT)
"""Properties whose previous values an update's card shows (WEBMAIL-129)."""

MAX_FORMER: Final = 1000
"""Characters of such a line that is kept; a title or place has no more on the card."""

OWN: Final = PERSONAL | {"CLASS"}
"""Properties that are a receiver's own, once the entry is there."""


def read_message(text: str) -> tuple[str, CalendarObject]:
    """The method and the entry of a message that this server has written, as far as a calendar takes it. Raises
    BadComponents, BadObject.
    """
    calendar = read_components(text, "VCALENDAR")
    lines = [line for line in calendar.properties if line.name != "METHOD"]
    method = calendar.value("METHOD").upper()
    known, _ = _storable(Component("VCALENDAR", lines, calendar.components))
    return method, object_of(known, message=method != "REQUEST")


def cleaned(text: str) -> str:
    """Rewrite a calendar from an email: its method, entry and time zones, within limits.

    Alarms, files and nonstandard properties are removed, because unknown senders mustn't add them to a calendar.

    Raises BadComponents: it is not a message about one entry.
    """
    calendar = read_mailed(text)
    method = calendar.value("METHOD").upper()
    parts = [
        component
        for component in calendar.components
        if component.name in ("VEVENT", "VTODO") and component.value("UID")
    ]
    if method not in ("PUBLISH", "REQUEST", "CANCEL", "REPLY") or not parts:
        raise BadComponents("the calendar must be a scheduling message")
    of_entry = [part for part in parts if (part.name, part.value("UID")) == (parts[0].name, parts[0].value("UID"))]
    named = _few_guests([mapped(part, _unmarked) for part in of_entry])
    try:
        check_extent(Component("VCALENDAR", [], named))
    except AboveLimit as error:
        raise BadComponents(reason_of(error)) from None
    zones = [_cleaned(component) for component in calendar.components if component.name == "VTIMEZONE"][:MAX_ZONES]
    head = [line for line in calendar.properties if line.name == "METHOD"][:1]
    made = new_calendar(CalendarObject(Component("VCALENDAR", [], zones), [], {}), list(map(_cleaned, named)))
    return write_component(Component("VCALENDAR", [*made.properties, *head], made.components))


def _unmarked(line: Property) -> Property:
    """A line without the server's own parameter, which only this server may write."""
    return with_parameters(line, {LEFT_OUT: ""}) if line.name == "ORGANIZER" else line


class MendedEntry(msgspec.Struct, frozen=True):
    """An entry of a file as a calendar takes it.

    Attributes:
      calendar: the entry. left: what was left out. lines: whether lines were, because they can't be read.
      zone: name of the zone that times of an unknown zone are in, "" if there's none.
    """

    calendar: Component
    left: Set[str]
    lines: bool
    zone: str


def mended(text: str, zone: str = "") -> MendedEntry:
    """Rewrite a calendar entry from a file as a calendar takes it: without lines that can't be read, and without what
    is wrong in others (`LEFT`). Linear.

    Args:
      zone: IANA name of the zone for times of an unknown one, if the file doesn't name one (X-WR-TIMEZONE).

    Raises BadComponents.
    """
    whole = read_mailed(text)
    calendar = with_known_instances(whole)
    own = zone_name(calendar.value("X-WR-TIMEZONE"))
    zone = own if own and iana_zone(own) is not None else zone
    made, left = _storable(calendar, zone)
    lines = calendar != whole or any(line.strip() and property_of(line) is None for line in unfolded(text))
    return MendedEntry(with_zones(made, parts_of(made)) if "zone" in left and zone else made, left, lines, zone)


def _cleaned(part: Component) -> Component:
    kept = [
        line
        for line in part.properties
        if line.name not in UNWANTED and not line.name.startswith("X-") and len(line.whole) <= MAX_LINE
    ]
    found: dict[str, int] = {}
    lines: list[Property] = []
    for line in kept:
        found[line.name] = found.get(line.name, 0) + 1
        if line.name in REPEATED or found[line.name] == 1:
            lines.append(line)
    link = mailed_link(part.properties) if part.name == "VEVENT" else None
    if link is not None:
        lines.append(link)
    return Component(part.name, lines, [_cleaned(rule) for rule in part.components if rule.name in RULES_OF_ZONES])


def with_answer(
    there: CalendarObject | None, message: CalendarObject, own: frozenset[str], status: str, now: int, author: str = ""
) -> Component | None:
    """The receiver's entry after a REQUEST and the answer to it; None where neither changes anything. An event that is
    refused, and not there, stays out. `now`: seconds UTC; `author`: the proven author of the REQUEST, "" for none.
    """
    if there is None and status == "DECLINED":
        return None
    made = with_request(there, message, own, now, author)
    base = there if made is None else object_of(made)
    if base is None:
        return None
    asked = by_key(message).keys()

    def line(prop: Property) -> Property:
        mine = prop.name == "ATTENDEE" and address_of(prop) in own
        return with_parameters(prop, {"PARTSTAT": status, "RSVP": ""}) if mine else prop

    parts = [mapped(part, line) if key in asked else part for key, part in by_key(base).items()]
    return rebuilt(base, parts) if made is not None or parts != base.parts else None


def answer_in(there: CalendarObject, own: frozenset[str], recurrence: str) -> tuple[str, int]:
    """PARTSTAT of a user in an entry, or with the value of RECURRENCE-ID in that exception, "" without one; and the
    number of the version.
    """
    parts = by_key(there)
    named = (part for part in there.parts if recurrence and part.value("RECURRENCE-ID") == recurrence)
    part = next(named, parts.get(None))
    mine = None if part is None else own_line(part, own)
    if part is None or mine is None:
        return "", 0
    return mine.parameter("PARTSTAT").upper(), sequence_of(part)


def with_request(
    there: CalendarObject | None, message: CalendarObject, own: frozenset[str], now: int, author: str = ""
) -> Component | None:
    """The receiver's entry after the organiser's REQUEST; None if that is old, or of another organiser. `now`: seconds
    UTC; `author`: proven author who brings a new entry, "" for none. Who brought an entry does not change with it.
    """
    if there is None:
        known, newer = None, by_key(message)
    else:
        known, newer = Dates(there), _newer(there, message, now)
    if not newer:
        return None
    line = None if there is None else organizer_of(there)
    if line is not None:
        brought = line.parameter(BROUGHT_BY)
    else:
        brought = named_by(message, author) if author else ""

    def received(key: int | None, part: Component) -> Component:
        was, stamp, before = None, stamp_of(part, now), ""
        if known is not None:
            was = known.parts.get(key) or known.series
            before = _before(part, stamp, known)
        return _stamped(_received(part, was, own), stamp, {BROUGHT_BY: brought, BEFORE: before})

    parts = {key: received(key, part) for key, part in newer.items()}
    if there is None or known is None:
        return new_calendar(message, list(parts.values()))
    series = newer.get(None)
    kept = {
        key: part
        for key, part in known.parts.items()
        if series is None or (key is not None and _order(part, _stamp(part)) > _order(series, stamp_of(series, now)))
    }
    made = list({**kept, **parts}.values())
    return rebuilt(there, made) if series is None else new_calendar(message, made)


def with_cancel(there: CalendarObject, message: CalendarObject, own: frozenset[str], now: int) -> Component | None:
    """The recipient's entry after the organizer's CANCEL.

    Canceled events stay, marked as canceled. None as above. Raises AboveLimit.
    """
    off = _newer(there, message, now)
    if not off:
        return None
    known = by_key(there)
    all_off = off.get(None)
    parts: list[Component] = []
    for key, part in known.items():
        named = off.get(key)
        if named is None and all_off is not None:
            later = key is not None and _order(part, _stamp(part)) > _order(all_off, stamp_of(all_off, now))
            named = None if later else all_off
        if named is None:
            parts.append(part)
        else:
            parts.append(_stamped(_cancelled(part, named), stamp_of(named, now)))
    main = known.get(None)
    if None not in off and main is not None:
        gone = left_out(main, there.zones)
        new = [part for key, part in off.items() if key not in known]
        mine = own_line(main, own)
        bare = Component(
            main.name,
            [line for line in main.properties if line.name in (*OF_CANCELLED, *OF_SERIES) or line is mine],
            [],
        )
        copied = Component(main.name, [line for line in bare.properties if line.name not in OF_SERIES], [])
        # Before anything is copied: the message says the number of dates, the entry the length of each.
        if len(known) + len(new) > MOST.exceptions + 1:
            raise AboveLimit(above("exceptions"), CONDITIONS["exceptions"])
        if octets_of(there.calendar) + len(new) * octets_of(copied) > MAX_ENTRY:
            raise AboveLimit(TOO_LARGE, SIZE)
        parts += [
            _stamped(_cancelled(component, part), stamp_of(part, now))
            for part in new
            if (component := _exception(there, bare, gone, part)) is not None
        ]
    return rebuilt(there, parts)


def _cancelled(part: Component, named: Component) -> Component:
    """A component that a message has canceled. `named`: what the message says of it."""
    return with_property(with_property(part, "STATUS", "CANCELLED"), "SEQUENCE", str(sequence_of(named)))


def with_reply(there: CalendarObject, message: CalendarObject, author: str, now: int) -> Component | None:
    """The organiser's entry after an attendee's REPLY; None if it is old, of someone who is not invited, or no news.
    `now`: seconds UTC.
    """
    known = by_key(there)
    main = known.get(None)
    gone = LeftOut() if main is None else left_out(main, there.zones)
    changed = False
    # An answer to a date makes an exception, which has all of the series: asked before it is copied.
    copied = 0 if main is None else octets_of(main)
    room = MAX_ENTRY - octets_of(there.calendar)
    for reply in message.parts:
        key = key_of(message, reply)
        line = attendees_of(reply).get(author)
        status = "" if line is None else line.parameter("PARTSTAT").upper()
        part = known.get(key)
        if part is None and main is not None and key is not None and len(known) <= MOST.exceptions and copied <= room:
            part = _exception(there, main, gone, reply)
            room -= copied if part is not None else 0
        mine = None if part is None else attendees_of(part).get(author)
        if part is None or mine is None or status not in ANSWERS or sequence_of(reply) < asked_of(part):
            continue
        stamp = stamp_of(reply, now)
        if stamp < mine.parameter(STAMP):
            continue
        if mine.parameter("PARTSTAT").upper() == status and (
            not mine.parameter(STAMP) or stamp == mine.parameter(STAMP)
        ):
            continue
        wanted = {"PARTSTAT": status, "SCHEDULE-STATUS": "2.0", "RSVP": "", STAMP: stamp}
        delegate = "" if line is None else line.parameter("DELEGATED-TO")
        wanted["DELEGATED-TO"] = delegate[:MAX_DELEGATE] if status == "DELEGATED" else ""
        known[key] = mapped(
            part,
            lambda one, mine=mine, wanted=wanted: with_parameters(one, wanted) if one is mine else one,  # type: ignore[misc]  # defaults bind the loop's values
        )
        changed = True
    return rebuilt(there, list(known.values())) if changed else None


def with_status(there: CalendarObject, addresses: frozenset[str], status: str) -> Component:
    """An entry whose attendees, or organiser, with these addresses could not be told."""

    def line(prop: Property) -> Property:
        named = prop.name in ("ATTENDEE", "ORGANIZER") and address_of(prop) in addresses
        return with_parameters(prop, {"SCHEDULE-STATUS": status}) if named else prop

    return rebuilt(there, [mapped(part, line) for part in there.parts])


def stamp_of(part: Component, now: int) -> str:
    """When a message was written (DTSTAMP), in UTC, at the latest now: clocks of devices may be years ahead."""
    moment = value_of(part.value("DTSTAMP"))
    return utc_text(now if moment is None else min(seconds_of(moment), now))


def kept_lines(organizer: Property) -> list[Property]:
    """The lines that the newest version has changed, as they were."""
    return [line for text in organizer.parameter(BEFORE).split("\n") if (line := property_of(text)) is not None]


def _before(part: Component, stamp: str, known: Dates) -> str:
    """Value of BEFORE for a component in place of an earlier one: the times if one of them differs, title, place."""
    was = known.version_of(part)
    organizer = None if was is None else was.first("ORGANIZER")
    if was is None or organizer is None:
        return ""
    if (sequence_of(part), stamp) == (sequence_of(was), organizer.parameter(STAMP)):
        return organizer.parameter(BEFORE)  # the same version, by another mail or with an answer
    changed: list[str] = []
    for names in (WHEN, *((name,) for name in WHAT)):
        former = [line.whole for line in was.properties if line.name in names]
        if set(former) != {line.whole for line in part.properties if line.name in names}:
            changed += former or [f"{names[0]}:"]
    return "\n".join(text for text in changed if len(text) <= MAX_FORMER)


def _stamped(part: Component, stamp: str, more: Mapping[str, str] = {}) -> Component:
    """A component of the organiser with the time of the message that brought it, and with further parameters."""
    parameters = {STAMP: stamp, **more}
    return mapped(part, lambda line: with_parameters(line, parameters) if line.name == "ORGANIZER" else line)


def _newer(there: CalendarObject, message: CalendarObject, now: int) -> dict[int | None, Component]:
    """The components of a message that are no version before the entry's: by SEQUENCE, and of one number by DTSTAMP
    (RFC 5546 §2.1.5). None of a message that is not of the entry's organiser.
    """
    if address_of(organizer_of(there)) != address_of(organizer_of(message)):
        return {}
    known = by_key(there)
    newer: dict[int | None, Component] = {}
    for key, part in by_key(message).items():
        was = known.get(key) or known.get(None)
        # an attendee who is invited again was called off by a raised number
        if (
            was is None
            or sequence_of(part) > sequence_of(was)
            or (sequence_of(part) + int(is_off([was])) >= sequence_of(was) and stamp_of(part, now) >= _stamp(was))
        ):
            newer[key] = part
    return newer


def _stamp(part: Component) -> str:
    """When the message was written that brought a component of the organiser."""
    organizer = part.first("ORGANIZER")
    return "" if organizer is None else organizer.parameter(STAMP)


def _order(part: Component, stamp: str) -> tuple[str, int]:
    """What tells whether a message about the series was written before one about a date of it: their numbers rise by
    themselves.
    """
    return stamp, sequence_of(part)


def _received(part: Component, was: Component | None, own: frozenset[str]) -> Component:
    """A component of the organiser with what is the receiver's own."""
    theirs = PERSONAL if was is None else OWN
    lines = [line for line in part.properties if line.name not in theirs and line.name != "REQUEST-STATUS"]
    if was is None:
        return Component(part.name, lines, [])
    kept = [line for line in was.properties if line.name in OWN or line.name.startswith("X-")]
    mine = own_line(was, own)
    answer = "" if mine is None else mine.parameter("PARTSTAT")
    if answer and times_of(was) == times_of(part):
        lines = [
            with_parameters(line, {"PARTSTAT": answer}) if line.name == "ATTENDEE" and address_of(line) in own else line
            for line in lines
        ]
    return Component(part.name, [*lines, *kept], was.components)


def _exception(there: CalendarObject, main: Component, gone: LeftOut, named: Component) -> Component | None:
    """As `date_of`, for the date that a component of a message names."""
    recurrence = recurrence_of(named, main.first("DTSTART"))
    made = None if recurrence is None else date_of(main, there.zones, gone, recurrence)

    def line(prop: Property) -> Property:
        return with_parameters(prop, {STAMP: ""}) if prop.name in ("ATTENDEE", "ORGANIZER") else prop

    return None if made is None else mapped(made, line)  # messages about the series are not about this time


# Entries of mail that no calendar takes whole: what is left of them, and what was left out (DAV-29).


ENDS: Final = ("DTEND", "DUE")
STAMPS: Final = ("COMPLETED", "CREATED")

Omission = Literal["zone", "end", "rule", "excluded", "guests"]

LEFT: Final[tuple[Omission, ...]] = get_args(Omission)
"""What may be left out: the zone of times, which then are the same on all clocks; an end; a rule, so that only the
first date stays; the dates that a rule takes out (EXRULE), so that they stay; guests.
"""


def _storable(calendar: Component, zone: str = "") -> tuple[Component, set[Omission]]:
    """A calendar of one entry without what no calendar takes, and what that was, which ORGANIZER says, too. Linear.

    `zone`: name of the zone for times of an unknown one, "" for none.
    """
    zones = zones_of(calendar)
    left: set[Omission] = set()
    parts = parts_of(calendar)
    made = [_in_known_zones(part, zones, zone, left) for part in parts]
    made = [_with_known_times(part, zones, left) for part in made]
    main = main_part(made)
    if main is not None:
        made[main] = _with_known_rules(made[main], zones, left)
    made = _noted(made, left)
    kept = iter(made)
    inner = [one if one.name == "VTIMEZONE" else next(kept) for one in calendar.components]
    return Component(calendar.name, calendar.properties, inner), left


def _few_guests(parts: list[Component]) -> list[Component]:
    """Components of an entry with the first guests, as many as an entry may have; ORGANIZER says if others are left
    out.
    """
    seen: set[str] = set()
    for part in parts:
        for line in part.all("ATTENDEE"):
            if len(seen) < MOST.guests:
                seen.add(address_of(line) or line.value)
    left: set[Omission] = set()
    made = [_kept(part, lambda line: (address_of(line) or line.value) in seen, left) for part in parts]
    return _noted(made, left)


def left_out_of(parts: Sequence[Component]) -> tuple[Omission, ...]:
    """What was left out of an entry, of `LEFT`."""
    line = next((line for part in parts if (line := part.first("ORGANIZER")) is not None), None)
    said = () if line is None else line.parameter(LEFT_OUT).split()
    return tuple(one for one in LEFT if one in said)


def _kept(part: Component, wanted: Callable[[Property], bool], left: set[Omission]) -> Component:
    lines = [line for line in part.properties if line.name != "ATTENDEE" or wanted(line)]
    if len(lines) < len(part.properties):
        left.add("guests")
    return Component(part.name, lines, part.components)


def _noted(parts: list[Component], left: set[Omission]) -> list[Component]:
    """The components with what is left out, beside what was before."""
    words = {LEFT_OUT: " ".join(one for one in LEFT if one in left or one in left_out_of(parts))}

    def line_of(line: Property) -> Property:
        return with_parameters(line, words) if line.name == "ORGANIZER" else line

    return [mapped(part, line_of) for part in parts]


def _in_known_zones(part: Component, zones: Zones, other: str, left: set[Omission]) -> Component:
    def line_of(line: Property) -> Property:
        name = zone_name(line.parameter("TZID")) if line.name in ZONED else ""
        if not name or is_date(line) or known_zone(name, zones) is not None:
            return line
        left.add("zone")
        return with_parameters(line, {"TZID": other})

    return mapped(part, line_of)


def _with_known_times(part: Component, zones: Zones, left: set[Omission]) -> Component:
    lines: list[Property] = []
    for line in part.properties:
        if line.name in (*ENDS, *STAMPS) and moment_of(line, zones) is None:
            if line.name in ENDS:
                left.add("end")
            continue
        lines.append(line)
    return Component(part.name, lines, part.components)


def _with_known_rules(part: Component, zones: Zones, left: set[Omission]) -> Component:
    made = _without(mapped(part, _modern), "EXRULE", "excluded", left)
    try:
        rules_of(made, zones)
    except BadRecurrence:
        return _without(made, "RRULE", "rule", left)
    return made


def _modern(line: Property) -> Property:
    rule = modern_rule(line.value) if line.name == "RRULE" else None
    return line if rule is None else with_value(line, rule)


def _without(part: Component, name: str, word: Omission, left: set[Omission]) -> Component:
    lines = [line for line in part.properties if line.name != name]
    if len(lines) < len(part.properties):
        left.add(word)
    return Component(part.name, lines, part.components)
