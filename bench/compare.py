"""moxlite beside mox, Dovecot, postfix and nginx in one run and one table: `python -m bench.compare`, as root.

All servers run at the same time on this machine; each figure is taken on one after the other, then the next figure. On
a busy machine the processor time of an operation counts, not its rate. Where moxlite is behind by a tenth the table
says why. Then come a household's phones and, with `--growth`, how figures grow. Without that it takes some minutes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.growth import processor
from bench.imap import Side, letter
from bench.measures import Figures, send
from bench.phones import household
from bench.pi.compare import reading, told
from bench.servers import Mox, Moxlite, Reference, Server
from tests.realservers import listening, tree
from tests.tools import free_port, need, until

__all__ = ["main"]

REQUESTS: Final = 2000
DELIVERIES: Final[Mapping[int, int]] = {1: 200, 16: 600}
"""Messages by connections."""

NGINX: Final = """
daemon off; worker_processes 1; pid {top}/pid; error_log {top}/errors;
events {{}}
http {{ access_log off; server {{ listen 127.0.0.1:{port}; root {root}; }}
  client_body_temp_path {top}/a; proxy_temp_path {top}/b; fastcgi_temp_path {top}/c; uwsgi_temp_path {top}/d;
  scgi_temp_path {top}/e; }}
"""
STATIC: Final = """
[[web_handlers]]
domain = "localhost"
path_regexp = "^/files/"
dont_redirect_plain_http = true
static = {{ root = "{root}" }}
"""

REASONS: Final[Mapping[str, str]] = {
    "start": "importing Python modules",
    "memory at rest": "Python and its libraries take 33 MB before the first line",
    "memory after": "as at rest; what was freed is kept for the next message",
    "deliveries": "each message is parsed, classified and indexed on arrival; one core runs Python",
    "delivery": "as deliveries",
    "APPEND": "mail is parsed and indexed on arrival",
    "SELECT": "a command's frame in Python",
    "list": "rows through SQLite, formatted in Python",
    "open": "the frame of a command in Python, a third of it a bare NOOP",
    "mark": "each change is a transaction, and is told to all sessions",
    "SEARCH": "a common word: most of the answer is the numbers",
    "a delivery told": "as deliveries",
    "–": "as deliveries",
    "static file": "a request read and answered in Python; a quarter reads it, a fifth is the write",
    "sending": "two commits for each message: taken, and outcome",
}
"""Why moxlite is behind, by the beginning of a figure's name."""


class Nginx:
    """nginx with one worker."""

    name = "nginx"

    def __init__(self, top: Path, root: Path) -> None:
        top.mkdir()
        top.chmod(0o755)
        self.port = free_port()
        (top / "conf").write_text(NGINX.format(top=top, root=root, port=self.port))
        self._process = subprocess.Popen([need("nginx"), "-c", str(top / "conf"), "-p", str(top)])
        until(lambda: listening(self.port), what="nginx listens")

    def pids(self) -> list[int]:
        """The master and its worker."""
        return tree(self._process.pid)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=20)


def timed(server: Server, count: int, work: Callable[[], object]) -> tuple[float, float]:
    """Operations a second, and milliseconds of a processor of each."""
    before, began = processor(server), time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    return count / seconds, (processor(server) - before) / count * 1e3


def started(server: Server) -> Figures:
    """Start it again."""
    server.stop()
    seconds = server.start()
    time.sleep(3)
    return {"start until ready, s": seconds, "memory at rest, MB (PSS)": server.pss()}


def delivered(server: Server) -> Figures:
    """Deliver mail of 10 kB by SMTP until it can be read."""
    figures: Figures = {}
    send(server, 4, 40)
    for connections, most in DELIVERIES.items():
        count = min(most, server.most_a_minute)
        if count < most:
            time.sleep(61)  # its window
        rate, used = timed(server, count, lambda c=connections, n=count: send(server, c, n))  # type: ignore[misc]
        figures[f"deliveries, {connections} connections, /s"] = rate
        figures[f"delivery, {connections} connections, ms of a processor"] = used
    return figures


def read(server: Server, messages: int) -> Figures:
    """Fill a mailbox by APPEND, read it, and be told of a delivery."""
    side = Side(server, messages)
    session = side.login(select=None)
    session.command(b"CREATE Filled", keep=False)

    def fill() -> None:
        for first in range(0, messages, 50):
            session.multiappend(b"Filled", [letter(n) for n in range(first, min(first + 50, messages))])

    rate, used = timed(server, messages, fill)
    side.settle()
    session.command(b"SELECT Filled", keep=False)
    figures = {"APPEND in batches, /s": rate, "APPEND in batches, ms of a processor": used}
    figures |= reading(session, messages)
    session.close()
    return figures | told(side) | {"memory after that, MB (PSS)": server.pss()}


