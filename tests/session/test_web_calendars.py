"""Calendars and events as the webmail's pages have them (WEBMAIL-174)."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from moxlite.groupware import searching
from moxlite.proto.cards.colours import colour_name, shown_colour
from moxlite.store.auth.credentials import change_password
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware import scheduling
from moxlite.store.groupware.collection import (
    SECOND_ZONE,
    CollectionChange,
    collection,
    collections_of,
    patch_collection,
)
from moxlite.store.groupware.resources import resource_data, resources_of
from moxlite.store.groupware.scheduling import delete_entry
from moxlite.web.webmail.calls import entries, events
from moxlite.web.webmail.eventforms import items_of
from tests.session.test_web_dav import Program, event as entry
from tests.web_rig import PASSWORD, Browser, Rig

pytestmark = pytest.mark.served

DAYS = Path(__file__).parents[2] / "frontend/webmail/calendar/days.ts"


def form(start: str, end: str, **more: Any) -> dict[str, Any]:
    """An event as the page sends it."""
    return {
        "title": "Plan",
        "place": "",
        "notes": "",
        "all_day": "T" not in start,
        "start": start,
        "end": end,
        "zone": "" if "T" not in start else "Europe/Berlin",
        "rule": "",
        "alarms": [],
        "mails": [],
        "free": False,
        "guests": [],
        "link": "",
        "colour": "",
        **more,
    }


class Diary:
    """The calendar of mia in the year 2099, and her browser."""

    def __init__(self, rig: Rig, browser: Browser, calendar: int) -> None:
        self.rig, self.browser, self.calendar = rig, browser, calendar

    async def save(self, event: dict[str, Any], **more: Any) -> int:
        """Save an event; returns its id."""
        return int((await self.browser.call("event_save", calendar_id=self.calendar, event=event, **more))["id"])

    async def listed(self) -> list[dict[str, Any]]:
        """The events of January and February."""
        since, until = (int(datetime(2099, month, 1, tzinfo=UTC).timestamp()) for month in (1, 3))
        found = await self.browser.call("events", since=since, until=until, calendar_ids=[self.calendar])
        return list(found["events"])

    async def times(self) -> list[str]:
        """Their starts, in UTC."""
        return [f"{datetime.fromtimestamp(one['starts'], UTC):%m-%d %H:%M}" for one in await self.listed()]

    async def files(self) -> list[str]:
        """The files of the calendar, without folds."""

        def read(r: Reader) -> list[bytes]:
            return [resource_data(r, one.id) for one in resources_of(r, self.calendar, 0, 100)]

        async with self.rig.account() as account:
            return [one.decode().replace("\r\n ", "") for one in await account.read(read, op="test")]


@pytest.fixture
async def diary(rig: Rig, browser: Browser) -> Diary:
    (first,) = await browser.call("calendars")
    assert (first["name"], first["hidden"], first["events"]) == ("Calendar", False, 0)
    return Diary(rig, browser, first["id"])


async def test_calendars_are_made_renamed_hidden_and_removed(diary: Diary) -> None:
    """WEBMAIL-174: CalDAV shows a calendar's name and colour."""
    browser = diary.browser
    work = await browser.call("calendar_save", change={"name": " Work \n week", "colour": "#3a7bd3"})
    for bad in ({"name": " "}, {"name": "x", "colour": "re d"}):
        assert await browser.error("calendar_save", change=bad) == (400, "user:fields")
    change = {"name": "Work", "colour": "#D64A3E", "hidden": True}
    await browser.call("calendar_save", change=change, calendar_id=work)
    shown = {one["name"]: one for one in await browser.call("calendars")}
    assert (shown["Work"]["colour"], shown["Work"]["hidden"]) == ("#D64A3E", True)
    async with diary.rig.account() as account:
        found = await account.read(lambda r: collections_of(r, "calendar"), op="test")
    assert [(one.display_name, one.components) for one in found][1] == ("Work", ("VEVENT",))
    await browser.call("calendar_remove", calendar_id=work)
    assert [one["name"] for one in await browser.call("calendars")] == ["Calendar"]
    assert await browser.error("calendar_remove", calendar_id=work) == (404, "user:notFound")


async def test_a_second_time_zone_is_kept_with_a_calendar(diary: Diary) -> None:
    """WEBMAIL-175g: a name of the IANA database, "" for none; what another program wrote there is no zone."""
    browser = diary.browser

    async def zone() -> str:
        (first,) = await browser.call("calendars")
        return str(first["second_zone"])

    assert await zone() == ""
    for name in ("Europe/London", "America/Argentina/Buenos_Aires", "Etc/GMT+5", ""):
        await browser.call("calendar_save", change={"second_zone": name}, calendar_id=diary.calendar)
        assert await zone() == name
    for bad in ("Atlantis/Center", "W. Europe Standard Time", "x/Europe/London", "<b>", "../London"):
        change = {"second_zone": bad}
        assert await browser.error("calendar_save", change=change, calendar_id=diary.calendar) == (400, "user:fields")
    async with diary.rig.account() as account:
        dead = {SECOND_ZONE: "<second-zone>&lt;b></second-zone>"}
        await account.write(
            lambda tx: patch_collection(tx, collection(tx, diary.calendar), CollectionChange(dead=dead))
        )
    assert await zone() == ""


