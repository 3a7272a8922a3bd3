"""A release as its owner meets it: `script/release` makes the folder of the version that CHANGELOG.md names next, it is
signed and served, and booted bare Debian 12 and 13 follow the README word for word: the one file, the apt repository,
and `moxlite self update` from an older version (ADMIN-43a, ADMIN-60d, 60e).

Only the full count runs: it builds three times, and fetches Debian. MOXLITE_ROOTS may name a folder with root file
systems `booted12` and `booted13`, in place of new ones.
"""

import functools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from moxlite import __version__
from tests.campaigns.install import ADDRESS, run_program
from tests.campaigns.report import Finding, Report
from tests.containers import INCLUDE, SUITES, Machine, booted
from tests.firsthour import mail_to_oneself
from tests.packagerig import UpdateRecord, made_keyrings, package
from tests.pages import commands, example
from tests.tools import need, top

__all__ = ["run"]

OLDER: Final = "0.0.9"
"""Of a program that updates itself to the release."""

PORT: Final = 8099
BASE: Final = f"http://127.0.0.1:{PORT}/moxlite"
KEY: Final = "release@moxlite.example"

CLOSED_NET: Final = "quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9"
"""What a net without DNS needs more than the README says."""


def run(seed: int, share: float, report: Report) -> None:
    """On both releases of Debian, once; `seed` decides nothing."""
    if share < 1:
        report.tell("left to the full count: it builds a release and fetches Debian")
        return
    for program in ("mmdebstrap", "systemd-nspawn", "gpg", "openssl", "dpkg-deb"):
        need(program)
    with tempfile.TemporaryDirectory(prefix="moxlite-release-") as name:
        folder = Path(name)
        site = _release(folder, report)
        older = _older(folder)
        for place, suite in SUITES.items():
            made = _root(folder, place, suite)
            for play in (_one_file, _apt, _update):
                root = folder / "root"
                subprocess.run(["cp", "--archive", made, root], check=True)
                shutil.copy(older, root / "opt/older")
                with booted(root, "--private-network") as machine, _served(machine, site):
                    machine.run(f"ip link set lo up; ip addr add {ADDRESS}/32 dev lo")
                    began = time.monotonic()
                    play(machine, site)
                    report.tell(f"{suite}, {play.__name__[1:].replace('_', ' ')}: {time.monotonic() - began:.0f} s")
                shutil.rmtree(root)


def _release(folder: Path, report: Report) -> Path:
    """The site with the signed release of a clone."""
    began = time.monotonic()
    clone = folder / "clone"
    run_program("git", "clone", "--quiet", str(top()), str(clone))
    version = __version__
    venv = str(Path(sys.executable).parent.parent)
    identity = {"GIT_AUTHOR_NAME": "Owner", "GIT_AUTHOR_EMAIL": KEY}
    identity |= {name.replace("AUTHOR", "COMMITTER"): text for name, text in identity.items()}
    run_program("script/release", version, "--tested", cwd=clone, environment={"VENV": venv, **identity}, seconds=2400)
    site = folder / "site/moxlite"
    site.mkdir(parents=True)
    shutil.move(clone / "dist" / version, site / version)
    report.tell(f"script/release {version}: two builds of the same octets, {time.monotonic() - began:.0f} s")
    pem = folder / "changes.pem"
    run_program("openssl", "genpkey", "-algorithm", "ed25519", "-out", str(pem))
    with made_keyrings(folder) as homes:
        home = {"GNUPGHOME": str(homes["release"])}
        done = package("sign", "--key", KEY, "--signing-key", pem, site / version, environment=home)
        if done.returncode:
            raise Finding(f"script/package sign: {done.stderr}")
        run_program("gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS", cwd=site / version, environment=home)
    shutil.copy(site / version / "changelog.json", site)
    names = sorted(path.name for path in (site / version).iterdir())
    report.tell(f"the folder: {', '.join(names)}")
    return site


def _older(folder: Path) -> Path:
    """The one file of the same program under an older version."""
    clone = folder / "clone"
    about = clone / "moxlite/__init__.py"
    about.write_text(re.sub(r'(?m)^(__version__: Final = )".*"$', rf'\g<1>"{OLDER}"', about.read_text()))
    done = package("binary", "--to", folder / "older", "--version", OLDER, project=clone, seconds=1200)
    if done.returncode:
        raise Finding(f"script/package binary: {done.stderr}")
    return Path(done.stdout.split()[1])


def _root(folder: Path, place: str, suite: str) -> Path:
    if kept := os.environ.get("MOXLITE_ROOTS"):
        return Path(kept) / place
    root = folder / place
    run_program("mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDE},curl", suite, str(root))
    return root


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


def _typed(lines: list[str]) -> str:
    """Commands of the README, with the address of the release."""
    text = "\n".join(lines)
    return re.sub(r"BASE=\S+", f"BASE={BASE}", text).replace("moxlite quickstart", f"moxlite {CLOSED_NET}")


def _one_file(machine: Machine, site: Path) -> None:
    lines = commands("../README.md", "Install")
    said = machine.run(f"cd /root && set -e\n{_typed(lines)}")
    _serves(machine, said, 1)


def _apt(machine: Machine, site: Path) -> None:
    (first, *_) = commands("../README.md", "Install")
    block = example("../README.md", "Install", "").replace("apt-get install", "apt-get install --yes")
    machine.run(f"mkdir -p /etc/apt/keyrings; rm -f /etc/apt/sources.list; set -e\n{_typed([first])}\n{block}")
    said = machine.run(f"moxlite {CLOSED_NET} you@example.org && systemctl start moxlite")
    _serves(machine, said, 1)


def _update(machine: Machine, site: Path) -> None:
    """From an older version that was installed as the one file."""
    said = machine.run(f"chmod +x /opt/older && /opt/older self install && moxlite {CLOSED_NET} you@example.org")
    key = (site / __version__ / "updates.txt").read_text().partition('updates.public_key = "')[2].partition('"')[0]
    settings = f'domain = "project.example"\nchangelog_url = "{BASE}/changelog.json"\npublic_key = "{key}"\n'
    machine.run(f"cat >>/etc/moxlite/moxlite.toml <<'END'\n[updates]\n{settings}END\nsystemctl start moxlite")
    _serves(machine, said, 1)
    told = machine.run("moxlite --yes self update --resolver 127.0.0.1:53 2>&1")
    if machine.run("moxlite version").splitlines()[0] != f"moxlite {__version__}":
        raise Finding(f"self update: {told}")
    _serves(machine, said, 2)


def _serves(machine: Machine, said: str, messages: int) -> None:
    password = said.partition("account password: ")[2].split()[0]
    came = machine.inside(lambda: mail_to_oneself(ADDRESS, password))
    if came != messages:
        raise Finding(f"{came} messages are there, not {messages}")
