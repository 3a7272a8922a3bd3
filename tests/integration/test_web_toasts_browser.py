"""Toasts in a real browser: they cover neither the button that sends nor the round one that begins a message."""

import imaplib
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Route, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, local
from tests.running import LocalServer

__all__ = ["chromium", "local"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]

#: Widths and heights in px, and whether it is touched: a desk, small windows, a tablet, phones.
SCREENS = [
    *((1280, 800, False), (900, 700, False), (800, 700, True)),
    *((640, 800, False), (640, 800, True), (390, 780, True), (360, 640, True)),
]

#: Toasts stay for ten minutes in place of ten seconds, which a busy machine may need for the rest.
LASTING = """const set = window.setTimeout;
window.setTimeout = (run, time, ...others) => set(run, time === 10_000 ? 600_000 : time, ...others);"""

REASON = "The disk that holds the mail of this account is full. " * 3


@pytest.fixture(params=SCREENS, ids=[f"{width}{' touch' * touch}" for width, _, touch in SCREENS])
def reader(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, request: pytest.FixtureRequest
) -> Iterator[Reader]:
    """A reader of ten messages on one of the screens."""
    width, height, touch = request.param
    mailbox.create('"Letters of the friends of the old harbour and its boats, kept for the years to come"')
    for number in range(10):
        append(mailbox, f"Boat {number}")
    found = Reader(chromium, local, viewport={"width": width, "height": height}, has_touch=touch)
    found.context.add_init_script(LASTING)
    found.log_in()
    expect(found.page.locator(".message")).to_have_count(10)
    yield found
    found.expect_problem("500")
    found.close()


def refuse(route: Route) -> None:
    """Refuse a star in many words. That a message is read is marked by itself, at any time."""
    if "flagged" not in (route.request.post_data or ""):
        route.continue_()
        return
    route.fulfill(status=500, body=json.dumps({"error": {"code": "server:error", "message": REASON}}))


def say_much(reader: Reader) -> None:
    """Two toasts of many words: what was done to a message, and what failed."""
    page = reader.page
    page.route("**/api/flags_add", refuse)
    page.locator(".messages").focus()
    page.keyboard.press("Home")
    page.keyboard.press("s")
    expect(page.locator(".toast", has_text="disk")).to_be_visible()
    page.keyboard.press("w")
    page.get_by_role("dialog").get_by_role("option", name=re.compile("^Letters")).click()
    moved = page.locator(".toast", has_text="Moved to Letters")
    expect(moved).to_be_visible()
    words = moved.locator("span").first.bounding_box()
    assert words is not None
    assert words["width"] > 120  # words are not cut into letters


def apart(one: Locator, other: Locator) -> None:
    """Two elements are in the window and have no point in common."""
    boxes: list[FloatRect] = []
    for found in (one, other):
        box = found.bounding_box()
        assert box is not None
        boxes.append(box)
    size = one.page.viewport_size
    assert size is not None
    a, b = boxes
    for box in boxes:
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        assert box["y"] + box["height"] <= size["height"]
    beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    above = a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    assert beside or above, boxes


def free(reader: Reader, button: Locator, toasts: int) -> None:
    """So many toasts are in sight, in front of all else, and leave the button free."""
    expect(button).to_be_visible()
    page = reader.page
    shown = page.locator(".toast").filter(visible=True)
    expect(shown).to_have_count(toasts)
    for toast in shown.all():
        apart(toast, button)
        toast.click(trial=True)


def test_toasts_leave_the_buttons_free_that_write_and_send(reader: Reader) -> None:
    """WEBMAIL-66e: beside the list, a message that is written in a window, and an answer below what it answers."""
    page = reader.page
    size = page.viewport_size
    assert size is not None
    say_much(reader)
    page.keyboard.press("Escape")
    free(reader, page.get_by_role("button", name="New message").filter(visible=True), 2)
    for key in ("c", "r"):
        if not page.locator(".message.active").count():
            page.locator(".message").first.click()
        say_much(reader)
        page.locator(".messages").focus()
        page.keyboard.press(key)
        composer = page.locator(".composer")
        free(reader, composer.get_by_role("button", name="Send", exact=True), 1 if size["width"] <= 700 else 2)
        for toast in reversed(page.locator(".toast-close").filter(visible=True).all()):
            toast.click()
        composer.get_by_label("Close").or_(composer.get_by_label("Discard")).filter(visible=True).last.click()
        expect(composer).to_have_count(0)
