"""What lies over what in a real browser: a layer takes the clicks where it's seen, over each place (WEBMAIL-181a)."""

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.geometry import covered_layers
from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

PLACES: Final = {
    "mail": ("", ".reader"),
    "calendar": ("#calendar:", ".place-view"),
    "people": ("#people:", ".place-view"),
    "files": ("#files:", ".file"),
    "outbox": ("#outbox:", ".place-view"),
}
"""The address of each place, and what is seen there."""

SCREENS: Final = {"desk": (1280, 800), "phone": (390, 844)}


@pytest.fixture
def message(server: LocalServer) -> None:
    """A message with files in the Inbox."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "ann@nordlicht.example", server.user, "Garden fence"
        message.set_content("Two plans.\n" * 40)
        for name in ("fence.pdf", "plan.png", "third.zip"):
            message.add_attachment(b"x" * 2000, maintype="application", subtype="octet-stream", filename=name)
        session.append("INBOX", "", "", message.as_bytes(policy=SMTP))


@contextmanager
def layer(page: Page, name: str) -> Iterator[None]:
    """Open a layer by its key, button or address, and close it."""
    if name == ".menu":
        page.get_by_role("button", name="Account and settings").click()
    elif name == ".composer":
        page.evaluate("location.hash = '#compose mailto:ann@example.org'")
    else:
        page.keyboard.press("Control+k")
    shown = page.locator(name).locator("visible=true")
    expect(shown.last).to_be_visible()
    yield
    page.keyboard.press("Escape")
    try:
        expect(shown).to_have_count(0, timeout=5_000)
    except AssertionError:  # a key that came before the layer had the focus
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)


def nothing_covered(page: Page, where: str) -> None:
    """Fail for layers that stay covered: for a moment one may move, or another may come, on a busy machine."""
    for _ in range(50):
        covered = covered_layers(page)
        if not covered:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{where}: {covered}")


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.usefixtures("message")
def test_each_layer_takes_the_clicks_where_it_is_seen(chromium: Browser, server: LocalServer, screen: str) -> None:
    """WEBMAIL-181a: over each place, and in the mail beside a message with its attachments."""
    width, height = SCREENS[screen]
    phone = screen == "phone"
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height}, has_touch=phone)
    page = visitor.page
    visitor.enter("/webmail/")
    page.locator(".message", has_text="Garden fence").first.click()
    expect(page.locator(".attachment").first).to_be_visible()
    if not phone:
        page.keyboard.press("/")
        page.keyboard.type("fence")
        expect(page.locator(".search-form")).to_be_visible()
        nothing_covered(page, "search")
        page.keyboard.press("Escape")  # the first one leaves its suggestions
        page.keyboard.press("Escape")
    opened: tuple[str, ...] = ("dialog:modal",) if phone else (".menu", "dialog:modal")
    for place, (address, seen) in PLACES.items():
        if address:
            page.evaluate("(address) => { location.hash = address; }", address)
        expect(page.locator(seen).first).to_be_visible()
        nothing_covered(page, place)
        for name in opened:
            with layer(page, name):
                nothing_covered(page, f"{name} over {place}")
    with layer(page, ".composer"):
        page.locator(".composer").get_by_label("Subject").fill("Fence")
        nothing_covered(page, "composer")
    # what says that a draft was saved lies over the next one
    expect(page.locator(".toast")).to_be_visible()
    nothing_covered(page, "toast")
    with layer(page, ".composer"):
        nothing_covered(page, "composer with a toast")
    visitor.close()


def test_escape_closes_a_menu_that_lost_the_focus(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-181a: to a place that was loaded after it was opened."""
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    page = visitor.page
    visitor.enter("/webmail/")
    page.get_by_role("button", name="Account and settings").click()
    expect(page.locator(".menu")).to_be_visible()
    page.locator(".messages").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".menu")).to_have_count(0)
    visitor.close()
