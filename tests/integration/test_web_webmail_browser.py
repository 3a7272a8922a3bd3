"""The webmail in a real browser against a real server: Chromium by Playwright, mail by IMAP."""

import imaplib
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from mailbox import mbox
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import all_has_come
from tests.running import LocalServer
from tests.tools import until
from tests.webcalls import save_settings

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

HTML = (
    '<h1 style="color: teal">Hello</h1><p onclick="document.title=1">Reader</p>'
    '<script>document.title = "pwned"; fetch("https://evil.example/")</script>'
    '<img src="https://evil.example/pixel.gif"><img src=x onerror="document.title=2">'
)


@pytest.fixture
def local(server: LocalServer) -> LocalServer:
    """The server, with empty mailboxes; the settings are the first ones again, whatever a test before chose."""
    all_has_come(server)
    save_settings(server, undo_send_seconds=0, compose_format="text")
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    for name in ("INBOX", "Archive", "Trash"):
        _, count = session.select(name)
        if count != [b"0"]:
            session.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        session.close()
    session.logout()
    return server


class Reader(Visitor):
    """A page of the webmail."""

    def log_in(self, password: str = "") -> None:
        if password:
            self.fill_in("/webmail/", password)
        else:
            self.enter("/webmail/")

    def expect_subjects(self, *subjects: str) -> None:
        """The list shows these."""
        expect(self.page.locator(".message-subject")).to_have_text(subjects)

    def expect_width(self, width: int) -> None:
        """Nothing scrolls sideways."""
        self.page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")


@pytest.fixture
def reader(chromium: Browser, local: LocalServer) -> Iterator[Reader]:
    """A reader who has logged in."""
    found = Reader(chromium, local)
    found.log_in()
    expect(found.page.locator(".list-title")).to_have_text("Inbox")
    yield found
    found.close()


