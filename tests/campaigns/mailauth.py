"""SPF, DKIM and DMARC against others over made-up records and messages.

DKIM and dkimpy: what one signs the other takes, and a change means the same to both. Messages have folded fields,
doubled ones, blanks in values, empty lines, fields outside of ASCII; each is signed by one side with one of the four
canonicalizations, and changed at one place in every second case (AUTH-33, AUTH-39, AUTH-43).

What differs there, and is left out: blanks between the name of a field and its colon, which RFC 5322 §4.5 lets stand
there; dkimpy takes them for a part of the name; and messages without the empty line that ends the header, which are
malformed here and have an empty body there.

Then, in a net of its own with signed zones, SPF by spfquery (of Mail::SPF, and of libspf2), signatures by dkimpy,
opendkim-testmsg and rspamd, DMARC by rspamd: see `_opinions`, which also has the reasons of each difference
(AUTH-22..27, AUTH-34..40, AUTH-52..54).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final, cast

import dkim
import trio
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, key_record, sign, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import FakeResolver
from moxlite.proto.address import Address
from tests.campaigns._signedmail import KINDS, SIGNED, changed, message
from tests.campaigns.report import Finding, Report
from tests.tools import SBIN, top

__all__ = ["run"]

MESSAGES: Final = 4_000

BROKEN: Final = "malformed header section"
"""Our problem with a line that is no field, which dkimpy skips (AUTH-32)."""

AUTHOR: Final = Address.parse("ann@signer.example")
NAME: Final = "s._domainkey.signer.example."

PROGRAMS: Final = (
    "unshare",
    "knotd",
    "unbound",
    "spfquery.mail-spf-perl",
    "spfquery.libspf2",
    "opendkim-testmsg",
    "rspamd",
)

SECONDS: Final = 3_600.0
"""For all opinions; 300 are usual."""


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
    if theirs and not ours and result.problem == BROKEN:
        counts[f"passes by dkimpy alone: {result.problem}"] += 1
        return
    if ours is not theirs or (not is_changed and not ours):
        raise Finding(f"ours {result.status} ({result.problem}), dkimpy {theirs}: {whole!r}")
    side = "dkimpy" if by_dkimpy else "us"
    counts[f"signed by {side}, {'changed' if is_changed else 'as it was'}: {'pass' if ours else 'no pass'}"] += 1


def hindrance() -> str:
    """What keeps this machine from asking others; "" if nothing."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SBIN])
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    probe = ["unshare", *namespaces(), "sh", "-c", "mount --bind /etc/hostname /etc/resolv.conf"]
    done = subprocess.run(probe, check=False, capture_output=True, text=True)
    return f"no net of one's own: {done.stderr.strip()}" if done.returncode else ""


def namespaces() -> list[str]:
    """Options of unshare for root, and for others."""
    return ["--net", "--mount"] if os.geteuid() == 0 else ["--net", "--mount", "--map-root-user"]


def ask_others(seed: int, share: float, counts: Counter[str]) -> None:
    """Run `_opinions`. Raises Finding."""
    with tempfile.TemporaryDirectory(prefix="opinions", dir="/tmp") as folder:  # for paths of sockets, short
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [
                "unshare",
                *namespaces(),
                sys.executable,
                "-m",
                "tests.campaigns._opinions",
                str(seed),
                str(share),
                folder,
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            cwd=top(),
            env=os.environ | {"PYTHONPATH": str(top())},
        )
    for line in done.stdout.splitlines():
        kind, words = json.loads(line)
        if kind == "finding":
            raise Finding(words)
        counts[words] += 1
    if done.returncode:
        raise Finding(done.stderr[-4000:])


def run(seed: int, share: float, report: Report) -> None:
    """Compare."""
    rng = random.Random(f"mailauth {seed}")
    key = generate_private_key(65537, 1024)  # dkimpy checks Ed25519 only with a library that we do not have
    counts: Counter[str] = Counter()

    async def all_of_them() -> None:
        for _ in range(max(1, round(MESSAGES * share))):
            await compare(rng, key, counts)

    trio.run(all_of_them)
    why = hindrance()
    if not why:
        ask_others(seed, share, counts)
    elif os.environ.get("CI") == "true":
        raise Finding(f"others cannot be asked, and CI=true allows no skip: {why}")
    else:
        report.tell(f"others were not asked: {why}")
    for words, number in sorted(counts.items()):
        report.tell(f"{words}: {number}")