@pytest.mark.parametrize(
    ("name", "colour"), [("Two  blanks", "teal"), ("n" * 900, "#f0a"), ("a\ttab", "#3A7BD3FF"), ("", "salmon")]
)
async def test_values_of_other_programs_stay_while_others_change(diary: Diary, name: str, colour: str) -> None:
    """WEBMAIL-174: a calendar is hidden and renamed whatever its name and colour: only changed values are checked."""
    browser = diary.browser

    def written(tx: AccountTx) -> None:
        tx.execute("UPDATE collection SET display_name = ?, colour = ? WHERE id = ?", name, colour, diary.calendar)

    async def now() -> tuple[str, str, bool]:
        async with diary.rig.account() as account:
            found = await account.read(lambda r: collection(r, diary.calendar), op="test")
        return found.display_name, found.colour, found.hidden

    async with diary.rig.account() as account:
        await account.write(written)
    (shown,) = await browser.call("calendars")
    await browser.call("calendar_save", change={"hidden": True}, calendar_id=shown["id"])
    assert await now() == (name, colour, True)
    await browser.call("calendar_save", change={"name": "Plans", "hidden": False}, calendar_id=shown["id"])
    assert await now() == ("Plans", colour, False)
    long = {"name": "ü" * 128}
    assert await browser.error("calendar_save", change=long, calendar_id=shown["id"]) == (400, "user:fields")


