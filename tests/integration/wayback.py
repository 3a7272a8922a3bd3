"""The way back, typed: a server on an empty Debian by docs/install.md and docs/first-hour.md, its backup, and another
machine out of that by docs/restore.md; run by the campaign `wayback` as root, in new namespaces for network and mounts.

The folder has `base`, an empty Debian, and the package. Both machines boot systemd in copies of it. They share the net,
which has DNS, a CA, and a peer that verifies by DANE. Commands are those of the pages; what a closed net needs beside
that (the CA's URL and root, no dialling outside) is marked.
"""

import imaplib
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
from email.message import Message
from pathlib import Path

from tests.acmeca import Pebble
from tests.certs import Authority
from tests.containers import Machine, booted
from tests.dnsworld import DNSWorld
from tests.integration.newcomer import OWN, PEER_ZONE, Peer, awaited, letter, say
from tests.ownnet import set_up_net
from tests.pages import commands, example
from tests.tools import until

NEW = "5.45.100.11"
"""The address of the second machine."""

DOCUMENTED = {"192.0.2.10": OWN, "192.0.2.20": NEW}
"""Addresses of the pages, and what the reader types for them."""


class Reader:
    """A reader of the pages, at one of the machines."""

    def __init__(self, machine: Machine, tls: ssl.SSLContext) -> None:
        self.machine = machine
        self.tls = tls

    def type(self, command: str, *, check: bool = True) -> str:
        """A command of a page, with the reader's own addresses."""
        for shown, own in DOCUMENTED.items():
            command = command.replace(shown, own).replace(shown.replace(".", r"\."), own.replace(".", r"\."))
        said = self.machine.run(f"cd /root && {command}", check=check)
        say(f"# {command}")
        return said

    def send(self, password: str, to: str, subject: str) -> None:
        """By submission."""
        with smtplib.SMTP_SSL("mail.example.org", 465, context=self.tls, timeout=60) as smtp:
            smtp.login("you@example.org", password)
            smtp.send_message(letter("you@example.org", to, subject))

    def read(self, password: str, subject: str) -> Message:
        """The message with a subject."""
        with imaplib.IMAP4_SSL("mail.example.org", ssl_context=self.tls, timeout=60) as box:
            box.login("you@example.org", password)
            return awaited(box, subject, ("INBOX", "Junk"), f"{subject}; {self.log()[-4000:]}")

    def log(self) -> str:
        """The log of the server."""
        return self.machine.run("journalctl --no-pager -u moxlite")

    def is_checked(self) -> bool:
        """Whether DNS and services are as they should be, and no certificate is waited for."""
        done = self.machine.run("moxlite config dnscheck example.org >/tmp/check 2>&1; echo $?; cat /tmp/check")
        return done.startswith("0") and "waiting for a certificate" not in done

    def records(self) -> str:
        """Records for the zone."""
        return self.machine.run("moxlite config dnsrecords example.org")


def root(folder: Path, name: str, ca: Pebble, roots: Path) -> Path:
    """An empty machine with the package in the home of root. A closed net: its resolver, and the CA's root certificate
    among those of the system; apt asks no questions.
    """
    made = folder / name
    subprocess.run(["cp", "-a", str(folder / "base"), str(made)], check=True)
    (package,) = folder.glob("moxlite_*.deb")
    shutil.copy(package, made / "root")
    (made / "etc/apt/apt.conf.d/90yes").write_text('APT::Get::Assume-Yes "true";\n')
    (made / "etc/resolv.conf").unlink(missing_ok=True)
    (made / "etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions trust-ad\n")
    bundle = made / "etc/ssl/certs/ca-certificates.crt"
    bundle.write_text(bundle.read_text() + roots.read_text() + ca.ca_file.read_text())
    return made


def tlsa(records: str) -> list[str]:
    return sorted(line for line in records.splitlines() if " TLSA " in line)


def first_machine(me: Reader, world: DNSWorld, ca: Pebble, peer: Peer) -> tuple[str, str, str]:
    """From nothing to mail and a backup. Returns the password, the records, and the signer of backups."""
    install, quickstart = commands("install.md", "Serving a domain")
    me.type(install)
    # a closed net: nothing outside can be dialled, and the CA is another
    said = me.type(quickstart.replace("quickstart", "quickstart --skip-dial"))
    found = re.search(r"^account password: (\S+)$", said, re.MULTILINE)
    assert found is not None, said
    password = found[1]
    me.machine.run(f"sed -i 's|^directory_url = .*|directory_url = \"{ca.directory}\"|' /etc/moxlite/moxlite.toml")
    records = me.records()
    world.set("example.org", f"mx A {OWN}\n{records}")
    for command in commands("first-hour.md", "4. Start"):
        me.type(command)
    until(me.is_checked, seconds=120, what="a clean dnscheck", pause=2)
    for command in commands("first-hour.md", "2. Put the records into DNS"):
        me.type(command)
    peer.send("you@example.org", "Welcome")
    me.read(password, "Welcome")
    say("mail came in")
    with_backup = example("first-hour.md", "8. Before you rely on it", "toml")
    me.machine.run(f"cat >>/etc/moxlite/moxlite.toml <<'END'\n{with_backup}\nEND")
    for command in commands("first-hour.md", "8. Before you rely on it"):
        me.type(command)
    listing = "moxlite backup list --repo /var/backups/moxlite/repo 2>/dev/null | tail -n +2"
    until(lambda: me.machine.run(listing, check=False), seconds=60, what="the scheduled snapshot", pause=1)
    doctor = commands("first-hour.md", "5. Ask the doctor")[0]
    doctor = doctor.replace("you@elsewhere.example", "ann@example.net")
    said = me.type(f"{doctor} --skip-dial", check=False)
    grades = [line for line in said.splitlines() if line.startswith(("error", "warning"))]
    assert [line for line in grades if "is on the same disk as the data" not in line] == [], said
    assert grades, "the backup is on the disk of the data"
    for page, heading in (
        ("backup.md", "A full copy"),
        ("backup.md", "Incremental, encrypted, scheduled"),
        ("backup.md", "Checking"),
        ("upgrade.md", "Before it"),
        ("restore.md", "On the same machine"),
    ):
        for command in commands(page, heading):
            me.type(command)
    me.read(password, "Welcome")
    me.type("moxlite backup --repo /var/backups/moxlite/repo")
    return password, records, me.machine.run("moxlite backup signer").strip()


