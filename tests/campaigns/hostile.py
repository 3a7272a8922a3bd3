"""Endless lines, literals and bodies, 1,000 silent connections: each ends with the right reply, memory stays flat.

The server is a real process on loopback. Its resident memory is read after each attack; others are served throughout.
"""

import contextlib
import imaplib
import random
import re
import smtplib
import socket
import ssl
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

HUNDRED_MB = 100 << 20
#: What the process may grow by over an attack: caches and malloc's fragments, far below what was sent.
MAY_GROW = 24 << 20
SILENT = 1000
#: IMAP-19: a client that never logs in is dropped after this many seconds.
IMAP_SILENCE = 30.0


def resident(server: LocalServer) -> int:
    """Resident set size in octets."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", text)
    assert match
    return int(match[1]) * 1024


@contextlib.contextmanager
def connection(port: int, *, tls: bool = False) -> Iterator[socket.socket]:
    """A plain connection, or a TLS one."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        if not tls:
            yield sock
            return
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(sock) as wrapped:
            yield wrapped


def flood(sock: socket.socket, total: int, block: bytes) -> int:
    """Send `block` again and again until `total` octets went out or the server has closed; how many went out."""
    sent = 0
    try:
        while sent < total:
            sock.sendall(block)
            sent += len(block)
    except OSError:
        pass
    return sent


def last_words(sock: socket.socket) -> bytes:
    """All that the server still says until it closes (a reset counts as closing)."""
    data = b""
    with contextlib.suppress(OSError):
        while part := sock.recv(65536):
            data += part
    return data


def greeted(sock: socket.socket, *lines: bytes) -> bytes:
    """Read the greeting, send lines one by one; the last answer."""
    answer = sock.recv(4096)
    for line in lines:
        sock.sendall(line + b"\r\n")
        answer = sock.recv(65536)
    return answer


LOGIN = b"a LOGIN moxlite@localhost moxmoxmox"
BLOCK = b"A" * 65536


def smtp_line(server: LocalServer) -> str:
    """A line without end at the start of SMTP."""
    with connection(server.port(25)) as sock:
        greeted(sock, b"EHLO attacker.example")
        sent = flood(sock, HUNDRED_MB, BLOCK)
        words = last_words(sock)
    if sent >= HUNDRED_MB:
        raise Finding("SMTP took a line of 100 MB")
    return f"SMTP line without end: closed after {sent >> 10} KiB, {words[:40]!r}"


def smtp_body(server: LocalServer) -> str:
    """A body without end: discarded up to twice the limit, then closed (SMTP-46)."""
    with connection(server.port(25)) as sock:
        answer = greeted(sock, b"EHLO a.example", b"MAIL FROM:<a@b.example>", b"RCPT TO:<moxlite@localhost>", b"DATA")
        if not answer.startswith(b"354"):
            raise Finding(f"DATA was answered with {answer!r}")
        sock.sendall(b"Subject: endless\r\n\r\n")
        sent = flood(sock, 5 * HUNDRED_MB, (b"B" * 998 + b"\r\n") * 64)
        words = last_words(sock)
    if sent >= 5 * HUNDRED_MB:
        raise Finding("SMTP took a body of 500 MB")
    return f"SMTP body without end: closed after {sent >> 20} MiB, {words[:40]!r}"


def smtp_bdat(server: LocalServer) -> str:
    """BDAT of 10^18 octets (SMTP-147)."""
    with connection(server.port(25)) as sock:
        greeted(sock, b"EHLO a.example", b"MAIL FROM:<a@b.example>", b"RCPT TO:<moxlite@localhost>")
        sock.sendall(b"BDAT 1000000000000000000 LAST\r\n")
        sent = flood(sock, HUNDRED_MB, BLOCK)
        words = last_words(sock)
    if sent >= HUNDRED_MB:
        raise Finding("SMTP took 100 MB of a BDAT chunk of 10^18 octets")
    if not words.startswith(b"552"):
        raise Finding(f"BDAT of 10^18 octets was answered with {words[:80]!r}")
    return f"BDAT of 10^18 octets: {words[:40]!r}"


def imap_line(server: LocalServer) -> str:
    """A command line without end, before and after login (IMAP-28: 16,384 octets)."""
    said = []
    for lines in ((), (LOGIN,)):
        with connection(server.port(143)) as sock:
            greeted(sock, *lines)
            sock.sendall(b"b NOOP ")
            sent = flood(sock, HUNDRED_MB, BLOCK)
            words = last_words(sock)
        if sent >= HUNDRED_MB:
            raise Finding("IMAP took a line of 100 MB")
        said.append(words[:40])
    return f"IMAP line without end: {said[0]!r} before login, {said[1]!r} after"


def imap_literal(server: LocalServer) -> str:
    """A literal of 100 MB before login, in a LOGIN; then of 4 GB and of a number that no integer holds."""
    with connection(server.port(143)) as sock:
        greeted(sock, b"a NOOP")
        sock.sendall(b"b LOGIN {104857600}\r\n")
        answer = sock.recv(4096)
        if answer.startswith(b"+") or b"BAD" not in answer:
            raise Finding(f"a literal of 100 MB in LOGIN was answered with {answer!r}")
    with connection(server.port(143)) as sock:
        greeted(sock, b"a NOOP")
        sock.sendall(b"b LOGIN {104857600+}\r\n")
        sent = flood(sock, HUNDRED_MB, BLOCK)
        words = last_words(sock)
        if sent >= HUNDRED_MB:
            raise Finding("IMAP read 100 MB of a literal before login")
    for number in (b"4294967296", b"99999999999999999999", b"-1", b"1+"):
        with connection(server.port(143)) as sock:
            greeted(sock, LOGIN)
            sock.sendall(b"b CREATE {" + number + b"}\r\n")
            answer = sock.recv(4096)
            if b"BAD" not in answer and b"BYE" not in answer:
                raise Finding(f"a literal of {number!r} octets was answered with {answer!r}")
    return f"IMAP literals: {words[:60]!r}"


