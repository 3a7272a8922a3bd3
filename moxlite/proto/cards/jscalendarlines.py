"""JSCalendar objects as components of calendars: the way back of `jscalendar` for one event. Values in, values out.

Only the lines of what has changed are written anew. What is written is read again: what then differs from the object
becomes lines ``JSPROP``. Series are in `jscalendarseries`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from moxlite.encoding import to_json
from moxlite.normal import is_visible
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property, escaped, in_parameter, person_of, property_of
from moxlite.proto.cards.itip import with_parameters
from moxlite.proto.cards.jscalendar import (
    BUSY,
    COVERED,
    DAY,
    FALSE_ONLY,
    KEY,
    MAX_KEPT,
    NAMED,
    PEOPLE,
    PRIVACY,
    RELS,
    ROLES,
    STATUSES,
    Clock,
    Object,
    alarms_of,
    duration_text,
    keyed,
    local_text,
    may_keep,
    part_object,
    person_key,
    read_duration,
)
from moxlite.proto.cards.jspatches import difference, tokens_of
from moxlite.proto.cards.moments import Zones, iana_zone, utc_text

LOCAL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
GEO: Final = re.compile(r"geo:(-?[0-9]{1,3}(?:\.[0-9]{1,20})?),(-?[0-9]{1,3}(?:\.[0-9]{1,20})?)")
CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
PATH: Final = re.compile(r"[A-Za-z0-9._:/~@+=-]{1,500}")
WORD: Final = re.compile(r"[A-Za-z0-9._+/-]{1,100}")
MAX_TEXT: Final = 50_000
MAX_URI: Final = 256 << 10
MAX_OBJECTS: Final = 500
"""Objects of one property: an entry has at most so many guests (DAV-23)."""


class BadEvent(ValueError):
    """A JSCalendar object that cannot be an entry. `name`: the property."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def normal(event: Object) -> Object:
    """An object without nulls and what is so by default, and with the types of its objects. Raises BadEvent."""
    # Two objects that mean the same must become equal, or a change of nothing is written: so every default of
    # RFC 8984 that a client may say or leave out is listed here.
    members = {name: value for name, value in event.items() if value is not None}
    if members.setdefault("@type", "Event") != "Event":
        raise BadEvent("@type", 'must be "Event"')
    for name in FALSE_ONLY:
        if members.get(name) is True:
            why = "guests see each other, and only the organizer invites people; set it to false, or leave it out"
            raise BadEvent(name, why)
    for name, kind in NAMED.items():
        if name in members:
            members[name] = {key: {"@type": kind, **value} for key, value in _objects(name, members[name]).items()}
            if not members[name]:
                del members[name]
    for place in (members.get("locations") or {}).values():
        if place.get("name") == "":
            del place["name"]
    if isinstance(members.get("recurrenceRule"), dict):
        members["recurrenceRule"] = {
            name: value
            for name, value in members["recurrenceRule"].items()
            if value not in (None, []) and RULE_DEFAULTS.get(name, "") != str(value).lower()
        }
    for alert in (members.get("alerts") or {}).values():
        if isinstance(alert.get("trigger"), dict):
            alert["trigger"] = {"@type": "OffsetTrigger", **alert["trigger"]}
            if alert["trigger"].get("relativeTo") == "start":
                del alert["trigger"]["relativeTo"]
        if alert.get("action") == "display":
            del alert["action"]
    if members.get("timeZone") == "UTC":
        members["timeZone"] = "Etc/UTC"
    if members.get("showWithoutTime") is False:
        del members["showWithoutTime"]
    for name in ("title", "description"):
        if members.get(name) == "":
            del members[name]
    if "duration" in members:
        length = read_duration(members["duration"]) if isinstance(members["duration"], str) else None
        if length is None or length[2]:
            raise BadEvent("duration", "must be a Duration")
        members["duration"] = duration_text(*length[:2])
    if members.get("duration") == "PT0S":
        del members["duration"]
    return {name: value for name, value in members.items() if value not in ({}, []) or name not in SETS}


RULE_DEFAULTS: Final = {"rscale": "gregorian", "skip": "omit"}
"""Default values of a rule, which its line leaves out."""

SETS: Final = frozenset({"keywords", "categories", "recurrenceOverrides"})