async def test_a_calendar_of_many_meetings_goes_in_slices(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-174, STORE-4a: units of others go in between; each meeting is called off."""
    monkeypatch.setattr(scheduling, "AT_ONCE", 2)
    gone: list[int] = []
    remove = delete_entry

    def removed(tx: AccountTx, *more: Any, **options: Any) -> None:
        gone.append(tx.now)
        remove(tx, *more, **options)

    monkeypatch.setattr(scheduling, "delete_entry", removed)
    guests = [{"name": "Tom", "address": "tom@example.org"}]
    for day in range(1, 6):
        await diary.save(form(f"2099-01-0{day}T09:00", f"2099-01-0{day}T10:00", guests=guests))
    await diary.browser.call("calendar_remove", calendar_id=diary.calendar)
    assert len(gone) == 5
    assert len({*gone}) == 3
    assert len(await diary.browser.call("deleted_list", kind="calendar")) == 5


async def test_many_series_are_no_more_events_than_an_answer_has(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-174: of all that a page of entries may give, no more is made."""
    for title in ("One", "Two", "Three"):
        await diary.save(form("2099-01-05T09:00", "2099-01-05T10:00", title=title, rule="FREQ=DAILY;COUNT=20"))
    made: list[str] = []

    def counted(*given: Any, **options: Any) -> Any:
        items = items_of(*given, **options)
        made.extend(item.title for item in items)
        return items

    monkeypatch.setattr(events, "MAX_INSTANCES", 10)
    monkeypatch.setattr(events, "items_of", counted)
    span = {"since": 4_070_000_000, "until": 4_080_000_000}
    found = await diary.browser.call("events", **span, calendar_ids=[diary.calendar])
    assert (len(found["events"]), found["more"], len(made)) == (10, True, 20)


async def test_an_event_reminds_by_mail(diary: Diary) -> None:
    """DAV-50c, WEBMAIL-174: beside other alarms, to the user alone; what other programs wrote stays."""
    browser = diary.browser
    one = await diary.save(form("2099-01-05T09:00", "2099-01-05T10:00", alarms=[10], mails=[10, 1440]))
    (text,) = await diary.files()
    alarms = [part.partition("END:VALARM")[0].split("\r\n") for part in text.split("BEGIN:VALARM")[1:]]
    assert sorted(lines[1:3] for lines in alarms) == [
        ["ACTION:DISPLAY", "TRIGGER:-PT10M"],
        ["ACTION:EMAIL", "TRIGGER:-PT10M"],
        ["ACTION:EMAIL", "TRIGGER:-PT1440M"],
    ]
    assert text.count("ATTENDEE:mailto:mia@example.org") == 2
    card = await browser.call("event", event_id=one)
    assert (card["form"]["alarms"], card["form"]["mails"]) == ([10], [10, 1440])
    await diary.save({**card["form"], "alarms": [], "mails": [10]}, event_id=one, changed=card["changed"])
    (text,) = await diary.files()
    assert (text.count("BEGIN:VALARM"), text.count("ACTION:EMAIL")) == (1, 1)
    assert (await browser.error("event_save", calendar_id=diary.calendar, event={**card["form"], "mails": [-1]}))[
        0
    ] == 400


async def test_an_event_is_written_changed_moved_removed_and_restored(diary: Diary) -> None:
    """WEBMAIL-174: what a form does not have stays; a change by another page is a conflict."""
    browser = diary.browser
    event = form("2099-01-05T09:00", "2099-01-05T10:30", place="Room; 4", notes="a,b\nc", alarms=[10], free=True)
    one = await diary.save(event)
    (item,) = await diary.listed()
    assert (item["title"], item["place"], item["clock"], item["free"]) == ("Plan", "Room; 4", "utc", True)
    assert item["ends"] - item["starts"] == 5400
    card = await browser.call("event", event_id=one)
    assert card["form"] == event
    (text,) = await diary.files()
    assert "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n" in text
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU" in text
    assert "TRIGGER:-PT10M" in text
    later = {**event, "title": "Planning", "alarms": []}
    await diary.save(later, event_id=one, changed=card["changed"])
    wrong = await browser.error(
        "event_save", calendar_id=diary.calendar, event=later, event_id=one, changed=card["changed"]
    )
    assert wrong == (409, "user:conflict")
    other = await browser.call("calendar_save", change={"name": "Other"})
    moved = (await browser.call("event_save", calendar_id=other, event=later, event_id=one))["id"]
    assert await diary.listed() == []
    card = await browser.call("event", event_id=moved)
    assert (card["calendar_id"], card["form"]["title"], card["own"]) == (other, "Planning", True)
    removed = await browser.call("event_remove", event_id=moved)
    assert await browser.error("event", event_id=moved) == (404, "user:notFound")
    again = (await browser.call("event_undo", steps=removed["undo"]))["id"]
    assert (await browser.call("event", event_id=again))["form"] == later
    assert await browser.error("event_undo", steps=removed["undo"]) == (409, "user:conflict")


async def test_an_event_is_moved_beside_one_that_has_its_name(rig: Rig, diary: Diary) -> None:
    """WEBMAIL-174: programs name entries as they like; no entry is lost."""
    mia, browser, work = Program(rig), diary.browser, "/dav/calendars/mia/work/"
    assert (await mia.ask("MKCALENDAR", work)).status == 201
    assert (
        await mia.put("plan.ics", entry("1", "SUMMARY:One", start="20990105T100000Z", end="20990105T110000Z"))
    ).status == 201
    assert (await mia.put("plan.ics", entry("2", "SUMMARY:Two"), work)).status == 201
    other = next(one["id"] for one in await browser.call("calendars") if one["id"] != diary.calendar)
    (item,) = await diary.listed()
    saved = await browser.call(
        "event_save", calendar_id=other, event=form("2099-01-05", "2099-01-06"), event_id=item["id"]
    )
    moved = saved["id"]
    assert (await browser.call("event", event_id=moved))["calendar_id"] == other
    assert b"SUMMARY:Two" in (await mia.ask("GET", work + "plan.ics")).body
    assert len(await mia.query('<C:comp-filter name="VEVENT"/>', "", work)) == 2


async def test_days_and_local_times_have_no_zone(diary: Diary) -> None:
    """WEBMAIL-174."""
    await diary.save(form("2099-01-05", "2099-01-07"))
    await diary.save(form("2099-01-08T09:00", "2099-01-08T10:00", zone=""))
    await diary.save(form("2099-01-09T09:00", "2099-01-09T10:00", zone="UTC"))
    assert [one["clock"] for one in await diary.listed()] == ["date", "local", "utc"]
    assert await diary.times() == ["01-05 00:00", "01-08 09:00", "01-09 09:00"]


async def test_no_event_moves_beyond_all_years(diary: Diary) -> None:
    """WEBMAIL-174: neither by itself nor with a series; the form is told, and nothing changes."""
    browser = diary.browser
    error = partial(browser.error, "event_save", calendar_id=diary.calendar)
    last = form("9999-12-31", "9999-12-31")
    assert await error(event=last) == (400, "user:error")
    one = await diary.save(WEEKLY)
    late = "BEGIN:VEVENT\r\nRECURRENCE-ID;TZID=Europe/Berlin:99991231T090000\r\n"
    (removed,) = (await browser.call("event_remove", event_id=one))["undo"]
    start, end = removed["data"].split("BEGIN:VEVENT\r\n")
    uid = next(line for line in end.splitlines() if line.startswith("UID:"))
    data = f"{start}BEGIN:VEVENT\r\n{end.replace('END:VCALENDAR', '').rstrip()}\r\n{late}{uid}\r\n"
    data += "DTSTAMP:20990101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20990601T090000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    one = (await browser.call("event_undo", steps=[{**removed, "data": data}]))["id"]
    later = form("2099-01-06T09:00", "2099-01-06T10:00", rule=WEEKLY["rule"])
    assert await error(event=later, event_id=one) == (400, "user:error")
    assert (await diary.times())[0] == MONDAYS[0]


WEEKLY = form("2099-01-05T09:00", "2099-01-05T10:00", rule="FREQ=WEEKLY;BYDAY=MO;COUNT=5")
MONDAYS = ["01-05 08:00", "01-12 08:00", "01-19 08:00", "01-26 08:00", "02-02 08:00"]


async def test_one_event_of_a_series_is_changed_and_removed(diary: Diary) -> None:
    """WEBMAIL-174: a change of one is an exception, a removal too; undo brings it back."""
    one = await diary.save(WEEKLY)
    assert await diary.times() == MONDAYS
    second = (await diary.listed())[1]["recurrence"]
    card = await diary.browser.call("event", event_id=one, recurrence=second)
    assert (card["form"]["start"], card["repeats"]) == ("2099-01-12T09:00", True)
    event = {**card["form"], "start": "2099-01-13T11:00", "end": "2099-01-13T12:00", "title": "Late"}
    await diary.save(event, event_id=one, recurrence=second, scope="this")
    assert await diary.times() == [MONDAYS[0], "01-13 10:00", *MONDAYS[2:]]
    assert [item["title"] for item in await diary.listed()][:2] == ["Plan", "Late"]
    removed = await diary.browser.call("event_remove", event_id=one, recurrence=second, scope="this")
    assert await diary.times() == [MONDAYS[0], *MONDAYS[2:]]
    await diary.browser.call("event_undo", steps=removed["undo"])
    assert await diary.times() == [MONDAYS[0], "01-13 10:00", *MONDAYS[2:]]


async def test_this_and_following_events_become_a_series_of_their_own(diary: Diary) -> None:
    """WEBMAIL-174: the number of events stays the same; days of the rule move with the event."""
    one = await diary.save(WEEKLY)
    third = (await diary.listed())[2]["recurrence"]
    form_ = (await diary.browser.call("event", event_id=one, recurrence=third))["form"]
    event = {**form_, "start": "2099-01-20T10:00", "end": "2099-01-20T11:00"}
    await diary.save(event, event_id=one, recurrence=third, scope="following")
    assert await diary.times() == [*MONDAYS[:2], "01-20 09:00", "01-27 09:00", "02-03 09:00"]
    assert len(await diary.files()) == 2
    last = (await diary.listed())[3]
    await diary.browser.call("event_remove", event_id=last["id"], recurrence=last["recurrence"], scope="following")
    assert await diary.times() == [*MONDAYS[:2], "01-20 09:00"]


async def test_all_events_of_a_series_move_with_their_exceptions(diary: Diary) -> None:
    """WEBMAIL-174: another rule drops the exceptions, whose times it does not have."""
    one = await diary.save(WEEKLY)
    second, third = [item["recurrence"] for item in await diary.listed()][1:3]
    await diary.browser.call("event_remove", event_id=one, recurrence=second, scope="this")
    form_ = (await diary.browser.call("event", event_id=one, recurrence=third))["form"]
    late = {**form_, "start": "2099-01-19T15:00", "end": "2099-01-19T16:00"}
    await diary.save(late, event_id=one, recurrence=third, scope="this")
    last = (await diary.listed())[-1]["recurrence"]
    form_ = (await diary.browser.call("event", event_id=one, recurrence=last))["form"]
    moved = {**form_, "start": "2099-02-03T10:00", "end": "2099-02-03T11:00"}
    await diary.save(moved, event_id=one, recurrence=last, scope="all")
    assert await diary.times() == ["01-06 09:00", "01-19 14:00", "01-27 09:00", "02-03 09:00"]
    first = await diary.browser.call("event", event_id=one)
    assert (first["form"]["start"], first["exceptions"]) == ("2099-01-06T10:00", 1)
    daily = {**first["form"], "rule": "FREQ=DAILY;UNTIL=20990108"}
    await diary.save(daily, event_id=one)
    assert await diary.times() == ["01-06 09:00", "01-07 09:00", "01-08 09:00"]
    await diary.browser.call("event_remove", event_id=one)
    assert await diary.listed() == []


@pytest.mark.parametrize("scope", ["all", "following"])
async def test_a_series_stays_in_its_zone_though_an_exception_is_in_another_one(diary: Diary, scope: str) -> None:
    """WEBMAIL-174: a program has moved one event, and wrote it in UTC; its words are changed for others, too."""
    zone = "TZID=Europe/Berlin"
    times = (f"DTSTART;{zone}:20990105T090000", f"DTEND;{zone}:20990105T100000")
    exception = entry("s", f"RECURRENCE-ID;{zone}:20990112T090000", start="20990112T080000Z", end="20990112T090000Z")
    series = entry("s", *times, "RRULE:FREQ=WEEKLY;COUNT=5")
    await Program(diary.rig).put("s", series.replace("END:VCALENDAR\r\n", exception[exception.index("BEGIN:VEVENT") :]))
    second = (await diary.listed())[1]
    card = (await diary.browser.call("event", event_id=second["id"], recurrence=second["recurrence"]))["form"]
    assert card["zone"] == "UTC"
    event = {**card, "title": "Plans"}
    await diary.save(event, event_id=second["id"], recurrence=second["recurrence"], scope=scope)
    assert await diary.times() == MONDAYS
    assert f"DTSTART;{zone}:209901" in (await diary.files())[-1]


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2099-01-12T08:00", "2099-01-12T09:00", ["12 07:00", "19 07:00"]),
        ("2099-01-13T00:30", "2099-01-13T01:30", ["12 23:30", "19 23:30"]),
        ("2099-01-11T23:00", "2099-01-12T00:00", ["11 22:00", "18 22:00"]),
    ],
)
@pytest.mark.parametrize("scope", ["all", "following"])
async def test_a_series_moves_by_hours(diary: Diary, start: str, end: str, days: list[str], scope: str) -> None:
    """WEBMAIL-174: the days of its rule move where the day is another one, and stay for an earlier hour of a day."""
    one = await diary.save(WEEKLY)
    second = (await diary.listed())[1]["recurrence"]
    card = (await diary.browser.call("event", event_id=one, recurrence=second))["form"]
    await diary.save({**card, "start": start, "end": end}, event_id=one, recurrence=second, scope=scope)
    assert (await diary.times())[1:3] == [f"01-{day}" for day in days]
    assert len(await diary.times()) == 5


