"""The rule that is offered after a move, in a real browser."""

import imaplib
import smtplib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, local, reader
from tests.running import LocalServer

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]


def log_in_where_asked(page: Page, server: LocalServer) -> None:
    """The account app has a session of its own."""
    field = page.get_by_label("Email address")
    expect(field.or_(page.get_by_role("button", name="New rule").first)).to_be_visible()
    if field.is_visible():
        field.fill(server.user)
        page.get_by_label("Password").fill(server.password)
        page.get_by_role("button", name="Log in").click()


def arrive(server: LocalServer, subject: str, sender: str = "ada@nordlicht.example") -> None:
    """A message by SMTP, from outside."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as session:
        text = f"From: {sender}\r\nTo: moxlite@localhost\r\nSubject: {subject}\r\n\r\nx\r\n"
        session.sendmail(sender, ["moxlite@localhost"], text)


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


def test_a_rule_is_begun_from_a_message_and_from_a_search(reader: Reader, local: LocalServer) -> None:
    """WEBMAIL-142a, WEB-65a: open or in the list; the account app shows the conditions, and saves nothing by itself."""
    page = reader.page
    arrive(local, "begun", "eve@offers.example")
    page.locator(".message", has_text="begun").click()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Create rule…").click()
    log_in_where_asked(page, local)
    first = page.get_by_role("group", name="Condition 1")
    expect(first.get_by_label("From", exact=True)).to_have_value("eve@offers.example")
    expect(first.get_by_label("Comparison")).to_have_value("is")
    page.goto(f"{reader.base}/webmail/")
    page.locator(".message", has_text="begun").click(button="right")
    page.get_by_role("menuitem", name="Create rule…").click()
    log_in_where_asked(page, local)
    expect(first.get_by_label("From", exact=True)).to_have_value("eve@offers.example")
    page.goto(f"{reader.base}/webmail/")
    page.locator(".search-input").fill("subject:bill larger:2m has:attachment -from:bob in:inbox")
    page.locator(".search-input").press("Control+Enter")
    page.get_by_role("button", name="Create rule…").click()
    log_in_where_asked(page, local)
    groups = page.get_by_role("group", name="Condition")
    expect(groups).to_have_count(3)
    expect(groups.nth(0).get_by_label("Subject")).to_have_value("bill")
    expect(groups.nth(1).get_by_label("Larger than (MB)")).to_have_value("2")
    expect(groups.nth(2).get_by_label("Message part")).to_have_value("attachment")
    page.reload()
    expect(page.get_by_role("button", name="New rule").first).to_be_visible()
    expect(groups).to_have_count(0)
