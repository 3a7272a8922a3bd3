"""A moxlite server as a process: `localserve` in a temp folder on free ports, or `serve` with a configuration.

Used by the integration and crash tests and by bench/.
"""

import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Self

import apsw
import pytest

from tests.realservers import tree
from tests.tools import Files, bindable, files_of, free_port, mine, moxlite_command, put_files, top

__all__ = ["LocalServer", "ServedServer", "free_base", "make_certificate"]

#: Offsets of all ports that localserve opens (docs/architecture.md §8).
STANDARD_PORTS = (25, 80, 81, 143, 443, 465, 587, 993)
_given: set[int] = set()
READY_SECONDS = 120.0  # generous: other tests may use both cores


REFUSED_PORTS: Final = frozenset(
    {2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
)
"""Ports that browsers connect to for no page (WHATWG Fetch §2.9), from the lowest base on."""


def free_base() -> int:
    """A port base for which no standard port is taken, was given before, or is refused by browsers."""
    while True:
        base = random.SystemRandom().randrange(2_000, 30_000)  # below the ports that clients get
        own = base % 2_000 < 1_000 and mine(base // 2_000)
        ports = {base + port for port in STANDARD_PORTS}
        if own and not ports & (_given | REFUSED_PORTS) and all(map(bindable, ports)):
            _given.update(ports)
            return base


@dataclass
class ServerProcess:
    """What both kinds share: starting, waiting for the ready line, stopping, killing, running CLI verbs against it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    module: str = "moxlite"
    python: str = sys.executable
    death: signal.Signals = signal.SIGKILL
    descriptors: int | None = None
    """The limit of descriptors, soft and hard; None: as ours."""
    group: Path | None = None
    """The control group that it joins; None: ours."""

    def command(self) -> list[str]:
        """The arguments of `moxlite` that start it."""
        raise NotImplementedError

    @property
    def config_folder(self) -> Path:
        """The folder of its configuration."""
        return self.folder / "config"

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(top())} | self.environment

    def cli(
        self, *args: str, stdin: str | None = None, check: bool = True, seconds: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run `moxlite ARGS` with this server's configuration, for so many seconds at most."""
        return subprocess.run(
            [*moxlite_command(self.python), *args],
            input=stdin,
            check=check,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self._environment() | {"MOXLITE_CONF": str(self.config_folder / "moxlite.toml")},
        )

    def start(self) -> float:
        """Start it; seconds from exec to the ready line."""
        began = time.perf_counter()
        with self._stderr.open("ab") as stderr:
            self._log_start = stderr.tell()
            self.process = subprocess.Popen(
                [*moxlite_command(self.python, self.module), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=self._environment(),
                preexec_fn=self._limit if self.descriptors is not None or self.group is not None else None,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not any(self.is_ready(line) for line in self.log().splitlines()):
            code = self.process.poll()
            if code is not None or time.monotonic() > deadline:
                self.process.kill()
                became = f"was not ready in {READY_SECONDS:.0f} s" if code is None else f"ended with {code}"
                pytest.fail(f"the server {became}, its log:\n{self.log()}")
            time.sleep(0.005)
        return time.perf_counter() - began

    def _limit(self) -> None:
        if self.descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))
        if self.group is not None:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))

    def is_ready(self, line: str) -> bool:
        """Whether this line of stderr tells that it accepts connections."""
        raise NotImplementedError

    @property
    def _stderr(self) -> Path:
        """A file, not a pipe: no process has to run beside a server that is measured."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def log(self) -> str:
        """What it wrote to stderr since its start."""
        with self._stderr.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def stop(self) -> int:
        """End it by SIGTERM; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """End it by `death`, which leaves it no time for anything."""
        self.process.send_signal(self.death)
        code = self.process.wait(timeout=60)
        assert code == -signal.SIGKILL, f"the server was to end by SIGKILL, and ended with {code}"

    def pids(self) -> list[int]:
        """The process and its children."""
        return tree(self.process.pid)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass
