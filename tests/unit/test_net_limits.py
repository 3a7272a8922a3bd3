"""Rate limits and open connections by network class."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, strategies as st

from moxlite.net.limits import (
    HOUR,
    SEARCHES,
    LoginsElsewhere,
    OpenConnections,
    RateLimiter,
    TooManyLogins,
    Window,
    ip_classes,
    logins_elsewhere_limited,
    unmap,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_020.0

    def __call__(self) -> float:
        return self.now


def test_classes_are_three_widths_per_family() -> None:
    """SMTP-134: IPv4 /32 /26 /21, IPv6 /64 /48 /32; a mapped address is IPv4."""
    first, same26, same21 = ip_address("192.0.2.1"), ip_address("192.0.2.62"), ip_address("192.0.7.255")
    assert ip_classes(first)[0] != ip_classes(same26)[0]
    assert ip_classes(first)[1] == ip_classes(same26)[1] != ip_classes(ip_address("192.0.2.64"))[1]
    assert ip_classes(first)[2] == ip_classes(same21)[2] != ip_classes(ip_address("192.0.8.0"))[2]
    assert ip_classes(ip_address("::ffff:192.0.2.1")) == ip_classes(first)
    a, b = ip_classes(ip_address("2001:db8:1:2::1")), ip_classes(ip_address("2001:db8:1:2:ffff::1"))
    assert a == b
    assert ip_classes(ip_address("2001:db8:1:3::"))[0] != a[0]
    assert ip_classes(ip_address("2001:db8:1:ffff::"))[1] == a[1]
    assert ip_classes(ip_address("2001:db8:ffff::"))[2] == a[2]


@given(st.ip_addresses(v=4))
def test_mapped_addresses_are_unmapped(ip: object) -> None:
    """SMTP-134: wherever they come from."""
    assert unmap(ip_address(f"::ffff:{ip}")) == ip


def test_each_class_has_its_limit() -> None:
    """SMTP-135: a whole network is stopped though none of its addresses is."""
    limiter = RateLimiter([Window(60, (3, 4, 100))], clock=Clock())
    one, two = ip_address("192.0.2.1"), ip_address("192.0.2.2")
    assert [limiter.add(one) for _ in range(4)] == [True, True, True, False]
    assert [limiter.add(two) for _ in range(2)] == [True, False]
    assert limiter.add(ip_address("192.0.2.200"))


def test_refused_events_do_not_count() -> None:
    """SMTP-134: hammering does not lengthen the refusal."""
    clock = Clock()
    limiter = RateLimiter([Window(60, (2, 10, 10)), Window(3600, (4, 100, 100))], clock=clock)
    ip = ip_address("192.0.2.1")
    assert [limiter.add(ip) for _ in range(50)].count(True) == 2
    clock.now += 60
    assert [limiter.add(ip) for _ in range(50)].count(True) == 2
    clock.now += 60
    assert not limiter.add(ip)


def test_windows_are_aligned_to_the_clock() -> None:
    """SMTP-134: a minute begins at the full minute."""
    clock = Clock()
    clock.now = 119.0
    limiter = RateLimiter([Window(60, (1, 9, 9))], clock=clock)
    ip = ip_address("2001:db8::1")
    assert limiter.add(ip)
    assert not limiter.allowed(ip)
    clock.now = 120.0
    assert limiter.allowed(ip)


def test_exempt_networks_are_never_refused() -> None:
    """SMTP-138: as configured."""
    limiter = RateLimiter([Window(60, (1, 1, 1))], exempt=[ip_network("127.0.0.0/8")], clock=Clock())
    assert all(limiter.add(ip_address("127.0.0.1")) for _ in range(10))
    assert all(limiter.add(ip_address("::ffff:127.0.0.1")) for _ in range(10))


def test_memory_is_bounded_whatever_comes() -> None:
    """SMTP-134: at most as many keys as allowed, the oldest forgotten."""
    limiter = RateLimiter([Window(60, (1, 10, 1000))], clock=Clock(), max_keys=30)
    for n in range(500):
        limiter.add(ip_address((10 << 24) + (n << 11)))
    assert sum(len(table.counts) for table in limiter._tables) <= 30


def test_open_connections_are_limited_and_given_back() -> None:
    """SMTP-135, IMAP-15: open at the same time, by class."""
    limit = OpenConnections((2, 3, 4))
    one, two, three = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("192.0.3.1")
    assert [limit.acquire(one) for _ in range(3)] == [True, True, False]
    assert [limit.acquire(two) for _ in range(2)] == [True, False]
    assert limit.acquire(three)
    assert not limit.acquire(three)
    assert limit.pressure(one) == 1.0
    limit.release(one)
    assert limit.acquire(two)
    for ip in (one, two, two, three):
        limit.release(ip)
    assert limit.pressure(one) == 0.0
    assert limit._counts == {}


def test_log_ins_elsewhere_are_limited_by_account_and_by_user_there() -> None:
    """LINK-27: those that aren't rejected count for the account alone, in any spelling of the user; an hour later
    all is as before.
    """
    clock = Clock()
    logins = LoginsElsewhere(5, 2, clock=clock)
    before = logins_elsewhere_limited.value
    for _ in range(3):
        clear = logins.begin("mia", "IMAP.example.net", "TOM")
        clear()
    logins.begin("mia", "imap.example.net", "tom")
    logins.begin("mia", "imap.example.net", "Tom")
    clear()  # once
    for host in ("imap.example.net", "other.example.net"):
        with pytest.raises(TooManyLogins) as refused:
            logins.begin("mia", host, "tom")
    assert refused.value.seconds == HOUR - int(clock.now % HOUR)
    assert f"in {-(-refused.value.seconds // 60)} min" in str(refused.value)
    assert logins_elsewhere_limited.value == before + 2
    with pytest.raises(TooManyLogins):
        logins.begin_again("mia")
    logins.begin("bo", "imap.example.net", "tom")
    late = logins.begin("ann", "imap.example.net", "tom")
    clock.now += refused.value.seconds
    for _ in range(2):
        logins.begin("ann", "imap.example.net", "tom")
    late()  # begun in the last hour
    with pytest.raises(TooManyLogins):
        logins.begin("ann", "imap.example.net", "tom")
    for _ in range(2):
        logins.begin("mia", "imap.example.net", "tom")
    with pytest.raises(TooManyLogins):
        logins.begin("mia", "imap.example.net", "tom")


def test_searches_are_limited_by_themselves_and_administrators_are_not() -> None:
    """LINK-27."""
    logins = LoginsElsewhere(1, 1, clock=Clock())
    for _ in range(SEARCHES):
        logins.search("mia")
    with pytest.raises(TooManyLogins):
        logins.search("mia")
    logins.begin("mia", "imap.example.net", "tom")
    for _ in range(100):
        logins.begin("", "imap.example.net", "tom")()
        logins.begin_again("")
        logins.search("")
