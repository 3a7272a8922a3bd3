"""Two-step verification in a real browser against a real server: authenticator apps, security keys, recovery codes.

The authenticator app is pyotp. Keys are Chromium's virtual authenticator over the DevTools protocol, on localhost.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from moxlite.process.localserve import ACCOUNT, ADMIN_PASSWORD
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    """An administrator who has logged in to the admin app, with a security key in the computer."""
    found = Visitor(chromium, server)
    found.expect_problem("400", "403")
    plug_in(found.page)
    found.page.goto(f"{found.base}/admin/")
    password(found.page)
    expect(found.page.get_by_role("heading", level=1)).to_be_visible()
    yield found
    found.close()


def plug_in(page: Page) -> None:
    """A security key that answers by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": False,
        "hasUserVerification": False,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def password(page: Page) -> None:
    page.get_by_role("textbox", name="Password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()


def open_factors(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Administrators ")).click()
    expect(page.get_by_role("heading", level=1, name="Login")).to_be_visible()


def add_app(page: Page, name: str) -> tuple[pyotp.TOTP, list[str]]:
    """Set up a code app; the recovery codes, if they are shown."""
    page.get_by_role("button", name="Add authenticator app").click()
    page.get_by_label("Device name").fill(name)
    page.get_by_role("button", name="Continue").click()
    secret = page.locator("dialog .copy code").inner_text().replace(" ", "")
    totp = pyotp.TOTP(secret)
    code = page.get_by_label("Code from the app")
    code.fill("000000")
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("dialog")).to_contain_text("Wrong code")
    code.fill(totp.at(time.time() - 30))
    page.get_by_role("button", name="Turn on").click()
    return totp, []


def keep_codes(page: Page) -> list[str]:
    """Read the recovery codes, and go on."""
    dialog = page.get_by_role("dialog", name="Recovery codes")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Done")).to_be_disabled()
    codes = dialog.locator("li code").all_inner_texts()
    with page.expect_download() as file:
        dialog.get_by_role("button", name="Download").click()
    assert Path(file.value.path()).read_text().split() == codes
    dialog.get_by_label("I saved these codes").check()
    dialog.get_by_role("button", name="Done").click()
    return codes


def log_out(page: Page) -> None:
    inside(page)
    menu = page.get_by_role("button", name="Account and settings")
    if menu.is_visible():  # the webmail's
        menu.click()
        page.get_by_role("menuitem", name="Log out").click()
    else:
        page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("textbox", name="Password")).to_be_visible()


def inside(page: Page) -> None:
    expect(page.get_by_role("button", name=re.compile("Log out|Account and settings"))).to_be_visible()
    expect(page.locator(".login-overlay")).to_have_count(0)


def test_apps_keys_and_codes_let_the_owner_in(visitor: Visitor) -> None:
    """WEB-151, WEB-63a: set up in the page, used at the log-in, removed again; each recovery code once."""
    page = visitor.page
    open_factors(page)
    expect(page.get_by_role("region", name="Two-step verification")).to_contain_text("off")
    totp, _ = add_app(page, "Phone <b>")
    codes = keep_codes(page)
    assert len(set(codes)) == 10
    card = page.get_by_role("region", name="Two-step verification")
    expect(card).to_contain_text("Phone <b>")
    expect(card).to_contain_text("10 recovery codes left")

    page.get_by_role("button", name="Add security key").click()
    page.get_by_label("Key name").fill("blue")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Test key").click()
    expect(card).to_contain_text("Security key “blue” for localhost")

    log_out(page)
    password(page)
    form = page.locator(".second-step")
    expect(form).to_contain_text("The server's time is")
    form.get_by_label("Code").fill("000000")  # tried as soon as it is typed
    expect(form).to_contain_text("Wrong code")
    form.get_by_label("Code").fill(totp.now())
    inside(page)

    log_out(page)
    password(page)
    form.get_by_role("button", name="Use key “blue”").click()
    inside(page)

    for _ in range(2):
        log_out(page)
        password(page)
        form.get_by_role("button", name="Use recovery code").click()
        form.get_by_label("Recovery code").fill(codes[0])
        form.get_by_role("button", name="Continue").click()
        if _ == 0:
            inside(page)
    expect(form).to_contain_text("this code has been used")
    form.get_by_label("Recovery code").fill(codes[1])
    form.get_by_role("button", name="Continue").click()
    inside(page)

    open_factors(page)
    expect(card).to_contain_text("8 recovery codes left")
    page.get_by_role("button", name="Remove Phone <b>").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(card).not_to_contain_text("Phone")
    page.get_by_role("button", name="Remove blue").click()
    expect(page.get_by_role("dialog")).to_contain_text("two-step verification will be turned off")
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(card).to_contain_text("off")
    log_out(page)
    password(page)
    inside(page)


