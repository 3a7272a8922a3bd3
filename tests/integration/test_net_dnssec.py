"""Validation in this process, over a signed root at knot and a resolver, unbound, that validates nothing (AUTH-123)."""

import time
from collections.abc import Iterator

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from moxlite.net.dnssec.chain import ROOT, ResolverClient, Status, Verdict, Zones, validate
from moxlite.net.dnssec.resolver import ValidatingResolver
from moxlite.net.resolver import NotFound, RecordType, TempError
from tests.signedroot import SignedRoot

pytestmark = [pytest.mark.integration, pytest.mark.served]

RECORDS = """\
mail A 192.0.2.1
mail AAAA 2001:db8::1
alias CNAME mail
away CNAME mail.example.net.
unsafe CNAME mail.plain.org.
_25._tcp.mail TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
*.wild A 192.0.2.9
x.deep.down A 192.0.2.7
moved DNAME example.net.
"""
ZONES = {
    "": "",
    "org": "",
    "net": "",
    "example.org": RECORDS,
    "example.net": RECORDS,
    "plain.org": "mail A 192.0.2.2",
    "below.plain.org": "mail A 192.0.2.3",
    "forged.org": "mail A 192.0.2.4",
}


@pytest.fixture(scope="module", params=["nsec", "nsec3"])
def root(request: pytest.FixtureRequest) -> Iterator[SignedRoot]:
    hashed = ZONES if request.param == "nsec3" else ()
    with SignedRoot(ZONES, unsigned=["plain.org"], forged=["forged.org"], hashed=hashed) as found:
        yield found


def judged(root: SignedRoot, name: str, kind: str, *, queries: int = 40, now: float | None = None) -> Verdict:
    """The verdict of a validation that begins without any knowledge."""
    zones: Zones = {}
    ask = ResolverClient(root.servers, queries=queries, deadline=time.monotonic() + 20)
    clock = time.time if now is None else lambda: now
    return validate(ask, name, RecordType(kind), anchors=root.anchors, zones=zones, clock=clock)


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("mail.example.org.", "A", "192.0.2.1"),
        ("MAIL.example.org.", "AAAA", "2001:db8::1"),
        ("alias.example.org.", "A", "192.0.2.1"),
        ("away.example.org.", "A", "192.0.2.1"),
        ("one.wild.example.org.", "A", "192.0.2.9"),
        ("mail.moved.example.org.", "A", "192.0.2.1"),
        ("example.org.", "NS", "ns.invalid."),
        ("org.", "NS", "ns.invalid."),
        (".", "NS", "ns.invalid."),
    ],
)
def test_signed_records(root: SignedRoot, name: str, kind: str, records: str) -> None:
    """AUTH-123: addresses, aliases within a zone and to another one, DNAME, wildcards, and the root itself."""
    found = judged(root, name, kind)
    assert (found.status, found.problem) == (Status.SECURE, "")
    assert found.response is not None
    assert " ".join(map(str, found.response.records)) == records


@pytest.mark.parametrize(
    ("name", "kind", "nonexistent"),
    [
        ("mail.example.org.", "TXT", False),
        ("none.example.org.", "A", True),
        ("a.b.none.example.org.", "TLSA", True),
        ("_tcp.mail.example.org.", "A", False),
        ("deep.down.example.org.", "MX", False),
        ("one.wild.example.org.", "MX", False),
        ("alias.example.org.", "MX", False),
        ("nothing.", "A", True),
    ],
)
def test_signed_absence(root: SignedRoot, name: str, kind: str, nonexistent: bool) -> None:
    """AUTH-123: no such name, no such type, empty non-terminals, wildcards without the type; NSEC and NSEC3."""
    found = judged(root, name, kind)
    assert (found.status, found.problem) == (Status.SECURE, "")
    assert found.response is not None
    assert found.response.records == ()
    assert (found.response.rcode == 3) is nonexistent


@pytest.mark.parametrize("name", ["mail.plain.org.", "none.plain.org.", "mail.below.plain.org.", "unsafe.example.org."])
def test_an_unsigned_delegation_is_proven(root: SignedRoot, name: str) -> None:
    """AUTH-123: below it nothing is authentic, and nothing is wrong; also at the end of a signed alias."""
    assert judged(root, name, "A").status is Status.INSECURE


def test_what_is_wrong_is_bogus(root: SignedRoot) -> None:
    """AUTH-123: keys that the DS records do not name, signatures that have ended or have not begun."""
    assert "no key for forged.org. matches the DS records" in judged(root, "mail.forged.org.", "A").problem
    for now, words in ((time.time() + 400 * 86_400, "expired"), (time.time() - 400 * 86_400, "not yet valid")):
        found = judged(root, "mail.example.org.", "A", now=now)
        assert (found.status, words in found.problem) == (Status.BOGUS, True)


