"""The account app's calls about linked mailboxes; the other provider is Tom's account (LINK-22..25)."""

import datetime as dt
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.migration import linksending
from moxlite.migration.links import links_running
from moxlite.migration.linkstate import PasswordCipher
from moxlite.net.dial import INNER
from moxlite.net.httpclient import HTTPClient, HTTPResponse
from moxlite.net.imapclient import Client, Credentials, log_in
from moxlite.net.limits import SEARCHES
from moxlite.operations.accounts import RemoveAccount
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.credentials import change_password
from moxlite.store.mail.links import LinkRefused, Relay, links
from moxlite.web import sessions
from tests.browsing import Browser
from tests.store_mail import put, rows
from tests.tools import eventually
from tests.web_rig import DOMAINS, PASSWORD, STATIC, Rig, open_rig

pytestmark = pytest.mark.served

SECRET = "secret of tom"
IMAP = "imap = { enabled = true, port = 143, require_tls = false }\nwebmail_http = { enabled = true, port = 80 }"
FORM: dict[str, Any] = {
    "address": "tom@example.org",
    "name": "Tom",
    "protocol": "imap",
    "keep_days": None,
    "sorts": False,
    "host": "imap.example.net",
    "port": 0,
    "tls": "implicit",
    "user": "",
    "password": SECRET,
    "sends": False,
    "smtp_host": "",
    "smtp_port": 0,
    "smtp_tls": "implicit",
    "smtp_user": "",
}
IMPORT = {
    "host": FORM["host"],
    "port": 0,
    "tls": "implicit",
    "user": "tom@example.org",
    "password": SECRET,
    "prefix": "",
    "since": None,
}


