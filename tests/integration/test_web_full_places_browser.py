"""What a full account shows in mail, calendar and contacts, at each size of a window: names that are too long, events
at the same hours, contacts that are one person. An empty account is in test_web_empty_places_browser.py.

All events are about a day in the past, whatever day it is.
"""

import imaplib
import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.geometry import WIDTHS, Box, boxes, fresh, in_sight, resting, ugly
from tests.integration.browser import chromium
from tests.integration.test_web_screen_browser import letter
from tests.running import LocalServer
from tests.webcalls import Caller

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

HOUSE: Final = "Everything about the house, its garden and those who live there"
FAR: Final = "Xaver Maximilian Leopold von und zu Hohenstein-Wittgenstein"
PEOPLE: Final = {
    "Ben Okafor": "ben@okafor.example",
    "Benjamin Okafor": "ben@okafor.example",
    FAR: "xaver.maximilian.leopold@department.of.letters.university.example",
    **{f"Ada{number} Lind": f"ada{number}@lind.example" for number in range(12)},
}
"""Names and addresses of contacts. Ben is there twice."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server whose one account is full."""
    with LocalServer(tmp_path_factory.mktemp("full") / "server") as found:
        with imaplib.IMAP4("127.0.0.1", found.port(143)) as session:
            session.login(found.user, found.password)
            for number in range(3):
                session.append("INBOX", "", "", letter("Boats", number=number))
            session.append("INBOX", "", "", letter("Minutes of the meeting"))
        caller = Caller(found.port(80), found.user, found.password)
        caller.log_in()
        calendar = caller.call("calendar_save", change={"name": HOUSE, "colour": "#3A9C5F"})
        form = {"notes": "", "all_day": False, "zone": "UTC", "rule": "", "alarms": [], "mails": [], "free": False}
        for number in range(4):
            times = {"start": f"2026-09-30T10:{number}5", "end": f"2026-09-30T13:{number}5", "guests": []}
            event = form | times | {"title": f"{number}. {HOUSE}", "place": "Hill Street 12, second floor"}
            caller.call("event_save", calendar_id=calendar, event=event)
        card = {"phones": [], "organization": "", "note": "", "groups": ["Choir"]}
        for name, address in PEOPLE.items():
            caller.call("contact_save", contact=card | {"name": name, "emails": [{"value": address, "kind": ""}]})
        yield found


def show(page: Page, view: str) -> Locator:
    """A view of the calendar at the day of the events."""
    page.evaluate("(view) => { location.hash = `#calendar:${view},20260930`; }", view)
    calendar = page.locator(".place-view")
    expect(calendar.locator("h1")).to_contain_text("September")
    if view != "month":
        expect(calendar.locator(".cal-event", has_text="0. Everything")).to_be_visible()
    expect(calendar.locator(f".cal-{view if view in ('month', 'agenda') else 'hours'}")).to_be_visible()
    return calendar


