"""Wrong judgements of the junk filter, and its first days, in a real browser."""

import imaplib
import re
import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

HAM = "minutes agenda budget invoice meeting project schedule lunch holiday report"
SPAM = "casino winner lottery jackpot bonus prize cheap pills offer limited"
UNSURE = "casino winner lottery jackpot bonus prize cheap pills minutes agenda budget invoice"
"""Junk for the filter, without near certainty."""

CERTAIN = "casino winner lottery jackpot bonus prize cheap pills offer minutes agenda budget"
"""Junk for the filter with near certainty, but not after one correction."""

LEARNED = 60
"""Messages of each kind."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server whose account has a junk filter; it must have counted no panic."""
    with LocalServer(tmp_path_factory.mktemp("junk") / "server") as found:
        found.cli("account", "junk", "set", "moxlite", "--filter", "--file-unsure", "--rejects-mailbox", "Rejects")
        yield found
        assert panics(found) == 0, found.log()


@pytest.fixture
def session(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session of IMAP."""
    found = imaplib.IMAP4("127.0.0.1", server.port(143))
    found.login(server.user, server.password)
    yield found
    found.logout()


def shown(server: LocalServer) -> str:
    """What the command line says of the filter."""
    return server.cli("account", "junk", "show", "moxlite").stdout


def file_mail(session: imaplib.IMAP4, mailbox: str, text: str, flags: str = "", days: int = 0) -> None:
    """Put as many messages as the filter needs into a mailbox, from 20 senders, which came so many days ago."""
    at = imaplib.Time2Internaldate(time.time() - days * 86_400)
    for number in range(LEARNED):
        mail = f"From: <p{number % 20}@{mailbox.lower()}.example>\r\nSubject: about\r\n\r\n{number} {text}\r\n"
        session.append(mailbox, flags, at, mail.encode())


@contextmanager
def sending(server: LocalServer, author: str, text: str, subject: str = "hello") -> Iterator[None]:
    """A message of a stranger, sent before the block; the reply isn't read, since a refusal is slow."""
    mail = f"From: <{author}>\r\nTo: <{server.user}>\r\nSubject: {subject}\r\n\r\n{text}\r\n"
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        client.ehlo()
        client.mail(author)
        client.rcpt(server.user)
        client.docmd("DATA")
        client.send(f"{mail}.\r\n")
        try:
            yield
        finally:
            client.close()


def subjects(session: imaplib.IMAP4, mailbox: str) -> bytes:
    """Subjects of the messages in a mailbox that may not be there yet."""
    kind, number = session.select(mailbox, readonly=True)
    if kind != "OK" or number == [b"0"]:
        return b""
    fetched = session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    return b"".join(part[1] for part in fetched if isinstance(part, tuple))


def flags(session: imaplib.IMAP4, mailbox: str) -> str:
    """Flags of all messages in a mailbox."""
    if session.select(mailbox, readonly=True)[1] == [b"0"]:
        return ""
    return "".join(one.decode() for one in session.fetch("1:*", "(FLAGS)")[1] if isinstance(one, bytes))


@pytest.fixture
def taught(server: LocalServer, session: imaplib.IMAP4) -> None:
    """Let the filter learn enough of both kinds."""
    file_mail(session, "Archive", HAM)
    file_mail(session, "Junk", SPAM)
    until(lambda: f"learned: {LEARNED} not junk, {LEARNED} junk" in shown(server), what="what is filed is learned")


def judged(server: LocalServer, text: str) -> tuple[float, float, float]:
    """How probable it is that a text is junk, for the filter, and its limits for junk and for near certainty."""
    question = server.folder / "question.eml"
    question.write_text(f"From: <z@z.example>\r\n\r\n{text}\r\n")
    [said] = server.cli("junk", "explain", "moxlite", str(question)).stdout.splitlines()[:1]
    probability, limit, certain = map(float, re.findall(r"(?:probability|above) ([0-9.]+)", said))
    return probability, limit, certain


def is_judged(server: LocalServer, text: str, *, certain: bool) -> bool:
    """Whether a text is junk, almost certainly or not, once the limits have followed what was learned."""
    probability, limit, near = judged(server, text)
    return probability > limit and (probability > near) == certain


@pytest.mark.usefixtures("taught")
@pytest.mark.parametrize(
    ("place", "text", "then"), [("Junk", UNSURE, "INBOX"), ("Rejects", CERTAIN, "Junk")], ids=["unsure", "certain"]
)
def test_a_wrong_judgement_is_undone_by_two_clicks(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, place: str, text: str, then: str
) -> None:
    """WEBMAIL-82, SMTP-98: in Junk or Rejects, the message and "Not junk"; the filter learns of it, and the next mail
    with the same words is in the Inbox, or no longer refused.
    """
    until(lambda: is_judged(server, text, certain=place == "Rejects"), what="the filter's judgement")
    before, *_ = judged(server, text)
    with sending(server, "ann@far.example", text, "Dinner"):
        until(lambda: b"Dinner" in subjects(session, place), what=f"the message in {place}")
    visitor = Visitor(chromium, server)
    visitor.enter("/webmail/")
    page = visitor.page
    page.locator(".mailbox-open", has_text=place).click()
    page.locator(".message", has_text="Dinner").click()
    page.get_by_role("button", name="Not junk").first.click()
    until(lambda: "$NotJunk" in flags(session, "INBOX"), what="the mark")
    assert b"Dinner" not in subjects(session, place)
    until(lambda: f"learned: {LEARNED + 1} not junk" in shown(server), what="the correction is learned")
    assert judged(server, text)[0] < before
    with sending(server, "ann@far.example", text, "Lunch"):
        until(lambda: b"Lunch" in subjects(session, then), what=f"the next message in {then}")
    visitor.close()


def test_who_only_marks_junk_trains_the_filter_with_the_inbox(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEB-66a, WEB-66: the page offers it, asks, and takes it back."""
    file_mail(session, "INBOX", HAM, r"(\Seen)", days=30)
    file_mail(session, "Junk", SPAM)
    until(lambda: f"learned: 0 not junk, {LEARNED} junk" in shown(server), what="the junk is learned")
    visitor = Visitor(chromium, server)
    visitor.enter("/#junk")
    page = visitor.page
    expect(page.get_by_text(f"Your Inbox has {LEARNED} read messages older than 14 days.")).to_be_visible()
    train = page.get_by_role("button", name="Train with Inbox")
    train.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert "$NotJunk" not in flags(session, "INBOX")
    train.click()
    page.get_by_role("dialog").get_by_role("button", name="Train with Inbox").click()
    expect(page.get_by_text(f"Marked {LEARNED} messages as not junk")).to_be_visible()
    until(lambda: f"learned: {LEARNED} not junk" in shown(server), what="the Inbox is learned")
    page.reload()
    expect(page.get_by_text(f"The filter was trained with {LEARNED} Inbox messages.")).to_be_visible()
    expect(train).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text(f"Removed mark from {LEARNED} messages")).to_be_visible()
    until(lambda: "learned: 0 not junk" in shown(server), what="the Inbox is unlearned")
    assert "$NotJunk" not in flags(session, "INBOX")
    page.reload()
    expect(train).to_be_visible()
    visitor.close()
