"""One log-in for webmail and account page in a real browser: what the user sees of it, in two tabs and two browsers,
also on a server that quickstart made and root started.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.geometry import in_sight
from tests.integration.browser import Visitor, chromium
from tests.machine import hindrance_to_nets
from tests.quickstarted import FencedServer
from tests.rootserver import UID, hindrance
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    found = Visitor(chromium, server)
    log_in(found)
    yield found
    found.close()


def log_in(visitor: Visitor, *, stay: bool = False) -> None:
    """Log in to the webmail."""
    page = visitor.page
    page.goto(f"{visitor.base}/webmail/")
    page.get_by_label("Email address").fill(visitor.server.user)
    page.get_by_label("Password").fill(visitor.server.password)
    page.get_by_label("Keep me logged in on this device").set_checked(stay)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".list-title")).to_have_text("Inbox")


def account_page(visitor: Visitor) -> Page:
    """The account page in another tab of the browser."""
    page = visitor.context.new_page()
    page.on("pageerror", lambda error: visitor.problems.append(str(error)))
    page.goto(f"{visitor.base}/")
    return page


def shown(page: Page) -> None:
    """The account page is there, without a question."""
    expect(page.get_by_role("region", name="Addresses")).to_be_visible()
    expect(page.locator(".login-overlay")).to_have_count(0)


def test_the_account_page_opens_without_a_second_log_in(visitor: Visitor) -> None:
    """WEB-51a: by the link, and anew in the same browser; its title says what it is; log-out ends both."""
    page = visitor.page
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Settings").click()
    shown(page)
    expect(page).to_have_title("Addresses · Account · moxlite")
    in_sight(page.locator(".me .who"))
    page.reload()
    shown(page)
    other = account_page(visitor)
    shown(other)
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_label("Email address")).to_be_visible()
    page.goto(f"{visitor.base}/webmail/")
    expect(page.get_by_label("Email address")).to_be_visible()


def test_log_out_of_the_webmail_closes_the_account_page(visitor: Visitor) -> None:
    """WEB-51a: and a page of it that is open asks at its next call."""
    account = account_page(visitor)
    shown(account)
    visitor.page.evaluate(
        """async () => {
          const headers = { "x-moxlite-csrf": localStorage["moxlite-webmail-csrf"] };
          headers["content-type"] = "application/json";
          await fetch("api/logout", { method: "POST", body: "{}", headers });
        }"""
    )
    visitor.page.evaluate("localStorage.removeItem('moxlite-webmail-csrf')")
    account.evaluate("location.hash = 'security'")
    expect(account.get_by_label("Email address")).to_be_visible()
    account.reload()
    expect(account.get_by_label("Email address")).to_be_visible()


def test_two_tabs_at_once_are_both_logged_in(visitor: Visitor) -> None:
    """WEB-51a: the token of one of them replaces the other's."""
    tabs = [visitor.context.new_page() for _ in range(3)]
    for tab in tabs:
        tab.goto(f"{visitor.base}/", wait_until="commit")
    for tab in tabs:
        shown(tab)
    for tab in tabs:
        tab.evaluate("location.hash = 'security'")
        expect(tab.get_by_role("heading", name="Security")).to_be_visible()


def test_a_device_that_stays_logged_in_is_asked_for_the_password(chromium: Browser, server: LocalServer) -> None:
    """WEB-51a, WEB-63a: before an export of all mail, though the log-in was a moment ago."""
    visitor = Visitor(chromium, server)
    log_in(visitor, stay=True)
    account = account_page(visitor)
    shown(account)
    account.evaluate("location.hash = 'transfer'")
    account.get_by_role("button", name="Download").click()
    asked = account.get_by_role("dialog", name="Confirm it's you")
    in_sight(asked)
    asked.get_by_label("Password").fill(server.password)
    with account.expect_download() as download:
        asked.get_by_role("button", name="Continue").click()
    assert download.value.suggested_filename.startswith("mailexport-all-")
    visitor.expect_problem("403")
    visitor.close()


def test_another_browser_has_a_log_in_of_its_own(visitor: Visitor, chromium: Browser, server: LocalServer) -> None:
    """WEB-51a: a log-in here does not log in there."""
    shown(account_page(visitor))
    stranger = Visitor(chromium, server)
    stranger.page.goto(f"{stranger.base}/")
    expect(stranger.page.get_by_label("Email address")).to_be_visible()
    stranger.close()


@pytest.mark.nightly
@pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "-")
def test_it_is_so_where_root_starts_what_quickstart_made(chromium: Browser) -> None:
    """WEB-51a, ADMIN-40: with the fences of the unit, and after a restart."""
    if why := hindrance_to_nets():
        pytest.skip(f"this machine allows no fences: {why}")
    with tempfile.TemporaryDirectory(prefix="moxlite-one-login-") as name:
        Path(name).chmod(0o755)
        real = FencedServer(Path(name) / "server")
        real.backups.mkdir()
        os.chown(real.backups, UID, UID)
        real.start()
        try:
            reached = SimpleNamespace(
                port=lambda _: real.ports["webmail_http"], user="you@example.org", password=real.passwords["account"]
            )
            visitor = Visitor(chromium, cast("LocalServer", reached))
            log_in(visitor, stay=True)
            account = account_page(visitor)
            shown(account)
            real.restart()
            account.reload()
            shown(account)
            account.get_by_role("button", name="Log out").click()
            expect(account.get_by_label("Email address")).to_be_visible()
            visitor.page.goto(f"{visitor.base}/webmail/")
            expect(visitor.page.get_by_label("Email address")).to_be_visible()
            visitor.close()
        finally:
            real.stop()
