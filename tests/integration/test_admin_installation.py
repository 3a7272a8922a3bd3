"""The one file as an installation (ADMIN-60d to 60f), on a Debian 12 and 13 of its own with systemd: installed, updated
by a signed version, killed at each step, gone back, removed.

MOXLITE_ROOTS may have their root file systems as `booted12` and `booted13`, else mmdebstrap makes them, which takes the
network.
"""

import base64
import hashlib
import imaplib
import json
import os
import shutil
import smtplib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.admin.installation import UNIT
from tests.containers import INCLUDE, SUITES, CommandFailed, Machine, booted
from tests.machine import hindrance_to_containers
from tests.packagerig import UpdateRecord
from tests.tools import need, until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.nightly(smoke="tests/unit/test_ownprogram.py::test_a_frozen_program_starts_itself"),
    pytest.mark.timeout(900, func_only=True),
]

KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
VERSION = "99.1.0"
NAME = f"moxlite-{VERSION}-linux-{os.uname().machine}"

SETTINGS = f"""
[updates]
domain = "project.example"
changelog_url = "http://127.0.0.1:8099/changelog.json"
public_key = "{PUBLIC}"
"""

NEXT = f"""\
#!/bin/sh
case "$*" in version) echo moxlite {VERSION}; exit;; *" serve "*) %s;; esac
exec /opt/real/moxlite "$@"
"""
"""A next version: the present one under another name, and what it does before it serves."""

T = TypeVar("T")


class Site(BaseHTTPRequestHandler):
    """A web server with the changes and the file."""

    files: ClassVar[dict[str, bytes]] = {}

    def log_message(self, *_: object) -> None:
        """To no one."""

    def do_GET(self) -> None:
        body = self.files.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")


class Owner:
    """What an owner types at the machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.answers = UpdateRecord(VERSION)
        self.run = machine.run
        self.sent = 0

    def offer(self, before_serving: str, *, key: Ed25519PrivateKey = KEY, digest: str = "") -> None:
        """Publish a next version."""
        file = (NEXT % before_serving).encode()
        text = f"- Better.\n\n    {digest or hashlib.sha256(file).hexdigest()}  {NAME}\n"
        signature = base64.b64encode(key.sign(f"{VERSION}\n{text}".encode())).decode()
        changes = [{"version": VERSION, "text": text, "signature": signature}]
        Site.files = {
            "/changelog.json": json.dumps({"changes": changes}).encode(),
            f"/{VERSION}/{NAME}": file,
        }

    def update(self) -> tuple[int, str]:
        """The exit code and what is said."""
        said = self.run("moxlite --yes self update --resolver 127.0.0.1:53 2>&1; echo $?")
        text, _, code = said.rpartition("\n")
        return int(code), text

    def serves(self) -> None:
        """Mail comes in, and all that came before is there."""

        def send() -> None:
            letter = f"From: you@example.org\r\nTo: you@example.org\r\nSubject: {self.sent}\r\n\r\nHello\r\n"
            with smtplib.SMTP_SSL("198.51.100.7", 465, timeout=60) as smtp:
                smtp.login("you@example.org", self.password)
                smtp.sendmail("you@example.org", ["you@example.org"], letter)

        def count() -> int:
            with imaplib.IMAP4_SSL("198.51.100.7", 993, timeout=60) as imap:
                imap.login("you@example.org", self.password)
                found = 0
                for name in ("INBOX", "Junk"):
                    _, (answer,) = imap.select(name)
                    found += int(answer or b"0")
                return found

        self.machine.inside(send)
        self.sent += 1
        until(lambda: self.machine.inside(count) == self.sent, seconds=60, what=f"{self.sent} messages", pause=0.5)

    password = ""


@pytest.fixture(params=SUITES)
def owner(request: pytest.FixtureRequest, tmp_path: Path, frozen: tuple[Path, Path]) -> Iterator[Owner]:
    """An owner with the file in a folder that the unit's sandbox shows, and servers of a project in the net."""
    if why := hindrance_to_containers():
        pytest.skip(why)
    root = tmp_path / "root"
    if kept := os.environ.get("MOXLITE_ROOTS"):
        subprocess.run(["cp", "-a", f"{kept}/{request.param}", str(root)], check=True)
    else:
        suite = SUITES[request.param]
        command = [need("mmdebstrap"), "--quiet", "--variant=minbase", f"--include={INCLUDE}", suite, str(root)]
        subprocess.run(command, check=True, timeout=600)
    (root / "opt/real").mkdir()
    shutil.copy(frozen[1], root / "opt/real/moxlite")
    with booted(root, "--private-network") as machine:
        owner = Owner(machine)
        machine.run("ip link set lo up; ip addr add 198.51.100.7/32 dev lo")

        def listen() -> tuple[HTTPServer, socket.socket]:
            names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            names.bind(("127.0.0.1", 53))
            return HTTPServer(("127.0.0.1", 8099), Site), names

        site, names = machine.inside(listen)
        threading.Thread(target=site.serve_forever, daemon=True).start()
        threading.Thread(target=owner.answers.serve, args=[names], daemon=True).start()
        yield owner
        site.shutdown()
        site.server_close()


