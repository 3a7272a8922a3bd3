"""Messages that are not finished, from one address: they fill the share of its network, and nothing beyond (SMTP-43a).

The server may use a part of the disk only (`store.min_free_space`). One address sends the beginnings of messages on
sixteen connections; a client from elsewhere must be able to deliver meanwhile, and the octets on the disk stay within
the bounds.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from tests.campaigns._addresses import Line, raise_own_limit, served
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer

__all__ = ["run"]

MIB: Final = 1 << 20
ROOM: Final = 1024 * MIB
LEAST_ROOM: Final = 256 * MIB
SENDERS: Final = 16
SLACK: Final = 16 * MIB
"""What is free changes between a look of the server's and one of the campaign's: others write to the same disk."""

CHUNK: Final = (b"x" * 1022 + b"\r\n") * 256


def on_disk(server: ServedServer) -> int:
    """Octets of files without a name in the server's data/tmp."""
    total = 0
    for entry in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            if "/data/tmp/" in (target := os.readlink(entry)) and target.endswith("(deleted)"):
                total += entry.stat().st_size
        except FileNotFoundError:
            pass
    return total


def begin(server: ServedServer, source: str) -> Line:
    """A client that is about to send a message."""
    client = Line(server, "smtp", source)
    client.reply()
    for command in ("EHLO a.example", "MAIL FROM:<>", "RCPT TO:<bob@example.org>"):
        client.smtp(command, "250")
    client.smtp("DATA", "354")
    client.socket.sendall(b"Subject: x\r\n\r\n")
    return client


def campaign(server: ServedServer, reserve: int, room: int, report: Report) -> None:
    """The whole play: `room` octets are free beyond `reserve`, more where others remove files of theirs meanwhile."""
    attackers = [begin(server, "127.1.0.1") for _ in range(SENDERS)]
    each = room // SENDERS  # together all that is free
    most, roomiest = 0, room
    for _ in range(0, each, len(CHUNK)):
        for one in attackers:
            one.socket.sendall(CHUNK)
        most = max(most, taken := on_disk(server))
        roomiest = max(roomiest, shutil.disk_usage(server.folder).free - reserve + taken)
    honest = begin(server, "127.77.0.1")
    for _ in range(0, 8 * MIB, len(CHUNK)):
        honest.socket.sendall(CHUNK)
    honest.smtp(".", "250")
    allowed = roomiest // 4 + SLACK  # half of the half that all spools have
    if most > allowed:
        raise Finding(f"one address has {most} octets on the disk, {allowed} are its share")
    refused = 0
    for one in attackers:
        try:
            one.socket.sendall(b".\r\n")
            refused += one.reply().startswith("452 4.3.1")
        except (TimeoutError, ConnectionError):
            refused += 1
        one.close()
    if not refused:
        raise Finding("no message of the attacker was refused")
    late = begin(server, "127.1.0.1")
    late.smtp("text\r\n.", "250")
    report.tell(f"{SENDERS} unfinished messages from one address, {room // MIB} MiB together, as much as was free")
    report.tell(f"they had {most // MIB} MiB of the disk at most, {refused} of them were refused")
    report.tell("a message of 8 MiB from elsewhere was taken meanwhile, and one from that address after")


def run(seed: int, share: float, report: Report) -> None:
    """ROOM × share octets; nothing is random."""
    raise_own_limit()
    room = max(LEAST_ROOM, round(ROOM * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-spool-") as folder:
        reserve = shutil.disk_usage(folder).free - room
        top = f"store.min_free_space = {reserve}\n"
        with served(Path(folder) / "server", top=top) as server:
            campaign(server, reserve, room, report)
