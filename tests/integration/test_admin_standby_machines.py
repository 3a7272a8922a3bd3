"""docs/standby.md with the package on two booted machines (STORE-186): over to the second one and back, by hand with a
folder that both have, by hand over ssh, by hand with object storage, and by the lease.

MOXLITE_ROOTS may have the root file system of both as `booted12`, else mmdebstrap makes one, which takes the network.
"""

import ctypes
import imaplib
import json
import os
import shlex
import shutil
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from moxlite.process.errors import REPLACED
from tests.containers import INCLUDE, Machine, booted
from tests.machine import hindrance_to_containers
from tests.objectstorage import Bucket, serving
from tests.packagerig import build_package
from tests.pages import commands, example, follow_options
from tests.sshserver import HINDRANCE, SETTINGS, SSHD, make_key
from tests.tools import crowding, need, until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.nightly(
        smoke="tests/integration/test_admin_standby_docs.py::test_each_failure_of_the_table_has_its_test"
    ),
    pytest.mark.timeout(1200, func_only=True),
]

PAGE: Final = "standby.md"
STORAGE: Final = "198.51.100.1"
ADDRESSES: Final = ("198.51.100.7", "198.51.100.8")
SHARED: Final = "/mnt/second-disk/moxlite"
IDENTITY: Final = "/etc/moxlite-standby-key.txt"
COPY: Final = "/var/lib/moxlite-standby"
GAP: Final = 3.0
"""Seconds of a handover in which no submission is acknowledged, where no other program wants the processors."""


def enter_net(name: str) -> None:
    """Let the calling thread be in a net: setns(2) is of a thread."""
    with Path(f"/run/netns/{name}").open() as net:
        assert ctypes.CDLL(None, use_errno=True).setns(net.fileno(), 0) == 0


class Nets:
    """Nets of the kernel's: one for what stores, at `STORAGE`, and one for each machine, joined by a bridge."""

    def __init__(self) -> None:
        self.store = f"mxstore{os.getpid()}"
        self.names = [f"mx{number}at{os.getpid()}" for number in range(len(ADDRESSES))]

    def make(self) -> None:
        """Raises CalledProcessError."""
        within = f"ip -n {self.store}"
        lines = [f"ip netns add {self.store}", f"{within} link add br0 type bridge", f"{within} link set br0 up"]
        lines += [f"{within} link set lo up", f"{within} address add {STORAGE}/24 dev br0"]
        for number, name in enumerate(self.names):
            peer = f"host0 netns {name}"
            lines += [f"ip netns add {name}", f"{within} link add port{number} type veth peer name {peer}"]
            lines += [f"{within} link set port{number} master br0 up", f"ip -n {name} link set lo up"]
            lines += [f"ip -n {name} address add {ADDRESSES[number]}/24 dev host0", f"ip -n {name} link set host0 up"]
        for line in lines:
            subprocess.run(line.split(), check=True)

    def remove(self) -> None:
        for name in (self.store, *self.names):
            subprocess.run(["ip", "netns", "delete", name], check=False)


class Computer:
    """One of the two: its files stay when its power is cut."""

    def __init__(self, root: Path, net: str, address: str, shared: Path) -> None:
        self.root, self.address = root, address
        self._options = (f"--network-namespace-path=/run/netns/{net}", f"--bind={shared}:{Path(SHARED).parent}")
        self._on = ExitStack()
        self.machine: Machine

    def switch_on(self) -> None:
        self.machine = self._on.enter_context(booted(self.root, *self._options))

    def cut(self) -> None:
        """Cut its power."""
        self.machine.cut()
        self._on.close()

    def switch_off(self) -> None:
        self._on.close()

    def run(self, command: str, *, check: bool = True) -> str:
        """Type a command there."""
        return self.machine.run(command, check=check)

    def append(self, file: str, text: str) -> None:
        """Write to the end of a file of root's."""
        with (self.root / file.removeprefix("/")).open("a") as opened:
            opened.write(text)


