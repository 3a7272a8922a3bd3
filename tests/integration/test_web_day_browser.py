"""A day's work in the webmail without a mouse, and the same with a thumb: every step by keys or by taps alone."""

import email
import email.policy
import imaplib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import all_has_come
from tests.integration.webmail_views import message
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
]

#: What tells where the keys go: the element with the focus, with an outline, or the row that the list marks for it.
VISIBLE = """() => {
  const seen = (one) => {
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    return drawn && box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  };
  const focused = document.activeElement;
  const name = `${focused?.tagName}.${focused?.className}`;
  // the list marks a row, the search field the bar around it, and a text that is written has the caret
  const bar = focused?.closest(".search-bar");
  const rows = ".message, .messages-note";
  const others = focused?.matches(".messages") ? focused.querySelectorAll(rows) : bar ? [bar] : [];
  const written = focused?.matches(".compose-text");
  return [name, focused !== null && focused !== document.body && (written || [focused, ...others].some(seen))];
}"""
PATIENCE = 30.0
"""Seconds until what a step leads to must be seen."""

#: A search that is done.
FOUND = re.compile(r"^\d+ (messages? in \d+ conversations?|found)$")
#: The message that is labelled.
LABELLED = "Lunch"
#: The larger side of what a thumb is to hit, px (WEBMAIL-59).
THUMB = 44


