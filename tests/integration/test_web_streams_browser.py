"""What the webmail makes of events that seldom come, and of calls that have no answer, in a real browser."""

import imaplib
import json

import pytest
from playwright.sync_api import Browser, Request, Route, expect

from tests.integration.browser import chromium
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

BETWEEN = """
window.between = (event) => [event];  // what the page is told instead of an event
const Real = EventSource;
window.EventSource = class extends Real {
  addEventListener(kind, take) {
    this.takers = { ...this.takers, [kind]: take };
    super.addEventListener(kind, ({ data }) => window.between(JSON.parse(data)).forEach((event) => this.tell(event)));
    window.source = this;
  }
  tell(event) {
    this.takers[event.kind](new MessageEvent(event.kind, { data: JSON.stringify(event) }));
  }
};
"""
"""Lets a test hold back events of the server, or change them: with little mail all is over at once."""


class Between(Reader):
    """A reader between whose page and server the test stands."""

    def __init__(self, browser: Browser, server: LocalServer) -> None:
        super().__init__(browser, server)
        self.page.add_init_script(BETWEEN)
        self.log_in()
        expect(self.page.locator(".list-title")).to_have_text("Inbox")


def test_a_search_is_stopped_and_left_by_escape(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-73: Escape stops, and what was found stays; Escape again leaves the search."""
    append(mailbox, "Green harbour", "A boat is in it.\n")
    append(mailbox, "Red harbour")
    found = Between(chromium, local)
    page = found.page
    expect(page.locator(".message")).to_have_count(2)
    page.evaluate(
        """() => {
          window.between = (event) => {
            if (event.kind !== "view_progress") return [event];
            window.held = event;
            return [{ ...event, done: false, looked: 1, of: 90000 }];
          };
        }"""
    )
    asked: list[dict[str, object]] = []

    def note(one: Request) -> None:
        if one.url.endswith("/api/request"):
            asked.append(json.loads(one.post_data or "")["request"])

    page.on("request", note)
    page.keyboard.press("/")
    page.keyboard.type("boat")
    page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_contain_text("Searching… 1 found. Searched 1 of 90,000 messages")
    expect(page.locator(".message-subject")).to_have_text(["Green harbour"])
    page.keyboard.press("Escape")
    until(lambda: page.evaluate("true") and asked[-1].get("cancel") is True, what="the request to stop")
    page.evaluate(
        """() => {
          window.between = (event) => (event.kind === "view_progress" ? [] : [event]);  // an answer may yet come
          window.source.tell({ ...window.held, done: true, stopped: true, looked: 1, of: 90000 });
        }"""
    )
    expect(page.locator(".search-said")).to_contain_text("Stopped. 1 found. Searched 1 of 90,000 messages")
    expect(page.locator(".message-subject")).to_have_text(["Green harbour"])
    page.keyboard.press("Escape")
    expect(page.locator(".list-title")).to_have_text("Inbox")
    expect(page.locator(".message")).to_have_count(2)
    found.close()


def test_a_list_can_be_had_without_threads_while_they_are_built(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-68: the page says why there is nothing, and offers the view without threads."""
    append(mailbox, "Green harbour")
    found = Between(chromium, local)
    page = found.page
    expect(page.locator(".message")).to_have_count(1)
    words = "This account's conversations are still being prepared."
    page.evaluate(
        """(message) => {
          window.between = (event) => {
            // an answer about the Inbox, where there is a message, may still be on its way
            if (event.kind !== "view_msgs" || event.total > 0) return [event];
            // the end of an answer comes alone
            if (event.items.length === 0) window.between = (next) => [next];
            const { view_id, request_id } = event;
            return [{ kind: "view_err", view_id, request_id, message, unthreaded: true }];
          };
        }""",
        words,
    )
    page.locator(".mailbox-open", has_text="Archive").click()
    expect(page.locator(".messages-note")).to_contain_text(words)
    page.get_by_role("button", name="Show single messages").click()
    expect(page.locator(".messages-note .empty-title")).to_have_text("Archive is empty")
    page.locator(".mailbox-open", has_text="Inbox").click()
    expect(page.locator(".message-subject")).to_have_text(["Green harbour"])
    found.close()


def test_what_had_no_answer_is_asked_for_again(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-36, WEBMAIL-44, WEBMAIL-46: a request for rows that was lost leaves no list behind."""
    page = reader.page
    append(mailbox, "first")
    expect(page.locator(".message")).to_have_count(1)
    page.route("**/api/request", lambda route: route.abort())
    append(mailbox, "second")
    expect(page.locator(".offline")).to_contain_text("Not connected")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.unroute("**/api/request")
    expect(page.locator(".message-subject")).to_have_text(["second", "first"])
    append(mailbox, "third")
    expect(page.locator(".message-subject")).to_have_text(["third", "second", "first"])


def test_a_server_that_can_not_yet_is_asked_again(reader: Reader, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-44: what a server answers while it starts or stops is not its last word."""
    page = reader.page
    append(mailbox, "Green harbour")
    expect(page.locator(".message")).to_have_count(1)
    body = json.dumps({"error": {"code": "server:error", "message": "The server is stopping."}})
    asked: list[str] = []
    reader.expect_problem("503")

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503, content_type="application/json", body=body)

    page.route("**/api/token", refuse)
    page.reload()
    until(lambda: page.evaluate("1") and len(asked) >= 2, what="a second attempt")
    page.unroute("**/api/token")
    expect(page.locator(".message-subject")).to_have_text(["Green harbour"])


def test_where_streams_are_held_back_and_refused_the_list_is_polled(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-32a: rows, another folder, a search, acts and new mail come by plain requests."""
    append(mailbox, "Green harbour", "A boat is in it.\n")
    append(mailbox, "Red harbour")
    reader = Reader(chromium, local)
    page = reader.page
    page.add_init_script("window.WebSocket = class { constructor() { setTimeout(() => this.onclose()); } close() {} };")
    page.route("**/webmail/events?*", lambda route: None)  # neither answered nor refused
    page.clock.install()
    with page.expect_request("**/webmail/events?*"):
        reader.log_in()
    page.clock.run_for(11_000)
    rows = page.locator(".message-subject")

    def come() -> bool:
        page.clock.run_for(1_000)
        return rows.count() == 2

    until(come, what="the first poll")
    expect(rows).to_have_text(["Red harbour", "Green harbour"])
    expect(page.locator(".offline")).to_be_hidden()
    page.locator(".message", has_text="Green").click()
    expect(page.locator(".reader-subject")).to_have_text("Green harbour")
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("Moved to Archive")
    expect(rows).to_have_text(["Red harbour"])
    page.locator(".mailbox-open", has_text="Archive").click()
    expect(rows).to_have_text(["Green harbour"])
    page.keyboard.press("/")
    page.keyboard.type("harbour")
    page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_contain_text("2 found")
    page.locator(".mailbox-open", has_text="Inbox").click()
    expect(rows).to_have_text(["Red harbour"])
    append(mailbox, "Blue harbour")
    with page.expect_request("**/webmail/poll?*"):
        page.clock.run_for(15_000)
    expect(rows).to_have_text(["Blue harbour", "Red harbour"])
    # the next page begins with it
    page.reload()
    expect(rows).to_have_text(["Blue harbour", "Red harbour"])
    reader.close()
