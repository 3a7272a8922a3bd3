"""Calendars and address books that users share with each other by JMAP (RFC 9670, DAV-41)."""

from typing import Any

import pytest

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware.eventnotices import Author, note_change
from moxlite.web.jmap import events
from tests.jmap_rig import ACCOUNT, Client, Object, pushed_states, rig
from tests.session.test_web_dav_scheduling import Office
from tests.session.test_web_jmap_calendars import LUNCH, WEEKLY, ids, made, shown, updated
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

READ: Object = {"mayReadFreeBusy": True, "mayReadItems": True}
CHANGE: Object = {**READ, "mayWriteAll": True, "mayWriteOwn": True}
CARD: Object = {"name": {"full": "Jo"}}


async def users(rig: Rig) -> tuple[Client, Client]:
    """Mia, the owner, and Tom, a guest in her account."""
    await Office(rig).begin()
    tom = Client(rig, "tom@example.org")
    return Client(rig), tom


async def share(mia: Client, what: str, number: str, rights: Any) -> Object:
    found = await mia.call(f"{what}/set", update={number: {"shareWith": rights}})
    assert found["notUpdated"] is None, found
    done: Object = found["updated"]
    return done


async def only(client: Client, what: str) -> Object:
    [one] = (await client.call(f"{what}/get"))["list"]
    found: Object = one
    return found


async def test_an_owner_shares_a_calendar(rig: Rig) -> None:
    """JMAP-78a: with a principal, who reads it, changes it with that right, and loses it."""
    mia, tom = await users(rig)
    assert await tom.error("Calendar/get") == "accountNotFound"
    calendar = await only(mia, "Calendar")
    assert (calendar["shareWith"], calendar["myRights"]["mayShare"]) == (None, True)
    told = await share(mia, "Calendar", calendar["id"], {"utom": READ})
    rights = (await only(mia, "Calendar"))["shareWith"]["utom"]
    assert told[calendar["id"]] == {"shareWith": {"utom": rights}}
    assert {name for name, has in rights.items() if has} == {*READ}
    number = await made(mia)
    secret = (await mia.call("Calendar/set", create={"x": {"name": "Secret"}}))["created"]["x"]["id"]
    hidden = await made(mia, calendarIds={secret: True})
    seen = await only(tom, "Calendar")
    assert (seen["id"], seen["isDefault"], seen["shareWith"]) == (calendar["id"], False, None)
    assert seen["myRights"] == rights
    assert await ids(tom, None) == [number]
    assert (await shown(tom, number))["title"] == "Lunch"
    got = await tom.call("CalendarEvent/get", ids=[number, hidden])
    assert got["notFound"] == [hidden]
    assert [one["id"] for one in (await tom.call("CalendarEvent/get"))["list"]] == [number]
    state = got["state"]
    for change in ({"update": {number: {"title": "x"}}}, {"destroy": [number]}):
        refused = await tom.call("CalendarEvent/set", **change)
        assert (refused["notUpdated"] or refused["notDestroyed"])[number]["type"] == "forbidden"
    refused = await tom.call("CalendarEvent/set", create={"a": LUNCH}, update={hidden: {"title": "x"}})
    assert refused["notCreated"]["a"]["type"] == "invalidProperties"
    assert refused["notUpdated"][hidden]["type"] == "notFound"
    await share(mia, "Calendar", calendar["id"], {"utom": CHANGE})
    assert await tom.error("CalendarEvent/changes", sinceState=state) == "cannotCalculateChanges"
    state = (await tom.call("CalendarEvent/get", ids=[]))["state"]
    await updated(tom, number, {"title": "Dinner"})
    await updated(mia, hidden, {"title": "Still hidden"})
    changed = await tom.call("CalendarEvent/changes", sinceState=state)
    assert (changed["created"], changed["updated"], changed["destroyed"]) == ([], [number], [])
    new = await made(tom, calendarIds={calendar["id"]: True})
    assert (await shown(mia, new))["title"] == "Lunch"
    elsewhere = await tom.call("CalendarEvent/set", create={"a": {**LUNCH, "calendarIds": {secret: True}}})
    assert elsewhere["notCreated"]["a"]["properties"] == ["calendarIds"]
    assert (await tom.call("CalendarEvent/set", destroy=[new]))["destroyed"] == [new]
    for arguments in ({"create": {"a": {"name": "x"}}}, {"destroy": [calendar["id"]]}):
        refused = await tom.call("Calendar/set", **arguments)
        assert next(iter((refused["notCreated"] or refused["notDestroyed"]).values()))["type"] == "forbidden"
    refused = await tom.call("Calendar/set", update={calendar["id"]: {"name": "x"}, secret: {"name": "x"}})
    assert [one["type"] for one in refused["notUpdated"].values()] == ["forbidden", "notFound"]
    for method in ("ParticipantIdentity/get", "CalendarEventNotification/get", "Principal/get"):
        assert await tom.error(method) == "accountNotSupportedByMethod"
    await share(mia, "Calendar", calendar["id"], None)
    assert await tom.error("Calendar/get") == "accountNotFound"


