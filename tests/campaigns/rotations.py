"""Ninety days in fast motion, with three rotations of the signing key and three of the key that TLSA records name, at a
signed zone of knot that is changed by RFC 2136. 10,000 mails are signed, wait in queues for up to five days, and are
verified by resolvers that keep answers for up to an hour; as many arrive here by DANE. The server is killed before and
after each write of each step (AUTH-115, AUTH-118).
"""

import contextlib
import heapq
import ipaddress
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import trio
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from moxlite.admin.dkimkeys import read_key
from moxlite.admin.dns import hostrotation, rotation, update
from moxlite.admin.dns.hostrotation import HostKeyRotation
from moxlite.admin.dns.plan import Change
from moxlite.admin.dns.rotation import KeyRotation, read_keys_state
from moxlite.admin.dns.stages import DAY
from moxlite.admin.dns.wanted import public_key_record, read_keys
from moxlite.admin.dns.zonefile import rdata_of
from moxlite.admin.dns.zones import Authorities
from moxlite.admin.dnsproviders.accounts import RFC2136, DNSFiles, Stored
from moxlite.autotls import files
from moxlite.autotls.autotls import AutoTLS
from moxlite.autotls.challenges import Challenges
from moxlite.autotls.hostkeys import keys_in_use, read_host_state
from moxlite.autotls.reachability import Ports
from moxlite.autotls.rehearsal import ChallengePort
from moxlite.config.domains import DKIM_HEADERS
from moxlite.config.holder import ConfigHolder
from moxlite.mailauth import dane
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, sign
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.dns.client import DNSResolver
from moxlite.net.resolver import Answer, FakeResolver, NotFound, Record, RecordType, Resolver
from moxlite.net.tls.certificates import KeyPair
from moxlite.proto.address import Domain
from tests.campaigns.report import Finding, Report
from tests.signedroot import SignedRoot
from tests.unit.test_autotls import PlayedCA

__all__ = ["run"]

MAILS: Final = 10_000
ROTATIONS: Final = 3
PERIOD_DAYS: Final = 25
KEPT: Final = 3500.0
"""Seconds for which the laziest resolver keeps an answer, whatever its TTL."""
QUEUED: Final = 5 * DAY
"""Longest time of a mail in a queue."""