@pytest.mark.nightly
def test_a_sensitive_action_asks_again_in_the_page(visitor: Visitor) -> None:
    """WEB-63a: and goes on by itself, or leaves all as it was."""
    page = visitor.page
    open_factors(page)
    asked = 0

    def refuse(route: object, request: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            route.fulfill(status=403, json={"error": {"code": "user:confirm", "message": "Give it again."}})  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route(re.compile("api/totp_begin$"), refuse)
    page.get_by_role("button", name="Add authenticator app").click()
    page.get_by_label("Device name").fill("Phone")
    page.get_by_role("button", name="Continue").click()
    dialog = page.get_by_role("dialog", name="Confirm it's you")
    dialog.get_by_label("Password").fill("wrong password")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_contain_text("Wrong password")
    dialog.get_by_label("Password").fill(ADMIN_PASSWORD)
    dialog.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("dialog", name="Add authenticator app")).to_contain_text("Scan this")
    assert asked == 2


@pytest.mark.nightly
def test_the_owner_who_has_lost_everything_resets_on_the_machine(visitor: Visitor, server: LocalServer) -> None:
    """WEB-151: `moxlite admin reset-second-factor`; the set-up survives kill -9 before that."""
    page = visitor.page
    open_factors(page)
    add_app(page, "Phone")
    keep_codes(page)
    listed = server.cli("admin", "second-factors").stdout
    assert "Phone" in listed
    assert server.cli("admin", "reset-second-factor").stdout == "removed 1 verification method\n"
    assert "Phone" not in server.cli("admin", "second-factors").stdout
    page.reload()  # all sessions have ended with it
    password(page)
    inside(page)


@pytest.mark.nightly
def test_a_recovery_link_gives_a_user_a_new_password(chromium: Browser, server: LocalServer) -> None:
    """WEB-151a: the token leaves the address; a second use is refused in words; the user is told, and logs in."""
    printed = server.cli("account", "recovery-link", ACCOUNT, "--reset-second-factor").stdout
    link = printed.splitlines()[0]
    found = Visitor(chromium, server)
    found.expect_problem("410")
    page = found.page
    page.goto(f"{found.base}/#{link.partition('#')[2]}")
    expect(page.get_by_role("heading", name="Set your password")).to_be_visible()
    assert "recover" not in page.url
    page.get_by_label("New password").fill("a quite new password")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("status").filter(has_text="Password updated")).to_be_visible()
    page.get_by_role("button", name="Go to login").click()
    page.get_by_label("Email address").fill(server.user)
    page.get_by_label("Password").fill("a quite new password")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".login-overlay")).to_have_count(0)
    other = Visitor(chromium, server)
    other.expect_problem("410")
    other.page.goto(f"{other.base}/#{link.partition('#')[2]}")
    expect(other.page.get_by_role("alert").filter(has_text="This link has expired")).to_be_visible()
    assert not [one for one in found.requests if "recover=" in one]
    other.close()
    found.close()


@pytest.mark.nightly
def test_the_owner_sees_and_forgets_failed_log_ins(server: LocalServer) -> None:
    """WEB-56: `moxlite limits`; localserve has no limit for loopback, so there is nothing to see but the head."""
    assert "failures" in server.cli("limits", "list").stdout
    assert server.cli("--yes", "limits", "clear").stdout == "0 counts cleared\n"
    assert server.cli("limits", "clear", "192.0.2.1").stdout == "0 counts cleared\n"
    refused = server.cli("limits", "clear", "nonsense", check=False)
    assert (refused.returncode, "isn't a valid IP address" in refused.stderr) == (1, True)


def test_the_webmail_asks_for_the_second_factor(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-145, WEBMAIL-22a, WEB-151: set up in the account app; a wrong code opens nothing; a code and a key of
    the webmail's own host do, also for a device that stays logged in.
    """
    owner = Visitor(chromium, server)
    owner.expect_problem("400", "403")
    plug_in(owner.page)
    owner.fill_in("/#security")
    page = owner.page
    totp, _ = add_app(page, "Phone")
    keep_codes(page)
    page.get_by_role("button", name="Add security key").click()
    page.get_by_label("Key name").fill("blue")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Test key").click()
    expect(page.get_by_role("region", name="Two-step verification")).to_contain_text(
        "Security key “blue” for localhost"
    )

    form = page.locator(".second-step")
    for way in ("code", "key"):
        page.goto(f"{owner.base}/webmail/")
        page.get_by_label("Email address").fill(server.user)
        page.get_by_label("Password").fill(server.password)
        page.get_by_label("Keep me logged in on this device").check()
        page.get_by_role("button", name="Log in").click()
        expect(form).to_be_visible()
        page.screenshot(path=tmp_path / "second-step.png")
        assert not [one for one in owner.context.cookies() if one["name"] == "webmailsession"]
        if way == "code":
            form.get_by_label("Code").fill("000000")
            expect(form).to_contain_text("Wrong code")
            form.get_by_label("Code").fill(totp.now())
        else:
            form.get_by_role("button", name="Use key “blue”").click()
        expect(page.locator(".list-title")).to_have_text("Inbox")
        [cookie] = [one for one in owner.context.cookies() if one["name"] == "webmailsession"]
        assert cookie["expires"] > time.time() + 29 * 86_400
        log_out(page)
    owner.close()
