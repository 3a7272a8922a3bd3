"""One log-in for webmail and account app: the session that the webmail hands on, and who cannot take it."""

import time
from typing import Any

import pytest
import trio

from moxlite.store.auth import websessions
from moxlite.store.auth.loginattempts import RecordedAttempt
from moxlite.store.auth.sessions import Session
from moxlite.store.auth.websessions import Handovers
from tests.web_rig import ADDRESS, PASSWORD, Answer, Browser, Rig

pytestmark = pytest.mark.served

DAY = 24 * 3600
ORIGIN = {"origin": "https://mail.example.org"}


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


async def webmail(rig: Rig, *, stay: bool = False) -> Browser:
    """A browser that is logged in to the webmail."""
    browser = rig.browser(port=443, tls=True)
    token = await browser.call("login_prep")
    parameters = {"login_token": token, "username": ADDRESS, "password": PASSWORD, "stay": stay}
    browser.csrf = (await browser.call("login", **parameters))["csrf_token"]
    return browser


def same(rig: Rig, browser: Browser) -> Browser:
    """The account app in the same browser: with its cookies."""
    other = rig.browser(app="/", port=443, tls=True)
    other.cookies = browser.cookies
    return other


async def take(account: Browser, token: str, **headers: str) -> Answer:
    return await account.post("login_handed", {"token": token}, {**ORIGIN, **headers})


async def handed(rig: Rig, browser: Browser) -> Browser:
    """The account app in the same browser, with the session that the webmail has handed on."""
    account = same(rig, browser)
    answer = await take(account, await browser.call("hand_on"))
    assert answer.status == 200, answer.body
    account.csrf = answer.json["result"]["csrf_token"]
    return account


async def refused(account: Browser, token: str, **headers: str) -> None:
    answer = await take(account, token, **headers)
    assert (answer.status, answer.json["error"]["code"]) == (401, "user:loginFailed")
    assert not any(cookie.startswith("accountsession") for cookie in answer.cookies)


async def attempts(rig: Rig) -> list[RecordedAttempt]:
    """The attempts; a task of the server writes them after the answer."""
    found: list[RecordedAttempt] = []
    while not found:
        await trio.to_thread.run_sync(time.sleep, 0.002)
        found = [one for one in await rig.auth.attempts.newest("mia") if one.mechanism == "webhandover"]
    return found


async def test_the_account_app_takes_over_the_log_in(rig: Rig) -> None:
    """WEB-51a: a session, cookie, CSRF token and path of its own."""
    browser = await webmail(rig)
    answer = await browser.post("hand_on", {})
    [cookie] = answer.cookies
    assert cookie.startswith("accounthanded=")
    assert {"Path=/", "HttpOnly", "SameSite=Strict", "Secure", "Max-Age=30"} <= set(cookie.split("; "))
    account = same(rig, browser)
    answer = await take(account, answer.json["result"])
    assert answer.json["result"]["login_address"] == ADDRESS
    account.csrf = answer.json["result"]["csrf_token"]
    assert account.csrf != browser.csrf
    [session] = [one for one in answer.cookies if one.startswith("accountsession=")]
    assert "Max-Age" not in session
    assert browser.cookies["webmailsession"].split()[0] not in session
    assert (await account.call("overview"))["login_address"] == ADDRESS
    assert "accounthanded" not in browser.cookies
    assert [one.result for one in await attempts(rig)] == ["ok"]


async def test_each_app_keeps_to_its_own_session(rig: Rig) -> None:
    """WEB-51a, WEB-52: neither cookie nor CSRF token serves in the other app."""
    browser = await webmail(rig)
    account = await handed(rig, browser)
    account.csrf, browser.csrf = browser.csrf, account.csrf
    assert (await account.error("overview"))[1] == "user:badAuth"
    assert (await browser.error("token"))[1] == "user:badAuth"


