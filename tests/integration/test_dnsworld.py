"""The tests' world of DNS: signed, unsigned and bogus zones as our resolver sees them."""

from collections.abc import Iterator

import pytest

from moxlite.net.dns.client import lookups
from moxlite.net.resolver import NotFound, RecordType, TempError
from tests.dnsworld import DNSWorld

pytestmark = [pytest.mark.integration, pytest.mark.served]


@pytest.fixture(scope="module")
def world() -> Iterator[DNSWorld]:
    zones = {
        "example.org": 'mail A 192.0.2.1\n@ TXT "v=spf1 -all"\nhere CNAME mail',
        "plain.example": "mail A 192.0.2.2",
        "bogus.example": "mail A 192.0.2.3",
        "2.0.192.in-addr.arpa": "1 PTR mail.example.org.",
    }
    with DNSWorld(zones, unsigned=["plain.example"], bogus=["bogus.example"]) as world:
        yield world


def observed(result: str) -> float:
    """How many questions for TXT had this result."""
    return next(value for name, _, value in lookups.labels(type="TXT", result=result).own() if name == "_count")


async def test_answers_of_a_signed_zone_are_authentic(world: DNSWorld) -> None:
    """AUTH-3, AUTH-4, AUTH-11, SMTP-181: the AD bit of a resolver on this machine counts, also for what does not
    exist. Each question is counted with its result.
    """
    counted = {result: observed(result) for result in ("ok", "nxdomain")}
    resolver = world.resolver()
    found = await resolver.ips("mail.example.org.")
    assert (list(map(str, found.records)), found.authentic) == (["192.0.2.1"], True)
    followed = await resolver.ips("here.example.org.", 4)
    assert (followed.name, followed.authentic) == ("mail.example.org.", True)
    with pytest.raises(NotFound) as missing:
        await resolver.txt("nothing.example.org.")
    assert missing.value.authentic
    assert (await resolver.txt("example.org.")).records == ("v=spf1 -all",)
    for result, number in counted.items():
        assert observed(result) == number + 1
    assert (await resolver.lookup("1.2.0.192.in-addr.arpa.", RecordType.PTR)).authentic


async def test_answers_of_an_unsigned_zone_are_not(world: DNSWorld) -> None:
    """AUTH-4: found, but not authentic."""
    assert not (await world.resolver().ips("mail.plain.example.")).authentic


async def test_a_bogus_zone_has_no_answer(world: DNSWorld) -> None:
    """AUTH-4, SMTP-181: a wrong trust anchor is a temporary error that tells of DNSSEC."""
    with pytest.raises(TempError) as failed:
        await world.resolver().ips("mail.bogus.example.")
    assert failed.value.dnssec


async def test_a_name_outside_does_not_exist_and_a_change_is_seen_at_once(world: DNSWorld) -> None:
    """No question leaves the machine; a zone's records can be replaced."""
    with pytest.raises(NotFound):
        await world.resolver().ips("www.debian.example.")
    world.set("plain.example", "mail A 192.0.2.9")
    assert [str(ip) for ip in (await world.resolver().ips("mail.plain.example.", 4)).records] == ["192.0.2.9"]
