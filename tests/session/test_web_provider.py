"""Log-in by a login provider: in webmail and account app, by connected people alone; and how accounts are connected."""

import base64
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
from joserfc import jwk

from moxlite.admin.factors import FactorCommands
from moxlite.admin.passwords import Passwords
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.logins.attempts import Attempts
from moxlite.logins.identity import Identity
from moxlite.net.control.server import CommandFailed
from moxlite.net.httpclient import HTTPError, HTTPResponse
from moxlite.operations.access import ConnectProvider, DisconnectProvider, ListConnections
from moxlite.operations.accounts import DisableAccount
from moxlite.operations.performing import SILENT
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.credentials import mark_two_step
from moxlite.store.auth.loginattempts import RecordedAttempt
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.loginprovider import ISSUER, PROVIDER, House, back, connect, house_of, log_in, page, reply
from tests.web_rig import ADDRESS, DOMAINS, STATIC, Browser, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(static=STATIC + PROVIDER)]

FAILED = (401, "user:loginFailed")


@pytest.fixture
def provider(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    return house_of(rig, monkeypatch)


@pytest.mark.parametrize("app", ["/webmail/", "/"])
async def test_log_in_by_the_provider(rig: Rig, provider: House, app: str) -> None:
    """WEB-181: in both apps, by issuer and subject; the browser comes back to the page itself."""
    await connect(rig)
    browser = page(rig, app)
    assert await browser.call("provider_name") == "Home"
    answer = await browser.post("provider_login", {"stay": False})
    [cookie] = answer.cookies
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Max-Age=600", f"Path={app}"} <= set(cookie.split("; "))
    answered = provider.approve(answer.json["result"])
    [asked] = provider.codes.values()
    assert asked["redirect_uri"] == f"https://mail.example.org{app}"
    assert "prompt" not in asked
    result = await browser.call("provider_finish", answer=answered)
    browser.csrf = result["csrf_token"]
    assert result["login_address"] == ADDRESS
    assert not any("provider" in name for name in browser.cookies)
    await browser.call("overview" if app == "/" else "token")


async def test_unknown_people_are_refused(rig: Rig, provider: House) -> None:
    """WEB-181: also with the address of an account; the attempt is recorded."""
    await connect(rig, "tom-at-home", "tom")
    provider.claims = {"email": ADDRESS, "email_verified": True, "preferred_username": "mia"}
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert not any("session" in name for name in browser.cookies)
    found: list[RecordedAttempt] = []
    while not found:
        await trio.to_thread.run_sync(time.sleep, 0.002)
        found = [one for one in await rig.auth.attempts.newest("-") if one.mechanism == "provider"]
    assert found[0].result == "baduser"


async def test_another_issuer_s_subject(rig: Rig, provider: House) -> None:
    """WEB-181: the same subject at another provider is another person."""
    await rig.auth.bindings.add("https://other.example", "mia-at-home", "mia")
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED


def other_state(answered: dict[str, str]) -> dict[str, str]:
    return answered | {"state": answered["state"][:-1] + "~"}


def other_code(answered: dict[str, str]) -> dict[str, str]:
    return answered | {"code": "guessed"}


def other_issuer(answered: dict[str, str]) -> dict[str, str]:
    return answered | {"iss": "https://evil.example"}


def no_issuer(answered: dict[str, str]) -> dict[str, str]:
    return answered | {"iss": ""}


@pytest.mark.parametrize("change", [other_code, other_issuer, no_issuer])
async def test_answers_that_are_mixed_up(
    rig: Rig, provider: House, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    """WEB-181: nothing but the answer to this browser's own request counts, once."""
    await connect(rig)
    browser = page(rig)
    answered = await back(provider, browser)
    assert await browser.error("provider_finish", answer=change(answered)) == FAILED
    assert await browser.error("provider_finish", answer=answered) == FAILED  # the request is used up


async def test_tabs_wait_for_their_own_answers(rig: Rig, provider: House) -> None:
    """WEB-181: a log-in that begins in another tab ends none, nor does an answer with another state; the oldest of
    more than five is given up.
    """
    await connect(rig)
    browser = page(rig)
    answers = [await back(provider, browser) for _ in range(6)]
    assert await browser.error("provider_finish", answer=other_state(answers[1])) == FAILED
    for answered in (answers[1], answers[5]):
        assert (await browser.call("provider_finish", answer=answered))["login_address"] == ADDRESS
    assert await browser.error("provider_finish", answer=answers[0]) == FAILED
    assert max(len(cookie) for cookie in browser.cookies.values()) < 4000


async def test_an_answer_serves_once(rig: Rig, provider: House) -> None:
    """WEB-181: replay, also with the cookie that was there."""
    await connect(rig)
    browser = page(rig)
    answered = await back(provider, browser)
    kept = dict(browser.cookies)
    await browser.call("provider_finish", answer=answered)
    assert await browser.error("provider_finish", answer=answered) == FAILED
    browser.cookies = kept
    assert await browser.error("provider_finish", answer=answered) == FAILED


async def test_nobody_is_logged_in_to_the_account_of_an_attacker(rig: Rig, provider: House) -> None:
    """WEB-181: login CSRF: a stranger's answer in a browser that asked for nothing, or for something else."""
    await connect(rig)
    attacker, victim = page(rig), page(rig)
    answered = await back(provider, attacker)
    assert await victim.error("provider_finish", answer=answered) == FAILED
    await back(provider, victim)
    assert await victim.error("provider_finish", answer=answered) == FAILED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-6],
        lambda text: ("B" if text[0] == "A" else "A") + text[1:],
        lambda text: "",
        lambda text: "!",
    ],
)
async def test_cookies_that_are_spoiled(rig: Rig, provider: House, spoil: Callable[[str], str]) -> None:
    """WEB-181: what the browser keeps is signed."""
    await connect(rig)
    browser = page(rig)
    answered = await back(provider, browser)
    browser.cookies["webmailprovider"] = spoil(browser.cookies["webmailprovider"])
    assert await browser.error("provider_finish", answer=answered) == FAILED