async def test_a_token_serves_once(rig: Rig) -> None:
    """WEB-51a: replay."""
    browser = await webmail(rig)
    token = await browser.call("hand_on")
    kept = dict(browser.cookies)
    assert (await take(same(rig, browser), token)).status == 200
    thief = rig.browser(app="/", port=443, tls=True)
    thief.cookies = kept
    await refused(thief, token)


async def test_a_token_is_of_no_use_in_another_browser(rig: Rig) -> None:
    """WEB-51a: the theft is in the list of log-ins, and the token is used up."""
    browser = await webmail(rig)
    token = await browser.call("hand_on")
    await refused(rig.browser(app="/", port=443, tls=True), token)
    await refused(same(rig, browser), token)
    assert [one.result for one in await attempts(rig)] == ["badcreds"]


async def test_nobody_is_logged_in_to_the_account_of_an_attacker(rig: Rig) -> None:
    """WEB-51a: fixation. The attacker's token needs the attacker's cookie, which no other site can set."""
    attacker, victim = await webmail(rig), await webmail(rig)
    await victim.call("hand_on")
    token = await attacker.call("hand_on")
    await refused(same(rig, victim), token)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://mail.example.org"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
    ],
)
async def test_other_sites_take_nothing_over(rig: Rig, headers: dict[str, str]) -> None:
    """WEB-51a, WEB-132: and a form of another site is no JSON."""
    browser = await webmail(rig)
    token = await browser.call("hand_on")
    account = same(rig, browser)
    assert (await take(account, token, **headers)).status == 403
    assert (await take(account, token, **{"content-type": "text/plain"})).status == 415
    assert (await account.post("login_handed", {"token": token})).status == 403, "no Origin at all"
    assert (await browser.post("hand_on", {}, headers)).status == 403


async def test_a_token_is_made_for_the_holder_of_a_session_only(rig: Rig) -> None:
    """WEB-51a, WEB-53: cookie and CSRF token both."""
    browser = await webmail(rig)
    browser.csrf, kept = "", browser.csrf
    assert (await browser.error("hand_on"))[1] == "user:noAuth"
    browser.csrf = "A" * 22
    assert (await browser.error("hand_on"))[1] == "user:badAuth"
    browser.csrf = kept
    browser.cookies.clear()
    assert (await browser.error("hand_on"))[1] == "user:noAuth"


