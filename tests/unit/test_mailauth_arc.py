"""ARC: chains verified and sealed, here and by dkimpy (RFC 8617; AUTH-110, AUTH-112, AUTH-113)."""

import base64
import hashlib

import dkim
import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.mailauth.arc.seal import Sealer, own_results, recorded, seal
from moxlite.mailauth.arc.verify import sealed_digest, verify, vouched
from moxlite.mailauth.dkim.message import Message, SignedFields, relaxed_field
from moxlite.mailauth.dkim.sign import generate, key_record, sign_digest, to_pem
from moxlite.mailauth.dkim.signature import parse_message_signature, unsigned
from moxlite.mailauth.results import ARCResult, ARCStatus
from moxlite.net.resolver import FakeResolver
from moxlite.proto.address import Domain
from moxlite.proto.mime.headers import HeaderSection

KEY, OTHER = generate("rsa"), generate("ed25519")
HOPS = ("a.example", "b.example", "c.example")
RECORD = key_record(KEY)
RESOLVER = FakeResolver({"TXT": {f"s._domainkey.{hop}": [RECORD] for hop in HOPS}})
NOW = 1_790_000_000
MAIL = (
    b"Authentication-Results: mx.a.example; spf=pass smtp.mailfrom=ann@remote.example;\r\n"
    b" dkim=pass (2048 bit rsa) header.d=remote.example; dmarc=pass header.from=remote.example\r\n"
    b"From: Ann <ann@remote.example>\r\nTo: mia@ours.example\r\nSubject: hello\r\n"
    b"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n\r\nsome  text\r\n\r\n"
)


async def judge(octets: bytes, resolver: FakeResolver = RESOLVER) -> ARCResult:
    return await verify(resolver, Message.of(octets), now=NOW)


async def sealed(octets: bytes, *hops: str, key: object = KEY) -> bytes:
    """The message with a set of each hop, the last one first."""
    for hop in hops:
        message = Message.of(octets)
        sealer = Sealer(domain=Domain.parse(hop), selector="s", key=key)  # type: ignore[arg-type]  # either kind
        results = own_results(message.section, f"mx.{hop}")
        status = (await judge(octets)).status
        octets = await seal(message, results, f"mx.{hop}", sealer, status, NOW) + octets
    return octets


def by_dkimpy(octets: bytes) -> str:
    status, _, _ = dkim.arc_verify(octets, dnsfunc=lambda name, **_: RECORD.encode())
    return "" if status is None else str(status.decode())


async def test_chains_of_ours_pass_here_and_with_dkimpy() -> None:
    """AUTH-110: with each further set."""
    assert (await judge(MAIL)).status is ARCStatus.NONE
    octets = MAIL
    for number, hop in enumerate(HOPS, 1):
        octets = await sealed(octets, hop)
        found = await judge(octets)
        assert (found.status, found.problem, found.oldest_pass) == (ARCStatus.PASS, "", 0)
        assert (found.instances, found.sealers) == (number, HOPS[:number])
        assert by_dkimpy(octets) == "pass"


async def test_chains_of_dkimpy_pass() -> None:
    """AUTH-110"""
    octets = MAIL
    for number, hop in enumerate(HOPS, 1):
        said = b"; arc=pass" if number > 1 else b""
        octets = b"Authentication-Results: mx." + hop.encode() + b"; dkim=fail" + said + b"\r\n" + octets
        names = [b"from", b"to", b"subject", b"date", b"mime-version"]
        fields = dkim.arc_sign(
            octets,
            b"s",
            hop.encode(),
            to_pem(KEY),
            b"mx." + hop.encode(),
            include_headers=names,
            timestamp=NOW,
        )
        octets = b"".join(fields) + octets
        found = await judge(octets)
        assert (found.status, found.problem, found.instances) == (ARCStatus.PASS, "", number)


