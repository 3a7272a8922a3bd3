"""The main walk through the webmail in Debian's firefox-esr against a real server: what people do, in short."""

import imaplib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import pytest

from tests.firefox import Firefox, firefox
from tests.integration.conftest import all_has_come
from tests.integration.test_web_compose_browser import all_of
from tests.integration.test_web_message_browser import PAPER
from tests.integration.test_web_people_browser import CALENDAR
from tests.integration.test_web_rich_browser import HOSTILE, WORD
from tests.running import LocalServer
from tests.tools import until

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("firefox"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_a_message_arrives_without_reload_and_is_read"
    ),
]

PATIENCE = 60.0
"""Seconds until what a step leads to must be seen: a busy machine is slow, not broken."""

FIND = """(selector, words) => {
  const shown = (one) => one.checkVisibility({ visibilityProperty: true });
  const texts = (one) => [one.innerText, one.getAttribute("aria-label"), one.title, one.value].join("\\n");
  return [...document.querySelectorAll(selector)].filter((one) => shown(one) && texts(one).includes(words));
}"""
"""The elements that are shown, and that have these words as text, name, title or value."""

PLACE = f"""(selector, words) => {{
  for (const one of ({FIND})(selector, words)) {{
    one.scrollIntoView({{ block: "nearest", inline: "nearest" }});
    const box = one.getBoundingClientRect();
    const at = [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];
    if (one.contains(document.elementFromPoint(...at))) return at;
  }}
  return null;
}}"""
"""The middle of the first of them that nothing covers."""

COUNT = f"(...given) => ({FIND})(...given).length"
TEXTS = f"(...given) => ({FIND})(...given).map((one) => one.innerText.trim())"

NEWSLETTER = """<h1 style="color: teal">Autumn</h1><p onclick="document.title = 'pwned'">Leaves fall.</p>
<script>document.title = "pwned"</script><img src="https://tracker.example/p.gif" width="1" height="1">"""


