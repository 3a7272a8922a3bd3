"""Calendars and events by JMAP (draft-ietf-jmap-calendars-26), beside CalDAV."""

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from moxlite.proto.cards.jscalendarlines import normal
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware.collection import collection
from moxlite.web.jmap import eventqueries, principals
from tests.jmap_rig import Client, Object, pushed_states, rig
from tests.session.test_web_calendar_subscribing import Feeds, Site, file
from tests.session.test_web_calendars import Diary, form as written
from tests.session.test_web_dav import HOME, C, Program, event, found as found_in, in_notes, text
from tests.session.test_web_dav_links import Links
from tests.session.test_web_dav_scheduling import Office
from tests.unit.test_cards_jscalendar import DEFAULTS_OF, VALUES_OF, value_in, with_value
from tests.unit.test_proto_repeating import own_zone
from tests.web_rig import ADDRESS, Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

LUNCH: Object = {
    "title": "Lunch",
    "start": "2026-11-30T12:00:00",
    "timeZone": "Europe/Berlin",
    "duration": "PT1H",
    "locations": {"a": {"name": "Harbour"}},
}
WEEKLY: Object = {
    **LUNCH,
    "title": "Weekly",
    "recurrenceRule": {"@type": "RecurrenceRule", "frequency": "weekly", "count": 4},
}


async def made(client: Client, event: Object = LUNCH, **members: Any) -> str:
    found = await client.call("CalendarEvent/set", create={"a": {**event, **members}})
    assert found["notCreated"] is None, found
    number: str = found["created"]["a"]["id"]
    return number


async def shown(client: Client, number: str, **arguments: Any) -> Object:
    [one] = (await client.call("CalendarEvent/get", ids=[number], **arguments))["list"]
    found: Object = one
    return found


async def updated(client: Client, number: str, patch: Object, **arguments: Any) -> None:
    found = await client.call("CalendarEvent/set", update={number: patch}, **arguments)
    assert found["notUpdated"] is None, found


async def ids(client: Client, wish: Object | None, **more: Any) -> list[str]:
    found: list[str] = (await client.call("CalendarEvent/query", filter=wish, **more))["ids"]
    return found


async def test_a_calendar_is_made_changed_and_destroyed(rig: Rig) -> None:
    """JMAP-70: the same as by CalDAV; one with events only if that is asked."""
    client = Client(rig)
    [first] = (await client.call("Calendar/get"))["list"]
    assert (first["name"], first["isDefault"], first["myRights"]["mayWriteAll"]) == ("Calendar", True, True)
    before = (await client.call("Calendar/get"))["state"]
    alerts = {"x": {"@type": "Alert", "trigger": {"@type": "OffsetTrigger", "offset": "-PT10M"}}}
    new = {
        "name": "Boats",
        "color": "#FF0000",
        "sortOrder": 2,
        "isVisible": False,
        "timeZone": "Europe/Berlin",
        "defaultAlertsWithTime": alerts,
        "includeInAvailability": "none",
    }
    found = await client.call("Calendar/set", create={"b": new})
    number = found["created"]["b"]["id"]
    [boats] = (await client.call("Calendar/get", ids=[number]))["list"]
    assert {name: boats[name] for name in new} == {**new, "color": "#ff0000"}
    changed = await client.call("Calendar/changes", sinceState=before)
    assert (changed["created"], changed["updated"]) == ([number], [])
    patch = {"color": None, "isVisible": True, "defaultAlertsWithTime": None}
    assert (await client.call("Calendar/set", update={number: patch}))["notUpdated"] is None
    [boats] = (await client.call("Calendar/get", ids=[number]))["list"]
    assert {name: boats[name] for name in patch} == patch
    assert (boats["timeZone"], boats["includeInAvailability"]) == ("Europe/Berlin", "none")
    wrong = {"name": "", "color": "re d", "sortOrder": -1, "shareWith": [], "timeZone": "Mars", "isSubscribed": False}
    for name, value in wrong.items():
        refused = await client.call("Calendar/set", update={number: {name: value}})
        assert refused["notUpdated"][number]["properties"] == [name]
    await made(client, calendarIds={number: True})
    state = (await client.call("CalendarEvent/get"))["state"]
    kept = await client.call("Calendar/set", destroy=[number])
    assert kept["notDestroyed"][number]["type"] == "calendarHasEvent"
    assert (await client.call("Calendar/set", destroy=[number], onDestroyRemoveEvents=True))["destroyed"] == [number]
    assert (await client.call("Calendar/changes", sinceState=before))["destroyed"] == []
    assert await client.error("CalendarEvent/changes", sinceState=state) == "cannotCalculateChanges"


async def test_what_a_phone_has_written_of_a_calendar_stays(rig: Rig) -> None:
    """JMAP-71: a name that JMAP does not take is not judged with another property; two calendars swap names."""
    client = Client(rig)
    made = await client.call("Calendar/set", create={"a": {"name": "A"}, "b": {"name": "B"}})
    first, second = (made["created"][key]["id"] for key in ("a", "b"))
    swapped = await client.call("Calendar/set", update={first: {"name": "B"}, second: {"name": "A"}})
    assert swapped["notUpdated"] is None

    def write(tx: AccountTx) -> None:
        columns = ("n" * 900, "lightsteelblue", int(first[1:]))
        tx.execute("UPDATE collection SET display_name = ?, colour = ? WHERE id = ?", *columns)

    async with rig.account() as account:
        await account.write(write)
        assert (await client.call("Calendar/set", update={first: {"description": "new"}}))["notUpdated"] is None
        found = await account.read(lambda r: collection(r, int(first[1:])), op="test")
    assert (found.display_name, found.colour, found.description) == ("n" * 900, "lightsteelblue", "new")
    [shown] = (await client.call("Calendar/get", ids=[first]))["list"]
    assert shown["color"] == "lightsteelblue"
    refused = await client.call("Calendar/set", update={first: {"name": "ü" * 128}})
    assert refused["notUpdated"][first]["properties"] == ["name"]


