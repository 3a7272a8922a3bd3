"""From a server that was taken over to the next machine (ADMIN-52c): a restore, a take-over and a move give the enemy
nothing of root's there. Both machines are played in namespaces, with their own users, processes and files.
"""

import os
import shutil
import smtplib
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyrage
import pytest

from moxlite.admin.standby.pack import PackedFile, open_pack, seal
from moxlite.config.toml.edit import Document
from moxlite.mailauth.dkim.sign import generate, to_pem
from moxlite.net.tls.certificates import self_signed
from moxlite.store.backup.keys import load_signer
from moxlite.store.backup.storage import Folder
from tests.integration.twomachines import DATA, DISK, SECRET, Computer, computer
from tests.machine import hindrance_to_nets
from tests.objectstorage import Bucket, bucket
from tests.rootserver import hindrance
from tests.tools import free_port, until

__all__ = ["bucket"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(bool(hindrance() or hindrance_to_nets()), reason=hindrance() or hindrance_to_nets() or "-"),
]

FIRST, SECOND = 54321, 54322
"""The service users' numbers."""

STATIC: Final = """\
hostname = "mx.moxlite.example"
data_dir = "{data}"
[postmaster]
account = "bob"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
tls.key_certs = [{{ cert_file = "cert.pem", key_file = "key.pem" }}]
smtp = {{ enabled = true, port = {smtp} }}
imap = {{ enabled = true, port = {imap}, require_tls = false }}
webserver_http = {{ enabled = true, port = {web} }}
"""

DOMAINS: Final = """\
[domains."example.org"]
[accounts.bob]
domain = "example.org"
[accounts.bob.destinations."bob@example.org"]
"""

SERVED: Final = """\
[[web_handlers]]
domain = "127.0.0.1"
path_regexp = "^/"
dont_redirect_plain_http = true
static = { root = "/root" }
"""
KEYS: Final = """\
[domains."example.org".dkim.selectors.a]
key_file = "/root/dkim.pem"
[domains."example.org".dkim.selectors.b]
key_file = "../../../root/dkim.pem"
"""


