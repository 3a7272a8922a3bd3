"""Sending later and coming back later in a real browser, with the server killed meanwhile (WEBMAIL-96, WEBMAIL-125)."""

import imaplib
import re
import smtplib
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_compose_browser import Writer, until, write
from tests.running import LocalServer
from tests.webcalls import send_at_once

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/integration/test_web_compose_browser.py::test_a_message_with_a_file_is_written_and_arrives"
    ),
]

HOSTILE = "<img src=x onerror=alert(1)> \u202eevil"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server of one's own: it is killed."""
    with LocalServer(tmp_path / "server") as found:
        send_at_once(found)
        yield found


def session_of(server: LocalServer) -> imaplib.IMAP4:
    """A session of IMAP."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    return session


@pytest.fixture
def writer(chromium: Browser, server: LocalServer) -> Iterator[Writer]:
    """A writer who has logged in."""
    found = Writer(chromium, server)
    found.log_in()
    yield found
    found.close()


def choose(page: Page, words: str, action: str) -> None:
    """Choose a time by words."""
    dialog = page.locator("dialog")
    dialog.get_by_label("Type a time").fill(words)
    dialog.get_by_role("button", name=action, exact=True).click()
    expect(page.locator("dialog")).to_have_count(0)


def days(begun: datetime, ahead: int, form: str) -> set[str]:
    """The day so many days ahead, of `begun` and of now: midnight may be between."""
    return {f"{moment + timedelta(days=ahead):{form}}" for moment in (begun, datetime.now().astimezone())}


def kill(server: LocalServer, writer: Writer) -> None:
    """Kill the server, start it, and load the page again."""
    server.kill()
    server.start()
    writer.page.reload()
    expect(writer.page.locator(".list-title")).to_have_text("Inbox")


def waiting(page: Page) -> None:
    """Open the Outbox by the words of what it has."""
    page.keyboard.press("Control+k")
    page.keyboard.type("Scheduled")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Outbox", exact=True)).to_be_visible()


def nothing(page: Page) -> None:
    """Wait until nothing waits in the Outbox."""
    expect(page.locator(".outbox-empty")).to_contain_text("Your Outbox is empty")


def test_a_message_is_sent_later_over_a_kill(writer: Writer, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-96: times out of reach are refused at the field; it waits, is changed, and goes out once."""
    page = writer.page
    write(page, "Tomorrow then.", subject=HOSTILE)
    composer = writer.composer()
    composer.get_by_role("button", name="Schedule send…").click()
    dialog = page.locator("dialog")
    for words, said in (("soon", "Enter a time"), ("2020-01-01", "past"), ("2099-01-01", "60 days")):
        dialog.get_by_label("Type a time").fill(words)
        dialog.get_by_role("button", name="Schedule").click()
        expect(dialog.get_by_role("status")).to_contain_text(said)
    page.screenshot(path=tmp_path / "choose.png")
    begun = datetime.now().astimezone()
    choose(page, "tomorrow 9:30", "Schedule")
    chosen = days(begun, 1, "%d 09:30")
    expect(composer).to_have_count(0)
    expect(page.locator(".toast")).to_contain_text("Message scheduled")
    kill(server, writer)
    imap = session_of(server)
    [message] = until(imap, "Scheduled", 1)
    assert parsedate_to_datetime(message["date"]).astimezone().strftime("%d %H:%M") in chosen
    assert until(imap, "INBOX", 0) == []

    waiting(page)
    row = page.locator(".outbox-list li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("<img src=x")
    page.screenshot(path=tmp_path / "waiting.png")
    row.get_by_role("button", name="Change time…").click()
    begun = datetime.now().astimezone()
    dialog.get_by_label("Type a time").fill("in 3 days")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog).to_have_count(0)
    expect(row).to_contain_text(re.compile("|".join(days(begun, 3, "%a"))))
    row.get_by_role("button", name="Send now").click()
    nothing(page)
    [sent] = until(imap, "Sent", 1)
    until(imap, "INBOX", 1)
    assert abs(parsedate_to_datetime(sent["date"]) - datetime.now().astimezone()) < timedelta(minutes=2)
    kill(server, writer)
    imap = session_of(server)
    assert len(until(imap, "INBOX", 1)) == len(until(imap, "Sent", 1)) == 1


