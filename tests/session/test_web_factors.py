"""Two-step log-in of webmail, account app and admin app: set-up, log-in, confirmation, recovery, limits."""

import base64
import ipaddress
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pyotp
import pytest
import trio

from moxlite.logins.adminpassword import write_admin_password
from moxlite.logins.identity import Identity, LoginRequest, NotPermitted, WrongCredentials
from moxlite.store.auth.credentials import is_two_step
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.store.errors import StorageBroken
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.web import factors, sessions
from moxlite.web.account.app import API
from moxlite.web.calls import calls_of
from tests.authenticator import SoftKey
from tests.web_rig import ADDRESS, ADMIN_PASSWORD, PASSWORD, Browser, Rig, owner, serving

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]

HOST = "mail.example.org"


def browser(rig: Rig, app: str = "/", **connection: Any) -> Browser:
    found = rig.browser(app=app, port=443, tls=True, **connection)
    found.host = HOST
    return found


async def logged_in(rig: Rig, app: str = "/", **connection: Any) -> Browser:
    found = browser(rig, app, **connection)
    if app == "/admin/":
        await found.log_in("", ADMIN_PASSWORD)
    else:
        await found.log_in()
    return found


async def first_step(found: Browser, password: str = PASSWORD) -> dict[str, Any]:
    """Give the password; the second step that is asked for."""
    token = await found.call("login_prep")
    username = "" if found.app == "/admin/" else ADDRESS
    result = await found.call("login", login_token=token, username=username, password=password)
    assert result["csrf_token"] == ""
    step: dict[str, Any] = result["second_step"]
    return step


async def second_step(found: Browser, step: dict[str, Any], kind: str, code: str) -> None:
    result = await found.call("login_factor", token=step["token"], kind=kind, code=code)
    found.csrf = result["csrf_token"]
    assert found.csrf


