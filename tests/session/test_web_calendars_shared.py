"""Calendars of others in the webmail (DAV-47)."""

from functools import partial
from typing import Any

import pytest

from moxlite.store.accounts.access import publish_shares
from moxlite.store.auth.credentials import change_password
from moxlite.store.groupware.collection import collection_named
from moxlite.store.groupware.eventnotices import event_notices
from moxlite.store.groupware.sharing import CHANGE, READ, share_collection
from tests.session.test_web_calendars import form
from tests.session.test_web_dav import HOME, Program, event
from tests.web_rig import PASSWORD, Browser, Rig

pytestmark = pytest.mark.served

SPAN = {"since": 1_795_000_000, "until": 1_797_000_000}


class Guest:
    """Tom, with whom mia shares her calendar."""

    def __init__(self, rig: Rig, browser: Browser) -> None:
        self.rig, self.browser = rig, browser

    async def give(self, rights: str) -> None:
        async with self.rig.account() as account:
            where = await account.read(lambda r: collection_named(r, "calendar", "calendar"), op="test")
            await account.write(partial(share_collection, one=where, guest="tom", rights=rights))
            await publish_shares(self.rig.auth, account)

    async def calendars(self) -> list[dict[str, Any]]:
        return list(await self.browser.call("calendars"))

    async def events(self, *ids: int) -> list[dict[str, Any]]:
        return list((await self.browser.call("events", **SPAN, calendar_ids=list(ids)))["events"])


@pytest.fixture
async def guest(rig: Rig) -> Guest:
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    mia = Program(rig)
    assert (await mia.put("a.ics", event("1", "SUMMARY:Boat"))).status == 201
    browser = rig.browser()
    await browser.log_in("tom@example.org")
    return Guest(rig, browser)


async def test_a_shared_calendar_is_read_and_has_its_own_colour(guest: Guest) -> None:
    """DAV-47: off and on, in a colour that is the guest's alone; nothing of it can be changed."""
    assert [one["owner"] for one in await guest.calendars()] == [""]
    await guest.give(READ)
    own, shared = await guest.calendars()
    assert (shared["owner"], shared["name"], shared["writable"], shared["hidden"]) == ("mia", "Calendar", False, False)
    (item,) = await guest.events(own["id"], shared["id"])
    assert (item["title"], item["calendar_id"], item["answer"]) == ("Boat", shared["id"], "")
    found = await guest.browser.call("event", event_id=item["id"])
    assert (found["id"], found["calendar_id"]) == (item["id"], shared["id"])
    changed = {**found["form"], "title": "Ship"}
    saving = {"calendar_id": shared["id"], "event": changed}
    assert await guest.browser.error("event_save", **saving, event_id=item["id"]) == (400, "user:error")
    assert await guest.browser.error("event_save", **saving) == (400, "user:error")
    assert await guest.browser.error("event_remove", event_id=item["id"]) == (400, "user:error")
    assert await guest.browser.error("calendar_remove", calendar_id=shared["id"]) == (404, "user:notFound")
    await guest.browser.call("calendar_view", calendar_id=shared["id"], change={"colour": "#459C40", "hidden": True})
    _, shared = await guest.calendars()
    assert (shared["colour"], shared["hidden"]) == ("#459C40", True)
    mia = guest.rig.browser()
    await mia.log_in()
    (hers,) = await mia.call("calendars")
    assert (hers["colour"], hers["hidden"]) == ("", False)


