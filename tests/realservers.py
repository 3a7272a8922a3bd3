"""Postfix, opendkim, Dovecot and Cyrus of Debian, and mox, in a folder of the test's own on free loopback ports,
stopped by process id.

Used by the integration tests (the real programs that moxlite must get on with) and by bench/ (what it is measured
against).
They need root, as these programs do.
"""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools import free_port, need, until

__all__ = ["Cyrus", "Dovecot", "Mox", "Postfix", "listening", "opendkim"]

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {top}/spool
data_directory = {top}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = {ip}
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtputf8_enable = yes
biff = no
alias_maps =
alias_database =
local_recipient_maps =
maillog_file = {top}/log/postfix.log
maillog_file_prefixes = {top}/log
in_flow_delay = 0
message_size_limit = 104857600
mailbox_size_limit = 0
{extra}
"""

MASTER_CF = """\
{ip}:{port} inet n - n - 100 smtpd
{services}pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def listening(port: int, ip: str = "127.0.0.1") -> bool:
    """Whether a program accepts connections on that port (looked up in /proc, so that no connection is spent)."""
    del ip
    want = f":{port:04X} "
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(name).read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            if local.endswith(want.strip()) and state == "0A":
                return True
    return False


def let_others_in(top: Path) -> None:
    """Open a temporary folder, and those that it is in, for the programs' own users."""
    for folder in (*reversed(top.parents), top):
        temporary = folder.is_relative_to("/tmp") or folder.is_relative_to("/dev/shm")
        if temporary and folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o755)


