"""Linked mailboxes of a whole server, by the control socket; the other provider is Tom's account (LINK-1..9)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.migration import links as links_module, linksending
from moxlite.migration.links import Links
from moxlite.migration.linksending import find_outlet
from moxlite.migration.linkstate import PasswordCipher, pause
from moxlite.net import imapclient
from moxlite.net.control.client import CtlClient, CtlFailed
from moxlite.net.imapclient import Client, Credentials, log_in
from moxlite.net.resolver import SRV, FakeResolver
from moxlite.operations.links import (
    AddLink,
    LinkInfo,
    LinkTest,
    ListLinks,
    PauseLink,
    RemoveLink,
    RenameLink,
    ResumeLink,
    SetLinkPassword,
    SetLinkSending,
    TryLink,
)
from moxlite.operations.server import AuditLine, AuditList
from moxlite.processor import Usage, acting
from moxlite.store.errors import StorageFull
from moxlite.store.mail.links import Link, LinkRefused, Relay, SubmissionServer, links
from moxlite.store.mail.mailboxes import delete_in_slices
from tests.house import PASSWORD, STATIC, Running, house
from tests.session.test_processor_sessions import usage

pytestmark = pytest.mark.served

SECONDS = 20.0


class Provider:
    """The other provider: counts connections, and may be away."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.connections = 0
        self.acting: Usage | None = None  # whose time the last connection counts for

    async def connect(self, server: Any, credentials: Credentials, **options: Any) -> Client:
        """In place of `net.imapclient.connect`."""
        del server, options
        self.connections += 1
        self.acting = acting.get()
        client = Client(self.running.connect(port=self.running.port("imap")))
        try:
            await client.greet()
            await log_in(client, msgspec.structs.replace(credentials, allow_clear=True))
        except BaseException:
            await client.aclose()
            raise
        return client


@asynccontextmanager
async def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Provider, CtlClient]]:
    """A server whose links lead to itself, and its control socket."""
    async with house(tmp_path, static=STATIC) as running, running.ctl() as ctl:
        found = Provider(running)
        monkeypatch.setattr(imapclient, "connect", found.connect)
        yield found, ctl


def asked(password: str = PASSWORD) -> AddLink:
    """A link of Mia's to Tom's mailboxes."""
    return AddLink(account="mia", address="tom@example.org", host="imap.example.net", password=password, name="Tom")


async def until(ctl: CtlClient, state: str, account: str = "mia") -> LinkInfo:
    """Wait for a state of the only link."""
    with trio.fail_after(SECONDS):
        while True:
            [one] = await ctl.call("link list", ListLinks(account), list[LinkInfo])
            if one.state == state:
                return one
            await trio.sleep(0.02)


async def test_a_removal_cut_short_removes_nothing_there_when_linked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-4, LINK-10: rows that it left are of messages that the user removed here after the link was gone."""
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        smtp = await other.running.smtp()
        await smtp.deliver("tom@example.org")
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")

        def cut(*_: object) -> bool:
            raise StorageFull("as if the disk were full")

        with monkeypatch.context() as patch:
            patch.setattr(links_module, "forget_link", cut)
            with pytest.raises(CtlFailed, match="full"):
                await ctl.call("link rm", RemoveLink("Tom", delete_copies=False, account="mia"), type(None))
        imap = await other.running.imap("mia")
        await imap.ok('a DELETE "Tom/Inbox"')
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        theirs = await other.running.imap("tom")
        assert "MESSAGES 1" in "".join(await theirs.ok("c STATUS Inbox (MESSAGES)"))
        assert "MESSAGES 1" in "".join(await imap.ok('b STATUS "Tom/Inbox" (MESSAGES)'))


async def test_linked_again_during_a_removal_nothing_is_removed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-4: a link of the same name is added after the mailboxes of the first one are deleted."""
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        smtp = await other.running.smtp()
        await smtp.deliver("tom@example.org")
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        delete = delete_in_slices
        begun, tested = trio.Event(), trio.Event()

        async def slow(*args: Any, **options: Any) -> None:
            begun.set()
            await tested.wait()
            await trio.sleep(0.5)  # for what the other one would do in its next second
            await delete(*args, **options)

        test = Links.test

        async def and_tell(self: Links, *args: Any, **options: Any) -> Any:
            try:
                return await test(self, *args, **options)
            finally:
                tested.set()

        monkeypatch.setattr(links_module, "delete_in_slices", slow)
        monkeypatch.setattr(Links, "test", and_tell)
        async with other.running.ctl() as second, trio.open_nursery() as nursery:
            nursery.start_soon(ctl.call, "link rm", RemoveLink("Tom", delete_copies=True, account="mia"), type(None))
            await begun.wait()
            await second.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        await trio.sleep(1.5)  # a change here goes there after a second
        theirs, imap = await other.running.imap("tom"), await other.running.imap("mia")
        assert "MESSAGES 1" in "".join(await theirs.ok("c STATUS Inbox (MESSAGES)"))
        assert "MESSAGES 1" in "".join(await imap.ok('b STATUS "Tom/Inbox" (MESSAGES)'))


