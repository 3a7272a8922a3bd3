"""A machine's life with the package: a clean Debian made by mmdebstrap, booted by systemd-nspawn without a network, the
package installed by apt from a signed repository; set up, served, killed, hung, upgraded, restored, the system upgraded
to Debian 13, removed, purged (ADMIN-40, 41, 43, 53). On both a user's first hour goes through the unit (ADMIN-70d).

Only the full count runs: it fetches Debian and takes minutes.
"""

import imaplib
import os
import re
import shutil
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from email.message import EmailMessage
from pathlib import Path

from moxlite.net.tls.certificates import self_signed
from tests.campaigns.report import Finding, Report
from tests.containers import INCLUDE, SUITE, Machine, booted
from tests.firsthour import FirstHour, mail_to_oneself
from tests.pages import commands
from tests.tools import need, top, until

__all__ = ["ADDRESS", "run", "run_program"]

ADDRESS = "198.51.100.7"
"""Of documentation nets (RFC 5737): quickstart takes it for one of the internet."""

KEY = "soak@moxlite.example"


def run(seed: int, share: float, report: Report) -> None:
    """The whole life, once; `seed` decides nothing."""
    if share < 1:
        report.tell("left to the full count: it fetches Debian")
        return
    for program in ("mmdebstrap", "systemd-nspawn", "gpg", "dpkg-deb"):
        need(program)
    with tempfile.TemporaryDirectory(prefix="moxlite-install-") as name:
        folder = Path(name)
        site = _repository(folder, report)
        began = time.monotonic()
        root = folder / "root"
        run_program("mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDE}", SUITE, str(root))
        report.tell(f"mmdebstrap {SUITE}: {time.monotonic() - began:.0f} s")
        shutil.copytree(site, root / "srv/apt")
        (root / "etc/apt/sources.list").write_text("deb [signed-by=/srv/apt/moxlite.asc] file:/srv/apt stable main\n")
        began = time.monotonic()
        with booted(root, "--private-network") as machine:
            report.tell(f"boot: {time.monotonic() - began:.0f} s")
            password = _live(machine, report)
            _configure_copying(root)
            _first_hour(machine, password, report)
        _full_upgrade(root, report)
        with booted(root, "--private-network") as machine:
            machine.run(f"ip link set lo up; ip addr add {ADDRESS}/32 dev lo; systemctl restart moxlite")
            _must("trixie" in machine.run("cat /etc/os-release"), "this is Debian 13")
            _must(
                machine.inside(lambda: mail_to_oneself(ADDRESS, password)) > 2,
                "mail of before the upgrade is served, and new mail",
            )
            _first_hour(machine, password, report)
            _leave(machine, report)


