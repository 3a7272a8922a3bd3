"""Each view in the marked language: what it shows in English could not be translated (WEBMAIL-143d)."""

import json
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import chromium
from tests.integration.markedlanguage import marked_visitor, unmarked
from tests.integration.test_web_account_pages_browser import PAGES
from tests.integration.webmail_views import SCREENS, populate, views
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

NAMES: Final = """
moxlite Webmail IMAP SMTP JMAP Sieve DAV URL UTC KB MB GB PDF HTML DKIM SPF DMARC DANE MTA-STS https ctrl
Content-Type MIME-Version Message-ID Reply-To From Cc Bcc Subject To
"""
"""Names of things, which are the same in all languages, and of header fields."""

CODES: Final = """
relayed suppressed expanded canceled failed unrecognized delayed delivered
Deutsch English Español Français Italiano Nederlands Polski Português Svenska Čeština
Mozilla X11 Linux AppleWebKit KHTML like Gecko HeadlessChrome Safari x86_64
"""
"""Events of webhooks as programs get them, languages in their own words, and what the browser says that it is."""

DATA: Final = """
Ada Lindqvist ada AL ada@nordlicht.example nordlicht.example nordlicht Bora bora BO bora@acme.example acme.example
Кира kira Kira KI kira@acme.example kira@localhost localhost moxlite@localhost MO Tom tom TO tom@nordlicht.example
Older Some text Projects Garden garden Empty Re Boats Answer line of what was written before Files
The boats are in See example.org minutes soon not bank.example www.bank.example@evil.example evil.example login
quoted twice three times Marked Short News Letter Wool socks Asking the from port Plans Next year be filed
plan plan.bin pdf bin an failure Thanks Thank you at example multipart mixed alternative boundary application plain
text/plain notjunk Autumn Leaves fall Nowhere big Back On its way Crew Sails
Invitation invitation.ics invited you to this event When Monday Tuesday Wednesday Thursday Friday Saturday Sunday
November December January Reply your calendar or mail app Regatta Choir choir Two lines meet.example.org Dentist
Inbox Other Users Calendar Contacts harbour.jpg invite.ics JST Asia Tokyo Asia/Tokyo example.net
"""
"""Words of the mail and of the entries that the walk goes through, and of names that the server gave."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with mail of all kinds."""
    with LocalServer(tmp_path_factory.mktemp("marked") / "server") as served:
        populate(served)
        yield served


def walked(browser: Browser, server: LocalServer, screen: str, last: str = "") -> dict[str, str]:
    """What the views of the webmail show in English, each with the first view that does; up to the view `last`."""
    width, height = SCREENS[screen]
    visitor = marked_visitor(browser, server, viewport={"width": width, "height": height}, has_touch=screen == "phone")
    english: dict[str, str] = {}
    for view in views(visitor):
        for text in unmarked(visitor.page, {*NAMES.split(), *DATA.split()}):
            english.setdefault(text, view)
        if view == last:
            break
    visitor.context.close()
    return english


def test_the_first_views_show_no_english(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-143d: the log-in, with its error, and the list; the rest each night."""
    assert walked(chromium, server, "desk", "list") == {}


@pytest.mark.nightly
@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_no_view_shows_english(chromium: Browser, server: LocalServer, screen: str) -> None:
    """WEBMAIL-143d: all views of the webmail."""
    english = walked(chromium, server, screen)
    assert english == {}, json.dumps(english, indent=1, ensure_ascii=False)


def test_no_page_of_the_settings_shows_english(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-143d, WEB-70: each page of the account app, also folders, and the list of log-ins with their results."""
    visitor = marked_visitor(chromium, server, viewport={"width": 1280, "height": 900})
    visitor.expect_problem("401")
    visitor.fill_in("/", "wrong")
    page = visitor.page
    expect(page.locator(".login-problem")).to_be_visible()
    visitor.fill_in("/")
    expect(page.get_by_role("heading", name="Addresses", level=1)).to_be_visible()
    english: dict[str, str] = {}
    for name, title in PAGES.items():
        page.goto(f"{visitor.base}/#{name}")
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        for text in unmarked(page, {*NAMES.split(), *CODES.split(), *DATA.split()}):
            english.setdefault(text, name)
    page.goto(f"{visitor.base}/#security")
    expect(page.get_by_text("rejected: wrong password").first).to_be_visible()
    visitor.close()
    assert english == {}, json.dumps(english, indent=1, ensure_ascii=False)
