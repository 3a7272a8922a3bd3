"""Failures of messages that an account has sent on (QUEUE-179, AUTH-114)."""

from pathlib import Path

import pytest

from moxlite.proto.address import Address
from moxlite.proto.srs import SRS
from moxlite.store.delivery.forwarding import Target, confirm_target, targets
from moxlite.store.delivery.submission import KEPT, SubmissionRecipient
from tests.queue_rig import Rig, Server, rig_at

pytestmark = pytest.mark.served

SENDER = "ann@first.example"


# As it waits: with the fields of this server, which name the account.
PASSED_ON = (
    b"From: Ann via own.example <alice@own.example>\r\nDelivered-To: shop@own.example\r\n"
    b"X-Original-From: <ann@first.example>\r\nTo: <shop@own.example>\r\nSubject: test\r\n"
    b"Message-ID: <m1@first.example>\r\n"
    b"\r\nHello.\r\n"
)


async def forward(rig: Rig) -> None:
    """A message of ann's, which alice's account sends on to bob."""
    made = SRS([b"key of the test"]).sender_for(
        Address.parse(SENDER), Address.parse("alice@own.example").domain, rig.clock() / 1_000_000
    )
    to = SubmissionRecipient(Address.parse("bob@remote.example"), dsn_orcpt="rfc822;shop@own.example")
    await rig.submit(to, mail_from=made, data=PASSED_ON)


async def target(rig: Rig) -> Target:
    async with rig.accounts.use("alice") as account:
        [found] = await account.read(targets, op="test")
    return found


async def test_a_failure_goes_home_and_is_noted(tmp_path: Path) -> None:
    """QUEUE-179: the DSN goes to the first sender, with a null path, not to the account; three days of failures stop
    the address, and its owner is told.
    """
    async with rig_at(tmp_path, account='forward_to = ["bob@remote.example"]') as rig:
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: confirm_target(tx, "bob@remote.example"))
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}))
        home = rig.remote(Server(), domain="first.example", ip="192.0.2.9")
        await forward(rig)
        await rig.settle()
        [returned] = home.messages
        assert b"To: <ann@first.example>" in returned
        assert b"Your message to shop@own.example couldn't be delivered" in returned
        assert b"Final-Recipient: rfc822;shop@own.example" in returned
        assert b"Status: 5.1.1\r\n" in returned
        for secret in (b"bob", b"remote.example", b"no such user", b"alice"):
            assert secret not in returned.lower()
        assert home.recipients == [[SENDER]]
        assert any(line.startswith("MAIL FROM:<>") for line in home.lines)
        assert await rig.inbox() == []
        first = await target(rig)
        assert first.failing is not None
        assert (first.stopped, "no such user" in first.error) == (None, True)
        async with rig.accounts.use("alice") as account:
            three_days = 3 * 86_400_000_000
            await account.write(lambda tx: tx.execute("UPDATE forward_target SET failing = failing - ?", three_days))
        await forward(rig)
        await rig.settle()
        assert (await target(rig)).stopped is not None
        [notice] = await rig.inbox()
        assert b"Forwarding to " in notice


async def test_of_a_message_that_was_kept_the_author_hears_nothing(tmp_path: Path) -> None:
    """QUEUE-179: it has arrived; that the other copy fails is noted for the owner alone."""
    async with rig_at(tmp_path, account='forward_to = ["bob@remote.example"]') as rig:
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: confirm_target(tx, "bob@remote.example"))
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}))
        home = rig.remote(Server(), domain="first.example", ip="192.0.2.9")
        await rig.submit("bob@remote.example", mail_from=Address.parse("alice@own.example"), extra={KEPT: "yes"})
        await rig.settle()
        assert home.messages == []
        assert await rig.inbox() == []
        assert (await target(rig)).failing is not None


async def test_a_message_that_arrives_begins_the_three_days_anew(tmp_path: Path) -> None:
    """QUEUE-179: a provider that refuses some messages is not a dead address."""
    async with rig_at(tmp_path, account='forward_to = ["bob@remote.example"]') as rig:
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: confirm_target(tx, "bob@remote.example"))
        rig.remote(Server({"RCPT": ["550 5.7.1 looks like spam", "250 2.1.5 ok", "550 5.7.1 looks like spam"]}))
        rig.remote(Server(), domain="first.example", ip="192.0.2.9")
        await forward(rig)
        await rig.settle()
        async with rig.accounts.use("alice") as account:
            four_days = 4 * 86_400_000_000
            await account.write(lambda tx: tx.execute("UPDATE forward_target SET failing = failing - ?", four_days))
        await forward(rig)
        await rig.settle()
        await forward(rig)
        await rig.settle()
        assert (await target(rig)).stopped is None
