"""What a new account sees: the webmail, settings and admin without anything in them, at each size of a window.

Geometry and looks of the kind, not of a view: nothing outside the window, no control in the browser's own colours, no
label cut, no empty place without a word.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.geometry import WIDTHS, Box, fresh, resting, settle, ugly
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_axe_browser import judge
from tests.running import LocalServer
from tests.webcalls import Caller

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

WORDLESS: Final = """(main) => {
  const seen = [...main.querySelectorAll("h2, h3, p, label, td, li, .card, .field, .empty")]
    .filter((one) => one.checkVisibility() && one.innerText.trim() !== "" && one.closest("header, .tabs") === null);
  return seen.length === 0;
}"""
"""Whether a page has no more than its head."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with one account, in which nothing is yet."""
    with LocalServer(tmp_path_factory.mktemp("nothing") / "server") as found:
        yield found


SCREENS: Final = ([width for width in WIDTHS if width >= 700], [width for width in WIDTHS if width < 700])
"""Widths of windows that one page has after another: of a desk, and of a phone, where fingers are."""


def of_screen(browser: Browser, server: LocalServer, widths: list[int], locale: str = "en-GB") -> Visitor:
    """A visitor whose window has the first of these widths."""
    screen = {"width": widths[0], "height": WIDTHS[widths[0]]}
    return Visitor(browser, server, viewport=screen, has_touch=widths[0] < 700, locale=locale)


def at_each(page: Page, widths: list[int]) -> Iterator[int]:
    """Give the window each width; the last one is the first, for the view that comes next."""
    for width in [*widths[1:], widths[0]]:
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        settle(page)
        yield width


