"""The account app's calls about imports from another IMAP server, and about shared mailboxes."""

from typing import Any

import msgspec
import pytest
import trio

from moxlite.net.control.client import connect_ctl
from moxlite.net.imapclient import Client, Credentials, log_in
from moxlite.operations.access import SetPassword
from moxlite.operations.accounts import AddAccount, RemoveAccount
from moxlite.store.auth.credentials import change_password
from moxlite.store.changelog.account import Account
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.store.types import Flag
from tests.browsing import Browser
from tests.store_mail import box, put, rows
from tests.tools import eventually
from tests.web_rig import DOMAINS, PASSWORD, STATIC, Rig, open_rig
from tests.web_sharing import share, tom

pytestmark = pytest.mark.served

__all__ = ["tom"]

FORM: dict[str, object] = {
    "host": "imap.example.net",
    "port": 0,
    "tls": "implicit",
    "user": "tom@example.org",
    "password": "secret of tom",
    "prefix": "",
    "since": None,
}
IMAP = "imap = { enabled = true, port = 143, require_tls = false }\nwebmail_http = { enabled = true, port = 80 }"


class Source:
    """Tom's account on the same server plays the other server."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.connections = 0
        self.gate: trio.Event | None = None
        """Connections wait for it."""

    async def connect(self, server: Any, credentials: Credentials, **options: Any) -> Client:
        """In place of `net.imapclient.connect`."""
        self.connections += 1
        self.options = options
        if self.gate is not None:
            await self.gate.wait()
        stream = self.rig.connect(port=143)
        client = Client(stream)
        await client.greet()
        await log_in(client, msgspec.structs.replace(credentials, allow_clear=True))
        return client


@pytest.fixture
async def source(tmp_path: Any, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Tom's account with messages in three mailboxes."""
    static = STATIC.replace("webmail_http = { enabled = true, port = 80 }", IMAP)
    static = static.replace('postmaster = { account = "mia"', 'postmaster = { account = "tom"')  # mia may be removed
    rig = await open_rig(tmp_path, nursery, static=static, domains=DOMAINS)
    async with rig.account("tom") as account:
        await change_password(account, "secret of tom")
        for name in ("Work", "Work/Old"):
            await account.write(lambda tx, name=name: create_mailbox(tx, name))  # type: ignore[misc] # bound now
        await put(account, 3, "Work")
        await put(account, 2, "Work/Old")
        await put(account, 1)
    found = Source(rig)
    monkeypatch.setattr("moxlite.net.imapclient.connect", found.connect)
    return found


async def logged_in(rig: Rig) -> Browser:
    """Mia's browser."""
    browser = rig.browser(app="/")
    await browser.log_in()
    return browser


async def phase(browser: Browser, *wanted: str) -> Any:
    """The state, once it is one of these."""
    with trio.fail_after(60):
        while (found := await browser.call("copy_state"))["phase"] not in wanted:  # noqa: ASYNC110 - as a page does it
            await trio.sleep(0.02)
    return found


async def subjects(account: Account, name: str) -> int:
    """The number of messages in a mailbox."""
    return len(await rows(account, name))


async def test_mailboxes_are_chosen_then_copied_with_marks_and_names_and_never_twice(source: Source) -> None:
    """WEB-159, IMAP-138: the plan, what is left out, the result; the next run copies only what is new."""
    browser = await logged_in(source.rig)
    async with source.rig.account("tom") as theirs:
        uid = (await rows(theirs, "Work"))[0].uid
        there = (await box(theirs, "Work")).id
        await theirs.write(lambda tx: store_flags(tx, there, [uid], mode="add", flags=Flag.FLAGGED))
    await browser.call("copy_look", server=FORM)
    found = await phase(browser, "looked", "failed")
    assert found["error"]["message"] == ""
    plan = {one["source"]: (one["target"], one["messages"], one["new"]) for one in found["plan"]}
    assert (plan["Work"], plan["Work/Old"], plan["INBOX" if "INBOX" in plan else "Inbox"]) == (
        ("Work", 3, 3),
        ("Work/Old", 2, 2),
        ("Inbox", 1, 1),
    )
    assert "secret" not in str(found)
    await browser.call("copy_go_on", leave_out=["Work/Old"])
    done = await phase(browser, "done", "failed")
    assert (done["phase"], done["messages"], done["problems"], done["error"]["message"]) == ("done", 4, [], "")
    async with source.rig.account() as own:
        assert await subjects(own, "Work") == 3
        marked = [row for row in await rows(own, "Work") if row.flags & Flag.FLAGGED]
        assert len(marked) == 1
        with pytest.raises(Exception, match="Old"):
            await rows(own, "Work/Old")
    await browser.call("copy_dismiss")
    assert (await browser.call("copy_state"))["phase"] == "none"
    assert (await browser.call("copy_state"))["known"] == [{"host": "imap.example.net", "user": "tom@example.org"}]
    await browser.call("copy_look", server=FORM)
    again = await phase(browser, "looked")
    assert {one["source"]: one["new"] for one in again["plan"] if one["new"]} == {"Work/Old": 2}
    await browser.call("copy_go_on", leave_out=[])
    assert (await phase(browser, "done"))["messages"] == 2
    async with source.rig.account() as own:
        assert (await subjects(own, "Work"), await subjects(own, "Work/Old")) == (3, 2)


async def test_the_password_of_the_other_server_is_in_no_audit_log(source: Source) -> None:
    """WEB-159, WEB-160: neither are secrets in other forms of calls."""
    browser = await logged_in(source.rig)
    await browser.call("copy_look", server=FORM)
    await phase(browser, "looked")
    rows = await source.rig.auth.database.read(lambda r: r.rows("SELECT detail FROM audit"), op="test")
    assert "imap.example.net" in str(rows)
    assert "secret of tom" not in str(rows)


