"""Two machines of a stand-by as processes: both started at once, a queue that both have, and a take-over that is killed
(STORE-186).
"""

import contextlib
import os
import random
import shutil
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyrage
import pytest

from moxlite.admin.standby.layout import TAKING_OVER
from moxlite.admin.standby.litestream import _followers
from moxlite.process.errors import REPLACED
from tests.campaigns import kill, standby
from tests.campaigns._mailhosts import Hosts, Server, Taken
from tests.campaigns.kill import insecure
from tests.campaigns.sending_kill import RECIPIENT, drain
from tests.campaigns.standby import power_off
from tests.objectstorage import Bucket, serving
from tests.running import ServedServer
from tests.sendserver import DOMAINS
from tests.tools import until, write_own

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

FAST = "tests.campaigns._fastlease"
CUT = (OSError, smtplib.SMTPException)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """The key of the second machine."""
    file = tmp_path / "standby-key.txt"
    file.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    return file


def public(identity: Path) -> str:
    return str(pyrage.x25519.Identity.from_str(identity.read_text().strip()).to_public())


# Both at once


@pytest.fixture
def twins(tmp_path: Path, identity: Path) -> Iterator[tuple[list[ServedServer], Bucket]]:
    """A first machine with a lease, stopped, and a copy of its disk that has ports of its own."""
    with serving() as bucket:
        keys = bucket.keys_file(tmp_path / "keys")
        static = (
            f'[standby]\ntarget = "s3://bucket/twins"\nstorage_keys_file = "{keys}"\nlease = true\nmode = "sync"\n'
            f'target_away = "refuse"\nencrypt_to = ["{public(identity)}"]\n'
        )
        machines = [ServedServer(tmp_path / f"machine-{number}", static=static, module=FAST) for number in range(2)]
        with machines[0]:
            pass
        shutil.copytree(
            machines[0].folder / "data", machines[1].folder / "data", ignore=shutil.ignore_patterns("ctl*", "*.sock")
        )
        yield machines, bucket


def acknowledged(machine: ServedServer, stop: threading.Event, times: list[float]) -> None:
    """Send until told to stop; note when the machine acknowledges."""
    while not stop.wait(0.1):
        with contextlib.suppress(*CUT), smtplib.SMTP("127.0.0.1", machine.ports["smtp"], timeout=5) as client:
            client.sendmail("", ["eve@example.org"], b"Subject: x\r\n\r\nText.\r\n")
            times.append(time.monotonic())


@pytest.mark.landing("no lease yet")
@pytest.mark.parametrize("rounds", [["none"], ["none", "held", "over", "none"]], ids=["no lease yet", "each state"])
def test_of_two_that_are_started_at_once_one_acknowledges(
    twins: tuple[list[ServedServer], Bucket], rounds: list[str]
) -> None:
    """STORE-186g: a machine and a copy of its disk, started by hand in the same moment, with no lease in the storage,
    with one that another process just held, and with one that is over: the same machine acknowledges all the time.
    """
    machines, bucket = twins
    for number, lease in enumerate(rounds):
        if lease == "none":
            bucket.objects.pop("twins/lease.json", None)
        elif lease == "over":
            time.sleep(13)
        stop = threading.Event()
        times: list[list[float]] = [[], []]
        processes = []
        logs = [machine.folder / f"log-{number}" for machine in machines]
        for machine, log in zip(machines, logs, strict=True):
            with log.open("wb") as output:
                command = [sys.executable, "-m", FAST, *machine.command()]
                processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output))
        threads = [
            threading.Thread(target=acknowledged, args=(machine, stop, times[one]), daemon=True)
            for one, machine in enumerate(machines)
        ]
        for thread in threads:
            thread.start()
        try:
            until(lambda: any(times), what="a message is taken", seconds=90)  # noqa: B023 - called in this round
            time.sleep(3 if len(rounds) == 1 else 20)  # longer than a lease lasts
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=60)
            for process in processes:
                power_off(process)
        first, second = map(len, times)
        assert not (first and second), f"both acknowledged with the lease {lease}: {first} and {second} messages"


# A queue that both have


@dataclass
class Sink(Hosts):
    """All hosts outside: the Message-IDs that they took, by the number of the message. At the `victim` they answer only
    when the sender is dead.
    """

    victim: int = 0
    taken: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    reached: threading.Event = field(default_factory=threading.Event)
    dead: threading.Event = field(default_factory=threading.Event)

    def recipient(self, line: bytes) -> bytes:
        """Each recipient is known."""
        return b"250 2.1.5 ok"

    def take(self, line: bytes, octets: bytes) -> tuple[bytes, Taken | None]:
        """Each message is taken."""
        found = RECIPIENT.match(line)
        assert found is not None
        number = int(found[2])
        with self.lock:
            self.taken[number].append(str(message_from_bytes(octets)["Message-ID"]))
        if number == self.victim and not self.dead.is_set():
            self.reached.set()
            self.dead.wait(60)
        return b"250 2.0.0 taken", None


