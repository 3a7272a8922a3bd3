"""kill -9 while a program puts events with guests: none that was acknowledged is lost, no guest is asked twice (DAV-23,
DAV-25).

Each event of bob has a guest with an account here, eve, and one elsewhere. A sink stands for the mail hosts of all
domains (`_mailhosts`). Each third event is called off after it was acknowledged. At the end, for each event:
- what was acknowledged is in bob's calendar, or was removed from it;
- eve's calendar has it, called off if bob has;
- the guest elsewhere got one invitation, and one cancellation if it was called off: a second one only where the kill
  came before our server could read the answer of the host.
"""

import base64
import http.client
import random
import re
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns._mailhosts import Hosts, Server, Taken
from tests.campaigns.kill import CUT, insecure
from tests.campaigns.report import Finding, Report
from tests.campaigns.sending_kill import drain
from tests.running import ServedServer
from tests.sendserver import DOMAINS
from tests.tools import free_port

__all__ = ["run"]

EVENTS = 4_000
KILLS = 40
FEWEST = 40, 2
"""Events and kills, however small the share."""

PROGRAMS = 3
LONGEST_REST = 1.0
"""Seconds between the last event of a round and its kill, at most: the messages are being handed over."""

SETTLE_SECONDS = 60.0
"""Without progress, in which messages are still handed over."""

OFF_EACH = 3
"""Each event of whose number this is a divisor is called off."""

STATIC = (
    "dav_https = {{ enabled = true, port = {port} }}\n"
    '[queue]\nretry_delays = ["1s"]\nmax_attempts = 1000\ndelay_dsn_attempt = 1000\n'
)
SUBJECT = re.compile(rb"^Subject: (Invitation|Canceled): Plan (\d+)\r$", re.MULTILINE)
EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//t//EN\r
BEGIN:VEVENT\r
UID:e{n}\r
DTSTAMP:20260101T000000Z\r
DTSTART:20991124T100000Z\r
SUMMARY:Plan {n}\r
ORGANIZER:mailto:bob@example.org\r
ATTENDEE:mailto:eve@example.org\r
ATTENDEE:mailto:g{n}@d{domain}.example\r
END:VEVENT\r
END:VCALENDAR\r
"""


@dataclass
class World(Hosts):
    """The messages that guests elsewhere got, by kind and number of the event."""

    taken: defaultdict[tuple[bytes, int], list[Taken]] = field(default_factory=lambda: defaultdict(list))

    def recipient(self, line: bytes) -> bytes:
        """All guests are there."""
        return b"250 2.1.5 ok"

    def take(self, line: bytes, octets: bytes) -> tuple[bytes, Taken | None]:
        """Each message is taken."""
        found = SUBJECT.search(octets)
        assert found, octets[:2000]
        with self.lock:
            self.taken[found[1], int(found[2])].append(Taken())
            return b"250 2.0.0 taken", self.taken[found[1], int(found[2])][-1]


@dataclass
class Ledger:
    """The numbers of events, and what programs were told of them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: int = 0
    put: set[int] = field(default_factory=set)
    off: set[int] = field(default_factory=set)
    maybe_off: set[int] = field(default_factory=set)


class Program:
    """A program of bob's."""

    def __init__(self, port: int, password: str) -> None:
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=insecure())
        self._login = base64.b64encode(f"bob@example.org:{password}".encode()).decode()

    def ask(self, method: str, number: int, body: str = "") -> int:
        """The status of a request about an event."""
        headers = {"authorization": f"Basic {self._login}", "content-type": "text/calendar"}
        self._connection.request(method, f"/dav/calendars/bob/calendar/{number}.ics", body.encode(), headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def put(server: ServedServer, port: int, ledger: Ledger, wanted: int, stop: threading.Event) -> None:
    """Put events, one after the other, until `wanted` are acknowledged in all."""
    program = Program(port, server.password)
    while not stop.is_set() and len(ledger.put) < wanted:
        with ledger.lock:
            ledger.numbers += 1
            number = ledger.numbers
        status = program.ask("PUT", number, EVENT.format(n=number, domain=number % DOMAINS))
        assert status == 201, status
        with ledger.lock:
            ledger.put.add(number)
        if number % OFF_EACH == 0:
            with ledger.lock:
                ledger.maybe_off.add(number)
            status = program.ask("DELETE", number)
            assert status == 204, status
            with ledger.lock:
                ledger.off.add(number)


def work(server: ServedServer, port: int, ledger: Ledger, wanted: int, rest: float | None) -> None:
    """Put until so many are acknowledged; after `rest` seconds kill the server, without it let it be."""
    stop = threading.Event()
    failures: list[str] = []

    def worker() -> None:
        try:
            put(server, port, ledger, wanted, stop)
        except (*CUT, http.client.HTTPException, AssertionError) as error:
            if not stop.is_set():
                failures.append(repr(error))

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(PROGRAMS)]
    for thread in threads:
        thread.start()
    while len(ledger.put) < wanted and not failures:
        time.sleep(0.01)
    if rest is not None:
        time.sleep(rest)
        stop.set()
        server.kill()
    for thread in threads:
        thread.join(timeout=120)
    if failures:
        raise Finding(f"the server refused events before it was killed: {failures[:3]}\n{server.log()[-2000:]}")


