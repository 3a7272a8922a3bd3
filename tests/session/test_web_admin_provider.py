"""Log-in to the admin app by a login provider: for the members of one group, and nobody else."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
from joserfc import jwk

from moxlite.logins.adminpassword import write_admin_password
from moxlite.net.httpclient import HTTPError, HTTPResponse
from moxlite.proto.totp import hotp
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.loginattempts import ADMIN, RecordedAttempt
from tests.browsing import Events
from tests.loginprovider import ISSUER, PROVIDER, House, house_of, reply, signed, tell, unsigned
from tests.web_rig import ADMIN_PASSWORD, ADMIN_STATIC, Browser, Rig, visitor

SETTINGS = ADMIN_STATIC + PROVIDER + 'admin_group = "mail admins"\n'

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/", static=SETTINGS)]

FAILED = (401, "user:loginFailed")

MEMBER: dict[str, Any] = {"groups": ["staff", "mail admins"]}


@pytest.fixture
def provider(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    house = house_of(rig, monkeypatch)
    house.claims = dict(MEMBER)
    return house


def page(rig: Rig) -> Browser:
    return visitor(rig, port=443, tls=True)


async def back(provider: House, browser: Browser) -> dict[str, str]:
    """Go to the provider and log in there: what the page has in its address then."""
    return provider.approve(await browser.call("provider_login", stay=False))


async def log_in(provider: House, browser: Browser) -> dict[str, Any]:
    answer = await browser.post("provider_finish", {"answer": await back(provider, browser)})
    assert answer.status == 200, answer.body
    result: dict[str, Any] = answer.json["result"]
    browser.csrf = result["csrf_token"]
    return result


async def test_a_member_of_the_group_logs_in(rig: Rig, provider: House) -> None:
    """WEB-189: by one redirect; sessions, log-ins and the audit log name the person, who needs no account."""
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    provider.claims |= {"email": "mia@example.org", "email_verified": True}
    browser = page(rig)
    assert await browser.call("provider_name") == "Home"
    url = await browser.call("provider_login", stay=False)
    assert parse_qs(urlsplit(url).query)["scope"] == ["openid groups"]
    result = await browser.call("provider_finish", answer=provider.approve(url))
    browser.csrf = result["csrf_token"]
    [asked] = [one for one in provider.asked if one[0] == "POST"]
    assert b"redirect_uri=https%3A%2F%2Fmail.example.org%2Fadmin%2F" in asked[3]
    [session] = await browser.call("sessions")
    assert (session["subject"], session["own"]) == ("mia-at-home", True)
    await browser.call("limits_clear", ip="192.0.2.9")
    [made] = await rig.auth.audit.entries(AuditFilter(actor="(admin mia-at-home)"))
    [entry] = await rig.auth.audit.entries(AuditFilter(words="mia-at-home"))
    assert (made.action, made.via, made.outcome) == ("limits clear", "webadmin", "done")
    assert (entry.action, entry.object) == ("admin login by provider", "mia")
    assert (entry.actor, entry.outcome) == (ADMIN, "done")
    assert "mia@example.org" in entry.detail
    found: list[RecordedAttempt] = []
    while not found:
        await trio.to_thread.run_sync(time.sleep, 0.002)
        found = await rig.auth.attempts.newest(ADMIN)
    assert [(one.mechanism, one.address, one.result) for one in found] == [("provider", "mia-at-home", "ok")]


async def test_a_provider_without_a_scope_for_groups(rig: Rig, provider: House) -> None:
    """WEB-189: it may refuse one that it doesn't know, so the claim comes with `profile`."""
    provider.scopes = []
    url = await page(rig).call("provider_login", stay=False)
    assert parse_qs(urlsplit(url).query)["scope"] == ["openid profile"]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"groups": []},
        {"groups": ["staff"]},
        {"groups": "admins"},
        {"groups": ["Mail Admins"]},
        {"groups": ["mail admins "]},
        {"groups": ["/mail admins"]},
        {"groups": [["mail admins"]]},
        {"groups": {"mail admins": True}},
        {"groups": [{"name": "mail admins"}]},
        {"roles": ["mail admins"]},
        {"acr": "mail admins", "amr": ["mail admins"]},
    ],
    ids=str,
)
async def test_others_stay_outside(rig: Rig, provider: House, claims: dict[str, Any]) -> None:
    """WEB-189: also the person of the postmaster's account, with its address; the attempt is recorded, and doesn't keep
    the administrator out.
    """
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    address = {"email": "postmaster@example.org", "email_verified": True, "preferred_username": "admin"}
    provider.claims = claims | address
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert not any("session" in name for name in browser.cookies)
    assert (await browser.error("sessions"))[0] == 401
    counted = await rig.house.services.logins.attempts.counts.listing()
    assert not any(ADMIN in one.who for one in counted)
    await page(rig).log_in("", ADMIN_PASSWORD)


