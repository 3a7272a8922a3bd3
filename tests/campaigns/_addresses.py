"""Clients from many addresses of loopback, for campaigns against a server without exempt networks."""

import resource
import socket
import ssl
from pathlib import Path
from typing import Final

from tests.campaigns.report import Finding
from tests.running import ServedServer

__all__ = ["HOST", "Line", "connect", "log_lines", "raise_own_limit", "served", "unverified"]

HOST: Final = "127.0.0.1"
SECONDS: Final = 30.0


def raise_own_limit() -> None:
    """The attackers' descriptors are ours."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def unverified() -> ssl.SSLContext:
    """TLS that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(port: int, source: str, seconds: float = SECONDS) -> socket.socket:
    """A connection from that address of 127.0.0.0/8."""
    return socket.create_connection((HOST, port), timeout=seconds, source_address=(source, 0))


class Line:
    """A client of a line protocol."""

    def __init__(self, server: ServedServer, service: str, source: str, seconds: float = SECONDS) -> None:
        self.socket = connect(server.ports[service], source, seconds)
        if service in ("imaps", "submissions"):
            self.secure()
        self.file = self.socket.makefile("rb")

    def secure(self) -> None:
        """Begin TLS."""
        self.socket = unverified().wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def line(self) -> str:
        """The next line; "" at the end."""
        return self.file.readline().decode(errors="replace").rstrip("\r\n")

    def reply(self) -> str:
        """The last line of an SMTP reply."""
        while (line := self.line())[3:4] == "-":
            pass
        return line

    def smtp(self, command: str, expected: str) -> str:
        """Send a command; its reply, which must begin so."""
        self.socket.sendall(command.encode() + b"\r\n")
        reply = self.reply()
        if not reply.startswith(expected):
            raise Finding(f"{command[:40]!r} was answered with {reply!r}")
        return reply

    def imap(self, command: str) -> str:
        """Send a command; its tagged line, or "" when the connection ends before."""
        self.socket.sendall(f"t {command}\r\n".encode())
        while (line := self.line()) and not line.startswith("t "):
            pass
        return line

    def close(self) -> None:
        """Hang up."""
        self.file.close()
        self.socket.close()


def log_lines(server: ServedServer, text: str) -> int:
    """How many lines of the server's log hold that."""
    return server.log().count(text)


def served(folder: Path, **options: object) -> ServedServer:
    """A server for which loopback is the network like any other."""
    return ServedServer(folder, exempt="", **options)  # type: ignore[arg-type]  # passed through
