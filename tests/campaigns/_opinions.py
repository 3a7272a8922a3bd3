"""SPF, DKIM and DMARC of made-up records and messages as others see them, in a net of its own.

Run by `mailauth` in namespaces for network and mounts: `python -m tests.campaigns._opinions SEED SHARE FOLDER`. A world
of DNS (knot, unbound) is at port 53, where all programs look. Prints lines of JSON: ``["count", words]`` and
``["finding", words]``. What differs must be in the tables here, with the reason.
"""

import json
import random
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Final

import dkim
import trio

from moxlite.acceptance.checks import Checks, Question, check_sender
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.results import DMARCResult
from moxlite.mailauth.spf.check import check as check_spf
from moxlite.net.dns.client import DNSResolver
from tests.campaigns._rspamd import Rspamd
from tests.campaigns._signedmail import Mail, mails as make_mails
from tests.campaigns._spfzones import REVERSE, Sender, hosts, senders
from tests.dnsworld import DNSWorld
from tests.tools import need

SENDERS: Final = 2_000
MAILS: Final = 1_500
"""At the full count."""

LEAST: Final = 20
"""Of each, whatever the share."""

MAIL: Final = (
    b"From: ann@author.test\r\nTo: you@remote.test\r\nSubject: hello\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\n"
    b"Message-Id: <1@author.test>\r\n\r\ntext\r\n"
)
"""Carries the question about SPF to rspamd."""

RECEIVED: Final = re.compile(r'^Received-SPF: (\w+) .*envelope-from="?([^;"]+)', re.MULTILINE)

SPFQUERY: Final = {
    "Mail::SPF": ("spfquery.mail-spf-perl", "--scope", "mfrom", "--file", "-"),
    "libspf2": ("spfquery.libspf2", "-file", "-"),
}

RFC_4408: Final = {
    "too many MX hosts": "of a long MX they look at the first ten hosts (now an error, RFC 7208 §4.6.4)",
    "a macro must keep at least 1 part": "they allow %{d0} (RFC 7208 §7.3)",
    "unknown macro letter": "they allow letters that are no macros (RFC 7208 §7.1)",
}
SPF_EXPLAINED: Final[Mapping[str, Mapping[str, str]]] = {
    "Mail::SPF": RFC_4408,
    "libspf2": {
        **RFC_4408,
        "void lookups": "it does not count lookups without a result (RFC 7208 §4.6.4)",
        "bad argument": "it takes a mechanism with a colon and no domain",
        "invalid domain name": "it takes a mechanism with a colon and no domain",
        "invalid macro at": "it takes a percent sign that begins no macro",
        "DNS lookups": "it counts no redirect (RFC 7208 §4.6.4)",
        "duplicate ": "it takes exp= and redirect= twice (RFC 7208 §6)",
    },
}
"""By program and what is in our problem, where we say permerror and it does not: why."""

RSPAMD_SPF: Final = {
    "R_SPF_ALLOW": "pass",
    "R_SPF_PLUSALL": "pass",
    "R_SPF_FAIL": "fail",
    "R_SPF_SOFTFAIL": "softfail",
    "R_SPF_NEUTRAL": "neutral",
    "R_SPF_NA": "none",
    "R_SPF_PERMFAIL": "permerror",
    "R_SPF_DNSFAIL": "temperror",
}
RSPAMD_DMARC: Final = {
    "DMARC_POLICY_ALLOW": "pass",
    "DMARC_POLICY_REJECT": "reject",
    "DMARC_POLICY_QUARANTINE": "quarantine",
    "DMARC_POLICY_SOFTFAIL": "fail, policy none",
    "DMARC_NA": "none",
    "DMARC_BAD_POLICY": "permerror",
    "DMARC_DNSFAIL": "temperror",
}

STRICTER: Final = {
    "Subject not signed": "our rule (AUTH-34)",
    "body length limit (l=) isn't allowed": "our rule (AUTH-34)",
    "malformed header section": "a line that is no field: which fields are signed is not certain (AUTH-32)",
    "key record: bad base64": "they skip what is no base64",
    "key record: not a DKIM key": "they take v=DKIM1 behind other tags, or another version (RFC 6376 §3.6.1)",
    "key record: unknown key type": "rspamd takes the key for RSA",
    "key doesn't allow this hash": "dkimpy and rspamd do not look at h= of the key",
    "key can't be used for email": "dkimpy and rspamd do not look at s= of the key",
    "key doesn't allow subdomain identities": "dkimpy and rspamd do not look at t=s of the key",
}
"""By our problem, where a signature passes with others alone: why."""


def count(words: str) -> None:
    """Tell one fact."""
    print(json.dumps(["count", words]), flush=True)


def finding(words: str) -> None:
    """Tell what must not be."""
    print(json.dumps(["finding", words]), flush=True)


def spfquery(program: str, asked: Sequence[Sender]) -> list[str]:
    """What one of them says, in order. libspf2 has no such line for a record that it cannot read."""
    lines = "".join(f"{one.ip} {one.mail_from} {one.helo}\n" for one in asked)
    name, *options = SPFQUERY[program]
    done = subprocess.run(
        [need(name), *options], input=lines, check=False, capture_output=True, text=True, errors="replace"
    )
    found = {sender: word for word, sender in RECEIVED.findall(done.stdout)}
    assert found, done.stderr[-2000:]
    return [found.get(one.mail_from, "permerror") for one in asked]


