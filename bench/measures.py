"""What is measured. Each function takes a running server and returns named figures; the unit is the end of the name."""

import os
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import apsw

from bench.accounts import accounts
from bench.closed import closed
from bench.cold import cold
from bench.imapload import IMAP, corpus
from bench.servers import Moxlite, Server
from bench.webload import Webmail

__all__ = ["MEASURES", "OWN", "Figures", "copy", "fill", "filled"]

Figures = dict[str, float]


def login(server: Server, *, tls: bool = False, user: str | None = None) -> IMAP:
    """A session of the benchmark's account."""
    return IMAP(server.imaps_port if tls else server.imap_port, user or server.user, server.password, tls=tls)


def exists(session: IMAP) -> int:
    """How many messages the Inbox has."""
    match = re.search(rb"\* STATUS .*MESSAGES (\d+)", session.command(b"STATUS INBOX (MESSAGES)"))
    assert match
    return int(match[1])


def fill(server: Server, count: int) -> None:
    """Append `count` messages of the corpus to the Inbox, every second one seen."""
    session = login(server)
    have = exists(session)
    for first in range(have, count, 100):
        session.append(b"INBOX", [corpus(n) for n in range(first, min(first + 100, count))])
    session.close()


def copy(server: Server, count: int) -> None:
    """Copy the messages of the Inbox within it until there are `count`."""
    session = login(server)
    session.command(b"SELECT INBOX")
    while (have := exists(session)) < count:
        session.command(b"COPY 1:%d INBOX" % min(have, count - have, 10_000))
    session.close()


def indexed(folder: Path) -> int:
    """The id up to which the messages of the account in `folder` are in its text index."""
    try:
        db = apsw.Connection(str(folder / "search.db"), flags=apsw.SQLITE_OPEN_READONLY)
        found = db.execute("SELECT watermark FROM state").fetchone()
        db.close()
    except apsw.Error:
        return 0
    return 0 if found is None else int(found[0])


@contextmanager
def filled(messages: int) -> Iterator[Moxlite]:
    """A running moxlite whose Inbox has so many messages, at rest: its text index has them, too."""
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-", ignore_cleanup_errors=True) as scratch:
        server = Moxlite(Path(scratch))
        server.start()
        try:
            fill(server, messages)
            (database,) = server.server.folder.rglob("account.db")
            while indexed(database.parent) < messages:
                time.sleep(0.5)
            print(f"# {messages} messages are there, load {os.getloadavg()[0]:.1f}", flush=True)
            yield server
        finally:
            server.stop()


def send(server: Server, connections: int, count: int, size: int = 10_000) -> float:
    """Deliver with postfix's smtp-source; seconds until all are in the mailbox."""
    session = login(server)
    before = exists(session)
    began = time.perf_counter()
    subprocess.run(
        [
            "smtp-source",
            "-s",
            str(connections),
            "-m",
            str(count),
            "-l",
            str(size),
            "-f",
            "sender@example.com",
            "-t",
            server.address,
            f"127.0.0.1:{server.smtp_port}",
        ],
        check=True,
        capture_output=True,
        timeout=600,
    )
    while exists(session) < before + count:
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    session.close()
    return seconds


def deliveries(server: Server) -> Figures:
    """Durable deliveries of 10 kB per second, until they can be read, with 1 and 16 connections; what each writes."""
    figures: Figures = {}
    send(server, 4, 100)
    for connections, count in ((1, 400), (16, 3000)):
        rounds = [count / send(server, connections, count) for _ in range(2)]
        figures[f"deliveries, {connections} connections, /s"] = max(rounds)
    for connections, count in ((1, 200), (16, 1000)):
        before = server.written()
        send(server, connections, count)
        time.sleep(1)
        figures[f"written per delivery of 10 kB, {connections} connections, kB"] = (
            (server.written() - before) / count / 1e3
        )
        if (syncs := counted_syncs(server, lambda c=connections, n=count: send(server, c, n))) is not None:  # type: ignore[misc]
            figures[f"fsyncs per delivery, {connections} connections"] = syncs / count
    return figures


