"""Commands by a loopback port with a token, as on systems without Unix sockets (ADMIN-46)."""

import contextlib
import socket
import stat
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import until

pytestmark = [pytest.mark.integration, pytest.mark.served]


@dataclass
class TCPServer(LocalServer):
    """`localserve --ctl-tcp`."""

    def command(self) -> list[str]:
        return [*super().command(), "--ctl-tcp"]

    @property
    def token(self) -> Path:
        return self.folder / "data/ctl.token"


@pytest.mark.nightly
def test_verbs_work_over_tcp(tmp_path: Path) -> None:
    """ADMIN-46, ADMIN-18: verbs with small and large answers; the token is for the server's user alone, another one at
    each start, and gone after the end; then exit code 3.
    """
    server = TCPServer(tmp_path / "server")
    with server:
        assert not (server.folder / "data/ctl").exists()
        assert stat.S_IMODE(server.token.stat().st_mode) == 0o600
        first = server.token.read_text()
        assert "moxlite" in server.cli("config", "account", "list").stdout
        server.cli("account", "set-password", "moxlite", stdin="another password\n")
        server.cli("healthcheck")
        mail = b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" + b"line\r\n" * 200_000
        (tmp_path / "mail.mbox").write_bytes(b"From a@example.org Thu Jan  1 00:00:00 2026\n" + mail)
        server.cli("import", "mbox", "moxlite", "INBOX", str(tmp_path / "mail.mbox"))
        assert server.cli("queue", "list").returncode == 0
    assert not server.token.exists()
    assert server.cli("healthcheck", check=False).returncode == 3
    with server:
        assert server.token.read_text() != first
        server.cli("stop")
        until(lambda: server.process.poll() is not None, seconds=30, what="the end of the server")
    server.start()
    server.kill()
    assert server.token.exists()
    assert server.cli("healthcheck", check=False).returncode == 3, "a stale token"
    plain = LocalServer(server.folder, base=server.base)
    with plain:
        assert not server.token.exists()
        plain.cli("healthcheck")


def test_without_the_token_nothing_is_said(tmp_path: Path) -> None:
    """ADMIN-46, ADMIN-64: a program that does not know the token, says garbage, or nothing, is closed without a word;
    others are served meanwhile.
    """
    with TCPServer(tmp_path / "server") as server:
        port = int(server.token.read_text().split()[0])
        silent = socket.create_connection(("127.0.0.1", port), timeout=30)
        for said in (b"x" * 32 + b"y" * 32, b'{"id":1,"cmd":"stop","args":{}}\n' * 4):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as stranger:
                stranger.sendall(said)
                got = b""
                with contextlib.suppress(ConnectionResetError):  # it has said more than was read
                    while data := stranger.recv(1000):
                        got += data
                assert len(got) <= 64
                assert b"ctl" not in got
        server.cli("healthcheck")
        assert silent.recv(100) == b"", "after five seconds"
        silent.close()
        assert "rejected control connection without a valid token" in server.log()


@pytest.mark.nightly
def test_another_program_at_the_port_learns_nothing(tmp_path: Path) -> None:
    """ADMIN-46: a program that took the port of a server that was killed gets a challenge, and no command."""
    server = TCPServer(tmp_path / "server")
    server.start()
    port = int(server.token.read_text().split()[0])
    server.kill()
    heard = bytearray()

    def impostor(listener: socket.socket) -> None:
        stream, _ = listener.accept()
        heard.extend(stream.recv(1000))
        stream.sendall(b"\0" * 64)
        heard.extend(stream.recv(1000))
        stream.close()

    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=impostor, args=(listener,))
        thread.start()
        done = server.cli("account", "set-password", "moxlite", stdin="a secret word\n", check=False)
        thread.join(timeout=30)
    assert done.returncode == 3
    assert "another program is using the server's port" in done.stderr
    assert len(heard) == 32