@pytest.mark.rig(app="/admin/", static=ADMIN_STATIC + PROVIDER)
async def test_off_without_a_group(rig: Rig, provider: House) -> None:
    """WEB-189: nothing is offered, and a person with an account or with any group gets nowhere."""
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    provider.claims = {"groups": ["", "None", "admin"]}
    browser = page(rig)
    assert await browser.call("provider_name") == ""
    assert await browser.error("provider_login", stay=False) == (400, "user:error")
    account = rig.browser(app="/", port=443, tls=True)
    answered = provider.approve(await account.call("provider_login", stay=False))
    browser.cookies["adminprovider"] = account.cookies["accountprovider"]
    assert await browser.error("provider_finish", answer=answered) == (400, "user:error")


def as_none(provider: House, claims: dict[str, Any]) -> str:
    return unsigned({"alg": "none"}, claims)


def by_secret(provider: House, claims: dict[str, Any]) -> str:
    key = jwk.OctKey.import_key("a secret: of the client")
    return signed({"alg": "HS256", "kid": "first"}, claims, key)


def by_another(provider: House, claims: dict[str, Any]) -> str:
    return signed({"alg": "RS256", "kid": "first"}, claims, jwk.RSAKey.generate_key(2048))


def changed(provider: House, claims: dict[str, Any]) -> str:
    token = signed({"alg": "RS256", "kid": "first"}, claims | {"groups": []}, provider.key)
    header, _, signature = token.split(".")
    return ".".join((header, unsigned({}, claims).split(".")[1], signature))


