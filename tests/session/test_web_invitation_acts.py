"""What an invitation's card does to the calendar by the user's own word, whoever sent it (WEBMAIL-129c)."""

import os
from typing import Any, Final

import pytest

from moxlite.store.mail.facts import MessageFacts, SMTPFacts, Validation
from tests.session.test_web_dav_scheduling import Office, office
from tests.session.test_web_invitations import ADA
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

__all__ = ["office"]

MIA: Final = "mia@example.org"
SEEN: Final = {"since": 4071600000, "until": 4102441200}
"""The year 2099."""


async def receive(
    rig: Rig,
    method: str,
    *lines: str,
    guest: str = MIA,
    organizer: str = ADA,
    sequence: int = 0,
    hour: int = 10,
    sender: str = ADA,
    validation: Validation | None = None,
    events: int = 1,
) -> int:
    """The id of a mail with a calendar; ``method``: "" for a file."""
    text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + (f"METHOD:{method}\r\n" if method else "")
    for number in range(events):
        facts = [
            f"UID:plan{number or ''}",
            f"SEQUENCE:{sequence}",
            f"DTSTAMP:20260101T00000{sequence}Z",
            f"DTSTART:2099011{number}T{hour}0000Z",
            f"DTEND:2099011{number}T{hour + 1}0000Z",
            "SUMMARY:Plan",
            f"ORGANIZER:mailto:{organizer}",
            f"ATTENDEE:mailto:{guest}",
            *lines,
        ]
        text += "".join(f"{line}\r\n" for line in ("BEGIN:VEVENT", *facts, "END:VEVENT"))
    text += "END:VCALENDAR\r\n"
    kind = f"text/calendar{f'; method={method}' if method else ''}; charset=utf-8"
    mail = f"From: <{sender}>\r\nTo: {MIA}\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n{text}"
    arrived = MessageFacts() if validation is None else MessageFacts(smtp=SMTPFacts(msgfrom_validation=validation))
    async with rig.account() as account:
        return int((await deliver_mail(account, mail.encode(), facts=arrived)).message_id)


async def card(browser: Browser, number: int) -> dict[str, Any]:
    shown: dict[str, Any] = await browser.call("invitation", message_id=number, path="0")
    return shown


async def apply(browser: Browser, number: int, calendar_id: int = 0) -> dict[str, Any]:
    done: dict[str, Any] = await browser.call("invitation_apply", message_id=number, path="0", calendar_id=calendar_id)
    return done


async def accept(office: Office, browser: Browser, number: int) -> None:
    assert (await card(browser, number))["act"] == ""
    await browser.call("invitation_answer", message_id=number, path="0", answer="yes", submit_id=os.urandom(16).hex())
    await office.settle()


