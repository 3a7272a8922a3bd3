"""What a browser that is new here loads: to the log-in form, to the first rows, and after them (WEBMAIL-5)."""

import imaplib
import re
from typing import Final

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, local
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

MOST_TO_FORM: Final = 60_000
MOST_TO_ROWS: Final = 110_000
"""Octets on the line, with headers."""

WATCH: Final = """
new MutationObserver((_, observer) => {
  const row = document.querySelector(".message-subject");
  if (row === null) return;
  observer.disconnect();
  window.rowsAt = performance.now();
  if (localStorage.testClicks) row.click();
}).observe(document, { childList: true, subtree: true });
"""
"""Notes when the first rows are in the page."""

STARTED: Final = "() => performance.getEntriesByType('resource').map((one) => [one.name, one.startTime])"
AFTER_ROWS: Final = ("bar", "conversation", "dropping", "eventnews", "message", "offline", "side", "sorting")
"""Parts that each page loads without being asked for them."""


class Line:
    """Counts the octets that the page's requests bring."""

    def __init__(self, reader: Reader) -> None:
        self.octets: dict[str, int] = {}
        self.urls: dict[str, str] = {}
        session = reader.context.new_cdp_session(reader.page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.responseReceived", lambda event: self._add(event, event["response"]["encodedDataLength"]))
        session.on("Network.dataReceived", lambda event: self._add(event, event["encodedDataLength"]))
        session.on("Network.loadingFinished", self._end)
        session.send("Network.enable")

    def _sent(self, event: dict[str, str]) -> None:
        self.urls[event["requestId"]] = re.sub(r"^.*/webmail/|\?.*", "", event["request"]["url"])  # type: ignore[index]

    def _add(self, event: dict[str, str], octets: int) -> None:
        self.octets[event["requestId"]] = self.octets.get(event["requestId"], 0) + octets

    def _end(self, event: dict[str, str]) -> None:
        self.octets[event["requestId"]] = int(event["encodedDataLength"])

    def sizes(self) -> list[tuple[str, int]]:
        """The path of each request below the webmail's, with its octets."""
        return [(url, self.octets.get(key, 0)) for key, url in self.urls.items()]


def part_of(url: str) -> str:
    """The name of the part that a URL names; "" if it is another one."""
    found = re.search(r"part/([a-z]+)\.[0-9a-f]+\.js$", url)
    return found[1] if found else ""


def parts_loaded(reader: Reader) -> set[str]:
    """Parts that the page has asked for."""
    return {part_of(url) for url in reader.requests} - {""}


def wait_for(reader: Reader, name: str) -> None:
    """Wait until the page has loaded what has this name; a page may have no frames by which to look."""
    loaded = f"() => performance.getEntriesByType('resource').some((one) => one.name.includes('{name}'))"
    reader.page.wait_for_function(loaded, polling=100)


def wait_for_worker(reader: Reader) -> None:
    """Wait until the service worker is registered."""
    there = "() => navigator.serviceWorker.getRegistration().then((one) => one !== undefined)"
    reader.page.wait_for_function(there, polling=100)


def test_the_form_and_the_first_rows_need_little(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-5: at most 60 kB on the line to the log-in form, and 110 to the list; what shows a message, and what
    works without a connection, comes after the rows.
    """
    for number in range(60):
        append(mailbox, f"Report {number}", "A line of a message.\n" * 10)
    reader = Reader(chromium, local)
    reader.context.add_init_script(WATCH)
    line = Line(reader)
    reader.page.goto(f"{reader.base}/webmail/")
    expect(reader.page.get_by_label("Email address")).to_be_visible()
    # the button of a login provider is the last thing that the form asks for
    wait_for(reader, "provider_name")
    reader.page.wait_for_load_state("networkidle")
    to_form = line.sizes()
    assert parts_loaded(reader) == {"login"}
    print(f"to the form: {sum(octets for _, octets in to_form)} octets: {to_form}")
    assert 40_000 < sum(octets for _, octets in to_form) <= MOST_TO_FORM, to_form

    reader.page.get_by_label("Email address").fill(local.user)
    reader.page.get_by_label("Password").fill(local.password)
    reader.page.get_by_role("button", name="Log in", exact=True).click()
    expect(reader.page.locator(".message-subject").first).to_be_visible()
    for name in AFTER_ROWS:
        wait_for(reader, f"part/{name}.")
    drawn = reader.page.evaluate("rowsAt")
    started = reader.page.evaluate(STARTED)
    early = {part_of(url) for url, at in started if at <= drawn} - {""}
    assert early == {"login", "checks"}
    later = {part_of(url) for url, at in started if at > drawn}
    assert later >= set(AFTER_ROWS)
    to_rows = [(url, octets) for url, octets in line.sizes() if part_of(url) not in later - {""}]
    print(f"to the rows: {sum(octets for _, octets in to_rows)} octets: {to_rows}")
    assert MOST_TO_FORM < sum(octets for _, octets in to_rows) <= MOST_TO_ROWS, to_rows
    wait_for_worker(reader)
    reader.close()


def test_a_row_that_is_clicked_as_it_comes_opens_and_so_does_its_address(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-5: a message is opened in the moment in which its row is drawn, before its parts are loaded; its address
    opens it in a page of its own.
    """
    append(mailbox, "Opened at once", "Text that is read at once.\n")
    reader = Reader(chromium, local)
    reader.context.add_init_script(WATCH + "localStorage.testClicks = '1';")
    reader.log_in()
    expect(reader.page.locator(".reader").get_by_text("Text that is read at once.")).to_be_visible()
    assert parts_loaded(reader) >= {"message", "bar"}
    reader.page.wait_for_url(re.compile(r",\d+$"))

    other = reader.context.new_page()
    other.goto(reader.page.url)
    expect(other.locator(".reader").get_by_text("Text that is read at once.")).to_be_visible()
    reader.close()


def test_keys_that_come_before_their_commands_are_not_lost(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-71: the bar, and with it the commands of a message, comes late. A reply that is begun before opens then,
    with the letters that followed; none that was begun at another message does.
    """
    append(mailbox, "Answered at once", "First text.\n")
    append(mailbox, "Not answered", "Second text.\n")
    reader = Reader(chromium, local, service_workers="block")
    page = reader.page
    held: list[Route] = []
    page.route("**/part/bar.*", lambda route: held.append(route))
    reader.log_in()
    subject = page.locator(".reader-subject")
    composer = page.locator(".composer")
    for name, next_row in (("Not answered", "Answered at once"), ("Answered at once", None)):
        page.locator(".message", has_text=name).click()
        expect(subject).to_have_text(name)
        page.keyboard.type("rHello")
        if next_row is not None:
            page.locator(".message", has_text=next_row).click()
            expect(subject).to_have_text(next_row)
            page.keyboard.press("Control+c")
            until(lambda: held, what="the bar to be asked for")
    expect(composer).to_have_count(0)
    for route in held:
        route.continue_()
    expect(composer.get_by_label("Text")).to_have_value("Hello")
    expect(composer).to_have_count(1)
    expect(composer.get_by_label("Subject")).to_have_value("Re: Answered at once")
    reader.close()


def test_letters_pressed_as_the_list_comes_act_on_it(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-71: the commands of messages come after the rows; a letter that was pressed before acts then."""
    append(mailbox, "Archived at once", "Text.\n")
    reader = Reader(chromium, local, service_workers="block")
    page = reader.page
    held: list[Route] = []
    page.route("**/part/bar.*", lambda route: held.append(route))
    row = page.locator(".message", has_text="Archived at once")
    with page.expect_request("**/part/bar.*"):
        reader.log_in()
        expect(row).to_be_visible()
        page.keyboard.press("Home")
        page.keyboard.press("a")
    expect(row).to_be_visible()
    for route in held:
        route.continue_()
    expect(row).to_have_count(0)
    reader.close()


def test_a_page_without_frames_loads_its_parts(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-5: a tab in the background draws no frames; what comes after the list is loaded all the same, also after
    an empty one.
    """
    reader = Reader(chromium, local)
    reader.log_in()
    expect(reader.page.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    reader.context.add_init_script(
        "Object.defineProperty(document, 'hidden', { get: () => true }); window.requestAnimationFrame = () => 0;"
    )
    reader.page.reload()
    wait_for(reader, "part/offline.")
    wait_for(reader, "part/message.")
    wait_for_worker(reader)
    reader.close()


def test_parts_that_nobody_asked_for_are_offered_again_in_one_line(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-5a: no part comes in the first attempts. No dialog opens, and one line offers to try again: the list is
    there and what follows it comes then, what shows a message when one is opened.
    """
    append(mailbox, "Among the first rows", "Text of the first row.\n")
    reader = Reader(chromium, local, service_workers="block")
    reader.log_in()
    wait_for(reader, "part/side.")
    page = reader.page
    page.route("**/part/*", lambda route: route.abort())
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(part_of(request.url)))
    page.reload()
    line = page.locator(".toast", has_text="Couldn't load part of this page")

    def refused_again() -> bool:
        """Whether both parts were fetched in vain; a part that fails after a click waits for the next one."""
        line.get_by_role("button", name="Try again").click()
        return {"dropping", "side"} <= set(refused)

    for _ in range(2):
        expect(line).to_have_count(1)
        refused.clear()
        until(refused_again, what="the parts to fail")
    expect(line).to_have_count(1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.unroute("**/part/*")
    line.get_by_role("button", name="Try again").click()
    for name in ("dropping", "side", "eventnews", "sorting"):
        wait_for(reader, f"part/{name}.")
    # the side bar is one stop again
    expect(page.locator(".side [tabindex='0']")).to_have_count(1)
    expect(page.locator(".toast")).to_have_count(0)
    page.locator(".message", has_text="Among the first rows").click()
    expect(page.locator(".reader").get_by_text("Text of the first row.")).to_be_visible()
    reader.close()
