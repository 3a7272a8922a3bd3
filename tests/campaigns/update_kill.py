"""kill -9 at any step of `self update`, under load: nothing acknowledged is lost, whichever version serves in the end.

The steps that systemd runs (`self finish`) as a process, with files in a folder and the commands of systemctl for one
unit (`_oneunit`). The next version is the present program; in every third round one that never becomes ready. Senders
deliver all the time and note what was acknowledged. The process is killed at random moments and started again until it
has ended. Then the server serves, as the new version or, where that one never was ready, as the former one with its
unit; the Inbox has each acknowledged message once.
"""

import contextlib
import os
import random
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from moxlite import __version__
from moxlite.admin import installation
from moxlite.admin.installation import Notes
from tests.campaigns import kill
from tests.campaigns.damaged_packs import Journal
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.tools import top

__all__ = ["run"]

ROUNDS = 60
KILLS: Final = 5
"""Of the process in one round, at most."""

STEPS: Final = ("copy", "switch", "start", "back")
"""In their order; the last one is of a version that never becomes ready."""

LONGEST: Final = 1.0
"""Seconds from the beginning of a step to its death, in which a step has its files at hand, or waits for the server."""

END: Final = 180.0

FORMER, NEVER = "0.0.9", "9.9.9"
CUT = (OSError, smtplib.SMTPException)

PROGRAM: Final = """\
#!/bin/sh
case "$*" in
"self units") cp {folder}/unit.{name} {folder}/.unit && mv {folder}/.unit {folder}/unit; exit;;
*" serve "*) {serves};;
esac
exec {python} -m moxlite "$@"
"""


class Update:
    """A server in a unit, and updates of it."""

    def __init__(self, folder: Path, server: ServedServer) -> None:
        self.folder, self.server = folder, server
        (folder / "bin").mkdir()
        systemctl = folder / "bin/systemctl"
        systemctl.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.campaigns._oneunit {folder} "$@"\n')
        systemctl.chmod(0o755)
        (folder / "command").write_text("\n".join([str(folder / "program"), *server.command(), "--after", "none"]))
        for name in ("former", "next"):
            (folder / f"unit.{name}").write_text(name)
        self.environment = os.environ | {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(top()),
            "UPDATE": str(folder),
        }

    def systemctl(self, *words: str) -> None:
        """Raises CalledProcessError."""
        subprocess.run([self.folder / "bin/systemctl", *words], env=self.environment, check=True)

    def write(self, file: str, name: str, serves: str) -> None:
        """A program."""
        text = PROGRAM.format(folder=self.folder, name=name, serves=serves, python=sys.executable)
        (self.folder / file).write_text(text)
        (self.folder / file).chmod(0o755)

    def begin(self, *, fails: bool = False) -> None:
        """What `self update` leaves to the process."""
        self.write("program", "former", ":")
        self.write("new", "next", "exit 3" if fails else ":")
        (self.folder / "unit").write_text("former")
        notes = Notes("copy", NEVER if fails else __version__, FORMER, str(self.server.folder / "data"))
        (self.folder / "notes").write_bytes(msgspec.json.encode(notes))

    @property
    def notes(self) -> Notes:
        """How far it is."""
        return msgspec.json.decode((self.folder / "notes").read_bytes(), type=Notes)

    def finish(self) -> "subprocess.Popen[bytes]":
        """Start the process."""
        log = (self.folder / "finish.log").open("ab")
        return subprocess.Popen([sys.executable, "-m", __name__], env=self.environment, stdout=log, stderr=log)


def finish(folder: Path) -> None:
    """`self finish` with its files in a folder."""
    for name in ("PROGRAM", "PREVIOUS", "NEW", "NOTES", "UNPACKED"):
        setattr(installation, name, folder / name.lower())
    installation.UNITS = (folder / "unit",)  # type: ignore[misc]  # constants of the module
    installation.SYSTEMD = folder  # type: ignore[misc]
    installation.STEADY = 0.3  # type: ignore[misc]
    installation.UNPACKED.mkdir(exist_ok=True)
    installation.finish()


def deliver(journal: Journal, stop: threading.Event) -> None:
    """Deliver until told to stop."""
    while not stop.wait(0.05):
        with contextlib.suppress(*CUT):
            journal.fill(1)


def compare(server: ServedServer, expected: set[str]) -> None:
    """Raise Finding unless eve's Inbox has what it should, once."""
    with kill.session(server) as inbox:
        inbox.select(readonly=True)
        answer = inbox.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    found = Counter(item[1].decode().split()[1] for item in answer if isinstance(item, tuple))
    if lost := expected - found.keys():
        raise Finding(f"{len(lost)} of {len(expected)} acknowledged messages are lost")
    if doubled := [name for name in expected if found[name] > 1]:
        raise Finding(f"{len(doubled)} messages are there twice")


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share updates."""
    rng = random.Random(seed)
    rounds = max(3, round(ROUNDS * share))
    ends, states = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="moxlite-update-kill-") as temporary:
        folder = Path(temporary)
        server = ServedServer(folder / "server")
        update = Update(folder, server)
        update.begin()
        update.systemctl("start", "moxlite")
        try:
            server.cli("account", "set-password", "eve", stdin=server.password + "\n")
            journal = Journal(server, rng)
            for number in range(rounds):
                update.begin(fails=number % 3 == 2)
                stop = threading.Event()
                sender = threading.Thread(target=deliver, args=(journal, stop))
                sender.start()
                try:
                    for step in sorted(rng.choices(range(len(STEPS)), k=KILLS)):
                        process = update.finish()
                        while update.notes.state in STEPS[:step] and process.poll() is None:
                            time.sleep(0.01)
                        with contextlib.suppress(subprocess.TimeoutExpired):
                            process.wait(rng.uniform(0, LONGEST))
                            break
                        states[update.notes.state] += 1
                        process.kill()
                        process.wait()
                    deadline = time.monotonic() + END
                    while update.finish().wait(END) and time.monotonic() < deadline:
                        pass  # as systemd does, which starts it again
                finally:
                    stop.set()
                    sender.join()
                state, wanted = update.notes.state, "gone-back" if number % 3 == 2 else "done"
                if state != wanted:
                    text = (folder / "finish.log").read_text()[-2000:]
                    raise Finding(f"{state}, not {wanted}: {update.notes.text}\n{text}")
                if (unit := (folder / "unit").read_text()) != ("next" if state == "done" else "former"):
                    raise Finding(f"{state}, and the unit is that of {unit}")
                compare(server, journal.acknowledged["eve"])
                ends[state] += 1
                installation._remove(update.notes.copy if state == "done" else update.notes.newer)
        finally:
            update.systemctl("stop", "moxlite")
    counts = ", ".join(f"{count} {state}" for state, count in sorted(ends.items()))
    at = ", ".join(f"{count} in {state}" for state, count in sorted(states.items()))
    report.tell(f"{rounds} updates under load, killed {states.total()} times ({at}): {counts}")
    count = sum(map(len, journal.acknowledged.values()))
    report.tell(f"{count} messages acknowledged meanwhile, none lost or doubled")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    finish(Path(os.environ["UPDATE"]))
