"""The rule that is offered after a move, in a real browser."""

import imaplib
import smtplib
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, local, reader
from tests.running import LocalServer

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]


def arrive(server: LocalServer, subject: str) -> None:
    """A message by SMTP, from outside."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as session:
        text = f"From: ada@nordlicht.example\r\nTo: moxlite@localhost\r\nSubject: {subject}\r\n\r\nx\r\n"
        session.sendmail("ada@nordlicht.example", ["moxlite@localhost"], text)


def test_a_rule_is_offered_kept_and_followed(
    reader: Reader, local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path
) -> None:
    """WEBMAIL-101, WEBMAIL-103, WEBMAIL-104: the next message of the sender goes where this one was moved to."""
    page = reader.page
    mailbox.create("Garden")
    arrive(local, "first")
    page.locator(".message", has_text="first").click()
    page.keyboard.press("w")
    page.get_by_role("dialog").get_by_role("option", name="Garden", exact=True).click()
    offer = page.locator(".offer")
    expect(offer).to_contain_text("Always move mail from ada@nordlicht.example to moxlite@localhost into “Garden”?")
    page.screenshot(path=tmp_path / "offer.png")
    with page.expect_response("**/api/ruleset_accept") as accepted:
        offer.get_by_role("button", name="Add rule").click()
    assert accepted.value.ok
    expect(offer).to_have_count(0)
    arrive(local, "second")
    page.locator(".mailbox-open", has_text="Garden").click()
    expect(page.locator(".message-subject")).to_have_text(["second", "first"])
    mailbox.select("Garden")
    mailbox.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
    mailbox.close()
