"""The admin app's calls about ways into accounts, each once right and once wrong: second factors, recovery links, keys,
limits of log-ins, accounts that the guard has stopped, the admin's own password; and removed mail.
"""

import json
import time
from typing import Any

import msgspec
import pyotp
import pytest

from moxlite.net.tls.certificates import self_signed
from moxlite.queue.guard.signs import Sign, Suspicion
from moxlite.queue.guard.stops import stop
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.mail.expunging import expunge
from moxlite.store.options import DAY
from moxlite.web import sessions
from tests.keyproof import proof_of
from tests.session.test_web_admin_queue import put, queue_of
from tests.session.test_web_factors import notices
from tests.store_mail import box, deliver_mail, mail
from tests.web_rig import ADMIN_PASSWORD, Browser, Rig, owner

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]


async def actions(rig: Rig) -> list[tuple[str, str, str]]:
    """Action, object and outcome of the audit log's entries, newest first."""
    return [(one.action, one.object, one.outcome) for one in await rig.auth.audit.entries(AuditFilter())]


async def add_app(found: Browser, name: str = "phone") -> None:
    """Turn two-step log-in on."""
    new = await found.call("totp_begin", name=name)
    await found.call("totp_finish", code=pyotp.TOTP(new["secret"]).at(time.time() - 30))


async def refusal(browser: Browser, call: str, **parameters: Any) -> dict[str, str]:
    """The mistakes of a refused call by their fields."""
    answer = await browser.post(call, parameters)
    assert (answer.status, answer.json["error"]["code"]) == (400, "user:fields"), answer.body
    return {one["field"]: one["text"] for one in answer.json["error"]["fields"]}


async def test_second_factors_of_an_account_are_shown_and_reset(rig: Rig, browser: Browser) -> None:
    """WEB-81, WEB-151: browsers of the account are logged out, the user is told where it came from."""
    user = rig.browser(app="/")
    await user.log_in()
    await add_app(user)
    found = await browser.call("account_security", name="mia")
    assert ([one["name"] for one in found["apps"]], found["keys"], found["codes"]) == (["phone"], [], 10)
    assert await browser.call("account_factors_reset", name="mia") == 1
    assert (await browser.call("account_security", name="mia"))["apps"] == []
    assert await user.error("overview") == (401, "user:badAuth")
    assert (await actions(rig))[0] == ("account reset-second-factor", "mia", "done")
    assert (await notices(rig))[-1] == "Two-step verification was reset"
    for call in ("account_security", "account_factors_reset", "account_recovery_link", "account_removed"):
        assert await browser.error(call, name="nobody") == (404, "user:notFound"), call
        assert await browser.error(call, name="(admin)") == (404, "user:notFound"), call


async def test_a_recovery_link_sets_a_password_once(rig: Rig, browser: Browser) -> None:
    """WEB-81, WEB-151a: the link of the admin app is that of the command line; the log does not have it."""
    made = await browser.call("account_recovery_link", name="mia", reset_factors=True)
    token = made["url"].partition("#recover=")[2]
    assert made["url"].startswith("https://mail.example.org/#recover=")
    user = rig.browser(app="/")
    assert (await user.call("recovery_info", token=token))["account"] == "mia"
    await user.call("recover", token=token, password="a better one, and long")
    assert await user.error("recover", token=token, password="a better one, and long") == (410, "user:gone")
    [entry] = await rig.auth.audit.entries(AuditFilter(words="recovery-link"))
    assert json.loads(entry.detail) == {"account": "mia", "reset_factors": True}
    assert (entry.via, entry.outcome) == ("webadmin", "done")


