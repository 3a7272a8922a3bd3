"""A small internet of DNS for tests: a signed root with delegations to signed and unsigned zones, at one server.

    with SignedRoot({"": "", "org": "", "example.org": "mail A 192.0.2.1"}) as root:
        root.anchors       # the DS records of the root's key
        root.servers       # a resolver that passes signatures on, and validates nothing

Each zone is delegated by the closest zone above it, by DS records unless it is `unsigned`. knot signs with one key for
each zone; unbound in front of it has no trust anchor. In `forged`, DS records are those of another key.
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
import dns.message
import dns.query

from moxlite.net.dns.client import DNSResolver, Servers
from moxlite.net.dnssec.anchors import Anchors, anchors_of
from tests.tools import free_port, need, until

__all__ = ["SignedRoot"]

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
  - id: nsec
    algorithm: {algorithm}
    single-type-signing: on
    cds-cdnskey-publish: none
  - id: nsec3
    algorithm: {algorithm}
    single-type-signing: on
    cds-cdnskey-publish: none
    nsec3: on
    nsec3-iterations: {iterations}
    nsec3-opt-out: {opt_out}
template:
  - id: default
    storage: {top}/zones
    file: "%s.zone"
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    journal-content: all
{remote}
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
  chroot: ""
  username: ""
  directory: "{top}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  qname-minimisation: no
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 0
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


class SignedRoot:
    """The zones, by name without final dot, "" for the root, which must be there.

    Args:
      unsigned: zones without DNSSEC and without DS records.
      forged: zones whose DS records are of another key.
      hashed: zones with NSEC3 instead of NSEC.
      key: a TSIG key, by which zones may be changed (RFC 2136): algorithm, name and secret.
    """

    def __init__(
        self,
        zones: Mapping[str, str],
        *,
        unsigned: Collection[str] = (),
        forged: Collection[str] = (),
        hashed: Collection[str] = (),
        iterations: int = 0,
        opt_out: bool = False,
        algorithm: str = "ecdsap256sha256",
        key: tuple[str, str, str] | None = None,
    ) -> None:
        self._zones = dict(zones)
        self._unsigned = frozenset(unsigned)
        self._forged = frozenset(forged)
        self._hashed = frozenset(hashed)
        self._settings = {
            "iterations": str(iterations),
            "opt_out": "on" if opt_out else "off",
            "algorithm": algorithm,
        }
        self._key = key
        self._programs = {name: need(name) for name in ("knotd", "knotc", "keymgr", "unbound")}
        self._running: list[subprocess.Popen[bytes]] = []
        self.authority = free_port()
        self.port = free_port()

    def __enter__(self) -> "SignedRoot":
        self._top = Path(tempfile.mkdtemp(prefix="root", dir="/tmp"))  # the control socket's path must be short
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
    def servers(self) -> Servers:
        """The resolver, as one that is not trusted."""
        return Servers((ipaddress.IPv4Address("127.0.0.1"),), trusted=False, port=self.port)

    @property
    def server(self) -> str:
        """The resolver as ``--resolver`` takes it."""
        return f"127.0.0.1:{self.port}"

    def resolver(self) -> DNSResolver:
        """Our own resolver, which asks this world's; its AD bit is never set."""
        return DNSResolver([ipaddress.IPv4Address("127.0.0.1")], port=self.port)

    @property
    def anchors(self) -> Anchors:
        """The DS records of the root's key."""
        return anchors_of({".": tuple(line.partition(" DS ")[2] for line in self._ds(""))})

    def _start_knot(self) -> None:
        for folder in ("run", "db", "zones"):
            (self._top / folder).mkdir()
        self._conf = self._top / "knot.conf"
        lines = []
        for name in self._zones:
            self._write(name, serial=1)
            lines.append(f'  - domain: "{name}."\n    file: "{name or "root"}.zone"')
            if name not in self._unsigned:
                lines.append(
                    f"    dnssec-signing: on\n    dnssec-policy: {'nsec3' if name in self._hashed else 'nsec'}"
                )
            if self._key is not None:
                lines.append("    acl: change")
        remote = ""
        if self._key is not None:
            algorithm, key, secret = self._key
            remote = (
                f"key:\n  - id: {key}\n    algorithm: {algorithm}\n    secret: {secret}\n"
                f"acl:\n  - id: change\n    key: {key}\n    action: [update, transfer]\n"
            )
        text = KNOT_CONF.format(
            top=self._top, port=self.authority, zones="\n".join(lines), remote=remote, **self._settings
        )
        self._conf.write_text(text)
        self._run("knotd", "-c", str(self._conf))
        for name in self._zones:
            until(lambda name=name: self._serial(name) is not None, seconds=SECONDS, what=f"{name} from knot")  # type: ignore[misc]
        signed = [name for name in self._zones if name and name not in self._unsigned]
        for name in {self._parent(child) for child in signed}:  # again, now that all have keys
            before = self._serial(name)
            self._write(name, serial=10)
            self._knotc("zone-reload", f"{name}.")
            until(lambda: self._serial(name) not in (None, before), seconds=SECONDS, what=f"the delegations of {name}")  # noqa: B023

    def _start_unbound(self) -> None:
        stubs = f'stub-zone:\n  name: "."\n  stub-addr: 127.0.0.1@{self.authority}\n'
        stubs += "".join(
            f'stub-zone:\n  name: "{name}."\n  stub-addr: 127.0.0.1@{self.authority}\n' for name in self._zones if name
        )
        text = UNBOUND_CONF.format(top=self._top, port=self.port, stubs=stubs)
        (self._top / "unbound.conf").write_text(text)
        self._run("unbound", "-d", "-p", "-c", str(self._top / "unbound.conf"))
        until(lambda: self._serial("", self.port) is not None, seconds=SECONDS, what="unbound")

    def _write(self, name: str, *, serial: int) -> None:
        records = self._zones[name]
        for child in self._zones:
            if child and child != name and self._parent(child) == name:
                records += f"\n{child}. NS ns.invalid.\n"
                if serial > 1 and child not in self._unsigned:
                    records += "\n".join(self._ds(child)) + "\n"
        path = self._top / "zones" / f"{name or 'root'}.zone"
        path.write_text(ZONE.format(serial=serial, records=records))
        stamp = time.time() + serial  # knot looks at whole seconds
        os.utime(path, (stamp, stamp))

    def _parent(self, name: str) -> str:
        return max((one for one in self._zones if one != name and (not one or name.endswith(f".{one}"))), key=len)

    def _ds(self, zone: str) -> list[str]:
        command = [self._programs["keymgr"], "-c", str(self._conf), f"{zone}.", "ds"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
        lines = []
        for line in done.stdout.splitlines():
            name, _, tag, algorithm, kind, digest = line.split()
            if kind == "2":
                lines.append(f"{name} DS {tag} {algorithm} 2 {digest[::-1] if zone in self._forged else digest}")
        assert lines, f"keymgr knows no key of {zone}: {done.stdout}{done.stderr}"
        return lines

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

    def _serial(self, name: str, port: int | None = None) -> int | None:
        for process in self._running:
            assert process.poll() is None, f"{process.args!r} ended:\n{self.log()}"
        query = dns.message.make_query(f"{name}.", "SOA")
        try:
            answer = dns.query.udp(query, "127.0.0.1", timeout=1.0, port=port or self.authority)
        except (dns.exception.DNSException, OSError):
            return None
        return int(str(answer.answer[0][0]).split()[2]) if answer.answer else None

    def log(self) -> str:
        """What both programs wrote."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._top.glob("*.log")))