async def test_an_answer_that_comes_late(rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-181: after ten minutes the user begins again."""
    await connect(rig)
    browser = page(rig)
    answered = await back(provider, browser)
    now = time.time()
    monkeypatch.setattr("moxlite.web.providerlogin.time.time", lambda: now + 601)
    assert await browser.error("provider_finish", answer=answered) == FAILED


async def test_an_answer_of_another_app(rig: Rig, provider: House) -> None:
    """WEB-181: what began in the account app doesn't end in the webmail."""
    await connect(rig)
    account, webmail = page(rig, "/"), page(rig)
    answered = await back(provider, account)
    webmail.cookies["webmailprovider"] = account.cookies["accountprovider"]
    assert await webmail.error("provider_finish", answer=answered) == FAILED


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "x" * 43}, {"aud": "calendar"}, {"exp": 0}, {"iss": "https://evil.example"}, {"azp": "calendar"}],
    ids=str,
)
async def test_bad_tokens(rig: Rig, provider: House, claims: dict[str, Any]) -> None:
    """WEB-180: as the session sees it; each claim has its test in test_proto_oidc.py."""
    await connect(rig)
    provider.claims = claims
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED


async def test_keys_that_change(rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-180: an unknown key is looked for once, and not more often than each 10 seconds."""
    await connect(rig)
    await log_in(provider, page(rig))
    provider.key = jwk.RSAKey.generate_key(2048, {"kid": "second"})
    browser = page(rig)
    asked = len(provider.asked)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert [url for _, url, _, _ in provider.asked[asked:]] == [f"{ISSUER}/token"]
    monkeypatch.setattr("moxlite.logins.provider.PAUSE", 0.0)
    assert (await log_in(provider, page(rig)))["csrf_token"]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", HTTPError("no response within 10 s")),
        ("/.well-known/openid-configuration", HTTPResponse(302, (("location", "http://127.0.0.1/"),), b"")),
        ("/.well-known/openid-configuration", HTTPResponse(200, (), b" " * 300_000)),
        ("/.well-known/openid-configuration", reply({"issuer": "https://evil.example"})),
        ("/certs", HTTPResponse(500, (), b"")),
        ("/certs", HTTPResponse(200, (), b"<html>")),
        ("/token", HTTPError("connection lost")),
    ],
    ids=str,
)
async def test_a_provider_that_is_away(
    rig: Rig, provider: House, path: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-182: the page says what to do, whoever is logged in stays, and a log-in asks anew after a pause."""
    await connect(rig)
    inside = page(rig)
    await inside.log_in()
    provider.answers[path] = answer
    browser = page(rig)
    begun = await browser.post("provider_login", {"stay": False})
    if begun.status == 200:
        begun = await browser.post("provider_finish", {"answer": provider.approve(begun.json["result"])})
    assert begun.status == 503
    assert "your password" in begun.json["error"]["message"]
    await inside.call("token")
    provider.answers.clear()
    if path.startswith("/.well-known"):
        asked = len(provider.asked)
        assert (await browser.post("provider_login", {"stay": False})).status == 503
        assert len(provider.asked) == asked
    monkeypatch.setattr("moxlite.logins.provider.PAUSE", 0.0)
    await log_in(provider, page(rig))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("access_denied", "canceled"),
        ("login_required", "rejected the login: login_required"),
        ("consent_required", "rejected the login: consent_required"),
        ("temporarily_unavailable", "your password"),
        ("server_error", "your password"),
        ("x-y.z", "rejected the login: x-y.z"),
    ],
)
async def test_errors_of_the_provider(rig: Rig, provider: House, code: str, words: str) -> None:
    """WEB-182: in words, only for this browser's own request, with no request to the provider, and no failed log-in."""
    browser = page(rig)
    answered = await back(provider, browser) | {"code": "", "error": code}
    kept = dict(browser.cookies)
    assert await browser.error("provider_finish", answer=answered | {"state": "x"}) == FAILED
    browser.cookies = dict(kept)
    assert (await browser.post("provider_finish", {"answer": answered | {"error": "<b>"}})).status == 400
    browser.cookies = kept
    asked = len(provider.asked)
    answer = await browser.post("provider_finish", {"answer": answered})
    assert answer.status == 401
    assert words in answer.json["error"]["message"]
    assert len(provider.asked) == asked
    assert not any("session" in name for name in browser.cookies)
    assert not any(one.result == "badcreds" for one in await rig.auth.attempts.newest("-"))