async def test_keys_of_certificates_come_and_go(rig: Rig, browser: Browser) -> None:
    """WEB-81, STORE-104: every mistake at its field, all at once; a key of another account is not removed."""
    pair = self_signed(["phone.example.org"])
    pem, add = pair.certificate_pem().decode(), "config_tlspubkey_add"
    wrong = await refusal(browser, add, account="mia", address="tom@example.org", certificate="no key")
    assert wrong["address"] == "doesn't belong to this account"
    assert "-----BEGIN CERTIFICATE-----" in wrong["certificate"]
    both = pem + pair.key_pem().decode()
    wrong = await refusal(browser, add, account="mia", address="mia@example.org", certificate=both)
    assert "private key" in wrong["certificate"]
    broken = pem[:100] + "\n-----END CERTIFICATE-----\n"
    wrong = await refusal(browser, add, account="mia", address="mia@example.org", certificate=broken)
    assert "isn't a valid" in wrong["certificate"]
    parameters = {"account": "mia", "address": "mia@example.org", "certificate": pem}
    assert "is missing" in (await refusal(browser, add, **parameters))["proof"]
    command = (await browser.call("config_tlspubkey_challenge", account="mia"))["command"]
    parameters["proof"] = proof_of(pair.key, command)
    fingerprint = (await browser.call(add, **parameters, name="Phone"))["fingerprint"]
    [key] = (await browser.call("account_security", name="mia"))["certificates"]
    assert (key["fingerprint"], key["name"], key["login_address"]) == (fingerprint, "Phone", "mia@example.org")
    assert "already belongs" in (await refusal(browser, add, **parameters))["certificate"]
    assert await browser.error("config_tlspubkey_rm", account="tom", fingerprint=fingerprint) == (404, "user:notFound")
    await browser.call("config_tlspubkey_rm", account="mia", fingerprint=fingerprint)
    assert (await browser.call("account_security", name="mia"))["certificates"] == []
    assert await browser.error("config_tlspubkey_rm", account="mia", fingerprint=fingerprint) == (404, "user:notFound")
    assert (await actions(rig))[:4] == [
        ("config tlspubkey rm", "mia", "refused"),
        ("config tlspubkey rm", "mia", "done"),
        ("config tlspubkey rm", "tom", "refused"),
        ("config tlspubkey add", "mia", "refused"),
    ]
    secrets = (pem.splitlines()[1], parameters["proof"].splitlines()[1])
    for entry in await rig.auth.audit.entries(AuditFilter()):
        assert not any(secret in entry.detail for secret in secrets)


async def test_ways_into_an_account_are_listed_and_removed(rig: Rig, browser: Browser) -> None:
    """WEB-192b: in pages, also while the user is logged in, whose sessions the administrator may end, too."""
    user = rig.browser(app="/")
    await user.log_in()
    for mailbox in ("Inbox", "Sent"):
        await user.call("account_share_set", mailbox=mailbox, guest="tom", rights="lr")
    first, second, session = await browser.call("account_access", account="mia")
    assert [one["name"] for one in (first, second)] == ["Sent", "Inbox"]
    assert (first["actor"], first["via"], session["kind"], session["current"]) == (
        "mia",
        "webaccount",
        "session",
        False,
    )
    assert await browser.call("account_access", account="mia", after=first["place"], count=1) == [second]
    await browser.call("account_remove_access", account="mia", way=first["id"])
    assert await browser.error("account_remove_access", account="mia", way=first["id"]) == (404, "user:notFound")
    await browser.call("account_remove_access", account="mia", way=session["id"])
    assert await user.error("overview") == (401, "user:badAuth")
    assert await browser.call("account_access", account="mia") == [second]
    for call in ("account_access", "account_remove_access", "account_take_back"):
        assert (await browser.error(call, account="nobody", way="folder:1/tom", since=1))[0] in (400, 404), call
    assert ("account remove-access", "mia", "done") in await actions(rig)


async def test_removed_mail_is_counted_and_comes_back(rig: Rig, browser: Browser) -> None:
    """WEB-81, IMAP-160: by mailbox, with numbers before anything happens; what was removed earlier stays."""
    before = time.time_ns() // 1000
    async with rig.account() as account:
        account.options = msgspec.structs.replace(account.options, undelete_grace=7 * DAY)
        for number in range(3):
            await deliver_mail(account, mail(number))
        inbox = await box(account)
        await account.write(lambda tx: expunge(tx, inbox.id, [1, 2]))
        found = await browser.call("account_removed", name="mia")
        assert [(one["mailbox"], one["messages"]) for one in found["mailboxes"]] == [("Inbox", 2)]
        assert found["kept"] == 7 * DAY
        assert found["mailboxes"][0]["last"] >= before
        later = time.time_ns() // 1000 + 3_600_000_000
        assert (await browser.call("account_removed", name="mia", since=later))["mailboxes"] == []
        assert (await browser.call("account_undelete", account="mia", since=later))["messages"] == 0
        done = await browser.call("account_undelete", account="mia", mailbox="Inbox")
        assert done == {"messages": 2, "damaged": 0}
        assert (await box(account)).total == 3
    assert await browser.error("account_undelete", account="nobody") == (404, "user:notFound")
    assert (await actions(rig))[1] == ("account undelete", "mia", "done")


