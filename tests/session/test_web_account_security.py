"""The account app's calls about the account as a whole, its passwords, sessions and log-in attempts."""

import pytest

from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.store.auth.apppasswords import app_passwords
from moxlite.store.auth.audit import AuditFilter
from tests.browsing import ADDRESS, PASSWORD, Browser
from tests.tools import eventually
from tests.web_rig import Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/")]


async def configure(rig: Rig, path: tuple[str, ...], value: object) -> None:
    """Change a value of domains.toml."""

    def change(document: Document, snapshot: Snapshot) -> None:
        document.put(path, value)

    await rig.holder.edit(change)


async def test_the_overview_tells_addresses_storage_and_settings(rig: Rig, browser: Browser) -> None:
    """WEB-62."""
    found = await browser.call("overview")
    assert found["login_address"] == ADDRESS
    assert [one["address"] for one in found["addresses"]] == ["mia@example.org", "büro@example.org"]
    assert found["addresses"][0]["mailbox"] == "Inbox"
    assert found["storage_limit"] == 0
    assert found["lists"] == []
    assert found["program"] == {"username": ADDRESS, "imap": [], "submission": [], "jmap": ""}


async def test_the_overview_tells_lists_and_their_members_only_if_they_are_shown(rig: Rig, browser: Browser) -> None:
    """WEB-62."""
    members = ["mia@example.org", "tom@example.org"]
    alias = ("domains", "example.org", "aliases")
    await configure(rig, (*alias, "club"), {"addresses": members, "list_members": True})
    await configure(rig, (*alias, "secret"), {"addresses": members, "post_public": True})
    lists = {one["address"]: one for one in (await browser.call("overview"))["lists"]}
    assert lists["club@example.org"]["members"] == members
    assert lists["secret@example.org"]["members"] == []
    assert (lists["secret@example.org"]["public"], lists["secret@example.org"]["members_shown"]) == (True, False)


async def test_an_address_of_a_disabled_domain_and_a_catchall_are_marked(rig: Rig, browser: Browser) -> None:
    """WEB-62."""
    await configure(rig, ("domains", "example.net"), {"disabled": True})
    await configure(rig, ("accounts", "mia", "destinations", "@example.net"), {})
    last = (await browser.call("overview"))["addresses"][-1]
    assert (last["address"], last["catchall"], last["domain_disabled"]) == ("@example.net", True, True)


async def test_a_new_password_ends_other_sessions_but_no_app_passwords(rig: Rig, browser: Browser) -> None:
    """WEB-63, WEB-59."""
    other, mail = rig.browser(app="/"), rig.browser()
    await other.log_in()
    await mail.log_in()
    await browser.call("account_app_password_add", name="phone", scopes=["imap"], read_only=False, expires=None)
    assert await browser.call("set_password", password="another good one") == 2
    assert (await other.error("overview"))[0] == 401
    assert (await mail.error("mailbox_counts"))[0] in (401, 404)
    assert [one["name"] for one in await browser.call("account_app_password_list")] == ["phone"]
    late = rig.browser(app="/")
    token = await late.call("login_prep")
    assert (await late.error("login", login_token=token, username=ADDRESS, password=PASSWORD))[0] == 401
    await late.log_in(password="another good one")
    state = await browser.call("password_state")
    assert (state["custom"], state["app_passwords_required"]) == (True, False)
    assert await browser.error("set_password", password="short") == (400, "user:error")


async def test_a_password_that_guessers_try_is_refused(rig: Rig, browser: Browser) -> None:
    """STORE-102a, WEB-63: common ones, the own address; the old password stays."""
    for password, words in (("password123", "too common"), (ADDRESS, "your address"), ("P@ssw0rd!", "too common")):
        answer = await browser.post("set_password", {"password": password})
        assert (answer.status, words in answer.json["error"]["message"]) == (400, True)
    await rig.browser(app="/").log_in()


async def test_a_password_that_may_not_be_chosen_is_only_generated(rig: Rig, browser: Browser) -> None:
    """WEB-63."""
    await configure(rig, ("accounts", "mia", "no_custom_password"), True)
    answer = await browser.post("set_password", {"password": "another good one"})
    assert (answer.status, "only allows generated passwords" in answer.json["error"]["message"]) == (400, True)
    password = await browser.call("generate_password")
    assert len(password) == 20
    await rig.browser(app="/").log_in(password=password)


async def test_an_app_password_is_shown_once_and_revoked_with_its_sessions(rig: Rig, browser: Browser) -> None:
    """WEB-150."""
    password = await browser.call(
        "account_app_password_add", name="Tablet", scopes=["imap", "submission"], read_only=False, expires=None
    )
    assert len(password) >= 20
    (one,) = await browser.call("account_app_password_list")
    assert (one["name"], one["scopes"], one["last_used"], one["last_ip"]) == (
        "Tablet",
        ["imap", "submission"],
        None,
        "",
    )
    assert password not in str(one)
    await browser.call("account_app_password_rm", name="Tablet")
    assert await browser.call("account_app_password_list") == []
    assert await browser.error("account_app_password_rm", name="Tablet") == (404, "user:notFound")