class Pair:
    """Both, what an owner types on them, and the mail of `you@example.org`."""

    def __init__(self, computers: list[Computer], target: str, access: str, settings: str) -> None:
        """`access`: options of the commands that read the target. `settings`: lines of [standby]."""
        self.computers, self.target, self.access, self.settings = computers, target, access, settings
        self.password = ""
        self.sent = 0

    def here(self, command: str, address: str) -> str:
        """A command of the page, with this target."""
        words = shlex.split(command, comments=True)
        for option in ("--storage-keys",):
            if option in words:
                at = words.index(option)
                del words[at : at + 2]
        words = [self.target if word == "s3://bucket/prefix" else word for word in words]
        return " ".join(words).replace("192.0.2.7", address) + self.access_for(words)

    def access_for(self, words: list[str]) -> str:
        """Options for commands that read the target."""
        return f" {self.access}" if self.target in words else ""

    def page(self, heading: str, beginning: str, computer: Computer) -> str:
        """The one command of the page below a heading that begins so."""
        (found,) = [line for line in commands(PAGE, heading) if line.startswith(beginning)]
        return self.here(found, computer.address)

    def mail(self, computer: Computer, *, count: int) -> None:
        """Send so many messages, each acknowledged; look for all that were ever sent."""

        def send() -> None:
            with smtplib.SMTP_SSL(computer.address, 465, timeout=60) as smtp:
                smtp.login("you@example.org", self.password)
                for number in range(self.sent, self.sent + count):
                    head = f"From: you@example.org\r\nTo: you@example.org\r\nSubject: {number}\r\n"
                    smtp.sendmail("you@example.org", ["you@example.org"], f"{head}\r\nHello\r\n")

        def subjects() -> set[int]:
            with imaplib.IMAP4_SSL(computer.address, 993, timeout=60) as imap:
                imap.login("you@example.org", self.password)
                found = set()
                for name in ("INBOX", "Junk"):
                    imap.select(name, readonly=True)
                    _, answer = imap.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
                    found |= {int(one[1].split(b":")[1]) for one in answer if isinstance(one, tuple)}
                return found

        computer.machine.inside(send)
        self.sent += count
        wanted = set(range(self.sent))
        until(lambda: computer.machine.inside(subjects) == wanted, seconds=60, what=f"{wanted}", pause=0.5)

    def begin(self) -> None:
        """The first machine, as the page has it, and a key on the second."""
        first, second = self.computers
        for computer in self.computers:
            computer.switch_on()
            computer.run("dpkg --install /opt/moxlite.deb")
            if self.target == SHARED:
                for line in commands(PAGE, "The first machine"):
                    if not line.startswith("age-keygen "):
                        computer.run(line)
        quickstart = "moxlite quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9 you@example.org"
        (line,) = [one for one in first.run(quickstart).splitlines() if one.startswith("account password: ")]
        self.password = line.split()[-1]
        public = self.make_key(second)
        first.append("/etc/moxlite/moxlite.toml", f'\n[standby]\ntarget = "{self.target}"\n{self.settings}\n')
        first.append("/etc/moxlite/moxlite.toml", f'encrypt_to = ["{public}"]\n')
        if "lease" in self.settings:
            both = example(PAGE, "Taking over without a person", "toml").splitlines()
            (ips,) = [line for line in both if line.startswith("ips = ")]
            ips = ips.replace("192.0.2.6", first.address).replace("192.0.2.7", second.address)
            first.run(f"sed -i '/listeners.public]/,/^ips/s/^ips = .*/{ips}/' /etc/moxlite/moxlite.toml")
        first.run("systemctl start moxlite")
        self.copied(first)
        self.note_signer(first, second)

    def make_key(self, computer: Computer) -> str:
        """By the page's command; the public half."""
        (command,) = [one for one in commands(PAGE, "The first machine") if one.startswith("age-keygen ")]
        return computer.run(f"{shlex.join(shlex.split(command, comments=True))} 2>&1").split()[-1]

    def note_signer(self, first: Computer, second: Computer) -> None:
        second.append(IDENTITY, f"# {first.run('moxlite backup signer')}\n")

    def copied(self, computer: Computer) -> None:
        """Wait until the target has everything of a machine."""

        said = ""

        def complete() -> bool:
            nonlocal said
            said = computer.run("moxlite standby status 2>&1", check=False)
            return "can have all changes up to" in said

        try:
            until(complete, seconds=120, what="a complete copy", pause=1)
        except pytest.fail.Exception as failure:
            raise AssertionError(said) from failure

    def follow(self, computer: Computer, heading: str = "The second machine") -> None:
        """Follow, until the copy has everything."""
        options = self.here(shlex.join(follow_options(PAGE, heading)), computer.address)
        (computer.root / "etc/default/moxlite-follow").write_text(f'FOLLOW="{options}"\n')
        for line in commands(PAGE, heading):
            if line.startswith("systemctl "):
                computer.run(line)

        def current() -> bool:
            said = computer.run(f"moxlite standby status {COPY} 2>&1; echo $?", check=False)
            return "are copied here" in said and said.endswith("\n0")

        log = computer.run("journalctl -n 20 -u moxlite-follow")
        until(current, seconds=180, what=f"a current copy: {log}", pause=1)

    def take_over(self, computer: Computer) -> None:
        """By hand, as the page has it."""
        computer.run(self.page("When the first machine is gone", "systemctl disable", computer))
        said = computer.run(self.page("When the first machine is gone", "moxlite standby takeover", computer) + " 2>&1")
        assert "now owns epoch" in said, said
        self.move(computer)
        assert "config OK" in computer.run("moxlite config test")
        computer.run("systemctl start moxlite")
        assert "couldn't send" not in computer.run("moxlite standby status 2>&1", check=False)

    def move(self, computer: Computer) -> None:
        """Write this machine's address into the configuration that came over."""
        other = next(one.address for one in self.computers if one is not computer)
        computer.run(f"sed -i s/{other}/{computer.address}/g /etc/moxlite/moxlite.toml")

    @contextmanager
    def submitting(self) -> Iterator[list[tuple[float, Computer]]]:
        """Submit one message after the other to the machine that serves, while the block lasts: when each was
        acknowledged, and by which machine. All of them count as sent.
        """
        acknowledged: list[tuple[float, Computer]] = []
        stop = threading.Event()

        def submit(computer: Computer) -> None:
            with smtplib.SMTP_SSL(computer.address, 465, timeout=10) as smtp:
                smtp.login("you@example.org", self.password)
                while not stop.is_set():
                    head = f"From: you@example.org\r\nTo: you@example.org\r\nSubject: {self.sent}\r\n"
                    smtp.sendmail("you@example.org", ["you@example.org"], f"{head}\r\nHello\r\n")
                    self.sent += 1
                    acknowledged.append((time.monotonic(), computer))
                    stop.wait(0.1)

        def work() -> None:
            while not stop.is_set():
                for computer in self.computers:
                    with suppress(OSError, smtplib.SMTPException):
                        computer.machine.inside(partial(submit, computer))
                stop.wait(0.05)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield acknowledged
        finally:
            stop.set()
            thread.join()

    def mail_when_served(self, computer: Computer) -> None:
        """Wait until a machine serves by itself; all that was acknowledged is there."""

        def serves() -> bool:
            def log_in() -> None:
                with imaplib.IMAP4_SSL(computer.address, 993, timeout=10) as imap:
                    imap.login("you@example.org", self.password)

            try:
                computer.machine.inside(log_in)
            except (OSError, imaplib.IMAP4.error):
                return False
            return True

        until(serves, seconds=180, what="the other machine is serving", pause=1)
        self.mail(computer, count=5)

    def come_back(self, old: Computer, new: Computer) -> None:
        """The machine that was replaced, on again: it copies nothing, and follows the other one now."""
        old.switch_on()
        said = old.run("moxlite standby status 2>&1", check=False)
        assert "can have all changes" not in said, said
        for line in commands(PAGE, "Switching back"):
            if line.startswith("moxlite standby orphans"):
                assert "0 messages" in new.run(self.here(line, new.address))
            elif not line.startswith("scp "):
                old.run(self.here(line, old.address))
        identity = (new.root / IDENTITY.removeprefix("/")).read_text()
        (old.root / IDENTITY.removeprefix("/")).write_text(identity)
        self.note_signer(new, old)


