"""Alarms of the calendar in open pages, and files of all calendars and contacts, in a real browser (DAV-49a, DAV-49b,
DAV-51).
"""

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.geometry import fresh, within_window
from tests.integration.browser import chromium
from tests.integration.conftest import panics
from tests.integration.test_web_addressbooks_browser import people
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import Desk
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

PATIENCE = 180_000
"""Milliseconds for an alarm: one that the machine was too slow for comes again after a minute."""

PUT = """async ([text, calendar, token]) => {
  const headers = { "x-moxlite-csrf": token };
  const sent = await fetch("upload?filename=x", { method: "POST", headers, body: text });
  const { result } = await sent.json();
  const body = JSON.stringify({ calendar_id: calendar, upload_id: result.upload_id });
  headers["content-type"] = "application/json";
  const done = await fetch("api/calendar_import", { method: "POST", headers, body });
  return (await done.json()).result.added;
}"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server; it must have counted no panic."""
    with LocalServer(tmp_path / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


def reminding(uid: str, title: str) -> str:
    """A file with an event in half an hour that reminds of itself in some seconds, and each minute after."""
    now = datetime.now(UTC)
    start, moment = (f"{now + timedelta(seconds=after):%Y%m%dT%H%M%SZ}" for after in (1800, 5))
    alarm = ("ACTION:DISPLAY", f"TRIGGER;VALUE=DATE-TIME:{moment}", "REPEAT:9", "DURATION:PT1M")
    inner = (f"UID:{uid}", f"DTSTAMP:{start}", f"DTSTART:{start}", f"SUMMARY:{title}", "LOCATION:Pier 3")
    lines = ("BEGIN:VEVENT", *inner, "BEGIN:VALARM", *alarm, "END:VALARM", "END:VEVENT", "END:VCALENDAR", "")
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//EN", *lines))


def text_of(page: Page, calendar: int) -> str:
    found = page.evaluate("async (path) => (await fetch(path)).text()", f"calendar/{calendar}.ics")
    return re.sub(r"\r\n ", "", str(found))


@pytest.mark.nightly
def test_alarms_are_shown_put_off_and_dismissed_in_open_pages(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """DAV-51: in each tab, until one of them answers; without any permission."""
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page, other = desk.page, visitor.page.context.new_page()
        other.goto(page.url)
        expect(other.locator(".mailbox-open").first).to_be_attached()
        calendar = desk.call("calendars")[0]["id"]
        for uid, title in (("a", "Dentist"), ("b", "<b>Choir</b>")):
            assert page.evaluate(PUT, [reminding(uid, title), calendar, desk.csrf]) == 1
        notices, there = page.locator(".alarms .alarm"), other.locator(".alarms .alarm")
        expect(notices).to_have_count(2, timeout=PATIENCE)
        expect(there).to_have_count(2, timeout=PATIENCE)
        choir = notices.filter(has_text="<b>Choir</b>")
        expect(choir).to_contain_text("Pier 3")
        wrong = []
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            wrong += judge(page, None if scheme == "light" else ["color-contrast"])
            page.screenshot(path=tmp_path / f"alarms-{scheme}.png")
        page.set_viewport_size({"width": 360, "height": 640})
        page.screenshot(path=tmp_path / "alarms-phone.png")
        within_window(notices.first)
        page.set_viewport_size({"width": 1280, "height": 800})
        assert wrong == []
        with page.expect_response("**/api/alarm_seen"):
            choir.get_by_role("button", name="Snooze for 5 minutes").click()
        expect(notices).to_have_count(1)
        expect(there).to_have_count(1)
        assert "RELATED-TO;RELTYPE=SNOOZE:" in text_of(page, calendar)
        with other.expect_response("**/api/alarm_seen"):
            there.get_by_role("button", name="Dismiss").click()
        expect(notices).to_have_count(0)
        assert text_of(page, calendar).count("ACKNOWLEDGED:") == 2


def test_all_calendars_and_contacts_go_out_and_come_in(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """DAV-49a, DAV-49b: as one .zip; an import says how far it is, and can be stopped."""
    cards = tmp_path / "cards.vcf"
    cards.write_text("BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEMAIL:ada@a.example\nEND:VCARD\n")
    server.cli("contacts", "import", "moxlite", str(cards))
    with fresh(chromium, server, 1280) as visitor:
        page = Desk(visitor.page).page
        page.route("**/api/file_import_state", _half)
        found = people(page)
        with page.expect_download() as saved:
            found.get_by_role("link", name="Export all calendars and contacts").click()
        path = tmp_path / "all.zip"
        saved.value.save_as(path)
        with zipfile.ZipFile(path) as archive:
            assert "address-books/Contacts.vcf" in archive.namelist()
        held: list[Route] = []
        page.route("**/api/contacts_import", lambda route: held.append(route))
        found.locator("input[type=file]").set_input_files(path)
        said = page.locator(".toast", has_text="Imported 10 of about 40")
        expect(said.get_by_role("button", name="Stop")).to_be_visible()
        page.screenshot(path=tmp_path / "progress.png")
        with page.expect_response("**/api/file_import_stop"):
            said.get_by_role("button", name="Stop").click()
        held[0].continue_()
        expect(page.locator(".toast", has_text="1 already exists")).to_be_visible()


def _half(route: Route) -> None:
    route.fulfill(content_type="application/json", body=json.dumps({"result": {"done": 10, "about": 40}}))


def test_a_calendar_is_shared_with_another_user(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """DAV-41: by its menu; what is typed wrong is said at its field."""
    server.cli("config", "account", "add", "bob", "bob@localhost")
    with fresh(chromium, server, 1280) as visitor:
        page = Desk(visitor.page).page
        page.keyboard.press("g")
        page.keyboard.press("c")
        page.get_by_role("button", name="Edit “Calendar”").click()
        page.get_by_role("dialog").get_by_role("button", name="Share…").click()
        found = page.get_by_role("dialog").last
        visitor.expect_problem("400")
        found.get_by_label("Shared with").fill("ada@remote.example")
        found.get_by_role("button", name="Share", exact=True).click()
        expect(found).to_contain_text("Isn't an account on this server")
        found.get_by_label("Shared with").fill("bob@localhost")
        found.get_by_label("Permissions", exact=True).select_option("change")
        found.get_by_role("button", name="Share", exact=True).click()
        expect(found.get_by_label("Permissions for bob")).to_have_value("change")
        page.screenshot(path=tmp_path / "shared.png")
        assert judge(page, None) == []
    assert "bob (w)" in server.cli("calendar", "list", "moxlite").stdout
