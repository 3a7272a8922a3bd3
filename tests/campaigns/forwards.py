"""Mail of six kinds of author is sent on in three ways, and judged by the next host as a strict peer does: no message
may fail there for its author's policy (SMTP-159, SMTP-160a, SMTP-166, QUEUE-179, AUTH-111, AUTH-114).

The kinds: an author's domain without a policy, and with `p=none`, both unsigned; `p=quarantine` and `p=reject` with an
aligned signature; `p=reject` by SPF alone; `p=reject` with a signature that a list has broken. The ways: `redirect` of
a script, `forward_to`, and a member of an alias at another server. The next host checks SPF for our address, DKIM,
DMARC and ARC, by the records that all domains publish.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from email.message import Message as Parsed
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.acceptance.checks import Checks, Question, check_sender
from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, generate, key_record, sign, to_pem
from moxlite.mailauth.results import ARCStatus, DMARCStatus, SPFStatus
from moxlite.net.resolver import FakeResolver
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Address
from moxlite.smtpd import Context
from moxlite.store.delivery.forwarding import confirm_target
from tests.campaigns.report import Finding, Report
from tests.session.smtpd_harness import STATIC, TLS, Client, Smtp, serving
from tests.session.test_smtpd_sieve import install

__all__ = ["run"]

FORWARDS: Final = 1_000

PER_CONNECTION: Final = 50

LINES: Final = ("text", "", " blanks ", "..dots", "b\xfccher", "=20")

SENDER, OWN = "198.51.100.7", "203.0.113.5"
"""Addresses of the hosts that write to us, and ours as the next host sees it."""

KEY: Final = generate("ed25519")
TARGET: Final = "eva@far.example"


class Kind(msgspec.Struct, frozen=True):
    """A kind of author: its domain's policy, "" for none, whether its domain signs, and whether a list has changed the
    message. `renamed`: From must become ours.
    """

    domain: str
    policy: str
    signed: bool = False
    list: bool = False
    renamed: bool = False


KINDS: Final = {
    "no policy": Kind("none.example", ""),
    "p=none": Kind("watch.example", "none"),
    "p=quarantine, signed": Kind("quarantine.example", "quarantine", signed=True),
    "p=reject, signed": Kind("reject.example", "reject", signed=True),
    "p=reject, SPF alone": Kind("bare.example", "reject", renamed=True),
    "p=reject, broken by a list": Kind("member.example", "reject", signed=True, list=True, renamed=True),
}

WAYS: Final = {"redirect": "mia@ours.example", "forward_to": "bo@ours.example", "alias": "boats@ours.example"}
"""The address to which a message must be written for each way."""

DOMAINS: Final = """\
[domains."ours.example"]
localpart_separators = ["+"]
dkim = { sign = ["o"], selectors = { o = { key_file = "own.pem" } } }
[domains."ours.example".aliases.boats]
addresses = ["shut@ours.example", "eva@far.example"]
post_public = true
""" + "".join(
    f"""\
[accounts.{name}]
domain = "ours.example"
{more}
[accounts.{name}.destinations."{name}@ours.example"]
[[accounts.{name}.destinations."{name}@ours.example".rulesets]]
smtp_mail_from_regexp = "@list"
list_allow_domain = "list.example"
mailbox = "Lists"
"""
    for name, more in (("mia", ""), ("bo", f'forward_to = ["{TARGET}"]\nkeep_copy = false'), ("shut", ""))
)


def records() -> FakeResolver:
    """What all domains publish."""
    text = {"ours.example": [f"v=spf1 ip4:{OWN} -all"], "list.example": [f"v=spf1 ip4:{SENDER} -all"]}
    text |= {kind.domain: [f"v=spf1 ip4:{SENDER} -all"] for kind in KINDS.values()}
    text |= {f"_dmarc.{one.domain}": [f"v=DMARC1; p={one.policy}"] for one in KINDS.values() if one.policy}
    text["_dmarc.ours.example"] = ["v=DMARC1; p=reject"]
    signing = [*(one.domain for one in KINDS.values() if one.signed), "list.example"]
    text |= {f"s._domainkey.{domain}": [key_record(KEY)] for domain in signing}
    text["o._domainkey.ours.example"] = [key_record(KEY)]
    hosts = {"mx.sender.example": [SENDER], "mail.ours.example": [OWN]}
    pointers = {"7.100.51.198.in-addr.arpa": ["mx.sender.example"], "5.113.0.203.in-addr.arpa": ["mail.ours.example"]}
    mx = {one: ["10 mx.sender.example"] for one in (*(kind.domain for kind in KINDS.values()), "list.example")}
    return FakeResolver({"A": hosts, "PTR": pointers, "TXT": text, "MX": mx})


PUBLISHED: Final = records()


async def _signed(octets: bytes, domain: str) -> bytes:
    signer = Signer(selector="s", key=KEY, sealed=DKIM_HEADERS)
    return await sign(Message.of(octets), Address.parse(f"x@{domain}"), [signer], time.time()) + octets


async def written(name: str, kind: Kind, to: str, body: str) -> tuple[str, bytes]:
    """The envelope's sender of a message of this kind, and its octets as they come to us."""
    octets = (
        f"From: Ann <ann@{kind.domain}>\r\nTo: <{to}>\r\nSubject: {name}\r\n"
        f"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{name}@{kind.domain}>\r\n\r\n{body}"
    ).encode()
    if kind.signed:
        octets = await _signed(octets, kind.domain)
    if not kind.list:
        return f"ann@{kind.domain}", octets
    octets = octets.replace(b"Subject: ", b"List-Id: <boats.list.example>\r\nSubject: [boats] ") + b"-- \r\nboats\r\n"
    return "boats-bounces@list.example", await _signed(octets, "list.example")


