"""knot and unbound as programs of a test: knot serves zones, unbound in front of it answers questions.

Both run without privileges, on free loopback ports, in a folder of their own. `tests/dnsworld.py` and
`tests/signedroot.py` say which zones there are and how unbound finds them.
"""

import ipaddress
import os
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Self

import dns.exception
import dns.message
import dns.query
import dns.rcode

from moxlite.net.dns.client import DNSResolver
from tests.tools import free_port, need, until

__all__ = ["SECONDS", "KnotWorld"]

SECONDS: Final = 30.0
"""For a program to be ready; 0.3 s are usual."""

KNOT_SERVER: Final = """\
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
"""

KNOT_ZONES: Final = """\
template:
  - id: default
    storage: {top}/zones
    file: "%s.zone"
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    journal-content: all
"""

UNBOUND_SERVER: Final = """\
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
  qname-minimisation: no
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 0
"""

ZONE: Final = """\
$TTL 300
@ SOA ns.invalid. hostmaster.invalid. {serial} 3600 600 86400 60
@ NS ns.invalid.
{records}
"""


class KnotWorld(ABC):
    """Base class of worlds of DNS, which are context managers.

    ``port`` is that of the resolver on 127.0.0.1 (UDP and TCP), ``authority`` that of the server behind it.

    Args:
      key: a TSIG key, by which zones may be read and changed (RFC 2136): algorithm, name and secret.
    """

    def __init__(self, port: int | None = None, key: tuple[str, str, str] | None = None) -> None:
        self._key = key
        self._programs = {name: need(name) for name in ("knotd", "knotc", "keymgr", "unbound")}
        self._running: list[subprocess.Popen[bytes]] = []
        self.authority = free_port()
        self.port = port or free_port()

    @abstractmethod
    def _start_knot(self) -> None:
        """Write the zones and start the server; returns when it serves them."""

    @abstractmethod
    def _start_unbound(self) -> None:
        """Start the resolver; returns when it answers."""

    def __enter__(self) -> Self:
        self._top = Path(tempfile.mkdtemp(prefix="dns", dir="/tmp"))  # the control socket's path must be short
        try:
            for folder in ("run", "db", "zones"):
                (self._top / folder).mkdir()
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

    def log(self) -> str:
        """What both programs wrote."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._top.glob("*.log")))

    def _run_knot(self, text: str) -> None:
        (self._top / "knot.conf").write_text(text)
        self._run("knotd", "-c", str(self._top / "knot.conf"))

    def _run_unbound(self, text: str) -> None:
        (self._top / "unbound.conf").write_text(text)
        self._run("unbound", "-d", "-p", "-c", str(self._top / "unbound.conf"))
        until(lambda: self._ask("", self.port) is not None, seconds=SECONDS, what="unbound")

    def _wait_for(self, name: str) -> None:
        """Return when knot serves the zone."""
        until(lambda: self._serial(name) is not None, seconds=SECONDS, what=f"{name} from knot")

    def _reload(self, name: str) -> None:
        """Have knot read the zone's file, which is another one now; returns when it serves that."""
        before = self._serial(name)
        command = [self._programs["knotc"], "-s", str(self._top / "run/knot.sock"), "zone-reload", f"{name}."]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        until(lambda: self._serial(name) not in (None, before), seconds=SECONDS, what=f"the new {name}")

    def _write_zone(self, name: str, records: str, serial: int) -> None:
        path = self._top / "zones" / _file(name)
        path.with_suffix(".new").write_text(ZONE.format(serial=serial, records=records))
        path.with_suffix(".new").replace(path)
        stamp = time.time() + serial  # knot looks at whole seconds
        os.utime(path, (stamp, stamp))

    def _zone_lines(self, name: str, policy: str | None) -> str:
        """The lines of a zone in knot's configuration; without a policy it is not signed."""
        lines = f'  - domain: "{name}."\n    file: "{_file(name)}"'
        if self._key is not None:
            lines += "\n    acl: change"
        return lines if policy is None else f"{lines}\n    dnssec-signing: on\n    dnssec-policy: {policy}"

    @property
    def _key_lines(self) -> str:
        """The lines before the zones about who may change them."""
        if self._key is None:
            return ""
        algorithm, name, secret = self._key
        return (
            f"key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n"
            f"acl:\n  - id: change\n    key: {name}\n    action: [update, transfer]\n"
        )

    def _ds(self, zone: str, *, forged: bool) -> list[str]:
        """The DS records of a zone's key; of a key that it does not have, where it is to be forged."""
        command = [self._programs["keymgr"], "-c", str(self._top / "knot.conf"), f"{zone}.", "ds"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
        lines = []
        for line in done.stdout.splitlines():
            name, _, tag, algorithm, kind, digest = line.split()
            if kind == "2":
                lines.append(f"{name} DS {tag} {algorithm} 2 {digest[::-1] if forged else digest}")
        assert lines, f"keymgr knows no key of {zone}: {done.stdout}{done.stderr}"
        return lines

    def _run(self, program: str, *args: str) -> None:
        with (self._top / f"{program}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    [self._programs[program], *args], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            )

    def _serial(self, name: str) -> int | None:
        """The serial of a zone at its server; None while that does not answer."""
        answer = self._ask(name, self.authority)
        return int(str(answer.answer[0][0]).split()[2]) if answer is not None and answer.answer else None

    def _ask(self, name: str, port: int) -> dns.message.Message | None:
        for process in self._running:
            assert process.poll() is None, f"{process.args!r} ended:\n{self.log()}"
        query = dns.message.make_query(f"{name}.", "SOA")
        try:
            answer = dns.query.udp(query, "127.0.0.1", timeout=1.0, port=port)
        except (dns.exception.DNSException, OSError):
            return None
        return answer if answer.rcode() == dns.rcode.NOERROR else None


def _file(name: str) -> str:
    return f"{name or 'root'}.zone"
