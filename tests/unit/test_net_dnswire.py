"""The codec of DNS messages beside dnspython's: what we ask, what we make of answers, and of octets that are none."""

import ipaddress
import random
import time
from collections.abc import Sequence
from itertools import pairwise

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.CAA
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TLSA
import dns.rdtypes.IN.SRV
import dns.rrset
import pytest
from dns.edns import EDECode
from dns.rdata import Rdata
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from hypothesis import given, strategies as st

from moxlite.net.dns.wire import (
    PAYLOAD,
    ExtendedError,
    Response,
    WireError,
    encode_question,
    is_response,
    read_response,
)
from moxlite.net.resolver import CAA, MX, SRV, TLSA, Record, RecordType

labels = st.binary(min_size=1, max_size=20)
names = st.lists(labels, max_size=6).map(lambda parts: dns.name.Name([*parts, b""]))
plain = st.lists(st.text("abcxyz019-_", min_size=1, max_size=12), min_size=1, max_size=5).map(
    lambda parts: f"{'.'.join(parts)}."
)
addresses4 = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
addresses6 = st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n)))
small = st.integers(0, 65535)
octet = st.integers(0, 255)
strings = st.lists(st.binary(max_size=80), min_size=1, max_size=4).map(
    lambda some: " ".join('"' + "".join(f"\\{one:03}" for one in text) + '"' for text in some)
)
hashes = st.sampled_from([(0, 48), (1, 32), (2, 64), (255, 7)]).flatmap(
    lambda kind: st.binary(min_size=kind[1], max_size=kind[1]).map(lambda data: f"{kind[0]} {data.hex()}")
)
values: dict[RecordType, st.SearchStrategy[str]] = {
    RecordType.A: addresses4,
    RecordType.AAAA: addresses6,
    RecordType.CNAME: plain,
    RecordType.NS: plain,
    RecordType.PTR: plain,
    RecordType.MX: st.tuples(small, plain).map(lambda pair: f"{pair[0]} {pair[1]}"),
    RecordType.SRV: st.tuples(small, small, small, plain).map(lambda parts: " ".join(map(str, parts))),
    RecordType.TLSA: st.tuples(octet, octet, hashes).map(lambda parts: " ".join(map(str, parts))),
    RecordType.TXT: strings,
    RecordType.CAA: st.tuples(
        octet, st.sampled_from(["issue", "iodef"]), st.sampled_from(["ca.example; a=b", ";", ""])
    ).map(lambda parts: '{} {} "{}"'.format(*parts)),
}


def theirs(rdata: Rdata) -> Record:
    """A record as dnspython gives it, as ours."""
    match rdata:
        case A() | AAAA():
            return ipaddress.ip_address(rdata.address)
        case dns.rdtypes.ANY.MX.MX():
            return MX(rdata.preference, str(rdata.exchange).lower())
        case dns.rdtypes.IN.SRV.SRV():
            return SRV(rdata.priority, rdata.weight, rdata.port, str(rdata.target).lower())
        case dns.rdtypes.ANY.CAA.CAA():
            return CAA(
                rdata.flags,
                rdata.tag.decode("ascii", "surrogateescape"),
                rdata.value.decode("ascii", "surrogateescape"),
            )
        case dns.rdtypes.ANY.TLSA.TLSA():
            return TLSA(rdata.usage, rdata.selector, rdata.mtype, rdata.cert)
        case TXT():
            return b"".join(rdata.strings).decode("ascii", "surrogateescape")
    assert isinstance(rdata, CNAME | NS | PTR)
    return str(rdata.target).lower()


def ask(name: str, kind: RecordType) -> dns.message.QueryMessage:
    found = dns.message.make_query(name, str(kind), use_edns=0, payload=PAYLOAD)
    found.flags |= dns.flags.AD
    return found


def answer(query: dns.message.Message, rrsets: Sequence[dns.rrset.RRset]) -> dns.message.Message:
    found = dns.message.make_response(query, recursion_available=True)
    found.answer.extend(rrsets)
    return found


