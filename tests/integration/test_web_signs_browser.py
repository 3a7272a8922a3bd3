"""The legend of the webmail's signs, in a real browser."""

import imaplib
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, local, reader
from tests.running import LocalServer

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_webmail_browser.py::test_the_keyboard_is_enough"),
]

PHONE = {"width": 390, "height": 780}


def append_marked(session: imaplib.IMAP4) -> None:
    """A message with a file and all flags that are shown, and one that answers it."""
    message = EmailMessage()
    message["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    message["Subject"] = "Marked"
    message["Message-ID"] = "<marked@nordlicht.example>"
    message.set_content("Some text.\n")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="plan.pdf")
    flags = r"(\Answered \Flagged \Draft \Deleted $Forwarded $Phishing project)"
    assert session.append("INBOX", flags, "", message.as_bytes().replace(b"\n", b"\r\n"))[0] == "OK"


def open_by_keys(page: Page) -> Locator:
    """The legend, by the button in the list of keys."""
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Shortcuts").get_by_role("button", name="Icon guide").click()
    return page.get_by_role("dialog", name="Icons")


def test_the_legend_explains_each_sign_of_a_row(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-65, WEBMAIL-65a: each sign has its title, the legend shows the same signs with the same words, and comes
    when it is asked for.
    """
    page = reader.page
    append_marked(mailbox)
    row = page.locator(".message", has_text="Marked")
    expect(row.locator(".keyword")).to_have_text("project")
    marks = row.locator(".message-marks > span")
    expect(marks).to_have_count(7)
    shown = marks.evaluate_all("all => all.map((one) => [one.textContent, one.title])")
    assert not any("legend" in one for one in reader.requests)
    legend = open_by_keys(page)
    expect(legend).to_be_visible()
    page.screenshot(path=tmp_path / "legend.png")
    found: list[list[str]] = legend.locator("dt").evaluate_all(
        "all => all.map((one) => [one.textContent, one.nextElementSibling.textContent])"
    )
    for text, title in shown:
        if text and not title:
            assert text in [sign for sign, _ in found]
        elif not title.startswith("Attachments"):
            assert [text, title] in found
    clip = row.locator(".mark svg path").first.get_attribute("d")
    assert legend.locator("dt", has=page.locator("svg")).first.locator("path").get_attribute("d") == clip
    assert all(meaning for _, meaning in found)
    assert len({tuple(one) for one in found}) == len(found)
    page.keyboard.press("Escape")
    expect(legend).to_have_count(0)
    assert any("legend" in one for one in reader.requests)


def test_the_legend_is_found_by_its_name(reader: Reader) -> None:
    """WEBMAIL-65a: in the palette."""
    page = reader.page
    page.keyboard.press("Control+k")
    page.get_by_label("Command", exact=True).fill("icon guide")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Icons")).to_contain_text("Muted. New messages in this conversation")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_the_legend_in_the_menu_of_the_list(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path, scheme: str
) -> None:
    """WEBMAIL-65a: by taps, without keys; it is as wide as the phone, and scrolls."""
    append(mailbox, "Minutes")
    phone = Reader(chromium, local, viewport=PHONE, has_touch=True, color_scheme=scheme)
    phone.log_in()
    page = phone.page
    expect(page.locator(".message")).to_have_count(1)
    page.get_by_role("button", name="List options").tap()
    page.get_by_role("menuitem", name="Icon guide").tap()
    legend = page.get_by_role("dialog", name="Icons")
    expect(legend.get_by_text("Messages in this conversation", exact=True)).to_be_attached()
    page.screenshot(path=tmp_path / "phone.png")
    phone.expect_width(390)
    last = legend.locator("dd").last
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    page.screenshot(path=tmp_path / "end.png")
    legend.get_by_role("button", name="Close").tap()
    expect(legend).to_have_count(0)
    phone.close()