@pytest.mark.parametrize("forge", [as_none, by_secret, by_another, changed])
async def test_forged_groups(
    rig: Rig, provider: House, forge: Callable[[House, dict[str, Any]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-189, WEB-180: a token that names the group, but isn't the provider's."""

    def token(asked: dict[str, str], access_token: str) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": "eve", "aud": "moxlite", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        return forge(provider, claims | MEMBER)

    monkeypatch.setattr(provider, "token", token)
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED


@pytest.mark.parametrize(
    "claims",
    [{"exp": 0}, {"iat": 0}, {"aud": "calendar"}, {"iss": "https://evil.example"}, {"nonce": "x" * 43}],
    ids=str,
)
async def test_tokens_for_something_else(rig: Rig, provider: House, claims: dict[str, Any]) -> None:
    """WEB-189, WEB-180: expired tokens, and tokens of another client, issuer or request."""
    provider.claims |= claims
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED


async def test_answers_of_other_apps_and_browsers(rig: Rig, provider: House) -> None:
    """WEB-189: login CSRF, replay, and a log-in that began in the webmail, or for it."""
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    attacker, victim, webmail = page(rig), page(rig), rig.browser(app="/webmail/", port=443, tls=True)
    answered = await back(provider, attacker)
    assert await victim.error("provider_finish", answer=answered) == FAILED
    await back(provider, victim)
    assert await victim.error("provider_finish", answer=answered) == FAILED
    answered = provider.approve(await webmail.call("provider_login", stay=False))
    victim.cookies["adminprovider"] = webmail.cookies["webmailprovider"]
    assert await victim.error("provider_finish", answer=answered) == FAILED
    answered = await back(provider, victim)
    webmail.cookies["webmailprovider"] = victim.cookies["adminprovider"]
    assert await webmail.error("provider_finish", answer=answered) == FAILED
    kept = dict(victim.cookies)
    await victim.call("provider_finish", answer=answered)
    victim.cookies = kept
    assert await victim.error("provider_finish", answer=answered) == FAILED


async def test_a_planted_cookie_names_no_session(rig: Rig, provider: House) -> None:
    """WEB-189: session fixation: each log-in has tokens of its own."""
    planted = page(rig)
    await planted.log_in("", ADMIN_PASSWORD)
    browser = page(rig)
    browser.cookies |= {name: value for name, value in planted.cookies.items() if "session" in name}
    before = dict(browser.cookies)
    await log_in(provider, browser)
    assert browser.cookies["adminsession"] != before["adminsession"]
    [own] = [one for one in await browser.call("sessions") if one["own"]]
    assert own["subject"] == "mia-at-home"
    assert [one["subject"] for one in await planted.call("sessions") if one["own"]] == [""]


async def test_the_second_factor_is_asked_for(rig: Rig, provider: House) -> None:
    """WEB-189, WEB-151: that of the admin app, unless a log-out there comes first; the log-in is in the audit log once
    it is complete.
    """
    secret = b"x" * 20
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    provider.claims |= {"email": "mia@example.org", "email_verified": True}
    await rig.auth.factors.add_totp(ADMIN, "phone", secret, 1)
    browser = page(rig)
    for overtaken in (True, False):
        result = await log_in(provider, browser)
        assert (result["csrf_token"], result["second_step"]["apps"]) == ("", ["phone"])
        step = {"token": result["second_step"]["token"], "kind": "totp"}
        code = hotp(secret, int(time.time()) // 30 + (0 if overtaken else 1))
        if overtaken:
            assert await tell(page(rig), provider.logout_token()) == 200
            assert await browser.error("login_factor", **step, code=code) == FAILED
            assert (await browser.error("sessions"))[0] == 401
        else:
            browser.csrf = (await browser.call("login_factor", **step, code=code))["csrf_token"]
            assert [one["subject"] for one in await browser.call("sessions")] == ["mia-at-home"]
        entries = await rig.auth.audit.entries(AuditFilter(words="admin login by provider"))
        outcomes = ["refused"] if overtaken else ["done", "refused"]
        assert [(one.outcome, one.object, "mia@example.org" in one.detail) for one in entries] == [
            (outcome, "mia", True) for outcome in outcomes
        ]


@pytest.mark.rig(app="/admin/", static=SETTINGS + 'second_factor = ["mfa"]\n')
async def test_the_provider_s_second_factor(rig: Rig, provider: House) -> None:
    """WEB-187, WEB-189."""
    await rig.auth.factors.add_totp(ADMIN, "phone", b"x" * 20, 1)
    provider.claims |= {"amr": ["pwd", "mfa"]}
    assert (await log_in(provider, page(rig)))["csrf_token"] != ""


async def test_a_password_that_changes_meanwhile(rig: Rig, provider: House) -> None:
    """WEB-60: before the second factor too: the owner who changes it wants all others out."""
    secret = b"x" * 20
    inside = page(rig)
    await log_in(provider, inside)
    await rig.auth.factors.add_totp(ADMIN, "phone", secret, 1)
    browser = page(rig)
    step = (await log_in(provider, browser))["second_step"]
    write_admin_password(rig.holder.path.parent / "adminpasswd", "another long password")
    code = hotp(secret, int(time.time()) // 30)
    assert await browser.error("login_factor", token=step["token"], kind="totp", code=code) == FAILED
    assert (await inside.error("sessions"))[0] == 401


@pytest.mark.rig(app="/admin/", static=SETTINGS.replace('admin_password_file = "adminpasswd"\n', ""))
async def test_a_reset_of_second_factors_ends_sessions_without_a_password(rig: Rig, provider: House) -> None:
    """WEB-59, WEB-189: also where the provider alone logs in."""
    browser = page(rig)
    await log_in(provider, browser)
    await browser.call("sessions")
    assert (await browser.error("confirm", kind="password", code=ADMIN_PASSWORD))[0] == 401
    await rig.house.factor_changes.reset(ADMIN, where="the command line")
    answer = await browser.post("sessions", {})
    assert (answer.status, "was reset" in answer.json["error"]["message"]) == (401, True)


@pytest.mark.parametrize(
    ("since", "subject", "groups", "status"),
    [
        (0, "mia-at-home", ["mail admins"], 200),
        (-100, "mia-at-home", ["mail admins"], 200),  # clocks differ
        (-130, "mia-at-home", ["mail admins"], 401),
        (None, "mia-at-home", ["mail admins"], 401),
        (0, "tom-at-home", ["mail admins"], 401),
        (0, "mia-at-home", ["staff"], 401),
        (0, "mia-at-home", None, 401),
    ],
)
async def test_a_new_log_in_confirms(
    rig: Rig, provider: House, since: int | None, subject: str, groups: list[str] | None, status: int
) -> None:
    """WEB-184, WEB-189: the same person, who has to be in the group still, has to log in anew there."""
    browser = page(rig)
    await log_in(provider, browser)
    assert (await browser.post("password_change", {"password": "a new long password"})).status == 403
    provider.subject = subject
    provider.claims = {"groups": groups, "auth_time": None if since is None else int(time.time()) + since}
    answered = provider.approve(await browser.call("provider_confirm"))
    asked = list(provider.codes.values())[-1]
    assert (asked["prompt"], asked["max_age"]) == ("login", "60")
    assert (await browser.post("provider_confirmed", {"answer": answered})).status == status
    changed = await browser.post("password_change", {"password": "a new long password"})
    assert changed.status == (200 if status == 200 else 403)


async def test_the_admin_password_confirms(rig: Rig, provider: House) -> None:
    """WEB-189, WEB-63a: also after a log-in by the provider, which may be down; and an old log-in there does not."""
    provider.claims["auth_time"] = int(time.time()) - 3600
    browser = page(rig)
    await log_in(provider, browser)
    assert (await browser.post("password_change", {"password": "a new long password"})).status == 403
    assert (await browser.error("confirm", kind="password", code="wrong"))[0] == 401
    await browser.call("confirm", kind="password", code=ADMIN_PASSWORD)
    await browser.call("password_change", password="a new long password")


async def opened(browser: Browser) -> Events:
    """The live view's stream."""
    codec, octets = browser.request("GET", "/admin/live", {"x-moxlite-csrf": browser.csrf})
    stream = browser.rig.connect(**browser.connection)
    await stream.send_all(octets)
    events = Events(codec, stream)
    await events.block()
    return events


async def to_the_end(events: Events) -> None:
    with trio.fail_after(5):
        while await events.block():
            pass


@pytest.mark.parametrize("app", ["/admin/", "/webmail/", "/"])
async def test_log_out_at_the_provider(rig: Rig, provider: House, app: str) -> None:
    """WEB-183, WEB-189: the person's sessions end, wherever the provider says so, and the live view at once; sessions
    of another person, and with the password, go on.
    """
    browser, second, colleague, own = page(rig), page(rig), page(rig), page(rig)
    await log_in(provider, browser)
    await log_in(provider, second)
    await own.log_in("", ADMIN_PASSWORD)
    provider.subject = "tom-at-home"
    await log_in(provider, colleague)
    provider.subject = "mia-at-home"
    assert "id_token_hint=" in await browser.call("provider_logout")
    assert "id_token_hint=" not in await own.call("provider_logout")
    ended, living = await opened(browser), await opened(own)
    assert await tell(rig.browser(app=app, port=443, tls=True), provider.logout_token(), app) == 200
    await to_the_end(ended)
    assert (await browser.error("sessions"))[0] == 401
    assert [one["subject"] for one in await own.call("sessions")] == ["", "tom-at-home"]
    assert (await second.error("sessions"))[0] == 401
    await colleague.call("sessions")
    await living.block()
    await log_in(provider, browser)


async def test_another_page_ends_a_session(rig: Rig, provider: House) -> None:
    """WEB-54: its live view ends at once."""
    browser, own = page(rig), page(rig)
    await log_in(provider, browser)
    await own.log_in("", ADMIN_PASSWORD)
    events = await opened(browser)
    [number] = [one["id"] for one in await own.call("sessions") if one["subject"]]
    await own.call("session_end", session_id=number)
    await to_the_end(events)


async def test_a_session_ends_after_twelve_hours(rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-189: however much it is used, since the group may be another one by then; one with the password goes on."""
    browser, own = page(rig), page(rig)
    await log_in(provider, browser)
    await own.log_in("", ADMIN_PASSWORD)
    now = time.time_ns()
    for hours, status in ((7, 200), (11, 200), (12.01, 401)):
        later = round(now + hours * 3600e9)
        monkeypatch.setattr("moxlite.web.admin.sessions.time.time_ns", lambda later=later: later)
        assert (await browser.post("sessions", {})).status == status
        await own.call("sessions")


# The page of the login provider


DOCUMENT = "/.well-known/openid-configuration"


async def examined(rig: Rig, issuer: str = ISSUER, **options: Any) -> dict[str, Any]:
    browser = page(rig)
    await browser.log_in("", ADMIN_PASSWORD)
    found: dict[str, Any] = await browser.call("provider_trial", issuer=issuer, **options)
    return found


async def test_the_page_of_the_provider(rig: Rig, provider: House) -> None:
    """WEB-191: what is set, and the addresses to register."""
    browser = page(rig)
    await browser.log_in("", ADMIN_PASSWORD)
    found = await browser.call("provider_setup")
    assert (found["issuer"], found["client_id"], found["name"]) == (ISSUER, "moxlite", "Home")
    assert (found["admin_group"], found["shared"]) == ("mail admins", [])
    assert found["pages"] == [f"https://mail.example.org/{app}" for app in ("webmail/", "", "admin/")]
    assert found["logout"] == "https://mail.example.org/webmail/provider-logout"


async def test_a_provider_that_can_be_used(rig: Rig, provider: House) -> None:
    """WEB-191: as it is now, with what is not available with it; the client's secret isn't needed."""
    assert await examined(rig) == {"problems": [], "notes": ["logging out there doesn't end sessions here"]}
    assert [method for method, *_ in provider.asked] == ["GET", "GET"]
    bare = {"end_session_endpoint": "", "scopes_supported": ["openid"], "claims_supported": ["sub"]}
    provider.answers[DOCUMENT] = reply(provider.document() | bare)
    notes = (await examined(rig))["notes"]
    assert len(notes) == 4
    for note, word in zip(notes, ("end sessions", "log out there", "groups", "auth_time"), strict=True):
        assert word in note


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"issuer": f"{ISSUER}/"}, [f"expected issuer '{ISSUER}', but the document is from '{ISSUER}/'"]),
        ({"response_types_supported": ["id_token"], "code_challenge_methods_supported": []}, ["code flow", "PKCE"]),
        ({"response_modes_supported": ["form_post"]}, ["responses in the query"]),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, ["public key"]),
        ({"token_endpoint": "http://login.example.org/token"}, ["isn't an HTTPS URL"]),
        ({"jwks_uri": "https://user@/"}, ["isn't an HTTPS URL"]),
        ({"jwks_uri": "https://[::1"}, ["invalid endpoint URL"]),
        ({"end_session_endpoint": "https://[::1"}, ["invalid endpoint URL"]),
        ({"token_endpoint": 5}, ["discovery document"]),
    ],
    ids=str,
)
async def test_what_a_provider_lacks(rig: Rig, provider: House, changed: dict[str, Any], words: list[str]) -> None:
    """WEB-191: all of it, in words."""
    provider.answers[DOCUMENT] = reply(provider.document() | changed)
    problems = (await examined(rig))["problems"]
    assert len(problems) == len(words)
    for problem, word in zip(problems, words, strict=True):
        assert word in problem


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        (DOCUMENT, HTTPResponse(404, (), b""), "status 404"),
        (DOCUMENT, HTTPResponse(302, (("location", "http://10.0.0.1/"),), b""), "status 302"),
        (DOCUMENT, HTTPResponse(200, (), b" " * 300_000), "exceeds"),
        (DOCUMENT, HTTPResponse(200, (), b"<html>"), "discovery document"),
        (DOCUMENT, HTTPError("timed out after 10 s"), "timed out"),
        ("/certs", HTTPResponse(200, (), b'{"keys": []}'), "doesn't have usable keys"),
        ("/certs", HTTPResponse(500, (), b""), "status 500"),
    ],
    ids=str,
)
async def test_a_provider_that_answers_badly(rig: Rig, provider: House, path: str, answer: Any, words: str) -> None:
    """WEB-191: its fault is told, with the address."""
    provider.answers[path] = answer
    [problem] = (await examined(rig))["problems"]
    assert words in problem


async def test_no_provider_of_the_inner_network_unasked(rig: Rig) -> None:
    """WEB-191, WEB-180: neither plain http nor an inner address, unless the administrator says so."""
    browser = page(rig)
    await browser.log_in("", ADMIN_PASSWORD)
    for issuer in ("http://127.0.0.1", "file:///etc/passwd", "", "login.example.org", "https://[::1"):
        answer = await browser.post("provider_trial", {"issuer": issuer})
        assert [one["field"] for one in answer.json["error"]["fields"]] == ["issuer"]
    [problem] = (await examined(rig, "https://127.0.0.1:9"))["problems"]
    assert "private network" in problem
    [problem] = (await examined(rig, "http://127.0.0.1:9", allow_internal=True))["problems"]
    assert "can't connect" in problem


@pytest.mark.rig(app="/admin/", static=ADMIN_STATIC)
async def test_the_page_without_a_provider(rig: Rig) -> None:
    """WEB-191."""
    browser = page(rig)
    await browser.log_in("", ADMIN_PASSWORD)
    found = await browser.call("provider_setup")
    assert (found["issuer"], found["admin_group"], len(found["pages"])) == ("", "", 3)
