"""Checks that receivers can verify our DKIM signatures, by another program's verifier (AUTH-130).

A message is signed with each selector of each domain, and dkimpy verifies it with the keys that DNS publishes.
Selectors without a record in DNS are not judged here: the check of names reports them.
"""

import time
from collections.abc import Iterable
from typing import Final

import trio

from moxlite import lazyimport
from moxlite.admin.doctor.examination import Examination
from moxlite.config.snapshot import Snapshot
from moxlite.findings import Finding, Grade
from moxlite.mailauth.dkim.keyrecord import RecordError, choose_record
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import SigningError, sign
from moxlite.net.resolver import DNSError, Resolver
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Address, Domain

SAMPLE: Final = (
    b"From: {author}\r\n"
    b"To: =?utf-8?q?J=C3=B6rg?= <someone@example.org>,\r\n"
    b" \tother@example.org\r\n"
    b"Subject:  a test  of signatures \t\r\n"
    b"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <test@signatures.invalid>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Words  with \t blanks \r\n"
    b"\r\n"
    b".\r\n"
    b"J\xc3\xb6rg\r\n"
    b"\r\n"
    b"\r\n"
)
"""Message with folded fields, runs of blanks, and empty lines at its end, which the canonical forms treat specially."""


async def check_signatures(examination: Examination) -> list[Finding]:
    """Check the signatures of all enabled domains."""
    if not examination.names:
        return []
    keys = examination.signing
    if keys is None:
        keys = SigningKeys()
        await trio.to_thread.run_sync(keys.read, examination.snapshot)  # its faults are findings of the configuration
    findings: list[Finding] = []
    snapshot = examination.snapshot
    for name, settings in snapshot.domains.domains.items():
        if not settings.disabled:
            domain = Domain.parse(name)
            findings += await check_selectors(snapshot, keys, examination.resolver, domain, settings.dkim.selectors)
    return findings


async def problems_of(octets: bytes, resolver: Resolver) -> list[str] | None:
    """Verify a message that this server has signed; the problems, a line each. None if no key could be looked up.

    Raises ValueError: it is longer than any message that the server signs by itself.
    """
    await lazyimport.load("moxlite.admin.doctor.secondopinion")
    from moxlite.admin.doctor.secondopinion import judge, key_names

    records: dict[str, str] = {}
    for name in await trio.to_thread.run_sync(key_names, octets):
        if (record := await _record(resolver, name)) is not None:
            records[name] = record
    if not records:
        return None
    opinions = await trio.to_thread.run_sync(judge, octets, records)
    return [
        f"selector {opinion.selector} of {opinion.domain}: {opinion.problem}" for opinion in opinions if opinion.problem
    ]


async def check_selectors(
    snapshot: Snapshot, keys: SigningKeys, resolver: Resolver, domain: Domain, selectors: Iterable[str]
) -> list[Finding]:
    """Check the signatures with some selectors of a domain."""
    settings = snapshot.domain(domain)
    findings: list[Finding] = []
    for name in selectors if settings is not None else ():
        assert settings is not None
        author = Address.parse(f"postmaster@{domain.ascii}")
        octets = SAMPLE.replace(b"{author}", str(author).encode())
        try:
            signer = keys.signer(name, settings.dkim.selectors[name])
            octets = await sign(Message.of(octets), author, [signer], time.time()) + octets
        except SigningError:
            continue  # the key cannot be read: a finding of the configuration
        grade: Grade = "error" if name in settings.dkim.sign else "warning"
        findings += [
            Finding(
                grade=grade,
                code="signature-wrong",
                about=f"{domain} dkim",
                text=f"receivers can't verify {domain}'s signatures: {problem}",
                commands=(f"moxlite config dnscheck {domain}", f"moxlite config dnsrecords {domain}"),
            )
            for problem in await problems_of(octets, resolver) or ()
        ]
    return findings


async def _record(resolver: Resolver, name: str) -> str | None:
    """The text of the key record at a name; None without a usable one."""
    try:
        texts = (await resolver.txt(name)).records
        choose_record(texts)
    except (DNSError, RecordError):
        return None
    return texts[0] if len(texts) == 1 else None
