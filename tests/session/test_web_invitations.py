"""Invitations to events: their cards, updates, cancellations and answers (WEBMAIL-129)."""

import os
from email import message_from_bytes, policy
from typing import Any

import pytest

from moxlite.store.mail.facts import MessageFacts, SMTPFacts, Validation
from moxlite.store.people import invitations
from tests.session.test_web_compose import messages
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

MAIL = """From: {sender}\r
To: mia@example.org\r
Subject: Plan\r
Message-ID: <{sequence}-{method}@nordlicht.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
You are invited.\r
--b\r
Content-Type: text/calendar; method={method}; charset=utf-8\r
\r
BEGIN:VCALENDAR\r
METHOD:{method}\r
BEGIN:VEVENT\r
UID:{uid}@nordlicht.example\r
SEQUENCE:{sequence}\r
DTSTAMP:20260601T00000{sequence}Z\r
DTSTART;TZID=America/New_York:20260701T100000\r
SUMMARY:Plan\r
ORGANIZER;CN=Ada:mailto:{organizer}\r
ATTENDEE;CN=Mia:mailto:MIA@example.org\r
ATTENDEE;CN=Bo;PARTSTAT=ACCEPTED:mailto:bo@b.example\r
END:VEVENT\r
END:VCALENDAR\r
--b--\r
"""


ALIASES = """
[domains."example.org".aliases.team]
addresses = ["mia@example.org", "tom@example.org"]
allow_msg_from = true
[domains."example.org".aliases.board]
addresses = ["mia@example.org", "tom@example.org"]
"""

ADA = "ada@nordlicht.example"


async def invite(
    rig: Rig,
    sequence: int = 0,
    method: str = "REQUEST",
    organizer: str = ADA,
    *,
    uid: str = "1",
    sender: str = "",
    validation: Validation | None = None,
) -> int:
    """The id of a message with a calendar; ``validation`` of its From domain, None for one not from SMTP."""
    text = MAIL.format(sequence=sequence, method=method, organizer=organizer, uid=uid, sender=sender or organizer)
    facts = MessageFacts() if validation is None else MessageFacts(smtp=SMTPFacts(msgfrom_validation=validation))
    async with rig.account() as account:
        return int((await deliver_mail(account, text.encode(), facts=facts)).message_id)


async def card(browser: Browser, message_id: int) -> dict[str, Any]:
    """The card of a message."""
    found: dict[str, Any] = await browser.call("invitation", message_id=message_id, path="0.1")
    return found


