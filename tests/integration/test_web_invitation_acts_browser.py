"""What the card of an invitation does to the calendar, in a real browser (WEBMAIL-129c)."""

import imaplib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.geometry import fresh, in_sight
from tests.integration.browser import chromium
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import DAY, Desk, server
from tests.running import LocalServer

__all__ = ["chromium", "server"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

MAIL: Final = """From: Ada <ada@remote.example>\r
To: moxlite@localhost\r
Subject: {subject}\r
MIME-Version: 1.0\r
Content-Type: text/calendar; method={method}; charset=utf-8\r
\r
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//remote//EN\r
METHOD:{method}\r
BEGIN:VEVENT\r
UID:roof\r
SEQUENCE:{sequence}\r
DTSTAMP:20260101T00000{sequence}Z\r
DTSTART:{start}\r
DURATION:PT1H\r
SUMMARY:Roof meeting\r
LOCATION:Room 5\r
ORGANIZER;CN=Ada:mailto:ada@remote.example\r
ATTENDEE:mailto:{guest}\r
END:VEVENT\r
END:VCALENDAR\r
"""


def receive(server: LocalServer, subject: str, method: str, start: datetime, guest: str, sequence: int = 0) -> None:
    """A mail with a calendar arrives; IMAP says nothing of its sender."""
    fields = {
        "method": method,
        "guest": guest,
        "sequence": sequence,
        "start": f"{start:%Y%m%dT%H%M%SZ}",
        "subject": subject,
    }
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        session.append("INBOX", "", "", MAIL.format(**fields).encode())


def opened(page: Page, subject: str) -> Locator:
    """The card of the message with a subject, at rest."""
    if page.viewport_size is not None and page.viewport_size["width"] < 700 and page.locator(".back").is_visible():
        page.locator(".back").click()
    page.locator(".message", has_text=subject).first.click()
    expect(page.locator(".reader-subject")).to_contain_text(subject)
    card = page.locator(".event-card")
    expect(card.locator(".event-title")).to_be_visible()
    return card


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_card_adds_updates_and_removes_an_event(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int, scheme: str
) -> None:
    """WEBMAIL-129c: an event of others is added to the chosen calendar; an update and a cancellation that nothing
    proves change it by their buttons, which go; Undo brings it back.
    """
    with fresh(chromium, server, width, scheme=scheme) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        assert len(desk.call("calendars")) == 1
        family = desk.call("calendar_save", change={"name": "Family"})
        start = (desk.today + 3 * DAY).astimezone(UTC).replace(hour=12)
        receive(server, "Forwarded", "REQUEST", start, "someone@else.example")
        card = opened(page, "Forwarded")
        card.get_by_label("Calendar", exact=True).select_option("Family")
        add = card.get_by_role("button", name="Add to calendar")
        in_sight(add)
        assert judge(page, None) == []
        page.screenshot(path=tmp_path / "add.png")
        add.click()
        expect(add).to_have_count(0)
        expect(card.get_by_role("link", name="Show in calendar")).to_be_visible()
        calendars = {one["id"]: one["events"] for one in desk.call("calendars")}
        assert calendars[family] == 1
        receive(server, "Moved", "REQUEST", start.replace(hour=14), "someone@else.example", 1)
        card = opened(page, "Moved")
        expect(card.get_by_text(re.compile("^Moved from "))).to_be_visible()
        update = card.get_by_role("button", name="Update my calendar")
        in_sight(update)
        page.screenshot(path=tmp_path / "update.png")
        update.click()
        expect(update).to_have_count(0)
        receive(server, "Called off", "CANCEL", start.replace(hour=14), "someone@else.example", 2)
        card = opened(page, "Called off")
        remove = card.get_by_role("button", name="Remove from calendar")
        in_sight(remove)
        assert judge(page, None) == []
        page.screenshot(path=tmp_path / "remove.png")
        remove.click()
        expect(remove).to_have_count(0)
        expect(card.get_by_role("link", name="Show in calendar")).to_have_count(0)
        page.get_by_role("button", name="Undo").last.click()
        expect(remove).to_be_visible()
