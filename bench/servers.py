"""The two sides of each comparison, with one shape: ports to speak to, process ids to weigh."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.dnsworld import DNSWorld
from tests.realservers import Dovecot, Postfix, listening, tree
from tests.running import LocalServer, make_certificate
from tests.tools import until

__all__ = ["Mox", "Moxlite", "Reference", "Server"]


BYTECODE = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / f"moxlite-bench-bytecode-{os.getuid()}"),
}
"""Modules are compiled once, as they are where it is installed: else each start pays 0.5 s for that."""


class Server:
    """What a measure needs to know of a mail server under test."""

    name: str
    smtp_port: int
    imap_port: int
    imaps_port: int
    http_port: int  # of the webmail; 0: no webmail
    user: str
    address: str
    password = "moxmoxmox"
    most_a_minute: int = sys.maxsize
    """Connections for deliveries that it takes from one address in a minute."""

    def start(self) -> float:
        """Start it; seconds until it accepts IMAP connections."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        raise NotImplementedError

    def pids(self) -> list[int]:
        """All its processes."""
        raise NotImplementedError

    def written(self) -> int:
        """Octets that its processes have caused to be written to storage so far (/proc/PID/io)."""
        total = 0
        for pid in self.pids():
            try:
                for line in Path(f"/proc/{pid}/io").read_text().splitlines():
                    if line.startswith("write_bytes:"):
                        total += int(line.split()[1])
            except OSError:
                continue
        return total

    def pss(self) -> float:
        """Proportional set size of all its processes, in MB (10^6 octets). Code shared with other programs that happen
        to run counts less: to be read on a quiet machine.
        """
        return self._smaps("Pss:")

    def rss(self) -> float:
        """Resident set size of all its processes, in MB: code that they share with others counts whole, each time."""
        return self._smaps("Rss:")

    def anonymous(self) -> float:
        """The part of `pss` that belongs to no file, in MB: what sessions and data take, whoever else runs."""
        return self._smaps("Pss_Anon:")

    def _smaps(self, name: str) -> float:
        total = 0
        for pid in self.pids():
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith(name):
                        total += int(line.split()[1]) * 1024
            except OSError:
                continue
        return total / 1e6


@dataclass
class Moxlite(Server):
    """`moxlite localserve` in a folder, with limits per IP address lifted for loopback, where all clients come from."""

    top: Path
    accounts: int = 0
    name: str = "moxlite"
    user: str = "moxlite@localhost"
    address: str = "moxlite@localhost"
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the configuration, with `accounts` more accounts that have no password."""
        self.server = LocalServer(self.top / "moxlite", environment={**BYTECODE, **self.environment})
        self.smtp_port, self.imap_port, self.imaps_port = (self.server.port(port) for port in (25, 143, 993))
        self.http_port = self.server.port(80)
        if self.accounts:
            path = self.server.folder / "config/domains.toml"
            extra = "".join(
                f'\n[accounts.user{n}]\ndomain = "localhost"\n[accounts.user{n}.destinations."user{n}@localhost"]\n'
                for n in range(self.accounts)
            )
            path.write_text(path.read_text() + extra)

    def start(self) -> float:
        """Start it; seconds from exec to the line `moxlite: ready`."""
        return self.server.start()

    def stop(self) -> None:
        """End it by SIGTERM."""
        self.server.stop()

    def pids(self) -> list[int]:
        """The server is one process (and children, if it has any)."""
        return self.server.pids()


@dataclass
class Reference(Server):
    """Debian's postfix (queue, LMTP client) in front of Debian's dovecot (LMTP, IMAP, Maildir)."""

    top: Path
    name: str = "postfix+dovecot"
    user: str = "bench"
    address: str = "bench@example.org"
    location: str = "maildir:~/Maildir"

    def __post_init__(self) -> None:
        """Configure both; nothing runs yet."""
        certificate, key = make_certificate(self.top)
        self.dovecot = Dovecot(self.top / "dovecot", location=self.location, certificate=certificate, key=key)
        self.postfix = Postfix(
            self.top / "postfix",
            extra="virtual_mailbox_domains = example.org\n"
            f"virtual_transport = lmtp:inet:127.0.0.1:{self.dovecot.lmtp_port}\n",
        )
        self.smtp_port, self.imap_port, self.imaps_port = self.postfix.port, self.dovecot.port, self.dovecot.tls_port
        self.http_port = 0

    def start(self) -> float:
        """Start both; seconds until both listen."""
        began = time.perf_counter()
        self.dovecot.start()
        self.postfix.start()
        return time.perf_counter() - began

    def stop(self) -> None:
        """Stop both."""
        self.postfix.stop()
        self.dovecot.stop()

    def pids(self) -> list[int]:
        """All processes of both."""
        return self.postfix.pids() + self.dovecot.pids()


@dataclass
class Mox(Server):
    """`mox localserve` of a binary that is on this machine, with ports that are always the same: one at a time.

    It refuses a client whose HELO is no name in DNS, so it has a resolver of its own, as root, who may give it one.
    """

    top: Path
    binary: str
    name: str = "mox"
    user: str = "mox@localhost"
    address: str = "mox@localhost"
    smtp_port: int = 1025
    imap_port: int = 1143
    imaps_port: int = 1993
    http_port: int = 0
    most_a_minute: int = 280

    def start(self) -> float:
        """Start it; seconds until it listens for IMAP."""
        client = "@ A 127.0.0.1"
        self.dns = DNSWorld({socket.gethostname(): client, "example.com": client}, port=53)
        self.dns.__enter__()
        resolver = self.top / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n")
        mounted = f"mount --bind {resolver} /etc/resolv.conf && exec "
        began = time.perf_counter()
        with (self.top / "mox.log").open("ab") as log:
            new = [] if (self.top / "mox").exists() else ["-ip", "127.0.0.1"]  # the configuration has it then
            command = [self.binary, "localserve", "-dir", str(self.top / "mox"), *new]
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", mounted + shlex.join(command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: listening(self.imap_port), what="mox listens")
        return time.perf_counter() - began

    def stop(self) -> None:
        """End it by SIGTERM."""
        self.process.terminate()
        self.process.wait(timeout=60)
        self.dns.__exit__(None, None, None)

    def pids(self) -> list[int]:
        """The process and its children."""
        return tree(self.process.pid)