def fetched(server: Server | Nginx, port: int, path: str) -> Figures:
    """Get a file of 10 KiB again and again by one connection."""
    connection = http.client.HTTPConnection("localhost", port, timeout=60)

    def get(times: int) -> None:
        for _ in range(times):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert (answer.status, len(answer.read())) == (200, 10240), answer.status

    get(100)
    _, used = timed(server, REQUESTS, lambda: get(REQUESTS))  # type: ignore[arg-type]
    connection.close()
    return {"static file of 10 KiB, µs of a processor": used * 1e3}


def sent(messages: int) -> Iterator[tuple[str, float, float]]:
    """Figure, moxlite's value and postfix's, of `bench.sending`, in a net of its own."""
    command = [sys.executable, "-m", "bench.sending", "--rounds", "1", "--messages", str(messages)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    for line in done.stdout.splitlines():
        fields = [one.strip() for one in line.split("|")]
        if len(fields) == 6 and ", processor" in fields[1]:
            yield f"sending, {fields[1]}", *(float(one.replace(",", "")) for one in fields[2:4])  # type: ignore[misc]


def measured(top: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """All figures, by their names and then by servers."""
    found: dict[str, dict[str, float]] = {}

    def note(side: str, figures: Figures) -> None:
        for name, value in figures.items():
            found.setdefault(name, {})[side] = value
        print(f"# {side}: {next(iter(figures))} …; load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)

    root = top / "www"
    (root / "files").mkdir(parents=True)
    (root / "files/one.bin").write_bytes(bytes(range(256)) * 40)
    with ExitStack() as stack:
        ours = Moxlite(top / "ours")
        domains = ours.server.folder / "config/domains.toml"
        domains.write_text(domains.read_text() + STATIC.format(root=root))
        sides: dict[str, Server] = {"moxlite": ours}
        if not options.only_ours:
            sides["postfix + Dovecot"] = Reference(top / "reference", location="mdbox:~/mdbox")
        if options.mox:
            sides["mox"] = Mox(top / "mox", options.mox)
        for server in sides.values():
            getattr(server, "top", top).mkdir(exist_ok=True)
            server.start()
            stack.callback(server.stop)
        for work in (started, delivered, lambda server: read(server, options.messages)):
            for name, server in sides.items():
                note(name, work(server))
        note("moxlite", fetched(ours, ours.http_port, "/files/one.bin"))
        if not options.only_ours and shutil.which("nginx"):
            nginx = Nginx(top / "nginx", root)
            stack.callback(nginx.stop)
            note("nginx", fetched(nginx, nginx.port, "/files/one.bin"))
    if not options.only_ours:
        for figure, own, other in sent(options.messages // 10):
            note("moxlite", {figure: own})
            note("postfix", {figure: other})
    note("moxlite", household(top / "household"))
    return found


def table(found: Mapping[str, Mapping[str, float]]) -> None:
    """Print all figures: rates are better when higher, all else when lower."""
    others = list(dict.fromkeys(side for row in found.values() for side in row if side != "moxlite"))
    print(f"\n| Figure | moxlite | {' | '.join(others)} | × the best of them | Why it is behind |")
    print("|---" * (len(others) + 4) + "|")
    for figure, row in found.items():
        own, beside = row["moxlite"], [value for side, value in row.items() if side != "moxlite"]
        ratio, why = "", ""
        if beside and own and min(beside):
            times = own / max(beside) if figure.endswith("/s") else min(beside) / own
            ratio = f"{times:.2f}"
            if times < 0.9:
                why = next((text for name, text in REASONS.items() if figure.startswith(name)), "not known yet")
        cells = [f"{row[side]:,.2f}" if side in row else "" for side in others]
        print(f"| {figure} | {own:,.2f} | {' | '.join(cells)} | {ratio} | {why} |")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="bench.compare", description=__doc__)
    parser.add_argument("--mox", default=shutil.which("mox"), help="its binary; without one it is left out")
    parser.add_argument("--messages", type=int, default=2_000, help="in the mailbox that is read")
    parser.add_argument("--rounds", type=int, default=1, help="the table has the medians")
    parser.add_argument("--only-ours", action="store_true", help="moxlite alone, to be compared with another commit's")
    parser.add_argument("--growth", action="store_true", help="then bench.growth from 1,000 to 100,000 messages")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    rounds: dict[str, dict[str, list[float]]] = {}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="moxlite-compare-", ignore_cleanup_errors=True) as name:
            Path(name).chmod(0o755)
            for figure, row in measured(Path(name), options).items():
                for side, value in row.items():
                    rounds.setdefault(figure, {}).setdefault(side, []).append(value)
    medians = {figure: {side: statistics.median(all_) for side, all_ in row.items()} for figure, row in rounds.items()}
    table(medians)
    if options.json:
        options.json.write_text(json.dumps({"figures": medians, "rounds": rounds}, indent=1) + "\n")
    if options.growth:
        subprocess.run([sys.executable, "-m", "bench.growth", "messages"], check=True)


if __name__ == "__main__":
    main()
