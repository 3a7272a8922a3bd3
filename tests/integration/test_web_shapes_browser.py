"""Shapes of the webmail that are easily lost: the drawer of a phone, text of two directions, the place of the focus."""

import imaplib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, local, reader
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_one_pane_at_a_time_on_a_small_screen"
    ),
]


@pytest.fixture
def phone(chromium: Browser, local: LocalServer) -> Iterator[Reader]:
    """A reader with a phone."""
    found = Reader(chromium, local, viewport={"width": 390, "height": 780}, has_touch=True)
    found.log_in()
    expect(found.page.locator(".list-title")).to_have_text("Inbox")
    yield found
    found.close()


def test_the_drawer_of_mailboxes_opens_and_closes(phone: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-59, WEBMAIL-144: by its button, a tap beside it and Escape; closed, nothing in it can be reached."""
    page = phone.page
    append(mailbox, "Beside it")
    expect(page.locator(".message")).to_have_count(1)
    button, side = page.get_by_role("button", name="Folders"), page.locator(".side")
    expect(side).to_be_hidden()
    button.tap()
    expect(page.locator(".mailbox-open", has_text="Inbox")).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    # what is beside it is not meant by that tap
    page.touchscreen.tap(370, 150)
    expect(side).to_be_hidden()
    expect(page.locator("body")).not_to_have_class(re.compile("show-message"))
    button.tap()
    expect(side).to_be_visible()
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    expect(button).to_be_focused()


def test_a_long_press_selects_and_does_nothing_else(phone: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-59, WEBMAIL-64: by real touches: neither a menu nor the message opens, a tap chooses further rows, and a
    finger that moves has not pressed. The last row that is deselected ends it; then a tap opens.
    """
    page = phone.page
    for number in range(1, 4):
        append(mailbox, f"number {number}")
    expect(page.locator(".message")).to_have_count(3)
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)
    touch = touching(page)

    def row(subject: str) -> Locator:
        return page.locator(".message", has_text=subject)

    def rest(subject: str, *, by: float = 0) -> None:
        """Hold a finger on a row for longer than a press takes; first it moves down by some pixels."""
        box = row(subject).bounding_box()
        assert box is not None
        place = (box["x"] + 200, box["y"] + 20)
        touch("touchStart", place)
        if by:
            touch("touchMove", (place[0], place[1] + by))
        page.wait_for_timeout(800)  # a press takes half a second of the browser's time
        touch("touchEnd")

    def chosen(*subjects: str) -> None:
        for number in range(1, 4):
            name = f"number {number}"
            expect(row(name)).to_have_attribute("aria-selected", str(name in subjects).lower())

    rest("number 2", by=30)
    chosen()
    rest("number 2")
    chosen("number 2")
    expect(page.locator("body")).to_have_class(re.compile("choosing"))
    expect(page.locator(".menu, .reader-subject:visible")).to_have_count(0)
    row("number 3").tap()
    chosen("number 2", "number 3")
    rest("number 1")
    chosen("number 1", "number 2", "number 3")
    for number in range(1, 4):
        row(f"number {number}").tap()
    chosen()
    expect(page.locator("body")).not_to_have_class(re.compile("choosing"))
    assert "\\Seen" not in str(mailbox.fetch("1:3", "(FLAGS)"))
    row("number 1").tap()
    expect(page.locator(".reader-subject")).to_have_text("number 1")


Touch = Callable[..., None]


def touching(page: Page) -> Touch:
    """A function for the events of fingers, `touchStart`, `touchMove`, `touchEnd`, with the points of the fingers."""
    touches = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    return touch


def streams(reader: Reader) -> int:
    """Number of connections for events that the page has opened."""
    return sum("/webmail/events?" in one for one in reader.requests)