async def test_a_list_that_changes_the_message_breaks_only_what_was_before() -> None:
    """AUTH-110: §5.2 step 4; the chain held when the message came to the list."""
    octets = await sealed(MAIL, "a.example")
    changed = octets.replace(b"some  text", b"some  text, and a footer")
    assert (await judge(changed)).problem == "set 1: body hash doesn't match"
    message = Message.of(b"Authentication-Results: mx.b.example; arc=pass; dkim=fail\r\n" + changed)
    results = own_results(message.section, "mx.b.example")
    status = recorded(results)
    assert status is ARCStatus.PASS
    sealer = Sealer(domain=Domain.parse("b.example"), selector="s", key=KEY)
    again = await seal(message, results, "mx.b.example", sealer, status, NOW) + changed
    found = await judge(again)
    assert (found.status, found.oldest_pass) == (ARCStatus.PASS, 2)
    assert by_dkimpy(again) == "pass"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"cv=pass", b"cv=none", "set 2 has an unexpected cv=none"),
        (b"cv=none", b"cv=pass", "set 1 has an unexpected cv=pass"),
        (b"cv=pass", b"cv=fail", "set 2 marks the chain as failed"),
        (b"cv=pass", b"cv=perhaps", "set 2: unknown cv value"),
        (b"cv=pass; ", b"", "set 2: missing tag cv"),
        (b"ARC-Seal: i=2; cv=pass;", b"ARC-Seal: i=2; h=from; cv=pass;", "set 2: ARC-Seal can't have tag h"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=3", "an ARC set is incomplete"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=1", "duplicate field in set 1"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=0", "missing or invalid instance number in ARC field"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=51", "missing or invalid instance number in ARC field"),
        (b"ARC-Seal: i=2;", b"ARC-Seal: i=2; i=2;", "ARC-Seal: duplicate tag i"),
        (b"ARC-Seal: i=2;", b"ARC-Seal: ;", "ARC-Seal: invalid tag list"),
        (
            b"ARC-Authentication-Results: i=2;",
            b"ARC-Authentication-Results:",
            "missing or invalid instance number in ARC field",
        ),
        (b"ARC-Seal: i=2; cv=pass; d=b.example", b"ARC-Seal: i=2; cv=pass; d=c.example", "set 2: seal doesn't match"),
        (b"a=rsa-sha256; t", b"a=rsa-sha1; t", "set 2: sha1 isn't allowed"),
        (b"a=rsa-sha256; t", b"a=ed25519-sha256; t", "set 2: wrong key type"),
        (b"ARC-Authentication-Results: i=1; mx", b"ARC-Authentication-Results: i=1; my", "set 2: seal doesn't match"),
        (b"Subject: hello", b"Subject: other", "set 2: signature doesn't match the header"),
        (b"some  text", b"some other text", "set 2: body hash doesn't match"),
        (b"c=relaxed/relaxed;", b"c=relaxed/relaxed; l=3;", "set 2: body length limit (l=) isn't allowed"),
        (b"h=From:", b"h=ARC-Seal:From:", "set 2: ARC-Seal can't be signed"),
        (
            b"ARC-Message-Signature: i=2;",
            b"ARC-Message-Signature: i=2; x=5;",
            "set 2: expiration time is before the signing time",
        ),
        (b"From: Ann", b"From : Ann\r\nno field\r\nX: ", "malformed header section"),
    ],
)
async def test_what_is_wrong_fails(old: bytes, new: bytes, problem: str) -> None:
    """AUTH-110: also with dkimpy, but for what it does not look at."""
    octets = await sealed(MAIL, "a.example", "b.example")
    assert old in octets
    octets = octets.replace(old, new, 1)
    found = await judge(octets)
    assert (found.status, found.problem) == (ARCStatus.FAIL, problem)
    if problem not in {"set 2: body length limit (l=) isn't allowed", "malformed header section"}:
        assert by_dkimpy(octets) != "pass"


