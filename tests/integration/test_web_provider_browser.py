"""Log-in by a real login provider, oidc-provider, in a real browser: to the list, and with the provider's errors."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import sound_server
from tests.running import LocalServer
from tests.tools import free_port, need, until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

SCRIPT = Path(__file__).parent / "oidcprovider/provider.mjs"

SETTINGS = """
[oidc]
issuer = "http://127.0.0.1:{port}"
client_id = "moxlite"
client_secret_file = "oidc-secret"
name = "Home"
allow_internal = true
admin_group = "mail admins"
"""


class Provider:
    """The process, on another port than moxlite and under another name: another site for browsers."""

    def __init__(self, base: str, log: Path) -> None:
        if not (SCRIPT.parent / "node_modules").is_dir():
            if os.environ.get("CI") == "true":
                pytest.fail("oidc-provider is not installed, and CI=true allows no skip")
            pytest.skip("oidc-provider is not installed: (cd tests/integration/oidcprovider && npm ci)")
        self.port = free_port()
        self.base = base
        self._log = log
        self.start()

    def start(self) -> None:
        """Start it; returns when it answers."""
        with self._log.open("wb") as log:
            command = [need("node"), str(SCRIPT), str(self.port), self.base]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        until(lambda: "ready" in self.log() or self.process.poll() is not None, what="the login provider")
        assert self.process.poll() is None, self.log()

    def log(self) -> str:
        """What it has said since its start."""
        return self._log.read_text()

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalServer, Provider]]:
    """A server and its login provider, whose `mia` is connected to the account."""
    folder = tmp_path_factory.mktemp("provider")
    server = LocalServer(folder / "server")
    provider = Provider(f"http://localhost:{server.port(80)}", folder / "provider.log")
    try:
        with (server.config_folder / "moxlite.toml").open("a") as file:
            file.write(SETTINGS.format(port=provider.port))
        (server.config_folder / "oidc-secret").write_text("a secret: of the client")
        with sound_server(folder / "server", server) as found:
            found.cli("account", "provider", "connect", "moxlite", "mia")
            yield found, provider
    finally:
        provider.stop()


@pytest.fixture
def visitor(chromium: Browser, house: tuple[LocalServer, Provider]) -> Iterator[Visitor]:
    found = Visitor(chromium, house[0])
    yield found
    found.close()


def go(visitor: Visitor, app: str = "/webmail/") -> Page:
    """Open an app, and go to the provider."""
    visitor.page.goto(f"{visitor.base}{app}")
    visitor.page.get_by_role("button", name="Log in with Home").click()
    expect(visitor.page.get_by_placeholder("Enter any login")).to_be_visible()
    return visitor.page


def sign_in(page: Page, person: str = "mia") -> None:
    """Log in at the provider, and let moxlite have the person's name."""
    page.get_by_placeholder("Enter any login").fill(person)
    page.get_by_placeholder("and password").fill("secret")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_from_the_log_in_to_the_list(visitor: Visitor) -> None:
    """WEB-181: by one redirect, back to an address without the answer; where the provider knows the person it asks for
    nothing, and the list is there soon.
    """
    page = go(visitor)
    sign_in(page)
    expect(page.locator(".list-title")).to_have_text("Inbox")
    assert "code=" not in page.url
    visitor.context.clear_cookies(name="webmailsession")
    page.evaluate("localStorage.clear()")
    page.goto(f"{visitor.base}/webmail/")
    button = page.get_by_role("button", name="Log in with Home")
    expect(button).to_be_visible()
    began = time.monotonic()
    button.click()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    print(f"log-in to list: {time.monotonic() - began:.2f} s")


@pytest.mark.parametrize(
    ("place", "title"), [("webmail/#Archive", "Archive"), ("#security", "See anything unfamiliar?")]
)
def test_a_link_to_a_place_survives_the_log_in(visitor: Visitor, place: str, title: str) -> None:
    """WEB-181: the page is at the place that the link named."""
    page = visitor.page
    page.goto(f"{visitor.base}/{place}")
    page.get_by_role("button", name="Log in with Home").click()
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()
    sign_in(page)
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    assert page.url == f"{visitor.base}/{place}"