async def test_forged_answers_are_failed_log_ins(rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-182: they are recorded, and a network with too many of them makes no requests to the provider any more."""
    provider.claims = {"aud": "another"}
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    found: list[RecordedAttempt] = []
    while not found:
        await trio.to_thread.run_sync(time.sleep, 0.002)
        found = [one for one in await rig.auth.attempts.newest("-") if one.mechanism == "provider"]
    assert found[0].result == "badcreds"
    answered = await back(provider, browser)
    asked = len(provider.asked)
    monkeypatch.setattr(Attempts, "allowed", lambda *_: False)
    assert (await browser.post("provider_finish", {"answer": answered})).status == 429
    assert len(provider.asked) == asked


async def test_the_second_factor_is_asked_for(rig: Rig, provider: House) -> None:
    """WEB-181: a provider doesn't replace it."""
    await connect(rig)
    async with rig.account() as account:
        await account.write(lambda tx: mark_two_step(tx, True))
    await rig.auth.factors.add_totp("mia", "phone", b"x" * 20, 1)
    result = await log_in(provider, page(rig))
    assert (result["csrf_token"], result["second_step"]["apps"]) == ("", ["phone"])


STRONG = STATIC + PROVIDER + 'second_factor = ["mfa", "https://refeds.org/profile/mfa"]\npause_app_passwords = "30d"\n'


@pytest.mark.parametrize(
    ("claims", "strong"),
    [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"acr": "https://refeds.org/profile/mfa"}, True),
        ({"amr": ["pwd"], "acr": "1"}, False),
        ({"amr": "mfa"}, False),
        ({"amr": [["mfa"]], "acr": ["mfa"]}, False),
        ({"amr": {"mfa": True}}, False),
        ({}, False),
    ],
    ids=str,
)
@pytest.mark.rig(static=STRONG)
async def test_the_provider_s_second_factor(rig: Rig, provider: House, claims: dict[str, object], strong: bool) -> None:
    """WEB-187: it counts where a setting says so, by these very values."""
    await connect(rig)
    await rig.auth.factors.add_totp("mia", "phone", b"x" * 20, 1)
    provider.claims = claims
    assert ((await log_in(provider, page(rig)))["csrf_token"] != "") == strong


