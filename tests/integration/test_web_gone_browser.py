"""Pages whose server is gone, and pages in many tabs, in a real browser."""

import imaplib
import re
import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import chromium
from tests.integration.frontproxy import FrontProxy
from tests.integration.test_web_webmail_browser import Reader, append, local, reader
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_a_message_arrives_without_reload_and_is_read"
    ),
]

HELD = 10.0
"""Seconds that a page has been open before its server goes: a page younger than 5 s behaves differently."""

SOON = 5_000
"""Milliseconds: the 2 s of WEBMAIL-46, which frontend/test/stream.test.ts measures, and what a busy machine takes."""


def session(server: LocalServer) -> imaplib.IMAP4:
    """A session of IMAP with the server that runs now."""
    found = imaplib.IMAP4("127.0.0.1", server.port(143))
    found.login(server.user, server.password)
    return found


@pytest.fixture(params=["dead port", "502 of a proxy"])
def through(request: pytest.FixtureRequest, chromium: Browser, local: LocalServer) -> Iterator[Reader]:
    """A reader, at the server or behind a proxy."""
    with FrontProxy(local.port(80)) if "proxy" in request.param else nullcontext() as proxy:
        found = Reader(chromium, local)
        if proxy is not None:
            found.base = f"http://localhost:{proxy.port}"
        found.expect_problem("502")
        found.log_in()
        expect(found.page.locator(".list-title")).to_have_text("Inbox")
        yield found
        found.close()


@pytest.mark.slow
def test_a_page_of_a_dead_server_says_so_and_waits(through: Reader, local: LocalServer) -> None:
    """WEBMAIL-46, WEBMAIL-86: at most one call each second, a line within 2 s, and all comes back by itself."""
    page = through.page
    with session(local) as imap:
        for number in range(3):
            append(imap, f"number {number}", f"The words of {number}.\n")
    expect(page.locator(".message")).to_have_count(3)
    for life in range(2):
        page.wait_for_timeout(HELD * 1000)
        asked = len(through.requests)
        local.kill()
        killed = time.monotonic()
        expect(page.locator(".offline")).to_contain_text("Not connected", timeout=SOON)
        expect(page).to_have_title(re.compile(r"\(not connected\)$"))
        page.locator(".message", has_text=f"number {life}").click()
        expect(page.locator(".reader-subject")).to_have_text(f"number {life}")
        expect(page.locator(".missing")).to_contain_text("Couldn't load this message: Can't reach the server.")
        expect(page.locator(".reader-body")).to_contain_text(f"The words of {life}.")
        page.locator(".mailbox-open", has_text="Archive").click()
        page.locator(".mailbox-open", has_text="Inbox").click()
        page.wait_for_timeout(HELD * 1000)
        expect(page.get_by_role("dialog")).to_have_count(0)
        tokens = [url for url in through.requests[asked:] if url.endswith("/api/token")]
        assert 2 <= len(tokens) <= time.monotonic() - killed, tokens
        local.start()
        page.get_by_role("button", name="Try now").click()
        expect(page.locator(".offline")).to_be_hidden()
        expect(page.locator(".message")).to_have_count(3)