def test_log_out_here_logs_out_there(visitor: Visitor) -> None:
    """WEB-183: the provider asks, ends its session, and brings the browser back to the page; the next log-in asks for
    the person there.
    """
    page = go(visitor)
    sign_in(page)
    expect(page.locator(".list-title")).to_have_text("Inbox")
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Log out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_role("button", name="Log in with Home")).to_be_visible()
    assert page.url.startswith(visitor.base)
    go(visitor)


def test_log_out_there_logs_out_here(visitor: Visitor, house: tuple[LocalServer, Provider]) -> None:
    """WEB-183: the open tab of the webmail and the account page say so within 5 s."""
    page = go(visitor)
    sign_in(page)
    expect(page.locator(".list-title")).to_have_text("Inbox")
    account = visitor.context.new_page()
    account.goto(f"{visitor.base}/")
    expect(account.get_by_role("region", name="Addresses")).to_be_visible()
    elsewhere = visitor.context.new_page()
    elsewhere.goto(f"http://127.0.0.1:{house[1].port}/session/end")
    elsewhere.get_by_role("button", name="Yes, sign me out").click()
    until(lambda: "backchannel ended" in house[1].log(), what="the provider's request")
    began = time.monotonic()
    expect(page.get_by_role("button", name="Log in with Home")).to_be_visible()
    print(f"log-out there to the form here: {time.monotonic() - began:.2f} s")
    account.evaluate("location.hash = 'security'")
    expect(account.get_by_role("button", name="Log in with Home")).to_be_visible()


def test_a_confirmation_in_a_window_of_its_own(visitor: Visitor) -> None:
    """WEB-184: the provider asks for the person again, the window closes, and what was asked for goes on."""
    page = visitor.page
    page.goto(f"{visitor.base}/webmail/")
    page.get_by_label("Keep me logged in on this device").check()
    page.get_by_role("button", name="Log in with Home").click()
    sign_in(page)
    expect(page.locator(".list-title")).to_have_text("Inbox")
    page.goto(f"{visitor.base}/#transfer")
    visitor.expect_problem("403")  # the first try
    page.get_by_role("button", name="Download").click()
    asked = page.get_by_role("dialog", name="Confirm it's you")
    with visitor.context.expect_page() as opened:
        asked.get_by_role("button", name="Log in with Home").click()
    away = opened.value
    away.get_by_placeholder("Enter any login").fill("mia")
    away.get_by_placeholder("and password").fill("secret")
    with page.expect_download(), away.expect_event("close"):
        away.get_by_role("button", name="Sign-in").click()
    expect(asked).to_have_count(0)


def test_in_the_account_app(visitor: Visitor) -> None:
    """WEB-181: as in the webmail."""
    sign_in(go(visitor, "/"))
    expect(visitor.page.get_by_role("region", name="Addresses")).to_be_visible()


def test_in_the_admin_app(visitor: Visitor) -> None:
    """WEB-189: a member of the group, who confirms by another log-in there, and logs out there too."""
    page = go(visitor, "/admin/")
    sign_in(page)
    expect(page.get_by_role("region", name="Status")).to_be_visible()
    assert "code=" not in page.url
    page.goto(f"{visitor.base}/admin/#sessions")
    expect(page.get_by_role("table", name="Sessions")).to_contain_text("mia")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_role("button", name="Log in with Home")).to_be_visible()
    assert page.url.startswith(f"{visitor.base}/admin/")