async def by_program(rig: Rig, header: str) -> int:
    """The status of a request by a calendar program."""
    answer = await page(rig).fetch("/dav/", method="PROPFIND", headers={"authorization": header, "depth": "0"})
    return answer.status


@pytest.mark.auth_here
@pytest.mark.rig(static=STRONG)
async def test_app_passwords_pause(rig: Rig, provider: House) -> None:
    """WEB-188: 30 days after the last log-in at the provider, until the next one; not those of other accounts."""
    stored = rig.house.services.logins.stored
    passwords = Passwords(rig.accounts, rig.house.services.logins, rig.house.services.end_sessions)
    password = await passwords.add_app("mia", "phone", ["dav"], read_only=False, expires=None)
    token = await passwords.add_app("mia", "sync", ["dav"], read_only=False, expires=None, token=True)
    headers = [f"Basic {base64.b64encode(f'{ADDRESS}:{password}'.encode()).decode()}", f"Bearer {token}"]
    identity = Identity("mia", ADDRESS, "phone", 1)
    assert [await by_program(rig, one) for one in headers] == [207, 207]
    await connect(rig)
    assert [await by_program(rig, one) for one in headers] == [207, 207]
    long_ago = time.time_ns() // 1000 - 31 * 86_400 * 1_000_000
    await rig.auth.database.write(lambda tx: tx.execute("UPDATE provider_binding SET last_login = ?", long_ago))
    assert not {await by_program(rig, one) for one in headers} & {207}
    assert not await stored.stands(identity)
    await log_in(provider, page(rig))
    assert [await by_program(rig, one) for one in headers] == [207, 207]
    assert await stored.stands(identity)


@pytest.mark.rig(static=STRONG)
async def test_a_lock_ends_everything(rig: Rig, provider: House) -> None:
    """WEB-188, ADMIN-17: sessions, streams and app passwords, within 5 seconds; the provider opens nothing."""
    await connect(rig)
    passwords = Passwords(rig.accounts, rig.house.services.logins, rig.house.services.end_sessions)
    password = await passwords.add_app("mia", "phone", ["dav"], read_only=False, expires=None)
    header = f"Basic {base64.b64encode(f'{ADDRESS}:{password}'.encode()).decode()}"
    browser, account = page(rig), page(rig, "/")
    await log_in(provider, browser)
    await log_in(provider, account)
    events = await browser.events()
    await events.until("start")
    assert await by_program(rig, header) == 207
    with trio.fail_after(5):
        command = (await rig.house.registry.get())["config account disable"]
        await command.run(DisableAccount("mia", "Locked"), SILENT)
        await events.until("fatal")
    assert (await browser.error("token"))[0] == 401
    assert (await account.error("overview"))[0] == 401
    assert await by_program(rig, header) != 207
    stranger = page(rig)
    answered = await back(provider, stranger)
    assert await stranger.error("provider_finish", answer=answered) == (401, "user:loginFailed")


@pytest.mark.parametrize(("since", "allowed"), [(None, False), (-3600, False), (-60, True)])
async def test_confirmation_after_a_log_in_by_the_provider(
    rig: Rig, provider: House, since: int | None, allowed: bool
) -> None:
    """WEB-181, WEB-63a: the user gave a secret when the token says so, not when the browser came."""
    await connect(rig)
    provider.claims = {"auth_time": None if since is None else int(time.time()) + since}
    browser = page(rig, "/")
    await log_in(provider, browser)
    answer = await browser.post("generate_password", {})
    assert answer.status == (200 if allowed else 403)


async def test_a_disabled_account(rig: Rig, provider: House) -> None:
    """WEB-181: the reason is told, as after a password."""
    await connect(rig)
    await rig.holder.edit(
        lambda document, _: document.put(("accounts", "mia", "login_disabled"), "moved to another server")
    )
    browser = page(rig)
    answer = await browser.post("provider_finish", {"answer": await back(provider, browser)})
    assert (answer.status, answer.json["error"]["message"]) == (401, "moved to another server")