@pytest.fixture(scope="module")
def package(frozen: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package."""
    return build_package(tmp_path_factory.mktemp("package"), frozen[0])


@pytest.fixture(scope="module")
def root(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian that has the package as a file, and what the page has installed beside it."""
    if why := hindrance_to_containers() or HINDRANCE:
        pytest.skip(why)
    root = tmp_path_factory.mktemp("debian") / "root"
    if kept := os.environ.get("MOXLITE_ROOTS"):
        subprocess.run(["cp", "-a", f"{kept}/booted12", str(root)], check=True)
    else:
        command = [
            need("mmdebstrap"),
            "--quiet",
            "--variant=minbase",
            f"--include={INCLUDE},age,openssh-client",
            "bookworm",
            str(root),
        ]
        subprocess.run(command, check=True, timeout=600)
    shutil.copy(package, root / "opt/moxlite.deb")
    lines = example(PAGE, "The first machine", "").splitlines()
    words = shlex.split(next(line for line in lines if line.startswith("pip install")))
    words[words.index("--target") + 1] = str(root / "usr/local/lib/moxlite")
    subprocess.run([sys.executable, "-m", *words], check=True)
    return root


class Stores(ExitStack):
    """What stores, in its own net."""

    def __init__(self, nets: Nets, folder: Path) -> None:
        super().__init__()
        self._nets, self._folder = nets, folder

    def bucket(self) -> Bucket:
        """Object storage."""
        found: list[Bucket] = []

        def serve() -> None:
            enter_net(self._nets.store)
            found.append(self.enter_context(serving(STORAGE)))

        thread = threading.Thread(target=serve)
        thread.start()
        thread.join()
        return found[0]

    def ssh(self) -> tuple[list[str], Path]:
        """A server of ssh: its public keys, and the private key of its user."""
        folder = self._folder / "ssh"
        folder.mkdir()
        public = [make_key(folder / "host")]
        public += [make_key(folder / f"host-{kind}", kind) for kind in ("rsa", "ecdsa")]
        (folder / "authorized").write_text(make_key(folder / "key") + "\n")
        settings = SETTINGS.format(port=22, folder=folder).replace("127.0.0.1", STORAGE)
        (folder / "sshd_config").write_text(settings)
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = ["ip", "netns", "exec", self._nets.store, str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.callback(server.wait)
        self.callback(server.terminate)
        return public, folder / "key"


@pytest.fixture
def nets() -> Iterator[Nets]:
    nets = Nets()
    try:
        nets.make()
        yield nets
    finally:
        nets.remove()


@pytest.fixture
def pair(request: pytest.FixtureRequest, nets: Nets, root: Path, tmp_path: Path) -> Iterator[Pair]:
    """Both machines with the package, off, and what they share."""
    shared = tmp_path / "disk"
    (shared / "moxlite").mkdir(parents=True)
    shared.chmod(0o755)
    computers = []
    for number, name in enumerate(nets.names):
        files = tmp_path / f"machine{number}"
        subprocess.run(["cp", "-a", str(root), str(files)], check=True)
        computers.append(Computer(files, name, ADDRESSES[number], shared))
    with Stores(nets, tmp_path) as stores:
        try:
            yield prepare(request.param, computers, stores, shared / "moxlite")
        finally:
            for computer in computers:
                computer.switch_off()


def prepare(kind: str, computers: list[Computer], stores: Stores, shared: Path) -> Pair:
    """The target of a kind, with its keys on both machines."""
    if kind == "folder":
        return Pair(computers, SHARED, "", 'mode = "sync"')
    if kind == "ssh":
        public, key = stores.ssh()
        for computer in computers:
            shutil.copy(key, computer.root / "etc/moxlite-standby-ssh-key")
        target = f"ssh://root@{STORAGE}{shared}"
        host_keys = " ".join(f"--ssh-host-key '{one}'" for one in public)
        settings = f'mode = "sync"\nssh_key_file = "/etc/moxlite-standby-ssh-key"\nssh_host_keys = {json.dumps(public)}'
        return Pair(computers, target, f"--ssh-key /etc/moxlite-standby-ssh-key {host_keys}", settings)
    bucket = stores.bucket()
    keys = "/etc/moxlite-standby-storage-keys"
    for computer in computers:
        bucket.keys_file(computer.root / keys.removeprefix("/")).chmod(0o600)
    settings = f'storage_keys_file = "{keys}"\nmode = "sync"'
    if kind == "lease":
        settings += '\nlease = true\ntarget_away = "refuse"'
    return Pair(computers, "s3://bucket/prefix", f"--storage-keys {keys}", settings)


@pytest.mark.parametrize("pair", ["folder", "ssh", "objects"], indirect=True)
def test_by_hand_over_and_back(pair: Pair) -> None:
    """STORE-186, STORE-186b, STORE-186e: with the package on two machines, what was acknowledged is on the other one
    after the power of one was cut, and again on the first one after that of the other was.
    """
    first, second = pair.computers
    pair.begin()
    pair.mail(first, count=5)
    pair.follow(second)
    pair.mail(first, count=20)
    first.cut()
    pair.take_over(second)
    pair.mail(second, count=5)
    pair.come_back(first, second)
    pair.copied(second)
    pair.follow(first)
    pair.mail(second, count=20)
    second.cut()
    pair.take_over(first)
    pair.mail(first, count=5)
    assert "couldn't send configuration and keys" not in first.run("moxlite standby status 2>&1", check=False)


@pytest.mark.parametrize("pair", ["lease"], indirect=True)
def test_by_the_lease_over_and_back(pair: Pair) -> None:
    """STORE-186g, STORE-186h, STORE-186l: likewise, and no person types a take-over; then by a handover, quickly."""
    first, second = pair.computers
    heading = "Taking over without a person"
    pair.begin()
    pair.mail(first, count=5)
    pair.follow(second, heading)
    pair.mail(first, count=20)
    first.cut()
    pair.mail_when_served(second)
    pair.come_back(first, second)
    pair.copied(second)
    pair.follow(first, heading)
    pair.mail(second, count=20)
    (handover,) = commands(PAGE, "Handing over on purpose")
    crowded = crowding()
    with pair.submitting() as acknowledged:
        until(lambda: acknowledged, what="a submission")
        assert "is taking over as epoch 3" in second.run(handover)
        until(lambda: acknowledged[-1][1] is first, seconds=180, what="a submission to the machine that took over")
    gap = max(after - before for (before, _), (after, _) in pairwise(acknowledged))
    crowded = max(crowded, crowding())
    print(f"{len(acknowledged)} submissions acknowledged, none for {gap:.1f} s, crowding {crowded:.1f}")
    pair.mail(first, count=5)
    words = "journalctl --no-pager --output=short-precise -n 60 -u moxlite -u moxlite-follow"
    assert gap <= GAP * crowded, f"{second.run(words)}\n{first.run(words)}"
    assert "does not start" not in first.run("moxlite healthcheck 2>&1", check=False), "child processes (ADMIN-70d)"
    assert first.run("systemctl show --value --property=ExecMainStatus moxlite-follow") == "0"
    assert first.machine.active(), "the server's own unit"
    first.run("systemctl restart moxlite")
    assert first.machine.active()
    time.sleep(10)  # longer than until a unit is started again
    assert second.machine.shows("ExecMainStatus") == str(REPLACED)
    assert second.machine.shows("ActiveState") == "failed"
    assert second.machine.shows("NRestarts") == "0"