async def test_a_guest_with_the_right_changes_events(guest: Guest) -> None:
    """DAV-47, JMAP-79: adds, changes, removes with Undo, of which the owner is told; events with guests stay the
    owner's, and no guest is invited.
    """
    await guest.give(CHANGE)
    own, shared = await guest.calendars()
    call, error = guest.browser.call, guest.browser.error
    (item,) = await guest.events(shared["id"])
    plan = form("2026-11-24T12:00", "2026-11-24T13:00", title="Lunch")
    made = (await call("event_save", calendar_id=shared["id"], event=plan))["id"]
    assert {one["title"] for one in await guest.events(shared["id"])} == {"Boat", "Lunch"}
    await call("event_save", calendar_id=shared["id"], event={**plan, "title": "Supper"}, event_id=made)
    gone = await call("event_remove", event_id=item["id"])
    assert [one["title"] for one in await guest.events(shared["id"])] == ["Supper"]
    await call("event_undo", steps=gone["undo"])
    assert {one["title"] for one in await guest.events(shared["id"])} == {"Boat", "Supper"}
    people = {**plan, "guests": [{"name": "", "address": "ada@x.example"}]}
    assert await error("event_save", calendar_id=shared["id"], event=people) == (400, "user:error")
    moved = {"calendar_id": own["id"], "event": plan, "event_id": made}
    assert await error("event_save", **moved) == (400, "user:error")
    with_guests = event("9", "SUMMARY:Party", "ORGANIZER:mailto:mia@example.org", "ATTENDEE:mailto:ada@x.example")
    assert (await Program(guest.rig).put("p.ics", with_guests)).status == 201
    (party,) = [one for one in await guest.events(shared["id"]) if one["title"] == "Party"]
    assert await error("event_remove", event_id=party["id"]) == (400, "user:error")
    assert (await Program(guest.rig).ask("GET", HOME + "p.ics")).status == 200
    async with guest.rig.account() as account:
        notices = await account.read(event_notices, op="test")
    assert [notice.kind for notice in notices] == ["created", "updated", "destroyed", "created"]
    assert {(notice.account, notice.address) for notice in notices} == {("tom", "")}


async def test_private_events_show_a_guest_their_times(guest: Guest) -> None:
    """DAV-47, DAV-41: no title or place, and secret ones not at all; a guest with rights changes neither."""
    await guest.give(CHANGE)
    mia = Program(guest.rig)
    assert (await mia.put("p.ics", event("p", "SUMMARY:Doctor", "LOCATION:Ward", "CLASS:PRIVATE"))).status == 201
    _, shared = await guest.calendars()
    shown = {one["title"]: one for one in await guest.events(shared["id"])}
    assert (shown["Boat"]["private"], shown[""]["private"]) == (False, True)
    number = shown[""]["id"]
    for text in ("doctor", "ward", "busy"):
        searched = await guest.browser.call("event_search", text=text, calendar_ids=[shared["id"]])
        assert searched == {"events": [], "more": False}
    hers = guest.rig.browser()
    await hers.log_in()
    (own,) = await hers.call("calendars")
    events = (await hers.call("events", **SPAN, calendar_ids=[own["id"]]))["events"]
    assert {(one["title"], one["private"]) for one in events} == {("Boat", False), ("Doctor", False)}
    found = await guest.browser.call("event", event_id=number)
    assert (found["form"]["title"], found["form"]["place"]) == ("", "")
    assert found["form"]["start"] == "2026-11-24T10:00"
    saving = {"calendar_id": shared["id"], "event": {**found["form"], "title": "x"}, "event_id": number}
    assert await guest.browser.error("event_save", **saving) == (400, "user:error")
    assert await guest.browser.error("event_remove", event_id=number) == (400, "user:error")
    kept = {"calendar_id": shared["id"], "name": "p.ics", "data": event("p"), "changed": found["changed"]}
    assert await guest.browser.error("event_undo", steps=[kept]) == (400, "user:error")
    assert (await mia.put("p.ics", event("p", "SUMMARY:Doctor", "CLASS:CONFIDENTIAL"))).status == 204
    assert [one["title"] for one in await guest.events(shared["id"])] == ["Boat"]
    assert (await guest.calendars())[1]["events"] == 0
    for call in ("event", "event_remove"):
        assert await guest.browser.error(call, event_id=number) == (404, "user:notFound")
    assert b"SUMMARY:Doctor" in (await mia.ask("GET", HOME + "p.ics")).body


async def test_what_is_no_longer_shared_is_gone(guest: Guest) -> None:
    """DAV-47: other calendars are shown all the same."""
    await guest.give(READ)
    own, shared = await guest.calendars()
    (item,) = await guest.events(shared["id"])
    await guest.give("")
    assert await guest.events(own["id"], shared["id"]) == []
    assert len(await guest.calendars()) == 1
    assert await guest.browser.error("event", event_id=item["id"]) == (404, "user:notFound")
    assert await guest.browser.error("calendar_view", calendar_id=shared["id"], change={}) == (404, "user:notFound")