def test_a_message_that_could_not_be_loaded_comes_with_the_connection(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-46: the browser says that it is offline; what was clicked meanwhile is shown when it is not any more."""
    page = reader.page
    append(mailbox, "Harbour", "The boats are in.\n")
    append(mailbox, "Newest")  # it comes opened with the list
    expect(page.locator(".message")).to_have_count(2)
    page.reload()
    expect(page.locator(".message")).to_have_count(2)
    page.wait_for_function("performance.getEntriesByType('resource').some((one) => /conversation/.test(one.name))")
    reader.context.set_offline(True)
    expect(page.locator(".offline")).to_contain_text("Not connected", timeout=SOON)
    page.locator(".message", has_text="Harbour").click()
    expect(page.locator(".missing")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".toast")).to_have_count(0)
    reader.context.set_offline(False)
    expect(page.locator(".text-part")).to_have_text("The boats are in.")
    expect(page.locator(".offline")).to_be_hidden()


def test_a_page_that_never_connected_is_not_blank(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-46: it says what it waits for."""
    found = Reader(chromium, local)
    found.log_in()
    page = found.page
    expect(page.locator(".list-title")).to_have_text("Inbox")
    page.route("**/api/token", lambda route: route.abort())
    page.reload()
    expect(page.locator(".waiting")).to_contain_text("Not connected. Reconnecting…")
    page.unroute("**/api/token")
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    expect(page.locator(".waiting")).to_have_count(0)
    found.close()


def another_tab(reader: Reader) -> Page:
    """One more tab of the same browser, which has logged in."""
    page = reader.context.new_page()
    page.goto(f"{reader.base}/webmail/")
    return page


def held(page: Page) -> int:
    """How many tabs of this browser hold a stream of server-sent events."""
    query = "navigator.locks.query().then(({ held }) => held.filter(({ name }) => /events/.test(name)).length)"
    found: int = page.evaluate(query)
    return found


@pytest.mark.slow
def test_twenty_tabs_are_all_alive(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-32: three hold server-sent events, the others a websocket; all show new mail, and all can act."""
    sockets: list[str] = []
    reader.context.on("page", lambda page: page.on("websocket", lambda one: sockets.append(one.url)))
    pages = [reader.page]
    for _ in range(19):
        pages.append(another_tab(reader))
        expect(pages[-1].locator(".list-title")).to_have_text("Inbox")
    assert (held(reader.page), len(sockets)) == (3, 17)
    append(mailbox, "for all", "Some words.\n")
    for page in pages:
        expect(page.locator(".message-subject")).to_have_text("for all")
    last = pages[-1]
    last.keyboard.press("j")
    last.keyboard.press("Enter")
    expect(last.locator(".text-part")).to_have_text("Some words.")
    last.keyboard.press("a")
    expect(last.locator(".toast")).to_contain_text("Moved to Archive")
    for page in pages:
        expect(page.locator(".message")).to_have_count(0)
    # a tab that goes leaves its place to the next one
    pages[0].close()
    until(lambda: held(last) == 2, what="the place of the tab that has gone")
    expect(another_tab(reader).locator(".list-title")).to_have_text("Inbox")
    assert (held(last), len(sockets)) == (3, 17)


def test_where_websockets_are_eaten_a_fourth_tab_polls(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-32a: without a connection of its own."""
    with FrontProxy(local.port(80), websockets=False) as proxy:
        found = Reader(chromium, local)
        found.base = f"http://localhost:{proxy.port}"
        found.log_in()
        expect(found.page.locator(".list-title")).to_have_text("Inbox")
        for _ in range(2):
            expect(another_tab(found).locator(".list-title")).to_have_text("Inbox")
        fourth = another_tab(found)
        expect(fourth.locator(".list-title")).to_have_text("Inbox")
        found.close()


def test_a_toast_speaks_of_the_past_when_it_is_past(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-124: the row goes at once; after a second the page says what it waits for."""
    page = reader.page
    append(mailbox, "Boats")
    expect(page.locator(".message")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".text-part")).to_be_visible()
    began = time.monotonic()
    with reader.held("**/api/message_move"):
        page.keyboard.press("a")
        expect(page.locator(".message")).to_have_count(0)
        expect(page.locator(".toast")).to_have_text(re.compile("^Moving to Archive…"))
        assert time.monotonic() - began >= 1
        assert mailbox.status("Archive", "(MESSAGES)")[1][0] == b"Archive (MESSAGES 0)"
    expect(page.locator(".toast")).to_have_text(re.compile("^Moved to Archive"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_have_text(re.compile("^Action undone"))
    expect(page.locator(".message")).to_have_count(1)
