"""What a message offers in a real browser: its attachments, its details, its sender, keys that lead elsewhere."""

import imaplib
import io
import re
import smtplib
import struct
import zipfile
import zlib
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, flags, local, reader
from tests.running import LocalServer
from tests.signeddata import mail as signed_mail, streamed
from tests.tools import until

__all__ = ["chromium", "local", "reader"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def picture(width: int, height: int) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x30\x90\x80" * width) * height
    head = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def with_files(session: imaplib.IMAP4, subject: str, files: list[tuple[str, str, bytes]]) -> None:
    """Put a message with these files, as name, type and octets, into the Inbox."""
    message = EmailMessage()
    message["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    message["To"] = "moxlite@localhost"
    message["Subject"] = subject
    message.set_content("The files are attached.\n")
    for name, kind, octets in files:
        main, _, sub = kind.partition("/")
        message.add_attachment(octets, main, sub, filename=name)
    assert session.append("INBOX", "", "", re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))[0] == "OK"


def arrive(server: LocalServer, subject: str, sender: str = "ada@nordlicht.example") -> None:
    """A message by SMTP, from outside."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as session:
        text = f"From: {sender}\r\nTo: moxlite@localhost\r\nSubject: {subject}\r\n\r\nSome text.\r\n"
        session.sendmail(sender, ["moxlite@localhost"], text)


def test_attachments_are_looked_at_and_downloaded(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-80, WEBMAIL-50, WEBMAIL-71: images, PDF and text; all others as text; all in one zip file."""
    page = reader.page
    files = [
        ("boat.png", "image/png", picture(40, 20)),
        ("plan.pdf", "application/pdf", PDF),
        ("notes.txt", "text/plain", b"one\ntwo <b>three</b>\n"),
        ("notes.txt", "text/csv", b"a,b\n"),
        ("data.bin", "application/octet-stream", b"raw octets " * 500),
    ]
    with_files(mailbox, "Files", files)
    page.locator(".message").first.click()
    # a card for each, below the text; that of the image shows it
    expect(page.locator(".attachments-head")).to_contain_text("5 attachments")
    expect(page.locator(".text-part ~ .reader-after .attachment")).to_have_count(5)
    shown = page.locator(".attachment-face img")
    expect(shown).to_be_visible()
    until(lambda: shown.evaluate("(one) => one.naturalWidth") == 40)
    page.keyboard.press("v")
    viewer = page.locator(".viewer")
    expect(viewer.locator(".viewer-name")).to_contain_text("boat.png")
    until(lambda: viewer.locator("img").evaluate("(one) => one.naturalWidth") == 40)
    page.screenshot(path=tmp_path / "image.png")
    page.keyboard.press("ArrowRight")
    expect(viewer.locator(".viewer-name")).to_contain_text("plan.pdf")
    expect(viewer.locator("iframe")).to_have_attribute("src", re.compile(r"/view/0\.2$"))
    page.screenshot(path=tmp_path / "pdf.png")
    viewer.get_by_role("button", name="Next (l)").click()
    expect(viewer.frame_locator("iframe").locator("body")).to_contain_text("two <b>three</b>")
    page.keyboard.press("$")
    expect(viewer).to_contain_text("This file can't be displayed here.")
    viewer.get_by_role("button", name="As text").click()
    expect(viewer.frame_locator("iframe").locator("body")).to_contain_text("raw octets")
    page.keyboard.press("0")
    expect(viewer.locator(".viewer-name")).to_contain_text("boat.png")
    with page.expect_download() as waiting:
        page.keyboard.press("d")
    assert (waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()) == files[0][::2]
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Save all").click()
    assert re.fullmatch(r"email-\d+-attachments-\d{8}-files\.zip", waiting.value.suggested_filename)
    with zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes())) as packed:
        assert packed.namelist() == ["boat.png", "plan.pdf", "notes.txt", "notes-1.txt", "data.bin"]
        assert [packed.read(name) for name in packed.namelist()] == [octets for _, _, octets in files]