async def test_a_link_is_tested_added_paused_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-4: by the command line; LINK-2: the password is in no file, nor in the audit log; STORE-198: it runs for its
    account.
    """
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        smtp = await other.running.smtp()
        await smtp.deliver("tom@example.org")
        test = TryLink(address="tom@example.org", host="imap.example.net", password=PASSWORD)
        found = await ctl.call("link test", test, LinkTest)
        assert (found.messages, found.instant, "Inbox" in found.mailboxes) == (1, True, True)
        made = await ctl.call("link add", asked(), LinkInfo)
        assert (made.name, made.host, made.user) == ("Tom", "imap.example.net", "tom@example.org")
        await until(ctl, "current")
        imap = await other.running.imap("mia")
        assert "Tom/Inbox" in "".join(await imap.ok('a LIST "" "Tom/*"'))
        with pytest.raises(CtlFailed, match="already linked"):
            await ctl.call("link add", msgspec.structs.replace(asked(), name="Other"), LinkInfo)
        with pytest.raises(CtlFailed, match="login failed"):
            await ctl.call("link test", msgspec.structs.replace(test, password="wrong"), LinkTest)
        await ctl.call("link pause", PauseLink("Tom", account="mia"), type(None))
        await until(ctl, "paused")
        await ctl.call("link resume", ResumeLink("Tom", account="mia"), type(None))
        await until(ctl, "current")
        assert other.acting is usage("mia")
        data = other.running.house.static.data_dir
        assert (data / "links.key").stat().st_mode & 0o777 == 0o600
        lines = await ctl.call("audit list", AuditList(), list[AuditLine])
        assert {"link add", "link pause"} <= {line.action for line in lines}
        assert PASSWORD not in repr(lines)
        for path in data.rglob("*"):
            assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
        await ctl.call("link rm", RemoveLink("Tom", delete_copies=True, account="mia"), type(None))
        assert await ctl.call("link list", ListLinks("mia"), list[LinkInfo]) == []
        assert "Tom" not in "".join(await imap.ok('b LIST "" "*"'))
        theirs = await other.running.imap("tom")
        assert "MESSAGES 1" in "".join(await theirs.ok("c STATUS Inbox (MESSAGES)"))


async def test_who_gives_up_waiting_leaves_the_link_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-4: a change that is broken off while the old connection ends."""
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        connections, scope, stop = other.connections, trio.CancelScope(), Links._stop

        async def broken_off(self: Links, name: str, link_id: int) -> None:
            scope.cancel()
            await stop(self, name, link_id)

        monkeypatch.setattr(Links, "_stop", broken_off)
        with scope:
            await other.running.house.links.set_sorting("mia", "Tom", sorts=True)
            await trio.lowlevel.checkpoint()
        await until(ctl, "current")
        assert other.connections == connections + 1


async def test_a_refused_password_is_tried_rarely_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-9: no storm of log-ins; a new password is used at once."""
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        async with other.running.house.files.accounts.use("mia") as account:
            [link] = await account.read(links, op="test")
            wrong = PasswordCipher(other.running.house.static.data_dir).seal("wrong", link.host, link.username)
            await account.write(lambda tx: tx.execute("UPDATE link SET secret = ?", wrong))
        await ctl.call("link resume", ResumeLink("Tom", account="mia"), type(None))
        refused = await until(ctl, "refused")
        assert "next try in" in refused.text
        count = other.connections
        await trio.sleep(0.3)
        assert other.connections == count
        await ctl.call("link set-password", SetLinkPassword("Tom", PASSWORD, account="mia"), type(None))
        await until(ctl, "current")


async def test_after_a_restart_links_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-3: with what they know."""
    async with provider(tmp_path, monkeypatch) as (_, ctl):
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
    async with house(tmp_path, passwords={}) as running, running.ctl() as ctl:
        monkeypatch.setattr(imapclient, "connect", Provider(running).connect)
        await until(ctl, "current")


