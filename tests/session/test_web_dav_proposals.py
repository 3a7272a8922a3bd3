"""New times that guests propose (COUNTER, RFC 5546 §3.2.7), in the webmail and by mail."""

import os
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest

from tests.session.test_web_compose import messages
from tests.session.test_web_dav import calendar
from tests.session.test_web_dav_scheduling import (
    ADA_ASKED,
    TOM_ASKED,
    Office,
    Post,
    from_ada,
    line,
    meeting,
    office,
    post,
)
from tests.web_rig import Browser

__all__ = ["office", "post"]

pytestmark = pytest.mark.served


def counter(*lines: str, start: str = "20991125T120000Z", sequence: int = 0) -> str:
    """Another time that Ada proposes for the meeting."""
    times = ("UID:m1", "DTSTAMP:20261101T000000Z", f"SEQUENCE:{sequence}", f"DTSTART:{start}")
    end = f"DTEND:{start.replace('T12', 'T13')}"
    people = ("ORGANIZER:mailto:mia@example.org", "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@remote.example")
    return calendar(*times, end, "SUMMARY:Plan", *people, *lines)


def proposal(number: int, *, accept: bool) -> dict[str, Any]:
    return {"message_id": number, "path": "0", "accept": accept, "submit_id": os.urandom(16).hex()}


async def test_another_time_that_a_guest_proposes_is_accepted(office: Office, post: Post, browser: Browser) -> None:
    """WEBMAIL-129a: the event moves, in its zone, and all guests hear of it by a raised number, once."""
    await office.mia.put("m.ics", meeting(ADA_ASKED, TOM_ASKED))
    await office.settle()
    office.mails.clear()
    number = await post.send(counter(), "COUNTER")
    found = await browser.call("invitation", message_id=number, path="0")
    assert (found["method"], found["state"], found["sent_by"]) == ("COUNTER", "", "")
    assert found["proposal"]["by"] == {"name": "Ada", "address": "ada@remote.example", "answer": ""}
    assert (found["proposal"]["start"]["local"], found["proposal"]["state"]) == ("2099-11-24T10:00:00", "")
    assert found["start"]["local"] == "2099-11-25T12:00:00"
    assert "DTSTART:20991124T100000Z" in await office.entry("mia")
    accept = proposal(number, accept=True)
    await browser.call("invitation_proposal", **accept)
    await browser.call("invitation_proposal", **accept)
    await office.settle()
    for name in ("mia", "tom"):
        entry = await office.entry(name)
        assert {"DTSTART:20991125T120000Z", "DTEND:20991125T130000Z", "SEQUENCE:1"} <= set(entry.split("\r\n")), name
    [mail] = office.mails
    body = mail.get_body(("plain",))
    assert mail["To"] == "ada@remote.example"
    assert body is not None
    assert "changed this event" in body.get_content()
    assert (await browser.call("invitation", message_id=number, path="0"))["proposal"]["state"] == "accepted"
    assert await browser.error("invitation_proposal", **proposal(number, accept=False)) == (409, "user:conflict")


@pytest.mark.parametrize("asked", ["jörg@münchen.example", "jörg@xn--mnchen-3ya.example"])
async def test_a_proposal_comes_from_an_address_in_any_spelling(
    office: Office, post: Post, browser: Browser, asked: str
) -> None:
    """WEBMAIL-129a, SMTP-2a, SMTP-2e: the guest was asked in one spelling, and the mail has both."""
    await office.mia.put("m.ics", meeting(ADA_ASKED.replace("ada@remote.example", asked)))
    proposed = counter().replace("ada@remote.example", "Jörg@xn--mnchen-3ya.example")
    number = await post.send(proposed, "COUNTER", author="jörg@münchen.example")
    assert (await browser.call("invitation", message_id=number, path="0"))["proposal"]["state"] == ""
    await browser.call("invitation_proposal", **proposal(number, accept=True))
    assert "DTSTART:20991125T120000Z" in await office.entry("mia")
    sent_on = await post.send(counter(), "COUNTER", author="jörg@xn--mnchen-3ya.example")
    assert (await browser.call("invitation", message_id=sent_on, path="0"))["sent_by"] == "jörg@münchen.example"