HOST: Final = "mx.example.org"
DOMAIN: Final = Domain.parse("example.org")
KEY: Final = ("hmac-sha256", "change.me", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=")

STATIC: Final = f"""\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[acme.ca]
directory_url = "https://ca.example/dir"
contact_email = "me@example.org"
host_key_period = "{PERIOD_DAYS}d"
[listeners.public]
ips = ["192.0.2.1"]
tls.acme = "ca"
smtp.enabled = true
"""

DOMAINS: Final = f"""\
[domains."example.org"]
dkim.selectors.a = {{ key_file = "a.pem" }}
dkim.sign = ["a"]
dkim.auto_rotate = "{PERIOD_DAYS}d"
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""


class Killed(BaseException):
    """The server dies."""


class Remembering(Resolver):
    """A resolver that keeps each answer, no answer too, for a time of its own, by the campaign's clock."""

    def __init__(self, port: int, kept: float, clock: Callable[[], float]) -> None:
        self._port, self._kept, self._clock = port, kept, clock
        self._answers: dict[tuple[str, RecordType], tuple[float, Answer[Record] | NotFound]] = {}

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        known = self._answers.get((name, kind))
        if known is None or known[0] + self._kept <= self._clock():
            try:
                fresh = DNSResolver([ipaddress.IPv4Address("127.0.0.1")], port=self._port)  # one keeps answers itself
                found: Answer[Record] | NotFound = await fresh.lookup(name, kind)
            except NotFound as error:
                found = error
            known = self._answers[name, kind] = self._clock(), found
        if isinstance(known[1], NotFound):
            raise known[1]
        return known[1]


class Server:
    """The rotations of a server, its certificates, and its signing key."""

    def __init__(self, folder: Path, root: SignedRoot) -> None:
        self.ca = PlayedCA(days=90)
        self.path = folder / "moxlite.toml"
        self.path.write_text(STATIC)
        (folder / "domains.toml").write_text(DOMAINS)
        command = ["openssl", "genpkey", "-algorithm", "RSA", "-out", str(folder / "a.pem")]
        subprocess.run(command, check=True, capture_output=True)
        self.held = {"public": (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048))}
        place = f"127.0.0.1#{root.authority}"
        self._files = DNSFiles(self.path, "moxlite")
        self._files.set_provider(DOMAIN, Stored(RFC2136, "", {"server": place, "key": ":".join(KEY)}))
        self._root = root
        self.start()

    def start(self) -> None:
        """Start it anew."""
        self.config, _ = ConfigHolder.open(self.path)
        self.used: list[KeyPair] = []
        self.keeper = AutoTLS(
            "ca",
            config=self.config,
            folder=self.path.parent / "data/acme",
            keys={HOST: keys_in_use(self.config.current, self.held)["public"]},
            eab_key="",
            resolver=FakeResolver({"A": {f"{HOST}.": ["192.0.2.1"]}}),
            challenges=Challenges(),
            ports=Ports(self.used.append, list, (ChallengePort("tls-alpn-01", 443),)),
            clock=lambda: self.ca.now,
            talk=self.ca.speak,
        )
        self.keeper.load()
        authorities = Authorities(self._root.servers, self._root.authority)
        self.signing = KeyRotation(self.config, clock=lambda: self.ca.now, authorities=authorities)
        self.hosts = HostKeyRotation(
            self.config, self.held, [self.keeper], clock=lambda: self.ca.now, authorities=authorities
        )

    async def go(self) -> None:
        """What it does within the hour."""
        await self.keeper.round()
        await self.signing.advance(DOMAIN)
        await self.hosts.advance(HOST)
        await self.keeper.round()
        await self.hosts.advance(HOST)

    @property
    def stages(self) -> tuple[str, str]:
        """Of both rotations; with what they wait for."""
        keys, host = read_keys_state(self._files, DOMAIN), read_host_state(self.path.parent / "data/acme", HOST)
        return f"{keys.stage} {keys.problem}{keys.todo}", f"{host.stage} {host.problem}{host.todo}"

    @property
    def selectors(self) -> tuple[str, ...]:
        """Those that sign."""
        return self.config.current.domains.domains["example.org"].dkim.sign

    async def signed(self, text: bytes) -> bytes:
        """A message with a signature."""
        found = self.config.current.domains.domains["example.org"].dkim.selectors
        signers = [
            Signer(selector=one, key=read_key(found[one].key_file), sealed=DKIM_HEADERS) for one in self.selectors
        ]
        return await sign(Message.of(text), None, signers, self.ca.now, domain=DOMAIN) + text


