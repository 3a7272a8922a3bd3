"""Each guest of an event gets an invitation, or the form or the event says who doesn't, in a real browser."""

import email
import email.policy
import imaplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.campaigns._mailhosts import Hosts, Server, Taken
from tests.integration.browser import PATIENCE, chromium
from tests.integration.test_web_calendar_browser import DAY, HOUR, Desk, event
from tests.integration.test_web_several_accounts_browser import log_in
from tests.running import ServedServer
from tests.tools import free_port, until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

DOMAINS = """
[domains."example.org".aliases.team]
addresses = ["carl@example.org", "dora@example.org"]
post_public = true
[domains."example.org".aliases.board]
addresses = ["carl@example.org"]
[accounts.carl]
domain = "example.org"
[accounts.carl.destinations."carl@example.org"]
[accounts.dora]
domain = "example.org"
[accounts.dora.destinations."dora@example.org"]
[accounts.fay]
domain = "example.org"
invitations = "never"
[accounts.fay.destinations."fay@example.org"]
[accounts.full]
domain = "example.org"
quota_message_size = 1
[accounts.full.destinations."full@example.org"]
"""


class Far(Hosts):
    """The hosts of other servers: there is nobody named gone."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[tuple[str, str]] = []

    def recipient(self, line: bytes) -> bytes:
        """The answer to the line of a RCPT."""
        return b"550 5.1.1 no such user" if b"gone@" in line else b"250 2.1.5 ok"

    def take(self, line: bytes, octets: bytes) -> tuple[bytes, Taken | None]:
        """Take every mail."""
        address = line.decode().partition("<")[2].partition(">")[0]
        with self.lock:
            self.mails.append((address, subject(octets)))
        return b"250 2.0.0 ok", Taken()


@contextmanager
def world(tmp_path: Path) -> Iterator[tuple[ServedServer, Far, int]]:
    """A server with people of all kinds among other servers; gives the port of its webmail, too."""
    static = f"webmail_http = {{ enabled = true, port = {(port := free_port())} }}"
    far = Far()
    with Server(far) as hosts:
        threading.Thread(target=hosts.serve_forever, daemon=True).start()
        server = ServedServer(tmp_path / "served", static=static, domains=DOMAINS, module="tests.sendserver")
        server.environment = {"SINK": str(hosts.server_address[1])}
        with server:
            for name in ("carl", "dora", "fay", "full"):
                server.cli("account", "set-password", name, stdin=server.password + "\n")
            yield server, far, port
        hosts.shutdown()


@contextmanager
def eve_at(browser: Browser, server: ServedServer, port: int) -> Iterator[Desk]:
    """Eve, who invites."""
    with browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(PATIENCE)
        context.add_init_script("localStorage['moxlite-webmail-hints'] ??= '3'")
        page = context.new_page()
        page.goto(f"http://localhost:{port}/webmail/")
        log_in(page, "eve@example.org", server.password)
        expect(page.locator(".list-title")).to_have_text("Inbox")
        yield Desk(page)


def box(server: ServedServer, name: str) -> list[str]:
    """Subjects in the Inbox of a user, of invitations those that have their calendar."""
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"]) as client:
        client.login(f"{name}@example.org", server.password)
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        return [subject(client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1]) for number in numbers]  # type: ignore[index,arg-type]


def subject(octets: bytes) -> str:
    """The subject of a mail; "" for an invitation without its calendar."""
    mail = email.message_from_bytes(octets, policy=email.policy.default)
    calendars = [part.get_content() for part in mail.walk() if part.get_content_type() == "text/calendar"]
    whole = all("METHOD:REQUEST" in one for one in calendars) and len(calendars) == 1
    return mail["Subject"] if whole or not mail["Subject"].startswith("Invitation") else ""


def invited(server: ServedServer, name: str, times: int = 1) -> Callable[[], bool]:
    """Whether a user has so many invitations by mail."""
    return lambda: box(server, name).count("Invitation: Regatta") == times


def write(page: Page, title: str, *guests: str) -> Locator:
    """Fill in the long form of a new event."""
    page.locator("#app.other-place").focus()
    page.keyboard.press("c")
    form = page.locator(".event-form")
    form.get_by_label("Title").fill(title)
    form.get_by_label("Guests", exact=True).fill(", ".join(guests))
    form.get_by_label("Title").focus()
    return form


def test_each_guest_is_invited_or_named(chromium: Browser, tmp_path: Path) -> None:
    """WEBMAIL-175e, DAV-25: "Guests will get an invitation." is true for users of this server by card and mail, for
    one who wants no invitations in the calendar, an alias, a masked address, other servers, and one without room once
    there is some. Refused and suppressed ones are named in the event.
    """
    with world(tmp_path) as (server, far, port), eve_at(chromium, server, port) as desk:
        page = desk.page
        masked = server.cli("address", "add", "bob").stdout.split()[0]
        server.cli("queue", "suppress", "add", "eve", "quiet@d2.example")
        here = ["dora@example.org", "fay@example.org", "team@example.org", masked, "full@example.org"]
        calendar = desk.open()
        form = write(page, "Regatta", *here, "mia@d0.example", "gone@d1.example", "quiet@d2.example")
        expect(form.get_by_text("Guests will get an invitation.")).to_be_visible()
        form.get_by_role("button", name="Save").click()
        expect(event(calendar, "Regatta")).to_be_visible()

        until(invited(server, "fay"), pause=0.5, what="mail to one who wants none in the calendar")
        until(invited(server, "carl"), pause=0.5, what="mail to a member of the alias")
        until(invited(server, "bob"), pause=0.5, what="mail to the masked address")
        # Dora is invited in person, and as a member of the team.
        until(invited(server, "dora", 2), pause=0.5, what="mail to one who is here")
        until(lambda: far.mails == [("mia@d0.example", "Invitation: Regatta")], what="mail to one elsewhere")
        shown = server.cli("calendar", "export", "dora", "calendar").stdout
        assert "SUMMARY:Regatta" in shown
        assert "full@example.org" in server.cli("queue", "list").stdout
        server.cli("config", "account", "set", "full", "quota", "default")
        server.cli("queue", "retry", "--all")
        until(invited(server, "full"), pause=0.5, what="mail to one who has room now")

        until(lambda: len(box(server, "eve")) > 0, pause=0.5, what="a notice of those that failed")
        event(calendar, "Regatta").click()
        people = page.locator(".event-guests li")
        expect(people.filter(has_text="couldn't be notified")).to_have_text(
            ["gone@d1.examplecouldn't be notified", "quiet@d2.examplecouldn't be notified"]
        )
        page.get_by_role("button", name="Edit", exact=True).click()
        expect(page.locator(".event-form .hint", has_text="New guests will get an invitation.")).to_be_visible()


def test_the_form_names_a_guest_who_cannot_be_invited(chromium: Browser, tmp_path: Path) -> None:
    """WEBMAIL-175e: an address that is one's own, unknown here, switched off, or an alias for members alone, and more
    guests than the account may write to: nothing is saved or sent. Of an event that is over no guest
    hears, which the form says.
    """
    with world(tmp_path) as (server, far, port), eve_at(chromium, server, port) as desk:
        page = desk.page
        off = server.cli("address", "add", "bob").stdout.split()[0]
        server.cli("address", "off", "bob", off)
        calendar = desk.open()
        refusals = {
            "eve@example.org": "You're the organizer, so you can't invite your own address eve@example.org",
            "nobody@example.org": "Nobody@example.org doesn't exist on this server",
            "board@example.org": "Board@example.org only accepts email from its members",
            off: f"{off.capitalize()} doesn't accept your email",
        }
        for address, words in refusals.items():
            form = write(page, "Regatta", address, "mia@d0.example")
            form.get_by_role("button", name="Save").click()
            problem = page.get_by_role("dialog", name="Couldn't save event")
            expect(problem).to_contain_text(words, ignore_case=True)
            problem.get_by_role("button").last.click()
            form.get_by_role("button", name="Cancel").click()
        server.cli("config", "account", "set", "eve", "max_outgoing_messages_per_day", "2")
        form = write(page, "Regatta", *(f"p{number}@d0.example" for number in range(3)))
        form.get_by_role("button", name="Save").click()
        problem = page.get_by_role("dialog", name="Couldn't save event")
        expect(problem).to_contain_text("limit of 2 messages in 24 hours reached", ignore_case=True)
        problem.get_by_role("button").last.click()
        form.get_by_role("button", name="Cancel").click()
        expect(event(calendar, "Regatta")).to_have_count(0)

        form = write(page, "Last week", "mia@d0.example")
        past = desk.today - 7 * DAY
        form.get_by_label("Starts on").fill(f"{past:%Y-%m-%d}")
        expect(form.get_by_text("This event is over, so guests won't be notified.")).to_be_visible()
        form.get_by_label("Repeat", exact=True).select_option("daily")
        expect(form.get_by_text("Guests will get an invitation.")).to_be_visible()
        form.get_by_label("Repeat", exact=True).select_option("")
        form.get_by_role("button", name="Save").click()
        expect(form).to_have_count(0)
        begins = desk.today + timedelta(hours=12)
        guests = [{"name": "", "address": "zoe@d0.example"}]
        desk.add("Tea", begins, begins + HOUR, desk.call("calendars")[0]["id"], guests=guests)
        until(lambda: far.mails, what="mail of the later event")
        assert [to for to, _ in far.mails] == ["zoe@d0.example"]
