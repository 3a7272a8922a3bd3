"""A server that is killed while the webmail is open, in a real browser: the page says so, goes on with the next server
without a reload, and each thing is done once, also where the answer to a call was lost.

Sending later and coming back later: test_web_later_browser.py; a message that is opened meanwhile:
test_web_gone_browser.py; HTML that is written: test_web_rich_browser.py.
"""

import imaplib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_compose_browser import all_of
from tests.integration.test_web_message_browser import PAPER
from tests.integration.test_web_notices_browser import SERVICE
from tests.integration.test_web_people_browser import CALENDAR
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_a_message_arrives_without_reload_and_is_read"
    ),
]

AWAY = "Can't reach the server"
"""Words about a call that has no answer."""

BACK = 90_000
"""Milliseconds until a page has found its server again."""

CARDS = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bo Ek\r\nTEL:+46 1\r\nUID:bo\r\nEND:VCARD\r\n"


@contextmanager
def session(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session of IMAP with the server that runs now."""
    found = imaplib.IMAP4("127.0.0.1", server.port(143))
    found.login(server.user, server.password)
    yield found
    found.logout()


@pytest.fixture(autouse=True)
def empty(server: LocalServer) -> None:
    """Mailboxes are empty, and the server is there, which a test that failed may have left dead."""
    if server.process.poll() is not None:
        server.start()
    # what was on its way when servers were killed twice is tried again a minute later
    server.cli("queue", "drop", "--all")
    with session(server) as imap:
        for name in ("INBOX", "Archive", "Drafts", "Sent", "Trash"):
            if imap.select(name)[0] == "OK" and imap.search(None, "ALL")[1] != [b""]:
                imap.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
                imap.expunge()


def put(server: LocalServer, subject: str, text: str = "Some text.\n", html: str = "", fields: str = "") -> None:
    """Put a message into the Inbox."""
    message = EmailMessage()
    message["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    message["To"] = "moxlite@localhost"
    message["Subject"] = subject
    message["Message-ID"] = f"<{time.monotonic_ns()}@nordlicht.example>"
    for field in fields.splitlines():
        name, _, value = field.partition(": ")
        message[name] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    with session(server) as imap:
        assert imap.append("INBOX", "", "", re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))[0] == "OK"


def count(server: LocalServer, mailbox: str) -> int:
    """Messages of a mailbox."""
    with session(server) as imap:
        return int(imap.select(mailbox, readonly=True)[1][0] or b"0")


def arrived(server: LocalServer, mailbox: str, number: int) -> list[EmailMessage]:
    """The messages of a mailbox once there are so many."""
    until(lambda: count(server, mailbox) == number, what=f"{number} messages in {mailbox}")
    with session(server) as imap:
        found = all_of(imap, mailbox)
    assert len(found) == number
    return found


class Survivor(Visitor):
    """A page of the webmail that sees its server go and come back."""

    unconnected = "Not connected"

    def __init__(self, browser: Browser, server: LocalServer, **options: object) -> None:
        super().__init__(browser, server, tls=False, **options)
        self.fill_in("/webmail/")
        expect(self.page.locator(".list-title")).to_have_text("Inbox")
        # all parts are there: a page that is a moment old may have to fetch one from a server that is gone
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.page.evaluate("globalThis.begun = true")

    def die(self) -> None:
        """The server is killed, and the page says so."""
        self.server.kill()
        self.away()

    def away(self) -> None:
        expect(self.page.locator(".offline")).to_contain_text(self.unconnected)

    def back(self) -> None:
        """The server is there again, and the page finds it."""
        self.server.start()
        # the user comes back to the window: otherwise the page asks less often the longer the server is away
        self.page.evaluate("dispatchEvent(new Event('focus'))")
        expect(self.page.locator(".offline")).to_be_hidden(timeout=BACK)

    def restart(self) -> None:
        self.die()
        self.back()

    @contextmanager
    def killed_before_the_answer(self, call: str, page: Page | None = None) -> Iterator[None]:
        """A page makes this call within the block; the server does it, and is killed before its answer comes."""
        done: list[bool] = []

        def lose(route: Route) -> None:
            done.append(route.fetch().ok)
            self.server.kill()
            route.abort("connectionreset")

        (page or self.page).route(f"**/api/{call}", lose, times=1)
        yield

        def lost() -> bool:
            self.page.wait_for_timeout(50)  # the page may be loaded anew meanwhile, so it is asked nothing
            return done != []

        until(lost, what=f"a call of {call}")
        assert done == [True]
        self.away()

    def refused(self, title: str, page: Page | None = None) -> None:
        """A dialog says that the server cannot be reached, and nothing else is said."""
        page = page or self.page
        dialog = page.get_by_role("dialog", name=title, exact=True)
        expect(dialog).to_contain_text(AWAY)
        expect(page.locator("dialog.dialog", has_text="Something went wrong")).to_have_count(0)
        dialog.get_by_role("button", name="Close").click()
        expect(dialog).to_have_count(0)

    def goes_on(self) -> None:
        """The page was not loaded again."""
        assert self.page.evaluate("globalThis.begun === true")

    def open(self, subject: str) -> None:
        self.page.locator(".message", has_text=subject).click()
        expect(self.page.locator(".reader-subject")).to_have_text(subject)


@pytest.fixture
def survivor(chromium: Browser, server: LocalServer) -> Iterator[Survivor]:
    """A page at a desk."""
    found = Survivor(chromium, server, viewport={"width": 1280, "height": 900})
    yield found
    found.goes_on()
    found.close()


def composer_of(page: Page) -> Locator:
    return page.locator(".composer")


def test_a_label_is_made_once(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-84, WEBMAIL-44: what was typed stays in the dialog; a label whose answer was lost is that label."""
    page = survivor.page
    put(server, "Harbour")
    survivor.open("Harbour")
    expect(page.locator(".text-part")).to_be_visible()
    page.keyboard.press("y")
    field = page.get_by_label("Find or create label")
    field.fill("Red boats")
    survivor.die()
    page.keyboard.press("Enter")
    survivor.refused("Couldn't create label")
    survivor.back()
    expect(field).to_have_value("Red boats")
    with survivor.killed_before_the_answer("label_save"):
        field.press("Enter")
    survivor.back()
    expect(page.locator(".message .keyword")).to_have_text(["Red boats"])
    page.keyboard.press("y")
    expect(page.locator(".label-row")).to_have_count(1)
    page.get_by_role("button", name="Done").click()

    def labelled() -> bool:
        with session(server) as imap:
            imap.select("INBOX", readonly=True)
            return str(imap.fetch("1", "(FLAGS)")[1]).count("red_boats") == 1

    until(labelled)
    # a label that was put on while the answer was lost is seen all the same
    with survivor.killed_before_the_answer("flags_clear"):
        page.keyboard.press("1")
    survivor.back()
    expect(page.locator(".message .keyword")).to_have_count(0)


def test_an_invitation_is_answered_once(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-129, WEBMAIL-100: the note stays; an answer that left, and whose reply was lost, leaves once."""
    page = survivor.page
    with session(server) as imap:
        imap.append("INBOX", "", "", CALENDAR.format(guests="").encode())
    survivor.open("Sailing")
    card = page.locator(".event-card")
    note = card.get_by_label("Note to organizer")
    note.fill("With pleasure.")
    survivor.die()
    card.get_by_role("button", name="Yes").click()
    survivor.refused("Couldn't send reply")
    survivor.back()
    with survivor.killed_before_the_answer("invitation_answer"):
        card.get_by_role("button", name="Yes").click()
    survivor.back()
    expect(card).to_contain_text("You accepted.")
    [sent] = arrived(server, "Sent", 1)
    assert sent["subject"] == "Accepted: Sailing <b>now</b>"


def test_a_template_is_made_once(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-126: the form keeps what was written; the message that is written stays, and gets the template."""
    page = survivor.page
    with survivor.settings("templates/new") as form:
        form.get_by_label("Name").fill("Greeting")
        form.get_by_label("Message").fill("Dear all,\n")
        survivor.die()
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_role("alert")).to_contain_text(AWAY)
        survivor.back()
        with survivor.killed_before_the_answer("template_save", form):
            form.get_by_role("button", name="Save").click()
        expect(form.get_by_role("alert")).to_contain_text(AWAY)
        survivor.back()
        form.get_by_role("button", name="Save").click()
        expect(form.locator(".lines .name")).to_have_text(["Greeting"])
    page.keyboard.press("c")
    composer = composer_of(page)
    composer.get_by_label("Subject").fill("To the crew")
    survivor.die()
    composer.get_by_role("button", name="Templates").click()
    survivor.refused("Couldn't load templates")
    survivor.back()
    composer.get_by_role("button", name="Templates").click()
    page.get_by_role("menuitem", name="Greeting").click()
    expect(composer.get_by_label("Text")).to_have_value(re.compile("^Dear all,"))
    expect(composer.get_by_label("Subject")).to_have_value("To the crew")
    composer.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)