async def test_a_lost_connection_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-9: after a pause."""
    monkeypatch.setattr("moxlite.migration.linkstate.WAITS", (0.05,))
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        before = other.connections
        other.running.house.services.imap_sessions.end_account("tom", "go away")
        with trio.fail_after(SECONDS):
            while other.connections == before:  # noqa: ASYNC110  another part of the server, no event
                await trio.sleep(0.02)
        await until(ctl, "current")


async def test_a_link_sends_by_the_server_that_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-14, LINK-15: one that was given and fails is an error, one that was found and fails is left out and told."""
    tried: list[str] = []

    async def answer(relay: Relay, **_: object) -> None:
        tried.append(relay.host.ascii)
        if relay.host.ascii == "bad.example.net":
            raise LinkRefused("bad.example.net: connection refused", "smtp_host")

    monkeypatch.setattr(linksending, "try_relay", answer)
    async with provider(tmp_path, monkeypatch) as (_, ctl):
        given = msgspec.structs.replace(asked(), smtp_host="Bad.example.net.")
        with pytest.raises(CtlFailed, match="connection refused"):
            await ctl.call("link add", given, LinkInfo)
        made = await ctl.call("link add", asked(), LinkInfo)
        assert (made.sends, made.sending) == (
            False,
            "couldn't find an SMTP server; to send from this address, enter its name",
        )
        setting = SetLinkSending(
            "Tom", smtp_host="smtp.example.net", smtp_tls="starttls", keeps_copy=True, account="mia"
        )
        changed = await ctl.call("link set-sending", setting, LinkInfo)
        assert (changed.sends, changed.smtp_host, changed.smtp_tls, changed.keeps_copy) == (
            *(True, "smtp.example.net", "starttls"),
            True,
        )
        silent = await ctl.call("link set-sending", SetLinkSending("Tom", off=True, account="mia"), LinkInfo)
        assert (silent.sends, silent.smtp_host) == (False, "")
        assert tried == ["bad.example.net", "smtp.example.net"]


async def test_two_accounts_that_link_each_other_have_each_message_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-19: below a link are the other's own mailboxes alone, which LIST names apart (RFC 5258 §3.4)."""
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        for name in ("mia", "tom"):
            await (await other.running.smtp()).deliver(f"{name}@example.org")
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        back = msgspec.structs.replace(asked(), account="tom", address="mia@example.org", name="Mia")
        await ctl.call("link add", back, LinkInfo)
        await until(ctl, "current", "tom")
        await ctl.call("link resume", ResumeLink("Tom", account="mia"), type(None))
        await until(ctl, "current")
        for name, link in (("mia", "Tom"), ("tom", "Mia")):
            imap = await other.running.imap(name)
            listed = await imap.ok('a LIST "" "*"')
            names = [line.partition('"/" ')[2] for line in listed if "LIST (" in line]
            assert [one for one in names if one.count("/") > 1] == []
            remote = [line.partition('"/" ')[2] for line in listed if "\\Remote" in line]
            assert remote
            assert all(one.startswith(link) for one in remote)
            for box in ("Inbox", f"{link}/Inbox"):
                assert "MESSAGES 1)" in "".join(await imap.ok(f"b STATUS {box} (MESSAGES)"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Suggested Backoff Time: 87623 milliseconds", 87.6),
        ("[LIMIT] try again in 600 s", 600),
        ("try again in 999999999 s", 86_400),
        ("no more", 0),
    ],
)
def test_a_server_tells_how_long_to_wait(text: str, seconds: float) -> None:
    """LINK-9: up to a day."""
    told = pause(1, Exception(text))
    assert told == pytest.approx(seconds, abs=1) if seconds else told <= 3


