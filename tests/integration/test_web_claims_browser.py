"""Names that an author claims, although the address is new, in a real browser (WEBMAIL-161)."""

import imaplib
import re
import smtplib
from collections.abc import Iterator
from email.header import Header
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_webmail_device import kept, local, page, row
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local", "page"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

EVIL = "mia77@evil.example"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server whose user wrote to Anna; it must have counted no panic."""
    with LocalServer(tmp_path / "server") as found:
        write_to_anna(found)
        yield found
        assert panics(found) == 0, found.log()


def write_to_anna(server: LocalServer) -> None:
    """Add a message to Sent."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    text = f"From: {server.user}\r\nTo: Anna Berg <anna@nordlicht.example>\r\nSubject: Plan\r\n\r\nHello Anna\r\n"
    session.append("Sent", r"(\Seen)", "", text.encode())
    session.logout()


def deliver(server: LocalServer, name: str, subject: str, address: str = EVIL) -> None:
    """Let a message come by SMTP."""
    encoded = Header(name, "utf-8", maxlinelen=998).encode(linesep="")
    text = f"From: {encoded} <{address}>\r\nTo: {server.user}\r\nSubject: {subject}\r\n\r\nPlease pay today.\r\n"
    with smtplib.SMTP("127.0.0.1", server.port(25)) as sender:
        sender.sendmail(address, [server.user], text)


@pytest.mark.landing("True-True")
@pytest.mark.parametrize(("narrow", "dark"), [(False, False), (False, True), (True, False), (True, True)])
def test_a_known_name_at_a_new_address_is_confirmed_or_reported(
    chromium: Browser, server: LocalServer, tmp_path: Path, narrow: bool, dark: bool
) -> None:
    """WEBMAIL-161: a line in words; its buttons make it go. Directions in a name are signs."""
    deliver(server, "\u0410nna Berg", "Really")
    deliver(server, "Berg, Anna" + "\u200b" * 50, "False", f"{'x' * 60}@long.evil.example")
    size = {"width": 390, "height": 844} if narrow else {"width": 1280, "height": 900}
    reader = Visitor(chromium, server, viewport=size, has_touch=narrow, color_scheme="dark" if dark else "light")
    reader.enter("/webmail/")
    page = reader.page
    row = page.locator(".message", has_text="Really")
    row.click()
    claim = page.locator(".claim")
    expect(claim).to_contain_text(
        f"This claims to be from Anna Berg, known to you as anna@nordlicht.example, but {EVIL} is a new address."
    )
    expect(page.locator(".author-address")).to_be_hidden()
    page.screenshot(path=tmp_path / "claim.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    claim.get_by_role("button", name="This is really Anna Berg").click()
    expect(page.get_by_text("Added to your contacts")).to_be_visible()
    expect(claim).to_be_hidden()
    page.reload()
    expect(page.locator(".reader-body")).to_contain_text("Please pay today.")
    expect(page.locator(".trust")).to_have_text("Not signed. Anyone could have sent this message.")
    expect(claim).to_be_hidden()
    page.goto(re.sub("#.*", "", page.url))
    page.locator(".message", has_text="False").click()
    expect(claim).to_contain_text("known to you as anna@nordlicht.example")
    page.screenshot(path=tmp_path / "long.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    claim.get_by_role("button", name="Report phishing").click()
    expect(page.get_by_text("Marked as phishing").or_(page.get_by_text("moved to Junk")).first).to_be_visible()
    expect(page.locator(".message", has_text="False")).to_have_count(0)
    page.screenshot(path=tmp_path / "reported.png")
    reader.close()


def kept_lists(page: Page) -> str:
    """The lists that the browser keeps, as JSON."""
    found: str = page.evaluate(
        """() => new Promise((resolve) => {
          indexedDB.open("moxlite-webmail").onsuccess = ({ target: { result: database } }) => {
            database.transaction("lists").objectStore("lists").getAll().onsuccess = ({ target: { result } }) => {
              database.close();
              resolve(JSON.stringify(result));
            };
          };
        })"""
    )
    return found


def test_a_kept_copy_has_the_line_without_a_connection(page: Page, local: LocalServer) -> None:
    """WEBMAIL-161, WEBMAIL-121: its first button says that the server cannot be reached, and the line stays."""
    write_to_anna(local)
    deliver(local, "Anna Berg", "Really")
    row(page, "Really")
    expect(page.locator(".claim")).to_contain_text(EVIL)
    until(lambda: kept(page, "messages") >= 3 and "Really" in kept_lists(page), what="the message is kept")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("Not connected")).to_be_visible()
    row(page, "Really")
    expect(page.locator(".claim")).to_contain_text(EVIL)
    page.get_by_role("button", name="This is really Anna Berg").click()
    expect(page.get_by_text("Couldn't save contact")).to_be_visible()
    expect(page.locator(".claim")).to_contain_text(EVIL)
    page.context.set_offline(False)