def calendar(server: ServedServer, account: str) -> dict[int, bool]:
    """The numbers of an account's events, and whether they are called off."""
    text = server.cli("calendar", "export", account).stdout
    parts = text.split("BEGIN:VEVENT")[1:]
    found = ((re.search(r"UID:e(\d+)", part), "STATUS:CANCELLED" in part) for part in parts)
    return {int(number[1]): off for number, off in found if number}


def judge(world: World, ledger: Ledger, bob: dict[int, bool], eve: dict[int, bool]) -> int:
    """Compare; how many messages came more than once."""
    if lost := ledger.put - ledger.maybe_off - bob.keys():
        raise Finding(f"acknowledged, and not in the calendar: {sorted(lost)[:10]} ({len(lost)})")
    if back := ledger.off & bob.keys():
        raise Finding(f"removed, and there again: {sorted(back)[:10]}")
    gone = ledger.maybe_off - bob.keys()
    if wrong := [number for number in bob if eve.get(number) is not False]:
        raise Finding(f"not in the calendar of the guest here: {wrong[:10]} ({len(wrong)})")
    if wrong := [number for number in gone if eve.get(number) is not True]:
        raise Finding(f"not called off for the guest here: {wrong[:10]} ({len(wrong)})")
    for kind, numbers in ((b"Invitation", {*bob, *gone}), (b"Canceled", gone)):
        asked = {number for one, number in world.taken if one == kind}
        if asked != numbers:
            raise Finding(f"{kind!r}: not sent, or without an event: {sorted(asked ^ numbers)[:10]}")
    if again := [key for key, times in world.taken.items() if any(one.seen for one in times[:-1])]:
        raise Finding(f"sent again though the answer had been read: {again[:10]} ({len(again)})")
    return sum(len(times) > 1 for times in world.taken.values())


def run(seed: int, share: float, report: Report) -> None:
    """EVENTS and KILLS × share."""
    rng = random.Random(seed)
    events, kills = max(FEWEST[0], round(EVENTS * share)), max(FEWEST[1], round(KILLS * share))
    ledger, world, port = Ledger(), World(), free_port()
    with tempfile.TemporaryDirectory(prefix="moxlite-scheduling-kill-") as folder, Server(world) as hosts:
        threading.Thread(target=hosts.serve_forever, daemon=True).start()
        static = STATIC.format(port=port)
        server = ServedServer(Path(folder) / "server", static=static, module="tests.sendserver")
        server.environment = {"SINK": str(hosts.server_address[1])}
        try:
            with server:
                pass
            for stage in sorted(rng.randrange(1, events) for _ in range(kills)):
                server.start()
                work(server, port, ledger, stage, rng.uniform(0, LONGEST_REST))
            server.start()
            work(server, port, ledger, events, None)
            end, last, twice = 0.0, "", -1
            while twice < 0:
                server.cli("queue", "retry", "--all")
                drain(server)
                try:
                    twice = judge(world, ledger, calendar(server, "bob"), calendar(server, "eve"))
                except Finding as found:
                    if str(found) != last:
                        end, last = time.monotonic() + SETTLE_SECONDS, str(found)
                    if time.monotonic() > end:
                        raise
                    time.sleep(1)
            if (code := server.stop()) != 0:
                raise Finding(f"the server ended with exit code {code}:\n{server.log()[-2000:]}")
        finally:
            if server.process.poll() is None:  # there was a finding
                server.kill()
        hosts.shutdown()
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    report.tell(f"{kills} kills (SIGKILL) under {PROGRAMS} programs that put events with two guests")
    report.tell(f"{len(ledger.put)} events acknowledged, {len(ledger.off)} of them called off; none is lost")
    report.tell(f"{sum(map(len, world.taken.values()))} mails taken over {world.connections} connections")
    report.tell(f"{twice} of them came again: each time the kill came between the host's answer and our next word")
    report.tell("`store check --deep`: clean")
