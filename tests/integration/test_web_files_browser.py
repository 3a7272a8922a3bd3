"""The list of files in a real browser (WEBMAIL-184)."""

import imaplib
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


def message(server: LocalServer, subject: str, *names: str) -> bytes:
    """A message with files of these names."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ann Berg <ann@nordlicht.example>", server.user, subject
    made.set_content("As promised.\n")
    for name in names:
        kind = ("application", "pdf") if name.endswith(".pdf") else ("image", "png")
        made.add_attachment(b"x" * 2000, *kind, filename=name)
    return made.as_bytes(policy=SMTP)


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    yield visitor
    visitor.close()


def test_files_are_a_list_of_their_own(visitor: Visitor, server: LocalServer) -> None:
    """WEBMAIL-184: from the side bar and by its address; by folder, type and name; one stop of the Tab key; a file
    opens in the viewer, its message in its folder.
    """
    page = visitor.page
    visitor.enter("/webmail/")
    row = page.locator(".side .mailbox", has_text="Files")
    row.get_by_role("button").click()
    expect(page).to_have_url(re.compile(r"#files:$"))
    expect(page).to_have_title(re.compile(r"Files"))
    expect(page.locator(".place-empty")).to_contain_text("Attachments you send and get appear here.")
    expect(page.locator(".side [aria-current=page]")).to_have_text(["Mail", "Files"])

    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        session.append("INBOX", "", "", message(server, "Garden fence", "Gartenzaun.pdf", "entwurf.png"))
        session.append("INBOX", "", "", message(server, "No files"))
        session.append("Archive", "", "", message(server, "Old plan", "old.pdf"))
    names = page.locator(".file-name")
    expect(names).to_have_text(["old.pdf", "Gartenzaun.pdf", "entwurf.png"])

    page.get_by_label("Type", exact=True).select_option("pdf")
    expect(names).to_have_text(["old.pdf", "Gartenzaun.pdf"])
    page.get_by_label("Folder", exact=True).select_option("Inbox")
    expect(names).to_have_text(["Gartenzaun.pdf"])
    page.get_by_label("Folder", exact=True).select_option("All folders")
    page.get_by_label("Type", exact=True).select_option("All types")
    page.get_by_label("Search files").fill("zaun")
    expect(names).to_have_text(["Gartenzaun.pdf"])
    page.get_by_label("Search files").fill("nothing")
    expect(page.locator(".place-empty")).to_have_text("No files found")
    page.get_by_label("Search files").fill("")
    expect(names).to_have_count(3)

    expect(page.locator(".files-list a[tabindex='0']")).to_have_count(1)
    page.locator(".file-open").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".file-open").nth(1)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".file-message").nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator(".viewer-name")).to_contain_text("Gartenzaun.pdf")
    page.keyboard.press("Escape")
    expect(page.locator(".viewer-name")).to_have_count(0)

    page.locator(".file-message", has_text="Old plan").click()
    expect(page.locator(".reader-subject")).to_have_text("Old plan")
    expect(page.locator(".list-title")).to_have_text("Archive")
    expect(row).not_to_have_class(re.compile("active"))
    page.go_back()
    expect(names).to_have_count(3)
    page.reload()
    expect(names).to_have_count(3)
    page.locator(".side .mailbox-open", has_text="Inbox").click()
    expect(page.locator(".list-title")).to_have_text("Inbox")
