"""The actions on a row of the list in a real browser: under the mouse, by keys, in the row's menu, by a finger."""

import imaplib
import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, flags, has_one, local
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

ACTIONS = {
    "archive": ("Archive", "a", "Archive"),
    "trash": ("Move to Trash", "d", "Trash"),
    "later": ("Snooze…", "b", "Snoozed"),
}
"""The title in the menu, the key, and the mailbox where the message is then, of each action that takes a row away."""


@pytest.fixture
def reader(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> Iterator[Reader]:
    """A reader whose Inbox has an unread message between two others."""
    for subject in ("below", "meant", "above"):
        append(mailbox, subject)
    found = Reader(chromium, local, viewport={"width": 1280, "height": 800})
    found.log_in()
    expect(found.page.locator(".message")).to_have_count(3)
    yield found
    found.close()


def has_none(session: imaplib.IMAP4, name: str) -> bool:
    """Whether a mailbox is empty."""
    return session.status(name, "(MESSAGES)")[1] == [f"{name} (MESSAGES 0)".encode()]


def meant(page: Page) -> Locator:
    """The row in the middle."""
    return page.locator(".message", has_text="meant")


def under_the_mouse(page: Page, action: str) -> None:
    """Press the button that the row shows under the pointer."""
    button = meant(page).locator(f"[data-action={action}]")
    page.mouse.move(5, 5)
    expect(button).to_be_hidden()
    meant(page).hover()
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24  # WCAG 2.2 §2.5.8
    button.click()


def by_its_menu(page: Page, action: str) -> None:
    """Choose it in the menu that a right click opens."""
    meant(page).click(button="right")
    page.get_by_role("menuitem", name=ACTIONS[action][0]).click()


def by_its_key(page: Page, action: str) -> None:
    """Choose the row, which opens no message, and press the key."""
    meant(page).locator(".message-disc").click()
    page.keyboard.press(ACTIONS[action][1])


@pytest.mark.nightly
@pytest.mark.parametrize("density", ["comfortable", "compact"])
def test_labels_stay_in_place_and_in_sight_beside_the_actions(
    reader: Reader, mailbox: imaplib.IMAP4, density: str
) -> None:
    """WEBMAIL-60, WEBMAIL-84: the actions are over the time, so that nothing moves under the pointer."""
    page = reader.page
    mailbox.select("INBOX")
    mailbox.store("1:*", "+FLAGS.SILENT", "(work)")
    label = meant(page).locator(".message-labels .keyword")
    expect(label).to_have_text("work")
    page.evaluate("(density) => document.body.classList.toggle('compact', density === 'compact')", density)
    page.mouse.move(5, 5)
    before = label.bounding_box()
    meant(page).hover()
    expect(meant(page).locator("[data-action=archive]")).to_be_visible()
    assert label.bounding_box() == before
    on_top = """(label) => {
      const { x, y, width, height } = label.getBoundingClientRect();
      return document.elementFromPoint(x + width / 2, y + height / 2) === label;
    }"""
    assert label.evaluate(on_top)


@pytest.mark.landing("under_the_mouse")
@pytest.mark.parametrize("way", [under_the_mouse, by_its_menu, by_its_key])
def test_a_row_is_put_away_and_comes_back_as_it_was(
    reader: Reader, mailbox: imaplib.IMAP4, way: Callable[[Page, str], None]
) -> None:
    """WEBMAIL-60, WEBMAIL-124, WEBMAIL-125: archive, trash, snooze; no other row goes, no message is opened."""
    page = reader.page
    for action, (_, _, there) in ACTIONS.items():
        way(page, action)
        if action == "later":
            page.get_by_role("dialog").get_by_role("button", name="Tomorrow morning").click()
        expect(page.locator(".message-subject")).to_have_text(["above", "below"])
        until(partial(has_one, mailbox, there), what=f"the message in {there}")
        page.locator(".toast").last.get_by_role("button", name="Undo").click()
        expect(page.locator(".message-subject")).to_have_text(["above", "meant", "below"])
        until(partial(has_none, mailbox, there), what=f"no message in {there}")
        expect(page.locator(".reader-subject:visible")).to_have_count(0)
        expect(meant(page)).to_have_class(re.compile(r"\bunread\b"))


@pytest.mark.nightly
def test_a_row_is_marked_as_read_and_unread(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-60, WEBMAIL-124: by the button that is under the mouse, by the menu, by Undo; it is not opened."""
    page = reader.page
    unread = page.locator(".message.unread", has_text="meant")

    def told(seen: bool) -> None:
        expect(unread).to_have_count(0 if seen else 1)
        until(lambda: ("\\Seen" in flags(mailbox, "2")) is seen)

    under_the_mouse(page, "read")
    told(True)
    page.keyboard.press("Control+z")
    told(False)
    under_the_mouse(page, "read")
    told(True)
    under_the_mouse(page, "read")
    told(False)
    meant(page).click(button="right")
    page.get_by_role("menuitem", name="Mark read").click()
    told(True)
    meant(page).click(button="right")
    page.get_by_role("menuitem", name="Mark unread").click()
    told(False)
    expect(page.locator(".reader-subject:visible")).to_have_count(0)
    assert [flags(mailbox, number).count("Seen") for number in ("1", "3")] == [0, 0]


@pytest.mark.nightly
def test_chosen_rows_have_their_actions_at_the_foot_of_a_phone(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-59, WEBMAIL-60: no row shows buttons under a finger; rows that a long press chose have them below."""
    for subject in ("below", "meant", "above"):
        append(mailbox, subject)
    phone = Reader(chromium, local, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    phone.log_in()
    page = phone.page
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)
    for name, there in (("Archive", "Archive"), ("Trash", "Trash")):
        hold(page, "meant")
        expect(page.locator(".message-actions:visible")).to_have_count(0)
        button = page.get_by_role("button", name=name, exact=True)
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
        assert box["y"] > 700
        button.tap()
        expect(page.locator(".message-subject")).to_have_text(["above", "below"])
        until(partial(has_one, mailbox, there), what=f"the message in {there}")
        page.locator(".toast").last.get_by_role("button", name="Undo").tap()
        expect(page.locator(".message-subject")).to_have_text(["above", "meant", "below"])
        until(partial(has_none, mailbox, there), what=f"no message in {there}")
    phone.close()


def hold(page: Page, subject: str) -> None:
    """A finger that rests on a row for longer than a press takes."""
    box = page.locator(".message", has_text=subject).bounding_box()
    assert box is not None
    touches = page.context.new_cdp_session(page)
    place = {"x": box["x"] + 200, "y": box["y"] + 20}
    touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    page.wait_for_timeout(800)  # a press takes half a second of the browser's time
    touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_row_is_answered_and_forwarded_by_its_menu(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-60: the row's message, though another one is open."""
    page = reader.page
    page.locator(".message", has_text="above").click()
    expect(page.locator(".reader-subject")).to_contain_text("above")
    for name, subject in (("^Reply(?! to)", "Re: meant"), ("^Forward", "Fwd: meant")):
        meant(page).click(button="right")
        page.get_by_role("menuitem", name=re.compile(name)).click()
        composer = page.locator(".composer")
        expect(composer.get_by_label("Subject")).to_have_value(subject)
        page.keyboard.press("Escape")
        expect(composer).to_have_count(0)
    expect(page.locator(".reader-subject")).to_contain_text("above")


def test_a_row_is_flagged_labeled_moved_and_marked_as_junk_by_its_menu(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-60: the row's message alone, though another one is open; none of it is selected."""
    page = reader.page
    mailbox.create("Plans")
    page.locator(".message", has_text="above").click()
    expect(page.locator(".reader-subject")).to_contain_text("above")

    def choose(name: str) -> None:
        meant(page).click(button="right")
        page.get_by_role("menuitem", name=name).click()

    choose("Flag")
    until(lambda: "\\Flagged" in flags(mailbox, "2"))
    choose("Unflag")
    until(lambda: "\\Flagged" not in flags(mailbox, "2"))
    choose("Labels…")
    page.get_by_label("Find or create label").fill("garden")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(meant(page).locator(".message-labels")).to_have_text("garden")
    for name, there in (("Move…", "Plans"), ("Junk", "Junk")):
        choose(name)
        if name == "Move…":
            page.get_by_role("dialog").get_by_role("option", name=there).click()
        expect(page.locator(".message-subject")).to_have_text(["above", "below"])
        until(partial(has_one, mailbox, there), what=f"the message in {there}")
        page.locator(".toast").last.get_by_role("button", name="Undo").click()
        expect(page.locator(".message-subject")).to_have_text(["above", "meant", "below"])
    expect(page.locator(".reader-subject")).to_contain_text("above")
    expect(page.locator(".message-labels")).to_have_text(["", "garden", ""])