def centered(words: Locator, around: Locator) -> None:
    """An empty place says so in the middle of it."""
    expect(words).to_be_visible()
    box, whole = resting(words), Box.of(around)
    assert abs((box.left + box.right) - (whole.left + whole.right)) <= 32, f"{box} in {whole}"


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", WIDTHS)
def test_empty_places_of_the_webmail_say_so(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-66c, WEBMAIL-181: mail, calendar and contacts without anything, and searches that find nothing; the
    search is at one place in all of them, the one filled button stays as it is while further parts are loaded.
    """
    wrong: list[str] = []
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        view = page.locator(".place-view")
        expect(page.locator(".messages-note")).to_contain_text("Your inbox is empty")
        wrong += ugly(page, "mail")
        field = resting(page.locator(".list-top .search-bar"))
        page.locator(".open-calendar").click()
        add = page.locator(".place-new, .compose-round").locator("visible=true")
        filled = resting(add)
        for name in ("Day", "Agenda") if width <= 700 else ("Day", "Week", "Month", "Agenda"):
            view.get_by_role("button", name=name, exact=True).click()
            expect(view.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")
            wrong += ugly(page, f"calendar, {name}")
        centered(view.locator(".place-empty"), view)
        expect(view.locator(".place-empty")).to_contain_text("No events")
        page.evaluate("location.hash = '#calendar:day,20260930'")
        expect(view.locator("h1")).to_have_text("Wednesday 30 September")  # the longest
        wrong += ugly(page, "calendar, a long day")
        view.get_by_role("button", name="Agenda", exact=True).click()
        if width in {1440, 390}:
            wrong += judge(page, None)
        expect(view.locator(".primary")).to_have_count(0)
        box = resting(view.locator(".search-bar"))
        if width > 900:
            assert abs(box.left - field.left) < 1, f"the search of the calendar is at {box}, that of mail at {field}"
        view.locator(".search-bar").click()
        page.keyboard.type("choir")
        expect(view.locator(".place-empty")).to_contain_text("No matching events")
        wrong += ugly(page, "search in the calendar")
        view.get_by_role("button", name="Back to calendar").click()
        if width > 1099:
            page.get_by_role("button", name="New calendar").click()
            expect(page.get_by_role("dialog")).to_be_visible()
            wrong += ugly(page, "form of a calendar")
            assert resting(add) == filled, "a part that was loaded later changes the filled button"
            page.keyboard.press("Escape")
        page.locator(".open-people").click()
        none = view.locator(".people-main [role=status]")
        expect(none).to_contain_text("No contacts yet")
        centered(none, view.locator(".people-main"))
        wrong += ugly(page, "contacts")
        if width in {1440, 390}:
            wrong += judge(page, None)
        if width > 700:
            centered(view.locator(".people-reading .place-empty"), view.locator(".people-reading"))
            box, column = resting(view.locator(".search-bar")), Box.of(view.locator(".people-main"))
            edges = (field.left, field.top, column.right - 16)
            places = zip((box.left, box.top, box.right), edges, strict=True)
            assert all(abs(one - other) <= 1 for one, other in places), f"the search is at {box}, not {edges}"
            assert Box.of(view.locator("h1")).left >= column.right
    assert wrong == []


CONTACT: Final = {
    "name": "Ben Okafor",
    "emails": [{"value": "ben@okafor.example", "kind": ""}],
    "phones": [],
    "organization": "",
    "note": "",
    "groups": [],
}


@pytest.mark.parametrize("widths", SCREENS, ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_bar_of_a_contact_has_room_for_its_words(
    chromium: Browser, server: LocalServer, widths: list[int], language: str
) -> None:
    """WEBMAIL-128, WEBMAIL-58: each button is beside the next one, with its whole word."""
    caller = Caller(server.port(80), server.user, server.password)
    caller.log_in()
    contact = caller.call("contact_save", contact=CONTACT)
    visitor = of_screen(chromium, server, widths, language)
    visitor.enter("/webmail/")
    page = visitor.page
    page.locator(".open-people").click()
    page.locator(".person-open").first.click()
    bar = page.locator(".card-bar")
    expect(bar).to_be_visible()
    wrong: list[str] = []
    for width in at_each(page, widths):
        wrong += ugly(page, f"contact at {width}")
        places = [Box.of(one) for one in bar.locator("button:visible").all()]
        assert all(one.right <= other.left + 0.5 for one, other in pairwise(places)), (width, places)
    caller.call("contact_remove", contact_id=contact)
    visitor.close()
    assert wrong == []


SETTINGS: Final = ("search", "suppressed", "masked", "rules", "junk", "scripts", "templates", "links", "shares", "keys")
ADMIN: Final = ("overview", "queue", "queue/rules", "trends", "reports", "routes", "network", "backups", "audit")
"""Pages of both apps that have nothing to list at first."""


@pytest.mark.parametrize("widths", SCREENS, ids=["desk", "phone"])
def test_empty_pages_of_settings_say_so(chromium: Browser, server: LocalServer, widths: list[int]) -> None:
    """WEB-62b, WEB-164: each has more than its head, and nothing out of the window."""
    visitor = of_screen(chromium, server, widths)
    visitor.enter("/")
    page = visitor.page
    expect(page.locator("main h1")).to_be_visible()
    wrong: list[str] = []
    for name in SETTINGS:
        page.goto(f"{visitor.base}/#{name}")
        expect(page.locator(f".tabs a[href='#{name}'][aria-current], input[type=search]").first).to_be_visible()
        expect(page.locator("main .card").first).to_be_visible()
        for width in at_each(page, widths):
            wrong += ugly(page, f"{name} at {width}")
            wrong += [f"{name} has no word at {width}"] if page.locator("main").evaluate(WORDLESS) else []
        if name == "rules":
            expect(page.get_by_text("To reorder")).to_be_hidden()
        if name in {"search", "suppressed"}:
            wrong += judge(page, None)
    page.goto(f"{visitor.base}/#search")
    page.locator(".place-pages").get_by_role("link", name="Vacation reply").click()
    expect(page.get_by_label("Send vacation reply")).to_be_visible()
    visitor.close()
    assert wrong == []


@pytest.mark.parametrize("widths", SCREENS, ids=["desk", "phone"])
def test_empty_pages_of_admin_say_so(chromium: Browser, server: LocalServer, widths: list[int]) -> None:
    """WEB-84, WEB-164: each has more than its head, and nothing out of the window; an empty list has no filters."""
    visitor = of_screen(chromium, server, widths)
    visitor.enter("/admin/", ADMIN_PASSWORD)
    page = visitor.page
    expect(page.locator("main h1")).to_be_visible()
    wrong: list[str] = []
    for name in ADMIN:
        page.goto(f"{visitor.base}/admin/#{name}")
        expect(page.locator("main .card").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        for width in at_each(page, widths):
            wrong += ugly(page, f"{name} at {width}")
            wrong += [f"{name} has no word at {width}"] if page.locator("main").evaluate(WORDLESS) else []
        if name == "queue":
            expect(page.locator(".filters")).to_have_count(0)
    visitor.close()
    assert wrong == []
