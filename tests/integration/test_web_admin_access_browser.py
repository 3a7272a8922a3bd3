"""The admin app's tab Security of an account, its limits of log-ins and its own password in a real browser."""

import imaplib
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from moxlite.net.tls.certificates import self_signed
from moxlite.process.localserve import ADMIN_PASSWORD
from tests.integration.browser import Visitor, chromium, pressed
from tests.integration.conftest import panics
from tests.integration.test_web_admin_browser import go, log_in
from tests.keyproof import proof_of
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with a second account."""
    with LocalServer(tmp_path_factory.mktemp("access") / "server") as found:
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        found.cli("config", "account", "add", "ben", "ben@hill.example")
        yield found
        assert panics(found) == 0, found.log()


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    """The owner, logged in."""
    found = Visitor(chromium, server)
    log_in(found)
    yield found
    found.close()


@pytest.mark.nightly
def test_a_key_is_refused_at_its_field_then_taken_and_removed(visitor: Visitor) -> None:
    """WEB-81a, WEB-81b: the private key that was pasted with it is not sent anywhere else; what was typed stays."""
    visitor.expect_problem("400")
    page = go(visitor, "accounts/ben?tab=security")
    pair = self_signed(["phone.example.org"])
    page.get_by_role("button", name="Add certificate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Certificate").fill(pair.certificate_pem().decode() + pair.key_pem().decode())
    dialog.get_by_label("Name", exact=True).fill("Phone <b>\u202e")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.locator(".field", has_text="Certificate").locator(".error:visible")).to_contain_text("private key")
    dialog.get_by_label("Certificate").fill(pair.certificate_pem().decode())
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.locator(".field", has_text="Proof").locator(".error:visible")).to_contain_text("is missing")
    dialog.get_by_label("Proof").fill(proof_of(pair.key, dialog.locator("code").inner_text()))
    dialog.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("table", name="Client certificates").locator("tbody tr")
    expect(row).to_contain_text("Phone <b>[U+202E]")
    row.get_by_role("button", name=re.compile("^Remove")).click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No client certificates")).to_be_visible()


def test_a_member_of_a_shared_mailbox_is_added_in_three_clicks(visitor: Visitor) -> None:
    """SMTP-189a: from its page; the page of a new one is at its members at once."""
    page = go(visitor, "accounts")
    page.get_by_role("button", name="Add account").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("support")
    dialog.get_by_label("Name", exact=True).press("Tab")
    expect(dialog.get_by_label("First address")).to_have_value("support@hill.example")
    dialog.get_by_label("Shared mailbox").check()
    dialog.get_by_role("button", name="Add account").click()
    add = page.get_by_role("button", name="Add person")
    expect(add).to_be_visible()
    page = go(visitor, "accounts/support")
    members = page.get_by_role("link", name="Members")
    expect(members).to_be_visible()
    presses = pressed(page)
    members.click()
    add.click()
    dialog.get_by_label("Person").fill("ben@hill.example")
    expect(dialog.get_by_label("Share all folders")).to_be_checked()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="ben")).to_contain_text("can edit")
    assert presses() == 3


def test_a_recovery_link_is_shown_once(visitor: Visitor, chromium: Browser, server: LocalServer) -> None:
    """WEB-81a, WEB-151a, WEBMAIL-143: it opens the page for a new password, with whole texts in each language."""
    page = go(visitor, "accounts/ben?tab=security")
    page.get_by_role("button", name="Recovery link…").click()
    page.get_by_role("dialog").get_by_role("button", name="Create link").click()
    link = page.get_by_role("dialog").locator("code").inner_text()
    assert "#recover=" in link
    page.get_by_role("button", name="Done").click()
    page.goto(f"{visitor.base}/#{link.partition('#')[2]}")
    expect(page.get_by_role("heading", name="Set your password")).to_be_visible()
    expect(page.get_by_text("For the account ben.")).to_be_visible()
    japanese = Visitor(chromium, server, locale="ja-JP")
    japanese.page.goto(f"{japanese.base}/#{link.partition('#')[2]}")
    expect(japanese.page.get_by_text("アカウント: ben", exact=True)).to_be_visible()
    japanese.close()


def test_removed_mail_comes_back(visitor: Visitor, server: LocalServer) -> None:
    """WEB-81a, IMAP-160: after a question with numbers."""
    with imaplib.IMAP4("localhost", server.port(143)) as imap:
        imap.login(server.user, server.password)
        for number in range(3):
            imap.append("INBOX", "\\Deleted", "", b"Subject: letter %d\r\n\r\nx\r\n" % number)
        imap.select("INBOX")
        imap.expunge()
    page = go(visitor, "accounts/moxlite?tab=security")
    row = page.get_by_role("table", name="Deleted messages").locator("tbody tr").first
    row.get_by_role("button", name=re.compile("^Restore mail")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"Restore \d+ messages?\?"))
    dialog.get_by_role("button", name="Restore").click()
    expect(page.get_by_text(re.compile(r"^\d+ messages? restored\.$"))).to_be_visible()


def test_who_locked_himself_out_is_let_in_again(visitor: Visitor) -> None:
    """WEB-56: one network is forgotten at once, all after a question. localserve counts nothing from this machine, so
    the list is played; what is forgotten goes to the server.
    """
    page = visitor.page
    row = {"window": 60, "failures": 12, "limit": 10, "refused": True}
    found = [row | {"who": "198.51.100.0/26", "network": "198.51.100.0/26"}, row | {"who": "ben", "network": ""}]
    page.route("**/api/limits_list", lambda route: route.fulfill(json={"result": found}))
    go(visitor, "trends/limits")
    rows = page.locator("tbody tr")
    expect(rows.first).to_contain_text("12 of 10")
    expect(page.get_by_text("2 blocked before the password check.")).to_be_visible()
    expect(rows.last.get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name="Allow logins from 198.51.100.0/26 again").click()
    expect(page.get_by_text("No failed logins to clear")).to_be_visible()
    page.get_by_role("button", name="Clear all…").click()
    page.unroute("**/api/limits_list")
    page.get_by_role("dialog").get_by_role("button", name="Clear all").click()
    expect(page.get_by_text("No failed logins", exact=True)).to_be_visible()


def test_a_lock_ends_open_tabs(visitor: Visitor, chromium: Browser) -> None:
    """WEB-188, ADMIN-17: one button and its question; the user's open tab says why within 5 s."""
    user = Visitor(chromium, visitor.server)
    user.expect_problem("401", "403")
    user.enter("/webmail/")
    expect(user.page.locator(".list-title")).to_have_text("Inbox")
    page = go(visitor, "accounts/moxlite")
    page.get_by_role("button", name="Lock…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Message to the user").fill("Call Anna")
    dialog.get_by_role("button", name="Lock account").click()
    expect(page.get_by_text("Login disabled: “Call Anna”.")).to_be_visible()
    began = time.monotonic()
    expect(user.page.get_by_role("dialog", name=re.compile("^Log in"))).to_be_visible()
    print(f"lock to the form in the open tab: {time.monotonic() - began:.2f} s")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("button", name="Lock…")).to_be_visible()
    user.close()


