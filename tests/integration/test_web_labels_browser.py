"""Labels of the webmail in a real browser: names, colours, chips, and their removal (WEBMAIL-84)."""

import imaplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.geometry import Box, fresh, resting, uncovered, within_window
from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

HOSTILE = '<img src=x onerror=alert(1)> "quoted" ‮gro'


@pytest.fixture
def imap(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session of IMAP with three messages in the Inbox."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    if session.select("INBOX")[1] != [b"0"]:
        session.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        session.expunge()
    for subject in ("first", "second", "third"):
        message = EmailMessage()
        message["From"] = f"Ada <ada-{subject}@nordlicht.example>"
        message["Subject"] = subject
        message.set_content("Some text.")
        octets = message.as_bytes().replace(b"\n", b"\r\n")
        session.append("INBOX", "(\\Seen)", "", octets)
    session.noop()
    yield session
    session.logout()


def open_page(chromium: Browser, server: LocalServer, *, narrow: bool = False, dark: bool = False) -> Visitor:
    """A visitor who has logged in."""
    size = {"width": 360, "height": 740} if narrow else {"width": 1280, "height": 900}
    found = Visitor(chromium, server, viewport=size, has_touch=narrow, color_scheme="dark" if dark else "light")
    found.enter("/webmail/")
    expect(found.page.locator(".list-title")).to_have_text("Inbox")
    expect(found.page.locator(".message")).to_have_count(3)
    return found


def test_labels_are_made_found_and_removed(
    chromium: Browser, server: LocalServer, imap: imaplib.IMAP4, tmp_path: Path
) -> None:
    """WEBMAIL-84: by name in any script, with a colour; a chip leads to all that have it; a removal is asked about, and
    another page and other programs see it.
    """
    reader = open_page(chromium, server)
    other = open_page(chromium, server)
    page = reader.page
    page.locator(".message", has_text="first").click()
    for name in ("Größe der Dinge", "日本", HOSTILE):
        page.keyboard.press("y")
        page.get_by_label("Find or create label").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".message-keywords .keyword", has_text=name[:3])).to_be_visible()
    until(lambda: "grosse_der_dinge" in str(imap.fetch("1", "(FLAGS)")[1]))
    row = other.page.locator(".message", has_text="first")
    expect(row.locator(".keyword")).to_have_text(['<img src=x onerror=alert(1)> "quoted" gro', "Größe der Dinge", "+1"])
    page.keyboard.press("y")
    dialog = page.get_by_role("dialog", name="Labels")
    page.screenshot(path=tmp_path / "labels.png")
    dialog.get_by_role("button", name="Edit 日本").click()
    dialog.get_by_label("Name").fill("日本 旅行")
    dialog.get_by_role("radio", name="Purple").check()
    page.screenshot(path=tmp_path / "label.png")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Done").click()
    page.keyboard.press("y")
    dialog.get_by_role("checkbox", name="<img").uncheck()
    dialog.get_by_role("button", name="Done").click()
    expect(row.locator(".keyword.c7")).to_have_text("日本 旅行")
    # a click finds all that have it, also after a reload
    row.locator(".keyword", has_text="旅行").click()
    expect(other.page.locator(".search-input")).to_have_value('label:"日本 旅行"')
    expect(other.page.locator(".message-subject")).to_have_text(["first"])
    other.page.reload()
    expect(other.page.locator(".message-subject")).to_have_text(["first"])
    page.keyboard.press("y")
    dialog.get_by_role("button", name="Edit 日本 旅行").click()
    dialog.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(".toast").last).to_contain_text("from 1 message")
    dialog.get_by_role("button", name="Done").click()
    expect(page.locator(".message-keywords .keyword", has_text="旅行")).to_have_count(0)
    until(lambda: "xn--" not in str(imap.fetch("1", "(FLAGS)")[1]))
    reader.close()
    other.close()


@pytest.mark.landing("True-True")
@pytest.mark.parametrize(("narrow", "dark"), [(False, False), (True, True)])
def test_fifty_labels_on_one_message_stay_readable(
    chromium: Browser, server: LocalServer, imap: imaplib.IMAP4, tmp_path: Path, narrow: bool, dark: bool
) -> None:
    """WEBMAIL-84, WEBMAIL-64: two and a number in the row, the first ones above the message, the others on demand."""
    imap.store("2", "+FLAGS", f"({' '.join(f'topic-{number:02}' for number in range(50))})")
    reader = open_page(chromium, server, narrow=narrow, dark=dark)
    page = reader.page
    row = page.locator(".message", has_text="second")
    expect(row.locator(".keyword")).to_have_text(["topic-00", "topic-01", "+48"])
    page.screenshot(path=tmp_path / "list.png")
    row.locator(".message-subject").click()
    chips = page.locator(".message-keywords .keyword")
    expect(chips).to_have_count(8)
    page.screenshot(path=tmp_path / "few.png")
    page.get_by_role("button", name="42 more").click()
    expect(chips).to_have_count(50)
    page.wait_for_function(f"document.documentElement.scrollWidth <= {360 if narrow else 1280}")
    page.screenshot(path=tmp_path / "all.png")
    page.keyboard.press("y")
    expect(page.get_by_role("dialog", name="Labels").get_by_role("checkbox", name="topic-49")).to_be_checked()
    page.get_by_label("Find or create label").fill("49")
    expect(page.locator(".label-row")).to_have_count(1)
    page.screenshot(path=tmp_path / "found.png")
    reader.close()


