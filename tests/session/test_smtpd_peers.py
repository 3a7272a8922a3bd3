"""Domains that move here: mail for addresses that are not here goes on to their peer, in whole SMTP sessions."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
import trio
import trio.testing

from moxlite.admin.delivery.peers import (
    ASK_SECONDS,
    PASS_SECONDS,
    PER_MINUTE,
    REFUSED_SECONDS,
    SESSIONS,
    SILENT_SECONDS,
    TAKEN_SECONDS,
    WAIT_SECONDS,
    Peers,
)
from moxlite.config.snapshot import PeerRecipient
from moxlite.metrics import daily
from moxlite.net.dial import CONNECT_SECONDS, Dialed, DialError, LocalAddresses
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.net.tls.certificates import self_signed
from moxlite.proto.address import Domain, Path as SMTPPath
from moxlite.proto.smtp.conversation import Recipient, Transaction
from moxlite.smtpd import Context
from tests.queue_rig import DRIP, HANG, Server
from tests.session.smtpd_harness import (
    DOMAINS,
    MESSAGE,
    Client,
    Smtp,
    clock,
    headers,
    pass_time,
    refusals_logged,
    serving,
)

pytestmark = pytest.mark.served

__all__ = ["clock"]

OLD: Final = "203.0.113.9"
MOVING: Final = """
[domains."moving.example"]
peer = ["mx.old.example"]
[domains."away.example"]
peer = ["mx.old.example"]
disabled = true
"""
ADDRESSES: Final = '[accounts.bo.destinations."bo@moving.example"]\n[accounts.bo.destinations."bo@away.example"]\n'


class World:
    """A server here, and the fake peer that answers at one address."""

    def __init__(self, smtp: Smtp, peer: Server, nursery: trio.Nursery) -> None:
        self.smtp = smtp
        self.peer = peer
        self.peer.nursery = nursery
        self.resolver = FakeResolver({"A": {"mx.old.example": [OLD]}})
        self.peers = Peers(smtp.context.config, self.resolver, connect=self.dial, here=self.is_here)
        self.context: Context = smtp.with_context(peers=self.peers)

    def is_here(self, ip: IPAddress) -> bool:
        return str(ip) == "192.0.2.25"

    async def dial(
        self,
        addresses: Sequence[IPAddress],
        port: int,
        *,
        inside: bool,
        local: LocalAddresses | None = None,
        seconds: float = CONNECT_SECONDS,
    ) -> Dialed:
        await trio.lowlevel.checkpoint()
        if self.peer.refuse_connections:
            raise DialError([(addresses[0], "refused")])
        assert (list(map(str, addresses)), port) == ([OLD], 25)
        return Dialed(self.peer.connect(), addresses[0])

    def connect(self, **options: object):  # type: ignore[no-untyped-def]  # as `Smtp.connect`
        return self.smtp.connect(**{"context": self.context} | options)  # type: ignore[arg-type]

    async def rcpt(self, address: str, **options: object) -> str:
        async with self.connect(**options) as client:
            return await asked(client, address)

    async def deliver(self, to: str, message: bytes = MESSAGE, **options: object) -> str:
        async with self.connect(**options) as client:
            return str(await client.deliver(to, message))


async def asked(client: Client, address: str) -> str:
    await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250")
    return await client.say(f"RCPT TO:<{address}>")


@asynccontextmanager
async def world(folder: Path, peer: Server) -> AsyncIterator[World]:
    async with serving(folder, domains=DOMAINS + MOVING + ADDRESSES) as smtp, trio.open_nursery() as nursery:
        yield World(smtp, peer, nursery)
        nursery.cancel_scope.cancel()


async def test_mail_for_an_address_that_is_not_here_goes_on_to_the_peer(
    tmp_path: Path, clock: trio.testing.MockClock
) -> None:
    """SMTP-184, SMTP-185: with TLS, the octets as they came behind our trace; the rest is delivered here."""
    async with world(tmp_path, Server(tls=self_signed(["mx.old.example"]))) as there:
        before = daily.take()
        assert (await there.deliver("zoe@moving.example")).startswith("250 2.0.0 message accepted, id ")
        assert (await there.deliver("bo@moving.example")).startswith("250")
        [message], [recipients] = there.peer.messages, there.peer.recipients
        assert message.endswith(MESSAGE)
        assert recipients == ["zoe@moving.example"]
        assert there.peer.encrypted == [True]
        [received] = headers(message, "Received")
        assert "by mail.ours.example" in received
        assert "for <zoe@moving.example>" in received
        assert [line for line in there.peer.lines if line.startswith("MAIL")] == [
            "MAIL FROM:<>",
            "MAIL FROM:<ann@remote.example>",
        ]
        assert len(await there.smtp.messages("bo")) == 1
        assert there.smtp.queued == []
        counted = daily.take()
        assert [number for key, number in counted.items() if key[0] == "passed-on"] == [1]
        daily.put_back(before)
        daily.put_back(counted)


async def test_all_mail_of_a_disabled_domain_goes_on(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """SMTP-184: for addresses that are here, too; without a peer it is refused for now."""
    async with world(tmp_path, Server()) as there:
        assert (await there.deliver("bo@away.example")).startswith("250")
        assert (await there.deliver("postmaster@away.example")).startswith("250")
        assert there.peer.recipients == [["bo@away.example"], ["postmaster@away.example"]]
        assert await there.smtp.messages("bo") == []
        assert (await there.rcpt("mia@off.example")).startswith("450 4.2.1")


async def test_what_the_peer_refuses_is_refused_at_rcpt(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """SMTP-184: it is remembered for five minutes, what it takes for an hour; it is asked from the null path."""
    peer = Server({"RCPT TO:<no": "550 5.1.1 whoever that is"})
    async with world(tmp_path, peer) as there:
        for _ in range(2):
            assert (await there.rcpt("no@moving.example")).startswith("550 5.1.1 no such user (")
            assert (await there.rcpt("zoe@moving.example")).startswith("250")
        assert peer.connections == 2
        peer.replies["RCPT TO:<no"] = ["250 2.1.5 added meanwhile"]
        await pass_time(clock, REFUSED_SECONDS + 1)
        assert (await there.rcpt("no@moving.example")).startswith("250")
        assert (await there.rcpt("zoe@moving.example")).startswith("250")
        assert peer.connections == 3
        await pass_time(clock, TAKEN_SECONDS + 1)
        assert (await there.rcpt("zoe@moving.example")).startswith("250")
        assert peer.connections == 4
        assert peer.messages == []


@pytest.mark.parametrize(
    "replies",
    [
        {"RCPT": "451 4.7.1 greylisted"},
        {"RCPT": "550 5.7.1 your address is blocked"},
        {"MAIL": "550 5.1.0 no bounces here"},
        {"greeting": "554 5.7.1 go away"},
        {"EHLO": None},
        {"greeting": "220-" + "x" * 100_000},
        {"greeting": "\r\n".join(["220-again"] * 1000)},
        {"RCPT": "250-" + "x" * 100_000},
        {"greeting": "hello?"},
    ],
    ids=lambda replies: next(f"{key} {str(value)[:12]}" for key, value in replies.items()),
)
async def test_what_is_no_answer_about_the_address_is_tried_again_later(
    replies: dict[str, str], tmp_path: Path, clock: trio.testing.MockClock
) -> None:
    """SMTP-184, SMTP-187: a reply about this server, or a malformed one, bounces nothing and is not remembered."""
    async with world(tmp_path, Server(replies)) as there:
        refused = await there.rcpt("zoe@moving.example")
        assert refused.startswith("451 4.4.1 this domain's previous server isn't responding")
        there.peer.replies.clear()
        await pass_time(clock, SILENT_SECONDS + 1)
        assert (await there.rcpt("zoe@moving.example")).startswith("250")


@pytest.mark.parametrize("where", ["greeting", "EHLO", "MAIL", "RCPT"])
@pytest.mark.parametrize("how", [HANG, DRIP])
async def test_a_silent_or_slow_peer_costs_half_a_minute_once(
    where: str, how: str, tmp_path: Path, clock: trio.testing.MockClock
) -> None:
    """SMTP-187: then it is left alone for a minute."""
    async with world(tmp_path, Server({where: how})) as there, there.connect() as client:
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250")
        await client.send(b"RCPT TO:<zoe@moving.example>\r\n")
        await pass_time(clock, ASK_SECONDS + 1)
        with trio.fail_after(5):
            assert (await client.reply()).startswith("451 4.4.1")
        for address in ("zoe@moving.example", "no@moving.example", "zoe@away.example"):
            assert (await client.say(f"RCPT TO:<{address}>")).startswith("451 4.4.1")
        assert there.peer.connections == 1


async def test_the_reply_to_a_message_is_the_peers(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """SMTP-185: its refusal is given to the client, so that nothing is bounced; otherwise the client keeps it."""
    async with world(tmp_path, Server({"final": ["554 5.7.1 spam\u2026", "452 4.2.2 full", "250 2.0.0 ok"]})) as there:
        refused = await there.deliver("zoe@moving.example")
        assert refused.startswith("554 5.7.1 mx.old.example says: data: 554 5.7.1 spam")
        assert (await there.deliver("zoe@moving.example")).startswith("451 4.4.1")
        there.peer.hang_after_data = True
        async with there.connect() as client:
            await client.play(
                "C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<zoe@moving.example>\nS: 250\nC: DATA\nS: 354"
            )
            await client.send(MESSAGE + b".\r\n")
            await pass_time(clock, PASS_SECONDS + 1)
            with trio.fail_after(5):
                assert (await client.reply()).startswith("451 4.4.1")
        assert there.smtp.queued == []


async def test_what_the_peer_has_taken_stays_taken_when_time_is_over(
    tmp_path: Path, clock: trio.testing.MockClock
) -> None:
    """SMTP-185, SMTP-187: else the client would send the message to the peer once more."""
    async with world(tmp_path, Server({"QUIT": HANG})) as there:
        transaction = Transaction(
            SMTPPath.parse("ann@remote.example"), (Recipient(SMTPPath.parse("zoe@moving.example")),), len(MESSAGE)
        )
        recipient = PeerRecipient(Domain.parse("moving.example"), ("mx.old.example",), whole=False)
        hosts: list[str] = []

        async def octets() -> AsyncIterator[bytes]:
            yield MESSAGE

        async def pass_on() -> None:
            with scope:
                hosts.append(await there.peers.pass_on(recipient, transaction, octets))

        async with trio.open_nursery() as nursery:
            scope = trio.CancelScope()
            nursery.start_soon(pass_on)
            while "QUIT" not in there.peer.lines:
                await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
            await pass_time(clock, 6)
        assert hosts == ["mx.old.example"]


async def test_mail_never_goes_in_a_circle(
    tmp_path: Path, clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-186: not from the peer back to it, not to a host that is this server by address or by its greeting, and
    not again after it has passed here on the same way.
    """
    caplog.set_level("INFO")
    async with world(tmp_path, Server()) as there:
        assert (await there.rcpt("zoe@moving.example", remote=OLD)).startswith(
            "550 5.4.6 mail from this domain's previous server"
        )
        assert (await there.rcpt("zoe@moving.example", remote=f"::ffff:{OLD}")).startswith("550 5.4.6")
        assert there.peer.connections == 0
        await there.deliver("zoe@moving.example")
        [back] = there.peer.messages
        assert (await there.deliver("zoe@moving.example", back)).startswith("550 5.4.6")
        assert (await there.deliver("joe@moving.example", back)).startswith("250")
        assert refusals_logged(caplog) == ["peer"]
        # what a user has submitted bears our name once
        assert (await there.deliver("zoe@moving.example", back, trusted=True)).startswith("250")
        twice = there.peer.messages[-1]
        assert (await there.deliver("zoe@moving.example", twice, trusted=True)).startswith("550 5.4.6")

        there.peer.replies["greeting"] = ["220 mail.ours.example ESMTP moxlite"]
        assert (await there.rcpt("new@moving.example")).startswith("451 4.4.1")
        assert any("identifies itself as mail.ours.example" in str(record.__dict__) for record in caplog.records)
        connections = there.peer.connections
        there.resolver.set("mx.old.example", RecordType.A, ["192.0.2.25"])
        await pass_time(clock, 400)
        assert (await there.rcpt("new@moving.example")).startswith("451 4.4.1")
        assert there.peer.connections == connections


