"""A small world of DNS for tests: knot serves zones that it signs, unbound in front of it validates.

Both run without privileges, on free loopback ports, in a folder of their own. `DNSWorld` is a context manager:

    with DNSWorld({"example.org": 'mail A 192.0.2.1'}) as world:
        resolver = world.resolver()
        world.set("example.org", "mail A 192.0.2.2")

Records of a zone are lines of a zone file, relative to the zone or absolute; SOA, NS and TTL are added. The root zone
is served too, unsigned and empty, so that a name outside of the zones does not exist and no question leaves us.
Nothing is cached: a change is seen at once.
"""

import ipaddress
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from moxlite.net.dns.client import DNSResolver
from tests.tools import free_port, need, until

__all__ = ["DNSWorld"]

KNOT_CONF = """\
server:
    listen: 127.0.0.1@{port}
    rundir: {top}/run
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {top}/db
    journal-db-max-size: 64M
    kasp-db-max-size: 64M
    timer-db-max-size: 16M
log:
  - target: stderr
    any: warning
policy:
  - id: one-key
    algorithm: ecdsap256sha256
    single-type-signing: on
    cds-cdnskey-publish: none
template:
  - id: default
    storage: {top}/zones
    file: "%s.zone"
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    journal-content: all
zone:
{zones}
"""

UNBOUND_CONF = """\
server:
  interface: 127.0.0.1
  port: {port}
  num-threads: 1
  outgoing-range: 64
  num-queries-per-thread: 64
  msg-cache-size: 1m
  rrset-cache-size: 1m
  key-cache-size: 256k
  chroot: ""
  username: ""
  directory: "{top}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  val-log-level: 2
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "validator iterator"
  ede: yes
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 0
  val-bogus-ttl: 0
  qname-minimisation: no
  harden-below-nxdomain: no
  aggressive-nsec: no
  unblock-lan-zones: yes
  local-zone: "127.in-addr.arpa." nodefault
  local-zone: "test." nodefault
{anchors}
remote-control:
  control-enable: no
{stubs}
"""

ZONE = """\
$TTL 300
@ SOA ns.invalid. hostmaster.invalid. {serial} 3600 600 86400 60
@ NS ns.invalid.
{records}
"""

SECONDS = 30.0
"""For a program to be ready; 0.3 s are usual."""


