"""Settings in a real browser: what they change, and that other pages follow."""

import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.geometry import Box
from tests.integration.browser import chromium
from tests.integration.test_web_reading_browser import NEWSLETTER
from tests.integration.test_web_webmail_browser import Reader, append, local, reader
from tests.running import LocalServer

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]


@contextmanager
def saved(page: Page) -> Iterator[None]:
    """What is changed within the block is saved."""
    with page.expect_response("**/api/preferences_save"):
        yield


def test_settings_change_the_pages_that_are_open(
    reader: Reader, chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path
) -> None:
    """WEBMAIL-10, WEBMAIL-105: dark, compact, a signature; another browser has them at once, and a new page."""
    other = Reader(chromium, local)
    other.log_in()
    page = reader.page
    append(mailbox, "One")
    expect(page.locator(".message")).to_have_count(1)
    with reader.settings("appearance") as settings:
        with saved(settings):
            settings.get_by_label("Theme").select_option("dark")
        expect(settings.locator("body")).to_have_css("background-color", "rgb(20, 26, 30)")
        with saved(settings):
            settings.get_by_label("List density").select_option("compact")
        settings.screenshot(path=tmp_path / "settings.png")
        settings.goto(f"{reader.base}/#writing")
        settings.get_by_label("Signature", exact=True).fill("Mia\nVänern")
        with saved(settings):
            settings.get_by_role("button", name="Save").click()
        settings.screenshot(path=tmp_path / "writing.png")
        settings.goto(f"{reader.base}/#shortcuts")
        with saved(settings):
            settings.get_by_label("Single-letter shortcuts").uncheck()
    for one in (page, other.page):
        expect(one.locator("body")).to_have_class(re.compile("compact"))
        expect(one.locator("body")).to_have_css("background-color", "rgb(20, 26, 30)")
        expect(one.locator(".message")).to_have_css("height", "40px")
    page.screenshot(path=tmp_path / "dark.png")
    other.close()
    page.keyboard.press("c")
    expect(page.locator(".composer")).to_have_count(0)
    page.get_by_role("button", name="New message").click()
    expect(page.locator(".composer").get_by_label("Text")).to_have_value("\n\n-- \nMia\nVänern")
    page.locator(".composer").get_by_label("Close").click()
    page.reload()
    expect(page.locator(".message")).to_have_css("height", "40px")
    expect(page.locator("body")).to_have_css("background-color", "rgb(20, 26, 30)")
    with reader.settings("appearance") as settings:
        with saved(settings):
            settings.get_by_label("Theme").select_option("auto")
        with saved(settings):
            settings.get_by_label("List density").select_option("comfortable")
        settings.goto(f"{reader.base}/#writing")
        settings.get_by_label("Signature", exact=True).fill("")
        with saved(settings):
            settings.get_by_role("button", name="Save").click()
        settings.goto(f"{reader.base}/#shortcuts")
        with saved(settings):
            settings.get_by_label("Single-letter shortcuts").check()
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator(".message")).to_have_css("height", "56px")


