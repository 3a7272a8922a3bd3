"""The places of the webmail in a real browser: Mail, Calendar, Contacts (WEBMAIL-62)."""

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.geometry import WIDTHS, fresh, in_sight
from tests.integration.browser import chromium
from tests.integration.test_web_calendar_browser import server
from tests.running import LocalServer
from tests.session.test_web_calendars import form
from tests.tools import until
from tests.webcalls import Caller

__all__ = ["chromium", "server"]

DAY: Final = re.compile("30 Nov|Nov 30")
"""A date, as the language of the browser has it."""

CONTACT: Final = {
    "name": "Ada Lindqvist",
    "emails": [{"value": "ada@lind.example", "kind": ""}],
    "phones": [],
    "organization": "",
    "note": "",
    "groups": [],
}

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("name", ["Calendar", "Contacts"])
def test_what_lies_below_a_place_is_out_of_reach(chromium: Browser, server: LocalServer, name: str) -> None:
    """WEBMAIL-144, WEBMAIL-181: behind the calendar and the contacts no key and no screen reader finds the list; in
    mail it is back.
    """
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        out = page.locator("[inert] .messages")
        expect(out).to_have_count(0)
        page.locator(".messages").focus()
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator(".place-view")).to_be_visible()
        expect(out).to_have_count(1)
        for _ in range(40):
            page.keyboard.press("Tab")
            assert not page.evaluate("document.activeElement.closest('.middle, .splitter, .reader') !== null")
        page.get_by_role("link", name="Mail", exact=True).click()
        expect(page.locator(".place-view")).to_have_count(0)
        expect(out).to_have_count(0)


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", WIDTHS)
def test_places_are_where_they_are_looked_for(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-181: with words at the top of the side bar, on a phone at the foot; each place has one filled button, its
    address and its title, and nothing of another place.
    """
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        names = ["Mail", "Calendar", "Contacts"]
        places = [in_sight(page.get_by_role("link", name=name, exact=True)) for name in names]
        if width > 700:
            assert all(one.right <= in_sight(page.locator(".side")).right and one.bottom <= 300 for one in places)
        else:
            assert all(page.viewport_size["height"] - one.bottom < 1 and one.height >= 44 for one in places)  # type: ignore[index]
        for name, address, add in (
            ("Calendar", "#calendar:", "New event"),
            ("Contacts", "#people:", "New contact"),
            ("Mail", "#Inbox", "New message"),
        ):
            link = page.get_by_role("link", name=name, exact=True)
            link.click()
            expect(link).to_have_attribute("aria-current", "page")
            expect(page.locator("[aria-current=page].place")).to_have_count(1)
            expect(page).to_have_url(re.compile(re.escape(address)))
            expect(page).to_have_title(re.compile("Inbox" if name == "Mail" else name))
            adds = page.locator(".place-new, .compose-new, .compose-round").locator("visible=true")
            expect(adds).to_have_count(1)
            in_sight(adds.and_(page.get_by_role("button", name=add)))
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_place_is_restored_by_back_forward_reload_and_a_fresh_tab(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-181, WEBMAIL-63, WEBMAIL-166."""
    with fresh(chromium, server, 1280) as visitor:
        page = visitor.page
        calendar, contacts = page.locator(".place-view.calendar-page"), page.locator(".place-view.people-page")
        page.locator(".open-calendar").click()
        expect(calendar).to_be_visible()
        page.keyboard.press("g")
        page.keyboard.press("p")
        expect(contacts).to_be_visible()
        page.go_back()
        expect(calendar).to_be_visible()
        page.go_back()
        expect(page.locator(".place-view")).to_have_count(0)
        expect(page.locator(".list-title")).to_be_visible()
        page.go_forward()
        expect(calendar).to_be_visible()
        page.go_forward()
        expect(contacts).to_be_visible()
        page.reload()
        expect(contacts).to_be_visible()
        tab = page.context.new_page()
        tab.goto(page.url)
        expect(tab.locator(".place-view.people-page")).to_be_visible()
        expect(tab).to_have_title(re.compile("^Contacts"))
        tab.close()


def test_what_is_open_in_a_place_has_its_address_and_title(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-181, WEBMAIL-63: an event and a contact, for reload, Back, the middle button and a fresh tab; a date of a
    series is the one that was opened. Links to places open in another tab, too.
    """
    caller = Caller(server.port(80), server.user, server.password)
    caller.log_in()
    calendar = caller.call("calendars")[0]["id"]
    event = form(title="Rehearsal", start="2026-11-23T18:00", end="2026-11-23T19:00", rule="FREQ=WEEKLY;COUNT=3")
    caller.call("event_save", calendar_id=calendar, event=event)
    contact = caller.call("contact_save", contact=CONTACT)
    with fresh(chromium, server, 1280) as visitor:
        page = visitor.page
        for name, where in (("Calendar", "#calendar:month,"), ("Contacts", "#people:")):
            with page.context.expect_page() as opened:
                page.get_by_role("link", name=name, exact=True).click(modifiers=["ControlOrMeta"])
            expect(opened.value).to_have_url(re.compile(where))
            expect(page).to_have_url(re.compile("#Inbox"))
            opened.value.close()
        page.evaluate("location.hash = '#calendar:day,20261130'")
        one = page.locator(".cal-event", has_text="Rehearsal")
        one.click()
        shown = page.get_by_role("dialog", name="Rehearsal")
        expect(shown).to_contain_text(DAY)
        expect(page).to_have_url(re.compile(r"#calendar:day,20261130,\d+,20261130\d+$"))
        expect(page).to_have_title(re.compile("^Rehearsal"))
        address = page.url
        page.go_back()
        expect(shown).to_have_count(0)
        expect(page).to_have_url(re.compile("#calendar:day,20261130$"))
        expect(page).to_have_title(re.compile("^Calendar"))
        one.click()
        expect(shown).to_be_visible()
        page.reload()
        expect(shown).to_contain_text(DAY)
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile("#calendar:day,20261130$"))
        with page.context.expect_page() as opened:
            one.click(button="middle")
        tab = opened.value
        expect(tab).to_have_url(address)
        expect(tab.get_by_role("dialog", name="Rehearsal")).to_contain_text(DAY)
        tab.close()
        page.get_by_role("link", name="Contacts", exact=True).click()
        with page.context.expect_page() as opened:
            page.locator(".person-open").click(button="middle")
        expect(opened.value.get_by_role("article", name="Ada Lindqvist")).to_be_visible()
        opened.value.close()
        page.locator(".person-open").click()
        expect(page).to_have_url(re.compile(f"#people:,{contact}$"))
        expect(page).to_have_title(re.compile("^Ada Lindqvist"))
        page.reload()
        expect(page.get_by_role("article", name="Ada Lindqvist")).to_be_visible()
        expect(page).to_have_title(re.compile("^Ada Lindqvist"))
    caller.call("contact_remove", contact_id=contact)


def test_the_side_bar_is_one_stop_of_the_tab_key(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-144: search is among the first three stops, then list, splitter, and the side bar as one stop; arrows go
    to the next control in sight.
    """
    stops = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex]")]
        .filter((one) => one.tabIndex >= 0 && one.checkVisibility() && one.closest("[inert]") === null)
        .map((one) => one.className)"""
    with fresh(chromium, server, 1280) as visitor:
        page = visitor.page
        inside = "document.activeElement.closest('.side') !== null"
        for place in ("mail", "calendar", "people"):
            page.locator(f".open-{place}").click()
            expect(page.locator(f".open-{place}")).to_have_attribute("aria-current", "page")
            expect(page.locator(".cal-choice, .book, .mailbox").locator("visible=true").first).to_be_visible()
            until(lambda: page.locator(".side [tabindex='0']").count() == 1, what="one stop")
            assert "search-input" in page.evaluate(stops)[:3]
            page.locator(".side [tabindex='0']").focus()
            page.keyboard.press("Shift+Tab")
            assert not page.evaluate(inside)
            page.keyboard.press("Tab")
            assert page.evaluate(inside)
            page.keyboard.press("Tab")
            assert not page.evaluate(inside)
        page.locator(".open-mail").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".open-calendar")).to_be_focused()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".open-people")).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(page.locator(".open-settings")).to_be_focused()