class DNSWorld:
    """Zones, and a resolver that validates them.

    Args:
      zones: records of each zone, by name without final dot.
      unsigned: zones without DNSSEC; their answers are not authentic.
      bogus: signed zones whose trust anchor is another's, so that all their answers are SERVFAIL.
      port: of the resolver, a free one by default.

    ``port`` is that of the resolver on 127.0.0.1 (UDP and TCP), ``authority`` that of the server behind it.
    """

    def __init__(
        self,
        zones: Mapping[str, str],
        *,
        unsigned: Collection[str] = (),
        bogus: Collection[str] = (),
        port: int | None = None,
    ) -> None:
        self._zones = {"": "", **{name.rstrip(".").lower(): records for name, records in zones.items()}}
        self._signed = [name for name in self._zones if name and name not in unsigned]
        self._bogus = frozenset(bogus)
        self._programs = {name: need(name) for name in ("knotd", "knotc", "keymgr", "unbound")}
        self._running: list[subprocess.Popen[bytes]] = []
        self._serial = 1
        self.authority = free_port()
        self.port = port or free_port()

    def __enter__(self) -> "DNSWorld":
        self._top = Path(tempfile.mkdtemp(prefix="dns", dir="/tmp"))  # the control socket's path must be short
        try:
            self._start_knot()
            self._start_unbound()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
        shutil.rmtree(self._top, ignore_errors=True)

    @property
    def server(self) -> str:
        """The resolver as ``--resolver`` takes it."""
        return f"127.0.0.1:{self.port}"

    def resolver(self) -> DNSResolver:
        """Our own resolver, which asks this world's and believes its AD bit."""
        return DNSResolver([ipaddress.IPv4Address("127.0.0.1")], port=self.port)

    def set(self, zone: str, records: str) -> None:
        """Replace the records of a zone; returns when they are served."""
        name = zone.rstrip(".").lower()
        assert name in self._zones, f"{zone} is not a zone of this world"
        if records == self._zones[name]:
            return
        before = self._soa(name)
        self._zones[name] = records
        self._write(name)
        self._knotc("zone-reload", _dotted(name))
        until(lambda: self._soa(name) not in (None, before), seconds=SECONDS, what=f"the new {zone}")

    def stop_resolver(self) -> None:
        """End the resolver: nothing answers on its port from now on."""
        resolver = self._running.pop()
        resolver.terminate()
        resolver.wait(timeout=SECONDS)

    def log(self) -> str:
        """What both programs wrote."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._top.glob("*.log")))

    def _start_knot(self) -> None:
        for folder in ("run", "db", "zones"):
            (self._top / folder).mkdir()
        lines = []
        for name in self._zones:
            self._write(name)
            lines.append(f'  - domain: "{_dotted(name)}"\n    file: "{_file(name)}"')
            if name in self._signed:
                lines.append("    dnssec-signing: on\n    dnssec-policy: one-key")
        text = KNOT_CONF.format(top=self._top, port=self.authority, zones="\n".join(lines))
        (self._top / "knot.conf").write_text(text)
        self._run("knotd", "-c", str(self._top / "knot.conf"))
        for name in self._zones:
            until(lambda name=name: self._soa(name) is not None, seconds=SECONDS, what=f"{name} from knot")  # type: ignore[misc]

    def _start_unbound(self) -> None:
        anchors = self._top / "anchors"
        anchors.write_text("".join(self._anchor(name) for name in self._signed))
        stubs = "\n".join(
            f'stub-zone:\n  name: "{_dotted(name)}"\n  stub-addr: 127.0.0.1@{self.authority}\n  stub-no-cache: yes'
            for name in self._zones
        )
        anchor_file = f'  trust-anchor-file: "{anchors}"' if self._signed else ""
        text = UNBOUND_CONF.format(top=self._top, port=self.port, anchors=anchor_file, stubs=stubs)
        (self._top / "unbound.conf").write_text(text)
        self._run("unbound", "-d", "-p", "-c", str(self._top / "unbound.conf"))
        until(lambda: self._ask("", self.port) is not None, seconds=SECONDS, what="unbound")

    def _anchor(self, zone: str) -> str:
        """The DS records of a zone's key; of a key that it does not have, where it is to be bogus."""
        command = [self._programs["keymgr"], "-c", str(self._top / "knot.conf"), _dotted(zone), "ds"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
        lines = []
        for line in done.stdout.splitlines():
            name, _, tag, algorithm, kind, digest = line.split()
            if zone in self._bogus:
                digest = digest[::-1]
            if kind == "2":
                lines.append(f"{name} DS {tag} {algorithm} {kind} {digest}\n")
        assert lines, f"keymgr knows no key of {zone}: {done.stdout}{done.stderr}"
        return "".join(lines)

    def _write(self, name: str) -> None:
        self._serial += 1
        text = ZONE.format(serial=self._serial, records=self._zones[name])
        path = self._top / "zones" / _file(name)
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)
        stamp = time.time() + self._serial  # knot looks at whole seconds
        os.utime(path, (stamp, stamp))

    def _run(self, program: str, *args: str) -> None:
        with (self._top / f"{program}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    [self._programs[program], *args], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            )

    def _knotc(self, *args: str) -> None:
        command = [self._programs["knotc"], "-s", str(self._top / "run/knot.sock"), *args]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)

    def _soa(self, name: str) -> int | None:
        """The serial of a zone at its server; None while that does not answer."""
        answer = self._ask(name, self.authority)
        if answer is None or not answer.answer:
            return None
        return int(str(answer.answer[0][0]).split()[2])

    def _ask(self, name: str, port: int) -> dns.message.Message | None:
        for process in self._running:
            assert process.poll() is None, f"{process.args!r} ended:\n{self.log()}"
        query = dns.message.make_query(_dotted(name), "SOA")
        try:
            answer = dns.query.udp(query, "127.0.0.1", timeout=1.0, port=port)
        except (dns.exception.DNSException, OSError):
            return None
        return answer if answer.rcode() == dns.rcode.NOERROR else None


def _dotted(name: str) -> str:
    return f"{name}."


def _file(name: str) -> str:
    return f"{name or 'root'}.zone"
