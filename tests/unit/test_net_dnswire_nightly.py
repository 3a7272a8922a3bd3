"""The codec of DNS messages beside dnspython's, with 50,000 messages of which most are damaged (decisions/011)."""

import random
from itertools import pairwise

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from moxlite.net.dns.wire import WireError, encode_question, is_response, read_response
from moxlite.net.resolver import RecordType
from tests.unit.test_net_dnswire import answer, ask, theirs

NAMES = ("mail.example.org.", "a.example.org.", "b.example.net.", "c.d.e.f.example.com.", "_25._tcp.x.example.")
VALUES = {
    RecordType.A: ("192.0.2.1", "192.0.2.2", "198.51.100.7"),
    RecordType.AAAA: ("2001:db8::1", "2001:db8::2"),
    RecordType.CNAME: ("other.example.org.",),
    RecordType.NS: ("ns1.example.org.", "ns2.example.net."),
    RecordType.PTR: ("mail.example.org.",),
    RecordType.MX: ("10 mail.example.org.", "0 .", "20 b.example.net."),
    RecordType.SRV: ("0 1 993 mail.example.org.", "0 0 0 ."),
    RecordType.TLSA: (f"3 1 1 {'ab' * 32}", f"2 0 2 {'cd' * 64}"),
    RecordType.CAA: ('0 issue "ca.example"', '128 iodef "mailto:a@b.example"'),
    RecordType.TXT: ('"v=spf1 -all"', '"one" "two"', '"\\200\\000"', f'"{"x" * 255}" "y"'),
}
CASES = 50_000


def response(chance: random.Random) -> tuple[str, RecordType, dns.message.Message]:
    """A response to a question: records behind aliases, others around them, or a denial."""
    kind = chance.choice(list(VALUES))
    steps = chance.sample(NAMES, chance.randint(1, 3))
    query = ask(steps[0], kind)
    rrsets = []
    if kind is not RecordType.CNAME:
        rrsets = [
            dns.rrset.from_text(one, chance.randrange(900), "IN", "CNAME", other) for one, other in pairwise(steps)
        ]
    else:
        del steps[1:]
    if chance.random() < 0.8:
        some = chance.sample(VALUES[kind], chance.randint(1, len(VALUES[kind])))
        rrsets.append(dns.rrset.from_text(steps[-1], chance.randrange(900), "IN", str(kind), *some))
    rrsets.append(dns.rrset.from_text("other.example.", 5, "IN", "TXT", "x"))
    chance.shuffle(rrsets)
    found = answer(query, rrsets)
    if chance.random() < 0.5:
        found.authority.append(dns.rrset.from_text("org.", 600, "IN", "SOA", "ns.example. h.example. 1 2 3 4 60"))
    return steps[0], kind, found


def damaged(chance: random.Random, wire: bytes) -> bytes:
    """The octets with some changed, removed or doubled; one in four stays as it is."""
    octets = bytearray(wire)
    for _ in range(chance.choice((0, 1, 1, 3))):
        at = chance.randrange(12, len(octets))
        match chance.randrange(4):
            case 0:
                octets[at] = chance.choice((0, 0xC0, 0xFF, 12, octets[at] ^ 1 << chance.randrange(8)))
            case 1:
                del octets[at : at + chance.randint(1, 4)]
            case 2:
                octets[at:at] = octets[at : at + chance.randint(1, 8)]
            case _:
                del octets[at:]
        if len(octets) < 14:
            break
    return bytes(octets)


@pytest.mark.nightly(smoke="tests/unit/test_net_dnswire.py::test_answer_says_what_theirs_says")
@pytest.mark.slow
def test_both_read_the_same_records_from_damaged_messages() -> None:
    """AUTH-4, decisions/011: whatever both take for a response has the same records, name and aliases; ours raises
    nothing but WireError.
    """
    chance = random.Random(20_261_122)
    same = 0
    for case in range(CASES):
        name, kind, message = response(chance)
        wire = damaged(chance, message.to_wire())
        question = encode_question(message.id, name, kind)
        if not is_response(question, wire):
            continue
        try:
            ours = read_response(wire, name, kind)
        except WireError:
            continue
        try:
            parsed = dns.message.from_wire(wire)
            wanted = parsed.resolve_chaining()  # type: ignore[attr-defined]  # it is a QueryMessage
        except (dns.exception.DNSException, ValueError):
            continue
        if _has_several_aliases(wire) or parsed.rcode() != dns.rcode.NOERROR:
            continue
        records = tuple(dict.fromkeys(theirs(rdata) for rdata in wanted.answer or ()))
        assert ours.records == records, (case, wire.hex())
        assert ours.name == str(wanted.canonical_name).lower(), (case, wire.hex())
        same += 1
    assert same > CASES // 4


def _has_several_aliases(wire: bytes) -> bool:
    """Whether a name has two aliases, which may not be: ours takes the first, dnspython the last."""
    parsed = dns.message.from_wire(wire, one_rr_per_rrset=True)
    aliases = [one.name for one in parsed.answer if one.rdtype == dns.rdatatype.CNAME]
    return len(aliases) != len(set(aliases))