def submit(server: ServedServer, numbers: range, done: set[int]) -> None:
    """Messages of bob to hosts outside, one after the other, until the server dies."""
    with (
        contextlib.suppress(*CUT),
        smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], timeout=60, context=insecure()) as client,
    ):
        client.login("bob@example.org", server.password)
        for number in numbers:
            to = f"m{number}@d{number % DOMAINS}.example"
            text = f"From: bob@example.org\r\nTo: {to}\r\nMessage-ID: <m{number}@own.example>\r\n\r\nText.\r\n"
            client.sendmail("bob@example.org", [to], text)
            done.add(number)


@pytest.mark.nightly
@pytest.mark.parametrize("messages", [25, 600])
def test_a_message_that_both_queues_have_comes_once_or_twice(tmp_path: Path, identity: Path, messages: int) -> None:
    """STORE-186e, STORE-186f: the first machine dies while hosts outside take its mail: each acknowledged message
    comes at least once and at most twice, with one Message-ID; the first machine sends nothing when it is started
    again after the take-over.
    """
    hosts = Sink(victim=messages // 2)
    retry = '[queue]\nretry_delays = ["1s"]\nmax_attempts = 1000\ndelay_dsn_attempt = 1000\n'
    static = (
        f'{retry}[standby]\ntarget = "{tmp_path / "target"}"\nmode = "sync"\ntarget_away = "refuse"\n'
        f'encrypt_to = ["{public(identity)}"]\n'
    )
    done: set[int] = set()
    with Server(hosts) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        first = ServedServer(tmp_path / "first", static=static, module="tests.sendserver")
        first.environment = {"SINK": str(sink.server_address[1])}
        first.__enter__()
        positions = tmp_path / "target/epoch-0001/positions.json"
        until(lambda: positions.exists() and b'"missing":0' in positions.read_bytes(), what="a complete copy")
        senders = [
            threading.Thread(target=submit, args=(first, range(start, messages, 4), done), daemon=True)
            for start in range(4)
        ]
        for sender in senders:
            sender.start()
        assert hosts.reached.wait(120), first.log()
        power_off(first.process)
        hosts.dead.set()
        for sender in senders:
            sender.join(timeout=60)
        before = {number: len(found) for number, found in hosts.taken.items()}

        second = object.__new__(ServedServer)
        second.__dict__.update(first.__dict__)
        second.folder = tmp_path / "second"
        place = ("--config-dir", str(second.folder / "config"), "--data-dir", str(second.folder / "data"))
        write_own(second.folder / "config")
        words = ("standby", "takeover", str(tmp_path / "target"), "--into", str(tmp_path / "copy"), *place)
        taken_over = second.cli(*words, "--identity", str(identity), "--yes-the-other-is-down", check=False)
        assert taken_over.returncode == 0, taken_over.stderr
        second.start()
        try:
            drain(second)
        finally:
            assert second.stop() == 0
        came = {number: list(found) for number, found in hosts.taken.items()}

        first.start()
        try:
            time.sleep(5)
        finally:
            first.stop()
        sink.shutdown()
    assert done - came.keys() == set(), "acknowledged, and never came"
    assert hosts.victim in before
    assert max(map(len, came.values())) <= 2
    assert len(came[hosts.victim]) == 2, "it was in both queues"
    for number, found in came.items():
        assert set(found) == {f"<m{number}@own.example>"}
    assert hosts.taken == came, "the machine that was replaced sends nothing"


# A handover to a server that is loaded before it may serve

SYSTEMCTL: Final = """\
#!{python}
import subprocess, sys
from pathlib import Path

assert sys.argv[1:] == ["start", "--no-block", "moxlite.service"], sys.argv
for mounted in ("config", "data"):
    assert Path("{folder}").with_name(mounted).is_dir()
pid = Path("{folder}/pid")
if not (pid.exists() and Path("/proc", pid.read_text()).exists()):
    with open("{log}", "ab") as log:
        server = subprocess.Popen({command}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    pid.write_text(str(server.pid))
"""
"""Starts the unit of the server, as systemd does: an order for one that starts, or has started, changes nothing."""


class Units(standby.Pair):
    """The second machine's command in its unit, which lets systemd start the server in another one."""

    def start_follower(self, *options: str, environment: Mapping[str, str] | None = None) -> None:
        """With the folder that systemd makes for the unit."""
        self.unit = self._place / "unit"
        self.unit.mkdir(exist_ok=True)
        command = [*standby.PROGRAM, "--config", str(self._place / "config/moxlite.toml"), "serve", "--no-drop"]
        command += ["--after", str(self.unit / TAKING_OVER.name)]
        text = SYSTEMCTL.format(
            python=sys.executable, folder=self.unit, log=self._place.with_suffix(".log"), command=command
        )
        program = self.unit / "systemctl"
        program.write_text(text)
        program.chmod(0o755)
        path = f"{self.unit}:{os.environ['PATH']}"
        environment = {"RUNTIME_DIRECTORY": str(self.unit), "PATH": path}
        super().start_follower("--unit", "moxlite.service", environment=environment)

    def close(self) -> None:
        """End the server, too."""
        super().close()
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.unit / "pid").read_text()), signal.SIGTERM)


