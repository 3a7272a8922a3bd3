"""The owner of a script, and a stranger who writes to it, against all other accounts (IMAP-142c, SMTP-160).

First one mail for a script that repeats its subject of 65,000 emoji 7,000 times: the process must hardly grow. Then 60
mails of 191 kB for a script of 900 tests with i;unicode-casemap, ten at a time: meanwhile another account gets mail,
logs in, and is answered. All mail is kept, and the owner is told of each error once.
"""

import imaplib
import json
import smtplib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.campaigns.report import Finding, Report
from tests.running import LocalServer
from tests.tools import slowness

__all__ = ["run"]

MAILS = 60
FEWEST = 6
AT_ONCE = 10
"""Connections that deliver to the script."""

GROWTH = 24 << 20
"""Octets by which the process may grow: the bound of one run, the message, and what the allocator keeps."""

LATE = {"NOOP": 1.0, "delivery": 3.0, "log-in": 3.0}
"""Seconds after which another account must be served, on a quiet machine."""

ACCOUNT = """
[accounts.eve]
domain = "localhost"
[accounts.eve.destinations."eve@localhost"]
"""
EMOJI = "\U0001f600"
REPEATED = (
    'require ["variables"];\nif header :matches "subject" "*" { if string :is ['
    + ", ".join(['"${1}"'] * 7000)
    + '] "y" { discard; } }\n'
)
FOLDED = (
    'require ["index", "comparator-i;unicode-casemap"];\n'
    + 'if header :index 1 :comparator "i;unicode-casemap" "subject" "y" {}\n' * 900
)


def mail(to: str, number: int, subject: str = "hello") -> bytes:
    """A message with a subject in UTF-8, folded at 240 characters."""
    lines = "\r\n ".join(subject[at : at + 240] for at in range(0, len(subject), 240))
    head = f"From: <ann@remote.example>\r\nTo: <{to}>\r\nMessage-ID: <{number}@remote.example>\r\nSubject: {lines}\r\n"
    return f"{head}\r\ntext\r\n".encode()


def deliver(server: LocalServer, to: str, octets: bytes) -> None:
    """Deliver one message by a connection of its own."""
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=300) as client:
        client.ehlo("client.example")
        client.sendmail("ann@remote.example", [to], octets, ["SMTPUTF8", "BODY=8BITMIME"])


def log_in(server: LocalServer) -> imaplib.IMAP4:
    """Log in as the other account."""
    client = imaplib.IMAP4("127.0.0.1", server.port(143), timeout=300)
    client.login(server.user, server.password)
    return client


def put(server: LocalServer, text: str) -> None:
    """Make a script of eve the active one."""
    server.cli("account", "sieve", "put", "eve", "main", "-", "--activate", stdin=text)


def failures(server: LocalServer) -> list[str]:
    """The texts of what eve is told, the newest first."""
    listed = json.loads(server.cli("account", "sieve", "list", "eve", "--json").stdout)
    return [one["text"] for one in listed["failures"]]


def memory(server: LocalServer, field: str) -> int:
    """A field of the process's status, in octets."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(f"{field}:"))


def grow(server: LocalServer, report: Report) -> None:
    """One mail for the script that repeats its subject."""
    bomb = mail("eve@localhost", 1, EMOJI * 65_000)
    deliver(server, "eve@localhost", bomb)  # without a script
    put(server, REPEATED)
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak begins anew
    before = memory(server, "VmRSS")
    began = time.perf_counter()
    deliver(server, "eve@localhost", bomb.replace(b"<1@", b"<2@"))
    took, grown = time.perf_counter() - began, memory(server, "VmHWM") - before
    report.tell(f"one mail, its subject repeated 7,000 times: {took:.2f} s, {grown >> 20} MiB at the peak")
    if grown > GROWTH:
        raise Finding(f"a script made the process grow by {grown >> 20} MiB")
    if not any("too much" in text for text in failures(server)):
        raise Finding(f"eve was told {failures(server)}")


@contextmanager
def measured(calls: Mapping[str, Callable[[], object]]) -> Iterator[dict[str, list[float]]]:
    """Make calls again and again while the block lasts; their seconds."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    over = threading.Event()

    def repeat(name: str) -> None:
        while not over.is_set():
            began = time.perf_counter()
            calls[name]()
            took[name].append(time.perf_counter() - began)
            over.wait(0.05)

    with ThreadPoolExecutor() as pool:
        repeated = [pool.submit(repeat, name) for name in calls]
        try:
            yield took
        finally:
            over.set()
        for one in repeated:
            one.result()


def flood(server: LocalServer, share: float, report: Report) -> None:
    """Mail for the script that folds its subject, and what another account notices."""
    put(server, FOLDED)
    count = max(FEWEST, round(MAILS * share))
    bombs = [mail("eve@localhost", 100 + at, EMOJI * 47_500) for at in range(count)]
    session = log_in(server)
    numbers = iter(range(10_000, 1 << 30))
    calls: dict[str, Callable[[], object]] = {
        "NOOP": session.noop,
        "delivery": lambda: deliver(server, server.user, mail(server.user, next(numbers))),
        "log-in": lambda: log_in(server).logout(),
    }
    with measured(calls) as quiet:
        time.sleep(2)
    began = time.perf_counter()
    with measured(calls) as took, ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda octets: deliver(server, "eve@localhost", octets), bombs))
    report.tell(f"{count} mails of {len(bombs[0]) >> 10} KiB, {AT_ONCE} at a time: {time.perf_counter() - began:.1f} s")
    report.table(["another account", "quiet, median", "meanwhile, median", "most"])
    for name, seconds in took.items():
        usual, median = sorted(quiet[name])[len(quiet[name]) // 2], sorted(seconds)[len(seconds) // 2]
        report.row(name, f"{usual * 1000:.0f} ms", f"{median * 1000:.0f} ms", f"{max(seconds) * 1000:.0f} ms")
        if max(seconds) > LATE[name] * slowness():
            raise Finding(f"{name} of another account took {max(seconds):.1f} s: {report.rows}")
    told = failures(server)
    if len(told) != 2 or not all("too complex" in text or "too much" in text for text in told):
        raise Finding(f"eve was told {told}")
    with imaplib.IMAP4("127.0.0.1", server.port(143), timeout=300) as client:
        client.login("eve@localhost", server.password)
        kept = int((client.select("INBOX")[1][0] or b"0").decode())
    if kept != count + 2:
        raise Finding(f"{kept} of {count + 2} mails were kept")


def run(seed: int, share: float, report: Report) -> None:
    """Both attacks on one server."""
    del seed
    with tempfile.TemporaryDirectory(prefix="moxlite-scripts-") as folder:
        server = LocalServer(Path(folder) / "server")
        with (server.folder / "config/domains.toml").open("a") as file:
            file.write(ACCOUNT)
        with server:
            server.cli("account", "set-password", "eve", stdin=f"{server.password}\n")
            grow(server, report)
            flood(server, share, report)