@pytest.mark.parametrize(
    ("rule", "start", "times"),
    [
        ("FREQ=MONTHLY;BYDAY=2MO;COUNT=2", "2099-01-14T09:00", ["01-14 08:00", "02-11 08:00"]),
        ("FREQ=MONTHLY;BYDAY=2MO;COUNT=2", "2099-01-30T09:00", ["01-30 08:00", "02-27 08:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=12;COUNT=2", "2099-01-14T09:00", ["01-14 08:00", "02-14 08:00"]),
        ("FREQ=WEEKLY;UNTIL=20990119T080000Z", "2099-01-13T10:00", ["01-13 09:00", "01-20 09:00"]),
        ("FREQ=WEEKLY;UNTIL=20990119", "2099-01-14T09:00", ["01-14 08:00", "01-21 08:00"]),
    ],
)
@pytest.mark.parametrize("scope", ["all", "following"])
async def test_the_rule_of_a_series_moves(diary: Diary, rule: str, start: str, times: list[str], scope: str) -> None:
    """WEBMAIL-174: its place in the month, and its end."""
    lines = ("DTSTART;TZID=Europe/Berlin:20990112T090000", "DTEND;TZID=Europe/Berlin:20990112T100000", f"RRULE:{rule}")
    await Program(diary.rig).put("s", entry("s", *lines))
    first = (await diary.listed())[0]
    at = {"event_id": first["id"], "recurrence": first["recurrence"]}
    card = (await diary.browser.call("event", **at))["form"]
    await diary.save({**card, "start": start, "end": f"{start[:11]}11:00"}, **at, scope=scope)
    assert await diary.times() == times


async def test_a_place_in_the_month_moves_from_a_later_event(diary: Diary) -> None:
    """WEBMAIL-174: the series begins at that place of its first month, which may be another number of days away."""
    rule = "RRULE:FREQ=MONTHLY;BYDAY=1FR"
    await Program(diary.rig).put("s", entry("s", rule, start="20990102T090000Z", end="20990102T100000Z"))
    later = (await diary.listed())[1]
    at = {"event_id": later["id"], "recurrence": later["recurrence"]}
    card = (await diary.browser.call("event", **at))["form"]
    assert card["start"] == "2099-02-06T09:00"
    await diary.save({**card, "start": "2099-02-05T09:00", "end": "2099-02-05T10:00"}, **at, scope="all")
    assert await diary.times() == ["01-01 09:00", "02-05 09:00"]


async def test_exceptions_of_a_series_go_with_it_into_another_zone(diary: Diary) -> None:
    """WEBMAIL-174: the same time by other clocks; what was removed stays away, what was moved is there once."""
    one = await diary.save(WEEKLY)
    second, third = [item["recurrence"] for item in await diary.listed()][1:3]
    await diary.browser.call("event_remove", event_id=one, recurrence=second, scope="this")
    late = form("2099-01-19T15:00", "2099-01-19T16:00")
    await diary.save(late, event_id=one, recurrence=third, scope="this")
    card = (await diary.browser.call("event", event_id=one))["form"]
    await diary.save({**card, "zone": "America/New_York"}, event_id=one)
    assert await diary.times() == ["01-05 14:00", "01-19 14:00", "01-26 14:00", "02-02 14:00"]


async def test_guests_are_invited_as_by_a_program(diary: Diary) -> None:
    """WEBMAIL-174, DAV-23: a guest of this server has the event in the own calendar, and answers there."""
    guests = [{"name": "Tom", "address": "tom@example.org"}]
    one = await diary.save(form("2099-01-05T09:00", "2099-01-05T10:00", guests=guests))
    async with diary.rig.account() as account:
        await account.carrier.once()
    async with diary.rig.account("tom") as account:
        await change_password(account, PASSWORD)
    tom = diary.rig.browser()
    await tom.log_in("tom@example.org")
    (calendar,) = await tom.call("calendars")
    since = int(datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    found = await tom.call("events", since=since, until=since + 86_400 * 30, calendar_ids=[calendar["id"]])
    (item,) = found["events"]
    assert item["answer"] == "ask"
    card = await tom.call("event", event_id=item["id"])
    assert (card["own"], card["organizer"]["address"]) == (False, "mia@example.org")
    refused = await tom.error(
        "event_save", calendar_id=calendar["id"], event={**card["form"], "title": "Mine"}, event_id=item["id"]
    )
    assert refused == (400, "user:error")
    await tom.call("event_answer", event_id=item["id"], answer="yes")
    async with diary.rig.account("tom") as account:
        await account.carrier.once()
    (guest,) = (await diary.browser.call("event", event_id=one))["guests"]
    assert guest == {"name": "Tom", "address": "tom@example.org", "answer": "yes", "undelivered": False}
    assert await diary.browser.error("event_answer", event_id=one, answer="no") == (400, "user:error")


async def test_an_answer_is_to_the_event_as_its_organizer_has_it(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-174: a guest answers while the organizer saves; both have what the other one did."""
    guests = [{"name": "", "address": "tom@example.org"}]
    one = await diary.save(form("2099-01-05T09:00", "2099-01-05T10:00", guests=guests))
    async with diary.rig.account() as account:
        await account.carrier.once()
    async with diary.rig.account("tom") as account:
        await change_password(account, PASSWORD)
    tom = diary.rig.browser()
    await tom.log_in("tom@example.org")
    (calendar,) = await tom.call("calendars")
    since = int(datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    found = await tom.call("events", since=since, until=since + 86_400 * 30, calendar_ids=[calendar["id"]])
    (item,) = found["events"]
    real, titles = entries.stored, [f"Title {number}" for number in range(3)]

    async def stored(visit: Any, event_id: int) -> Any:
        entry = await real(visit, event_id)
        if visit.account.name == "tom" and titles:
            shown = await diary.browser.call("event", event_id=one)
            await diary.save({**shown["form"], "title": titles.pop()}, event_id=one)
            async with diary.rig.account() as account:
                await account.carrier.once()
        return entry

    monkeypatch.setattr(events, "stored", stored)
    await tom.call("event_answer", event_id=item["id"], answer="maybe")
    assert not titles
    async with diary.rig.account("tom") as account:
        await account.carrier.once()
    assert (await tom.call("event", event_id=item["id"]))["form"]["title"] == "Title 0"
    (guest,) = (await diary.browser.call("event", event_id=one))["guests"]
    assert guest["answer"] == "maybe"


@pytest.mark.parametrize("deleted", [False, True])
async def test_an_invitation_that_comes_back_is_newer_than_its_end(diary: Diary, deleted: bool) -> None:
    """DAV-23, DAV-46: by its number, as other servers take it (RFC 5546 §2.1.5)."""
    guests = [{"name": "", "address": "ada@far.example"}]
    one = await diary.save(form("2099-01-05T09:00", "2099-01-05T10:00", guests=guests))
    removed = await diary.browser.call("event_remove", event_id=one)
    if deleted:
        (kept,) = await diary.browser.call("deleted_list", kind="calendar")
        await diary.browser.call("deleted_restore", deleted_id=kept["id"])
    else:
        await diary.browser.call("event_undo", steps=removed["undo"])
    (file,) = await diary.files()
    assert "SEQUENCE:2\r" in file  # its end was told with 1
    assert "SCHEDULE-STATUS=1.1" in file


@pytest.mark.parametrize(("hour", "answer"), [("09", "yes"), ("15", "")])
async def test_answers_are_to_the_time_of_an_event(diary: Diary, hour: str, answer: str) -> None:
    """DAV-24, WEBMAIL-174: those that follow are another series, for which answers to another hour do not count."""
    people = ("ORGANIZER:mailto:mia@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@far.example")
    series = entry("s", "RRULE:FREQ=WEEKLY;COUNT=5", *people, start="20990105T090000Z", end="20990105T100000Z")
    await Program(diary.rig).put("s", series)
    second = (await diary.listed())[1]
    at = {"event_id": second["id"], "recurrence": second["recurrence"]}
    card = (await diary.browser.call("event", **at))["form"]
    times = {"start": f"2099-01-12T{hour}:00", "end": f"2099-01-12T{hour}:30"}
    made = await diary.save({**card, **times}, **at, scope="following")
    assert [guest["answer"] for guest in (await diary.browser.call("event", event_id=made))["guests"]] == [answer]


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": "2099-01-05T08:00"},
        {"start": "2099-02-30T08:00"},
        {"zone": "Mars/Olympus"},
        {"rule": "FREQ=NEVER"},
        {"rule": "FREQ=FORTNIGHTLY"},
        {"guests": [{"name": "", "address": "tom"}]},
        {"alarms": [-1]},
        {"start": "yesterday"},
    ],
)
async def test_a_form_that_is_no_event_is_refused(diary: Diary, wrong: dict[str, Any]) -> None:
    """WEBMAIL-174."""
    event = {**form("2099-01-05T09:00", "2099-01-05T10:00"), **wrong}
    refused = await diary.browser.error("event_save", calendar_id=diary.calendar, event=event)
    assert refused == (400, "user:error")
    assert await diary.listed() == []


async def test_an_answer_has_a_thousand_events(diary: Diary) -> None:
    """WEBMAIL-174: of rules too."""
    for _ in range(2):
        await diary.save(form("2099-01-05T09:00", "2099-01-05T09:05", rule="FREQ=HOURLY"))
    since = int(datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    found = await diary.browser.call("events", since=since, until=since + 86_400 * 50, calendar_ids=[diary.calendar])
    assert (len(found["events"]), found["more"]) == (1000, True)


FILE = b"""BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:one
DTSTAMP:20260101T000000Z
DTSTART:20990105T100000Z
SUMMARY:First
END:VEVENT
BEGIN:VEVENT
UID:two
DTSTAMP:20260101T000000Z
SUMMARY:Second
END:VEVENT
END:VCALENDAR
"""


async def test_a_calendar_file_in_latin_1_is_read(diary: Diary) -> None:
    """DAV-49: and UTF-8 stays what it is, also beside it, and where a fold is within a character."""
    latin, cut = FILE.replace(b"First", b"\xdcber Land"), FILE.replace(b"First", b"\xc3\n \x96ster\r\n b\xc3\xbcro")
    data = latin + cut.replace(b"UID:one", b"UID:three")
    browser = diary.browser
    headers = {"x-moxlite-csrf": browser.csrf}
    answer = await browser.fetch("/webmail/upload?filename=x", method="POST", headers=headers, body=data)
    upload = json.loads(answer.body)["result"]["upload_id"]
    await browser.call("calendar_import", calendar_id=diary.calendar, upload_id=upload)
    assert sorted(one["title"] for one in await diary.listed()) == ["Österbüro", "Über Land"]


async def test_a_calendar_is_read_from_a_file_and_saved_as_one(diary: Diary) -> None:
    """DAV-49: what is there stays; what cannot be read is told; no address of another kind is a calendar."""
    browser = diary.browser

    async def take(data: bytes) -> str:
        headers = {"x-moxlite-csrf": browser.csrf}
        answer = await browser.fetch("/webmail/upload?filename=x", method="POST", headers=headers, body=data)
        return str(json.loads(answer.body)["result"]["upload_id"])

    done = await browser.call("calendar_import", calendar_id=diary.calendar, upload_id=await take(FILE))
    assert (done["added"], done["known"], done["unread"], len(done["problems"])) == (1, 0, 1, 1)
    done = await browser.call("calendar_import", calendar_id=diary.calendar, upload_id=await take(FILE))
    assert (done["added"], done["known"]) == (0, 1)
    assert [one["title"] for one in await diary.listed()] == ["First"]
    empty = await take(b"nothing")
    wrong = await browser.error("calendar_import", calendar_id=diary.calendar, upload_id=empty)
    assert wrong == (400, "user:error")
    answer = await browser.fetch(f"/webmail/calendar/{diary.calendar}.ics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert b"X-WR-CALNAME:Calendar" in answer.body
    assert answer.body.count(b"BEGIN:VEVENT") == 1
    for path in ("calendar/999.ics", "calendar/x.ics"):
        assert (await browser.fetch(f"/webmail/{path}")).status == 404


async def test_events_are_found_by_title_place_guests_and_notes(diary: Diary) -> None:
    """WEBMAIL-175a: all words, in any case and order; of a series the last time and the next; nothing but what people
    write is searched.
    """

    async def found(text: str) -> list[tuple[str, str]]:
        answer = await diary.browser.call("event_search", text=text, calendar_ids=[diary.calendar])
        return [(one["event"]["title"], one["excerpt"]) for one in answer["events"]]

    guests = [{"name": "Ada Lovelace", "address": "ada@remote.example"}]
    await diary.save(form("2099-01-04T09:00", "2099-01-04T10:00", title="Budget review", place="Room Ärmel"))
    await diary.save(form("2099-01-02T09:00", "2099-01-02T10:00", title="Tea", guests=guests))
    notes = "x" * 300 + " the BUDGET, for the Rutter; and more\n" + "y" * 300
    await diary.save(form("2099-01-03T09:00", "2099-01-03T10:00", title="Choir", notes=notes))
    today = datetime.now(UTC)
    first = today - timedelta(days=8, hours=12)  # half a day from now: none is under way
    daily = form(f"{first:%Y-%m-%dT%H:%M}", f"{first + timedelta(minutes=1):%Y-%m-%dT%H:%M}")
    await diary.save({**daily, "title": "Stand-up", "rule": "FREQ=DAILY"})
    choir, review = await found("budget")
    assert (choir[0], review) == ("Choir", ("Budget review", ""))
    assert choir[1].startswith("… x")
    assert choir[1].endswith("y …")
    assert "the BUDGET, for the Rutter" in choir[1]
    assert await found("ärmel REVIEW") == [("Budget review", "")]
    assert await found("love remote.example") == [("Tea", "Ada Lovelace <ada@remote.example>")]
    assert await found("tea lovelace") == [("Tea", "Ada Lovelace <ada@remote.example>")]
    assert await found("budget tea") == await found("berlin") == await found("needs-action") == await found(" ") == []
    times = await diary.browser.call("event_search", text="stand-up", calendar_ids=[diary.calendar])
    starts = [one["event"]["starts"] for one in times["events"]]
    assert [start <= today.timestamp() for start in starts] == [True, False]
    assert starts[1] - starts[0] == 86_400


async def test_the_next_events_with_a_person_are_found_by_an_index(
    diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-128f: of organizer and guests, in any case; five, of a series its next time; calendars aren't gone
    through.
    """

    async def titles(*addresses: str) -> list[str]:
        ids = [diary.calendar]
        found = await diary.browser.call("events_with", addresses=[*addresses], calendar_ids=ids)
        assert len({one["id"] for one in found}) == len(found)
        assert all(one["ends"] > datetime.now(UTC).timestamp() for one in found)
        return [one["title"] for one in found]

    def never(*_: object) -> None:
        raise AssertionError("the calendar is gone through")

    guests = [{"name": "Ada", "address": "Ada@remote.example"}]
    now = datetime.now(UTC)

    def at(days: float, title: str, **more: Any) -> dict[str, Any]:
        start = now + timedelta(days=days)
        fields = f"{start:%Y-%m-%dT%H:%M}", f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M}"
        return {**form(*fields), "title": title, "zone": "Etc/UTC", "guests": guests, **more}

    await diary.save(at(-3, "Over"))
    await diary.save(at(-30, "Daily", rule="FREQ=DAILY"))
    await diary.save(at(3, "Alone", guests=[]))
    for days in (7, 6, 5, 4, 3, 2):
        await diary.save(at(days, f"Day {days}"))
    monkeypatch.setattr(searching, "resources_of", never)
    assert await titles("ADA@remote.example", "none@else.example") == ["Daily", "Day 2", "Day 3", "Day 4", "Day 5"]
    assert await titles("none@else.example") == []
    assert await titles() == []


async def test_a_search_gives_the_nearest_events_and_looks_at_so_many(
    diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-175a: the nearest to now, in the order of time; `more` tells of others."""
    for month in ("03", "01", "02", "04"):
        await diary.save(form(f"2099-{month}-04T09:00", f"2099-{month}-04T10:00"))
    monkeypatch.setattr(events, "MAX_FOUND", 2)
    answer = await diary.browser.call("event_search", text="plan", calendar_ids=[diary.calendar])
    months = [datetime.fromtimestamp(one["event"]["starts"], UTC).month for one in answer["events"]]
    assert (months, answer["more"]) == ([1, 2], True)
    monkeypatch.setattr(searching, "PAGE", 1)
    monkeypatch.setattr(searching, "MAX_SEARCHED", 1)
    answer = await diary.browser.call("event_search", text="plan", calendar_ids=[diary.calendar])
    assert [datetime.fromtimestamp(one["event"]["starts"], UTC).month for one in answer["events"]] == [3]
    assert answer["more"]


def test_colours_of_the_page_have_names() -> None:
    """WEBMAIL-174: eight names, each next to its own colour alone; names in any case and `#rrggbb` are read."""
    listed = re.search(r"colours = \[(.*?)\]", DAYS.read_text(), re.DOTALL)
    assert listed is not None
    page = re.findall(r"#[0-9A-F]{6}", listed[1])
    octets = [bytes.fromhex(colour[1:]) for colour in page]
    for colour, own in zip(page, octets, strict=True):
        read = bytes.fromhex(shown_colour(colour_name(colour))[1:])
        assert min(octets, key=lambda one: sum((a - b) ** 2 for a, b in zip(one, read, strict=True))) == own
    assert len({colour_name(colour) for colour in page}) == len(page) == 8
    values = {" Teal": "#008080", "#F0A1b2": "#f0a1b2", "#f0a1b2ff": "#f0a1b2", "rgb(1,2,3)": "", "#f0a": "", "": ""}
    assert {value: shown_colour(value) for value in values} == values


async def test_the_link_of_an_event_is_its_own_or_in_its_place(diary: Diary) -> None:
    """WEBMAIL-175b: CONFERENCE, then URL, then the place; only http and https; what a form does not change stays."""
    program = Program(diary.rig)
    lines = {
        "1": ("CONFERENCE;VALUE=URI:tel:+1", "CONFERENCE;VALUE=URI:https://meet.example/a", "URL:https://x.example/"),
        "2": ("URL:https://meet.example/b?c=d",),
        "3": ("LOCATION:Online (https://meet.example/c)\\, or Room 4",),
        "4": ("URL:javascript:alert(1)", "LOCATION:ftp://meet.example/"),
    }
    for uid, some in lines.items():
        octets = entry(uid, f"SUMMARY:{uid}", *some, start="20990104T100000Z", end="20990104T110000Z")
        assert (await program.ask("PUT", f"/dav/calendars/mia/calendar/{uid}.ics", octets)).status == 201
    listed = {one["title"]: one for one in await diary.listed()}
    wanted = {"1": "https://meet.example/a", "2": "https://meet.example/b?c=d", "3": "https://meet.example/c", "4": ""}
    assert {title: one["join"] for title, one in listed.items()} == wanted
    found = {title: await diary.browser.call("event", event_id=one["id"]) for title, one in listed.items()}
    assert {title: one["join"] for title, one in found.items()} == wanted
    assert {title: one["form"]["link"] for title, one in found.items()} == {**wanted, "3": ""}
    for title, link in (("1", wanted["1"]), ("2", "https://new.example/")):
        await diary.save({**found[title]["form"], "notes": "x", "link": link}, event_id=listed[title]["id"])
    files = "\n".join(await diary.files())
    assert all(line in files for line in lines["1"])
    assert "CONFERENCE;VALUE=URI:https://new.example/" in files
    assert lines["2"][0] not in files
    for link in ("javascript:alert(1)", "https://", "https://a.example/\r\nX:1", "x"):
        saving = {"calendar_id": diary.calendar, "event": form("2099-01-05T10:00", "2099-01-05T11:00", link=link)}
        assert await diary.browser.error("event_save", **saving) == (400, "user:error")