def run_program(
    *command: str, cwd: Path | None = None, environment: dict[str, str] | None = None, seconds: float = 1200
) -> str:
    """Run a program in the project or another folder; returns its stdout. Raises Finding with all it said."""
    done = subprocess.run(
        command,
        cwd=cwd or top(),
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise Finding(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def _repository(folder: Path, report: Report) -> Path:
    """With two versions of the package."""
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    path = {"PYTHONPATH": f"{top()}:{top() / 'script'}", "GNUPGHOME": str(home)}
    package = (sys.executable, "-m", "packages")
    try:
        run_program("gpg", "--batch", "--passphrase", "", "--quick-gen-key", KEY, "ed25519", "sign", environment=path)
        named = os.environ.get("MOXLITE_PROGRAM")
        program = named or run_program(*package, "binary", "--to", str(folder), environment=path).splitlines()[0]
        for version, compression in (("1.0~soak1", "xz"), ("1.0~soak2", "gzip")):
            more = ("--program", program, "--to", str(folder), "--version", version, "--compression", compression)
            deb = Path(run_program(*package, "deb", *more, environment=path).strip())
            run_program(*package, "apt", "--to", str(folder), "--key", KEY, str(deb), environment=path)
            report.tell(f"{deb.name}, {compression}: {deb.stat().st_size / 1e6:.1f} MB")
    finally:
        run_program("gpgconf", "--homedir", str(home), "--kill", "all")
    return folder / "apt"


def _full_upgrade(root: Path, report: Report) -> None:
    """To Debian 13, as its notes have it; with the network of this machine, and so without systemd."""
    began = time.monotonic()
    (root / "etc/apt/sources.list").write_text("deb http://deb.debian.org/debian trixie main\n")
    upgrade = "apt-get -q update && apt-get -q --yes -o Dpkg::Options::=--force-confold full-upgrade"
    setting = "--setenv=DEBIAN_FRONTEND=noninteractive"
    alone = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", setting, "--directory", str(root))
    run_program(*alone, "sh", "-c", upgrade)
    report.tell(f"full-upgrade to Debian 13: {time.monotonic() - began:.0f} s")


def _live(machine: Machine, report: Report) -> str:
    """Until the upgrade by apt; returns the password of the account."""
    run = machine.run
    run(f"ip link set lo up; ip addr add {ADDRESS}/32 dev lo")
    run("apt-get -q update && apt-get -q install --yes moxlite=1.0~soak1")
    _must(machine.shows("ActiveState") == "inactive", "without a configuration nothing starts")
    said = run("moxlite quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9 you@example.org")
    _must("systemctl start moxlite" in said, "quickstart tells how to start")
    password = said.partition("account password: ")[2].split()[0]
    began = time.monotonic()
    run("systemctl start moxlite")
    report.tell(f"start until READY=1: {time.monotonic() - began:.1f} s")
    exposure = run("systemd-analyze security --no-pager moxlite.service | tail -n 1")
    found = re.search(r"(\d+\.\d+)", exposure)
    _must(found is not None and float(found[1]) <= 3.0, exposure)
    report.tell(f"systemd-analyze security: {found[1] if found else ''}")
    _check_processes(machine)

    run("moxlite config account add eve eve@example.org && moxlite config test")
    _must("eve" in run("moxlite config account list"), "an account added by the command line")
    _configure(machine, report)
    before = machine.server()
    run("systemctl reload moxlite")
    until(lambda: "certificates reloaded" in run("journalctl -u moxlite"), what="the reload")
    _must(machine.server() == before, "a reload is no restart")
    _restarts(machine, report)
    _backup(machine)

    began = time.monotonic()
    for command in commands("upgrade.md", "Before it"):
        run(command)
    upgrade, _ = commands("upgrade.md", "With the Debian package")  # the second asks the doctor, and there is no DNS
    run(upgrade.replace("apt-get install", "apt-get install --yes"))
    report.tell(f"upgrade by apt, until the server is ready: {time.monotonic() - began:.1f} s")
    _must(machine.active(), "it runs after the upgrade")
    _must("soak2" in run("dpkg-query --show moxlite"), "the newer version is there")
    _must("eve" in run("moxlite config account list"), "the accounts are there")

    _must(machine.inside(lambda: mail_to_oneself(ADDRESS, password)) == 1, "mail is served")
    return password


COPYING = """
[tls.ca]
additional_to_system = true
cert_files = ["/etc/moxlite/own.pem"]
[listeners.own]
ips = ["{address}"]
tls.key_certs = [{{ cert_file = "own.pem", key_file = "own.key" }}]
dav_https = {{ enabled = true, port = 8443 }}
"""
"""Another listener, whose certificate this server trusts: calendars are copied from it."""


def _configure_copying(root: Path) -> None:
    folder = root / "etc/moxlite"
    pair = self_signed([ADDRESS])
    (folder / "own.pem").write_bytes(pair.certificate_pem())
    (folder / "own.key").write_bytes(pair.key_pem())
    (folder / "own.key").chmod(0o600)
    static = folder / "moxlite.toml"
    static.write_text(f"allow_private_webhooks = true\n{static.read_text()}{COPYING.format(address=ADDRESS)}")


def _first_hour(machine: Machine, password: str, report: Report) -> None:
    """Through the unit that systemd applies, with all it restricts."""
    run, began = machine.run, time.monotonic()
    run("systemctl restart moxlite && echo 'a new long password' | moxlite account set-password eve")
    version = run("systemctl --version").split()[1]
    until(lambda: "helper_working" in (page := _metrics(machine)) and "acme" in page, what="the trials of children")
    kinds = re.findall(r'moxlite_helper_working\{helper="(\w+)"\} (\d)', _metrics(machine))
    _must({"sandbox", "patterns", "acme"} <= {kind for kind, _ in kinds}, f"children were tried: {kinds}")
    _must(all(works == "1" for _, works in kinds), f"all children work: {kinds}")
    _must("does not start" not in run("moxlite healthcheck 2>&1", check=False), "healthcheck names no child")
    listeners = tomllib.loads(run("cat /etc/moxlite/moxlite.toml"))["listeners"]
    port = listeners["internal"]["webmail_http"].get("port", 80)
    trusted = ssl.create_default_context(cadata=run("cat /etc/moxlite/own.pem"))

    def live() -> None:
        with imaplib.IMAP4_SSL(ADDRESS, 993, timeout=60) as imap:
            for address, secret in (("you@example.org", password), ("eve@example.org", "a new long password")):
                hour = FirstHour(
                    address,
                    secret,
                    port=port,
                    dav=f"https://{ADDRESS}:8443/dav/",
                    imap=imap,
                    send=_send,
                    context=trusted,
                )
                if address.startswith("eve"):
                    hour.put_event(f"Chess{version}")
                else:
                    imap.login(address, secret)
                    hour.live("eve@example.org")

    machine.inside(live)
    copy = f"echo 'a new long password' | moxlite calendar copy you https://{ADDRESS}:8443 eve@example.org"
    run(copy)
    _must(f"SUMMARY:Chess{version}" in run("moxlite calendar export you"), "a repeating event is copied")
    run(f"printf 'From e@x.example Mon Jan  5 10:00:00 2026\\nSubject: Old\\n\\nBy {version}\\n' >/srv/old.mbox")
    run("moxlite import mbox you Old /srv/old.mbox && moxlite backup /var/backups/moxlite/hour")
    run("rm -r /var/backups/moxlite/hour")
    report.tell(f"a first hour through the unit of systemd {version}: {time.monotonic() - began:.0f} s")


def _send(message: EmailMessage) -> None:
    with smtplib.SMTP_SSL(ADDRESS, 465, timeout=60) as smtp:
        smtp.login("eve@example.org", "a new long password")
        smtp.send_message(message)


def _metrics(machine: Machine) -> str:
    def ask() -> str:
        with urllib.request.urlopen("http://127.0.0.1:8010/metrics", timeout=60) as answer:
            return str(answer.read().decode())

    return machine.inside(ask)


def _leave(machine: Machine, report: Report) -> None:
    run = machine.run
    run("apt-get -q remove --yes moxlite")
    _must(not run("pgrep --uid moxlite", check=False), "no process is left")
    run("test ! -e /usr/lib/moxlite -a ! -e /usr/bin/moxlite")
    kept = "sha256sum /etc/moxlite/*.toml /var/lib/moxlite/accounts/*/account.db"
    before = run(kept)
    run("apt-get -q purge --yes moxlite")
    _must(run(kept) == before, "configuration and mail stay")
    _must(run("systemctl is-failed moxlite", check=False) != "failed", "systemd has forgotten the unit")
    report.tell("removed and purged: no process, no program, configuration and mail as they were")


AS_WORKER = "setpriv --reuid=moxlite --regid=moxlite --init-groups"


def _configure(machine: Machine, report: Report) -> None:
    """Verbs that change the configuration, by root and by the user of the server: the server writes, the files stay
    its own. Without a server, what needs none still works, and the rest says so.
    """
    run = machine.run
    kept = "stat -c '%U:%G %a' /etc/moxlite/domains.toml /etc/moxlite/moxlite.toml"
    before = run(kept)
    for who in ("", f"{AS_WORKER} "):
        for verb in (
            "domain add second.example eve",
            "address add eve@second.example eve",
            "alias add team@second.example you@example.org eve@example.org",
            "alias rmaddr team@second.example you@example.org",
            "domain disable second.example",
            "domain enable second.example",
            "account disable eve away",
            "account enable eve",
            "alias rm team@second.example",
            "address rm eve@second.example",
            "domain rm second.example",
        ):
            run(f"{who}moxlite --yes config {verb}")
        _must("second.example" not in run(f"{who}moxlite config domain list"), "all is as it was")
    keys = run("stat -c '%U %a' /etc/moxlite/dkim/*.pem")
    _must(set(keys.splitlines()) == {"moxlite 600"}, f"keys that only the server can read: {keys}")
    _must(run(kept) == before, f"owners and modes stay: {before}, then {run(kept)}")
    run("systemctl stop moxlite")
    for verb in ("config test", "config dnsrecords example.org", "config printservice", "config ensure-acme-host-keys"):
        run(f"moxlite {verb}")
    run("echo 'a new long password' | moxlite admin set-password && moxlite store check --deep eve")
    _must(run("moxlite config account list; echo $?", check=False).endswith("3"), "it says that no server runs")
    _must(
        "the server isn't running" in run("moxlite doctor --skip-dial --resolver 127.0.0.1:9", check=False),
        "doctor too",
    )
    run("systemctl start moxlite")
    run("moxlite healthcheck", check=False)
    _must(run(kept) == before, "and stay so")
    report.tell("configuration changed by root and by the server's user; without a server, what needs none works")


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise Finding(what)


def _check_processes(machine: Machine) -> None:
    parent, server = machine.shows("MainPID"), machine.server()
    owners = machine.run(f"ps -o user= -p {parent}; ps -o user= -p {server}").split()
    _must(owners == ["root", "moxlite"], f"owners of the two processes: {owners}")
    status = machine.run(f"cat /proc/{server}/status")
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        _must(f"{name}:\t{'0' * 16}" in status, f"the server has no {name}")


def _restarts(machine: Machine, report: Report) -> None:
    """A server that is killed, and one that hangs: systemd's watchdog ends it after 60 s."""
    for signal, seconds, what in (("KILL", 60, "killed"), ("STOP", 180, "hung")):
        restarts, began = int(machine.shows("NRestarts")), time.monotonic()
        machine.run(f"kill -{signal} {machine.server()}")
        until(
            lambda restarts=restarts: int(machine.shows("NRestarts")) > restarts and machine.active(),  # type: ignore[misc]
            seconds=seconds,
            what=f"the restart of a server that was {what}",
        )
        report.tell(f"{what}: serves again after {time.monotonic() - began:.0f} s")


def _backup(machine: Machine) -> None:
    """Made by the running server, and restored by the page, typed."""
    machine.run(
        "moxlite backup /var/backups/moxlite/before && moxlite verifydata --upgrade /var/backups/moxlite/before"
    )
    for command in commands("restore.md", "On the same machine"):
        # there is no DNS, so that it may miss a certificate by then
        machine.run(command.replace("moxlite healthcheck", "{ moxlite healthcheck 2>&1 || true; }"))
    machine.run("rm -r /var/backups/moxlite/before /var/lib/moxlite.old")
    _must("eve" in machine.run("moxlite config account list"), "the restored server serves")