def test_a_pull_at_the_top_asks_the_server(phone: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-59a: by real touches; the sign follows the finger and says what a release does. A short pull, one
    sideways, one of a scrolled list and one of two fingers ask nothing and select nothing. Without a connection it
    says so.
    """
    page = phone.page
    for number in range(1, 21):
        append(mailbox, f"number {number}")
    expect(page.locator(".message", has_text="number 20")).to_be_visible()
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)
    expect(page.locator(".messages")).to_have_css("overscroll-behavior-y", "contain")
    expect(page.locator("html")).to_have_css("overscroll-behavior-y", "contain")
    touch, sign, before = touching(page), page.locator(".pull"), streams(phone)

    def pull(*ways: tuple[float, float]) -> None:
        touch("touchStart", (200, 200))
        for x, y in ways:
            touch("touchMove", (200 + x, 200 + y))

    pull((0, 20), (0, 60))
    expect(sign).to_have_text("Pull to refresh")
    page.screenshot(path=tmp_path / "pull.png")
    touch("touchEnd")
    expect(sign).to_have_count(0)
    pull((30, 5), (30, 150))
    touch("touchEnd")
    touch("touchStart", (200, 200), (250, 200))
    touch("touchMove", (200, 350), (250, 350))
    touch("touchEnd")
    expect(sign).to_have_count(0)
    assert streams(phone) == before
    pull((0, 20), (0, 150))
    expect(sign).to_have_text("Release to refresh")
    page.screenshot(path=tmp_path / "release.png")
    touch("touchEnd")
    expect(sign).to_have_text("Up to date")
    page.screenshot(path=tmp_path / "done.png")
    expect(sign).to_have_count(0)
    assert streams(phone) == before + 1
    append(mailbox, "after it")
    expect(page.locator(".message", has_text="after it")).to_be_visible()
    expect(page.locator(".message.active, .reader-subject:visible")).to_have_count(0)
    page.locator(".messages").evaluate("list => { list.scrollTop = 300; }")
    pull((0, 20), (0, 150))
    touch("touchEnd")
    expect(sign).to_have_count(0)
    page.locator(".messages").evaluate("list => { list.scrollTop = 0; }")
    page.context.set_offline(True)
    pull((0, 20), (0, 150))
    touch("touchEnd")
    expect(sign).to_have_text("Not connected")
    page.screenshot(path=tmp_path / "offline.png")
    expect(page.locator(".offline")).to_contain_text("Not connected. Reconnecting…")
    page.context.set_offline(False)
    expect(page.locator(".offline")).to_be_hidden()
    expect(sign).to_have_count(0)
    pull((0, 20), (0, 150))
    touch("touchEnd")
    expect(sign).to_have_text("Up to date")


def test_the_sign_of_a_pull_stands_still_if_motion_is_unwanted(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-59a: by `prefers-reduced-motion`; also in an empty list."""
    size = {"width": 390, "height": 780}
    phone = Reader(chromium, local, viewport=size, has_touch=True, reduced_motion="reduce", color_scheme="dark")
    phone.log_in()
    page = phone.page
    expect(page.locator(".list-title")).to_have_text("Inbox")
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)
    touch, sign = touching(page), page.locator(".pull")
    touch("touchStart", (200, 300))
    tops = []
    for y in (330, 450):
        touch("touchMove", (200, y))
        tops.append(sign.bounding_box())
    assert tops[0] is not None
    assert tops[1] is not None
    assert tops[0]["y"] == tops[1]["y"]
    assert sign.locator(".pull-sign").evaluate("one => one.getAnimations().length") == 0
    touch("touchEnd")
    expect(sign).to_have_text("Up to date")
    phone.close()