def test_settings_are_reached_from_all_places_and_lead_back(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEB-62b, WEBMAIL-105: by the gear from mail, calendar and contacts; back, forward, a reload and a fresh tab; the
    places are above the rooms.
    """
    page = reader.page
    append(mailbox, "One")
    expect(page.locator(".message")).to_have_count(1)
    for place in ("Mail", "Calendar", "Contacts"):
        page.get_by_role("navigation", name="Places").get_by_role("link", name=place, exact=True).click()
        page.get_by_role("button", name="Settings", exact=True).click()
        expect(page.get_by_role("heading", name="Addresses", level=2)).to_be_visible()
        page.get_by_role("link", name="Writing").click()
        expect(page.get_by_label("Signature", exact=True)).to_be_visible()
        page.get_by_role("navigation", name="Places").get_by_role("link", name=place, exact=True).click()
        expect(page.get_by_role("link", name=place, exact=True)).to_have_attribute("aria-current", "page")
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Mail", exact=True).click()
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("link", name="Writing").click()
    expect(page.get_by_label("Signature", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_label("Signature", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Addresses", level=2)).to_be_visible()
    page.go_forward()
    expect(page.get_by_label("Signature", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Addresses", level=2)).to_be_visible()
    page.go_back()
    expect(page.locator(".message")).to_have_count(1)
    with reader.settings("notifications") as fresh:
        expect(fresh.get_by_label("Notify me about new mail on this device")).to_be_visible()
        expect(fresh).to_have_title("Notifications · Account · moxlite")


def test_settings_leave_what_is_written_as_it_is(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-105: a message that is being written is there again after the settings."""
    page = reader.page
    page.keyboard.press("c")
    page.locator(".composer").get_by_label("Text").fill("Half a thought")
    page.get_by_role("button", name="Settings", exact=True).click()
    expect(page.get_by_role("heading", name="Addresses", level=2)).to_be_visible()
    page.go_back()
    expect(page.locator(".composer").get_by_label("Text")).to_have_value("Half a thought")


def test_a_search_over_settings_shows_the_switch_itself(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEB-62c: what is saved as it is changed is changed among the results; the search has an address."""
    page = reader.page
    append(mailbox, "One")
    expect(page.locator(".message")).to_have_css("height", "56px")
    with reader.settings("search") as settings:
        settings.get_by_role("searchbox", name="Search settings").fill("density")
        with saved(settings):
            settings.get_by_label("List density").select_option("compact")
        expect(page.locator(".message")).to_have_css("height", "40px")
        settings.reload()
        expect(settings.get_by_label("List density")).to_have_value("compact")
        with saved(settings):
            settings.get_by_label("List density").select_option("comfortable")
        for words, label in (
            ("undo", "Undo send"),
            ("quote", "Start replies"),
            ("html", "Show messages as designed (HTML) instead of plain text"),
            ("mark read", "Mark as read"),
            ("quiet", "Quiet hours start"),
            ("shortcut click", "Show shortcut when you click an action"),
        ):
            settings.get_by_role("searchbox", name="Search settings").fill(words)
            expect(settings.get_by_label(label, exact=True)).to_be_visible()
        settings.get_by_role("searchbox", name="Search settings").fill("density")
        settings.get_by_role("link", name="You › Appearance").click()
        expect(settings.get_by_label("List density")).to_be_focused()
    expect(page.locator(".message")).to_have_css("height", "56px")


def test_the_way_to_show_a_sender_is_remembered_and_forgotten(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-55, WEBMAIL-56: text is remembered for the sender, also for other messages of it."""
    page = reader.page
    append(mailbox, "First", html=NEWSLETTER)
    append(mailbox, "Second", html=NEWSLETTER)
    expect(page.locator(".message")).to_have_count(2)
    page.locator(".message", has_text="First").click()
    expect(page.frame_locator("iframe.html").locator(".button")).to_be_visible()
    menu = page.get_by_role("button", name="More actions")
    forget = page.get_by_role("menuitem", name="Reset view for this sender")
    menu.click()
    expect(forget).to_have_count(0)
    page.get_by_role("menuitem", name="Show as plain text").click()
    expect(page.locator(".text-part")).to_be_visible()
    page.locator(".message", has_text="Second").click()
    expect(page.locator(".reader-subject")).to_have_text("Second")
    expect(page.locator(".text-part")).to_be_visible()
    menu.click()
    with page.expect_response("**/api/from_address_settings_save"):
        forget.click()
    page.locator(".message", has_text="First").click()
    expect(page.frame_locator("iframe.html").locator(".button")).to_be_visible()


def test_tables_in_text_are_lined_up(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-56a: in a font of fixed width, for all text of the sender, until the view is reset."""
    page = reader.page
    append(mailbox, "First", "iiii | 1\nMMMM | 2\n")
    append(mailbox, "Second", "iiii | 1\nMMMM | 2\n")
    expect(page.locator(".message")).to_have_count(2)
    page.locator(".message", has_text="First").click()
    menu = page.get_by_role("button", name="More actions")
    menu.click()
    with page.expect_response("**/api/from_address_settings_save"):
        page.get_by_role("menuitem", name="Use fixed-width font").click()
    expect(page.locator(".text-part .text")).to_have_css("font-family", re.compile("monospace"))
    page.locator(".message", has_text="Second").click()
    expect(page.locator(".reader-subject")).to_have_text("Second")
    expect(page.locator(".text-part .text")).to_have_css("font-family", re.compile("monospace"))
    menu.click()
    expect(page.get_by_role("menuitem", name="Use standard font")).to_be_visible()
    with page.expect_response("**/api/from_address_settings_save"):
        page.get_by_role("menuitem", name="Reset view for this sender").click()
    page.locator(".message", has_text="First").click()
    expect(page.locator(".text-part .text")).not_to_have_css("font-family", re.compile("monospace"))


def test_panes_are_laid_out_and_sized(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-58: by width, by choice, by the bar between them, by mouse and by keys; kept by the browser."""
    page = reader.page
    append(mailbox, "One")
    page.locator(".message").first.click()
    bar = page.get_by_role("separator", name="List size")
    expect(bar).to_have_attribute("aria-orientation", "vertical")
    width = page.locator(".middle").bounding_box()["width"]  # type: ignore[index]
    bar.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".middle").bounding_box()["width"] == width - 48  # type: ignore[index]
    page.set_viewport_size({"width": 1000, "height": 800})
    expect(bar).to_have_attribute("aria-orientation", "vertical")
    with reader.settings("appearance") as settings:
        settings.get_by_label("Reading pane", exact=True).select_option("topbottom")
    expect(bar).to_have_attribute("aria-orientation", "horizontal")
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 50, 300)
    page.mouse.up()
    assert abs(page.locator(".middle").bounding_box()["height"] - 300) < 3  # type: ignore[index]
    page.screenshot(path=tmp_path / "below.png")
    page.reload()
    expect(page.locator(".message").first).to_be_visible()
    assert abs(page.locator(".middle").bounding_box()["height"] - 300) < 3  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") == 1000


def test_a_setting_is_saved_at_once_and_undone(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-105: a switch by itself, a signature by its button; each can be taken back, and nothing else with it."""
    page = reader.page
    append(mailbox, "One")
    expect(page.locator(".message")).to_have_css("height", "56px")
    with reader.settings("appearance") as settings:
        with saved(settings):
            settings.get_by_label("List density").select_option("compact")
        expect(page.locator(".message")).to_have_css("height", "40px")
        # another page changes another setting meanwhile: both stay
        page.get_by_role("button", name="Account and settings").click()
        with page.expect_request("**/api/settings_save") as asked:
            page.get_by_role("menuitem", name="Toggle dark mode").click()
        assert asked.value.post_data_json == {"settings": {"color_scheme": "dark"}}
        expect(page.locator("body")).to_have_css("background-color", "rgb(20, 26, 30)")
        with saved(settings):
            settings.get_by_role("button", name="Undo").click()
        expect(page.locator(".message")).to_have_css("height", "56px")
        expect(settings.get_by_label("List density")).to_have_value("comfortable")
        settings.reload()
        expect(settings.get_by_label("Theme")).to_have_value("dark")
        with saved(settings):
            settings.get_by_label("Theme").select_option("auto")
        settings.goto(f"{reader.base}/#writing")
        settings.get_by_label("Signature", exact=True).fill("Mia")
        wait = settings.get_by_label("Undo send")
        before = wait.input_value()
        with saved(settings):
            wait.select_option("30")
        with saved(settings):
            settings.get_by_role("button", name="Undo").last.click()
        expect(wait).to_have_value(before)
        expect(settings.get_by_label("Signature", exact=True)).to_have_value("Mia")
        with saved(settings):
            settings.get_by_role("button", name="Save").click()
        with saved(settings):
            settings.get_by_role("button", name="Undo").last.click()
        expect(settings.get_by_label("Signature", exact=True)).to_have_value("")


def test_the_first_start_shows_three_hints_once(reader: Reader) -> None:
    """WEBMAIL-66d."""
    page = reader.page
    page.evaluate("localStorage['moxlite-webmail-hints'] = '0'")
    page.reload()
    hint = page.get_by_label("Tip")
    for number, words in enumerate(("shortcuts", "undo", "images"), 1):
        expect(hint).to_contain_text(f"{number} of 3")
        expect(hint).to_contain_text(words)
        assert Box.of(hint).height <= 44
        if number == 2:
            page.reload()
            expect(hint).to_contain_text("2 of 3")
        hint.get_by_role("button", name="Got it").click()
    expect(hint).to_have_count(0)
    expect(page.locator(".messages")).to_be_focused()
    page.reload()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    expect(hint).to_have_count(0)


def test_an_empty_place_leads_on(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-66c: the ring is around the sentence, never around the list."""
    page = reader.page
    title = page.locator(".messages-note .empty-title")
    expect(title).to_have_text("Your inbox is empty")
    page.locator(".messages").focus()
    page.keyboard.press("F8")
    expect(page.locator(".messages")).to_have_css("outline-style", "none")
    page.get_by_role("button", name="Open Archive").click()
    expect(title).to_have_text("Archive is empty")
    mailbox.create("Plans")
    page.locator(".mailbox-open", has_text="Plans").click()
    expect(title).to_have_text("No messages")
    # also without a mouse, which could drag
    expect(page.locator(".messages-note p")).to_have_text("To move messages here, use “Move…”.")
    mailbox.delete("Plans")
    append(mailbox, "One")
    page.locator(".mailbox-open", has_text="Inbox").click()
    expect(page.locator(".message")).to_have_count(1)
    page.locator(".search-input").fill("mb:Archive one")
    page.keyboard.press("Enter")
    expect(title).to_have_text("No results")
    page.get_by_role("button", name="Search everywhere").click()
    expect(page.locator(".message")).to_have_count(1)


def test_a_toast_never_covers_the_round_button(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-66e: on a phone it is beside it."""
    for number in range(5):
        append(mailbox, f"Boat {number}")
    phone = Reader(chromium, local, viewport={"width": 360, "height": 740})
    phone.log_in()
    page = phone.page
    expect(page.locator(".message")).to_have_count(5)
    page.locator(".messages").focus()
    page.keyboard.press("Home")
    page.keyboard.press("a")
    expect(page.locator(".message")).to_have_count(4)
    expect(page.locator(".toast")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".compose-round")).to_be_visible()
    button = page.locator(".compose-round").bounding_box()
    toasts = page.locator(".toasts").bounding_box()
    assert button is not None
    assert toasts is not None
    assert toasts["x"] >= 0
    assert toasts["x"] + toasts["width"] <= button["x"]
    phone.close()


def test_a_newsletter_is_left_by_a_message_and_remembered(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-136: without proof a message is prepared by the one composer; when it is sent, that is remembered."""
    page = reader.page
    text = (
        "From: Shopwell <news@shopwell.example>\r\nTo: moxlite@localhost\r\nSubject: Ten walks\r\n"
        "List-Unsubscribe: <mailto:leave@shopwell.example?subject=leave>, <https://shopwell.example/leave>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nWool socks.\r\n"
    )
    mailbox.append("INBOX", "", "", text.encode())
    page.locator(".message", has_text="Ten walks").click()
    leave = page.locator(".leaving").get_by_role("button", name="Unsubscribe")
    leave.click()
    question = page.get_by_role("dialog", name="Unsubscribe from Shopwell?")
    question.get_by_role("button", name="Cancel").click()
    expect(page.locator(".composer")).to_have_count(0)
    leave.click()
    question.get_by_role("button", name="Write message").click()
    composer = page.locator(".composer")
    expect(composer).to_contain_text("leave@shopwell.example")
    expect(composer.get_by_label("Subject")).to_have_value("leave")
    expect(leave).to_be_visible()
    composer.get_by_role("button", name="Send", exact=True).click()
    expect(composer).to_have_count(0)
    page.reload()
    expect(page.locator(".unsubscribed")).to_contain_text("Unsubscribed today")
    expect(leave).to_have_count(0)


def test_an_editor_that_comes_late_is_not_for_the_next_signature(reader: Reader) -> None:
    """WEBMAIL-105: another one, or plain text, was chosen while the editor was loaded."""
    with reader.settings("writing") as page:
        formatting = page.get_by_label("Use formatting")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        with reader.held(re.compile("/part/squire[.]"), page):
            formatting.check()
            formatting.uncheck()
        editor = next(one for one in asked if "/part/squire." in one)
        page.evaluate(f"import('{editor}')")
        expect(page.locator(".compose-rich")).to_have_count(0)
        formatting.check()
        expect(page.locator(".compose-rich")).to_have_count(1)
        expect(page.locator(".compose-tools")).to_have_count(1)
        formatting.uncheck()
        expect(page.locator(".compose-rich")).to_have_count(0)
        expect(page.get_by_label("Signature", exact=True)).to_be_visible()
