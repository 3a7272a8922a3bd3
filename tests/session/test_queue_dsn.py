"""Notices to senders, by attempts of a running queue: what was asked for (RFC 3461), for whom, in which words."""

import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
import trio

from moxlite.net.resolver import RecordType
from moxlite.proto.address import Address
from moxlite.queue import record
from moxlite.queue.data.rows import Message
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import DSNNotify, SubmissionRecipient
from moxlite.store.mail.delegates import Delegate, set_delegate
from tests import queue_rig
from tests.queue_rig import HANG, MESSAGE, Rig, Server, rig_at, submission

pytestmark = pytest.mark.served

PLAIN = ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME")
KNOWS = (*PLAIN, "DSN")
RELAY = """
[transports.smart.smtp]
host = "relay.example"
no_starttls = true
"""
ROUTE = '[[routes]]\ntransport = "smart"'


def wants(address: str, notify: DSNNotify, orcpt: str = "") -> SubmissionRecipient:
    return SubmissionRecipient(Address.parse(address), notify, orcpt)


async def submit(rig: Rig, *recipients: SubmissionRecipient | str, **facts: object) -> list[int]:
    made = [one if isinstance(one, SubmissionRecipient) else wants(one, DSNNotify(0)) for one in recipients]
    with Spool.of(MESSAGE, rig.path) as spool:
        return await rig.queue.submit(submission(*made, **facts), spool)


