"""All inboxes in a browser: the user's own, four that are linked, and one that another user shares."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.geometry import WIDTHS, Box, boxes, in_sight, within_window
from tests.integration.browser import PATIENCE, chromium
from tests.integration.test_web_axe_browser import AXE, COLOURS, judge
from tests.running import ServedServer
from tests.tools import free_port, until

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]

LINKED = {"ann": "Choir", "cem": "Freemail", "dot": "Office", "fay": "Old provider"}
"""Accounts that eve has linked, and the names of their links."""

NAMES = ["eve", "bob", *LINKED.values()]
"""What rows are marked with: of eve's own, of bob's shared inbox, of links."""

DOMAINS = "\n".join(
    f'[accounts.{name}]\ndomain = "example.org"\n[accounts.{name}.destinations."{name}@example.org"]' for name in LINKED
)


class Inboxes:
    """A server where eve has six inboxes with two messages each."""

    def __init__(self, server: ServedServer, port: int) -> None:
        self.server, self.port = server, port
        self.sent = 0

    @contextmanager
    def imap(self, name: str) -> Iterator[imaplib.IMAP4]:
        """A session of an account."""
        tls = ssl._create_unverified_context()
        session = imaplib.IMAP4_SSL("127.0.0.1", self.server.ports["imaps"], ssl_context=tls)
        session.login(f"{name}@example.org", self.server.password)
        yield session
        session.logout()

    def put(self, name: str, subject: str) -> None:
        """A message that comes into an account's Inbox, each a minute after the one before."""
        self.sent += 1
        made = EmailMessage()
        made["From"] = "Ada Lindqvist <ada@nordlicht.example>"
        made["To"] = f"{name}@example.org"
        made["Subject"] = subject
        made["Message-ID"] = f"<{self.sent}.{name}@nordlicht.example>"
        made.set_content("Some text.\n")
        self.append(name, made.as_bytes(policy=SMTP))

    def append(self, name: str, octets: bytes) -> None:
        """Put octets into an account's Inbox, at the time of the last message."""
        when = f'"20-Nov-2026 10:{self.sent:02}:00 +0000"'
        with self.imap(name) as session:
            assert session.append("INBOX", "", when, octets)[0] == "OK"

    def forward(self, name: str, subject: str) -> None:
        """A message that comes into an account's Inbox, and is forwarded from there to eve."""
        self.sent += 1
        octets = (
            f"From: ada@nordlicht.example\r\nTo: {name}@example.org\r\nSubject: {subject}\r\n"
            f"Message-ID: <{self.sent}@nordlicht.example>\r\n\r\nSome text.\r\n"
        ).encode()
        self.append(name, octets)
        self.append("eve", b"Received: from mx.example by fwd.example; Fri, 20 Nov 2026 10:00:00 +0000\r\n" + octets)

    def unseen(self, name: str, mailbox: str) -> int:
        """Unseen messages in a mailbox of an account."""
        return self.counts(name, mailbox, "UNSEEN")

    def counts(self, name: str, mailbox: str, of: str = "MESSAGES") -> int:
        """Messages in a mailbox of an account."""
        with self.imap(name) as session:
            if session.status(f'"{mailbox}"', f"({of})")[0] != "OK":
                return 0
            found = session.status(f'"{mailbox}"', f"({of})")[1][0]
        assert isinstance(found, bytes)
        return int(found.rstrip(b")").rpartition(b" ")[2])


@pytest.fixture
def inboxes(tmp_path: Path) -> Iterator[Inboxes]:
    """Linked to accounts of the same server, by its IMAP port without TLS."""
    port, plain = free_port(), free_port()
    static = f"""webmail_http = {{ enabled = true, port = {port} }}
[listeners.plain]
ips = ["127.0.0.1"]
imap = {{ enabled = true, port = {plain}, require_tls = false }}
"""
    top = "allow_private_webhooks = true\n"
    with ServedServer(tmp_path / "server", static=static, domains=DOMAINS, top=top) as server:
        for name in LINKED:
            server.cli("account", "set-password", name, stdin=server.password + "\n")
        found = Inboxes(server, port)
        for number in (1, 2):
            for name in ("eve", "bob", *LINKED):
                found.put(name, f"{name} {number}")
        with found.imap("bob") as bob:
            for mailbox in ("INBOX", "Archive"):
                assert bob.setacl(mailbox, "eve", "lrswite")[0] == "OK"
        for name, link in LINKED.items():
            asked = ("--host", "127.0.0.1", "--port", str(plain), "--tls", "none", "--no-sending", "--name", link)
            server.cli("link", "add", "eve", f"{name}@example.org", *asked, stdin=server.password + "\n")
        for link in LINKED.values():
            until(lambda link=link: found.counts("eve", f"{link}/Inbox") == 2, what=f"the messages of {link}")  # type: ignore[misc]
        yield found
    assert "panic" not in server.log()