async def starts(browser: Browser) -> list[tuple[int, str]]:
    """Hour and title of each event of the user's."""
    calendars = [calendar["id"] for calendar in await browser.call("calendars")]
    events = (await browser.call("events", **SEEN, calendar_ids=calendars))["events"]
    return [(event["starts"] // 3600 % 24, event["title"]) for event in events if not event["cancelled"]]


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
@pytest.mark.parametrize(
    ("method", "guest", "organizer", "validation", "act"),
    [
        ("REQUEST", MIA, ADA, None, ("update", "")),
        ("REQUEST", MIA, ADA, "strict", ("", "")),
        ("REQUEST", "bo@b.example", ADA, None, ("update", "add")),
        ("REQUEST", "list@b.example", ADA, "strict", ("update", "add")),
        ("REQUEST", MIA, "eve@evil.example", None, ("", "")),
        ("PUBLISH", MIA, ADA, None, ("update", "add")),
        ("PUBLISH", MIA, "eve@evil.example", None, ("", "add")),
        ("CANCEL", MIA, ADA, None, ("remove", "")),
        ("CANCEL", MIA, ADA, "strict", ("remove", "")),
        ("CANCEL", MIA, "eve@evil.example", None, ("", "")),
        ("", MIA, ADA, None, ("", "add")),
        ("REPLY", MIA, ADA, None, ("", "")),
        ("COUNTER", MIA, ADA, None, ("", "")),
        ("DECLINECOUNTER", MIA, ADA, None, ("", "")),
        ("REFRESH", MIA, ADA, None, ("", "")),
        ("ADD", MIA, ADA, None, ("", "")),
    ],
)
async def test_each_kind_of_message_has_the_act_for_what_it_says(
    rig: Rig,
    office: Office,
    browser: Browser,
    method: str,
    guest: str,
    organizer: str,
    validation: Validation | None,
    act: tuple[str, str],
    known: bool,
) -> None:
    """WEBMAIL-129c: beside an accepted event of a verified organizer, and of an event that isn't there; the act is done
    once, tells no one, and isn't offered again.
    """
    if known:
        await accept(office, browser, await receive(rig, "REQUEST", validation="strict"))
    sent = len(office.mails)
    number = await receive(rig, method, guest=guest, organizer=organizer, sequence=1, hour=14, validation=validation)
    await office.settle()
    offered = act[0] if known else act[1]
    assert (await card(browser, number))["act"] == offered
    before = await starts(browser)
    if not offered:
        error = await browser.error("invitation_apply", message_id=number, path="0")
        assert error[1] in ("user:conflict", "user:error"), error
        assert await starts(browser) == before
        return
    done = await apply(browser, number)
    after = {"add": [(14, "Plan")], "update": [(14, "Plan")], "remove": []}[offered]
    assert await starts(browser) == after
    assert (await card(browser, number))["act"] == ""
    assert done["added"] == int(offered == "add")
    await office.settle()
    assert len(office.mails) == sent


async def test_an_update_of_an_unverified_sender_is_taken_by_the_users_word(
    rig: Rig, office: Office, browser: Browser
) -> None:
    """WEBMAIL-129c: the card has the time in the calendar; the user's alerts stay, and the sender isn't trusted with
    later changes.
    """
    await accept(office, browser, await receive(rig, "REQUEST", validation="strict"))
    event_id = (await browser.call("events", **SEEN, calendar_ids=[(await browser.call("calendars"))[0]["id"]]))[
        "events"
    ][0]["id"]
    event = await browser.call("event", event_id=event_id)
    form = {**event["form"], "alarms": [10]}
    await browser.call(
        "event_save", calendar_id=event["calendar_id"], event=form, event_id=event_id, changed=event["changed"]
    )
    moved = await receive(rig, "REQUEST", sequence=1, hour=14, sender="eve@evil.example")
    found = await card(browser, moved)
    assert (found["state"], found["act"], found["before"]["start"]["local"]) == (
        "stranger",
        "update",
        "2099-01-10T10:00:00",
    )
    assert (await apply(browser, moved)) == {"event_id": event_id, "added": 0, "known": 0, "removed": None}
    assert (await browser.call("event", event_id=event_id))["form"]["alarms"] == [10]
    again = await receive(rig, "REQUEST", sequence=2, hour=16, sender="eve@evil.example", validation="strict")
    await office.settle()
    assert (await card(browser, again))["state"] == "stranger"
    assert await starts(browser) == [(14, "Plan")]


async def test_a_canceled_event_is_removed_and_brought_back_in_silence(
    rig: Rig, office: Office, browser: Browser
) -> None:
    """WEBMAIL-129c: neither removal nor Undo tells the organizer; the card says that the event is canceled."""
    await accept(office, browser, await receive(rig, "REQUEST", validation="strict"))
    sent = len(office.mails)
    number = await receive(rig, "CANCEL", sequence=1)
    assert (await card(browser, number))["state"] == "stranger"
    done = await apply(browser, number)
    assert (await starts(browser), done["event_id"]) == ([], 0)
    assert (await card(browser, number))["state"] == "cancelled"
    await browser.call("event_undo", steps=[done["removed"]])
    assert await starts(browser) == [(10, "Plan")]
    await office.settle()
    assert len(office.mails) == sent


async def test_one_canceled_date_of_a_series_is_removed_alone(rig: Rig, office: Office, browser: Browser) -> None:
    """WEBMAIL-129c"""
    await accept(office, browser, await receive(rig, "REQUEST", "RRULE:FREQ=DAILY;COUNT=3", validation="strict"))
    number = await receive(rig, "CANCEL", "RECURRENCE-ID:20990111T100000Z", sequence=1)
    assert (await card(browser, number))["act"] == "remove"
    done = await apply(browser, number)
    assert len(await starts(browser)) == 2
    assert (await card(browser, number))["act"] == ""
    other = await receive(rig, "CANCEL", "RECURRENCE-ID:20990120T100000Z", sequence=1)
    assert (await card(browser, other))["act"] == ""
    await browser.call("event_undo", steps=[done["removed"]])
    assert len(await starts(browser)) == 3


async def test_all_events_of_a_file_go_to_the_chosen_calendar(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129c: those that a calendar has already stay as they are."""
    club = await browser.call("calendar_save", change={"name": "Club"})
    first = await receive(rig, "")
    assert (await apply(browser, first, club))["added"] == 1
    assert (await card(browser, first))["event_id"]
    several = await receive(rig, "PUBLISH", events=3, hour=12)
    assert ((await card(browser, several))["act"], (await card(browser, several))["others"]) == ("add", 2)
    done = await apply(browser, several, club)
    assert (done["added"], done["known"]) == (2, 1)
    calendars = await browser.call("calendars")
    assert {calendar["name"]: calendar["events"] for calendar in calendars}["Club"] == 3
    gone = await browser.error("invitation_apply", message_id=several, path="0", calendar_id=club + 1000)
    assert gone == (404, "user:notFound")