def written(
    part: Component,
    before: Object,
    wanted: Object,
    zones: Zones,
    now: int,
    *,
    inherited: frozenset[str] = frozenset(),
) -> Component:
    """Return a component updated from an object, or the same one if nothing changed.

    `inherited`: properties of the series, which the component may omit. Raises BadEvent.
    """
    if wanted == before:
        return part
    wanted = {name: value for name, value in wanted.items() if name not in ("recurrenceId", "recurrenceIdTimeZone")}
    lines = [prop for prop in part.properties if prop.name != "JSPROP"]
    if not any(line.name == "UID" for line in lines):
        lines.append(line_of("UID", string_of("uid", wanted.get("uid"), 1_000)))
    for names, covered in COVERED.items():
        if any(wanted.get(name) != before.get(name) for name in names):
            old = [line for line in lines if line.name in covered]
            made = WRITERS[names[0]](names[0], old, before, wanted)
            lines = [line for line in lines if line.name not in covered] + made
    if not any(line.name == "DTSTAMP" for line in lines):
        lines.append(line_of("DTSTAMP", utc_text(now)))
    inner = part.components
    if wanted.get("alerts") != before.get("alerts"):
        inner = [component for component in inner if component.name != "VALARM"] + _alarms(part, wanted)
    made_part = Component(part.name, lines, inner)
    return Component(part.name, lines + _kept(made_part, wanted, zones, inherited), inner)


def _kept(part: Component, wanted: Object, zones: Zones, inherited: frozenset[str]) -> list[Property]:
    """The lines JSPROP for what other lines do not say. Raises BadEvent."""
    props: list[Property] = []
    for path, value in difference(normal(part_object(part, zones)), wanted).items():
        name = tokens_of(path)[0]
        if name in inherited or (path == "participants" and value is None):  # ORGANIZER is a participant by itself
            continue
        if not may_keep(path, value) or PATH.fullmatch(path) is None or len(props) >= MAX_KEPT:
            raise BadEvent(name, "this property isn't supported")
        text = to_json(value).decode()
        if len(text) > MAX_TEXT:
            raise BadEvent(name, f"must be {MAX_TEXT} characters or fewer")
        props.append(line_of("JSPROP", escaped(text), {"JSPTR": path}))
    return props


# Values


def line_of(name: str, value: str, parameters: Mapping[str, str] | None = None) -> Property:
    """A line. Raises BadEvent for what cannot be in one."""
    head = name
    for key, parameter in (parameters or {}).items():
        if parameter:
            head += (
                f';{key}="{in_parameter(_plain(name, parameter))}"'
                if re.search("[^A-Za-z0-9-]", parameter)
                else f";{key}={parameter}"
            )
    if CONTROL.search(value) or "\n" in value:
        raise BadEvent(name.lower(), "can't contain control characters")
    made = property_of(f"{head}:{value}")
    if made is None:
        raise BadEvent(name.lower(), "can't be converted to iCalendar")
    return made


def _plain(name: str, value: str) -> str:
    """A value for a parameter. Raises BadEvent."""
    if CONTROL.search(value) or len(value) > 1_000:
        raise BadEvent(name.lower(), "is too long or contains control characters")
    return value