# Connections by a verified address


TRUSTED = STATIC + PROVIDER + 'trust_addresses = ["example.org", "plus.example"]\n'

PEOPLE = (
    DOMAINS
    + """
[accounts.tom.destinations."Tim.Tom@example.org"]
[accounts.tom.destinations."tom@plus.example"]
[accounts.tom.destinations."@plus.example"]
[accounts.tom.destinations."tom@other.example"]
[accounts.lea]
domain = "example.org"
login_disabled = "locked"
[accounts.lea.destinations."lea@example.org"]
[domains."plus.example"]
localpart_separators = ["+"]
[domains."other.example"]
[domains."example.org".aliases.team]
addresses = ["tom@example.org"]
"""
)
trusting = pytest.mark.rig(static=TRUSTED, domains=PEOPLE)


def as_person(provider: House, subject: str, email: object, verified: object = True) -> None:
    provider.subject = subject
    provider.claims = {"email": email, "email_verified": verified, "preferred_username": "tom@example.org"}


@trusting
@pytest.mark.parametrize("email", ["tom@example.org", "TOM@Example.org", "tim.tom@example.org", "tom@plus.example"])
async def test_a_verified_address_connects(rig: Rig, provider: House, email: str) -> None:
    """WEB-185: at the first log-in; the user and the audit log are told, and later only the subject counts."""
    as_person(provider, "tom-at-home", email)
    browser = page(rig)
    url = await browser.call("provider_login", stay=False)
    assert parse_qs(urlsplit(url).query)["scope"] == ["openid email"]
    result = await browser.call("provider_finish", answer=provider.approve(url))
    assert result["login_address"] == "tom@example.org"
    [entry] = await rig.auth.audit.entries(AuditFilter(actor="(login provider)"))
    assert (entry.action, entry.object, entry.outcome) == ("account provider connect", "tom", "done")
    assert "tom-at-home" in entry.detail
    async with rig.account("tom") as account:
        inbox = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
    assert inbox is not None
    assert inbox.total == 1
    as_person(provider, "tom-at-home", "mia@example.org")
    assert (await log_in(provider, page(rig)))["login_address"] == "tom@example.org"


@trusting
@pytest.mark.parametrize(
    ("email", "verified"),
    [
        ("tom@example.org", False),
        ("tom@example.org", None),
        ("tom@example.org", "true"),
        ("tom@example.org", 1),
        (["tom@example.org"], True),
        (None, True),
        ("", True),
        ("tom", True),
        ("tom@other.example", True),  # not a trusted domain
        ("mia@example.org", True),  # the postmaster's account
        ("postmaster@example.org", True),
        ("postmaster@plus.example", True),
        ("team@example.org", True),  # an alias
        ("anyone@plus.example", True),  # the catch-all
        ("tom+x@plus.example", True),
        ("lea@example.org", True),  # locked
        ("nobody@example.org", True),
        ("tom@example.org@example.org", True),
        ("tom@example.org, mia@example.org", True),
    ],
    ids=str,
)
async def test_addresses_that_connect_nothing(rig: Rig, provider: House, email: object, verified: object) -> None:
    """WEB-185: unverified ones, those of other domains, and those that are not an account's very own."""
    as_person(provider, "someone", email, verified)
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert await rig.auth.bindings.of("") == []


@pytest.mark.auth_here
@trusting
async def test_an_address_that_changes_hands_opens_nothing(rig: Rig, provider: House) -> None:
    """WEB-185: also after the first person was disconnected."""
    as_person(provider, "first", "tom@example.org")
    await log_in(provider, page(rig))
    as_person(provider, "second", "tom@example.org")
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert await rig.auth.bindings.remove(ISSUER, "first", "tom")
    for subject in ("second", "first"):
        as_person(provider, subject, "tom@example.org")
        assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    await rig.auth.begin_removal("tom")
    assert await rig.auth.bindings.add_first(ISSUER, "second", "tom")  # a later account of the name


