"""Writing mail in a real browser against a real server: Chromium by Playwright; what arrives is read by IMAP."""

import email
import email.policy
import imaplib
import json
import os
import random
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, Route, expect

from tests import tools
from tests.integration.browser import PATIENCE, Visitor, chromium
from tests.integration.conftest import all_has_come
from tests.integration.test_web_offline_browser import end_sessions
from tests.running import LocalServer
from tests.webcalls import save_settings

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture
def imap(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session of IMAP, with empty mailboxes; the settings are the first ones again, whatever a test before chose."""
    all_has_come(server)
    save_settings(server, undo_send_seconds=0, compose_format="text")
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    for name in ("INBOX", "Sent", "Drafts"):
        if session.select(name)[0] == "OK" and session.search(None, "ALL")[1] != [b""]:
            session.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
    yield session
    session.logout()


class Writer(Visitor):
    """A page of the webmail, in a browser that stays logged in."""

    def log_in(self) -> None:
        self.enter("/webmail/")
        self.page.evaluate("localStorage['moxlite-webmail-stays'] = '1'")
        expect(self.page.locator(".list-title")).to_have_text("Inbox")

    def composer(self) -> Locator:
        found = self.page.locator(".composer")
        expect(found).to_be_visible()
        return found


@pytest.fixture
def writer(chromium: Browser, server: LocalServer, imap: imaplib.IMAP4) -> Iterator[Writer]:
    """A writer who has logged in."""
    found = Writer(chromium, server)
    found.log_in()
    yield found
    found.close()


def all_of(session: imaplib.IMAP4, mailbox: str) -> list[EmailMessage]:
    if session.select(mailbox, readonly=True)[0] != "OK":
        return []  # it is made with the first message
    _, (numbers,) = session.search(None, "ALL")
    found: list[EmailMessage] = []
    for number in numbers.split():
        _, data = session.fetch(number.decode(), "(BODY.PEEK[])")
        # a message that comes meanwhile is told between
        [(_, octets)] = [one for one in data if isinstance(one, tuple)]
        message = email.message_from_bytes(octets, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def until(session: imaplib.IMAP4, mailbox: str, count: int) -> list[EmailMessage]:
    """The messages of a mailbox once there are so many."""
    end = time.monotonic() + 60
    while len(found := all_of(session, mailbox)) != count:
        assert time.monotonic() < end, f"{len(found)} messages in {mailbox}: {[one['subject'] for one in found]}"
        time.sleep(0.1)
    return found


def append(session: imaplib.IMAP4, subject: str) -> None:
    text = f"From: Ann <moxlite@localhost>\r\nTo: moxlite@localhost\r\nSubject: {subject}\r\nMessage-ID: <o@x>\r\n"
    assert session.append("INBOX", "", "", f"{text}\r\nWhich boat?\r\n".encode())[0] == "OK"


def write(page: Page, text: str, *, to: str = "moxlite@localhost", subject: str = "Boats") -> None:
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_label("To", exact=True).fill(to)
    composer.get_by_label("Subject").fill(subject)
    composer.get_by_label("Text").fill(text)


def test_a_message_with_a_file_is_written_and_arrives(writer: Writer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-87, WEBMAIL-89, WEBMAIL-97, WEBMAIL-98."""
    page = writer.page
    content = os.urandom(300_000)
    (tmp_path / "плён.bin").write_bytes(content)
    write(page, "The plan is attached.")
    composer = writer.composer()
    composer.locator("input[type=file]").set_input_files(tmp_path / "плён.bin")
    expect(composer.locator("progress:visible")).to_have_count(0)  # until then nothing is sent
    page.screenshot(path=tmp_path / "composer.png")
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer).to_have_count(0)
    [arrived] = until(imap, "INBOX", 1)
    [file] = arrived.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("плён.bin", content)
    assert len(until(imap, "Sent", 1)) == 1
    assert until(imap, "Drafts", 0) == []


