"""iprev and DNS block lists (RFC 8601 §2.7.3, RFC 5782; AUTH-60..62)."""

from ipaddress import ip_address

import pytest
import trio
from trio.testing import MockClock

from moxlite.mailauth import dnsbl, iprev
from moxlite.net.resolver import FakeResolver, NotFound, TempError

IP = ip_address("192.0.2.3")
PTR = "3.2.0.192.in-addr.arpa."


@pytest.mark.parametrize(
    ("names", "addresses", "failing", "expected"),
    [
        (["one.example", "two.example"], {"two.example": ["192.0.2.3"]}, [], ("pass", "two.example")),
        (["one.example"], {"one.example": ["192.0.2.4"]}, [], ("fail", "")),
        (["one.example"], {}, [], ("fail", "")),
        ([], {}, [], ("permerror", "")),
        ([], {}, [PTR], ("temperror", "")),
        (["one.example", "two.example"], {"one.example": ["192.0.2.4"]}, ["two.example"], ("temperror", "")),
        (["one.example", "two.example"], {"two.example": ["192.0.2.3"]}, ["one.example"], ("pass", "two.example")),
        ([f"n{n}.example" for n in range(11)], {"n10.example": ["192.0.2.3"]}, [], ("fail", "")),
    ],
)
async def test_names_that_lead_back(
    names: list[str], addresses: dict[str, list[str]], failing: list[str], expected: tuple[str, str]
) -> None:
    """AUTH-60, SMTP-75."""
    resolver = FakeResolver({"PTR": {PTR: names}, "A": addresses}, failing=failing)
    result = await iprev.check(resolver, ip_address("::ffff:192.0.2.3"))
    assert (result.status.value, result.name) == expected
    assert len(result.names) <= 10


async def test_iprev_says_whether_dnssec_vouches() -> None:
    """AUTH-12: of the answers that were used."""
    records = {"PTR": {PTR: ["one.example"]}, "A": {"one.example": ["192.0.2.3"]}}
    assert (await iprev.check(FakeResolver(records, authentic=True), IP)).authentic
    assert not (await iprev.check(FakeResolver(records, authentic=[PTR]), IP)).authentic


async def test_a_silent_server_ends_iprev(autojump_clock: MockClock) -> None:
    """AUTH-13."""
    result = await iprev.check(FakeResolver(delays={PTR: 1000}), IP)
    assert result.status.value == "temperror"
    assert trio.current_time() == iprev.SECONDS


ADDRESS = ip_address("203.0.114.9")
LISTED = "9.114.0.203.bl.example."


@pytest.mark.parametrize(
    ("answers", "codes", "status"),
    [
        ([], [], "pass"),
        (["127.0.0.2"], [], "fail"),
        (["127.255.255.254"], [], "temperror"),
        (["127.255.255.254", "127.0.0.4"], [], "fail"),
        (["192.0.2.1"], [], "temperror"),
        (["127.0.0.4"], ["127.0.0.2"], "pass"),
        (["127.0.0.2"], ["127.0.0.2"], "fail"),
    ],
)
async def test_answers_of_lists(answers: list[str], codes: list[str], status: str) -> None:
    """AUTH-61."""
    resolver = FakeResolver({"A": {LISTED: answers}, "TXT": {LISTED: ["see \x1b[1m http://bl.example", "x" * 300]}})
    result = await dnsbl.check(resolver, "bl.example", ADDRESS, [ip_address(code) for code in codes])
    assert result.status.value == status
    if status == "fail":
        assert result.explanation.startswith("see [1m http")
        assert len(result.explanation) == 200


@pytest.mark.parametrize("ip", ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:192.168.1.1"])
async def test_private_addresses_are_not_asked_for(ip: str) -> None:
    """AUTH-62."""
    resolver = FakeResolver()
    assert (await dnsbl.check(resolver, "bl.example", ip_address(ip))).status.value == "pass"
    assert resolver.asked == []


@pytest.mark.parametrize(
    ("records", "well"),
    [
        ({"2.0.0.127.bl.example": ["127.0.0.2"]}, True),
        ({}, False),
        ({"2.0.0.127.bl.example": ["127.0.0.2"], "1.0.0.127.bl.example": ["127.0.0.2"]}, False),
        ({"2.0.0.127.bl.example": ["127.255.255.254"]}, False),
    ],
)
async def test_health_of_lists_is_remembered(records: dict[str, list[str]], well: bool) -> None:
    """AUTH-62."""
    now = 0.0
    resolver = FakeResolver({"A": records})
    health = dnsbl.Health(clock=lambda: now)
    assert (await health.problem(resolver, "bl.example") == "") == well
    asked = len(resolver.asked)
    await health.problem(resolver, "bl.example")
    assert len(resolver.asked) == asked
    now = 5 * 3600.0
    await health.problem(resolver, "bl.example")
    assert len(resolver.asked) > asked


async def test_trouble_with_dns_is_no_fault_of_a_list() -> None:
    """AUTH-62."""
    failing = FakeResolver(failing=["2.0.0.127.bl.example", "1.0.0.127.bl.example"])
    assert await dnsbl.healthy(failing, "bl.example") == ""


async def test_names_that_do_not_exist_are_told_from_empty_ones() -> None:
    """AUTH-4."""
    resolver = FakeResolver({"A": {"a.b.example": ["192.0.2.1"]}})
    for name, nonexistent in (("b.example.", False), ("a.b.example.", False), ("c.example.", True)):
        with pytest.raises(NotFound) as missing:
            await resolver.txt(name)
        assert missing.value.nonexistent is nonexistent
    with pytest.raises(TempError):
        await FakeResolver(failing=["x.example"]).txt("x.example.")
