"""DKIM: signatures that others made, hostile ones, and those that we make (AUTH-30..44)."""

import base64
import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, strategies as st

from moxlite.admin.dkimkeys import write_new
from moxlite.config.domains import DKIM_HEADERS, DKIM_UNSEALED
from moxlite.mailauth.dkim.keyrecord import KEYS_TIMEOUT, RecordError, parse_record
from moxlite.mailauth.dkim.message import BodyHash, Message, hash_body, relaxed_field
from moxlite.mailauth.dkim.sign import PrivateKey, Signer, SigningError, generate, key_record, sign
from moxlite.mailauth.dkim.signature import reads_fast
from moxlite.mailauth.dkim.verify import Service, verify
from moxlite.mailauth.results import DKIMResult, SignatureStatus
from moxlite.net.resolver import FakeResolver
from moxlite.proto import publicsuffix
from moxlite.proto.address import Address

RSA, ED25519, OTHER = generate("rsa"), generate("ed25519"), generate("ed25519")
NOW = 1_795_000_000.0
AUTHOR = Address.parse("mjl@mox.example")
MAIL = (
    b"From: mjl@mox.example\r\nTo: you@remote.example\r\nSubject: lunch\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\n"
    b"Message-Id: <1@mox.example>\r\n\r\nAt one?\r\n"
)

# RFC 8463 Appendix A: one message, signed with both algorithms.
RFC_8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
RFC_8463_RSA = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3"
    "FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)
RFC_8463_KEYS = {
    "brisbane._domainkey.football.example.com": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    "test._domainkey.football.example.com": [f"v=DKIM1; k=rsa; p={RFC_8463_RSA}"],
}


def world(*records: str, selector: str = "a", domain: str = "mox.example") -> FakeResolver:
    """A DNS with key records at one selector."""
    return FakeResolver({"TXT": {f"{selector}._domainkey.{domain}": records}}, authentic=True)


async def signed(octets: bytes = MAIL, key: PrivateKey = RSA, **options: object) -> bytes:
    """A message with a signature by selector a of mox.example."""
    signer = Signer(**({"selector": "a", "key": key, "sealed": DKIM_HEADERS, "unsealed": DKIM_UNSEALED} | options))  # type: ignore[arg-type]  # options by name
    return await sign(Message.of(octets), AUTHOR, [signer], NOW) + octets


async def check(
    octets: bytes, *records: str, service: Service = "email", allow_sha1: bool = False, now: float = NOW
) -> DKIMResult:
    """The result of the one signature."""
    resolver = world(*(records or (key_record(RSA),)))
    [result] = await verify(resolver, Message.of(octets), service=service, allow_sha1=allow_sha1, now=now)
    return result


def with_tags(octets: bytes, **tags: str | None) -> bytes:
    """The signature with tags replaced, added, or (None) taken away; it is not valid any more."""
    for name, value in tags.items():
        octets = re.sub(rb"(?<=[:;])[ \t\r\n]*%b=[^;]*;" % name.encode(), b"", octets, count=1)
        if value is not None:
            octets = octets.replace(b"DKIM-Signature:", b"DKIM-Signature: %b=%b;" % (name.encode(), value.encode()), 1)
    return octets


async def test_the_message_of_rfc_8463_passes_with_both_algorithms() -> None:
    """AUTH-33, AUTH-39, AUTH-12: results are in the order of the header, and say whether the key was validated."""
    resolver = FakeResolver({"TXT": RFC_8463_KEYS}, authentic=["test._domainkey.football.example.com"])
    first, second = await verify(resolver, Message.of(RFC_8463))
    assert (first.status, first.algorithm, first.key_bits, first.authentic) == ("pass", "ed25519-sha256", 256, False)
    assert (second.status, second.algorithm, second.key_bits, second.authentic) == ("pass", "rsa-sha256", 1024, True)
    assert (second.domain, second.selector, second.identity) == (
        "football.example.com",
        "test",
        "@football.example.com",
    )
    assert (first.signature, first.problem) == ("/gCrinpcQOoI", "")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"hungry", b"angry", "body hash doesn't match"),
        (b"dinner", b"supper", "signature doesn't match the header"),
        (b"Subject: Is", b"Subject: x\r\nSubject: Is", "signature doesn't match the header"),
        (b"Joe.\r\n", b"Joe.\r\n\r\nPS: x\r\n", "body hash doesn't match"),
    ],
)
async def test_a_changed_message_fails(old: bytes, new: bytes, problem: str) -> None:
    """AUTH-39, AUTH-103."""
    for result in await verify(FakeResolver({"TXT": RFC_8463_KEYS}), Message.of(RFC_8463.replace(old, new, 1))):
        assert (result.status, result.problem) == ("fail", problem)


