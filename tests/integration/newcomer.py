"""A newcomer, played end to end in a net of its own (docs/first-hour.md): run by test_server_newcomer as root, in new
namespaces for network and mounts, with a folder as its argument.

The net has one bridge with three public addresses: the newcomer's, that of a Postfix, and that of a peer that runs
moxlite as well. DNS is knot and unbound at port 53, the CA is pebble, whose certificates hold for six days. What the
newcomer types is what docs/install.md says; what a closed net needs beside that (the CA's URL, its root) is marked.
"""

import email
import imaplib
import json
import os
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import EmailMessage, Message
from pathlib import Path

from cryptography import x509

from tests.acmeca import Pebble
from tests.acmeserver import public_key
from tests.certs import Authority
from tests.dnsworld import DNSWorld
from tests.fakeclock import FakeClock
from tests.integration import postfixpeer
from tests.integration.postfixpeer import SIGNED, UNSIGNED, PostfixPeer
from tests.ownnet import add_address, set_up_net
from tests.rootserver import interpreter, readable_path
from tests.running import ServerProcess, make_certificate
from tests.tools import until
from tests.upgrade_fixtures import names as old_versions, unpack

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
    clock: FakeClock | None = None

    def __post_init__(self) -> None:
        python = interpreter()
        assert python is not None
        self.python = python
        path = readable_path()
        own = {} if self.clock is None else self.clock.environment(path["PYTHONPATH"])
        self.environment = {**path, **own, "SSL_CERT_FILE": self.roots}

    def command(self) -> list[str]:
        return ["--config", str(self.folder / "config/moxlite.toml"), "serve"]

    def is_ready(self, line: str) -> bool:
        return "ready to serve" in line


def say(text: str) -> None:
    print(f"{time.monotonic():8.1f} {text}", flush=True)