TEXT_WIDTH = """(one) => {
  const range = document.createRange();
  range.selectNodeContents(one);
  return range.getBoundingClientRect().width;
}"""


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", WIDTHS)
def test_the_full_calendar_is_not_ugly(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-175, WEBMAIL-175a: in each view and its lists nothing is cut but names of events and calendars, and
    nothing is out of the window; in a row the title has the room that it needs before the place.
    """
    wrong: list[str] = []
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        for view in ("day", "agenda") if width <= 700 else ("month", "week", "day", "agenda"):
            calendar = show(page, view)
            wrong += ugly(page, f"calendar, {view}")
        for row in calendar.locator(".cal-entry").all():
            title, place = row.locator(".cal-title"), row.locator(".cal-place")
            cut = title.evaluate("(one) => one.scrollWidth > one.clientWidth")
            assert width <= 700 or not cut or Box.of(place).width < 2
        calendar.locator(".search-bar").click()
        page.keyboard.type("garden")
        expect(calendar.locator("h1")).to_have_text("4 events")
        wrong += ugly(page, "search in the calendar")
        if width > 700:
            assert in_sight(calendar.locator("h1")).left >= in_sight(calendar.locator(".search-bar")).right + 12
        page.keyboard.press("Escape")
        if width <= 700:
            page.get_by_role("button", name="Folders").locator("visible=true").click()
        elif width < 1100:
            page.get_by_role("button", name="Calendars", exact=True).click()
        expect(page.get_by_role("checkbox", name=HOUSE)).to_be_visible()
        wrong += ugly(page, "calendars")
    assert wrong == []


CLASHES: Final = """(block) => {
  const text = document.createRange();
  text.selectNodeContents(block.querySelector(".cal-title"));
  const sign = block.querySelector(".cal-clash").getBoundingClientRect();
  const words = [...text.getClientRects()].filter(({ width }) => width > 0);
  const over = ({ left, right, top, bottom }) =>
    left < sign.right && right > sign.left && top < sign.bottom && bottom > sign.top;
  const title = block.querySelector(".cal-title").getBoundingClientRect();
  return sign.width > 0 && over(title) ? "below its sign" : title.width < 8 ? `${title.width} px` : "";
}"""
"""What is wrong with the title of an event that clashes with others."""


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", WIDTHS)
def test_titles_of_events_at_the_same_hours_are_free_of_signs(
    chromium: Browser, server: LocalServer, width: int
) -> None:
    """WEBMAIL-175c: however narrow an event is; where it is narrow, its title has all of the width."""
    with fresh(chromium, server, width) as visitor:
        for view in ("day",) if width <= 700 else ("week", "day"):
            blocks = show(visitor.page, view).locator(".cal-block.clash")
            expect(blocks).to_have_count(4)
            wrong = [one.evaluate(CLASHES) for one in blocks.all()]
            assert wrong == [""] * 4, view
        assert view == "day"
        expect(blocks.locator(".cal-clash").first).to_be_visible()


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", WIDTHS)
def test_the_forms_of_mail_are_not_ugly(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-58: hints and labels are whole; the form of a search is below the bar, over what was found, and its last
    field above its buttons.
    """
    wrong: list[str] = []
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        words = page.locator(".search-input")
        words.click()
        words.fill("minutes")
        words.press("Enter")
        said = page.locator(".search-said")
        expect(said).to_contain_text(re.compile("found|message"))
        words.click()
        page.get_by_text("More search options").click()
        form = page.locator(".search-form")
        header = form.get_by_label("Header")
        wrong += ugly(page, "search")
        assert resting(form).top <= Box.of(said).top + 6
        for height in (WIDTHS[width], 420):
            page.set_viewport_size({"width": width, "height": height})
            header.scroll_into_view_if_needed()
            assert resting(header).bottom <= Box.of(form.locator(".dialog-buttons")).top, height
        page.keyboard.press("Escape")
        page.get_by_role("button", name="New message").locator("visible=true").first.click()
        composer = page.locator(".composer")
        composer.get_by_role("button", name="More fields").click()
        page.get_by_role("menuitem", name="Encryption").click()
        label, ways = composer.get_by_text("Encryption", exact=True), composer.get_by_label("Encryption in transit")
        assert resting(label).width > label.evaluate("(one) => one.scrollWidth") - 1
        text = label.evaluate(TEXT_WIDTH)
        assert Box.of(label).left + text + 6 <= Box.of(ways).left
        wrong += ugly(page, "composer")
    assert wrong == []


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", WIDTHS)
def test_full_mail_and_contacts_are_not_ugly(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-58, WEBMAIL-128, WEB-164d: counts and hints are whole; a search says how many contacts it has found, and
    lines of the lists begin below each other. A part that is loaded later changes nothing of what is there.
    """
    wrong: list[str] = []
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject", has_text="Minutes").click()
        expect(page.locator(".text-part")).to_be_visible()
        wrong += ugly(page, "mail")
        page.keyboard.press("b")
        expect(page.get_by_label("Type a time")).to_be_visible()
        wrong += ugly(page, "snooze")
        page.keyboard.press("Escape")
        page.evaluate("location.hash = '#people:'")
        people = page.locator(".place-view")
        rows = people.get_by_role("listitem")
        expect(rows).to_have_count(len(PEOPLE))
        wrong += ugly(page, "contacts")
        people.locator(".search-bar").click()
        page.keyboard.type("okafor")
        expect(rows).to_have_count(2)
        expect(people.get_by_role("status").filter(has_text="2 contacts")).to_be_visible()
        page.keyboard.press("Escape")
        rows.filter(has_text="Xaver").get_by_role("button").first.click()
        card = people.get_by_role("article")
        expect(card).to_be_visible()
        lines = card.locator(".card-link, .card-line a").first.evaluate("(one) => getComputedStyle(one).lineHeight")
        assert lines == "22px", "lines of a long address belong together"
        wrong += ugly(page, "a contact")
        before = resting(card)
        card.get_by_role("button", name="Groups").click()
        page.get_by_role("menuitem", name="New group…").click()
        expect(page.get_by_role("dialog", name="New group")).to_be_visible()
        assert resting(card) == before
        wrong += ugly(page, "a new group")
        page.keyboard.press("Escape")
        if width <= 700:
            people.get_by_role("button", name="Back", exact=True).click()
            people.get_by_role("button", name="Folders").click()
        elif width < 1100:
            page.get_by_role("button", name="Address books", exact=True).click()
        wrong += ugly(page, "address books")
        tools = page.locator(".people-files .mailbox-open")
        lefts = tools.evaluate_all(
            """(all) => all.map((one) => {
              const text = document.createRange();
              text.selectNodeContents(one);
              return Math.round(text.getClientRects()[0].left);
            })"""
        )
        assert len(set(lefts)) == 1, f"lines begin at {lefts}"
        assert len(boxes(tools)) == 6
        page.get_by_role("button", name="Find duplicates…").click()
        expect(page.get_by_role("group", name="Same address")).to_be_visible()
        wrong += ugly(page, "duplicates")
        legend, frame = Box.of(page.locator(".doubles legend")), Box.of(page.locator(".doubles fieldset"))
        assert legend.top >= frame.top
    assert wrong == []
