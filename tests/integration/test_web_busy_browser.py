"""When guests are busy, in the form of an event (WEBMAIL-178)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.geometry import fresh
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import Desk, event
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

FILE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//t//EN
{events}END:VCALENDAR
"""
BUSY = """BEGIN:VEVENT
UID:{number}
DTSTAMP:20260101T000000Z
DTSTART:{start:%Y%m%dT%H%M%S}Z
DTEND:{end:%Y%m%dT%H%M%S}Z
SUMMARY:Interview {number}
STATUS:{status}
END:VEVENT
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server; it must have counted no panic."""
    with LocalServer(tmp_path / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


def monday() -> datetime:
    """A Monday to come, in the browser's time."""
    today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: DTZ005 the browser's
    return today + timedelta(days=14 - today.weekday())


def employ(server: LocalServer, *hours: tuple[float, float, str]) -> None:
    """Give tom an account and events on that Monday, from hour to hour, with a status."""
    server.cli("config", "account", "add", "tom", "tom@localhost")
    busy = [
        BUSY.format(
            number=number,
            start=(monday() + timedelta(hours=first)).astimezone(UTC),
            end=(monday() + timedelta(hours=last)).astimezone(UTC),
            status=status,
        )
        for number, (first, last, status) in enumerate(hours)
    ]
    file = server.folder / "busy.ics"
    file.write_text(FILE.format(events="".join(busy)), newline="\r\n")
    server.cli("calendar", "import", "tom", str(file))


def invite(page: Page, guests: str) -> None:
    """Write guests in place of those that are there."""
    while page.locator(".event-form .chip-remove").count():
        page.locator(".event-form .chip-remove").first.click()
    page.get_by_role("combobox", name="Guests").fill(guests)


def test_the_form_shows_when_guests_are_busy_and_finds_a_free_time(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-178, DAV-48: words and bars for each, the next free time, titles where tom allows them, and nothing."""
    employ(server, (9, 10.5, "CONFIRMED"), (11, 12, "TENTATIVE"), (15, 16, "CONFIRMED"))
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        (first,) = desk.call("calendars")
        desk.add("Choir", monday() + timedelta(hours=18), monday() + timedelta(hours=21), first["id"])
        begins = monday() + timedelta(hours=9)
        guests = [{"name": "", "address": one} for one in ("tom@localhost", "ada@remote.example")]
        desk.add("Plan", begins, begins + timedelta(hours=1), first["id"], guests=guests)
        page.evaluate(f"location.hash = '#calendar:day,{begins:%Y%m%d}'")
        calendar = page.locator("#app.other-place")
        event(calendar, "Plan").click()
        page.get_by_role("button", name="Edit", exact=True).click()
        bars = page.get_by_role("region", name="Guest availability")
        rows = bars.get_by_role("listitem")
        expect(rows.nth(0)).to_contain_text(re.compile("You.*free"))
        expect(rows.nth(1)).to_contain_text(re.compile("tom@localhost.*busy"))
        expect(rows.nth(2)).to_contain_text(re.compile("ada@remote.example.*unknown"))
        expect(rows.nth(1)).to_contain_text("(tentative)")
        expect(bars.get_by_role("status")).to_have_text(
            "1 person is busy at this time. 1 guest's availability isn't shared with you."
        )
        bars.scroll_into_view_if_needed()
        page.screenshot(path=tmp_path / "busy.png")
        wrong = judge(page, None)
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=tmp_path / "busy-dark.png")
        wrong += judge(page, ["color-contrast"])
        assert not wrong, "\n".join(wrong)
        bars.get_by_role("button", name="Next free time").click()
        expect(page.get_by_label("Starts at")).to_have_value("12:00")
        expect(page.get_by_label("Ends at")).to_have_value("13:00")
        expect(rows.nth(1)).to_contain_text(re.compile("tom@localhost.*free"))
        page.get_by_label("Starts at").fill("15:30")
        page.get_by_label("Ends at").fill("16:30")
        page.get_by_role("combobox", name="Guests").focus()
        expect(rows.nth(1)).to_contain_text(re.compile("tom@localhost.*busy"))
        server.cli("calendar", "access", "tom", "calendar", "details")
        invite(page, "Tom <tom@localhost>")
        page.get_by_label("Title").focus()
        expect(rows.nth(1)).to_contain_text("Interview 2")
        server.cli("calendar", "access", "tom", "calendar", "nothing")
        invite(page, "tom@localhost, eve@localhost")
        page.get_by_label("Title").focus()
        expect(bars.get_by_role("status")).to_contain_text("2 guests' availability isn't shared with you.")
        invite(page, "")
        page.get_by_label("Title").focus()
        expect(bars).to_be_hidden()


@pytest.mark.nightly
def test_a_phone_shows_busy_guests_below_their_names(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-178, DAV-48: nothing is wider than the window; the choice for colleagues is kept. A form that is asked
    for before the calendars are there waits for them.
    """
    employ(server, (9, 10.5, "CONFIRMED"))
    with fresh(chromium, server, 390) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        begins = monday() + timedelta(hours=10)
        held: list[Route] = []
        page.route("**/api/calendars", lambda route: held.append(route))
        page.evaluate(f"location.hash = '#calendar:day,{begins:%Y%m%d}'")
        page.get_by_role("button", name=re.compile("New event")).first.click()
        while not held:
            page.wait_for_timeout(50)
        for route in held:
            route.continue_()
        page.unroute("**/api/calendars")
        invite(page, "tom@localhost")
        page.get_by_label("Title").fill("Plan")
        rows = page.get_by_role("region", name="Guest availability").get_by_role("listitem")
        expect(rows.nth(1)).to_contain_text("tom@localhost")
        rows.nth(1).scroll_into_view_if_needed()
        page.screenshot(path=tmp_path / "phone-busy.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.keyboard.press("Escape")
        page.locator(".place-view").get_by_role("button", name="Folders").locator("visible=true").first.click()
        page.get_by_role("button", name="Edit “Calendar”").click()
        choice = page.get_by_label("People in your domain can see")
        expect(choice).to_have_value("usual")
        page.screenshot(path=tmp_path / "access.png")
        choice.select_option("nothing")
        page.get_by_role("button", name="Save").click()
        expect(choice).to_have_count(0)
        assert desk.call("calendars")[0]["access"] == "nothing"


HOURS = """BEGIN:VAVAILABILITY
UID:hours
DTSTAMP:20260101T000000Z
BEGIN:AVAILABLE
UID:weekdays
DTSTAMP:20260101T000000Z
DTSTART:{start:%Y%m%dT%H%M%S}Z
DTEND:{end:%Y%m%dT%H%M%S}Z
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR
SUMMARY:Office hours
END:AVAILABLE
END:VAVAILABILITY
"""


@pytest.mark.parametrize("width", [390, 1280])
def test_guests_are_busy_outside_of_their_hours(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int
) -> None:
    """DAV-48a, DAV-40: hours of work, which came from a file, are drawn around what else there is, and the next free
    time keeps to them.
    """
    employ(server, (9, 10.5, "CONFIRMED"))
    start, end = ((monday() + timedelta(hours=hour)).astimezone(UTC) for hour in (9, 17))
    file = server.folder / "hours.ics"
    file.write_text(FILE.format(events=HOURS.format(start=start, end=end)), newline="\r\n")
    server.cli("calendar", "import", "tom", str(file))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.evaluate(f"location.hash = '#calendar:day,{monday():%Y%m%d}'")
        page.get_by_role("button", name=re.compile("New event")).first.click()
        invite(page, "tom@localhost")
        page.get_by_label("Title").fill("Plan")
        page.get_by_label("Starts at").fill("16:30")
        page.get_by_label("Ends at").fill("17:30")
        page.get_by_label("Title").focus()
        bars = page.get_by_role("region", name="Guest availability")
        rows = bars.get_by_role("listitem")
        expect(rows.nth(1)).to_contain_text(re.compile("tom@localhost.*busy"))
        rows.nth(1).scroll_into_view_if_needed()
        page.screenshot(path=tmp_path / "hours.png")
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=tmp_path / "hours-dark.png")
        bars.get_by_role("button", name="Next free time").click()
        expect(page.get_by_label("Starts at")).to_have_value("09:00")


def test_guests_are_completed_as_recipients_are(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-175: by name, with groups, each a chip that can be taken off; a form without a whole address is not
    saved.
    """
    with fresh(chromium, server, 1280) as visitor:
        desk, page = Desk(visitor.page), visitor.page
        for name, address in (("Ada Lind", "ada@remote.example"), ("Ben Okafor", "ben@remote.example")):
            emails = [{"value": address, "kind": "home"}]
            contact = {
                "name": name,
                "emails": emails,
                "phones": [],
                "organization": "",
                "note": "",
                "groups": ["Choir"],
            }
            desk.call("contact_save", contact=contact)
        calendar = desk.open()
        page.keyboard.press("c")
        page.get_by_label("Title").fill("Plan")
        guests = page.get_by_role("combobox", name="Guests")
        guests.press_sequentially("Ada")
        expect(page.get_by_role("option", name="Ada Lind ada@remote.example")).to_be_visible()
        page.screenshot(path=tmp_path / "completed.png")
        wrong = judge(page, None)
        assert not wrong, "\n".join(wrong)
        guests.press("Enter")
        chips = page.locator(".event-form .chip-name")
        expect(chips).to_have_text(["Ada Lind"])
        guests.press_sequentially("Choi")
        page.get_by_role("option", name="Choir Group").click()
        expect(chips).to_have_text(["Ada Lind", "Ben Okafor"])
        guests.fill("eve")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("“eve” isn't a complete email address.")).to_be_visible()
        page.get_by_role("button", name="Remove eve").click()
        page.get_by_role("button", name="Save").click()
        event(calendar, "Plan").click()
        expect(page.locator(".event-guests")).to_contain_text("Ben Okafor")
        expect(page.get_by_role("dialog", name="Plan")).to_contain_text("0 of 2 replied")


def test_a_guest_of_the_same_server_hears_at_once_and_the_organizer_of_the_answer(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-129b, DAV-25a: a card above the list and a count at Calendar, without a reload, a mail; the same for the
    organizer, whose event says how many guests replied.
    """
    server.cli("config", "account", "add", "tom", "tom@localhost")
    server.cli("account", "set-password", "tom", stdin=server.password + "\n")
    with fresh(chromium, server, 1280) as visitor:
        guest = Visitor(chromium, server, viewport={"width": 390, "height": 844}, has_touch=True)
        guest.page.goto(f"{guest.base}/webmail/")
        guest.page.get_by_label("Email address").fill("tom@localhost")
        guest.page.get_by_label("Password").fill(server.password)
        guest.page.get_by_role("button", name="Log in").click()
        expect(guest.page.locator(".list-title")).to_have_text("Inbox")
        desk = Desk(visitor.page)
        (first,) = desk.call("calendars")
        begins = monday() + timedelta(hours=9)
        desk.add(
            "Plan", begins, begins + timedelta(hours=1), first["id"], guests=[{"name": "", "address": "tom@localhost"}]
        )
        rows = guest.page.locator(".answering-row")
        guest.page.get_by_role("button", name="1 new invitation").click()
        expect(rows).to_contain_text("9:00 – 10:00")
        expect(rows.locator(".answering-state")).to_have_text("You're free at this time.")
        expect(guest.page.locator(".message-subject")).to_have_text(["Invitation: Plan"])
        count = guest.page.get_by_role("link", name="Calendar 1 new", include_hidden=True)
        expect(count).to_be_attached()
        guest.page.screenshot(path=tmp_path / "invited.png")
        wrong = judge(guest.page, None)
        rows.get_by_role("button", name="Yes").click()
        expect(rows).to_contain_text("Going")
        expect(guest.page.get_by_role("dialog", name="1 new invitation")).to_have_count(0, timeout=20_000)
        mine = visitor.page.locator(".answering-row")
        visitor.page.get_by_role("button", name="1 change in your calendar").click()
        expect(mine).to_contain_text("tom@localhost is going")
        expect(visitor.page.get_by_role("link", name="Calendar 1 new", include_hidden=True)).to_be_visible()
        visitor.page.screenshot(path=tmp_path / "answered.png")
        wrong += judge(visitor.page, None)
        mine.get_by_role("link").click()
        calendar = visitor.page.locator("#app.other-place")
        event(calendar, "Plan").click()
        expect(visitor.page.get_by_role("dialog", name="Plan")).to_contain_text("1 of 1 replied")
        assert not wrong, "\n".join(wrong)
        guest.close()
