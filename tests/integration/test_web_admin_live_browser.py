"""The owner's live view in a real browser, at a desk and on a phone: real mail and log-ins, filter, pause, "Why?"."""

import itertools
import re
import smtplib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.geometry import in_sight, resting, within_window
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_admin_browser import go, log_in
from tests.integration.test_web_axe_browser import judge
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

count = itertools.count()
"""Numbers of senders: both sizes look at one server."""

SIZES = {"desk": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server of its own: only what a test does happens there."""
    with LocalServer(tmp_path_factory.mktemp("live") / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


@pytest.fixture(params=SIZES)
def visitor(chromium: Browser, server: LocalServer, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """The owner, logged in."""
    width, height = SIZES[request.param]
    found = Visitor(chromium, server, viewport={"width": width, "height": height}, has_touch=width < 700)
    log_in(found)
    yield found
    found.close()


def deliver(server: LocalServer, sender: str, *, to: str = "") -> None:
    with smtplib.SMTP("localhost", server.port(25)) as client:
        client.ehlo("far.example")
        octets = f"From: {sender}\r\nSubject: secret plans\r\nMessage-ID: <{sender}>\r\n\r\nx\r\n".encode()
        client.sendmail(sender, [to or server.user], octets)


def fail_to_log_in(server: LocalServer, name: str) -> None:
    with smtplib.SMTP("localhost", server.port(587)) as client:
        client.starttls()
        client.ehlo()
        client.docmd("AUTH PLAIN", b64encode(f"\0{name}\0wrong".encode()).decode())


def lines(page: Page) -> list[str]:
    return page.locator(".live > li").all_inner_texts()


@pytest.mark.landing("phone")
def test_what_happens_is_seen_and_explained(visitor: Visitor, server: LocalServer, tmp_path: Path) -> None:
    """WEB-88b, WEB-88e: deliveries, log-ins and sends come by themselves, in words; "Why?" shows evidence,
    plan and log below the line, where nothing moves meanwhile.
    """
    page = go(visitor, "live")
    deliver(server, "ann@far.example")
    first = page.locator(".live > li", has_text="ann@far.example").first
    expect(first).to_contain_text(re.compile("delivered|junk"))
    fail_to_log_in(server, "mallory@far.example")
    refused = page.locator(".live > li", has_text="mallory@far.example").first
    expect(refused).to_contain_text("rejected")
    expect(refused).to_contain_text("sending mail")
    expect(refused).to_contain_text("unknown address")
    expect(first).not_to_contain_text(re.compile("no-bad-signals|junk-content|dns-|high-rate"))  # words, not codes
    with smtplib.SMTP("localhost", server.port(587)) as client:
        client.starttls()
        client.login(server.user, server.password)
        client.sendmail(server.user, [server.user], f"From: {server.user}\r\nSubject: x\r\n\r\nx\r\n".encode())
    for outcome in ("logged in", "queued", "sent"):
        expect(page.locator(".live .state", has_text=outcome).first).to_be_visible()
    assert "secret plans" not in page.inner_text("main")
    why = first.get_by_role("button", name=re.compile("Why"))
    page.get_by_role("button", name="Pause").click()  # else lines that come push it down
    why.evaluate("(one) => one.scrollIntoView({ block: 'center' })")
    in_sight(why)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=tmp_path / "live.png")
    assert judge(page, None) == []
    why.click()
    expect(why).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("region", name="Message")).to_contain_text("Evidence")
    expect(page.get_by_role("region", name="Connection log")).to_contain_text("mailfrom=ann@far.example")
    place = first.locator(".why")
    assert resting(why).bottom <= resting(place).top + 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert judge(page, None) == []
    page.screenshot(path=tmp_path / "why.png", full_page=True)
    page.get_by_role("button", name="Continue").click()
    page.mouse.move(0, 0)
    fail_to_log_in(server, "eve@far.example")
    expect(page.get_by_role("button", name=re.compile("Show .* new event"))).to_be_visible()
    why.click()
    expect(place).to_be_hidden()
    sent = page.locator(".live > li", has=page.locator(".state", has_text="sent")).first
    sent.get_by_role("button", name=re.compile("Why")).click()
    expect(page.get_by_role("region", name="Queue")).to_be_visible()


@pytest.mark.landing("desk")
def test_a_filter_shows_some_and_loses_none(visitor: Visitor, server: LocalServer) -> None:
    """WEB-88b: by kind, troubles and words; with all again, all are there."""
    page = go(visitor, "live")
    fail_to_log_in(server, "eve@far.example")
    deliver(server, "bob@far.example")
    expect(page.locator(".live > li", has_text="bob@far.example").first).to_be_visible()
    expect(page.locator(".live > li", has_text="eve@far.example").first).to_be_visible()
    whole = len(lines(page))
    page.get_by_role("button", name="Logins").click()
    expect(page.locator('.live > li:not([data-kind="login"])')).to_have_count(0)
    page.get_by_label("Problems only").check()
    expect(page.locator(".live .state", has_text="logged in")).to_have_count(0)
    page.get_by_role("searchbox").fill("EVE far")
    expect(page.locator(".live > li").first).to_contain_text("eve@far.example")
    page.get_by_role("searchbox").fill("nobody at all")
    expect(page.get_by_text("No matching events")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Problems only").uncheck()
    page.get_by_role("button", name="All", exact=True).click()
    assert len(lines(page)) >= whole


@pytest.mark.landing("phone")
def test_nothing_moves_while_one_reads(visitor: Visitor, server: LocalServer) -> None:
    """WEB-88b: paused, or with the pointer on the list, new lines wait behind a button; then they come."""
    page = go(visitor, "live")
    carol, dave, frank = (f"{name}-{next(count)}@far.example" for name in ("carol", "dave", "frank"))
    deliver(server, carol)
    row = page.locator(".live > li", has_text=carol).first
    expect(row).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    page.mouse.move(1, 1)
    box = resting(row)
    deliver(server, dave)
    more = page.get_by_role("button", name=re.compile("^Show [0-9]+ new event"))
    expect(more).to_be_visible()
    within_window(more)
    expect(page.locator(".live > li", has_text=dave)).to_have_count(0)
    assert resting(row).left == box.left
    more.click()
    expect(page.locator(".live > li", has_text=dave).first).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.locator(".live button", has_text="Why?").first.focus()  # as by Tab
    deliver(server, frank)
    expect(more).to_be_visible()
    expect(page.locator(".live > li", has_text=frank)).to_have_count(0)
    page.evaluate("document.activeElement.blur()")
    expect(page.locator(".live > li", has_text=frank).first).to_be_visible()


@pytest.mark.nightly
def test_a_lost_server_is_found_again(chromium: Browser, server: LocalServer) -> None:
    """WEB-88b: the page says that the connection is lost, asks for a log-in, and goes on."""
    visitor = Visitor(chromium, server)
    visitor.expect_problem("403", "Failed to load")
    log_in(visitor)
    page = go(visitor, "live")
    expect(page.get_by_role("status").filter(has_text="Newest first")).to_be_visible()
    server.stop()
    expect(page.get_by_text("Connection lost")).to_be_visible()
    server.start()
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("status").filter(has_text="Newest first")).to_be_visible()
    deliver(server, "grace@far.example")
    expect(page.locator(".live > li", has_text="grace@far.example").first).to_be_visible()
    visitor.close()