@contextmanager
def session(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session of IMAP with the server that runs now."""
    found = imaplib.IMAP4("127.0.0.1", server.port(143))
    found.login(server.user, server.password)
    yield found
    found.logout()


class Walk:
    """The webmail in Firefox."""

    def __init__(self, browser: Firefox, server: LocalServer) -> None:
        self.browser = browser
        self.server = server
        self.base = f"http://localhost:{server.port(80)}"
        self.touch = False

    def count(self, selector: str, words: str = "") -> int:
        found: int = self.browser.run(COUNT, selector, words)
        return found

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.browser.run(TEXTS, selector, "")
        return found

    def see(self, selector: str, words: str = "", number: int = 0) -> None:
        """Wait until such an element is shown, or with a number just so many are."""
        end = time.monotonic() + PATIENCE
        while (found := self.count(selector, words)) == 0 or (number and found != number):
            assert time.monotonic() < end, f"{found} × {selector} with “{words}”: {self.texts(selector)}"
            time.sleep(0.05)

    def gone(self, selector: str, words: str = "") -> None:
        """Wait until no such element is shown."""
        end = time.monotonic() + PATIENCE
        while self.count(selector, words):
            assert time.monotonic() < end, f"{selector} with “{words}” is still there"
            time.sleep(0.05)

    def click(self, selector: str, words: str = "") -> None:
        """Click such an element, once it is in its place and not covered."""
        end = time.monotonic() + PATIENCE
        before: Any = None
        while (at := self.browser.run(PLACE, selector, words)) is None or at != before:
            assert time.monotonic() < end, f"{selector} with “{words}” cannot be clicked: {self.texts(selector)}"
            before = at
            time.sleep(0.05)
        self.browser.click(*at, touch=self.touch)

    def write(self, selector: str, text: str) -> None:
        """Click a field, and type into it."""
        self.click(selector)
        self.browser.type(text)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option, as its user would, whose list is drawn outside the page."""
        self.see(selector)
        self.browser.run(
            """(selector, value) => {
              const field = document.querySelector(selector);
              field.value = value;
              field.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            selector,
            value,
        )

    def menu(self, words: str) -> None:
        """Choose from the menu of the message that is read."""
        self.click("button", "More actions")
        self.click("[role=menuitem]", words)

    def open(self, subject: str) -> None:
        self.click(".message-subject", subject)
        self.see(".reader-subject", subject)

    def settings(self, page: str) -> None:
        """A page of the settings, in the place of the webmail."""
        self.browser.press("Control", "!")
        self.see(".page h2", "Addresses")
        self.browser.run(f"() => {{ location.hash = '{page}'; }}")

    def in_frame(self, expression: str) -> Any:
        """A value of the page of the HTML message that is shown, null while it has not come."""
        frame = "document.querySelector('iframe.html')?.contentDocument?.querySelector('.body')?.ownerDocument ?? null"
        return self.browser.run(f"() => {{ const page = {frame}; return page && ({expression}); }}")

    def inbox(self) -> None:
        """A page of the webmail with the Inbox, loaded anew."""
        self.browser.open(f"{self.base}/robots.txt")
        self.browser.run("() => { localStorage['moxlite-webmail-hints'] = '3'; }")
        self.browser.open(f"{self.base}/webmail/")
        self.browser.wait("document.querySelector('.list-title:not(:empty), input[type=password]') !== null")
        if self.count("input[type=password]"):
            self.write("input[name=username]", self.server.user)
            self.write("input[name=password]", self.server.password)
            self.browser.press("Enter")
        self.see(".list-title", "Inbox")
        self.gone(".offline")

    def problems(self) -> list[str]:
        """What scripts of the page have complained about, but for connections that a server which is gone has cut."""
        found = [one["params"] for one in self.browser.events if one["method"] == "log.entryAdded"]
        self.browser.events[:] = [one for one in self.browser.events if one["method"] != "log.entryAdded"]
        texts = [str(one.get("text")) for one in found if one.get("level") == "error"]
        return [one for one in texts if not re.search(r"connection to|Content-Security-Policy.*tracker", one)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """One Firefox for all tests."""
    with firefox(tmp_path_factory.mktemp("profile") / "profile", height=900) as found:
        yield found


@pytest.fixture
def walk(browser: Firefox, server: LocalServer) -> Iterator[Walk]:
    """A page at a desk, logged in, with empty mailboxes; nothing of it may have failed in the end."""
    all_has_come(server)
    with session(server) as imap:
        for name in ("INBOX", "Archive", "Drafts", "Sent", "Trash"):
            if imap.select(name)[0] == "OK" and imap.search(None, "ALL")[1] != [b""]:
                imap.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
                imap.expunge()
    browser.resize(1280, 900)
    prompts = browser.prompts()
    found = Walk(browser, server)
    found.inbox()
    yield found
    assert found.problems() == []
    assert browser.prompts() == prompts


def put(
    server: LocalServer, subject: str, text: str = "Some text.\n", html: str = "", flags: str = "", **fields: str
) -> None:
    """Put a message into the Inbox."""
    message = EmailMessage()
    message["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    message["To"] = "moxlite@localhost"
    message["Subject"] = subject
    for name, value in ({"message_id": f"<{time.monotonic_ns()}@nordlicht.example>"} | fields).items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    with session(server) as imap:
        assert imap.append("INBOX", flags, "", re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))[0] == "OK"


def arrived(server: LocalServer, mailbox: str, number: int) -> list[EmailMessage]:
    """The messages of a mailbox once there are so many."""
    found: list[EmailMessage] = []

    def there() -> bool:
        with session(server) as imap:
            found[:] = all_of(imap, mailbox) if imap.select(mailbox, readonly=True)[0] == "OK" else []
        return len(found) == number

    until(there, what=f"{number} messages in {mailbox}")
    return found


def test_html_is_shown_first_and_loads_nothing(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-53, WEBMAIL-55, WEBMAIL-56, WEBMAIL-71, WEBMAIL-76: point 1; text and all headers are in reach, keys work
    in the message.
    """
    put(server, "News", "The text.\n", NEWSLETTER)
    walk.open("News")
    walk.see(".reader-bar-words", "1 image from tracker.example not loaded")
    until(lambda: walk.in_frame("page.querySelector('h1')?.innerText") == "Autumn", what="the page")
    assert walk.in_frame("getComputedStyle(page.querySelector('h1')).color") == "rgb(0, 128, 128)"
    assert walk.in_frame("page.querySelectorAll('script, [onclick]').length") == 0
    walk.menu("Show all headers")
    walk.see(".headers", "ada@nordlicht.example")
    walk.browser.press("t")
    walk.see(".text-part", "The text.")
    walk.browser.press("Shift", "T")
    until(lambda: walk.in_frame("page.querySelector('h1')?.innerText") == "Autumn", what="the page again")
    assert "pwned" not in walk.browser.run("() => document.title")


def test_an_answer_is_written_below_its_message(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-87, WEBMAIL-90, WEBMAIL-92: point 3; the quote is folded, and sent."""
    put(server, "Boats", "Which boat?\n", message_id="<o@x.example>")
    walk.open("Boats")
    walk.see(".text-part", "Which boat?")
    walk.browser.press("r")
    walk.see(".reader > .composer.docked")
    walk.browser.wait("document.activeElement?.matches('.composer textarea')")
    walk.browser.type("The red one.")
    walk.see(".text-part", "Which boat?")
    walk.browser.press("Control", "Enter")
    walk.gone(".composer")
    [sent] = arrived(server, "Sent", 1)
    assert sent["in-reply-to"] == "<o@x.example>"
    assert sent.get_content().startswith("The red one.")
    assert "> Which boat?" in sent.get_content()


def test_a_phone_has_one_pane_at_a_time(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-58, WEBMAIL-59: point 4; nothing scrolls sideways, and buttons are large enough for a thumb."""
    put(server, "Harbour", "The boats are in.\n")
    walk.browser.resize(390, 780)
    walk.touch = True
    walk.inbox()
    narrow = "document.documentElement.scrollWidth <= 390"
    walk.browser.wait(narrow)
    walk.open("Harbour")
    walk.see(".text-part", "The boats are in.")
    walk.browser.wait(narrow)
    tall = walk.browser.run(
        "() => [...document.querySelectorAll('.toolbar button')].filter((one) => one.checkVisibility())"
        ".map((one) => Math.max(one.offsetWidth, one.offsetHeight))"
    )
    assert min(tall) >= 44, tall
    walk.click(".toolbar button", "Reply")
    walk.see(".composer")
    walk.browser.wait(narrow)
    walk.write(".composer textarea", "On my way.")
    walk.click(".composer button", "Send")
    walk.gone(".composer")
    arrived(server, "Sent", 1)
    walk.click(".toolbar button", "Back")
    walk.click("button", "Folders")
    walk.click(".mailbox-open", "Sent")
    walk.see(".list-title", "Sent")
    walk.browser.wait(narrow)


def test_a_search_answers_while_one_types(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-72, WEBMAIL-73, WEBMAIL-127: point 5; hits and chips, Gmail's operators, a search that is kept."""
    put(server, "Green harbour", "A boat is in it.\n")
    put(server, "Red harbour", "Nothing is in it.\n")
    walk.see(".message", number=2)
    walk.browser.press("/")
    walk.browser.type("harb")
    walk.see(".glance-hit", number=2)
    walk.see(".glance-chip", "Has attachment")
    walk.browser.type("our boat newer_than:7d")
    walk.browser.press("Enter")
    walk.see(".search-said", "1 found")
    assert walk.texts(".message-subject") == ["Green harbour"]
    walk.open("Green harbour")
    walk.see(".text .hit", "boat")
    walk.click("button", "Close search")
    walk.see(".message", number=2)


def test_an_invitation_is_answered(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-129: point 8."""
    with session(server) as imap:
        imap.append("INBOX", "", "", CALENDAR.format(guests="").encode())
    walk.open("Sailing")
    walk.see(".event-card", "every week, on Wednesday, 5 times")
    walk.see(".event-card", "in America/New_York")
    walk.click(".event-card button", "Yes")
    walk.see(".event-card", "You accepted.")
    [sent] = arrived(server, "Sent", 1)
    assert sent["subject"] == "Accepted: Sailing <b>now</b>"


def test_people_are_kept_and_completed(walk: Walk) -> None:
    """WEBMAIL-93, WEBMAIL-128: point 11."""
    walk.click(".open-people")
    walk.click("button", "New contact")
    walk.see("dialog[aria-label='New contact']")
    walk.browser.type("Zoe Olm")
    walk.write("dialog[aria-label='New contact'] input[aria-label=Email]", "zoe@z.example")
    walk.click("dialog[aria-label='New contact'] button", "Save")
    walk.see(".person", "Zoe Olm", number=1)
    walk.click(".open-mail")
    walk.browser.press("c")
    walk.write(".composer [data-field=to] input", "Zo")
    walk.click(".completion", "Zoe Olm")
    walk.see(".composer .chip", "Zoe Olm")
    walk.click(".composer button", "Discard")
    walk.click("dialog button", "Discard")
    walk.gone(".composer")


def test_a_label_is_made_and_found(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-84: point 12; made while typing, a chip leads to all that have it."""
    put(server, "Harbour")
    put(server, "Lighthouse")
    walk.open("Harbour")
    walk.browser.press("y")
    walk.write("input[aria-label='Find or create label']", "Größe der Boote")
    walk.browser.press("Enter")
    walk.see(".message .keyword", "Größe der Boote", number=1)
    walk.click(".message-keywords .keyword", "Größe der Boote")
    walk.see(".search-said", "1 found")
    assert walk.texts(".message-subject") == ["Harbour"]


def test_a_template_is_kept_and_inserted(walk: Walk) -> None:
    """WEBMAIL-126: point 13."""
    walk.browser.press("c")
    walk.write(".compose-subject", "Our offer")
    walk.write(".composer textarea", "Dear all, yours of {date}")
    walk.click(".composer button", "Templates")
    walk.click("[role=menuitem]", "Save as template")
    walk.click("dialog button", "Save")
    walk.see(".toast", "Template “Our offer” saved")
    walk.click(".composer button", "Discard")
    walk.click("dialog button", "Discard")
    walk.gone(".composer")
    walk.browser.press("c")
    walk.click(".composer button", "Templates")
    walk.click("[role=menuitem]", "Our offer")
    walk.browser.wait("document.querySelector('.composer textarea').value.startsWith('Dear all, yours of')")
    assert "{date}" not in walk.browser.run("() => document.querySelector('.composer textarea').value")
    walk.click(".composer button", "Discard")
    walk.click("dialog button", "Discard")
    walk.gone(".composer")


def test_notices_follow_the_permission(walk: Walk) -> None:
    """WEBMAIL-122: point 14; a browser that may not show notices says so, one that may has the choice."""
    origin = {"descriptor": {"name": "notifications"}, "origin": walk.base}
    walk.browser.command("permissions.setPermission", state="denied", **origin)
    walk.inbox()
    walk.settings("notifications")
    walk.see(".page", "Notifications are blocked")
    here = "document.querySelector('.page input[type=checkbox]')"
    assert walk.browser.run(f"() => {here}.disabled")
    walk.browser.command("permissions.setPermission", state="granted", **origin)
    walk.inbox()
    walk.settings("notifications")
    walk.see(".page", "Notify me about new mail on this device")
    assert not walk.browser.run(f"() => {here}.disabled")
    assert walk.browser.run("() => Notification.permission") == "granted"
    walk.click(".to-places a", "Mail")
    walk.see(".list-title", "Inbox")


def test_the_page_speaks_german(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-143: point 15; chosen in the settings, with dates and numbers; and back."""
    put(server, "Plan", "Can you come?\n")
    walk.settings("appearance")
    language = ".page select:has(option[value=nl])"
    walk.choose(language, "de")
    walk.see(".page", "Sprache")
    walk.click(".to-places a", "E-Mail")
    walk.see(".list-title", "Posteingang")
    assert walk.browser.run("() => document.documentElement.lang") == "de"
    walk.see(".messages-group", "Heute")
    walk.open("Plan")
    walk.see(".toolbar button", "Antworten")
    walk.browser.press("Control", "!")
    walk.see(".page h2", "Adressen")
    walk.browser.run("() => { location.hash = 'appearance'; }")
    walk.see(".page", "Sprache")
    walk.choose(language, "")
    walk.see(".page", "Language")
    walk.click(".to-places a", "Mail")
    walk.see(".list-title", "Inbox")


def test_a_message_is_printed_without_its_frame(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-50, WEBMAIL-51, WEBMAIL-71: point 16; by ctrl p, as it is shown."""
    put(server, "Plan", "The text.\n", "<p>The <b>page</b></p>")
    walk.open("Plan")
    until(lambda: walk.in_frame("page.querySelector('b')?.innerText") == "page", what="the page")
    walk.browser.run(PAPER)
    walk.browser.press("Control", "p")
    walk.browser.wait("window.printed.length === 1")
    found = walk.browser.run("() => window.printed[0]")
    assert "The page" in found
    assert "From" in found
    assert "Inbox" not in found


def test_a_server_that_was_killed_is_found_again(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-44, WEBMAIL-46, WEBMAIL-100, WEBMAIL-124: points 2 and 3 over a kill; without a reload, and once."""
    put(server, "Boats", "Which boat?\n")
    walk.open("Boats")
    walk.see(".text-part", "Which boat?")
    walk.browser.run("() => { globalThis.begun = true; }")
    walk.browser.press("r")
    walk.see(".composer.docked")
    walk.browser.wait("document.activeElement?.matches('.composer textarea')")
    server.kill()
    walk.see(".offline", "Not connected")
    walk.browser.type("The red one.")
    walk.browser.press("Control", "Enter")
    walk.see(".compose-state", "Your message won't be sent twice.")
    server.start()
    walk.gone(".offline")
    walk.gone(".composer")
    arrived(server, "Sent", 1)
    put(server, "Newest")
    walk.see(".message", "Newest")
    walk.click(".message-subject", "Newest")
    walk.see(".reader-subject", "Newest")
    walk.browser.press("a")
    walk.see(".toast", "Moved to Archive")
    arrived(server, "Archive", 1)
    assert walk.browser.run("() => globalThis.begun === true")


def test_the_list_is_walked_by_keys(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-43, WEBMAIL-64, WEBMAIL-66, WEBMAIL-69, WEBMAIL-124: point 2; groups, a conversation as one row, Undo."""
    for number in (1, 2, 3):
        answers = {"in_reply_to": f"<boat{number - 1}@x.example>"} if number > 1 else {}
        subject = "Re: Boats" if number > 1 else "Boats"
        put(server, subject, f"Answer {number}.\n", flags="(\\Seen)", message_id=f"<boat{number}@x.example>", **answers)
    put(server, "Lunch")
    walk.see(".message", number=2)
    walk.see(".thread-count", "3")
    walk.see(".messages-group", "Today")
    assert walk.browser.run("() => document.querySelector('.message').offsetHeight") == 56
    walk.open("Boats")
    walk.see(".card", number=3)
    walk.browser.press("a")
    walk.see(".message", number=1)
    walk.see(".toast", "3 messages moved to Archive")
    arrived(server, "Archive", 3)
    walk.browser.press("Control", "z")
    walk.see(".message", number=2)
    arrived(server, "Archive", 0)


def test_mail_is_sent_later_and_comes_back_later(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-96, WEBMAIL-125: point 9; by words, and taken back."""
    put(server, "Plan")
    walk.open("Plan")
    walk.browser.press("b")
    walk.write("dialog input[aria-label='Type a time']", "in 2 days")
    walk.click("dialog button.primary", "Snooze")
    walk.gone(".message", "Plan")
    arrived(server, "Snoozed", 1)
    walk.click(".toast button", "Undo")
    walk.see(".message", "Plan")
    arrived(server, "Snoozed", 0)
    walk.browser.press("c")
    walk.write(".composer [data-field=to] input", "moxlite@localhost,")
    walk.write(".compose-subject", "Tomorrow")
    walk.write(".composer textarea", "Then.")
    walk.click(".composer button", "Schedule send")
    walk.write("dialog input[aria-label='Type a time']", "tomorrow 9:30")
    walk.click("dialog button.primary", "Schedule")
    walk.gone(".composer")
    arrived(server, "Scheduled", 1)
    walk.browser.press("Control", "k")
    walk.see(".palette-row")
    walk.browser.type("Scheduled")
    walk.browser.press("Enter")
    walk.click(".outbox-list button", "Keep as draft")
    walk.see(".outbox-empty", "Your Outbox is empty")
    arrived(server, "Drafts", 1)
    assert arrived(server, "Sent", 0) == []


def test_a_newsletter_is_left_and_archived(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-136, WEBMAIL-136a: point 10."""
    for number in range(2):
        put(
            server, f"Letter {number}", list_unsubscribe="<mailto:leave@shop.example>", list_id="<letters.shop.example>"
        )
    walk.see(".message", number=2)

    def there() -> bool:
        walk.click(".account-menu")
        walk.click(".menu-item", "Newsletters")
        time.sleep(0.5)  # the server gathers in the background: its own time
        if walk.count(".newsletter") == 1:
            return True
        walk.click(".beside-done")
        return False

    until(there, what="a newsletter")
    walk.see(".newsletter", "2 messages")
    walk.click(".newsletter button", "Archive all")
    walk.see(".toast", "2 messages archived")
    arrived(server, "Archive", 2)
    walk.click(".newsletter button", "Unsubscribe")
    walk.click("dialog button", "Write message")
    walk.see(".composer .chip", "leave@shop.example")
    walk.browser.press("Control", "Enter")
    walk.gone(".composer")
    arrived(server, "Sent", 1)


def test_formatting_is_written_and_sent(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-105, WEBMAIL-135: point 7; bold by key, a list by button. Tests after it find formatting on."""
    browser = walk.browser
    browser.press("c")
    walk.write(".composer [data-field=to] input", "moxlite@localhost,")
    walk.write(".compose-subject", "Boats")
    walk.click(".composer button", "Formatting")
    walk.see(".compose-rich")
    walk.click(".compose-rich")
    browser.press("Control", "b")
    browser.type("Hello")
    browser.press("Control", "b")
    browser.press("Enter")
    walk.click(".composer button[aria-label=List]")
    browser.type("one")
    browser.press("Control", "Enter")
    walk.gone(".composer")
    [sent] = arrived(server, "Sent", 1)
    part = sent.get_body(("html",))
    assert part is not None
    assert "<b>Hello</b>" in part.get_content()
    assert "<li>" in part.get_content()


COPY = """(html) => document.addEventListener("copy", (event) => {
  event.clipboardData.setData("text/html", html);
  event.preventDefault();
}, { once: true })"""
"""In the page: what is copied next is this HTML, as it would come from another page or a program."""


def test_what_is_pasted_brings_nothing_of_elsewhere(walk: Walk, server: LocalServer) -> None:
    """WEBMAIL-108, WEBMAIL-135: by the browser's clipboard: words and bold letters of Word, words of a hostile page;
    nothing runs, nothing is fetched, and what is sent has none of it.
    """
    browser = walk.browser
    browser.press("c")
    walk.write(".composer [data-field=to] input", "moxlite@localhost,")
    walk.write(".compose-subject", "Pasted")
    if not walk.count(".compose-rich"):
        walk.click(".composer button", "Formatting")
    walk.see(".compose-rich")
    walk.click(".compose-rich")
    for html, words in ((WORD, "strong"), (HOSTILE, "there")):
        browser.type("Seen:")
        browser.press("Shift", "Home")
        browser.run(COPY, html)
        browser.press("Control", "c")
        browser.press("End")
        browser.press("Control", "v")
        walk.see(".compose-rich", words)
    assert {"Plan", "Bold", "strong"} <= set(walk.texts(".compose-rich b"))
    walk.see(".toasts", "Skipped 2 images from other sites.")
    elsewhere = r"style|class|onerror|onclick|javascript|script|svg|iframe|input|track|<base|Mso"
    found = browser.run("() => document.querySelector('.compose-rich').innerHTML")
    assert not re.search(elsewhere, found), found
    assert browser.run("() => window.hit === undefined && document.baseURI.startsWith(location.origin)")
    assert browser.run("() => performance.getEntriesByType('resource').every((one) => !one.name.includes('example'))")
    browser.press("Control", "Enter")
    walk.gone(".composer")
    [sent] = arrived(server, "Sent", 1)
    part = sent.get_body(("html",))
    assert part is not None
    assert "<b>Bold</b>" in part.get_content()
    assert not re.search(r"script|track|onerror|Mso", part.get_content())
