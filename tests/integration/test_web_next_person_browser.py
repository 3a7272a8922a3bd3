"""What the next person finds in a browser that didn't stay logged in: the octets of its profile, once it's closed."""

import imaplib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.integration.browser import ARGUMENTS, PATIENCE, expect_search, playing
from tests.integration.conftest import sound_server
from tests.running import LocalServer
from tests.tools import need, until

pytestmark = [pytest.mark.served, pytest.mark.integration]

BOB, EVE = "bob@localhost", "eve@localhost"

FORMS = """() => [localStorage, sessionStorage].map((store) =>
    Object.keys(store).filter((key) => /-draft-|-unsaved$/.test(key)).length)"""
"""How many forms and messages that are being written the browser and the tab keep."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[LocalServer]:
    """A server with three accounts."""
    with sound_server(tmp_path / "server") as server:
        for address in (BOB, EVE):
            name = address.partition("@")[0]
            server.cli("config", "account", "add", name, address)
            server.cli("account", "set-password", name, stdin=server.password + "\n")
        yield server


@contextmanager
def browser(profile: Path) -> Iterator[BrowserContext]:
    """A browser with its files in a folder."""
    with playing() as playwright:
        expect.set_options(timeout=PATIENCE)
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=need("chromium"), args=ARGUMENTS, locale="en-GB"
        )
        context.set_default_timeout(PATIENCE)
        context.add_init_script(
            "try { localStorage['moxlite-webmail-hints'] ??= '3' } catch { /* a sandboxed frame */ }"
        )
        try:
            yield context
        finally:
            context.close()


def log_in(page: Page, server: LocalServer, address: str) -> Page:
    """The page, logged in to the webmail by its form."""
    page.goto(f"http://localhost:{server.port(80)}/webmail/")
    page.get_by_label("Email address").fill(address)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    return page


def search_accounts(page: Page, server: LocalServer, word: str) -> None:
    """Search accounts in the admin app, after its log-in."""
    page.goto(f"http://localhost:{server.port(80)}/admin/#accounts")
    page.get_by_label("Password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("searchbox", name="Name or address").fill(word)
    expect(page).to_have_url(re.compile(r"#accounts\?search=%7E\d+%7E$"))


def put(server: LocalServer, address: str, word: str) -> None:
    """Put a message into an Inbox."""
    message = EmailMessage()
    message["From"], message["Subject"] = f"{word} <ann@example.net>", f"About {word}"
    message.set_content(f"There is {word} in it.\n")
    message.add_alternative(f"<p>There is <b>{word}</b> in it.</p>", subtype="html")
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(address, server.password)
        assert session.append("INBOX", "", "", message.as_bytes().replace(b"\n", b"\r\n"))[0] == "OK"


def read(page: Page, word: str) -> None:
    """Open the only message."""
    page.locator(".message").click()
    expect(page.frame_locator("iframe.html").locator("b")).to_have_text(word)


def files_with(profile: Path, words: Sequence[str]) -> dict[str, list[str]]:
    """The files of a profile that have any of the words, with these."""
    found = {}
    for path in profile.rglob("*"):
        octets = path.read_bytes().lower() if path.is_file() else b""
        if there := [word for word in words if any(word.encode(code) in octets for code in ("utf-8", "utf-16-le"))]:
            found[str(path.relative_to(profile))] = there
    return found


def test_the_next_person_finds_no_word_of_the_one_before(house: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-183, WEBMAIL-180, WEBMAIL-63: of mail that was read and erased, of a removed account, of what was being
    written, and of searches; neither in files of the browser nor in its history and titles.
    """
    put(house, house.user, "quagga")
    put(house, BOB, "walrus")
    base = f"http://localhost:{house.port(80)}"
    profile = tmp_path / "profile"
    with browser(profile) as context:
        read(log_in(context.new_page(), house, BOB), "walrus")
    house.cli("--yes", "config", "account", "rm", "bob")
    with browser(profile) as context:
        page = log_in(context.new_page(), house, house.user)
        read(page, "quagga")
        page.keyboard.press("/")
        page.locator(".search-input").fill("from:vulture")
        page.keyboard.press("Enter")
        expect_search(page, "from:vulture")
        page.goto(f"{base}/webmail/#calendar:")
        page.get_by_role("searchbox", name="Search calendar").fill("dugong")
        expect_search(page, "dugong", r"#calendar:search:{},\d{{8}}")
        page.goto(f"{base}/webmail/#people:")
        page.get_by_role("searchbox", name="Search contacts").fill("ocelot")
        page.get_by_role("button", name="New contact").locator("visible=true").click()
        page.get_by_label("Name", exact=True).fill("Wombat")
        until(lambda: page.evaluate(FORMS) == [0, 1], what="the form in the tab's storage")
        other = context.new_page()
        other.goto(f"{base}/webmail/")
        expect(other.locator(".message")).to_have_count(1)
        other.keyboard.press("c")
        other.get_by_role("textbox", name="Subject").fill("About a caracal")
        other.get_by_role("textbox", name="Text").fill("There is a caracal in it.")
        until(lambda: other.evaluate(FORMS)[1] > 0, what="the message in the tab's storage")
        settings = context.new_page()
        settings.goto(f"{base}/#search")
        settings.get_by_role("searchbox").fill("serval")
        expect_search(settings, "serval", "#search/{}")
        search_accounts(context.new_page(), house, "pangolin")
    with imaplib.IMAP4("127.0.0.1", house.port(143)) as session:
        session.login(house.user, house.password)
        session.select("INBOX")
        session.store("1", "+FLAGS", r"(\Deleted)")
        session.expunge()
    with browser(profile) as context:
        page = log_in(context.new_page(), house, EVE)
        assert page.evaluate(FORMS) == [0, 0]
    words = ("quagga", "walrus", "vulture", "dugong", "ocelot", "wombat", "caracal", "serval", "pangolin")
    assert files_with(profile, words) == {}


def test_the_admin_apps_form_forgets_the_searches_of_the_one_before(house: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-183: in a tab that stayed open when the browser lost the session."""
    with browser(tmp_path / "profile") as context:
        page = context.new_page()
        search_accounts(page, house, "pangolin")
        assert "pangolin" in page.evaluate("JSON.stringify(sessionStorage)")
        context.clear_cookies()
        page.evaluate("localStorage.clear()")
        page.reload()
        expect(page.get_by_label("Password")).to_be_visible()
        assert "pangolin" not in page.evaluate("JSON.stringify(sessionStorage)")
