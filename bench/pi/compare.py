"""What servers do on the machine, one after the other: `python -m bench.pi compare`."""

import argparse
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.imap import Side, letter
from bench.imapload import IMAP
from bench.measures import Figures, best, send
from bench.pi.machine import Machine
from bench.pi.serve import KINDS, There

__all__ = ["add_options", "compare"]

NAMES = {"moxlite": "moxlite", "reference": "postfix + dovecot", "mox": "mox"}
OPENED = 200
"""Messages that are opened one after the other."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is measured, and on which servers."""
    parser.add_argument("--only", choices=KINDS, nargs="*", default=KINDS)
    parser.add_argument("--mox", default=shutil.which("mox"), help="its binary; without one it is left out")
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there too")


def compare(machine: Machine, options: argparse.Namespace) -> None:
    """Run all rounds, and print a table of medians."""
    there = ["--processor", str(machine.processor), "--share", str(machine.share), "--late", str(machine.late * 1e3)]
    there += ["--rate", str(machine.rate / 1e6), "--memory", str(machine.memory >> 20)]
    command = [sys.executable, "-m", "bench.pi", "run", *there, "--"]
    others = os.sched_getaffinity(0) - {machine.processor}
    if others:
        os.sched_setaffinity(0, others)  # the clients' work is not the server's
    kinds = [kind for kind in options.only if kind != "mox" or options.mox]
    rounds: dict[str, dict[str, list[float]]] = {kind: {} for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            with tempfile.TemporaryDirectory(prefix="moxlite-pi-", ignore_cleanup_errors=True) as name:
                folder = Path(name)
                folder.chmod(0o755)
                server = There(command, kind, folder, options.mox or "")
                try:
                    for figure, value in measure(server, options.messages).items():
                        rounds[kind].setdefault(figure, []).append(value)
                        print(f"# {kind}: {figure}: {value:.1f}", flush=True)
                finally:
                    server.close()
            print(f"# {kind}: done, load {os.getloadavg()[0]:.1f}", flush=True)
    medians = {kind: {name: statistics.median(values) for name, values in got.items()} for kind, got in rounds.items()}
    print("\n| Figure | " + " | ".join(NAMES[kind] for kind in kinds) + " |\n|---" + "|---" * len(kinds) + "|")
    for figure in medians[kinds[0]]:
        print(f"| {figure} | " + " | ".join(f"{medians[kind].get(figure, 0):,.1f}" for kind in kinds) + " |")
    if options.json:
        options.json.write_text(json.dumps({"figures": medians, "rounds": rounds}, indent=1) + "\n")


def measure(server: There, messages: int) -> Figures:
    """All figures of one server, which does not run yet."""
    figures: Figures = {}
    server.start()  # the first one makes its files
    server.stop()
    figures["start again, s"] = server.start()
    time.sleep(3)
    figures["memory at rest, MB (PSS)"] = server.pss()
    for connections, count in ((1, 20), (8, 80)):
        send(server, connections, count // 4)
        figures[f"deliveries of 10 kB, {connections} connections, /s"] = count / send(server, connections, count)
    side = Side(server, messages)
    session = side.login(select=None)
    session.command(b"CREATE Filled", keep=False)
    began = time.perf_counter()
    for first in range(0, messages, 50):
        session.multiappend(b"Filled", [letter(n) for n in range(first, min(first + 50, messages))])
    figures["APPEND in batches, messages/s"] = messages / (time.perf_counter() - began)
    side.settle()
    session.command(b"SELECT Filled", keep=False)
    figures |= reading(session, messages)
    session.close()
    figures |= told(side)
    figures["memory after that, MB (PSS)"] = server.pss()
    return figures


def reading(session: IMAP, messages: int) -> Figures:
    """What a person waits for, in milliseconds: medians."""

    def often(line: bytes, times: int = 5) -> float:
        return best([session.timed(line) for _ in range(times)])

    last = messages - 49
    opened = [session.timed(b"UID FETCH %d (BODY.PEEK[])" % uid) for uid in range(1, min(messages, OPENED) + 1)]
    return {
        "SELECT, ms": often(b"SELECT Filled"),
        "list the last 50, ms": often(b"UID FETCH %d:* (UID FLAGS ENVELOPE BODYSTRUCTURE)" % last),
        "open one message after the other, p50, ms": best(opened),
        "mark one as read, p50, ms": best(
            [session.timed(b"UID STORE %d +FLAGS.SILENT (\\Seen)" % uid) for uid in range(1, 21)]
        ),
        "SEARCH SUBJECT, a common word, ms": often(b'UID SEARCH SUBJECT "garden"'),
        "SEARCH TEXT, 0.1 % hit, ms": often(b'UID SEARCH TEXT "quizzical"'),
    }


def told(side: Side) -> Figures:
    """How long until one session in IDLE is told of a delivery."""
    waiting = side.login()
    waiting.sock.sendall(b"I IDLE\r\n")
    data = b""
    while b"+ " not in data:
        data += waiting.sock.recv(4096)
    smtp = socket.create_connection(("127.0.0.1", side.server.smtp_port))
    smtp.recv(4096)
    smtp.sendall(b"EHLO bench.example\r\n")
    smtp.recv(4096)
    late = []
    for n in range(11):
        for line in (b"MAIL FROM:<sender@example.com>", b"RCPT TO:<%s>" % side.server.address.encode(), b"DATA"):
            smtp.sendall(line + b"\r\n")
            assert smtp.recv(4096)[:1] in b"23"
        began = time.perf_counter()
        smtp.sendall(letter(n) + b".\r\n")
        data = b""
        while b"EXISTS" not in data:
            data += waiting.sock.recv(8192)
        late.append(time.perf_counter() - began)
        assert smtp.recv(4096)[:1] == b"2"
    smtp.close()
    waiting.sock.close()
    return {
        "a delivery told to a session in IDLE, first, ms": late[0] * 1e3,
        "– p50 of the next ten, ms": best(late[1:]),
    }