def test_pictures_that_the_page_does_not_show_are_offered(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-48a, WEBMAIL-55: as Apple Mail and iPhones send them; beside the text all are, and the row has a sign."""
    page = reader.page
    message = EmailMessage()
    message["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    message["Subject"] = "Pictures"
    html = '<style>i { background: url("cid:b") }</style><table background="cid:e"><tr><td>x</table>'
    html += '<p style="background: url(cid:d)">look <img src="cid:a"><img src="cid:c">'
    message.set_content(html, subtype="html")
    for name, kind in (("a", "png"), ("b", "png"), ("c", "heic"), ("d", "png"), ("e", "png")):
        file = f"{name}.{kind}"
        message.add_related(picture(4, 4), "image", kind, cid=f"<{name}>", filename=file, disposition="inline")
    assert mailbox.append("INBOX", "", "", re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))[0] == "OK"
    expect(page.locator(".message").first).to_contain_text("Pictures")
    expect(page.locator(".message").first.get_by_role("img", name="Attachments: 1")).to_be_visible()
    page.locator(".message").first.click()
    expect(page.locator(".attachment-name")).to_have_text(["b.png", "c.heic"])
    expect(page.get_by_role("link", name="Save all")).to_have_attribute(
        "href", re.compile(r"\?without=0\.1,0\.4,0\.5$")
    )
    page.keyboard.press("t")
    expect(page.locator(".text-part")).to_contain_text("look")
    expect(page.locator(".attachment-name")).to_have_text(["a.png", "b.png", "c.heic", "d.png", "e.png"])


PAPER = """() => {
  const inner = Object.getOwnPropertyDescriptor(HTMLIFrameElement.prototype, "contentWindow");
  window.printed = [];
  Object.defineProperty(HTMLIFrameElement.prototype, "contentWindow", {get() {
    const page = inner.get.call(this);
    if (page !== null && this.className === "on-paper")
      page.print = () => window.printed.push(page.document.body.innerText);
    return page;
  }});
}"""
"""Texts of what would be printed."""


@pytest.mark.nightly
def test_a_message_and_a_conversation_are_printed_and_downloaded(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-50, WEBMAIL-71: without the page around them, as they are shown; as text in a tab; as files."""
    page = reader.page
    for number, text in enumerate(("the first", "the second")):
        message = EmailMessage()
        message["From"], message["To"] = "Ada <ada@nordlicht.example>", "moxlite@localhost"
        message["Subject"], message["Message-ID"] = "Plan" if number == 0 else "Re: Plan", f"<paper-{number}@a.example>"
        if number:
            message["In-Reply-To"] = "<paper-0@a.example>"
        message.set_content(f"{text} text\n")
        message.add_alternative(f"<p>{text} <b>page</b></p>", subtype="html")
        assert mailbox.append("INBOX", "", "", re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))[0] == "OK"
    page.locator(".message").first.click()
    expect(page.locator(".card")).to_have_count(2)
    expect(page.frame_locator(".card iframe").first.locator("b")).to_have_text("page")
    page.evaluate(PAPER)

    def printed(number: int) -> str:
        until(lambda: page.evaluate("() => window.printed.length") == number)
        return str(page.evaluate("() => window.printed.at(-1)"))

    page.keyboard.press("Control+p")
    found = printed(1)
    assert "page" in found
    assert "From" in found
    assert "Inbox" not in found
    page.get_by_role("button", name="More message actions").last.click()
    page.get_by_role("menuitem", name="Print conversation").click()
    found = printed(2)
    assert found.index("the first text") < found.index("the second text")
    with page.expect_popup() as popup:
        page.get_by_role("button", name="More message actions").last.click()
        page.get_by_role("menuitem", name="Open conversation as text").click()
    expect(popup.value.locator("body")).to_contain_text("the second text")
    popup.value.close()
    for name, start in (("Download", b"From: Ada"), ("Download conversation", b"From ")):
        page.get_by_role("button", name="More message actions").last.click()
        with page.expect_download() as waiting:
            page.get_by_role("menuitem", name=name, exact=True).click()
        assert Path(waiting.value.path()).read_bytes().startswith(start)