async def compare_spf(resolver: DNSResolver, rspamd: Rspamd, asked: Sequence[Sender]) -> None:
    """Each sender. rspamd is counted, no more: it joins a record with all that it includes before it looks, takes
    ``+all`` for neutral, and reads keywords in lower case alone.
    """
    opinions = {name: await trio.to_thread.run_sync(spfquery, name, asked) for name in SPFQUERY}
    for number, one in enumerate(asked):
        result = await check_spf(resolver, ip=ip_address(one.ip), mail_from=one.mail_from, helo=one.helo)
        for name, answers in opinions.items():
            reasons = [why for words, why in SPF_EXPLAINED[name].items() if words in result.problem]
            if result.status == answers[number]:
                count(f"SPF, {name}: the same, {result.status}")
            elif result.status == "permerror" and reasons:
                count(f"SPF, {name}: permerror here alone: {reasons[0]}")
            else:
                finding(f"{name} says {answers[number]}, we {result!r}: {one!r}")
        symbols = await trio.to_thread.run_sync(rspamd.symbols, MAIL, one.ip, one.helo, one.mail_from)
        same = result.status in {RSPAMD_SPF.get(symbol) for symbol in symbols}
        count(f"SPF, rspamd: {'the same' if same else 'another result, or none'}")


def testmsg(octets: bytes) -> bool:
    """Whether a signature passes for opendkim."""
    done = subprocess.run([need("opendkim-testmsg"), "-C"], input=octets, check=False, capture_output=True)
    return done.returncode == 0


def dkimpy(mail: Mail) -> bool:
    """Whether a signature passes for dkimpy."""
    try:
        return bool(dkim.verify(mail.octets, dnsfunc=lambda name, **_: mail.record.encode()))
    except (dkim.DKIMException, ValueError):
        return False


async def compare_mails(resolver: DNSResolver, rspamd: Rspamd, mails: Sequence[Mail]) -> None:
    """Each message, with the list of public suffixes, as rspamd has it."""
    for one in mails:
        question = Question(
            remote=IPv4Address(one.ip),
            mail_from=one.sender,
            helo=one.helo,
            helo_domain=one.helo,
            from_domains=(one.author,),
            method="psl",
        )
        found = await check_sender(resolver, question, Message.of(one.octets))
        opinions = {"dkimpy": dkimpy(one)}
        symbols: frozenset[str] = frozenset()
        if one.tame:
            opinions["opendkim"] = await trio.to_thread.run_sync(testmsg, one.octets)
            symbols = await trio.to_thread.run_sync(rspamd.symbols, one.octets, one.ip, one.helo, one.sender)
            opinions["rspamd"] = "R_DKIM_ALLOW" in symbols
        _compare_signature(one, found, opinions)
        if _has_author(one) and opinions.get("rspamd") is (found.dkim[0].status == "pass"):
            _compare_dmarc(one, found, symbols)


def _has_author(one: Mail) -> bool:
    """Whether no change has hit the field From, or has made a part of the body of it."""
    header = one.octets.partition(b"\r\n\r\n")[0] + b"\r\n"
    return re.search(rb"\r\nFrom: <ann@%b>\r\n(?![ \t])" % re.escape(one.author.encode()), header) is not None


def _compare_signature(one: Mail, found: Checks, opinions: Mapping[str, bool]) -> None:
    [ours] = found.dkim
    for name, passes in opinions.items():
        if passes is (ours.status == "pass"):
            count(f"DKIM, {name}: the same, {'pass' if passes else 'no pass'}")
        elif passes and ours.problem in STRICTER:
            count(f"DKIM, {name}: passes there alone, here {ours.status} ({ours.problem}): {STRICTER[ours.problem]}")
        elif name == "dkimpy" and one.key == "for all":
            count("DKIM, dkimpy: passes here alone: it does not part the services in s= of the key")
        elif name == "rspamd" and not one.octets.partition(b"\r\n\r\n")[2].strip():
            count("DKIM, rspamd: passes here alone: a body of blanks is none by the relaxed way (RFC 6376 §3.4.4)")
        else:
            finding(f"{name} says {passes}, we {ours!r}: {one!r}")


def _compare_dmarc(one: Mail, found: Checks, symbols: frozenset[str]) -> None:
    """Where SPF and DKIM are the same."""
    if ("R_SPF_ALLOW" in symbols) is not (found.spf.status == "pass"):
        finding(f"rspamd says {sorted(symbols)}, we {found.spf!r}: {one!r}")
        return
    words = {RSPAMD_DMARC[symbol] for symbol in symbols & RSPAMD_DMARC.keys()}
    ours = _word(found.dmarc)
    if words == {ours}:
        count(f"DMARC, rspamd: the same, {ours}")
    elif not words or found.dkim[0].problem == "malformed header section":
        count("DMARC, rspamd: it finds no author in a header that was broken")
    else:
        finding(f"rspamd says {words}, we {found.dmarc!r}: {one!r}")


def _word(result: DMARCResult) -> str:
    if result.status != "fail":
        return str(result.status)
    return "fail, policy none" if result.policy == "none" else result.policy


async def compare(world: DNSWorld, rspamd: Rspamd, asked: Sequence[Sender], mails: Sequence[Mail]) -> None:
    """All of it."""
    await compare_spf(world.resolver(), rspamd, asked)
    await compare_mails(world.resolver(), rspamd, mails)


def main() -> None:
    """Compare."""
    seed, share, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"], check=True)
    rng = random.Random(f"opinions {seed}")
    asked, records = senders(rng, max(LEAST, round(SENDERS * share)))
    mails, keys = trio.run(make_mails, rng, max(LEAST, round(MAILS * share)))
    zones = {"example": "\n".join([*hosts(rng), *records]), "test": "\n".join(keys), **REVERSE}
    with DNSWorld(zones, port=53) as world, Rspamd(folder, "example\ntest\n", 11333) as rspamd:
        trio.run(compare, world, rspamd, asked, mails)


if __name__ == "__main__":
    main()
