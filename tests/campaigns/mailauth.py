"""DKIM against dkimpy over made-up messages: what one signs the other takes, and a change means the same to both.

Messages have folded fields, doubled ones, blanks in values, empty lines, fields outside of ASCII; each is signed by one
side with one of the four canonicalizations, and changed at one place in every second case (AUTH-33, AUTH-39, AUTH-43).

What differs, and is left out: blanks between the name of a field and its colon, which RFC 5322 §4.5 lets stand there;
dkimpy takes them for a part of the name; and messages without the empty line that ends the header, which are malformed
here and have an empty body there.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from typing import Final, cast

import dkim
import trio
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.canonical import Canonicalization
from moxlite.mailauth.dkim.keys import key_record, to_pem
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, sign
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import FakeResolver
from moxlite.proto.address import Address
from tests.campaigns.report import Finding, Report

__all__ = ["run"]

MESSAGES: Final = 4_000

AUTHOR: Final = Address.parse("ann@signer.example")
NAME: Final = "s._domainkey.signer.example."
PIECES: Final = ("word", " ", "\t", "  ", "é", "=", ";", ":", "b=abc", "=20", ".")
NAMES: Final = ("Subject", "To", "to", "X-One", "x-one", "Reply-To", "List-Id", "Content-Type", "Received")
SIGNED: Final = [b"from", b"subject", b"subject", b"to", b"to", b"x-one", b"x-one"]
CHANGES: Final = (b" ", b"\t", b"\r\n", b"x", b"  ")
BEFORE_COLON: Final = re.compile(rb"^[!-9;-~]+[ \t]+:", re.MULTILINE)
KINDS: Final[tuple[Canonicalization, Canonicalization]] = ("simple", "relaxed")


def text(rng: random.Random) -> str:
    return "".join(rng.choices(PIECES, k=rng.randrange(8)))


def field(rng: random.Random) -> str:
    value = "\r\n ".join(text(rng) for _ in range(rng.randrange(1, 4)))
    return f"{rng.choice(NAMES)}:{value}\r\n"


def message(rng: random.Random) -> bytes:
    """One From and one Subject that both sides can read, among others."""
    above, below = ("".join(field(rng) for _ in range(rng.randrange(5))) for _ in range(2))
    body = "".join(f"{text(rng)}\r\n" for _ in range(rng.randrange(9)))
    blank = rng.choice(("", " ", "\t "))
    return f"{above}From:{blank}ann@signer.example\r\nSubject: {text(rng)}x\r\n{below}\r\n{body}".encode()


def changed(rng: random.Random, octets: bytes) -> bytes:
    """Something comes in, in the header or the body, but not within a line end, nor before the colon of a field, nor
    so that nothing ends the header.
    """
    while True:
        at = rng.randrange(len(octets) + 1)
        if octets[at - 1 : at + 1] == b"\r\n":
            at -= 1
        result = octets[:at] + rng.choice(CHANGES) + octets[at:]
        header, end, _ = result.partition(b"\r\n\r\n")
        if end and not BEFORE_COLON.search(header):
            return result if result.endswith(b"\r\n") else result + b"\r\n"  # as SMTP has it


async def compare(rng: random.Random, key: RSAPrivateKey, counts: Counter[str]) -> None:
    """One message."""
    octets, record = message(rng), key_record(key)
    header, body = rng.choice(KINDS), rng.choice(KINDS)
    by_dkimpy = rng.random() < 0.5
    if by_dkimpy:
        how = (header.encode(), body.encode())
        signature = cast(
            bytes,
            dkim.sign(octets, b"s", b"signer.example", to_pem(key), canonicalize=how, include_headers=list(SIGNED)),
        )
    else:
        signer = Signer(selector="s", key=key, sealed=DKIM_HEADERS, header=header, body=body)
        signature = await sign(Message.of(octets), AUTHOR, [signer], time.time())
    whole = signature + octets
    is_changed = rng.random() < 0.5
    if is_changed:
        whole = signature + changed(rng, octets)
    [result] = await verify(FakeResolver({"TXT": {NAME: [record]}}), Message.of(whole))
    try:
        theirs = bool(dkim.verify(whole, dnsfunc=lambda name, **_: record.encode()))
    except (dkim.DKIMException, ValueError) as error:  # what it cannot read
        theirs = False
        counts[f"not read by dkimpy: {type(error).__name__}"] += 1
    ours = result.status == "pass"
    if ours is not theirs or (not is_changed and not ours):
        raise Finding(f"ours {result.status} ({result.problem}), dkimpy {theirs}: {whole!r}")
    side = "dkimpy" if by_dkimpy else "us"
    counts[f"signed by {side}, {'changed' if is_changed else 'as it was'}: {'pass' if ours else 'no pass'}"] += 1


def run(seed: int, share: float, report: Report) -> None:
    """Compare."""
    rng = random.Random(f"mailauth {seed}")
    key = generate_private_key(65537, 1024)  # dkimpy checks Ed25519 only with a library that we do not have
    counts: Counter[str] = Counter()

    async def all_of_them() -> None:
        for _ in range(max(1, round(MESSAGES * share))):
            await compare(rng, key, counts)

    trio.run(all_of_them)
    for words, number in sorted(counts.items()):
        report.tell(f"{words}: {number}")