def test_bounds_and_another_root_give_no_verdict(root: SignedRoot) -> None:
    """AUTH-123: queries are counted; a network with a root of its own has no verdict."""
    assert judged(root, "mail.example.org.", "A", queries=3).status is Status.INDETERMINATE
    ask = ResolverClient(root.servers, queries=40, deadline=time.monotonic() + 20)
    found = validate(ask, "mail.example.org.", RecordType.A, anchors=ROOT, zones={})
    assert (found.status, found.problem) == (Status.INDETERMINATE, "no key for . matches the trust anchor")


async def test_the_resolver_adds_what_the_server_leaves_out(root: SignedRoot) -> None:
    """AUTH-123: answers are authentic without the AD bit, wrong ones fail with the reason, unsigned ones stay."""
    resolver = ValidatingResolver(root.resolver(), anchors=root.anchors)
    plain = root.resolver()
    assert not (await plain.ips("mail.example.org.")).authentic
    found = await resolver.ips("mail.example.org.")
    assert (found.authentic, len(found.records)) == (True, 2)
    assert [one.usage for one in (await resolver.tlsa("_25._tcp.mail.example.org.")).records] == [3]
    assert (await resolver.lookup("away.example.org.", RecordType.A)).chain == ("away.example.org.",)
    with pytest.raises(NotFound) as absent:
        await resolver.tlsa("_25._tcp.none.example.org.")
    assert (absent.value.authentic, absent.value.nonexistent) == (True, True)
    assert not (await resolver.ips("mail.plain.org.")).authentic
    with pytest.raises(TempError, match=r"no key for forged\.org\. matches the DS records") as wrong:
        await resolver.ips("mail.forged.org.")
    assert (wrong.value.dnssec, wrong.value.code) == (True, 6)
    assert await resolver.can_validate()
    assert not await ValidatingResolver(root.resolver()).can_validate()


@pytest.mark.parametrize("change", ["unsigned", "changed", "unproven", "misplaced"])
def test_a_server_that_lies_is_found_out(root: SignedRoot, change: str) -> None:
    """AUTH-123: signatures left out, another address, proofs left out, and a wildcard's answer for a name that is
    there."""
    honest = ResolverClient(root.servers, queries=40, deadline=time.monotonic() + 20)
    lied = "none.example.org." if change == "unproven" else "mail.example.org."

    def ask(name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        message = honest(name, kind)
        if name.to_text() != lied or kind != dns.rdatatype.A:
            return message
        signed = [one for one in message.answer if one.rdtype == dns.rdatatype.RRSIG]
        if change == "unsigned":
            message.answer = [one for one in message.answer if one not in signed]
        elif change == "changed":
            message.answer = [dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.66"), *signed]
        elif change == "misplaced":
            other = honest(dns.name.from_text("one.wild.example.org."), kind)
            for one in other.answer:
                one.name = name
            message.answer = other.answer
        else:
            message.authority = [one for one in message.authority if one.rdtype not in (47, 50)]
        return message

    found = validate(ask, lied, RecordType.A, anchors=root.anchors, zones={})
    assert found.status is Status.BOGUS
    words = {
        "unsigned": "mail.example.org. A isn't signed, but example.org. is",
        "changed": "signature by key",
        "unproven": "no NSEC or NSEC3 record",
        "misplaced": "example.org.",
    }
    assert words[change] in found.problem


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"opt_out": True}, Status.INSECURE),
        ({"iterations": 101}, Status.INSECURE),
        ({"iterations": 20}, Status.SECURE),
        ({"algorithm": "rsasha256"}, Status.SECURE),
        ({"algorithm": "ed25519"}, Status.SECURE),
    ],
)
def test_opt_out_iterations_and_algorithms(settings: dict[str, object], status: Status) -> None:
    """AUTH-123: opt-out and more than 100 iterations prove nothing; RSA, ECDSA and Ed25519 are known."""
    zones = {"": "", "org": "", "plain.org": "mail A 192.0.2.2"}
    with SignedRoot(zones, unsigned=["plain.org"], hashed=["org"], **settings) as root:  # type: ignore[arg-type]  # one of several
        assert judged(root, "none.org.", "A").status is status
        assert judged(root, "mail.plain.org.", "A").status is Status.INSECURE
        assert judged(root, "org.", "NS").status is Status.SECURE
