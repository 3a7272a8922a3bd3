"""What goes wrong while the webmail is used, in a browser: no word that was typed is lost, and the page says why."""

import imaplib
import json
import re

import pytest
from playwright.sync_api import Browser, expect

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


@pytest.fixture(autouse=True)
def clean(local: LocalServer) -> None:
    """Drafts and sent messages of other tests are gone."""
    session = imaplib.IMAP4("127.0.0.1", local.port(143))
    session.login(local.user, local.password)
    for name in ("Drafts", "Sent"):
        if session.select(name)[0] == "OK" and session.search(None, "ALL")[1] != [b""]:
            session.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
    session.logout()


def refuse(reader: Reader, call: str, status: int, code: str, message: str) -> None:
    """Have the server's answers to a call be this error."""
    body = json.dumps({"error": {"code": code, "message": message}})
    reader.page.route(
        f"**/api/{call}", lambda route: route.fulfill(status=status, content_type="application/json", body=body)
    )


def test_a_session_that_ends_while_typing_goes_on_after_the_log_in(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-20, WEBMAIL-88: the form lies over the page, then the call is repeated; the text stays."""
    page = reader.page
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_label("To", exact=True).fill("moxlite@localhost")
    composer.get_by_label("Subject").fill("Typed on")
    other = reader.context.new_page()
    other.goto(f"{reader.base}/webmail/")
    other.get_by_role("button", name="Account and settings").click()
    other.get_by_role("menuitem", name="Log out").click()
    expect(other.get_by_label("Password")).to_be_visible()
    # the last words before the form comes, which would have the keys from then on
    composer.get_by_label("Text").evaluate(
        """(one) => {
          one.value = "Words of before and after.";
          one.dispatchEvent(new Event("input"));
        }"""
    )
    page.get_by_label("Email address").fill(reader.server.user)
    page.get_by_label("Password").fill(reader.server.password)
    page.get_by_role("button", name="Log in").click()
    expect(composer.get_by_label("Text")).to_have_value("Words of before and after.")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer).to_have_count(0)
    until(lambda: mailbox.status("Sent", "(MESSAGES)")[1][0] == b"Sent (MESSAGES 1)")


def test_a_full_account_keeps_the_text_on_the_screen(reader: Reader) -> None:
    """WEBMAIL-117: the server's word; the text stays here and in the browser's copy, and is saved as soon as it can."""
    page = reader.page
    words = "not enough space: 40.0 of 40.0 MiB used"
    reader.expect_problem("507")
    refuse(reader, "draft_save", 507, "user:storage", words)
    refuse(reader, "message_submit", 507, "user:storage", words)
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_label("To", exact=True).fill("moxlite@localhost")
    composer.get_by_label("Subject").fill("Much")
    composer.get_by_label("Text").fill("Words that stay.")
    page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text(f"Couldn't save: {words}")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog", name="Couldn't send message")).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(composer.get_by_label("Text")).to_have_value("Words that stay.")
    expect(composer.get_by_label("Text")).to_be_focused()
    until(lambda: "Words that stay." in page.evaluate("JSON.stringify(sessionStorage)"))
    page.unroute("**/api/draft_save")
    page.unroute("**/api/message_submit")
    page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")


def test_two_pages_with_one_draft_do_not_overwrite_each_other(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-116, WEBMAIL-88: the later one is told, and may save its words as a draft of its own."""
    page = reader.page
    reader.expect_problem("409")
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_label("Subject").fill("Twice")
    composer.get_by_label("Text").fill("First words.")
    page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    other = reader.context.new_page()
    other.goto(f"{reader.base}/webmail/#Drafts")
    other.locator(".message", has_text="Twice").click()
    other.keyboard.press("e")
    theirs = other.locator(".composer")
    expect(theirs.get_by_label("Text")).to_have_value("First words.")
    theirs.get_by_label("Text").fill("Words of the other page.")
    other.keyboard.press("Control+s")
    expect(theirs.locator(".compose-state")).to_have_text("Draft saved")
    composer.get_by_label("Text").fill("Words of this page.")
    page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_contain_text("This draft was changed elsewhere.")
    composer.get_by_role("button", name="Save as new").click()
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    until(lambda: mailbox.status("Drafts", "(MESSAGES)")[1][0] == b"Drafts (MESSAGES 2)")
    for one in (composer, theirs):
        one.get_by_label("Close", exact=True).click()
        expect(one).to_have_count(0)


def test_a_message_that_is_removed_while_it_is_answered(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-116: the page says so, and the answer that was begun is sent."""
    page = reader.page
    reader.expect_problem("404")  # that the message was read may come too late
    append(mailbox, "Short life")
    page.locator(".message").click()
    expect(page.locator(".text-part")).to_be_visible()
    page.keyboard.press("r")
    composer = page.locator(".composer")
    expect(composer.get_by_label("Subject")).to_have_value("Re: Short life")
    mailbox.noop()
    mailbox.store("1", "+FLAGS.SILENT", "(\\Deleted)")
    mailbox.expunge()
    expect(page.locator(".toast")).to_contain_text("has been moved or deleted")
    composer.get_by_label("Text").press_sequentially("Still an answer.")
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    until(lambda: mailbox.status("Sent", "(MESSAGES)")[1][0] == b"Sent (MESSAGES 1)")


def test_addresses_of_other_pages_fill_in_what_they_may(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-119, WEBMAIL-63: foreign fields are left alone, recipients are cut at 1,000, and nothing is sent."""
    page = reader.page
    many = ",".join(f"p{number}@example.com" for number in range(1_100))
    address = (
        "mailto:ada@example.com?subject=Hello%0D%0ABcc:%20eve@example.com&body=One%0ATwo&from=eve@example.com"
        "&attach=/etc/passwd&x-header=1&cc=bob@example.com"
    )
    page.goto(f"{reader.base}/webmail/#compose {address}")
    composer = page.locator(".composer")
    expect(composer.get_by_label("Subject")).to_have_value("Hello Bcc: eve@example.com")
    expect(composer.locator("[data-field=to] .chip-name")).to_have_text(["ada@example.com"])
    expect(composer.locator("[data-field=cc] .chip-name")).to_have_text(["bob@example.com"])
    expect(composer.locator("[data-field=bcc] .chip-name")).to_have_count(0)
    expect(composer.get_by_label("Text")).to_have_value(re.compile("^One\nTwo"))
    expect(composer.locator(".file")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("compose"))
    composer.get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    page.goto(f"{reader.base}/webmail/#compose mailto:{many}")
    expect(composer.locator("[data-field=to] .chip-name")).to_have_count(1_000)
    composer.get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    # mail goes out by the outbox: a little later it would be there
    assert mailbox.status("Sent", "(MESSAGES)")[1][0] == b"Sent (MESSAGES 0)"


def test_ages_go_by_the_servers_clock(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-119: the browser's clock is three days ahead."""
    append(mailbox, "Just now")
    visitor = Reader(chromium, local)
    visitor.page.add_init_script("const now = Date.now; Date.now = () => now() + 3 * 86_400_000;")
    visitor.log_in()
    expect(visitor.page.locator(".message-age")).to_have_text(re.compile(r"^\d?\d:\d\d"))
    expect(visitor.page.locator(".messages-group.top")).to_have_text("Today")
    visitor.close()


def test_pages_register_for_addresses(reader: Reader) -> None:
    """WEBMAIL-105: with the address that begins a message here."""
    with reader.settings("writing") as page:
        page.evaluate(
            "() => { window.asked = []; navigator.registerProtocolHandler = (...all) => window.asked.push(all); }"
        )
        page.get_by_role("button", name="Open email links from web pages here").click()
        until(lambda: page.evaluate("window.asked") == [["mailto", f"{reader.base}/webmail/#compose %s"]])


def test_a_new_version_is_loaded_but_not_under_a_writers_hands(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-12: at the next connection; while something is written the page only says so, and the words come back."""
    page = reader.page
    # what the stream says of the version is another from now on, by events as by a websocket
    page.add_init_script(
        """const parse = JSON.parse;
        JSON.parse = (text, ...others) => {
          const other = sessionStorage.getItem("version");
          return parse(other === null ? text : text.replace(/"version":"[^"]*"/, `"version":"${other}"`), ...others);
        };"""
    )
    page.clock.install()
    page.reload()
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")

    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_label("Subject").fill("Half")
    composer.get_by_label("Text").fill("Half a sentence")
    page.evaluate("sessionStorage.setItem('version', 'new')")
    reader.fall_silent(re.compile(r"/webmail/events\?.*since=[1-9]"))
    notice = page.locator(".toast", has_text="A new version is available.")
    expect(notice).to_be_visible()
    expect(composer.get_by_label("Text")).to_have_value("Half a sentence")
    page.evaluate("sessionStorage.removeItem('version')")
    # what follows is seen in the page that comes, not in the one that goes
    with page.expect_event("load"), page.expect_request("**/webmail/?v=new*"):
        notice.get_by_role("button", name="Reload").click()
    expect(composer.get_by_label("Text")).to_have_value("Half a sentence")
    expect(page).not_to_have_url(re.compile("v=new"))
    composer.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    # with nothing at stake it is loaded at once
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")
    page.evaluate("sessionStorage.setItem('version', 'newer')")
    # the new page takes the version for its own, and the number out of its address
    with page.expect_event("load"):
        reader.fall_silent(re.compile(r"/webmail/\?v=newer"))
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")
    expect(page).not_to_have_url(re.compile("v=newer"))
    page.evaluate("sessionStorage.removeItem('version')")


def test_the_keys_of_writing_are_enough(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-71, WEBMAIL-57: they are in the help; an answer is sent, and its thread put away, by one key."""
    page = reader.page
    append(mailbox, "Question")
    page.locator(".message").click()
    expect(page.locator(".text-part")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_contain_text("Send and archive conversation")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    composer = page.locator(".composer")
    expect(composer.get_by_label("Text")).to_be_focused()
    page.keyboard.press("Control+Shift+B")
    expect(composer.get_by_label("Bcc", exact=True)).to_be_focused()
    page.keyboard.press("Control+Shift+O")
    expect(composer.get_by_label("To", exact=True)).to_be_focused()
    composer.get_by_label("Text").press_sequentially("Yes. ")
    page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    page.keyboard.press("Control+Shift+Enter")
    expect(composer).to_have_count(0)

    def archived() -> bool:
        # the answer comes back to its sender, and is put away with its thread if it has come by then
        mailbox.select("Archive", readonly=True)
        return bool(mailbox.search(None, "NOT", "SUBJECT", "Re:")[1] != [b""])

    until(archived)
    until(lambda: mailbox.status("Sent", "(MESSAGES)")[1][0] == b"Sent (MESSAGES 1)")