@given(names, st.sampled_from(sorted(RecordType)), small)
def test_question_is_the_same_octets_as_theirs(name: dns.name.Name, kind: RecordType, number: int) -> None:
    """AUTH-3: recursion wanted, AD, an EDNS payload of 1232 without DO; any octets in labels, as text escapes them."""
    query = ask(str(name), kind)
    query.id = number
    assert encode_question(number, str(name), kind) == query.to_wire()


@given(st.data())
def test_answer_says_what_theirs_says(data: st.DataObject) -> None:
    """AUTH-4, AUTH-5: records of each type behind a chain of CNAMEs, compressed, in any order, with others around."""
    kind = data.draw(st.sampled_from(sorted(values)))
    name = data.draw(plain)
    chain = [] if kind is RecordType.CNAME else data.draw(st.lists(plain, max_size=4, unique=True))
    steps = [name, *(one for one in chain if one != name)]
    query = ask(name, kind)
    ttls = st.integers(0, 2**31 - 1)
    rrsets = [dns.rrset.from_text(one, data.draw(ttls), "IN", "CNAME", other) for one, other in pairwise(steps)]
    # Of several CNAMEs at one name, which may not be, dnspython takes the last.
    records = data.draw(st.lists(values[kind], max_size=1 if kind is RecordType.CNAME else 6))
    if records:
        rrsets.append(dns.rrset.from_text(steps[-1], data.draw(ttls), "IN", str(kind), *records))
    rrsets.append(dns.rrset.from_text("other.example.", 5, "IN", "TXT", "x"))
    rrsets = data.draw(st.permutations(rrsets))
    response = answer(query, rrsets)
    response.flags |= data.draw(st.sampled_from([0, dns.flags.AD]))
    if data.draw(st.booleans()):
        zone = data.draw(st.sampled_from([steps[-1], ".", "com."]))
        soa = f"ns.example. h.example. 1 2 3 4 {data.draw(st.integers(0, 900))}"
        response.authority.append(dns.rrset.from_text(zone, 600, "IN", "SOA", soa))
    wire = response.to_wire(max_size=65535)
    question = encode_question(query.id, name, kind)
    assert is_response(question, wire)
    found = read_response(wire, name, kind)
    message = dns.message.from_wire(wire)
    assert isinstance(message, dns.message.QueryMessage)
    wanted = message.resolve_chaining()
    assert found.name == str(wanted.canonical_name).lower()
    assert found.chain == tuple(str(rrset.name).lower() for rrset in wanted.cnames)
    assert found.records == tuple(dict.fromkeys(theirs(rdata) for rdata in wanted.answer or ()))
    if found.records or any(found.name.endswith(str(one.name)) for one in response.authority):
        assert found.ttl == wanted.minimum_ttl
    assert found.authentic == bool(response.flags & dns.flags.AD)
    assert found.authority == bool(response.authority)


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=".\\"), min_size=1, max_size=20)
)
def test_a_name_need_not_be_asked_for_in_the_form_of_zone_files(label: str) -> None:
    """AUTH-1: macros of SPF make names with "@" and what not; their records are found under the escaped name."""
    name = f"{label}.yes.example."
    question = encode_question(1, name, RecordType.A)
    query = dns.message.from_wire(question)
    rrset = dns.rrset.from_text(query.question[0].name, 5, "IN", "A", "192.0.2.1")
    wire = answer(query, [rrset]).to_wire()
    assert is_response(question, wire)
    assert read_response(wire, name, RecordType.A).records == (ipaddress.IPv4Address("192.0.2.1"),)


def test_denial_without_soa_holds_for_no_time() -> None:
    """AUTH-7: an absence that no SOA dates says no time (RFC 2308 §5); the resolver keeps it for a moment."""
    query = ask("x.example.", RecordType.A)
    found = read_response(answer(query, []).to_wire(), "x.example.", RecordType.A)
    assert (found.ttl, found.records, found.authority) == (0, (), False)


