"""The server's look at its own resolver (AUTH-10): what the log and the gauge say."""

import logging
import urllib.request
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from moxlite.mailauth.dnssec import AGAIN, SOON, Verifies, authentic_resolver, check_resolver, watch_resolver
from moxlite.net.resolver import FakeResolver, TempError
from tests.dnsworld import DNSWorld
from tests.running import ServedServer
from tests.tools import free_port, until

pytestmark = [pytest.mark.integration, pytest.mark.served]

SIGNED = {"NS": {"com": ["a.gtld."]}}


async def test_a_signed_zone_an_unsigned_one_and_no_resolver() -> None:
    """AUTH-10: the three outcomes, of a real resolver that verifies."""
    with DNSWorld({"com": ""}) as world:
        assert (await check_resolver(world.resolver())).status is Verifies.OK
        world.stop_resolver()
        gone = await check_resolver(world.resolver())
    assert gone.status is Verifies.ERROR
    assert "com. NS" in gone.problem
    with DNSWorld({"com": ""}, unsigned=["com"]) as world:
        assert (await check_resolver(world.resolver())).status is Verifies.UNVERIFIED


async def test_the_gauge_follows_the_resolver(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    """AUTH-10: asked again each hour, after a failure each minute; a change is logged once."""
    caplog.set_level(logging.INFO, "moxlite.mailauth.dnssec")
    resolver = FakeResolver(failing={"com": TempError("SERVFAIL")})
    worlds = [resolver, FakeResolver(SIGNED), FakeResolver(SIGNED, authentic=True), FakeResolver(delays={"com.": 100})]

    class Changing(FakeResolver):
        async def ns(self, name: str) -> object:  # type: ignore[override]  # the answer of the moment
            return await worlds[0].ns(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_resolver, Changing())
        for value, period in ((-1, SOON), (0, AGAIN), (1, AGAIN)):
            await trio.sleep(1)
            assert authentic_resolver.value == value
            await trio.sleep(period / 3)
            assert authentic_resolver.value == value
            worlds.pop(0)
            await trio.sleep(period)
        await trio.sleep(AGAIN)
        assert authentic_resolver.value == -1
        nursery.cancel_scope.cancel()
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "DNSSEC currently not validated, DANE is off"),
        ("INFO", "DNSSEC not validated, DANE is off"),
        ("INFO", "resolver validates DNSSEC"),
        ("WARNING", "DNSSEC currently not validated, DANE is off"),
    ]


def test_a_server_without_dns_says_that_dane_is_off(tmp_path: Path) -> None:
    """AUTH-10, AUTH-2: at the start, in the log and in /metrics, with the question that failed."""
    port = free_port()
    static = f'metrics_http = {{ enabled = true, port = {port} }}\n[dns]\nservers = ["127.0.0.9"]'
    with ServedServer(tmp_path / "server", static=static) as server:
        until(lambda: "DANE is off" in server.log(), seconds=60, what="the warning")
        [line] = [line for line in server.log().splitlines() if "DANE is off" in line]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            assert "\nmoxlite_dns_authentic_resolver -1" in answer.read().decode()
    assert "com. NS" in line
