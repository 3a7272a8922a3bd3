"""Kills, full disks, wrong clocks, damaged packs and interrupted upgrades on booted Debian 12 and 13: the server is
that of the package, in its unit, with all that systemd restricts (ADMIN-40, 43).

The campaigns `kill`, `fulldisk`, `clocks` and `damaged_packs` are played in the net of the machine, their commands are
typed in it. Interrupted upgrades have their own play: dpkg replaces the package by another version of it, while mail
comes; it is killed, or the machine loses its power, at a random moment of each state that dpkg knows. Then the owner
types what dpkg asks for, and the upgrade again. Each has a journal of what was acknowledged.

The clock of the machine is moved for all programs that ask the C library (`CLOCK`): the kernel has one clock for this
machine and its own, so no campaign sets that.

Only a share of a tenth and more runs: it fetches Debian and takes minutes. MOXLITE_PROGRAM may name the folder of
`script/package binary`, MOXLITE_ROOTS one with root file systems `booted12` and `booted13`, in place of new ones.
"""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.campaigns import clocks, damaged_packs, fulldisk, kill
from tests.campaigns.damaged_packs import Journal
from tests.campaigns.report import Finding, Report
from tests.campaigns.update_kill import compare, deliver
from tests.containers import ENVIRONMENT, INCLUDE, SUITES, Machine, booted
from tests.packagerig import build_frozen, build_package
from tests.running import ServedServer
from tests.tools import need, until

__all__ = ["run"]

KILLS, DISKS, CLOCKS, PACKS, UPGRADES = 60, 4, 20, 40, 40
"""Rounds of each kind, on each Debian."""

LEAST: Final = 0.1
WRONG: Final = 10.0
"""Seconds for which the clock is wrong."""

DATA: Final = "/var/lib/moxlite"
REPO: Final = "var/backups/moxlite/repo"
"""Where the unit may write, below the root."""

VERSIONS: Final = ("1.0~soak1", "1.0~soak2")

STATES: Final = ("installed", "half-installed", "unpacked", "half-configured")
"""Of a package while dpkg replaces it (dpkg(1)), in their order."""

LONGEST: Final = 2.0
"""Seconds from the beginning of a state to the death of dpkg."""

PATIENCE: Final = 120.0

