"""Silent connections from many networks: more than a server has descriptors (ADMIN-39b).

A session that has logged in and a message that is coming were there before; then silent connections are opened at all
ports, in two waves. Meanwhile a client from a fresh network must be greeted at each port within 2 s, the command line
must get its answers, and what was there before must go on.
"""

import socket
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.campaigns._addresses import Line, connect, log_lines, raise_own_limit, served
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer

__all__ = ["run"]

SILENT: Final = 1400
FEWEST: Final = 700
DESCRIPTORS: Final = 1024
FEW_DESCRIPTORS: Final = 512
NETWORKS: Final = 24
IN_TIME: Final = 2.0
IN_TIME_BESIDE_TESTS: Final = 60.0
"""Seconds until a fresh address is greeted: of a quiet machine, and of one where other tests use all cores. There the
log shows that room was made, and not found because others had left.
"""

MOST_LINES: Final = 20
"""Of the log, about refusals and closings: one a minute of each kind."""

GREETINGS: Final = {"smtp": "220", "submission": "220", "submissions": "220", "imap": "* OK", "imaps": "* OK"}


def attack(server: ServedServer, count: int) -> list[socket.socket]:
    """So many connections, over all networks and ports; none says anything."""
    ports = [server.ports[service] for service in GREETINGS]
    return [connect(ports[number % len(ports)], f"127.{1 + number % NETWORKS}.0.1") for number in range(count)]


def greeted(server: ServedServer, network: int, in_time: float) -> float:
    """The longest time in which a client from a fresh network is greeted at a port."""
    slowest = 0.0
    for number, (service, greeting) in enumerate(GREETINGS.items()):
        began = time.monotonic()
        client = Line(server, service, f"127.{network + number}.0.1", in_time)
        line = client.line()
        if not line.startswith(greeting):
            raise Finding(f"{service} greets a fresh address with {line!r}")
        slowest = max(slowest, time.monotonic() - began)
        client.close()
    if slowest > in_time:
        raise Finding(f"a fresh address waited {slowest:.1f} s")
    return slowest


def campaign(server: ServedServer, silent: int, in_time: float, report: Report) -> None:
    """The whole play."""
    owner = Line(server, "imaps", "127.200.0.1")
    owner.line()
    if not owner.imap(f"LOGIN bob@example.org {server.password}").startswith("t OK"):
        raise Finding("the owner cannot log in")
    sender = Line(server, "smtp", "127.201.0.1")
    sender.reply()
    for command, expected in (("EHLO a.example", "250"), ("MAIL FROM:<>", "250")):
        sender.smtp(command, expected)
    sender.smtp("RCPT TO:<bob@example.org>", "250")
    sender.smtp("DATA", "354")
    sender.socket.sendall(b"Subject: x\r\n\r\n")
    held: list[socket.socket] = []
    slowest, answered = 0.0, 0.0
    try:
        for wave in range(2):
            held += attack(server, silent // 2)
            slowest = max(slowest, greeted(server, 210 + 10 * wave, in_time))
            began = time.monotonic()
            server.cli("imap", "sessions", "--json")
            answered = max(answered, time.monotonic() - began)
            if not owner.imap("NOOP").startswith("t OK"):
                raise Finding("a session that has logged in was closed")
        sender.smtp("text\r\n.", "250")
    finally:
        for one in held:
            one.close()
    if server.process.poll() is not None:
        raise Finding(f"the server ended: {server.log()[-2000:]}")
    if not log_lines(server, "to make room"):
        raise Finding("no silent connection was closed to make room")
    lines = (
        log_lines(server, "connections refused") + log_lines(server, "to make room") + log_lines(server, "no resources")
    )
    if lines > MOST_LINES:
        raise Finding(f"{lines} lines of the log about refusals")
    report.tell(f"{silent} silent connections from {NETWORKS} networks at 5 ports; {server.descriptors} descriptors")
    report.tell(
        f"fresh addresses were greeted at each port within {slowest:.2f} s, a verb was answered in {answered:.1f} s"
    )
    report.tell(f"a session and a message that were there before went on; {lines} lines of the log")


def run(seed: int, share: float, report: Report) -> None:
    """SILENT × share connections, with fewer descriptors for a small share; nothing is random."""
    raise_own_limit()
    full = share >= 1
    with tempfile.TemporaryDirectory(prefix="moxlite-descriptors-") as folder:
        descriptors = DESCRIPTORS if full else FEW_DESCRIPTORS
        with served(Path(folder) / "server", descriptors=descriptors) as server:
            in_time = IN_TIME if full else IN_TIME_BESIDE_TESTS
            campaign(server, max(FEWEST, round(SILENT * share)), in_time, report)
