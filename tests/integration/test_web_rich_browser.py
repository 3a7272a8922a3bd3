"""Writing HTML in a real browser against a real server (WEBMAIL-135): the editor, what is pasted, pictures, drafts that
outlive a killed page and a killed server, and what arrives."""

import base64
import imaplib
import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests import tools
from tests.integration.browser import chromium
from tests.integration.conftest import panics
from tests.integration.test_web_compose_browser import Writer, all_of, imap, until, writer
from tests.running import LocalServer
from tests.webcalls import save_settings, send_at_once

__all__ = ["chromium", "imap", "writer"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal { color: red }</style>
<!--[if gte mso 9]><xml></xml><![endif]--></head><body><!--StartFragment--><h1>Plan</h1>
<p class="MsoNormal" style="margin:0cm;color:red"><b style="mso-bidi-font-weight:normal">Bold</b><o:p></o:p></p>
<p class="MsoNormal"><span style="font-weight:700;font-style:normal">strong</span></p>
<table><tr><td>a</td><td>b</td></tr></table><!--EndFragment--></body></html>"""
HOSTILE = """<style>body { display: none }</style><img src="https://track.example/1.gif" onerror="window.hit = 1">
<img src=x onerror="window.hit = 1"><svg onload="window.hit = 1"></svg><a href="javascript:window.hit = 1">go</a>
<iframe srcdoc="<script>parent.hit = 1</script>"></iframe><form><input name="x"></form><script>window.hit = 1</script>
<p style="background: url(https://track.example/2.gif)" class="composer">words</p><math><mi>x</mi></math>
<a href="https://ok.example/" onclick="window.hit = 1">there</a><base href="https://evil.example/">"""


def words_of(composer: Locator) -> Locator:
    return composer.get_by_label("Text", exact=True)


def begin(writer: Writer, subject: str = "Boats") -> Locator:
    """A new message with formatting; the focus is in the editor."""
    writer.page.keyboard.press("c")
    composer = writer.composer()
    composer.get_by_label("To", exact=True).fill("moxlite@localhost")
    composer.get_by_label("Subject").fill(subject)
    if composer.locator(".compose-rich").count() == 0:
        composer.locator("button[aria-label=Formatting]").click()
    else:
        words_of(composer).focus()
    expect(composer.locator(".compose-rich")).to_be_focused()
    return composer


def paste(page: Page, kind: str, content: str) -> None:
    """Paste into the editor as the browser would."""
    page.evaluate(
        """async ([kind, content]) => {
          const data = new DataTransfer();
          if (kind === "image/png") {
            const octets = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            data.items.add(new File([octets], "map.png", { type: kind }));
          } else data.setData(kind, content);
          const editor = document.querySelector(".compose-rich");
          editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        [kind, content],
    )


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    found: str = part.get_content()
    return found


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    found: str = part.get_content()
    return found


def test_formatting_arrives_as_html_and_as_text(writer: Writer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-71, WEBMAIL-105, WEBMAIL-135: by keys and by the tool bar; the choice is remembered."""
    page = writer.page
    composer = begin(writer)
    page.keyboard.type("Hello ")
    page.keyboard.press("Control+b")
    page.keyboard.type("you")
    page.keyboard.press("Control+b")
    page.keyboard.type(" all.")
    page.keyboard.press("Enter")
    composer.get_by_role("button", name="List", exact=True).click()
    expect(composer.get_by_role("button", name="List", exact=True)).to_have_attribute("aria-pressed", "true")
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two ")
    page.keyboard.press("Control+k")
    page.get_by_label("Link address. Leave blank to remove the link.").fill("example.org/plan")
    page.keyboard.press("Enter")
    expect(composer.locator(".compose-rich a")).to_have_attribute("href", "https://example.org/plan")
    page.screenshot(path=tmp_path / "rich.png")
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    [arrived] = until(imap, "INBOX", 1)
    assert arrived.get_content_type() == "multipart/alternative"
    html = html_of(arrived)
    assert "<b>you</b>" in html
    assert re.search(r"<ul><li>(<div>)?one", html), html
    assert 'href="https://example.org/plan"' in html
    assert text_of(arrived).split() == ["Hello", "you", "all.", "-", "one", "-", "two", "example.org/plan"]
    page.keyboard.press("c")
    expect(writer.composer().locator(".compose-rich")).to_be_visible()
    page.keyboard.press("Escape")
    assert writer.problems == []


def test_what_is_pasted_brings_nothing_of_elsewhere(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-108, WEBMAIL-135: words and bold letters of Word, words of a hostile page; nothing runs, nothing is
    fetched, no policy is broken."""
    page = writer.page
    composer = begin(writer, "Pasted")
    paste(page, "text/html", WORD)
    editor = composer.locator(".compose-rich")
    expect(editor.locator("b")).to_have_text(["Plan", "Bold", "strong"])
    paste(page, "text/html", HOSTILE)
    expect(editor.get_by_role("link", name="there")).to_be_visible()
    expect(page.locator(".toasts")).to_contain_text("Skipped 2 images from other sites.")
    found = page.evaluate("document.querySelector('.compose-rich').innerHTML")
    assert not re.search(r"style|class|onerror|onclick|javascript|script|svg|iframe|input|track|<base|Mso", found), (
        found
    )
    assert page.evaluate("window.hit") is None
    assert not [one for one in writer.requests if "example" in one]
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    [arrived] = until(imap, "INBOX", 1)
    assert not re.search(r"script|track|onerror|Mso", html_of(arrived))
    assert writer.problems == []


def test_a_pasted_picture_is_in_the_message(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-97, WEBMAIL-135: uploaded, shown, sent with a Content-ID, and shown again in a draft that was closed."""
    page = writer.page
    composer = begin(writer, "Image")
    page.keyboard.type("See: ")
    paste(page, "image/png", base64.b64encode(PNG).decode())
    picture = composer.locator(".compose-rich img")
    expect(picture).to_have_js_property("naturalWidth", 1)
    expect(composer.locator(".file")).to_have_count(0)
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    composer.get_by_role("button", name="Close").click()
    page.locator(".mailbox-open", has_text="Drafts").click()
    page.locator(".message", has_text="Image").click()
    page.keyboard.press("e")
    composer = writer.composer()
    expect(composer.locator(".compose-rich img")).to_have_js_property("naturalWidth", 1)
    words_of(composer).press("Control+Enter")
    expect(composer).to_have_count(0)
    [arrived] = until(imap, "INBOX", 1)
    assert arrived.get_content_type() == "multipart/related"
    [image] = [part for part in arrived.walk() if part.get_content_type() == "image/png"]
    assert image.get_content() == PNG
    assert f"cid:{image['content-id'].strip('<>')}" in html_of(arrived)
    until(imap, "Drafts", 0)
    assert writer.problems == []


@pytest.mark.nightly
def test_html_outlives_a_killed_page_and_a_killed_server(chromium: Browser, tmp_path: Path) -> None:
    """WEBMAIL-88, WEBMAIL-100, WEBMAIL-135: and it is sent once."""
    with LocalServer(tmp_path / "server") as server:
        send_at_once(server)
        writer = Writer(chromium, server)
        writer.log_in()
        page = writer.page
        composer = begin(writer, "Kept")
        page.keyboard.press("Control+i")
        page.keyboard.type("Words that must not be lost.")
        expect(composer.locator(".compose-state")).to_have_text("Draft saved")
        page.keyboard.type(" More.")
        tools.until(lambda: "lost. More." in page.evaluate("JSON.stringify(localStorage)"))
        writer.page.close(run_before_unload=False)
        server.kill()
        server.start()
        writer.page = page = writer.context.new_page()
        page.goto(f"{writer.base}/webmail/")
        composer = page.locator(".composer")
        expect(composer.locator(".compose-rich i")).to_have_text("Words that must not be lost. More.")
        words_of(composer).press("Control+Enter")
        expect(composer).to_have_count(0)
        session = imaplib.IMAP4("127.0.0.1", server.port(143))
        session.login(server.user, server.password)
        [sent] = until(session, "Sent", 1)
        assert "<i>Words that must not be lost. More.</i>" in html_of(sent)
        until(session, "Drafts", 0)
        until(session, "INBOX", 1)
        session.logout()
        writer.close()
        assert panics(server) == 0, server.log()


@pytest.mark.nightly
def test_plain_text_is_one_key_away(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-71, WEBMAIL-135: ctrl shift f; the text stays, back again the formatting too."""
    page = writer.page
    composer = begin(writer, "Plain")
    page.keyboard.press("Control+b")
    page.keyboard.type("Hello")
    page.keyboard.press("Control+Shift+F")
    expect(composer.locator(".compose-rich")).to_have_count(0)
    expect(words_of(composer)).to_have_value("Hello\n")
    page.keyboard.press("Control+Shift+F")
    expect(composer.locator(".compose-rich b")).to_have_text("Hello")
    page.keyboard.press("Control+Shift+F")
    words_of(composer).fill("Only text")
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    [arrived] = until(imap, "INBOX", 1)
    assert (arrived.get_content_type(), arrived.get_content().strip()) == ("text/plain", "Only text")


@pytest.mark.nightly
def test_the_original_is_kept_below_plain_text(writer: Writer, imap: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-92, WEBMAIL-135: an answer shows the original folded, and sends it as it came; it can be left out."""
    original = (
        "From: Ann <moxlite@localhost>\r\nTo: moxlite@localhost\r\nSubject: News\r\nMessage-ID: <o@x>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p style='color: green'>The <b>news</b></p>\r\n"
    )
    assert imap.append("INBOX", "", "", original.encode())[0] == "OK"
    page = writer.page
    expect(page.locator(".message-subject")).to_have_text("News")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("News")
    page.keyboard.press("r")
    composer = writer.composer()
    composer.locator(".compose-original summary").click()
    expect(composer.frame_locator("iframe").locator("b")).to_have_text("news")
    page.screenshot(path=tmp_path / "original.png")
    if composer.locator(".compose-rich").count():
        page.keyboard.press("Control+Shift+F")
    words_of(composer).fill("Thanks")
    words_of(composer).press("Control+Enter")
    expect(composer).to_have_count(0)
    [sent] = until(imap, "Sent", 1)
    html = html_of(sent)
    assert "Thanks" in html
    assert re.search(r'<p style="color:\s?green"', html), html
    assert text_of(sent).startswith("Thanks\r\n")
    assert "> The news" in text_of(sent)
    page.keyboard.press("f")
    composer = writer.composer()
    composer.locator(".compose-original summary").click()
    composer.get_by_role("button", name="Remove").click()
    composer.get_by_label("To", exact=True).fill("moxlite@localhost")
    words_of(composer).fill("Nothing")
    words_of(composer).press("Control+Enter")
    expect(composer).to_have_count(0)
    last = until(imap, "Sent", 2)[-1]
    assert last.get_content_type() == "text/plain"
    assert all(one.get_content_type() != "text/html" for one in all_of(imap, "Sent")[-1].walk())


@pytest.mark.nightly
def test_a_signature_with_formatting(writer: Writer) -> None:
    """WEBMAIL-105: written in the settings; messages with formatting have its HTML, others its text."""
    page = writer.page
    with writer.settings("writing") as settings:
        settings.get_by_label("Use formatting").check()
        settings.locator(".compose-rich").click()
        settings.keyboard.press("Control+b")
        settings.keyboard.type("Mia")
        with settings.expect_response("**/api/preferences_save"):
            settings.get_by_role("button", name="Save").click()
    page.wait_for_timeout(500)  # the page learns of it by its stream
    composer = begin(writer, "Signed")
    expect(composer.locator(".moxlite-signature b")).to_have_text("Mia")
    page.keyboard.press("Control+Shift+F")
    expect(words_of(composer)).to_have_value(re.compile(r"--.*\nMia"))
    assert writer.problems == []


def test_two_presses_for_formatting_open_one_editor(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-135: the second came while the editor was loaded; what is typed is what is kept."""
    save_settings(server, compose_format="text")  # a test before may have left formatting on
    writer = Writer(chromium, server, service_workers="block")  # which may have the editor already
    writer.log_in()
    page = writer.page
    page.keyboard.press("c")
    composer = writer.composer()
    words_of(composer).fill("Half ")
    with writer.held(re.compile("/part/squire[.]")):
        page.keyboard.press("Control+Shift+F")
        page.keyboard.press("Control+Shift+F")
    expect(composer.locator(".compose-rich")).to_have_count(1)
    expect(composer.locator(".compose-tools")).to_have_count(1)
    composer.locator(".compose-rich").click()
    page.keyboard.press("End")
    # a draft may save itself before all is typed, or just then
    with page.expect_request(
        lambda request: "/api/draft_save" in request.url and "a sentence" in (request.post_data or "")
    ):
        page.keyboard.type("a sentence")
        page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    composer.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    writer.close()