@pytest.mark.landing
def test_the_server_is_loaded_before_the_lease_moves(capsys: pytest.CaptureFixture[str]) -> None:
    """STORE-186q: a handover that was announced lets systemd start the server, which loads, and begins once all is in
    place; clients wait for little more than the last changes. What was acknowledged is there.
    """
    acknowledged: list[float] = []
    stop = threading.Event()
    with standby.machines("async", Units) as pair:
        assert isinstance(pair, Units)
        pair.wait_until_current()

        def send() -> None:
            content = b"From: bob@example.org\r\nTo: eve@example.org\r\n\r\nText.\r\n"
            while not stop.is_set():
                with contextlib.suppress(*CUT), kill.submitting(pair.server) as client:
                    while not stop.wait(0.05):
                        client.sendmail("bob@example.org", ["eve@example.org"], content)
                        acknowledged.append(time.monotonic())
                time.sleep(0.05)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            until(lambda: len(acknowledged) > 5, what="mail is taken", seconds=60)
            until(lambda: standby.hand_over(pair), what="the lease is handed over", seconds=TAKE_OVER, pause=1)
            until(lambda: "ready to serve" in pair.log(), what="the second machine serves", seconds=TAKE_OVER)
            count = len(acknowledged)
            until(lambda: len(acknowledged) > count + 5, what="mail is taken again", seconds=60)
        finally:
            stop.set()
            sender.join()
        log = pair.log()
        assert log.index("loaded; waiting") < log.index("data and configuration are in their places")
        assert not (pair.unit / TAKING_OVER.name).exists()
        assert pair.follower.wait(timeout=60) == 0
        with kill.session(pair.server) as client:
            assert int(client.select("INBOX")[1][0] or 0) >= len(acknowledged)
    gap = max(later - earlier for earlier, later in pairwise(acknowledged))
    with capsys.disabled():
        print(f"\nbetween two acknowledgements: {gap:.1f} s")


def test_a_loaded_server_ends_where_the_other_machine_goes_on(tmp_path: Path) -> None:
    """STORE-186q: a handover that was announced and called off, or a follower that was stopped: with the code after
    which systemd starts nothing.
    """
    sign = tmp_path / "taking-over"
    sign.touch()
    command = [
        sys.executable,
        "-m",
        "moxlite",
        "--config",
        str(tmp_path / "moxlite.toml"),
        "serve",
        "--after",
        str(sign),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert "loaded" in server.stderr.readline()
        sign.unlink()
        assert "the other machine is still serving" in server.stderr.read()
    assert server.returncode == REPLACED


# A take-over that is killed

STAGES: Final = (
    "taking over",
    "fetching final changes",
    "all changes received",
    "data and configuration are in their places",
    "taken over in",
    "lease acquired",
    "ready to serve",
)
"""Words of the log of a take-over, in their order."""

TAKE_OVER: Final = 180.0
"""Seconds for a stage, and for the whole, beside other tests."""


@pytest.mark.nightly(
    smoke="tests/session/test_admin_lease.py::test_a_take_over_that_lost_its_lease_changes_nothing",
)
@pytest.mark.parametrize("seed", range(4))
def test_a_take_over_that_is_killed_again_and_again_goes_on(seed: int) -> None:
    """STORE-186b, STORE-186h: after kill -9 at any moment of a take-over, of the command alone or of all that it has
    started, the same command goes on; all that was acknowledged is there once, under the same UIDVALIDITYs.
    """
    rng, ledger = random.Random(seed), standby.Ledger()
    with standby.machines("sync") as pair:
        pair.wait_until_current()
        before = standby.validities(pair)

        def end() -> None:
            standby.wait_for_moment(pair, ledger, rng)
            pair.power_off()

        standby.load(pair, ledger, rng, end)
        for stage in sorted(rng.choices(range(len(STAGES)), k=8)):
            seen = len(pair.log())

            def reached(stage: int = stage, seen: int = seen) -> bool:
                return any(words in pair.log()[seen:] for words in STAGES[stage:])

            standby.until(reached, TAKE_OVER, pair)
            time.sleep(rng.uniform(0, 0.4))
            if rng.random() < 0.5:
                power_off(pair.follower)
            else:  # what it has started stays
                pair.follower.kill()
                pair.follower.wait()
            last = len(pair.log())
            pair.start_follower()
        standby.until(lambda: "ready to serve" in pair.log()[last:], TAKE_OVER, pair)
        pair.wait_for_take_over(time.monotonic())
        kill.verify(pair.server, ledger, drained=False)
        standby.verify_clicks(pair, ledger)
        assert standby.validities(pair) == before
        assert pair.server.cli("store", "check", "--deep", check=False).returncode == 0
        assert not _followers(pair.folder), "no process of a killed follower is left"
