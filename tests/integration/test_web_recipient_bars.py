"""What is found out about the way to a recipient, from zones that knot signs and unbound validates (WEBMAIL-94)."""

from collections.abc import Iterator
from random import Random

import pytest

from moxlite.mailauth.mtasts import FetchFailed
from moxlite.proto.address import Domain
from moxlite.queue.context import now
from moxlite.queue.queue import assurance_of
from moxlite.queue.tls.policies import Policies
from moxlite.submission.outgoing import Assurance
from tests.dnsworld import DNSWorld

pytestmark = [pytest.mark.integration, pytest.mark.served]

HOST = "@ MX 10 mx\nmx A 192.0.2.1\n"
TLSA = f"_25._tcp.mx TLSA 3 1 1 {'01' * 32}\n"
POLICY = '_mta-sts TXT "v=STSv1; id=1"\n'


@pytest.fixture(scope="module")
def world() -> Iterator[DNSWorld]:
    """Domains that keep all, DNSSEC alone, a policy alone, or nothing, and one with a signature of another."""
    zones = {
        "all.example": HOST + TLSA + POLICY,
        "signed.example": HOST,
        "policy.example": HOST + POLICY,
        "unsigned.example": HOST + TLSA,
        "forged.example": HOST + TLSA + POLICY,
    }
    with DNSWorld(zones, unsigned=["policy.example", "unsigned.example"], bogus=["forged.example"]) as found:
        yield found


@pytest.mark.parametrize(
    ("domain", "found"),
    [
        ("all.example", Assurance(mtasts="yes", dnssec="yes", dane="yes")),
        ("signed.example", Assurance(mtasts="no", dnssec="yes", dane="no")),
        ("policy.example", Assurance(mtasts="yes", dnssec="no", dane="no")),
        ("unsigned.example", Assurance(mtasts="no", dnssec="no", dane="no")),
        ("forged.example", Assurance(mtasts="error", dnssec="error", dane="error")),
    ],
)
async def test_signed_zones_their_tlsa_records_and_policies_are_told_apart(
    world: DNSWorld, domain: str, found: Assurance
) -> None:
    """WEBMAIL-158, WEBMAIL-94: a TLSA record of an unsigned zone counts for nothing."""

    async def fetch(url: str) -> bytes:
        if url.startswith(("https://mta-sts.all.example/", "https://mta-sts.policy.example/")):
            return b"version: STSv1\nmode: enforce\nmx: *.%s\nmax_age: 86400\n" % domain.encode()
        raise FetchFailed("no answer")

    resolver = world.resolver()
    policies = Policies(None, resolver, fetch, now, Random(1))
    assert await assurance_of(Domain.parse(domain), resolver, policies, Random(1)) == found