async def test_a_token_is_made_like_an_app_password(rig: Rig, browser: Browser) -> None:
    """WEB-150, JMAP-2a: shown once, listed as a token, and withdrawn; only for what speaks HTTP."""
    wish = {"name": "Bulwark", "scopes": ["jmap"], "read_only": False, "expires": None, "token": True}
    token = await browser.call("account_app_password_add", **wish)
    assert token.startswith("moxlite_")
    (one,) = await browser.call("account_app_password_list")
    assert (one["name"], one["token"], one["scopes"]) == ("Bulwark", True, ["jmap"])
    bad = wish | {"name": "x", "scopes": ["imap"]}
    assert await browser.error("account_app_password_add", **bad) == (400, "user:error")
    every = {"name": "all", "scopes": ["imap", "submission", "webapi", "dav", "jmap"], "token": False}
    await browser.call("account_app_password_add", **wish | every)
    await browser.call("account_app_password_rm", name="Bulwark")
    assert [one["name"] for one in await browser.call("account_app_password_list")] == ["all"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": " "}, "user:fields"),
        ({"scopes": []}, "user:fields"),
        ({"scopes": ["admin"]}, "user:error"),
        ({"read_only": True}, "user:error"),
        ({"expires": 1}, "user:error"),
        ({"name": "x" * 65}, "user:error"),
    ],
)
async def test_a_wrong_app_password_is_refused(browser: Browser, change: dict[str, object], code: str) -> None:
    """WEB-150."""
    good = {"name": "phone", "scopes": ["imap", "submission"], "read_only": False, "expires": None}
    assert await browser.error("account_app_password_add", **good | change) == (400, code)


async def test_all_app_passwords_end_by_one_button(rig: Rig, browser: Browser) -> None:
    """WEB-63."""
    for name in ("a", "b"):
        await browser.call("account_app_password_add", name=name, scopes=["imap"], read_only=True, expires=None)
    assert await browser.call("app_password_remove_all") == 2
    assert await browser.call("account_app_password_list") == []


async def test_sessions_are_listed_and_ended_one_by_one(rig: Rig, browser: Browser) -> None:
    """WEB-70."""
    mail = rig.browser(remote="198.51.100.7")
    await mail.log_in()
    found = await browser.call("session_list")
    assert {(one["app"], one["remote_ip"], one["current"]) for one in found} == {
        ("webaccount", "192.0.2.7", True),
        ("webmail", "198.51.100.7", False),
    }
    other = next(one for one in found if not one["current"])
    await browser.call("session_remove", session_id=other["id"])
    assert await browser.error("session_remove", session_id=other["id"]) == (404, "user:notFound")
    assert [one["current"] for one in await browser.call("session_list")] == [True]
    await mail.log_in()
    assert await browser.call("session_remove_others") == 1


async def test_attempts_are_listed_page_by_page(rig: Rig, browser: Browser) -> None:
    """WEB-70."""
    for number in range(4):
        bad = rig.browser(app="/", remote=f"198.51.100.{number}")
        token = await bad.call("login_prep")
        assert (await bad.error("login", login_token=token, username=ADDRESS, password="wrong one"))[0] == 401

    async def all_there() -> bool:
        return len(await rig.auth.attempts.newest("mia", limit=10)) == 5

    while not await all_there():
        await eventually(lambda: True)
    first = await browser.call("attempt_list", after="", count=3)
    rest = await browser.call("attempt_list", after=first[-1]["after"], count=3)
    assert len(first) == 3
    assert len(rest) == 2
    facts = [(one["protocol"], one["remote_ip"], one["result"]) for one in first + rest]
    assert ("webaccount", "198.51.100.3", "badpassword") in facts
    assert facts[-1] == ("webaccount", "192.0.2.7", "ok")
    for after in ("x", "1", "-", "1-2-3", "9" * 41, "²-1"):
        assert (await browser.error("attempt_list", after=after, count=3))[0] == 400


async def test_this_was_not_me_locks_everyone_else_out(rig: Rig, browser: Browser) -> None:
    """WEB-63b, WEB-70."""
    stranger = rig.browser(app="/", remote="198.51.100.7")
    await stranger.log_in()
    await browser.call("account_app_password_add", name="phone", scopes=["imap"], read_only=False, expires=None)
    found = await browser.call("not_me")
    assert (found["sessions"], found["app_passwords"], found["held"], found["left"]) == (1, 1, 0, [])
    assert (await stranger.error("overview"))[0] == 401
    async with rig.account() as account:
        assert await account.read(app_passwords, op="test") == ()
    await rig.browser(app="/").log_in(password=found["password"])
    log = await rig.auth.audit.entries(AuditFilter())
    assert log[0].action == "account secured"
    assert found["password"] not in str(log)