class LocalServer(ServerProcess):
    """`moxlite localserve`, which has no limits for loopback, where all clients come from."""

    base: int = field(default_factory=free_base)
    options: tuple[str, ...] = ()
    user: str = "moxlite@localhost"
    password: str = "moxmoxmox"

    def __post_init__(self) -> None:
        """Make the folder and its configuration; `options` are for that. One that is as all others is copied."""
        if (self.folder / "config/moxlite.toml").exists():
            return
        if type(self) is LocalServer and not (self.options or self.environment) and self.python == sys.executable:
            _copy(self.folder, self.base)
            return
        place = ("--dir", str(self.folder), "--port-base", str(self.base))
        self.cli("localserve", *place, *self.options, "--init-only")

    def __enter__(self) -> Self:
        self.start()
        return self

    def command(self) -> list[str]:
        """As `script/server` does it."""
        return ["localserve", "--dir", str(self.folder), "--port-base", str(self.base)]

    def is_ready(self, line: str) -> bool:
        """The line of the contract."""
        return line == "moxlite: ready"

    def port(self, standard: int) -> int:
        """The port for a standard one: `port(143)`."""
        return self.base + standard


COPIED_BASE: Final = 29_000
"""Port base of the folder that is copied; no other number of its configuration begins with its first digits."""


@cache
def _made() -> Files:
    """What `localserve --init-only` makes. A second of the processor, for each process of the tests once."""
    with tempfile.TemporaryDirectory() as place:
        LocalServer(Path(place) / "server", base=COPIED_BASE, options=("--init-only",))
        return files_of(Path(place) / "server")


def _copy(folder: Path, base: int) -> None:
    """Make a folder with other ports, and an account that no index of another one fits."""
    ports = re.compile(rf"\b{COPIED_BASE // 1000}(\d{{3}})\b")
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    put_files(folder, _made())
    config = folder / "config/moxlite.toml"
    config.write_text(ports.sub(lambda found: str(base + int(found[1])), config.read_text()))
    with closing(apsw.Connection(str(folder / "data/accounts/moxlite/account.db"))) as db:
        db.execute("UPDATE state SET file_id = randomblob(16)").fetchall()


SERVED_STATIC = """\
hostname = "mx.moxlite.example"
user = "0"
data_dir = "../data"
rate_limits.exempt = [{exempt}]
{top}
[postmaster]
account = "bob"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
tls.key_certs = [{{ cert_file = "cert.pem", key_file = "key.pem" }}]
smtp = {{ enabled = true, port = {smtp}, first_time_sender_delay = "0s" }}
submission = {{ enabled = true, port = {submission} }}
submissions = {{ enabled = true, port = {submissions} }}
imap = {{ enabled = true, port = {imap} }}
imaps = {{ enabled = true, port = {imaps} }}
{static}
"""

SERVED_DOMAINS = """\
[domains."example.org"]
[accounts.bob]
domain = "example.org"
max_outgoing_messages_per_day = 1000000
max_first_time_recipients_per_day = 1000000
max_recipients_per_hour = 0
[accounts.bob.destinations."bob@example.org"]
[accounts.eve]
domain = "example.org"
[accounts.eve.destinations."eve@example.org"]
{domains}
"""


@dataclass
class ServedServer(ServerProcess):
    """`moxlite serve` with two accounts, bob and eve at example.org, with one password, and more configuration."""

    static: str = ""
    domains: str = ""
    top: str = ""
    exempt: str = '"127.0.0.0/8"'
    password: str = "saltmarsh61"

    def __post_init__(self) -> None:
        """Write configuration, certificate and key; choose ports."""
        self.ports = {name: free_port() for name in ("smtp", "submission", "submissions", "imap", "imaps")}
        self.config_folder.mkdir(parents=True)
        (self.config_folder / "moxlite.toml").write_text(
            SERVED_STATIC.format(top=self.top, static=self.static, exempt=self.exempt, **self.ports)
        )
        (self.config_folder / "domains.toml").write_text(SERVED_DOMAINS.format(domains=self.domains))
        make_certificate(self.config_folder)

    def __enter__(self) -> Self:
        self.start()
        for account in ("bob", "eve"):
            self.cli("account", "set-password", account, stdin=self.password + "\n")
        return self

    def command(self) -> list[str]:
        """With its own configuration file; it never changes user."""
        return ["--config", str(self.config_folder / "moxlite.toml"), "serve", "--no-drop"]

    def is_ready(self, line: str) -> bool:
        """The log line of ADMIN-38."""
        return "ready to serve" in line


def make_certificate(folder: Path, *, days: int = 30) -> tuple[Path, Path]:
    """A self-signed P-256 certificate for localhost by openssl: (certificate, key)."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", str(days), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    key.chmod(0o644)
    return certificate, key
