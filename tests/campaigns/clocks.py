"""A clock that is wrong for a while: nothing acknowledged is lost, nothing removed is gone for good, and the newest
snapshot is the one made last.

A journal has each message that the server has acknowledged, each that its owner has removed, and each that waits for
a host elsewhere. In turn the clock is wrong for half a minute: a year ahead or a day back, from a start on, as on a
machine without a battery, or set while the server runs, and right again in the same way; set to 1970 while it runs; at
1970 the server does not start, and says why. Mail comes, is removed and saved by a snapshot all the time. After each
- the Inbox has what the journal says, each message once;
- the newest snapshot, restored, has all that was acknowledged before it was made;
- all that waiting in the queue still waits.
In the end `account undelete` brings back everything that was removed.
"""

import contextlib
import imaplib
import random
import smtplib
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

from tests.campaigns import kill
from tests.campaigns.damaged_packs import Journal, restored
from tests.campaigns.report import Finding, Report
from tests.fakeclock import FakeClock
from tests.running import ServedServer

__all__ = ["run"]

ROUNDS = 60
WRONG = 30.0
"""Seconds for which the clock is wrong, in full counts."""

YEAR, DAY = 365 * 86_400, 86_400
KINDS = ("started a year ahead", "started a day back", "set a year ahead", "set a day back", "set to 1970")
WAITING = 3
STATIC = '[queue]\nmax_attempts = 1000\n[dns]\nservers = ["127.0.0.253"]\n'
"""A resolver that is away: what goes out waits."""


class Clock(Protocol):
    """The clock of a server."""

    def move(self, seconds: float) -> None:
        """Set it forward."""


class Mail(Journal):
    """With what its owner has removed."""

    def __init__(self, server: ServedServer, rng: random.Random) -> None:
        super().__init__(server, rng)
        self.removed: set[str] = set()

    def remove(self) -> None:
        """Remove one of eve's messages."""
        with self._inbox() as inbox:
            number = self.rng.randrange(int(inbox.select()[1][0] or 0)) + 1
            (name,) = self._names(inbox, str(number))
            inbox.store(str(number), "+FLAGS", "\\Deleted")
            inbox.expunge()
        self.removed.add(name)

    def present(self, name: str) -> set[str]:
        """Without what eve has removed."""
        return self.acknowledged[name] - (self.removed if name == "eve" else set())

    def compare(self) -> None:
        """Raise Finding unless eve's Inbox has what it should, once."""
        with self._inbox() as inbox:
            inbox.select(readonly=True)
            found = Counter(self._names(inbox, "1:*"))
        expected = self.present("eve")
        if lost := expected - found.keys():
            raise Finding(f"{len(lost)} of {len(expected)} acknowledged messages are not in the Inbox")
        if doubled := [name for name, count in found.items() if count > 1 or name in self.removed]:
            raise Finding(f"{len(doubled)} messages are there twice, or though they were removed")

    def _inbox(self) -> imaplib.IMAP4_SSL:
        return kill.session(self.server)

    @staticmethod
    def _names(inbox: imaplib.IMAP4_SSL, numbers: str) -> list[str]:
        answer = inbox.fetch(numbers, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        return [item[1].decode().split()[1] for item in answer if isinstance(item, tuple)]


def queue(server: ServedServer) -> None:
    """Messages for a host that does not answer."""
    with kill.submitting(server) as client:
        for number in range(WAITING):
            text = f"From: bob@example.org\r\nTo: x@elsewhere.example\r\nSubject: waits {number}\r\n\r\nText.\r\n"
            client.sendmail("bob@example.org", ["x@elsewhere.example"], text)


def wrong(server: ServedServer, clock: Clock, mail: Mail, kind: str, seconds: float, repo: Path) -> None:
    """Mail while the clock is wrong, from a start on or set."""
    by = {"year": YEAR, "day": -DAY}.get(kind.split()[2], -round(time.time()))
    starts = kind.startswith("started")
    for moved in (by, -by):
        if starts:
            server.stop()
        clock.move(moved)
        if starts:
            server.start()
        if moved == by:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                with contextlib.suppress(smtplib.SMTPException):  # refused is told, and not acknowledged
                    mail.fill(1)
                time.sleep(min(1.0, seconds / 3))
            mail.remove()
            server.cli("backup", "--repo", str(repo))


def unset(server: ServedServer, clock: Clock) -> None:
    """A start in 1970 is refused."""
    server.stop()
    clock.move(-round(time.time()))
    done = server.cli("serve", "--no-drop", check=False)
    if not done.returncode or "this machine's clock is wrong" not in done.stderr:
        raise Finding(f"a start in 1970 ended with {done.returncode}: {done.stderr[-500:]}")
    clock.move(round(time.time()))
    server.start()


def play(
    server: ServedServer, clock: Clock, rng: random.Random, *, rounds: int, seconds: float, repo: Path, report: Report
) -> None:
    """Rounds of one kind each. repo: of backups, with a folder for what is restored beside it."""
    with server:
        mail = Mail(server, rng)
        queue(server)
        mail.fill(10)
        server.cli("backup", "--repo", str(repo))
        for number in range(rounds):
            wrong(server, clock, mail, KINDS[number % len(KINDS)], seconds, repo)
            mail.compare()
            if waiting := WAITING - server.cli("queue", "list").stdout.count("x@elsewhere.example"):
                raise Finding(f"{waiting} messages of the queue wait no more")
            mail.fill(1)
            server.cli("backup", "--repo", str(repo))
            if lacks := restored(server, repo, repo.with_name("out"), mail):
                raise Finding(f"the newest snapshot lacks something: {lacks}")
        unset(server, clock)
        if (done := server.cli("--yes", "account", "undelete", "eve", check=False)).returncode:
            raise Finding(f"undelete: {done.stdout}{done.stderr}")
        removed, mail.removed = len(mail.removed), set()
        mail.compare()
    count = sum(map(len, mail.acknowledged.values()))
    report.tell(f"the clock was wrong {rounds} times ({', '.join(KINDS)}) for {seconds:.0f} s each")
    report.tell(f"{count} messages acknowledged, all there once; {removed} removed ones came back; none left the queue")


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share rounds."""
    rounds = max(len(KINDS), round(ROUNDS * share))
    seconds = max(2.0, WRONG * min(1.0, share * 4))
    with tempfile.TemporaryDirectory(prefix="moxlite-clocks-") as temporary:
        folder = Path(temporary)
        clock = FakeClock(folder / "clock")
        server = ServedServer(folder / "server", static=STATIC, environment=clock.environment())
        play(server, clock, random.Random(seed), rounds=rounds, seconds=seconds, repo=folder / "repo", report=report)
