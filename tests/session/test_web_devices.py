"""Browsers that stay logged in to the webmail: the cookie that changes each day, its end, and what asks anew."""

import time
from typing import Any
from urllib.parse import quote

import pytest
import trio

from moxlite.store.auth.credentials import generate_password
from tests.web_rig import ADDRESS, PASSWORD, Answer, Browser, Rig

pytestmark = pytest.mark.served

MINUTE = 60
DAY = 24 * 3600


class Clock:
    """The wall clock of the server, which a test sets forward, in seconds."""

    def __init__(self) -> None:
        self.ahead = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made, ns, s = Clock(), time.time_ns, time.time
    monkeypatch.setattr(time, "time_ns", lambda: ns() + made.ahead * 1_000_000_000)
    monkeypatch.setattr(time, "time", lambda: s() + made.ahead)
    return made


async def stay(rig: Rig, **connection: Any) -> Browser:
    """A browser that stays logged in to the webmail."""
    browser = rig.browser(port=443, tls=True, **connection)
    await log_in(browser)
    assert browser.cookies["webmailsession"].endswith(' device"')
    return browser


async def log_in(browser: Browser) -> Answer:
    token = await browser.call("login_prep")
    answer = await browser.post(
        "login", {"login_token": token, "username": ADDRESS, "password": PASSWORD, "stay": True}
    )
    assert answer.status == 200
    browser.csrf = answer.json["result"]["csrf_token"]
    return answer


def secret(browser: Browser) -> str:
    return browser.cookies["webmailsession"].strip('"').partition(" ")[0]


async def turn(browser: Browser, clock: Clock) -> dict[str, str]:
    """A day goes by, and the browser has another secret; returns its cookies of before."""
    before = dict(browser.cookies)
    clock.ahead += DAY + MINUTE
    await browser.call("token")
    assert secret(browser) not in before["webmailsession"]
    clock.ahead += MINUTE + 1
    await browser.call("token")
    return before