async def test_a_failed_header_leaves_the_body_unread() -> None:
    """AUTH-39."""

    def body() -> Iterable[bytes]:
        raise AssertionError("read")

    message = Message.of(RFC_8463.replace(b"dinner", b"supper"))
    unread = Message(message.section, body, message.size)
    assert {one.status for one in await verify(FakeResolver({"TXT": RFC_8463_KEYS}), unread)} == {SignatureStatus.FAIL}


async def test_folding_and_blanks_of_the_way_do_no_harm_where_relaxed() -> None:
    """AUTH-39: relaxed canonicalisation, of fields and lines."""
    changed = RFC_8463.replace(b"Is dinner", b"  Is\r\n\tdinner").replace(b"Subject:", b"SUBJECT :")
    changed = changed.replace(b"game.  Are", b"game. \tAre").replace(b"Hi.\r\n", b"Hi. \t\r\n") + b"\r\n \r\n\r\n"
    assert {one.status for one in await verify(FakeResolver({"TXT": RFC_8463_KEYS}), Message.of(changed))} == {"pass"}


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ({"v": "2"}, "unknown version"),
        ({"v": None}, "missing tag v"),
        ({"h": None}, "missing tag h"),
        ({"bh": None}, "missing tag bh"),
        ({"d": None}, "missing tag d"),
        ({"s": None}, "missing tag s"),
        ({"a": "rsa-md5"}, "unknown algorithm"),
        ({"bh": "!!"}, "bad base64"),
        ({"bh": "AAAA"}, "wrong body hash size"),
        ({"i": "x@other.example"}, "identity isn't in the signing domain"),
        ({"i": "x@example"}, "identity isn't in the signing domain"),
        ({"i": "=0D=0AX-Evil:=20y@mox.example"}, "invalid address in tag i"),
        ({"i": "x" * 300 + "@mox.example"}, "invalid address in tag i"),
        ({"d": "exa mple..org"}, "invalid domain in tag d"),
        ({"d": "example"}, "domain is a public suffix"),
        ({"d": "co.uk", "i": "@co.uk"}, "domain is a public suffix"),
        ({"h": "to:subject"}, "the From field isn't signed"),
        ({"h": "from:sub ject"}, "invalid header field name"),
        ({"h": ":".join(["from"] * 1001)}, "too many signed header fields"),
        ({"c": "simple/nowsp"}, "unknown canonicalization"),
        ({"q": "dns/http"}, "unknown query method"),
        ({"t": "5", "x": "4"}, "expiration time is before the signing time"),
        ({"t": "1", "x": "2"}, "expired"),
        ({"t": "1795200000"}, "signed in the future"),
        ({"x": "tomorrow"}, "invalid number in tag x"),
        ({"s": "a" * 64}, "invalid domain in tag s"),
        ({"z9": "\x00"}, "contains a control character"),
        ({"unknown": "x" * (64 << 10)}, "too long"),
    ],
)
async def test_a_signature_that_breaks_the_rules_is_a_permanent_error(
    tags: dict[str, str | None], problem: str
) -> None:
    """AUTH-31, AUTH-33..35, AUTH-101; a good one beside it passes."""
    good = await signed()
    bad = with_tags(good.replace(MAIL, b""), **tags)
    resolver = world(key_record(RSA))
    first, second = await verify(resolver, Message.of(bad + good), now=NOW)
    assert (first.status, first.problem) == ("permerror", problem)
    assert second.status == "pass"
    assert len(resolver.asked) == 1  # a broken one costs no question


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ({"l": "3"}, "body length limit (l=) isn't allowed"),
        ({"a": "rsa-sha1", "bh": base64.b64encode(bytes(20)).decode()}, "sha1 isn't allowed"),
        ({"h": "from:to:date"}, "Subject not signed"),
    ],
)
async def test_a_signature_that_proves_too_little_is_policy(tags: dict[str, str | None], problem: str) -> None:
    """AUTH-33, AUTH-34."""
    result = await check(with_tags(await signed(), **tags))
    assert (result.status, result.problem, result.domain) == ("policy", problem, "mox.example")
    assert result.length_limited == ("l" in tags)


