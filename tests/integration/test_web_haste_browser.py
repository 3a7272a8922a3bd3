"""Readers who are quicker than the line, or than the page is drawn, in a real browser: no key, no click is lost."""

import imaplib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, local, reader
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]


@pytest.fixture
def anew(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> Iterator[Reader]:
    """A reader who has opened a message, and whose browser has no more parts of the page than that takes."""
    append(mailbox, "Question")
    found = Reader(chromium, local)
    found.log_in()
    found.page.locator(".message").click()
    expect(found.page.locator(".text-part")).to_be_visible()
    yield found
    found.close()


def press_on(reader: Reader, target: Locator) -> None:
    """Have the mouse down on this."""
    target.hover()
    reader.page.mouse.down()


def test_what_is_typed_while_the_composer_comes_is_its_text(anew: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-87: it archives, trashes and opens nothing while the part comes, nor while the server prepares."""
    page = anew.page
    composer = page.locator(".composer")
    with anew.held("**/api/compose_prepare"):
        with anew.held("**/part/compose.*"):
            page.keyboard.press("r")
            page.keyboard.type("dear Ada, ")
        page.keyboard.type("all is done")
    expect(composer.get_by_label("Text")).to_have_value(re.compile("^dear Ada, all is done$"))
    page.keyboard.type(".")
    expect(composer.get_by_label("Text")).to_have_value(re.compile("^dear Ada, all is done[.]$"))
    composer.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    expect(page.locator(".message-subject")).to_have_text(["Question"])
    assert mailbox.status("Trash", "(MESSAGES)")[1][0] == b"Trash (MESSAGES 0)"


def test_keys_go_on_where_a_message_could_not_be_begun(anew: Reader) -> None:
    """WEBMAIL-87: the page says why, and Escape closes that."""
    page = anew.page
    anew.expect_problem("400")
    body = '{"error": {"code": "user:error", "message": "Not now."}}'
    page.route(
        "**/api/compose_prepare",
        lambda route: route.fulfill(status=400, content_type="application/json", body=body),
    )
    page.keyboard.press("r")
    failed = page.get_by_role("dialog", name="Couldn't open editor")
    expect(failed).to_contain_text("Not now.")
    page.keyboard.press("Escape")
    expect(failed).to_have_count(0)
    page.keyboard.press("s")
    expect(page.locator(".message .flagged")).to_have_count(1)


def test_a_form_that_comes_late_does_not_lie_over_the_results(anew: Reader) -> None:
    """WEBMAIL-73: the search was begun while the part with the form was loaded."""
    page = anew.page
    with anew.held("**/part/search.*"):
        page.keyboard.press("/")
        page.keyboard.type("subject:question")
        page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_have_text("1 found")
    expect(page.locator(".search-form")).to_be_hidden()


def test_a_click_counts_though_what_it_is_on_is_drawn_anew(anew: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-60: between down and up of the mouse something comes that the bar, or the list of mailboxes, follows."""
    page = anew.page
    press_on(anew, page.locator(".toolbar").get_by_role("button", name="Archive"))
    mailbox.noop()
    mailbox.store("1", "+FLAGS", "(\\Flagged)")
    expect(page.locator(".message .flagged")).to_have_count(1)
    page.mouse.up()
    expect(page.locator(".message")).to_have_count(0)
    press_on(anew, page.locator(".mailbox-open", has_text="Archive"))
    append(mailbox, "News")
    expect(page.locator(".message-subject")).to_have_text(["News"])
    page.mouse.up()
    expect(page.locator(".list-title")).to_have_text("Archive")
    # and what has come is drawn then
    expect(page.locator(".mailbox", has_text="Inbox").locator(".mailbox-unread")).to_have_text("1")


def test_a_click_counts_in_a_list_of_people_that_is_drawn_anew(reader: Reader) -> None:
    """WEBMAIL-128, WEBMAIL-128a: address books and contacts, which come while the mouse is down."""
    page = reader.page
    page.get_by_role("link", name="Contacts", exact=True).click()
    people = page.locator("#app.other-place")
    people.get_by_role("button", name="New contact").click()
    form = page.get_by_role("dialog", name="New contact")
    form.get_by_label("Name", exact=True).fill("Ada")
    form.get_by_role("button", name="Save").click()
    found = people.get_by_role("listitem")
    expect(found).to_have_count(1)
    with page.expect_response("**/api/contacts"), reader.held("**/api/contacts"):
        people.get_by_label("Search contacts").fill("ad")
        press_on(reader, found.get_by_role("button", name="Ada"))
    page.mouse.up()
    expect(people.get_by_role("article", name="Ada")).to_be_visible()
    people.get_by_role("button", name="New address book").click()
    form = page.get_by_role("dialog", name="New address book")
    form.get_by_label("Name", exact=True).fill("Choir")
    with page.expect_response("**/api/address_books"), reader.held("**/api/address_books"):
        form.get_by_role("button", name="Save").click()
        expect(form).to_have_count(0)
        press_on(reader, people.locator(".book-open", has=page.get_by_text("Contacts", exact=True)))
    page.mouse.up()
    expect(people.locator("[aria-pressed=true]")).to_contain_text("Contacts")
    expect(people.locator(".book-open")).to_have_text(["All contacts1", "Favorites0", "Choir0", "Contacts1"])


def test_a_recipient_is_removed_while_another_is_typed(reader: Reader) -> None:
    """WEBMAIL-93: the press leaves the field, for which what was typed becomes a recipient."""
    page = reader.page
    page.keyboard.press("c")
    to = page.locator(".composer [data-field=to]")
    to.get_by_role("combobox").press_sequentially("ann@a.example,bo@b.example")
    to.get_by_role("button", name="Remove ann@a.example").click()
    expect(to.locator(".chip")).to_have_count(0)
    expect(to.get_by_role("combobox")).to_have_value("bo@b.example")
    expect(to.get_by_role("combobox")).to_be_focused()


def test_keys_work_in_a_page_whose_pictures_have_not_come(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-71, WEBMAIL-53."""
    page = reader.page
    append(mailbox, "second")
    append(mailbox, "first", html='<p>the page</p><img src="https://slow.example/a.png">')
    waiting: list[Route] = []
    page.route("https://slow.example/**", lambda route: waiting.append(route))
    page.locator(".message", has_text="first").click()
    page.get_by_role("button", name="Show", exact=True).click()
    until(lambda: page.evaluate("true") and waiting, what="the picture to be asked for")
    page.frame_locator("iframe.html").locator("p").click()
    page.keyboard.press("j")
    expect(page.locator(".reader-subject")).to_have_text("second")


def test_how_a_sender_is_shown_holds_for_the_next_message_at_once(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-55, WEBMAIL-56: though the server was told of it a moment before only."""
    page = reader.page
    for subject in ("second", "first"):
        append(mailbox, subject, html=f"<p>the page of the {subject}</p>")
    page.locator(".message", has_text="first").click()
    expect(page.frame_locator("iframe.html").locator("p")).to_have_text("the page of the first")
    with reader.held("**/api/from_address_settings_save"):
        page.keyboard.press("t")
        expect(page.locator(".text-part")).to_be_visible()
        page.locator(".message", has_text="second").click()
        expect(page.locator(".reader-subject")).to_have_text("second")
    expect(page.locator(".text-part")).to_be_visible()
    page.get_by_role("button", name="More actions").click()
    with page.expect_response("**/api/from_address_settings_save"):
        page.get_by_role("menuitem", name="Reset view for this sender").click()


def test_a_key_after_a_draft_was_discarded_is_for_the_page(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-88a: also while the server has not answered; where it refuses, the message is there again."""
    page = reader.page
    composer = page.locator(".composer")
    keys = page.get_by_role("dialog", name="Shortcuts")
    page.keyboard.press("c")
    composer.get_by_label("Text").fill("To be forgotten")
    page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")

    def discard() -> None:
        composer.get_by_role("button", name="Discard").click()
        page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()

    reader.expect_problem("500")
    body = '{"error": {"code": "server:error", "message": "The disk is on fire."}}'
    page.route("**/api/draft_remove", lambda route: route.fulfill(status=500, body=body))
    discard()
    expect(page.get_by_role("dialog", name="Couldn't delete draft")).to_contain_text("The disk is on fire.")
    page.keyboard.press("Escape")
    expect(composer.get_by_label("Text")).to_have_value("To be forgotten")
    expect(composer.get_by_label("Text")).to_be_focused()
    page.unroute("**/api/draft_remove")
    with reader.held("**/api/draft_remove"):
        discard()
        expect(composer).to_be_hidden()
        page.keyboard.press("?")
        expect(keys).to_be_visible()
    expect(composer).to_have_count(0)
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    assert mailbox.status("Drafts", "(MESSAGES)")[1][0] == b"Drafts (MESSAGES 0)"


def test_what_is_typed_after_a_log_in_over_the_page_is_entered(reader: Reader) -> None:
    """WEBMAIL-20: the caret is where it was, and the address is filled in."""
    page = reader.page
    page.keyboard.press("c")
    text = page.locator(".composer").get_by_label("Text")
    text.fill("Dear Ada, ")
    text.press("End")
    other = reader.context.new_page()
    other.goto(f"{reader.base}/webmail/")
    other.get_by_role("button", name="Account and settings").click()
    other.get_by_role("menuitem", name="Log out").click()
    expect(other.get_by_label("Password")).to_be_visible()
    form = page.get_by_role("dialog", name="Log in to Webmail")
    expect(form).to_contain_text("You're logged out.")
    expect(form.get_by_label("Email address")).to_have_value(reader.server.user)
    expect(form.get_by_label("Password")).to_be_focused()
    page.keyboard.type(reader.server.password)
    page.keyboard.press("Enter")
    expect(form).to_have_count(0)
    page.keyboard.type("all is done")
    expect(text).to_have_value("Dear Ada, all is done")
    page.keyboard.press("Escape")
    expect(page.locator(".composer")).to_have_count(0)
