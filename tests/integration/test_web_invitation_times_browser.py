"""What an invitation says of times in a real browser: changes, the user's own day, overlaps (WEBMAIL-129)."""

import imaplib
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.geometry import Box, fresh, in_sight
from tests.integration.browser import chromium
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import DAY, HOUR, INVITED, Desk, server
from tests.running import LocalServer

__all__ = ["chromium", "server"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


INVITING = """From: Ada <ada@remote.example>\r
To: moxlite@localhost\r
Subject: {subject}\r
MIME-Version: 1.0\r
Content-Type: text/calendar; method=REQUEST; charset=utf-8\r
\r
{calendar}"""


def receive(server: LocalServer, calendar: str, subject: str = "Regatta") -> None:
    """A mail with a calendar arrives."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        session.append("INBOX", "", "", INVITING.format(calendar=calendar, subject=subject).encode())


def invited(start: datetime, *more: str, sequence: int = 0) -> str:
    """An invitation by mail. ``more``: further lines of the event."""
    head = ["METHOD:REQUEST", "BEGIN:VEVENT", f"SEQUENCE:{sequence}", *more]
    return INVITED.format(start=start, rule="").replace("BEGIN:VEVENT", "\r\n".join(head))


@pytest.mark.parametrize("width", [1440, 390])
def test_an_update_says_first_what_it_changed(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-129: the old time and the new one, and the old place, above the title."""
    with fresh(chromium, server, width) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        start = (desk.today + 3 * DAY).astimezone(UTC).replace(hour=12)
        receive(server, invited(start))
        page.locator(".message", has_text="Regatta").first.click()
        card = page.locator(".event-card")
        expect(card.locator(".event-title")).to_be_visible()
        expect(card.locator(".event-change")).to_have_count(0)
        card.get_by_role("button", name="Yes", exact=True).click()
        expect(card.get_by_text("You accepted.")).to_be_visible()
        receive(server, invited(start + HOUR, "LOCATION:Pier", sequence=1), "Another hour")
        if width < 700:
            page.locator(".back").click()
        page.locator(".message", has_text="Another hour").click()
        old, new = (f"0?{at:%-H:%M}|0?{at:%-I:%M}\\s[AP]M" for at in (start.astimezone(), (start + HOUR).astimezone()))
        moved = card.get_by_text(re.compile(f"^Moved from ({old}) to ({new})$"))
        placed = card.get_by_text("Location added: Pier")
        place, title = in_sight(moved), in_sight(card.locator(".event-title"))
        assert place.bottom <= in_sight(placed).top <= title.top
        assert place.height <= 30
        assert place.left == title.left
        # its own earlier version is no other event
        expect(card.get_by_text("You're free at this time.")).to_be_visible()


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_ones_own_day_is_beside_an_invitation(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-175c, WEBMAIL-144: own events and the invitation at their hours, and where it was before an update; on a
    phone below. The parts of a message have two edges.
    """
    with fresh(chromium, server, width) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        start = (desk.today + 3 * DAY).replace(hour=17)
        calendar = desk.call("calendars")[0]["id"]
        desk.add("Dentist", start + HOUR, start + 2 * HOUR, calendar)
        desk.add("Half-term", desk.today + 2 * DAY, desk.today + 5 * DAY, calendar)
        desk.add("Tomorrow's", start + DAY, start + DAY + HOUR, calendar)
        receive(server, invited((start - HOUR).astimezone(UTC)))
        page.locator(".message", has_text="Regatta").first.click()
        card = page.locator(".event-card")
        card.get_by_role("button", name="Maybe", exact=True).click()
        expect(card.get_by_text("You replied “maybe”.")).to_be_visible()
        receive(server, invited(start.astimezone(UTC), sequence=1), "Another hour")
        if width < 700:
            page.locator(".back").click()
        page.locator(".message", has_text="Another hour").click()
        day = card.get_by_role("region", name="Your day")
        expect(day.locator(".day-event")).to_have_count(3)
        expect(day.locator(".day-whole")).to_have_text("Half-term")
        asked, other, was = (Box.of(day.locator(which)) for which in (".ask", "li:has-text('Dentist')", ".was"))
        assert [one.top - asked.top for one in (other, was)] == [32, -32]
        assert (asked.height, other.height) == (46, 30)
        assert asked.right <= other.left or other.right <= asked.left
        facts, frame, beside = (Box.of(one) for one in (card.locator(".invitation-facts"), card, day))
        assert beside.left >= facts.right if width > 700 else beside.top >= facts.bottom
        assert beside.top == frame.top if width > 700 else beside.width >= frame.width - 2
        assert frame.left <= beside.left < beside.right <= frame.right
        bar = Box.of(page.locator(".answer-bar"))
        assert (bar.left, bar.right) == (frame.left, frame.right)
        assert Box.of(page.locator(".reader-subject")).left == frame.left
        assert day.get_by_role("link").get_attribute("href") == f"#calendar:day,{start:%Y%m%d}"
        assert judge(page, None) == []


def test_an_invitation_says_what_else_is_at_its_time(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-175c, WEBMAIL-129: above the answers; that nothing is there, or the event that overlaps. How to join is
    above its facts, in the mail and, after an answer, in the calendar (WEBMAIL-175b).
    """
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        start = (desk.today + 3 * DAY).astimezone(UTC).replace(hour=12)
        receive(server, invited(start, "CONFERENCE;VALUE=URI:https://meet.example.org/abc"))
        page.locator(".message", has_text="Regatta").click()
        card = page.locator(".event-card")
        join = card.get_by_role("link", name="Join")
        expect(join).to_have_attribute("href", "https://meet.example.org/abc")
        assert in_sight(join).bottom <= in_sight(card.locator(".invitation-facts")).top
        # a filled button, as Yes is where it was chosen, in mail and calendar
        filled = join.evaluate("(button) => getComputedStyle(button).backgroundColor")
        assert filled not in ("rgba(0, 0, 0, 0)", page.evaluate("getComputedStyle(document.body).backgroundColor"))
        free = card.get_by_text("You're free at this time.")
        assert in_sight(free).bottom <= in_sight(card.locator(".event-answers")).top
        local = start.astimezone().replace(tzinfo=None) + timedelta(minutes=30)
        desk.add("Dentist", local, local + timedelta(hours=1), desk.call("calendars")[0]["id"])
        page.reload()
        clash = card.get_by_text(re.compile("^Overlaps with Dentist at "))
        expect(clash).to_be_visible()
        assert in_sight(clash).bottom <= in_sight(card.locator(".event-answers")).top
        card.get_by_role("button", name="Yes", exact=True).click()
        expect(card.get_by_text("You accepted.")).to_be_visible()
        calendar = desk.open()
        calendar.get_by_role("button", name="Agenda", exact=True).click()
        expect(calendar.get_by_role("link", name="Join")).to_have_attribute("href", "https://meet.example.org/abc")


def test_an_accepted_invitation_is_no_clash_with_itself(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-175c: the calendar has the event after an answer; the reader is still free then, in one column."""
    with fresh(chromium, server, 1280) as visitor:
        page = visitor.page
        start = (Desk(page).today + 5 * DAY).astimezone(UTC).replace(hour=12)
        receive(server, invited(start))
        page.locator(".message", has_text="Regatta").first.click()
        card = page.locator(".event-card")
        free = card.get_by_text("You're free at this time.")
        expect(free).to_be_visible()
        card.get_by_role("button", name="Yes", exact=True).click()
        expect(card.get_by_text("You accepted.")).to_be_visible()
        expect(free).to_be_visible()
        expect(card.locator(".day-event")).to_have_count(1)