def append(
    session: imaplib.IMAP4, subject: str, text: str = "Some text.\n", html: str = "", mailbox: str = "INBOX"
) -> None:
    """Put a message into a mailbox."""
    message = EmailMessage()
    message["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    message["To"] = "moxlite@localhost"
    message["Subject"] = subject
    message["Message-ID"] = f"<{time.monotonic_ns()}@nordlicht.example>"
    if text:
        message.set_content(text)
    if html and text:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    octets = re.sub(rb"\r?\n", b"\r\n", message.as_bytes())
    status, _ = session.append(mailbox, "", "", octets)
    assert status == "OK"


def flags(session: imaplib.IMAP4, numbers: str) -> str:
    """What FETCH says of the flags of these messages now."""
    session.noop()
    return str(session.fetch(numbers, "(FLAGS)")[1])


def has_one(session: imaplib.IMAP4, name: str) -> bool:
    """Whether a mailbox has one message."""
    return session.status(name, "(MESSAGES)")[1] == [f"{name} (MESSAGES 1)".encode()]


def test_a_message_arrives_without_reload_and_is_read(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-43, WEBMAIL-47, WEBMAIL-48, WEBMAIL-64, WEBMAIL-76, WEBMAIL-81, WEBMAIL-86."""
    page = reader.page
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")
    append(mailbox, "Minutes", "See https://example.org/minutes (soon).\n\n> quoted\n>> twice\n")
    row = page.locator(".message").first
    expect(row.locator(".message-subject")).to_have_text("Minutes")
    expect(row.locator(".message-people")).to_have_text("Ada Lindqvist")
    expect(page.locator(".mailbox.active .mailbox-unread")).to_have_text("1")
    expect(page).to_have_title(re.compile(r"^\(1\) Inbox"))
    row.click()
    expect(page.locator(".reader-subject")).to_have_text("Minutes")
    expect(page.locator(".text a")).to_have_attribute("href", "https://example.org/minutes")
    expect(page.locator(".quoted2")).to_contain_text(">> twice")
    # read after half a second, which other clients see and the counts follow
    expect(page.locator(".mailbox.active .mailbox-unread")).to_have_count(0)
    expect(page).to_have_title(re.compile(r"^Inbox"))
    until(lambda: "\\Seen" in flags(mailbox, "1"))
    page.screenshot(path=tmp_path / "opened.png")


def test_changes_of_other_clients_show_at_once(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-43, WEBMAIL-147."""
    page = reader.page
    for number in (1, 2):
        append(mailbox, f"number {number}")
    expect(page.locator(".message")).to_have_count(2)
    mailbox.noop()
    mailbox.store("1", "+FLAGS", "(\\Flagged \\Seen)")
    expect(page.locator(".message .flagged")).to_have_count(1)
    expect(page.locator(".message.unread")).to_have_count(1)
    mailbox.store("2", "+FLAGS", "(\\Deleted)")
    mailbox.expunge()
    expect(page.locator(".message")).to_have_count(1)
    mailbox.create("Projects/Garden")
    expect(page.locator(".mailbox", has_text="Garden")).to_be_visible()
    mailbox.rename("Projects/Garden", "Projects/Yard")
    expect(page.locator(".mailbox", has_text="Yard")).to_be_visible()


def test_the_keyboard_is_enough(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-69, WEBMAIL-71, WEBMAIL-83."""
    page = reader.page
    for number in range(1, 5):
        append(mailbox, f"number {number}")
    expect(page.locator(".message")).to_have_count(4)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("number 4")
    page.keyboard.press("j")
    expect(page.locator(".reader-subject")).to_have_text("number 3")
    page.keyboard.press("k")
    page.keyboard.press("s")
    expect(page.locator(".message.active .flagged")).to_have_count(1)
    page.keyboard.press("d")
    expect(page.locator(".message")).to_have_count(3)
    expect(page.locator(".reader-subject")).to_have_text("number 3")
    page.keyboard.press("J")
    expect(page.locator(".reader-empty")).to_have_text("2 messages selected")
    page.keyboard.press("a")
    expect(page.locator(".message")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Shift+D")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".message")).to_have_count(0)
    # what is shown at once is done a little later
    until(lambda: mailbox.status("Trash", "(MESSAGES UNSEEN)")[1][0] == b"Trash (MESSAGES 1 UNSEEN 0)")
    until(lambda: mailbox.status("Archive", "(MESSAGES)")[1][0] == b"Archive (MESSAGES 2)")
    until(lambda: mailbox.status("INBOX", "(MESSAGES)")[1][0] == b"INBOX (MESSAGES 0)")


def test_html_runs_nothing_and_loads_nothing(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-53, WEBMAIL-55, WEBMAIL-56, WEBMAIL-108."""
    page = reader.page
    append(mailbox, "hostile", text="", html=HTML)
    page.locator(".message").click()
    frame = page.frame_locator("iframe.html")
    expect(frame.locator("h1")).to_have_text("Hello")
    assert not [url for url in reader.requests if "evil.example" in url]
    expect(page).to_have_title(re.compile("Inbox"))
    assert frame.locator("script").count() == 0
    assert frame.locator("[onclick], [onerror]").count() == 0


@pytest.mark.nightly
def test_html_comes_first_and_text_is_a_key_away(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-56, WEBMAIL-71."""
    page = reader.page
    append(mailbox, "both", text="the text\n", html="<p>the page</p>")
    page.locator(".message").click()
    expect(page.frame_locator("iframe.html").locator("p")).to_have_text("the page")
    page.keyboard.press("t")
    expect(page.locator(".text-part")).to_contain_text("the text")
    page.keyboard.press("Shift+T")
    expect(page.frame_locator("iframe.html").locator("p")).to_have_text("the page")
    page.keyboard.press("Control+i")
    expect(page.locator(".headers")).to_contain_text("ada@nordlicht.example")


def test_a_wrong_password_is_told_and_a_right_one_opens(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-16, WEBMAIL-20."""
    reader = Reader(chromium, local)
    reader.log_in("not the password")
    expect(reader.page.locator(".login-problem")).to_have_text("Wrong email address or password.")
    reader.page.get_by_label("Password").fill(local.password)
    reader.page.get_by_role("button", name="Log in").click()
    expect(reader.page.locator(".list-title")).to_have_text("Inbox")
    reader.page.reload()
    expect(reader.page.locator(".list-title")).to_have_text("Inbox")
    reader.page.get_by_role("button", name="Account and settings").click()
    reader.page.get_by_role("menuitem", name="Log out").click()
    expect(reader.page.get_by_label("Password")).to_be_visible()
    reader.close()


@pytest.mark.nightly
def test_over_https_all_is_the_same(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEB-19, WEB-52."""
    reader = Reader(chromium, local, tls=True)
    # the browser tolerates the certificate of the server for the page, and for no service worker
    reader.expect_problem("SSL certificate error")
    reader.log_in()
    expect(reader.page.locator(".list-title")).to_have_text("Inbox")
    append(mailbox, "encrypted line")
    expect(reader.page.locator(".message-subject")).to_have_text("encrypted line")
    session = next(cookie for cookie in reader.context.cookies() if cookie["name"] == "webmailsession")
    assert (session["secure"], session["httpOnly"], session["sameSite"]) == (True, True, "Strict")
    reader.close()


@pytest.mark.nightly
def test_long_lists_come_as_they_are_read(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-37, WEBMAIL-63, WEBMAIL-140: End is the oldest message; only rows around the screen exist. The address of
    a message that the list hasn't fetched opens it, in an open page too.
    """
    page = reader.page
    for number in range(1, 331):
        append(mailbox, f"number {number}")
    page.reload()
    expect(page.locator(".list-count")).to_have_text("330 messages")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("number 1")
    page.keyboard.press("k")
    expect(page.locator(".reader-subject")).to_have_text("number 2")
    expect(page.locator(".message.focused .message-subject")).to_be_in_viewport()
    assert page.locator(".message").count() < 60
    page.reload()
    expect(page.locator(".reader-subject")).to_have_text("number 2")
    expect(page.locator(".message.focused .message-subject")).to_be_in_viewport()
    address = page.evaluate("location.hash")
    page.keyboard.press("Home")
    expect(page.locator(".reader-subject")).to_have_text("number 330")
    page.reload()
    expect(page.locator(".reader-subject")).to_have_text("number 330")
    page.evaluate("address => location.hash = address", address)
    expect(page.locator(".reader-subject")).to_have_text("number 2")
    expect(page.locator(".message.focused .message-subject")).to_be_in_viewport()


CLICK_EMPTY = """async () => {
  document.querySelector(".messages").scrollTop = 250 * 56;
  let row = null;
  while ((row = document.querySelector(".message.missing[aria-posinset='252']")) === null)
    await new Promise(requestAnimationFrame);
  row.click();
  const before = row.textContent;
  window.clicked = row;
  return before;
}"""


@pytest.mark.nightly
def test_a_row_that_is_still_empty_takes_a_click(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-37: its message is opened when it has come, in the element that the pointer is on."""
    page = reader.page
    for number in range(1, 331):
        append(mailbox, f"number {number}")
    page.reload()
    expect(page.locator(".list-count")).to_have_text("330 messages")
    # the answer waits for the click
    with reader.held("**/api/request"):
        assert page.evaluate(CLICK_EMPTY) == ""
    expect(page.locator(".reader-subject")).to_have_text("number 79")
    assert page.evaluate("window.clicked.matches('.focused') && window.clicked.textContent.includes('number 79')")


@pytest.mark.nightly
def test_all_of_a_long_list_is_selected_archived_and_brought_back(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-69, WEBMAIL-124, WEBMAIL-137: loaded or not; all but one."""
    page = reader.page
    for number in range(1, 251):
        append(mailbox, f"number {number}")
    page.reload()
    expect(page.locator(".list-count")).to_have_text("250 messages")
    page.keyboard.press("Control+a")
    expect(page.locator(".chosen-count")).to_have_text("250 selected")
    page.locator(".message", has_text="number 248").click(modifiers=["Control"])
    expect(page.locator(".chosen-count")).to_have_text("249 selected")
    page.keyboard.press("a")
    expect(page.locator(".list-count")).to_have_text("1 message")
    reader.expect_subjects("number 248")
    expect(page.locator(".toast")).to_contain_text("249 messages moved to Archive")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".list-count")).to_have_text("250 messages")
    # and a range from the first to the last, which is not loaded
    page.keyboard.press("Home")
    page.keyboard.press("j")
    page.keyboard.press("Shift+End")
    expect(page.locator(".chosen-count")).to_have_text("249 selected")
    page.keyboard.press("a")
    expect(page.locator(".list-count")).to_have_text("1 message")
    reader.expect_subjects("number 250")
    # what is found in several mailboxes goes back to where each was
    page.get_by_label("Search mail").fill("subject:number")
    page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_have_text("250 found")
    expect(page.locator(".message").first).to_contain_text("number 250")
    page.locator(".messages").focus()
    page.keyboard.press("Control+a")
    expect(page.locator(".chosen-count")).to_have_text("250 selected")
    page.keyboard.press("d")
    expect(page.locator(".toast")).to_contain_text("250 messages moved to Trash")
    expect(page.locator(".message")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".message").first).to_contain_text("number 250")
    for name, count in (("Inbox", "1 message"), ("Archive", "249 messages")):
        page.locator(".mailbox-open", has_text=name).click()
        expect(page.locator(".list-count")).to_have_text(count)


@pytest.mark.nightly
def test_actions_are_shown_at_once_and_each_once_on_a_slow_line(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-124: three presses archive three messages; ctrl z brings the last one back."""
    page = reader.page
    for number in range(1, 6):
        append(mailbox, f"number {number}")
    expect(page.locator(".message")).to_have_count(5)
    page.evaluate("localStorage.setItem('moxlite-debug', JSON.stringify({wait_min_ms: 400, wait_max_ms: 400}))")
    page.keyboard.press("j")
    shown = page.evaluate(
        """async () => {
          const counts = [];
          for (let n = 0; n < 3; n++) {
            document.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
            await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
            counts.push(document.querySelectorAll(".message").length);
          }
          return counts;
        }"""
    )
    assert shown == [4, 3, 2]
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("Control+z")
    reader.expect_subjects("number 3", "number 2", "number 1")
    # three moves and the way back: before the third the Archive has two messages, too
    until(lambda: page.evaluate("true") and sum(url.endswith("/message_move") for url in reader.requests) == 4)
    until(lambda: mailbox.status("Archive", "(MESSAGES)")[1][0] == b"Archive (MESSAGES 2)")
    reader.expect_subjects("number 3", "number 2", "number 1")
    page.evaluate("localStorage.removeItem('moxlite-debug')")


@pytest.mark.nightly
def test_a_failed_action_is_taken_back_with_a_word(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-61, WEBMAIL-124: by a toast, not a dialog."""
    page = reader.page
    reader.expect_problem("400")
    append(mailbox, "stays")
    expect(page.locator(".message")).to_have_count(1)
    body = '{"error": {"code": "server:error", "message": "The disk is full."}}'
    page.route(
        "**/api/message_move", lambda route: route.fulfill(status=400, content_type="application/json", body=body)
    )
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("Couldn't move messages. The disk is full.")
    expect(page.locator(".message")).to_have_count(1)
    assert page.get_by_role("dialog").count() == 0
    page.unroute("**/api/message_move")


@pytest.mark.nightly
def test_commands_are_found_by_name(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-57, WEBMAIL-71: the palette runs what its row says; the help has all keys."""
    page = reader.page
    append(mailbox, "to be flagged")
    page.locator(".message").click()
    page.keyboard.press("Control+k")
    page.keyboard.type("flag")
    expect(page.locator(".palette-row").first).to_contain_text("Flag")
    page.keyboard.press("Enter")
    expect(page.locator(".message .flagged")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_contain_text("Next message")
    page.keyboard.press("Escape")


@pytest.mark.nightly
def test_keys_work_after_a_click_into_an_html_message(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-71, WEBMAIL-53: without scripts inside it."""
    page = reader.page
    append(mailbox, "second", text="", html="<p>the second</p>")
    append(mailbox, "first", text="", html=HTML)
    page.locator(".message", has_text="first").click()
    page.frame_locator("iframe.html").locator("h1").click()
    page.keyboard.press("j")
    expect(page.locator(".reader-subject")).to_have_text("second")
    expect(page.frame_locator("iframe.html").locator("p")).to_have_text("the second")


@pytest.mark.nightly
def test_labels_are_set_for_several_messages(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-84: on all, on some; one is found or made by its name."""
    page = reader.page
    for number in (1, 2):
        append(mailbox, f"number {number}")
    expect(page.locator(".message")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("y")
    page.get_by_label("Find or create label").fill("Two words")
    page.keyboard.press("Enter")
    expect(page.locator(".message .keyword")).to_have_text(["Two words"])
    page.keyboard.press("Control+a")
    page.keyboard.press("y")
    box = page.get_by_role("checkbox", name="Two words")
    assert box.evaluate("(box) => box.indeterminate")
    box.click()
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".message .keyword")).to_have_text(["Two words", "Two words"])
    until(lambda: flags(mailbox, "1:2").count("two_words") == 2)


@pytest.mark.nightly
def test_a_row_is_pushed_aside_by_a_finger(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-59, WEBMAIL-83: right archives, left goes to the trash, a short push does nothing; none opens mail."""
    for number in range(1, 4):
        append(mailbox, f"number {number}")
    reader = Reader(chromium, local, viewport={"width": 390, "height": 780}, has_touch=True)
    reader.log_in()
    page = reader.page
    expect(page.locator(".message")).to_have_count(3)
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)

    def push(subject: str, by: int) -> None:
        page.locator(".message", has_text=subject).evaluate(
            """(row, by) => {
              const send = (kind, x) => row.dispatchEvent(
                new PointerEvent(kind, { bubbles: true, pointerType: "touch", clientX: x, clientY: 200 }));
              send("pointerdown", 150);
              for (let part = 1; part <= 5; part++) send("pointermove", 150 + by * part / 5);
              send("pointerup", 150 + by);
            }""",
            by,
        )

    push("number 1", 40)
    push("number 2", 140)
    expect(page.locator(".message")).to_have_count(2)
    push("number 3", -140)
    reader.expect_subjects("number 1")
    # the list stays, and what comes next in it stays unread
    expect(page.locator(".toast")).to_contain_text("Moved to Trash")
    page.wait_for_timeout(1000)  # a message that is shown is read after half a second
    expect(page.locator(".list-title")).to_be_in_viewport()
    expect(page.locator(".message.unread")).to_have_count(1)
    assert page.url.endswith("#Inbox")
    assert "\\Seen" not in flags(mailbox, "1")
    for name in ("Archive", "Trash"):
        until(partial(has_one, mailbox, name))
    reader.close()


@pytest.mark.nightly
def test_swipes_do_what_was_chosen(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path
) -> None:
    """WEBMAIL-59, WEBMAIL-105: sign and words of the action are where the row was; "Do nothing" moves no row."""
    append(mailbox, "number 1")
    reader = Reader(chromium, local, viewport={"width": 390, "height": 780}, has_touch=True)
    reader.log_in()
    page = reader.page
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)
    finger = """(row, [kinds, by]) => {
      for (const kind of kinds)
        row.dispatchEvent(new PointerEvent(kind, { bubbles: true, pointerType: "touch",
          clientX: 200 + (kind === "pointerdown" ? 0 : by), clientY: 200 }));
    }"""
    row = page.locator(".message")
    beneath = page.locator(".swipe-beneath")
    for by, words in ((100, "Archive"), (-100, "Move to Trash")):
        row.evaluate(finger, [["pointerdown", "pointermove"], by])
        expect(beneath).to_have_text(words)
        expect(beneath.locator("svg")).to_be_visible()
        place = beneath.bounding_box()
        assert place is not None
        assert (place["width"], place["x"]) == (100, 0 if by > 0 else 290)
        page.screenshot(path=tmp_path / f"swipe{by}.png")
        row.evaluate(finger, [["pointercancel"], 0])
        expect(beneath).to_have_count(0)
    with reader.settings("reading") as settings:
        settings.get_by_label("Swipe left").select_option("read")
        settings.get_by_label("Swipe right").select_option("")
    expect(page.locator(".message.unread")).to_have_count(1)
    row.evaluate(finger, [["pointerdown", "pointermove", "pointerup"], -100])
    expect(page.locator(".message.unread")).to_have_count(0)
    row.evaluate(finger, [["pointerdown", "pointermove"], 100])
    expect(beneath).to_have_count(0)
    row.evaluate(finger, [["pointerup"], 100])
    page.reload()
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)
    row.evaluate(finger, [["pointerdown", "pointermove", "pointerup"], -100])
    expect(page.locator(".message.unread")).to_have_count(1)
    until(lambda: "\\Seen" not in flags(mailbox, "1"))
    reader.close()


@pytest.mark.nightly
def test_what_is_done_to_several_messages_opens_none(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-83: nor does what is done to a row that is dragged; after what was read the next one is shown."""
    page = reader.page
    for number in range(1, 7):
        append(mailbox, f"number {number}")
    expect(page.locator(".message")).to_have_count(6)
    page.locator(".message", has_text="number 6").drag_to(page.locator(".mailbox", has_text="Archive"))
    expect(page.locator(".toast")).to_contain_text("Moved to Archive")
    expect(page.locator(".message")).to_have_count(5)
    expect(page.locator(".message[aria-selected=true]")).to_have_count(0)
    page.locator(".message", has_text="number 5").click(modifiers=["Control"])
    page.locator(".message", has_text="number 4").click(modifiers=["Control"])
    page.keyboard.press("a")
    reader.expect_subjects("number 3", "number 2", "number 1")
    expect(page.locator(".message[aria-selected=true]")).to_have_count(0)
    expect(page.locator(".reader-empty")).to_be_visible()
    page.locator(".message", has_text="number 3").click()
    expect(page.locator(".reader-subject")).to_have_text("number 3")
    page.keyboard.press("a")
    expect(page.locator(".reader-subject")).to_have_text("number 2")
    until(lambda: mailbox.status("Archive", "(MESSAGES)")[1][0] == b"Archive (MESSAGES 4)")


@pytest.mark.nightly
def test_a_mailbox_is_chosen_by_its_name(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-70a: among 60, by what is typed, at once too; Enter without a match moves nothing."""
    # a service worker would have the part before it is wanted
    reader = Reader(chromium, local, service_workers="block")
    reader.log_in()
    page = reader.page
    expect(page.locator(".list-title")).to_have_text("Inbox")
    for number in range(60):
        mailbox.create(f"Projects/Nr{number}")
    mailbox.create("Ten")
    append(mailbox, "Boats")
    append(mailbox, "Ships")
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".mailbox", has_text="Nr59")).to_have_count(1)
    page.locator(".message", has_text="Boats").click()
    with reader.held("**/part/palette.*"):
        page.keyboard.press("w")
        page.keyboard.type("Te")
    dialog = page.get_by_role("dialog", name="Move to")
    expect(dialog.get_by_role("combobox")).to_have_value("Te")
    page.keyboard.type("n")
    expect(dialog.locator(".palette-row").first).to_have_text("Ten")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Moved to Ten")
    expect(page.locator(".message-subject")).to_have_text(["Ships"])
    expect(page.locator(".reader-subject")).to_have_text("Ships")
    page.keyboard.press("w")
    page.keyboard.type("no such")
    expect(dialog).to_contain_text("No matching folders")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    dialog.get_by_role("combobox").fill("nr42")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Moved to Projects/Nr42")
    for name in ("Ten", "Projects/Nr42"):
        until(partial(has_one, mailbox, name))
    for name in ("Ten", *(f"Projects/Nr{number}" for number in range(60)), "Projects"):
        mailbox.delete(name)
    reader.close()


@pytest.mark.nightly
@pytest.mark.parametrize("width", [320, 390, 640, 900, 1100])
def test_no_width_scrolls_sideways(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, width: int) -> None:
    """WEBMAIL-58: what does not fit of the bar is in its menu."""
    append(mailbox, "a subject that is rather long " * 5)
    reader = Reader(chromium, local, viewport={"width": width, "height": 700})
    reader.log_in()
    page = reader.page
    page.locator(".message").click()
    expect(page.locator(".reader-subject")).to_be_in_viewport()
    reader.expect_width(width)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Export").click()
    expect(page.get_by_role("dialog", name="Export this message")).to_be_visible()
    page.keyboard.press("Escape")
    reader.close()


@pytest.mark.nightly
def test_a_silent_connection_is_made_anew(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-33, WEBMAIL-46: after 45 seconds without an event."""
    page = reader.page
    page.clock.install()
    page.reload()
    # there is something to go on from
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")

    reader.fall_silent(re.compile(r"/webmail/events\?.*since=[1-9]"))
    append(mailbox, "after the silence")
    expect(page.locator(".message-subject")).to_have_text("after the silence")


@pytest.mark.nightly
def test_text_that_turns_its_direction_stays_in_its_place(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-118."""
    page = reader.page
    append(mailbox, "\u202egnp.exe")
    append(mailbox, "\u05e9\u05dc\u05d5\u05dd")
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".message-subject").nth(1)).to_have_text("[U+202E]gnp.exe")
    assert page.locator(".message-subject").first.evaluate("(one) => getComputedStyle(one).direction") == "rtl"


def test_one_pane_at_a_time_on_a_small_screen(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-59, WEB-164."""
    reader = Reader(chromium, local, viewport={"width": 360, "height": 700})
    append(mailbox, "small")
    reader.log_in()
    page = reader.page
    page.locator(".message").click()
    expect(page.locator(".reader-subject")).to_be_in_viewport()
    expect(page.locator(".back")).to_be_visible()
    reader.expect_width(360)
    page.go_back()
    expect(page.locator(".reader-subject")).to_be_hidden()
    page.get_by_role("button", name="Folders").click()
    expect(page.locator(".mailbox", has_text="Archive")).to_be_in_viewport()
    reader.close()


@pytest.mark.nightly
def test_a_session_that_ends_is_begun_again_over_the_open_page(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-20, WEBMAIL-30: nothing of the page is lost."""
    append(mailbox, "kept")
    page = reader.page
    page.locator(".message").click()
    expect(page.locator(".reader-subject")).to_have_text("kept")
    other = reader.context.new_page()
    other.goto(f"{reader.base}/webmail/")
    other.get_by_role("button", name="Account and settings").click()
    other.get_by_role("menuitem", name="Log out").click()
    # the last that page does is to forget the session: it is not to forget the next one
    expect(other.get_by_label("Password")).to_be_visible()
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.locator(".reader-subject")).to_have_text("kept")
    page.get_by_label("Email address").fill(reader.server.user)
    page.get_by_label("Password").fill(reader.server.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".offline")).to_be_hidden()
    append(mailbox, "news")
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".reader-subject")).to_have_text("kept")