def test_code_and_extended_error_come_with_edns() -> None:
    """AUTH-4: the code of twelve bits, the first extended error; its text is printable and short."""
    query = ask("x.example.", RecordType.A)
    response = answer(query, [])
    response.set_rcode(dns.rcode.BADVERS)
    options: list[dns.edns.Option] = [
        dns.edns.EDEOption(EDECode.DNSSEC_BOGUS, "bad\r\nsignature " + "é" * 200),
        dns.edns.EDEOption(EDECode.SIGNATURE_EXPIRED, "second"),
    ]
    response.use_edns(0, ednsflags=dns.rcode.to_flags(dns.rcode.BADVERS)[1], options=options)
    found = read_response(response.to_wire(), "x.example.", RecordType.A)
    assert found.rcode == 16
    assert found.error == ExtendedError(6, "bad signature")


def test_names_keep_their_odd_labels() -> None:
    """AUTH-1: what a label holds is escaped (RFC 1035 §5.1), and the text asks for the same name again."""
    odd = dns.name.Name([b"a.b", b"\x00\xff", b"*", b"x\\y", b"1/25", b""])
    query = ask("x.example.", RecordType.PTR)
    rrset = dns.rrset.from_text("x.example.", 5, "IN", "PTR", str(odd))
    (found,) = read_response(answer(query, [rrset]).to_wire(), "x.example.", RecordType.PTR).records
    assert found == "a\\.b.\\000\\255.*.x\\\\y.1/25."
    assert isinstance(found, str)
    octets = odd.to_wire()
    assert octets is not None
    assert octets in encode_question(1, found, RecordType.A)


@pytest.mark.parametrize(
    "name",
    ["a..b.", ".a.", "a" * 64 + ".", "a." * 128, "ä.example.", "a\\256.", "a\\.", "\\ä."],
    ids=["empty", "empty first", "long label", "long", "letters", "escape", "no end", "escaped letter"],
)
def test_what_is_no_name_is_not_asked(name: str) -> None:
    """AUTH-4: a name that cannot be."""
    with pytest.raises(WireError):
        encode_question(1, name, RecordType.A)


def test_longest_names_pass() -> None:
    """AUTH-1: 255 octets with their lengths (RFC 1035 §3.1), and the root."""
    longest = ".".join(["a" * 63] * 3 + ["a" * 61]) + "."
    assert len(encode_question(1, longest, RecordType.A)) == 12 + 255 + 4 + 11
    with pytest.raises(WireError):
        encode_question(1, f"a{longest}", RecordType.A)
    assert len(encode_question(1, ".", RecordType.NS)) == 12 + 1 + 4 + 11


@given(st.data())
def test_damaged_octets_are_an_error_of_one_kind(data: st.DataObject) -> None:
    """AUTH-4: octets changed, cut off, or added give a response or WireError, nothing else."""
    kind = data.draw(st.sampled_from(sorted(values)))
    query = ask("www.example.org.", kind)
    rrsets = [
        dns.rrset.from_text("www.example.org.", 60, "IN", "CNAME", "a.example.org."),
        dns.rrset.from_text("a.example.org.", 60, "IN", str(kind), data.draw(values[kind])),
    ]
    response = answer(query, rrsets)
    response.use_edns(0, options=[dns.edns.EDEOption(EDECode.DNSSEC_BOGUS, "text")])
    wire = bytearray(response.to_wire())
    for _ in range(data.draw(st.integers(1, 5))):
        wire[data.draw(st.integers(12, len(wire) - 1))] = data.draw(octet)
    octets = bytes(wire[: data.draw(st.integers(12, len(wire)))]) + data.draw(st.binary(max_size=20))
    try:
        found = read_response(octets, "www.example.org.", kind)
    except WireError:
        return
    assert isinstance(found, Response)


@given(st.binary(min_size=12, max_size=400))
def test_any_octets_are_an_error_of_one_kind(octets: bytes) -> None:
    """AUTH-4: the same for octets that were never a message."""
    is_response(encode_question(1, "example.org.", RecordType.A), octets)
    try:
        read_response(octets, "example.org.", RecordType.A)
    except WireError:
        return


def header(answers: int) -> bytes:
    return b"\0\1\x81\x80\0\1" + answers.to_bytes(2) + b"\0\0\0\0"


QUESTION = b"\1x\0\0\x05\0\1"


