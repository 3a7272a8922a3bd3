"""Counting failed log-ins (SMTP-136, SMTP-138)."""

from ipaddress import ip_address, ip_network
from types import SimpleNamespace
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from moxlite.config.snapshot import CurrentConfig
from moxlite.logins import attempts, guessing
from moxlite.logins.attempts import Attempts
from moxlite.logins.guessing import AccountWindow, FailedLogins, TooManyFailures
from moxlite.net.limits import ClassKey, Window
from moxlite.store.auth.authdb import AuthDB

OWNER = ip_address("192.0.2.1")
NEIGHBOUR = ip_address("192.0.2.2")
STRANGER = ip_address("198.51.100.1")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def failures(clock: Clock | None = None, *, per_account: int = 100) -> FailedLogins:
    return FailedLogins(
        (Window(60, (3, 6, 100)), Window(3600, (6, 12, 200))),
        (AccountWindow(60, per_account),),
        clock=clock or Clock(),
        exempt=[ip_network("127.0.0.0/8")],
    )


async def fail(counts: FailedLogins, ip: object, who: str, times: int = 1) -> None:
    for _ in range(times):
        (await counts.book(ip, who)).fail()  # type: ignore[arg-type]  # an address


async def test_what_is_booked_counts_before_it_is_decided(mock_clock: MockClock) -> None:
    """SMTP-138: attempts at the same time can't pass a limit together; who waits is let in when one succeeds."""
    mock_clock.autojump_threshold = 0
    counts = failures()
    booked = [await counts.book(STRANGER, "mia") for _ in range(3)]
    with pytest.raises(TooManyFailures):  # they stay undecided
        await counts.book(STRANGER, "mia")
    assert trio.current_time() >= guessing.DECISION
    got: list[guessing.Attempt] = []

    async def one_more() -> None:
        got.append(await counts.book(STRANGER, "mia"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one_more)
        await trio.testing.wait_all_tasks_blocked()
        assert not got
        booked[0].succeed()
    assert len(got) == 1
    for one in (*booked[1:], *got):
        one.fail()
    with pytest.raises(TooManyFailures):
        await counts.book(STRANGER, "mia")


async def test_many_right_passwords_at_the_same_time_are_no_failures() -> None:
    """SMTP-138: a program that opens twenty connections at once gets in with all of them."""
    counts = failures()
    done = 0

    async def one() -> None:
        nonlocal done
        attempt = await counts.book(OWNER, "mia")
        await trio.lowlevel.checkpoint()
        attempt.succeed()
        done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(one)
    assert done == 20


async def test_a_success_takes_back_its_own_failures_only() -> None:
    """SMTP-138, IMAP-16: attempts from one address to one account."""
    counts = failures()
    await fail(counts, STRANGER, "mia", 2)
    (await counts.book(STRANGER, "own")).succeed()  # the guesser's own account
    await fail(counts, STRANGER, "mia", 1)
    with pytest.raises(TooManyFailures):
        await counts.book(STRANGER, "mia")

    counts = failures()
    await fail(counts, OWNER, "mia", 2)
    (await counts.book(OWNER, "mia")).succeed()
    await fail(counts, OWNER, "mia", 2)
    assert counts.allowed(OWNER)


async def test_an_account_has_a_limit_over_all_networks() -> None:
    """SMTP-136: many addresses that guess at one account."""
    counts = failures(per_account=5)
    for n in range(5):
        await fail(counts, ip_address(f"10.{n}.0.1"), "mia")
    fresh = ip_address("10.9.0.1")
    with pytest.raises(TooManyFailures):
        await counts.book(fresh, "mia")
    (await counts.book(fresh, "other")).give_back()


async def test_the_owner_gets_in_from_a_known_place_during_an_attack() -> None:
    """SMTP-138: neither the limit of the account nor that of the networks around shuts out a place where a log-in
    succeeded; there, too, the number of guesses is limited.
    """
    counts = failures(per_account=5)
    counts.remember(OWNER, "mia")
    for n in range(5):
        await fail(counts, ip_address(f"10.{n}.0.1"), "mia")
    await fail(counts, NEIGHBOUR, "other", 3)
    await fail(counts, ip_address("192.0.2.3"), "third", 3)
    with pytest.raises(TooManyFailures):
        await counts.book(OWNER, "other")
    assert counts.allowed(OWNER)
    (await counts.book(OWNER, "mia")).succeed()
    await fail(counts, OWNER, "mia", 3)
    with pytest.raises(TooManyFailures):
        await counts.book(OWNER, "mia")
    with pytest.raises(TooManyFailures):  # and its neighbours have no more guesses than it
        await counts.book(NEIGHBOUR, "mia")


async def test_windows_end_and_places_are_forgotten() -> None:
    """SMTP-134, SMTP-138: a place is known for thirty days."""
    clock = Clock()
    counts = failures(clock)
    await fail(counts, STRANGER, "mia", 3)
    assert not counts.allowed(STRANGER)
    clock.now += 60
    await fail(counts, STRANGER, "mia", 3)
    clock.now += 60
    assert not counts.allowed(STRANGER)
    clock.now = 3600
    assert counts.allowed(STRANGER)
    counts.remember(OWNER, "mia")
    clock.now += guessing.PLACE_LIFE + 1
    await fail(counts, NEIGHBOUR, "other", 3)
    await fail(counts, ip_address("192.0.2.3"), "third", 3)
    with pytest.raises(TooManyFailures):
        await counts.book(OWNER, "mia")


async def test_exempt_networks_are_not_counted() -> None:
    """SMTP-138: as configured."""
    counts = failures()
    await fail(counts, ip_address("127.0.0.1"), "mia", 50)
    assert counts.allowed(ip_address("127.0.0.1"))


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-134: whatever addresses and names come."""
    monkeypatch.setattr(guessing, "MAX_KEYS", 30)
    monkeypatch.setattr(guessing, "MAX_PLACES", 10)
    counts = failures()
    for n in range(200):
        counts.remember(ip_address(0x0A000000 + (n << 8)), "mia")
        await fail(counts, ip_address(0x0B000000 + (n << 16)), f"?{n}")
    assert len(counts._places) == len(counts._known) == 10
    assert all(len(one.counts) <= 30 for _, *both in (*counts._networks, *counts._accounts) for one in both)


async def test_failures_are_listed_and_forgotten() -> None:
    """WEB-56: networks with their limits, accounts, places; unknown names are not listed; one address, or all."""
    failures = FailedLogins((Window(60, (2, 20, 30)),), (AccountWindow(60, 5),), clock=lambda: 0.0)
    ip, other = ip_address("192.0.2.7"), ip_address("2001:db8::7")
    for _ in range(2):
        (await failures.book(ip, "mia")).fail()
    (await failures.book(other, "?unknown")).fail()
    listed = {one.who: (one.failures, one.limit) for one in await failures.listing()}
    assert listed == {
        "192.0.2.7": (2, 2),
        "192.0.2.0/26": (2, 20),
        "192.0.0.0/21": (2, 30),
        "mia": (2, 5),
        "mia at 192.0.2.0/26": (2, 2),
        "2001:db8::/64": (1, 2),
        "2001:db8::/48": (1, 20),
        "2001:db8::/32": (1, 30),
    }
    with pytest.raises(TooManyFailures):
        await failures.book(ip, "tom")
    assert await failures.clear(ip) > 0
    (await failures.book(ip, "tom")).give_back()
    assert {one.who for one in await failures.listing()} == {"mia", "2001:db8::/64", "2001:db8::/48", "2001:db8::/32"}
    assert await failures.clear(None) > 0
    assert await failures.listing() == []


async def test_an_attack_from_everywhere_is_listed_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-56: only what is shown is written out; the worst come first, also of an account named like a kind of key."""
    written = []
    network = guessing._network

    def counting(key: ClassKey) -> str:
        written.append(key)
        return network(key)

    monkeypatch.setattr(guessing, "_network", counting)
    failures = FailedLogins((Window(60, (100, 200, 300)),), (AccountWindow(60, 1000),), clock=lambda: 0.0)
    for n in range(100):
        (await failures.book(ip_address(0x0B000000 + (n << 16)), "place")).fail()
    (await failures.book(OWNER, "mia")).fail()
    (await failures.book(OWNER, "mia")).fail()
    found = await failures.listing(5)
    assert [(one.who, one.failures) for one in found[:2]] == [("place", 100), ("192.0.0.0/21", 2)]
    assert len(found) == 5
    assert len(written) <= 5


async def test_lists_and_places_let_others_have_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-138, WEB-56: with 30,000 attacking networks the list took a second; so did the places at the start."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        turns += 1
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(guessing, "SLICE", 10)
    monkeypatch.setattr(guessing, "turn", turn)
    failures = FailedLogins((Window(60, (100, 200, 300)),), (AccountWindow(60, 1000),), clock=lambda: 0.0)
    for n in range(100):
        failures.note(ip_address(0x0B000000 + (n << 16)), f"user{n}")
    assert len(await failures.listing(20)) == 20
    assert turns >= 70
    turns = 0
    assert await failures.clear(None) >= 600
    assert turns >= 60
    monkeypatch.setattr(attempts, "PLACES_AT_ONCE", 10)
    monkeypatch.setattr(attempts, "turn", turn)
    turns = 0
    places = [("mia", f"192.0.{n}.1") for n in range(100)]

    class Earlier:
        async def successes(self) -> list[tuple[str, str]]:
            return places

    auth = cast("AuthDB", SimpleNamespace(attempts=Earlier()))
    await Attempts(cast("CurrentConfig", None), auth, failures).remember_places()
    assert turns == 10
    assert failures.knows(ip_address("192.0.99.1"), "mia")