@pytest.mark.nightly
def test_letters_of_another_script_are_marked(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-74: a Cyrillic letter in a Latin word; two scripts in two words are no trick."""
    append(mailbox, "p\u0430ypal und \u041c\u043e\u0441\u043a\u0432\u0430, Z\u00fcrich")
    marked = reader.page.locator(".message-subject .scriptswitch")
    expect(marked).to_have_count(2)  # into the other script, and back
    assert marked.first.inner_text() == "\u0430"


@pytest.mark.nightly
def test_mailboxes_have_their_order_and_a_menu(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-62, WEBMAIL-27."""
    page = reader.page
    for number, name in enumerate(("Inbox", "Drafts", "Sent", "Archive", "Trash", "Junk")):
        expect(page.locator(".mailbox-name:visible").nth(number)).to_have_text(name)
    page.get_by_role("button", name="+ New folder").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Zoo/Bears")
    page.get_by_role("button", name="Create").click()
    bears = page.locator(".mailbox", has_text="Bears")
    expect(bears).to_be_visible()
    bears.hover()
    bears.get_by_label("Actions for Zoo/Bears").click()
    page.get_by_role("button", name="Rename…").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Zoo/Birds")
    page.get_by_role("button", name="Rename", exact=True).click()
    birds = page.locator(".mailbox", has_text="Birds")
    expect(birds).to_be_visible()
    birds.hover()
    birds.get_by_label("Actions for Zoo/Birds").click()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(birds).to_have_count(0)
    page.locator(".mailbox", has_text="Inbox").hover()
    page.get_by_label("Actions for Inbox").click()
    expect(page.get_by_role("button", name="Delete…")).to_be_disabled()
    page.keyboard.press("Escape")


@pytest.mark.nightly
def test_the_administrators_script_has_its_turn(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-7, WEBMAIL-8: a script that fails is told, and the page goes on."""
    script = local.folder / "config" / "webmail.js"
    try:
        script.write_text("window.moxliteBeforeDisplay = (root) => { root.dataset.hooked = root.hidden; nonsense(); };")
        reader = Reader(chromium, local)
        reader.log_in()
        expect(reader.page.get_by_role("dialog")).to_contain_text("Couldn't run this server's custom script")
        expect(reader.page.locator("#app")).to_have_attribute("data-hooked", "true")
        reader.page.get_by_role("button", name="Close").click()
        expect(reader.page.locator(".list-title")).to_have_text("Inbox")
        reader.close()
    finally:
        script.unlink()


@pytest.mark.nightly
def test_a_mailbox_and_a_selection_are_downloaded(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-85."""
    page = reader.page
    for number in (1, 2, 3):
        append(mailbox, f"number {number}")
    expect(page.locator(".message")).to_have_count(3)

    def downloaded(name: str) -> list[str]:
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Single mbox file").click()
        assert re.fullmatch(name, waiting.value.suggested_filename)
        return [str(message["Subject"]) for message in mbox(waiting.value.path())]

    page.locator(".mailbox", has_text="Inbox").hover()
    page.get_by_label("Actions for Inbox").click()
    page.get_by_role("button", name="Export…").click()
    page.screenshot(path=tmp_path / "export.png")
    assert downloaded(r"mailexport-Inbox-\d{8}-\d{6}\.mbox") == ["number 1", "number 2", "number 3"]
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("number 3")
    page.keyboard.press("J")
    page.keyboard.press("Shift+E")
    assert downloaded(r"mailexport-selection-\d{8}-\d{6}\.mbox") == ["number 3", "number 2"]


@pytest.mark.nightly
def test_where_events_are_held_back_a_websocket_is_used(
    reader: Reader, mailbox: imaplib.IMAP4, chromium: Browser
) -> None:
    """WEBMAIL-32: as behind a proxy that buffers."""
    page = reader.page
    page.route("**/webmail/events?*", lambda route: None)  # neither answered nor refused
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.clock.install()
    with page.expect_request("**/webmail/events?*"):
        page.reload()
    page.clock.run_for(11_000)
    expect(page.locator(".list-title")).to_have_text("Inbox")
    assert sockets
    append(mailbox, "by websocket")
    expect(page.locator(".message-subject")).to_have_text("by websocket")


@pytest.mark.nightly
@pytest.mark.slow
def test_a_server_that_was_killed_is_found_again(reader: Reader, local: LocalServer) -> None:
    """WEBMAIL-44, WEBMAIL-46: with all that was acknowledged and what came since."""
    page = reader.page

    def session() -> imaplib.IMAP4:
        found = imaplib.IMAP4("127.0.0.1", local.port(143))
        found.login(local.user, local.password)
        return found

    append(session(), "before")
    expect(page.locator(".message")).to_have_count(1)
    page.locator(".message").click()
    expect(page.locator(".reader-subject")).to_have_text("before")
    local.kill()
    expect(page.locator(".offline")).to_be_visible(timeout=60_000)
    local.start()
    append(session(), "after")
    expect(page.locator(".offline")).to_be_hidden(timeout=90_000)
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".reader-subject")).to_have_text("before")