async def test_an_owner_is_told_what_guests_change(rig: Rig) -> None:
    """JMAP-79: a guest adds, changes and removes an event; nothing is told of the owner's own changes."""
    mia, tom = await users(rig)
    kind = "CalendarEventNotification"
    calendar = (await only(mia, "Calendar"))["id"]
    await share(mia, "Calendar", calendar, {"utom": CHANGE})
    kept = await made(mia)
    await updated(mia, kept, {"title": "Picnic"})
    began = await mia.call(f"{kind}/get")
    assert began["list"] == []
    new = await made(tom, calendarIds={calendar: True})
    await updated(tom, kept, {"title": "Dinner", "locations": None})
    await tom.call("CalendarEvent/set", destroy=[new])
    told = (await mia.call(f"{kind}/get"))["list"]
    assert [(one["type"], one["calendarEventId"]) for one in told] == [
        ("created", new),
        ("updated", kept),
        ("destroyed", new),
    ]
    created, changed, gone = told
    assert created["changedBy"]["calendarAddress"] == "mailto:tom@example.org"
    assert created["changedBy"]["principalId"] == "utom"
    assert (created["event"]["title"], created["eventPatch"], created["comment"]) == ("Lunch", None, None)
    assert (changed["event"]["title"], changed["eventPatch"]["title"]) == ("Picnic", "Dinner")
    assert (gone["event"]["title"], gone["eventPatch"]) == ("Lunch", None)
    since = await mia.call(f"{kind}/changes", sinceState=began["state"])
    assert since["created"] == [one["id"] for one in told]
    found = await mia.call(f"{kind}/query", filter={"calendarEventIds": [kept]})
    assert found["ids"] == [changed["id"]]
    assert (await mia.call(f"{kind}/set", destroy=[changed["id"]]))["destroyed"] == [changed["id"]]
    after = await mia.call(f"{kind}/changes", sinceState=since["newState"])
    assert (after["created"], after["destroyed"]) == ([], [changed["id"]])
    moved = await mia.call(f"{kind}/queryChanges", sinceQueryState=found["queryState"])
    assert moved["removed"] == [changed["id"]]
    async with rig.account() as account:
        states = await pushed_states(rig, account)
    assert states[kind] == after["newState"]


async def test_the_newest_notifications_are_kept(rig: Rig) -> None:
    """JMAP-79: 500; of states before those that were forgotten no changes are told."""
    mia, tom = await users(rig)
    kind = "CalendarEventNotification"
    async with rig.account() as account:

        def note(tx: AccountTx) -> None:
            note_change(tx, Author(account="tom"), 1, None, b"BEGIN:VCALENDAR")

        first = await mia.call(f"{kind}/get")
        for _ in range(503):
            await account.write(note)
        begun = await mia.call(f"{kind}/get")
        assert (len(begun["list"]), begun["list"][0]["event"]) == (500, {})
        assert (await mia.call(f"{kind}/changes", sinceState=first["state"]))["destroyed"] == []
        for _ in range(500):
            await account.write(note)
    assert len((await mia.call(f"{kind}/query"))["ids"]) == 500
    assert await mia.error(f"{kind}/changes", sinceState=first["state"]) == "cannotCalculateChanges"
    changed = await mia.call(f"{kind}/changes", sinceState=begun["state"])
    assert (len(changed["created"]), len(changed["destroyed"])) == (500, 500)
    assert await tom.error(f"{kind}/get") == "accountNotFound"


async def test_wrong_rights_are_refused(rig: Rig) -> None:
    """JMAP-78a: nothing is given then; one right is changed by a path."""
    mia, tom = await users(rig)
    calendar = (await only(mia, "Calendar"))["id"]
    wrong: list[Any] = [
        {"unobody": READ},
        {ACCOUNT: READ},
        {"utom": 1},
        {"utom": {"mayReadFreeBusy": True}},
        {"utom": {**READ, "mayWriteOwn": True}},
        {"utom": {**READ, "mayShare": True}},
        {"utom": {**READ, "mayFly": True}},
    ]
    for rights in wrong:
        found = await mia.call("Calendar/set", update={calendar: {"name": "New", "shareWith": rights}})
        assert found["notUpdated"][calendar]["properties"] == ["shareWith"], rights
    assert (await only(mia, "Calendar"))["name"] == "Calendar"
    await mia.call("Calendar/set", update={calendar: {"shareWith/utom": READ}})
    await mia.call("Calendar/set", update={calendar: {"shareWith/utom/mayWriteAll": True}})
    assert (await only(mia, "Calendar"))["shareWith"]["utom"]["mayWriteOwn"] is True
    tom.account = ACCOUNT
    assert (await only(tom, "Calendar"))["myRights"]["mayWriteAll"] is True
    await mia.call("Calendar/set", update={calendar: {"shareWith/utom": None}})
    assert await tom.error("Calendar/get") == "accountNotFound"