class Phone:
    """An authenticator app on another program's code; `code` gives each code once, as the clock passes."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)
        self.ahead = 0

    def code(self) -> str:
        """The next code that the server takes: that of the present step, then one of the next step."""
        self.ahead += 1
        return self.totp.at(time.time() + 30 * (self.ahead - 1))


async def add_phone(found: Browser, name: str = "phone") -> tuple[Phone, list[str]]:
    """Set up an authenticator app by the account or admin app; its recovery codes."""
    new = await found.call("totp_begin", name=name)
    phone = Phone(new["secret"])
    assert pyotp.parse_uri(new["uri"]).secret == new["secret"]
    try:
        added = await found.call("totp_finish", code=phone.totp.at(time.time() - 30))
    except AssertionError:  # the step of the clock ended on the way, so that code was one step too old
        added = await found.call("totp_finish", code=phone.totp.at(time.time() - 30))
    assert added["name"] == name
    return phone, added["recovery_codes"]


async def add_key(found: Browser, key: SoftKey, name: str = "blue") -> list[str]:
    options = (await found.call("key_begin", name=name))["options"]
    options = (await found.call("key_created", answer=key.create(options)))["options"]
    codes: list[str] = (await found.call("key_finish", answer=key.get(options)))["recovery_codes"]
    return codes


async def notices(rig: Rig, mailbox: str = "Inbox") -> list[str]:
    async with rig.accounts.use("mia") as account:

        def subjects(r: Any) -> list[str]:
            box = mailbox_by_name(r, mailbox)
            assert box is not None
            sql = """
                SELECT h.header FROM message m JOIN message_header h ON h.email_id = m.email_id WHERE m.mailbox_id = ?
                ORDER BY m.uid"""
            headers = [message_from_bytes(one, policy=default) for (one,) in r.rows(sql, box.id)]
            return [one["subject"].removeprefix(f"[moxlite {HOST}] ") for one in headers]

        return await account.read(subjects, op="test")


async def test_a_code_app_is_asked_for_after_it_gave_a_first_code(rig: Rig) -> None:
    """WEB-151, WEB-51: for webmail and account app alike; recovery codes come with the first app alone."""
    account = await logged_in(rig)
    new = await account.call("totp_begin", name="phone")
    assert await account.error("totp_finish", code="000000") == (400, "user:error")
    assert not (await account.call("second_factors"))["apps"]
    await (await logged_in(rig, "/webmail/")).call("token")  # the password is enough: nothing was turned on
    phone = Phone(new["secret"])
    added = await account.call("totp_finish", code=f" {phone.totp.at(time.time() - 30)} ")
    assert len(added["recovery_codes"]) == 10
    for app in ("/webmail/", "/"):
        found = browser(rig, app)
        step = await first_step(found)
        assert (step["apps"], step["keys"], step["codes"]) == (["phone"], [], True)
        assert abs(step["server_time"] - time.time() * 1000) < 60_000
        assert await found.error("login_factor", token=step["token"], kind="totp", code="000000") == (
            401,
            "user:loginFailed",
        )
        await second_step(found, step, "totp", phone.code())
        await found.call("logout")
    _, codes = await add_phone(account, "tablet")
    assert codes == []
    state = await account.call("second_factors")
    assert [one["name"] for one in state["apps"]] == ["phone", "tablet"]
    assert (state["codes"], state["host"]) == (10, HOST)


async def test_a_code_serves_one_of_fifty_parallel_log_ins(rig: Rig) -> None:
    """WEB-151"""
    phone, _ = await add_phone(await logged_in(rig))
    found = [browser(rig, "/webmail/", remote=f"192.0.{number}.7") for number in range(50)]
    waiting = [await first_step(one) for one in found]
    code, entered = phone.code(), []

    async def go(one: Browser, step: dict[str, Any]) -> None:
        answer = await one.post("login_factor", {"token": step["token"], "kind": "totp", "code": code})
        if answer.status == 200:
            entered.append(answer.json["result"]["csrf_token"])

    async with trio.open_nursery() as nursery:
        for one, step in zip(found, waiting, strict=True):
            nursery.start_soon(go, one, step)
    assert len(entered) == 1


async def test_a_log_in_token_begins_one_session(rig: Rig) -> None:
    """WEB-51: neither the same token nor a wrong one begins another."""
    phone, codes = await add_phone(await logged_in(rig))
    found = browser(rig, "/webmail/")
    step = await first_step(found)
    await second_step(found, step, "totp", phone.code())
    for token in (step["token"], "x" * 22, ""):
        assert await found.error("login_factor", token=token, kind="recovery", code=codes[0]) == (
            401,
            "user:loginFailed",
        )
    assert (await rig.auth.factors.of("mia")).codes == 10


async def test_a_step_is_over_after_five_minutes_or_ten_wrong_factors(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-51"""
    _, codes = await add_phone(await logged_in(rig))
    monkeypatch.setattr(factors, "MAX_GUESSES", 2)
    found = browser(rig, "/webmail/")
    step = await first_step(found)
    for code in ("000000", "000000", codes[0]):
        answer = await found.post("login_factor", {"token": step["token"], "kind": "recovery", "code": code})
        assert answer.status == 401
    assert "Your login timed out" in answer.json["error"]["message"]
    step = await first_step(found)
    monkeypatch.setattr("moxlite.web.factors.trio.current_time", lambda: 1e9 + time.monotonic())
    assert await found.error("login_factor", token=step["token"], kind="recovery", code=codes[0]) == (
        401,
        "user:loginFailed",
    )


async def test_a_recovery_code_lets_in_once(rig: Rig) -> None:
    """WEB-151: a lost device; then new codes make the old ones void."""
    _, codes = await add_phone(await logged_in(rig))
    found = browser(rig)
    await second_step(found, await first_step(found), "recovery", codes[0].upper().replace("-", " "))
    other = browser(rig)
    step = await first_step(other)
    assert (await other.error("login_factor", token=step["token"], kind="recovery", code=codes[0]))[0] == 401
    new = await found.call("recovery_codes_new")
    assert (await other.error("login_factor", token=step["token"], kind="recovery", code=codes[1]))[0] == 401
    await second_step(other, step, "recovery", new[1])
    assert (await found.call("second_factors"))["codes"] == 9