async def test_a_token_ends_after_thirty_seconds(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-51a"""
    monkeypatch.setattr(websessions, "HANDED_AGE", 0)
    browser = await webmail(rig)
    await refused(same(rig, browser), await browser.call("hand_on"))


async def test_a_newer_token_replaces_the_one_before(rig: Rig) -> None:
    """WEB-51a: one for each session, so that an account cannot crowd out the tokens of others."""
    browser = await webmail(rig)
    first, second = await browser.call("hand_on"), await browser.call("hand_on")
    await refused(same(rig, browser), first)
    assert (await take(same(rig, browser), second)).status == 200


async def test_the_table_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-51a: old ones are dropped, then the oldest."""
    monkeypatch.setattr(websessions, "MAX_HANDED", 3)
    table = Handovers()

    def offer(number: int) -> str:
        made = Session(number, "webmail", "mia", ADDRESS, "", "", 0, 0, 0)
        return table.offer(made, "secret")

    tokens = [offer(number) for number in range(1, 6)]
    await trio.lowlevel.checkpoint()
    assert [table.take(token) is not None for token in tokens] == [False, False, True, True, True]


@pytest.mark.parametrize(
    "token", ["", ".", "1", "1.", "-1.x", "9" * 60, "٣.x", "1.\ud800".encode("utf-8", "replace").decode()]
)
async def test_what_is_no_token_is_refused(rig: Rig, token: str) -> None:
    """WEB-51a, WEB-133"""
    await refused(same(rig, await webmail(rig)), token)


async def test_the_token_of_a_session_that_has_ended_is_refused(rig: Rig) -> None:
    """WEB-51a"""
    browser = await webmail(rig)
    token = await browser.call("hand_on")
    kept = dict(browser.cookies)
    await browser.call("logout")
    account = rig.browser(app="/", port=443, tls=True)
    account.cookies = kept
    await refused(account, token)


async def confirmed(account: Browser) -> bool:
    """Whether a sensitive call is made without the password."""
    answer = await account.post("app_password_remove_all", {})
    assert answer.status == 200 or answer.json["error"]["code"] == "user:confirm"
    return answer.status == 200


async def test_a_fresh_log_in_counts_as_the_password(rig: Rig, clock: Clock) -> None:
    """WEB-51a, WEB-63a: for the rest of the 10 minutes after it, not anew."""
    browser = await webmail(rig)
    assert await confirmed(await handed(rig, browser))
    clock.ahead += 601
    account = await handed(rig, browser)
    assert not await confirmed(account)
    await account.call("confirm", kind="password", code=PASSWORD)
    assert await confirmed(account)


@pytest.mark.parametrize(
    ("call", "parameters"),
    [
        ("set_password", {"password": "another good password"}),
        ("account_app_password_add", {"name": "x", "scopes": ["imap"], "read_only": False, "expires": None}),
        ("account_forward_set", {"old": {}, "changed": {}}),
        ("account_sieve_put", {"script": "x", "old": None, "text": 'redirect "a@b.example";', "activate": True}),
        ("account_sieve_activate", {"script": "x"}),
        ("account_delegate_set", {"guest": "eve", "sends": "as"}),
        ("account_share_set", {"mailbox": "Inbox", "guest": "eve", "rights": "lr", "below": False}),
        ("device_start", {"name": "phone"}),
        ("not_me", {}),
        ("export_prep", {}),
    ],
)
async def test_a_device_that_stays_logged_in_hands_on_no_password(rig: Rig, call: str, parameters: Any) -> None:
    """WEB-51a, WEB-63a, WEBMAIL-22a: however fresh its log-in is."""
    account = await handed(rig, await webmail(rig, stay=True))
    assert (await account.call("overview"))["login_address"] == ADDRESS
    assert (await account.error(call, **parameters)) == (403, "user:confirm")


async def test_mail_leaves_the_account_app_after_the_password_only(rig: Rig, clock: Clock) -> None:
    """WEB-63a, WEB-79: of every session that is older than 10 minutes; the webmail asks for all of it alike."""
    browser = await webmail(rig)
    account = same(rig, browser)
    await account.log_in()
    clock.ahead += 601

    async def export(app: Browser, **fields: str) -> int:
        body = "&".join(f"{name}={value}" for name, value in {"csrf": app.csrf, **fields}.items()).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return (await app.fetch(f"{app.app}export", method="POST", headers=headers, body=body)).status

    whole = {"format": "mbox", "archive": "zip"}
    assert await export(account, **whole) == 403
    assert await export(account, **whole, mailbox="Inbox") == 403
    assert await export(browser, **whole) == 403
    assert await export(browser, **whole, mailbox="Inbox") == 200
    await account.call("confirm", kind="password", code=PASSWORD)
    assert await export(account, **whole) == 200


@pytest.mark.auth_here
async def test_it_ends_after_a_day_however_much_it_is_used(rig: Rig, clock: Clock) -> None:
    """WEB-51a, WEB-54"""
    browser = await webmail(rig, stay=True)
    account = await handed(rig, browser)
    for _ in range(3):
        clock.ahead += DAY // 4
        await account.call("apps")
        await account.call("overview")
    clock.ahead += DAY // 4 + 60
    assert (await account.error("overview"))[1] == "user:badAuth"
    await browser.call("token")
    assert (await (await handed(rig, browser)).call("overview"))["login_address"] == ADDRESS


async def test_log_out_of_the_webmail_ends_both(rig: Rig) -> None:
    """WEB-51a, WEBMAIL-22"""
    browser = await webmail(rig)
    account = await handed(rig, browser)
    await browser.call("logout")
    assert (await account.error("overview"))[1] == "user:badAuth"


@pytest.mark.parametrize("stay", [False, True])
async def test_log_out_of_the_account_app_ends_both(rig: Rig, stay: bool) -> None:
    """WEB-51a: the cookies of both go, and what a device keeps of the mail."""
    browser = await webmail(rig, stay=stay)
    account = await handed(rig, browser)
    session = dict(browser.cookies)
    answer = await account.post("logout", {})
    assert ("clear-site-data" in answer.headers) is stay
    assert "accountsession" not in account.cookies
    assert any(one.startswith("webmailsession=;") and "Path=/webmail/" in one for one in answer.cookies)
    browser.cookies = session
    assert (await browser.error("token"))[1] == "user:badAuth"


async def test_a_log_in_of_its_own_stays_apart(rig: Rig) -> None:
    """WEB-51a: its log-out leaves the webmail alone."""
    browser = await webmail(rig)
    account = same(rig, browser)
    await account.log_in()
    await account.call("logout")
    await browser.call("token")


async def test_this_was_not_me_ends_both(rig: Rig) -> None:
    """WEB-51a, WEB-63b: the answer comes, then the session that asked has ended, too."""
    browser = await webmail(rig)
    account = await handed(rig, browser)
    own = rig.browser(app="/", port=443, tls=True)
    await own.log_in()
    session, kept = browser.csrf, dict(browser.cookies)
    done = await account.call("not_me")
    assert done["sessions"] == 2, "the webmail of this browser, and the other browser"
    account.cookies = dict(kept)
    assert (await account.error("overview"))[1] == "user:badAuth"
    browser.csrf, browser.cookies = session, dict(kept)
    assert (await browser.error("token"))[1] == "user:badAuth"
    assert (await own.error("overview"))[1] == "user:badAuth"
    await account.log_in(password=done["password"])


async def test_a_new_password_keeps_the_page_that_asked_for_it(rig: Rig) -> None:
    """WEB-59: the webmail's session in the same browser ends: its cookie may be known to others."""
    browser = await webmail(rig)
    account = await handed(rig, browser)
    assert await account.call("set_password", password="a second good password") == 1
    assert (await account.call("overview"))["login_address"] == ADDRESS
    assert (await browser.error("token"))[1] == "user:badAuth"


async def test_the_list_shows_one_log_in(rig: Rig) -> None:
    """WEB-70: ended there, both end."""
    browser = await webmail(rig, stay=True)
    account = await handed(rig, browser)
    [one] = await account.call("session_list")
    assert (one["app"], one["current"], one["device"]) == ("webmail", True, True)
    own = rig.browser(app="/", port=443, tls=True)
    await own.log_in()
    await own.call("session_remove", session_id=one["id"])
    assert (await account.error("overview"))[1] == "user:badAuth"


@pytest.mark.auth_here
async def test_a_stolen_device_takes_its_account_page_along(rig: Rig, clock: Clock) -> None:
    """WEB-51a, STORE-105b"""
    browser = await webmail(rig, stay=True)
    before = dict(browser.cookies)
    clock.ahead += DAY + 60
    await browser.call("token")
    clock.ahead += 61
    await browser.call("token")
    account = await handed(rig, browser)
    clock.ahead += 301
    thief = rig.browser(port=443, tls=True)
    thief.cookies, thief.csrf = before, browser.csrf
    assert (await thief.error("token"))[1] == "user:badAuth"
    assert (await account.error("overview"))[1] == "user:badAuth"


async def test_the_account_app_elsewhere_has_a_link_and_its_own_log_in(rig: Rig) -> None:
    """WEB-51a: a webmail without the account app at its port hands nothing on, and names the public address."""
    browser = rig.browser(port=81)
    await browser.log_in()
    assert await browser.error("hand_on") == (404, "user:notFound")
    events = await browser.events()
    assert (await events.next())["account_path"] == "https://mail.example.org/"