def counted_syncs(server: Server, work: Callable[[], object]) -> int | None:
    """How many fsync and fdatasync calls all processes of the server make during `work`; None without strace."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as file:
        command = [
            strace,
            "-f",
            "-qq",
            "-e",
            "trace=fsync,fdatasync,msync,sync_file_range",
            "-e",
            "signal=none",
            "-o",
            file.name,
        ]
        for pid in server.pids():
            command += ["-p", str(pid)]
        tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        work()
        tracer.send_signal(signal.SIGINT)
        tracer.wait(timeout=20)
        return sum(1 for line in Path(file.name).read_text().splitlines() if "sync" in line and "resumed" not in line)


def best(times: list[float]) -> float:
    """The median in milliseconds."""
    return statistics.median(times) * 1e3


def told(
    selector: selectors.BaseSelector, marks: Mapping[socket.socket, bytes], began: float
) -> dict[socket.socket, float]:
    """For each connection, how many seconds after `began` its mark had come; 10 if it did not come.

    What comes is there when `select` returns, whatever this client then needs to read it.
    """
    waiting = dict.fromkeys(marks, b"")
    late: dict[socket.socket, float] = {}
    while waiting and time.perf_counter() < began + 10:
        ready = selector.select(1)
        now = time.perf_counter()
        for key, _ in ready:
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            data = sock.recv(8192)
            if sock in waiting:
                waiting[sock] += data
                if marks[sock] in waiting[sock]:
                    del waiting[sock]
                    late[sock] = now - began
    return late | dict.fromkeys(waiting, 10.0)


def rank(values: list[float], percent: int) -> float:
    """The percentile, in milliseconds."""
    return sorted(values)[len(values) * percent // 100] * 1e3


def idle(server: Server) -> Figures:
    """How long until 50 IDLE sessions are told of a flag change, of a delivery (p50, p99 over sessions and rounds)."""
    fill(server, 100)
    sessions = [login(server) for _ in range(50)]
    selector = selectors.DefaultSelector()
    for session in sessions:
        session.command(b"SELECT INBOX", keep=False)
        session.sock.sendall(b"I IDLE\r\n")
        data = b""
        while b"+ " not in data:
            data += session.sock.recv(4096)
        selector.register(session.sock, selectors.EVENT_READ)
    actor = login(server)
    actor.command(b"SELECT INBOX", keep=False)

    sockets = [session.sock for session in sessions]
    flags: list[float] = []
    for n in range(40):
        time.sleep(0.05)
        began = time.perf_counter()
        actor.sock.sendall(b"F%d UID STORE %d %sFLAGS (\\Flagged)\r\n" % (n, n % 20 + 1, b"+-"[n // 20 : n // 20 + 1]))
        flags += told(selector, dict.fromkeys(sockets, b"FETCH"), began).values()
        actor.answer(b"F%d" % n)
    smtp = socket.create_connection(("127.0.0.1", server.smtp_port))
    smtp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    smtp.recv(4096)
    smtp.sendall(b"EHLO bench.example\r\n")
    smtp.recv(4096)
    arrivals: list[float] = []
    for n in range(41):
        time.sleep(0.05)
        for line in (b"MAIL FROM:<sender@example.com>", b"RCPT TO:<%s>" % server.address.encode(), b"DATA"):
            smtp.sendall(line + b"\r\n")
            assert smtp.recv(4096)[:1] in b"23"
        began = time.perf_counter()
        smtp.sendall(corpus(n) + b".\r\n")
        late = told(selector, dict.fromkeys(sockets, b"EXISTS"), began).values()
        arrivals += late if n else ()  # with its first message a server reads what it keeps from then on
        assert smtp.recv(4096)[:1] == b"2"
    smtp.close()
    figures: Figures = {}
    for name, values in (("flag change", flags), ("delivery", arrivals)):
        figures[f"IDLE: {name} told to 50 sessions, p50, ms"] = rank(values, 50)
        figures[f"IDLE: {name} told to 50 sessions, p99, ms"] = rank(values, 99)
    for session in (*sessions, actor):
        session.sock.close()
    return figures


def start(server: Server) -> Figures:
    """From exec until it takes connections: the median of five starts after one of which nothing is counted."""
    seconds = []
    for _ in range(5):
        server.stop()
        seconds.append(server.start())
    return {"start to ready, ms": best(seconds)}


def fanout(server: Server) -> Figures:
    """How long until one change has reached 50 IMAP IDLE sessions, 50 event streams by SSE and 50 by websocket."""
    fill(server, 100)
    webmail = Webmail(server.http_port, server.user, server.password)
    marks: dict[socket.socket, bytes] = {}
    kinds: dict[socket.socket, str] = {}
    for _ in range(50):
        session = login(server)
        session.command(b"SELECT INBOX", keep=False)
        session.sock.sendall(b"I IDLE\r\n")
        data = b""
        while b"+ " not in data:
            data += session.sock.recv(4096)
        marks[session.sock], kinds[session.sock] = b"FETCH", "IMAP IDLE"
        for sock, kind in ((webmail.events(), "SSE"), (webmail.websocket(), "websocket")):
            marks[sock], kinds[sock] = b"msg_flags", kind
    selector = selectors.DefaultSelector()
    for sock in marks:
        selector.register(sock, selectors.EVENT_READ)
    actor = login(server)
    actor.command(b"SELECT INBOX", keep=False)
    times: dict[str, list[float]] = {kind: [] for kind in kinds.values()}
    for n in range(40):
        time.sleep(0.05)
        began = time.perf_counter()
        actor.sock.sendall(b"F%d UID STORE %d %sFLAGS (\\Flagged)\r\n" % (n, n % 20 + 1, b"+-"[n // 20 : n // 20 + 1]))
        for sock, late in told(selector, marks, began).items():
            times[kinds[sock]].append(late)
        actor.answer(b"F%d" % n)
    for sock in (*marks, actor.sock):
        sock.close()
    figures: Figures = {}
    for kind, values in {"all": [late for one in times.values() for late in one], **times}.items():
        figures[f"a change told to 150 subscribers: {kind}, p50, ms"] = rank(values, 50)
        figures[f"a change told to 150 subscribers: {kind}, p99, ms"] = rank(values, 99)
    return figures


def memory(server: Server) -> Figures:
    """Idle after the start, and per idle TLS IMAP session (70 of one account, Inbox selected, in IDLE).

    What a session takes is anonymous memory; the proportional share of code would change with every other program that
    starts meanwhile. The first sessions, and the work behind the appends in those ten seconds, are not counted: they
    fill what the start has left free.
    """
    time.sleep(2)
    figures: Figures = {"memory after start, idle, MB (PSS)": server.pss()}
    figures["memory after start, idle, MB (RSS)"] = server.rss()
    fill(server, 100)
    warm: list[IMAP] = []
    sessions: list[IMAP] = []
    for count, into in ((25, warm), (70, sessions)):
        before = server.anonymous()
        for _ in range(count):
            session = login(server, tls=True)
            session.command(b"SELECT INBOX", keep=False)
            session.sock.sendall(b"I IDLE\r\n")
            session.sock.recv(4096)
            into.append(session)
        time.sleep(10)
    figures["memory per idle TLS IMAP session, kB"] = (server.anonymous() - before) / len(sessions) * 1e3
    for session in (*warm, *sessions):
        session.sock.close()
    return figures


MEASURES: dict[str, Callable[[Server], Figures]] = {
    "start": start,
    "memory": memory,
    "deliveries": deliveries,
    "idle": idle,
    "fanout": fanout,
}
"""Of a running server."""

OWN: dict[str, Callable[[Path], Figures]] = {"cold": cold, "accounts": accounts, "closed": closed}
"""Of moxlite alone; they start what they need in a folder."""