CLOCK: Final = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static const volatile long *ahead;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    int file = open("/usr/lib/moxlite-clock", O_RDONLY | O_CLOEXEC);
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED)
        ahead = map;
    real = dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (!real)
        begin();
    int code = real(clock, out);
    if (!code && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        out->tv_sec += *ahead;
    return code;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
"""
"""A library that ld.so loads before others (ld.so(8)): the moments of the real clock, so many seconds ahead."""


class MachineClock:
    """The clock of a booted machine."""

    def __init__(self, root: Path) -> None:
        self._file = root / "usr/lib/moxlite-clock"
        self.ahead = 0
        self._file.write_bytes(bytes(8))
        library = root / "usr/lib/moxlite-clock.so"
        command = [need("gcc"), "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(library), "-ldl"]
        subprocess.run(command, input=CLOCK.encode(), check=True)
        (root / "etc/ld.so.preload").write_text("/usr/lib/moxlite-clock.so\n")

    def move(self, seconds: float) -> None:
        """Set it forward."""
        self.ahead += round(seconds)
        with self._file.open("r+b", buffering=0) as file:
            file.write(self.ahead.to_bytes(8, sys.byteorder, signed=True))


@dataclass
class UnitServer(ServedServer):
    """The server of the package in a machine, as campaigns know servers. Their paths are below `folder`, its root."""

    machine: Machine | None = None

    def __post_init__(self) -> None:
        """Write configuration, certificate and key in place of others, and forget all mail."""
        self.run("systemctl stop moxlite")
        shutil.rmtree(self.config_folder, ignore_errors=True)
        super().__post_init__()
        static = self.config_folder / "moxlite.toml"
        text = static.read_text().replace('user = "0"', 'user = "moxlite"')
        static.write_text(text.replace('data_dir = "../data"', f'data_dir = "{DATA}"'))
        self.run(f"find {DATA} -mindepth 1 -delete; chown moxlite:moxlite {DATA}")
        self.run("chown -R root:moxlite /etc/moxlite; chmod -R g+rX /etc/moxlite")

    @property
    def config_folder(self) -> Path:
        """That of the package."""
        return self.folder / "etc/moxlite"

    def run(self, command: str) -> str:
        """Type a command there."""
        assert self.machine is not None
        return self.machine.run(command)

    def cli(
        self, *args: str, stdin: str | None = None, check: bool = True, seconds: float = 300.0
    ) -> subprocess.CompletedProcess[str]:
        """`moxlite ARGS`, typed by root."""
        assert self.machine is not None
        words = [word.replace(str(self.folder), "") for word in args]
        return subprocess.run(
            [*self.machine.command, "moxlite", *words],
            input=stdin,
            check=check,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=ENVIRONMENT,
        )

    def start(self) -> float:
        """Until it has told systemd that it is ready."""
        began = time.monotonic()
        self.run("systemctl reset-failed moxlite; systemctl start moxlite")
        return time.monotonic() - began

    def stop(self) -> int:
        """As its owner does it; the code with which the server ended."""
        self.run("systemctl stop moxlite")
        assert self.machine is not None
        return int(self.machine.shows("ExecMainStatus"))

    def kill(self) -> None:
        """End all processes of the unit; systemd starts it again after some seconds."""
        assert self.machine is not None
        self.run("systemctl kill --signal=KILL moxlite")
        until(lambda: self.machine is None or self.machine.shows("ActiveState") != "active", what="the death")

    def log(self) -> str:
        """The last lines."""
        return self.run("journalctl --no-pager -n 200 -u moxlite")


class Computer:
    """A machine that can lose its power; its files stay."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._on = contextlib.ExitStack()
        self.machine: Machine

    def switch_on(self) -> None:
        """Boot."""
        self.machine = self._on.enter_context(booted(self.root, "--private-network"))
        self.machine.run("ip link set lo up")

    def switch_off(self, *, cut: bool = False) -> None:
        """Or cut its power."""
        if cut:
            self.machine.cut()
        self._on.close()


Play = Callable[[Computer, random.Random, float, Report], None]


def kills(computer: Computer, rng: random.Random, share: float, report: Report) -> None:
    """The campaign `kill`."""

    def make(_: Path) -> ServedServer:
        return UnitServer(computer.root, machine=computer.machine)

    kill.kill_many(rng.getrandbits(31), max(2, round(KILLS * share)), report, make)


def disks(computer: Computer, rng: random.Random, share: float, report: Report) -> None:
    """The campaign `fulldisk`, with a small disk for the data."""
    count = 0
    for number in range(max(2, round(DISKS * share))):
        reserve = (8 << 20) if number % 2 else 0
        run = computer.machine.run
        run("systemctl stop moxlite")
        run(f"mount -t tmpfs -o size={fulldisk.DISK},mode=0770 none {DATA}")
        server = UnitServer(computer.root, machine=computer.machine, top=f'store.min_free_space = "{reserve}"')
        run(f"dd if=/dev/zero of={DATA}/filler bs=1M count={fulldisk.DISK >> 21} status=none")
        acknowledged, refusals, told = fulldisk.one_round(server, partial(run, f"rm {DATA}/filler"), reserve, rng)
        run(f"systemctl stop moxlite; umount {DATA}")
        count += acknowledged
    report.tell(f"{number + 1} full disks, refused with {sorted(refusals)} and `{told}`: all of {count} messages there")


def wrong_clocks(computer: Computer, rng: random.Random, share: float, report: Report) -> None:
    """The campaign `clocks`. The unit, too, refuses to start in 1970, and serves by itself once the clock is right."""
    clock = MachineClock(computer.root)
    server = UnitServer(computer.root, machine=computer.machine, static=clocks.STATIC)
    rounds = max(len(clocks.KINDS), round(CLOCKS * share))
    seconds = WRONG * min(1.0, share * 4)
    repo = _repository(computer)
    clocks.play(server, clock, rng, rounds=rounds, seconds=seconds, repo=repo, report=report)
    seconds_since_1970 = round(time.time())
    clock.move(-seconds_since_1970)
    server.run("systemctl start --no-block moxlite")
    until(lambda: "this machine's clock is wrong" in server.log(), seconds=PATIENCE, what="the refusal")
    if computer.machine.active():
        raise Finding("the unit serves in 1970")
    clock.move(seconds_since_1970)
    until(computer.machine.active, seconds=PATIENCE, what="the unit serves by itself once the clock is right")
    server.stop()
    (computer.root / "etc/ld.so.preload").unlink()


def packs(computer: Computer, rng: random.Random, share: float, report: Report) -> None:
    """The campaign `damaged_packs`."""
    server = UnitServer(computer.root, machine=computer.machine, password="stones-in-a-pack")
    rounds = max(len(damaged_packs.DAMAGES), round(PACKS * share))
    damaged_packs.play(server, rng, rounds=rounds, repo=_repository(computer), report=report)


def _repository(computer: Computer) -> Path:
    computer.machine.run(f"rm -rf /{REPO} /{REPO.replace('repo', 'out')}")
    return computer.root / REPO


def upgrades(computer: Computer, rng: random.Random, share: float, report: Report) -> None:
    """dpkg is killed, or the power cut, in each of its states; the next attempts come to their end."""
    server = UnitServer(computer.root, machine=computer.machine)
    deaths = Counter[str]()
    rounds = max(2 * len(STATES), round(UPGRADES * share))
    server.__enter__()
    journal = Journal(server, rng)
    for number in range(rounds):
        version, state = VERSIONS[number % 2], STATES[number // 2 % len(STATES)]
        stop = threading.Event()
        sender = threading.Thread(target=deliver, args=(journal, stop), daemon=True)
        sender.start()
        cut = number % 4 == 3
        try:
            pause = rng.choice((0.0, rng.uniform(0, LONGEST)))  # some states are over at once
            met = _interrupted(computer, version, state, pause, cut=cut)
        finally:
            stop.set()
            sender.join()
        if cut:
            computer.switch_on()
            server.machine = computer.machine
            computer.machine.enter()  # of this thread: the former net has gone
        deaths[f"{'power cut' if cut else 'killed'} in {met}"] += 1
        computer.machine.run(f"dpkg --configure -a; dpkg --install /opt/{version}.deb", check=True)
        until(computer.machine.active, seconds=PATIENCE, what="the upgraded server serves")
        found = computer.machine.run("dpkg-query --show --showformat='${Version} ${db:Status-Status}' moxlite")
        if found != f"{version} installed":
            raise Finding(f"after the upgrade to {version} there is {found}")
        journal.fill(1)
        compare(server, journal.acknowledged["eve"])
    server.stop()
    told = ", ".join(f"{count} {name}" for name, count in sorted(deaths.items()))
    count = sum(map(len, journal.acknowledged.values()))
    report.tell(f"{rounds} upgrades by dpkg under load interrupted ({told}); {count} messages acknowledged, all there")


def _interrupted(computer: Computer, version: str, state: str, pause: float, *, cut: bool) -> str:
    """Begin an upgrade, and kill dpkg with the package's scripts some seconds after a state begins, or cut the power;
    the state that it was in, "done" if it was faster.
    """
    with subprocess.Popen(
        [*computer.machine.command, "dpkg", "--install", f"/opt/{version}.deb"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    ) as process:
        later = STATES[STATES.index(state) :]
        while process.poll() is None and _state(computer.root) not in later:
            time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(pause)
        met = "done" if process.poll() is not None else _state(computer.root)
        if cut:
            computer.switch_off(cut=True)
        else:
            computer.machine.run("pkill -KILL -x dpkg; pkill -KILL -f '^/bin/sh /var/lib/dpkg/'", check=False)
    return met


def _state(root: Path) -> str:
    """Of the package, as dpkg has written it last: its own process may have newer ones in the folder of updates."""
    texts = [path.read_text() for path in sorted((root / "var/lib/dpkg/updates").glob("[0-9]*"), reverse=True)]
    for text in (*texts, (root / "var/lib/dpkg/status").read_text()):
        for paragraph in text.split("\n\n"):
            if paragraph.startswith("Package: moxlite\n"):
                return paragraph.partition("\nStatus: ")[2].partition("\n")[0].split()[-1]
    return "not-installed"


PLAYS: Final[tuple[Play, ...]] = (wrong_clocks, packs, disks, kills, upgrades)


def run(seed: int, share: float, report: Report) -> None:
    """Each play with its rounds × share, on both."""
    if share < LEAST:
        report.tell("left to larger shares: it fetches Debian")
        return
    with tempfile.TemporaryDirectory(prefix="moxlite-booted-") as name:
        folder = Path(name)
        program, _ = build_frozen(folder / "program")
        debs = [build_package(folder, program, version) for version in VERSIONS]
        for name, suite in SUITES.items():
            root = folder / name
            _make_root(root, suite, name)
            for version, deb in zip(VERSIONS, debs, strict=True):
                shutil.copy(deb, root / f"opt/{version}.deb")
            with on(Computer(root)) as computer:
                computer.machine.run(f"dpkg --install /opt/{VERSIONS[1]}.deb")
                system = computer.machine.run("systemctl --version").split()[1]
                for play in PLAYS:
                    began = time.monotonic()
                    print(f"{time.strftime('%H:%M:%S')} {suite}: {play.__name__}", flush=True)
                    part = Report(report.name, report.seed, share)
                    computer.machine.inside(partial(play, computer, random.Random(seed), share, part))
                    words = f"{suite}, systemd {system}, {play.__name__}, {time.monotonic() - began:.0f} s"
                    report.tell(f"{words}: {'; '.join(part.lines)}")
                    print(report.lines[-1], flush=True)
            shutil.rmtree(root)


@contextlib.contextmanager
def on(computer: Computer) -> Iterator[Computer]:
    """Switched on, for the block."""
    computer.switch_on()
    try:
        yield computer
    finally:
        computer.switch_off()


def _make_root(root: Path, suite: str, name: str) -> None:
    if kept := os.environ.get("MOXLITE_ROOTS"):
        subprocess.run(["cp", "-a", f"{kept}/{name}", str(root)], check=True)
    else:
        command = [need("mmdebstrap"), "--quiet", "--variant=minbase", f"--include={INCLUDE}", suite, str(root)]
        subprocess.run(command, check=True, timeout=1200)