def test_a_scheduled_message_is_a_draft_again(writer: Writer, server: LocalServer) -> None:
    """WEBMAIL-96, WEBMAIL-123: by the toast, and in the list."""
    page = writer.page
    imap = session_of(server)
    write(page, "Later.")
    writer.composer().get_by_role("button", name="Schedule send…").click()
    page.locator("dialog").get_by_role("button", name="Tomorrow morning").click()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(writer.composer().get_by_label("Text")).to_have_value("Later.")
    writer.composer().get_by_role("button", name="Schedule send…").click()
    page.locator("dialog").get_by_role("button", name="Tomorrow morning").click()
    expect(page.locator(".composer")).to_have_count(0)
    waiting(page)
    page.locator(".outbox-list").get_by_role("button", name="Keep as draft").click()
    nothing(page)
    until(imap, "Drafts", 1)
    assert until(imap, "Sent", 0) == []


def test_a_message_is_scheduled_by_its_key_and_by_the_palette(writer: Writer, server: LocalServer) -> None:
    """WEBMAIL-71, WEBMAIL-96: the key works in the text; the palette names it while a message is written, only then."""
    page = writer.page
    imap = session_of(server)
    row = page.locator(".palette-row", has_text="Schedule send…")
    page.keyboard.press("Control+k")
    page.keyboard.type("schedule send")
    expect(page.get_by_label("Command", exact=True)).to_have_value("schedule send")
    expect(row).to_have_count(0)
    page.keyboard.press("Escape")
    write(page, "By its key.")
    writer.composer().get_by_label("Text").press("Control+Alt+Enter")
    expect(page.locator("dialog").get_by_label("Type a time")).to_be_visible()
    page.keyboard.press("Escape")
    expect(writer.composer().get_by_label("Text")).to_have_value("By its key.")
    page.locator(".messages").focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("schedule send")
    expect(row.locator("kbd")).to_have_text("ctrl alt Enter")
    page.keyboard.press("Enter")
    page.locator("dialog").get_by_role("button", name="Tomorrow morning").click()
    expect(page.locator(".composer")).to_have_count(0)
    until(imap, "Scheduled", 1)


def test_mail_comes_back_over_a_kill(writer: Writer, server: LocalServer) -> None:
    """WEBMAIL-125: by its key, with Undo, by the menu of the row; it returns on top and unread."""
    page = writer.page
    imap = session_of(server)
    for number, subject in enumerate(("First", "Second", "Third")):
        text = f"From: Ann <ann{number}@x.example>\r\nSubject: {subject}\r\nMessage-ID: <{number}@x>\r\n\r\nx\r\n"
        assert imap.append("INBOX", "", "", text.encode())[0] == "OK"
    expect(page.locator(".message-subject")).to_have_count(3)
    page.locator(".message", has_text="First").click()
    expect(page.locator(".reader-subject")).to_have_text("First")
    page.keyboard.press("b")
    choose(page, "in 2 days", "Snooze")
    expect(page.locator(".message", has_text="First")).to_have_count(0)
    until(imap, "Snoozed", 1)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".message", has_text="First")).to_have_count(1)
    until(imap, "Snoozed", 0)

    page.locator(".message", has_text="First").click(button="right")
    page.get_by_role("menuitem", name="Snooze").click()
    choose(page, "in 1 minute", "Snooze")
    [message] = until(imap, "Snoozed", 1)
    assert message["subject"] == "First"
    _, data = imap.fetch("1", "(FLAGS)")
    assert isinstance(data[0], bytes)
    assert b"$snoozed" in data[0].lower()
    kill(server, writer)
    expect(page.locator(".message", has_text="First")).to_have_count(0)
    expect(page.locator(".message").first).to_contain_text("First", timeout=90_000)
    imap = session_of(server)
    imap.select("INBOX", readonly=True)
    _, (last, *_) = imap.search(None, "UNSEEN")
    found = until(imap, "INBOX", 3)
    assert found[-1]["subject"] == "First"
    assert b"3" in last.split()