async def test_what_a_program_puts_in_place_of_the_alerts_is_ignored(rig: Rig) -> None:
    """JMAP-70: its text counts, and of further elements no more than the first is read."""
    client, phone = Client(rig), Program(rig)
    alerts = {"x": {"@type": "Alert", "trigger": {"@type": "OffsetTrigger", "offset": "-PT10M"}}}
    for more, found in (("", alerts), ("<x/>", None)):
        own = json.dumps({"defaultAlertsWithTime": alerts}) + more
        inner = f"<D:set><D:prop><calendar xmlns='urn:moxlite:jmap'>{own}</calendar></D:prop></D:set>"
        patch = await phone.ask("PROPPATCH", HOME, f"<D:propertyupdate xmlns:D='DAV:'>{inner}</D:propertyupdate>")
        assert patch.status == 207
        [calendar] = (await client.call("Calendar/get"))["list"]
        assert calendar["defaultAlertsWithTime"] == found


@pytest.mark.parametrize("name", ["hideAttendees", "mayInviteSelf", "mayInviteOthers"])
async def test_what_would_promise_guests_something_is_refused(rig: Rig, name: str) -> None:
    """JMAP-71: of a single day too, and an event in which a phone put it is shown without."""
    client = Client(rig)
    false: dict[str, Any] = {name: False}
    number = await made(client, **false, recurrenceRule={"frequency": "daily", "count": 3})
    day = "2026-12-01T12:00:00"
    for key, patch in {
        number: {name: True},
        f"{number}-{day.replace('-', '').replace(':', '')}": {name: True},
    }.items():
        found = await client.call("CalendarEvent/set", update={key: patch})
        assert found["notUpdated"][key]["properties"] == [name]
    await Program(rig).put("a.ics", event("hidden", f"JSPROP;JSPTR={name}:true"))
    events = (await client.call("CalendarEvent/get", properties=["uid", name]))["list"]
    assert len(events) == 2
    assert not any(one.get(name) for one in events), events


@pytest.mark.parametrize("tell", [True, False])
async def test_events_that_go_with_a_calendar_are_called_off_where_asked(rig: Rig, tell: bool) -> None:
    """JMAP-70, DAV-23."""
    office, client = Office(rig), Client(rig)
    await office.begin()
    calendar = (await client.call("Calendar/set", create={"b": {"name": "Boats"}}))["created"]["b"]["id"]
    people = {"t": {"calendarAddress": "mailto:tom@example.org", "roles": {"attendee": True}}}
    event = {**LUNCH, "start": "2099-11-30T12:00:00", "uid": "m1", "participants": people}
    made_ = await client.call(
        "CalendarEvent/set", create={"a": {**event, "calendarIds": {calendar: True}}}, sendSchedulingMessages=True
    )
    assert made_["notCreated"] is None
    await office.settle()
    assert "STATUS:CANCELLED" not in (await office.entry("tom") or "STATUS:CANCELLED")
    gone = await client.call(
        "Calendar/set", destroy=[calendar], onDestroyRemoveEvents=True, sendSchedulingMessages=tell
    )
    assert gone["destroyed"] == [calendar]
    await office.settle()
    assert ("STATUS:CANCELLED" in await office.entry("tom")) is tell


async def test_an_event_is_made_changed_and_destroyed(rig: Rig) -> None:
    """JMAP-71, JMAP-73: phones have it at once, and lose nothing; states tell of changes of both."""
    client, phone = Client(rig), Program(rig)
    state = (await client.call("CalendarEvent/get"))["state"]
    number = await made(client)
    event = await shown(client, number)
    assert (event["title"], event["isOrigin"], event["isDraft"]) == ("Lunch", True, False)
    assert event["locations"]["a"]["name"] == "Harbour"
    there = await phone.ask("REPORT", HOME, QUERY, depth="1")
    assert b"SUMMARY:Lunch" in there.body
    name = there.body.decode().split("<D:href>")[1].split("<")[0]
    octets = (await phone.ask("GET", name)).body
    put = await phone.ask("PUT", name, octets.replace(b"SUMMARY:Lunch", b"X-BOAT:Passat\r\nSUMMARY:Late lunch"))
    assert put.status == 204
    assert (await shown(client, number, properties=["title"])) == {"id": number, "title": "Late lunch"}
    changed = await client.call("CalendarEvent/changes", sinceState=state)
    assert (changed["created"], changed["updated"], changed["destroyed"]) == ([number], [], [])
    await updated(client, number, {"locations/a/name": "Bridge", "keywords": {"food": True}})
    octets = (await phone.ask("GET", name)).body
    assert b"X-BOAT:Passat" in octets
    assert b"LOCATION;JSID=a:Bridge" in octets
    assert (await shown(client, number))["keywords"] == {"food": True}
    state = (await client.call("CalendarEvent/get"))["state"]
    assert (await phone.ask("DELETE", name)).status == 204
    assert (await client.call("CalendarEvent/changes", sinceState=state))["destroyed"] == [number]
    assert (await client.call("CalendarEvent/get", ids=[number]))["notFound"] == [number]