class Newcomer:
    """The machine of the newcomer."""

    def __init__(self, folder: Path, world: DNSWorld, ca: Pebble, authority: Authority) -> None:
        self.clock = FakeClock(folder / "clock")
        self.server = Served(folder / "moxlite", roots=str(folder / "roots.pem"), clock=self.clock)
        self.world = world
        self.ca = ca
        self.roots = folder / "roots.pem"  # a closed net: these stand for the system's
        self.roots.write_text(ca.root() + authority.pem.decode())
        self.roots.chmod(0o644)
        self.tls = ssl.create_default_context(cafile=str(self.roots))
        self.zone = f"mx A {OWN}\n"

    @property
    def config(self) -> Path:
        return self.server.folder / "config/moxlite.toml"

    def moxlite(self, *args: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        done = self.server.cli(*args, check=False, stdin=stdin)
        assert not check or done.returncode == 0, f"moxlite {' '.join(args)}:\n{done.stdout}\n{done.stderr}"
        return done

    def quickstart(self) -> None:
        """Step 3 of docs/install.md."""
        self.server.folder.mkdir()
        done = self.moxlite(
            *("--config", str(self.config), "quickstart", "--skip-dial"),
            *("--publish-web", "--hostname", "mx.example.org", "you@example.org", USER),
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
        self.published = self.zone + records
        self.world.set("example.org", self.published)

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
        with self.mailbox() as box:
            return awaited(box, wanted, ("INBOX", "Junk"), f"{what}; {self.server.log()[-4000:]}")

    def mailbox(self, user: str = "you@example.org", password: str = "") -> imaplib.IMAP4:
        """Logged in, over verified TLS."""
        box = imaplib.IMAP4_SSL("mail.example.org", ssl_context=self.tls, timeout=60)
        box.login(user, password or self.password)
        return box

    def send(self, to: str, subject: str) -> None:
        """By submission with the settings that `clientconfig` prints."""
        message = letter("you@example.org", to, subject)
        with smtplib.SMTP_SSL("mail.example.org", 465, context=self.tls, timeout=60) as smtp:
            smtp.login("you@example.org", self.password)
            smtp.send_message(message)

    def shown(self) -> x509.Certificate:
        """The certificate of port 465."""
        text = ssl.get_server_certificate((OWN, 465), timeout=60)
        return x509.load_pem_x509_certificate(text.encode())


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


def with_postfix(me: Newcomer, postfix: PostfixPeer) -> None:
    """Mail both ways, under DANE and under MTA-STS."""
    for domain, policy in ((SIGNED, "dane"), (UNSIGNED, "sts")):
        me.send(f"bob@{domain}", f"To {domain}")
        assert "using TLSv1.3" in postfix.read(f"To {domain}")
        sent = [line for line in me.server.log().splitlines() if f"mx.{domain}" in line and "policy=" in line]
        assert re.search(rf'policy="?{policy}\b', sent[-1]), sent
    postfix.send(str(letter(f"bob@{SIGNED}", "you@example.org", "By DANE")), "you@example.org")
    with urllib.request.urlopen("https://mta-sts.example.org/.well-known/mta-sts.txt", context=me.tls) as answer:
        postfix.require("example.org", answer.read().decode())
    postfix.send(str(letter(f"bob@{SIGNED}", "you@example.org", "By policy")), "you@example.org")
    for subject in ("By DANE", "By policy"):
        assert "spf=pass" in me.read("mail of postfix", subject)["Authentication-Results"]


def upgrade_and_restore(me: Newcomer, folder: Path) -> None:
    """docs/upgrade.md and docs/restore.md: an account as the first release left it, a backup, the way back to that."""
    me.moxlite("config", "account", "add", "old", "old@example.org")
    me.server.stop()
    data = me.server.folder / "data"
    old = unpack(old_versions()[0], folder / "old") / "accounts/test2/account.db"
    for path in (data / "accounts/old").glob("account.db*"):
        path.unlink()
    shutil.copy(old, data / "accounts/old/account.db")
    os.chown(data / "accounts/old/account.db", int(USER), int(USER))
    backups = folder / "backups"
    backups.mkdir()
    os.chown(backups, int(USER), int(USER))
    me.moxlite("backup", str(backups / "before"))
    me.moxlite("verifydata", "--upgrade", str(backups / "before"))
    say("a backup that can be upgraded")

    me.server.start()
    me.moxlite("account", "set-password", "old", stdin="an old password\n")
    app = me.moxlite("account", "app-password", "add", "old", "laptop").stdout.strip()
    refused = ""
    try:
        me.mailbox("old@example.org", "an old password")
    except imaplib.IMAP4.error as error:
        refused = str(error)
    assert "AUTHENTICATIONFAILED" in refused, "the upgrade keeps two-step verification"
    with me.mailbox("old@example.org", app) as box:
        assert int(box.select("INBOX", readonly=True)[1][0] or b"0") > 0, "mail of the older version"
    me.moxlite("account", "reset-second-factor", "old")
    with me.mailbox("old@example.org", "an old password") as box:
        assert int(box.select("INBOX", readonly=True)[1][0] or b"0") > 0, "mail of the older version"
    assert me.moxlite("store", "check", "--deep", "old").returncode == 0
    me.send("you@example.org", "Later")
    me.read("mail of one's own", "Later")
    me.server.stop()
    say("the older account was upgraded")

    data.rename(data.with_name("data.old"))
    data.mkdir(0o750)
    os.chown(data, int(USER), int(USER))
    me.moxlite("restore", str(backups / "before"))
    me.server.start()
    me.moxlite("healthcheck")
    me.read("mail of the backup", "Welcome")
    with me.mailbox() as box:
        box.select("INBOX", readonly=True)
        assert fetch(box, "Later") == []
    say("restored")


def renew(me: Newcomer, ca: Pebble) -> None:
    """Certificates of six days come and go, the CA is away for a while; what TLSA records name stays. A year of this is
    the campaign acme_year.
    """
    first = me.shown()

    def pass_days(days: float) -> None:
        me.clock.move(days * 86_400)
        ca.ahead = me.clock.ahead
        me.server.process.send_signal(signal.SIGHUP)  # it looks each hour by itself

    def renewed(before: x509.Certificate) -> x509.Certificate:
        until(lambda: me.shown() != before, seconds=120, what=f"renewal; {me.server.log()[-4000:]}", pause=0.5)
        assert public_key(me.shown()) == public_key(first)
        me.moxlite("dane", "dialmx", "example.org", "mx.example.org")
        return me.shown()

    pass_days(3.1)
    second = renewed(first)
    say("renewed at half of the lifetime; DANE verifies it")
    ca.err = lambda _: (503, {"Content-Type": "text/html"}, b"away")
    pass_days(8)
    until(lambda: "HTTP status 503" in me.server.log(), seconds=120, what="the CA's answer in the log")
    assert me.shown() == second, "it has ended, and is shown all the same"
    me.moxlite("dane", "dialmx", "example.org", "mx.example.org")
    _, found = me.doctor("--skip-mail")
    told = [one for one in found["findings"] if one["grade"] == "error" and "mx.example.org" in str(one)]
    assert told, found
    ca.err = lambda _: None
    pass_days(1.1)
    renewed(second)
    assert ca.wrong == []
    say("the CA was away; renewed since it is back")


def webmail_from_everywhere(me: Newcomer) -> None:
    """With --publish-web webmail and account page are at the mail host, and no admin page."""
    for path, status in (("webmail/", 200), ("", 200), ("admin/", 404)):
        try:
            with urllib.request.urlopen(f"https://mx.example.org/{path}", context=me.tls, timeout=60) as answer:
                found = answer.status
        except urllib.error.HTTPError as error:
            found = error.code
        assert found == status, path
    say("webmail and account page are there for all, the admin page is not")


def wrong_tlsa(me: Newcomer) -> None:
    """TLSA records that fit no key which port 25 shows are an error of dnscheck and doctor, host keys in the
    configuration or not, with the lines to put instead; those, put into DNS, mend it.
    """
    zone, text = me.published, me.config.read_text()
    wrong = re.sub(r"( TLSA 3 1 1 )\S+", lambda found: found[1] + "ab" * 32, zone, count=1)
    wrong = re.sub(r"^_25\._tcp\.mx.* TLSA 3 1 1 (?!abab).*\n", "", wrong, flags=re.MULTILINE)
    try:
        me.world.set("example.org", wrong)
        for static in (text, re.sub(r"^tls\.host_private_key_files.*\n", "", text, flags=re.MULTILINE)):
            me.config.write_text(static)
            dane = me.dnscheck()["dane"]
            assert any(f"the key on {OWN} port 25 doesn't match" in line for line in dane["errors"]), dane
            _, found = me.doctor("--skip-mail")
            [told] = [one for one in found["findings"] if "DANE senders can't deliver" in one["text"]]
            assert told["grade"] == "error", told
            commands = {line for one in found["findings"] for line in one["commands"]}
            [instead] = [line for line in commands if line.startswith("replace `_25._tcp.mx.")]
            me.world.set("example.org", wrong.replace(instead.split("`")[1], instead.split("` in DNS with: ")[1]))
            assert not any("port 25" in line for line in me.dnscheck().get("dane", {}).get("errors", [])), instead
            me.world.set("example.org", wrong)
    finally:
        me.config.write_text(text)
        me.world.set("example.org", zone)
    assert me.dnscheck() == {}
    say("wrong TLSA records are told, with and without host keys in the configuration, and mended by what is told")


def play(folder: Path, world: DNSWorld, ca: Pebble, authority: Authority, postfix: PostfixPeer) -> None:
    """All steps, in their order."""
    me = Newcomer(folder, world, ca, authority)
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
        until(lambda: "resolver validates DNSSEC" in me.server.log(), seconds=30, what="the word about DNSSEC")
        code, found = me.doctor("--send-to", "ann@example.net")
        wrong = [one for one in found["findings"] if one["grade"] != "note"]
        assert (code, wrong) == (0, []), f"{wrong}\n{me.server.log()[-4000:]}"
        assert len(found["mail"]) == 6, found["mail"]
        say(f"doctor is clean: {'; '.join(map(str, found['mail']))}")
        webmail_from_everywhere(me)
        wrong_tlsa(me)

        peer.send("you@example.org", "Welcome")
        arrived = me.read("mail of the peer", "Welcome")
        assert "spf=pass" in arrived["Authentication-Results"], arrived.as_string()
        assert 'policy="dane' in peer.server.log() or "policy=dane" in peer.server.log(), peer.server.log()[-4000:]
        say("mail came in, over TLS that DANE vouches for")
        me.send("ann@example.net", "Thank you")
        results = peer.read("Thank you")["Authentication-Results"]
        assert all(f"{method}=pass" in results for method in ("spf", "dkim", "dmarc", "iprev")), results
        say("mail went out, with SPF, DKIM, DMARC and reverse name right")
        peer.server.stop()
        with postfix:
            with_postfix(me, postfix)
        say("mail both ways with Postfix, under DANE and under MTA-STS")
        upgrade_and_restore(me, folder)
        renew(me, ca)
        user = Path(f"/proc/{me.server.process.pid}/status").read_text()
        say(f"parent {re.search('Uid:.*', user)[0]}")  # type: ignore[index]
        me.moxlite("stop")
    finally:
        for server in (me.server, peer.server):
            if getattr(server, "process", None) is not None and server.process.poll() is None:
                server.stop()


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(900)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN, postfixpeer.IP)
    os.umask(0o022)
    reverse = f"10 PTR mx.example.org.\n20 PTR mx.example.net.\n30 PTR mx.{SIGNED}.\n"
    authority = Authority()
    pair = authority.issue(f"mx.{SIGNED}", f"mx.{UNSIGNED}", f"mta-sts.{UNSIGNED}")
    zones = {
        "com": "",
        "example.org": f"mx A {OWN}",
        "example.net": PEER_ZONE,
        SIGNED: postfixpeer.signed_zone(pair),
        UNSIGNED: postfixpeer.unsigned_zone(),
        "100.45.5.in-addr.arpa": reverse,
    }
    postfix = PostfixPeer(folder / "postfix", pair, folder / "roots.pem")
    (folder / "ca").mkdir()
    ca = Pebble(folder / "ca", 80, 443, resolver="127.0.0.1:53", validity=6 * 86_400)
    with DNSWorld(zones, unsigned=[UNSIGNED], port=53) as world, ca:
        say("the net stands")
        play(folder, world, ca, authority, postfix)
    say("done")


if __name__ == "__main__":
    main()