async def test_a_device_gets_a_cookie_that_outlasts_the_browser(rig: Rig) -> None:
    """WEBMAIL-22a"""
    browser = rig.browser(port=443, tls=True)
    answer = await log_in(browser)
    assert answer.json["result"]["device"] is True
    [cookie] = [one for one in answer.cookies if one.startswith("webmailsession=")]
    assert {"Max-Age=2592000", "Secure", "HttpOnly", "SameSite=Strict", "Path=/webmail/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    ("host", "remote", "kept"),
    [
        ("mail.example.org", "127.0.0.1", False),
        ("mail.example.org", "192.0.2.7", False),
        ("192.0.2.1", "127.0.0.1", False),
        ("localhost", "192.0.2.7", False),
        ("localhost:8080", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("[::1]:80", "::1", True),
    ],
)
async def test_without_https_only_this_machine_stays_logged_in(rig: Rig, host: str, remote: str, kept: bool) -> None:
    """WEBMAIL-22a: elsewhere an ordinary session begins, and the page is told."""
    browser = rig.browser(remote=remote)
    browser.host = host
    answer = await log_in(browser)
    assert answer.json["result"]["device"] is kept
    assert any("Max-Age=2592000" in cookie for cookie in answer.cookies) is kept


async def test_other_apps_have_no_devices(rig: Rig) -> None:
    """WEBMAIL-22a: the account app and the admin app know no such wish."""
    browser = rig.browser(app="/", port=443, tls=True)
    token = await browser.call("login_prep")
    refused = await browser.error("login", login_token=token, username=ADDRESS, password=PASSWORD, stay=True)
    assert refused == (400, "user:error")


@pytest.mark.auth_here
async def test_the_secret_changes_each_day_and_the_csrf_token_stays(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a"""
    browser = await stay(rig)
    seen = {secret(browser)}
    for _ in range(40):
        await turn(browser, clock)
        seen.add(secret(browser))
    assert len(seen) == 41


async def test_two_tabs_do_not_log_each_other_out(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a: requests of the same moment, of a moment later, and a stream that stays open."""
    browser = await stay(rig)
    events = await browser.events()
    await events.next()
    clock.ahead += DAY + MINUTE
    before = dict(browser.cookies)
    given: list[str] = []

    async def tab() -> None:
        other = rig.browser(port=443, tls=True)
        other.cookies, other.csrf = dict(before), browser.csrf
        await other.call("token")
        given.append(secret(other))
        browser.cookies = other.cookies

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(tab)
    assert len(set(given)) == 1
    clock.ahead += MINUTE + 1
    await browser.call("token")
    late = rig.browser(port=443, tls=True)
    late.cookies, late.csrf = before, browser.csrf
    clock.ahead += 4 * MINUTE
    await late.call("token")
    await browser.call("token")
    await events.stream.aclose()


@pytest.mark.auth_here
async def test_an_old_secret_ends_the_session_for_both_sides(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a: a copied cookie that is used after the browser got another."""
    browser = await stay(rig)
    copied = await turn(browser, clock)
    clock.ahead += 6 * MINUTE
    thief = rig.browser(port=443, tls=True, remote="198.51.100.9")
    thief.cookies, thief.csrf = copied, browser.csrf
    for one in (thief, browser):
        answer = await one.post("token", {})
        assert (answer.status, answer.json["error"]["code"]) == (401, "user:badAuth")
        assert "old copy" in answer.json["error"]["message"]
        assert answer.headers["clear-site-data"] == '"cache", "storage"'
        assert "webmailsession" not in one.cookies
        again = await one.post("token", {})
        assert again.json["error"]["code"] == "user:noAuth"
        assert "clear-site-data" not in again.headers
    assert await rig.auth.sessions.of("mia") == []


@pytest.mark.auth_here
async def test_a_thief_that_comes_first_is_found_when_the_owner_comes(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a"""
    browser = await stay(rig)
    thief = rig.browser(port=443, tls=True, remote="198.51.100.9")
    thief.cookies, thief.csrf = dict(browser.cookies), browser.csrf
    await turn(thief, clock)
    clock.ahead += 6 * MINUTE
    assert await browser.error("token") == (401, "user:badAuth")
    assert await thief.error("token") == (401, "user:badAuth")


@pytest.mark.auth_here
async def test_a_device_ends_after_thirty_days_without_use(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a: told in words; the browser forgets what it kept."""
    browser = await stay(rig)
    clock.ahead += 29 * DAY
    await browser.call("token")
    clock.ahead += 30 * DAY + MINUTE
    answer = await browser.post("token", {})
    assert (answer.status, answer.json["error"]["code"]) == (401, "user:badAuth")
    assert "30 days" in answer.json["error"]["message"]
    assert "clear-site-data" in answer.headers


@pytest.mark.auth_here
async def test_a_device_ends_after_180_days(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a"""
    browser = await stay(rig)
    for _ in range(8):
        clock.ahead += 22 * DAY
        await browser.call("token")
    clock.ahead += 4 * DAY + MINUTE
    assert await browser.error("token") == (401, "user:badAuth")


@pytest.mark.auth_here
async def test_an_ordinary_session_still_ends_with_the_day(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-19: and clears nothing in the browser."""
    browser = rig.browser(port=443, tls=True)
    await browser.log_in()
    clock.ahead += DAY + MINUTE
    answer = await browser.post("token", {})
    assert "24 hours" in answer.json["error"]["message"]
    assert "clear-site-data" not in answer.headers


@pytest.mark.auth_here
async def test_devices_are_listed_and_ended_in_the_account_app(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a, WEB-70: with the browser, the last use and its address."""
    browser = await stay(rig, remote="198.51.100.7")
    browser.connection["remote"] = "203.0.113.5"
    clock.ahead += 10 * MINUTE
    await browser.call("token")
    account = rig.browser(app="/", port=443, tls=True)
    await account.log_in()
    [found] = [one for one in await account.call("session_list") if one["device"]]
    assert (found["app"], found["remote_ip"]) == ("webmail", "203.0.113.5")
    assert found["expires"] > found["last_used"] > found["created"]
    await account.call("session_remove", session_id=found["id"])
    answer = await browser.post("token", {})
    assert answer.status == 401
    assert "clear-site-data" in answer.headers


@pytest.mark.auth_here
async def test_log_out_forgets_the_device(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22, WEBMAIL-22a"""
    browser = await stay(rig)
    before = await turn(browser, clock)
    answer = await browser.post("logout", {})
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert "webmailsession" not in browser.cookies
    browser.cookies = before
    assert await browser.error("token") == (401, "user:badAuth")
    ordinary = rig.browser(port=443, tls=True)
    await ordinary.log_in()
    assert "clear-site-data" not in (await ordinary.post("logout", {})).headers


@pytest.mark.parametrize("change", ["set_password", "not_me", "session_remove_others"])
async def test_what_locks_others_out_ends_devices(rig: Rig, change: str) -> None:
    """WEBMAIL-22a, WEB-59, WEB-63b"""
    browser = await stay(rig)
    account = rig.browser(app="/", port=443, tls=True)
    await account.log_in()
    await account.call(change, **({"password": generate_password()} if change == "set_password" else {}))
    assert await browser.error("token") == (401, "user:badAuth")


async def export(browser: Browser) -> int:
    form = f"csrf={quote(browser.csrf)}&format=mbox&archive=none&mailbox=Inbox"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await browser.fetch("/webmail/export", method="POST", headers=headers, body=form.encode())
    return answer.status


async def test_on_a_device_exports_ask_for_the_password(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-22a, WEB-63a: ten minutes after the log-in; reading and writing ask for nothing."""
    browser = await stay(rig)
    await browser.call("export_prep")
    assert await export(browser) == 200
    clock.ahead += 11 * MINUTE
    assert await browser.error("export_prep") == (403, "user:confirm")
    assert await export(browser) == 403
    assert (await browser.fetch("/webmail/contacts.vcf")).status == 403
    assert await browser.call("confirm_options")
    assert await browser.error("confirm", kind="password", code="wrong") == (401, "user:loginFailed")
    await browser.call("confirm", kind="password", code=PASSWORD)
    await browser.call("export_prep")
    assert await export(browser) == 200
    assert (await browser.fetch("/webmail/contacts.vcf")).status == 200


async def test_an_ordinary_session_exports_as_before(rig: Rig, clock: Clock) -> None:
    """WEBMAIL-85"""
    browser = rig.browser(port=443, tls=True)
    await browser.log_in()
    clock.ahead += 11 * MINUTE
    await browser.call("export_prep")
    assert await export(browser) == 200
