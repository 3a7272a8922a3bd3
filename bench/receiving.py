"""What checking senders costs: `python -m bench.receiving [MEASURE ...] [--rounds N] [--json FILE]`.

- ``checks``: deliveries a second of signed mail with the checks of senders, and without, in turn; 16 connections.
- ``reference``: the same mail through us, and through postfix with rspamd as its milter, on to dovecot by LMTP.
- ``dkim``: verifying signatures, and dkimpy doing so, in one process, in turn.
- ``decision``: what the past of an account of 1,000,000 messages says of a sender (SMTP-81, SMTP-88).

All servers ask the same DNS (knot behind unbound), where the sender has SPF, DKIM and DMARC that pass. Rates of a busy
machine say little; the processor time that all processes of a side used for a delivery is given beside them. Root is
needed for postfix, dovecot and rspamd.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bench.probe import PORT, UNCHECKED
from bench.servers import BYTECODE
from bench.storemail import ACCOUNT, Letters, facts_of, options
from moxlite.acceptance import gathering
from moxlite.acceptance.history import Sender, reputation
from moxlite.config.domains import DKIM_HEADERS
from moxlite.config.static import RateLimits
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, generate, key_record, sign
from moxlite.mailauth.dkim.verify import verify
from moxlite.mailauth.results import SignatureStatus
from moxlite.net.resolver import FakeResolver
from moxlite.proto import publicsuffix
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import copy_messages
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.rows.messages import uids
from moxlite.store.types import Flag
from tests.dnsworld import DNSWorld
from tests.realservers import Dovecot, Postfix, listening, tree
from tests.running import ServedServer, make_certificate
from tests.tools import free_port, need, until

Figures = dict[str, float]

SENDER: Final = "ann@sender.example"
CONNECTIONS: Final = 16
COUNT: Final = 1000
"""Deliveries of a round."""

SIZE: Final = 10_000
"""Octets of a message."""

VERIFIED: Final = 300
"""Signatures of a round of ours, and a tenth of that of dkimpy's."""

MESSAGES: Final = 1_000_000
DISTINCT: Final = 10_000
"""Messages that are delivered; the others of the account are copies of theirs, which have the same past."""

PART: Final = 2000
"""Messages copied in one unit."""

ASKED: Final = 300
"""Decisions that are timed."""

RSPAMD: Final = {
    "options.inc": 'dns {{ nameserver = "127.0.0.1:{dns}:1"; }}\ncheck_local = true;\nfilters = "dkim,spf";\n',
    "logging.inc": 'type = "file";\nfilename = "{top}/rspamd.log";\nlevel = "info";\n',
    "worker-normal.inc": "enabled = false;\n",
    "worker-controller.inc": 'bind_socket = "127.0.0.1:{control}";\n',
    "worker-proxy.inc": 'bind_socket = "127.0.0.1:{port}";\nmilter = yes;\ncount = 2;\n'
    'upstream "local" {{ default = yes; self_scan = yes; }}\n',
    "spf.conf": "check_local = true;\n",
    "dkim.conf": "check_local = true;\n",
    "dmarc.conf": "check_local = true;\n",
    "fuzzy_check.conf": "enabled = false;\n",  # asks servers of the internet
    "milter_headers.conf": "extended_spam_headers = true;\nskip_local = false;\n",
}
"""Debian's configuration with these files in local.d: what is in a net of one machine is checked, too."""