async def test_an_import_is_paused_goes_on_and_is_ended(source: Source) -> None:
    """WEB-159: a pause keeps the password in memory; an end forgets it."""
    browser = await logged_in(source.rig)
    await browser.call("copy_look", server=FORM)
    await phase(browser, "looked")
    source.gate = trio.Event()
    await browser.call("copy_go_on", leave_out=[])
    await eventually(lambda: source.connections == 2)
    assert await browser.error("copy_look", server=FORM) == (409, "user:conflict")
    await browser.call("copy_pause")
    assert (await phase(browser, "paused"))["messages"] == 0
    assert await browser.error("copy_pause") == (409, "user:conflict")
    source.gate.set()
    await browser.call("copy_go_on", leave_out=None)
    assert (await phase(browser, "done"))["messages"] == 6
    imports = source.rig.house.background_imports
    assert imports._runs["mia"].order.password == ""
    await browser.call("copy_look", server=FORM)
    await phase(browser, "looked")
    await browser.call("copy_abort")
    assert (await phase(browser, "aborted"))["error"]["message"] == ""
    assert imports._runs["mia"].order.password == ""


@pytest.mark.parametrize("when", ["looked", "running", "paused"])
async def test_the_import_of_a_removed_account_ends_with_it(source: Source, when: str) -> None:
    """WEB-159, ADMIN-15: an account of that name, added in the same second, neither sees it nor can go on with the
    password that it holds.
    """
    browser = await logged_in(source.rig)
    await browser.call("copy_look", server=FORM)
    await phase(browser, "looked")
    if when != "looked":
        source.gate = trio.Event()
        await browser.call("copy_go_on", leave_out=[])
        await eventually(lambda: source.connections == 2)
    if when == "paused":
        await browser.call("copy_pause")
    async with connect_ctl(source.rig.house.static.data_dir / "ctl") as ctl:
        await ctl.call("config account rm", RemoveAccount("mia"), type(None))
        await ctl.call("config account add", AddAccount("mia", "mia@example.org"), type(None))
        await ctl.call("account set-password", SetPassword("mia", PASSWORD), type(None))
    if source.gate is not None:
        source.gate.set()
    again = await logged_in(source.rig)
    found = await again.call("copy_state")
    assert (found["phase"], found["host"], found["user"], found["known"]) == ("none", "", "", [])
    assert (await again.error("copy_go_on", leave_out=None))[0] == 409
    async with source.rig.account() as own:
        assert (await box(own)).total == 0


async def test_a_wrong_password_and_a_wrong_form_are_told(source: Source) -> None:
    """WEB-159: the other server's refusal is the result; mistakes are at their fields."""
    browser = await logged_in(source.rig)
    await browser.call("copy_look", server=FORM | {"password": "wrong"})
    found = await phase(browser, "failed", "looked")
    assert found["phase"] == "failed"
    assert found["error"]["message"]
    answer = await browser.post(
        "copy_look", {"server": FORM | {"host": " ", "user": "", "password": "", "tls": "none"}}
    )
    assert answer.status == 400
    assert [one["field"] for one in answer.json["error"]["fields"]] == ["host", "user", "password", "tls"]
    assert await browser.error("copy_look", server=FORM | {"prefix": "a//b"}) == (400, "user:fields")
    assert await browser.error("copy_go_on", leave_out=None) == (409, "user:conflict")
    assert await browser.error("copy_abort") == (409, "user:conflict")


async def test_inner_networks_are_not_asked_unless_that_is_allowed(rig: Rig) -> None:
    """WEB-159, WEB-111: as for webhooks, after the name was looked up too."""
    browser = await logged_in(rig)
    for host in ("127.0.0.1", "localhost", "10.0.0.1", "::1"):
        await browser.call("copy_look", server=FORM | {"host": host})
        found = await phase(browser, "failed")
        assert "is a private network address" in found["error"]["message"]
        await browser.call("copy_dismiss")


async def test_mailboxes_are_shared_and_shares_are_listed(rig: Rig, tom: Account) -> None:
    """WEB-159a, IMAP-157: given by address, seen by both, ended; the guest's own and unknown names are refused at their
    field.
    """
    await share(rig, "lr")
    browser = await logged_in(rig)
    found = await browser.call("shares")
    assert found["given"] == []
    assert found["received"] == [{"owner": "tom", "mailbox": "Sales", "rights": "lr"}]
    assert "Inbox" in found["mailboxes"]
    async with rig.account() as own:
        await own.write(lambda tx: create_mailbox(tx, "Club"))
        await own.write(lambda tx: create_mailbox(tx, "Club/2026"))
    right = {"mailbox": "Club", "guest": "Tom@example.org", "rights": "lrs", "below": True}
    await browser.call("account_share_set", **right)
    given = (await browser.call("shares"))["given"]
    assert [(one["mailbox"], one["guest"], one["rights"]) for one in given] == [
        ("Club", "tom", "lrs"),
        ("Club/2026", "tom", "lrs"),
    ]
    assert await rig.auth.sharing.may_share("mia", "tom")
    await browser.call("account_share_set", **right | {"rights": ""})
    assert (await browser.call("shares"))["given"] == []
    assert not await rig.auth.sharing.may_share("mia", "tom")
    for change in (
        {"guest": "nobody@example.org"},
        {"guest": "mia"},
        {"rights": "zz"},
        {"rights": "r"},
        {"mailbox": "Gone"},
    ):
        assert await browser.error("account_share_set", **right | change) == (400, "user:fields")