@pytest.fixture
async def other(tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A server on which Tom's account plays the other provider, with two messages."""
    static = STATIC.replace("webmail_http = { enabled = true, port = 80 }", IMAP)
    rig = await open_rig(tmp_path, nursery, static=static, domains=DOMAINS)
    monkeypatch.setattr(rig.house.copies.logins, "_clock", lambda: 1_000_000_000.0)  # no hour ends meanwhile
    async with rig.account("tom") as account:
        await change_password(account, SECRET)
        await put(account, 2)

    async def connect(server: Any, credentials: Credentials, **options: Any) -> Client:
        """In place of `net.imapclient.connect`."""
        del server, options
        client = Client(rig.connect(port=143))
        try:
            await client.greet()
            await log_in(client, msgspec.structs.replace(credentials, allow_clear=True))
        except BaseException:
            await client.aclose()
            raise
        return client

    monkeypatch.setattr("moxlite.net.imapclient.connect", connect)
    return rig


async def logged_in(rig: Rig) -> Browser:
    """Mia's browser."""
    browser = rig.browser(app="/")
    await browser.log_in()
    return browser


async def until(browser: Browser, state: str) -> Any:
    """The only link, once it is in this state."""
    with trio.fail_after(60):
        while (found := (await browser.call("link_list"))["items"])[0]["state"] != state:  # noqa: ASYNC110 - as a page
            await trio.sleep(0.02)
    [one] = found
    return one


async def test_a_mailbox_is_added_paused_and_removed_with_its_copies(other: Rig) -> None:
    """LINK-22, LINK-24: with its states, and in the audit log; the password is in none of that."""
    browser = await logged_in(other)
    assert await browser.call("link_list") == {"items": [], "insecure": False}
    assert await browser.call("link_add", link=FORM) == {"name": "Tom", "sending": {"message": "", "words": None}}
    one = await until(browser, "current")
    shown = {key: one[key] for key in ("name", "address", "host", "user", "provider", "wants", "next_try", "refused")}
    assert shown == {
        "name": "Tom",
        "address": "tom@example.org",
        "host": "imap.example.net",
        "user": "tom@example.org",
        "provider": "",
        "wants": "",
        "next_try": None,
        "refused": None,
    }
    async with other.account() as mia:
        assert len(await rows(mia, "Tom/Inbox")) == 2
    await browser.call("link_pause", link="Tom")
    assert (await until(browser, "paused"))["said"]["message"] == ""
    await browser.call("link_resume", link="Tom")
    await until(browser, "current")
    await browser.call("link_rm", link="Tom", delete_copies=True)
    assert (await browser.call("link_list"))["items"] == []
    assert "Tom/Inbox" not in [one["name"] for one in await browser.call("mailboxes")]
    async with other.account("tom") as tom:
        assert len(await rows(tom, "Inbox")) == 2
    entries = await other.auth.audit.entries(AuditFilter())
    assert {"linked account added", "link pause", "link resume", "link rm"} <= {one.action for one in entries}
    assert SECRET not in repr(entries)
    assert await browser.error("link_rm", link="Tom", delete_copies=True) == (404, "user:notFound")


async def test_a_mailbox_is_renamed(other: Rig) -> None:
    """LINK-28: a name that is taken is told at the form."""
    browser = await logged_in(other)
    await browser.call("link_add", link=FORM)
    await until(browser, "current")
    await browser.call("link_rename", link="Tom", name="Uncle")
    assert (await until(browser, "current"))["name"] == "Uncle"
    async with other.account() as mia:
        assert len(await rows(mia, "Uncle/Inbox")) == 2
    assert await browser.error("link_rename", link="Uncle", name="Archive") == (400, "user:fields")
    assert await browser.error("link_rename", link="Tom", name="x") == (404, "user:notFound")


async def test_copies_stay_when_they_are_to_be_kept(other: Rig) -> None:
    """LINK-24."""
    browser = await logged_in(other)
    await browser.call("link_add", link=FORM)
    await until(browser, "current")
    await browser.call("link_rm", link="Tom", delete_copies=False)
    async with other.account() as mia:
        assert len(await rows(mia, "Tom/Inbox")) == 2


async def test_a_refused_password_is_told_with_the_next_try_and_replaced(other: Rig) -> None:
    """LINK-22: a wrong one is not taken; the right one is used at once."""
    browser = await logged_in(other)
    await browser.call("link_add", link=FORM)
    await until(browser, "current")
    async with other.account() as mia:
        [link] = await mia.read(links, op="test")
        wrong = PasswordCipher(other.house.static.data_dir).seal("wrong", link.host, link.username)
        await mia.write(lambda tx: tx.execute("UPDATE link SET secret = ?", wrong))
    await browser.call("link_resume", link="Tom")
    one = await until(browser, "refused")
    assert one["said"]["words"]["text"] == "login failed: {reason}"
    assert one["refused"] is not None
    assert dt.datetime.fromisoformat(one["next_try"]) > dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10)
    answer = await browser.post("link_set_password", {"link": "Tom", "password": "wrong"})
    assert [field["field"] for field in answer.json["error"]["fields"]] == ["password"]
    await browser.call("link_set_password", link="Tom", password=SECRET)
    assert (await until(browser, "current"))["refused"] is None