def test_the_life_of_an_installation(owner: Owner) -> None:
    """ADMIN-60d, ADMIN-60e, ADMIN-60f: what was acknowledged is there after each of them, and the machine serves."""
    run = owner.run
    _install(owner)
    _refusals(owner)
    _failing(owner)
    _killed(owner)
    owner.offer(":")
    run(f"echo '# of an older version' >>{UNIT}")
    run(f"mkdir -p {UNIT}.d && printf '[Service]\nNice=5\n' >{UNIT}.d/own.conf && systemctl daemon-reload")
    code, said = owner.update()
    assert (code, f"updated to {VERSION}; " in said) == (0, True), said
    assert "older version" not in run(f"cat {UNIT}")
    assert run("systemctl show --property=Nice --value moxlite") == "5", "the owner's drop-in"
    assert run("systemctl show --property=NeedDaemonReload --value moxlite") == "no"
    owner.serves()
    before = owner.sent
    owner.serves()
    said = run("moxlite.previous --yes self back 2>&1")
    assert f"data from {VERSION} is in /var/lib/moxlite.of-{VERSION}" in said
    assert "older version" in run(f"cat {UNIT}")
    owner.sent = before - 1  # as it was at the update
    owner.serves()
    assert "cannot be" not in run("moxlite store check you")
    said = run("moxlite --yes self back 2>&1", check=False)
    assert "previous program and data not found" in said
    _remove(owner)


def _install(owner: Owner) -> None:
    run = owner.run
    run("mkdir -p /var/lib/dpkg/info && touch /var/lib/dpkg/info/moxlite.list /usr/bin/moxlite")
    assert "apt-get remove moxlite" in run("/opt/real/moxlite self install 2>&1", check=False)
    run("rm /var/lib/dpkg/info/moxlite.list /usr/bin/moxlite")
    assert "next: moxlite quickstart" in run("/opt/real/moxlite self install")
    run("/opt/real/moxlite self install")
    said = run("moxlite quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9 you@example.org")
    assert "systemctl start moxlite" in said
    assert "useradd" not in said
    (line,) = (one for one in said.splitlines() if one.startswith("account password: "))
    owner.password = line.split()[-1]
    run(f"cat >>/etc/moxlite/moxlite.toml <<'END'\n{SETTINGS}\nEND")
    run("systemctl start moxlite")
    owner.serves()


def _refusals(owner: Owner) -> None:
    """Each before anything stops."""
    before = owner.machine.server()
    owner.offer(":", key=Ed25519PrivateKey.generate())
    code, said = owner.update()
    assert (code, "signed with the key" in said) == (75, True), said
    owner.offer(":", digest="0" * 64)
    code, said = owner.update()
    assert (code, "file doesn't match the signed changelog" in said) == (75, True), said
    owner.answers.version = "0.0.1"
    code, said = owner.update()
    assert (code, "newest: 0.0.1" in said) == (0, True), said
    owner.answers.version = VERSION
    owner.offer("exit 3;; version) exit 3")
    Site.files[f"/{VERSION}/{NAME}"] = b""
    assert owner.update()[0] == 75
    owner.run("sed -i '1i store.min_free_space = \"9t\"' /etc/moxlite/moxlite.toml")
    owner.offer(":")
    code, said = owner.update()
    assert (code, "MiB free); no changes made" in said) == (1, True), said
    owner.run("sed -i 1d /etc/moxlite/moxlite.toml")
    said = owner.run("/opt/real/moxlite self update 2>&1", check=False)
    assert "this isn't the installed program" in said
    assert owner.machine.server() == before
    owner.serves()


def _failing(owner: Owner) -> None:
    """A version that does not start gives way by itself; one that took mail, and failed then, waits for the owner."""
    owner.offer("exit 3")
    code, said = owner.update()
    assert (code, "without losing data" in said) == (1, True), said
    assert owner.run("cmp /opt/real/moxlite /usr/local/bin/moxlite; ls /var/lib | grep moxlite") != ""
    owner.serves()
    owner.offer('timeout 3 /opt/real/moxlite "$@"; exit 1')
    code, said = owner.update()
    assert (code, "moxlite.previous self back" in said) == (1, True), said
    owner.run("moxlite.previous --yes self back")
    owner.run("rm -r /var/lib/moxlite.of-*")
    owner.serves()


def notes(owner: Owner) -> str:
    """How far the update is."""
    return owner.run("cat /opt/moxlite-file/update.json")


def _killed(owner: Owner) -> None:
    """At moments of all its steps: another process of the same unit goes on."""
    owner.offer(":")
    for seconds in (0.1, 0.6, 1.2, 2.0):
        owner.run(
            "echo >/opt/moxlite-file/update.json; moxlite --yes self update --resolver 127.0.0.1:53 >/dev/null 2>&1 &"
        )
        until(lambda: '"state"' in notes(owner), seconds=60, what="the unit", pause=0.05)
        time.sleep(seconds)
        owner.run("systemctl kill --signal=KILL moxlite-update", check=False)
        until(lambda: '"state":"done"' in notes(owner), seconds=90, what="the end", pause=0.5)
        owner.serves()
        owner.run("moxlite.previous --yes self back && rm -r /var/lib/moxlite.of-*")
        owner.sent -= 1
        owner.serves()


def _remove(owner: Owner) -> None:
    run = owner.run
    copies = f"/var/lib/moxlite /var/lib/moxlite.of-{VERSION} /var/backups/moxlite"
    assert f"kept, with user moxlite: /etc/moxlite {copies}" in run("moxlite self remove")
    run("test ! -e /usr/local/bin/moxlite -a ! -e /etc/systemd/system/moxlite.service -a ! -e /opt/moxlite-file")
    run("/opt/real/moxlite self install")
    owner.serves()
    run("moxlite --yes self remove --purge")
    assert "moxlite" not in run("ls /etc /var/lib /var/backups")
    with pytest.raises(CommandFailed):
        run("id moxlite")
