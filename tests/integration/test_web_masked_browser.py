"""Addresses to give away in a real browser, at a desk and on a phone (docs/spec/masked.md)."""

import re
import smtplib

import pytest
from playwright.sync_api import Browser, expect

from tests.geometry import WIDTHS, in_sight
from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


def visit(browser: Browser, server: LocalServer, width: int, path: str) -> Visitor:
    """A visitor with a window of this width, logged in."""
    screen = {"width": width, "height": WIDTHS[width]}
    visitor = Visitor(browser, server, viewport=screen, has_touch=width < 700)
    visitor.enter(path)
    return visitor


def send(server: LocalServer, to: str, author: str) -> None:
    """Send a message by SMTP."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as smtp:
        smtp.sendmail(author, [to], f"From: {author}\r\nSubject: hello\r\n\r\nhello\r\n".encode())


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_an_address_is_made_changed_turned_off_and_deleted(chromium: Browser, server: LocalServer, width: int) -> None:
    """MASK-12: from an empty page; the leak is named; all fits into the window."""
    visitor = visit(chromium, server, width, "/#masked")
    page = visitor.page
    expect(page.get_by_text("No masked addresses yet")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    page.get_by_role("button", name="New address").first.click()
    page.get_by_label("Website").fill("no host")
    visitor.expect_problem("400")
    page.get_by_role("button", name="Create address").click()
    expect(page.locator(".field .error:visible")).to_contain_text("must be a host name")
    page.get_by_label("Website").fill("shop.example")
    page.get_by_label("Note").fill("books")
    page.get_by_role("button", name="Create address").click()
    address = page.locator("dialog code").inner_text()
    assert re.fullmatch(r"shop\.[a-z0-9]{5}@.+", address)
    page.get_by_role("button", name="Done").click()
    row = page.get_by_role("row").filter(has_text=address)
    expect(row).to_contain_text("no mail yet")
    send(server, address, "spam@far.example")
    page.reload()
    expect(row).to_contain_text(re.compile(r"Used for shop\.example. 1 unknown sender since .*"))
    row.get_by_text("Senders").click()
    expect(row).to_contain_text("far.example · 1 message")
    row.scroll_into_view_if_needed()
    in_sight(row.get_by_role("button", name=f"Turn off {address}"))
    page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
    row.get_by_role("button", name=f"Turn off {address}").click()
    expect(row.get_by_role("button", name=f"Turn on {address}")).to_be_visible()
    row.get_by_role("button", name=f"Turn on {address}").click()
    expect(row.get_by_role("button", name=f"Turn off {address}")).to_be_visible()
    row.get_by_role("button", name=f"Edit {address}").click()
    page.get_by_label("Allowed senders").fill("shop.example")
    page.get_by_label("Expires after").fill("2099-12-31")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Only accepts mail from shop.example")
    expect(row).to_contain_text("2099")
    page.get_by_role("searchbox").fill("nothing of it")
    expect(page.get_by_text("No matching addresses")).to_be_visible()
    page.get_by_role("searchbox").fill("BOOKS")
    row.get_by_role("button", name=f"Delete {address}").click()
    page.get_by_role("button", name="Delete address").click()
    expect(row).to_have_count(0)
    visitor.close()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_webmail_gives_an_address_and_turns_it_off(chromium: Browser, server: LocalServer, width: int) -> None:
    """MASK-14: made in From of the composer; below the head of what came to it; the leak is named there."""
    visitor = visit(chromium, server, width, "/webmail/")
    page = visitor.page
    expect(page.get_by_role("main").first).to_be_visible()
    page.keyboard.press("c")
    composer = page.locator(".composer")
    expect(composer).to_be_visible()
    select = composer.get_by_role("combobox", name="From")
    composer.get_by_role("button", name="More fields").click()
    page.get_by_role("menuitem", name="New masked address…").click()
    expect(select).to_have_value(re.compile(r"[a-z]+\.[a-z0-9]{5}@"))
    address = re.sub(r"^.*<(.*)>$", r"\1", select.input_value())
    composer.get_by_label("Close", exact=True).click()
    stranger = f"spam{width}@far.example"
    for author in ("news@shop.example", stranger):
        send(server, address, author)
    page.locator(".message", has_text=stranger).first.click()
    line = page.locator(".given-to")
    expect(line).to_contain_text(f"Sent to your masked address {address}.")
    expect(line).to_contain_text("1 unknown sender since")
    in_sight(line.get_by_role("button", name="Turn off"))
    line.get_by_role("button", name="Turn off").click()
    expect(line).to_contain_text("This address is turned off. New mail is rejected.")
    line.get_by_role("button", name="Turn on").click()
    expect(line.get_by_role("button", name="Turn off")).to_be_focused()
    visitor.close()