async def test_a_recipient_at_the_peer_needs_a_transaction_of_its_own(
    tmp_path: Path, clock: trio.testing.MockClock
) -> None:
    """SMTP-185: the one reply to the message is then about it alone."""
    async with world(tmp_path, Server()) as there:
        for first, second in (("zoe", "joe"), ("zoe", "bo"), ("bo", "zoe")):
            async with there.connect(trusted=first == "zoe") as client:
                assert (await asked(client, f"{first}@moving.example")).startswith("250")
                assert (await client.say(f"RCPT TO:<{second}@moving.example>")).startswith("452 4.5.3")


async def test_a_stranger_who_guesses_is_no_nuisance_to_the_peer(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """SMTP-187: a limit of questions a minute, and of sessions at a time."""
    async with world(tmp_path, Server({"RCPT": "550 5.1.1 no"}, extensions=())) as there:
        replies = [await there.rcpt(f"guess{number}@moving.example") for number in range(PER_MINUTE + 3)]
        assert [one[:9] for one in replies] == ["550 5.1.1"] * PER_MINUTE + ["451 4.3.2"] * 3
        assert there.peer.connections == PER_MINUTE
        await pass_time(clock, 61)
        there.peer.replies["RCPT"] = [HANG]
        async with trio.open_nursery() as nursery:
            for number in range(SESSIONS * 2):
                nursery.start_soon(there.rcpt, f"more{number}@moving.example")
            await pass_time(clock, 0.1)
            assert there.peer.connections == PER_MINUTE + SESSIONS
            nursery.cancel_scope.cancel()


async def test_waiting_for_a_session_is_no_silence_of_the_peer(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """SMTP-187: while messages hold all sessions there is too much mail; then the peer is asked at once."""
    async with world(tmp_path, Server()) as there, trio.open_nursery() as nursery, there.connect() as client:
        there.peer.hang_after_data = True
        for number in range(SESSIONS):
            nursery.start_soon(there.deliver, f"some{number}@moving.example")
        await pass_time(clock, 1)
        assert there.peer.lines.count("DATA") == SESSIONS
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250")
        await client.send(b"RCPT TO:<zoe@moving.example>\r\n")
        await pass_time(clock, WAIT_SECONDS + 1)
        with trio.fail_after(5):
            assert (await client.reply()).startswith("451 4.3.2")
        there.peer.release.set()
        assert (await client.say("RCPT TO:<zoe@moving.example>")).startswith("250")


@pytest.mark.parametrize("replies", [{}, {"STARTTLS": "454 4.7.0 not now"}], ids=["broken", "refused"])
async def test_a_peer_whose_tls_fails_is_given_mail_in_clear(
    replies: dict[str, str], tmp_path: Path, clock: trio.testing.MockClock
) -> None:
    """SMTP-184: as the queue does, where no policy demands TLS (QUEUE-53)."""
    async with world(tmp_path, Server(replies, broken_tls=True)) as there:
        assert (await there.deliver("zoe@moving.example")).startswith("250")
        assert there.peer.encrypted == [False]


async def test_users_here_write_to_addresses_that_are_there(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """SMTP-188: an unknown one is refused at RCPT; without an answer, the queue asks again."""
    peer = Server({"RCPT TO:<no": "550 5.1.1 unknown"})
    async with world(tmp_path, peer) as there, there.smtp.user(context=there.context) as client:
        await client.play(
            """
            C: MAIL FROM:<mia@ours.example>
            S: 250
            C: RCPT TO:<no@moving.example>
            S: 550 5.1.1
            C: RCPT TO:<zoe@moving.example>
            S: 250
            """
        )
        there.peer.refuse_connections = True
        assert (await client.say("RCPT TO:<joe@moving.example>")).startswith("250")
        await client.play("C: DATA\nS: 354")
        await client.send(MESSAGE.replace(b"ann@remote.example", b"mia@ours.example") + b".\r\n")
        assert (await client.reply()).startswith("250")
        [queued] = await there.smtp.carried()
        assert [str(one.address) for one in queued.submission.recipients] == [
            "zoe@moving.example",
            "joe@moving.example",
        ]


async def test_what_speaks_against_the_sender_is_judged_here(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """SMTP-185: the peer would see this server's address; a domain that wants forged mail refused is heard."""
    zones = {
        "A": {"remote.example": ["192.0.2.99"], "mx.old.example": [OLD]},
        "TXT": {"_dmarc.remote.example": ["v=DMARC1; p=reject"], "remote.example": ["v=spf1 -all"]},
    }
    async with world(tmp_path, Server()) as there:
        there.context = there.smtp.with_context(peers=there.peers, resolver=FakeResolver(zones))
        assert (await there.deliver("zoe@moving.example")).startswith("550 5.7.26")
        assert there.peer.messages == []


async def test_the_administrator_sees_what_the_peer_does(tmp_path: Path, clock: trio.testing.MockClock) -> None:
    """ADMIN-86: each host is tried, with an address without a mailbox."""
    async with world(tmp_path, Server(tls=self_signed(["mx.old.example"]))) as there:
        found = PeerRecipient(Domain.parse("moving.example"), ("mx.old.example", "gone.old.example"), whole=False)
        [first, second], takes_all = await there.peers.look(found)
        assert (first.addresses, first.tls, first.problem, takes_all) == ((OLD,), True, "", True)
        assert second.problem.startswith("address lookup failed")
        there.peer.replies["RCPT"] = ["550 5.1.1 unknown"]
        assert (await there.peers.look(found))[1] is False