def sign_mail(key: RSAPrivateKey) -> bytes:
    """A message of `SIZE` octets with a signature."""
    rng = random.Random(1)
    lines = [" ".join(f"{rng.randrange(10**6):x}" for _ in range(11)).encode() for _ in range(SIZE // 62)]
    mail = (
        f"From: Ann <{SENDER}>\r\nTo: Bob <bob@example.org>\r\nSubject: figures of the week\r\n".encode()
        + b"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\nMIME-Version: 1.0\r\n"
        + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
        + b"\r\n".join(lines)
        + b"\r\n"
    )
    signer = Signer(selector="s1", key=key, sealed=DKIM_HEADERS)
    return trio.run(sign, Message.of(mail), Address.parse(SENDER), [signer], time.time()) + mail


@contextmanager
def world(key: RSAPrivateKey) -> Iterator[DNSWorld]:
    """DNS in which mail of `SENDER` from this machine passes all checks."""
    text = key_record(key)
    pieces = " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))
    zone = f"""\
@ MX 10 mx
mx A 127.0.0.1
@ TXT "v=spf1 ip4:127.0.0.0/8 -all"
mx TXT "v=spf1 ip4:127.0.0.0/8 -all"
_dmarc TXT "v=DMARC1; p=reject"
s1._domainkey TXT {pieces}
"""
    own = "@ MX 10 mx\nmx A 127.0.0.1\n"
    names = {"sender.example": zone, "1.0.0.127.in-addr.arpa": "@ PTR mx.sender.example.\n", "example.org": own}
    with DNSWorld(names, unsigned=list(names)) as made:
        yield made


class Side:
    """A server that takes mail for one mailbox: what a measure needs to know of it."""

    def __init__(self, port: int, address: str, pids: Callable[[], list[int]], stored: Callable[[], int]) -> None:
        self.port = port
        self.address = address
        self.pids = pids
        self.stored = stored

    def run(self, mail: Path, count: int) -> tuple[float, float]:
        """Deliver; messages a second until all are stored, and ms of a processor for each."""
        before, used = self.stored(), processor(self.pids())
        began = time.perf_counter()
        subprocess.run(
            [
                *("smtp-source", "-s", str(CONNECTIONS), "-m", str(count), "-M", "mx.sender.example"),
                *("-F", str(mail), "-f", SENDER, "-t", self.address, f"127.0.0.1:{self.port}"),
            ],
            check=True,
            capture_output=True,
            timeout=600,
        )
        until(lambda: self.stored() >= before + count, seconds=600, what="all messages", pause=0.05)
        seconds = time.perf_counter() - began
        return count / seconds, (processor(self.pids()) - used) / count * 1e3


def processor(pids: list[int]) -> float:
    """Seconds of a processor that these processes have used, with those that they have waited for."""
    total = 0
    for pid in pids:
        try:
            total += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue
    return total / os.sysconf("SC_CLK_TCK")


@contextmanager
def moxlite(top: Path, dns: DNSWorld, *, checked: bool) -> Iterator[Side]:
    """Ours, as `serve` runs it."""
    environment = {**BYTECODE, PORT: str(dns.port), **({} if checked else {UNCHECKED: "1"})}
    server = ServedServer(
        top / ("checked" if checked else "unchecked"),
        environment=environment,
        module="bench.probe",
        top='dns.servers = ["127.0.0.1"]',
    )
    log = server.folder.with_name(f"{server.folder.name}.log")
    with server:

        def stored() -> int:
            return log.read_text().count("message delivered") if log.exists() else 0

        yield Side(server.ports["smtp"], "bob@example.org", server.pids, stored)


@contextmanager
def reference(top: Path, dns: DNSWorld) -> Iterator[Side]:
    """postfix, rspamd as its milter, dovecot."""
    certificate, key = make_certificate(top)
    port, control = free_port(), free_port()
    local = top / "rspamd/local.d"
    local.mkdir(parents=True)
    for name, text in RSPAMD.items():
        (local / name).write_text(text.format(dns=dns.port, top=top, port=port, control=control))
    places = {name: str(top / "rspamd") for name in ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR")}
    arguments = [f"--var={name}={place}" for name, place in places.items()]
    command = [need("rspamd"), "--no-fork", "--insecure", "-u", "root", "-g", "root", *arguments]
    with ExitStack() as stack:
        rspamd = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(rspamd.wait)
        stack.callback(rspamd.terminate)
        until(lambda: listening(port), what="rspamd listens")
        dovecot = stack.enter_context(Dovecot(top / "dovecot", certificate=certificate, key=key))
        postfix = stack.enter_context(
            Postfix(
                top / "postfix",
                extra="virtual_mailbox_domains = example.org\n"
                f"virtual_transport = lmtp:inet:127.0.0.1:{dovecot.lmtp_port}\n"
                f"smtpd_milters = inet:127.0.0.1:{port}\nmilter_protocol = 6\n"
                "milter_mail_macros = i {mail_addr} {client_addr} {client_name} {auth_authen}\n"
                "milter_default_action = tempfail\n",
            )
        )

        def stored() -> int:
            return postfix.log().count("status=sent")

        def pids() -> list[int]:
            return [*postfix.pids(), *dovecot.pids(), *tree(rspamd.pid)]

        yield Side(postfix.port, "bench@example.org", pids, stored)
        log = (top / "rspamd.log").read_text(errors="replace")
        for symbol in ("R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"):
            assert symbol in log, f"rspamd did not find {symbol}"


def compare(sides: Mapping[str, Side], mail: Path, rounds: int) -> Figures:
    """The sides in turn; medians."""
    found: dict[str, list[float]] = {}
    for side in sides.values():
        side.run(mail, 100)
    for _ in range(rounds):
        for name, side in sides.items():
            rate, used = side.run(mail, COUNT)
            found.setdefault(f"{name}, /s", []).append(rate)
            found.setdefault(f"{name}, ms of a processor each", []).append(used)
            print(f"# {name}: {rate:.0f}/s, {used:.2f} ms, load {os.getloadavg()[0]:.1f}", flush=True)
    return {name: statistics.median(values) for name, values in found.items()}


def checks(top: Path, rounds: int) -> Figures:
    """Deliveries with the checks of senders and without."""
    key = generate("rsa")
    assert isinstance(key, RSAPrivateKey)
    mail = top / "mail"
    mail.write_bytes(sign_mail(key).replace(b"\r\n", b"\n"))
    with world(key) as dns, moxlite(top, dns, checked=True) as on, moxlite(top, dns, checked=False) as off:
        return compare({"deliveries with checks": on, "deliveries without checks": off}, mail, rounds)


def against(top: Path, rounds: int) -> Figures:
    """Deliveries beside postfix with rspamd and dovecot."""
    key = generate("rsa")
    assert isinstance(key, RSAPrivateKey)
    mail = top / "mail"
    mail.write_bytes(sign_mail(key).replace(b"\r\n", b"\n"))
    with world(key) as dns, moxlite(top, dns, checked=True) as ours, reference(top, dns) as theirs:
        return compare({"deliveries": ours, "deliveries, postfix + rspamd + dovecot": theirs}, mail, rounds)


def dkim(top: Path, rounds: int) -> Figures:
    """Verifications a second of a processor, ours and dkimpy's."""
    import dkim as dkimpy

    del top
    key = generate("rsa")
    assert isinstance(key, RSAPrivateKey)
    mail, record = sign_mail(key), key_record(key)
    resolver = FakeResolver({"TXT": {"s1._domainkey.sender.example": [record]}})
    publicsuffix.load()

    async def ours(count: int) -> None:
        for _ in range(count):
            [result] = await verify(resolver, Message.of(mail))
            assert result.status is SignatureStatus.PASS

    def theirs(count: int) -> None:
        for _ in range(count):
            assert dkimpy.verify(mail, dnsfunc=lambda *_, **__: record.encode())

    found: dict[str, list[float]] = {"DKIM verifications": [], "DKIM verifications, dkimpy": []}
    for _ in range(rounds):
        began = time.process_time()
        trio.run(ours, VERIFIED)
        found["DKIM verifications"].append(VERIFIED / (time.process_time() - began))
        began = time.process_time()
        theirs(VERIFIED // 10)
        found["DKIM verifications, dkimpy"].append(VERIFIED // 10 / (time.process_time() - began))
    return {f"{name}, /s of a processor": statistics.median(values) for name, values in found.items()}


async def _build(account: Account) -> None:
    letters = Letters(DISTINCT)
    now = time.time_ns() // 1000

    async def some(mine: range) -> None:
        for number in mine:
            octets = letters.octets(number * 6, size=1000, attachments=False)
            junk = number % 5 == 0
            await deliver(
                account,
                await prepare(Spool.of(octets)),
                facts_of(number * 6),
                "Junk" if junk else "Archive",
                flags=Flag.JUNK if junk else Flag.NOTJUNK,
                received=now - (DISTINCT - number) * 300_000_000,
            )

    async with trio.open_nursery() as nursery:
        for first in range(64):
            nursery.start_soon(some, range(first, DISTINCT, 64))
    for name in ("Archive", "Junk"):
        box = await account.read(lambda r, name=name: mailbox_by_name(r, name), op="bench")  # type: ignore[misc]
        assert box is not None
        own = list(await account.scan(lambda r, box=box: uids(r, box.id), op="bench"))  # type: ignore[misc]
        for _ in range(MESSAGES // DISTINCT - 1):
            for at in range(0, len(own), PART):
                part = own[at : at + PART]
                await account.write(lambda tx, box=box, part=part: copy_messages(tx, box.id, part, box.id))  # type: ignore[misc]


def decision(top: Path, rounds: int) -> Figures:
    """What is read of the past for one decision: how much came lately, and what earlier mail says of the sender."""

    async def run() -> Figures:
        accounts = Accounts(top / "data", msgspec.structs.replace(options(), search_index=False))
        (top / "data").mkdir()
        publicsuffix.load()
        rng = random.Random(2)
        limits = RateLimits()
        found: dict[str, list[float]] = {"known sender": [], "unknown sender of a known network": []}
        busy: list[float] = []
        async with accounts.use(ACCOUNT) as account:
            await _build(account)
            now = time.time_ns() // 1000

            def ask(r: Reader, sender: Sender) -> None:
                began = time.thread_time()
                gathering.exceeded(r, sender.networks, SIZE, limits, now)
                reputation(r, sender, "Archive", now)
                busy.append((time.thread_time() - began) * 1e3)

            for number in range(ASKED * rounds):
                smtp = facts_of(rng.randrange(DISTINCT) * 6).smtp
                assert smtp is not None
                known = number % 2 == 0
                sender = Sender(
                    localpart=smtp.msgfrom if known else f"stranger{number}",
                    domain=smtp.msgfrom_domain if known else f"unknown{number}.example",
                    validated=True,
                    signers=(smtp.msgfrom_domain,) if known else (),
                    mail_from=(smtp.mailfrom, smtp.mailfrom_domain) if known else ("", ""),
                    ehlo=smtp.ehlo_domain if known else "",
                    networks=(smtp.ip1, smtp.ip2, smtp.ip3),
                )
                began = time.perf_counter()
                await account.read(lambda r, sender=sender: ask(r, sender), op="bench")  # type: ignore[misc]
                found[next(iter(found)) if known else list(found)[1]].append((time.perf_counter() - began) * 1e3)
        await accounts.aclose()
        figures: Figures = {}
        for name, took in found.items():
            figures[f"decision at {MESSAGES:,} messages, {name}, p50, ms"] = statistics.median(took)
            figures[f"decision at {MESSAGES:,} messages, {name}, p99, ms"] = sorted(took)[len(took) * 99 // 100]
        figures["decision, of a processor, p99, ms"] = sorted(busy)[len(busy) * 99 // 100]
        return figures

    return trio.run(run)


MEASURES: Final[Mapping[str, Callable[[Path, int], Figures]]] = {
    "checks": checks,
    "reference": against,
    "dkim": dkim,
    "decision": decision,
}


def main() -> None:
    """Run the measures and print their figures."""
    parser = argparse.ArgumentParser(prog="bench.receiving", description=__doc__)
    parser.add_argument("measures", nargs="*", default=[], help=f"of {', '.join(MEASURES)}; none: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args()
    if unknown := set(given.measures) - set(MEASURES):
        parser.error(f"no measure named {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    figures: Figures = {}
    for name in given.measures or MEASURES:
        top = Path(tempfile.mkdtemp(prefix="moxlite-bench-"))
        top.chmod(0o755)
        try:
            figures |= MEASURES[name](top, given.rounds)
        finally:
            shutil.rmtree(top, ignore_errors=True)
    for name, value in figures.items():
        print(f"{name}: {value:,.2f}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