def test_a_confirmation_in_the_admin_app(visitor: Visitor) -> None:
    """WEB-184, WEB-189: an old log-in is played, for which the first try of a sensitive call is refused; what was typed
    stays, and is done after a new log-in in a window of its own.
    """
    page = go(visitor, "/admin/")
    sign_in(page)
    expect(page.get_by_role("region", name="Status")).to_be_visible()
    page.goto(f"{visitor.base}/admin/#two-step")
    visitor.expect_problem("403")
    refusal = {"error": {"code": "user:confirm", "message": "To continue, verify your identity again."}}
    page.route("**/api/admin_token_add", lambda route: route.fulfill(status=403, json=refusal), times=1)
    page.get_by_role("button", name="Create token…").first.click()
    page.get_by_label("API client name").fill("billing")
    page.get_by_role("button", name="Create token", exact=True).click()
    asked = page.get_by_role("dialog", name="Confirm it's you")
    with visitor.context.expect_page() as opened:
        asked.get_by_role("button", name="Log in with Home").click()
    away = opened.value
    away.get_by_placeholder("Enter any login").fill("mia")
    away.get_by_placeholder("and password").fill("secret")
    with away.expect_event("close"):
        away.get_by_role("button", name="Sign-in").click()
    expect(asked).to_have_count(0)
    expect(page.get_by_text("Copy this now.")).to_be_visible()


def test_the_page_of_the_provider(visitor: Visitor, house: tuple[LocalServer, Provider]) -> None:
    """WEB-191: what is set; what to register, and to write, after a check of the provider."""
    page = visitor.page
    page.goto(f"{visitor.base}/admin/#provider")
    page.get_by_label("Password", exact=True).fill("moxadmin")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("region", name="In use")).to_contain_text(f"127.0.0.1:{house[1].port}")
    page.get_by_role("button", name="Check provider").click()
    expect(page.get_by_text("This provider works with moxlite.")).to_be_visible()
    expect(page.get_by_role("region", name="Register with the provider")).to_contain_text(f"{visitor.base}/admin/")
    expect(page.get_by_label("Lines for moxlite.toml")).to_contain_text('admin_group = "mail admins"')
    page.get_by_label("Issuer").fill(f"http://127.0.0.1:{house[1].port}/realms/home")
    page.get_by_role("button", name="Check provider").click()
    expect(page.get_by_role("alert")).to_contain_text("status 404")


def test_an_outsider_at_the_admin_app(visitor: Visitor) -> None:
    """WEB-189: told why, and the form is there again."""
    sign_in(go(visitor, "/admin/"), "tom")
    expect(visitor.page.get_by_role("alert")).to_contain_text("Only administrators")
    visitor.page.reload()
    expect(visitor.page.get_by_role("button", name="Log in with Home")).to_be_visible()


def test_a_person_without_an_account(visitor: Visitor) -> None:
    """WEB-181: told what to do."""
    sign_in(go(visitor), "tom")
    expect(visitor.page.get_by_role("alert")).to_contain_text("isn't connected to an account")
    visitor.fill_in("/webmail/")
    expect(visitor.page.locator(".list-title")).to_have_text("Inbox")


def test_a_log_in_that_the_user_cancels(visitor: Visitor) -> None:
    """WEB-182: the provider's error, in words; the form is there, and the address has no answer."""
    page = go(visitor)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("You canceled the login")
    assert "error=" not in page.url
    expect(page.get_by_role("button", name="Log in with Home")).to_be_enabled()


def test_an_error_of_the_provider(visitor: Visitor) -> None:
    """WEB-182: another error of its own: it may show no page, and nobody is logged in."""
    page = visitor.page
    page.route("**/auth?*", lambda route: route.continue_(url=f"{route.request.url}&prompt=none"))
    page.goto(f"{visitor.base}/webmail/")
    page.get_by_role("button", name="Log in with Home").click()
    expect(page.get_by_role("alert")).to_contain_text("login_required")


def test_a_provider_that_is_down(visitor: Visitor, house: tuple[LocalServer, Provider]) -> None:
    """WEB-182: the page says so, and a password opens the door."""
    server, provider = house
    provider.stop()
    try:
        server.stop()  # discovery document and keys are forgotten
        server.start()
        visitor.page.goto(f"{visitor.base}/webmail/")
        visitor.expect_problem("503")
        visitor.page.get_by_role("button", name="Log in with Home").click()
        expect(visitor.page.get_by_role("alert")).to_contain_text("Log in with your password")
        visitor.fill_in("/webmail/")
        expect(visitor.page.locator(".list-title")).to_have_text("Inbox")
    finally:
        provider.start()
