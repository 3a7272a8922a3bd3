"""Starts of a server while clients wait at all of its ports, and its postmaster has a linked mailbox (ADMIN-82a).

What a server loads late it loads just after a start, in several threads: for connections, the link, and the tasks of
the doctor. Each connection that is accepted must get its answer, and nothing may fail.
"""

import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.campaigns._addresses import HOST, unverified
from tests.campaigns.report import Finding, Report
from tests.realservers import Dovecot
from tests.running import ServedServer
from tests.tools import free_port

__all__ = ["run"]

STARTS: Final = 100
FEWEST: Final = 2
EACH: Final = 2
"""Clients that wait at each port."""

SECONDS: Final = 300.0
"""Seconds until an answer: beside other tests on two cores, the web apps take more than a minute to load."""

FAULTS: Final = re.compile(r"Traceback|panic|task failed|ImportError|KeyError")

MESSAGE: Final = b"From: a@example.net\r\nSubject: start\r\n\r\nhello\r\n.\r\n"

TALKS: Final[dict[str, tuple[tuple[bytes, bytes], ...]]] = {
    "smtp": (
        (b"", b"220 "),
        (b"EHLO waiting.example\r\n", b"250 "),
        (b"MAIL FROM:<>\r\n", b"250 "),
        (b"RCPT TO:<bob@example.org>\r\n", b"250 "),
        (b"DATA\r\n", b"354 "),
        (MESSAGE, b"250 "),
    ),
    "submission": ((b"", b"220 "), (b"EHLO waiting.example\r\n", b"250 ")),
    "submissions": ((b"", b"220 "), (b"EHLO waiting.example\r\n", b"250 ")),
    "imap": ((b"", b"* OK"), (b"a CAPABILITY\r\n", b"a OK")),
    "imaps": ((b"", b"* OK"), (b"a LOGIN bob@example.org saltmarsh61\r\n", b"a OK"), (b"b SELECT INBOX\r\n", b"b OK")),
    "managesieve": ((b"", b"OK"), (b"CAPABILITY\r\n", b"OK")),
    "webmail": ((b"GET /webmail/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200"),),
    "account": ((b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200"),),
    "admin": ((b"GET /admin/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200"),),
    "jmap": ((b"GET /jmap/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 401"),),
    "dav": ((b"PROPFIND /dav/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 401"),),
    "webapi": ((b"GET /webapi/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 303"),),
    "metrics": ((b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200"),),
}
"""What a client says at a port, and how the line begins that it then waits for."""

SECURED: Final = ("submissions", "imaps", "dav", "jmap")
"""Of these, the ones that begin with TLS."""

STATIC: Final = """\
managesieve = {{ enabled = true, port = {managesieve} }}
webmail_http = {{ enabled = true, port = {webmail} }}
account_http = {{ enabled = true, port = {account} }}
admin_http = {{ enabled = true, port = {admin} }}
jmap_https = {{ enabled = true, port = {jmap} }}
dav_https = {{ enabled = true, port = {dav} }}
webapi_http = {{ enabled = true, port = {webapi} }}
metrics_http = {{ enabled = true, port = {metrics} }}
"""


def talk(service: str, port: int, stop: threading.Event) -> str:
    """Connect as soon as the port opens, and say all; returns what went wrong, "" for nothing."""
    while not stop.is_set():
        try:
            connection = socket.create_connection((HOST, port), timeout=SECONDS)
            break
        except OSError:
            time.sleep(0.002)
    else:
        return ""
    try:
        with connection:
            if service in SECURED:
                connection = unverified().wrap_socket(connection, server_hostname="localhost")
            with connection, connection.makefile("rb") as file:
                for octets, expected in TALKS[service]:
                    connection.sendall(octets)
                    while not (line := file.readline()).startswith(expected):
                        if not line or line.startswith(b"HTTP/"):
                            return f"{service}: {line!r} in place of {expected!r}"
    except OSError as error:
        return f"{service}: {error!r}"
    return ""


def start(server: ServedServer, ports: dict[str, int]) -> tuple[float, list[str]]:
    """Start it with the clients waiting; seconds until it was ready, and what went wrong."""
    stop, wrong = threading.Event(), list[str]()

    def client(service: str, port: int, say: Callable[[str], None]) -> None:
        if error := talk(service, port, stop):
            say(error)

    clients = [
        threading.Thread(target=client, args=(service, port, wrong.append))
        for service, port in ports.items()
        for _ in range(EACH)
    ]
    for thread in clients:
        thread.start()
    try:
        seconds = server.start()
        for thread in clients:
            thread.join(SECONDS)
    finally:
        stop.set()
    return seconds, wrong


def run(seed: int, share: float, report: Report) -> None:
    """STARTS × share starts; nothing is random."""
    count = max(FEWEST, round(STARTS * share))
    web = {name: free_port() for name in TALKS if name not in ("smtp", "submission", "submissions", "imap", "imaps")}
    with tempfile.TemporaryDirectory(prefix="moxlite-starts-") as name:
        folder = Path(name)
        server = ServedServer(folder / "server", top="allow_private_webhooks = true", static=STATIC.format(**web))
        ports = server.ports | web
        with Dovecot(folder / "dovecot") as source:
            with server:
                place = ("--host", "127.0.0.1", "--port", str(source.port), "--tls", "none", "--no-sending")
                user = ("--user", source.user, "--name", "Far")
                server.cli("link", "add", "bob", "far@example.net", *user, *place, stdin="moxmoxmox")
            slowest, broken = 0.0, 0
            for number in range(count):
                seconds, wrong = start(server, ports)
                slowest = max(slowest, seconds)
                time.sleep(0.5)  # what fails a little later, beside the connections
                server.stop()
                faults = FAULTS.findall(server.log())
                if wrong or faults:
                    broken += 1
                    report.tell(f"start {number}: {wrong[:5]}, log {sorted(set(faults))}: {server.log()[-3000:]}")
    if broken:
        raise Finding(f"in {broken} of {count} starts a connection was dropped, or something failed")
    report.tell(f"{count} starts with {EACH * len(ports)} clients that waited at {len(ports)} ports: all were answered")
    report.tell(f"no panic; ready within {slowest:.1f} s")
