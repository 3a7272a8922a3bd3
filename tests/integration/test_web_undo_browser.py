"""Undo after Send in a real browser (WEBMAIL-123); what other programs see meanwhile is asked by IMAP."""

import imaplib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.integration.browser import chromium, settings_beside
from tests.integration.test_web_compose_browser import Writer, all_of, append, imap, until, write, writer
from tests.running import LocalServer

__all__ = ["chromium", "imap", "writer"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/integration/test_web_compose_browser.py::test_a_message_with_a_file_is_written_and_arrives"
    ),
]


def offer(page: Page, seconds: str) -> None:
    """Choose for how long."""
    with settings_beside(page, "writing") as settings, settings.expect_response("**/api/preferences_save"):
        settings.get_by_label("Undo send").select_option(seconds)
    page.locator(".messages").focus()


@pytest.fixture
def undoing(writer: Writer) -> Iterator[Writer]:
    """A writer who has 30 seconds to take a message back."""
    offer(writer.page, "30")
    yield writer
    writer.page.unroute_all(behavior="ignoreErrors")
    offer(writer.page, "0")


def flags(session: imaplib.IMAP4, mailbox: str) -> bytes:
    """The flags of the only message of a mailbox."""
    until(session, mailbox, 1)
    _, data = session.fetch("1", "(FLAGS)")
    assert isinstance(data[0], bytes)
    return data[0]


def test_what_was_sent_comes_back_with_everything(undoing: Writer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-123, WEBMAIL-124: by the toast and by ctrl z; files, Bcc and the original are as they were."""
    append(imap, "Boats")
    page = undoing.page
    expect(page.locator(".message-subject")).to_have_text("Boats")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("Boats")
    page.keyboard.press("r")
    composer = undoing.composer()
    composer.get_by_role("button", name="Bcc", exact=True).click()
    composer.get_by_label("Bcc", exact=True).fill("secret@localhost,")
    composer.locator("input[type=file]").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"content"}
    )
    expect(composer.locator(".file-name")).to_have_text("a.txt")
    expect(composer.locator("progress:visible")).to_have_count(0)  # until then nothing is sent
    composer.get_by_label("Text").fill("The red one.")
    for way in ("toast", "key"):
        composer.get_by_label("Text").press("Control+Enter")
        expect(composer).to_have_count(0)
        sent = page.locator(".toast", has_text="Message sent")
        expect(sent).to_be_visible()
        page.screenshot(path=tmp_path / "sent.png")
        assert b"\\Seen" in flags(imap, "Sent")
        assert b"\\Answered" in flags(imap, "INBOX")
        if way == "toast":
            sent.get_by_role("button", name="Undo").click()
        else:
            page.locator(".messages").focus()
            page.keyboard.press("Control+z")
        expect(composer.get_by_label("Text")).to_have_value("The red one.")
        expect(composer.get_by_label("Text")).to_be_focused()
        expect(composer.locator("[data-field=bcc] .chip")).to_contain_text("secret@localhost")
        expect(composer.locator(".file-name")).to_have_text("a.txt")
        expect(sent).to_have_count(0)
        assert all_of(imap, "Sent") == []
        assert b"\\Draft" in flags(imap, "Drafts")
        assert b"\\Answered" not in flags(imap, "INBOX")
        [draft] = all_of(imap, "Drafts")
        assert (draft["bcc"], draft["in-reply-to"]) == ("secret@localhost", "<o@x>")
        page.screenshot(path=tmp_path / "back.png")
    composer.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    until(imap, "Drafts", 0)
    assert len(all_of(imap, "INBOX")) == 1


def test_a_line_that_fails_and_a_message_that_has_gone(undoing: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-123: the server is asked until it answers; when it was too late the page says so, and Sent has it."""
    page = undoing.page
    undoing.expect_problem("409")
    calls: list[str] = []

    def fails_once(route: Route) -> None:
        calls.append(route.request.url)
        if len(calls) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/api/message_submit_undo", fails_once)
    write(page, "Once more")
    composer = undoing.composer()
    composer.get_by_label("Text").press("Control+Enter")
    page.locator(".toast", has_text="Message sent").get_by_role("button", name="Undo").click()
    expect(composer.get_by_label("Text")).to_have_value("Once more")
    assert len(calls) == 2
    page.unroute("**/api/message_submit_undo")
    late = json.dumps({"error": {"code": "user:conflict", "message": "too late; the message has been sent"}})
    page.route("**/api/message_submit_undo", lambda route: route.fulfill(status=409, body=late))
    composer.get_by_label("Text").press("Control+Enter")
    page.locator(".toast", has_text="Message sent").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="too late; the message has been sent")).to_be_visible()
    expect(composer).to_have_count(0)
    assert len(until(imap, "Sent", 1)) == 1


def test_by_touch_on_a_phone(chromium: Browser, server: LocalServer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-123, WEBMAIL-59: at 390 px, in the dark; nothing scrolls sideways."""
    phone = Writer(
        chromium, server, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    phone.log_in()
    page = phone.page
    offer(page, "30")
    write(page, "By thumb")
    composer = phone.composer()
    composer.get_by_role("button", name="Send", exact=True).tap()
    undo = page.locator(".toast", has_text="Message sent").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.screenshot(path=tmp_path / "phone.png")
    box = undo.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    page.wait_for_function("document.documentElement.scrollWidth <= 390")
    undo.tap()
    expect(composer.get_by_label("Text")).to_have_value("By thumb")
    composer.get_by_role("button", name="Discard").tap()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").tap()
    until(imap, "Drafts", 0)
    offer(page, "0")
    phone.close()


def test_a_page_that_goes_leaves_the_message_to_the_server(undoing: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-123: it is in Sent, and nothing of it comes back when the page is opened again."""
    page = undoing.page
    write(page, "On its way")
    undoing.composer().get_by_label("Text").press("Control+Enter")
    expect(page.locator(".toast", has_text="Message sent")).to_be_visible()
    page.reload()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    expect(page.locator(".composer")).to_have_count(0)
    assert len(until(imap, "Sent", 1)) == 1
    assert (
        page.evaluate("Object.keys({ ...localStorage, ...sessionStorage }).filter((key) => /draft/.test(key)).length")
        == 0
    )