def test_a_message_that_the_queue_holds_is_shown_and_stopped(writer: Writer, server: LocalServer) -> None:
    """WEBMAIL-96a: a mail program has handed it in; there is nothing to edit, and the list stays with the rest."""
    page = writer.page
    with smtplib.SMTP("127.0.0.1", server.port(587)) as smtp:
        smtp.login(server.user, server.password)
        mail = f"From: {server.user}\r\nTo: a@localhost\r\nSubject: {HOSTILE}\r\n\r\nx\r\n"
        people = ["a@remote.example", "b@remote.example"]
        smtp.sendmail(server.user, people, mail.encode(), mail_options=["HOLDFOR=86400", "SMTPUTF8"])
    waiting(page)
    row = page.locator(".outbox-list li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("<img src=x")
    expect(row).to_contain_text("a@remote.example, b@remote.example")
    expect(row).to_contain_text("Scheduled for")
    expect(row.get_by_role("button")).to_have_text(["Cancel delivery"])
    row.get_by_role("button").click()
    nothing(page)


def test_the_outbox_is_a_row_of_the_side_bar(writer: Writer, server: LocalServer) -> None:
    """WEBMAIL-96a: the row is there while something waits or is shown, live; its page has an address and a title, which
    back, forward, reload and the account app's former address open; Edit opens the composer.
    """
    page = writer.page
    row = page.locator(".side .mailbox", has_text="Outbox")
    expect(page.locator(".side .mailbox", has_text="Drafts")).to_be_visible()
    expect(row).to_be_hidden()
    with smtplib.SMTP("127.0.0.1", server.port(587)) as smtp:
        smtp.login(server.user, server.password)
        mail = f"From: {server.user}\r\nTo: a@localhost\r\nSubject: From a program\r\n\r\nx\r\n"
        smtp.sendmail(server.user, ["a@remote.example"], mail.encode(), mail_options=["HOLDFOR=86400"])
    expect(row).to_have_text("Outbox1", timeout=20_000)
    write(page, "Monday then.", subject="From here")
    writer.composer().get_by_role("button", name="Schedule send…").click()
    choose(page, "in 2 days", "Schedule")
    expect(row).to_have_text("Outbox2", timeout=20_000)
    expect(page.locator(".side .mailbox", has_text="Scheduled")).to_have_count(0)

    row.get_by_role("button").click()
    lines = page.locator(".outbox-list li:has(strong)")
    expect(lines.locator("strong")).to_have_text(["From a program", "From here"])
    expect(page).to_have_url(re.compile(r"#outbox:$"))
    expect(page).to_have_title(re.compile(r"Outbox"))
    expect(page.locator(".side [aria-current=page]")).to_have_text(["Mail", "Outbox2"])
    expect(page.locator(".middle")).to_have_js_property("inert", value=True)
    page.locator(".side .mailbox-open", has_text="Drafts").click()
    expect(page.locator(".list-title")).to_have_text("Drafts")
    expect(lines).to_have_count(0)
    page.go_back()
    expect(lines).to_have_count(2)
    page.reload()
    expect(lines).to_have_count(2, timeout=20_000)
    lines.nth(1).get_by_role("link", name="From here").click()
    expect(page.locator(".reader-subject")).to_have_text("From here")
    page.go_back()
    expect(lines).to_have_count(2)

    with smtplib.SMTP("127.0.0.1", server.port(587)) as smtp:
        smtp.login(server.user, server.password)
        smtp.sendmail(server.user, ["b@remote.example"], mail.encode(), mail_options=["HOLDFOR=90000"])
    expect(lines).to_have_count(3, timeout=20_000)
    lines.filter(has_text="From here").get_by_role("button", name="Edit").click()
    expect(writer.composer().get_by_label("Text")).to_have_value("Monday then.")
    expect(lines).to_have_count(2)
    until(session_of(server), "Drafts", 1)
    writer.composer().get_by_label("Text").press("Escape")
    for left in (1, 0):
        lines.first.get_by_role("button", name="Cancel delivery").click()
        expect(lines).to_have_count(left)
    nothing(page)
    page.locator(".side .mailbox-open", has_text="Drafts").click()
    expect(row).to_be_hidden()