async def test_mail_is_sent_by_a_server_that_is_found_or_given(other: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-26: it is tried; one that fails is told at its field; a link can do without."""
    tried: list[Relay] = []

    async def try_relay(relay: Relay, **options: Any) -> None:
        del options
        tried.append(relay)
        if relay.host.ascii.startswith("bad"):
            raise LinkRefused("refused", "smtp_host")

    monkeypatch.setattr(linksending, "try_relay", try_relay)
    browser = await logged_in(other)
    sending = {"smtp_host": "", "smtp_port": 0, "smtp_tls": "implicit", "smtp_user": ""}
    answer = await browser.post("link_add", {"link": FORM | sending | {"smtp_host": "bad.example.net", "sends": True}})
    assert [one["field"] for one in answer.json["error"]["fields"]] == ["smtp_host"]
    made = await browser.call("link_add", link=FORM | sending | {"sends": True})
    assert made["sending"]["message"].startswith("couldn't find an SMTP server")
    assert (await until(browser, "current"))["smtp_host"] == ""
    server = {"smtp_host": "smtp.example.net", "smtp_port": 587, "smtp_tls": "starttls", "smtp_user": "t"}
    await browser.call("link_set_sending", link="Tom", **server)
    [one] = (await browser.call("link_list"))["items"]
    assert {key: one[key] for key in server} == server
    assert (tried[-1].host.ascii, tried[-1].port, tried[-1].user) == ("smtp.example.net", 587, "t")
    answer = await browser.post("link_set_sending", {"link": "Tom", "smtp_host": "bad.example.net"})
    assert [one["field"] for one in answer.json["error"]["fields"]] == ["smtp_host"]
    await browser.call("link_set_sending", link="Tom", off=True)
    assert (await browser.call("link_list"))["items"][0]["smtp_host"] == ""


async def test_a_given_server_of_a_large_provider_keeps_its_copies(other: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-26: what the page found and sends back is known as the provider's."""

    async def try_relay(relay: Relay, **options: Any) -> None:
        del relay, options

    monkeypatch.setattr(linksending, "try_relay", try_relay)
    browser = await logged_in(other)
    smtp = {"sends": True, "smtp_host": "smtp.gmail.com", "smtp_port": 465}
    await browser.call("link_add", link=FORM | smtp | {"host": "imap.gmail.com"})
    async with other.account() as mia:
        [link] = await mia.read(links, op="test")
    assert link.outlet.keeps_copy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "tom"),
        ("host", "no host"),
        ("password", ""),
        ("password", "wrong"),
        ("tls", "none"),
        ("name", "Inbox"),
        ("name", "a/b"),
    ],
)
async def test_what_cannot_be_linked_is_told_at_its_field(other: Rig, field: str, value: str) -> None:
    """LINK-22: and nothing is kept."""
    browser = await logged_in(other)
    answer = await browser.post("link_add", {"link": FORM | {field: value}})
    assert answer.status == 400
    assert [one["field"] for one in answer.json["error"]["fields"]] == [field]
    assert (await browser.call("link_list"))["items"] == []


async def test_servers_are_found_for_a_user(other: Rig) -> None:
    """LINK-20: what the provider wants is told; errors name the field."""
    browser = await logged_in(other)
    found = await browser.call("link_find", address=" tom@gmail.com ")
    assert (found["provider"], found["wants"], found["incoming"]["host"]) == ("Gmail", "app", "imap.gmail.com")
    for address, field in (("tom@outlook.com", "address"), ("tom", "address"), ("tom@nowhere.example", "host")):
        answer = await browser.post("link_find", {"address": address})
        assert [one["field"] for one in answer.json["error"]["fields"]] == [field], address


async def test_hosts_of_the_inner_network_cannot_be_linked(tmp_path: Path, nursery: trio.Nursery) -> None:
    """LINK-4, WEB-111: the address is refused before anything is said to it."""
    rig = await open_rig(tmp_path, nursery, static=STATIC, domains=DOMAINS)
    browser = await logged_in(rig)
    for host in ("127.0.0.1", "localhost", "[::1]", "::1", "169.254.169.254"):
        answer = await browser.post("link_add", {"link": FORM | {"host": host}})
        assert answer.status == 400
        assert INNER in answer.json["error"]["message"] or "isn't a server name" in answer.json["error"]["message"]


async def test_adding_a_new_password_and_removal_ask_again(other: Rig) -> None:
    """LINK-25, WEB-63a: after ten minutes; looking and pausing do not."""
    browser = await logged_in(other)
    await browser.call("link_add", link=FORM)
    await other.auth.database.write(
        lambda tx: tx.execute("UPDATE session SET proven = proven - ?", sessions.CONFIRMED * 1_000_000)
    )
    for name, parameters in (
        ("link_add", {"link": FORM}),
        ("link_set_password", {"link": "Tom", "password": SECRET}),
        ("link_rm", {"link": "Tom"}),
        ("link_set_sending", {"link": "Tom"}),
    ):
        assert await browser.error(name, **parameters) == (403, "user:confirm")
    await browser.call("link_list")
    await browser.call("link_pause", link="Tom")