async def test_every_property_is_read_alike_after_a_program_put_it_back(rig: Rig) -> None:
    """JMAP-71, DAV-8: with its default and with a value, by JMAP and after a round trip through CalDAV."""
    client, phone = Client(rig), Program(rig)
    me = f"mailto:{ADDRESS}"
    wanted: dict[str, tuple[str, str, Object]] = {}
    defaults = [one for one in DEFAULTS_OF if one[1] not in ("created", "prodId")]  # by the server
    for number, (kind, name, value) in enumerate([*VALUES_OF, *defaults]):
        event = with_value(kind, name, value) | {"uid": f"u{number}"}
        if event.get("organizerCalendarAddress") is not None:
            event["organizerCalendarAddress"] = me
        wanted[f"u{number}"] = (kind, name, event)
    done = await client.call("CalendarEvent/set", create={uid: event for uid, (_, _, event) in wanted.items()})
    assert done["notCreated"] is None

    async def told() -> Object:
        names = [*{name for _, _, event in wanted.values() for name in event}, "uid"]
        events = (await client.call("CalendarEvent/get", properties=names))["list"]
        by_uid = {event["uid"]: event for event in events}
        return {uid: value_in(normal(by_uid[uid]), kind, name) for uid, (kind, name, _) in wanted.items()}

    right = {uid: value_in(normal(event), kind, name) for uid, (kind, name, event) in wanted.items()}
    assert await told() == right
    answer = await phone.ask("REPORT", HOME, QUERY, depth="1")
    entries = {path: text(props[C + "calendar-data"]) for path, props in found_in(answer).items()}
    assert len(entries) == len(wanted)
    for path, entry in entries.items():
        await phone.ask("DELETE", path)
        put = await phone.ask("PUT", path, entry.replace("END:VEVENT", "X-BOAT:Passat\r\nEND:VEVENT"))
        assert put.status == 201, put.body
    assert await told() == right


async def test_names_with_quotes_are_the_same_for_all(rig: Rig) -> None:
    """JMAP-71, DAV-11a: of people, by JMAP, CalDAV and in the webmail (RFC 6868); programs write them so, too."""
    client, phone = Client(rig), Program(rig)
    name = 'Jim "Jimmie" Doe ^n'
    people = {"p": {"name": name, "calendarAddress": "mailto:jim@else.example", "roles": {"attendee": True}}}
    number = await made(client, participants=people, organizerCalendarAddress=f"mailto:{ADDRESS}")
    found = found_in(await phone.ask("REPORT", HOME, QUERY, depth="1"))
    [(path, entry)] = [(path, text(props[C + "calendar-data"])) for path, props in found.items()]
    assert "CN=Jim ^'Jimmie^' Doe ^^n;" in entry.replace("\n ", "")
    await phone.ask("DELETE", path)
    assert (await phone.ask("PUT", path, entry.replace("END:VEVENT", "X-A:b\r\nEND:VEVENT"))).status == 201
    [number] = await ids(client, None)
    [participant] = (await shown(client, number))["participants"].values()
    assert participant["name"] == name
    browser = rig.browser()
    await browser.log_in()
    event_id = int(re.sub(r"\D", "", number))
    item = await browser.call("event", event_id=event_id, recurrence="")
    assert name in [guest["name"] for guest in item["guests"]]


QUERY = (
    '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>'
    '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
)


async def test_wrong_events_are_refused_one_by_one(rig: Rig) -> None:
    """JMAP-73: each with the property that is wrong."""
    client = Client(rig)
    await made(client, uid="u1")
    wrong: dict[str, tuple[Object, str]] = {
        "twice": ({"uid": "u1"}, "uid"),
        "nowhere": ({"calendarIds": {"K999": True}}, "calendarIds"),
        "two": ({"calendarIds": {"K1": True, "K2": True}}, "calendarIds"),
        "id": ({"id": "J1"}, "id"),
        "draft": ({"isDraft": True}, "isDraft"),
        "start": ({"start": "tomorrow"}, "start"),
        "method": ({"method": "request"}, "method"),
        "rule": ({"recurrenceRule": {"frequency": "fortnightly"}}, "recurrenceRule"),
        "hidden": ({"hideAttendees": True}, "hideAttendees"),
    }
    found = await client.call("CalendarEvent/set", create={key: {**LUNCH, **more} for key, (more, _) in wrong.items()})
    assert {key: one["properties"] for key, one in found["notCreated"].items()} == {
        key: [name] for key, (_, name) in wrong.items()
    }
    patches = {"J999": {"title": "x"}, "J1-20260101T000000": {"title": "x"}, "nothing": {}}
    kinds = await client.call("CalendarEvent/set", update=patches, destroy=["J998"])
    assert {one["type"] for one in kinds["notUpdated"].values()} == {"notFound"}
    assert kinds["notDestroyed"]["J998"]["type"] == "notFound"
    assert await client.error("CalendarEvent/copy", fromAccountId="utom", create={}) == "fromAccountNotFound"