async def prepared(smtp: Smtp) -> Context:
    """The context in which all three ways lead to the target, which has agreed."""
    context = smtp.context
    context.config.path.with_name("own.pem").write_bytes(to_pem(KEY))
    keys = SigningKeys()
    if problems := keys.read(context.config.current):
        raise Finding(f"keys: {problems}")
    await install(smtp, f'redirect "{TARGET}";')
    for name in ("mia", "bo", "shut"):
        async with context.accounts.use(name) as account:
            await account.write(lambda tx: confirm_target(tx, TARGET))
    return msgspec.structs.replace(context, keys=keys, resolver=PUBLISHED)


async def forwarded(smtp: Smtp, client: Client, name: str, kind: Kind, to: str, body: str) -> tuple[Parsed, Checks]:
    """A message that goes through us, and how the next host judges it. Raises Finding."""
    sender, octets = await written(name, kind, to, body)
    smtp.queued.clear()
    reply = await client.deliver(to=to, message=octets, sender=sender)
    if not reply.startswith("250"):
        raise Finding(f"{name} to {to} is refused here: {reply}")
    sent = await smtp.carried()
    if len(sent) != 1:
        raise Finding(f"{name} to {to}: sent on {len(sent)} times")
    [one] = sent
    author = str(one.message["From"]).rpartition("@")[2].rstrip(">")
    question = Question(
        remote=ip_address(OWN),
        mail_from=str(one.submission.mail_from),
        helo="mail.ours.example",
        helo_domain="mail.ours.example",
        from_domains=(author,),
    )
    return one.message, await check_sender(PUBLISHED, question, Message.of(one.submission.prefix + one.octets))


def require_good(name: str, kind: Kind, to: str, message: Parsed, checks: Checks) -> None:
    """Raise Finding unless a strict peer takes the message."""
    demands = kind.policy not in {"", "none"}
    facts = {
        "a path of ours": checks.spf.status is SPFStatus.PASS,
        "the author as it must be": ("ours.example" in str(message["From"])) == kind.renamed,
        "DMARC": checks.dmarc.status is DMARCStatus.PASS or not demands,
        "a good seal": checks.arc.status is ARCStatus.PASS,
        "a return address": str(message["Return-Path"]) == "None",
    }
    if missing := [fact for fact, holds in facts.items() if not holds]:
        raise Finding(f"{name} to {to}: without {', '.join(missing)}: {checks}\n{message}")


async def play(rng: random.Random, number: int, counts: Counter[str]) -> None:
    """Send on so many messages, the kinds and ways in turn."""
    with tempfile.TemporaryDirectory() as folder:
        static = f'{STATIC}[rate_limits]\nexempt = ["{SENDER}/32"]\n'
        (Path(folder) / "own.pem").write_bytes(to_pem(KEY))
        async with serving(Path(folder), domains=DOMAINS, static=static, check=False) as smtp:
            context = await prepared(smtp)
            for first in range(0, number, PER_CONNECTION):
                async with smtp.connect(
                    context=context, tls=TLS, remote=SENDER, hello="EHLO mx.sender.example"
                ) as client:
                    for index in range(first, min(first + PER_CONNECTION, number)):
                        name, kind = list(KINDS.items())[index % len(KINDS)]
                        way, to = list(WAYS.items())[index // len(KINDS) % len(WAYS)]
                        lines = rng.choices(LINES, k=rng.randrange(1, 6))
                        body = "".join(f"{line}\r\n" for line in lines)
                        message, checks = await forwarded(smtp, client, f"m{index}", kind, to, body)
                        require_good(name, kind, to, message, checks)
                        counts[f"{name}, by {way}: DMARC {checks.dmarc.status.value}"] += 1
                await _next_day(smtp)


async def _next_day(smtp: Smtp) -> None:
    """An account sends on 500 messages in a day."""
    for name in ("mia", "bo", "shut"):
        async with smtp.context.accounts.use(name) as account:
            await account.write(lambda tx: tx.execute("UPDATE forward_target SET sent = 0"))


def run(seed: int, share: float, report: Report) -> None:
    """Send on, and have the next host judge."""
    counts: Counter[str] = Counter()
    number = max(len(KINDS) * len(WAYS), round(FORWARDS * share))
    trio.run(play, random.Random(f"forwards {seed}"), number, counts)
    report.tell(f"messages sent on and taken by a strict peer: {counts.total()}")
    for words, count in sorted(counts.items()):
        report.tell(f"{words}: {count}")