async def test_removing_the_account_ends_its_links(other: Rig) -> None:
    """LINK-3: no connection is held for an account that is gone. Here Mia is the other provider."""
    browser = other.browser(app="/")
    await browser.log_in("tom@example.org", SECRET)
    await browser.call("link_add", link=FORM | {"address": "mia@example.org", "password": PASSWORD})
    await until(browser, "current")
    async with other.running.ctl() as ctl:
        await ctl.call("config account rm", RemoveAccount("tom"), type(None))
    await eventually(lambda: links_running.labels(phase="current").value == 0)
    assert not other.accounts.path("tom").exists()


async def test_passwords_of_others_cannot_be_tried_by_links(other: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-27: six wrong ones of a user there, by links and imports together, also of servers for sending; the right
    one is not counted as wrong; others of the account, and other accounts, may go on.
    """

    async def try_relay(relay: Relay, **options: Any) -> None:
        del options
        raise LinkRefused("refused", "password")

    monkeypatch.setattr(linksending, "try_relay", try_relay)
    browser = await logged_in(other)
    await browser.call("link_add", link=FORM)
    wrong = FORM | {"password": "wrong", "name": "Two"}
    for _ in range(5):
        assert await browser.error("link_add", link=wrong) == (400, "user:fields")
    assert await browser.error("link_set_password", link="Tom", password="wrong") == (400, "user:fields")
    for name, parameters in (
        ("link_add", {"link": wrong}),
        ("link_add", {"link": wrong | {"user": "TOM@example.org", "host": "IMAP.example.net."}}),
        ("link_set_password", {"link": "Tom", "password": SECRET}),
        ("copy_look", {"server": IMPORT}),
    ):
        answer = await browser.post(name, parameters)
        assert (answer.status, answer.json["error"]["code"]) == (429, "user:rateLimited")
        assert 0 < int(answer.headers["retry-after"]) <= 3600
        assert answer.json["error"]["words"]["text"].endswith("try again in {minutes} min")
    sending = {"link": "Tom", "smtp_host": "smtp.example.org", "smtp_user": "zoe"}
    for _ in range(6):
        assert await browser.error("link_set_sending", **sending) == (400, "user:fields")
    assert await browser.error("link_set_sending", **sending) == (429, "user:rateLimited")
    for _ in range(7):  # 1 + 6 + 6 of 20
        await browser.call("link_resume", link="Tom")
    assert await browser.error("link_resume", link="Tom") == (429, "user:rateLimited")
    await browser.call("link_pause", link="Tom")
    tom = other.browser(app="/")
    await tom.log_in("tom@example.org", SECRET)
    assert await tom.error("link_add", link=wrong) == (400, "user:fields")


async def test_imports_and_calendars_count_as_links_do(other: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-27: an import counts when it begins and each time that it goes on, a copy of calendars when it begins."""
    browser = await logged_in(other)

    async def request(*_: object, **options: Any) -> HTTPResponse:
        del options
        return HTTPResponse(401, (), b"")

    monkeypatch.setattr(HTTPClient, "request", request)

    async def phase(wanted: str) -> None:
        def reached() -> bool:
            look = other.house.background_imports.look("mia")
            return look is not None and look.phase == wanted

        await eventually(reached, what=wanted)

    for _ in range(3):
        await browser.call("copy_look", server=IMPORT)
        await phase("looked")
        await browser.call("copy_go_on", leave_out=[])
        await phase("done")
    for _ in range(6):
        await browser.call("copy_look", server=IMPORT | {"password": "wrong"})
        await phase("failed")
    assert await browser.error("copy_look", server=IMPORT) == (429, "user:rateLimited")
    dav = {"url": "https://127.0.0.1/", "user": "zoe", "password": "wrong"}
    for _ in range(6):
        await browser.call("calendar_copy", **dav)
        look = other.house.calendar_copies.look("mia")
        assert look is not None
        await eventually(partial(getattr, look, "ended"))
    assert await browser.error("calendar_copy", **dav) == (429, "user:rateLimited")
    for _ in range(SEARCHES):
        await browser.call("link_find", address="tom@gmail.com")
    assert await browser.error("link_find", address="tom@gmail.com") == (429, "user:rateLimited")
