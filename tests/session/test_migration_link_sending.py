"""Mail from the address of a linked mailbox, sent by its provider's own server (docs/spec/linked.md, LINK-14..16)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from moxlite.migration import linksending
from moxlite.migration.linksending import PORTS, relay_of, try_relay
from moxlite.migration.linkstate import PasswordCipher
from moxlite.net.resolver import RecordType
from moxlite.net.tls.certificates import Trust, self_signed
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.links import (
    Link,
    LinkRefused,
    NewLink,
    SubmissionServer,
    add_link,
    pause_link,
    remove_link,
    set_outlet,
)
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.jmap_rig import Client, rig
from tests.queue_rig import Rig, Server, rig_at
from tests.session.smtpd_harness import Smtp, clock, smtp
from tests.web_rig import Rig as WebRig

pytestmark = pytest.mark.served

__all__ = ["clock", "rig", "smtp"]

HOST = "relay.example"
ADDRESS = "alice@remote.example"
PASSWORD = "app password"


async def linked(account: Account, data: Path, *, password: str = PASSWORD, address: str = ADDRESS) -> Link:
    """A link with a submission server, made without a test of it."""
    data.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - of a test
    new = NewLink(
        name="Other",
        address=address,
        host="imap.remote.example",
        port=0,
        tls="implicit",
        username="alice",
        secret=PasswordCipher(data).seal(password, "imap.remote.example", "alice"),
        outlet=SubmissionServer(host=HOST, tls="starttls"),
    )
    return await account.write(lambda tx: add_link(tx, new))


@asynccontextmanager
async def provider(
    tmp_path: Path, server: Server | None = None, password: str = PASSWORD
) -> AsyncIterator[tuple[Rig, Server, Link]]:
    """A queue, the provider's submission server, and Alice's link to it."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set(HOST, RecordType.A, ["198.41.0.9"])
        made = server or Server(tls=rig.certificate, extensions=["AUTH PLAIN"], logins={"alice": PASSWORD})
        outgoing = rig.serve("198.41.0.9", made, PORTS["starttls"])
        async with rig.accounts.use("alice") as account:
            link = await linked(account, rig.snapshot.static.data_dir, password=password)
        yield rig, outgoing, link


async def send(rig: Rig, link: Link, *to: str) -> None:
    await rig.submit(*to, sender=ADDRESS, transport=link.transport)
    await rig.settle()


async def test_mail_goes_out_by_the_providers_own_server(tmp_path: Path) -> None:
    """LINK-14: in one transaction for all recipients, by verified TLS and log-in, and not by our way even to us."""
    async with provider(tmp_path) as (rig, server, link):
        await send(rig, link, "bob@one.example", "cid@two.example", "admin@own.example")
        assert server.encrypted == [True]
        assert server.logged_in == [("PLAIN", "alice")]
        assert server.recipients == [["bob@one.example", "cid@two.example", "admin@own.example"]]
        assert f"MAIL FROM:<{ADDRESS}>" in "\n".join(server.lines)
        assert b"DKIM-Signature" not in server.messages[0]
        assert set(rig.dialed) == {("198.41.0.9", 587)}
        assert await rig.queue.listings.list_messages() == []


async def test_mail_that_is_on_its_way_to_many_domains_is_not_sent_again(tmp_path: Path) -> None:
    """LINK-14, QUEUE-165: a transaction may last longer than the pause of its rows, or a user wants it to begin now."""
    async with provider(tmp_path) as (rig, server, link):
        server.hang_after_data = True
        await rig.submit("bob@one.example", "cid@two.example", sender=ADDRESS, transport=link.transport)
        await server.in_data.wait()
        rig.clock.advance(3600)
        rig.queue.scheduler.changed()
        ids = [row.id for row in await rig.queue.listings.list_messages()]
        assert await rig.queue.deliveries.try_now("alice", ids) == 2
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(rig.queue.scheduler.turns.busy) == 1
        server.release.set()
        await rig.settle()
        assert server.recipients == [["bob@one.example", "cid@two.example"]]
        assert server.connections == 1


async def test_mail_of_a_removed_or_silenced_link_comes_back(tmp_path: Path) -> None:
    """LINK-16: with a DSN that says why; none is lost."""
    async with provider(tmp_path) as (rig, server, link):
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: set_outlet(tx, link.id, SubmissionServer()))
            await send(rig, link, "bob@one.example")
            await account.write(lambda tx: remove_link(tx, link.id))
        await send(rig, link, "cid@two.example")
        told = [octets.decode() for octets in await rig.inbox()]
        assert "was turned off" in told[0]
        assert "bob@one.example" in told[0]
        assert "was removed" in told[1]
        assert "cid@two.example" in told[1]
        assert server.connections == 0


async def test_mail_of_a_paused_link_waits(tmp_path: Path) -> None:
    """LINK-16: for the schedule's time; it goes on when the link is resumed."""
    async with provider(tmp_path) as (rig, server, link), rig.accounts.use("alice") as account:
        await account.write(lambda tx: pause_link(tx, link.id, paused=True))
        await send(rig, link, "bob@one.example")
        [waiting] = await rig.queue.listings.list_messages()
        assert "is paused" in waiting.results[0].error
        await account.write(lambda tx: pause_link(tx, link.id, paused=False))
        await rig.pass_time(3600)
        assert [one for [one] in server.recipients] == ["bob@one.example"]


