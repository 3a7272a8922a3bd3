"""Log-in, sessions and the guards against foreign pages."""

import pytest
import trio

from moxlite.store.auth import sessions as stored
from moxlite.store.file.transaction import Tx
from moxlite.web import sessions
from tests.web_rig import ADDRESS, PASSWORD, Rig, first_request

pytestmark = pytest.mark.served


async def test_a_log_in_sets_a_cookie_that_only_this_app_sees(rig: Rig) -> None:
    """WEB-51, WEB-52, WEBMAIL-13, WEBMAIL-15."""
    browser = rig.browser()
    token = await browser.call("login_prep")
    answer = await browser.post("login", {"login_token": token, "username": ADDRESS, "password": PASSWORD})
    assert answer.status == 200
    assert answer.json["result"]["login_address"] == ADDRESS
    cookies = {cookie.split("=")[0]: cookie for cookie in answer.cookies}
    assert "Max-Age=0" in cookies["webmaillogin"]
    session = cookies["webmailsession"]
    assert session.startswith('webmailsession="')
    assert {"Path=/webmail/", "HttpOnly", "SameSite=Strict"} <= set(session.split("; "))
    assert "Secure" not in session
    assert "Max-Age" not in session


async def test_over_https_the_cookie_never_goes_in_the_clear(rig: Rig) -> None:
    """WEB-52."""
    browser = rig.browser(port=443, tls=True)
    answer = await browser.post("login_prep", {})
    assert "Secure" in answer.cookies[0].split("; ")
    assert "Max-Age=30" in answer.cookies[0].split("; ")


async def test_a_log_in_needs_the_cookie_of_its_form(rig: Rig) -> None:
    """WEB-51, WEBMAIL-15, WEBMAIL-113: log-in CSRF."""
    browser = rig.browser()
    token = await browser.call("login_prep")
    refused = await browser.error("login", login_token="x" + token, username=ADDRESS, password=PASSWORD)
    assert refused == (400, "user:error")
    browser.cookies.clear()
    refused = await browser.error("login", login_token=token, username=ADDRESS, password=PASSWORD)
    assert refused == (400, "user:error")


async def test_behind_a_proxy_the_refusal_hints_at_its_path(rig: Rig) -> None:
    """WEB-51."""
    browser = rig.browser(port=81)
    answer = await browser.post("login", {"login_token": "x", "username": ADDRESS, "password": PASSWORD})
    assert "/webmail/" in answer.json["error"]["message"]


@pytest.mark.parametrize("username", [ADDRESS, "nobody@example.org", "not an address"])
async def test_wrong_credentials_look_the_same_whatever_is_wrong(rig: Rig, username: str) -> None:
    """WEBMAIL-16, WEB-56."""
    browser = rig.browser()
    token = await browser.call("login_prep")
    answer = await browser.post("login", {"login_token": token, "username": username, "password": "wrong password"})
    assert answer.status == 401
    assert answer.json == {"error": {"code": "user:loginFailed", "message": "Wrong email address or password."}}