def test_a_sealed_password_opens_for_its_server_alone(tmp_path: Path) -> None:
    """LINK-2: not with another key, nor for another host."""
    sealing = PasswordCipher(tmp_path)
    secret = sealing.seal("s3cret", "imap.example.net", "tom")
    assert b"s3cret" not in secret
    link = Link(
        id=1,
        name="Tom",
        address="tom@example.net",
        host="imap.example.net",
        port=0,
        tls="implicit",
        username="tom",
        secret=secret,
        created=0,
        paused=False,
        refused=None,
        refusals=0,
        sent=0,
    )
    assert sealing.open(link) == "s3cret"
    with pytest.raises(LinkRefused, match="enter the password again"):
        sealing.open(msgspec.structs.replace(link, host="evil.example"))
    (tmp_path / "links.key").unlink()
    with pytest.raises(LinkRefused, match="enter the password again"):
        sealing.open(link)


async def test_the_submission_server_is_known_or_named_by_dns() -> None:
    """LINK-15: a server of strangers counts only with DNSSEC."""
    names = {
        "_submissions._tcp.example.net.": [
            SRV(10, 0, 465, "mail.stranger.example."),
            SRV(20, 0, 4650, "out.example.net."),
        ],
        "_submission._tcp.example.org.": [SRV(0, 0, 587, "smtp.stranger.example.")],
        "_submissions._tcp.example.com.": [SRV(0, 0, 0, ".")],
    }
    dns = FakeResolver({"SRV": names})
    assert (await find_outlet("mia@gmail.com", "imap.gmail.com", dns)).host == "smtp.gmail.com"
    assert await find_outlet("tom@example.net", "imap.example.net", dns) == SubmissionServer(
        host="out.example.net", port=4650
    )
    assert await find_outlet("tom@example.org", "imap.example.org", dns) == SubmissionServer()
    near = await find_outlet("tom@example.org", "imap.stranger.example", dns)
    assert near == SubmissionServer(host="smtp.stranger.example", port=587, tls="starttls")
    assert await find_outlet("tom@example.com", "imap.example.com", dns) == SubmissionServer()
    assert await find_outlet("tom@bad domain", "imap.example.com", dns) == SubmissionServer()


async def test_a_link_is_renamed_with_its_mailboxes_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-28: a program hears of it, keeps UIDs and subscriptions, and gets none that it had not; nothing is fetched
    twice; new mail comes there.
    """
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        smtp = await other.running.smtp()
        await smtp.deliver("tom@example.org")
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")
        imap = await other.running.imap("mia")
        before = await imap.ok('a STATUS "Tom/Inbox" (MESSAGES UIDNEXT UIDVALIDITY)')
        await imap.ok('b SUBSCRIBE "Tom/Inbox"')
        await imap.ok("c NOTIFY SET (personal (MailboxName))")
        await ctl.call("link rename", RenameLink("Tom", "Old provider", account="mia"), type(None))
        assert (await until(ctl, "current")).name == "Old provider"
        assert '"Old provider/Inbox"' in "".join(await imap.ok("d NOOP"))
        after = await imap.ok('e STATUS "Old provider/Inbox" (MESSAGES UIDNEXT UIDVALIDITY)')
        assert after[0].partition(" (")[2] == before[0].partition(" (")[2]
        assert '"Old provider/Inbox"' in "".join(await imap.ok('f LSUB "" "*"'))
        assert "Tom" not in "".join(await imap.ok('g LIST "" "*"'))
        await smtp.deliver("tom@example.org")
        with trio.fail_after(SECONDS):
            while "MESSAGES 2" not in "".join(await imap.ok('h STATUS "Old provider/Inbox" (MESSAGES)')):  # noqa: ASYNC110 - as a program
                await trio.sleep(0.02)
        for name in ("Inbox", "Archive", "a/b", ""):
            with pytest.raises(CtlFailed):
                await ctl.call("link rename", RenameLink("Old provider", name, account="mia"), type(None))
        assert (await until(ctl, "current")).name == "Old provider"
        await imap.ok('i UNSUBSCRIBE "Old provider/Inbox"')
        await ctl.call("link rename", RenameLink("Old provider", "Tom", account="mia"), type(None))
        assert (await until(ctl, "current")).name == "Tom"
        subscribed = [line for line in await imap.ok('j LSUB "" "Tom/*"') if line.startswith("* LSUB")]
        assert subscribed
        assert "Inbox" not in "".join(subscribed)