async def test_an_invitation_is_shown_and_answered_once(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129: an iTIP reply leaves from the invited address, is kept in Sent; a repeated call sends nothing."""
    number = await invite(rig)
    found = await card(browser, number)
    assert (found["title"], found["method"], found["state"], found["answer"]) == ("Plan", "REQUEST", "", "")
    assert found["start"] == {"local": "2026-07-01T10:00:00", "utc": 1782914400, "zone": "America/New_York"}
    assert found["organizer"] == {"name": "Ada", "address": "ada@nordlicht.example", "answer": ""}
    assert (found["me"], [one["answer"] for one in found["people"]]) == ("MIA@example.org", ["", "yes"])
    answer = {
        "message_id": number,
        "path": "0.1",
        "answer": "maybe",
        "note": "Late.",
        "submit_id": os.urandom(16).hex(),
    }
    await browser.call("invitation_answer", **answer)
    await browser.call("invitation_answer", **answer)
    assert (await card(browser, number))["answer"] == "maybe"
    [sent] = await messages(rig, "Sent")
    raw = (await browser.fetch(f"/webmail/msg/{sent.id}/raw")).body
    mail = message_from_bytes(raw, policy=policy.default)
    assert (mail["From"], mail["To"]) == ("Mia <MIA@example.org>", "Ada <ada@nordlicht.example>")
    assert (mail["Subject"], mail["In-Reply-To"]) == ("Tentative: Plan", "<0-REQUEST@nordlicht.example>")
    assert mail.get_content_type() == "multipart/alternative"
    text, html, calendar = mail.iter_parts()
    shown = [one for one in text.get_content().splitlines() if one]
    when = "When: Wednesday, July 1, 2026, 10:00 (America/New_York)"
    assert shown == ["Mia tentatively accepted this invitation.", "Plan", when, "Late."]
    assert html.get_content_type() == "text/html"
    assert [one in html.get_content() for one in (*shown, "<b>Plan</b>")] == [True] * 5
    assert (calendar.get_content_type(), calendar.get_param("method")) == ("text/calendar", "REPLY")
    lines = bytes(calendar.get_payload(decode=True)).decode().split("\r\n")
    assert "METHOD:REPLY" in lines
    assert 'ATTENDEE;PARTSTAT=TENTATIVE;CN="Mia":mailto:MIA@example.org' in lines


@pytest.mark.parametrize(
    "invited",
    ["Mia+club@example.org", "team@example.org"],
)
async def test_each_address_that_leads_to_the_user_can_be_answered(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch, invited: str
) -> None:
    """WEBMAIL-129: with text after a separator, or as a member of an alias from which mail may be sent."""
    path = rig.holder.domains_path
    separators = 'localpart_separators = ["+"]'
    path.write_text(
        path.read_text().replace('[domains."example.org"]', f'[domains."example.org"]\n{separators}') + ALIASES
    )
    assert await rig.holder.reload()
    monkeypatch.setitem(globals(), "MAIL", MAIL.replace("mailto:MIA@example.org", f"mailto:%22M%22%20%3C{invited}%3E"))
    number = await invite(rig)
    assert (await card(browser, number))["me"] == invited
    await browser.call("invitation_answer", message_id=number, path="0.1", answer="yes", submit_id=os.urandom(16).hex())
    assert (await card(browser, number))["answer"] == "yes"
    [sent] = await messages(rig, "Sent")
    mail = message_from_bytes((await browser.fetch(f"/webmail/msg/{sent.id}/raw")).body, policy=policy.default)
    assert mail["From"].addresses[0].addr_spec == invited
    _, _, calendar = mail.iter_parts()
    lines = bytes(calendar.get_payload(decode=True)).decode().replace("\r\n ", "").split("\r\n")
    assert f'ATTENDEE;PARTSTAT=ACCEPTED;CN="Mia":mailto:{invited}' in lines


async def test_an_answer_is_in_the_language_of_the_organisers_mail(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-129, DAV-25"""
    monkeypatch.setitem(globals(), "MAIL", f"Content-Language: ja\r\n{MAIL}")
    facts = MessageFacts(smtp=SMTPFacts(msgfrom="ada", msgfrom_domain="nordlicht.example"))
    async with rig.account() as account:
        octets = MAIL.format(sequence=0, method="REQUEST", organizer=ADA, uid="1", sender=ADA).encode()
        number = (await deliver_mail(account, octets, facts=facts)).message_id
    await browser.call("invitation_answer", message_id=number, path="0.1", answer="yes", submit_id=os.urandom(16).hex())
    [sent] = await messages(rig, "Sent")
    mail = message_from_bytes((await browser.fetch(f"/webmail/msg/{sent.id}/raw")).body, policy=policy.default)
    assert mail["Subject"] == "承諾: Plan"
    assert mail.get_body(("plain",)).get_content().startswith("Mia さんが招待を承諾しました。")  # type: ignore[union-attr]  # it has one


async def test_updates_and_cancellations_change_earlier_cards(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129, STORE-96b: by sequence and stamp, of the same organiser; an answer stays with its version."""
    first = await invite(rig)
    assert (await card(browser, first))["state"] == ""
    await browser.call("invitation_answer", message_id=first, path="0.1", answer="yes", submit_id=os.urandom(16).hex())
    second = await invite(rig, 1)
    newer = await card(browser, second)
    assert (newer["state"], newer["answer"], newer["answered_old"]) == ("", "yes", True)
    older = await card(browser, first)
    assert (older["state"], older["newer"]) == ("old", second)
    stranger = await invite(rig, 2, "CANCEL", "eve@evil.example")
    assert (await card(browser, stranger))["state"] == "stranger"
    assert (await card(browser, second))["state"] == ""
    cancelled = await invite(rig, 3, "CANCEL")
    assert (await card(browser, cancelled))["state"] == "cancelled"
    assert (await card(browser, first))["state"] == "cancelled"
    error = await browser.error(
        "invitation_answer", message_id=cancelled, path="0.1", answer="yes", submit_id=os.urandom(16).hex()
    )
    assert error == (400, "user:error")


async def test_an_update_says_how_the_event_was_before(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-129: as the calendar had it, before the answer to the update and after it; not of a stranger."""
    first = await invite(rig)
    assert (await card(browser, first))["before"] is None
    await browser.call("invitation_answer", message_id=first, path="0.1", answer="yes", submit_id=os.urandom(16).hex())
    assert (await card(browser, first))["before"] is None
    changed = MAIL.replace("20260701T100000", "20260701T110000").replace(
        "SUMMARY:Plan", "SUMMARY:Talk\r\nLOCATION:Pier"
    )
    monkeypatch.setitem(globals(), "MAIL", changed)
    second = await invite(rig, 1)
    start = {"local": "2026-07-01T10:00:00", "utc": 1782914400, "zone": "America/New_York"}
    before = {"title": "Plan", "start": start, "end": None, "place": ""}
    found = await card(browser, second)
    assert (found["before"], found["place"], found["start"]["utc"]) == (before, "Pier", 1782918000)
    await browser.call("invitation_answer", message_id=second, path="0.1", answer="no", submit_id=os.urandom(16).hex())
    assert (await card(browser, second))["before"] == before
    assert (await card(browser, first))["before"] is None
    assert (await card(browser, await invite(rig, 2, "REQUEST", "eve@evil.example")))["before"] is None


async def test_a_change_that_only_names_the_organiser_changes_nothing(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129, STORE-96b: the organiser or the first author has to send it, as well proven as the first."""
    first = await invite(rig, validation="strict")
    assert (await card(browser, first))["sent_by"] == ""
    named = await invite(rig, 1, "CANCEL", sender="eve@evil.example", validation="dmarc")
    found = await card(browser, named)
    assert (found["state"], found["sent_by"]) == ("stranger", "eve@evil.example")
    unproven: list[Validation | None] = [None, "none", "unknown"]
    for sequence, validation in enumerate(unproven, 2):
        forged = await invite(rig, sequence, "CANCEL", validation=validation)
        assert (await card(browser, forged))["state"] == "stranger", validation
    again = await invite(rig, 0, "CANCEL", sender="eve@evil.example", validation="dmarc")
    assert (await card(browser, again))["state"] == "stranger"
    assert (await card(browser, first))["state"] == ""
    real = await invite(rig, 5, "CANCEL", validation="relaxed")
    assert (await card(browser, real))["state"] == "cancelled"
    assert (await card(browser, first))["state"] == "cancelled"


async def test_an_assistant_may_invite_and_the_organiser_may_change_it(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129: the card names the sender who is not the organiser; both may change the event, others may not."""
    first = await invite(rig, sender="bot@plans.example", validation="strict")
    found = await card(browser, first)
    assert (found["state"], found["sent_by"], found["organizer"]["address"]) == ("", "bot@plans.example", ADA)
    second = await invite(rig, 1, sender="BOT@plans.example", validation="strict")
    assert (await card(browser, second))["state"] == ""
    third = await invite(rig, 2, sender=ADA, validation="strict")
    assert (await card(browser, third))["state"] == ""
    assert (await card(browser, second))["state"] == "old"
    other = await invite(rig, 3, sender="eve@evil.example", validation="strict")
    assert (await card(browser, other))["state"] == "stranger"


async def test_events_that_were_not_shown_for_longest_are_forgotten(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-129, STORE-96b: with the answers to them; one that was answered lately stays."""
    monkeypatch.setattr(invitations, "MAX_INVITATIONS", 2)
    first, second = await invite(rig, uid="1"), await invite(rig, uid="2")
    for number in (first, second):
        await card(browser, number)
    answer = {"path": "0.1", "answer": "yes", "submit_id": os.urandom(16).hex()}
    await browser.call("invitation_answer", message_id=first, **answer)
    await card(browser, await invite(rig, uid="3"))
    cancelled = await invite(rig, 1, "CANCEL", "eve@evil.example", uid="1")
    assert (await card(browser, cancelled))["state"] == "stranger"
    assert (await card(browser, first))["answer"] == "yes"
    # nothing is known of the second event any more, so its first version is whatever comes next
    cancelled = await invite(rig, 1, "CANCEL", "eve@evil.example", uid="2")
    assert (await card(browser, cancelled))["state"] == "cancelled"


async def test_an_answer_by_another_than_the_guest_says_so(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129: an answer names its sender, if it is not the guest."""
    answer = await invite(rig, 0, "REPLY", sender="mia@example.org")
    assert (await card(browser, answer))["sent_by"] == ""
    forged = await invite(rig, 0, "REPLY", sender="eve@evil.example")
    assert (await card(browser, forged))["sent_by"] == "eve@evil.example"


async def test_what_cannot_be_answered_says_so(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129: parts that are no calendar, and messages of others."""
    number = await invite(rig)
    assert await browser.error("invitation", message_id=number, path="0.0") == (400, "user:error")
    assert await browser.error("invitation", message_id=number, path="0.7") == (404, "user:notFound")
    assert await browser.error("invitation", message_id=number + 1000, path="0.1") == (404, "user:notFound")
