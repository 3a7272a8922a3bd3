"""An OpenSSH server on a loopback port, with host keys of its own, that lets in one key: for backups on another
machine (STORE-184a).
"""

import getpass
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from moxlite.net.storage.sftp import Login
from moxlite.proto.sshurl import SSHURL, parse_ssh_url
from tests.tools import free_port, until

__all__ = ["HINDRANCE", "SSHServer", "make_key", "ssh_server"]

SSHD: Final = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")

HINDRANCE: Final = "" if SSHD else "there is no sshd: apt install openssh-server"

SETTINGS: Final = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
HostKey {folder}/host-rsa
HostKey {folder}/host-ecdsa
PidFile none
AuthorizedKeysFile {folder}/authorized
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
MaxStartups 100
LogLevel ERROR
Subsystem sftp internal-sftp
"""


def make_key(path: Path, kind: str = "ed25519") -> str:
    """A new key pair in files; returns the public key without its comment."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])


class SSHServer:
    """A running server. `folder` holds its keys, and that of its only user. `host_key`, which backups need, is one of
    its three `host_keys`, as Debian makes them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir()
        self.host_key = make_key(folder / "host")
        others = (make_key(folder / f"host-{kind}", kind) for kind in ("rsa", "ecdsa"))
        self.host_keys = (self.host_key, *others)
        (folder / "authorized").write_text(make_key(folder / "key") + "\n")
        self.key = folder / "key"
        (folder / "sshd_config").write_text(SETTINGS.format(port=self.port, folder=folder))
        if Path("/run").is_dir() and getpass.getuser() == "root":
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it (sshd(8), privilege separation)
        self.start()

    def start(self) -> None:
        """Begin to accept."""
        command = [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        until(self._answers, what="the ssh server")

    def _answers(self) -> bool:
        import socket

        assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Accept no more."""
        self.process.terminate()
        self.process.communicate()

    @property
    def login(self) -> Login:
        """What a client needs."""
        return Login(self.key.read_bytes(), (self.host_key,))

    @property
    def standby_login(self) -> Login:
        """What a standby needs."""
        return Login(self.key.read_bytes(), self.host_keys, standby=True)

    def url(self, path: Path) -> SSHURL:
        """The URL of a folder."""
        return parse_ssh_url(f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}")


@contextmanager
def ssh_server(folder: Path) -> Iterator[SSHServer]:
    """A server that runs while the block lasts."""
    server = SSHServer(folder)
    try:
        yield server
    finally:
        server.stop()
