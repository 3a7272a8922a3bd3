"""Damaged packs of a repository: what was acknowledged before a backup comes back from it, or the damage is told.

A journal has each message that the server has acknowledged. In turn, packs are damaged: removed, cut short, emptied,
20 octets changed; between two snapshots, so that the second one has deltas of blocks in damaged packs. After each
- `backup verify --deep` tells the damage;
- `backup restore --out` writes what can be read, ends with 1, and names accounts that lack something; all others are
  sound and have all that the journal says;
- half of the times `backup verify --deep --fix` follows;
- the next snapshot can be restored whole if what was missing or unreadable was found, by its index or by `--fix`: its
  accounts have all that the journal says. Else the damage is told by `verify --deep`, and `--fix` and one more snapshot
  make it good.
"""

import random
import shutil
import smtplib
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw

from tests.campaigns.report import Finding, Report
from tests.running import ServedServer

__all__ = ["run"]

ROUNDS = 100
ACCOUNTS = ("bob", "eve")


def changed(path: Path, rng: random.Random) -> None:
    """Change 20 octets of a pack somewhere before its index."""
    octets = bytearray(path.read_bytes())
    at = rng.randrange(8, max(9, len(octets) * 2 // 3))
    octets[at : at + 20] = rng.randbytes(20)
    path.write_bytes(octets)


def cut(path: Path, rng: random.Random) -> None:
    """Cut a pack short."""
    path.write_bytes(path.read_bytes()[: rng.randrange(1, path.stat().st_size)])


def emptied(path: Path, _: random.Random) -> None:
    """Leave a pack without octets."""
    path.write_bytes(b"")


DAMAGES: tuple[Callable[[Path, random.Random], None], ...] = (
    lambda path, rng: path.unlink(),
    cut,
    emptied,
    changed,
)


class Journal:
    """What the server has acknowledged: numbers of messages by account."""

    def __init__(self, server: ServedServer, rng: random.Random) -> None:
        self.server = server
        self.rng = rng
        self.acknowledged: dict[str, set[str]] = {name: set() for name in ACCOUNTS}

    def fill(self, count: int) -> None:
        """Messages to each account."""
        with smtplib.SMTP("127.0.0.1", self.server.ports["smtp"], timeout=10) as client:
            for name in ACCOUNTS:
                for _ in range(count):
                    number = self.rng.randbytes(8).hex()
                    text = self.rng.randbytes(self.rng.choice((100, 3000, 40_000))).hex()
                    client.sendmail(
                        "",
                        [f"{name}@example.org"],
                        f"Subject: {number}\r\nMessage-ID: <{number}@x.example>\r\n\r\n{text}\r\n",
                    )
                    self.acknowledged[name].add(number)

    def present(self, name: str) -> set[str]:
        """What an account must have."""
        return self.acknowledged[name]

    def check(self, backup: Path, *, but: str) -> None:
        """Raise Finding unless a written snapshot has all messages of the accounts that `but` does not name."""
        for name in self.acknowledged:
            expected = self.present(name)
            if f"account {name} " in but:
                continue
            db = apsw.Connection(str(backup / f"data/accounts/{name}/account.db"), flags=apsw.SQLITE_OPEN_READONLY)
            found = {str(row[0]).strip("<>").partition("@")[0] for row in db.execute("SELECT messageid FROM message")}
            db.close()
            if lost := expected - found:
                raise Finding(f"{name}: {len(lost)} of {len(expected)} acknowledged messages are not in the backup")


def restored(server: ServedServer, repo: Path, out: Path, journal: Journal) -> str:
    """Write the newest snapshot and compare it with the journal; the words about what it lacks, "" for nothing."""
    shutil.rmtree(out, ignore_errors=True)
    done = server.cli("backup", "restore", "--repo", str(repo), "--out", str(out), "--unsigned", check=False)
    said = done.stdout + done.stderr
    if done.returncode not in (0, 1) or (done.returncode == 1) != (out / "INCOMPLETE").exists():
        raise Finding(f"restore --out ended with {done.returncode}: {said}")
    lacks = said if done.returncode else ""
    if not lacks and server.cli("verifydata", "--deep", str(out), check=False).returncode:
        raise Finding("a snapshot that lacks nothing is damaged")
    journal.check(out, but=lacks)
    return lacks


def play(server: ServedServer, rng: random.Random, *, rounds: int, repo: Path, report: Report) -> None:
    """Rounds of one damage each. repo: of backups, with a folder for what is restored beside it."""
    told = healed = fixed = 0
    out = repo.with_name("out")
    with server:
        journal = Journal(server, rng)
        journal.fill(20)
        server.cli("backup", "--repo", str(repo))
        for number in range(rounds):
            before = sorted((repo / "packs").glob("*.pack"))
            journal.fill(2)
            server.cli("backup", "--repo", str(repo))  # deltas of blocks in the older packs
            DAMAGES[number % len(DAMAGES)](rng.choice(before), rng)
            verified = server.cli("backup", "verify", "--deep", "--repo", str(repo), check=False)
            lacks = restored(server, repo, out, journal)
            if lacks and not verified.returncode:
                raise Finding(f"verify --deep finds nothing, and the newest snapshot lacks: {lacks}")
            told += bool(verified.returncode)
            if number % 2:
                server.cli("backup", "verify", "--deep", "--fix", "--repo", str(repo), check=False)
                fixed += 1
            journal.fill(1)
            server.cli("backup", "--repo", str(repo))
            if restored(server, repo, out, journal):
                # Only octets that nothing has read yet can be damaged without being known.
                if number % 2 or DAMAGES[number % len(DAMAGES)] is not changed:
                    raise Finding("a snapshot after the damage was found lacks something")
                server.cli("backup", "verify", "--deep", "--fix", "--repo", str(repo), check=False)
                server.cli("backup", "--repo", str(repo))
                if lacks := restored(server, repo, out, journal):
                    raise Finding(f"a snapshot after verify --fix lacks: {lacks}")
            healed += 1
    count = sum(map(len, journal.acknowledged.values()))
    report.tell(f"{rounds} packs damaged (missing, cut, empty, 20 octets changed): {told} told by verify --deep")
    report.tell(f"{healed} snapshots after it have all of {count} acknowledged messages, {fixed} after verify --fix")


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share rounds."""
    rounds = max(len(DAMAGES), round(ROUNDS * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-damaged-packs-") as temporary:
        folder = Path(temporary)
        server = ServedServer(folder / "server", password="stones-in-a-pack")
        play(server, random.Random(seed), rounds=rounds, repo=folder / "repo", report=report)