async def test_limits_of_log_ins_are_listed_and_forgotten(rig: Rig, browser: Browser) -> None:
    """WEB-56: for the owner who locked himself out by another network."""
    guesser = rig.browser(app="/", remote="198.51.100.7")
    for _ in range(12):
        token = await guesser.call("login_prep")
        await guesser.post("login", {"login_token": token, "username": "mia@example.org", "password": "guess"})
    found = await browser.call("limits_list")
    assert [one["refused"] for one in found if one["who"] == "198.51.100.7" and one["window"] == 60] == [True]
    assert "isn't a valid IP address" in (await refusal(browser, "limits_clear", ip="everywhere"))["ip"]
    assert await browser.call("limits_clear", ip="198.51.100.7") > 0
    assert [one for one in await browser.call("limits_list") if one["refused"]] == []
    await guesser.log_in()
    await browser.call("limits_clear")
    assert await browser.call("limits_list") == []
    assert (await actions(rig))[1] == ("limits clear", "198.51.100.7", "done")


async def test_a_stopped_account_is_shown_and_released(rig: Rig, browser: Browser) -> None:
    """SMTP-170: with why, and what the guard holds of it."""
    await put(rig, "one@far.example", hold=False)
    queue = await queue_of(rig)
    seen = Suspicion(Sign.FAILURES, "20 recipients were refused")
    await queue.operations.change(lambda tx, now: stop(tx, "mia", seen, now))
    [found] = await browser.call("queue_guard_list")
    assert (found["account"], found["why"]) == ("mia", "20 recipients were refused")
    assert (await browser.call("queue_guard_release", account="mia"))["account"] == "mia"
    assert await browser.call("queue_guard_list") == []
    assert await browser.error("queue_guard_release", account="mia") == (400, "user:error")
    assert ("queue guard release", "mia", "done") in await actions(rig)


async def test_a_new_admin_password_ends_the_other_sessions(rig: Rig, browser: Browser) -> None:
    """WEB-59, WEB-60: this one goes on; a password that is too short is told at its field, and changes nothing."""
    other = await owner(rig)
    assert "8" in (await refusal(browser, "password_change", password="short"))["password"]
    assert len(await other.call("sessions")) == 2
    assert await browser.call("password_change", password="four words of nothing") == 1
    assert len(await browser.call("sessions")) == 1
    assert await other.error("sessions") == (401, "user:badAuth")
    assert await other.error(
        "login", login_token=await other.call("login_prep"), username="", password=ADMIN_PASSWORD
    ) == (
        401,
        "user:loginFailed",
    )
    await other.log_in("", "four words of nothing")
    assert (await actions(rig))[0][0::2] == ("admin password changed", "done")


async def test_a_reset_of_the_admins_factors_ends_all_sessions(rig: Rig, browser: Browser) -> None:
    """WEB-59, WEB-151: whoever has a session by the lost device is out, and the text says why."""
    async with rig.running.ctl() as client:
        await client.call("account reset-second-factor", {"account": "(admin)"}, dict)
    answer = await browser.post("sessions", {})
    assert (answer.status, answer.json["error"]["code"]) == (401, "user:badAuth")
    assert "Two-step verification was reset for the admin app" in answer.json["error"]["message"]


async def test_ways_in_want_the_password_again(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-63a, WEB-90: what only shows, and what can be undone, does not."""
    monkeypatch.setattr(sessions, "CONFIRMED", 0.0)
    for call, parameters in (
        ("account_factors_reset", {"name": "mia"}),
        ("account_recovery_link", {"name": "mia"}),
        ("config_tlspubkey_add", {"account": "mia", "address": "mia@example.org", "certificate": "x"}),
        ("config_tlspubkey_rm", {"account": "mia", "fingerprint": "x"}),
        ("password_change", {"password": "four words of nothing"}),
    ):
        assert await browser.error(call, **parameters) == (403, "user:confirm"), call
    for call in ("account_security", "account_removed"):
        await browser.call(call, name="mia")
    await browser.call("account_undelete", account="mia")
    assert await actions(rig) == [("account undelete", "mia", "done")]
