"""Receipts in a real browser: requests that are answered or declined, and receipts that a message asks for."""

import imaplib
import os
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_compose_browser import Writer, imap, pytestmark, until, write, writer
from tests.tools import until as wait_until

__all__ = ["chromium", "imap", "pytestmark", "writer"]

PICTURES = os.environ.get("RECEIPT_PICTURES", "")
"""Folder for pictures of the lines, "" for none."""


def shot(page: Page, name: str) -> None:
    if PICTURES:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}.png")


def ask(session: imaplib.IMAP4, subject: str, to: str) -> None:
    text = (
        f"Return-Path: <ann@x.example>\r\nFrom: Ann <ann@x.example>\r\nTo: moxlite@localhost\r\nSubject: {subject}\r\n"
    )
    text += f"Message-ID: <{subject}@x.example>\r\nDisposition-Notification-To: {to}\r\n\r\nHello.\r\n"
    assert session.append("INBOX", "", "", text.encode())[0] == "OK"


def open_message(page: Page, subject: str) -> Locator:
    page.locator(".message").filter(has_text=subject).click()
    return page.locator(".reader .receipt")


def marked(session: imaplib.IMAP4, subject: str) -> bool:
    session.select("INBOX", readonly=True)
    return session.search(None, "KEYWORD", "$MDNSent", "SUBJECT", subject)[1] != [b""]


def test_a_request_is_answered_or_declined(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-139, WEBMAIL-139b: a quiet line; an address elsewhere is told, and asked about; declining has Undo."""
    ask(imap, "Ship", "ann@x.example")
    ask(imap, "Spy", "spy@elsewhere.example")
    page = writer.page
    line = open_message(page, "Ship")
    expect(line).to_contain_text("Ann requested a read receipt")
    expect(line).not_to_contain_text("@")
    shot(page, "line-1280")
    line.get_by_role("button", name="Don't send").click()
    expect(line).to_be_hidden()
    expect(page.locator(".toast")).to_contain_text("Read receipt declined")
    wait_until(lambda: marked(imap, "Ship"))
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(line).to_be_visible()
    wait_until(lambda: not marked(imap, "Ship"))
    line.get_by_role("button", name="Send read receipt").click()
    expect(page.locator(".toast").filter(has_text="Read receipt sent to ann@x.example")).to_be_visible()
    expect(line).to_be_hidden()
    wait_until(lambda: marked(imap, "Ship"))
    page.set_viewport_size({"width": 1280, "height": 800})
    line = open_message(page, "Spy")
    expect(line).to_contain_text("Ann asked for a read receipt to be sent to spy@elsewhere.example")
    line.get_by_role("button", name="Send read receipt").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Send read receipt to spy@elsewhere.example?")
    shot(page, "question-1280")
    page.keyboard.press("Escape")
    expect(line).to_be_visible()
    assert not marked(imap, "Spy")
    page.set_viewport_size({"width": 390, "height": 800})
    shot(page, "line-390")


def test_a_message_asks_for_receipts(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-139c, WEBMAIL-139d, WEBMAIL-139e: asked for in the menu, kept by the draft, told to the servers."""
    page = writer.page
    write(page, "Hello.", subject="Asking")
    composer = writer.composer()
    expect(composer.get_by_label("Read receipt")).to_have_count(0)
    for name in ("Request read receipt", "Request delivery receipt"):
        composer.get_by_role("button", name="More fields").click()
        page.get_by_role("menuitem", name=name).click()
        expect(composer.get_by_label(name.removeprefix("Request ").capitalize())).to_be_checked()
    shot(page, "composer-1280")
    composer.get_by_role("button", name="Close").click()
    [draft] = until(imap, "Drafts", 1)
    assert draft["Disposition-Notification-To"] == "<moxlite@localhost>"
    page.locator(".mailboxes").get_by_text("Drafts", exact=True).click()
    page.locator(".message").filter(has_text="Asking").click()
    page.keyboard.press("e")
    composer = writer.composer()
    for label in ("Read receipt", "Delivery receipt"):
        expect(composer.get_by_label(label)).to_be_checked()
    page.set_viewport_size({"width": 390, "height": 800})
    shot(page, "composer-390")
    page.set_viewport_size({"width": 1280, "height": 800})
    composer.get_by_label("Text").press("Control+Enter")
    came = until(imap, "INBOX", 2)  # the message to oneself, and the notice that it was delivered
    assert {one.get_content_type() for one in came} == {"text/plain", "multipart/report"}
    [sent] = until(imap, "Sent", 1)
    assert sent["Disposition-Notification-To"] == "<moxlite@localhost>"
    assert sent["X-Moxlite-Draft"] is None
