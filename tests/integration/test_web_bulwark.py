"""Bulwark, a webmail that speaks JMAP, used in Chromium against localserve: mail, search, calendar, contacts (JMAP-92).

The environment variable BULWARK names the folder of its source with a build (docs/developers/develop.md). No registry
has it, so the tests are skipped without one, under CI=true as well. `tests/session/test_web_jmap_bulwark.py` replays
its requests.
"""

import imaplib
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import PATIENCE, chromium
from tests.integration.webmail_views import message
from tests.running import LocalServer
from tests.tools import need, until

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(smoke="tests/session/test_web_jmap_bulwark.py::test_a_message_is_written_and_sent"),
]

SUBJECT = "Größe of the boats"
TEXT = "Written with Bulwark."


@pytest.fixture(scope="module")
def source() -> Path:
    """The folder of Bulwark."""
    place = os.environ.get("BULWARK")
    if not place or not (Path(place) / ".next/BUILD_ID").exists():
        pytest.skip("BULWARK does not name the folder of a built Bulwark")
    return Path(place)


@pytest.fixture(scope="module")
def server(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server as tolerant as a user's, which lets Bulwark's pages in."""
    running = LocalServer(tmp_path_factory.mktemp("bulwark") / "server")
    path = running.folder / "config/moxlite.toml"
    text = path.read_text().replace("pedantic = true", "pedantic = false")
    port = rf"(jmap_https = {{ enabled = true, port = {running.port(443)})"
    text, count = re.subn(port, rf'\1, origins = ["{_origin(running)}"]', text)
    assert count == 1
    path.write_text(text)
    with running:
        yield running


def _origin(server: LocalServer) -> str:
    return f"http://localhost:{server.port(0)}"


@pytest.fixture(scope="module")
def bulwark(source: Path, server: LocalServer) -> Iterator[str]:
    """The address of a running Bulwark."""
    data = server.folder.parent
    environment = os.environ | {
        "JMAP_SERVER_URL": f"https://localhost:{server.port(443)}",
        "NODE_EXTRA_CA_CERTS": str(server.folder / "config/localhost.crt"),
        "BULWARK_TELEMETRY": "off",
        "BULWARK_UPDATE_CHECK": "off",
        "NEXT_TELEMETRY_DISABLED": "1",
        **{f"{kind}_DATA_DIR": str(data / kind) for kind in ("ADMIN", "SETTINGS", "TELEMETRY", "VERSION_CHECK")},
    }
    command = [need("node"), "node_modules/next/dist/bin/next", "start", "-H", "127.0.0.1", "-p", str(server.port(0))]
    with (data / "bulwark.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=source, env=environment, stdout=log, stderr=log)
        try:
            until(lambda: _answers(f"{_origin(server)}/en/login"), what="an answer of Bulwark")
            yield _origin(server)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except urllib.error.URLError:
        return False


@pytest.fixture
def page(chromium: Browser, server: LocalServer, bulwark: str) -> Iterator[Page]:
    """Bulwark after the log-in, with a message in the Inbox."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        session.append("INBOX", "", "", message("Harbour", "Green boats come home.\n"))
    context = chromium.new_context(ignore_https_errors=True, locale="en-GB", viewport={"width": 1400, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{bulwark}/en/login")
    page.locator("#username").fill(server.user)
    page.locator("#password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Got it").click()
    yield page
    context.close()


def test_mail_is_read_sent_and_found(page: Page) -> None:
    """JMAP-92: what is sent comes back and is in Sent; a search has the words' beginnings."""
    page.get_by_text("Harbour").first.click()
    expect(page.get_by_text("Green boats come home.").last).to_be_visible()
    page.keyboard.press("c")
    page.get_by_placeholder("Recipient email addresses").fill("moxlite@localhost")
    page.get_by_placeholder("Recipient email addresses").press("Enter")
    page.get_by_placeholder("Subject").fill(SUBJECT)
    page.locator(".ProseMirror").fill(TEXT)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".ProseMirror")).to_have_count(0)
    page.get_by_text(SUBJECT).first.click()  # it has come back to the Inbox, pushed
    expect(page.get_by_text(TEXT).last).to_be_visible()
    page.get_by_role("button", name="Sent").click()
    expect(page.get_by_text(SUBJECT).first).to_be_visible()
    page.get_by_role("button", name="Drafts").click()
    expect(page.get_by_text(SUBJECT)).to_have_count(0)
    page.get_by_role("button", name="Inbox").click()
    page.get_by_placeholder("Search mail").fill("harb boat")
    page.get_by_placeholder("Search mail").press("Enter")
    expect(page.get_by_text("1 result found")).to_be_visible()


def test_events_and_contacts_are_made_and_shown(page: Page) -> None:
    """JMAP-92: an event in the month, which is still there after another page, and a contact in the list."""
    page.locator("a[href$='/calendar']").first.click()
    page.get_by_role("button", name="Create event").click()
    page.get_by_placeholder("Title").fill("Lunch at the harbour")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Lunch at the harbour").first).to_be_visible()
    page.locator("a[href$='/contacts']").first.click()
    page.get_by_role("button", name="New Contact").first.click()
    page.get_by_placeholder("First name").fill("Ada")
    page.get_by_placeholder("Last name").fill("Lind")
    page.get_by_placeholder("email@example.com").fill("ada@nordlicht.example")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Ada Lind").first).to_be_visible()
    page.locator("a[href$='/calendar']").first.click()
    expect(page.get_by_text("Lunch at the harbour").first).to_be_visible()