async def test_private_events_and_guests_are_the_owners(rig: Rig) -> None:
    """JMAP-78a: of a private event its time is seen, a secret one does not exist; no guest invites people."""
    mia, tom = await users(rig)
    calendar = (await only(mia, "Calendar"))["id"]
    await share(mia, "Calendar", calendar, {"utom": CHANGE})
    overrides = {"2026-12-07T12:00:00": {"title": "Quiet", "duration": "PT2H"}}
    private = await made(mia, WEEKLY, privacy="private", recurrenceOverrides=overrides)
    secret = await made(mia, privacy="secret")
    people = {"t": {"calendarAddress": "mailto:ann@else.example", "roles": {"attendee": True}}}
    with_people = await made(mia, participants=people)
    seen = await shown(tom, private)
    assert "title" not in seen
    assert "locations" not in seen
    assert seen["start"] == WEEKLY["start"]
    assert seen["recurrenceOverrides"] == {"2026-12-07T12:00:00": {"duration": "PT2H"}}
    assert await ids(tom, {"text": "weekly"}) == []
    assert {*await ids(tom, None)} == {private, with_people}
    for number, kind in ((private, "forbidden"), (with_people, "forbidden"), (secret, "notFound")):
        refused = await tom.call("CalendarEvent/set", update={number: {"title": "x"}})
        assert refused["notUpdated"][number]["type"] == kind
    place = {"calendarIds": {calendar: True}}
    refused = await tom.call("CalendarEvent/set", create={"a": {**LUNCH, **place, "participants": people}})
    assert refused["notCreated"]["a"]["type"] == "forbidden"


