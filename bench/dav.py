"""CalDAV beside Radicale (DAV-1..19): ``python -m bench.dav [EVENTS]``, figures on standard output: times, and of each
operation the milliseconds of a processor that the server's processes used, which a busy machine changes less.

A `localserve` of its own, and Radicale in an environment of its own (`build/bench-radicale`, made on first use), each
with the same events by one connection kept, one after the other on the same machine in the same run. Radicale is spoken
to over plain HTTP, moxlite over TLS.
"""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.receiving import processor
from tests.campaigns.kill import insecure
from tests.realservers import tree
from tests.running import LocalServer
from tests.tools import free_port, top, until

__all__ = ["main"]

EVENTS: Final = 10_000
RADICALE: Final = "radicale==3.9.0"
TIMES: Final = 30
"""Repetitions of a request whose median is told."""

SPACES: Final = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
SYNC: Final = (
    f"<D:sync-collection {SPACES}><D:sync-token>{{}}</D:sync-token><D:sync-level>1</D:sync-level>"
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
WEEK: Final = (
    f"<C:calendar-query {SPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter>"
    '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260201T000000Z"'
    ' end="20260208T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
)
TOKEN: Final = re.compile(rb"sync-token>([^<]+)</")
CONFIG: Final = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = none
[storage]
filesystem_folder = {folder}
"""


class Client:
    """One connection to a calendar."""

    def __init__(self, connection: http.client.HTTPConnection, user: str, password: str, path: str) -> None:
        self._connection = connection
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.path = path

    def ask(self, method: str, name: str = "", body: str = "", expected: Sequence[int] = (201, 207)) -> bytes:
        """The answer; raises RuntimeError for another status."""
        headers = {"Authorization": self._login, "Depth": "1", "Content-Type": "application/xml"}
        if method == "PUT":
            headers["Content-Type"] = "text/calendar"
        self._connection.request(method, self.path + name, body.encode(), headers)
        answer = self._connection.getresponse()
        octets = answer.read()
        if answer.status not in expected:
            raise RuntimeError(f"{method}: {answer.status} {octets[:300]!r}")
        return octets


def event(number: int) -> str:
    """An event of half an hour, an hour after the one before."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=number)
    end = start + dt.timedelta(minutes=30)
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN", "BEGIN:VEVENT", f"UID:b{number}",
        "DTSTAMP:20260101T000000Z", f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}",
        f"SUMMARY:Event {number}", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    return "\r\n".join(lines)


def measured(client: Client, events: int, pid: int) -> dict[str, float]:
    """The figures of one server, whose first process has this id."""
    figures: dict[str, float] = {}

    def median(what: str, action: Callable[[], object]) -> None:
        found, used = [], processor(tree(pid))
        for _ in range(TIMES):
            began = time.perf_counter()
            action()
            found.append(1000 * (time.perf_counter() - began))
        figures[f"{what}, p50, ms"] = statistics.median(found)
        figures[f"{what}, processor, ms"] = 1000 * (processor(tree(pid)) - used) / TIMES

    client.ask("MKCALENDAR")
    began, used = time.perf_counter(), processor(tree(pid))
    for number in range(events):
        client.ask("PUT", f"b{number}.ics", event(number))
    figures["PUT, one connection, per second"] = events / (time.perf_counter() - began)
    figures["PUT, processor, ms"] = 1000 * (processor(tree(pid)) - used) / events
    token = ""
    began, used = time.perf_counter(), processor(tree(pid))
    while True:
        answer = client.ask("REPORT", "", SYNC.format(token))
        found = TOKEN.search(answer)
        assert found is not None
        token = found[1].decode()
        if b" 507 " not in answer:
            break
    figures["first sync, s"] = time.perf_counter() - began
    figures["first sync, processor, s"] = processor(tree(pid)) - used
    median("unchanged sync", lambda: client.ask("REPORT", "", SYNC.format(token)))
    median("time range of a week", lambda: client.ask("REPORT", "", WEEK))
    return figures


@contextmanager
def radicale(folder: Path) -> Iterator[tuple[int, int]]:
    """Radicale, by its port and the id of its process."""
    place, port = top() / "build/bench-radicale", free_port()
    if not (place / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([place / "bin/python", "-m", "pip", "install", "--quiet", RADICALE], check=True)
        (place / "done").touch()
    config = folder / "radicale.conf"
    config.write_text(CONFIG.format(port=port, folder=folder / "radicale"))
    process = subprocess.Popen([place / "bin/python", "-m", "radicale", "--config", config], stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(port), what="Radicale answers")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Measure both, and print."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        with LocalServer(Path(folder) / "server") as server:
            connection = http.client.HTTPSConnection("127.0.0.1", server.port(443), timeout=120, context=insecure())
            path = "/dav/calendars/moxlite/bench/"
            own = measured(Client(connection, server.user, server.password, path), events, server.process.pid)
        with radicale(Path(folder)) as (port, pid):
            plain = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            other = measured(Client(plain, "bench", "", "/bench/bench/"), events, pid)
    print(f"{events} events{'':>26} moxlite   Radicale")
    for name, value in own.items():
        print(f"{name:<34} {value:>10.1f} {other[name]:>10.1f}")


if __name__ == "__main__":
    main()
