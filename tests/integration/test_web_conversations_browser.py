"""Long lists of conversations in a real browser against a real server: their ends, their counts, what is put away."""

import imaplib
import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.geometry import fresh, in_sight
from tests.integration.browser import Visitor, chromium, expect_search
from tests.integration.conftest import panics
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]

BEGUN = 1_760_000_000
"""Seconds UTC of the oldest message; each comes ten minutes after the one before."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server of its own for each test; it must have counted no panic."""
    with LocalServer(tmp_path / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


class Reader(Visitor):
    """A page of the webmail."""

    def log_in(self) -> None:
        self.fill_in("/webmail/")
        expect(self.page.locator(".list-title")).to_have_text("Inbox")


@pytest.fixture
def reader(chromium: Browser, server: LocalServer) -> Iterator[Reader]:
    """A reader who has not logged in."""
    found = Reader(chromium, server)
    yield found
    found.close()


def message(number: int, topic: int) -> EmailMessage:
    """A message of a conversation, which begins with the message of the same number."""
    made = EmailMessage()
    made["From"] = f"Person {number} <p{number}@example.com>"
    made["To"] = "moxlite@localhost"
    made["Subject"] = f"Topic {topic}" if number == topic else f"Re: Topic {topic}"
    made["Message-ID"] = f"<{number}@example.com>"
    if number != topic:
        made["In-Reply-To"] = made["References"] = f"<{topic}@example.com>"
    made["Date"] = formatdate(BEGUN + number * 600)
    made.set_content(f"Message {number}, about boats.\n")
    return made


def fill(server: LocalServer, path: Path, topics: list[tuple[int, bool]]) -> None:
    """Import messages: of each the conversation, and whether it was read."""
    with path.open("w") as file:
        for number, (topic, read) in enumerate(topics):
            file.write("From x Thu Jan  1 00:00:00 2026\n")
            file.write(f"Status: {'RO' if read else 'O'}\n{message(number, topic).as_string()}\n")
    server.cli("import", "mbox", "moxlite", "Inbox", str(path))


def test_the_end_of_a_list_of_conversations_is_the_oldest(reader: Reader, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-71, WEBMAIL-140: one row each; the groups of loaded rows move what is not loaded."""
    begin = [(0, False)] * 5
    middle = [(number, True) for number in range(5, 995)]
    end = [(995, False)] * 5
    fill(server, tmp_path / "mail.mbox", [*begin, *middle, *end])
    reader.log_in()
    page = reader.page
    expect(page.locator(".list-count")).to_have_text("1,000 messages in 992 conversations")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    last = page.locator(".message.active")
    expect(last).to_contain_text("Message 4, about boats")
    expect(last.locator(".thread-count")).to_have_text("5")
    assert last.get_attribute("aria-posinset") == last.get_attribute("aria-setsize")
    expect(page.locator(".reader-subject")).to_have_text("Topic 0")
    page.keyboard.press("k")
    expect(page.locator(".message.active")).to_contain_text("Message 5, about boats")
    page.keyboard.press("Home")
    expect(page.locator(".message.active")).to_contain_text("Message 999, about boats")


def test_a_conversation_with_a_message_of_nobody_is_read(reader: Reader, server: LocalServer) -> None:
    """WEBMAIL-140: a message without From, which answers one of the others; a press on the foot outlives new flags."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as imap:
        imap.login(server.user, server.password)
        for number in range(3):
            made = message(number, 0)
            if number == 1:
                del made["From"]
            imap.append("INBOX", "", "", made.as_bytes(policy=made.policy.clone(linesep="\r\n")))
        reader.log_in()
        page = reader.page
        page.locator(".message", has_text="Topic 0").click()
        expect(page.locator(".card")).to_have_count(3)
        page.locator(".card.open .author-name").nth(1).click()
        expect(page.locator(".card.closed .card-from")).to_have_text("(no address)")
        page.locator(".answer-first").hover()
        page.mouse.down()
        imap.select("INBOX")
        imap.store("3", "+FLAGS", "(\\Flagged)")
        expect(page.locator(".message .flagged")).to_have_count(1)
        page.mouse.up()
        expect(page.locator(".composer").get_by_role("button", name="Remove Person 2")).to_be_visible()


def test_messages_and_conversations_are_counted(reader: Reader, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-69, WEBMAIL-73: in the list, in a selection of all and of one row, before deleting, and of a search."""
    fill(server, tmp_path / "mail.mbox", [(number - number % 5, True) for number in range(600)])
    reader.log_in()
    page = reader.page
    expect(page.locator(".list-count")).to_have_text("600 messages in 120 conversations")
    page.keyboard.press("Control+a")
    expect(page.locator(".reader-empty")).to_have_text("600 messages selected120 conversations")
    expect(page.locator(".chosen-count")).to_have_text("120 selected")
    page.keyboard.press("D")
    expect(page.get_by_role("dialog")).to_contain_text("600 messages will be permanently deleted")
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(5)
    page.keyboard.press("D")
    expect(page.get_by_role("dialog")).to_contain_text("5 messages will be permanently deleted")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.locator(".search-input").fill("subject:595")
    page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_have_text("5 messages in 1 conversation")


def test_what_was_put_away_stays_away(reader: Reader, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-66: what was archived has left the row of its conversation, and is shown when that is unfolded."""
    fill(server, tmp_path / "mail.mbox", [(0, True), (1, False), (1, False), (1, False), (1, False)])
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    reader.log_in()
    page = reader.page
    expect(page.locator(".message")).to_have_count(2)
    page.keyboard.press("Home")
    expect(page.locator(".message.focused")).to_contain_text("Message 4, about boats")

    def unfolds() -> bool:
        page.keyboard.press("ArrowRight")
        return page.locator(".message").count() == 5

    until(unfolds)  # keys of rarer commands are there a moment after the list
    page.locator(".message").first.click()
    for _ in range(2):
        page.keyboard.press("a")
    until(lambda: session.status("Archive", "(MESSAGES)")[1][0] == b"Archive (MESSAGES 2)")
    # the server has told what the conversation is now
    expect(page.locator(".other-mailbox")).to_have_text(["Archive", "Archive"])
    expect(page.locator(".message")).to_have_count(5)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".thread-count")).to_have_text("2")
    expect(page.locator(".message")).to_have_count(2)
    session.logout()


def test_an_offered_rule_is_withdrawn(reader: Reader, server: LocalServer) -> None:
    """WEBMAIL-101: by the next action and by a search, and it is not printed."""
    for number in range(4):
        with smtplib.SMTP("127.0.0.1", server.port(25)) as smtp:
            smtp.sendmail("p@example.com", ["moxlite@localhost"], message(number, number).as_bytes())
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    session.create("Boats")
    session.logout()
    reader.log_in()
    page = reader.page
    offer = page.locator(".offer")

    def move() -> None:
        page.keyboard.press("Home")
        page.keyboard.press("w")
        page.get_by_role("dialog").get_by_text("Boats", exact=True).click()
        expect(offer).to_be_visible()

    move()
    page.emulate_media(media="print")
    expect(offer).to_be_hidden()
    page.emulate_media(media="screen")
    page.keyboard.press("a")
    expect(offer).to_have_count(0)
    move()
    page.keyboard.press("/")
    page.locator(".search-input").fill("boats")
    page.keyboard.press("Enter")
    expect_search(page, "boats")
    expect(offer).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_conversation_of_a_thousand_opens_at_its_end(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int
) -> None:
    """WEBMAIL-140, WEBMAIL-41: as 500 or more in the list, its newest message in view; what is left out is told."""
    fill(server, tmp_path / "mail.mbox", [(0, number < 999) for number in range(1000)])
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        row = page.locator(".message").first
        expect(row.locator(".thread-count")).to_have_text("500+")
        row.click()
        expect(page.locator(".card.open")).to_contain_text("Message 999, about boats")
        in_sight(page.locator(".card.open .text-part"))
        older = page.get_by_role("button", name=re.compile("496 older messages"))
        older.scroll_into_view_if_needed()
        in_sight(page.get_by_text("Showing the newest 500 messages"))
        older.click()
        expect(page.locator(".card.closed:visible")).to_have_count(499)
        expect(page.locator(".card.closed .card-head").first).to_be_focused()


def test_a_conversation_that_was_read_is_read_whole(reader: Reader, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-140: five of thirty unread ones open; those that are lines are read when it is left, unless the reader
    marks it unread.
    """
    fill(server, tmp_path / "mail.mbox", [(0, False)] * 30)
    reader.log_in()
    page = reader.page
    row = page.locator(".message", has_text="Topic 0")
    row.click()
    expect(page.locator(".card.open")).to_have_count(5)
    expect(page.locator(".card.unread.open")).to_have_count(0)
    expect(row).to_have_class(re.compile("unread"))
    page.keyboard.press("Escape")
    expect(row).not_to_have_class(re.compile("unread"))
    row.click()
    expect(page.locator(".card.open")).to_have_count(1)
    page.keyboard.press("M")
    expect(row).to_have_class(re.compile("unread"))
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    expect(row).to_have_class(re.compile("unread"))


def test_one_action_marks_a_conversation_or_a_folder_as_read(
    reader: Reader, server: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-140, WEBMAIL-27: all thirty messages of a row, which is not opened, and all of the folder by its menu."""

    def unread() -> int:
        with imaplib.IMAP4("127.0.0.1", server.port(143)) as imap:
            imap.login(server.user, server.password)
            imap.select("INBOX", readonly=True)
            return len(imap.search(None, "UNSEEN")[1][0].split())

    fill(server, tmp_path / "mail.mbox", [(0, False)] * 30 + [(1, False)] * 3)
    reader.log_in()
    page = reader.page
    row = page.locator(".message", has_text="Topic 0")
    row.locator(".message-disc").click()
    expect(page.locator(".chosen-count")).to_contain_text("1")
    page.keyboard.press("m")
    expect(row).not_to_have_class(re.compile("unread"))
    until(lambda: unread() == 3, what="one conversation read", pause=0.5)
    page.keyboard.press("Escape")
    page.locator(".mailbox", has_text="Inbox").hover()
    page.get_by_label("Actions for Inbox").click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".message.unread")).to_have_count(0)
    until(lambda: unread() == 0, what="the folder read", pause=0.5)


def test_a_draft_in_a_conversation_is_a_draft(reader: Reader, server: LocalServer) -> None:
    """WEBMAIL-140: one's own words that were not sent say so, and a click goes on writing them."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as imap:
        imap.login(server.user, server.password)
        crlf = message(0, 0).policy.clone(linesep="\r\n")
        imap.append("INBOX", "(\\Seen)", "", message(0, 0).as_bytes(policy=crlf))
        answer = message(1, 0)
        answer.replace_header("From", "moxlite@localhost")
        answer.replace_header("To", "Person 0 <p0@example.com>")
        imap.append("Drafts", "(\\Draft \\Seen)", "", answer.as_bytes(policy=crlf))
    reader.log_in()
    page = reader.page
    row = page.locator(".message", has_text="Topic 0")
    expect(row.locator(".mark.word")).to_have_text("Draft")
    row.click()
    draft = page.locator(".card", has_text="Draft")
    expect(draft).to_have_count(1)
    expect(page.locator(".answer-bar")).to_contain_text("Reply")
    draft.locator(".card-head").click()
    expect(page.locator(".composer")).to_contain_text("Person 0")
    expect(page.locator(".answer-bar")).not_to_contain_text("Reply")
