"""A newcomer, played end to end in a net of its own (docs/first-hour.md): run by test_server_newcomer as root, in new
namespaces for network and mounts, with a folder as its argument.

The net has one bridge with two public addresses: the newcomer's, and that of a peer that serves another domain. DNS is
knot and unbound at port 53, the CA is pebble. What the newcomer types is what docs/install.md says; what a closed net
needs beside that (the CA's URL, its root) is marked.
"""

import email
import imaplib
import json
import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from email.message import EmailMessage, Message
from pathlib import Path

from tests.acmeca import Pebble
from tests.dnsworld import DNSWorld
from tests.ownnet import add_address, set_up_net
from tests.rootserver import interpreter, readable_path
from tests.running import ServerProcess, make_certificate
from tests.tools import until

OWN = "5.45.100.10"
PEER = "5.45.100.20"
USER = "4242"
"""As whom the server runs: a number needs no entry in /etc/passwd."""

PEER_STATIC = f"""\
hostname = "mx.example.net"
user = "{USER}"
[postmaster]
account = "ann"
mailbox = "Postmaster"
[listeners.public]
ips = ["{PEER}"]
tls.key_certs = [{{ cert_file = "cert.pem", key_file = "key.pem" }}]
smtp = {{ enabled = true, first_time_sender_delay = "0s" }}
submissions.enabled = true
imaps.enabled = true
"""

PEER_DOMAINS = """\
[domains."example.net"]
[accounts.ann]
domain = "example.net"
[accounts.ann.destinations."ann@example.net"]
"""

PEER_ZONE = f"""\
@ MX 10 mx
@ TXT "v=spf1 ip4:{PEER} -all"
mx A {PEER}
mx TXT "v=spf1 a -all"
"""


@dataclass
class Served(ServerProcess):
    """A server as the documentation starts it: by root, who gives itself up."""

    roots: str = ""

    def __post_init__(self) -> None:
        python = interpreter()
        assert python is not None
        self.python = python
        self.environment = {**readable_path(), "SSL_CERT_FILE": self.roots}

    def command(self) -> list[str]:
        return ["--config", str(self.folder / "config/moxlite.toml"), "serve"]

    def is_ready(self, line: str) -> bool:
        return "ready to serve" in line


def say(text: str) -> None:
    print(f"{time.monotonic():8.1f} {text}", flush=True)


