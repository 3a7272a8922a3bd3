"""Random messages with DKIM signatures, keys of all kinds for them in DNS, and DMARC records of their authors."""

import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Final, cast

import dkim
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.message import Canonicalization, Message
from moxlite.mailauth.dkim.sign import Signer, key_record, sign, to_pem
from moxlite.proto.address import Address
from tests.campaigns._spfzones import quoted

__all__ = ["KINDS", "SIGNED", "Mail", "changed", "mails", "message"]

PIECES: Final = ("word", " ", "\t", "  ", "é", "=", ";", ":", "b=abc", "=20", ".")
NAMES: Final = ("Subject", "To", "to", "X-One", "x-one", "Reply-To", "List-Id", "Content-Type", "Received")
CHANGES: Final = (b" ", b"\t", b"\r\n", b"x", b"  ")
BEFORE_COLON: Final = re.compile(rb"^[!-9;-~]+[ \t]+:", re.MULTILINE)

KINDS: Final[tuple[Canonicalization, Canonicalization]] = ("simple", "relaxed")

SIGNED: Final = [b"from", b"subject", b"subject", b"to", b"to", b"x-one", b"x-one"]
"""Fields that dkimpy is told to sign."""

KEYS: Final[dict[str, Callable[[str], str]]] = {
    "plain": lambda p: f"v=DKIM1; k=rsa; p={p}",
    "p alone": lambda p: f"p={p}",
    "hash sha256": lambda p: f"v=DKIM1; h=sha256; p={p}",
    "hashes": lambda p: f"v=DKIM1; h=sha1:sha256; k=rsa; p={p}",
    "hash sha1 alone": lambda p: f"v=DKIM1; h=sha1; p={p}",
    "for mail": lambda p: f"v=DKIM1; s=email; p={p}",
    "for all": lambda p: f"v=DKIM1; s=other:*; p={p}",
    "for another service": lambda p: f"v=DKIM1; s=other; p={p}",
    "notes and unknown tags": lambda p: f"v=DKIM1; n=a=20note; x=y; g=*; p={p};",
    "folded": lambda p: f"v=DKIM1 ;  p = {p[:70]} {p[70:140]}  {p[140:]} ; ",
    "strict identity": lambda p: f"v=DKIM1; t=s; p={p}",
    "testing": lambda p: f"v=DKIM1; t=y; p={p}",
    "revoked": lambda _: "v=DKIM1; p=",
    "no p": lambda _: "v=DKIM1; k=rsa",
    "bad base64": lambda p: f"v=DKIM1; p=*{p}",
    "cut off": lambda p: f"v=DKIM1; p={p[:100]}",
    "unknown type": lambda p: f"v=DKIM1; k=dsa; p={p}",
    "unknown version": lambda p: f"v=DKIM2; p={p}",
    "version not first": lambda p: f"k=rsa; v=DKIM1; p={p}",
}
"""Key records, by what is special about them; the argument is the key in base64."""


class Mail(msgspec.Struct, frozen=True):
    """A message and how it comes.

    Attributes:
      octets: the message, signature included. key: of `KEYS`, or ``absent``; how: what is special about the signature.
      record: the key's record, "" for none. changed: after it was signed. tame: opendkim and rspamd can read it.
      author: domain of From. ip, helo, sender: what the client says.
      dmarc: the records of the author's domain and its organization.
    """

    octets: bytes
    key: str
    how: str
    record: str
    changed: bool
    tame: bool
    author: str
    ip: str
    helo: str
    sender: str
    dmarc: tuple[str, str]


def _text(rng: random.Random) -> str:
    return "".join(rng.choices(PIECES, k=rng.randrange(8)))


def _field(rng: random.Random) -> str:
    value = "\r\n ".join(_text(rng) for _ in range(rng.randrange(1, 4)))
    return f"{rng.choice(NAMES)}:{value}\r\n"


def message(rng: random.Random, author: str = "ann@signer.example") -> bytes:
    """One From and one Subject that all sides can read, among others."""
    above, below = ("".join(_field(rng) for _ in range(rng.randrange(5))) for _ in range(2))
    body = "".join(f"{_text(rng)}\r\n" for _ in range(rng.randrange(9)))
    blank = rng.choice(("", " ", "\t "))
    return f"{above}From:{blank}{author}\r\nSubject: {_text(rng)}x\r\n{below}\r\n{body}".encode()


def _tame(rng: random.Random, author: str) -> bytes:
    """One that opendkim and rspamd read as well: fields stand once and are those of each mail, no line of a field is
    blank.
    """
    names = rng.sample(("To: <you@remote.test>", "X-One: one", "Reply-To: <x@remote.test>", "X-Two: two"), 3)
    lines = [f"From: <{author}>", "Date: Fri, 20 Nov 2026 12:00:00 +0000", "Message-Id: <1@x.test>", *names]
    lines.append("Subject: " + "\r\n\t".join(rng.choice(("word", "two  words", "a=b; c:d")) for _ in range(3)))
    rng.shuffle(lines)
    body = "".join(f"{_text(rng)}\r\n" for _ in range(rng.randrange(9)))
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body.encode("ascii", "replace")


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


