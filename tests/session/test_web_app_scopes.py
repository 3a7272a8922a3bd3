"""What app passwords and tokens may change besides mail: permissions and Sieve scripts, by scopes of their own."""

import base64

import pytest

from moxlite.store.auth.apppasswords import add_app_password, add_token
from tests.interfaces import command_line
from tests.jmap_rig import JMAP, Client
from tests.session.test_imapd_sieve import Client as SieveClient
from tests.session.test_web_interfaces_access import said
from tests.session.test_web_ways_in import DOORS, IMAP_PORT, SIEVE_PORT
from tests.web_rig import ADDRESS, STATIC, Browser, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/", static=STATIC + JMAP + DOORS)]

SHARING, SIEVE = 'turn on "change sharing" for it', "change Sieve scripts"
RIGHTS = {
    "Calendar": {"mayReadFreeBusy": True, "mayReadItems": True},
    "AddressBook": {"mayRead": True},
}


async def imap_answers(rig: Rig, password: str, *lines: str) -> list[str]:
    """The answers to commands of a new session."""
    async with rig.connect(port=IMAP_PORT) as stream:
        assert "a OK" in await said(stream, f'LOGIN "{ADDRESS}" "{password}"')
        return [await said(stream, line) for line in lines]


async def sieve_answers(rig: Rig, password: str, *lines: str) -> list[str]:
    """The last lines of the answers to commands of a new session of ManageSieve."""
    async with rig.connect(port=SIEVE_PORT) as stream:
        client = SieveClient(stream)
        await client.response()
        plain = base64.b64encode(f"\0{ADDRESS}\0{password}".encode()).decode()
        assert (await client.last(f'AUTHENTICATE "PLAIN" "{plain}"')).startswith("OK")
        return [await client.last(line) for line in lines]


async def allow(browser: Browser, name: str, **extras: bool) -> None:
    await browser.call("account_app_password_allow", name=name, **extras)


async def test_an_app_password_changes_permissions_only_if_it_was_ticked(rig: Rig, browser: Browser) -> None:
    """STORE-191b, IMAP-157: reading goes on, MYRIGHTS says so, and a refusal names the tick; the tick can come later,
    and go again.
    """
    async with rig.account() as account:
        password = await add_app_password(account, "phone", ["imap"])
    lines = ("SETACL Inbox tom lr", "DELETEACL Inbox tom", "GETACL Inbox", "MYRIGHTS Inbox")
    share, unshare, read, mine = await imap_answers(rig, password, *lines)
    for answer in (share, unshare):
        assert answer.startswith("a NO [NOPERM]")
        assert SHARING in answer
    assert "a OK" in read
    assert "a" not in mine.splitlines()[0].split()[-1]
    await allow(browser, "phone", sharing=True)
    assert (await browser.call("account_app_password_list"))[0]["scopes"] == ["imap", "sharing"]
    share, _, read, mine = await imap_answers(rig, password, lines[0], "NOOP", lines[2], lines[3])
    assert "a OK" in share
    assert "tom" in read
    assert "a" in mine.splitlines()[0].split()[-1]
    await allow(browser, "phone")
    assert SHARING in (await imap_answers(rig, password, lines[1]))[0]
    assert await browser.error("account_app_password_allow", name="none") == (404, "user:notFound")


@pytest.mark.parametrize("kind", list(RIGHTS))
async def test_a_token_shares_calendars_and_address_books_only_if_it_was_ticked(
    rig: Rig, browser: Browser, kind: str
) -> None:
    """STORE-191b, JMAP-2a: mayShare is false, and all else of the object can be changed, also with the shares as they
    are.
    """
    async with rig.account() as account:
        token = await add_token(account, "robot", ["jmap"])
    jmap = Client(rig)
    jmap.authorization = f"Bearer {token}"
    [one, *_] = (await jmap.call(f"{kind}/get"))["list"]
    assert one["myRights"]["mayShare"] is False
    share = {one["id"]: {"shareWith": {"utom": RIGHTS[kind]}}}
    refused = (await jmap.call(f"{kind}/set", update=share))["notUpdated"][one["id"]]
    assert refused["type"] == "forbidden"
    assert SHARING in refused["description"]
    made = await jmap.call(f"{kind}/set", create={"n": {"name": "New", "shareWith": {"utom": RIGHTS[kind]}}})
    assert made["notCreated"]["n"]["type"] == "forbidden"
    renamed = await jmap.call(f"{kind}/set", update={one["id"]: {"name": "Mine", "shareWith": None}})
    assert one["id"] in renamed["updated"]
    await allow(browser, "robot", sharing=True)
    assert (await jmap.call(f"{kind}/get"))["list"][0]["myRights"]["mayShare"] is True
    assert one["id"] in (await jmap.call(f"{kind}/set", update=share))["updated"]


async def test_scripts_are_changed_only_if_it_was_ticked(rig: Rig, browser: Browser) -> None:
    """STORE-191b, IMAP-141: by ManageSieve and JMAP; they are still read, and the vacation reply is no script."""
    async with rig.account() as account:
        password = await add_app_password(account, "phone", ["imap", "jmap"])
    changes = ('PUTSCRIPT "a" "keep;"', 'SETACTIVE ""', 'DELETESCRIPT "a"', 'RENAMESCRIPT "a" "b"')
    *refused, listed, checked = await sieve_answers(rig, password, *changes, "LISTSCRIPTS", 'CHECKSCRIPT "keep;"')
    for answer in refused:
        assert answer.startswith("NO")
        assert SIEVE in answer
    assert (listed[:2], checked[:2]) == ("OK", "OK")
    jmap = Client(rig, password=password)
    script = {"create": {"a": {"name": "a", "blobId": await jmap.upload(b"keep;", "application/sieve")}}}
    assert await jmap.error("SieveScript/set", **script) == "forbidden"
    assert (await jmap.call("SieveScript/get"))["list"] == []
    vacation = {"singleton": {"isEnabled": True, "textBody": "away"}}
    assert (await jmap.call("VacationResponse/set", update=vacation))["updated"]
    await allow(browser, "phone", sieve=True)
    assert (await jmap.call("SieveScript/set", **script))["created"]
    assert (await sieve_answers(rig, password, 'SETACTIVE "a"'))[0].startswith("OK")


async def test_own_passwords_share_and_new_app_passwords_do_not(rig: Rig, browser: Browser) -> None:
    """STORE-191b: off for new ones, unless asked for; a scope of these alone is no service."""
    folder = rig.running.folder
    await command_line(folder, "account", "app-password", "add", "mia", "phone")
    await command_line(folder, "account", "app-password", "add", "mia", "mine", "--scope", "imap", "--scope", "sharing")
    assert await command_line(folder, "account", "app-password", "allow", "mia", "phone", "--sieve") == ("", "")
    found = {one["name"]: one["scopes"] for one in await browser.call("account_app_password_list")}
    assert found == {"phone": ["imap", "submission", "sieve"], "mine": ["imap", "sharing"]}
    for scopes in (["sharing"], ["sharing", "sieve"]):
        assert (await browser.error("account_app_password_add", name="x", scopes=scopes))[0] == 400
