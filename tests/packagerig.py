"""`script/package` run by tests: packages, keys of gpg, an apt with lists and sources of its own, and the DNS record of
releases.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.tools import need, top

__all__ = [
    "DOMAIN",
    "SITE",
    "UpdateRecord",
    "build_frozen",
    "build_package",
    "copy_project",
    "made_keyrings",
    "package",
    "private_apt",
    "stand_in",
    "write_channel",
    "write_key",
]

DOMAIN = "project.example"
SITE = "https://downloads.project.example/moxlite"
"""Of a publisher."""

NO_NETWORK = ("Could not find a version", "No matching distribution", "Failed to establish", "connection")
"""What pip says where the wheels cannot be had."""


def package(
    *args: str | Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    seconds: float = 600.0,
    project: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """`script/package` of this project or a copy of it, but for the refresh of the virtual environment."""
    folder = project or top()
    return subprocess.run(
        [sys.executable, "-m", "packages", *map(str, args)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{folder / 'script'}", **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def build_frozen(folder: Path) -> tuple[Path, Path]:
    """The program with its own Python: the folder that MOXLITE_PROGRAM names, else a new one; and the one file of it.
    Without wheels the test is skipped, but not under CI.
    """
    named, wheels = os.environ.get("MOXLITE_PROGRAM"), os.environ.get("MOXLITE_WHEELS")
    more = ("--program", named) if named else ("--wheels", wheels) if wheels else ()
    done = package("binary", "--to", folder, "--version", "1.0~test1", *more, seconds=1200.0)
    if done.returncode and any(words in done.stderr for words in NO_NETWORK) and os.environ.get("CI") != "true":
        pytest.skip("the wheels cannot be had here: MOXLITE_WHEELS may name a folder with them")
    assert done.returncode == 0, done.stderr
    program, file, _ = map(Path, done.stdout.split())
    return program, file


def build_package(folder: Path, program: Path, version: str = "1.0~test1") -> Path:
    """The Debian package of a program, not compressed."""
    done = package("deb", "--to", folder, "--program", program, "--version", version, "--compression", "none")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@contextmanager
def made_keyrings(folder: Path) -> Iterator[dict[str, Path]]:
    """Homes of gpg by name, each with a key of name@moxlite.example."""
    need("gpg")
    homes = {name: folder / name for name in ("release", "stranger")}
    for name, home in homes.items():
        home.mkdir(mode=0o700)
        make = ["gpg", "--homedir", str(home), "--batch", "--passphrase", "", "--quick-gen-key"]
        subprocess.run([*make, f"{name}@moxlite.example", "ed25519", "sign"], check=True, capture_output=True)
    yield homes
    for home in homes.values():
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def private_apt(folder: Path, sources: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """apt with lists, sources and keys of its own; nothing of this machine's is read or changed."""
    for name in ("lists/partial", "archives/partial", "etc"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(sources)
    (folder / "status").touch()
    options = {
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "Dir::Etc": folder / "etc",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
    }
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]

    def run(*args: str, program: str = "apt-get") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *words, *args], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )

    return run


PACKED = ("moxlite", "packaging", "script", "docs", "requirements", "*.md", "LICENSE", "pyproject.toml")
"""Files that `script/package` reads."""


def copy_project(folder: Path) -> None:
    """Copy the project's files, as they are here."""
    names = subprocess.run(["git", "ls-files", "-z", *PACKED], cwd=top(), capture_output=True, text=True, check=True)
    for name in names.stdout.rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(top() / name, folder / name)


def stand_in(folder: Path, project: Path) -> Path:
    """A folder like that of the frozen program, in a second, with the project's channel."""
    (folder / "lib/certifi").mkdir(parents=True)
    (folder / "lib/certifi/cacert.pem").touch()
    (folder / "lib/moxlite").mkdir()
    shutil.copy(project / "packaging/channel.toml", folder / "lib/moxlite")
    shutil.copy("/usr/bin/true", folder / "moxlite")
    return folder


def write_key(path: Path, key: Any) -> Path:
    """Write a private key to a file."""
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def write_channel(
    project: Path,
    key: Ed25519PrivateKey,
    *,
    next_key: Ed25519PrivateKey | None = None,
    apt_fingerprint: str = "",
    changelog: str = f"{SITE}/changelog.json",
) -> None:
    """Set the update channel of a project's copy."""
    settings = f'domain = "{DOMAIN}"\nchangelog_url = "{changelog}"\n'
    for name, pair in (("public_key", key), ("next_public_key", next_key)):
        if pair is not None:
            public = base64.b64encode(pair.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
            settings += f'{name} = "{public}"\n'
    if apt_fingerprint:
        settings += f'apt_fingerprint = "{apt_fingerprint}"\n'
    (project / "packaging/channel.toml").write_text(settings)


class UpdateRecord:
    """A resolver that knows the newest version of project.example, and all else at an address if it has one."""

    def __init__(self, version: str, address: str = "") -> None:
        self.version = version
        self.address = address

    def serve(self, sock: socket.socket) -> None:
        """Answer what comes to a datagram socket, without end."""
        while True:
            wire, peer = sock.recvfrom(4096)
            asked = dns.message.from_wire(wire)
            answer = dns.message.make_response(asked)
            answer.flags |= dns.flags.RA
            name = str(asked.question[0].name)
            if self.address and asked.question[0].rdtype == dns.rdatatype.A:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", self.address))
            if name == f"_updates.{DOMAIN}.":
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"v=UPDATES0; l={self.version}"'))
            sock.sendto(answer.to_wire(), peer)