async def test_one_event_of_a_series_changes(rig: Rig) -> None:
    """JMAP-72: by an id of its own, which a query that expands series gives."""
    client, phone = Client(rig), Program(rig)
    number = await made(client, WEEKLY)
    stretch = {"after": "2026-11-01T00:00:00", "before": "2027-02-01T00:00:00"}
    found = await ids(client, stretch, expandRecurrences=True)
    assert found == [f"{number}-{day}T120000" for day in ("20261130", "20261207", "20261214", "20261221")]
    one = await shown(
        client, found[1], properties=["start", "baseEventId", "recurrenceId", "utcStart", "recurrenceRule"]
    )
    assert one == {
        "id": found[1],
        "start": "2026-12-07T12:00:00",
        "baseEventId": number,
        "recurrenceId": "2026-12-07T12:00:00",
        "utcStart": "2026-12-07T11:00:00Z",
        "recurrenceRule": None,
    }
    await updated(client, found[1], {"title": "Moved", "start": "2026-12-08T13:00:00"})
    override = (await shown(client, number))["recurrenceOverrides"]["2026-12-07T12:00:00"]
    assert override == {"title": "Moved", "start": "2026-12-08T13:00:00"}
    there = (await phone.ask("REPORT", HOME, QUERY, depth="1")).body
    assert b"RECURRENCE-ID" in there
    assert (await shown(client, found[1]))["title"] == "Moved"
    gone = await client.call("CalendarEvent/set", destroy=[found[2]])
    assert gone["destroyed"] == [found[2]]
    assert await ids(client, stretch, expandRecurrences=True) == [found[0], found[1], found[3]]
    assert (await client.call("CalendarEvent/get", ids=[found[2]]))["notFound"] == [found[2]]
    after = await shown(client, number, recurrenceOverridesAfter="2026-12-10T00:00:00Z")
    assert [*after["recurrenceOverrides"]] == ["2026-12-14T12:00:00"]
    assert await client.error("CalendarEvent/query", filter={"after": "2026-11-01T00:00:00"}, expandRecurrences=True)
    long = {"after": "2000-01-01T00:00:00", "before": "2027-02-01T00:00:00"}
    assert await client.error("CalendarEvent/query", filter=long, expandRecurrences=True) == "expandDurationTooLarge"


