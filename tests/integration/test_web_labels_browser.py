"""Labels of the webmail in a real browser: names, colours, chips, and their removal (WEBMAIL-84)."""

import imaplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

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
    found.fill_in("/webmail/")
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
        page.get_by_label("Find or make a label").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".message-keywords .keyword", has_text=name[:3])).to_be_visible()
    until(lambda: "grosse_der_dinge" in str(imap.fetch("1", "(FLAGS)")[1]))
    row = other.page.locator(".message", has_text="first")
    expect(row.locator(".keyword")).to_have_text(['<img src=x onerror=alert(1)> "quoted" gro', "Größe der Dinge", "+1"])
    page.keyboard.press("y")
    dialog = page.get_by_role("dialog", name="Labels")
    page.screenshot(path=tmp_path / "labels.png")
    dialog.get_by_role("button", name="Name and colour of 日本").click()
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
    dialog.get_by_role("button", name="Name and colour of 日本 旅行").click()
    dialog.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator(".toast").last).to_contain_text("removed from one message")
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
    page.get_by_label("Find or make a label").fill("49")
    expect(page.locator(".label-row")).to_have_count(1)
    page.screenshot(path=tmp_path / "found.png")
    reader.close()
