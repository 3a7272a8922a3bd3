"""What is found out for a writer about the way to a domain."""

from random import Random

import pytest
import trio

from moxlite.mailauth.mtasts import FetchFailed
from moxlite.net.resolver import MX, SRV, TLSA, FakeResolver
from moxlite.proto.address import Domain
from moxlite.queue.context import now
from moxlite.queue.queue import assurance_of
from moxlite.queue.tls.policies import Policies
from moxlite.submission.outgoing import Assurance

pytestmark = pytest.mark.served

POLICY = b"version: STSv1\nmode: %s\nmx: mx.remote.example\nmax_age: 86400\n"
RECORDS: dict[str, dict[str, list[str | MX | SRV | TLSA]]] = {
    "MX": {"remote.example": ["10 mx.remote.example"]},
    "A": {"mx.remote.example": ["192.0.2.1"]},
    "TXT": {"_mta-sts.remote.example": ["v=STSv1; id=1"]},
    "TLSA": {"_25._tcp.mx.remote.example": [TLSA(3, 1, 1, b"\x01" * 32)]},
}


async def ask(resolver: FakeResolver, mode: bytes = b"enforce") -> Assurance:
    async def fetch(url: str) -> bytes:
        if not mode:
            raise FetchFailed("no answer")
        return POLICY % mode

    policies = Policies(None, resolver, fetch, now, Random(1))
    return await assurance_of(Domain.parse("remote.example"), resolver, policies, Random(1))


async def test_a_well_kept_domain_has_all() -> None:
    """WEBMAIL-94."""
    assert await ask(FakeResolver(RECORDS, authentic=True)) == Assurance("yes", "yes", "yes")


async def test_without_dnssec_there_is_no_dane() -> None:
    """WEBMAIL-94: a policy that only tests protects nobody."""
    assert await ask(FakeResolver(RECORDS), b"testing") == Assurance("no", "no", "no")


async def test_what_cannot_be_asked_is_no_answer() -> None:
    """WEBMAIL-94."""
    failing = FakeResolver(RECORDS, authentic=True, failing=["remote.example", "_mta-sts.remote.example"])
    assert await ask(failing) == Assurance("error", "error", "error")
    assert await ask(FakeResolver(RECORDS, authentic=True), b"") == Assurance("error", "yes", "yes")
    broken = FakeResolver(RECORDS, authentic=True, failing=["_25._tcp.mx.remote.example"])
    assert await ask(broken) == Assurance("yes", "yes", "error")


async def test_an_answer_takes_15_seconds_at_most(autojump_clock: trio.testing.MockClock) -> None:
    """WEBMAIL-94."""
    slow = FakeResolver(RECORDS, authentic=True, delays={"_mta-sts.remote.example": 50.0})
    began = trio.current_time()
    assert await ask(slow) == Assurance("error", "yes", "yes")
    assert trio.current_time() - began == 15