@pytest.mark.nightly
def test_a_message_signed_in_one_piece_says_that_it_is_not_verified(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-78, STORE-52b"""
    inner = b"Content-Type: text/plain\r\n\r\nsealed words\r\n"
    mailbox.append("INBOX", "", "", b"Subject: Sealed\r\n" + signed_mail(streamed(inner, 100)))
    page = reader.page
    page.locator(".message", has_text="Sealed").click()
    expect(page.locator(".text-part")).to_contain_text("sealed words")
    hint = page.locator(".trust .hint", has_text="signed")
    expect(hint).to_have_attribute("title", "The server doesn't verify signatures")


@pytest.mark.nightly
def test_a_message_tells_how_it_came_and_why_it_is_here(reader: Reader, local: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-76, WEBMAIL-77: a line under the sender's domain; details in plain words."""
    page = reader.page
    arrive(local, "Unproven")
    page.locator(".message", has_text="Unproven").click()
    expect(page.locator(".trust-line")).to_have_text("Not signed. Anyone could have sent this message.")
    expect(page.locator(".author-address")).to_have_text("ada@nordlicht.example")
    page.get_by_role("button", name="to me").click()
    domain = page.locator(".reader-fields .validation")
    expect(domain).to_have_text("nordlicht.example")
    expect(domain).to_have_class(re.compile("grey"))
    expect(domain).to_have_attribute("title", re.compile("^Domain not verified"))
    page.keyboard.press("I")
    details = page.get_by_role("dialog", name="Message details")
    expect(details).to_contain_text("127.0.0.1")
    expect(details).to_contain_text("ada@nordlicht.example")
    expect(details).to_contain_text("Nothing suspicious was found.")
    details.get_by_text("All checks", exact=True).click()
    expect(details.locator("pre")).to_contain_text("Plan: no-bad-signals")
    expect(details).to_contain_text("text/plain")
    page.screenshot(path=tmp_path / "details.png")
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)


@pytest.mark.nightly
def test_a_sender_is_looked_for_and_blocked(reader: Reader, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-142: the next message of the sender goes to Junk, and this one as well; phishing is marked."""
    page = reader.page
    arrive(local, "Offer", "eve@offers.example")
    append(mailbox, "Friendly")
    page.locator(".message", has_text="Offer").click()
    menu = page.get_by_role("button", name="More actions")
    menu.click()
    page.get_by_role("menuitem", name="Find messages from this sender").click()
    expect(page.locator(".search-input")).to_have_value('from:"eve@offers.example"')
    expect(page.locator(".message-subject")).to_have_text(["Offer"])
    page.keyboard.press("i")
    page.locator(".message", has_text="Offer").click()
    menu.click()
    with page.expect_response("**/api/ruleset_for_sender") as kept:
        page.get_by_role("menuitem", name="Block sender").click()
    assert kept.value.ok
    expect(page.locator(".message-subject")).to_have_text(["Friendly"])
    arrive(local, "Offer again", "eve@offers.example")
    until(lambda: mailbox.status("Junk", "(MESSAGES)")[1][0] == b"Junk (MESSAGES 2)")
    page.locator(".message", has_text="Friendly").click()
    page.keyboard.press("Control+k")
    page.keyboard.type("phishing")
    expect(page.locator(".palette-row").first).to_contain_text("Report phishing")
    page.keyboard.press("Enter")
    until(lambda: mailbox.status("Junk", "(MESSAGES)")[1][0] == b"Junk (MESSAGES 3)")
    mailbox.select("Junk")
    assert flags(mailbox, "1:*").count("$Phishing") == 1
    mailbox.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
    mailbox.close()


@pytest.mark.nightly
def test_keys_lead_to_tabs_titles_and_labels(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-71, WEBMAIL-60, WEBMAIL-50, WEBMAIL-84: o, ctrl m, ctrl ?, 1 to 9."""
    page = reader.page
    append(mailbox, "Pages & more", text="the text\n", html="<p>the page</p><script>document.title = 1</script>")
    page.locator(".message").first.click()
    expect(page.frame_locator("iframe.html").locator("p")).to_have_text("the page")
    for kind, content in (("html", "the page"), ("text", "the text")):
        if kind == "text":
            page.keyboard.press("t")
            expect(page.locator(".text-part")).to_contain_text(content)
        with page.context.expect_page() as opened:
            page.keyboard.press("o")
        tab = opened.value
        expect(tab.locator(".body").first).to_contain_text(content)
        expect(tab.locator("h1")).to_have_text("Pages & more")
        expect(tab).to_have_title("Pages & more")
        tab.screenshot(path=tmp_path / f"tab-{kind}.png")
        tab.close()
    page.keyboard.press("Control+m")
    expect(page.locator(".reader")).to_be_focused()
    page.keyboard.press("Control+Shift+?")
    titles = page.get_by_role("dialog", name="Focused control")
    expect(titles).to_contain_text("Show all addresses")
    page.keyboard.press("Escape")
    mailbox.store("1", "+FLAGS", "(receipts)")
    expect(page.locator(".message .keyword")).to_have_text(["receipts"])
    page.keyboard.press("1")
    expect(page.locator(".message .keyword")).to_have_count(0)
    page.keyboard.press("1")
    expect(page.locator(".message .keyword")).to_have_text(["receipts"])
    until(lambda: "receipts" in flags(mailbox, "1"))