async def test_an_older_seal_that_is_wrong_fails() -> None:
    """AUTH-110: §5.2 step 5, though the newest one covers it as it stands."""
    octets = await sealed(MAIL, "a.example")
    at = octets.index(b"b=") + 2
    octets = octets[:at] + (b"A" if octets[at : at + 1] != b"A" else b"B") + octets[at + 1 :]
    message = Message.of(octets)
    sealer = Sealer(domain=Domain.parse("b.example"), selector="s", key=KEY)
    octets = await seal(message, [], "mx.b.example", sealer, ARCStatus.PASS, NOW) + octets
    assert (await judge(octets)).problem == "set 1: seal doesn't match"
    assert by_dkimpy(octets) != "pass"


@pytest.mark.parametrize(
    ("records", "failing", "status", "problem"),
    [
        ({}, (), ARCStatus.FAIL, "set 2: no key record"),
        ({"s._domainkey.b.example": ["v=DKIM1; p="]}, (), ARCStatus.FAIL, "set 2: key record: key revoked"),
        (
            {"s._domainkey.b.example": [RECORD.replace("DKIM1;", "DKIM1; s=tlsrpt;")]},
            (),
            ARCStatus.FAIL,
            "set 2: key can't be used",
        ),
        ({"s._domainkey.b.example": [RECORD]}, (), ARCStatus.FAIL, "set 1: no key record"),
        ({}, ("s._domainkey.b.example",), ARCStatus.TEMPERROR, "set 2: key: no DNS response"),
        (
            {"s._domainkey.b.example": [RECORD]},
            ("s._domainkey.a.example",),
            ARCStatus.TEMPERROR,
            "set 1: key: no DNS response",
        ),
        ({"s._domainkey.b.example": ["x" * 65536]}, (), ARCStatus.FAIL, "set 2: "),
    ],
)
async def test_keys(records: dict[str, list[str]], failing: tuple[str, ...], status: ARCStatus, problem: str) -> None:
    """AUTH-110, AUTH-101: what DNS says of the keys; no answer is no failure."""
    octets = await sealed(MAIL, "a.example", "b.example")
    resolver = FakeResolver({"TXT": records, "MX": {"a.example": ["10 x"], "b.example": ["10 x"]}}, failing=failing)
    found = await judge(octets, resolver)
    assert found.status in {status, ARCStatus.TEMPERROR if "x" * 9 in str(records) else status}
    assert found.problem.startswith(problem)


@pytest.mark.parametrize("sets", [51, 500])
async def test_too_many_sets_fail_unseen(sets: int) -> None:
    """AUTH-110, AUTH-101: no question to DNS."""
    fields = b"".join(
        b"%b: i=%d; a=rsa-sha256; cv=pass; d=a.example; s=s; b=AAAA; bh=%b=; h=from\r\n" % (name, at, b"A" * 43)
        for at in range(1, sets + 1)
        for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")
    )
    asking = FakeResolver({}, failing={"s._domainkey.a.example.": AssertionError("asked")})
    with trio.fail_after(30):
        found = await judge(fields + MAIL, asking)
    assert found.status is ARCStatus.FAIL
    assert found.problem in {"too many ARC sets", "ARC fields are too large"}


@pytest.mark.parametrize("filler", [b" ", b"\t", b"(", b"=", b";", b"\x00", b"a"])
async def test_large_fields_fail_unseen(filler: bytes) -> None:
    """AUTH-110, AUTH-101: whatever they are filled with."""
    octets = b"ARC-Seal: i=1;" + filler * (65 << 10) + b"\r\n" + MAIL
    with trio.fail_after(30):
        found = await judge(octets)
    assert (found.status, found.problem) == (ARCStatus.FAIL, "ARC fields are too large")


