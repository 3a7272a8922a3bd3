"""A release as its owner meets it, for campaigns: its folder is signed and served, and a booted bare Debian follows the
README word for word: the one file, the apt repository, and `moxlite self update` from an older version.
"""

import functools
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from moxlite import __version__
from tests.campaigns.install import ADDRESS, run_program
from tests.campaigns.report import Finding, Report
from tests.containers import INCLUDE, Machine, booted
from tests.firsthour import mail_to_oneself
from tests.packagerig import UpdateRecord, made_keyrings, package, write_channel
from tests.pages import commands, example
from tests.tools import top

__all__ = ["OLDER", "make_older", "play", "released", "root_of", "sign", "typed"]

OLDER: Final = "0.0.9"
"""Of a program that updates itself to the release."""

PORT: Final = 8099
BASE: Final = f"http://127.0.0.1:{PORT}/moxlite"
KEY: Final = "release@moxlite.example"
PEM: Final = "changes.pem"

CLOSED_NET: Final = "quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9"
"""What a net without DNS needs more than the README says."""


def released(folder: Path, *options: str) -> Path:
    """A clone with an update channel and the commit of the release, and with its folder in ``dist`` if the options
    don't leave that out.
    """
    clone = folder / "clone"
    run_program("git", "clone", "--quiet", str(top()), str(clone))
    run_program("openssl", "genpkey", "-algorithm", "ed25519", "-out", str(folder / PEM))
    key = load_pem_private_key((folder / PEM).read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    write_channel(clone, key, changelog=f"{BASE}/changelog.json")
    identity = {"GIT_AUTHOR_NAME": "Owner", "GIT_AUTHOR_EMAIL": KEY}
    identity |= {name.replace("AUTHOR", "COMMITTER"): text for name, text in identity.items()}
    run_program("git", "commit", "--quiet", "--all", "--message", "Set the channel", cwd=clone, environment=identity)
    environment = {"VENV": str(Path(sys.executable).parent.parent), **identity}
    command = ("script/release", __version__, "--tested", *options)
    run_program(*command, cwd=clone, environment=environment, seconds=2400)
    return clone


def make_older(clone: Path) -> None:
    """Give the program in a clone an older version."""
    about = clone / "moxlite/__init__.py"
    about.write_text(re.sub(r'(?m)^(__version__: Final = )".*"$', rf'\g<1>"{OLDER}"', about.read_text()))


def sign(folder: Path, made: Path, report: Report) -> Path:
    """Sign a release; the site with it, below `folder`."""
    site = folder / "site/moxlite"
    site.mkdir(parents=True)
    release = Path(shutil.move(made, site / __version__))
    with made_keyrings(folder) as homes:
        home = {"GNUPGHOME": str(homes["release"])}
        done = package("sign", "--key", KEY, "--signing-key", folder / PEM, release, environment=home)
        if done.returncode:
            raise Finding(f"script/package sign: {done.stderr}")
        run_program("gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS", cwd=release, environment=home)
    report.tell(f"the folder: {', '.join(sorted(path.name for path in release.iterdir()))}")
    return site


def root_of(folder: Path, place: str, suite: str, *options: str) -> Path:
    """A bare Debian, of MOXLITE_ROOTS or made with options of mmdebstrap."""
    if kept := os.environ.get("MOXLITE_ROOTS"):
        return Path(kept) / place
    root = folder / place
    run_program("mmdebstrap", "--quiet", "--variant=minbase", *options, f"--include={INCLUDE},curl", suite, str(root))
    return root


def play(
    bare: Path,
    folder: Path,
    site: Path,
    older: Path,
    system: str,
    report: Report,
    more: Mapping[str, Callable[[Machine], None]] = MappingProxyType({}),
) -> None:
    """Each way to install, and more by their names, each in ``root`` of `folder`, a copy of the bare one."""
    ways: dict[str, Callable[[Machine], None]] = {
        "one file": _one_file,
        "apt": _apt,
        "self update": _update,
        **more,
    }
    for name, way in ways.items():
        root = folder / "root"
        subprocess.run(["cp", "--archive", bare, root], check=True)
        shutil.copy(older, root / "opt/older")
        with booted(root, "--private-network") as machine, _served(machine, site):
            machine.run(f"ip link set lo up; ip addr add {ADDRESS}/32 dev lo")
            began = time.monotonic()
            way(machine)
            report.tell(f"{system}, {name}: {time.monotonic() - began:.0f} s")
        shutil.rmtree(root)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """To no one."""


@contextmanager
def _served(machine: Machine, site: Path) -> Iterator[None]:
    """The site, and the record of its newest version, in the net of the machine."""

    def listen() -> tuple[ThreadingHTTPServer, socket.socket]:
        machine.run("ip link set lo up")
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.bind(("127.0.0.1", 53))
        handler = functools.partial(_Quiet, directory=str(site.parent))
        return ThreadingHTTPServer(("127.0.0.1", PORT), handler), names

    server, names = machine.inside(listen)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=UpdateRecord(__version__).serve, args=[names], daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def typed(lines: list[str]) -> str:
    """Commands of the README, with the address of the release."""
    text = "\n".join(lines)
    return re.sub(r"BASE=\S+", f"BASE={BASE}", text).replace("moxlite quickstart", f"moxlite {CLOSED_NET}")


def _one_file(machine: Machine) -> None:
    lines = commands("../README.md", "Install")
    said = machine.run(f"cd /root && set -e\n{typed(lines)}")
    _serves(machine, said, 1)


def _apt(machine: Machine) -> None:
    (first, *_) = commands("../README.md", "Install")
    block = example("../README.md", "Install", "").replace("apt-get install", "apt-get install --yes")
    machine.run(f"mkdir -p /etc/apt/keyrings; rm -f /etc/apt/sources.list; set -e\n{typed([first])}\n{block}")
    said = machine.run(f"moxlite {CLOSED_NET} you@example.org && systemctl start moxlite")
    _serves(machine, said, 1)


def _update(machine: Machine) -> None:
    """From an older version that was installed as the one file; then a backup."""
    said = machine.run(f"chmod +x /opt/older && /opt/older self install && moxlite {CLOSED_NET} you@example.org")
    machine.run("systemctl start moxlite")
    _serves(machine, said, 1)
    told = machine.run("moxlite --yes self update --resolver 127.0.0.1:53 2>&1", seconds=900)
    if machine.run("moxlite version").splitlines()[0] != f"moxlite {__version__}":
        raise Finding(f"self update: {told}")
    _serves(machine, said, 2)
    machine.run("moxlite backup /var/backups/moxlite/one && moxlite verifydata --deep /var/backups/moxlite/one")


def _serves(machine: Machine, said: str, messages: int) -> None:
    password = said.partition("account password: ")[2].split()[0]
    came = machine.inside(lambda: mail_to_oneself(ADDRESS, password))
    if came != messages:
        raise Finding(f"{came} messages are there, not {messages}")
