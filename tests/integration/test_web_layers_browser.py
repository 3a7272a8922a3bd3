"""What lies over what in a real browser: a layer takes the clicks where it's seen, over each place (WEBMAIL-181a)."""

import imaplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

COVERED: Final = """(selector) => {
  const layers = [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const layer = layers.at(-1);
  const box = layer.getBoundingClientRect();
  const over = [];
  for (let row = 1; row < 12; row++)
    for (let column = 1; column < 12; column++) {
      const [x, y] = [box.left + (box.width * column) / 12, box.top + (box.height * row) / 12];
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
      const at = document.elementFromPoint(x, y);
      if (at !== null && !layers.some((one) => one.contains(at))) over.push(at.className || at.tagName);
    }
  return [...new Set(over)];
}"""
"""What takes clicks of a layer, at 121 points of it."""

PLACES: Final = {
    "#Inbox": (".search-form", ".menu", ".composer", "dialog[open]"),
    "#calendar:": (".menu", ".composer", "dialog[open]"),
    "#people:": (".menu", ".composer", "dialog[open]"),
}
"""The layers that are opened over each place, by their selectors."""


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@nordlicht.example", server.user, "Garden fence"
    message.set_content("Two plans.\n" * 40)
    for name in ("fence.pdf", "plan.png", "third.zip"):
        message.add_attachment(b"x" * 2000, maintype="application", subtype="octet-stream", filename=name)
    session.append("INBOX", "", "", message.as_bytes(policy=SMTP))
    session.logout()
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    yield visitor
    visitor.close()


def open_layer(page: Page, layer: str) -> None:
    """Open a layer by its key, button or address."""
    if layer == ".search-form":
        page.keyboard.press("/")
        page.keyboard.type("fence")
    elif layer == ".menu":
        page.get_by_role("button", name="Account and settings").click()
    elif layer == ".composer":
        page.evaluate("location.hash = '#compose mailto:ann@example.org'")
    else:
        page.keyboard.press("Control+k")


@pytest.mark.parametrize("place", PLACES)
def test_each_layer_takes_the_clicks_where_it_is_seen(visitor: Visitor, place: str) -> None:
    """WEBMAIL-181a: in the mail beside a message with its attachments."""
    page = visitor.page
    visitor.enter("/webmail/")
    page.locator(".message", has_text="Garden fence").first.click()
    expect(page.locator(".attachment").first).to_be_visible()
    if place != "#Inbox":
        page.evaluate("(place) => { location.hash = place; }", place)
        expect(page.locator(".place-view")).to_be_visible()
    for layer in PLACES[place]:
        open_layer(page, layer)
        expect(page.locator(layer).last).to_be_visible()
        assert page.evaluate(COVERED, layer) == [], f"{layer} over {place}"
        page.keyboard.press("Escape")
        if layer == ".search-form":  # the first one leaves its suggestions
            page.keyboard.press("Escape")
        expect(page.locator(layer).locator("visible=true")).to_have_count(0)
