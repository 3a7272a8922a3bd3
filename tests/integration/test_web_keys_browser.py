"""Keys of actions, and marks of junk, in a real browser."""

import imaplib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.browser import chromium
from tests.integration.conftest import panics
from tests.integration.test_web_webmail_browser import Reader, append, local, reader
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_webmail_browser.py::test_the_keyboard_is_enough"),
]

REJECTS = "Rejects"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server whose account keeps what is refused."""
    found = LocalServer(tmp_path_factory.mktemp("keys") / "server")
    path = found.folder / "config" / "domains.toml"
    text = path.read_text()
    assert text.count("[accounts.moxlite]\n") == 1
    path.write_text(text.replace("[accounts.moxlite]\n", f'[accounts.moxlite]\nrejects_mailbox = "{REJECTS}"\n'))
    with found:
        yield found
        assert panics(found) == 0, found.log()


def flags(session: imaplib.IMAP4, mailbox: str) -> str:
    """Flags of a mailbox's only message, or "" while it is empty."""
    _, count = session.select(mailbox, readonly=True)
    if count == [b"0"]:
        return ""
    _, data = session.fetch("1:*", "(FLAGS)")
    return b"".join(one for one in data if isinstance(one, bytes)).decode()


def test_junk_is_marked_trained_and_taken_back(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-82, WEBMAIL-71: q moves and marks, Q brings back to the Inbox and marks; M clears that."""
    page = reader.page
    append(mailbox, "Offer")
    page.locator(".message").first.click()
    page.keyboard.press("q")
    until(lambda: "$Junk" in flags(mailbox, "Junk"))
    page.locator(".mailbox-open", has_text="Junk").click()
    page.locator(".message", has_text="Offer").click()
    page.keyboard.press("Q")
    until(lambda: "$NotJunk" in flags(mailbox, "INBOX"))
    assert "$Junk" not in flags(mailbox, "INBOX")
    page.keyboard.press("i")
    page.locator(".message", has_text="Offer").click()
    page.keyboard.press("M")
    until(lambda: re.search("Seen|NotJunk", flags(mailbox, "INBOX")) is None)
    page.keyboard.press("a")
    until(lambda: "$NotJunk" in flags(mailbox, "Archive"))


def test_what_is_read_for_a_while_is_wanted_but_not_in_junk_or_rejects(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-81: after five seconds, which the page's clock jumps over; actions are sent in their order, so that a
    mark in Rejects or Junk would have been there before the one in the Inbox.
    """
    mailbox.create(REJECTS)
    append(mailbox, "Refused", mailbox=REJECTS)
    append(mailbox, "Unsure", mailbox="Junk")
    mailbox.select("Junk")
    mailbox.store("1", "-FLAGS", "($Junk)")  # as of what the filter has moved there
    append(mailbox, "Wanted")
    page = reader.context.new_page()
    page.clock.install()
    page.goto(f"{reader.base}/webmail/#Junk")
    for subject, place in (("Unsure", "Junk"), ("Refused", REJECTS), ("Wanted", "INBOX")):
        page.locator(".mailbox-open", has_text=re.compile(place, re.IGNORECASE)).click()
        page.locator(".message", has_text=subject).click()
        expect(page.locator(".reader-subject")).to_have_text(subject)
        expect(page.locator(".text-part")).to_be_visible()
        page.clock.fast_forward(6000)
        until(lambda place=place: "\\Seen" in flags(mailbox, place))  # type: ignore[misc] # bound now
    until(lambda: "$NotJunk" in flags(mailbox, "INBOX"))
    assert "$NotJunk" not in flags(mailbox, REJECTS) + flags(mailbox, "Junk")
    mailbox.delete(REJECTS)


def test_shift_b_opens_the_menu_of_the_mailbox(reader: Reader) -> None:
    """WEBMAIL-71, WEBMAIL-62."""
    reader.page.keyboard.press("B")
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


def test_a_toast_stays_while_the_pointer_or_the_focus_is_on_it(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-66e: its ten seconds begin anew when both have left it."""
    page = reader.page
    page.clock.install()
    append(mailbox, "Minutes")
    page.locator(".message").first.click()
    page.keyboard.press("a")
    toast = page.locator(".toast", has_text="Archive")
    toast.hover()
    page.clock.run_for(60_000)
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Undo").focus()
    page.mouse.move(5, 5)
    page.clock.run_for(60_000)
    expect(toast).to_be_visible()
    page.locator(".messages").focus()
    page.clock.run_for(11_000)
    expect(toast).to_have_count(0)


def one_stop(page: Page, bar: Locator) -> None:
    """The bar is one stop of the tab key; arrows, Home and End move within, past disabled ones; it is entered where
    it was left.
    """
    stops = bar.locator("button[tabindex='0']")
    expect(stops).to_have_count(1)
    stops.focus()
    page.keyboard.press("End")
    last = bar.locator("button:visible:enabled").last
    expect(last).to_be_focused()
    page.keyboard.press("ArrowRight")
    first = bar.locator("button:visible:enabled").first
    expect(first).to_be_focused()
    page.keyboard.press("ArrowRight")
    second = bar.locator("button:visible:enabled").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("Tab")
    expect(bar.locator(":focus")).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    expect(second).to_be_focused()
    page.keyboard.press("Home")
    expect(first).to_be_focused()
    expect(stops).to_have_count(1)


def test_the_bar_above_a_message_is_one_stop_of_the_tab_key(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-144: at the last message the focus goes from the step forward to the step back."""
    append(mailbox, "Minutes")
    reader.page.locator(".message").first.click()
    bar = reader.page.get_by_role("toolbar", name="Actions")
    one_stop(reader.page, bar)
    append(mailbox, "Plans")
    reader.page.locator(".message", has_text="Plans").click()
    expect(bar.locator(".toolbar-at")).to_have_text("1 of 2")
    one_stop(reader.page, bar)
    bar.get_by_role("button", name="Next message").press("Enter")
    expect(bar.locator(".toolbar-at")).to_have_text("2 of 2")
    expect(bar.get_by_role("button", name="Previous message")).to_be_focused()
    one_stop(reader.page, bar)


def test_the_bars_of_the_list_and_of_the_composer_are_one_stop_each(reader: Reader) -> None:
    """WEBMAIL-144: also after a button of the bar has gone."""
    page = reader.page
    one_stop(page, page.get_by_role("toolbar", name="List options"))
    page.keyboard.press("c")
    composer = page.locator(".composer")
    one_stop(page, composer.get_by_role("toolbar", name="Composing"))
    fields = composer.get_by_role("toolbar", name="More fields")
    one_stop(page, fields)
    fields.get_by_role("button", name="Cc", exact=True).press("Enter")
    expect(composer.get_by_label("Cc", exact=True)).to_be_focused()
    one_stop(page, fields)
    composer.get_by_role("button", name="Close").click()


@pytest.mark.parametrize("place", ["Calendar", "Contacts"])
def test_keys_that_were_pressed_before_a_place_was_there_run(reader: Reader, place: str) -> None:
    """WEBMAIL-71: they are repeated at the document, which is no element."""
    page = reader.page
    page.get_by_role("navigation").get_by_text(place, exact=True).click()
    expect(page.get_by_role("navigation").get_by_text(place, exact=True)).to_be_visible()
    for key in ("ArrowRight", "x", "Escape"):
        page.evaluate("key => document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))", key)
