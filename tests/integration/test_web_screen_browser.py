"""Where things are on the webmail's screen, at five widths: what moves, what is covered, what is out of sight.

Each test has fresh pages and sessions (tests/geometry.py), on a server whose mail it brings itself.
"""

import imaplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from playwright.sync_api import Browser, expect

from tests.geometry import WIDTHS, Box, boxes, fresh, in_sight, near, rows_stay, within_window
from tests.integration.browser import chromium
from tests.running import LocalServer
from tests.webcalls import send_at_once

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.server(send_at_once),
]


@pytest.fixture
def session(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session with an empty Inbox selected."""
    found = imaplib.IMAP4("127.0.0.1", server.port(143))
    found.login(server.user, server.password)
    if found.select("INBOX")[1] != [b"0"]:
        found.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        found.expunge()
    yield found
    found.logout()


def letter(subject: str, text: str = "Some text.\n", html: str = "", answers: str = "") -> bytes:
    """A message with lines that end in CRLF; `answers` is the subject of the message before it in a conversation."""
    made = EmailMessage()
    made["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    made["To"] = "moxlite@localhost"
    made["Subject"] = subject
    made["Message-ID"] = f"<{subject.encode().hex()}@nordlicht.example>"
    if answers:
        made["In-Reply-To"] = made["References"] = f"<{answers.encode().hex()}@nordlicht.example>"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made.as_bytes(policy=SMTP)


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_the_list_stays_where_it_is(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int, closed: bool
) -> None:
    """WEBMAIL-163: new mail, a flag, a move elsewhere, and the loss of the open message; keys alone scroll to a row."""
    for number in range(80):
        session.append("INBOX", "(\\Seen)", "", letter(f"Letter {number}"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        rows = page.locator(".messages")
        page.locator(".message-subject").nth(1).click()
        expect(page.locator(".reader-subject")).to_have_text("Letter 78")
        if closed and width > 700:
            page.keyboard.press("Escape")
        elif closed:
            page.get_by_role("button", name="Back").click()
        rows.evaluate("(list) => list.scrollTo(0, 2000)")
        count = page.locator(".list-count")
        expect(count).to_contain_text("80")
        with rows_stay(page):
            session.append("INBOX", "", "", letter("New"))
            expect(count).to_contain_text("81")
        with rows_stay(page):
            session.store("79", "+FLAGS", "(\\Flagged)")
            session.append("INBOX", "", "", letter("Newer"))
            expect(count).to_contain_text("82")
        with rows_stay(page):
            session.copy("78", "Archive")
            session.store("78", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
            expect(count).to_contain_text("81")
        with rows_stay(page):
            session.store("78", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
            expect(count).to_contain_text("80")
        if width > 700:
            rows.focus()
            page.keyboard.press("j")
            expect(page.locator(".message.focused")).to_be_in_viewport()
            within_window(page.locator(".message.focused"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("button", ["More fields", "Templates"])
def test_the_menus_of_a_fresh_composer_are_at_their_buttons(
    chromium: Browser, server: LocalServer, width: int, button: str
) -> None:
    """WEBMAIL-164: the first thing that a fresh page does; nothing else moves."""
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".compose-round, .compose-new").locator("visible=true").click()
        composer = page.locator(".composer")
        in_sight(composer.locator(".compose-text"))
        before = Box.of(composer)
        opener = composer.get_by_role("button", name=button)
        opener.click()
        menu = page.get_by_role("menu", name=button)
        in_sight(menu)
        near(menu, opener, 8)
        for item in boxes(menu.get_by_role("menuitem")):
            assert item.height >= (44 if width < 700 else 24)
        assert Box.of(composer) == before
        assert page.evaluate("document.scrollingElement.scrollTop") == 0


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("button", ["What the list shows", "More for this message", "More actions"])
def test_menus_open_at_their_buttons(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int, button: str
) -> None:
    """WEBMAIL-164: of the list, of a message, and of what a bar has no room for."""
    session.append("INBOX", "(\\Seen)", "", letter("Minutes"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        row = page.locator(".message-subject", has_text="Minutes")
        expect(row).to_be_visible()
        opener = page.get_by_role("button", name=button)
        if button != "What the list shows":
            row.click()
            expect(page.locator(".text-part")).to_be_visible()
        if button == "More actions" and not opener.is_visible():
            return  # there is room for all
        opener.click()
        menu = page.get_by_role("menu", name=button)
        in_sight(menu)
        near(menu, opener, 8)
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        expect(opener).to_be_focused()