def test_a_device_is_told_of_new_mail_once(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-122: a device whose answer was lost is one device; choices that were not saved are not shown."""
    survivor = Survivor(chromium, server, permissions=["notifications"])
    survivor.context.add_init_script(SERVICE)
    with survivor.settings("notifications") as settings:
        here = settings.get_by_label("Notify me about new mail on this device")
        expect(here).to_be_visible()
        survivor.die()
        here.click()
        survivor.refused("Couldn't turn on notifications", settings)
        expect(here).not_to_be_checked()
        survivor.back()
        with survivor.killed_before_the_answer("notices_subscribe", settings):
            here.click()
        survivor.refused("Couldn't turn on notifications", settings)
        survivor.back()
        here.click()
        row = settings.locator(".notice-devices li")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("(this device)")
        quiet = settings.get_by_label("Quiet hours from")
        survivor.die()
        quiet.click()
        survivor.refused("No answer", settings)
        expect(quiet).not_to_be_checked()
        survivor.back()
        quiet.click()
        expect(settings.get_by_text("Saved", exact=True)).to_be_visible()
        settings.get_by_role("link", name="Shortcuts", exact=True).click()
        settings.get_by_role("link", name="Notifications", exact=True).click()
        expect(quiet).to_be_checked()
        expect(row).to_have_count(1)
        here.click()
        expect(row).to_have_count(0)
    survivor.goes_on()
    survivor.close()


def test_a_language_is_chosen(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-105, WEBMAIL-143: a page of the settings that cannot be loaded says so, and is loaded then; a choice that
    could not be saved is taken back, and saved when it is made again. Without a server the webmail stays where it is.
    """
    survivor = Survivor(chromium, server, viewport={"width": 1280, "height": 900})
    page = survivor.page
    with survivor.settings("appearance") as settings:
        survivor.die()
        page.keyboard.press("Control+!")
        survivor.refused("Couldn't open settings")
        settings.get_by_role("link", name="Writing").click()
        expect(settings.get_by_text("Couldn't open this page")).to_be_visible()
        settings.get_by_role("button", name="Try again").click()
        expect(settings.get_by_text(AWAY)).to_be_visible()
        survivor.back()
        settings.get_by_role("button", name="Try again").click()
        expect(settings.get_by_label("Signature", exact=True)).to_be_visible()
        settings.goto(f"{survivor.base}/#appearance")
        language = settings.get_by_label("Language")
        expect(language).to_have_value("")
        survivor.die()
        language.select_option("fr")
        survivor.refused("Couldn't save settings", settings)
        expect(language).to_have_value("")
        survivor.back()
        language.select_option("fr")
        expect(settings.get_by_label("Langue")).to_have_value("fr")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        expect(page.locator(".list-title")).to_have_text("Réception")
        settings.get_by_label("Langue").select_option("")
        expect(page.locator("html")).to_have_attribute("lang", "en")
    survivor.close()


def test_a_search_goes_on(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-72, WEBMAIL-73, WEBMAIL-44: no dialog while one types; the search is made when the server is there."""
    page = survivor.page
    put(server, "Red harbour")
    put(server, "Green harbour")
    put(server, "Lighthouse")
    expect(page.locator(".message")).to_have_count(3)
    page.keyboard.press("/")
    field = page.locator(".search-input")
    field.fill("harb")
    expect(page.locator(".glance-hit")).to_have_count(2)
    survivor.die()
    field.press_sequentially("our")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    survivor.back()
    expect(page.locator(".search-said")).to_have_text("2 found")
    expect(page.locator(".message-subject")).to_have_text(["Green harbour", "Red harbour"])
    put(server, "Blue harbour")
    expect(page.locator(".message-subject")).to_have_text(["Blue harbour", "Green harbour", "Red harbour"])
    survivor.restart()
    expect(page.locator(".message-subject")).to_have_text(["Blue harbour", "Green harbour", "Red harbour"])
    expect(field).to_have_value("harbour")


def test_a_message_is_printed_when_the_server_is_there(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-50, WEBMAIL-51: nothing else is printed in its place, and nothing is left behind."""
    page = survivor.page
    put(server, "Plan", html="<p>The <b>page</b></p>")
    survivor.open("Plan")
    expect(page.frame_locator("iframe.html").locator("b")).to_have_text("page")
    page.evaluate(PAPER)
    survivor.die()
    page.keyboard.press("Control+p")
    survivor.refused("Couldn't print")
    expect(page.locator(".on-paper")).to_have_count(0)
    survivor.back()
    # the server goes after it was asked whether it is there
    page.route("**/msghtml?*", lambda route: route.abort("connectionrefused"), times=1)
    page.keyboard.press("Control+p")
    survivor.refused("Couldn't print")
    expect(page.locator(".on-paper")).to_have_count(0)
    assert page.evaluate("window.printed.length") == 0
    page.keyboard.press("Control+p")
    until(lambda: page.evaluate("window.printed.length") == 1, what="a printed page")
    assert "The page" in page.evaluate("window.printed[0]")


def newsletters(survivor: Survivor) -> Locator:
    """The rows of the page of newsletters, once the server has gathered one."""
    page = survivor.page
    rows = page.get_by_role("dialog", name="Newsletters").get_by_role("listitem")

    def there() -> bool:
        page.get_by_role("button", name="Account and settings").click()
        page.get_by_role("menuitem", name="Newsletters").click()
        page.wait_for_timeout(500)  # the server gathers in the background: its own time
        if rows.count() == 1:
            return True
        page.get_by_role("button", name="Done").click()
        return False

    until(there, what="a newsletter")
    return rows


def test_a_newsletter_is_left_and_archived_once(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-136, WEBMAIL-136a, WEBMAIL-100: the message that leaves is sent once; all letters are archived once."""
    page = survivor.page
    for number in range(3):
        fields = "List-Id: Letters <letters.shop.example>\nList-Unsubscribe: <mailto:leave@shop.example>"
        put(server, f"Letter {number}", fields=fields)
    expect(page.locator(".message")).to_have_count(3)
    row = newsletters(survivor)
    survivor.die()
    row.get_by_role("button", name="Archive all").click()
    survivor.refused("Couldn't archive messages")
    survivor.back()
    with survivor.killed_before_the_answer("newsletter_archive"):
        row.get_by_role("button", name="Archive all").click()
    survivor.back()
    expect(page.locator(".toast").last).to_contain_text("3 messages archived")
    assert (count(server, "Archive"), count(server, "INBOX")) == (3, 0)
    row.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("button", name="Write message").click()
    composer = composer_of(page)
    expect(composer).to_contain_text("leave@shop.example")
    with survivor.killed_before_the_answer("message_submit"):
        composer.get_by_label("Text").press("Control+Enter")
    expect(composer.locator(".compose-state")).to_contain_text("Your message won't be sent twice.")
    survivor.back()
    expect(composer).to_have_count(0)
    arrived(server, "Sent", 1)
    row = newsletters(survivor)
    expect(row).to_contain_text("Unsubscribed")
    page.get_by_role("button", name="Done").click()


def test_a_contact_is_added_once(survivor: Survivor) -> None:
    """WEBMAIL-128: the form stays; a contact, a change and an import whose answers were lost are made once."""
    page = survivor.page
    page.get_by_role("link", name="Contacts", exact=True).click()
    people = page.locator("#app.other-place")
    page.get_by_role("button", name="New contact").click()
    form = page.get_by_role("dialog", name="New contact")
    form.get_by_label("Name", exact=True).fill("Zoe")
    form.get_by_label("Email").first.fill("zoe@z.example")
    survivor.die()
    form.get_by_role("button", name="Save").click()
    survivor.refused("Couldn't save contact")
    survivor.back()
    with survivor.killed_before_the_answer("contact_save"):
        form.get_by_role("button", name="Save").click()
    survivor.back()
    rows = people.get_by_role("listitem")
    expect(rows).to_have_count(1)
    expect(people.get_by_role("status")).to_have_text("1 contact")
    rows.get_by_role("button", name="Zoe").click()
    people.get_by_role("article", name="Zoe").get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog", name="Zoe")
    form.get_by_label("Note").fill("Sails.")
    with survivor.killed_before_the_answer("contact_save"):
        form.get_by_role("button", name="Save").click()
    survivor.back()
    expect(form).to_have_count(0)
    expect(people.get_by_role("article", name="Zoe")).to_contain_text("Sails.")
    file = people.locator("input[type=file]")
    with survivor.killed_before_the_answer("contacts_import"):
        file.set_input_files({"name": "people.vcf", "mimeType": "text/vcard", "buffer": CARDS.encode()})
    survivor.back()
    expect(page.locator(".toast").last).to_contain_text("1 entry added")
    expect(rows).to_have_count(2)


def test_an_answer_below_its_message_is_sent_once(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-87, WEBMAIL-88, WEBMAIL-100: the message and its answer stay where they are; the original is marked."""
    page = survivor.page
    put(server, "Which boat?", "The red one, or the green one?\n")
    survivor.open("Which boat?")
    expect(page.locator(".text-part")).to_be_visible()
    page.keyboard.press("r")
    docked = page.locator(".reader > .composer.docked")
    text = docked.get_by_label("Text")
    expect(text).to_be_focused()
    survivor.die()
    page.keyboard.type("The red one.")
    expect(page.locator(".reader-body")).to_contain_text("the green one?")
    page.keyboard.press("Control+Enter")
    expect(docked.locator(".compose-state")).to_contain_text("Your message won't be sent twice.")
    survivor.back()
    expect(docked).to_have_count(0)
    [sent] = arrived(server, "Sent", 1)
    assert sent.get_content().startswith("The red one.")
    assert sent["subject"] == "Re: Which boat?"
    with session(server) as imap:
        imap.select("INBOX", readonly=True)
        assert imap.search(None, "ANSWERED")[1] == [b"1"]
    arrived(server, "Drafts", 0)


PUSH = """(row, by) => {
  const send = (kind, x) => row.dispatchEvent(
    new PointerEvent(kind, { bubbles: true, pointerType: "touch", clientX: x, clientY: 200 }));
  send("pointerdown", 150);
  for (let part = 1; part <= 5; part++) send("pointermove", 150 + by * part / 5);
  send("pointerup", 150 + by);
}"""


def test_a_phone_goes_on(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-59, WEBMAIL-124: what cannot be archived is there again; what was, unanswered, is archived once."""
    for subject in ("First", "Second"):
        put(server, subject)
    survivor = Survivor(chromium, server, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    page = survivor.page
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".messages[data-pushable]")).to_have_count(1)
    survivor.die()
    page.locator(".message", has_text="First").evaluate(PUSH, 140)
    expect(page.locator(".toast").last).to_contain_text(f"Couldn't move messages. {AWAY}.")
    expect(page.locator(".message")).to_have_count(2)
    survivor.back()
    survivor.expect_problem("409")  # of the repetition: the message has moved
    with survivor.killed_before_the_answer("message_move"):
        page.locator(".message", has_text="First").evaluate(PUSH, 140)
    survivor.back()
    expect(page.locator(".message-subject")).to_have_text(["Second"])
    assert (count(server, "Archive"), count(server, "INBOX")) == (1, 1)
    page.locator(".message").tap()
    expect(page.locator(".reader-subject")).to_have_text("Second")
    page.locator(".toolbar").get_by_role("button", name="Reply", exact=True).tap()
    composer = composer_of(page)
    composer.get_by_label("Text").fill("On my way.")
    survivor.die()
    composer.get_by_role("button", name="Send", exact=True).tap()
    expect(composer.locator(".compose-state")).to_contain_text("Your message won't be sent twice.")
    page.wait_for_function("document.documentElement.scrollWidth <= 390")
    survivor.back()
    expect(composer).to_have_count(0)
    arrived(server, "Sent", 1)
    survivor.goes_on()
    survivor.close()


def test_html_is_written_on_and_sent_once(survivor: Survivor, server: LocalServer) -> None:
    """WEBMAIL-88, WEBMAIL-100, WEBMAIL-135: what is typed meanwhile is saved when the server is back, and sent once.
    The last test here, for formatting is remembered.
    """
    page = survivor.page
    page.keyboard.press("c")
    composer = composer_of(page)
    composer.get_by_label("To", exact=True).fill("moxlite@localhost")
    composer.get_by_label("Subject").fill("Boats")
    if composer.locator(".compose-rich").count() == 0:
        composer.locator("button[aria-label=Formatting]").click()
    composer.locator(".compose-rich").focus()
    page.keyboard.press("Control+b")
    page.keyboard.type("Before.")
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    survivor.die()
    page.keyboard.type(" Meanwhile.")
    page.keyboard.press("Control+s")
    expect(composer.locator(".compose-state")).to_have_text(f"{AWAY}.")
    survivor.back()
    expect(composer.locator(".compose-state")).to_have_text("Draft saved")
    [draft] = arrived(server, "Drafts", 1)
    assert "<b>Before. Meanwhile.</b>" in str(draft.get_body(("html",)))
    with survivor.killed_before_the_answer("message_submit"):
        composer.locator(".compose-rich").press("Control+Enter")
    survivor.back()
    expect(composer).to_have_count(0)
    [sent] = arrived(server, "Sent", 1)
    assert "<b>Before. Meanwhile.</b>" in str(sent.get_body(("html",)))
    arrived(server, "Drafts", 0)
    arrived(server, "INBOX", 1)
