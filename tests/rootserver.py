"""A server that root starts and that becomes another user, in a folder which all may enter, with certificates as
certbot keeps them: links to files that only root can read.
"""

import os
import platform
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio
from cryptography import x509

from moxlite.net.tls.certificates import KeyPair, self_signed
from tests.running import ServerProcess
from tests.tools import free_port, top

__all__ = ["UID", "RootServer", "hindrance", "interpreter", "readable_path", "root_server"]

UID = 54321
"""A user that the machine need not know."""

STATIC = """\
hostname = "mx.moxlite.example"
user = "{uid}"
data_dir = "../data"
[postmaster]
account = "bob"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
tls.key_certs = [{{ cert_file = "{tls}/live/fullchain.pem", key_file = "{tls}/live/privkey.pem" }}]
smtp = {{ enabled = true, port = {smtp} }}
imaps = {{ enabled = true, port = {imaps} }}
"""

DOMAINS = """\
[domains."example.org"]
[accounts.bob]
domain = "example.org"
[accounts.bob.destinations."bob@example.org"]
"""

SYSTEM_PYTHON = Path("/usr/bin/python3")


def _for_all(path: str) -> bool:
    """Whether every user can get at a file: the tests may run from an interpreter in root's home."""
    return all(parent.stat().st_mode & 0o001 for parent in Path(path).resolve().parents)


def interpreter() -> str | None:
    """A Python that every user can run, and that can use the packages of ours."""
    if _for_all(os.__file__):
        return sys.executable
    if SYSTEM_PYTHON.exists():
        program = "import platform; print(platform.python_version())"
        found = subprocess.run([SYSTEM_PYTHON, "-c", program], capture_output=True, text=True, check=True).stdout
        if found.split(".")[:2] == platform.python_version().split(".")[:2]:
            return str(SYSTEM_PYTHON)
    return None


def hindrance() -> str:
    """Why this machine does not allow such a server; empty where it does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can start a server that becomes another user"
    if interpreter() is None:
        return "no Python of this version that other users can read"
    if not _for_all(trio.__file__) or not _for_all(__file__):
        return "other users cannot read the packages or this checkout"
    return ""


def readable_path() -> dict[str, str]:
    """The environment in which `interpreter` finds this checkout and the packages of ours."""
    packages = Path(trio.__file__).parents[1]
    return {"PYTHONPATH": f"{top()}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class RootServer(ServerProcess):
    """`moxlite serve` as root. `tls` is the folder of the certificates, outside of configuration and data."""

    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in ("smtp", "imaps")})

    def __post_init__(self) -> None:
        """Write configuration, certificate and key."""
        python = interpreter()
        assert python is not None
        self.python = python
        self.environment = readable_path()
        self.tls = self.folder.with_name("tls")
        self.config.mkdir(parents=True)
        (self.config / "moxlite.toml").write_text(STATIC.format(uid=UID, tls=self.tls, **self.ports))
        (self.config / "domains.toml").write_text(DOMAINS)
        (self.tls / "live").mkdir(parents=True)
        self.tls.chmod(0o700)
        self.renew()

    @property
    def config(self) -> Path:
        """The folder of the configuration."""
        return self.folder / "config"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def command(self) -> list[str]:
        """With its own configuration file."""
        return ["--config", str(self.config / "moxlite.toml"), "serve"]

    def is_ready(self, line: str) -> bool:
        """The log line of ADMIN-38."""
        return "ready to serve" in line

    def renew(self) -> x509.Certificate:
        """As another program does it: new files, then links to them. Returns the new certificate."""
        pair = self_signed(["mx.moxlite.example"])
        self.put("fullchain.pem", pair.certificate_pem(), pair)
        self.put("privkey.pem", pair.key_pem(), pair)
        return pair.leaf

    def put(self, name: str, data: bytes, pair: KeyPair) -> None:
        """One of these files."""
        file = self.tls / f"{pair.leaf.serial_number}-{name}"
        file.write_bytes(data)
        file.chmod(0o600)
        link = self.tls / "live" / f".{name}"
        link.symlink_to(f"../{file.name}")
        link.replace(self.tls / "live" / name)

    def shown(self) -> x509.Certificate:
        """The certificate that a new connection is shown."""
        return x509.load_pem_x509_certificate(
            ssl.get_server_certificate(("127.0.0.1", self.ports["imaps"]), timeout=60).encode()
        )

    def worker(self) -> int:
        """The process that serves: the only child of the one that was started, with children of its own."""
        parent = self.process.pid
        [child] = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return int(child)


@contextmanager
def root_server() -> Iterator[RootServer]:
    """One in a folder of its own; it is started by the test."""
    with tempfile.TemporaryDirectory(prefix="moxlite-root-") as name:
        Path(name).chmod(0o755)
        server = RootServer(Path(name) / "server")
        try:
            yield server
        finally:
            if hasattr(server, "process"):
                server.stop()
