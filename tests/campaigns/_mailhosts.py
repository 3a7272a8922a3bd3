"""The mail hosts of all domains at one port of loopback: they note each message that they take, and whether our server
was heard of on that connection after the answer. Then it had read the answer, and the message must not come again.
"""

import random
import socketserver
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

__all__ = ["Hosts", "Server", "Taken"]

LONGEST_ANSWER = 0.03
"""Seconds before a host answers to a message: a kill shall often come within."""


@dataclass
class Taken:
    """A message that a host took once. `seen`: our server went on after the answer."""

    seen: bool = False


@dataclass
class Hosts:
    """The answers of all hosts together; a campaign has its own.

    Attributes:
      lock: held by `recipient` and `take`, and for `connections`.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    connections: int = 0

    def recipient(self, line: bytes) -> bytes:
        """The answer to the line of a RCPT."""
        raise NotImplementedError

    def take(self, line: bytes, octets: bytes) -> tuple[bytes, Taken | None]:
        """The answer to a message for the recipient of that line; None if it is not taken."""
        raise NotImplementedError


class _Host(socketserver.StreamRequestHandler):
    """One connection."""

    server: "Server"

    def handle(self) -> None:
        """Until our server goes, or is killed."""
        with suppress(OSError):
            self.request.settimeout(120)
            self._speak()

    def _speak(self) -> None:
        hosts = self.server.hosts
        with hosts.lock:
            hosts.connections += 1
        self._say(b"220 mx ESMTP")
        recipient = b""
        last: Taken | None = None
        while line := self.rfile.readline(4096):
            if last is not None:
                last.seen, last = True, None
            verb = line[:4].upper()
            if verb == b"EHLO":
                self._say(b"250-mx\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME")
            elif verb == b"RCPT":
                answer = hosts.recipient(line)
                recipient = line if answer.startswith(b"2") else recipient
                self._say(answer)
            elif verb == b"DATA" and not recipient:
                self._say(b"503 5.5.1 no recipients")
            elif verb == b"DATA":
                self._say(b"354 go")
                lines = []
                while (line := self.rfile.readline(4096)) != b".\r\n":
                    if not line:
                        return
                    lines.append(line)
                time.sleep(random.uniform(0, LONGEST_ANSWER))
                answer, last = hosts.take(recipient, b"".join(lines))
                recipient = b""
                self._say(answer)
            elif verb == b"QUIT":
                self._say(b"221 2.0.0 bye")
                return
            else:
                recipient = b"" if verb in (b"MAIL", b"RSET") else recipient
                self._say(b"250 2.0.0 ok")

    def _say(self, text: bytes) -> None:
        self.wfile.write(text + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    """The hosts at a port of loopback."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        super().__init__(("127.0.0.1", 0), _Host)
