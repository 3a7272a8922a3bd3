"""What the calendar has of an invitation that is answered: the entry and its answer are one (WEBMAIL-129, DAV-30)."""

import os
from typing import Any

import pytest

from moxlite.admin.masked import MaskedAddresses, New
from moxlite.groupware import carrying
from moxlite.store.errors import OverQuota
from moxlite.store.groupware.resources import entry_with_uid, resource_data
from moxlite.store.mail.links import add_link
from tests.session.test_web_compose import Queue, carried, messages, queue
from tests.session.test_web_dav_scheduling import Office, Post, from_ada, line, office, post
from tests.session.test_web_invitations import ADA, ALIASES
from tests.session.test_web_receipts import LINK
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

__all__ = ["office", "post", "queue"]

TIMES = "DTSTART:20990119T090000Z\r\nDTEND:20990119T100000Z\r\n"
UNSTORABLE = "SUMMARY:never\r\n"
"""An event without a start, which no calendar takes."""


def invitation(lines: str, *guests: str, method: str = "REQUEST") -> str:
    people = "".join(f"ATTENDEE;RSVP=TRUE:mailto:{guest}\r\n" for guest in guests or ("mia@example.org",))
    return (
        f"From: Ada <{ADA}>\r\nTo: {guests[0] if guests else 'mia@example.org'}\r\nSubject: Plan\r\n"
        f"Message-ID: <plan@nordlicht.example>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/calendar; method={method}; charset=utf-8\r\n\r\n"
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:plan\r\n"
        f"DTSTAMP:20260101T000000Z\r\nORGANIZER:mailto:{ADA}\r\n{people}SUMMARY:Plan\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


async def put(rig: Rig, text: str) -> int:
    async with rig.account() as account:
        return int((await deliver_mail(account, text.encode())).message_id)


def answer(number: int, chosen: str = "yes") -> dict[str, Any]:
    return {"message_id": number, "path": "0", "answer": chosen, "submit_id": os.urandom(16).hex()}


async def stored(rig: Rig) -> str:
    """The entry in mia's calendar, "" without one."""
    async with rig.account() as account:

        def read(r: Any) -> bytes:
            found = entry_with_uid(r, "plan")
            return b"" if found is None else resource_data(r, found.id)

        return (await account.read(read, op="test")).decode().replace("\r\n ", "")


async def shown(browser: Browser, number: int) -> dict[str, Any]:
    found: dict[str, Any] = await browser.call("invitation", message_id=number, path="0")
    return found


GUESTS = "".join(f"ATTENDEE:mailto:g{number}@remote.example\r\n" for number in range(600))


@pytest.mark.parametrize(
    ("lines", "left", "kept"),
    [
        (TIMES, [], "DTSTART:20990119T090000Z"),
        ('DTSTART;TZID="(GMT +01:00)":20990119T090000\r\n', [], 'DTSTART;TZID="(GMT +01:00)":20990119T090000'),
        ("DTSTART;TZID=UTC+01:20990119T090000\r\n", [], "DTSTART;TZID=UTC+01:20990119T090000"),
        ("DTSTART;TZID=Customized Time Zone:20990119T090000\r\n", ["zone"], "DTSTART:20990119T090000"),
        (f"{TIMES}RRULE:FREQ=DAILY;COUNT=5\r\nEXRULE:FREQ=DAILY;INTERVAL=2\r\n", ["excluded"], "RRULE:FREQ=DAILY"),
        (f"{TIMES}RRULE:FREQ=SOMETIMES\r\n", ["rule"], "DTSTART:20990119T090000Z"),
        ("DTSTART:20990119T090000Z\r\nDTEND:209901199T100000Z\r\n", ["end"], "DTSTART:20990119T090000Z"),
        (TIMES + GUESTS, ["guests"], "mailto:g498@remote.example"),
        (f"{TIMES}ORGANIZER;X-MOXLITE-LEFT-OUT=zone:mailto:{ADA}\r\n", [], "DTSTART:20990119T090000Z"),
    ],
)
async def test_what_a_calendar_does_not_take_whole_is_stored_as_far_as_it_can_be(
    rig: Rig, browser: Browser, queue: Queue, lines: str, left: list[str], kept: str
) -> None:
    """DAV-29, DAV-30: zones by offset, unknown ones, EXRULE, wrong rules and ends; the card says what is gone."""
    number = await put(rig, invitation(lines))
    assert (await shown(browser, number))["left_out"] == []
    await browser.call("invitation_answer", **answer(number))
    found = await shown(browser, number)
    assert (found["answer"], found["left_out"]) == ("yes", left)
    assert found["event_id"]
    entry = await stored(rig)
    assert kept in entry
    assert "PARTSTAT=ACCEPTED" in entry
    [one] = await carried(rig, queue)
    assert "X-MOXLITE" not in one.octets.decode()


async def test_a_zone_by_its_offset_has_that_offset(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129, DAV-9: nine o'clock at +01:00 is eight o'clock UTC, on the card and in the calendar."""
    number = await put(rig, invitation('DTSTART;TZID="(GMT +01:00)":20270119T090000\r\n'))
    start = (await shown(browser, number))["start"]
    assert (start["utc"], start["zone"]) == (1_800_345_600, "Etc/GMT-1")
    await browser.call("invitation_answer", **answer(number))
    async with rig.account() as account:
        starts = await account.read(lambda r: r.value("SELECT starts FROM resource WHERE uid = 'plan'"), op="test")
    assert starts == 1_800_345_600


@pytest.mark.parametrize("call", ["invitation_answer", "invitation_propose"])
async def test_nothing_is_mailed_of_what_the_calendar_cannot_have(
    rig: Rig, browser: Browser, queue: Queue, call: str
) -> None:
    """DAV-30: the person is told before any mail goes; a refusal of such an event goes out."""
    number = await put(rig, invitation(UNSTORABLE))
    times = {"start": "2099-01-20T09:00Z", "end": "2099-01-20T10:00Z"}
    fields = answer(number)
    if call == "invitation_propose":
        del fields["answer"]
        fields |= times
    refused = await browser.post(call, fields)
    assert refused.status == 400
    assert b"couldn't add the event to your calendar, so your reply wasn't sent" in refused.body
    assert await messages(rig, "Sent") == []
    await carried(rig, queue, 0)
    assert (await shown(browser, number))["answer"] == ""
    await browser.call("invitation_answer", **answer(number, "no"))
    await carried(rig, queue, 1)


async def test_entry_and_answer_are_one(
    rig: Rig, browser: Browser, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-30: where the entry can't be stored, nothing is sent; where the answer can't be sent, nothing is stored."""
    number = await put(rig, invitation(TIMES))

    def full(*_: object, **__: object) -> None:
        raise OverQuota(1, 1)

    with monkeypatch.context() as broken:
        broken.setattr(carrying, "put_received", full)
        assert (await browser.post("invitation_answer", answer(number))).status == 507
    await carried(rig, queue, 0)
    assert await messages(rig, "Sent") == []
    with monkeypatch.context() as broken:
        broken.setattr("moxlite.web.composing.sending.send_kept", full)
        assert (await browser.post("invitation_answer", answer(number))).status == 507
    assert await stored(rig) == ""
    assert (await shown(browser, number))["answer"] == ""
    await browser.call("invitation_answer", **answer(number))
    await carried(rig, queue, 1)


async def test_an_entry_that_changes_meanwhile_is_answered_anew(
    rig: Rig, browser: Browser, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-30: another program's change is kept, and one answer leaves."""
    number = await put(rig, invitation(TIMES))
    store, tries = carrying.EntryChange.store, []

    def first_in_vain(self: carrying.EntryChange, tx: Any) -> bool:
        tries.append(1)
        return len(tries) > 1 and store(self, tx)

    monkeypatch.setattr(carrying.EntryChange, "store", first_in_vain)
    await browser.call("invitation_answer", **answer(number))
    assert len(tries) == 2
    assert "PARTSTAT=ACCEPTED" in await stored(rig)
    await carried(rig, queue, 1)


@pytest.mark.parametrize("kind", ["masked", "linked"])
async def test_an_address_that_is_given_away_answers_for_itself(
    rig: Rig, browser: Browser, queue: Queue, kind: str
) -> None:
    """WEBMAIL-129, MASK-6, LINK-14: the answer names that address alone, and updates come into the calendar."""
    address = LINK.address
    if kind == "masked":
        given = MaskedAddresses(rig.holder, rig.accounts, rig.auth.masked)
        address = (await given.make("mia", New(site="shop.example"))).address
    else:
        async with rig.account() as account:
            await account.write(lambda tx: add_link(tx, LINK))
    number = await put(rig, invitation(TIMES, address))
    assert (await shown(browser, number))["me"] == address
    await browser.call("invitation_answer", **answer(number))
    assert (await shown(browser, number))["answer"] == "yes"
    [one] = await carried(rig, queue)
    assert (one.parsed["From"], str(one.submission.mail_from)) == (address, address)
    octets = one.octets.lower()
    assert b"mia" not in octets.replace(address.encode(), b"").replace(b"mail.", b"")
    assert f"PARTSTAT=ACCEPTED:mailto:{address}" in await stored(rig)
    times = {"start": "2099-01-20T09:00Z", "end": "2099-01-20T10:00Z", "submit_id": os.urandom(16).hex()}
    await browser.call("invitation_propose", message_id=number, path="0", **times)
    event = (await shown(browser, number))["event_id"]
    await browser.call("event_propose", event_id=event, **times | {"submit_id": os.urandom(16).hex()})
    assert all(str(one.submission.mail_from) == address for one in await carried(rig, queue, 3))


async def test_what_comes_by_itself_is_stored_as_far_as_it_can_be(office: Office, post: Post) -> None:
    """DAV-29: an invitation of a known sender, and its update, with lines that no calendar takes."""
    await post.send(from_ada("RRULE:FREQ=DAILY;COUNT=5", "EXRULE:FREQ=DAILY;INTERVAL=2"))
    entry = await office.entry("mia", "a1")
    assert "X-MOXLITE-LEFT-OUT=excluded" in line(entry, "ORGANIZER", "ada@")
    await post.send(from_ada("RRULE:FREQ=NEVER", sequence=1))
    assert "X-MOXLITE-LEFT-OUT=rule" in line(await office.entry("mia", "a1"), "ORGANIZER", "ada@")
    await post.send(from_ada(sequence=2))
    assert "X-MOXLITE-LEFT-OUT" not in await office.entry("mia", "a1")


async def test_updates_to_an_address_that_is_given_away_come_into_the_calendar(office: Office, post: Post) -> None:
    """DAV-29, MASK-6: as those to any other address of the user."""
    rig = office.rig
    given = MaskedAddresses(rig.holder, rig.accounts, rig.auth.masked)
    address = (await given.make("mia", New(site="shop.example"))).address
    await post.send(from_ada().replace("MIA@example.org", address))
    assert "DTSTART:20991124T100000Z" in await office.entry("mia", "a1")
    await post.send(from_ada(start="20991124T120000Z", sequence=1).replace("MIA@example.org", address))
    assert "DTSTART:20991124T120000Z" in await office.entry("mia", "a1")


async def test_an_alias_that_members_may_not_write_as_is_answered_by_nobody(
    rig: Rig, browser: Browser, queue: Queue
) -> None:
    """WEBMAIL-129: an answer from a member's own address would tell who is behind the alias."""
    path = rig.holder.domains_path
    path.write_text(path.read_text() + ALIASES)
    assert await rig.holder.reload()
    number = await put(rig, invitation(TIMES, "board@example.org"))
    refused = await browser.post("invitation_answer", answer(number))
    assert (refused.status, b"you can't send from board@example.org" in refused.body) == (400, True)
    await carried(rig, queue, 0)
    assert await stored(rig) == ""
