"""JSCalendar and iCalendar into each other (RFC 8984, RFC 5545)."""

import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from moxlite.proto.cards.calendarobject import BadObject, read_object
from moxlite.proto.cards.components import write_component
from moxlite.proto.cards.editing import form_of
from moxlite.proto.cards.jscalendar import COVERED, FALSE_ONLY, PROPERTIES, Clock, Object, event_of, instance_of
from moxlite.proto.cards.jscalendarlines import BadEvent, normal
from moxlite.proto.cards.jscalendarseries import entry_of
from moxlite.proto.cards.jspatches import difference, patched

NOW = 1_795_000_000
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Some Program//EN
X-WR-CALNAME:Boats
BEGIN:VEVENT
UID:regatta@else.example
DTSTAMP:20261101T080000Z
CREATED:20261101T080000Z
DTSTART;TZID=Europe/Berlin:20261102T090000
DTEND;TZID=Europe/Berlin:20261102T103000
SUMMARY:Regatta\\, first leg
DESCRIPTION:Bring\\nropes
LOCATION;LANGUAGE=en:Harbour
GEO:53.5;9.9
CONFERENCE;VALUE=URI;FEATURE="AUDIO,VIDEO";LABEL=Call:https://meet.example/1
CATEGORIES:boats,wind
CLASS:CONFIDENTIAL
PRIORITY:1
STATUS:TENTATIVE
TRANSP:TRANSPARENT
SEQUENCE:2
RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;UNTIL=20270301T080000Z
EXDATE;TZID=Europe/Berlin:20261116T090000
RDATE;TZID=Europe/Berlin:20261118T090000
ORGANIZER;CN=Ada Lind:mailto:ada@nordlicht.example
ATTENDEE;CN=Ada Lind;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:ada@nordlicht.example
ATTENDEE;X-NUM-GUESTS=0;CN="Bo, B.";ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bo@else.example
ATTACH;FMTTYPE=text/plain;FILENAME=a.txt:https://files.example/a.txt
URL:https://regatta.example/
RELATED-TO;RELTYPE=PARENT:season@else.example
X-BOAT;KIND=sail:Seute Deern
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
DESCRIPTION:Reminder
X-RING:bell
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:regatta@else.example
DTSTAMP:20261101T080000Z
CREATED:20261101T080000Z
RECURRENCE-ID;TZID=Europe/Berlin:20261130T090000
DTSTART;TZID=Europe/Berlin:20261130T110000
DTEND;TZID=Europe/Berlin:20261130T123000
SUMMARY:Regatta\\, late
X-BOAT:Passat
END:VEVENT
END:VCALENDAR
"""
EVENT = write_component(read_object(EVENT.encode()).calendar)


def found(text: str = EVENT) -> Object:
    return event_of(read_object(text.encode()))


def put(text: str, wanted: Object) -> str:
    before = read_object(text.encode()) if text else None
    return write_component(entry_of(before, wanted, NOW))


def test_all_of_an_event_is_shown() -> None:
    """JMAP-71: each property of JSCalendar from its lines."""
    event = found()
    assert (event["title"], event["description"]) == ("Regatta, first leg", "Bring\nropes")
    assert (event["start"], event["timeZone"], event["duration"]) == ("2026-11-02T09:00:00", "Europe/Berlin", "PT1H30M")
    assert event["locations"] == {"l1": {"@type": "Location", "name": "Harbour", "coordinates": "geo:53.5,9.9"}}
    assert event["virtualLocations"]["v1"]["features"] == {"audio": True, "video": True}
    assert (event["status"], event["freeBusyStatus"], event["privacy"]) == ("tentative", "free", "secret")
    assert (event["keywords"], event["priority"], event["sequence"]) == ({"boats": True, "wind": True}, 1, 2)
    assert event["links"]["k1"]["title"] == "a.txt"
    assert event["relatedTo"]["season@else.example"]["relation"] == {"parent": True}
    assert event["recurrenceRule"] == {
        "@type": "RecurrenceRule",
        "frequency": "weekly",
        "interval": 2,
        "until": "2027-03-01T09:00:00",
        "byDay": [{"@type": "NDay", "day": "mo"}],
    }
    people = {one["calendarAddress"]: one for one in event["participants"].values()}
    assert people["mailto:ada@nordlicht.example"]["roles"] == {"owner": True, "attendee": True, "chair": True}
    bo = people["mailto:bo@else.example"]
    assert (bo["name"], bo["expectReply"], bo["participationStatus"]) == ("Bo, B.", True, "needs-action")
    assert event["alerts"]["a1"]["trigger"] == {"@type": "OffsetTrigger", "offset": "-PT15M"}
    overrides = event["recurrenceOverrides"]
    assert (overrides["2026-11-16T09:00:00"], overrides["2026-11-18T09:00:00"]) == ({"excluded": True}, {})
    berlin = Clock(ZoneInfo("Europe/Berlin"), "Europe/Berlin", whole=False)
    late = instance_of(event, "2026-11-30T09:00:00", shown=berlin)
    assert (late["start"], late["title"], late["recurrenceId"]) == (
        "2026-11-30T11:00:00",
        "Regatta, late",
        "2026-11-30T09:00:00",
    )
    assert "participants" not in late


def test_a_change_writes_its_own_lines_alone() -> None:
    """JMAP-71: and keeps those that JSCalendar does not know, in the exception, too."""
    event = found()
    assert put(EVENT, event) == EVENT
    changed = put(EVENT, {**event, "description": "Bring food"})
    gone, new = ({*one.replace("\r\n ", "").split("\r\n")} for one in (EVENT, changed))
    zone = {line for line in new if "TZ" in line or "ZONE" in line or "STANDARD" in line or "LIGHT" in line}
    assert gone - new == {"DESCRIPTION:Bring\\nropes"}
    assert {line for line in new - gone - zone if line[:5] != "RRULE" and line[:8] != "DTSTART:"} == {
        "DESCRIPTION:Bring food"
    }
    bo = next(key for key, one in event["participants"].items() if one.get("name") == "Bo, B.")
    answered = put(EVENT, patched(event, {f"participants/{bo}/participationStatus": "accepted"}))
    assert "X-NUM-GUESTS=0" in answered
    assert found(answered)["participants"][bo]["participationStatus"] == "accepted"
    quiet = put(EVENT, patched(event, {"alerts/a1/trigger/offset": "-PT5M"}))
    assert "X-RING:bell" in quiet
    assert "TRIGGER:-PT5M" in quiet


def test_exceptions_are_put_by_patches() -> None:
    """JMAP-72: a patch of one date makes, changes and removes its component."""
    event = found()
    more = patched(event, {"recurrenceOverrides/2026-12-14T09:00:00": {"title": "Snow", "links": None}})
    text = put(EVENT, more)
    assert text.count("BEGIN:VEVENT") == 3
    assert found(text)["recurrenceOverrides"]["2026-12-14T09:00:00"]["title"] == "Snow"
    renamed = patched(found(text), {"recurrenceOverrides/2026-11-30T09:00:00/title": "Later"})
    again = put(text, renamed)
    assert "X-BOAT:Passat" in again
    assert found(again)["recurrenceOverrides"]["2026-11-30T09:00:00"]["title"] == "Later"
    off = patched(found(again), {"recurrenceOverrides/2026-11-30T09:00:00": {"excluded": True}})
    last = put(again, off)
    assert last.count("BEGIN:VEVENT") == 2
    assert found(last)["recurrenceOverrides"]["2026-11-30T09:00:00"] == {"excluded": True}
    moved = patched(event, {"timeZone": "America/New_York"})
    assert 'RECURRENCE-ID;TZID="America/New_York":20261130T090000' in put(EVENT, moved)


FULL: Object = {
    "@type": "Event",
    "uid": "u1",
    "title": "Trip",
    "start": "2026-12-24T00:00:00",
    "duration": "P2D",
    "showWithoutTime": True,
    "updated": "2026-11-01T00:00:00Z",
    "created": "2026-11-01T00:00:00Z",
    "color": "#ff0000",
    "useDefaultAlerts": True,
    "example.com:boat": {"name": "Passat", "masts": [4, {"high": None}]},
    "locations": {"a": {"name": "Sea", "description": "wide"}, "b": {"name": "Land"}},
    "links": {"x": {"href": "data:text/plain;base64,QUJD", "rel": "enclosure", "size": 3}},
    "recurrenceRule": {"@type": "RecurrenceRule", "frequency": "yearly", "count": 5, "byMonth": ["12"]},
    "recurrenceOverrides": {"2027-12-24T00:00:00": {"title": "Short trip", "duration": "P1D"}},
    "alerts": {
        "one": {"trigger": {"@type": "AbsoluteTrigger", "when": "2026-12-23T08:00:00Z"}, "action": "email"},
        "two": {"trigger": {"offset": "PT0S", "relativeTo": "end"}, "acknowledged": "2026-12-25T08:00:00Z"},
    },
}


def test_what_has_no_line_of_its_own_is_kept() -> None:
    """JMAP-71: further locations, members and properties of programs."""
    text = put("", FULL)
    event = found(text)
    assert "DTSTART;VALUE=DATE:20261224" in text
    assert "DTEND;VALUE=DATE:20261226" in text
    assert event["locations"]["b"] == {"@type": "Location", "name": "Land"}
    assert event["locations"]["a"]["description"] == "wide"
    assert event["example.com:boat"] == FULL["example.com:boat"]
    assert event["alerts"]["two"]["trigger"] == {"@type": "OffsetTrigger", "offset": "PT0S", "relativeTo": "end"}
    assert event["recurrenceOverrides"] == FULL["recurrenceOverrides"]
    assert put(text, event) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start", "2026-13-01T00:00:00"),
        ("start", None),
        ("timeZone", "Mars/North"),
        ("duration", "-P1D"),
        ("status", "maybe"),
        ("title", "a\x00b"),
        ("priority", 10),
        ("keywords", {"a": 1}),
        ("recurrenceRule", {"frequency": "weekly", "rscale": "hebrew"}),
        ("recurrenceRule", {"frequency": "weekly", "byDay": [{"day": "xx"}]}),
        ("recurrenceOverrides", {"tomorrow": {}}),
        ("alerts", {"a": {"trigger": {"offset": "soon"}}}),
        ("participants", {"a": {"calendarAddress": "mailto:a b"}}),
        ("links", {"a": {"href": 1}}),
        ("method", "request"),
        ("uid", "x" * 2_000),
    ],
)
def test_wrong_objects_are_refused(name: str, value: Any) -> None:
    """JMAP-71: by the property that is wrong."""
    with pytest.raises(BadEvent) as refused:
        put("", {"uid": "u1", "start": "2026-12-24T10:00:00", name: value})
    assert refused.value.name == name


def test_many_exceptions_take_no_more_room_than_the_file() -> None:
    """JMAP-72: also where each lacks the guests and properties of the series."""
    guests = "".join(f"ATTENDEE:mailto:a{number}@x.example\n" for number in range(400))
    more = "".join(f'JSPROP;JSPTR="example.com:{"x" * 200}{number}":1\n' for number in range(200))
    head = "BEGIN:VEVENT\nUID:u\nATTENDEE:mailto:b@x.example\n"
    late = "".join(
        f"{head}RECURRENCE-ID:2026{month:02}{day:02}T100000Z\nDTSTART:2026{month:02}{day:02}T110000Z\nEND:VEVENT\n"
        for month in range(1, 13)
        for day in range(1, 29)
    )
    series = f"BEGIN:VEVENT\nUID:u\nDTSTART:20260101T100000Z\nRRULE:FREQ=DAILY\n{guests}{more}END:VEVENT\n"
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\n{series}{late}END:VCALENDAR\n"
    event = found(text)
    assert len(event["recurrenceOverrides"]) == 12 * 28
    assert len(msgspec.json.encode(event)) < 4 * len(text)
    assert put(text, event) == write_component(read_object(text.encode()).calendar)


LINES = st.lists(
    st.builds(
        "{}{}:{}".format,
        st.sampled_from(
            [name for names in COVERED.values() for name in names] + ["RRULE", "RDATE", "EXDATE", "JSPROP"]
        ),
        st.sampled_from(
            ["", ";JSID=a", ';JSPTR="participants/a/roles"', ";VALUE=DATE", ";TZID=Europe/Berlin", ";CN=x"]
        ),
        st.sampled_from(
            ["", "5", "{}", "20261101", "20261101T100000Z", "P1D", "-PT5M", "mailto:a@b", "FREQ=DAILY;UNTIL=1"]
        )
        | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_any_file_is_shown(lines: list[str]) -> None:
    """JMAP-71: whatever a calendar took is an object, and stays as it is when that is put."""
    start = [] if any(line.startswith("DTSTART") for line in lines) else ["DTSTART:20261101T100000Z"]
    inner = "\n".join(("BEGIN:VEVENT", "UID:u", *start, *lines, "END:VEVENT"))
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\n{inner}\nEND:VCALENDAR\n"
    try:
        entry = read_object(text.encode())
    except BadObject:
        return
    event = event_of(entry)
    msgspec.json.encode(event)
    assert entry_of(entry, event, NOW) is entry.calendar


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner),
    max_leaves=20,
)
KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
EVENTS = st.fixed_dictionaries(
    {"uid": TEXT.map(str.strip), "start": st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat())},
    optional={
        "title": TEXT,
        "description": st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), min_size=1),
        "timeZone": st.sampled_from(["Europe/Berlin", "America/St_Johns", "Etc/UTC", "Asia/Kolkata"]),
        "keywords": st.dictionaries(TEXT.map(str.strip), st.just(True), min_size=1, max_size=3),
        "status": st.sampled_from(["confirmed", "cancelled", "tentative"]),
        "locations": st.dictionaries(KEYS, st.fixed_dictionaries({"name": TEXT}), min_size=1, max_size=3),
        "participants": st.dictionaries(
            KEYS,
            st.fixed_dictionaries(
                {"calendarAddress": st.emails().map("mailto:{}".format)},
                optional={"name": TEXT, "expectReply": st.just(True)},
            ),
            min_size=1,
            max_size=3,
        ),
        "example.com:more": JSON.filter(lambda value: value is not None),
    },
)


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_what_is_put_is_shown(event: Object) -> None:
    """JMAP-71: each object is read back as it was, or refused."""
    try:
        text = put("", event)
    except BadEvent:
        return
    shown = found(text)
    for name, value in event.items():
        if name == "locations":
            assert {key: one["name"] for key, one in shown[name].items()} == {
                k: one["name"] for k, one in value.items()
            }
        elif name != "participants":
            assert shown[name] == value
    assert put(text, shown) == text


@pytest.mark.nightly
@given(st.dictionaries(KEYS, JSON), st.dictionaries(KEYS, JSON))
def test_a_difference_is_a_patch(old: Object, new: Object) -> None:
    """JMAP-72: applied to the old object it gives the new one."""
    bare = {key: value for key, value in new.items() if value is not None}
    made = patched(old, difference(old, bare))
    assert difference(made, bare) == {}


@pytest.mark.parametrize(
    "ends", [";TZID=America/New_York:99991231T235959", ":99991231T235959", ";TZID=Asia/Tokyo:00010101T000000"]
)
def test_ends_of_all_years_are_shown(ends: str) -> None:
    """JMAP-71: in an event that came by mail, which would hide the others else."""
    lines = ("BEGIN:VEVENT", "UID:1", "DTSTART;TZID=Asia/Tokyo:00010101T000000", f"DTEND{ends}", "END:VEVENT")
    text = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""))
    found = read_object(text.encode())
    assert event_of(found)["start"] == "0001-01-01T00:00:00"
    assert form_of(found, found.main).start == datetime(1, 1, 1)  # noqa: DTZ001 local time


def test_exceptions_of_a_long_series_are_counted_before_they_are_copied() -> None:
    """DAV-5a: each has the lines and alarms of its series."""
    alerts = {
        f"a{number}": {"@type": "Alert", "trigger": {"@type": "OffsetTrigger", "offset": "-PT5M"}}
        for number in range(100)
    }
    wanted: Object = {"uid": "1", "title": "Plan", "start": "2026-11-30T12:00:00", "alerts": alerts}
    wanted |= {"description": "x" * 5_000, "recurrenceRule": {"@type": "RecurrenceRule", "frequency": "daily"}}
    days = [
        f"20{year}-{month:02}-{day:02}T12:00:00" for year in (27, 28) for month in range(1, 13) for day in range(1, 29)
    ]
    began = time.process_time()
    with pytest.raises(BadEvent, match="up to 1 MiB"):
        entry_of(None, {**wanted, "recurrenceOverrides": {day: {"title": "Other"} for day in days}}, NOW)
    assert time.process_time() - began < 2
    few = entry_of(None, {**wanted, "recurrenceOverrides": {day: {"title": "Other"} for day in days[:5]}}, NOW)
    assert sum(part.first("RECURRENCE-ID") is not None for part in few.components) == 5


PLAIN: Object = {
    "@type": "Event",
    "uid": "u",
    "start": "2026-11-02T09:00:00",
    "timeZone": "Europe/Berlin",
    "duration": "PT1H",
}
DEFAULTS: Object = {
    **dict.fromkeys(("prodId", "created", "locale", "color", "sentBy", "endTimeZone", "mainLocationId", "replyTo")),
    **dict.fromkeys(("organizerCalendarAddress", "recurrenceRule", "requestStatus")),
    **dict.fromkeys(("title", "description"), ""),
    **dict.fromkeys(("sequence", "priority"), 0),
    **dict.fromkeys(("showWithoutTime", "excluded", "useDefaultAlerts"), False),
    **dict.fromkeys(("mayInviteSelf", "mayInviteOthers", "hideAttendees"), False),
    **{key: {} for key in ("locations", "virtualLocations", "links", "keywords", "categories", "relatedTo")},
    **{key: {} for key in ("participants", "alerts", "localizations", "recurrenceOverrides", "timeZones")},
    "descriptionContentType": "text/plain",
    "freeBusyStatus": "busy",
    "privacy": "public",
    "status": "confirmed",
}
RULE: Object = {
    "interval": 1,
    "rscale": "gregorian",
    "skip": "omit",
    "firstDayOfWeek": "mo",
    "count": None,
    "until": None,
    **{key: [] for key in ("byDay", "byMonthDay", "byMonth", "byYearDay", "byWeekNo", "bySetPosition")},
    **{key: [] for key in ("byHour", "byMinute", "bySecond")},
}
PLACE: Object = {
    **dict.fromkeys(("name", "description"), ""),
    **{key: {} for key in ("locationTypes", "links")},
    **dict.fromkeys(("relativeTo", "timeZone", "coordinates")),
}
ROOM: Object = {"name": "", "description": "", "features": {}}
LINK: Object = {**dict.fromkeys(("contentType", "size", "rel", "display", "cid")), "title": ""}
PERSON: Object = {
    **dict.fromkeys(("name", "description", "participationComment"), ""),
    **dict.fromkeys(("email", "sendTo", "kind", "locationId", "language", "sentBy", "invitedBy", "scheduleStatus")),
    **{key: {} for key in ("delegatedTo", "delegatedFrom", "memberOf", "links")},
    "participationStatus": "needs-action",
    "scheduleAgent": "server",
    "scheduleSequence": 0,
    **dict.fromkeys(("expectReply", "scheduleForceSend"), False),
}
ALERT: Object = {"action": "display", "acknowledged": None, "relatedTo": {}}


def with_default(kind: str, name: str, value: Any) -> Object:
    """An event that says a default, in one of its objects."""
    match kind:
        case "rule":
            return {"recurrenceRule": {"@type": "RecurrenceRule", "frequency": "daily", name: value}}
        case "place":
            return {"locations": {"a": {"@type": "Location", "description": "x", name: value}}}
        case "room":
            return {"virtualLocations": {"a": {"uri": "https://x.example/", name: value}}}
        case "link":
            return {"links": {"a": {"href": "https://x.example/", name: value}}}
        case "person":
            guest = {"calendarAddress": "mailto:b@x.example", "roles": {"attendee": True}, name: value}
            return {"organizerCalendarAddress": "mailto:a@x.example", "participants": {"a": guest}}
        case "alert":
            return {"alerts": {"a": {"trigger": {"offset": "-PT5M", "relativeTo": "start"}, name: value}}}
    return {name: value}


DEFAULTS_OF: list[tuple[str, str, Any]] = [
    (kind, name, value)
    for kind, values in (
        *(("event", DEFAULTS), ("rule", RULE), ("place", PLACE), ("room", ROOM), ("link", LINK)),
        *(("person", PERSON), ("alert", ALERT)),
    )
    for name, value in values.items()
]


@pytest.mark.parametrize(("kind", "name", "value"), DEFAULTS_OF)
def test_every_property_may_say_its_default(kind: str, name: str, value: Any) -> None:
    """JMAP-71: programs that write whole objects do (RFC 8984 §4, §5)."""
    wanted = {**PLAIN, **with_default(kind, name, value)}
    entry = entry_of(None, wanted, NOW)
    text = write_component(entry)
    found = event_of(read_object(text.encode()))
    if kind == "place":
        place = normal(wanted)["locations"]["a"]
        assert found["locations"] == {"a": {key: one for key, one in place.items() if one is not None}}
    assert (found["uid"], found["start"]) == ("u", PLAIN["start"])
    assert "RSCALE" not in text
    assert "SKIP" not in text


VALUES: Object = {
    "prodId": "-//x//y",
    "created": "2026-11-01T08:00:00Z",
    "locale": "de-DE",
    "color": "teal",
    "sentBy": "c@x.example",
    "endTimeZone": "Europe/London",
    "mainLocationId": "a",
    "replyTo": {"imip": "mailto:a@x.example"},
    "organizerCalendarAddress": "mailto:a@x.example",
    "requestStatus": "2.0;Success",
    "title": "Plan; a, b",
    "description": "one\ntwo",
    "sequence": 3,
    "priority": 5,
    "useDefaultAlerts": True,
    "keywords": {"a, b": True},
    "categories": {"https://x.example/c": True},
    "relatedTo": {"other": {"@type": "Relation", "relation": {"parent": True}}},
    "localizations": {"de": {"title": "Plan"}},
    "timeZones": {"/x": {"@type": "TimeZone", "tzId": "x"}},
    "descriptionContentType": "text/html",
    "freeBusyStatus": "free",
    "privacy": "private",
    "status": "tentative",
    "recurrenceOverrides": {"2026-11-09T09:00:00": {}},
}
RULE_VALUES: Object = {
    "interval": 2,
    "firstDayOfWeek": "su",
    "count": 4,
    "until": "2027-01-01T00:00:00",
    "byDay": [{"@type": "NDay", "day": "mo"}],
    "byMonthDay": [2, -1],
    "byMonth": ["11"],
    "byYearDay": [-1, 306],
    "byWeekNo": [45],
    "bySetPosition": [1, -1],
    "byHour": [9, 10],
    "byMinute": [0, 30],
    "bySecond": [0, 5],
}
PLACE_VALUES: Object = {
    "name": "Pier",
    "description": "y",
    "locationTypes": {"pier": True},
    "relativeTo": "start",
    "timeZone": "Europe/Oslo",
    "coordinates": "geo:59.9,10.7",
    "links": {"k": {"@type": "Link", "href": "https://x.example/l"}},
}
ROOM_VALUES: Object = {"name": "Call", "description": "y", "features": {"audio": True}}
LINK_VALUES: Object = {
    "contentType": "image/png",
    "size": 7,
    "rel": "icon",
    "display": "badge",
    "cid": "a@x.example",
    "title": "Map",
}
PERSON_VALUES: Object = {
    "name": "Bo",
    "description": "y",
    "participationComment": "late",
    "email": "b@y.example",
    "sendTo": {"imip": "mailto:b@x.example"},
    "kind": "individual",
    "locationId": "a",
    "language": "de",
    "sentBy": "c@x.example",
    "invitedBy": "b",
    "scheduleStatus": ["1.1"],
    "delegatedTo": {"b": True},
    "delegatedFrom": {"b": True},
    "memberOf": {"b": True},
    "links": {"k": {"@type": "Link", "href": "https://x.example/l"}},
    "participationStatus": "accepted",
    "scheduleAgent": "client",
    "scheduleSequence": 2,
    "scheduleUpdated": "2026-11-01T08:00:00Z",
    "expectReply": True,
    "scheduleForceSend": True,
    "roles": {"attendee": True, "optional": True},
    "progress": "completed",
    "percentComplete": 40,
}
ALERT_VALUES: Object = {
    "action": "email",
    "acknowledged": "2026-11-01T08:00:00Z",
    "relatedTo": {"b": {"@type": "Relation", "relation": {"parent": True}}},
    "trigger": {"@type": "AbsoluteTrigger", "when": "2026-11-02T07:00:00Z"},
}


def with_value(kind: str, name: str, value: Any) -> Object:
    """An event that has a value, in one of its objects, and what the value names."""
    event = {**PLAIN, **with_default(kind, name, value)}
    if name in ("byWeekNo", "byYearDay"):
        event["recurrenceRule"]["frequency"] = "yearly"
    if kind == "person":
        event["participants"]["b"] = {"calendarAddress": "mailto:d@x.example", "roles": {"attendee": True}}
    more: dict[str, Object] = {
        "mainLocationId": {"locations": {"a": {"name": "x"}}},
        "recurrenceOverrides": {"recurrenceRule": {"frequency": "daily"}},
        "showWithoutTime": {"start": "2026-11-02T00:00:00", "duration": "P1D", "timeZone": None},
    }
    return event | more.get(name, {})


def value_in(event: Object, kind: str, name: str) -> Any:
    """The value that `with_value` has put into an event."""
    place = {"place": "locations", "room": "virtualLocations", "link": "links", "person": "participants"}
    place |= {"alert": "alerts"}
    holder = event["recurrenceRule"] if kind == "rule" else event if kind == "event" else event[place[kind]]["a"]
    return holder.get(name)


VALUES_OF: list[tuple[str, str, Any]] = [
    (kind, name, value)
    for kind, values in (
        *(("event", VALUES), ("rule", RULE_VALUES), ("place", PLACE_VALUES), ("room", ROOM_VALUES)),
        *(("link", LINK_VALUES), ("person", PERSON_VALUES), ("alert", ALERT_VALUES)),
    )
    for name, value in values.items()
]
"""Each property of RFC 8984 with a value other than its default."""


@pytest.mark.parametrize(("kind", "name", "value"), VALUES_OF)
def test_every_property_may_have_a_value(kind: str, name: str, value: Any) -> None:
    """JMAP-71: it is shown as it was given."""
    wanted = with_value(kind, name, value)
    text = write_component(entry_of(None, wanted, NOW))
    assert value_in(normal(event_of(read_object(text.encode()))), kind, name) == value_in(normal(wanted), kind, name)


def test_no_property_is_without_a_value() -> None:
    """JMAP-71: those that have a default, and those that events are read with, are tried with a value, too."""
    tried = {(kind, name) for kind, name, _ in VALUES_OF}
    defaults = (
        ("event", DEFAULTS),
        ("rule", RULE),
        ("place", PLACE),
        ("room", ROOM),
        ("link", LINK),
        ("person", PERSON),
    )
    missing = {(kind, name) for kind, values in (*defaults, ("alert", ALERT)) for name in values} - tried
    # by `PLAIN`, with objects of their own, or of one value alone
    objects = {"locations", "virtualLocations", "links", "participants", "alerts", "recurrenceRule"}
    assert missing == {("event", name) for name in (*objects, "excluded", "showWithoutTime", *FALSE_ONLY)} | {
        ("rule", "rscale"),
        ("rule", "skip"),
    }
    assert {*PROPERTIES} - {name for _, name in tried} <= objects | {
        *PLAIN,
        "showWithoutTime",
        "updated",
        "recurrenceId",
        "recurrenceIdTimeZone",
    }


@pytest.mark.parametrize(("name", "value"), [("rscale", "chinese"), ("skip", "forward")])
def test_another_calendar_of_a_rule_is_refused(name: str, value: str) -> None:
    """JMAP-71: it would be another series."""
    with pytest.raises(BadEvent):
        entry_of(None, {**PLAIN, "recurrenceRule": {"frequency": "yearly", name: value}}, NOW)