@trusting
async def test_the_second_factor_after_a_connection_by_address(rig: Rig, provider: House) -> None:
    """WEB-185, WEB-151: the address doesn't replace it."""
    async with rig.account("tom") as account:
        await account.write(lambda tx: mark_two_step(tx, True))
    await rig.auth.factors.add_totp("tom", "phone", b"x" * 20, 1)
    as_person(provider, "tom-at-home", "tom@example.org")
    assert (await log_in(provider, page(rig)))["csrf_token"] == ""


CREATING = (
    PEOPLE.replace('[domains."plus.example"]\n', '[domains."plus.example"]\nnew_accounts = {}\n')
    + """
[domains."example.org".new_accounts]
quota_message_size = "5g"
max_outgoing_messages_per_day = 20
"""
)
creating = pytest.mark.rig(static=TRUSTED, domains=CREATING)


async def remove(rig: Rig, *path: str) -> None:
    def change(document: Document, _: Snapshot) -> None:
        document.drop(path)

    await rig.holder.edit(change)


@pytest.mark.auth_here
@creating
async def test_the_first_log_in_creates_an_account(rig: Rig, provider: House) -> None:
    """WEB-186: with the domain's settings, without a password; the audit log names the person."""
    as_person(provider, "ida-at-home", "Ida.May@example.org")
    browser = page(rig)
    assert (await log_in(provider, browser))["login_address"] == "ida.may@example.org"
    await browser.call("token")
    account = rig.holder.current.account("ida.may")
    assert account is not None
    assert (account.quota_message_size, account.max_outgoing_messages_per_day) == (5 << 30, 20)
    assert account.max_first_time_recipients_per_day == 200
    assert account.junk_filter is not None
    entries = await rig.auth.audit.entries(AuditFilter(actor="(login provider)"))
    assert [(one.action, one.object) for one in entries] == [
        ("account provider connect", "ida.may"),
        ("config account add", "ida.may"),
    ]
    assert all("ida-at-home" in one.detail and "ida.may@example.org" in one.detail for one in entries)
    assert entries[0].via == "webmail"
    as_person(provider, "ida-at-home", None)
    assert (await log_in(provider, page(rig, "/")))["login_address"] == "ida.may@example.org"


@pytest.mark.auth_here
@creating
async def test_two_tabs_of_a_new_person(rig: Rig, provider: House) -> None:
    """WEB-186: one account."""
    as_person(provider, "ida-at-home", "ida@example.org")
    tabs = [page(rig), page(rig)]
    answers = [await back(provider, tab) for tab in tabs]
    statuses: list[int] = []

    async def finish(tab: Browser, answer: dict[str, str]) -> None:
        statuses.append((await tab.post("provider_finish", {"answer": answer})).status)

    async with trio.open_nursery() as nursery:
        for tab, answer in zip(tabs, answers, strict=True):
            nursery.start_soon(finish, tab, answer)
    assert statuses == [200, 200]
    assert [one.account for one in await rig.auth.bindings.of("")] == ["ida"]


@pytest.mark.auth_here
@creating
async def test_a_name_that_another_domain_has(rig: Rig, provider: House) -> None:
    """WEB-186: the account's name has the domain then."""
    await remove(rig, "accounts", "tom", "destinations", "@plus.example")
    as_person(provider, "other-mia", "mia@plus.example")
    assert (await log_in(provider, page(rig)))["login_address"] == "mia@plus.example"
    assert [one.account for one in await rig.auth.bindings.of("")] == ["mia.plus.example"]


@creating
@pytest.mark.parametrize(
    "email",
    [
        *("postmaster", "Abuse", "admin", "administrator", "web-master", "host.master", "no-reply", "root", "info"),
        *("аdmin", "ida+x", "ida may", "ida/..", ".ida", "i" * 65, "mia", "team", "lea"),
    ],
)
async def test_addresses_that_get_no_account(rig: Rig, provider: House, email: str) -> None:
    """WEB-186: reserved ones, those that look like another's, and those that have a recipient."""
    accounts = set(rig.holder.current.domains.accounts)
    as_person(provider, "someone", f"{email}@example.org")
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert set(rig.holder.current.domains.accounts) == accounts
    assert await rig.auth.bindings.of("") == []