@pytest.fixture
def imap(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """The account as it is in the morning: a thread, and other mail."""
    all_has_come(server)
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    for name in ("INBOX", "Archive", "Sent", "Boats"):
        if session.select(name)[0] == "OK" and session.search(None, "ALL")[1] != [b""]:
            session.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
    session.create("Boats")
    for subject in ("Minutes", "Lunch", "Harbour"):
        session.append("INBOX", "", "", message(subject, f"About {subject.lower()}.\n"))
    for number in (1, 2, 3):
        session.append("INBOX", "(\\Seen)", "", message("Re: Boats", f"Answer {number}.\n", number=number))
    yield session
    session.logout()


def content(session: imaplib.IMAP4, mailbox: str) -> list[bytes]:
    """The octets of all messages of a mailbox."""
    session.select(mailbox, readonly=True)
    _, (numbers,) = session.search(None, "ALL")
    found = []
    for number in numbers.split():
        _, data = session.fetch(number.decode(), "(BODY.PEEK[])")
        found += [one[1] for one in data if isinstance(one, tuple)]
    return found


def sent_with_a_file(session: imaplib.IMAP4) -> None:
    """The reply is in Sent, once, with its file."""
    until(lambda: len(content(session, "Sent")) == 1)
    [octets] = content(session, "Sent")
    sent = email.message_from_bytes(octets, policy=email.policy.default)
    assert [part.get_filename() for part in sent.iter_attachments()] == ["plan.txt"]
    assert sent["subject"] == "Re: Minutes"


class Keys:
    """A page that is worked with by keys alone; after each step the focus must be seen."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def look(self, step: str) -> None:
        """The focus is somewhere, and is seen there."""
        end = time.monotonic() + PATIENCE
        while not (found := self.page.evaluate(VISIBLE))[1]:
            assert time.monotonic() < end, f"after {step} the focus is not seen: {found[0]}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.look(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.look(text)

    def go(self, target: Locator, key: str = "Tab") -> None:
        """Step by the tab key until the target has the focus."""
        for _ in range(60):
            if target.evaluate("(one) => one === document.activeElement"):
                return
            self.press(key)
        raise AssertionError("the tab key does not come to it")


def test_a_day_without_a_mouse(chromium: Browser, server: LocalServer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-71, WEBMAIL-144, WEBMAIL-155: log in, read, reply with a file, search, move a thread, undo, label, change
    a setting, log out.
    """
    visitor = Visitor(chromium, server)
    page = visitor.page
    keys = Keys(page)
    page.goto(f"{visitor.base}/webmail/")
    expect(page.get_by_label("Email address")).to_be_focused()
    keys.type(server.user)
    keys.press("Tab")
    keys.type(server.password)
    page.keyboard.press("Enter")
    expect(page.locator(".message")).to_have_count(4)
    keys.look("log in")
    # read
    while page.locator(".message.focused .message-subject").all_inner_texts() != ["Minutes"]:
        keys.press("j")
    keys.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("Minutes")
    # reply with a file
    page.keyboard.press("r")
    composer = page.locator(".composer")
    expect(composer.get_by_label("Text")).to_be_focused()
    keys.type("The plan is attached.")
    # the bar below the text is one stop of the tab key
    keys.go(composer.get_by_role("button", name="Send", exact=True))
    keys.go(composer.get_by_role("button", name="Attach"), "ArrowRight")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    (tmp_path / "plan.txt").write_text("the plan")
    chooser.value.set_files(tmp_path / "plan.txt")
    expect(composer.locator(".file-name")).to_have_text("plan.txt")
    expect(composer.locator("progress:visible")).to_have_count(0)  # until then nothing is sent
    keys.look("the file")
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    keys.look("sending")
    sent_with_a_file(imap)
    # search
    keys.press("/")
    keys.type("subject:boats")
    page.keyboard.press("Enter")
    # until it is done Escape would stop it only
    expect(page.locator(".search-said")).to_have_text(FOUND)
    expect(page.locator(".message").first).to_contain_text("Boats")
    keys.look("searching")
    keys.press("j")
    keys.press("Enter")
    expect(page.locator(".reader-subject")).to_contain_text("Boats")
    keys.press("Escape")
    keys.press("Escape")
    expect(page.locator(".list-title")).to_have_text("Inbox")
    expect(page.locator(".message-subject", has_text=LABELLED)).to_be_visible()
    # move a thread, and take it back
    keys.press("Home")
    while page.locator(".message.focused .message-subject").all_inner_texts() != ["Re: Boats"]:
        keys.press("j")
    keys.press("w")
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_label("Folder", exact=True)).to_be_focused()
    keys.type("Boats")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    keys.look("moving")
    until(lambda: len(content(imap, "Boats")) == 3)
    keys.press("Control+z")
    until(lambda: len(content(imap, "Boats")) == 0)
    # label
    while page.locator(".message.focused .message-subject").all_inner_texts() != [LABELLED]:
        keys.press("j")
    keys.press("y")
    expect(dialog.get_by_label("Find or create label")).to_be_focused()
    keys.type("later")
    page.keyboard.press("Enter")
    expect(page.locator(".message", has_text=LABELLED).locator(".keyword")).to_have_text(["later"])
    keys.look("labelling")
    # a setting
    for arrow, height in (("ArrowDown", "40px"), ("ArrowUp", "56px")):
        page.keyboard.press("Control+!")
        expect(page.get_by_role("heading", name="Addresses", level=2)).to_be_visible()
        keys.go(page.get_by_role("link", name="Appearance", exact=True))
        page.keyboard.press("Enter")
        keys.go(page.get_by_role("combobox", name="List density"))
        with page.expect_response("**/api/preferences_save"):
            keys.press(arrow)
        page.go_back()
        page.go_back()
        expect(page.locator(".message").first).to_have_css("height", height)
        keys.look("the setting")
    # log out, by its name
    page.keyboard.press("Control+k")
    page.keyboard.type("log out")
    expect(page.locator(".palette-row").first).to_contain_text("Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_be_visible()
    keys.look("logging out")
    visitor.close()


def tap(target: Locator) -> None:
    """Tap what a thumb can hit."""
    expect(target).to_be_visible()
    end = time.monotonic() + PATIENCE
    while (box := target.bounding_box()) is None:  # it is being drawn anew
        assert time.monotonic() < end, f"{target} is gone"
    assert max(box["width"], box["height"]) >= THUMB, f"{target} is {box['width']} × {box['height']} px"
    target.tap()


@pytest.mark.nightly
def test_a_day_with_a_thumb(chromium: Browser, server: LocalServer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-59, WEBMAIL-155: the same at 390 px, by touch; nothing scrolls sideways."""
    visitor = Visitor(chromium, server, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    page = visitor.page
    page.goto(f"{visitor.base}/webmail/")
    tap_and_type(page.get_by_label("Email address"), server.user)
    tap_and_type(page.get_by_label("Password"), server.password)
    tap(page.get_by_role("button", name="Log in"))
    expect(page.locator(".message")).to_have_count(4)
    # read, and reply with a file
    tap(page.locator(".message", has_text="Minutes"))
    expect(page.locator(".reader-subject")).to_have_text("Minutes")
    narrow(page)
    tap(page.locator(".toolbar").get_by_role("button", name="Reply", exact=True))
    composer = page.locator(".composer")
    tap_and_type(composer.get_by_label("Text"), "The plan is attached. ")
    (tmp_path / "plan.txt").write_text("the plan")
    with page.expect_file_chooser() as chooser:
        tap(composer.get_by_role("button", name="Attach"))
    chooser.value.set_files(tmp_path / "plan.txt")
    expect(composer.locator(".file-name")).to_have_text("plan.txt")
    expect(composer.locator("progress:visible")).to_have_count(0)  # until then nothing is sent
    narrow(page)
    tap(composer.get_by_role("button", name="Send", exact=True))
    expect(composer).to_have_count(0)
    sent_with_a_file(imap)
    tap(page.get_by_role("button", name="Back"))
    # search
    tap_and_type(page.locator(".search-input"), "subject:boats")
    page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_have_text(FOUND)
    tap(page.locator(".message").first)
    expect(page.locator(".reader-subject")).to_contain_text("Boats")
    narrow(page)
    tap(page.get_by_role("button", name="Back"))
    page.get_by_role("button", name="Close search").tap()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    # move a thread, and take it back
    tap(page.locator(".message", has_text="Re: Boats"))
    choose(page, "Move…")
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("option", name="Boats", exact=True).tap()
    until(lambda: len(content(imap, "Boats")) == 3)
    page.locator(".toast").get_by_role("button", name="Undo").last.tap()
    until(lambda: len(content(imap, "Boats")) == 0)
    # a label that the other day has not made
    tap(page.get_by_role("button", name="Back"))
    tap(page.locator(".message", has_text=LABELLED))
    choose(page, "Labels…")
    tap_and_type(dialog.get_by_label("Find or create label"), "soon")
    dialog.get_by_role("button", name="Create").tap()
    tap(page.get_by_role("button", name="Back"))
    expect(page.locator(".message", has_text=LABELLED).locator(".keyword")).to_have_text(["soon"])
    # a setting, and log out
    for rows, height in (("compact", "56px"), ("comfortable", "68px")):
        tap(page.get_by_role("button", name="Folders"))
        page.get_by_role("button", name="Account and settings").tap()
        page.get_by_role("menuitem", name="Settings").tap()
        tap(page.get_by_role("link", name="Appearance", exact=True))
        with page.expect_response("**/api/preferences_save"):
            page.get_by_role("combobox", name="List density").select_option(rows)
        tap(page.get_by_role("button", name="Pages"))
        tap(page.get_by_role("link", name="Mail", exact=True))
        expect(page.locator(".message").first).to_have_css("height", height)
        narrow(page)
        expect(page.locator(".side")).to_be_hidden()
    tap(page.get_by_role("button", name="Folders"))
    page.get_by_role("button", name="Account and settings").tap()
    page.get_by_role("menuitem", name="Log out").tap()
    expect(page.get_by_label("Password")).to_be_visible()
    visitor.close()


def tap_and_type(target: Locator, text: str) -> None:
    """Tap a field, and type into it once the tap has led there."""
    tap(target)
    expect(target).to_be_focused()
    target.page.keyboard.type(text)


def narrow(page: Page) -> None:
    """Nothing scrolls sideways."""
    page.wait_for_function("document.documentElement.scrollWidth <= 390")


def choose(page: Page, name: str) -> None:
    """An action of the bar, or of its menu, which a narrow bar has as soon as it is laid out."""
    expect(page.get_by_role("button", name="More actions")).to_be_visible()
    button = page.locator(".toolbar").get_by_role("button", name=name)
    if not button.is_visible():
        tap(page.get_by_role("button", name="More actions"))
        page.get_by_role("menuitem", name=name).tap()
    else:
        tap(button)
