"""Keys of actions, and marks of junk, in a real browser."""

import imaplib
import re

import pytest
from playwright.sync_api import expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, local, reader, server
from tests.tools import until

__all__ = ["chromium", "local", "reader", "server"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


def flags(session: imaplib.IMAP4, mailbox: str) -> str:
    """The flags of the only message of a mailbox; "" while there is none."""
    _, count = session.select(mailbox, readonly=True)
    if count == [b"0"]:
        return ""
    _, data = session.fetch("1:*", "(FLAGS)")
    return b"".join(one for one in data if isinstance(one, bytes)).decode()


def test_junk_is_marked_trained_and_taken_back(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-82, WEBMAIL-71: q moves and marks, Q brings back to the Inbox, which says neither; M clears the rest."""
    page = reader.page
    append(mailbox, "Offer")
    page.locator(".message").first.click()
    page.keyboard.press("q")
    until(lambda: "$Junk" in flags(mailbox, "Junk"))
    page.locator(".mailbox-open", has_text="Junk").click()
    page.locator(".message", has_text="Offer").click()
    page.keyboard.press("Q")
    until(lambda: "Seen" in flags(mailbox, "INBOX"))
    assert "$Junk" not in flags(mailbox, "INBOX")
    page.keyboard.press("i")
    page.locator(".message", has_text="Offer").click()
    mailbox.select("INBOX")
    mailbox.store("1", "+FLAGS", "($NotJunk)")
    page.keyboard.press("M")
    until(lambda: re.search("Seen|NotJunk", flags(mailbox, "INBOX")) is None)
    page.keyboard.press("a")
    until(lambda: "$NotJunk" in flags(mailbox, "Archive"))


def test_b_opens_the_menu_of_the_mailbox(reader: Reader) -> None:
    """WEBMAIL-71, WEBMAIL-62."""
    reader.page.keyboard.press("b")
    expect(reader.page.get_by_role("dialog", name="Inbox")).to_contain_text("Mark all as read")


def test_a_clicked_action_shows_its_key(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-60: for a moment, so that the next time the key is enough."""
    page = reader.page
    append(mailbox, "Hint")
    page.locator(".message").first.click()
    # it may be gone before a slow machine looks
    page.evaluate(
        """() => {
          window.hints = [];
          new MutationObserver(() => {
            const hint = document.querySelector(".key-hint");
            if (hint !== null && !window.hints.includes(hint.textContent)) window.hints.push(hint.textContent);
          }).observe(document.body, { childList: true });
        }"""
    )
    page.locator(".toolbar").get_by_role("button", name="Archive").click()
    until(lambda: page.evaluate("window.hints") == ["a"])
    expect(page.locator(".key-hint")).to_have_count(0)


def test_spaces_of_an_address_stay_visible(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-75: two addresses that differ in a space look different."""
    octets = b'From: "a  b"@x.example\r\nTo: moxlite@localhost\r\nSubject: spaces\r\n\r\nx\r\n'
    mailbox.append("INBOX", "", "", octets)
    page = reader.page
    page.locator(".message", has_text="spaces").click()
    sender = page.locator(".reader-fields dd").first
    expect(sender).to_have_css("white-space", re.compile("pre-wrap|break-spaces"))
    assert "a  b" in (sender.text_content() or "")
    expect(page.locator(".message-people").first).to_have_css("white-space", "pre")