@creating
@pytest.mark.parametrize(("email", "verified"), [("ida@example.org", False), ("ida@other.example", True)])
async def test_claims_that_create_nothing(rig: Rig, provider: House, email: str, verified: object) -> None:
    """WEB-186: an unverified address, one of another domain; and one of a catch-all."""
    as_person(provider, "someone", email, verified)
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    as_person(provider, "someone", "ida@plus.example")
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED
    assert "ida" not in rig.holder.current.domains.accounts


@pytest.mark.auth_here
@creating
async def test_an_address_that_somebody_had_gets_no_account(rig: Rig, provider: House) -> None:
    """WEB-186: of an account, of an alias, and of one that was created at a log-in and is gone."""
    as_person(provider, "ida-at-home", "ida@example.org")
    await log_in(provider, page(rig))
    with trio.fail_after(20):
        while not await rig.auth.addresses.has("ida@example.org"):
            await trio.to_thread.run_sync(time.sleep, 0.002)
    await remove(rig, "accounts", "ida")
    await rig.auth.begin_removal("ida")
    await remove(rig, "domains", "example.org", "aliases", "team")
    await remove(rig, "accounts", "tom", "destinations", "Tim.Tom@example.org")
    for email in ("ida@example.org", "team@example.org", "tim.tom@example.org"):
        as_person(provider, "new", email)
        browser = page(rig)
        assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED


async def test_the_last_log_in_is_noted(rig: Rig, provider: House) -> None:
    """WEB-185: for the list of the command line."""
    await connect(rig)
    [before] = await rig.auth.bindings.of("mia")
    await log_in(provider, page(rig))
    [after] = await rig.auth.bindings.of("mia")
    assert after.last_login > before.last_login
    assert after.bound == before.bound


# Confirmation


@pytest.mark.parametrize(
    ("since", "subject", "status"),
    [
        (0, "mia-at-home", 200),
        (-100, "mia-at-home", 200),  # clocks differ
        (-130, "mia-at-home", 401),
        (-86_400, "mia-at-home", 401),
        (None, "mia-at-home", 401),
        (0, "tom-at-home", 401),
        (0, "mia-at-work", 401),
        (0, "stranger", 401),
    ],
)
async def test_a_new_log_in_confirms(rig: Rig, provider: House, since: int | None, subject: str, status: int) -> None:
    """WEB-184, WEB-63a: with `prompt=login` and `max_age`; the token has to say that the user logged in anew, and the
    same person.
    """
    await connect(rig)
    await connect(rig, "mia-at-work")
    await connect(rig, "tom-at-home", "tom")
    browser = page(rig, "/")
    await log_in(provider, browser)
    assert (await browser.post("generate_password", {})).status == 403
    provider.subject = subject
    provider.claims = {"auth_time": None if since is None else int(time.time()) + since}
    answered = provider.approve(await browser.call("provider_confirm"))
    asked = list(provider.codes.values())[-1]
    assert (asked["prompt"], asked["max_age"]) == ("login", "60")
    assert (await browser.post("provider_confirmed", {"answer": answered})).status == status
    assert (await browser.post("generate_password", {})).status == (200 if status == 200 else 403)


async def test_other_answers_confirm_nothing(rig: Rig, provider: House) -> None:
    """WEB-184: an answer to a log-in, to another session's request, a replay, and without a session."""
    await connect(rig)
    browser, other = page(rig, "/"), page(rig, "/")
    provider.claims = {"auth_time": int(time.time())}
    answered = await back(provider, browser)
    assert (await browser.error("provider_confirmed", answer=answered))[0] == 401
    await browser.log_in()
    answered = await back(provider, browser)
    assert await browser.error("provider_confirmed", answer=answered) == FAILED
    await other.log_in()
    answered = provider.approve(await browser.call("provider_confirm"))
    other.cookies["accountprovider"] = browser.cookies["accountprovider"]
    assert await other.error("provider_confirmed", answer=answered) == FAILED
    assert await browser.error("provider_finish", answer=answered) == FAILED
    answered = provider.approve(await browser.call("provider_confirm"))
    await browser.call("provider_confirmed", answer=answered)
    assert await browser.error("provider_confirmed", answer=answered) == FAILED


# Connections