class Kills:
    """Kills the server at the write of a number, before it or after it."""

    def __init__(self) -> None:
        self.at = self.seen = self.done = 0

    def count(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            self.done += 1
            raise Killed

    @contextmanager
    def at_writes(self) -> Iterator[None]:
        """Patch what writes."""
        with ExitStack() as stack:
            for owner, name in (
                (DNSFiles, "set_keys"),
                (DNSFiles, "set_state"),
                (hostrotation, "write_host_state"),
                (files.Folder, "write_certificate"),
                (update.KeyedServer, "send"),
            ):
                stack.enter_context(patch.object(owner, name, self._wrapped(getattr(owner, name))))
            stack.enter_context(patch.object(rotation, "edit", self._wrapped_async(rotation.edit)))  # type: ignore[attr-defined]
            yield

    def _wrapped(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            self.count()
            result = work(*args, **options)
            self.count()
            return result

        return run

    def _wrapped_async(self, work: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*args: Any, **options: Any) -> Any:
            self.count()
            result = await work(*args, **options)
            self.count()
            return result

        return run


def run(seed: int, share: float, report: Report) -> None:
    """Ninety days, or a part of them with a rotation of each key."""
    rotations = max(1, round(ROTATIONS * share))
    zones = {"": "", "org": "", "example.org": "mx A 192.0.2.1"}
    with tempfile.TemporaryDirectory(prefix="moxlite-rotations-") as name, SignedRoot(zones, key=KEY) as root:
        server = Server(Path(name), root)
        trio.run(_days, random.Random(seed), rotations, max(60, round(MAILS * share)), server, root, report)


async def _days(
    rng: random.Random, rotations: int, mails: int, server: Server, root: SignedRoot, report: Report
) -> None:
    days = 30 * rotations
    begun, end = server.ca.now, server.ca.now + days * DAY
    _publish(server, root)
    resolvers = [Remembering(root.authority, kept, lambda: server.ca.now) for kept in (0, 300, 1200, KEPT, KEPT)]
    kills, under_way = Kills(), list[tuple[float, int, bytes]]()
    verified = sent = 0
    await server.keeper.round()
    selectors, keys = [server.selectors], list[bytes]()

    async def verify_due() -> int:
        count = 0
        while under_way and under_way[0][0] <= server.ca.now:
            _, number, octets = heapq.heappop(under_way)
            results = await verify(rng.choice(resolvers), Message.of(octets), now=server.ca.now)
            if not results or any(one.status != "pass" for one in results):
                raise Finding(f"mail {number}: {results}; {server.stages}")
            count += 1
        return count

    with kills.at_writes():
        while server.ca.now < end or under_way:
            for resolver in resolvers[-2:]:
                await _guess(resolver, server)
            await _hour(server, kills, rng.choice((0, 1, 1, 1, 2, 3)))
            if server.selectors != selectors[-1]:
                selectors.append(server.selectors)
            shown = public_key_record(server.used[-1].key.public_key()).data
            if shown not in keys:
                keys.append(shown)
            begin = server.ca.now
            due = round(mails * (min(begin + 3600, end) - begun) / (days * DAY)) - sent if begin < end else 0
            for _ in range(due):
                server.ca.now += rng.uniform(0, 3500 / due)
                sent += 1
                text = f"From: me@example.org\r\nTo: you@other.example\r\nSubject: {sent}\r\n\r\nHello.\r\n".encode()
                wait = QUEUED * rng.random() ** 4 if sent % 2 else 0
                heapq.heappush(under_way, (server.ca.now + wait, sent, await server.signed(text)))
                await _arrives(rng.choice(resolvers), server)
                verified += await verify_due()
            server.ca.now = begin + 3600
            verified += await verify_due()
    if len(selectors) - 1 < rotations or len(keys) - 1 < rotations:
        raise Finding(f"only {len(selectors) - 1} and {len(keys) - 1} rotations in {days} days: {server.stages}")
    report.tell(
        f"{days} days: the signing key changed {len(selectors) - 1} times, the key for DANE {len(keys) - 1} times, "
        f"{kills.done} kills; {verified} mails verified, {sent} arrivals by DANE, none failed"
    )


async def _hour(server: Server, kills: Kills, first: int) -> None:
    """The steps of an hour, broken off at each write from the first one on, 0 for none; the server takes up where it
    was.
    """
    kills.seen, kills.at = 0, first
    while True:
        try:
            await server.go()
            break
        except (Killed, BaseExceptionGroup) as error:
            if isinstance(error, BaseExceptionGroup) and error.split(Killed)[1] is not None:
                raise
            kills.seen, kills.at = 0, kills.at + 1
            server.start()
    kills.at = 0


async def _guess(resolver: Resolver, server: Server) -> None:
    """Ask for what is there, and for selectors that may come: the resolver remembers the answers."""
    await resolver.tlsa(f"_25._tcp.{HOST}.")
    year = time.gmtime(server.ca.now).tm_year
    for letter in "abcd":
        with contextlib.suppress(NotFound):
            await resolver.txt(f"{year}{letter}._domainkey.example.org.")


async def _arrives(resolver: Resolver, server: Server) -> None:
    """A mail arrives by DANE."""
    records = [one for one in (await resolver.tlsa(f"_25._tcp.{HOST}.")).records if dane.is_usable(one)]
    problem = dane.verify(records, server.used[-1].chain, (HOST,))
    if not records or problem is not None:
        raise Finding(f"DANE fails at {server.ca.now}: {problem}; {server.stages}")


def _publish(server: Server, root: SignedRoot) -> None:
    """The records of the first keys, as `dns update` makes them."""
    place = update.NameServer(ipaddress.IPv4Address("127.0.0.1"), root.authority, update.parse_key(":".join(KEY), "it"))
    text = rdata_of("TXT", read_keys(server.config.current, DOMAIN).dkim["a"])
    tlsa = tuple(rdata_of("TLSA", public_key_record(one.public_key())) for one in server.held["public"])
    changes = [
        Change("a._domainkey.example.org.", "TXT", (), (), (text,)),
        Change(f"_25._tcp.{HOST}.", "TLSA", (), (), tlsa),
    ]
    update.send_update(place, "example.org.", changes)
