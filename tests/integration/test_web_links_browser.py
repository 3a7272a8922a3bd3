"""Linked accounts in a real browser, at a desk and on a phone; the other provider is Dovecot (LINK-22..25)."""

import imaplib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.geometry import WIDTHS, in_sight, within_window
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_axe_browser import faults
from tests.realservers import Dovecot
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


def fill(page: Page, dovecot: Dovecot, server: LocalServer, password: str) -> None:
    """Fill in the second step of the dialog: other servers than those that were found. Mail is sent by our own."""
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Display name").fill("Elsewhere")
    if not page.get_by_label("Server", exact=True).is_visible():
        page.get_by_text("Other settings").click()
    page.get_by_label("Server", exact=True).fill("127.0.0.1")
    page.get_by_label("Encryption", exact=True).select_option("none")
    page.get_by_label("Port", exact=True).fill(str(dovecot.port))
    page.get_by_label("Username", exact=True).fill("ann")
    page.get_by_label("SMTP server").fill("localhost")
    page.get_by_label("SMTP port").fill(str(server.port(465)))
    page.get_by_label("SMTP username").fill(server.user)
    page.get_by_role("dialog").get_by_role("button", name="Add account").click()


def chosen(page: Page, name: str, title: str) -> None:
    """Choose something from the menu of a link."""
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=title, exact=True).click()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_a_mailbox_is_found_added_paused_and_removed(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int
) -> None:
    """LINK-22..24, LINK-26, LINK-31: from an empty page; what cannot be is told at its field; the state changes by
    itself; axe finds nothing, and all fits into the window.
    """
    with Dovecot(tmp_path / "dovecot") as dovecot:
        with imaplib.IMAP4("127.0.0.1", dovecot.port) as theirs:
            theirs.login("ann", "moxmoxmox")
            theirs.append("INBOX", "", '" 1-Feb-2021 10:00:00 +0100"', b"Subject: boats\r\n\r\nx\r\n")
        visitor = Visitor(chromium, server, viewport={"width": width, "height": WIDTHS[width]})
        visitor.expect_problem("400")
        visitor.enter("/#links")
        page = visitor.page
        expect(page.get_by_text("No linked accounts yet")).to_be_visible()
        page.get_by_role("button", name="Add account").first.click()
        address = page.get_by_label("Address", exact=True)
        address.fill("ann@outlook.com")
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".field .error:visible")).to_contain_text("Microsoft no longer allows other apps to log in")
        address.fill("ann@gmail.com")
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_role("dialog")).to_contain_text("Gmail requires an app password")
        link = page.get_by_role("link", name=re.compile("Create app password"))
        expect(link).to_have_attribute("href", "https://myaccount.google.com/apppasswords")
        expect(link).to_have_attribute("rel", "noopener noreferrer")
        within_window(link)  # it may be on two lines
        fill(page, dovecot, server, "wrong")
        expect(page.locator(".field .error:visible")).to_contain_text("Login failed")
        expect(page.get_by_label("Password", exact=True)).to_be_focused()
        wrong = faults(visitor, "the dialog")
        fill(page, dovecot, server, server.password)
        row = page.get_by_role("row").filter(has_text="Elsewhere")
        expect(row).to_contain_text("connected")
        expect(row).to_contain_text("ann@gmail.com")
        expect(row).to_contain_text("sends through localhost")
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        wrong += faults(visitor, "the list")
        pause = row.get_by_role("button", name="Pause Elsewhere")
        pause.scroll_into_view_if_needed()
        in_sight(pause)
        pause.click()
        expect(row).to_contain_text("paused")
        row.get_by_role("button", name="Resume Elsewhere").click()
        expect(row).to_contain_text("connected")
        chosen(page, "Elsewhere", "New password")
        page.get_by_label("Password", exact=True).fill("moxmoxmox")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(row).to_contain_text("connected")
        chosen(page, "Elsewhere", "Sending")
        page.get_by_label("Send from this address").uncheck()
        expect(page.get_by_label("SMTP server")).to_be_hidden()
        page.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("receive only")
        chosen(page, "Elsewhere", "Sorting")
        page.get_by_label("Sort new mail").check()
        page.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("sorts new mail")
        dovecot.stop()
        expect(row).to_contain_text("no connection")
        expect(row).to_contain_text("Next attempt")
        expect(row.get_by_role("button", name="Try now: Elsewhere")).to_be_visible()
        chosen(page, "Elsewhere", "Unlink")
        expect(page.get_by_role("dialog")).to_contain_text("Your mail at 127.0.0.1 won't be deleted.")
        page.get_by_label("Also delete copied mail from this account").check()
        wrong += faults(visitor, "the question")
        page.get_by_role("button", name="Unlink account").click()
        expect(page.get_by_text("No linked accounts yet")).to_be_visible()
        visitor.close()
    assert wrong == [], "\n".join(f"{place}: {one}" for place, one in wrong)