@dataclass
class Postfix:
    """A Postfix of its own; `extra` is added to main.cf (relayhost, virtual_transport, TLS, ...), `services` to
    master.cf.
    """

    top: Path
    extra: str = ""
    port: int = field(default_factory=free_port)
    ip: str = "127.0.0.1"
    services: str = ""

    def start(self) -> "Postfix":
        """Write the configuration and start the master process."""
        postfix = need("postfix")
        self.top.mkdir(parents=True, exist_ok=True)
        let_others_in(self.top)
        for name in ("etc", "spool", "data", "log"):
            (self.top / name).mkdir(exist_ok=True)
        shutil.chown(self.top / "data", "postfix")
        (self.top / "etc/main.cf").write_text(MAIN_CF.format(top=self.top, ip=self.ip, extra=self.extra))
        (self.top / "etc/master.cf").write_text(MASTER_CF.format(ip=self.ip, port=self.port, services=self.services))
        for template in Path("/usr/share/postfix").glob("dynamicmaps.cf"):
            shutil.copy(template, self.top / "etc")
        (self.top / "etc/dynamicmaps.cf").touch()
        command = [postfix, "-c", str(self.top / "etc"), "start"]
        for _ in range(3):  # the program gives its master a few seconds, which a busy machine may not have
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
            if done.returncode == 0:
                break
            self.stop()
        else:
            raise AssertionError(f"postfix does not start:\n{done.stdout}{done.stderr}{self.log()}")
        until(lambda: listening(self.port), what="postfix listens")
        return self

    def queued(self) -> int:
        """How many messages wait in the queue."""
        return sum(
            1
            for name in ("incoming", "active", "deferred", "maildrop")
            for p in (self.top / "spool" / name).rglob("*")
            if p.is_file()
        )

    def log(self) -> str:
        """What Postfix wrote."""
        path = self.top / "log/postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """End the master process, and with it all others."""
        path = self.top / "spool/pid/master.pid"
        if path.exists() and (text := path.read_text().strip()):
            try:
                os.kill(int(text), signal.SIGTERM)
            except ProcessLookupError:
                return
            wait_gone(int(text))

    def pids(self) -> list[int]:
        """The master and its children."""
        return tree(int((self.top / "spool/pid/master.pid").read_text()))

    def __enter__(self) -> "Postfix":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def opendkim(folder: Path, options: str) -> Iterator[int]:
    """opendkim as a milter with these lines of its configuration; its port."""
    folder.mkdir()
    port = free_port()
    (folder / "opendkim.conf").write_text(f"Socket inet:{port}@127.0.0.1\n{options}")
    with (folder / "log").open("wb") as log:
        command = [need("opendkim"), "-f", "-x", str(folder / "opendkim.conf")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until(lambda: listening(port), what="opendkim listens")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


DOVECOT_CONF = """\
base_dir = {run}
state_dir = {top}/state
log_path = {top}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
mail_home = {top}/mail/%n
mail_location = {location}
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Ln
passdb {{
  driver = static
  args = password=moxmoxmox
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup allow_all_users=yes
}}
ssl = {ssl}
mail_max_userip_connections = 1000
default_process_limit = 400
default_client_limit = 2000
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
  process_min_avail = 2
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
  process_min_avail = 4
}}
service imap {{
  process_limit = 400
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0600
  }}
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
{extra}
"""


@dataclass
class Dovecot:
    """A Dovecot of its own with IMAP (plain and, with a certificate, TLS) and LMTP; any user, password `moxmoxmox`."""

    user = "far"
    below = ""
    top: Path
    location: str = "maildir:~/Maildir"
    certificate: Path | None = None
    key: Path | None = None
    extra: str = ""
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    lmtp_port: int = field(default_factory=free_port)
    run: Path = field(init=False, repr=False)
    """For its sockets, whose names may have 107 octets: a folder of a test is too deep for that."""

    @property
    def conf(self) -> Path:
        """The configuration file, as doveadm's `-c` wants it."""
        return self.top / "dovecot.conf"

    def start(self) -> "Dovecot":
        """Write the configuration and start the master process in the foreground of a child."""
        dovecot = need("dovecot")
        self.top.mkdir(parents=True, exist_ok=True)
        let_others_in(self.top)
        for name in ("state", "mail"):
            (self.top / name).mkdir(exist_ok=True)
        self.run = Path(tempfile.mkdtemp(prefix="moxlite-dovecot-"))
        self.run.chmod(0o755)
        shutil.chown(self.top / "mail", "nobody", "nogroup")
        extra = self.extra
        if self.certificate and self.key:
            extra += f"\nssl_cert = <{self.certificate}\nssl_key = <{self.key}\n"
        self.conf.write_text(
            DOVECOT_CONF.format(
                top=self.top,
                run=self.run,
                location=self.location,
                ssl="yes" if self.certificate else "no",
                port=self.port,
                tls_port=self.tls_port if self.certificate else 0,
                lmtp_port=self.lmtp_port,
                extra=extra,
            )
        )
        self.process = subprocess.Popen(
            [dovecot, "-F", "-c", str(self.conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: listening(self.port) and listening(self.lmtp_port), what="dovecot listens")
        except BaseException:
            self.stop()
            raise
        return self

    def doveadm(self, *args: str) -> str:
        """What `doveadm ARGS` prints."""
        done = subprocess.run(
            [need("doveadm"), "-c", str(self.conf), *args], check=True, capture_output=True, text=True, timeout=120
        )
        return done.stdout

    def stop(self) -> None:
        """End the master process, and all others: one that was just logging a client in would go on."""
        others = set(self.pids()) - {self.process.pid}
        self.process.terminate()
        self.process.wait(timeout=60)
        for pid in others:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.run, ignore_errors=True)

    def pids(self) -> list[int]:
        """The master and its children."""
        return tree(self.process.pid)

    def __enter__(self) -> "Dovecot":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


CYRUS_PROGRAM = Path("/usr/lib/cyrus/bin/imapd")
"""Debian installs Cyrus in place of Dovecot: its files are unpacked beside it (docs/developers/develop.md)."""

CYRUS_CONF = """\
configdirectory: {top}/conf
partition-default: {top}/mail
proc_path: {top}/conf/proc
mboxname_lockpath: {top}/conf/lock
idlesocket: {top}/conf/idle
altnamespace: no
unixhierarchysep: no
allowplaintext: yes
autocreate_quota: 0
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {top}/mux
sasl_mech_list: PLAIN LOGIN
"""

CYRUS_SERVICES = """\
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {top}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="/usr/lib/cyrus/bin/imapd -C {top}/imapd.conf" listen="127.0.0.1:{port}" prefork=0 maxchild=100
}}
EVENTS {{
}}
DAEMON {{
  idled cmd="/usr/lib/cyrus/bin/idled -C {top}/imapd.conf -f"
}}
"""


@dataclass
class Cyrus:
    """A Cyrus of its own with IMAP in the clear, as Debian sets it up: mailboxes below ``INBOX.``; any user, any
    password.
    """

    user = "far"
    below = "INBOX."
    port: int = field(default_factory=free_port)
    top: Path = field(init=False, repr=False)
    """A short name: that of a socket has 107 octets at most."""

    def start(self) -> "Cyrus":
        """Write the configuration and start the master process in the foreground of a child."""
        master = need("cyrmaster")
        self.top = Path(tempfile.mkdtemp(prefix="moxlite-cyrus-"))
        let_others_in(self.top)
        for name in ("conf", "conf/db", "conf/socket", "conf/proc", "conf/lock", "conf/log", "conf/msg", "mail"):
            (self.top / name).mkdir()
            shutil.chown(self.top / name, "cyrus", "mail")
        (self.top / "imapd.conf").write_text(CYRUS_CONF.format(top=self.top))
        (self.top / "cyrus.conf").write_text(CYRUS_SERVICES.format(top=self.top, port=self.port))
        self._logins = socket.socket(socket.AF_UNIX)
        self._logins.bind(str(self.top / "mux"))
        self._logins.listen()
        (self.top / "mux").chmod(0o777)
        threading.Thread(target=self._accept, daemon=True).start()
        top = str(self.top)
        command = [master, "-D", "-C", f"{top}/imapd.conf", "-M", f"{top}/cyrus.conf", "-p", f"{top}/pid"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: listening(self.port), what="cyrus listens")
        except BaseException:
            self.stop()
            raise
        return self

    def _accept(self) -> None:
        """Stand for saslauthd, which is asked with user, password, service and realm, each after its length."""
        while True:
            try:
                asked, _ = self._logins.accept()
            except OSError:
                return
            with asked, asked.makefile("rb") as octets:
                for _ in range(4):
                    octets.read(struct.unpack("!H", octets.read(2))[0])
                asked.sendall(struct.pack("!H", 2) + b"OK")

    def stop(self) -> None:
        """End the master process, and with it all others."""
        self.process.terminate()
        self.process.wait(timeout=60)
        self._logins.close()
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self) -> "Cyrus":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass
class Mox:
    """``mox localserve`` on ports of its own: the binary that MOX_BINARY names, or `mox` of the path."""

    top: Path
    user = "mox@localhost"
    below = ""
    port: int = 0

    def start(self) -> "Mox":
        """Write the configuration and start the server."""
        mox = need(os.environ.get("MOX_BINARY", "mox"))
        subprocess.run(
            [mox, "localserve", "-initonly", "-ip", "127.0.0.1", "-dir", self.top],
            check=True,
            capture_output=True,
            timeout=120,
        )
        conf = self.top / "mox.conf"
        ports: dict[str, int] = {}

        def free(match: re.Match[str]) -> str:
            ports[match[1]] = ports.get(match[1]) or free_port()
            return f"Port: {ports[match[1]]}"

        conf.write_text(re.sub(r"Port: (\d+)", free, conf.read_text()))
        self.port = ports["1143"]
        command = [mox, "localserve", "-dir", str(self.top)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: listening(self.port), what="mox listens")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(timeout=60)

    def __enter__(self) -> "Mox":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(") ", 1)[1].split()
        except (OSError, IndexError):
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, rest = [], [pid]
    while rest:
        found.append(rest.pop())
        rest += children.get(found[-1], [])
    return found


def wait_gone(pid: int, seconds: float = 20.0) -> None:
    """Wait until a process that is not our child has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
