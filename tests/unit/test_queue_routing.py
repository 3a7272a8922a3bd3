"""The queue's decisions that need no database: schedule, routes, hosts, order of addresses, simulated failures."""

from collections import Counter
from ipaddress import ip_address
from random import Random

import pytest
import trio.testing
from hypothesis import given, strategies as st

from moxlite.acceptance.producers.judgement import demanded
from moxlite.config.domains import Route
from moxlite.config.static import Queue as QueueConfig
from moxlite.net.resolver import FakeResolver, TempError
from moxlite.proto.address import Domain
from moxlite.queue.data.rows import MAX_RESULTS, Result, decode_results, encode_results
from moxlite.queue.hosts.hosts import NoHosts, addresses_of, hosts_of, order_addresses
from moxlite.queue.schedule import attempts_left, delay_after
from moxlite.queue.sending.routing import matching_route

DELAYS = QueueConfig().retry_delays
REMOTE = Domain.parse("remote.example")


@given(st.integers(1, 50), st.integers())
def test_delay_grows_and_varies_by_a_hundredth(attempts: int, seed: int) -> None:
    """QUEUE-10: the table, its last value repeated, ±1 %."""
    wanted = DELAYS[min(attempts, len(DELAYS)) - 1]
    assert 0.99 * wanted * 1e6 - 1 <= delay_after(attempts, DELAYS, Random(seed)) <= 1.01 * wanted * 1e6


def test_remaining_attempts_are_listed_for_the_delayed_dsn() -> None:
    """QUEUE-12: those that will really be made, the last one included."""
    hours = [(when - 1_000_000) / 3.6e9 for when in attempts_left(5, 8, 1_000_000, DELAYS)]
    assert hours == [0, 4, 12]
    assert attempts_left(8, 8, 1_000_000, DELAYS) == []


def test_first_matching_route_wins() -> None:
    """QUEUE-31: lists of domains, a leading dot for subdomains, attempts already made."""
    routes = [
        Route(transport="late", minimum_attempts=3),
        Route(transport="sub", to_domain=(".example.org",)),
        Route(transport="pair", from_domain=("own.example",), to_domain=("a.example", "b.example")),
    ]

    def transport(sender: str, recipient: str, attempts: int = 0) -> str | None:
        found = matching_route(routes, sender, recipient, attempts)
        return found.transport if found else None

    assert transport("own.example", "example.org") == "sub"
    assert transport("own.example", "deep.sub.example.org") == "sub"
    assert transport("own.example", "badexample.org") is None
    assert transport("own.example", "b.example") == "pair"
    assert transport("sub.own.example", "b.example") is None
    assert transport("own.example", "b.example", 2) == "pair"
    assert transport("own.example", "b.example", 3) == "late"


async def test_hosts_come_by_preference_shuffled_among_equals() -> None:
    """QUEUE-44: RFC 5321 §5.1; each name once, invalid ones skipped, at most 20."""
    r = FakeResolver(
        {"MX": {"remote.example": ["20 c.example", "10 a.example", "10 b.example", "30 a.example", "5 -bad-.example"]}}
    )
    seen = Counter([(await hosts_of(REMOTE, r, Random(seed))).names for seed in range(40)])
    assert set(seen) == {("a.example", "b.example", "c.example"), ("b.example", "a.example", "c.example")}
    many = FakeResolver({"MX": {"remote.example": [f"{n} h{n}.example" for n in range(100)]}})
    assert (await hosts_of(REMOTE, many, Random(1))).names == tuple(f"h{n}.example" for n in range(20))


async def test_domain_without_mx_is_its_own_host() -> None:
    """QUEUE-41, QUEUE-42: also over CNAMEs, the last name then."""
    r = FakeResolver({"CNAME": {"remote.example": ["alias.example"]}}, authentic=True)
    hosts = await hosts_of(REMOTE, r, Random(1))
    assert (hosts.names, hosts.implicit, hosts.authentic) == (("alias.example",), True, True)


@pytest.mark.parametrize(
    ("records", "failing", "permanent", "ecode"),
    [
        ({"MX": {"remote.example": ["0 ."]}}, [], True, "5.1.10"),
        ({"MX": {"remote.example": ["10 own.example", "20 backup.example"]}}, [], True, "5.4.6"),
        ({"MX": {"remote.example": ["10 -bad-.example"]}}, [], False, "4.4.4"),
        ({"CNAME": {"remote.example": ["b.example"], "b.example": ["remote.example"]}}, [], False, "4.4.6"),
        ({}, ["remote.example"], False, "4.4.3"),
    ],
    ids=["null mx", "loop", "invalid", "cname loop", "servfail"],
)
async def test_domains_without_usable_hosts(
    records: dict[str, dict[str, list[str]]], failing: list[str], permanent: bool, ecode: str
) -> None:
    """QUEUE-41..44."""
    with pytest.raises(NoHosts) as caught:
        await hosts_of(REMOTE, FakeResolver(records, failing=failing), Random(1), frozenset({"own.example"}))
    assert (caught.value.permanent, caught.value.ecode) == (permanent, ecode)


async def test_own_host_ends_the_list() -> None:
    """QUEUE-44: what is less preferred than we are would send the mail back to us."""
    r = FakeResolver({"MX": {"remote.example": ["10 a.example", "20 own.example", "30 c.example"]}})
    assert (await hosts_of(REMOTE, r, Random(1), frozenset({"own.example"}))).names == ("a.example",)