@pytest.mark.parametrize(
    "records",
    [
        b"\xc0\x13\0\5\0\1\0\0\0\1\0\2\xc0\x13",
        b"\xc0\xff\0\5\0\1\0\0\0\1\0\2\xc0\x0c",
        b"\xc0\x0c\0\5\0\1\0\0\0\1\0\3\xc0\x0c\0",
        b"\xc0\x0c\0\5\0\1\0\0\0\1\0\1\xc0",
        b"\xc0\x0c\0\5\0\1\0\0\0\1\xff\xff\xc0\x0c",
        b"\xc0\x0c\0\5\0\1\0\0\0\1\0\3\x41a\0",
        b"\xc0\x0c\0\5",
    ],
    ids=["itself", "forwards", "octet left", "half a pointer", "behind the end", "kind of label", "cut"],
)
def test_names_and_lengths_that_lie(records: bytes) -> None:
    """AUTH-4: pointers to themselves and forwards, lengths that do not fit."""
    with pytest.raises(WireError):
        read_response(header(1) + QUESTION + records, "x.", RecordType.CNAME)


def test_work_for_one_message_is_bounded() -> None:
    """AUTH-4: 64 KiB made of names in names, of thousands of records, or of CNAMEs without end: refused at once."""
    names = bytearray(header(1200) + QUESTION)
    chain = b"\1a" * 126 + b"\0"
    place = len(names) + 12
    names += b"\0\0\x10\0\1\0\0\0\1" + len(chain * 50).to_bytes(2) + chain * 50
    generator = random.Random(1)
    while len(names) < 65_000:
        pointer = 0xC000 | generator.randrange(place, min(place + len(chain) * 50, 0x3F00)) & ~1
        names += pointer.to_bytes(2) + b"\0\5\0\1\0\0\0\1\0\2" + pointer.to_bytes(2)
    many = header(5000) + QUESTION + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4abcd" * 5000
    for octets in (bytes(names), many):
        began = time.thread_time()
        with pytest.raises(WireError):
            read_response(octets, "x.", RecordType.CNAME)
        assert time.thread_time() - began < 0.5  # 5 ms; the machine may be slow


def test_circle_of_aliases_ends() -> None:
    """AUTH-5, QUEUE-153: `MAX_CHAIN` CNAMEs are followed, then it is told that there are more."""
    query = ask("a.example.", RecordType.A)
    rrsets = [
        dns.rrset.from_text("a.example.", 5, "IN", "CNAME", "b.example."),
        dns.rrset.from_text("b.example.", 5, "IN", "CNAME", "a.example."),
    ]
    found = read_response(answer(query, rrsets).to_wire(), "a.example.", RecordType.A)
    assert len(found.chain) == 17
    assert not found.records


@pytest.mark.parametrize("change", ["id", "no response", "name", "type", "class", "opcode", "two questions", "short"])
def test_other_messages_are_no_response(change: str) -> None:
    """AUTH-6: number, direction, question."""
    question = encode_question(7, "x.example.", RecordType.A)
    wire = bytearray(answer(dns.message.from_wire(question), []).to_wire())
    assert is_response(question, bytes(wire))
    match change:
        case "id":
            wire[1] ^= 1
        case "no response":
            wire[2] ^= 0x80
        case "opcode":
            wire[2] |= 0x08
        case "two questions":
            wire[5] = 2
        case "name":
            wire[13] ^= 1
        case "type":
            wire[12 + 11 + 1] ^= 1
        case "class":
            wire[12 + 11 + 3] ^= 2
        case "short":
            del wire[11:]
    assert not is_response(question, bytes(wire))


def test_case_of_letters_and_a_left_out_question_do_not_matter() -> None:
    """AUTH-6: compared without case; servers that fail may leave the question out."""
    question = encode_question(7, "x.example.", RecordType.A)
    upper = bytes(answer(dns.message.from_wire(question), []).to_wire()).replace(b"example", b"EXAMPLE")
    assert is_response(question, upper)
    assert is_response(question, b"\0\7\x81\x82" + b"\0" * 8)
    assert not is_response(question, b"\0\7\x81\x80" + b"\0" * 8)
