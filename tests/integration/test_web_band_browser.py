"""The row above the list of mail in a real browser: whatever is said, the list stays where it is (WEBMAIL-181b)."""

import imaplib
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.geometry import Box, fresh, settle
from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

NEWS: Final[dict[str, Any]] = {
    "event_id": 1,
    "said": "invited",
    "who": "Ben Hill",
    "title": "Parents' evening",
    "place": "School",
    "at": {"starts": 1_800_000_000, "clock": "utc"},
    "before": None,
    "answer": "",
    "repeats": False,
}

FAILURE: Final[dict[str, Any]] = {
    "moment": "2026-11-30T10:00:00Z",
    "script": "folders",
    "line": 3,
    "text": {"message": "no folder has this name. " * 8},
    "count": 4,
}

FIRST: Final = "() => document.querySelector('.messages').getBoundingClientRect().top"

COVERED: Final = """() => [...document.querySelectorAll(".list-band > .turn :is(button, a)")].filter((one) => {
  const box = one.getBoundingClientRect();
  const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return !one.contains(found) && box.right < document.querySelector(".middle").getBoundingClientRect().right;
}).map((one) => one.textContent)"""
"""The band's controls that something lies over."""


@pytest.fixture
def inbox(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session whose Inbox has thirty messages, one of which is read."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        if session.select("INBOX")[1] == [b"0"]:
            for number in range(30):
                message = EmailMessage()
                message["From"], message["Subject"] = "ann@nordlicht.example", f"Harbour {number}"
                message.set_content("A line.\n")
                session.append("INBOX", "\\Seen" if number == 3 else "", "", message.as_bytes(policy=SMTP))
        yield session


def answers(
    page: Page, news: list[dict[str, Any]], *, away: bool = False, failed: bool = False, stopped: int = 0
) -> None:
    """From now on the page hears these notices, for which it asks when it is loaded."""
    until_ = "2027-01-03T10:00:00Z"
    notices = {
        "away": away,
        "away_until": until_ if away else None,
        "failure": FAILURE if failed else None,
        "stopped": [f"somebody{number}@elsewhere.example" for number in range(stopped)],
    }
    page.unroute_all()
    page.route("**/api/event_news", lambda route: route.fulfill(json={"result": news}))
    page.route("**/api/sorting_notices", lambda route: route.fulfill(json={"result": notices}))


def band(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait until the band says this, and nothing else, and is as high as always."""
    shown = page.locator(".list-band > .turn")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text(words)
    settle(page)
    assert abs(Box.of(page.locator(".list-band")).height - 44) < 0.5
    until(lambda: page.evaluate(COVERED) == [], what="a band whose buttons can be clicked")


def came(page: Page) -> None:
    """Load the page, with the pointer elsewhere: what comes waits for it."""
    page.mouse.move(1, 1)
    page.reload()
    expect(page.locator(".message").first).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_no_notice_moves_the_list(chromium: Browser, server: LocalServer, inbox: imaplib.IMAP4, width: int) -> None:
    """WEBMAIL-181b: filters, invitations, hints, a vacation reply, what a script could not do, what a search can't look
    for, and a connection that is lost: each is in the one row, and the first message is where it was.
    """
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        answers(page, [])
        came(page)
        band(page, "UnreadPeopleNewslettersFiles")
        first = page.evaluate(FIRST)

        def stays(what: str) -> None:
            settle(page)
            assert page.evaluate(FIRST) == first, what

        for what, words in _notices(page):
            band(page, words)
            stays(what)
        answers(page, [])
        came(page)
        band(page, "Unread")
        _filters(page, stays)
        _selection(page, stays)
        _search(visitor, stays)
        _connection(visitor, stays)


def _notices(page: Page) -> Iterator[tuple[str, str | re.Pattern[str]]]:
    """Bring one kind after another, with its words."""
    answers(page, [NEWS])
    came(page)
    yield "an invitation", "1 new invitation Ben Hill"
    answers(page, [NEWS | {"event_id": number, "who": f"Ben Hill {number}"} for number in range(5)])
    came(page)
    yield "five invitations", "5 new invitations Ben Hill 0"
    answers(page, [NEWS | {"said": "canceled"}], away=True)
    came(page)
    expect(page.get_by_role("button", name="Away until 3 Jan")).to_be_visible()
    yield "an event that is canceled, and a vacation reply", "1 change in your calendar"
    answers(page, [NEWS], failed=True)
    came(page)
    yield "a script that failed", "Your script failed in line 3"
    expect(page.locator(".event-news-count")).to_have_text("1")
    page.get_by_role("button", name="Hide").click()
    yield "a failure that is hidden", "1 new invitation"
    answers(page, [NEWS], stopped=2)
    came(page)
    yield "forwarding that was stopped", "Forwarding to somebody0@elsewhere.example stopped"
    answers(page, [])
    page.evaluate("localStorage['moxlite-webmail-hints'] = '0'")
    came(page)
    yield "the first hint", "1 of 3"
    for hint in ("2 of 3", "3 of 3", "Unread"):
        page.get_by_role("button", name="Got it").click()
        yield f"the hint before {hint}", hint


def _filters(page: Page, stays: Any) -> None:
    for name in ("Unread", "People", "Newsletters", "Files"):
        pill = page.locator(".list-filters").get_by_role("button", name=name)
        pill.click()
        expect(pill).to_have_attribute("aria-pressed", "true")
        stays(name)
    pill.click()
    expect(pill).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".message").first).to_be_visible()


def _selection(page: Page, stays: Any) -> None:
    page.locator(".message-disc").first.click()
    expect(page.locator(".chosen-count")).to_be_visible()
    stays("a selection")
    page.keyboard.press("Escape")
    expect(page.locator(".chosen-count")).to_be_hidden()


def _search(visitor: Visitor, stays: Any) -> None:
    """Results begin where the folder's first message was; on a phone the field takes the place of the title."""
    page = visitor.page
    field = page.locator(".middle .search-input")
    for text in ("harbour", "harbour nosuch:xx", "harbour nosuch:xx is:important in:nowhere", "harbour"):
        field.fill(text)
        page.keyboard.press("Enter")
        expect(page.locator(".search-said")).to_contain_text("found")
        band(page, "Unread" if text == "harbour" else "nosuch:")
        stays(text)
    page.locator(".message-disc").first.click()
    expect(page.locator(".chosen-count")).to_be_visible()
    stays("a selection among what was found")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Close search").first.click()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    stays("the end of a search")


def _connection(visitor: Visitor, stays: Any) -> None:
    page = visitor.page
    page.unroute_all()
    page.context.set_offline(True)
    band(page, "Not connected")
    stays("a lost connection")
    page.context.set_offline(False)
    band(page, "Unread")
    stays("a connection")


def test_invitations_wait_for_the_pointer_and_are_in_the_inbox_only(
    chromium: Browser, server: LocalServer, inbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-181b, WEBMAIL-129b: what comes waits until the pointer has left; a filter that is on stays."""
    inbox.create("Plans")
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        news: list[dict[str, Any]] = []
        answers(page, news)
        came(page)
        band(page, "Unread")
        page.get_by_role("button", name="People", exact=True).hover()
        news.append(NEWS)
        with page.expect_response("**/api/event_news"):
            page.evaluate("dispatchEvent(new Event('calendars'))")
        expect(page.locator(".event-news-count")).to_have_text("1")
        band(page, "Unread")
        page.mouse.move(700, 500)
        band(page, "1 new invitation")
        page.get_by_role("button", name="1 new invitation").click()
        row = page.get_by_role("dialog", name="1 new invitation").locator(".answering-row")
        expect(row).to_contain_text("Ben Hill · School")
        expect(row.get_by_role("button")).to_have_text(["Yes", "Maybe", "No", ""])
        page.keyboard.press("Escape")
        page.locator(".mailbox-open", has_text="Plans").click()
        expect(page.locator(".list-title")).to_have_text("Plans")
        band(page, "Unread")
        page.locator(".middle .search-input").fill("harbour")
        page.keyboard.press("Enter")
        expect(page.locator(".search-said")).to_contain_text("found")
        band(page, "Unread")
        page.get_by_role("button", name="Close search").first.click()
        page.locator(".mailbox-open", has_text="Inbox").first.click()
        band(page, "1 new invitation")
        page.evaluate("() => { location.hash = '#Plans' }")
        band(page, "Unread")
        pill = page.locator(".list-filters").get_by_role("button", name="Unread")
        pill.click()
        expect(pill).to_have_attribute("aria-pressed", "true")