@pytest.mark.parametrize("counts", [True, False])
async def test_a_security_key_works_at_its_host_name_alone(rig: Rig, counts: bool) -> None:
    """WEB-151: the page names the host of each key; the answer is bound to origin and challenge."""
    key = SoftKey(f"https://{HOST}", counts=counts)
    assert len(await add_key(await logged_in(rig), key)) == 10
    found = browser(rig, "/webmail/")
    step = await first_step(found)
    assert (step["keys"], step["keys_elsewhere"]) == (["blue"], [])
    wrong = key.get(step["key_request"], origin="https://mail.example.com")
    assert (await found.error("login_factor", token=step["token"], kind="key", code=wrong))[0] == 401
    right = key.get(step["key_request"])
    assert (await found.error("login_factor", token=step["token"], kind="key", code=right))[0] == 401  # served once
    step = await first_step(found)
    await second_step(found, step, "key", key.get(step["key_request"]))
    elsewhere = browser(rig, "/webmail/")
    elsewhere.host = "imap.example.org"
    step = await first_step(elsewhere)
    assert (step["keys"], step["key_request"]) == ([], "")
    assert step["keys_elsewhere"] == [{"name": "blue", "host": HOST}]
    assert (await elsewhere.error("login_factor", token=step["token"], kind="key", code=right))[0] == 401


async def test_a_copied_key_is_refused_by_its_counter(rig: Rig) -> None:
    """WEB-151: WebAuthn Level 2 §6.1.1."""
    key = SoftKey(f"https://{HOST}")
    await add_key(await logged_in(rig), key)
    copied = key.count
    found = browser(rig)
    step = await first_step(found)
    await second_step(found, step, "key", key.get(step["key_request"]))
    key.count = copied
    step = await first_step(found)
    assert (await found.error("login_factor", token=step["token"], kind="key", code=key.get(step["key_request"])))[
        0
    ] == 401


async def test_a_key_counts_only_after_a_first_assertion(rig: Rig) -> None:
    """WEB-151: and hostile answers are refused in words."""
    account = await logged_in(rig)
    key, other = SoftKey(f"https://{HOST}"), SoftKey(f"https://{HOST}")
    hostile = ["", "{}", "[" * 5000, '{"id":"x","rawId":"x","type":"public-key","response":{}}', "\ud800", "null"]
    for answer in hostile:
        await account.call("key_begin", name="blue")
        assert (await account.error("key_created", answer=answer))[0] == 400
    for answer in hostile:
        options = (await account.call("key_begin", name="blue"))["options"]
        await account.call("key_created", answer=key.create(options))
        assert (await account.error("key_finish", answer=answer))[0] == 400
    options = (await account.call("key_begin", name="blue"))["options"]
    tried = (await account.call("key_created", answer=key.create(options)))["options"]
    assert (await account.error("key_finish", answer=other.get(tried)))[0] == 400
    assert (await account.call("second_factors"))["keys"] == []
    assert not await rig.auth.factors.has("mia")
    at_ip = rig.browser(app="/")
    at_ip.host = "127.0.0.1"
    await at_ip.log_in()
    assert (await at_ip.call("second_factors"))["host"] == ""
    assert (await at_ip.error("key_begin", name="blue"))[0] == 400