async def test_a_refused_password_is_not_tried_again_and_again(tmp_path: Path) -> None:
    """LINK-16: other messages wait without a log-in; none is lost."""
    async with provider(tmp_path, password="old") as (rig, server, link):
        await send(rig, link, "bob@one.example")
        await send(rig, link, "cid@two.example")
        assert len([line for line in server.lines if line.startswith("AUTH")]) == 1
        waiting = await rig.queue.listings.list_messages()
        assert sum("was rejected" in one.results[0].error for one in waiting) == 1
        assert [one.done for one in waiting] == [False, False]


async def test_a_wrong_certificate_is_told_nothing(tmp_path: Path) -> None:
    """LINK-14: neither password nor mail."""
    server = Server(tls=self_signed([HOST]), extensions=["AUTH PLAIN"], logins={"alice": PASSWORD})
    async with provider(tmp_path, server) as (rig, outgoing, link):
        await send(rig, link, "bob@one.example")
        assert outgoing.lines == ["EHLO mail.own.example", "STARTTLS"]
        [waiting] = await rig.queue.listings.list_messages()
        assert f"{HOST}'s certificate" in waiting.results[0].error


async def test_a_server_of_the_inner_network_is_not_asked(tmp_path: Path) -> None:
    """LINK-14: as for webhooks (WEB-111)."""
    async with provider(tmp_path) as (rig, _, link):
        rig.resolver.set(HOST, RecordType.A, ["10.0.0.9"])
        await send(rig, link, "bob@one.example")
        assert rig.dialed == []
        [waiting] = await rig.queue.listings.list_messages()
        assert "private network" in waiting.results[0].error


async def test_a_submission_server_is_tried_before_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-15: the password, the certificate, and a server of the inner network each have their words."""
    async with provider(tmp_path) as (rig, server, _):
        monkeypatch.setattr(linksending, "dial", rig.dial)
        good = relay_of(SubmissionServer(host=HOST, tls="starttls"), "alice", PASSWORD, inside=False)
        trust = Trust([rig.certificate.leaf], system=False)
        await try_relay(good, ehlo="mail.own.example", resolver=rig.resolver, trust=trust)
        assert server.logged_in == [("PLAIN", "alice")]
        assert server.lines[-1] == "QUIT"
        wrong = msgspec.structs.replace(good, password="wrong")
        with pytest.raises(LinkRefused, match="535") as refused:
            await try_relay(wrong, ehlo="mail.own.example", resolver=rig.resolver, trust=trust)
        assert refused.value.field == "password"
        with pytest.raises(LinkRefused, match="certificate") as refused:
            await try_relay(good, ehlo="mail.own.example", resolver=rig.resolver, trust=Trust([], system=False))
        assert refused.value.field == "smtp_host"
        rig.resolver.set(HOST, RecordType.A, ["10.0.0.9"])
        with pytest.raises(LinkRefused, match="private network"):
            await try_relay(good, ehlo="mail.own.example", resolver=rig.resolver, trust=trust)


def letter(author: str) -> bytes:
    return f"From: <{author}>\r\nTo: <ann@far.example>\r\nSubject: hello\r\n\r\ntext\r\n".encode()


async def test_devices_may_write_from_the_address(smtp: Smtp) -> None:
    """LINK-14: in From and as envelope sender; unsigned; another account may not, nor while it is paused."""
    async with smtp.context.accounts.use("mia") as account:
        link = await linked(account, smtp.context.config.current.static.data_dir)
        for sender in (ADDRESS, "mia@ours.example"):
            async with smtp.user() as client:
                sent = await client.deliver(to="ann@far.example", sender=sender, message=letter(ADDRESS))
                assert sent.startswith("250")
            done = smtp.queued[-1]
            assert (str(done.submission.mail_from), done.submission.transport) == (ADDRESS, link.transport)
            assert b"DKIM-Signature" not in done.submission.prefix
        async with smtp.user() as client:
            mixed = await client.deliver(to="ann@far.example", sender=ADDRESS, message=letter("mia@ours.example"))
            assert mixed.startswith("550 5.7.1")
        async with smtp.user("bo@ours.example") as client:
            assert (await client.say(f"MAIL FROM:<{ADDRESS}>")).startswith("550 5.7.1")
        await account.write(lambda tx: pause_link(tx, link.id, paused=True))
        async with smtp.user() as client:
            assert (await client.say(f"MAIL FROM:<{ADDRESS}>")).startswith("550 5.7.1")


async def test_answers_go_out_from_where_the_message_came_in(rig: WebRig) -> None:
    """LINK-14: from the address of the link, which the page offers, too."""
    async with rig.account() as account:
        await linked(account, rig.holder.current.static.data_dir)
        box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
        assert box is not None
        octets = f"From: <ann@far.example>\r\nTo: <{ADDRESS}>\r\n\r\nhello\r\n".encode()
        [added] = await append(account, box.id, [Append(await prepare(Spool.of(octets)))])
    browser = rig.browser()
    await browser.log_in()
    begun = await browser.call("compose_prepare", kind="reply", message_id=added.message_id)
    assert begun["from"]["address"] == ADDRESS
    identities = (await Client(rig).call("Identity/get"))["list"]
    assert ADDRESS in {one["email"] for one in identities}