def second_machine(me: Reader, world: DNSWorld, peer: Peer, password: str, records: str, signer: str) -> None:
    """Out of the backup, by the page, to mail both ways and a doctor who finds nothing."""
    me.type(commands("install.md", "Serving a domain")[0])
    typed = iter(commands("restore.md", "On a new machine"))
    me.type(next(typed))  # chown
    said = me.type(next(typed).replace("moxlite-signer-...", signer))  # restore
    assert re.search(r"^admin password: \S+$", said, re.MULTILINE), said
    assert re.search(rf"/etc/moxlite/moxlite.toml:\d+: listeners.public.ips: .*{re.escape(OWN)}", said), said
    assert f"mx.example.org. A, AAAA: the new address instead of {OWN}" in said
    assert "new keys were created" not in said
    me.type(next(typed))  # sed
    mine = me.records()
    assert tlsa(mine) == tlsa(records), "the keys are those of the first machine"
    world.set("example.org", f"mx A {NEW}\n{mine}")
    for command in (next(typed), next(typed), next(typed)):  # config test, start, healthcheck
        me.type(command)
    until(me.is_checked, seconds=120, what="a clean dnscheck", pause=2)
    me.type(next(typed))
    peer.send("you@example.org", "To the new machine")
    arrived = me.read(password, "To the new machine")
    assert "spf=pass" in arrived["Authentication-Results"]
    sent = [line for line in peer.server.log().splitlines() if "policy=" in line and "mx.example.org" in line]
    assert re.search(r'policy="?dane\b', sent[-1]), sent[-3:]
    me.read(password, "Welcome")
    me.send(password, "ann@example.net", "From the new machine")
    results = peer.read("From the new machine")["Authentication-Results"]
    assert all(f"{method}=pass" in results for method in ("spf", "dkim", "dmarc", "iprev")), results
    said = me.type(f"{next(typed)} --skip-dial")  # doctor: exit code 0, neither errors nor warnings
    say(said.splitlines()[-1])


def take_address(address: str) -> None:
    """Take an address from this net, and leave the others."""
    Path("/proc/sys/net/ipv4/conf/ext0/promote_secondaries").write_text("1")
    subprocess.run(["ip", "addr", "del", f"{address}/24", "dev", "ext0"], check=True)


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(1500)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN, NEW)
    authority = Authority()
    roots = folder / "roots.pem"
    zones = {
        "com": "",
        "example.org": f"mx A {OWN}",
        "example.net": PEER_ZONE,
        "100.45.5.in-addr.arpa": "10 PTR mx.example.org.\n11 PTR mx.example.org.\n20 PTR mx.example.net.\n",
    }
    (folder / "ca").mkdir()
    ca = Pebble(folder / "ca", 80, 443, resolver="127.0.0.1:53")
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True)  # the second machine's second disk
    with DNSWorld(zones, port=53) as world, ca:
        roots.write_text(ca.root() + authority.pem.decode())
        roots.chmod(0o644)
        tls = ssl.create_default_context(cafile=str(roots))
        peer = Peer(folder)
        peer.start()
        try:
            with booted(root(folder, "one", ca, roots), "--resolv-conf=off") as machine:
                say("the first machine is up")
                password, records, signer = first_machine(Reader(machine, tls), world, ca, peer)
            take_address(OWN)
            subprocess.run(["cp", "-a", str(folder / "one/var/backups/moxlite/repo"), str(disk)], check=True)
            subprocess.run(["chown", "-R", "0:0", str(disk)], check=True)  # as scp by root leaves it
            options = ("--resolv-conf=off", f"--bind={disk}:/var/backups/moxlite")
            with booted(root(folder, "two", ca, roots), *options) as machine:
                say("the second machine is up")
                second_machine(Reader(machine, tls), world, peer, password, records, signer)
        finally:
            peer.server.stop()
    say("done")


if __name__ == "__main__":
    main()
