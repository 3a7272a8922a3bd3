"""The page of newsletters in a real browser (WEBMAIL-136a)."""

import imaplib
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.running import LocalServer
from tests.tools import until
from tests.webcalls import Caller

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with mail of two newsletters; it must have counted no panic."""
    with LocalServer(tmp_path_factory.mktemp("newsletters") / "server") as found:
        session = imaplib.IMAP4("127.0.0.1", found.port(143))
        session.login(found.user, found.password)
        for name, count in (("Shopwell", 25), ("<b>Ten\u202ewalks</b>", 3)):
            for number in range(count):
                host = "shopwell" if name == "Shopwell" else "walks"
                text = (
                    f"From: =?utf-8?q?{''.join(f'={one:02X}' for one in name.encode())}?= <news@{host}.example>\r\n"
                    f"Subject: Letter {number}\r\nMessage-ID: <{number}@{host}.example>\r\n"
                    f"List-Unsubscribe: <mailto:leave@{host}.example>\r\n\r\nWool socks.\r\n"
                )
                session.append("INBOX", "", "", text.encode())
        session.logout()
        yield found
        assert panics(found) == 0, found.log()


@pytest.mark.landing("True-True")
@pytest.mark.parametrize(("narrow", "dark"), [(False, False), (True, True)])
def test_newsletters_are_counted_left_and_archived(
    chromium: Browser, server: LocalServer, tmp_path: Path, narrow: bool, dark: bool
) -> None:
    """WEBMAIL-136a, WEBMAIL-118: by number; a hostile name is text; what is archived comes back by Undo."""
    size = {"width": 360, "height": 740} if narrow else {"width": 1280, "height": 900}
    reader = Visitor(chromium, server, viewport=size, has_touch=narrow, color_scheme="dark" if dark else "light")
    reader.enter("/webmail/")
    page = reader.page
    expect(page.locator(".message").first).to_be_visible()
    if narrow:
        page.get_by_role("button", name="Folders", exact=True).click()

    def there() -> bool:
        page.get_by_role("button", name="Account and settings").click()
        page.get_by_role("menuitem", name="Newsletters").click()
        rows = page.get_by_role("dialog", name="Newsletters").get_by_role("listitem")
        expect(
            page.get_by_role("status")
            .filter(has_text="sender")
            .or_(page.locator(".beside-body .hint", has_text="some"))
        )
        page.wait_for_timeout(500)  # the server gathers in the background: its own time
        if rows.count() == 2:
            return True
        page.get_by_role("button", name="Done").click()
        if narrow:
            page.get_by_role("button", name="Folders", exact=True).click()
        return False

    until(there)
    rows = page.get_by_role("dialog", name="Newsletters").get_by_role("listitem")
    expect(rows.nth(0)).to_contain_text("Shopwell")
    expect(rows.nth(0)).to_contain_text("25 messages")
    expect(rows.nth(1)).to_contain_text("<b>Ten[U+202E]walks</b>")
    page.wait_for_function(f"document.documentElement.scrollWidth <= {size['width']}")
    page.screenshot(path=tmp_path / "newsletters.png")
    rows.nth(0).get_by_role("button", name="Archive all").click()
    question = page.get_by_role("dialog", name="Archive all?")
    page.screenshot(path=tmp_path / "asked.png")
    question.get_by_role("button", name="Archive all").click()
    toast = page.locator(".toast", has_text="25 messages archived")
    toast.get_by_role("button", name="Undo").click()
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    until(lambda: session.select("INBOX")[1] == [b"28"] and session.search(None, "UNSEEN")[1][0].count(b" ") >= 20)
    session.logout()
    rows.nth(1).get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("button", name="Write message").click()
    expect(page.locator(".composer")).to_contain_text("leave@walks.example")
    expect(page.get_by_role("dialog", name="Newsletters")).to_have_count(0)
    reader.close()


@pytest.mark.landing("message")
@pytest.mark.parametrize("place", ["message", "page"])
def test_a_sender_that_goes_on_can_be_blocked(chromium: Browser, tmp_path: Path, place: str) -> None:
    """WEBMAIL-136, WEBMAIL-136a, WEBMAIL-142: eleven days after it was left the message, and the page of newsletters,
    say that it still writes; "Block" moves the message to Junk, and the next one goes there by itself.
    """
    with LocalServer(tmp_path / "server") as server:
        caller = Caller(server.port(80), server.user, server.password)
        caller.log_in()
        session = imaplib.IMAP4("127.0.0.1", server.port(143))
        session.login(server.user, server.password)

        def count(mailbox: str) -> str:
            answer = session.status(mailbox, "(MESSAGES)")[1][0]
            assert isinstance(answer, bytes)
            return answer.decode()

        def left_before(days: int) -> None:
            """Let the sender have been left so many days ago."""
            at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
            left = {"sender": "news@shopwell.example", "at": at}
            caller.call("settings_save", settings={"unsubscribed": [left]})

        deliver(server, "Letter 1")
        reader = Visitor(chromium, server)
        reader.enter("/webmail/")
        page = reader.page
        page.locator(".message", has_text="Letter 1").click()
        page.locator(".leaving").get_by_role("button", name="Unsubscribe").click()
        with page.expect_popup():
            page.get_by_role("button", name="Open page").click()
        told = page.locator(".reader .unsubscribed")
        expect(told).to_contain_text("Unsubscribed today")
        left_before(9)
        page.reload()
        expect(told).to_contain_text("Unsubscribed")
        expect(told).not_to_contain_text("but still getting mail")
        expect(page.get_by_role("button", name="Block", exact=True)).to_have_count(0)
        left_before(11)
        page.reload()
        expect(told).to_contain_text("but still getting mail")
        if place == "message":
            shown = page.locator(".reader")
        else:
            until(lambda: gathered(page))
            shown = page.get_by_role("dialog", name="Newsletters").get_by_role("listitem")
            expect(shown.locator(".unsubscribed")).to_contain_text("but still getting mail")
        shown.get_by_role("button", name="Block", exact=True).click()
        expect(page.locator(".toast", has_text="will go to “Junk”")).to_be_visible()
        expect(page.locator(".message")).to_have_count(0)
        until(lambda: count("Junk") == "Junk (MESSAGES 1)")
        deliver(server, "Letter 2")
        until(lambda: count("Junk") == "Junk (MESSAGES 2)")
        assert count("INBOX") == "INBOX (MESSAGES 0)"
        session.logout()
        reader.close()
        assert panics(server) == 0, server.log()


def deliver(server: LocalServer, subject: str) -> None:
    """Let a letter of a newsletter, which is left on a page, come by SMTP."""
    text = (
        f"From: Shopwell <news@shopwell.example>\r\nTo: {server.user}\r\nSubject: {subject}\r\n"
        "List-Unsubscribe: <https://shopwell.example/leave>\r\n\r\nWool socks.\r\n"
    )
    with smtplib.SMTP("127.0.0.1", server.port(25)) as sender:
        sender.sendmail("news@shopwell.example", [server.user], text)


def gathered(page: Page) -> bool:
    """Open the page of newsletters; whether a sender is there. Else it is closed again: the server gathers in the
    background.
    """
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Newsletters").click()
    found = page.get_by_role("dialog", name="Newsletters")
    expect(found.get_by_role("status")).not_to_have_text("Loading…")
    if found.get_by_role("listitem").count() == 1:
        return True
    page.get_by_role("button", name="Done").click()
    return False