async def test_fifty_sets_pass() -> None:
    """AUTH-110: the most that there may be (§4.2.1), and no more are added."""
    octets = MAIL
    sealer = Sealer(domain=Domain.parse("a.example"), selector="s", key=OTHER)
    resolver = FakeResolver({"TXT": {"s._domainkey.a.example": [key_record(OTHER)]}})
    for _ in range(50):
        octets = await seal(Message.of(octets), [], "mx.a.example", sealer, ARCStatus.PASS, NOW) + octets
    with trio.fail_after(30):
        found = await judge(octets, resolver)
    assert (found.status, found.instances, found.problem) == (ARCStatus.PASS, 50, "")
    assert await seal(Message.of(octets), [], "mx.a.example", sealer, ARCStatus.PASS, NOW) == b""


async def test_a_failed_chain_is_sealed_once() -> None:
    """AUTH-111: §5.1.2: its seal covers its own set alone."""
    octets = (await sealed(MAIL, "a.example")).replace(b"Subject: hello", b"Subject: other")
    failed = await sealed(octets, "b.example")
    assert b"cv=fail; d=b.example" in failed
    assert await sealed(failed, "c.example") == failed
    assert (await judge(failed)).problem == "set 2 marks the chain as failed"


@pytest.mark.parametrize(
    ("statement", "proven", "signers"),
    [
        ("mx; dmarc=pass header.from=remote.example", True, ()),
        ("mx; dmarc=pass header.from=other.example", False, ()),
        ("mx; dmarc=pass", False, ()),
        ("mx; dkim=pass header.d=mail.remote.example; dkim=fail header.d=no.example", True, ("mail.remote.example",)),
        ("mx; dkim=pass header.d=notremote.example", False, ("notremote.example",)),
        ("mx; spf=pass smtp.mailfrom=x@bounces.remote.example", True, ()),
        ("mx; spf=pass smtp.helo=remote.example", False, ()),
        ("mx; dmarc=fail header.from=remote.example", False, ()),
        ('mx; dmarc=fail reason="dmarc=pass header.from=remote.example"', False, ()),
        ("mx; dmarc=fail (dmarc=pass header.from=remote.example)", False, ()),
        ("mx; broken", False, ()),
        ("mx; none", False, ()),
    ],
)
def test_what_a_trusted_sealer_says(statement: str, proven: bool, signers: tuple[str, ...]) -> None:
    """AUTH-113"""
    result = ARCResult(
        status=ARCStatus.PASS, instances=1, sealers=("b.example",), statements=(statement,), author_signed=True
    )
    found = vouched(result, {"b.example"}, "remote.example", "remote.example")
    assert found is not None
    assert (found.proven, found.signers, found.comment) == (proven, signers, "arc=pass as[1].d=b.example")
    assert vouched(result, {"c.example"}, "remote.example", "remote.example") is None
    failed = ARCResult(status=ARCStatus.FAIL, instances=1, sealers=("b.example",), statements=(statement,))
    assert vouched(failed, {"b.example"}, "remote.example", "remote.example") is None