async def test_a_user_connects_and_disconnects(rig: Rig, provider: House) -> None:
    """WEB-181: in a confirmed session, after a new log-in at the provider; the user is told by mail."""
    browser = page(rig, "/")
    await browser.log_in()
    assert await browser.call("provider_state") == {"name": "Home", "people": []}
    answered = provider.approve(await browser.call("provider_connect"))
    [asked] = provider.codes.values()
    assert asked["prompt"] == "login"
    state = await browser.call("provider_connected", answer=answered)
    assert [one["subject"] for one in state["people"]] == ["mia-at-home"]
    async with rig.account() as account:
        inbox = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
    assert inbox is not None
    assert inbox.total == 1
    other = page(rig)
    await log_in(provider, other)
    assert (await browser.call("provider_disconnect", subject="mia-at-home"))["people"] == []
    assert (await other.error("token"))[0] == 401
    stranger = page(rig)
    assert await stranger.error("provider_finish", answer=await back(provider, stranger)) == FAILED


async def test_a_person_of_another_account(rig: Rig, provider: House) -> None:
    """WEB-181: nobody takes over a connection."""
    await connect(rig, "mia-at-home", "tom")
    browser = page(rig, "/")
    await browser.log_in()
    answered = provider.approve(await browser.call("provider_connect"))
    assert await browser.error("provider_connected", answer=answered) == (400, "user:error")
    assert await rig.auth.bindings.account_of(ISSUER, "mia-at-home") == "tom"


async def test_a_log_in_doesn_t_connect(rig: Rig, provider: House) -> None:
    """WEB-181: an answer to a log-in connects nothing, and one to another session neither."""
    browser, other = page(rig, "/"), page(rig, "/")
    answered = await back(provider, browser)
    await browser.log_in()
    assert await browser.error("provider_connected", answer=answered) == FAILED
    await other.log_in()
    answered = provider.approve(await browser.call("provider_connect"))
    other.cookies["accountprovider"] = browser.cookies["accountprovider"]
    assert await other.error("provider_connected", answer=answered) == FAILED
    assert await rig.auth.bindings.of("") == []


async def test_the_administrator_connects(rig: Rig, provider: House) -> None:
    """WEB-181: by the command line."""
    commands = FactorCommands(rig.holder, rig.auth, rig.house.services.logins, rig.house.factor_changes)
    await commands.connect(ConnectProvider("tom", "tom-at-home"))
    [listed] = await commands.connections(ListConnections())
    assert (listed.account, listed.issuer, listed.subject) == ("tom", ISSUER, "tom-at-home")
    with pytest.raises(CommandFailed, match="another account"):
        await commands.connect(ConnectProvider("mia", "tom-at-home"))
    await commands.disconnect(DisconnectProvider("tom", "tom-at-home"))
    with pytest.raises(CommandFailed, match="isn't connected"):
        await commands.disconnect(DisconnectProvider("tom", "tom-at-home"))


@pytest.mark.auth_here
async def test_a_removed_account_has_no_connection(rig: Rig, provider: House) -> None:
    """WEB-181, STORE-140: a later account of the name is another one's."""
    await connect(rig, "tom-at-home", "tom")
    await rig.auth.begin_removal("tom")
    assert await rig.auth.bindings.of("") == []


async def test_the_secret_is_sent_as_the_provider_wants_it(rig: Rig, provider: House) -> None:
    """WEB-180: with its special characters (RFC 6749 §2.3.1)."""
    await connect(rig)
    await log_in(provider, page(rig))
    [sent] = [headers for method, _, headers, _ in provider.asked if method == "POST"]
    pair = base64.b64decode(sent["Authorization"].removeprefix("Basic "))
    assert pair == b"moxlite:a+secret%3A+of+the+client"


@pytest.mark.rig(static=STATIC)
async def test_without_a_provider(rig: Rig) -> None:
    """WEB-180: nothing is offered."""
    browser = page(rig)
    assert await browser.call("provider_name") == ""
    assert await browser.error("provider_login", stay=False) == (400, "user:error")
    assert await browser.error("provider_finish", answer=dict.fromkeys(("state", "code", "iss", "error"), "")) == (
        400,
        "user:error",
    )