async def test_sha1_passes_where_the_owner_allows_it() -> None:
    """AUTH-33: dkim.allow_sha1."""
    octets = await signed(hash="sha1")
    assert (await check(octets, f"p={P}", allow_sha1=True)).status == "pass"
    assert (await check(octets, allow_sha1=True)).problem == "key doesn't allow this hash"
    assert (await check(octets)).status == "policy"


async def test_a_duplicate_tag_and_an_empty_one_are_no_list() -> None:
    """AUTH-31."""
    good = await signed()
    assert (await check(good.replace(b" v=1;", b" v=1; v=1;"))).problem == "duplicate tag v"
    assert (await check(good.replace(b" v=1;", b" v=1;; "))).problem == "invalid tag list"


@pytest.mark.parametrize(
    "octets",
    [
        b" folded first line\r\n" + MAIL,
        b"no colon here\r\n" + MAIL,
        MAIL.partition(b"\r\n\r\n")[0] + b"\r\n",
    ],
)
async def test_a_malformed_header_section_is_a_permanent_error(octets: bytes) -> None:
    """AUTH-32."""
    signature = (await signed()).removesuffix(MAIL)
    first, _, rest = octets.partition(b"\r\n")
    result = await check(first + b"\r\n" + signature + rest)
    assert (result.status, result.problem) == ("permerror", "malformed header section")


RSA_RECORD = key_record(RSA)
P = RSA_RECORD.partition("p=")[2]


@pytest.mark.parametrize(
    ("records", "status", "problem"),
    [
        ([], "permerror", "no key record"),
        ([f"v=DKIM1; p={P}", "some text"], "pass", ""),
        ([f"p={P}"], "pass", ""),
        ([f"v=DKIM1; x=unknown; p={P[:9]} {P[9:]}; n=note"], "pass", ""),
        ([f"v=DKIM1; s=*; t=s; h=sha1:sha256; k=rsa; p={P}"], "pass", ""),
        ([f"v=DKIM1; p={P}"] * 2, "temperror", "multiple key records"),
        (["v=DKIM1; p="], "permerror", "key record: key revoked"),
        (["v=DKIM1"], "permerror", "key record: no public key"),
        ([f"k=rsa; v=DKIM1; p={P}"], "permerror", "key record: not a DKIM key"),
        ([f"v=DKIM2; p={P}"], "permerror", "key record: not a DKIM key"),
        ([f"v=DKIM1; p={P}; p={P}"], "permerror", "key record: duplicate tag p"),
        (["v=DKIM1; p=AAAA"], "permerror", "key record: invalid RSA key"),
        (["v=DKIM1; p=A*"], "permerror", "key record: bad base64"),
        (["v=DKIM1; p=" + "A" * 65_000], "permerror", "key record: key too long"),
        ([f"v=DKIM1; n={'n' * (64 << 10)}; p={P}"], "permerror", "key record: too long"),
        ([f"v=DKIM1; k=gost; p={P}"], "permerror", "key record: unknown key type"),
        ([f"v=DKIM1; k=ed25519; p={P}"], "permerror", "key record: wrong ed25519 key size"),
        ([key_record(ED25519)], "permerror", "wrong key type"),
        ([f"v=DKIM1; h=sha1; p={P}"], "permerror", "key doesn't allow this hash"),
        ([f"v=DKIM1; s=tlsrpt:other; p={P}"], "permerror", "key can't be used for email"),
        (["\udcff\udcfe"], "permerror", "key record: invalid tag list"),
        (["v=spf1 -all"], "permerror", "key record: not a DKIM key"),
    ],
)
async def test_the_key_record_decides(records: list[str], status: str, problem: str) -> None:
    """AUTH-36, AUTH-37."""
    [result] = await verify(world(*records), Message.of(await signed()), now=NOW)
    assert (result.status, result.problem) == (status, problem)
    assert result.authentic


@pytest.mark.parametrize("bits", [1024, 3072])
async def test_rsa_keys_of_other_lengths(bits: int) -> None:
    """AUTH-33."""
    key = generate_private_key(65537, bits)
    assert (await check(await signed(key=key), key_record(key))).key_bits == bits