@pytest.mark.parametrize(
    ("trusted", "second", "proven"),
    [
        ({"a.example", "b.example"}, "mx; arc=pass; dmarc=fail", True),
        ({"b.example"}, "mx; arc=pass; dmarc=fail", False),
        ({"a.example", "b.example"}, "mx; arc=fail; dmarc=fail", False),
        ({"a.example", "b.example"}, "mx; dmarc=fail", False),
        ({"b.example"}, "mx; dmarc=pass header.from=remote.example", True),
    ],
)
def test_trusted_sealers_hand_on(trusted: set[str], second: str, proven: bool) -> None:
    """AUTH-113: a list behind a forwarder, both of them trusted."""
    statements = ("mx; dmarc=pass header.from=remote.example", second)
    result = ARCResult(
        status=ARCStatus.PASS,
        instances=2,
        sealers=("a.example", "b.example"),
        statements=statements,
        author_signed=True,
    )
    found = vouched(result, trusted, "remote.example", "remote.example")
    assert found is not None
    assert found.proven is proven


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"i=1",
                b"i=2",
                b"cv=none",
                b"cv=pass",
                b"d=a.example",
                b"s=s",
                b"a=rsa-sha256",
                b"b=AAAA",
                b";",
                b" ",
                b"h=from",
            ]
        ),
        st.binary(max_size=6).map(lambda octets: octets.replace(b"\n", b"").replace(b"\r", b"")),
    ),
    max_size=14,
).map(b"".join)
names = st.sampled_from([b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"])


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
@given(st.lists(st.tuples(names, pieces), max_size=6))
def test_no_field_makes_it_crash(fields: list[tuple[bytes, bytes]]) -> None:
    """AUTH-110, AUTH-13"""
    octets = b"".join(name + b": " + value + b"\r\n" for name, value in fields) + MAIL
    found = trio.run(verify, RESOLVER, Message.of(octets))
    assert found.status is not ARCStatus.PASS
    trio.run(
        seal,
        Message.of(octets),
        [],
        "mx.a.example",
        Sealer(domain=Domain.parse("a.example"), selector="s", key=OTHER),
        found.status,
        NOW,
    )


async def resealed(names: bytes, canonicalization: bytes = b" c=relaxed/relaxed;") -> bytes:
    """A message with a set of its own, whose signature has this h= and c=, made with the key of the set."""
    octets = await sealed(MAIL, "a.example")
    [field] = HeaderSection(octets).all(b"arc-message-signature")
    text = field.raw.replace(b"\r\n", b"")
    before, _, after = text.partition(b" h=")
    text = before + b" h=" + names + after[after.index(b";") :] + b"\r\n"
    text = text.replace(b" c=relaxed/relaxed;", canonicalization)
    head, _, _ = text.partition(b" b=")
    text = head + b" b=AAAA\r\n"
    section = HeaderSection(octets)
    signature = parse_message_signature(text)
    digest = hashlib.sha256()
    for one in SignedFields(section).choose(signature.names, signature.header):
        digest.update(one)
    digest.update(signature.unsigned())
    value = base64.b64encode(sign_digest(KEY, "sha256", digest.digest()))
    text = text.replace(b"b=AAAA", b"b=" + value)
    results, seal_field = section.all(b"arc-authentication-results")[0].raw, section.all(b"arc-seal")[0].raw
    bare, _, _ = seal_field.replace(b"\r\n", b"").partition(b" b=")
    bare += b" b="
    whole = sealed_digest([[relaxed_field(results), relaxed_field(text)]], unsigned(bare + b"AAAA\r\n", "relaxed"))
    seal_field = bare + base64.b64encode(sign_digest(KEY, "sha256", whole)) + b"\r\n"
    return seal_field + text + results + MAIL


@pytest.mark.parametrize("names", [b"", b" ", b"\t", b":", b"to::subject", b"from::to: :subject"])
async def test_an_empty_list_of_fields_is_valid_and_proves_no_author(names: bytes) -> None:
    """AUTH-110, AUTH-113: as the public suite has it. But From may have been changed since: no sealer is believed."""
    octets = await resealed(names)
    result = await judge(octets)
    assert (result.status, result.problem) == (ARCStatus.PASS, "")
    author_signed = b"from" in names
    changed = await judge(octets.replace(b"From: Ann <ann@remote.example>", b"From: Eve <eve@remote.example>"))
    assert (changed.status is ARCStatus.PASS) is not author_signed
    assert (vouched(result, ["a.example"], "remote.example", "remote.example") is not None) is author_signed


async def test_a_signature_without_c_is_of_relaxed_form() -> None:
    """AUTH-110: as the public suite and other verifiers have it; and what is signed so passes."""
    octets = await resealed(b"from:to:subject", b"")
    assert b" c=" not in octets
    assert (await judge(octets)).status is ARCStatus.PASS
    assert (await judge(octets.replace(b"Subject: hello", b"Subject:  hello "))).status is ARCStatus.PASS