@pytest.mark.nightly
def test_a_reply_by_keyboard_keeps_the_thread(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-71, WEBMAIL-90, WEBMAIL-91, WEBMAIL-92."""
    append(imap, "Boats")
    page = writer.page
    expect(page.locator(".message-subject")).to_have_text("Boats")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("Boats")
    page.keyboard.press("r")
    composer = writer.composer()
    expect(composer.get_by_label("Subject")).to_have_value("Re: Boats")
    expect(composer.get_by_label("Text")).to_be_focused()
    page.keyboard.type("The red one.")
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    [sent] = until(imap, "Sent", 1)
    assert sent["in-reply-to"] == sent["references"] == "<o@x>"
    text = sent.get_content()
    assert text.startswith("The red one.")
    assert "> Which boat?" in text
    _, data = imap.select("INBOX") and imap.search(None, "ANSWERED")
    assert data != [b""]


@pytest.mark.nightly
def test_a_sent_message_shows_its_delivery(writer: Writer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-138, WEBMAIL-94: what became of it, by recipient, without a reload; bars are beside an address to
    which mail goes without TLS alone.
    """
    page = writer.page
    page.keyboard.press("c")
    composer = writer.composer()
    composer.get_by_label("To", exact=True).fill("moxlite@localhost,")
    expect(composer.locator(".bars[title*='DANE on its main mail server: unknown']")).to_be_hidden()
    way = {"starttls": "no", "mtasts": "no", "dnssec": "no", "dane": "no", "requiretls": "no"}
    page.route("**/api/recipient_security", lambda route: route.fulfill(json={"result": way}))
    composer.get_by_label("To", exact=True).fill("ann@plain.example,")
    bars = composer.locator(".bars[title*='STARTTLS, based on the last connection: no']")
    expect(bars).to_be_visible()
    composer.get_by_role("button", name="Remove ann@plain.example").click()
    composer.get_by_label("Subject").fill("On its way")
    composer.get_by_label("Text").fill("x")
    page.screenshot(path=tmp_path / "bars.png")
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    page.locator(".mailbox-open", has_text="Sent").click()
    page.locator(".message", has_text="On its way").click()
    expect(page.locator(".deliveries summary")).to_have_text("Delivered")
    page.locator(".deliveries summary").click()
    expect(page.locator(".delivery.delivered")).to_contain_text("moxlite@localhost")
    page.screenshot(path=tmp_path / "delivery.png")


@pytest.mark.nightly
def test_a_wrong_address_is_marked_and_nothing_is_sent(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-98: the focus goes to it."""
    page = writer.page
    write(page, "Hello", to="tom at example")
    composer = writer.composer()
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer.locator(".chip.bad")).to_have_count(1)
    expect(composer.locator("[data-field=to] .field-hint")).to_contain_text("tom at example")
    expect(composer.get_by_label("To", exact=True)).to_be_focused()
    assert all_of(imap, "Sent") == []


def test_what_was_typed_outlives_a_killed_page(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88: the browser has a copy a second later, the server some seconds later, with its file."""
    page = writer.page
    write(page, "Words that must not be lost.", subject="Kept")
    composer = writer.composer()
    composer.locator("input[type=file]").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"content"}
    )
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    page.route("**/upload?filename=b.txt*", lambda route: None)
    composer.locator("input[type=file]").set_input_files(
        {"name": "b.txt", "mimeType": "text/plain", "buffer": b"on its way"}
    )
    composer.get_by_label("Text").press_sequentially(" More.")
    # a page that is killed runs nothing: its copy is all that it leaves
    tools.until(lambda: "lost. More." in page.evaluate("JSON.stringify(localStorage)"))
    writer.page.close(run_before_unload=False)
    writer.page = page = writer.context.new_page()
    page.goto(f"{writer.base}/webmail/")
    composer = page.locator(".composer")
    expect(composer.get_by_label("Text")).to_have_value("Words that must not be lost. More.")
    expect(composer.locator(".file-name")).to_have_text(["a.txt", "b.txt"])
    expect(composer.locator(".file.failed")).to_contain_text("upload interrupted")
    composer.get_by_role("button", name="Remove b.txt").click()
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer).to_have_count(0)
    [sent] = until(imap, "Sent", 1)
    assert [part.get_filename() for part in sent.iter_attachments()] == ["a.txt"]
    until(imap, "Drafts", 0)
    until(imap, "INBOX", 1)