def test_keys_that_are_weak_or_cost_too_much_are_refused() -> None:
    """AUTH-33: before any maths."""
    for bits, exponent, problem in (
        (768, 65537, "weak"),
        (16384, 65537, "oversized"),
        (2048, (1 << 33) + 1, "oversized"),
    ):
        key = base64.b64encode(_public((1 << bits - 1) + 1, exponent)).decode()
        with pytest.raises(RecordError, match=f"key record: {problem} key"):
            parse_record(f"v=DKIM1; p={key}")


def _public(modulus: int, exponent: int) -> bytes:
    """RSAPublicKey of PKCS #1 in DER."""

    def element(tag: int, value: bytes) -> bytes:
        length = len(value)
        head = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
        return bytes([tag]) + head + value

    numbers = [number.to_bytes(number.bit_length() // 8 + 1, "big") for number in (modulus, exponent)]
    return element(0x30, b"".join(element(2, number) for number in numbers))


async def test_a_bare_pkcs1_key_is_read() -> None:
    """AUTH-36."""
    public = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert (await check(await signed(), f"v=DKIM1; p={base64.b64encode(public).decode()}")).status == "pass"


async def test_the_caller_names_the_service() -> None:
    """AUTH-36: a key for reports on TLS (RFC 8460 §3) signs no mail, and the result tells that it signs reports."""
    record = RSA_RECORD.replace("v=DKIM1;", "v=DKIM1;s=tlsrpt;")
    assert (await check(await signed(), record, service="tlsrpt")).status == "pass"
    refused = await check(await signed(), record)
    assert (refused.status, refused.tlsrpt) == ("permerror", True)
    assert not (await check(await signed(), RSA_RECORD.replace("v=DKIM1;", "v=DKIM1;s=email;"))).tlsrpt


async def test_a_strict_key_permits_no_identity_of_a_subdomain() -> None:
    """AUTH-36: t=s."""
    below = with_tags(await signed(), i="x@sub.mox.example")
    strict = RSA_RECORD.replace("v=DKIM1;", "v=DKIM1;t=s;")
    assert (await check(below, strict)).problem == "key doesn't allow subdomain identities"
    assert (await check(below)).problem == "signature doesn't match the header"
    assert (await check(below)).identity == "x@sub.mox.example"


async def test_a_domain_that_only_tries_has_no_failures() -> None:
    """AUTH-38: t=y, unless the caller wants to know."""
    testing = RSA_RECORD.replace("v=DKIM1;", "v=DKIM1;t=y;")
    good = await signed()
    bad = good.replace(b"At one", b"At two")
    assert (await check(good, testing)).status == "pass"
    assert (await check(bad, testing)).status == "none"
    [result] = await verify(world(testing), Message.of(bad), ignore_test_mode=True, now=NOW)
    assert result.status == "fail"


async def test_a_resolver_that_fails_is_a_temporary_error() -> None:
    """AUTH-36."""
    resolver = FakeResolver(failing=["a._domainkey.mox.example"])
    [result] = await verify(resolver, Message.of(await signed()), now=NOW)
    assert (result.status, result.problem) == ("temperror", "key: no DNS response")


async def test_a_silent_resolver_ends_the_wait_and_other_keys_count(autojump_clock: trio.testing.MockClock) -> None:
    """AUTH-13, AUTH-30: five questions at a time, all of them together for half a minute."""
    mail = await signed()
    dead = b"".join(with_tags(mail.removesuffix(MAIL), s=f"dead{number}") for number in range(4))
    resolver = FakeResolver(
        {"TXT": {"a._domainkey.mox.example": [RSA_RECORD]}},
        delays={f"dead{number}._domainkey.mox.example": 1000 for number in range(4)},
    )
    started = trio.current_time()
    results = await verify(resolver, Message.of(dead + mail), now=NOW)
    assert [one.status for one in results] == ["temperror"] * 4 + ["pass"]
    assert trio.current_time() - started == KEYS_TIMEOUT


async def test_junk_signatures_do_not_hide_the_one_of_the_author() -> None:
    """AUTH-30: those that could align come first; what is over the limit is `policy`."""
    mail = await signed()
    junk = b"".join(
        with_tags(mail.removesuffix(MAIL), d=f"junk{number}.example", i=f"@junk{number}.example")
        for number in range(30)
    )
    resolver = world(RSA_RECORD)
    results = await verify(resolver, Message.of(junk + mail), now=NOW)
    assert len(results) == 31
    assert [one.status for one in results[:9]] == ["permerror"] * 9
    assert {(one.status, one.problem) for one in results[9:30]} == {("policy", "too many signatures")}
    assert (results[30].status, results[30].domain) == ("pass", "mox.example")
    assert len(resolver.asked) == 10


async def test_hundreds_of_signatures_are_not_read() -> None:
    """AUTH-101: each has a result."""
    mail = await signed()
    junk = b"DKIM-Signature: v=1; d=junk\r\n" * 500
    started = time.process_time()
    results = await verify(world(RSA_RECORD), Message.of(mail.removesuffix(MAIL) + junk + MAIL), now=NOW)
    assert time.process_time() - started < 0.5
    assert [one.status for one in results] == ["pass"] + ["permerror"] * 49 + ["policy"] * 451


async def test_a_crowd_in_from_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-30, AUTH-101: signatures that align with one of the first authors come first; no others are looked at."""
    field = (await signed()).removesuffix(MAIL)
    crowd = b"".join(b"a@d%d.example," % number for number in range(2000))
    junk = b"".join(with_tags(field, d=f"junk{number}.example", i=f"@junk{number}.example") for number in range(12))
    asked: list[str] = []
    find = publicsuffix.organizational_domain

    def looked_up(domain: str) -> str:
        asked.append(domain)
        return find(domain)

    monkeypatch.setattr(publicsuffix, "organizational_domain", looked_up)
    mail = junk + field + MAIL.replace(b"From: ", b"From: " + crowd)
    results = await verify(world(key_record(RSA)), Message.of(mail), now=NOW)
    assert (len(results), results[-1].problem) == (13, "too many signatures")
    assert len(asked) == 13 + 13 + 50


@pytest.mark.parametrize(
    ("tags", "fast"),
    [
        ({}, True),
        ({"d": ("\u00e9" * 63 + ".") * 3 + "example"}, False),
        ({"s": "XN--" + "9" * 59}, False),
        ({"d": "x\r\n n -\t-80akhbyknj4f.example"}, False),
        ({"i": "@=C3=A9=C3=A9.mox.example"}, False),
    ],
)
async def test_slow_names_are_read_beside_the_event_loop(tags: dict[str, str | None], fast: bool) -> None:
    """AUTH-101: names with other letters take 15 microseconds a character, however they are written."""
    field = with_tags((await signed()).removesuffix(MAIL), **tags)
    assert reads_fast(Message.of(field + MAIL).section.all(b"dkim-signature")) is fast
    assert not reads_fast(Message.of(field * 30 + MAIL).section.all(b"dkim-signature"))


# Canonicalisation


def plain_relaxed(body: bytes) -> bytes:
    """RFC 6376 §3.4.4, as it reads."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def plain_simple(body: bytes) -> bytes:
    """RFC 6376 §3.4.3, as it reads."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


ALL_HASHES: list[BodyHash] = [
    ("simple", "sha256"),
    ("relaxed", "sha256"),
    ("simple", "sha1"),
    ("relaxed", "sha1"),
]


@given(
    st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b" ", b"\t", b"x", b"  ", b"\r\n\r\n", b"\xff"]), max_size=40),
    st.data(),
)
def test_bodies_hash_as_the_rfc_reads_however_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    """AUTH-39, AUTH-30: all pairs in one pass."""
    body = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    found = hash_body(pieces, ALL_HASHES)
    for (canonicalization, name), digest in found.items():
        canonical = (plain_simple if canonicalization == "simple" else plain_relaxed)(body)
        assert digest == hashlib.new(name, canonical).digest()


@pytest.mark.parametrize(
    "octets", [b" " * (1 << 20), b"\r\n" * (1 << 19) + b"x", b" \r\n" * 300_000, b"\t \r" * 300_000]
)
def test_a_megabyte_of_blanks_costs_what_a_megabyte_costs(octets: bytes) -> None:
    """AUTH-39: linear, where the usual regular expressions take minutes."""
    started = time.process_time()
    hash_body([octets[at : at + 65536] for at in range(0, len(octets), 65536)], ALL_HASHES)
    hash_body([octets], ALL_HASHES)
    relaxed_field(b"X: " + octets)
    assert time.process_time() - started < 1.0


# Signing


@pytest.mark.parametrize("key", [RSA, ED25519])
@pytest.mark.parametrize("header", ["simple", "relaxed"])
@pytest.mark.parametrize("body", ["simple", "relaxed"])
async def test_what_we_sign_passes(key: PrivateKey, header: str, body: str) -> None:
    """AUTH-44: in lines of 78 characters."""
    octets = await signed(key=key, header=header, body=body, expiration=3600)
    assert (await check(octets, key_record(key))).status == "pass"
    assert (await check(octets, key_record(key), now=NOW + 3601)).problem == "expired"
    assert (await check(octets, key_record(OTHER))).status in {"fail", "permerror"}
    assert max(map(len, octets.removesuffix(MAIL).split(b"\r\n"))) <= 78


@pytest.mark.parametrize("name", ["From", "To", "Cc", "Subject", "Date", "Message-Id", "Content-Type", "Reply-To"])
async def test_a_field_that_is_added_breaks_the_seal(name: str) -> None:
    """AUTH-43: oversigning; without the seal an absent field may be added."""
    added = f"{name}: mjl@mox.example\r\n".encode()
    assert (await check(added + await signed())).status == "fail"
    assert (await check(added + await signed(seal=False))).status == "pass"


async def test_what_lists_and_programs_read_is_signed_but_may_be_added() -> None:
    """AUTH-43: List-Unsubscribe-Post (RFC 8058 §4) and its kin."""
    mail = (
        b"List-Unsubscribe: <https://mox.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"MIME-Version: 1.0\r\n" + MAIL
    )
    octets = await signed(mail)
    assert (await check(b"List-Id: <l.example>\r\n" + octets)).status == "pass"
    assert (await check(octets.replace(b"example/u", b"example/v"))).status == "fail"
    assert (await check(octets.replace(b"MIME-Version: 1.0\r\n", b""))).status == "fail"


@pytest.mark.parametrize("address", ['"a b;=c"@mox.example', "jürgen@mox.example", f"{'x' * 100}@mox.example"])
async def test_an_identity_is_readable_again(address: str) -> None:
    """AUTH-44: i= in dkim-quoted-printable."""
    author = Address.parse(address)
    mail = f"From: {address}\r\nSubject: x\r\n\r\n".encode()
    octets = await sign(Message.of(mail), author, [Signer(selector="a", key=ED25519, sealed=DKIM_HEADERS)], NOW) + mail
    assert (await check(octets, key_record(ED25519))).identity == address
    assert octets.removesuffix(mail).isascii()


@pytest.mark.parametrize(
    "mail", [MAIL.replace(b"From", b"X"), b"From: a@mox.example\r\n" + MAIL, b"From: a@b.example\r\n"]
)
async def test_a_message_without_one_author_is_not_signed(mail: bytes) -> None:
    """AUTH-42."""
    with pytest.raises(SigningError):
        await signed(mail)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b" v=1; ", b" v=1; a=rsa-sha256; d=mox.example; s=a; h=from:subject; bh="]),
)
def test_any_octets_in_a_signature_are_a_verdict(octets: bytes, begin: bytes) -> None:
    """AUTH-101, section 12: no other error than a result."""
    field = b"DKIM-Signature:" + begin + octets.replace(b"\r", b"").replace(b"\n", b"\r\n ") + b"\r\n"
    [result] = trio.run(lambda: verify(world(RSA_RECORD), Message.of(field + MAIL), now=NOW))
    assert result.status in {"permerror", "policy", "fail"}


@given(st.text(max_size=300), st.sampled_from(["", "v=DKIM1; ", "v=DKIM1; p=", "k=ed25519; p="]))
def test_any_text_of_a_record_is_a_key_or_an_error(text: str, begin: str) -> None:
    """AUTH-36."""
    with contextlib.suppress(RecordError):
        parse_record(begin + text)


def test_a_new_key_is_durable_with_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """AUTH-41, ADMIN-12: the configuration names it next, and without it no server starts."""
    durable: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda fd: durable.add(os.fstat(fd).st_ino))
    write_new(tmp_path / "key", b"octets")
    assert durable == {(tmp_path / "key").stat().st_ino, tmp_path.stat().st_ino}
