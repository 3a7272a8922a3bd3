"""A page that is open while 2,000 changes come, in a real browser: no dialog opens, loads are gathered and apart, and
the page shows the last state at the end. That of the calendar is in `test_web_calendar_browser`. Where each change is
a command of its own, a landing makes 600 of them.
"""

import imaplib
import smtplib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.geometry import fresh
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_admin_browser import go, log_in
from tests.integration.test_web_calendar_browser import Desk
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

CHANGES = 2000
SOME = 600
APART = 500
"""Milliseconds between two loads."""

FLOOD_MS = 120_000
"""Milliseconds within which the last state is there, on a loaded machine."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server of its own; it must have counted no panic."""
    with LocalServer(tmp_path / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


def open_app(page: Page) -> None:
    """Note all loads from now on: browsers keep the first 250."""
    page.evaluate("performance.setResourceTimingBufferSize(100_000)")


def loads(page: Page, name: str) -> list[float]:
    """When the page made a call, in milliseconds."""
    found: list[float] = page.evaluate(
        """(name) => performance.getEntriesByType("resource")
        .filter((one) => new URL(one.name).pathname.endsWith(`/${name}`)).map((one) => one.startTime)""",
        name,
    )
    return found


def check(page: Page, began: float, name: str, most: int) -> None:
    """No dialog is open; the call was made, apart, and not more often than `most` times since `began`."""
    assert page.locator("dialog:modal").count() == 0
    times = [one for one in loads(page, name) if one >= began]
    assert 1 <= len(times) <= most, times
    assert all(later - earlier >= APART * 0.95 for earlier, later in pairwise(times)), times


def now(page: Page) -> float:
    moment: float = page.evaluate("performance.now()")
    return moment


def append(client: imaplib.IMAP4, number: int) -> None:
    """Put messages into the Inbox."""
    for one in range(number):
        octets = f"From: ann@example.net\r\nSubject: message {one}\r\n\r\nhello\r\n".encode()
        assert client.append("INBOX", "", "", octets)[0] == "OK"


def flag(client: imaplib.IMAP4, keyword: str, number: int, left: int, changes: int = CHANGES) -> None:
    """Set and remove a flag by so many commands on `number` messages; at the end `left` have it."""
    client.select("INBOX")
    for one in range(changes - number):
        sign = "+" if one // number % 2 == 0 else "-"
        client.store(str(one % number + 1), f"{sign}FLAGS.SILENT", f"({keyword})")
    for one in range(number):
        client.store(str(one + 1), f"{'+' if one < left else '-'}FLAGS.SILENT", f"({keyword})")


@pytest.mark.landing(str(SOME))
@pytest.mark.parametrize("changes", [SOME, CHANGES])
def test_counts_of_labels_are_gathered(chromium: Browser, server: LocalServer, changes: int) -> None:
    """WEBMAIL-182: a program labels messages, one by one; the side bar counts again when it is over."""
    with fresh(chromium, server, 1280) as visitor, imaplib.IMAP4("127.0.0.1", server.port(143)) as client:
        client.login(server.user, server.password)
        append(client, 20)
        page = visitor.page
        keyword = Desk(page).call("label_save", name="Work", color=3)["keyword"]
        row = page.locator(f'.mailbox[data-keyword="{keyword}"]')
        expect(row).to_be_visible()
        open_app(page)
        page.wait_for_timeout(1500)  # what the label itself has caused
        began = now(page)
        flag(client, keyword, 20, 7, changes)
        expect(row.locator(".mailbox-unread")).to_have_text("7", timeout=FLOOD_MS)
        check(page, began, "label_counts", 30)


def test_contacts_are_gathered(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-182, WEBMAIL-128: an import of 2,000 contacts."""
    with fresh(chromium, server, 1280) as visitor:
        page = visitor.page
        page.get_by_role("link", name="Contacts", exact=True).click()
        people = page.locator("#app.other-place")
        expect(people.get_by_label("Search contacts")).to_be_visible()
        open_app(page)
        page.wait_for_timeout(1500)
        began = now(page)
        names = [*(f"Bea {number}" for number in range(CHANGES - 1)), "Abel Last"]
        path = tmp_path / "many.vcf"
        path.write_text(
            "".join(f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEND:VCARD\r\n" for name in names), newline=""
        )
        server.cli("contacts", "import", "moxlite", str(path))
        expect(people.get_by_role("listitem").filter(has_text="Abel Last")).to_be_visible(timeout=FLOOD_MS)
        check(page, began, "contacts", 30)


def test_changes_of_a_linked_mailbox_are_gathered(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-182, LINK-22: the other provider's flags change 2,000 times; the side bar has the last number, and so
    does the page of links, which looks every two seconds.
    """
    with LocalServer(tmp_path / "far") as far, imaplib.IMAP4("127.0.0.1", far.port(143)) as client:
        client.login(far.user, far.password)
        append(client, 20)
        given = [*("--host", "127.0.0.1", "--port", str(far.port(143)), "--tls", "none"), "--no-sending"]
        given += ["--user", far.user, "--name", "Far"]
        server.cli("link", "add", "moxlite", "ann@far.example", *given, stdin=far.password + "\n")
        with fresh(chromium, server, 1280) as visitor:
            page = visitor.page
            inbox = page.locator(".mailbox", has=page.get_by_role("button", name="Actions for Far/Inbox"))
            expect(inbox.locator(".mailbox-unread")).to_have_text("20", timeout=FLOOD_MS)
            settings = visitor.context.new_page()
            settings.goto(f"{visitor.base}/#links")
            expect(settings.get_by_role("row").filter(has_text="Far")).to_contain_text("connected")
            for one in (page, settings):
                open_app(one)
            began, beside = now(page), now(settings)
            flag(client, "\\Seen", 20, 7)
            expect(inbox.locator(".mailbox-unread")).to_have_text("13", timeout=FLOOD_MS)
            expect(settings.get_by_role("row").filter(has_text="Far")).to_contain_text("connected")
            check(settings, beside, "link_list", 60)
            assert page.locator("dialog:modal").count() == 0
            calls = page.evaluate(
                "(began) => performance.getEntriesByType('resource')"
                ".filter((one) => one.startTime >= began && one.name.includes('/api/')).map((one) => one.name)",
                began,
            )
            assert len(calls) <= 30, calls


def test_the_queue_page_is_gathered(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-182, WEB-84: 2,000 messages come while the page is open; it shows them by itself, but not while a message
    is chosen.
    """
    server.cli("queue", "holdrules", "add")
    for limit in ("max_outgoing_messages_per_day", "max_first_time_recipients_per_day"):
        server.cli("config", "account", "set", "moxlite", limit, "10000")
    server.cli("config", "account", "set", "moxlite", "max_recipients_per_hour", "0")
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    log_in(visitor)
    page = go(visitor, "queue")
    expect(page.get_by_text("The queue is empty")).to_be_visible()
    open_app(page)
    began = now(page)
    with smtplib.SMTP("localhost", server.port(587)) as client:
        client.starttls()
        client.login(server.user, server.password)
        for number in range(CHANGES // 20):
            people = [f"p{number}x{one}@far.example" for one in range(20)]
            client.sendmail(server.user, people, f"From: {server.user}\r\nSubject: {number}\r\n\r\nx\r\n")
    expect(page.get_by_text("2,000 messages", exact=True)).to_be_visible(timeout=FLOOD_MS)
    check(page, began, "queue_count", 60)
    first = page.get_by_role("checkbox", name="Select the message to").first
    first.check()
    server.cli("queue", "drop", "--all")
    page.wait_for_timeout(7000)  # more than one look
    expect(first).to_be_checked()
    first.uncheck()
    expect(page.get_by_text("The queue is empty")).to_be_visible(timeout=15_000)
    visitor.close()


@pytest.mark.landing(str(SOME))
@pytest.mark.parametrize("changes", [SOME, CHANGES])
def test_the_live_view_is_gathered(chromium: Browser, server: LocalServer, changes: int) -> None:
    """WEBMAIL-182, WEB-88b: deliveries come by one stream; the last is on top, and 500 are kept."""
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    log_in(visitor)
    page = go(visitor, "live")
    expect(page.get_by_role("status").filter(has_text="Latest 500 events")).to_be_visible()
    page.mouse.move(5, 5)
    open_app(page)
    began = now(page)
    with smtplib.SMTP("localhost", server.port(25)) as client:
        client.ehlo("far.example")
        for number in range(changes):
            sender = f"s{number}@far.example"
            client.sendmail(sender, [server.user], f"From: {sender}\r\nMessage-ID: <{sender}>\r\n\r\nx\r\n".encode())
    rows = page.locator(".live > li")
    expect(rows.first).to_contain_text(f"s{changes - 1}@far.example", timeout=FLOOD_MS)
    expect(rows).to_have_count(500)
    assert page.locator("dialog:modal").count() == 0
    assert len([one for one in loads(page, "live") if one >= began]) <= 3
    visitor.close()