@contextmanager
def page_of(chromium: Browser, inboxes: Inboxes, width: int, messages: int = 2, **options: object) -> Iterator[Page]:
    """Eve's page in a browser that has nothing of it yet, with her Inbox open, which has so many messages."""
    screen = {"width": width, "height": WIDTHS[width]}
    options = {"locale": "en-GB", **options}
    context = chromium.new_context(viewport=screen, has_touch=width < 700, **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    context.add_init_script("try { localStorage['moxlite-webmail-hints'] ??= '3' } catch { /* a frame has none */ }")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"http://localhost:{inboxes.port}/webmail/")
    page.locator("input[type=email], input[name=username]").first.fill("eve@example.org")
    page.locator("input[type=password]").first.fill(inboxes.server.password)
    page.keyboard.press("Enter")
    expect(page.locator(".message")).to_have_count(messages)
    yield page
    context.close()
    assert problems == []


def open_all(page: Page, narrow: bool, pictures: Path) -> None:
    """Open the list of all inboxes from the side bar."""
    if narrow:
        page.get_by_role("button", name="Folders", exact=True).click()
        expect(page.locator(".mailbox", has_text="All inboxes")).to_be_visible()
        page.screenshot(path=pictures / "drawer-390.png")
    page.locator(".mailbox", has_text="All inboxes").locator(".mailbox-open").click()
    expect(page.locator(".list-title")).to_have_text("All inboxes")


@pytest.mark.parametrize("width", [1440, 390])
def test_six_inboxes_are_one_list(chromium: Browser, inboxes: Inboxes, width: int, tmp_path: Path) -> None:
    """WEBMAIL-176: by date, with a mark and a colour for each, live, also after a reload; what is done with a message
    stays in the mailboxes of the account that it came to, and goes to the server there.
    """
    narrow = width < 700
    with page_of(chromium, inboxes, width) as page:
        rows = page.locator(".message")

        def back() -> None:
            """Close the message that is opened next, where it is over the list."""
            if narrow:
                expect(page.locator("body")).to_have_class(re.compile("show-message"))
                page.go_back()
                expect(page.locator("body")).not_to_have_class(re.compile("show-message"))

        open_all(page, narrow, tmp_path)
        expect(rows).to_have_count(12)
        expect(rows.locator(".origin")).to_have_text([*reversed(NAMES), *reversed(NAMES)])
        expect(rows.first).to_contain_text("fay 2")
        colours = rows.locator(".origin").evaluate_all(
            "(all) => all.map((one) => getComputedStyle(one, '::before').backgroundColor)"
        )
        assert len({*colours}) == 6
        assert colours[:6] == colours[6:]
        window = page.viewport_size
        assert window is not None
        for one in boxes(rows.locator(".origin")):
            assert one.right <= window["width"]
        page.screenshot(path=tmp_path / f"all-{width}.png")

        inboxes.put("cem", "news by Freemail")
        expect(rows).to_have_count(13)
        expect(rows.first).to_contain_text("news by Freemail")
        page.reload()
        expect(page.locator(".list-title")).to_have_text("All inboxes")
        expect(rows).to_have_count(13)
        assert page.url.endswith("#inboxes:")

        if not narrow:
            page.locator(".messages").focus()
            page.keyboard.press("Home")
        rows.first.click()
        expect(page.locator(".reader-subject")).to_have_text("news by Freemail")
        page.keyboard.press("a")
        expect(page.locator(".toast")).to_contain_text("Freemail/Archive")
        until(lambda: inboxes.counts("eve", "Freemail/Archive") == 1, what="the message in the archive of its link")
        until(lambda: inboxes.counts("cem", "Archive") == 1, what="the message in the archive there")
        assert inboxes.counts("eve", "Archive") == 0
        back()
        expect(rows).to_have_count(12)
        rows.filter(has_text="bob 2").click()
        expect(page.locator(".reader-subject")).to_have_text("bob 2")
        page.keyboard.press("a")
        until(lambda: inboxes.counts("bob", "Archive") == 1, what="the message in bob's archive")
        back()
        rows.filter(has_text="dot 1").click()
        expect(page.locator(".reader-subject")).to_have_text("dot 1")
        page.keyboard.press("d")
        until(lambda: inboxes.counts("dot", "Trash") == 1, what="the message in the trash there")
        assert inboxes.counts("eve", "Trash") == 0