async def notices(rig: Rig) -> list[EmailMessage]:
    found = []
    for one in await rig.inbox():
        message = email.message_from_bytes(one, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


async def until(rig: Rig, reached: Callable[[list[Message], int], bool]) -> None:
    """Wait for the rows of the queue and the number of notices to be so."""
    with trio.fail_after(30), rig.queue.deliveries.watch("alice") as wakeup:
        while not reached(await rig.queue.listings.list_messages(), len(await rig.inbox())):
            await wakeup.wait()
            wakeup.clear()


def words(notice: EmailMessage) -> str:
    part = next(notice.iter_parts())
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def groups(notice: EmailMessage) -> list[dict[str, str]]:
    """The fields of the status part: of the message, then of each recipient."""
    part = list(notice.iter_parts())[1]
    return [dict(group.items()) for group in part.get_payload()]  # type: ignore[union-attr]  # messages, as email reads it


async def test_a_host_without_dsn_makes_us_tell_of_relaying(tmp_path: Path) -> None:
    """QUEUE-172, QUEUE-102, QUEUE-103: NOTIFY=SUCCESS, which the host does not know: `relayed`, the header only."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server({"final": "250 2.6.0 queued as 4711"}, extensions=PLAIN))
        await submit(
            rig,
            wants("bob@remote.example", DSNNotify.SUCCESS, "rfc822;robert@remote.example"),
            dsn_envid="env 1",
            dsn_ret="FULL",
        )
        await rig.settle()
        assert not any("NOTIFY" in line or "ENVID" in line or "RET=" in line for line in mx.lines)
        [notice] = await notices(rig)
        assert notice["Subject"] == "Message relayed"
        assert notice["In-Reply-To"] == notice["References"] == "<m1@own.example>"
        [message, recipient] = groups(notice)
        assert message["Original-Envelope-ID"] == "env 1"
        assert recipient["Action"] == "relayed"
        assert recipient["Status"] == "2.6.0"
        assert recipient["Original-Recipient"] == "rfc822;robert@remote.example"
        assert recipient["Final-Recipient"] == "rfc822;bob@remote.example"
        assert recipient["Remote-MTA"] == "dns; mx.remote.example (192.0.2.1)"
        assert "queued as 4711" in words(notice)
        assert list(notice.iter_parts())[2].get_content_type() == "text/rfc822-headers"
        assert await rig.queue.listings.list_messages() == []


async def test_a_host_with_dsn_is_told_what_the_sender_wants(tmp_path: Path) -> None:
    """QUEUE-172: NOTIFY, ORCPT, RET and ENVID go on, and the notice is its task."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server(extensions=KNOWS))
        await submit(
            rig,
            wants("bob@remote.example", DSNNotify.SUCCESS | DSNNotify.FAILURE, "rfc822;robert+x@remote.example"),
            wants("carol@remote.example", DSNNotify.NEVER),
            "dan@remote.example",
            dsn_envid="env+1",
            dsn_ret="HDRS",
        )
        await rig.settle()
        [mail] = [line for line in mx.lines if line.startswith("MAIL")]
        assert " RET=HDRS ENVID=env+2B1" in mail
        assert [line for line in mx.lines if line.startswith("RCPT")] == [
            "RCPT TO:<bob@remote.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;robert+2Bx@remote.example",
            "RCPT TO:<carol@remote.example> NOTIFY=NEVER",
            "RCPT TO:<dan@remote.example>",
        ]
        assert await notices(rig) == []


async def test_a_host_with_a_name_of_another_script_writes_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-101: its name, and the domain of the sender, in A-labels."""
    monkeypatch.setattr(queue_rig, "STATIC", queue_rig.STATIC.replace("mail.own.example", "mail.münchen.example"))
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"rcpt": "550 5.1.1 no"}))
        await submit(rig, "bob@remote.example")
        await rig.settle()
        [notice] = await notices(rig)
        assert notice["From"].addresses[0].addr_spec == "postmaster@mail.xn--mnchen-3ya.example"


async def test_own_delivery_is_told_as_delivered(tmp_path: Path) -> None:
    """QUEUE-172, QUEUE-36: by the queue, whatever the own server announces; not a word without NOTIFY=SUCCESS."""
    async with rig_at(tmp_path) as rig:
        rig.local.extensions = KNOWS
        await submit(rig, wants("admin@own.example", DSNNotify.SUCCESS), "alice@own.example")
        await rig.settle()
        [notice] = await notices(rig)
        assert notice["Subject"] == "Message delivered"
        [_, recipient] = groups(notice)
        assert (recipient["Action"], recipient["Final-Recipient"]) == ("delivered", "rfc822;admin@own.example")
        assert "Your message to admin@own.example has been delivered." in words(notice)


@pytest.mark.parametrize("extensions", [PLAIN, KNOWS])
async def test_a_smarthost_relays(tmp_path: Path, extensions: tuple[str, ...]) -> None:
    """QUEUE-172, QUEUE-35."""
    async with rig_at(tmp_path, static=RELAY, domains=ROUTE) as rig:
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        rig.serve("192.0.2.9", Server(extensions=extensions))
        await submit(rig, wants("bob@remote.example", DSNNotify.SUCCESS))
        await rig.settle()
        found = await notices(rig)
        assert len(found) == (1 if extensions is PLAIN else 0)
        if found:
            [_, recipient] = groups(found[0])
            assert (recipient["Action"], recipient["Remote-MTA"]) == ("relayed", "dns; relay.example (192.0.2.9)")


async def test_remote_mta_of_a_smarthost_only_where_it_has_spoken(tmp_path: Path) -> None:
    """QUEUE-35: refused: named with its words; never reached: not named."""
    async with rig_at(tmp_path, static=RELAY, domains=ROUTE) as rig:
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        smart = rig.serve("192.0.2.9", Server({"MAIL": "550 5.7.0 no"}))
        await submit(rig, "bob@remote.example")
        await rig.settle()
        smart.refuse_connections = True
        await submit(rig, "bob@remote.example")
        await rig.settle()
        for _ in range(13):
            await rig.pass_time(17 * 3600)
        first, late, last = await notices(rig)
        assert groups(first)[1]["Remote-MTA"] == "dns; relay.example (192.0.2.9)"
        assert groups(late)[1]["Action"] == "delayed"
        assert "Remote-MTA" not in groups(last)[1]
        assert "Diagnostic-Code" not in groups(last)[1]


async def test_failures_of_a_submission_come_in_one_notice(tmp_path: Path) -> None:
    """QUEUE-102: of several domains, though one answers later than the others; with words for each."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}))
        rig.remote(Server({"RCPT": "550 5.2.2 mailbox full"}), "full.example", "192.0.2.2")
        slow = rig.remote(Server({"DATA": HANG}), "slow.example", "192.0.2.3")
        rig.remote(Server(), "good.example", "192.0.2.4")
        await submit(rig, "a@remote.example", "b@full.example", "c@slow.example", "d@good.example")
        with trio.fail_after(30):
            await slow.hung.wait()
        rig.clock.advance(30)
        await until(rig, lambda rows, _: {row.rcpt_localpart for row in rows if row.dsn_due} == {"a", "b"})
        rig.queue.scheduler.changed()
        assert await notices(rig) == []
        slow.release.set()
        await rig.settle()
        [notice] = await notices(rig)
        assert [one["Final-Recipient"] for one in groups(notice)[1:]] == [
            "rfc822;a@remote.example",
            "rfc822;b@full.example",
        ]
        text = words(notice)
        assert "couldn't be delivered to 2 recipients" in text
        assert "This address doesn't exist." in text
        assert "Check the address for typos" in text
        assert "The recipient's mailbox is full." in text
        assert "no such user" in text


async def test_a_notice_of_many_is_short_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-102: part 1 names the first 50, part 2 all; what is too much for one notice comes in a further one."""
    assert record.MAX_TOGETHER == 500
    monkeypatch.setattr(record, "MAX_TOGETHER", 60)
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}))
        await submit(rig, *(f"r{number:02}@remote.example" for number in range(70)))
        await rig.settle()
        first, second = await notices(rig)
        assert (len(groups(first)), len(groups(second))) == (1 + 60, 1 + 10)
        assert words(first).count("This address doesn't exist.") == 50
        assert "Recipients that only the second part of this message lists: 10" in words(first)
        assert "the second part" not in words(second)
        await submit(rig, *(f"r{number:02}@remote.example" for number in range(51)))
        await rig.settle()
        assert "Recipients that only the second part of this message lists: 1" in words((await notices(rig))[-1])


async def test_a_notice_does_not_wait_for_ever(tmp_path: Path) -> None:
    """QUEUE-102: a tarpit holds it up for a minute; what it knows later comes in another."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}))
        slow = rig.remote(Server({"RCPT": HANG}), "slow.example", "192.0.2.3")
        await submit(rig, "a@remote.example", "c@slow.example")
        with trio.fail_after(30):
            await slow.hung.wait()
        await until(rig, lambda rows, _: any(row.dsn_due for row in rows))
        assert await notices(rig) == []
        rig.clock.advance(61)
        rig.queue.scheduler.changed()
        await until(rig, lambda _, told: told > 0)
        [notice] = await notices(rig)
        assert len(groups(notice)) == 2


async def test_delays_of_a_submission_come_in_one_notice(tmp_path: Path) -> None:
    """QUEUE-12, QUEUE-102: domains that are late together."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "451 4.2.0 later"}))
        rig.remote(Server({"RCPT": "451 4.2.0 later"}), "other.example", "192.0.2.2")
        await submit(rig, "a@remote.example", "b@other.example")
        await rig.settle()
        for _ in range(4):
            for row in await rig.queue.listings.list_messages():
                rig.clock.now = max(rig.clock.now, row.next_attempt)
            rig.queue.scheduler.changed()
            await rig.settle()
        [notice] = await notices(rig)
        assert {one["Action"] for one in groups(notice)[1:]} == {"delayed"}
        assert len(groups(notice)) == 3
        assert all("Will-Retry-Until" in one for one in groups(notice)[1:])
        assert list(notice.iter_parts())[2].get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        (DSNNotify(0), True),
        (DSNNotify.NEVER, False),
        (DSNNotify.SUCCESS, False),
        (DSNNotify.FAILURE, True),
        (DSNNotify.DELAY, False),
    ],
)
async def test_failure_is_told_where_it_is_wanted(tmp_path: Path, notify: DSNNotify, told: bool) -> None:
    """QUEUE-172, QUEUE-100."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}))
        await submit(rig, wants("bob@remote.example", notify))
        await rig.settle()
        assert len(await notices(rig)) == told
        assert await rig.queue.listings.list_messages() == []


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("550 5.1.1 no such user", "5.1.1"),
        ("550 no such user here", "5.1.1"),
        ("550 mailbox full", "5.2.2"),
        ("550 4.1.1 no", "5.0.0"),
        ("554 5.7.1.9 no", "5.0.0"),
    ],
)
async def test_the_status_says_what_the_words_say(tmp_path: Path, reply: str, status: str) -> None:
    """QUEUE-102: of hosts without ENHANCEDSTATUSCODES as well; the notice has a name."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": reply}, extensions=("PIPELINING", "8BITMIME")))
        await submit(rig, "bob@remote.example")
        await rig.settle()
        [notice] = await notices(rig)
        assert groups(notice)[1]["Status"].split()[0] == status
        assert notice["From"] == "Mail delivery system <postmaster@mail.own.example>"


async def test_utf8_mail_gets_a_utf8_notice(tmp_path: Path) -> None:
    """QUEUE-104: the status in UTF-8, the returned header too."""
    data = "Subject: täst\r\nMessage-Id: <m1@own.example>\r\n\r\nx\r\n".encode()
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}, extensions=(*PLAIN, "SMTPUTF8")))
        with Spool.of(data, tmp_path) as spool:
            await rig.queue.submit(submission("bøb@remote.example", smtputf8=True, has8bit=True), spool)
        await rig.settle()
        [raw] = await rig.inbox()
        assert b"message/global-delivery-status" in raw
        assert "Final-Recipient: utf-8;bøb@remote.example".encode() in raw
        assert b"message/global" in raw
        assert "Subject: täst".encode() in raw


SUPPORT = """
[accounts.support]
domain = "own.example"
login_disabled = "This mailbox is shared."
[accounts.support.destinations."support@own.example"]
"""


@pytest.mark.parametrize(
    ("sender", "outcome", "may_write", "inboxes"),
    [
        ("support@own.example", "550 5.1.1 no such user", True, (1, 1)),
        ("support@own.example", "550 5.1.1 no such user", False, (1, 0)),
        ("alice@own.example", "550 5.1.1 no such user", True, (1, 0)),
        ("support@own.example", "250 2.0.0 queued", True, (1, 0)),
    ],
)
async def test_a_team_learns_that_its_message_failed(
    tmp_path: Path, sender: str, outcome: str, may_write: bool, inboxes: tuple[int, int]
) -> None:
    """QUEUE-100, SMTP-189: of a message from another account's address, that account has the notice of a failure, too,
    if the writer may write so: an address may have another owner since. Who wrote has each notice.
    """
    async with rig_at(tmp_path, domains=SUPPORT) as rig:
        if may_write:
            async with rig.accounts.use("support") as support:
                await support.write(lambda tx: set_delegate(tx, Delegate("alice", "as")))
        rig.remote(Server({"RCPT": outcome}))
        await submit(rig, wants("bob@remote.example", DSNNotify.SUCCESS | DSNNotify.FAILURE), sender=sender)
        await rig.settle()
        written, shared = await rig.inbox(), await rig.inbox("support")
        assert (len(written), len(shared)) == inboxes
        for octets in written + shared:
            assert f"To: <{sender}>".encode() in octets or f"To: {sender}".encode() in octets
        assert await rig.queue.listings.list_messages() == []