def test_text_of_two_directions_stands_as_it_is_read(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-118: each line by its own letters, in the text, the subject and the list."""
    page = reader.page
    append(mailbox, "Text", text="שלום, הסירות כאן.\nThe boats are in.\n")
    append(mailbox, "ערב טוב from the port", text="x\n")
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".message-subject", has_text="port")).to_have_css("direction", "rtl")
    page.locator(".message", has_text="Text").click()
    text = page.locator(".text").first
    expect(text).to_have_css("unicode-bidi", "plaintext")
    # where the two lines begin, from the left edge of the text
    starts = text.evaluate(
        """(element) => {
          const range = document.createRange(), edge = element.getBoundingClientRect();
          const node = [...element.childNodes].find((one) => one.textContent.includes("boats"));
          const place = (words) => {
            const all = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
            for (let node; (node = all.nextNode()); ) {
              const at = node.data.indexOf(words);
              if (at < 0) continue;
              range.setStart(node, at);
              range.setEnd(node, at + words.length);
              const box = range.getBoundingClientRect();
              return [box.left - edge.left, edge.right - box.right];
            }
          };
          return [place("הסירות כאן"), place("The boats")];
        }"""
    )
    assert starts[0][0] > 100, "the first line begins at the right"
    assert starts[1][0] < 2, "the second line begins at the left"
    page.locator(".message", has_text="port").click()
    expect(page.locator(".reader-subject")).to_have_css("direction", "rtl")


def test_the_focus_has_a_place_when_what_had_it_is_gone(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-144: after a dialog whose button was drawn anew, the list has it."""
    page = reader.page
    mailbox.create("Garden")
    append(mailbox, "One")
    page.locator(".message").click()
    page.get_by_role("button", name="Move").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("combobox").fill("Garden")
    page.keyboard.press("Enter")
    expect(page.locator(".message")).to_have_count(0)
    expect(page.locator(".messages")).to_be_focused()
    expect(page.locator(".toast")).to_contain_text("Moved to Garden")
    mailbox.select("Garden")
    mailbox.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
    mailbox.close()


@pytest.mark.parametrize(
    ("locale", "day", "words"),
    [
        ("en-GB", "1 March 2026", ["Email address", "Password", "Log in", "Show quote"]),
        ("de-DE", "1. März 2026", ["E-Mail-Adresse", "Passwort", "Anmelden", "Zitat anzeigen"]),
    ],
)
def test_dates_are_of_the_readers_language(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, locale: str, day: str, words: list[str]
) -> None:
    """WEBMAIL-76: in full, in the browser's zone, on screen and where a message is quoted."""
    octets = (
        b"From: ada@x.example\r\nTo: moxlite@localhost\r\nSubject: dated\r\n"
        b"Date: Sun, 01 Mar 2026 01:30:00 +0000\r\n\r\nx\r\n"
    )
    mailbox.append("INBOX", "", "", octets)
    found = Reader(chromium, local, locale=locale, timezone_id="Europe/Stockholm")
    page = found.page
    address, password, log_in, quote = words
    page.goto(f"{found.base}/webmail/")
    page.get_by_label(address).fill(local.user)
    page.get_by_label(password).fill(local.password)
    page.get_by_role("button", name=log_in).click()
    page.locator(".message", has_text="dated").click()
    expect(page.locator(".reader-fields")).to_contain_text(day)
    expect(page.locator(".reader-fields")).to_contain_text("02:30")
    page.keyboard.press("r")
    page.get_by_role("button", name=quote).click()
    expect(page.locator(".composer").get_by_label("Text")).to_have_value(re.compile(day))
    found.close()


def test_wide_mail_is_shown_as_narrow_as_the_phone(phone: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-59: a newsletter of 600 pixels, also after the phone was turned; a page of 3,000 stays legible, and
    scrolls; a narrow one is as it was.
    """
    page = phone.page
    for width in (3000, 600, 200):
        append(mailbox, f"{width} wide", text="", html=f'<div style="width: {width}px">Boots and coats</div>')
    body = page.frame_locator("iframe.html").locator("body")

    def fits() -> bool:
        fit: bool = body.evaluate("(body) => body.parentElement.scrollWidth <= body.parentElement.clientWidth")
        return fit

    for width, zoomed, fitting in ((600, True, True), (3000, False, False), (200, False, True)):
        page.locator(".message", has_text=f"{width} wide").tap()
        expect(page.locator(".reader-subject")).to_have_text(f"{width} wide")
        expect(body).to_have_text("Boots and coats")
        until(lambda fitting=fitting: fits() is fitting)  # type: ignore[misc]
        assert (float(body.evaluate("(body) => getComputedStyle(body).zoom")) < 1) is zoomed
        page.screenshot(path=tmp_path / f"{width}.png")
        if width == 600:
            page.set_viewport_size({"width": 630, "height": 390})
            until(lambda: float(body.evaluate("(body) => getComputedStyle(body).zoom")) > 0.9)
            page.set_viewport_size({"width": 390, "height": 780})
            until(fits)
        page.get_by_role("button", name="Back").tap()


@pytest.mark.parametrize("width", [1024, 768])
def test_a_newsletter_is_as_wide_as_its_reader(chromium: Browser, local: LocalServer, width: int) -> None:
    """WEBMAIL-58: 600 px and a margin are shown whole beside the list, and at their own size once there is room;
    a page that would be too small scrolls.
    """
    visitor = Reader(chromium, local, viewport={"width": width, "height": 768})
    visitor.log_in()
    page = visitor.page
    with imaplib.IMAP4("localhost", local.port(143)) as mailbox:
        mailbox.login(local.user, local.password)
        for wide in (3000, 600):
            append(mailbox, f"{wide} newsletter", text="", html=f'<div style="width: {wide}px">Boots and coats</div>')
    body = page.frame_locator("iframe.html").locator("body")
    page.locator(".message", has_text="600 newsletter").click()
    expect(body).to_have_text("Boots and coats")
    fits = "(body) => body.parentElement.scrollWidth <= body.parentElement.clientWidth"
    until(lambda: body.evaluate(fits))
    assert float(body.evaluate("(body) => getComputedStyle(body).zoom")) < 1
    frame = page.locator("iframe.html")
    assert frame.evaluate("(frame) => frame.contentDocument.documentElement.scrollHeight - frame.clientHeight") <= 1
    page.set_viewport_size({"width": 1600, "height": 768})
    until(lambda: float(body.evaluate("(body) => Number(getComputedStyle(body).zoom)")) == 1)
    page.locator(".message", has_text="3000 newsletter").click()
    expect(page.locator(".reader-subject")).to_have_text("3000 newsletter")
    expect(body).to_have_text("Boots and coats")
    assert not body.evaluate(fits)
    visitor.close()


def test_the_beginning_of_a_long_subject_is_seen(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-118: also of one that is read from the right; the dash is between it and the text, whose direction is its
    own; a browser that looks for words does not shift the line.
    """
    page = reader.page
    append(mailbox, "הסירות כאן " * 20, text="The boats.\n")
    append(mailbox, "Boats " * 30, text="x\n")
    append(mailbox, "Short", text="הסירות כאן.\n")
    expect(page.locator(".message")).to_have_count(3)
    page.screenshot(path=tmp_path / "list.png")
    seen = """(row) => {
      const words = row.querySelector(".message-words"), box = words.getBoundingClientRect();
      const range = document.createRange();
      const text = row.querySelector(".message-subject").firstChild;
      range.setStart(text, 0);
      range.setEnd(text, 1);
      const letter = range.getBoundingClientRect();
      words.scrollLeft = 40;
      return letter.left >= box.left - 1 && letter.right <= box.right + 1 && words.scrollLeft === 0;
    }"""
    for number in range(3):
        assert page.locator(".message").nth(number).evaluate(seen), number
    between = page.locator(".message", has_text="Short").evaluate(
        """(row) => {
          const subject = row.querySelector(".message-subject").getBoundingClientRect();
          return row.querySelector(".message-preview bdi").getBoundingClientRect().left - subject.right;
        }"""
    )
    assert between > 5