async def test_another_time_for_one_date_moves_that_date(office: Office, post: Post, browser: Browser) -> None:
    """WEBMAIL-129a: which the mail may name in any zone; a date that the series does not have moves nothing."""
    series = meeting("RRULE:FREQ=DAILY;COUNT=5", ADA_ASKED).replace("DTSTART:", "DTSTART;TZID=Europe/Berlin:")
    series = series.replace("DTEND:", "DTEND;TZID=Europe/Berlin:").replace("00Z\r\nSEQ", "00\r\nSEQ")
    series = series.replace("Berlin:20991124T100000Z", "Berlin:20991124T100000")
    await office.mia.put("m.ics", series)
    await office.settle()
    no_date = await post.send(counter("RECURRENCE-ID:20991126T100000Z"), "COUNTER")
    assert (await browser.call("invitation", message_id=no_date, path="0"))["state"] == "stranger"
    number = await post.send(counter("RECURRENCE-ID:20991126T090000Z", start="20991126T120000Z"), "COUNTER")
    found = await browser.call("invitation", message_id=number, path="0")
    assert (found["one_of_many"], found["proposal"]["start"]["local"]) == (True, "2099-11-26T10:00:00")
    await browser.call("invitation_proposal", **proposal(number, accept=True))
    entry = await office.entry("mia")
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20991126T100000" in entry
    assert "DTSTART;TZID=Europe/Berlin:20991126T130000" in entry
    assert "DTSTART;TZID=Europe/Berlin:20991124T100000" in entry