class Newcomer:
    """The machine of the newcomer."""

    def __init__(self, folder: Path, world: DNSWorld, ca: Pebble) -> None:
        self.server = Served(folder / "moxlite", roots=str(folder / "roots.pem"))
        self.world = world
        self.ca = ca
        roots = folder / "roots.pem"  # a closed net: the CA's root stands for the system's
        roots.write_text(ca.root())
        roots.chmod(0o644)
        self.tls = ssl.create_default_context(cafile=str(roots))
        self.zone = f"mx A {OWN}\n"

    @property
    def config(self) -> Path:
        return self.server.folder / "config/moxlite.toml"

    def moxlite(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = self.server.cli(*args, check=False)
        assert not check or done.returncode == 0, f"moxlite {' '.join(args)}:\n{done.stdout}\n{done.stderr}"
        return done

    def quickstart(self) -> None:
        """Step 3 of docs/install.md."""
        self.server.folder.mkdir()
        done = self.moxlite(
            *("--config", str(self.config), "quickstart", "--skip-dial"),
            *("--hostname", "mx.example.org", "you@example.org", USER),
        )
        found = re.search(r"^account password: (\S+)$", done.stdout, re.MULTILINE)
        assert found is not None, done.stdout
        self.password = found[1]
        warned = [line for line in done.stdout.splitlines() if "arning" in line]
        say(f"quickstart: {len(done.stdout.splitlines())} lines, warnings: {warned}")
        text = self.config.read_text()  # a closed net: another CA
        text = re.sub(r"^directory_url = .*$", self.ca.roots().rstrip(), text, count=1, flags=re.MULTILINE)
        self.config.write_text(text)

    def publish(self) -> None:
        """Step 4: the records go into the zone as they are printed."""
        records = self.moxlite("config", "dnsrecords", "example.org").stdout
        assert "\n_25._tcp.mx.example.org. TLSA 3 1 1 " in records, "the zone is signed, so TLSA records are live"
        self.world.set("example.org", self.zone + records)

    def dnscheck(self) -> dict[str, dict[str, list[str]]]:
        """Topics with errors or warnings."""
        done = self.moxlite("--json", "config", "dnscheck", "example.org", check=False)
        topics: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
        return {name: one for name, one in topics.items() if one["errors"] or one["warnings"]}

    def doctor(self, *args: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
        done = self.moxlite("--json", "doctor", "--skip-dial", *args, check=False)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def read(self, what: str, wanted: str) -> Message:
        """The message whose subject is `wanted`, from the newcomer's Inbox, over verified TLS."""
        with imaplib.IMAP4_SSL("mail.example.org", ssl_context=self.tls, timeout=60) as box:
            box.login("you@example.org", self.password)
            return awaited(box, wanted, ("INBOX",), f"{what}; {self.server.log()[-4000:]}")

    def send(self, to: str, subject: str) -> None:
        """By submission with the settings that `clientconfig` prints."""
        message = letter("you@example.org", to, subject)
        with smtplib.SMTP_SSL("mail.example.org", 465, context=self.tls, timeout=60) as smtp:
            smtp.login("you@example.org", self.password)
            smtp.send_message(message)


def letter(sender: str, to: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2])
    message.set_content("Hello,\n\nthis is a letter of some lines.\n")
    return message


def fetch(box: imaplib.IMAP4, subject: str) -> list[Message]:
    """The messages with a subject in the selected mailbox."""
    numbers = box.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
    data = [box.fetch(number.decode(), "(BODY.PEEK[])")[1] for number in numbers]
    return [email.message_from_bytes(one[0][1]) for one in data if isinstance(one[0], tuple)]


def awaited(box: imaplib.IMAP4, subject: str, mailboxes: tuple[str, ...], what: str) -> Message:
    """The first message with a subject that comes into one of the mailboxes, all by one connection: a server limits how
    many are opened in a minute.
    """
    found: list[Message] = []

    def look() -> bool:
        for mailbox in mailboxes:
            if box.select(mailbox, readonly=True)[0] == "OK":
                found.extend(fetch(box, subject))
        return bool(found)

    until(look, seconds=60, what=what, pause=0.25)
    return found[0]


class Peer:
    """Another server, set up by hand."""

    def __init__(self, folder: Path) -> None:
        self.server = Served(folder / "peer", roots=str(folder / "roots.pem"))
        config = self.server.folder / "config"
        config.mkdir(parents=True)
        make_certificate(config)
        (config / "moxlite.toml").write_text(PEER_STATIC)
        (config / "domains.toml").write_text(PEER_DOMAINS)
        self.tls = ssl.create_default_context(cafile=str(config / "cert.pem"))
        self.tls.check_hostname = False

    def start(self) -> None:
        add_address(PEER)
        self.server.start()
        self.server.cli("account", "set-password", "ann", stdin="a long password\n")

    def send(self, to: str, subject: str) -> None:
        with smtplib.SMTP_SSL(PEER, 465, context=self.tls, timeout=60) as smtp:
            smtp.login("ann@example.net", "a long password")
            smtp.send_message(letter("ann@example.net", to, subject))

    def read(self, subject: str) -> Message:
        with imaplib.IMAP4_SSL(PEER, ssl_context=self.tls, timeout=60) as box:
            box.login("ann@example.net", "a long password")
            return awaited(box, subject, ("INBOX", "Junk"), f"{subject} at the peer; {self.server.log()[-4000:]}")


def play(folder: Path, world: DNSWorld, ca: Pebble) -> None:
    """All steps, in their order."""
    me = Newcomer(folder, world, ca)
    me.quickstart()
    me.publish()
    me.moxlite("config", "test")
    code, found = me.doctor()
    assert code == 1
    assert [one["code"] for one in found["findings"] if one["grade"] == "error"] == ["server-down"], found
    say("before the start: the server is down, all else is well")

    peer = Peer(folder)
    me.server.start()
    try:
        peer.start()
        until(lambda: me.dnscheck() == {}, seconds=90, what="a clean dnscheck", pause=1)
        say("dnscheck is clean: certificates have come")
        until(lambda: "the resolver verifies DNSSEC" in me.server.log(), seconds=30, what="the word about DNSSEC")
        code, found = me.doctor("--send-to", "ann@example.net")
        wrong = [one for one in found["findings"] if one["grade"] != "note"]
        assert (code, wrong) == (0, []), f"{wrong}\n{me.server.log()[-4000:]}"
        assert len(found["mail"]) == 5, found["mail"]
        say(f"doctor is clean: {'; '.join(map(str, found['mail']))}")

        peer.send("you@example.org", "Welcome")
        arrived = me.read("mail of the peer", "Welcome")
        assert "spf=pass" in arrived["Authentication-Results"], arrived.as_string()
        assert 'policy="dane' in peer.server.log() or "policy=dane" in peer.server.log(), peer.server.log()[-4000:]
        say("mail came in, over TLS that DANE vouches for")
        me.send("ann@example.net", "Thank you")
        results = peer.read("Thank you")["Authentication-Results"]
        assert all(f"{method}=pass" in results for method in ("spf", "dkim", "dmarc", "iprev")), results
        say("mail went out, with SPF, DKIM, DMARC and reverse name right")
        user = Path(f"/proc/{me.server.process.pid}/status").read_text()
        say(f"parent {re.search('Uid:.*', user)[0]}")  # type: ignore[index]
        me.moxlite("stop")
    finally:
        for server in (me.server, peer.server):
            if getattr(server, "process", None) is not None and server.process.poll() is None:
                server.stop()


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(600)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN)
    os.umask(0o022)
    reverse = "10 PTR mx.example.org.\n20 PTR mx.example.net.\n"
    zones = {
        "com": "",
        "example.org": f"mx A {OWN}",
        "example.net": PEER_ZONE,
        "100.45.5.in-addr.arpa": reverse,
    }
    (folder / "ca").mkdir()
    with DNSWorld(zones, port=53) as world, Pebble(folder / "ca", 80, 443, resolver="127.0.0.1:53") as ca:
        say("the net stands")
        play(folder, world, ca)
    say("done")


if __name__ == "__main__":
    main()