async def _signature(
    rng: random.Random, key: RSAPrivateKey, octets: bytes, domain: str, author: Address
) -> tuple[str, bytes]:
    """What is special about it, and the field."""
    header, body = rng.choice(KINDS), rng.choice(KINDS)
    how = rng.choice(
        ("plain", "plain", "dkimpy", "subdomain", "other identity", "length", "no subject", "expired", "future")
    )
    now = time.time()
    if how in ("plain", "expired", "future"):
        begun = {"plain": now, "expired": now - 200_000, "future": now + 200_000}[how]
        signer = Signer(
            selector="s",
            key=key,
            sealed=DKIM_HEADERS,
            header=header,
            body=body,
            expiration=0 if how == "future" else 86_400,
        )
        field = await sign(Message.of(octets), None, [signer], begun, domain=Address.parse(f"x@{domain}").domain)
        return how, field
    identity = {"subdomain": f"@x.{domain}", "other identity": "@other.test"}.get(how, f"@{domain}").encode()
    names = [name for name in SIGNED if how != "no subject" or name != b"subject"]
    field = cast(
        bytes,
        dkim.sign(
            octets,
            b"s",
            domain.encode(),
            to_pem(key),
            identity=None if how == "other identity" else identity,
            canonicalize=(header.encode(), body.encode()),
            include_headers=names,
            length=how == "length",
        ),
    )
    return how, field


def _policy(rng: random.Random) -> str:
    """Without what RFC 9989 has changed, nor blanks before a semicolon, behind which rspamd reads nothing."""
    if rng.random() < 0.1:
        return rng.choice(("v=DMARC2; p=reject", "v=spf1 -all", "p=reject; v=DMARC1"))
    tags = [f"p={rng.choice(('none', 'quarantine', 'reject'))}"]
    for chance, name, values in (
        (0.3, "sp", ("none", "quarantine", "reject")),
        (0.3, "adkim", ("r", "s")),
        (0.3, "aspf", ("r", "s")),
        (0.2, "rua", ("mailto:r@reports.test", "mailto:r@reports.test!10m")),
        (0.1, "pct", ("100",)),
    ):
        if rng.random() < chance:
            tags.append(f"{name}={rng.choice(values)}")
    return rng.choice(("; ", ";")).join(("v=DMARC1", *tags)) + rng.choice(("", ";", "; "))


async def mails(rng: random.Random, number: int) -> tuple[list[Mail], list[str]]:
    """So many, and the lines of the zone `test`, which DNS has for them."""
    keys = [generate_private_key(65537, 1024) for _ in range(3)]
    lines: list[str] = ["other TXT " + quoted("v=spf1 ip4:192.0.2.1 -all")]
    made: list[Mail] = []
    for n in range(number):
        one, more = await _mail(rng, f"o{n}.test", rng.choice(keys), rng.choice(keys))
        made.append(one)
        lines += more
    return made, lines


async def _mail(
    rng: random.Random, organization: str, key: RSAPrivateKey, published: RSAPrivateKey
) -> tuple[Mail, list[str]]:
    author = rng.choice((organization, f"a.{organization}", f"a.b.{organization}"))
    domain = rng.choice((author, author, organization, f"mail.{organization}", f"x{organization}"))
    tame = rng.random() < 0.7
    octets = (_tame if tame else message)(rng, f"ann@{author}")
    how, field = await _signature(rng, key, octets, domain, Address.parse(f"ann@{author}"))
    is_changed = rng.random() < 0.3
    whole = field + (changed(rng, octets) if is_changed else octets)
    kind = rng.choice((*["plain"] * 10, *KEYS, "absent", "another key"))
    p = key_record(published if kind == "another key" else key).partition("p=")[2]
    record = "" if kind == "absent" else KEYS.get(kind, KEYS["plain"])(p)
    sender = rng.choice((author, organization, f"bounces.{organization}", "other.test"))
    records = {name: _policy(rng) if rng.random() < 0.6 else "" for name in (author, organization)}
    one = Mail(
        whole,
        kind,
        how,
        record,
        is_changed,
        tame,
        author,
        rng.choice(("192.0.2.1", "192.0.2.2")),
        "mx.other.test",
        f"bounce@{sender}",
        (records[author], records[organization]),
    )
    return one, [*_zone(organization, domain, sender, record, records)]


def _zone(organization: str, domain: str, sender: str, record: str, records: dict[str, str]) -> Iterator[str]:
    if record:
        yield f"s._domainkey.{domain}. TXT {quoted(record)}"
    if sender != "other.test":
        yield f"{sender}. TXT {quoted('v=spf1 ip4:192.0.2.1 -all')}"
    for name, policy in records.items():
        if policy:
            yield f"_dmarc.{name}. TXT {quoted(policy)}"