def test_a_file_that_was_cut_off_goes_on_by_itself(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-97: where it was cut, after a while, at a press on its card, or after a log-in."""
    page = writer.page
    writer.expect_problem("status of 401", "status of 403", "status of 413")
    content = random.Random(53).randbytes(3_000_000)
    write(page, "The film.", subject="Film")
    composer = writer.composer()
    starts: list[int] = []
    fates = iter(["on", "lost", "login", "refused"])

    def cut(route: Route) -> None:
        if not route.request.post_data_buffer:  # a question how much has come
            route.continue_()
            return
        starts.append(int(parse_qs(route.request.url)["start"][0]))
        match next(fates, "on"):
            case "lost":
                route.abort()
            case "refused":
                route.fulfill(status=413, body="too large")
            case fate:
                if fate == "login":
                    end_sessions(writer.server)
                route.continue_()

    page.route("**/upload?*", cut)
    composer.locator("input[type=file]").set_input_files(
        {"name": "film.mp4", "mimeType": "video/mp4", "buffer": content}
    )
    page.get_by_label("Password").fill(writer.server.password)
    page.get_by_role("button", name="Log in", exact=True).click()
    card = composer.locator(".file")
    expect(card).to_contain_text("rejected by the server: 413")
    with page.expect_response(lambda response: "upload?" in response.url and "upload_id" in response.text()):
        card.get_by_role("button", name="Try again").click()
    expect(card.locator("progress")).to_be_hidden()
    expect(card).not_to_have_class("file failed")
    assert starts == [0, *[1 << 20] * 3, *starts[4:]]
    assert starts == sorted(starts)
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer).to_have_count(0)
    [sent] = until(imap, "Sent", 1)
    assert [part.get_content() for part in sent.iter_attachments()] == [content]


@pytest.mark.nightly
def test_a_message_stays_open_for_a_file_on_its_way(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88: a draft would lack it; the browser asks before the page is left."""
    page = writer.page
    page.keyboard.press("c")
    composer = writer.composer()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    with writer.held("**/upload?*"):
        composer.locator("input[type=file]").set_input_files(
            {"name": "a.txt", "mimeType": "text/plain", "buffer": b"content"}
        )
        composer.get_by_role("button", name="Close").click()
        expect(composer.locator(".compose-state")).to_contain_text("Wait for attachments")
        composer.get_by_role("button", name="Minimize").click()
        page.get_by_role("button", name="Account and settings").click()
        page.get_by_role("menuitem", name="Log out").click()
        expect(composer.locator(".compose-state")).to_be_visible()
        page.close(run_before_unload=True)
        tools.until(lambda: page.evaluate("true") and asked == ["beforeunload"], what="the question of the browser")
    expect(composer.locator("progress")).to_be_hidden()
    composer.get_by_label("Text").press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    composer.get_by_role("button", name="Close").click()
    expect(composer).to_have_count(0)
    [draft] = until(imap, "Drafts", 1)
    assert [part.get_filename() for part in draft.iter_attachments()] == ["a.txt"]
    assert asked == ["beforeunload"]


@pytest.mark.nightly
def test_a_draft_in_html_keeps_its_text_though_the_editor_does_not_come(
    chromium: Browser, writer: Writer, imap: imaplib.IMAP4
) -> None:
    """WEBMAIL-88, WEBMAIL-135: what a killed page has left, and what is edited: no composer is empty instead."""
    page = writer.page
    write(page, "Words that must not be lost.", subject="Kept")
    composer = writer.composer()
    composer.get_by_role("button", name="Formatting").click()
    expect(composer.get_by_label("Text")).to_have_text("Words that must not be lost.")
    composer.get_by_label("Text").press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    composer.get_by_label("Text").press("Control+End")
    page.keyboard.type(" More.")
    tools.until(lambda: "lost. More." in page.evaluate("JSON.stringify(localStorage)"))
    writer.page.close(run_before_unload=False)
    # as the same browser, but for its cache, which has the editor, and a worker that would ask by itself
    state = writer.context.storage_state()
    again = chromium.new_context(storage_state=state, locale="en-GB", service_workers="block")
    again.set_default_timeout(PATIENCE)
    page = again.new_page()
    failed = page.get_by_role("dialog", name="Couldn't open editor")
    page.route("**/part/rich.*", lambda route: route.abort())
    page.goto(f"{writer.base}/webmail/#Drafts")
    failed.get_by_role("button", name="Close").click()
    page.locator(".message", has_text="Kept").click()
    page.keyboard.press("e")
    failed.get_by_role("button", name="Close").click()
    expect(page.locator(".composer")).to_have_count(0)
    page.unroute("**/part/rich.*")
    page.reload()
    composer = page.locator(".composer")
    expect(composer.get_by_label("Text")).to_have_text("Words that must not be lost. More.")
    composer.get_by_label("Text").press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    [draft] = until(imap, "Drafts", 1)
    assert "lost. More." in draft.as_string()
    again.close()


@pytest.mark.nightly
def test_a_draft_replaced_elsewhere_is_saved_as_new(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88."""
    page = writer.page
    writer.expect_problem("409")
    write(page, "First", subject="Twice")
    composer = writer.composer()
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    imap.select("Drafts")
    imap.store("1", "+FLAGS.SILENT", "(\\Deleted)")
    imap.expunge()
    composer.get_by_label("Text").fill("Second")
    expect(composer.get_by_role("button", name="Save as new")).to_be_visible()
    # other words come into its place, and go
    with writer.held("**/upload?*"):
        composer.locator("input[type=file]").set_input_files(
            {"name": "a.txt", "mimeType": "text/plain", "buffer": b"content"}
        )
        composer.get_by_role("button", name="Close").click()
        expect(composer.locator(".compose-state")).to_contain_text("Wait for attachments")
    expect(composer.locator("progress")).to_be_hidden()
    composer.get_by_role("button", name="Remove a.txt").click()
    composer.get_by_role("button", name="Save as new").click()
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    [draft] = until(imap, "Drafts", 1)
    assert draft.get_content().rstrip() == "Second"
    composer.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
    until(imap, "Drafts", 0)


@pytest.mark.nightly
def test_a_draft_changed_elsewhere_is_sent_when_that_is_wished(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88, WEBMAIL-116: Send says what keeps it, and the other version stays among the drafts."""
    page = writer.page
    writer.expect_problem("409")
    write(page, "First", subject="Twice")
    composer = writer.composer()
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    other = writer.context.new_page()
    other.goto(f"{writer.base}/webmail/#Drafts")
    other.locator(".message", has_text="Twice").click()
    other.keyboard.press("e")
    text = other.locator(".composer").get_by_label("Text")
    expect(text).to_have_value("First")
    text.fill("Elsewhere")
    expect(other.locator(".compose-state")).to_have_text("Draft saved")
    composer.get_by_label("Text").fill("Here")
    composer.get_by_label("Text").press("Control+Enter")
    question = page.get_by_role("dialog", name="Send this version?")
    expect(question).to_contain_text("Your message wasn't sent because this draft was changed elsewhere.")
    question.get_by_role("button", name="Cancel").click()
    expect(composer.locator(".compose-state")).to_contain_text("changed elsewhere")
    # and again, now that it is known
    composer.get_by_label("Text").press("Control+Enter")
    page.get_by_role("dialog", name="Send this version?").get_by_role("button", name="Send").click()
    expect(composer).to_have_count(0)
    [sent] = until(imap, "Sent", 1)
    assert sent.get_content().rstrip() == "Here"
    [draft] = until(imap, "Drafts", 1)
    assert draft.get_content().rstrip() == "Elsewhere"
    assert draft["Message-ID"] != sent["Message-ID"]
    other.close()


@pytest.mark.nightly
def test_a_draft_that_is_newer_than_the_copy_is_taken_up(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88: browsers write copies to the disk up to a minute late; one that is killed then has an older one."""
    page = writer.page
    write(page, "First", subject="Kept")
    composer = writer.composer()
    old = "Object.entries(localStorage).find(([key]) => key.startsWith('moxlite-webmail-draft-'))"
    tools.until(lambda: page.evaluate(f"{old}?.[1].includes('First')"))
    key, copy = page.evaluate(old)
    composer.get_by_label("Text").fill("Second")
    composer.get_by_label("Text").press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    [before] = until(imap, "Drafts", 1)
    assert before.get_content().rstrip() == "Second"
    writer.page.close(run_before_unload=False)
    writer.page = page = writer.context.new_page()
    page.goto(f"{writer.base}/robots.txt")
    page.evaluate("([key, copy]) => localStorage.setItem(key, copy)", [key, copy])
    page.goto(f"{writer.base}/webmail/")
    composer = page.locator(".composer")
    expect(composer.get_by_label("Text")).to_have_value("Second")
    composer.get_by_label("Text").fill("Third")
    composer.get_by_label("Text").press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    [draft] = until(imap, "Drafts", 1)
    assert (draft.get_content().rstrip(), draft["Message-ID"]) == ("Third", before["Message-ID"])


@pytest.mark.nightly
def test_the_first_message_moves_nothing_on_the_page(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-87: the list of mailboxes stays where it is."""
    place = writer.page.locator(".mailboxes").first.bounding_box()
    writer.page.keyboard.press("c")
    writer.composer()
    assert writer.page.locator(".mailboxes").first.bounding_box() == place


@pytest.mark.nightly
def test_a_phone_shows_send_above_the_keyboard(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-58, WEBMAIL-87: Send is on top, within what is seen."""
    found = Writer(chromium, server, viewport={"width": 390, "height": 420}, has_touch=True)
    found.log_in()
    page = found.page
    page.keyboard.press("c")
    composer = found.composer()
    composer.get_by_label("Text").fill("Hello\n" * 40)
    page.screenshot(path=tmp_path / "phone.png")
    box = composer.get_by_role("button", name="Send", exact=True).bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 150
    assert box["height"] >= 44
    page.wait_for_function("document.documentElement.scrollWidth <= 390")
    found.close()


KEYBOARD = """
const seen = new EventTarget();
seen.height = innerHeight;
seen.offsetTop = 0;
Object.defineProperty(window, "visualViewport", { value: seen });
window.keyboard = (height, offsetTop = 0) => {
  Object.assign(seen, { height: innerHeight - height, offsetTop });
  seen.dispatchEvent(new Event("resize"));
  seen.dispatchEvent(new Event("scroll"));
};
"""
"""A keyboard of a phone that covers so many px from below, and a page that the browser has moved up for it."""


@pytest.mark.nightly
def test_the_text_and_send_stay_above_a_keyboard_that_covers_the_page(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-58, WEBMAIL-87: also where the browser moves the page up; without a keyboard all is used."""
    found = Writer(chromium, server, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    found.page.add_init_script(KEYBOARD)
    found.log_in()
    page = found.page
    page.get_by_role("button", name="New message").click()
    composer = found.composer()
    text = composer.get_by_label("Text")
    text.fill("Hello\n" * 60)
    for keyboard, above in ((0, 0), (360, 0), (360, 120), (0, 0)):
        page.evaluate("([height, top]) => window.keyboard(height, top)", [keyboard, above])
        bottom = above + 780 - keyboard
        box = composer.bounding_box()
        assert box is not None
        assert (box["y"], box["y"] + box["height"]) == (above, bottom)
        send = composer.get_by_role("button", name="Send", exact=True).bounding_box()
        area = text.bounding_box()
        assert send is not None
        assert area is not None
        assert above <= send["y"] < send["y"] + send["height"] < bottom
        assert above <= area["y"] < area["y"] + 80 < bottom
    page.evaluate("window.keyboard(360)")
    page.screenshot(path=tmp_path / "keyboard.png")
    found.close()


def test_an_answer_is_written_below_its_message(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-87: the message stays readable; the quote is folded and sent; another message moves it into a window."""
    page = writer.page
    append(imap, "Boats")
    other = b"From: Bora <bora@acme.example>\r\nTo: moxlite@localhost\r\nSubject: Sails\r\n\r\nWhite.\r\n"
    assert imap.append("INBOX", "", "", other)[0] == "OK"
    page.locator(".message", has_text="Boats").click()
    page.keyboard.press("r")
    docked = page.locator(".reader > .composer.docked")
    expect(docked).to_be_visible()
    expect(page.locator(".reader-body")).to_contain_text("Which boat?")
    text = docked.get_by_label("Text")
    expect(text).to_be_focused()
    expect(text).to_have_value("")
    page.keyboard.type("The red one.")
    for name in ("Subject", "From", "Bcc", "Encryption"):
        expect(docked.get_by_label(name, exact=True)).to_be_hidden()
    docked.get_by_role("button", name="Bcc", exact=True).click()
    expect(docked.get_by_label("Bcc", exact=True)).to_be_focused()
    expect(docked.get_by_label("Cc", exact=True)).to_be_hidden()
    docked.get_by_role("button", name="More fields").click()
    page.get_by_role("menuitem", name="Subject").click()
    expect(docked.get_by_label("Subject")).to_have_value("Re: Boats")
    text.focus()
    # what the draft brings to the list leaves it where it is
    page.keyboard.press("Control+s")
    expect(docked.locator(".compose-state")).to_have_text("Draft saved")
    page.locator(".message", has_text="Sails").click()
    floating = page.locator(".composers > .composer")
    expect(floating.get_by_label("Text")).to_have_value("The red one.")
    floating.get_by_role("button", name="Show quote").click()
    expect(floating.get_by_label("Text")).to_have_value(
        re.compile("^The red one[.]\n\n.*wrote:\n> Which boat[?]", re.DOTALL)
    )
    floating.get_by_label("Text").press("Control+Enter")
    expect(floating).to_have_count(0)
    [answer] = until(imap, "Sent", 1)
    assert "> Which boat?" in answer.get_content()


def lose_answer(page: Page, call: str) -> None:
    """The next call is made, but its answer is lost."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(f"**/api/{call}", lose, times=1)


def test_a_draft_that_was_saved_without_an_answer_goes_with_its_message(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88: sent at once, without a question, and no draft stays; a discarded one does not stay either."""
    page = writer.page
    write(page, "First", subject="Once")
    composer = writer.composer()
    state = composer.locator(".compose-state")
    text = composer.get_by_label("Text")
    text.press("Control+s")
    expect(state).to_have_text("Draft saved")
    lose_answer(page, "draft_save")
    text.fill("Second")
    text.press("Control+s")
    expect(state).to_contain_text("Can't reach the server")
    text.press("Control+Enter")
    expect(composer).to_have_count(0)
    [sent] = until(imap, "Sent", 1)
    assert sent.get_content().rstrip() == "Second"
    until(imap, "Drafts", 0)
    write(page, "Third", subject="Never")
    lose_answer(page, "draft_save")
    text.press("Control+s")
    expect(state).to_contain_text("Can't reach the server")
    composer.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    until(imap, "Drafts", 0)


def test_a_version_that_is_sent_by_two_presses_is_sent_once(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88, WEBMAIL-100: the second press came while the server had not answered the first."""
    page = writer.page
    writer.expect_problem("409")
    write(page, "Mine", subject="Once")
    composer = writer.composer()
    text = composer.get_by_label("Text")
    conflict = '{"error": {"code": "user:conflict", "message": "changed"}}'
    page.route("**/api/draft_save", lambda route: route.fulfill(status=409, body=conflict), times=1)
    text.press("Control+s")
    expect(composer.locator(".compose-state")).to_contain_text("changed elsewhere")
    question = page.get_by_role("dialog", name="Send this version?").get_by_role("button", name="Send")
    with writer.held("**/api/message_submit"):
        text.press("Control+Enter")
        question.click()
        page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    page.keyboard.press("c")
    until(imap, "Sent", 1)
    expect(composer).to_have_count(1)
    composer.get_by_role("button", name="Close").click()
    assert len([one for one in writer.requests if one.endswith("/api/message_submit")]) == 1


@pytest.mark.parametrize("away", [True, False])
def test_a_new_message_opens_without_an_answer(writer: Writer, imap: imaplib.IMAP4, away: bool) -> None:
    """WEBMAIL-87b: without a connection, and while the server is silent; two of them are two messages. What one begins
    with is asked for again until it has come.
    """
    page = writer.page
    writer.expect_problem("status of 502")
    fates = iter([502, 502])

    def fail_first(route: Route) -> None:
        fate = next(fates, 0)
        if fate:
            route.fulfill(status=fate)
        else:
            route.continue_()

    page.route("**/api/compose_prepare", fail_first)
    answered: list[int] = []
    page.on("response", lambda one: answered.append(one.status) if one.url.endswith("/api/compose_prepare") else None)
    tools.until(lambda: page.evaluate("true") and 200 in answered, what="what a message begins with")
    if away:
        writer.expect_problem("ERR_INTERNET_DISCONNECTED")
        page.context.set_offline(True)
        expect(page.get_by_text("Not connected")).to_be_visible()
    else:
        page.unroute("**/api/compose_prepare")
        page.route("**/api/compose_prepare", lambda route: None)
    composers = page.locator(".composer")
    for subject in ("Afar", "Farther"):
        page.locator("[data-home]").first.focus()
        page.keyboard.press("c")
        composer = composers.filter(has_not_text=re.compile("Sending|server")).last
        composer.get_by_label("To", exact=True).fill("moxlite@localhost")
        composer.get_by_label("Subject").fill(subject)
        composer.get_by_label("Text").fill("Words from afar")
        composer.get_by_label("Text").press("Control+Enter")
    page.context.set_offline(False)
    sent = until(imap, "Sent", 2)
    assert {one["subject"] for one in sent} == {"Afar", "Farther"}
    assert len({one["message-id"] for one in sent}) == 2
    until(imap, "INBOX", 2)
    expect(composers).to_have_count(0)


def test_suggestions_widen_again_and_a_message_waits_for_a_group(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-93: a shorter text finds what the longer one left out; no member of a chosen group is left out."""
    page = writer.page
    ann, andy = ({"name": name, "address": f"{name.lower()}@localhost"} for name in ("Ann", "Andy"))
    known = json.dumps({"result": {"parties": [ann, andy], "complete": True, "groups": ["Rowers"]}})
    page.route("**/api/complete_recipient", lambda route: route.fulfill(body=known))
    member = json.dumps({"result": [{"name": "", "address": "moxlite@localhost"}]})
    page.keyboard.press("c")
    composer = writer.composer()
    composer.get_by_label("Subject").fill("To all")
    to = composer.get_by_label("To", exact=True)
    offered = composer.locator("[data-field=to] .completion")
    to.press_sequentially("an")
    expect(offered).to_have_count(3)
    to.press_sequentially("d")
    expect(offered).to_have_text(["Andyandy@localhost"])
    to.press("Backspace")
    expect(offered).to_have_text(["Annann@localhost", "Andyandy@localhost"])
    to.fill("r")
    offered.filter(has_text="Rowers").wait_for()
    waiting: list[Route] = []
    page.route("**/api/group_members", lambda route: waiting.append(route))
    offered.filter(has_text="Rowers").click()
    to.press("Control+Enter")
    tools.until(lambda: page.evaluate("true") and waiting, what="the members to be asked for")
    expect(composer.get_by_text("Add a recipient.")).to_have_count(0)
    waiting[0].fulfill(body=member)
    expect(composer).to_have_count(0)
    [sent] = until(imap, "Sent", 1)
    assert sent["To"] == "moxlite@localhost"


COPIES = """[localStorage, sessionStorage].map((one) =>
    Object.entries(one).filter(([key]) => key.startsWith("moxlite-webmail-draft-")).map(([_, copy]) => copy))"""
"""What the browser and the tab keep of messages that are written."""


def test_words_end_with_the_tab_of_a_browser_that_does_not_stay_logged_in(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-88, WEBMAIL-183: they're there after a reload, and in no other tab; the fields are kept by no browser."""
    page = writer.page
    page.evaluate("localStorage.removeItem('moxlite-webmail-stays')")
    write(page, "Half a sentence", subject="Later")
    composer = writer.composer()
    for label in ("Subject", "Text"):
        expect(composer.get_by_label(label)).to_have_attribute("autocomplete", "off")
    tools.until(lambda: "Half a sentence" in str(page.evaluate(COPIES)[1]), what="a copy in the tab")
    assert page.evaluate(COPIES)[0] == []
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(writer.composer().get_by_label("Text")).to_have_value(re.compile("^Half a sentence"))
    other = writer.context.new_page()
    other.goto(f"{writer.base}/webmail/")
    expect(other.locator(".side")).to_contain_text("Inbox")
    expect(other.locator(".composer")).to_have_count(0)
    assert other.evaluate(COPIES) == [[], []]


def test_words_of_others_and_old_ones_go_when_the_webmail_begins(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-183: with a session as with the form; words of the accounts that the browser has stay (WEBMAIL-180)."""
    page = writer.page
    put = """([name, login, age]) => localStorage.setItem(`moxlite-webmail-draft-${name}`,
        JSON.stringify({ login, time: Date.now() - age * 86_400_000, draft: { text: name } }))"""
    copies = [["gone", "gone@localhost", 0], ["old", "second@localhost", 8], ["kept", "second@localhost", 6]]
    kept = "Object.keys(localStorage).filter((key) => key.includes('-draft-'))"
    for copy in copies:
        page.evaluate(put, copy)
    page.evaluate("localStorage['moxlite-webmail1-address'] = 'second@localhost'")
    page.reload()
    tools.until(lambda: page.evaluate(kept) == ["moxlite-webmail-draft-kept"], what="others' words that are gone")
    page.evaluate(put, copies[0])
    writer.context.clear_cookies()
    writer.expect_problem("status of 401")
    page.reload()
    expect(page.get_by_label("Password")).to_be_visible()
    tools.until(lambda: page.evaluate(kept) == ["moxlite-webmail-draft-kept"], what="others' words that are gone")


def test_a_log_out_leaves_no_words_in_the_browser(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-22, WEBMAIL-88: an open message becomes a draft first; where it cannot be saved, the page stays."""
    page = writer.page
    write(page, "Half a sentence", subject="Later")
    composer = writer.composer()
    writer.expect_problem("500")
    body = '{"error": {"code": "server:error", "message": "The disk is on fire."}}'
    page.route("**/api/draft_save", lambda route: route.fulfill(status=500, body=body))

    def log_out() -> None:
        page.get_by_role("button", name="Account and settings").click()
        page.get_by_role("menuitem", name="Log out").click()

    log_out()
    expect(composer.locator(".compose-state")).to_contain_text("The disk is on fire.")
    expect(composer.get_by_label("Text")).to_have_value(re.compile("^Half a sentence"))
    page.unroute("**/api/draft_save")
    log_out()
    expect(page.get_by_label("Password")).to_be_visible()
    [draft] = until(imap, "Drafts", 1)
    assert draft["Subject"] == "Later"
    assert page.evaluate(COPIES) == [[], []]
