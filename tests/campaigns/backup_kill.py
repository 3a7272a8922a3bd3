"""kill -9 in the middle of backups and restores: no half is taken for a whole, and doing it again succeeds.

In turn, at a random moment: the server is killed while it makes a full backup, and while it adds a snapshot to a
repository; `moxlite backup prune` and `moxlite restore` are killed. After each
- what a full backup left is either whole (no INCOMPLETE, `verifydata` is content) or marked;
- every snapshot that the repository lists is whole (`backup verify --deep`);
- a restore that was cut short keeps the server from starting, until another one has finished; then `verifydata --deep`
  finds nothing, and all messages that were acknowledged before the backup are there.
At the end, pruning leaves a sound repository.
"""

import random
import shutil
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import apsw

from tests.campaigns.report import Finding, Report
from tests.running import ServedServer

__all__ = ["run"]

ROUNDS = 60
MESSAGES = 300


def fill(server: ServedServer, rng: random.Random, count: int) -> None:
    """Messages to eve; each is acknowledged when this returns."""
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=10) as client:
        for _ in range(count):
            text = rng.randbytes(rng.choice((100, 3000, 40_000))).hex()
            client.sendmail("", ["eve@example.org"], f"Subject: kill\r\n\r\n{text}\r\n")


def start_cli(server: ServedServer, *args: str) -> subprocess.Popen[bytes]:
    """A verb in the background."""
    environment = server._environment() | {"MOXLITE_CONF": str(server.folder / "config/moxlite.toml")}
    command = [sys.executable, "-m", "moxlite", *args]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def verified(server: ServedServer, folder: Path) -> None:
    """`verifydata --deep` must be content."""
    done = server.cli("verifydata", "--deep", str(folder), check=False)
    if done.returncode != 0:
        raise Finding(f"{folder.name}: {done.stdout}{done.stderr}")


def messages(data: Path) -> int:
    """How many messages eve has in a directory that no server uses."""
    db = apsw.Connection(str(data / "accounts/eve/account.db"), flags=apsw.SQLITE_OPEN_READONLY)
    row = db.execute("SELECT count(*) FROM message").fetchone()
    db.close()
    assert row is not None
    return int(row[0])


def killed_server(
    server: ServedServer, rng: random.Random, *args: str, begun: Callable[[], bool], seconds: float
) -> None:
    """Ask the running server for a backup, with mail coming in, and kill it at most `seconds` after that has begun."""
    stop = threading.Event()

    def send() -> None:
        try:
            while not stop.is_set():
                fill(server, random.Random(1), 1)
        except (OSError, smtplib.SMTPException):
            return

    sender = threading.Thread(target=send)
    sender.start()
    client = start_cli(server, "backup", *args)
    deadline = time.monotonic() + 10
    while not begun() and client.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(rng.uniform(0, seconds))
    server.kill()
    stop.set()
    sender.join()
    client.wait(timeout=60)


def unfinished_packs(repo: Path) -> list[Path]:
    """Packs that are being written, or were when the server was killed."""
    return list((repo / "packs").glob(".*.tmp"))


def writes_pack(repo: Path, left: set[Path]) -> bool:
    """Whether a pack is being written that isn't in `left`."""
    return any(path not in left for path in unfinished_packs(repo))


def killed_prune(server: ServedServer, rng: random.Random, repo: Path) -> bool:
    """Kill `backup prune` soon after it has removed a snapshot; whether it was still at work."""
    before = len(list((repo / "snapshots").iterdir()))
    client = start_cli(server, "backup", "prune", "--repo", str(repo), "--keep-daily", "1", "--keep-weekly", "1")
    deadline = time.monotonic() + 10
    while client.poll() is None and time.monotonic() < deadline:
        if len(list((repo / "snapshots").iterdir())) < before:
            time.sleep(rng.uniform(0, 0.03))
            client.kill()
        time.sleep(0.001)
    return client.wait(timeout=60) != 0


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share rounds of three kills."""
    rng = random.Random(seed)
    rounds = max(1, round(ROUNDS * share))
    whole = marked = unfinished = unpruned = 0
    with tempfile.TemporaryDirectory(prefix="moxlite-backup-kill-") as temporary:
        folder = Path(temporary)
        server = ServedServer(folder / "server")
        with server:
            fill(server, rng, MESSAGES)
            server.cli("backup", str(folder / "first"))
        repo = folder / "repo"
        data = server.folder / "data"
        for number in range(rounds):
            target = folder / f"full{number}"
            server.start()
            killed_server(server, rng, str(target), begun=target.exists, seconds=0.08)
            if target.exists() and any(target.iterdir()) and not (target / "INCOMPLETE").exists():
                verified(server, target)
                whole += 1
            else:
                marked += 1
                if target.exists() and server.cli("restore", str(target), check=False).returncode == 0:
                    raise Finding("a backup that was cut short was restored")
            shutil.rmtree(target, ignore_errors=True)

            server.start()
            begun = partial(writes_pack, repo, set(unfinished_packs(repo)))
            killed_server(server, rng, "--repo", str(repo), begun=begun, seconds=0.2)
            if (repo / "repository.json").exists():
                done = server.cli("backup", "verify", "--deep", "--repo", str(repo), check=False)
                if done.returncode != 0:
                    raise Finding(f"the repository: {done.stdout}{done.stderr}")
                if number % 3 == 2:
                    unpruned += killed_prune(server, rng, repo)
                    done = server.cli("backup", "verify", "--deep", "--repo", str(repo), check=False)
                    if done.returncode != 0:
                        raise Finding(f"the repository after a killed prune: {done.stdout}{done.stderr}")
            elif repo.exists():
                shutil.rmtree(repo)  # killed while it was being made: nothing is in it yet

            moved = folder / "moved"
            shutil.move(data, moved)
            data.mkdir()
            client = start_cli(server, "restore", str(folder / "first"))
            time.sleep(rng.uniform(0.1, 0.6))
            client.kill()
            client.wait(timeout=60)
            if (data / "RESTORING").exists() or not (data / "accounts").exists():
                unfinished += 1
                if (data / "RESTORING").exists() and server.cli("serve", "--no-drop", check=False).returncode != 1:
                    raise Finding("the server starts in the middle of a restore")
                done = server.cli("restore", str(folder / "first"), check=False)
                if done.returncode != 0:
                    raise Finding(f"restoring again: {done.stderr}")
            verified(server, data)
            if messages(data) < MESSAGES:
                raise Finding(f"{messages(data)} of {MESSAGES} messages are there after a restore")
            shutil.rmtree(data)
            shutil.move(moved, data)
        server.cli("backup", "--repo", str(repo))
        server.cli("backup", "prune", "--repo", str(repo), "--keep-daily", "1", "--keep-weekly", "1")
        done = server.cli("backup", "verify", "--deep", "--repo", str(repo), check=False)
        if done.returncode != 0:
            raise Finding(f"the repository after pruning: {done.stdout}{done.stderr}")
        verified(server, data)
    report.tell(f"{rounds} kills in a full backup: {marked} marked as incomplete, {whole} whole and sound")
    report.tell(f"{rounds} kills while a snapshot was added: each snapshot that is listed is sound, also after pruning")
    report.tell(f"{rounds // 3} kills of `moxlite backup prune`, {unpruned} in the middle of it: what is left is sound")
    report.tell(f"{rounds} kills of `moxlite restore`: {unfinished} unfinished, all finished by a second one and sound")
