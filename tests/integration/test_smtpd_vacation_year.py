"""A year with two holidays, played by the clock of the server: the table of who got an answer is in docs/sieve.md."""

import smtplib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.campaigns._mailhosts import Hosts, Server, Taken
from tests.campaigns.sending_kill import drain
from tests.fakeclock import FakeClock
from tests.running import ServedServer
from tests.tools import top, until

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/session/test_smtpd_sieve.py::test_vacation_answers_once"),
]

OWNER = "bob@example.org"
HOLIDAYS = (range(40, 61), range(300, 310))
"""Days of the year, from 0: three weeks, and ten days."""

DAYS = 365
WEEK = 7


@dataclass(frozen=True)
class Writer:
    """A sender of mail to the owner.

    Attributes:
      name: in the table. on: whether a message comes on a day. fields: of its header, instead of the usual ones.
      answered: whether the owner's answer is for such mail at all.
      null: by the null path. reacts: it writes only on the day after each answer that it gets.
    """

    name: str
    address: str
    on: Callable[[int], bool]
    fields: str = ""
    to: str = OWNER
    answered: bool = False
    null: bool = False
    reacts: bool = False


WRITERS = (
    Writer("A colleague, every workday", "ann@d1.example", lambda day: day % 7 < 5, answered=True),
    Writer("A customer, once per vacation", "cora@d2.example", lambda day: day in {45, 303}, answered=True),
    Writer("A friend, the day before and after a vacation", "fay@d3.example", lambda day: day in {39, 61, 299, 310}),
    Writer(
        "A mailing list, daily",
        "boats-bounces@d4.example",
        lambda day: True,
        fields="List-Id: <boats.d4.example>\r\nPrecedence: list\r\n",
    ),
    Writer(
        "A newsletter, weekly",
        "news@d5.example",
        lambda day: day % 7 == 2,
        fields="List-Unsubscribe: <https://d5.example/u>\r\n",
    ),
    Writer("A shop with a no-reply address, weekly", "noreply@d6.example", lambda day: day % 7 == 4),
    Writer("A sender that fails SPF and DKIM, weekly", "eve@unproven.example", lambda day: day % 7 == 6),
    Writer("A colleague who adds you in Bcc, weekly", "ben@d7.example", lambda day: day % 7 == 1, to="all@d7.example"),
    Writer("Bounces, weekly", "mailer-daemon@d8.example", lambda day: day % 7 == 3, null=True),
    Writer(
        "A colleague also on vacation, with an app that follows the standard",
        "gus@d9.example",
        lambda day: day in {42, 302},
        answered=True,
    ),
    Writer(
        "and that app's replies",
        "gus@d9.example",
        lambda day: False,
        fields="Auto-Submitted: auto-replied\r\n",
        null=True,
        reacts=True,
    ),
    Writer("An old ticket system, once", "help@d10.example", lambda day: day in {41, 301}, answered=True),
    Writer("and its unmarked replies to every message", "help@d10.example", lambda day: False, reacts=True),
)


@dataclass
class World(Hosts):
    """The answers that came, by recipient; each is read."""

    answers: Counter[str] = field(default_factory=Counter)
    texts: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def has(self, count: int) -> bool:
        """Whether so many answers came."""
        with self.lock:
            return self.answers.total() >= count

    def recipient(self, line: bytes) -> bytes:
        """Each address is there."""
        return b"250 2.1.5 ok"

    def take(self, line: bytes, octets: bytes) -> tuple[bytes, Taken | None]:
        """Each answer is taken."""
        address = line.partition(b"<")[2].partition(b">")[0].decode().lower()
        with self.lock:
            self.answers[address] += 1
            self.texts[address].append(octets)
        return b"250 2.0.0 taken", Taken()


def expected(day: int, writer: Writer, last: dict[str, int]) -> bool:
    """The model: one answer to an address in seven days of a holiday. `last`: day of the last answer."""
    if not writer.answered and not (writer.reacts and not writer.null):
        return False
    if not any(day in holiday for holiday in HOLIDAYS) or day - last.get(writer.address, -WEEK) < WEEK:
        return False
    last[writer.address] = day
    return True


def set_form(server: ServedServer, text: Path, begun: datetime, holiday: range) -> None:
    """Let answers be sent from an hour before the first day's mail until an hour before that of the first day after."""
    start, end = (begun + timedelta(days=day, hours=-1) for day in (holiday.start, holiday.stop))
    times = ("--from", f"{start:%Y-%m-%dT%H:%M}", "--until", f"{end:%Y-%m-%dT%H:%M}")
    server.cli("account", "vacation", "set", *times, "bob", str(text))


def played(server: ServedServer, clock: FakeClock, world: World, text: Path) -> tuple[Counter[str], Counter[str]]:
    """Play the year; the numbers of messages in the holidays, and of answers, by the names of the table."""
    begun = datetime.now(UTC)
    wrote: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    last: dict[str, int] = {}
    reactions: list[Writer] = []
    for day in range(DAYS):
        for holiday in HOLIDAYS:
            if day == holiday.start - 10:
                set_form(server, text, begun, holiday)
        todays = [writer for writer in WRITERS if writer.on(day)] + reactions
        reactions = []
        wanted = world.answers.total()
        with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=60) as client:
            for writer in todays:
                octets = (
                    f"From: {writer.address}\r\nTo: {writer.to}\r\nSubject: day {day}\r\n"
                    f"Message-ID: <{day}.{writer.address}>\r\n{writer.fields}\r\nhello\r\n"
                )
                client.sendmail("" if writer.null else writer.address, [OWNER], octets)
                wrote[writer.name] += any(day in holiday for holiday in HOLIDAYS)
                if expected(day, writer, last):
                    wanted += 1
                    answers[writer.name] += 1
                    reactions += [one for one in WRITERS if one.reacts and one.address == writer.address]
        until(partial(world.has, wanted), what=f"{wanted} answers on day {day}")
        clock.move(86_400)
    return wrote, answers


@pytest.mark.slow
def test_a_year_with_two_holidays(tmp_path: Path) -> None:
    """SMTP-161, WEBMAIL-131: the answers are those that the model expects, as the table in docs/sieve.md has them, with
    the fields of RFC 3834; nothing else is sent in the whole year.
    """
    world = World()
    with Server(world) as hosts:
        threading.Thread(target=hosts.serve_forever, daemon=True).start()
        server = ServedServer(tmp_path / "server", module="tests.sendserver")
        clock = FakeClock(tmp_path / "clock")
        server.environment = {"SINK": str(hosts.server_address[1])} | clock.environment()
        text = tmp_path / "text"
        text.write_text("Back soon.\n")
        with server:
            wrote, answers = played(server, clock, world, text)
            drain(server)
        hosts.shutdown()
    assert world.answers.total() == answers.total(), "more answers than the model expects"
    for address, texts in world.texts.items():
        for octets in texts:
            header = octets.partition(b"\r\n\r\n")[0].decode()
            assert "Auto-Submitted: auto-replied" in header, header
            assert f"To: <{address}>" in header
            assert "In-Reply-To: <" in header
            assert "Subject: Auto: day " in header
    table = "".join(f"| {writer.name} | {wrote[writer.name]} | {answers[writer.name]} |\n" for writer in WRITERS)
    assert table in (top() / "docs/sieve.md").read_text(), table