async def test_a_failure_takes_a_second(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-56: with the real delay, made short."""
    monkeypatch.setattr(sessions, "FAILURE_DELAY", 0.3)
    browser = rig.browser()
    token = await browser.call("login_prep")
    began = trio.current_time()
    await browser.error("login", login_token=token, username=ADDRESS, password="wrong password")
    assert trio.current_time() - began >= 0.3


async def test_too_many_failures_of_a_network_are_cut_off(rig: Rig) -> None:
    """WEBMAIL-17, WEB-56."""
    browser = rig.browser()
    for _ in range(10):
        token = await browser.call("login_prep")
        await browser.error("login", login_token=token, username="nobody@example.org", password="x")
    token = await browser.call("login_prep")
    answer = await browser.post("login", {"login_token": token, "username": ADDRESS, "password": PASSWORD})
    assert (answer.status, answer.json["error"]["code"]) == (429, "user:rateLimited")
    assert answer.headers["retry-after"] == "60"
    other = rig.browser(remote="198.51.100.1")
    await other.log_in()


async def test_guesses_at_the_same_time_are_counted_too(rig: Rig) -> None:
    """WEB-56, SMTP-138: what is booked counts before it is checked."""
    codes: list[str] = []

    async def one() -> None:
        browser = rig.browser()
        token = await browser.call("login_prep")
        codes.append((await browser.error("login", login_token=token, username=ADDRESS, password="wrong"))[1])

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(one)
    assert (codes.count("user:loginFailed"), codes.count("user:rateLimited")) == (10, 30)


async def test_a_user_name_is_any_address_in_any_normal_form(rig: Rig) -> None:
    """WEBMAIL-16, WEB-57."""
    await rig.browser().log_in("bu\u0308ro@example.org")
    await rig.browser().log_in("MIA@example.org")


async def test_a_call_needs_cookie_and_csrf_token(rig: Rig) -> None:
    """WEB-53, WEBMAIL-14."""
    browser = rig.browser()
    assert await browser.error("token") == (401, "user:noAuth")
    await browser.log_in()
    good, browser.csrf = browser.csrf, ""
    assert await browser.error("token") == (401, "user:noAuth")
    browser.csrf = "A" * 22
    assert await browser.error("token") == (401, "user:badAuth")
    browser.csrf = good
    assert await browser.call("token")


@pytest.mark.auth_here
async def test_a_check_of_a_session_is_one_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-174, STORE-105: by an index; the extension is written once in five minutes, however many calls come."""
    browser = rig.browser()
    await browser.log_in()
    [first] = await rig.auth.sessions.of("mia")
    plan = await rig.auth.database.read(
        lambda r: [row[3] for row in r.rows("EXPLAIN QUERY PLAN " + stored.FIND, b"", "webmail", "mia")], op="test"
    )
    assert [text.startswith("SEARCH") and "INDEX" in text for text in plan] == [True], plan
    written: list[int] = []
    extend = stored.extend_session

    def noted(tx: Tx, session: stored.Session, remote_ip: str) -> None:
        written.append(session.id)
        extend(tx, session, remote_ip)

    monkeypatch.setattr(stored, "extend_session", noted)
    monkeypatch.setattr("moxlite.store.auth.websessions._now", lambda: first.last_used + stored.WRITE_INTERVAL - 1)
    for _ in range(20):
        await browser.call("token")
    assert written == []
    monkeypatch.setattr("moxlite.store.auth.websessions._now", lambda: first.last_used + stored.WRITE_INTERVAL)
    await browser.call("token")
    assert written == [first.id]


@pytest.mark.parametrize(
    "cookie",
    ['"', '"x', '"x y z"', '"AAAAAAAAAAAAAAAAAAAAAA nobody"', '"AAAAAAAAAAAAAAAAAAAAAA %2e%2e%2f"', "a" * 20_000],
)
async def test_a_cookie_that_is_none_is_refused_in_peace(rig: Rig, cookie: str) -> None:
    """WEB-133."""
    browser = rig.browser()
    answer = await browser.post(
        "token", {}, {"cookie": f"webmailsession={cookie}", "x-moxlite-csrf": "AAAAAAAAAAAAAAAAAAAAAA"}
    )
    assert answer.status == 401


@pytest.mark.parametrize("foreign", ['prefs={"theme": "dark"}', "word", "path=1", 'x="', "=1", ";;"])
async def test_a_foreign_cookie_before_ours_does_no_harm(rig: Rig, foreign: str) -> None:
    """WEB-133: of another site at this host, which may set what it likes."""
    browser = rig.browser()
    await browser.log_in()
    session = browser.cookies["webmailsession"]
    fields = {"cookie": f"{foreign}; webmailsession={session}", "x-moxlite-csrf": browser.csrf}
    browser.cookies.clear()
    assert (await browser.post("token", {}, fields)).status == 200


async def test_the_cookie_of_the_longer_path_counts(rig: Rig) -> None:
    """WEB-52: browsers send it first (RFC 6265 §5.4); another app of the web server may have the path above."""
    browser = rig.browser()
    await browser.log_in()
    session = browser.cookies["webmailsession"]
    fields = {"cookie": f'webmailsession={session}; webmailsession="AAAA mia"', "x-moxlite-csrf": browser.csrf}
    browser.cookies.clear()
    assert (await browser.post("token", {}, fields)).status == 200


async def test_a_log_out_ends_the_session_and_its_streams(rig: Rig) -> None:
    """WEB-59, WEBMAIL-22, WEBMAIL-30."""
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events()
    await events.until("start")
    csrf, cookies = browser.csrf, dict(browser.cookies)
    await browser.call("logout")
    assert "webmailsession" not in browser.cookies
    assert (await events.until("fatal"))["message"] == "session no longer valid"
    assert await events.next() is None
    browser.csrf, browser.cookies = csrf, cookies
    assert await browser.error("token") == (401, "user:badAuth")


async def add_to(rig: Rig, section: str, line: str) -> None:
    """Write a line into a section of domains.toml, and have the server read it."""
    path = rig.holder.domains_path
    before = path.read_text()
    assert f"[{section}]\n" in before
    path.write_text(before.replace(f"[{section}]\n", f"[{section}]\n{line}\n"))
    await rig.holder.reload()


async def test_an_account_that_may_not_log_in_says_why_and_loses_its_sessions(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-18, WEB-57: calls at once, streams when they look at their session again."""
    browser = rig.browser()
    await browser.log_in()
    monkeypatch.setattr("moxlite.web.webmail.live.streams.SESSION_CHECK", 0.05)
    events = await browser.events()
    await events.until("start")
    await add_to(rig, "accounts.mia", 'login_disabled = "Ask Tom, see https://example.org/"')
    assert (await events.until("fatal"))["message"] == "session no longer valid"
    assert await browser.error("token") == (401, "user:badAuth")
    token = await browser.call("login_prep")
    answer = await browser.post("login", {"login_token": token, "username": ADDRESS, "password": PASSWORD})
    assert answer.status == 401
    assert answer.json["error"] == {"code": "user:loginFailed", "message": "Ask Tom, see https://example.org/"}


async def test_accounts_of_a_disabled_domain_can_log_in(rig: Rig) -> None:
    """WEBMAIL-18: they read what they have."""
    before = rig.browser()
    await before.log_in()
    await add_to(rig, 'domains."example.org"', "disabled = true")
    assert await before.call("token")
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events()
    assert (await events.until("start"))["mailbox_name"] == "Inbox"
    await events.aclose()


async def test_sessions_that_were_removed_end_their_streams(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-19, WEBMAIL-30: as a password change does, at once."""
    monkeypatch.setattr("moxlite.web.webmail.live.streams.SESSION_CHECK", 3600.0)
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events()
    await events.until("start")
    await rig.auth.sessions.remove_all("mia")
    assert (await events.until("fatal"))["message"] == "session no longer valid"


async def test_log_ins_and_misused_sessions_are_recorded(rig: Rig) -> None:
    """WEB-58, WEBMAIL-21."""
    browser = rig.browser()
    token = await browser.call("login_prep")
    await browser.error("login", login_token=token, username=ADDRESS, password="wrong password")
    await browser.log_in()
    browser.csrf = "A" * 22
    assert await browser.error("token") == (401, "user:badAuth")

    recorded: list[tuple[str, str, str]] = []

    async def look() -> None:
        while len(recorded) < 3:
            recorded[:] = [(one.protocol, one.mechanism, one.result) for one in await rig.auth.attempts.newest("mia")]
            await trio.sleep(0.01)

    with trio.move_on_after(60):
        await look()
    assert sorted(recorded) == [
        ("webmail", "weblogin", "badpassword"),
        ("webmail", "weblogin", "ok"),
        ("webmail", "websession", "badcreds"),
    ]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)
async def test_calls_of_foreign_pages_are_refused(rig: Rig, headers: dict[str, str]) -> None:
    """WEB-132, WEBMAIL-113."""
    browser = rig.browser()
    await browser.log_in()
    assert (await browser.post("token", {}, headers)).status == 403


async def test_messages_and_streams_are_only_for_our_own_pages(rig: Rig) -> None:
    """WEBMAIL-14, WEB-55."""
    browser = rig.browser()
    assert (await browser.fetch("/webmail/msg/1/raw")).status == 403
    await browser.log_in()
    assert (await browser.fetch("/webmail/msg/1/raw", headers={"sec-fetch-site": "cross-site"})).status == 403
    assert (await browser.fetch("/webmail/msg/1/raw", headers={"sec-fetch-site": "same-origin"})).status == 404
    assert (await browser.fetch("/webmail/msg/1/raw", headers={"sec-fetch-site": "none"})).status == 404


async def test_a_stream_token_is_good_for_one_stream_of_its_session(rig: Rig) -> None:
    """WEBMAIL-30, WEBMAIL-113."""
    browser, other = rig.browser(), rig.browser()
    await browser.log_in()
    await other.log_in()
    token = await browser.call("token")
    target = f"/webmail/events?token={token}&request=%7B%7D"
    assert (await other.fetch(target)).status == 400
    assert (await browser.fetch(target)).status == 400
    events = await browser.events(first_request())
    await events.until("start")
    await events.aclose()