async def test_events_are_found(rig: Rig) -> None:
    """JMAP-74: by time, text, calendar and UID; sorted."""
    client = Client(rig)
    lunch, weekly = await made(client), await made(client, WEEKLY, uid="w", start="2026-11-20T12:00:00")
    [calendar] = (await client.call("Calendar/get", properties=["id"]))["list"]
    assert await ids(client, None) == [weekly, lunch]
    assert await ids(client, None, sort=[{"property": "start", "isAscending": False}]) == [lunch, weekly]
    assert await ids(client, {"text": "harb lunch"}) == [lunch]
    assert await ids(client, {"title": "WEEK"}) == [weekly]
    assert await ids(client, {"text": "Harb* lunch*"}) == [lunch]
    assert await ids(client, {"title": '"Lunch*"'}) == []
    assert await ids(client, {"location": "harbour", "uid": "w"}) == [weekly]
    assert await ids(client, {"inCalendar": calendar["id"]}) == [weekly, lunch]
    assert await ids(client, {"inCalendar": "K99"}) == []
    assert await ids(client, {"after": "2026-12-05T00:00:00"}) == [weekly]
    assert await ids(client, {"before": "2026-11-20T12:00:00"}, timeZone="Europe/Berlin") == []
    assert await ids(client, {"before": "2026-11-20T12:00:01"}, timeZone="Europe/Berlin") == [weekly]
    assert await ids(client, {"before": "2026-11-20T11:00:00.882Z"}, timeZone="Europe/Berlin") == []
    assert await ids(client, {"before": "2026-11-20T11:00:01.000Z"}, timeZone="Europe/Berlin") == [weekly]
    assert await ids(client, {"before": "2026-11-20T11:00:01Z"}) == [weekly]
    assert await ids(client, {"operator": "NOT", "conditions": [{"title": "lunch"}]}) == [weekly]
    assert await client.error("CalendarEvent/query", filter={"shoe": "x"}) == "unsupportedFilter"
    assert await client.error("CalendarEvent/query", sort=[{"property": "shoe"}]) == "unsupportedSort"
    for wrong in ("x", "Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        zone = "America/New_York" if wrong < "1" else "Asia/Tokyo"
        assert await client.error("CalendarEvent/query", filter={"after": wrong}, timeZone=zone) == "invalidArguments"
    assert await client.error("CalendarEvent/query", timeZone="Mars") == "invalidArguments"


async def test_an_event_moves_to_another_calendar_and_keeps_its_id(rig: Rig) -> None:
    """JMAP-73: with a file as a link."""
    client = Client(rig)
    work = (await client.call("Calendar/set", create={"w": {"name": "Work"}}))["created"]["w"]["id"]
    number = await made(client)
    state = (await client.call("CalendarEvent/get"))["state"]
    blob = await client.upload(b"ABC", "text/plain")
    link = {"x": {"@type": "Link", "rel": "enclosure", "blobId": blob, "title": "a.txt"}}
    await updated(client, number, {"calendarIds": {work: True}, "links": link})
    event = await shown(client, number)
    assert event["calendarIds"] == {work: True}
    assert event["links"]["x"]["href"] == f"data:text/plain;base64,{base64.b64encode(b'ABC').decode()}"
    many = {f"l{index}": link["x"] for index in range(51)}  # each is up to 170 KB of memory
    refused = await client.call("CalendarEvent/set", update={number: {"links": many}})
    assert refused["notUpdated"][number]["type"] == "tooLarge"
    changed = await client.call("CalendarEvent/changes", sinceState=state)
    assert (changed["created"], changed["updated"], changed["destroyed"]) == ([], [number], [])


async def test_guests_hear_of_an_event_only_if_that_is_asked(rig: Rig) -> None:
    """JMAP-75: the organiser is the user; an answer is the user's own change."""
    office = Office(rig)
    await office.begin()
    client, tom = Client(rig), Client(rig, "tom@example.org")
    tom.account = "utom"
    guests = {"t": {"calendarAddress": "mailto:tom@example.org", "roles": {"attendee": True}}}
    later: Object = {"start": f"{datetime.now(UTC).year + 1}-12-01T10:00:00"}
    number = await made(client, participants=guests, **later)
    await office.settle()
    event = await shown(client, number)
    assert event["organizerCalendarAddress"] == "mailto:mia@example.org"
    assert await ids(tom, None) == []
    await updated(client, number, {"title": "Dinner"}, sendSchedulingMessages=True)
    await office.settle()
    [theirs] = await ids(tom, None)
    copy = await shown(tom, theirs)
    assert (copy["title"], copy["isOrigin"]) == ("Dinner", False)
    people = copy["participants"]
    mine = next(key for key, one in people.items() if one["calendarAddress"] == "mailto:tom@example.org")
    refused = await tom.call("CalendarEvent/set", update={theirs: {"duration": "PT3H"}})
    assert refused["notUpdated"][theirs]["type"] == "forbidden"
    await updated(tom, theirs, {f"participants/{mine}/participationStatus": "accepted"}, sendSchedulingMessages=True)
    await office.settle()
    assert (await shown(client, number))["participants"]["t"]["participationStatus"] == "accepted"
    reduced = await shown(client, number, reduceParticipants=True)
    assert "t" not in reduced["participants"]
    await client.call("CalendarEvent/set", destroy=[number], sendSchedulingMessages=True)
    await office.settle()
    assert (await shown(tom, theirs))["status"] == "cancelled"


async def test_messages_of_others_about_events_are_notifications(rig: Rig) -> None:
    """JMAP-79: invitation, change, answer and cancellation; pushed, found, and destroyed."""
    office = Office(rig)
    await office.begin()
    client, tom = Client(rig), Client(rig, "tom@example.org")
    tom.account = "utom"
    kind = "CalendarEventNotification"
    state = (await tom.call(f"{kind}/get"))["state"]
    guests = {"t": {"calendarAddress": "mailto:tom@example.org", "roles": {"attendee": True}}}
    later: Object = {"start": f"{datetime.now(UTC).year + 1}-12-01T10:00:00", "participants": guests}
    told = {"sendSchedulingMessages": True}
    number = (await client.call("CalendarEvent/set", create={"a": {**LUNCH, **later}}, **told))["created"]["a"]["id"]
    await office.settle()
    [one] = (await tom.call(f"{kind}/get"))["list"]
    [theirs] = await ids(tom, None)
    assert (one["type"], one["calendarEventId"], one["event"]["title"]) == ("created", theirs, "Lunch")
    assert one["changedBy"]["calendarAddress"] == "mailto:mia@example.org"
    assert one["changedBy"]["principalId"] == "umia"
    changed = await tom.call(f"{kind}/changes", sinceState=state)
    assert (changed["created"], changed["updated"]) == ([one["id"]], [])
    async with rig.account("tom") as account:
        states = await pushed_states(rig, account)
    assert states[kind] == changed["newState"]
    found = await tom.call(f"{kind}/query", filter={"type": "created", "calendarEventIds": [theirs]})
    assert (found["ids"], found["canCalculateChanges"]) == ([one["id"]], True)
    assert (await tom.call(f"{kind}/query", filter={"before": "2026-01-01T00:00:00Z"}))["ids"] == []
    assert await tom.error(f"{kind}/query", filter={"shoe": 1}) == "unsupportedFilter"
    assert await tom.error(f"{kind}/query", sort=[{"property": "type"}]) == "unsupportedSort"
    await updated(client, number, {"title": "Dinner"}, **told)
    await office.settle()
    [_, again] = (await tom.call(f"{kind}/get"))["list"]
    assert (again["type"], again["event"]["title"], again["eventPatch"]["title"]) == ("updated", "Lunch", "Dinner")
    moved = await tom.call(f"{kind}/queryChanges", sinceQueryState=found["queryState"])
    assert (moved["removed"], moved["added"]) == ([again["id"]], [{"id": again["id"], "index": 1}])
    people = (await shown(tom, theirs))["participants"]
    mine = next(key for key, who in people.items() if who["calendarAddress"] == "mailto:tom@example.org")
    await updated(tom, theirs, {f"participants/{mine}/participationStatus": "declined"}, **told)
    await office.settle()
    [answer] = (await client.call(f"{kind}/get"))["list"]
    assert (answer["type"], answer["calendarEventId"]) == ("updated", number)
    assert answer["changedBy"]["calendarAddress"] == "mailto:tom@example.org"
    await client.call("CalendarEvent/set", destroy=[number], **told)
    await office.settle()
    [*_, gone] = (await tom.call(f"{kind}/get", properties=["type", "eventPatch"]))["list"]
    assert (gone["type"], gone["eventPatch"]["status"]) == ("updated", "cancelled")
    refused = await tom.call(f"{kind}/set", create={"a": {}}, update={gone["id"]: {}}, destroy=["N0", theirs])
    assert (refused["notCreated"]["a"]["type"], refused["notUpdated"][gone["id"]]["type"]) == ("forbidden",) * 2
    assert {one["type"] for one in refused["notDestroyed"].values()} == {"notFound"}
    before = (await tom.call(f"{kind}/get"))["state"]
    assert (await tom.call(f"{kind}/set", destroy=[gone["id"]]))["destroyed"] == [gone["id"]]
    assert (await tom.call(f"{kind}/changes", sinceState=before))["destroyed"] == [gone["id"]]


async def test_files_are_read_as_events(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-76: each event of each blob, as far as it can be read; what is no calendar is named."""
    client = Client(rig)
    text = event("one", "SUMMARY:First").replace("END:VCALENDAR", "") + event("two").partition("PRODID:-//t//EN\r\n")[2]
    good = await client.upload(text.replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST").encode(), "text/calendar")
    bad = await client.upload(b"hello", "text/calendar")
    found = await client.call(
        "CalendarEvent/parse", blobIds=[good, bad, "U0"], properties=["uid", "method", "title", "id"]
    )
    assert found["parsed"] == {
        good: [
            {"uid": "one", "method": "request", "title": "First", "id": None},
            {"uid": "two", "method": "request", "title": None, "id": None},
        ]
    }
    assert (found["notParsable"], found["notFound"]) == ([bad], ["U0"])
    odd = await client.upload(
        event("odd", "SUMMARY:Odd", "no colon", "DTEND:tomorrow").encode("utf-16"), "text/calendar"
    )
    [shown] = (await client.call("CalendarEvent/parse", blobIds=[odd], properties=["title"]))["parsed"][odd]
    old = await client.upload(event("old", "RRULE:D1 #5").encode(), "text/calendar")
    [series] = (await client.call("CalendarEvent/parse", blobIds=[old]))["parsed"][old]
    assert series["recurrenceRule"]["count"] == 5
    assert shown == {"title": "Odd"}
    monkeypatch.setattr(eventqueries, "NAME", 10 << 20)
    assert await client.error("CalendarEvent/parse", blobIds=[good], properties=["uid", "a"]) == "requestTooLarge"


async def test_the_user_is_known_by_the_addresses_of_the_account(rig: Rig) -> None:
    """JMAP-77: of which the log-in's is the default one."""
    client = Client(rig)
    found = await client.call("ParticipantIdentity/get")
    [first] = [one for one in found["list"] if one["isDefault"]]
    assert first["calendarAddress"] == "mailto:mia@example.org"
    changed = await client.call("ParticipantIdentity/changes", sinceState=found["state"])
    assert changed["updated"] == []
    assert await client.error("ParticipantIdentity/changes", sinceState="x") == "cannotCalculateChanges"
    refused = await client.call("ParticipantIdentity/set", create={"a": {}}, destroy=[first["id"], "P0"])
    assert refused["notCreated"]["a"]["type"] == "forbidden"
    assert [one["type"] for one in refused["notDestroyed"].values()] == ["forbidden", "notFound"]


async def test_people_of_the_same_domain_see_when_others_are_busy(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-78: found by their whole address; others do not exist."""
    client, tom = Client(rig), Client(rig, "tom@example.org")
    await Office(rig).begin()
    tom.account = "utom"
    await made(client)
    await made(client, start="2026-11-30T12:30:00", status="tentative", duration="PT2H")
    await made(client, start="2026-11-30T20:00:00", freeBusyStatus="free")
    [own] = (await tom.call("Principal/get"))["list"]
    assert (own["id"], own["email"]) == ("utom", "tom@example.org")
    assert (await tom.call("Principal/query", filter={"email": "mia@example.org"}))["ids"] == ["umia"]
    assert (await tom.call("Principal/query", filter={"text": "mia"}))["ids"] == []
    assert (await tom.call("Principal/query", filter={"email": "jo@else.example"}))["ids"] == []
    assert await tom.error("Principal/query", filter={"shoe": "x"}) == "unsupportedFilter"
    [mia] = (await tom.call("Principal/get", ids=["umia", "unobody"]))["list"]
    assert mia["capabilities"]["urn:ietf:params:jmap:calendars"]["accountId"] is None
    stretch = {"utcStart": "2026-11-30T00:00:00Z", "utcEnd": "2026-12-01T00:00:00Z"}
    found = await tom.call("Principal/getAvailability", id="umia", showDetails=False, **stretch)
    assert [(one["utcStart"][11:16], one["utcEnd"][11:16], one["busyStatus"]) for one in found["list"]] == [
        ("11:00", "12:00", "confirmed"),
        ("12:00", "13:30", "tentative"),
    ]
    monkeypatch.setattr(principals, "AS_JSON", 30 << 20)
    assert await tom.error("Principal/getAvailability", id="umia", **stretch) == "requestTooLarge"
    assert await tom.error("Principal/getAvailability", id="unobody", **stretch) == "notFound"
    long = {**stretch, "utcEnd": "2029-12-01T00:00:00Z"}
    assert await tom.error("Principal/getAvailability", id="umia", **long) == "tooLarge"
    assert await tom.error("Principal/getAvailability", id="umia", utcStart="x", utcEnd="y") == "invalidArguments"


async def test_times_without_a_zone_are_those_of_their_calendar(rig: Rig) -> None:
    """JMAP-78, DAV-8: noon and a day in a calendar of +10, for those who ask when one is busy. JMAP-74: a query's times
    are local ones of its own zone, so that it finds noon at noon.
    """
    client, tom = Client(rig), Client(rig, "tom@example.org")
    tom.account = "utom"
    await Office(rig).begin()
    [calendar, *_] = [one["id"] for one in (await client.call("Calendar/get"))["list"]]
    await client.call("Calendar/set", update={calendar: {"timeZone": "Australia/Brisbane"}})
    noon = await made(client, title="Noon", start="2099-03-01T12:00:00", timeZone=None)
    await made(client, title="Day", start="2099-03-03T00:00:00", timeZone=None, duration="P1D", showWithoutTime=True)
    local = {"after": "2099-03-01T12:00:00", "before": "2099-03-01T13:00:00"}
    for zone in ("Australia/Brisbane", "Etc/UTC"):
        assert await ids(client, local, timeZone=zone) == [noon]
    times = {"utcStart": "2099-02-28T00:00:00Z", "utcEnd": "2099-03-10T00:00:00Z"}
    busy = (await tom.call("Principal/getAvailability", id="umia", showDetails=False, **times))["list"]
    assert [(one["utcStart"], one["utcEnd"]) for one in busy] == [
        ("2099-03-01T02:00:00Z", "2099-03-01T03:00:00Z"),
        ("2099-03-02T14:00:00Z", "2099-03-03T14:00:00Z"),
    ]


async def test_a_series_that_cannot_be_expanded_hides_no_other(rig: Rig) -> None:
    """JMAP-74, JMAP-78, DAV-9, DAV-42: in queries, for those who ask when one is busy, in the webmail, for readers of a
    link.
    """
    client, phone = Client(rig), Program(rig)
    slow = event("slow", "SUMMARY:Slow", "RRULE:FREQ=HOURLY;BYSECOND=0;COUNT=999999")
    for name, entry in (("a.ics", slow), ("b.ics", event("2", "SUMMARY:Quick", "RRULE:FREQ=DAILY"))):
        assert (await phone.ask("PUT", HOME + name, entry)).status == 201
    stretch = {"after": "2090-01-01T00:00:00", "before": "2090-01-03T00:00:00"}
    found = await ids(client, stretch, expandRecurrences=True)
    shown_ = (await client.call("CalendarEvent/get", ids=found, properties=["title"]))["list"]
    assert [one["title"] for one in shown_] == ["Quick", "Quick"]
    await Office(rig).begin()
    tom = Client(rig, "tom@example.org")
    tom.account = "utom"
    times = {"utcStart": "2090-01-01T00:00:00Z", "utcEnd": "2090-01-03T00:00:00Z"}
    busy = await tom.call("Principal/getAvailability", id="umia", showDetails=False, **times)
    assert len(busy["list"]) == 2
    browser = rig.browser()
    await browser.log_in()
    [calendar] = [one["id"] for one in await browser.call("calendars")]
    begin = int(datetime(2090, 1, 1, tzinfo=UTC).timestamp())
    item = await browser.call("events", since=begin, until=begin + 2 * 86_400, calendar_ids=[calendar])
    assert {one["title"] for one in item["events"]} == {"Quick"}
    links = Links(rig)
    file_ = (await links.get(await links.make())).body
    assert b"SUMMARY:Quick" in file_


async def test_a_stranger_cannot_break_the_answer(rig: Rig) -> None:
    """JMAP-71: lines of programs with values that do not fit are not shown."""
    client, phone = Client(rig), Program(rig)
    lines = [f'JSPROP;JSPTR="{path}":{value}' for path, value in BAD]
    assert (await phone.ask("PUT", HOME + "s.ics", event("s", "SUMMARY:Hi", *lines))).status == 201
    await client.call("Calendar/get")
    [number] = await ids(client, {"text": "hi"})
    found = await shown(client, number, reduceParticipants=True)
    assert found["title"] == "Hi"
    assert "participants" not in found
    await updated(client, number, {"title": "Ho"})


BAD: list[tuple[str, str]] = [
    ("participants", "5"),
    ("participants/x", "5"),
    ("locations/x/name", "1"),
    ("title", "5"),
    ("id", "5"),
    ("", "5"),
    ("start", "5"),
    ("example.com:deep", "[" * 900 + "]" * 900),
    ("useDefaultAlerts", "5"),
    ("a/" * 60 + "b", "5"),
]


async def test_no_event_moves_into_a_calendar_of_another_server(rig: Rig) -> None:
    """DAV-44: the next file, which does not have the event, would remove it."""
    client = Client(rig)
    one = await made(client)
    number = await Feeds(rig, Site(file(event("1")))).add()
    found = await client.call("CalendarEvent/set", update={one: {"calendarIds": {f"K{number}": True}}})
    assert found["notUpdated"][one]["type"] == "forbidden"


async def test_events_of_a_series_keep_their_hour_in_a_zone_of_a_file(rig: Rig) -> None:
    """JMAP-72, DAV-8: shown by the offset of winter; one of summer is found by its id, and at its time."""
    client = Client(rig)
    await client.call("Calendar/get")
    rule = "FREQ=WEEKLY;COUNT=2"
    lines = ("DTSTART;TZID=Customized Time Zone:20261018T090000", "DURATION:PT1H", f"RRULE:{rule}")
    series = event("1", *lines).replace("BEGIN:VEVENT", f"{own_zone()}\r\nBEGIN:VEVENT")
    assert (await Program(rig).put("s", series)).status == 201
    stretch = {"after": "2026-10-01T00:00:00", "before": "2026-11-30T00:00:00"}
    found = await ids(client, stretch, expandRecurrences=True, sort=[{"property": "start"}])
    assert [(await shown(client, one, properties=["utcStart"]))["utcStart"] for one in found] == [
        "2026-10-18T07:00:00Z",
        "2026-10-25T08:00:00Z",
    ]


async def test_a_series_in_a_zone_of_its_file_has_the_zone_with_the_same_clocks(rig: Rig) -> None:
    """JMAP-61: not its offset in winter, by which a program that expands it is an hour wrong."""
    times = ('DTSTART;TZID="Oslo, Bergen":20260701T090000', "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=200")
    await Program(rig).put("a.ics", in_notes(event("1", *times)))
    client = Client(rig)
    [number] = await ids(client, None)
    one = await shown(client, number)
    assert (one["start"], one["timeZone"]) == ("2026-07-01T09:00:00", "Europe/Berlin")


async def test_events_of_a_series_to_which_one_was_invited_alone(rig: Rig) -> None:
    """JMAP-61: each is there, at its own time, whether series are expanded or not (RFC 8984 §4.3.1)."""
    zone = "TZID=Europe/Berlin"
    second = (f"RECURRENCE-ID;{zone}:20261202T093000", f"DTSTART;{zone}:20261202T090000", "DURATION:PT1H")
    first = (f"RECURRENCE-ID;{zone}:20261118T093000", f"DTSTART;{zone}:20261118T080000", "DURATION:PT1H")
    inner = "\r\n".join(("END:VEVENT", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20261101T000000Z", *second))
    assert (await Program(rig).put("a.ics", event("1", *first, inner))).status == 201
    client = Client(rig)
    stretch = {"after": "2026-11-01T00:00:00", "before": "2026-12-31T00:00:00"}
    starts = ["2026-11-18T08:00:00", "2026-12-02T09:00:00"]
    for wish, more in ((None, {}), (stretch, {}), (stretch, {"expandRecurrences": True})):
        numbers = await ids(client, wish, **more)
        events = [await shown(client, number) for number in numbers]
        assert [one["start"] for one in events] == starts
        assert [one["recurrenceId"] for one in events] == ["2026-11-18T09:30:00", "2026-12-02T09:30:00"]
    assert [one["start"] for one in (await client.call("CalendarEvent/get"))["list"]] == starts


async def test_a_day_of_a_series_has_its_place(rig: Rig) -> None:
    """JMAP-61: recurrenceId, without a zone."""
    await Program(rig).put("a.ics", event("1", "DTSTART;VALUE=DATE:20261118", "RRULE:FREQ=DAILY;COUNT=2"))
    client = Client(rig)
    stretch = {"after": "2026-11-18T00:00:00", "before": "2026-11-19T00:00:00"}
    [number] = await ids(client, stretch, expandRecurrences=True)
    one = await shown(client, number, properties=["recurrenceId", "recurrenceIdTimeZone", "start"])
    assert (one["recurrenceId"], one.get("recurrenceIdTimeZone")) == ("2026-11-18T00:00:00", None)


async def test_the_colour_of_an_event_is_one_for_programs_and_the_page(rig: Rig) -> None:
    """WEBMAIL-174, RFC 7986 §5.9: as the name of a colour; one that comes stays until another is chosen."""
    program, client = Program(rig), Client(rig)
    browser = rig.browser()
    await browser.log_in()
    [first] = await browser.call("calendars")
    diary = Diary(rig, browser, first["id"])
    octets = event("1", "SUMMARY:Choir", "COLOR:Turquoise", start="20990104T100000Z", end="20990104T110000Z")
    assert (await program.ask("PUT", "/dav/calendars/mia/calendar/1.ics", octets)).status == 201
    [item] = await diary.listed()
    found = await diary.browser.call("event", event_id=item["id"])
    assert item["colour"] == found["form"]["colour"] == "#40e0d0"
    await diary.save({**found["form"], "notes": "x"}, event_id=item["id"])
    assert "COLOR:Turquoise" in (await diary.files())[0]
    await diary.save({**found["form"], "colour": "#D64A3E"}, event_id=item["id"])
    [stored] = await diary.files()
    assert "COLOR:indianred" in stored
    assert "Turquoise" not in stored
    [listed] = (await client.call("CalendarEvent/get", ids=None))["list"]
    assert listed["color"] == "indianred"
    await client.call("CalendarEvent/set", update={listed["id"]: {"color": "#112233"}})
    assert (await diary.listed())[0]["colour"] == "#112233"
    await diary.save({**found["form"], "colour": ""}, event_id=item["id"])
    assert "COLOR" not in (await diary.files())[0]
    saving = {"calendar_id": diary.calendar, "event": written("2099-01-05T10:00", "2099-01-05T11:00", colour="red")}
    assert (await diary.browser.error("event_save", **saving))[0] == 400