async def test_the_owner_hears_of_a_password_that_a_stranger_has(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-57a: by mail, once a day and not for wrong passwords, and by the doctor, until the user has logged in from
    there.
    """
    monkeypatch.setattr("moxlite.admin.factors.PAUSE_SECONDS", (0.0, 0.0))
    account = await logged_in(rig)
    await add_phone(account)
    logins = rig.house.services.logins
    away = ipaddress.ip_address("192.0.2.77")
    request = LoginRequest(protocol="imap", remote=away, local=ipaddress.ip_address("192.0.2.1"))

    async def subjects() -> list[str]:
        async with rig.house.files.accounts.use("mia") as mia:
            rows = await mia.read(lambda r: r.rows("SELECT subject_base FROM message"), op="test")
        return [row[0] for row in rows if "someone entered your password" in row[0]]

    for password in ("not it at all", PASSWORD, PASSWORD):
        with pytest.raises(WrongCredentials):
            await logins.password(request, ADDRESS, password, mechanism="plain")
    with trio.fail_after(60):
        while not await subjects():  # noqa: ASYNC110 - a background task writes it
            await trio.sleep(0.01)
    with pytest.raises(WrongCredentials):
        await logins.password(request, ADDRESS, PASSWORD, mechanism="plain")
    await trio.sleep(0.2)  # for a second mail, which must not come
    assert len(await subjects()) == 1
    admin = await owner(rig)

    async def doctor() -> list[str]:
        return [one["about"] for one in (await admin.call("overview"))["findings"] if one["code"] == "password-known"]

    assert await doctor() == ["mia"]
    logins.attempts.counts.remember(away, "mia")
    assert await doctor() == []


async def test_the_password_alone_no_longer_works_elsewhere(rig: Rig) -> None:
    """SMTP-57a, STORE-191a, WEB-151: the page names programs that will stop, until app passwords are needed; removal of
    the last factor takes that back.
    """
    logins = rig.house.services.logins
    request = LoginRequest(
        protocol="imap",
        remote=ipaddress.ip_address("192.0.2.9"),
        local=ipaddress.ip_address("192.0.2.1"),
        user_agent="Mail 1.0",
    )
    await logins.password(request, ADDRESS, PASSWORD, mechanism="plain")
    account = await logged_in(rig)
    with trio.fail_after(60):
        while not await rig.auth.attempts.main_password_uses("mia"):  # noqa: ASYNC110 - a background task writes them
            await trio.sleep(0.01)
    programs = (await account.call("second_factors"))["programs"]
    assert [(one["protocol"], one["program"], one["remote_ip"]) for one in programs] == [
        ("imap", "Mail 1.0", "192.0.2.9")
    ]
    other = await logged_in(rig, "/webmail/")
    await add_phone(account)
    assert (await account.call("second_factors"))["programs"] == []
    assert (await other.error("token"))[0] == 401  # its log-in had no second factor
    # from where the user has logged in before, a program reads that it needs an app password (SMTP-57a)
    for protocol in ("imap", "submission", "webapi"):
        with pytest.raises(NotPermitted):
            await logins.password(
                LoginRequest(protocol=protocol, remote=request.remote, local=request.local),
                ADDRESS,
                PASSWORD,
                mechanism="plain",
            )
    factor = (await account.call("second_factors"))["apps"][0]
    left = await account.call("factor_remove", kind="totp", id=factor["id"])
    assert (left["apps"], left["codes"]) == ([], 0)
    assert (await account.error("factor_remove", kind="totp", id=factor["id"])) == (404, "user:notFound")
    await logins.password(request, ADDRESS, PASSWORD, mechanism="plain")
    assert await notices(rig) == ["Two-step verification is on", "Two-step verification is off"]


@pytest.mark.auth_here
async def test_sensitive_calls_ask_again_after_ten_minutes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-63a: password or factor, for this session alone."""
    account, other = await logged_in(rig), await logged_in(rig)
    phone, codes = await add_phone(account)
    other = browser(rig)
    await second_step(other, await first_step(other), "totp", phone.code())
    await rig.auth.database.write(
        lambda tx: tx.execute("UPDATE session SET proven = proven - ?", sessions.CONFIRMED * 1_000_000)
    )
    assert await account.error("totp_begin", name="tablet") == (403, "user:confirm")
    assert await account.error("confirm", kind="password", code="wrong password") == (401, "user:loginFailed")
    assert await account.error("confirm", kind="totp", code="000000") == (401, "user:loginFailed")
    assert await account.error("totp_begin", name="tablet") == (403, "user:confirm")
    options = await account.call("confirm_options")
    assert (options["apps"], options["codes"], options["token"]) == (["phone"], True, "")
    await account.call("confirm", kind="password", code=PASSWORD)
    key = SoftKey(f"https://{HOST}")
    await add_key(account, key)
    assert await other.error("totp_begin", name="tablet") == (403, "user:confirm")
    options = await other.call("confirm_options")
    await other.call("confirm", kind="key", code=key.get(options["key_request"]))
    await other.call("totp_begin", name="tablet")
    assert (await account.error("confirm", kind="key", code=key.get(options["key_request"])))[0] == 401
    await account.call("confirm", kind="recovery", code=codes[0])
    real = trio.current_time
    monkeypatch.setattr("moxlite.web.sessions.trio.current_time", lambda: real() + sessions.CONFIRMED)
    assert await account.error("totp_begin", name="tablet") == (403, "user:confirm")


async def test_every_change_of_factors_is_a_sensitive_call(rig: Rig) -> None:
    """WEB-63a"""
    calls = calls_of(*API)
    changing = {
        "totp_begin",
        "totp_finish",
        "key_begin",
        "key_created",
        "key_finish",
        "factor_remove",
        "recovery_codes_new",
    }
    assert changing <= {name for name, one in calls.items() if one.confirm}
    assert not [name for name, one in calls.items() if one.confirm and one.public]


async def test_a_hundred_and_fifty_parallel_guesses_do_not_pass_the_limit(rig: Rig) -> None:
    """WEB-151, WEB-56, SMTP-138: per account, from many networks; then other places are refused, but not those that
    are known.
    """
    phone, codes = await add_phone(await logged_in(rig))
    found = [browser(rig, "/webmail/", remote=f"10.{number}.0.7") for number in range(150)]
    waiting = [await first_step(one) for one in found]
    answers: list[int] = []

    async def guess(one: Browser, step: dict[str, Any]) -> None:
        answer = await one.post("login_factor", {"token": step["token"], "kind": "totp", "code": "000000"})
        answers.append(answer.status)

    async with trio.open_nursery() as nursery:
        for one, step in zip(found, waiting, strict=True):
            nursery.start_soon(guess, one, step)
    per_minute = rig.house.static.rate_limits.auth_failures_per_account[0]
    assert answers.count(401) <= per_minute
    assert answers.count(401) + answers.count(429) == 150
    stranger = browser(rig, "/webmail/", remote="10.200.0.7")
    assert (
        await stranger.error(
            "login", login_token=await stranger.call("login_prep"), username=ADDRESS, password=PASSWORD
        )
    )[0] == 429
    owner = browser(rig, "/webmail/")
    await second_step(owner, await first_step(owner), "totp", phone.code())
    del codes


async def test_the_right_password_alone_takes_no_failures_back(rig: Rig) -> None:
    """WEB-151: else a thief of the password could guess codes without a limit; and it makes no place known."""
    await add_phone(await logged_in(rig))
    thief = browser(rig, "/webmail/", remote="10.1.0.7")
    for _ in range(10):
        step = await first_step(thief)
        assert (await thief.error("login_factor", token=step["token"], kind="totp", code="000000"))[0] == 401
    token = await thief.call("login_prep")
    assert await thief.error("login", login_token=token, username=ADDRESS, password=PASSWORD) == (
        429,
        "user:rateLimited",
    )
    with trio.fail_after(60):
        while True:
            found = {(one.mechanism, one.result): one.count for one in await rig.auth.attempts.newest("mia")}
            if found.get(("weblogin+totp", "badfactor")) == 10 and found.get(("weblogin", "factorneeded")) == 10:
                break
            await trio.sleep(0.01)


async def test_the_admin_app_has_second_factors_of_its_own(rig: Rig) -> None:
    """WEB-151: the postmaster is told; an account's password or code is worth nothing there."""
    admin = await logged_in(rig, "/admin/")
    second = await logged_in(rig, "/admin/")
    phone, codes = await add_phone(admin)
    assert len(codes) == 10
    assert (await second.error("sessions"))[0] in (401, 404)
    found = browser(rig, "/admin/")
    step = await first_step(found, ADMIN_PASSWORD)
    _, account_codes = await add_phone(await logged_in(rig))
    assert (await found.error("login_factor", token=step["token"], kind="recovery", code=account_codes[0]))[0] == 401
    await second_step(found, step, "totp", phone.code())
    await add_key(found, SoftKey(f"https://{HOST}"))
    assert await rig.auth.factors.accounts() == [ADMIN, "mia"]
    assert await notices(rig, "Postmaster") == [
        "Admin app: two-step verification is on",
        "Admin app: verification method added",
    ]
    step = await first_step(other := browser(rig, "/admin/"), ADMIN_PASSWORD)
    write_admin_password(rig.house.config.path.parent / "adminpasswd", "another long password")
    assert (await other.error("login_factor", token=step["token"], kind="recovery", code=codes[0]))[0] == 401


async def test_a_password_that_is_replaced_while_its_factor_is_checked_opens_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-151, WEB-60."""
    phone, _ = await add_phone(await logged_in(rig, "/admin/"))
    step = await first_step(found := browser(rig, "/admin/"), ADMIN_PASSWORD)
    finish = factors.SecondSteps.finish

    async def replaced(self: factors.SecondSteps, *args: Any) -> Identity:
        identity = await finish(self, *args)
        write_admin_password(rig.house.config.path.parent / "adminpasswd", "another long password")
        return identity

    monkeypatch.setattr(factors.SecondSteps, "finish", replaced)
    assert (await found.error("login_factor", token=step["token"], kind="totp", code=phone.code()))[0] == 401


async def test_begun_log_ins_of_one_account_leave_those_of_others() -> None:
    """WEB-151."""
    pending: factors.Pending[int] = factors.Pending()
    pending.put("tom", 1, "tom")
    for number in range(factors.MAX + 1):
        pending.put(number, number, "mia")
    assert pending.get("tom") == 1
    kept = [number for number in range(factors.MAX + 1) if pending.get(number) is not None]
    assert kept == [*range(factors.MAX + 1 - factors.MAX_EACH, factors.MAX + 1)]


async def test_kill_9_between_factor_and_mark_leaves_a_whole_set_up(tmp_path: Path) -> None:
    """WEB-151, STORE-191a: the factor is stored, the mark is not; the next start sets it, and the user gets in."""
    async with serving(tmp_path, app="/admin/") as rig:
        secret = pyotp.random_base32()
        codes = await rig.auth.factors.add_totp("mia", "phone", base64.b32decode(secret), 0)
        async with rig.accounts.use("mia") as account:
            assert not await account.read(is_two_step, op="test")
    (tmp_path / "config").rename(tmp_path / "before")
    async with serving(tmp_path, app="/admin/") as rig:
        async with rig.accounts.use("mia") as account:
            assert await account.read(is_two_step, op="test")
        found = browser(rig)
        await second_step(found, await first_step(found), "recovery", codes[0])


async def test_lost_factors_do_not_open_the_account(rig: Rig) -> None:
    """STORE-191a: auth.db was lost or cannot be read; the owner resets, and the password is enough again."""
    account = await logged_in(rig)
    await add_phone(account)
    await rig.auth.factors.drop("mia")
    found = browser(rig)
    token = await found.call("login_prep")
    answer = await found.post("login", {"login_token": token, "username": ADDRESS, "password": PASSWORD})
    assert answer.status == 401
    assert "reset-second-factor" in answer.json["error"]["message"]
    with pytest.MonkeyPatch.context() as patch:

        async def broken(account: str) -> bool:
            raise StorageBroken("damaged")

        patch.setattr(rig.auth.factors, "has", broken)
        token = await found.call("login_prep")
        answer = await found.post("login", {"login_token": token, "username": ADDRESS, "password": PASSWORD})
        assert answer.status == 503
    assert await rig.house.factor_changes.reset("mia", where="test") == 0
    await found.log_in()


async def test_a_reset_ends_sessions_and_needs_no_factor_after_that(rig: Rig) -> None:
    """WEB-151: a lost device; what `moxlite account reset-second-factor` runs."""
    account = await logged_in(rig)
    await add_phone(account)
    await add_key(account, SoftKey(f"https://{HOST}"))
    assert await rig.house.factor_changes.reset("mia", where="test") == 2
    assert (await account.error("overview"))[0] == 401
    await browser(rig).log_in()
    assert (await notices(rig))[-1] == "Two-step verification was reset"


async def test_a_recovery_link_sets_a_password_once(rig: Rig) -> None:
    """WEB-151a: looking does not use it up; 20 parallel uses make one password; sessions end; the user is told."""
    old = await logged_in(rig)
    await add_phone(old)
    changes = rig.house.factor_changes
    token = await changes.make_link("mia", reset_factors=True, where="test")
    found = browser(rig)
    for _ in range(3):
        info = await found.call("recovery_info", token=token)
    assert (info["account"], info["generated"], info["reset_factors"]) == ("mia", False, True)
    assert (await found.error("recover", token=token, password="short"))[0] == 400
    assert (await found.error("recover", token="x" * 22, password="a new password"))[0] == 410
    done: list[int] = []

    async def use() -> None:
        answer = await browser(rig).post("recover", {"token": token, "password": "a new password"})
        done.append(answer.status)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(use)
    assert sorted(done) == [200] + [410] * 19
    assert (await found.error("recovery_info", token=token)) == (410, "user:gone")
    assert (await old.error("overview"))[0] == 401
    await found.log_in(password="a new password")
    told = (await notices(rig))[1:]
    assert told == ["Password reset link created", "Your password was changed", "Two-step verification was reset"]


async def test_a_recovery_link_leaves_the_factors_unless_told_otherwise(rig: Rig) -> None:
    """WEB-151a"""
    phone, _ = await add_phone(await logged_in(rig))
    token = await rig.house.factor_changes.make_link("mia", reset_factors=False, where="test")
    found = browser(rig)
    await found.call("recover", token=token, password="a new password")
    await second_step(found, await first_step(found, "a new password"), "totp", phone.code())


async def stay(rig: Rig, phone: Phone | None) -> Browser:
    """A browser that stays logged in to the webmail."""
    found = browser(rig, "/webmail/")
    token = await found.call("login_prep")
    result = await found.call("login", login_token=token, username=ADDRESS, password=PASSWORD, stay=True)
    if phone is not None:
        step = result["second_step"]
        result = await found.call("login_factor", token=step["token"], kind="totp", code=phone.code(), stay=True)
    assert result["device"]
    found.csrf = result["csrf_token"]
    return found


async def test_each_change_of_factors_ends_devices_that_stay_logged_in(rig: Rig) -> None:
    """WEBMAIL-22a, WEB-151: the first factor, one more, and one that is removed; the second step keeps the wish."""
    account = await logged_in(rig)
    device = await stay(rig, None)
    phone, _ = await add_phone(account)
    assert await device.error("token") == (401, "user:badAuth")
    device = await stay(rig, phone)
    await add_key(account, SoftKey(f"https://{HOST}"))
    assert await device.error("token") == (401, "user:badAuth")
    device = await stay(rig, phone)
    state = await account.call("second_factors")
    await account.call("factor_remove", kind="key", id=state["keys"][0]["id"])
    assert await device.error("token") == (401, "user:badAuth")
