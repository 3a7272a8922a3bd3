"""Notice of newer versions, off unless configured (ADMIN-60)."""

import base64
import contextlib
import imaplib
import json
import random
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite import __version__
from moxlite.admin.updates import is_newer
from tests.dnsworld import DNSWorld
from tests.running import ServedServer
from tests.tools import until

pytestmark = [pytest.mark.integration, pytest.mark.served]

KEY, NEXT_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

TOP = """\
check_updates = true
dns.servers = ["{dns}"]
[updates]
domain = "project.example"
changelog_url = "http://127.0.0.1:{port}/changes.json"
public_key = "{key}"
"""


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def entry(version: str, text: str, key: Ed25519PrivateKey = KEY) -> dict[str, str]:
    signature = base64.b64encode(key.sign(f"{version}\n{text}".encode())).decode()
    return {"version": version, "text": text, "signature": signature}


class Changelog(BaseHTTPRequestHandler):
    """Serves what `changes` holds."""

    changes: ClassVar[list[dict[str, str]]] = []
    asked: ClassVar[int] = 0

    def log_message(self, *_: object) -> None:
        """To no one."""

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"changes": self.changes}).encode())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = HTTPServer(("127.0.0.1", 0), Changelog)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield listener.server_port
    listener.shutdown()
    listener.server_close()


@pytest.fixture(scope="module")
def world() -> Iterator[DNSWorld]:
    with DNSWorld({"project.example": '_updates TXT "v=UPDATES0; l=99.1.0"'}) as world:
        yield world


def settings(port: int, dns: str = "127.0.0.1") -> str:
    return TOP.format(port=port, key=public(KEY), dns=dns)


@pytest.mark.nightly
def test_the_verb_shows_what_is_signed(tmp_path: Path, port: int, world: DNSWorld) -> None:
    """ADMIN-60, ADMIN-60g, ADMIN-19: `checkupdate` needs no server; entries that a third key has signed, and those of
    versions up to this one, are not shown; without any good one nothing is said to be known.
    """
    server = ServedServer(tmp_path / "server", top=f'{settings(port)}next_public_key = "{public(NEXT_KEY)}"\n')
    stranger = Ed25519PrivateKey.generate()
    Changelog.changes = [entry("99.1.0", "Good things.", NEXT_KEY), entry("99.0.5", "Bad things.", stranger)]
    Changelog.changes += [entry("0.0.1", "Old things.")]
    done = server.cli("checkupdate", "--resolver", world.server)
    assert f"installed: {__version__}, newest: 99.1.0" in done.stdout
    assert "Good things." in done.stdout
    assert "Bad things." not in done.stdout
    assert "Old things." not in done.stdout
    found = json.loads(server.cli("--json", "checkupdate", "--resolver", world.server).stdout)
    assert [one["version"] for one in found["changes"]] == ["99.1.0"]
    Changelog.changes = [entry("99.1.0", "Bad things.", stranger)]
    done = server.cli("checkupdate", "--resolver", world.server, check=False)
    assert done.returncode == 75
    assert "signed" in done.stderr
    world.set("project.example", f'_updates TXT "v=UPDATES0; l={__version__}"')
    assert "Good" not in server.cli("checkupdate", "--resolver", world.server).stdout
    world.set("project.example", '_updates TXT "nonsense"')
    assert server.cli("checkupdate", "--resolver", world.server, check=False).returncode == 75


def test_it_is_off_and_cannot_be_half_on(tmp_path: Path) -> None:
    """ADMIN-60, ADMIN-9: `check_updates` needs to be told where, and the key must be one."""
    server = ServedServer(tmp_path / "server", top="check_updates = true\n")
    done = server.cli("config", "test", check=False)
    assert done.returncode == 1
    assert "check_updates: requires an [updates] table" in done.stderr
    other = ServedServer(tmp_path / "other", top=settings(1).replace(public(KEY), "c2hvcnQ="))
    assert "updates.public_key: must be a 32-byte key in base64" in other.cli("config", "test", check=False).stderr
    plain = ServedServer(tmp_path / "plain")
    assert "isn't set in moxlite.toml" in plain.cli("checkupdate", check=False).stderr


@pytest.mark.nightly
def test_the_postmaster_is_told_once(tmp_path: Path, port: int) -> None:
    """ADMIN-60: a server looks at its start when the last look is a day old, and delivers what changed, flagged, once
    for each version, also over a restart; `doctor` names the version.
    """
    Changelog.changes = [entry("99.1.0", "Good things.")]
    with answering("99.1.0") as resolver:
        server = ServedServer(tmp_path / "server", top=settings(port, resolver))
        with server:
            until(lambda: told(server) == ["99.1.0"], seconds=30, what=f"the notice; {server.log()[-2000:]}")
            done = server.cli(
                "--json", "doctor", "--skip-dial", "--skip-mail", "--resolver", "127.0.0.1:9", check=False
            )
            [update] = [one for one in json.loads(done.stdout)["findings"] if one["code"] == "update"]
            assert "99.1.0" in update["text"]
        asked = Changelog.asked
        state = server.folder / "data/updates.json"
        state.write_text(state.read_text().replace('"at":', '"at":0,"old":'))
        with server:
            until(lambda: json.loads(state.read_text())["at"] > 0, seconds=30, what="another look")
            assert told(server) == ["99.1.0"]
        assert Changelog.asked == asked


@contextlib.contextmanager
def answering(version: str) -> Iterator[str]:
    """A DNS server at port 53 of a loopback address, which is what `dns.servers` takes: it answers all with that
    version.
    """
    ip = f"127.{random.randrange(64, 250)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((ip, 53))
    except PermissionError:
        sock.close()
        pytest.skip("only root may answer at port 53")

    def answer() -> None:
        while True:
            try:
                octets, client = sock.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(octets)
            found = dns.message.make_response(query, recursion_available=True)
            question = query.question[0]
            if question.rdtype == dns.rdatatype.TXT:
                text = f'"v=UPDATES0; l={version}"'
                found.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", text))
            sock.sendto(found.to_wire(), client)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield ip
    finally:
        sock.close()


def told(server: ServedServer) -> list[str]:
    """The versions of the flagged notices in the postmaster's mailbox."""
    box = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
    box.starttls()
    box.login("bob@example.org", server.password)
    try:
        if box.select("Postmaster")[0] != "OK":
            return []
        numbers = box.search(None, "FLAGGED", "SUBJECT", '"was published"')[1][0].split()
        found = [box.fetch(number.decode(), "(BODY[HEADER.FIELDS (SUBJECT)])")[1][0] for number in numbers]
        return [one[1].decode().partition("Version ")[2].split()[0] for one in found if isinstance(one, tuple)]
    finally:
        box.logout()


@pytest.mark.parametrize(
    ("version", "newer"), [("0.2.0", True), ("0.1.1", True), ("0.1.0", False), ("0.0.9", False), ("", False)]
)
def test_versions_are_compared_by_number(version: str, newer: bool) -> None:
    """ADMIN-60."""
    assert is_newer(version, "0.1.0") is newer
    assert is_newer("0.10.0", "0.9.0")
