"""Names that an author claims, although the address is new, in a real browser (WEBMAIL-161)."""

import imaplib
import re
import smtplib
from collections.abc import Iterator
from email.header import Header
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

EVIL = "mia77@evil.example"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server whose user wrote to Anna; it must have counted no panic."""
    with LocalServer(tmp_path / "server") as found:
        session = imaplib.IMAP4("127.0.0.1", found.port(143))
        session.login(found.user, found.password)
        text = f"From: {found.user}\r\nTo: Anna Berg <anna@nordlicht.example>\r\nSubject: Plan\r\n\r\nHello Anna\r\n"
        session.append("Sent", r"(\Seen)", "", text.encode())
        session.logout()
        yield found
        assert panics(found) == 0, found.log()


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
    reader.fill_in("/webmail/")
    page = reader.page
    row = page.locator(".message", has_text="Really")
    row.click()
    claim = page.locator(".claim")
    expect(claim).to_contain_text(
        f"This says it is from Anna Berg, whom you know as anna@nordlicht.example. The address {EVIL} is new."
    )
    expect(page.locator(".author-address")).to_be_hidden()
    page.screenshot(path=tmp_path / "claim.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    claim.get_by_role("button", name="It is really Anna Berg").click()
    expect(page.get_by_text(f"{EVIL} is in your contacts now")).to_be_visible()
    expect(claim).to_be_hidden()
    page.reload()
    expect(page.locator(".reader-body")).to_contain_text("Please pay today.")
    expect(page.locator(".trust")).to_contain_text("First mail from this address")
    expect(claim).to_be_hidden()
    page.goto(re.sub("#.*", "", page.url))
    page.locator(".message", has_text="False").click()
    expect(claim).to_contain_text("whom you know as anna@nordlicht.example")
    page.screenshot(path=tmp_path / "long.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    claim.get_by_role("button", name="Report phishing").click()
    expect(page.get_by_text("Marked as phishing").or_(page.get_by_text("moved to Junk")).first).to_be_visible()
    expect(page.locator(".message", has_text="False")).to_have_count(0)
    page.screenshot(path=tmp_path / "reported.png")
    reader.close()