def test_the_side_bar_has_links_and_all_inboxes(chromium: Browser, inboxes: Inboxes, tmp_path: Path) -> None:
    """WEBMAIL-176: with the sum of unread messages and each link's mailboxes below its name; `g u` opens the list; a
    search over all names the mailboxes; a link that is removed leaves the list.
    """
    with page_of(chromium, inboxes, 1440) as page:
        every = page.locator(".mailbox", has_text="All inboxes")
        expect(every.locator(".mailbox-unread")).to_have_text("12")
        in_sight(every.locator(".mailbox-open"))
        expect(page.locator(".mailbox-owner")).to_have_text([*LINKED.values(), "bob"])
        own = page.locator(".mailbox", has_text="Inbox").nth(1)
        assert Box.of(every).bottom <= Box.of(own).top
        page.screenshot(path=tmp_path / "side-1440.png")
        page.keyboard.press("g")
        page.keyboard.press("u")
        expect(page.locator(".list-title")).to_have_text("All inboxes")
        expect(page.locator(".message")).to_have_count(12)

        page.get_by_label("Search mail").fill("subject:1")
        page.keyboard.press("Enter")
        expect(page.locator(".message")).to_have_count(6)
        wanted = [f"{link}/Inbox" for link in reversed(LINKED.values())]
        expect(page.locator(".message .other-mailbox")).to_have_text([*wanted, "Other Users/bob/Inbox", "Inbox"])
        page.screenshot(path=tmp_path / "search-1440.png")
        page.keyboard.press("Escape")
        page.get_by_label("Search mail").fill("")
        page.keyboard.press("Enter")
        expect(page.locator(".list-title")).to_have_text("All inboxes")

        inboxes.server.cli("--yes", "link", "rm", "eve", "Office", "--delete")
        expect(page.locator(".message")).to_have_count(10)
        expect(page.locator(".mailbox-owner")).to_have_text(["Choir", "Freemail", "Old provider", "bob"])


@pytest.mark.parametrize("threading", ["on", "off"])
def test_a_message_that_is_forwarded_and_linked_is_one_row(
    chromium: Browser, inboxes: Inboxes, threading: str, tmp_path: Path
) -> None:
    """WEBMAIL-176a: with both places; read and archived as one, in conversations and without."""
    inboxes.forward("dot", "one of two")
    until(lambda: inboxes.counts("eve", "Office/Inbox") == 3, what="the message of Office")
    with page_of(chromium, inboxes, 1440, messages=3) as page:
        page.evaluate(f"localStorage['moxlite-webmail-threading'] = '{threading}'")
        page.reload()
        expect(page.locator(".message")).to_have_count(3)
        open_all(page, False, tmp_path)
        rows = page.locator(".message")
        expect(rows).to_have_count(13)
        row = rows.filter(has_text="one of two")
        expect(row).to_have_count(1)
        expect(row).to_have_class(re.compile("unread"))
        expect(row.locator(".thread-count")).to_have_count(0)
        expect(row.locator(".origin")).to_have_count(2)
        assert {*row.locator(".origin").all_inner_texts()} == {"eve", "Office"}
        page.screenshot(path=tmp_path / f"forwarded-{threading}.png")
        row.click()
        expect(page.get_by_role("article")).to_have_text(re.compile("Some text"))
        expect(page.locator(".card")).to_have_count(0)
        expect(row).not_to_have_class(re.compile("unread"))
        for name in ("INBOX", "Office/Inbox"):
            until(lambda name=name: inboxes.unseen("eve", name) == 2, what=f"\\Seen in {name}")  # type: ignore[misc]
        page.keyboard.press("a")
        expect(rows).to_have_count(12)
        for name, count in (("INBOX", 2), ("Office/Inbox", 2), ("Archive", 1), ("Office/Archive", 1)):
            until(lambda name=name, count=count: inboxes.counts("eve", name) == count, what=name)  # type: ignore[misc]


def test_all_inboxes_can_be_read_by_everyone(chromium: Browser, inboxes: Inboxes, tmp_path: Path) -> None:
    """WEBMAIL-144, WEBMAIL-143b: axe finds nothing, in light and dark, at a desk and on a phone; from right to left,
    marks are at the end of their rows.
    """
    if not AXE.exists():
        pytest.skip("npm packages of the frontend are not installed")
    for width in (1440, 390):
        with page_of(chromium, inboxes, width) as page:
            open_all(page, width < 700, tmp_path)
            expect(page.locator(".message")).to_have_count(12)
            wrong = judge(page, None)
            page.emulate_media(color_scheme="dark")
            wrong += judge(page, COLOURS)
            page.screenshot(path=tmp_path / f"dark-{width}.png")
            assert wrong == []
    with page_of(chromium, inboxes, 390, locale="he-IL") as page:
        page.goto(f"http://localhost:{inboxes.port}/webmail/#inboxes:")
        expect(page.locator(".message")).to_have_count(12)
        assert page.evaluate("document.documentElement.dir") == "rtl"
        mark = page.locator(".message .origin").first
        within_window(mark)
        assert Box.of(mark).left < 100
        assert re.search(r"[א-ת]", page.locator(".list-title").inner_text())
        page.screenshot(path=tmp_path / "rtl-390.png")
