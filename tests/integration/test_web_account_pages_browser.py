"""The pages of the account app in a real browser: each at 360 pixels and in the dark, and the walks through them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/integration/test_web_account_browser.py::test_mail_goes_in_and_comes_out_as_it_was"
    ),
]

PAGES = {
    "overview": "Your account",
    "device": "Set up a device",
    "security": "Security",
    "addresses": "Addresses",
    "rules": "Rules",
    "away": "Away",
    "forwarding": "Forwarding",
    "scripts": "Sieve scripts",
    "junk": "Junk",
    "outgoing": "Outgoing",
    "keys": "Keys and webhooks",
    "transfer": "Import and export",
    "shares": "Shared mailboxes",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One server for all tests; it must have counted no panic."""
    with LocalServer(tmp_path_factory.mktemp("pages") / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


def test_each_page_has_an_address_and_needs_no_more_than_360_pixels(chromium: Browser, server: LocalServer) -> None:
    """WEB-62..71, WEB-164: also without violations of the policy and errors of the page."""
    visitor = Visitor(chromium, server, viewport={"width": 360, "height": 740}, color_scheme="dark")
    visitor.fill_in("/")
    page = visitor.page
    for name, title in PAGES.items():
        page.goto(f"{visitor.base}/#{name}")
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.go_back()
    expect(page.get_by_role("heading", name="Import and export", level=1)).to_be_visible()
    visitor.close()


def test_a_phone_is_set_up_by_its_link(chromium: Browser, server: LocalServer) -> None:
    """WEB-71, WEB-126a: the link on another device, the question, the yes, the password there."""
    visitor = Visitor(chromium, server)
    phone = Visitor(chromium, server, viewport={"width": 360, "height": 740})
    phone.expect_problem("410")
    visitor.fill_in("/#device")
    page = visitor.page
    page.get_by_label("Name of the device").fill("Test phone")
    page.get_by_role("button", name="Show the code").click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    url = page.locator(".steps code").inner_text()
    phone.page.goto(url)
    phone.page.get_by_role("button", name="Set up mail").click()
    page.get_by_role("button", name="Yes, set it up").click()
    expect(phone.page.get_by_role("button", name="Download the profile")).to_be_visible()
    assert len(phone.page.locator(".secret code").inner_text()) >= 20
    phone.page.goto("about:blank")
    phone.page.goto(url)
    phone.page.get_by_role("button", name="Set up mail").click()
    expect(phone.page.locator(".notice")).to_contain_text("used already")
    page.goto(f"{visitor.base}/#security")
    expect(page.get_by_role("row", name="Test phone")).to_be_visible()
    phone.close()
    visitor.close()


def test_rules_are_made_ordered_by_keys_and_refused_at_their_field(chromium: Browser, server: LocalServer) -> None:
    """WEB-64a, WEB-65."""
    visitor = Visitor(chromium, server)
    visitor.expect_problem("400")
    visitor.fill_in("/#rules")
    page = visitor.page
    for name in ("first", "second"):
        page.get_by_role("button", name="New rule").first.click()
        page.get_by_label("From", exact=True).fill(f"^{name}@")
        page.get_by_label("Put into").fill("Lists")
        page.get_by_label("Name of the rule").fill(name)
    rules = page.locator(".rule-name b")
    expect(rules).to_have_text(["first", "second"])
    page.locator(".rule-name").nth(1).press("Alt+ArrowUp")
    expect(rules).to_have_text(["second", "first"])
    page.locator(".rule-name").nth(0).click()
    page.get_by_label("From", exact=True).fill("(second")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field .error:visible")).to_contain_text("regular expression")
    page.get_by_label("From", exact=True).fill("^second@")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Rules saved")).to_be_visible()
    page.reload()
    expect(page.locator(".rule-name b")).to_have_text(["second", "first"])
    visitor.close()
