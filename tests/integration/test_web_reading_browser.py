"""Reading mail in a real browser: newsletters keep their look, and links say where they lead."""

import imaplib
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, local, reader
from tests.running import LocalServer

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_html_runs_nothing_and_loads_nothing"
    ),
]

NEWSLETTER = """<!doctype html><html><head><title>News</title>
<!--[if mso]><style>.button { display: none }</style><![endif]-->
<style>
@import url(https://fonts.evil.example/font.css);
body { margin: 0; background: #102030 url(https://evil.example/sky.png); font-family: Georgia, serif }
.card { width: 480px; margin: 24px auto; background: #ffffff; border-radius: 8px }
.card td { padding: 20px }
.button { display: inline-block; padding: 10px 18px; background: #f06010; color: #ffffff; border-radius: 6px }
.preheader { display: none !important }
.blocked { display: none }
@media (max-width: 420px) { .card { width: auto; margin: 8px } h1 { font-size: 18px } }
@media (prefers-color-scheme: dark) { .card { background: #000000; color: #eeeeee } }
</style></head>
<body bgcolor="#102030"><span class="preheader">not seen</span>
<table class="card"><tr><td><h1>Autumn</h1><p>Leaves fall.</p>
<a class="button" href="https://shop.example/autumn">To the shop</a>
<p>Or <a href="https://evil.example/login">https://www.bank.example/login</a>, or
<a href="mailto:shop@shop.example?subject=Leaves">write to us</a>.</p>
<img src="https://tracker.example/p.gif" width="1" height="1"></td></tr></table></body></html>
"""


def colour(element: str, name: str) -> str:
    """A script that reads a computed style in the frame of a message."""
    return f"getComputedStyle(document.querySelector('iframe.html').contentDocument.querySelector('{element}')).{name}"


def test_a_newsletter_keeps_its_look_and_loads_nothing(reader: Reader, mailbox: imaplib.IMAP4, tmp_path: Path) -> None:
    """WEBMAIL-53, WEBMAIL-55, WEBMAIL-79."""
    page = reader.page
    append(mailbox, "News", text="", html=NEWSLETTER)
    page.locator(".message").first.click()
    frame = page.frame_locator("iframe.html")
    expect(frame.locator(".button")).to_be_visible()
    expect(page.locator(".reader-bar-words")).to_have_text("2 images from evil.example, tracker.example not loaded")
    expect(frame.locator(".preheader")).to_be_hidden()
    assert page.evaluate(colour(".body", "backgroundColor")) == "rgb(16, 32, 48)"
    assert page.evaluate(colour(".card", "backgroundColor")) == "rgb(255, 255, 255)"
    assert page.evaluate(colour(".button", "backgroundColor")) == "rgb(240, 96, 16)"
    assert page.evaluate(colour(".button", "color")) == "rgb(255, 255, 255)"
    expect(frame.locator("b", has_text="→ evil.example")).to_be_visible()
    page.screenshot(path=tmp_path / "newsletter.png")
    assert not [url for url in reader.requests if "example" in url]
    frame.get_by_text("write to us").click()
    composer = page.locator(".composer")
    expect(composer.locator(".chip-name")).to_have_text("shop@shop.example")
    expect(composer.get_by_label("Subject")).to_have_value("Leaves")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_newsletter_is_legible_in_the_dark(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path, width: int
) -> None:
    """WEBMAIL-10, WEBMAIL-167: with the message's own colours for dark windows, and its light ones when asked for."""
    reader = Reader(chromium, local, viewport={"width": width, "height": 800}, color_scheme="dark")
    page = reader.page
    reader.log_in()
    append(mailbox, "News", text="", html=NEWSLETTER)
    page.locator(".message").first.click()
    card = page.frame_locator("iframe.html").locator(".card")
    expect(card).to_have_css("background-color", "rgb(0, 0, 0)")
    expect(card).to_have_css("color", "rgb(238, 238, 238)")
    page.screenshot(path=tmp_path / "dark.png")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="View in light mode").click()
    expect(card).to_have_css("background-color", "rgb(255, 255, 255)")
    reader.close()


LONG = (
    '<body style="min-height: 100vh"><ul><li><a href="#a2">Two</a> <a href="#quoted">Before</a></ul>'
    '<map name="m"><area shape="rect" coords="0,0,40,40" href="mailto:shop@shop.example" alt="Shop"></map>'
    '<img usemap="#m" width="40" height="40" '
    'src="data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=">'
    + "<p>words</p>"
    * 700
    + '<h3><a name="a2">Two</a></h3><p style="height: 50vh">half</p><a href="#">up</a>'
    '<div class="gmail_quote">On 2 Nov, Ada wrote:'
    '<blockquote class="gmail_quote"><p id="quoted">QUOTED</p></blockquote></div>'
)


def test_a_long_mail_is_one_page_with_its_places(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-53: links within it scroll the reader, in a folded quote too; the page has no scroll bar of its own."""
    page = reader.page
    append(mailbox, "Long", text="", html=LONG)
    page.locator(".message").first.click()
    frame = page.frame_locator("iframe.html")
    inner = "document.querySelector('iframe.html')"
    expect(frame.get_by_text("words").first).to_be_in_viewport()
    whole = f"{inner}.clientHeight - {inner}.contentDocument.documentElement.scrollHeight"
    page.wait_for_function(f"{inner}.clientHeight > 20000 && {whole} >= 0")
    frame.locator("a[href='#a2']").click()
    expect(frame.locator("a[name=a2]")).to_be_in_viewport()
    expect(frame.locator("a[name=a2]")).to_be_focused()
    frame.get_by_text("up").click()
    frame.locator("a[href='#quoted']").click()
    expect(frame.locator("#quoted")).to_be_in_viewport()
    assert page.evaluate(whole) >= 0
    assert len(page.context.pages) == 1
    frame.get_by_text("up").click()
    frame.locator("img").click(position={"x": 20, "y": 20})
    expect(page.locator(".composer .chip-name")).to_have_text("shop@shop.example")


def test_addresses_in_a_text_are_links(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-79, WEBMAIL-119: a name before an @ is no host; mailto: opens the composer."""
    page = reader.page
    text = "See https://www.bank.example@evil.example/login.\nOr mailto:ada@x.example?cc=tom@x.example&attach=/x\n"
    append(mailbox, "Links", text + "> one\n>> two\n>>> three\n")
    page.locator(".message").first.click()
    expect(page.locator(".text .elsewhere")).to_have_text("→ evil.example")
    for level in (1, 2, 3):
        expect(page.locator(f".quoted{level}")).to_be_visible()
    page.locator(".text a[href^='mailto:']").click()
    composer = page.locator(".composer")
    expect(composer.locator("[data-field=to] .chip-name")).to_have_text("ada@x.example")
    expect(composer.locator("[data-field=cc] .chip-name")).to_have_text("tom@x.example")
    expect(composer.locator(".file")).to_have_count(0)
