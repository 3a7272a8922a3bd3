"""Many tabs of one browser at one webmail, more than a browser has connections to a host."""

import imaplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, WebSocket, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append
from tests.running import LocalServer
from tests.tools import until
from tests.webcalls import send_at_once

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_a_message_arrives_without_reload_and_is_read"
    ),
]

TABS = 7
"""One more than the connections that a browser has to a host by HTTP/1.1."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server of one's own: it is killed."""
    with LocalServer(tmp_path / "server") as found:
        send_at_once(found)
        yield found


def session_of(server: LocalServer) -> imaplib.IMAP4:
    """A session of IMAP."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    session.select("INBOX")
    return session


def test_seven_tabs_of_a_browser_are_live_also_after_the_server_was_killed(
    chromium: Browser, server: LocalServer
) -> None:
    """WEBMAIL-32, WEBMAIL-33: each shows new mail, opens a message and archives it, which the others see."""
    reader = Reader(chromium, server)
    reader.log_in()
    expect(reader.page.locator(".list-title")).to_have_text("Inbox")
    sockets: list[WebSocket] = []
    tabs = [reader.page]
    for _ in range(TABS - 1):
        page = reader.context.new_page()
        page.on("websocket", lambda socket: sockets.append(socket))
        page.on("pageerror", lambda error: reader.problems.append(str(error)))
        page.goto(f"{reader.base}/webmail/")
        expect(page.locator(".list-title")).to_have_text("Inbox")
        tabs.append(page)
    # three tabs hold an SSE stream
    assert len(sockets) == TABS - 3
    for life in ("before", "after"):
        imap = session_of(server)
        for number in range(TABS):
            append(imap, f"Mail {number} {life}")
        for page in tabs:
            expect(page.locator(".message")).to_have_count(TABS)
        for number, page in enumerate(tabs):
            page.locator(".message", has_text=f"Mail {number} {life}").click()
            expect(page.locator(".reader-subject")).to_have_text(f"Mail {number} {life}")
            expect(page.locator(".reader-body")).to_contain_text("Some text.")
        for page in tabs:
            page.locator(".toolbar").get_by_role("button", name="Archive").click()
        for page in tabs:
            expect(page.locator(".message")).to_have_count(0)
        until(lambda imap=imap: imap.select("INBOX")[1] == [b"0"])  # type: ignore[misc] # bound now
        if life == "after":
            break
        server.kill()
        for page in tabs:
            expect(page.locator(".offline")).to_contain_text("Not connected")
        server.start()
        for page in tabs:
            page.evaluate("dispatchEvent(new Event('focus'))")
            expect(page.locator(".offline")).to_be_hidden(timeout=90_000)
    reader.close()