async def test_colleagues_see_when_others_are_busy_as_these_allow(guest: Guest) -> None:
    """DAV-48, WEBMAIL-178: busy times by the domain's setting, titles or nothing by the owner's, titles of what is
    shared; private ones never; whole days, and without the event that is planned.
    """
    program, call = Program(guest.rig), guest.browser.call
    days = ("DTSTART;VALUE=DATE:20261126", "DTEND;VALUE=DATE:20261128")
    assert (await program.put("b.ics", event("b", "SUMMARY:Dentist", "CLASS:PRIVATE"))).status == 201
    assert (await program.put("c.ics", event("c", "SUMMARY:Fair", *days))).status == 201
    mia = guest.rig.browser()
    await mia.log_in()
    (hers,) = await mia.call("calendars")
    assert (hers["access"], hers["usual"]) == ("usual", "busy")
    span = {"since": 1_795_000_000, "until": 1_796_000_000}

    async def seen(**more: Any) -> list[tuple[str, bool]] | None:
        people = ["mia@example.org", "ada@remote.example"]
        own, found, far = await call("busy_times", people=people, **span, **more)
        assert (own["address"], own["known"], far["known"], far["times"]) == ("tom@example.org", True, False, [])
        return [(one["title"], one["whole_days"]) for one in found["times"]] if found["known"] else None

    async def allow(access: str) -> None:
        await mia.call("calendar_save", change={"access": access}, calendar_id=hers["id"])

    nameless = [("", False), ("", False), ("", True)]
    named = [("Boat", False), ("", False), ("Fair", True)]
    assert sorted(await seen() or []) == sorted(nameless)
    await allow("details")
    assert sorted(await seen() or []) == sorted(named)
    await allow("nothing")
    assert await seen() is None
    await mia.call("calendar_save", change={"name": "Diary"}, calendar_id=hers["id"])
    assert await seen() is None
    await guest.give(READ)
    assert sorted(await seen() or []) == sorted(named)
    _, shared = await guest.calendars()
    (boat,) = [one for one in await guest.events(shared["id"]) if one["title"] == "Boat"]
    assert ("Boat", False) not in (await seen(event_id=boat["id"]) or [])
    await allow("usual")
    assert (await mia.call("calendars"))[0]["access"] == "usual"
    assert await guest.browser.error("busy_times", people=[], since=0, until=40 * 86_400) == (400, "user:error")


async def test_a_private_series_has_no_titles_for_colleagues(guest: Guest) -> None:
    """DAV-48, DAV-41: neither of an exception without a CLASS of its own."""
    times = {"start": "20261124T120000Z", "end": "20261124T130000Z"}
    rule = event("r", "SUMMARY:Doctor", "CLASS:PRIVATE", "RRULE:FREQ=DAILY;COUNT=2", **times)
    exception = event("r", "RECURRENCE-ID:20261125T120000Z", "SUMMARY:Surgeon", start="20261125T140000Z")
    series = rule.replace("END:VCALENDAR\r\n", "") + exception[exception.index("BEGIN:VEVENT") :]
    assert (await Program(guest.rig).put("r.ics", series)).status == 201
    await guest.give(READ)
    people, span = ["mia@example.org"], {"since": 1_795_000_000, "until": 1_796_000_000}
    _, found = await guest.browser.call("busy_times", people=people, **span)
    assert sorted(one["title"] for one in found["times"]) == ["", "", "Boat"]


async def test_an_owner_shares_a_calendar(guest: Guest) -> None:
    """DAV-41: to read or to change, by address or account, and no longer; a guest does not share it on."""
    mia = guest.rig.browser()
    await mia.log_in()
    calendar = (await mia.call("calendars"))[0]["id"]
    for writable in (False, True):
        await mia.call("calendar_share", name="calendar", guest="Tom@example.org", write=writable)
        assert await mia.call("calendar_guests", calendar_id=calendar) == [
            {"account": "tom", "name": "", "writable": writable}
        ]
        assert (await guest.calendars())[1]["writable"] is writable
    shared = (await guest.calendars())[1]["id"]
    assert (await guest.browser.error("calendar_guests", calendar_id=shared))[0] == 404
    wanted = {"name": "calendar", "guest": "anyone", "account": "mia"}
    assert (await guest.browser.error("calendar_share", **wanted))[0] == 403
    for stranger in ("ada@remote.example", "mia"):
        assert (await mia.error("calendar_share", name="calendar", guest=stranger))[0] == 400
    await mia.call("calendar_share", name="calendar", guest="tom", end=True)
    assert await mia.call("calendar_guests", calendar_id=calendar) == []
    assert [one["owner"] for one in await guest.calendars()] == [""]