LONG = "{:W>100}"
ARABIC = "رحلة_العمل_الطويلة_جدا_" * 4 + "{:!>8}"
"""Labels as long as they may be (100 characters), without a place to break a line. They end with a number."""

ODD_ROWS: Final = """(side) => {
  const { left, right } = side.getBoundingClientRect();
  const rows = [...side.querySelectorAll(".mailbox")].filter((row) => row.checkVisibility());
  const height = rows[0].offsetHeight;
  const within = (one) => one.getBoundingClientRect().left >= left && one.getBoundingClientRect().right <= right;
  return rows.filter((row) => row.offsetHeight !== height || ![row, row.firstChild].every(within)).length;
}"""
"""The number of rows of the side bar of another height than the first one, or that leave it."""


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_longest_labels_stay_in_their_places(
    chromium: Browser, server: LocalServer, imap: imaplib.IMAP4, tmp_path: Path, width: int
) -> None:
    """WEBMAIL-84, WEBMAIL-163: 200 characters are cut at 100 as they are typed; keywords of other programs are longer.
    Side bar, rows, the message and the dialog hold them, in both directions.
    """
    imap.store("2", "+FLAGS", f"({'k' * 128} short)")
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        row = page.locator(".message", has_text="second")
        height = Box.of(page.locator(".message", has_text="third")).height
        row.locator(".message-subject").click()
        expect(page.locator(".text-part")).to_be_visible()
        dialog = page.get_by_role("dialog", name="Labels")
        latin, arabic = LONG.format(width), ARABIC.format(width)
        for name in (latin, arabic):
            page.keyboard.press("y")
            field = page.get_by_label("Find or create label")
            expect(field).to_be_focused()
            page.keyboard.insert_text(name + "W" * 100)
            expect(field).to_have_value(name)
            within_window(dialog)
            inside(dialog, field, dialog.get_by_role("button", name="Create"))
            page.keyboard.press("Enter")
            expect(dialog).to_have_count(0)
            expect(page.locator(f'.message-keywords [data-label="{name}"]')).to_be_visible()
        reader = page.locator(".message-keywords")
        inside(reader, *reader.locator(".keyword").all())
        within_window(reader)
        page.screenshot(path=tmp_path / "reader.png")
        page.keyboard.press("y")
        within_window(dialog)
        inside(dialog, *dialog.locator(".label-row > *, .keyword, kbd").all())
        page.screenshot(path=tmp_path / "dialog.png")
        for place in dialog.locator(".label-row .btn").all():
            place.scroll_into_view_if_needed()
            uncovered(place)
        dialog.get_by_role("button", name=f"Edit {latin}").click()
        within_window(dialog)
        page.screenshot(path=tmp_path / "one.png")
        inside(dialog, *dialog.locator("input, button").all())
        page.keyboard.press("Escape")
        page.wait_for_function(f"document.scrollingElement.scrollWidth <= {width}")
        if width < 700:
            page.get_by_role("button", name="Back").click()
        expect(row.locator(".keyword")).to_have_count(3)
        assert resting(row).height == height
        inside(row, *row.locator(".keyword, .message-words").all())
        page.screenshot(path=tmp_path / "list.png")
        if width < 700:
            page.get_by_role("button", name="Folders").click()
        side = page.locator(".side-lists")
        for name in (latin, arabic, "k" * 128, "short"):
            expect(side.locator(".labels-list").get_by_title(name, exact=True)).to_be_attached()
        # at once, for the counts of labels come later, with new rows
        until(lambda: not side.evaluate(ODD_ROWS), what="rows of one height within the side bar")
        side.evaluate("(element) => element.scrollTo(0, element.scrollHeight)")
        page.screenshot(path=tmp_path / "side.png")
        assert side.evaluate("(element) => element.scrollWidth <= element.clientWidth")


def inside(outer: Locator, *inner: Locator) -> None:
    """Elements are inside of another, side by side; half a pixel is no overflow."""
    box = resting(outer)
    for one in inner:
        found = Box.of(one)
        assert found.left >= box.left - 0.5, f"{one} at {found} of {box}"
        assert found.right <= box.right + 0.5, f"{one} at {found} of {box}"
