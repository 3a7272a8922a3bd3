"""Several accounts of a server in one browser: added, switched between, and logged out, at a desk and on a phone."""

import imaplib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.geometry import in_sight
from tests.integration.browser import Visitor, chromium, settings_beside
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

BOB = "bob@localhost"
SCREENS = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
KEPT = """
async () => [
  (await indexedDB.databases()).map((one) => one.name).sort(),
  (await caches.keys()).filter((name) => /-(mail|files)$/.test(name)).sort(),
]
"""
"""What the browser keeps of mail: its databases and caches."""


@pytest.fixture
def two(local: LocalServer) -> LocalServer:
    """A server with a second account, which has two unread messages."""
    local.cli("config", "account", "add", "bob", BOB)
    local.cli("account", "set-password", "bob", stdin=local.password + "\n")
    with imaplib.IMAP4("127.0.0.1", local.port(143)) as session:
        session.login(BOB, local.password)
        for number in (1, 2):
            octets = f"From: ann@example.net\r\nSubject: for bob {number}\r\n\r\nhello\r\n".encode()
            assert session.append("INBOX", "", None, octets)[0] == "OK"
    return local


@pytest.fixture(params=SCREENS)
def visitor(chromium: Browser, two: LocalServer, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    found = Visitor(chromium, two, viewport=SCREENS[request.param], has_touch=request.param == "phone")
    yield found
    found.close()


def log_in(page: Page, address: str, password: str, *, stay: bool = False) -> None:
    """Fill in the log-in form that is shown."""
    page.get_by_label("Email address").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Keep me logged in on this device").set_checked(stay)
    page.get_by_role("button", name="Log in").click()


def shown(page: Page, address: str) -> None:
    """The webmail shows this account, without a question."""
    expect(page).to_have_title(re.compile(f"Inbox · {re.escape(address)}$"))
    expect(page.locator(".login-overlay")).to_have_count(0)


def menu(page: Page) -> Locator:
    """The open menu at the foot of the side bar."""
    opener = page.get_by_role("button", name="Account and settings")
    if not opener.is_visible():
        page.get_by_role("button", name="Folders").click()
    opener.click()
    found = page.get_by_role("menu", name="Account and settings")
    expect(found).to_be_visible()
    return found


def add(page: Page, address: str, password: str, *, stay: bool = False) -> None:
    """Add another account by the menu."""
    menu(page).get_by_role("menuitem", name="Add another account…").click()
    expect(page.get_by_label("Email address")).to_have_value("")
    log_in(page, address, password, stay=stay)


@pytest.mark.landing("desk")
def test_accounts_are_switched_without_a_log_in(visitor: Visitor) -> None:
    """WEBMAIL-179, WEBMAIL-180: each with its unread messages; two windows side by side; one and then all log out."""
    page, server = visitor.page, visitor.server
    visitor.fill_in("/webmail/")
    shown(page, server.user)
    add(page, BOB, server.password)
    shown(page, BOB)
    assert page.url.startswith(f"{visitor.base}/webmail/u/1/")
    expect(page.locator(".message")).to_have_count(2)
    menu(page).get_by_role("menuitem", name=server.user).click()
    shown(page, server.user)
    other = menu(page).get_by_role("menuitem", name=f"{BOB}, 2 unread messages")
    in_sight(other)
    page.keyboard.press("Escape")
    # side by side
    second = visitor.context.new_page()
    second.goto(f"{visitor.base}/webmail/u/1/")
    shown(second, BOB)
    page.reload()
    shown(page, server.user)
    # the account page of the second one
    menu(second).get_by_role("menuitem", name="Settings").click()
    expect(second.locator(".me .who")).to_contain_text(BOB)
    assert second.url.startswith(f"{visitor.base}/u/1/")
    second.goto(f"{visitor.base}/webmail/u/1/")
    shown(second, BOB)
    menu(second).get_by_role("menuitem", name="Log out", exact=True).click()
    expect(second.get_by_label("Email address")).to_be_visible()
    page.reload()
    shown(page, server.user)
    second.get_by_role("link", name=server.user).click()
    shown(second, server.user)
    add(second, BOB, server.password)
    shown(second, BOB)
    menu(second).get_by_role("menuitem", name="Log out of all accounts").click()
    second.get_by_role("dialog", name="Log out of all accounts?").get_by_role("button", name="Log out").click()
    expect(second.get_by_label("Email address")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Email address")).to_be_visible()
    expect(page.locator(".login-others")).to_have_count(0)


def keep_mail(page: Page) -> None:
    """Keep mail of the account on this device."""
    with settings_beside(page, "reading") as settings:
        settings.get_by_label("Save mail for offline use").check()


def test_each_account_keeps_its_own_mail_and_notices(chromium: Browser, two: LocalServer) -> None:
    """WEBMAIL-179, WEBMAIL-180: a store, caches and a service worker each; the log-out of one takes only its own."""
    visitor = Visitor(chromium, two)
    page = visitor.page
    page.goto(f"{visitor.base}/webmail/")
    log_in(page, two.user, two.password, stay=True)
    shown(page, two.user)
    keep_mail(page)
    add(page, BOB, two.password, stay=True)
    shown(page, BOB)
    keep_mail(page)
    both = [["moxlite-webmail", "moxlite-webmail1"], ["moxlite-webmail-mail", "moxlite-webmail1-mail"]]
    until(lambda: page.evaluate(KEPT)[0] == both[0], what="two databases")
    until(lambda: set(page.evaluate(KEPT)[1]) >= {both[1][1]}, what="a cache of the second account")
    scopes = "async () => (await navigator.serviceWorker.getRegistrations()).map((one) => one.scope).sort()"
    kept = [f"{visitor.base}{place}" for place in ("/", "/u/1/", "/webmail/", "/webmail/u/1/")]
    until(lambda: page.evaluate(scopes) == kept, what="workers of both accounts' webmail and settings")
    menu(page).get_by_role("menuitem", name="Log out", exact=True).click()
    expect(page.get_by_role("link", name=two.user)).to_be_visible()
    until(lambda: page.evaluate(KEPT)[0] == ["moxlite-webmail"], what="the first account's database alone")
    assert not [name for name in page.evaluate(KEPT)[1] if "webmail1" in name]
    page.get_by_role("link", name=two.user).click()
    shown(page, two.user)
    assert page.evaluate("localStorage['moxlite-webmail-offline']") == "1"
    visitor.close()


@pytest.mark.landing("phone")
def test_a_session_that_ended_is_told_and_can_be_removed(visitor: Visitor) -> None:
    """WEBMAIL-180: its mail goes when the form is shown; the other account is a click away."""
    page, server = visitor.page, visitor.server
    visitor.fill_in("/webmail/")
    shown(page, server.user)
    add(page, BOB, server.password)
    shown(page, BOB)
    server.cli("account", "set-password", "bob", stdin="another good one\n")
    menu_item = page.get_by_role("menuitem", name=f"{BOB}, logged out")
    page.goto(f"{visitor.base}/webmail/")
    shown(page, server.user)
    menu(page)
    expect(menu_item).to_be_visible()
    menu_item.click()
    expect(page.get_by_label("Email address")).to_have_value(BOB)
    page.get_by_role("button", name=f"Remove {BOB} from this browser").click()
    shown(page, server.user)
    expect(menu(page).get_by_role("menuitem", name=BOB)).to_have_count(0)


def test_what_waits_for_a_log_in_is_never_done_as_another_user(chromium: Browser, two: LocalServer) -> None:
    """WEBMAIL-20, WEBMAIL-183: the page is loaded anew for another user, and the first one's text is removed."""
    visitor = Visitor(chromium, two)
    visitor.fill_in("/webmail/")
    page = visitor.page
    shown(page, two.user)
    page.keyboard.press("c")
    text = page.locator(".composer").get_by_label("Text")
    text.fill("Not for bob")
    visitor.context.clear_cookies()
    with page.expect_response("**/api/draft_save"):
        text.press("Control+s")
    log_in(page, BOB, two.password)
    shown(page, BOB)
    expect(page.locator(".message-subject")).to_have_text(["for bob 2", "for bob 1"])
    expect(page.locator(".composer")).to_have_count(0)
    with imaplib.IMAP4("127.0.0.1", two.port(143)) as session:
        session.login(BOB, two.password)
        assert session.status("Drafts", "(MESSAGES)")[1] == [b"Drafts (MESSAGES 0)"]
    assert len([one for one in visitor.requests if one.endswith("/api/draft_save")]) == 1
    menu(page).get_by_role("menuitem", name="Log out").click()
    log_in(page, two.user, two.password)
    shown(page, two.user)
    expect(page.locator(".composer")).to_have_count(0)
    assert "Not for bob" not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    visitor.close()
