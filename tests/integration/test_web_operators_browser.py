"""The search operators of docs/webmail.md in a real browser: each finds what it says and nothing else (WEBMAIL-72a)."""

import imaplib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import chromium
from tests.integration.test_web_find_browser import Reader
from tests.running import LocalServer
from tests.tools import top

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

NOW: Final = datetime.now(UTC)


class Mail(NamedTuple):
    """What is appended to a folder."""

    text: str
    file: str = ""
    sender: str = "zoe@elsewhere.example"
    to: str = "yan@elsewhere.example"
    list_id: str = ""
    flags: str = "\\Seen"
    days: int = 1
    folder: str = "INBOX"


MAILS: Final = {
    "Alpha one": Mail("The harbour.", "floor-plan.pdf", "ann@nordlicht.example", "tom@harbour.example"),
    "Bravo one": Mail("alpha, ann, tom, floor, invoice, sailors, Plans, family, unread, attachment.", "other.png"),
    "Charlie": Mail("An attachment is not here.", flags=""),
    "Delta": Mail("In a folder.", folder="Plans"),
    "Echo": Mail("From long ago.", days=200),
    "Foxtrot": Mail("Of the club.", list_id="The sailors <sailors.club.example>"),
    "Golf": Mail("Of the kin.", flags="\\Seen family"),
}
"""By their subjects. Bravo has each word that an operator must find elsewhere."""

BEFORE: Final = f"{NOW - timedelta(days=100):%Y-%m-%d}"

CASES: Final[dict[str, tuple[str, set[str]]]] = {
    "from:": ("from:ann", {"Alpha one"}),
    "to:": ("to:tom", {"Alpha one"}),
    "subject:": ("subject:alpha", {"Alpha one"}),
    "has:attachment": ("has:attachment", {"Alpha one", "Bravo one"}),
    "before:": (f"before:{BEFORE}", {"Echo"}),
    "older_than:3m": ("older_than:3m", {"Echo"}),
    "in:": ("in:Plans", {"Delta"}),
    "is:unread": ("is:unread", {"Charlie"}),
    "label:": ("label:family", {"Golf"}),
    "filename:": ("filename:floor", {"Alpha one"}),
    "list:": ("list:sailors", {"Foxtrot"}),
    "OR": ("subject:delta OR subject:echo", {"Delta", "Echo"}),
    "filename:floor": ("floor", {"Alpha one", "Bravo one"}),
}
"""What is searched for each operator of the page, and the subjects that are found, of all seven."""

FURTHER: Final = {
    "{subject:delta subject:echo}": {"Delta", "Echo"},
    "subject:(alpha one)": {"Alpha one"},
    "one -subject:alpha": {"Bravo one"},
    "-from:zoe": {"Alpha one"},
    "-filename:floor has:attachment": {"Bravo one"},
    "filename:invoice": set(),
    "filename:pdf": {"Alpha one"},
}
"""Braces, parentheses and what is left out."""


@pytest.fixture
def session(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session after the mails have come."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        session.create("Plans")
        for subject, mail in MAILS.items():
            message = EmailMessage()
            at = NOW - timedelta(days=mail.days)
            message["From"], message["To"], message["Subject"], message["Date"] = mail.sender, mail.to, subject, at
            if mail.list_id:
                message["List-Id"] = mail.list_id
            message.set_content(f"{mail.text}\n")
            if mail.file:
                kind, subtype = ("image", "png") if mail.file.endswith("png") else ("application", "pdf")
                message.add_attachment(b"x" * 500, maintype=kind, subtype=subtype, filename=mail.file)
            octets = message.as_bytes(policy=SMTP)
            session.append(mail.folder, mail.flags, imaplib.Time2Internaldate(at), octets)
        yield session


@pytest.mark.usefixtures("session")
def test_each_operator_finds_what_it_says_and_nothing_else(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-72a: each operator of docs/webmail.md has a case here, with a mail that has the word elsewhere."""
    page = (top() / "docs/webmail.md").read_text()
    [named] = re.findall(r"^- Press `/` to search\.(.*)", page, re.MULTILINE)
    [file] = re.findall(r"^- To find a file, search .*?`(filename:\w+)`", page, re.MULTILINE)
    assert {*re.findall(r"`([^`]+)`", named), file} == set(CASES), "an operator without a case"
    reader = Reader(chromium, server)
    reader.log_in()
    rows = reader.page.locator(".message-subject")
    for text, subjects in [*CASES.values(), *FURTHER.items()]:
        reader.search(text)
        for subject in subjects:  # the rows of the search before may still be there
            expect(rows.filter(has_text=subject), text).to_have_count(1)
        expect(rows, text).to_have_count(len(subjects))
        expect(reader.page.locator(".search-said")).to_have_text(f"{len(subjects)} found")
    reader.close()