def imap_append(server: LocalServer) -> str:
    """APPEND of one octet over the limit, by both kinds of literal (IMAP-86)."""
    with connection(server.port(143)) as sock:
        greeted(sock, LOGIN)
        sock.sendall(b"b APPEND INBOX {104857601}\r\n")
        answer = sock.recv(4096)
        if b"b NO [TOOBIG]" not in answer:
            raise Finding(f"APPEND of 100 MB + 1 was answered with {answer!r}")
        sock.sendall(b"c APPEND INBOX {104857601+}\r\n")
        flood(sock, HUNDRED_MB, BLOCK)
        flood(sock, 1, b"A\r\n")
        words = sock.recv(4096)
        if b"TOOBIG" not in words:
            raise Finding(f"APPEND of a non-synchronising 100 MB + 1 was answered with {words!r}")
    return "IMAP APPEND over the limit: NO [TOOBIG] for both kinds of literal"


def http_head(server: LocalServer) -> str:
    """A request head and a request line without end (WEB-4)."""
    said = []
    for start in (b"GET /webmail/ HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"GET /"):
        with connection(server.port(80)) as sock:
            sock.sendall(start)
            sent = flood(sock, HUNDRED_MB, BLOCK)
            words = last_words(sock)
        if sent >= HUNDRED_MB:
            raise Finding("HTTP took a head of 100 MB")
        said.append(words[:20])
    return f"HTTP head without end: {said!r}"


def noise(server: LocalServer) -> str:
    """Binary noise first on every port."""
    rng = random.Random(7)
    for standard in (25, 80, 81, 143, 443, 465, 587, 993):
        for size in (1, 10, 1000, 100_000):
            with connection(server.port(standard)) as sock, contextlib.suppress(OSError):
                sock.sendall(rng.randbytes(size))
                sock.shutdown(socket.SHUT_WR)
                last_words(sock)
    return "binary noise on all ports: ended"


def silent(server: LocalServer, share: float) -> str:
    """Connections that say nothing: they cost little, others are served, and IMAP drops them after 30 s."""
    count = max(100, round(SILENT * share))
    before = resident(server)
    ports = [server.port(standard) for standard in (25, 143, 587, 993, 80)]
    sockets = [socket.create_connection(("127.0.0.1", ports[n % len(ports)]), timeout=60) for n in range(count)]
    time.sleep(2)
    grown = resident(server) - before
    if grown > count * 64 * 1024:
        raise Finding(f"{count} silent connections cost {grown >> 10} KiB")
    alive(server)
    deadline = time.monotonic() + IMAP_SILENCE + 90  # on a machine with much else to do
    waiting = [sock for n, sock in enumerate(sockets) if ports[n % len(ports)] == server.port(143)]
    for sock in waiting:
        sock.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            words = last_words(sock)
        except TimeoutError:
            words = b""
        if b"* BYE" not in words:
            raise Finding(f"a silent IMAP connection got {words!r}")
    for sock in sockets:
        sock.close()
    return f"{count} silent connections: {grown / count / 1024:.0f} KiB each, IMAP's dropped with BYE after 30 s"


def alive(server: LocalServer) -> None:
    """A message can be sent and read in the meantime."""
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=60) as client:
        client.sendmail("a@b.example", [server.user], b"Subject: alive\r\n\r\nyes\r\n")
    session = imaplib.IMAP4("127.0.0.1", server.port(143), timeout=60)
    session.login(server.user, server.password)
    code, _ = session.select("INBOX")
    session.logout()
    if code != "OK":
        raise Finding("the server does not answer")


ATTACKS: tuple[Callable[[LocalServer], str], ...] = (
    smtp_line,
    smtp_body,
    smtp_bdat,
    imap_line,
    imap_literal,
    imap_append,
    http_head,
    noise,
)


def run(seed: int, share: float, report: Report) -> None:
    """All attacks, each on its own, then the silent connections."""
    del seed
    with tempfile.TemporaryDirectory(prefix="moxlite-hostile-") as folder:
        with LocalServer(Path(folder) / "server") as server:
            alive(server)
            for attack in ATTACKS:
                before = resident(server)
                report.tell(attack(server))
                grown = resident(server) - before
                if grown > MAY_GROW:
                    raise Finding(f"{attack.__name__}: the process grew by {grown >> 20} MiB")
                alive(server)
            report.tell(silent(server, share))
            alive(server)
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=60) as answer:
                text = answer.read().decode()
            if crashed := [line for line in text.splitlines() if re.match(r"moxlite_panic_total\{.*\} [^0]", line)]:
                raise Finding(f"panics were counted: {crashed}\n{server.log()[-3000:]}")
        report.tell(f"memory: no attack made the process grow by more than {MAY_GROW >> 20} MiB; panic counters 0")