@dataclass
class Pair:
    """Both machines, and what was planted.

    Attributes:
      disk: the disk that both have. ports: of the servers, by name. before: files of root's on the second machine.
    """

    first: Computer
    second: Computer
    disk: Path
    ports: dict[str, int]
    before: dict[Path, tuple[int, int, bytes]]

    def harmless(self) -> None:
        """Assert that the enemy has got nothing: no process of root's that serves, no file, no word."""
        uids = [*self.second.processes().values()]
        assert set(uids) <= {0, SECOND}
        assert uids.count(0) <= 1, "more than the parent, which reads certificates and ends the server"
        assert self.second.told() == []
        assert self.second.odd() == []
        assert roots(self.second) == self.before
        assert (self.disk / "ran").read_text() == "", "a program of the enemy's has run"

    def serves(self) -> None:
        """The second machine's server takes mail, and shows no file of root's."""
        for path in ("/key.txt", "/../root/key.txt"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{self.ports['web']}{path}", timeout=60)
            assert refused.value.code in (403, 404)
        with smtplib.SMTP("127.0.0.1", self.ports["smtp"], timeout=60) as smtp:
            smtp.starttls()
            smtp.sendmail("", ["bob@example.org"], "Subject: hi\r\nFrom: <x@example.net>\r\n\r\nhello\r\n")
        assert [*self.second.processes().values()].count(SECOND) >= 1
        self.harmless()

    def clear(self) -> None:
        """Make the second machine one without a server."""
        shutil.rmtree(self.second.config, ignore_errors=True)
        shutil.rmtree(self.second.data)
        self.second.data.mkdir(mode=0o750)
        self.second.give(self.second.data)

    def give_to_enemy(self, folder: Path) -> None:
        """Give all in a folder of the disk to the enemy, who has written it."""
        self.first.give(folder, *folder.rglob("*"))


def roots(machine: Computer) -> dict[Path, tuple[int, int, bytes]]:
    """Owner, mode and content of root's files there."""
    paths = (*machine.root.rglob("*"), machine.folder / "passwd", machine.folder / "group")
    return {one: (one.stat().st_uid, one.stat().st_mode, one.read_bytes() if one.is_file() else b"") for one in paths}


def plant(machine: Computer) -> None:
    """Root's secrets, in forms that a server reads."""
    files = {
        "key.txt": f"{SECRET}\n",
        "cert.txt": f"{SECRET}\n",
        "password": f"{SECRET}\n",
        "domains.toml": DOMAINS.replace("[accounts.bob]\n", f'[accounts.bob]\ndescription = "{SECRET}"\n'),
        "Maildir/cur/1:2,S": f"Subject: {SECRET}\r\nFrom: <root@example.org>\r\n\r\n{SECRET}\r\n",
        "sieve/a.sieve": f"# {SECRET}\nkeep;\n",
        "passwords": f"bob@example.org:{{PLAIN}}{SECRET}:::{SECRET}:/root::\n",
        "dkim.pem": f"{SECRET}\n",
    }
    for name, text in files.items():
        path = machine.root / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two machines: the first with a server that has served, the second with secrets."""
    with tempfile.TemporaryDirectory(prefix="moxlite-machines-") as name:
        folder, disk = Path(name), Path(name) / "disk"
        folder.chmod(0o755)
        disk.mkdir()
        ports = {service: free_port() for service in ("smtp", "imap", "web")}
        with computer(folder / "first", disk, FIRST) as first, computer(folder / "second", disk, SECOND) as second:
            plant(second)
            first.config.mkdir()
            (first.config / "moxlite.toml").write_text(STATIC.format(data=DATA, **ports))
            (first.config / "domains.toml").write_text(DOMAINS)
            certificate = self_signed(["mx.moxlite.example"])
            (first.config / "cert.pem").write_bytes(certificate.certificate_pem())
            (first.config / "key.pem").write_bytes(certificate.key_pem())
            first.serve()
            with smtplib.SMTP("127.0.0.1", ports["smtp"], timeout=60) as smtp:
                smtp.sendmail("", ["bob@example.org"], "Subject: old\r\nFrom: <x@example.net>\r\n\r\nhello\r\n")
            first.stop()
            disk.chmod(0o777)
            (disk / "ran").touch()
            (disk / "ran").chmod(0o666)
            evil = disk / "evil"
            evil.write_text("#!/bin/sh\nid -u >>/mnt/ran\nexit 0\n")
            evil.chmod(0o755)
            first.give(evil)
            yield Pair(first, second, disk, ports, roots(second))


ENEMY: Final = "/srv/moxlite/enemy"

WISHES: Final[dict[str, object]] = {
    "user": "root",
    "log_file": "/root/log",
    "admin_password_file": "/root/password",
    "tls.ca": {"additional_to_system": True, "cert_files": ["/root/cert.txt"]},
    "listeners.local.tls.key_certs": [{"cert_file": "/root/cert.txt", "key_file": "/root/key.txt"}],
    "listeners.local.tls.host_private_key_files": ["/root/key.txt", "../../../root/dkim.pem"],
    "doctor.command": [f"{DISK}/evil"],
    "standby.litestream": f"{DISK}/evil",
    "backup": {"target": "/root/backups", "schedule": "24h", "ssh_key_file": "/root/key.txt"},
}
"""What the enemy would have: rights, secrets and programs of root's on the next machine."""


def wish(config: Path) -> None:
    """Write what the enemy would have to a folder of the configuration."""
    document = Document((config / "moxlite.toml").read_text())
    for name, value in WISHES.items():
        document.put(tuple(name.split(".")), value)
    (config / "moxlite.toml").write_text(str(document))
    with (config / "domains.toml").open("a") as file:
        file.write(SERVED)
        file.write(KEYS)


def betray(pair: Pair) -> Path:
    """Let the enemy have a configuration of its own on the first machine, and what it names there; the folder."""
    enemy = pair.first.folder / "srv/moxlite/enemy"
    shutil.copytree(pair.first.config, enemy)
    own = self_signed(["enemy.example"])
    (pair.first.root / "key.txt").write_bytes(own.key_pem())
    (pair.first.root / "cert.txt").write_bytes(own.certificate_pem())
    (pair.first.root / "password").write_text("of the enemy\n")
    (pair.first.root / "dkim.pem").write_bytes(to_pem(generate("ed25519")))
    (pair.first.root / "backups").mkdir()
    pair.first.give(enemy, *enemy.rglob("*"), pair.first.root, *pair.first.root.iterdir())
    return enemy


def backup(pair: Pair, *words: str) -> str:
    """A backup that the enemy has made and signed; its signer."""
    code, said = pair.first.cli("backup", *words, uid=FIRST, config=ENEMY)
    assert code == 0, said
    return pair.first.cli("backup", "signer", uid=FIRST, config=ENEMY)[1].strip()


@pytest.mark.parametrize("kind", ["folder", "repository"])
def test_a_restore_gives_the_enemy_nothing_of_root(pair: Pair, kind: str) -> None:
    """ADMIN-52c, ADMIN-36, STORE-145a"""
    enemy, place = betray(pair), f"{DISK}/one"
    if kind == "folder":
        backup(pair, place)
        wish(pair.disk / "one/config")
        words = []
    else:
        wish(enemy)
        words = ["--signer", backup(pair, "--repo", place)]
    code, said = pair.second.cli("restore", place, "--with-config", *words)
    assert code == 0, said
    assert 'skipped user = "root"; moxlite is used here' in said
    assert "files in /root will be served at 127.0.0.1" in said
    pair.harmless()
    for command in (("config", "test"), ("doctor", "--skip-dial", "--skip-mail"), ("verifydata", DATA)):
        code, said = pair.second.cli(*command)
        assert SECRET not in said
    pair.harmless()
    domains = pair.second.config / "domains.toml"
    domains.write_text(domains.read_text().replace(KEYS, ""))  # which only stop the server: it may not read them
    pair.second.serve()
    pair.serves()


PLANTS: Final = {
    "a pipe in place of moxlite.toml": ("config/moxlite.toml", None),
    "another configuration of root's": ("config/domains.toml", "/root/domains.toml"),
    "a key of root's": ("config/key.pem", "/root/key.txt"),
    "a folder of root's": ("config/dkim", "/root"),
    "a pipe in place of the folder's name": ("named/.config-folder", None),
    "all of the machine": ("named", "/"),
    "mail of root's": ("data/accounts/bob/account.db", "/root/account.db"),
    "a pipe in place of the queue": ("data/queue.db", None),
    "a secret of root's": ("data/receivedid.key", "/root/key.txt"),
    "a pipe among small files": ("data/acme/pipe", None),
}
"""What is planted in a backup: by its use, the place, and where it leads to; None for a pipe."""


def test_links_and_pipes_in_a_full_backup_are_refused(pair: Pair) -> None:
    """STORE-145a, ADMIN-37: nothing that they lead to is read, and no command waits for the other end of a pipe."""
    betray(pair)
    backup(pair, f"{DISK}/one")
    shutil.copy(pair.disk / "one/data/accounts/bob/account.db", pair.second.root / "account.db")
    pair.before = roots(pair.second)
    for use, (name, place) in PLANTS.items():
        copy = pair.disk / "two"
        shutil.copytree(pair.disk / "one", copy)
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        if place is None:
            os.mkfifo(path)
        else:
            path.symlink_to(place)
        pair.give_to_enemy(copy)
        code, said = pair.second.cli("restore", f"{DISK}/two", "--with-config", seconds=60)
        assert (code, f"{DISK}/two/{name} is a" in said) == (1, True), (use, said)
        pair.harmless()
        shutil.rmtree(copy)
    (pair.disk / "one/data/version").unlink()
    os.mkfifo(pair.disk / "one/data/version")
    for command in (("verifydata", f"{DISK}/one"), ("verifydata", f"{DISK}/one/data")):
        code, said = pair.second.cli(*command, seconds=60)
        assert (code, "pipe" in said or "isn't a regular file" in said) == (1, True), said


def test_links_and_pipes_in_a_repository_are_refused(pair: Pair) -> None:
    """STORE-145a, STORE-184a: in place of its description, of a snapshot, and of a pack."""
    betray(pair)
    signer = backup(pair, "--repo", f"{DISK}/one")
    [snapshot], [pack, *_] = ((pair.disk / "one" / name).iterdir() for name in ("snapshots", "packs"))
    for path in (pair.disk / "one/repository.json", snapshot, pack):
        octets = path.read_bytes()
        for plant in (lambda path: os.mkfifo(path), lambda path: path.symlink_to("/root/key.txt")):
            path.unlink()
            plant(path)
            pair.give_to_enemy(pair.disk / "one")
            command = ("restore", f"{DISK}/one", "--with-config", "--signer", signer)
            code, said = pair.second.cli(*command, seconds=60)
            assert code == 1, said
            assert "Traceback" not in said
            assert SECRET not in said
            pair.harmless()
            pair.clear()
        path.unlink()
        path.write_bytes(octets)


STANDBY: Final = """\
[standby]
target = "{target}"
encrypt_to = ["{key}"]
"""
LEASE: Final = """\
storage_keys_file = "storage-keys"
lease = true
mode = "sync"
target_away = "refuse"
"""
FOLDER, OBJECTS = f"{DISK}/target", "s3://bucket/pair"


def forged(pack: bytes, identity: Path, config: Path) -> bytes:
    """The configuration that the first machine has sent, with the enemy's wishes, signed like the true one."""
    files, _ = open_pack(pack, Folder(config), identity)
    place = config.with_name("forged")
    place.mkdir()
    for name in ("moxlite.toml", "domains.toml"):
        (place / name).write_bytes(files[f"config/{name}"].content)
    wish(place)
    for name in ("moxlite.toml", "domains.toml"):
        text = (place / name).read_text().replace(KEYS, "")
        files[f"config/{name}"] = PackedFile(text.encode(), 0o640)
    signer, _ = load_signer(config, create=False)
    key = pyrage.x25519.Identity.from_str(identity.read_text().splitlines()[0])
    return seal(files, (str(key.to_public()),), signer)


@pytest.mark.parametrize("kind", ["by a person", "unattended"])
def test_a_take_over_gives_the_enemy_nothing_of_root(pair: Pair, bucket: Bucket, kind: str) -> None:
    """ADMIN-52c, STORE-186e, STORE-186h: of a copy by folder, and by the lease in object storage."""
    first, second, config = pair.first, pair.second, pair.first.config
    key = pyrage.x25519.Identity.generate()
    identity = second.root / "identity"
    target = FOLDER if kind == "by a person" else OBJECTS
    with (config / "moxlite.toml").open("a") as file:
        file.write(STANDBY.format(target=target, key=key.to_public()) + (LEASE if target == OBJECTS else ""))
    bucket.keys_file(config / "storage-keys").chmod(0o644)
    (pair.disk / "target").mkdir()
    first.give(pair.disk / "target")
    first.serve()
    code, signer = first.cli("backup", "signer")
    identity.write_text(f"{key}\n# {signer}")
    words = ["--into", "/srv/copy", "--identity", "/root/identity"]
    name = "epoch-0001/files.age"
    if target == FOLDER:
        positions, pack = pair.disk / "target/epoch-0001/positions.json", pair.disk / "target" / name
        until(lambda: positions.exists() and b'"missing":0' in positions.read_bytes(), what="a complete copy")
        first.switch_off()
        pack.write_bytes(forged(pack.read_bytes(), identity, config))
        second.give(pair.disk / "target", *(pair.disk / "target").rglob("*"))  # as docs/standby.md says
        pair.before = roots(second)
        code, said = second.cli("standby", "takeover", target, *words, "--yes-the-other-is-down")
        assert code == 0, said
        pair.harmless()
        second.serve()
        said += second.log()
    else:
        there = "pair/epoch-0001/positions.json"
        until(lambda: b'"missing":0' in bucket.objects.get(there, b""), what="a complete copy")
        first.switch_off()
        bucket.objects[f"pair/{name}"] = forged(bucket.objects[f"pair/{name}"], identity, config)
        bucket.keys_file(second.root / "storage-keys")
        pair.before = roots(second)
        second.start("standby", "follow", target, "--take-over", "--storage-keys", "/root/storage-keys", *words)
        second.until_served()
        said = second.log()
    assert 'skipped user = "root"; moxlite is used here' in said
    assert "files in /root will be served at 127.0.0.1" in said
    pair.serves()


OLD: Final = "/mnt/old"

MOX: Final = """\
Domains:
\texample.org:
\t\tDKIM:
\t\t\tSelectors:
\t\t\t\ta:
\t\t\t\t\tPrivateKeyFile: ../../../../root/dkim.pem
"""


def leave(pair: Pair) -> None:
    """What the enemy leaves as the files of an old server, for `move plan`."""
    old = pair.disk / "old"
    for name in ("mail/bob", "mail/eve/cur", "scripts/bob/sieve", "scripts/eve", "mox/config"):
        (old / name).mkdir(parents=True)
    (old / "mail/eve/cur/1:2,S").write_text("Subject: hello\r\nFrom: <x@example.net>\r\n\r\nhello\r\n")
    (old / "mail/eve/cur/2:2,S").symlink_to("/root/Maildir/cur/1:2,S")
    os.mkfifo(old / "mail/eve/cur/3:2,S")
    (old / "mail/bob/Maildir").symlink_to("/root/Maildir")
    (old / "scripts/bob/sieve/a.sieve").symlink_to("/root/sieve/a.sieve")
    (old / "scripts/bob/.dovecot.sieve").symlink_to("/root/sieve/a.sieve")
    (old / "scripts/eve/sieve").symlink_to("/root/sieve")
    (old / "users").write_text("bob@example.org:{PLAIN}x:::::\neve@example.org:{PLAIN}x:::::\n")
    (old / "aliases").write_text('all: :include:/root/key.txt\nlp: "|/mnt/evil"\nfile: /root/key.txt\n')
    (old / "theirs").symlink_to("/root/passwords")
    os.mkfifo(old / "pipe")
    (old / "mox/config/domains.conf").write_text(MOX)
    (old / "mox2").mkdir()
    (old / "mox2/config").symlink_to("/root")
    pair.give_to_enemy(old)


def test_a_move_reads_no_file_of_root(pair: Pair) -> None:
    """MOVE-1, MOVE-6: links and pipes among the old server's users, scripts, keys and mail, and a folder of mail that
    is exchanged after the plan was made.
    """
    second = pair.second
    leave(pair)
    (second.root / "domains.conf").write_text(f"# {SECRET}\nDomains:\n\texample.org:\n\t\tDescription: {SECRET}\n")
    pair.before = roots(second)
    shutil.copytree(pair.first.config, second.config)
    second.serve()
    options = ("--files", f"{OLD}/mail/%n", "--scripts", f"{OLD}/scripts/%n", "--domain", "example.org")
    plans = {
        "users": ("dovecot", f"{OLD}/users", "--aliases", f"{OLD}/aliases", *options),
        "theirs": ("dovecot", f"{OLD}/theirs", *options),
        "pipe": ("csv", f"{OLD}/pipe"),
        "mox": ("mox", f"{OLD}/mox"),
        "mox2": ("mox", f"{OLD}/mox2"),
    }
    for name, words in plans.items():
        code, said = second.cli("move", "plan", *words, "--out", f"/srv/{name}.toml", seconds=60)
        assert code == (name in ("theirs", "pipe", "mox2")), said
        assert SECRET not in said
        pair.harmless()
    (pair.disk / "old/mail/eve").rename(pair.disk / "old/mail/before")
    (pair.disk / "old/mail/eve").symlink_to("/root/Maildir")
    said = "".join(second.cli("move", *words)[1] for words in (("run", "/srv/mox.toml"), ("run", "/srv/users.toml")))
    assert "root/dkim.pem: [Errno 1] leads outside" in said
    assert f"bob@example.org: {OLD}/mail/bob/Maildir is a symbolic link" in said
    assert f"eve@example.org: {OLD}/mail/eve leads to /root/Maildir" in said
    _, said = second.cli("move", "check", "/srv/users.toml")
    assert "eve leads to /root/Maildir" in said
    pair.harmless()
    (pair.disk / "old/mail/eve").unlink()
    (pair.disk / "old/mail/before").rename(pair.disk / "old/mail/eve")
    _, said = second.cli("move", "run", "/srv/users.toml")
    assert "eve@example.org: 1 message" in said
    assert SECRET not in said
    second.stop()
    pair.harmless()