async def test_an_event_that_its_owner_makes_private_meanwhile_stays(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-78a: what a guest destroys is looked at again in the unit."""
    mia, tom = await users(rig)
    await share(mia, "Calendar", (await only(mia, "Calendar"))["id"], {"utom": CHANGE})
    number = await made(mia)
    find = events._one
    others = [lambda: updated(mia, number, {"privacy": "private"})]

    async def earlier(call: Any, key: str) -> Any:
        stored_event = await find(call, key)
        if call.place.guest and others:
            await others.pop()()
        return stored_event

    monkeypatch.setattr(events, "_one", earlier)
    refused = await tom.call("CalendarEvent/set", destroy=[number])
    assert refused["notDestroyed"][number]["type"] == "forbidden"
    assert (await shown(mia, number))["title"] == "Lunch"


async def test_changes_name_no_secret_events_to_a_guest(rig: Rig) -> None:
    """JMAP-78a: a new one is not told, one that is made secret is told as removed; the owner is told of both."""
    mia, tom = await users(rig)
    calendar = (await only(mia, "Calendar"))["id"]
    await share(mia, "Calendar", calendar, {"utom": READ})
    open_event, turned = await made(mia), await made(mia)
    began = (await tom.call("CalendarEvent/get"))["state"]
    queried = (await tom.call("CalendarEvent/query"))["queryState"]
    own = (await mia.call("CalendarEvent/get"))["state"]
    secret = await made(mia, privacy="secret")
    await updated(mia, turned, {"privacy": "secret"})
    private = await made(mia, privacy="private")
    await updated(mia, open_event, {"title": "Dinner"})
    changes = await tom.call("CalendarEvent/changes", sinceState=began)
    assert (changes["created"], changes["updated"], changes["destroyed"]) == ([private], [open_event], [turned])
    found = await tom.call("CalendarEvent/queryChanges", sinceQueryState=queried)
    assert {*found["removed"]} == {open_event, private, turned}
    assert {one["id"] for one in found["added"]} == {open_event, private}
    changes = await mia.call("CalendarEvent/changes", sinceState=own)
    assert ({*changes["created"]}, {*changes["updated"]}) == ({secret, private}, {turned, open_event})
    await updated(mia, turned, {"privacy": "public"})
    changes = await tom.call("CalendarEvent/changes", sinceState=began)
    assert {*changes["updated"]} == {open_event, turned}


async def test_entries_are_copied_between_accounts(rig: Rig) -> None:
    """JMAP-78a: CalendarEvent/copy and ContactCard/copy, with removal of the original where the rights allow it."""
    mia, tom = await users(rig)
    calendar, book = (await only(mia, "Calendar"))["id"], (await only(mia, "AddressBook"))["id"]
    await share(mia, "Calendar", calendar, {"utom": CHANGE})
    await share(mia, "AddressBook", book, {"utom": {"mayRead": True}})
    number = await made(mia, WEEKLY)
    card = (await mia.call("ContactCard/set", create={"a": CARD}))["created"]["a"]["id"]
    tom.account = "utom"
    arguments = {"fromAccountId": ACCOUNT, "onSuccessDestroyOriginal": True}
    answer = await tom.request(
        [
            "CalendarEvent/copy",
            {"accountId": "utom", **arguments, "create": {"e": {"id": number, "title": "Mine"}}},
            "0",
        ]
    )
    [[name, copied, _], [second, removed, _]] = answer["methodResponses"]
    assert (name, second, removed["destroyed"]) == ("CalendarEvent/copy", "CalendarEvent/set", [number])
    mine = await shown(tom, copied["created"]["e"]["id"])
    assert (mine["title"], mine["recurrenceRule"]["count"]) == ("Mine", 4)
    answer = await tom.request(
        ["ContactCard/copy", {"accountId": "utom", **arguments, "create": {"c": {"id": card}}}, "0"]
    )
    [[_, copied, _], [_, removed, _]] = answer["methodResponses"]
    assert removed["notDestroyed"][card]["type"] == "forbidden"
    [one] = (await tom.call("ContactCard/get", ids=[copied["created"]["c"]["id"]]))["list"]
    assert one["name"]["full"] == "Jo"
    lost = await tom.call("ContactCard/copy", fromAccountId=ACCOUNT, create={"c": {"id": "C0"}, "d": {}})
    assert [one["type"] for one in lost["notCreated"].values()] == ["notFound", "invalidProperties"]
    for wrong in ({"fromAccountId": "unobody"}, {"fromAccountId": "utom"}, {}):
        kind = await tom.error("CalendarEvent/copy", create={}, **wrong)
        assert kind == ("fromAccountNotFound" if wrong.get("fromAccountId") == "unobody" else "invalidArguments")
    assert await tom.error("CalendarEvent/copy", fromAccountId=ACCOUNT, create={}, ifInState="x") == "stateMismatch"


async def test_an_owner_shares_an_address_book(rig: Rig) -> None:
    """JMAP-78a: guests find its cards alone, and change them with that right."""
    mia, tom = await users(rig)
    book = (await only(mia, "AddressBook"))["id"]
    other = (await mia.call("AddressBook/set", create={"x": {"name": "Own"}}))["created"]["x"]["id"]
    cards = {"a": CARD, "b": {"name": {"full": "Own"}, "addressBookIds": {other: True}}}
    created = (await mia.call("ContactCard/set", create=cards))["created"]
    card, hidden = created["a"]["id"], created["b"]["id"]
    await share(mia, "AddressBook", book, {"utom": {"mayRead": True, "mayWrite": False}})
    seen = await only(tom, "AddressBook")
    assert (seen["id"], seen["isDefault"], seen["myRights"]["mayWrite"]) == (book, False, False)
    assert (await tom.call("ContactCard/query"))["ids"] == [card]
    assert (await tom.call("ContactCard/get", ids=[card, hidden]))["notFound"] == [hidden]
    state = (await tom.call("ContactCard/get"))["state"]
    refused = await tom.call("ContactCard/set", update={card: {"name/full": "x"}}, destroy=[hidden])
    assert refused["notUpdated"][card]["type"] == "forbidden"
    assert refused["notDestroyed"][hidden]["type"] == "notFound"
    await share(mia, "AddressBook", book, {"utom": {"mayRead": True, "mayWrite": True}})
    assert await tom.error("ContactCard/changes", sinceState=state) == "cannotCalculateChanges"
    state = (await tom.call("ContactCard/get"))["state"]
    assert (await tom.call("ContactCard/set", update={card: {"name/full": "Jon"}}))["notUpdated"] is None
    changed = await tom.call("ContactCard/changes", sinceState=state)
    assert (changed["updated"], changed["created"]) == ([card], [])
    refused = await tom.call("ContactCard/set", create={"a": CARD})
    assert refused["notCreated"]["a"]["properties"] == ["addressBookIds"]
    assert (await tom.call("AddressBook/changes", sinceState=state))["updated"] == [book]
    assert (await tom.call("AddressBook/set", destroy=[book]))["notDestroyed"][book]["type"] == "forbidden"