@pytest.mark.parametrize("width", [1440, 390])
def test_rows_of_six_links_have_a_button_and_a_menu(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int
) -> None:
    """LINK-22: by keyboard, too; the focus comes back to the row; the menu of the last row is in sight; axe finds
    nothing.
    """
    names = [f"Far{number}" for number in range(6)]
    with Dovecot(tmp_path / "dovecot") as dovecot:
        for name in names:
            place = ("--host", "127.0.0.1", "--port", str(dovecot.port), "--tls", "none", "--user", name.lower())
            asked = ("--name", name, "--no-sending", *place)
            server.cli("link", "add", "moxlite", f"{name}@far.example", *asked, stdin="moxmoxmox\n")
        visitor = Visitor(chromium, server, viewport={"width": width, "height": WIDTHS[width]})
        visitor.enter("/#links")
        page = visitor.page
        rows = page.locator(".records tbody tr")
        expect(rows.filter(has_text="connected")).to_have_count(6)
        for name in names:
            expect(rows.filter(has_text=name).get_by_role("button")).to_have_count(2)
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        last = page.get_by_role("button", name="Actions for Far5")
        last.focus()
        page.keyboard.press("Enter")
        menu = page.get_by_role("menu", name="Actions for Far5")
        expect(menu.get_by_role("menuitem", name="Sending")).to_be_focused()
        in_sight(menu)
        within_window(menu)
        wrong = faults(visitor, "the menu")
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        expect(last).to_be_focused()
        page.keyboard.press("Enter")
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        expect(menu.get_by_role("menuitem", name="Rename")).to_be_focused()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_label("Name").fill("Last")
        page.keyboard.press("Enter")
        expect(rows.filter(has_text="Last")).to_contain_text("connected")
        expect(rows.filter(has_text="Far5@far.example")).to_have_count(1)
        server.cli("link", "pause", "moxlite", "Far0")
        expect(rows.filter(has_text="Far0").get_by_role("button", name="Resume Far0")).to_be_visible()
        for name in [*names[:5], "Last"]:
            server.cli("link", "rm", "moxlite", name, "--delete", "--yes")
        expect(page.get_by_text("No linked accounts yet")).to_be_visible()
        visitor.close()
    assert wrong == [], "\n".join(f"{place}: {one}" for place, one in wrong)


def test_without_a_found_server_its_name_is_asked_for(chromium: Browser, server: LocalServer) -> None:
    """LINK-23: in Arabic, too, where all runs from right to left."""
    visitor = Visitor(chromium, server, viewport={"width": 390, "height": 844}, locale="ar")
    visitor.expect_problem("400")
    page = visitor.page
    page.goto(f"{visitor.base}/#links")
    page.locator("input[inputmode=email]").fill(server.user)
    page.locator("input[type=password]").fill(server.password)
    page.locator("input[type=password]").press("Enter")
    page.locator("main").get_by_role("button").first.click()
    page.locator("dialog input").fill("ann@nowhere.localhost")
    page.locator("dialog button[type=submit]").click()
    host = page.locator("dialog input[name=host]")
    expect(host).to_be_focused()
    expect(page.locator("dialog .notice.warn")).to_contain_text("nowhere.localhost")
    assert page.evaluate("getComputedStyle(document.querySelector('dialog')).direction") == "rtl"
    page.wait_for_function(
        "document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth"
    )
    visitor.close()
