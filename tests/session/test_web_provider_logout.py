"""Log-outs: at the login provider, which end sessions here, and here, which go on to the provider."""

import base64
import json
import time
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import pytest
import trio

from moxlite.net.httpclient import HTTPError
from moxlite.proto.totp import hotp
from moxlite.store.auth.sessions import ProviderLogin, SessionTokens
from moxlite.store.auth.websessions import ProviderLogouts
from moxlite.store.errors import StorageFull
from tests.loginprovider import CLIENT, ISSUER, PROVIDER, House, back, connect, house_of, log_in, page, tell
from tests.web_rig import STATIC, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(static=STATIC + PROVIDER)]

FAILED = (401, "user:loginFailed")


@pytest.fixture
def provider(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    return house_of(rig, monkeypatch)


def no_room(*_: object, **more: object) -> SessionTokens:
    raise StorageFull("no room")


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a signed token."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@pytest.mark.parametrize("app", ["/webmail/", "/"])
async def test_log_out_at_the_provider(rig: Rig, provider: House, app: str) -> None:
    """WEB-183: all sessions that the person began end, and their streams at once. Others don't: of other accounts, of
    another person of the account, and those that began with a password.
    """
    await connect(rig)
    await connect(rig, "mia-at-work")
    browser, account, handed, other = page(rig), page(rig, "/"), page(rig, "/"), page(rig)
    colleague, own = page(rig), page(rig)
    await log_in(provider, browser)
    await log_in(provider, account)
    token = await browser.call("hand_on")
    handed.cookies = browser.cookies
    answer = await handed.post("login_handed", {"token": token}, {"origin": "https://mail.example.org"})
    handed.csrf = answer.json["result"]["csrf_token"]
    await own.log_in()
    provider.subject = "mia-at-work"
    await log_in(provider, colleague)
    await connect(rig, "tom-at-home", "tom")
    provider.subject = "tom-at-home"
    await log_in(provider, other)
    provider.subject = "mia-at-home"
    events = await browser.events()
    await events.until("start")
    assert await tell(page(rig, app), provider.logout_token(), app) == 200
    with trio.fail_after(5):
        assert (await events.until("fatal"))["message"] == "session no longer valid"
    assert (await browser.error("token"))[0] == 401
    for ended in (account, handed):
        assert (await ended.error("overview"))[0] == 401
    for living in (other, colleague, own):
        await living.call("token")


@pytest.mark.parametrize("full", [False, True])
async def test_log_out_of_one_session_at_the_provider(
    rig: Rig, provider: House, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-183: a token that names a session alone ends what that one has begun, in all apps, also what couldn't be
    stored; the person's other sessions go on.
    """
    await connect(rig)
    browser, account, other, own = page(rig), page(rig, "/"), page(rig), page(rig)
    await own.log_in()
    with monkeypatch.context() as patch:
        if full:
            patch.setattr("moxlite.store.auth.sessions.add_session", no_room)
        provider.claims = {"sid": "at the desk"}
        await log_in(provider, browser)
        await log_in(provider, account)
        provider.claims = {"sid": "on the phone"}
        await log_in(provider, other)
    assert await tell(page(rig), provider.logout_token(sub=None, sid="at home")) == 200
    await browser.call("token")
    assert await tell(page(rig), provider.logout_token(sub=None, sid="at the desk")) == 200
    for ended in (browser, account):
        assert (await ended.error("provider_logout"))[0] == 401
    for living in (other, own):
        await living.call("token")


async def test_a_log_out_of_one_session_there_cancels_its_log_in_on_the_way(rig: Rig, provider: House) -> None:
    """WEB-183"""
    await connect(rig)
    provider.claims = {"sid": "at the desk"}
    late, other = page(rig), page(rig)
    answered = provider.approve(await late.call("provider_login", stay=False))
    assert await tell(page(rig), provider.logout_token(sub=None, sid="at the desk")) == 200
    assert await late.error("provider_finish", answer=answered) == FAILED
    await log_in(provider, other)


async def test_a_logout_token_serves_once(rig: Rig, provider: House) -> None:
    """WEB-183: replay; also in the other app."""
    await connect(rig)
    token = provider.logout_token()
    assert await tell(page(rig), token) == 200
    browser = page(rig)
    await log_in(provider, browser)
    assert await tell(page(rig), token) == 400
    assert await tell(page(rig, "/"), token, "/") == 400
    await browser.call("token")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "calendar"},
        {"iat": 0},
        {"iat": None},
        {"exp": 1},
        {"jti": None},
        {"jti": ""},
        {"sub": None},
        {"events": None},
        {"events": {}},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": "x"}},
        {"nonce": "n"},
        {"nonce": ""},
    ],
    ids=str,
)
async def test_bad_logout_tokens(rig: Rig, provider: House, changed: dict[str, Any]) -> None:
    """WEB-183: nobody is logged out; the attempt is recorded."""
    await connect(rig)
    browser = page(rig)
    await log_in(provider, browser)
    assert await tell(page(rig), provider.logout_token(**changed)) == 400
    await browser.call("token")


async def test_other_texts_log_nobody_out(rig: Rig, provider: House) -> None:
    """WEB-183: no token, an ID token, one without a signature, and a person without an account."""
    await connect(rig)
    browser = page(rig)
    await log_in(provider, browser)
    for token in ("", "x", provider.token({"nonce": "n"}, "opaque"), provider.logout_token().rpartition(".")[0] + "."):
        assert await tell(page(rig), token) == 400
    provider.subject = "nobody"
    assert await tell(page(rig), provider.logout_token()) == 200
    assert (await page(rig).fetch("/webmail/provider-logout")).status == 404
    await browser.call("token")


async def test_logout_tokens_while_the_provider_is_away(rig: Rig, provider: House) -> None:
    """WEB-183: it hears that it has to try again; the token wasn't used."""
    token = provider.logout_token()
    provider.answers["/certs"] = HTTPError("no response within 10 s")
    assert await tell(page(rig), token) == 503
    provider.answers.clear()
    assert await tell(page(rig), token) == 200


async def test_a_log_out_there_cancels_log_ins_on_their_way(
    rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-183: whether the second factor, the page's call, or the session itself is still to come; a later log-in
    counts, and one of another person.
    """
    await connect(rig)
    await connect(rig, "tom-at-home", "tom")
    secret = b"x" * 20
    browser = page(rig)
    answered = await back(provider, browser)
    assert await tell(page(rig), provider.logout_token()) == 200
    assert await browser.error("provider_finish", answer=answered) == FAILED  # the provider had answered
    await rig.auth.factors.add_totp("mia", "phone", secret, 1)
    step = (await log_in(provider, browser))["second_step"]
    assert await tell(page(rig), provider.logout_token()) == 200
    code = hotp(secret, int(time.time()) // 30)
    assert await browser.error("login_factor", token=step["token"], kind="totp", code=code, stay=False) == FAILED
    assert not any("session" in name for name in browser.cookies)
    await rig.auth.factors.drop("mia")
    provider.subject = "tom-at-home"
    answered = await back(provider, browser)
    provider.subject = "mia-at-home"
    assert await tell(page(rig), provider.logout_token()) == 200
    provider.subject = "tom-at-home"
    await browser.call("provider_finish", answer=answered)
    provider.subject = "mia-at-home"
    adding = rig.auth.sessions.add

    async def overtaken(*args: Any, **options: Any) -> SessionTokens:
        tokens = await adding(*args, **options)
        assert await tell(page(rig), provider.logout_token()) == 200
        return tokens

    monkeypatch.setattr(rig.auth.sessions, "add", overtaken)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert await rig.auth.sessions.of("mia") == []
    monkeypatch.undo()


async def test_a_log_out_there_cancels_a_connection_on_its_way(rig: Rig, provider: House) -> None:
    """WEB-183: of a person who has no account yet, and a confirmation."""
    browser = page(rig, "/")
    await browser.log_in()
    answered = provider.approve(await browser.call("provider_connect"))
    assert await tell(page(rig), provider.logout_token()) == 200
    assert await browser.error("provider_connected", answer=answered) == FAILED
    assert await rig.auth.bindings.of("") == []
    await connect(rig)
    provider.claims = {"auth_time": int(time.time())}
    answered = provider.approve(await browser.call("provider_confirm"))
    assert await tell(page(rig), provider.logout_token()) == 200
    assert await browser.error("provider_confirmed", answer=answered) == FAILED
    await log_in(provider, page(rig))


def test_log_outs_that_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-183: a log-in from before the oldest log-out that is still known counts as ended."""
    monkeypatch.setattr("moxlite.store.auth.websessions.MAX_LOGOUTS", 2)
    logouts = ProviderLogouts()
    for subject in ("ann", "ben", "cem"):
        logouts.note(subject)
    assert [logouts.after(0, ProviderLogin(subject)) for subject in ("ann", "ben", "cem", "dan")] == [True] * 4
    assert [logouts.after(1, ProviderLogin(subject)) for subject in ("ann", "ben", "cem", "dan")] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("full", [False, True])
async def test_log_out_here(rig: Rig, provider: House, full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-183: the browser goes on to the provider, which brings it back to the page, with the ID token of the log-in
    as a hint: also in a session that was handed on, and in one that couldn't be stored.
    """
    await connect(rig)
    browser, own = page(rig), page(rig)
    with monkeypatch.context() as patch:
        if full:
            patch.setattr("moxlite.store.auth.sessions.add_session", no_room)
        await log_in(provider, browser)
    url = await browser.call("provider_logout")
    assert url.startswith(f"{ISSUER}/logout?")
    fields = parse_qs(urlsplit(url).query)
    [hint] = fields.pop("id_token_hint")
    assert claims_of(hint)["sub"] == "mia-at-home"
    plain = {"client_id": [CLIENT], "post_logout_redirect_uri": ["https://mail.example.org/webmail/"]}
    assert fields == plain
    if not full:
        token = await browser.call("hand_on")
        handed = page(rig, "/")
        handed.cookies = browser.cookies
        answer = await handed.post("login_handed", {"token": token}, {"origin": "https://mail.example.org"})
        handed.csrf = answer.json["result"]["csrf_token"]
        assert parse_qs(urlsplit(await handed.call("provider_logout")).query)["id_token_hint"] == [hint]
    await own.log_in()
    assert parse_qs(urlsplit(await own.call("provider_logout")).query) == plain


async def test_an_id_token_that_is_too_long_for_an_address_is_no_hint(rig: Rig, provider: House) -> None:
    """WEB-183"""
    await connect(rig)
    provider.claims = {"groups": [f"group {number}" for number in range(400)], "sid": "s1"}
    browser = page(rig)
    await log_in(provider, browser)
    assert "id_token_hint" not in await browser.call("provider_logout")


async def test_a_log_out_here_doesn_t_wait_for_a_provider_that_hangs(
    rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-183: the session here ends all the same."""
    await connect(rig)
    browser = page(rig)
    await log_in(provider, browser)
    monkeypatch.setattr("moxlite.web.providerlogin.AWAITED", 0.1)

    async def hang(*_: object) -> NoReturn:
        await trio.sleep_forever()

    monkeypatch.setattr("moxlite.logins.provider.LoginProvider.logout_url", hang)
    assert await browser.call("provider_logout") == ""