def test_a_new_admin_password_logs_out_the_other_browser(visitor: Visitor, chromium: Browser) -> None:
    """WEB-59, WEB-60: two that differ are told at the field."""
    visitor.expect_problem("400")
    other = Visitor(chromium, visitor.server)
    log_in(other)
    other.expect_problem("401")
    page = go(visitor, "two-step")
    page.get_by_role("button", name="Change password…").click()
    dialog = page.get_by_role("dialog")
    for again in ("something else", ADMIN_PASSWORD):
        dialog.get_by_label("New password", exact=True).fill(ADMIN_PASSWORD)
        dialog.get_by_label("Confirm new password").fill(again)
        dialog.get_by_role("button", name="Change password").click()
        if again != ADMIN_PASSWORD:
            expect(dialog.locator(".error:visible")).to_have_text("Passwords don't match.")
    expect(page.get_by_text(re.compile(r"^Password changed\. \d other session"))).to_be_visible()
    other.page.goto(f"{other.base}/admin/#accounts")
    expect(other.page.get_by_text(re.compile("session was ended elsewhere"))).to_be_visible()
    other.close()


def test_a_token_is_made_used_and_revoked(visitor: Visitor, server: LocalServer) -> None:
    """WEB-168: shown once, with its scopes and last use in the list."""
    page = go(visitor, "two-step")
    page.get_by_role("button", name="Create token…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("API client name").fill("billing <b>")
    dialog.get_by_label("Accounts").check()
    dialog.get_by_role("button", name="Create token").click()
    token = dialog.locator("code").inner_text()
    page.get_by_role("button", name="Done").click()
    row = page.get_by_role("table", name="API tokens").locator("tbody tr")
    expect(row).to_contain_text("billing <b>")
    expect(row).to_contain_text("accounts, read")
    expect(row).to_contain_text("never")
    request = urllib.request.Request(
        f"{visitor.base}/admin/v1/config_account_list",
        b"{}",
        {"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert "ben" in [one["account"] for one in json.load(answer)["result"]]
    page.reload()
    expect(row).to_contain_text("127.0.0.1")
    row.get_by_role("button", name="Revoke billing <b>").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No tokens yet")).to_be_visible()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request)