async def test_another_time_is_declined(office: Office, post: Post, browser: Browser) -> None:
    """WEBMAIL-129a: the guest alone hears of it, by DECLINECOUNTER, once, and the event stays."""
    await office.mia.put("m.ics", meeting(ADA_ASKED))
    await office.settle()
    office.mails.clear()
    number = await post.send(counter(), "COUNTER")
    before = await office.entry("mia")
    decline = {**proposal(number, accept=False), "note": "Never."}
    await browser.call("invitation_proposal", **decline)
    await browser.call("invitation_proposal", **decline)
    assert await office.entry("mia") == before
    [sent] = await messages(office.rig, "Sent")
    raw = (await browser.fetch(f"/webmail/msg/{sent.id}/raw")).body
    mail = message_from_bytes(raw, policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("Ada <ada@remote.example>", "Time declined: Plan")
    text, _, attached = mail.iter_parts()
    assert "Never." in text.get_content()
    lines = bytes(attached.get_payload(decode=True)).decode().split("\r\n")
    assert {"METHOD:DECLINECOUNTER", "UID:m1", "ORGANIZER:mailto:mia@example.org", "COMMENT:Never."} <= set(lines)


async def test_only_a_proven_guest_proposes_another_time(office: Office, post: Post, browser: Browser) -> None:
    """WEBMAIL-129a: for the version that the event has, and an event that the user organises."""
    await office.mia.put("m.ics", meeting(ADA_ASKED))
    await office.settle()
    forged = [
        await post.send(counter(), "COUNTER", author="eve@evil.example"),
        await post.send(counter(), "COUNTER", validation="none"),
        await post.send(counter().replace("UID:m1", "UID:m2"), "COUNTER"),
        await post.send(
            counter().replace("DTSTART:20991125T120000Z", "DTSTART;TZID=Nowhere:20991125T120000"), "COUNTER"
        ),
    ]
    before = await office.entry("mia")
    for number in forged:
        found = await browser.call("invitation", message_id=number, path="0")
        assert (found["state"], found["proposal"]) == ("stranger", None)
        for accept in (True, False):
            assert await browser.error("invitation_proposal", **proposal(number, accept=accept)) == (400, "user:error")
    assert await office.entry("mia") == before
    await office.mia.put("m.ics", meeting(ADA_ASKED, start="20991124T120000Z", sequence=3))
    late = await post.send(counter(), "COUNTER")
    assert (await browser.call("invitation", message_id=late, path="0"))["proposal"]["state"] == "changed"
    assert await browser.error("invitation_proposal", **proposal(late, accept=True)) == (409, "user:conflict")


async def test_a_guest_proposes_another_time(office: Office, post: Post, browser: Browser) -> None:
    """WEBMAIL-129a: the organiser gets a COUNTER, once; the guest comes perhaps, and the card says so, and when the
    organiser declines.
    """
    number = await post.send(from_ada())
    assert (await browser.call("invitation", message_id=number, path="0"))["answer"] == ""
    propose = {
        "message_id": number,
        "path": "0",
        "start": "2099-11-25T12:00Z",
        "end": "2099-11-25T13:00Z",
        "note": "Busy then.",
        "submit_id": os.urandom(16).hex(),
    }
    await browser.call("invitation_propose", **propose)
    await browser.call("invitation_propose", **propose)
    assert (await browser.call("invitation", message_id=number, path="0"))["answer"] == "proposed"
    entry = await office.entry("mia", "a1")
    assert "PARTSTAT=TENTATIVE" in line(entry, "ATTENDEE", "mia@")
    assert "DTSTART:20991124T100000Z" in entry
    [sent] = await messages(office.rig, "Sent")
    raw = (await browser.fetch(f"/webmail/msg/{sent.id}/raw")).body
    mail = message_from_bytes(raw, policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("Ada <ada@remote.example>", "New time: Talk")
    _, _, attached = mail.iter_parts()
    lines = set(bytes(attached.get_payload(decode=True)).decode().split("\r\n"))
    assert {"METHOD:COUNTER", "UID:a1", "DTSTART:20991125T120000Z", "DTEND:20991125T130000Z"} <= lines
    for wrong in ({"end": "2099-11-25T11:00Z"}, {"end": "2099-11-26"}, {"start": "2099-13-25T12:00Z"}):
        fresh = {"submit_id": os.urandom(16).hex()}
        assert await browser.error("invitation_propose", **propose | wrong | fresh) == (400, "user:error")
    for author, state in (("ada@remote.example", ""), ("eve@evil.example", "stranger")):
        declined = await post.send(from_ada(), "DECLINECOUNTER", author=author)
        found = await browser.call("invitation", message_id=declined, path="0")
        assert (found["method"], found["state"], found["proposal"]) == ("DECLINECOUNTER", state, None)


@pytest.mark.parametrize("series", [False, True])
async def test_a_guest_proposes_another_time_from_the_calendar(
    office: Office, post: Post, browser: Browser, series: bool
) -> None:
    """WEBMAIL-129a: of an event that came without a mail, or of one date of it; once, without an answer beside it."""
    rule = ("RRULE:FREQ=DAILY;COUNT=5",) if series else ()
    await office.mia.put("m.ics", meeting(*rule, TOM_ASKED))
    await office.settle()
    tom = office.rig.browser()
    await tom.log_in("tom@example.org")
    [home] = await tom.call("calendars")
    since = int(datetime(2099, 11, 1, tzinfo=UTC).timestamp())
    found = await tom.call("events", since=since, until=since + 86_400 * 60, calendar_ids=[home["id"]])
    item = found["events"][-1]
    propose = {
        "event_id": item["id"],
        "recurrence": item["recurrence"],
        "start": "2099-11-28T12:00Z",
        "end": "2099-11-28T13:00Z",
        "note": "Busy then.",
        "submit_id": os.urandom(16).hex(),
    }
    for wrong in ({"end": "2099-11-28T11:00Z"}, {"end": "2099-11-29"}, *([{"recurrence": ""}] if series else [])):
        fresh = {"submit_id": os.urandom(16).hex()}
        assert await tom.error("event_propose", **propose | wrong | fresh) == (400, "user:error")
    before = await office.entry("mia")
    await tom.call("event_propose", **propose)
    await tom.call("event_propose", **propose)
    await office.settle()
    assert ("PARTSTAT=TENTATIVE" in line(await office.entry("tom"), "ATTENDEE", "tom@")) is not series
    assert await office.entry("mia") == before
    [sent] = await messages(office.rig, "Sent", "tom")
    mail = message_from_bytes((await tom.fetch(f"/webmail/msg/{sent.id}/raw")).body, policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("Mia <mia@example.org>", "New time: Plan")
    _, _, attached = mail.iter_parts()
    text = bytes(attached.get_payload(decode=True)).decode()
    lines = set(text.split("\r\n"))
    assert {"METHOD:COUNTER", "UID:m1", "DTSTART:20991128T120000Z", "DTEND:20991128T130000Z"} <= lines
    assert ("RECURRENCE-ID:20991128T100000Z" in lines) is series
    number = await post.send(text.replace("METHOD:COUNTER\r\n", ""), "COUNTER", author="tom@example.org")
    shown = await browser.call("invitation", message_id=number, path="0")
    assert (shown["state"], shown["proposal"]["state"], shown["proposal"]["by"]["name"]) == ("", "", "Tom")
    [mine] = await browser.call("calendars")
    own = await browser.call("events", since=since, until=since + 86_400 * 60, calendar_ids=[mine["id"]])
    refused = await browser.error("event_propose", **propose | {"event_id": own["events"][0]["id"]})
    assert refused == (400, "user:error")