def string_of(name: str, value: Any, most: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most or CONTROL.search(value):
        raise BadEvent(name, f"must be a string of 1 to {most} characters")
    return escaped(value)


def _uri(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_URI or not is_visible(value) or " " in value:
        raise BadEvent(name, f"must be a URI of up to {MAX_URI} characters")
    return value


def _objects(name: str, value: Any) -> dict[str, Object]:
    """Objects by id. Raises BadEvent."""
    if (
        not isinstance(value, dict)
        or len(value) > MAX_OBJECTS
        or not all(isinstance(one, dict) for one in value.values())
    ):
        raise BadEvent(name, f"must be an object mapping up to {MAX_OBJECTS} ids to objects")
    if name != "relatedTo" and not all(map(KEY.fullmatch, value)):
        raise BadEvent(name, "ids must be 1 to 255 letters, digits, hyphens, or underscores")
    return value


def _optional(name: str, value: Any) -> str:
    """A text for a parameter; "" for none. Raises BadEvent."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadEvent(name, "must be a string")
    return _plain(name, value)


def read_local(name: str, value: Any) -> datetime:
    """The time of a LocalDateTime. Raises BadEvent."""
    if isinstance(value, str) and LOCAL.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise BadEvent(name, "must be a LocalDateTime")


def _utc(name: str, value: Any) -> str:
    if not isinstance(value, str) or value[-1:] != "Z":
        raise BadEvent(name, "must be a UTCDateTime")
    return f"{digits_of(read_local(name, value[:-1].partition('.')[0]))}Z"


def digits_of(moment: datetime) -> str:
    return re.sub("[-:]", "", local_text(moment))


def wanted_clock(wanted: Object) -> Clock:
    """The clock of an object's start. Raises BadEvent."""
    name = wanted.get("timeZone")
    zone = iana_zone(name) if isinstance(name, str) and len(name) < 200 else None
    if name is not None and (zone is None or zone.key != name):
        raise BadEvent("timeZone", "unknown time zone")
    start = read_local("start", wanted.get("start"))
    length = read_duration(wanted.get("duration") or "P1D")
    midnight = (start.hour, start.minute, start.second) == (0, 0, 0) and length is not None and not length[1]
    return Clock(zone, name, wanted.get("showWithoutTime") is True and name is None and midnight)


def time_line(name: str, moment: datetime, clock: Clock) -> Property:
    """A line with a local time of a clock."""
    text = digits_of(moment)
    if clock.whole:
        return line_of(name, text[:8], {"VALUE": "DATE"})
    if clock.name in (None, "Etc/UTC"):
        return line_of(name, text + ("Z" if clock.name else ""))
    return line_of(name, text, {"TZID": clock.name or ""})


# The lines of each property


def _times(_: str, __: list[Property], ___: Object, wanted: Object) -> list[Property]:
    clock, start = wanted_clock(wanted), read_local("start", wanted.get("start"))
    days, seconds, _back = read_duration(wanted.get("duration") or "PT0S") or (0, 0, False)
    made = [time_line("DTSTART", start, clock)]
    try:
        middle = start + days * DAY
        end = middle + timedelta(seconds=seconds)
        if clock.zone is not None and seconds:
            passed = middle.replace(tzinfo=clock.zone).astimezone(UTC) + timedelta(seconds=seconds)
            end = passed.astimezone(clock.zone).replace(tzinfo=None)
        if (name := wanted.get("endTimeZone")) is not None:
            other = wanted_clock({"start": wanted["start"], "timeZone": name})
            if clock.zone is None or other.zone is None:
                raise BadEvent("endTimeZone", "an event can only end in another time zone if it starts in one")
            end = end.replace(tzinfo=clock.zone).astimezone(other.zone).replace(tzinfo=None)
            made.append(time_line("DTEND", end, other))
        elif days or seconds:
            made.append(time_line("DTEND", end, clock))
    except OverflowError:
        raise BadEvent("duration", "the event ends after the year 9999") from None
    if wanted.get("showWithoutTime") is True and not clock.whole:
        made.append(line_of("SHOW-WITHOUT-TIME", "TRUE"))
    return made


def _one(line: str, make: Callable[[str, Any], str]) -> Writer:
    """The writer of a property that one line has."""

    def write(name: str, _: list[Property], __: Object, wanted: Object) -> list[Property]:
        value = wanted.get(name)
        text = "" if value is None or value == "" else make(name, value)
        return [line_of(line, text)] if text else []

    return write


def _choice(names: Mapping[str, str]) -> Callable[[str, Any], str]:
    back = {shown: written for written, shown in names.items()}

    def make(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in back:
            raise BadEvent(name, f"must be one of {', '.join(back)}")
        return back[value]

    return make


def number_of(most: int) -> Callable[[str, Any], str]:
    def make(name: str, value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise BadEvent(name, f"must be a number between 0 and {most}")
        return str(value)

    return make


def _set(name: str, _: list[Property], __: Object, wanted: Object) -> list[Property]:
    value = wanted.get(name) or {}
    if not isinstance(value, dict) or len(value) > MAX_OBJECTS or not all(on is True for on in value.values()):
        raise BadEvent(name, "all values must be true")
    if name == "categories":
        return [line_of("CONCEPT", _uri(name, one)) for one in value]
    texts = [string_of(name, one, 1_000) for one in value]
    return [line_of("CATEGORIES", ",".join(texts))] if texts else []


def _updated(name: str, _: list[Property], __: Object, wanted: Object) -> list[Property]:
    if wanted.get(name) is None:
        return []
    text = _utc(name, wanted[name])
    return [line_of("LAST-MODIFIED", text), line_of("DTSTAMP", text)]


def _with_keys(
    name: str, old: dict[str, Property], before: Object, wanted: Object, make: Callable[[Object], Property | None]
) -> list[Property]:
    """The lines of objects by id; the lines of unchanged objects stay."""
    made: list[Property] = []
    known = before.get(name) or {}
    for key, one in (wanted.get(name) or {}).items():
        line = old[key] if key in old and known.get(key) == one else make(one)
        if line is not None:
            made.append(line if line.parameter("JSID") == key else with_parameters(line, {"JSID": key}))
    return made


def _locations(name: str, old: list[Property], before: Object, wanted: Object) -> list[Property]:
    """The first location; further ones have no line of their own (RFC 5545 §3.8.1.7)."""
    places = [*(wanted.get(name) or {}).items()][:1]
    made: list[Property] = []
    for key, one in places:
        there = keyed((line for line in old if line.name == "LOCATION"), "l").get(key)
        text = one.get("name") or ""
        same = there is not None and ((before.get(name) or {}).get(key) or {}).get("name", "") == text
        line = (
            there if same and there is not None else line_of("LOCATION", string_of(name, text, 5_000) if text else "")
        )
        made.append(line if line.parameter("JSID") == key else with_parameters(line, {"JSID": key}))
        match = GEO.fullmatch(one["coordinates"]) if isinstance(one.get("coordinates"), str) else None
        if match is not None:
            made.append(line_of("GEO", f"{match[1]};{match[2]}"))
    return made


def _virtual(name: str, old: list[Property], before: Object, wanted: Object) -> list[Property]:
    def make(one: Object) -> Property:
        features = [word.upper() for word in one.get("features") or {} if WORD.fullmatch(word)]
        line = line_of(
            "CONFERENCE", _uri(name, one.get("uri")), {"VALUE": "URI", "LABEL": _optional(name, one.get("name"))}
        )
        made = (
            property_of(line.whole.replace(";VALUE=URI", f";VALUE=URI;FEATURE={','.join(features)}", 1))
            if features
            else line
        )
        return made or line

    return _with_keys(name, keyed(old, "v"), before, wanted, make)


def _links(name: str, old: list[Property], before: Object, wanted: Object) -> list[Property]:
    back = {rel: line for line, rel in RELS.items()}

    def make(one: Object) -> Property:
        rel = _optional(name, one.get("rel"))
        line = back.get(rel, "LINK" if rel else "ATTACH")
        size = one.get("size")
        parameters = {
            "LINKREL": rel if line == "LINK" else "",
            "FMTTYPE": _optional(name, one.get("contentType")),
            "LABEL" if line == "LINK" else "FILENAME": _optional(name, one.get("title")),
            "SIZE": str(size) if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 53 else "",
        }
        href = _uri(name, one.get("href"))
        data = re.fullmatch(r"data:[A-Za-z0-9./+-]{1,100};base64,([A-Za-z0-9+/=]*)", href) if line == "ATTACH" else None
        if data is not None:
            return line_of(line, data[1], {**parameters, "ENCODING": "BASE64", "VALUE": "BINARY"})
        return line_of(line, href, {**parameters, "VALUE": "" if line in ("ATTACH", "URL") else "URI"})

    return _with_keys(name, keyed(old, "k"), before, wanted, make)


def _related(name: str, _: list[Property], __: Object, wanted: Object) -> list[Property]:
    made: list[Property] = []
    for uid, one in (wanted.get(name) or {}).items():
        relation = one.get("relation") or {}
        if not isinstance(relation, dict) or not all(map(WORD.fullmatch, relation)):
            raise BadEvent(name, "relations must be objects with only true values")
        made += [
            line_of("RELATED-TO", string_of(name, uid, 1_000), {"RELTYPE": kind.upper()})
            for kind in relation or ("parent",)
        ]
    return made


def _people(_: str, old: list[Property], __: Object, wanted: Object) -> list[Property]:
    """The lines of organiser and guests; parameters that JSCalendar does not know stay."""
    organizer = wanted.get("organizerCalendarAddress")
    owner = "" if organizer is None else person_of(_uri("organizerCalendarAddress", organizer))
    there = {(prop.name, person_of(prop.value)): prop for prop in old}
    made: list[Property] = []
    own: Object = {}
    for key, one in (wanted.get("participants") or {}).items():
        if one.get("calendarAddress") is None:
            continue
        address = _uri("participants", one["calendarAddress"])
        roles = one.get("roles") or {}
        if not isinstance(roles, dict):
            raise BadEvent("participants", "roles must be an object with only true values")
        person = person_of(address)
        if person == owner:
            own = one
            if not roles.keys() - {"owner"} and one.get("participationStatus") is None:
                continue
        line = there.get(("ATTENDEE", person)) or line_of("ATTENDEE", address)
        made.append(with_parameters(line, _of_person(key, address, one, roles)))
    if organizer is not None:
        line = there.get(("ORGANIZER", owner)) or line_of("ORGANIZER", organizer)
        name = _optional("participants", own.get("name")) if own else line.parameter("CN")
        made.insert(0, line if name == line.parameter("CN") else with_parameters(line, {"CN": name}))
    return made


def _of_person(key: str, address: str, one: Object, roles: Object) -> dict[str, str]:
    """The parameters of a guest."""
    kinds = {shown: written for written, shown in PEOPLE.items()}
    role = "REQ-PARTICIPANT"
    if roles.get("informational") is True and "attendee" not in roles:
        role = "NON-PARTICIPANT"
    for written in ("OPT-PARTICIPANT", "CHAIR"):
        if roles.get(ROLES[written][-1]) is True:
            role = written
    words = {
        name: _optional("participants", one.get(name)) for name in ("participationStatus", "scheduleAgent", "kind")
    }
    if not all(not word or WORD.fullmatch(word) for word in words.values()):
        raise BadEvent("participants", "a status or kind must be a single word")
    status = one.get("scheduleStatus") or []
    known = isinstance(status, list) and all(isinstance(text, str) and WORD.fullmatch(text) for text in status)
    agent = words["scheduleAgent"].upper()
    return {
        "CN": _optional("participants", one.get("name")),
        "EMAIL": _optional("participants", one.get("email")),
        "CUTYPE": kinds.get(words["kind"], ""),
        "ROLE": role,
        "PARTSTAT": words["participationStatus"].upper(),
        "RSVP": "TRUE" if one.get("expectReply") is True else "",
        "SCHEDULE-AGENT": "" if agent == "SERVER" else agent,
        "SCHEDULE-STATUS": ",".join(status) if known else "",
        "JSID": "" if key == person_key(address) else key,
    }


Writer = Callable[[str, list[Property], Object, Object], list[Property]]
WRITERS: Final[Mapping[str, Writer]] = {
    "start": _times,
    "title": _one("SUMMARY", string_of),
    "description": _one("DESCRIPTION", string_of),
    "locations": _locations,
    "virtualLocations": _virtual,
    "links": _links,
    "relatedTo": _related,
    "keywords": _set,
    "categories": _set,
    "color": _one("COLOR", lambda name, value: string_of(name, value, 100)),
    "status": _one("STATUS", _choice({status.upper(): status for status in STATUSES})),
    "freeBusyStatus": _one("TRANSP", _choice(BUSY)),
    "privacy": _one("CLASS", _choice(PRIVACY)),
    "priority": _one("PRIORITY", number_of(9)),
    "sequence": _one("SEQUENCE", number_of((1 << 31) - 1)),
    "created": _one("CREATED", _utc),
    "updated": _updated,
    "organizerCalendarAddress": _people,
}
"""Functions that write the lines for each key of `COVERED`, by the key's first property."""


def _alarms(part: Component, wanted: Object) -> list[Component]:
    there = {key: (component, alert) for key, component, alert in alarms_of(part)}
    shown = {id(component) for component, _ in there.values()}
    made = [component for component in part.components if component.name == "VALARM" and id(component) not in shown]
    for key, alert in (wanted.get("alerts") or {}).items():
        old, before = there.get(key, (None, None))
        lines = [] if old is None else old.properties
        if alert != before:
            new = before is None or alert.get("action") != before.get("action")
            gone = {"TRIGGER", "ACKNOWLEDGED", *(("ACTION", "DESCRIPTION", "SUMMARY") if new else ())}
            lines = [line for line in lines if line.name not in gone] + _alarm(alert, wanted, new=new)
        if not any(line.name == "UID" and line.value.strip() == key for line in lines):
            lines = [line_of("UID", key), *(line for line in lines if line.name != "UID")]
        made.append(Component("VALARM", lines, [] if old is None else old.components))
    return made


def _alarm(alert: Object, wanted: Object, *, new: bool) -> list[Property]:
    match alert.get("trigger"):
        case {"@type": "AbsoluteTrigger", "when": when}:
            made = [line_of("TRIGGER", _utc("alerts", when), {"VALUE": "DATE-TIME"})]
        case {"@type": "OffsetTrigger", "offset": str(offset), **rest} if (length := read_duration(offset)) is not None:
            sign = "-" if length[2] else ""
            related = "END" if rest.get("relativeTo") == "end" else ""
            made = [line_of("TRIGGER", sign + duration_text(*length[:2]), {"RELATED": related})]
        case _:
            raise BadEvent("alerts", "a trigger must be an OffsetTrigger or AbsoluteTrigger")
    if alert.get("acknowledged") is not None:
        made.append(line_of("ACKNOWLEDGED", _utc("alerts", alert["acknowledged"])))
    if new:
        title = string_of("title", wanted.get("title") or "Reminder")
        made += [
            line_of("ACTION", "EMAIL" if alert.get("action") == "email" else "DISPLAY"),
            line_of("DESCRIPTION", title),
        ]
        if alert.get("action") == "email":
            made.append(line_of("SUMMARY", title))
    return made
