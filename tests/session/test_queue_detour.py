"""A way round a block of our address: routes that a message takes after a host has refused it for that (QUEUE-184)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from moxlite.net.resolver import RecordType
from tests.queue_rig import Rig, Server, rig_at

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "72h"'
RELAY = '[transports.relay.smtp]\nhost = "relay.example"\nno_starttls = true'
ROUTE = '[[routes]]\ntransport = "relay"\nafter = "blocked"\n'
LISTED = "5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org"


@asynccontextmanager
async def blocked(
    tmp_path: Path, reply: str = f"550 {LISTED}", *, route: str = ROUTE, relay: Server | None = None
) -> AsyncIterator[tuple[Rig, Server, Server]]:
    """A queue, the host of remote.example, which blocks our address, and a smarthost."""
    async with rig_at(tmp_path, static=RELAY, domains=route, account=KEEP) as rig:
        host = rig.remote(Server({"RCPT TO:<b": reply}))
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        yield rig, host, rig.serve("192.0.2.9", relay or Server())


@pytest.mark.parametrize("code", ["550", "450"])
async def test_a_message_that_is_blocked_takes_the_other_way_at_once(tmp_path: Path, code: str) -> None:
    """QUEUE-184, QUEUE-31, QUEUE-82: refused for good or for now; who was taken is not sent again, others who are
    blocked go on together. Neither a notice nor an entry on the suppression list.
    """
    async with blocked(tmp_path, f"{code} {LISTED.replace('5', code[0], 1)}") as (rig, host, relay):
        await rig.submit("ann@remote.example", "bob@remote.example", "bea@remote.example")
        await rig.settle()
        assert host.recipients == [["ann@remote.example"]]
        assert relay.recipients == [["bob@remote.example", "bea@remote.example"]]
        rows = {row.rcpt_localpart: row for row in await rig.queue.listings.list_retired()}
        assert {name: [one.transport for one in row.results] for name, row in rows.items()} == {
            "ann": [""],
            "bob": ["", "relay"],
            "bea": ["", "relay"],
        }
        assert all(row.success for row in rows.values())
        assert rig.clock.now - rows["bob"].queued < 1_000_000
        assert await rig.inbox() == []
        assert await rig.queue.suppressions("alice") == []


@pytest.mark.parametrize(
    ("reply", "route"),
    [
        ("550 5.1.1 no such user", ROUTE),
        (f"550 {LISTED}", ""),
        (f"550 {LISTED}", ROUTE + 'to_domain = ["elsewhere.example"]\n'),
        (f"550 {LISTED}", ROUTE + "minimum_attempts = 2\n"),
    ],
    ids=["no-block", "no-route", "other-domain", "too-early"],
)
async def test_what_no_such_route_is_for_fails_as_ever(tmp_path: Path, reply: str, route: str) -> None:
    """QUEUE-184, QUEUE-31: other refusals, and routes that do not match; a message that met no block goes directly."""
    async with blocked(tmp_path, reply, route=route) as (rig, host, relay):
        await rig.submit("ann@remote.example", "bob@remote.example")
        await rig.settle()
        assert (host.recipients, relay.connections) == ([["ann@remote.example"]], 0)
        assert len(await rig.inbox()) == 1


async def test_the_other_way_may_be_blocked_as_well(tmp_path: Path) -> None:
    """QUEUE-184: then it is over; nothing goes around in circles."""
    async with blocked(tmp_path, relay=Server({"RCPT": f"550 {LISTED}"})) as (rig, host, relay):
        [number] = await rig.submit("bob@remote.example")
        await rig.settle()
        assert (host.connections, relay.connections) == (1, 1)
        assert [one.code for one in (await rig.queue.listings.get_retired(number)).results] == [550, 550]
        assert len(await rig.inbox()) == 1


async def test_the_administrator_hears_of_a_block(tmp_path: Path) -> None:
    """QUEUE-184: who, since when, how often and the last reply, once per kind of block, with or without a way around;
    until the host takes a message again, or two days have passed.
    """
    async with blocked(tmp_path, route="") as (rig, host, _):
        for _ in range(2):
            await rig.submit("bob@remote.example")
            await rig.settle()
            rig.clock.advance(3600)
        [block] = rig.queue.listings.blocks()
        assert (block.times, block.host, block.reply) == (2, "mx.remote.example", LISTED.partition(" ")[2])
        assert block.last - block.since == 3600_000_000
        assert "Spamhaus" in block.meaning.meaning
        assert "check.spamhaus.org" in block.meaning.admin
        rig.clock.advance(48 * 3600)
        assert rig.queue.listings.blocks() == []
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert [one.times for one in rig.queue.listings.blocks()] == [1]
        await rig.submit("ann@remote.example")
        await rig.settle()
        assert len(host.messages) == 1
        assert rig.queue.listings.blocks() == []


async def test_a_message_goes_its_new_way_after_a_restart(tmp_path: Path) -> None:
    """QUEUE-184, QUEUE-1: the way is a fact of the row."""
    async with blocked(tmp_path, relay=Server({"MAIL": "451 4.3.0 later"})) as (rig, _, relay):
        [number] = await rig.submit("bob@remote.example")
        await rig.settle()
        assert (await rig.queue.listings.get(number)).transport == "relay"
        assert relay.connections == 1
    async with blocked(tmp_path) as (rig, host, relay):
        await rig.pass_time(3600)
        assert (host.connections, len(relay.messages)) == (0, 1)


async def test_reports_take_only_a_route_of_their_domain(tmp_path: Path) -> None:
    """QUEUE-125, QUEUE-184."""
    for name, more, times in (("a", "", 0), ("b", 'from_domain = ["own.example"]\n', 1)):
        (tmp_path / name).mkdir()
        async with blocked(tmp_path / name, route=ROUTE + more) as (rig, _, relay):
            await rig.submit("bob@remote.example", is_dmarc_report=True)
            await rig.settle()
            assert len(relay.messages) == times
