"""Calendars (draft-ietf-jmap-calendars-26 §4): those that phones have by CalDAV. Events are in `events`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.groupware.people import user_of
from moxlite.proto.cards.alarms import zone_of
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import property_of
from moxlite.proto.cards.filezones import name_of
from moxlite.proto.cards.jscalendarlines import BadEvent, normal
from moxlite.proto.cards.moments import iana_zone
from moxlite.proto.cards.zonefile import zone_component
from moxlite.proto.dav.xml import BadXML, element, read_xml, text
from moxlite.store.groupware.collection import Collection
from moxlite.store.groupware.scheduling import remove_collection
from moxlite.web.jmap.collections import CollectionSet, CollectionType
from moxlite.web.jmap.protocol import Object, SetError
from moxlite.web.jmap.standard import run_set

if TYPE_CHECKING:
    from moxlite.web.jmap.methods import Call


CALENDAR: Final = "K"
ALERTS: Final = ("defaultAlertsWithTime", "defaultAlertsWithoutTime")
OWN: Final = "{urn:moxlite:jmap}calendar"
"""Property of a calendar with what JMAP alone knows of it, as JSON."""

ZONE_YEAR: Final = 2000
"""The year whose changes the zone of a calendar has."""


def _shown(one: Collection) -> Object:
    """The properties of a calendar that an address book has not."""
    own = _own(one)
    return {
        "color": one.shown_colour or None,
        "isVisible": not one.hidden,
        "includeInAvailability": "none" if one.transparent else "all",
        **{name: own.get(name) for name in ALERTS},
        "timeZone": _zone(one),
    }


def _own(one: Collection) -> Object:
    """The alerts of a calendar, which a client of CalDAV can have changed."""
    try:
        # One element: a client can have put up to 64 KiB of others there, and each look at the calendar reads them.
        found = from_json(read_xml(one.dead[OWN].encode(), 1).text or "{}", dict[str, Any]) if OWN in one.dead else {}
    except (BadXML, msgspec.DecodeError):
        return {}
    return {name: value for name, value in found.items() if name in ALERTS and _are_alerts(value)}


def _zone(one: Collection) -> str | None:
    """The name of a calendar's zone; None for one like which the IANA database has none."""
    zone = zone_of(one.time_zone, "")
    return None if zone is None else name_of(zone, datetime.now(UTC).year)


def _changed(before: Collection, wanted: Object) -> Object:
    """The fields that these properties set. Raises SetError."""
    fields: Object = {}
    wrong = [name for name in ALERTS if wanted.get(name) is not None and not _are_alerts(wanted[name])]
    if "includeInAvailability" in wanted:
        if wanted["includeInAvailability"] not in ("all", "none"):
            wrong.append("includeInAvailability")
        fields["transparent"] = wanted["includeInAvailability"] == "none"
    if "timeZone" in wanted:
        fields["time_zone"] = _zone_file(wanted["timeZone"])
        if wanted["timeZone"] is not None and not fields["time_zone"]:
            wrong.append("timeZone")
    if wrong:
        raise SetError("invalidProperties", "these properties are missing, invalid, or read-only", properties=wrong)
    if alerts := {name: wanted[name] for name in ALERTS if name in wanted}:
        own = to_json(_own(before) | alerts).decode()
        fields["dead"] = {OWN: element(OWN, text(own))}
    return fields


def _are_alerts(value: Any) -> bool:
    """Whether a value has alerts by id that go off some time before or after an event."""
    try:
        found = normal({"alerts": value}).get("alerts") or {}
    except BadEvent:
        return False
    triggers = (one.get("trigger") for one in found.values())
    return all(isinstance(trigger, dict) and trigger.get("@type") == "OffsetTrigger" for trigger in triggers)


def _zone_file(name: Any) -> str:
    """A calendar with a zone, "" for none."""
    known = iana_zone(name) if isinstance(name, str) and len(name) < 200 else None
    zone = zone_component(name, ZONE_YEAR) if known is not None and known.key == name else None
    head = [prop for line in ("VERSION:2.0", "PRODID:-//moxlite//EN") if (prop := property_of(line)) is not None]
    return "" if zone is None else write_component(Component("VCALENDAR", head, [zone]))


CALENDARS: Final = CollectionType(
    "Calendar",
    "draft-ietf-jmap-calendars-26 §4",
    settable=(
        *("name", "description", "color", "sortOrder", "isSubscribed", "isVisible", "includeInAvailability"),
        *(*ALERTS, "timeZone", "shareWith"),
    ),
    fixed=("id", "isDefault", "myRights"),
    kind="calendar",
    letter=CALENDAR,
    full="calendarHasEvent",
    more=_shown,
    change=_changed,
)


async def set_(call: Call) -> Object:
    """Calendar/set. With ``sendSchedulingMessages``, which is of CalendarEvent/set in the draft, guests hear that
    events which go with a calendar are called off.
    """
    emptied, tell = (call.argument(name, bool, False) for name in ("onDestroyRemoveEvents", "sendSchedulingMessages"))
    user = user_of(call.snapshot, call.account.name)
    remove = partial(remove_collection, user=user) if tell else None
    await CALENDARS.ready(call)
    return await run_set(call, CollectionSet(CALENDARS, emptied=emptied, remove=remove))
