"""DKIM of mail that comes in, by whole sessions: what Authentication-Results says of a signature (AUTH-30..40)."""

import re
import time
from collections.abc import Mapping, Sequence

import pytest

from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, generate, key_record, sign
from moxlite.net.resolver import FakeResolver
from moxlite.proto.address import Address
from tests.session.smtpd_harness import Smtp, clock, headers, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

KEY = generate("rsa")
RECORD = key_record(KEY)
P = RECORD.partition("p=")[2]
MAIL = (
    b"From: Ann <ann@remote.example>\r\nTo: <mia@ours.example>\r\nSubject: hello\r\n"
    b"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-Id: <1@remote.example>\r\n\r\ntext\r\n"
)


async def signature(mail: bytes = MAIL, tags: Mapping[str, str] | None = None) -> bytes:
    """A signature by remote.example; with other tags it is not valid any more."""
    signer = Signer(selector="s", key=KEY, sealed=DKIM_HEADERS)
    field = await sign(Message.of(mail), Address.parse("ann@remote.example"), [signer], time.time())
    for name, value in (tags or {}).items():
        field = re.sub(rb"(?<=[:;])[ \t\r\n]*%b=[^;]*;" % name.encode(), b"", field, count=1)
        field = field.replace(b"DKIM-Signature:", f"DKIM-Signature: {name}={value};".encode(), 1)
    return field


async def results(smtp: Smtp, mail: bytes, records: Sequence[str] = (RECORD,), **more: Sequence[str]) -> list[str]:
    """What the delivered message says of its signatures."""
    resolver = FakeResolver(
        {"TXT": {"s._domainkey.remote.example": records}, "MX": {"remote.example": ["10 mx.remote.example"]}},
        failing=more.get("failing", ()),
    )
    async with smtp.connect(context=smtp.with_context(resolver=resolver)) as client:
        assert (await client.deliver(message=mail)).startswith("250")
    [field] = headers(await smtp.one(), "Authentication-Results")
    return [part.strip() for part in field.split(";") if part.strip().startswith("dkim=")]


@pytest.mark.parametrize(
    ("tags", "start", "reason"),
    [
        ({}, "dkim=pass (2048 bit rsa, without dnssec)", ""),
        ({"v": "2"}, "dkim=permerror", "unknown version"),
        ({"t": "1", "x": "2"}, "dkim=permerror", "expired"),
        ({"i": "@other.example"}, "dkim=permerror", "identity isn't in the signing domain"),
        ({"h": "to:subject"}, "dkim=permerror", "the From field isn't signed"),
        ({"a": "rsa-md5"}, "dkim=permerror", "unknown algorithm"),
        ({"a": "rsa-sha1", "bh": "A" * 27 + "="}, "dkim=policy", "sha1 isn't allowed"),
        ({"l": "2"}, "dkim=policy", "body length limit (l=) isn't allowed"),
        ({"h": "from:to"}, "dkim=policy", "Subject not signed"),
        ({"c": "relaxed/nowsp"}, "dkim=permerror", "unknown canonicalization"),
        ({"d": "example", "i": "@example"}, "dkim=permerror", "domain is a public suffix"),
        ({"s": "none"}, "dkim=permerror", "no key record"),
        ({"q": "dns/other"}, "dkim=permerror", "unknown query method"),
    ],
)
async def test_a_signature_is_judged_by_its_tags(smtp: Smtp, tags: dict[str, str], start: str, reason: str) -> None:
    """AUTH-31, AUTH-33, AUTH-34, AUTH-35"""
    [found] = await results(smtp, await signature(tags=tags) + MAIL)
    assert found.startswith(start)
    assert reason in found


@pytest.mark.parametrize(
    ("records", "start", "reason"),
    [
        ([f"p={P}"], "dkim=pass", ""),
        ([RECORD, "other"], "dkim=pass", ""),
        (["v=DKIM1; p="], "dkim=permerror", "key revoked"),
        ([f"v=DKIM1; s=tlsrpt; p={P}"], "dkim=permerror", "key can't be used for email"),
        ([f"v=DKIM1; h=sha1; p={P}"], "dkim=permerror", "key doesn't allow this hash"),
        ([f"v=DKIM1; k=ed25519; p={P}"], "dkim=permerror", "wrong ed25519 key size"),
        ([RECORD, RECORD], "dkim=temperror", "multiple key records"),
        (["v=spf1 -all"], "dkim=permerror", "not a DKIM key"),
        (["k=rsa; p=*"], "dkim=permerror", "bad base64"),
        ([f"v=DKIM2; p={P}"], "dkim=permerror", "not a DKIM key"),
        (["v=DKIM1; p=AAAA", RECORD], "dkim=permerror", "invalid RSA key"),
    ],
)
async def test_a_signature_is_judged_by_the_key(smtp: Smtp, records: list[str], start: str, reason: str) -> None:
    """AUTH-36, AUTH-37"""
    [found] = await results(smtp, await signature() + MAIL, records)
    assert found.startswith(start)
    assert reason in found


async def test_a_resolver_that_fails_is_no_verdict(smtp: Smtp) -> None:
    """AUTH-36"""
    [found] = await results(smtp, await signature() + MAIL, failing=["s._domainkey.remote.example"])
    assert found.startswith("dkim=temperror")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"text", b"texts", "body hash doesn't match"),
        (b"hello", b"hullo", "signature doesn't match the header"),
        (b"Subject", b"Subject: new\r\nSubject", "signature doesn't match the header"),
        (b"text", b"text \t", ""),
        (b"hello", b" hello", ""),
    ],
)
async def test_changes_on_the_way_break_a_signature_but_for_blanks(
    smtp: Smtp, old: bytes, new: bytes, reason: str
) -> None:
    """AUTH-39, AUTH-103"""
    [found] = await results(smtp, await signature() + MAIL.replace(old, new, 1))
    assert found.startswith("dkim=fail" if reason else "dkim=pass")
    assert reason in found


async def test_a_domain_that_only_tries_has_no_failures(smtp: Smtp) -> None:
    """AUTH-38"""
    mail = await signature() + MAIL.replace(b"text", b"texts")
    [found] = await results(smtp, mail, [f"v=DKIM1; t=y; p={P}"])
    assert found.startswith("dkim=none")


async def test_a_header_section_with_a_line_that_is_no_field_is_not_verified(smtp: Smtp) -> None:
    """AUTH-32: the message is accepted nevertheless."""
    first, rest = MAIL.split(b"\r\n", 1)
    [found] = await results(smtp, await signature() + first + b"\r\nno colon here\r\n" + rest)
    assert found.startswith("dkim=permerror")


async def test_all_signatures_are_told_in_their_order_the_authors_counts(smtp: Smtp) -> None:
    """AUTH-30, AUTH-40: one of another domain passes or not as it may; ten junk ones hide nothing."""
    junk = b"".join([await signature(tags={"d": f"d{n}.test", "i": f"@d{n}.test"}) for n in range(14)])
    found = await results(smtp, junk + await signature() + MAIL)
    assert [one.split()[0] for one in found] == ["dkim=permerror"] * 9 + ["dkim=policy"] * 5 + ["dkim=pass"]
    assert "header.d=remote.example" in found[-1]
    assert "header.i=ann@remote.example" in found[-1]