async def test_slow_dns_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    """QUEUE-41: 30 s per look-up."""
    r = FakeResolver(delays={"remote.example": 100})
    with pytest.raises(NoHosts, match="timeout"):
        await hosts_of(REMOTE, r, Random(1))
    with pytest.raises(NoHosts, match="timeout"):
        await addresses_of("remote.example", r, Random(1))
    assert trio.current_time() == 60


async def test_host_behind_too_many_aliases_is_skipped() -> None:
    """QUEUE-46: 10 CNAMEs at a host."""
    names = {f"h{n}.example": [f"h{n + 1}.example"] for n in range(12)}
    r = FakeResolver({"CNAME": names, "A": {"h12.example": ["8.8.8.8"]}})
    with pytest.raises(NoHosts, match="CNAME"):
        await addresses_of("h0.example", r, Random(1))
    assert [str(ip) for ip in (await addresses_of("h2.example", r, Random(1))).ips] == ["8.8.8.8"]


async def test_private_addresses_are_not_connected_to() -> None:
    """QUEUE-152: an MX record is no way into our network."""
    r = FakeResolver({"A": {"mx.example": ["10.0.0.1", "127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1"]}})
    with pytest.raises(NoHosts, match="private"):
        await addresses_of("mx.example", r, Random(1))
    r = FakeResolver({"A": {"mx.example": ["10.0.0.1", "8.8.8.8"]}, "AAAA": {"mx.example": ["2a00::1", "fe80::1"]}})
    assert {str(ip) for ip in (await addresses_of("mx.example", r, Random(1))).ips} == {"8.8.8.8", "2a00::1"}
    assert [str(ip) for ip in (await addresses_of("mx.example", r, Random(1), family=4)).ips] == ["8.8.8.8"]
    assert len((await addresses_of("mx.example", r, Random(1), allow_private=True)).ips) == 4


def ordered(addresses: list[str], dialed: list[str], seed: int = 1) -> list[str]:
    return [str(ip) for ip in order_addresses([ip_address(a) for a in addresses], dialed, Random(seed))]


def test_addresses_are_ordered_by_history() -> None:
    """QUEUE-47: IPv6 first without history; then the other family; the same address again after one try of its
    family.
    """
    both = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]
    assert {ordered(both, [], seed)[0] for seed in range(20)} == {"2001:db8::1", "2001:db8::2"}
    assert ordered(both, ["2001:db8::1"])[0].startswith("192.")
    assert ordered(both, ["2001:db8::1", "192.0.2.2"])[0].startswith("2001:")
    only4 = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert {ordered(only4, ["192.0.2.2"], seed)[0] for seed in range(20)} == {"192.0.2.2"}
    assert len({ordered(only4, ["192.0.2.2", "192.0.2.2"], seed)[0] for seed in range(40)}) == 3
    assert {ordered(["2001:db8::1", "2001:db8::2"], ["192.0.2.1", "2001:db8::2"], s)[0] for s in range(20)} == {
        "2001:db8::2"
    }


@pytest.mark.parametrize(
    ("localpart", "failure"),
    [
        ("queuetemperror", 451),
        ("queue-anything-permerror", 550),
        ("Queue451", 451),
        ("queuetimeout", "timeout"),
        ("queue399", None),
        ("temperror", None),
        ("mailfromtemperror", None),
        ("queue", None),
    ],
)
def test_localserve_fails_in_the_queue_only_on_request(localpart: str, failure: int | str | None) -> None:
    """SMTP-132, ADMIN-45: prefix `queue` and one of the endings."""
    assert demanded(localpart, "queue") == failure


def test_attempts_are_kept_up_to_a_number() -> None:
    """QUEUE-155, QUEUE-7: the oldest go."""
    results = [Result(start=n, error="x", reply="550 no\nmore", code=550, secode="1.1") for n in range(150)]
    kept = decode_results(encode_results(results))
    assert [result.start for result in kept] == list(range(50, 150))
    assert kept[-1] == results[-1]
    assert len(kept) == MAX_RESULTS


async def test_temporary_look_ups_name_their_cause() -> None:
    """QUEUE-42: the extended DNS error reaches the sender."""
    r = FakeResolver(failing={"remote.example": TempError("dns-extended-error-6-bogus", code=6, dnssec=True)})
    with pytest.raises(NoHosts, match="dns-extended-error-6-bogus"):
        await hosts_of(REMOTE, r, Random(1))


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("64:ff9b::8.8.8.8", True),  # NAT64
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b:1::808:808", False),  # for local use (RFC 8215)
        ("2002:808:808::1", True),  # 6to4
        ("2002:a00:1::1", False),
        ("2002:7f00:1::1", False),
        ("::ffff:8.8.8.8", True),  # mapped
        ("::ffff:192.168.1.1", False),
        ("::ffff:224.0.0.1", False),
        ("::10.0.0.1", False),  # compatible
    ],
)
async def test_addresses_count_as_the_one_inside(address: str, usable: bool) -> None:
    """QUEUE-152: no way into the inner network by a form of its addresses."""
    r = FakeResolver({"AAAA": {"mx.example": [address]}})
    if usable:
        assert (await addresses_of("mx.example", r, Random(1))).ips == (ip_address(address),)
    else:
        with pytest.raises(NoHosts, match="private"):
            await addresses_of("mx.example", r, Random(1))
