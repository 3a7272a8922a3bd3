"""Failures of messages that an account has sent on (QUEUE-179, AUTH-114)."""

from pathlib import Path

import pytest

from moxlite.proto.address import Address
from moxlite.proto.srs import SRS
from moxlite.store.delivery.forwarding import Target, confirm_target, targets
from tests.queue_rig import Rig, Server, rig_at

pytestmark = pytest.mark.served

SENDER = "ann@first.example"


async def forward(rig: Rig) -> None:
    """A message of ann's, which alice's account sends on to bob."""
    made = SRS([b"key of the test"]).sender_for(
        Address.parse(SENDER), Address.parse("alice@own.example").domain, rig.clock() / 1_000_000
    )
    await rig.submit("bob@remote.example", mail_from=made)


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
        assert b"no such user" in returned
        assert b"To: <ann@first.example>" in returned
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
