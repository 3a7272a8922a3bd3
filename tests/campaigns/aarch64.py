"""The program on aarch64, as on a Raspberry Pi: a release with packages that were built in Debian 12 for arm64, whose
programs qemu-user emulates, is signed and served. Booted bare Debian 12 and 13 for arm64 follow the README word for
word: the one file, apt, `moxlite self update`, and localserve with a first hour in it (ADMIN-42, 43, 43a, 60d).

What emulation cannot show: Landlock and the filter of system calls, which it does not know, mounts of units in Debian
13, and how long anything takes. It takes qemu 10 to start units of Debian 13: an older one is left aside for that of
Debian 13. Only the full count runs: it fetches Debian, and takes most of an hour. MOXLITE_ROOTS may name a folder with
root file systems `builder-arm64`, `booted12-arm64` and `booted13-arm64`, in place of new ones.
"""

import imaplib
import os
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Final

from moxlite import __version__
from tests.campaigns._released import OLDER, make_older, play, released, root_of, sign, typed
from tests.campaigns.install import run_program
from tests.campaigns.report import Finding, Report
from tests.containers import SUITE, SUITES, Machine, entered
from tests.firsthour import FirstHour
from tests.packagerig import package
from tests.pages import commands
from tests.tools import need, until

__all__ = ["run"]

QEMU: Final = "qemu-aarch64-static"
OLDEST: Final = 10
QEMU_DEBIAN: Final = "http://deb.debian.org/debian trixie main"

NAME: Final = "moxlite-aarch64"
FORMATS: Final = Path("/proc/sys/fs/binfmt_misc")
FORMAT: Final = (
    rf":{NAME}:M::\x7fELF\x02\x01\x01" + r"\x00" * 9 + r"\x02\x00\xb7\x00:" + r"\xff" * 7 + r"\x00" + r"\xff" * 8
    + r"\xfe\xff\xff\xff:{program}:OCF"
)  # fmt: skip
"""Programs of aarch64, for the kernel (binfmt_misc). F: it opens the emulator now, so that it is there in any root."""

INCLUDE: Final = (
    "python3,python3-venv,libpython3-dev,procps,binutils,git,ca-certificates,iproute2,adduser,init-system-helpers"
)
CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"

ARM: Final = "--architectures=arm64"

UNCONFINED: Final = """\
[Service]
ProtectSystem=no
ProtectHome=no
ProtectProc=default
ProtectKernelTunables=no
ProtectKernelModules=no
ProtectKernelLogs=no
ProtectControlGroups=no
ProtectHostname=no
PrivateTmp=no
PrivateDevices=no
PrivateMounts=no
ProcSubset=all
ProtectClock=no
ReadWritePaths=
"""
"""For all units of an emulated Debian 13: qemu lacks the calls by which its systemd mounts (226/NAMESPACE)."""
BUILD: Final = """\
cd /src && export LANG=C.UTF-8
python3 -m venv /venv && /venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \\
    --no-binary=dkimpy -r requirements/build.lock -r requirements/frozen.lock
PYTHONPATH=/src:/src/script /venv/bin/python -m packages all --to /out --version {version}
cd /older && PYTHONPATH=/older:/older/script /venv/bin/python -m packages binary --to /older-out --version {older}
"""

USER, PASSWORD = "moxlite@localhost", "moxmoxmox"
"""Of localserve."""


def run(seed: int, share: float, report: Report) -> None:
    """Both releases of Debian, once; `seed` decides nothing."""
    if share < 1:
        report.tell("left to the full count: it emulates another processor")
        return
    for program in ("mmdebstrap", "systemd-nspawn", "arch-test", "git", "gpg", "openssl", "dpkg-deb"):
        need(program)
    with tempfile.TemporaryDirectory(prefix="moxlite-aarch64-", dir="/var/tmp") as name, _emulated(Path(name)):
        folder = Path(name)
        clone = released(folder, "--tag-only")
        root = _builder(folder, clone, report)
        with entered(root) as machine:
            _build(machine, report)
        began = time.monotonic()
        made = ("--version", __version__, "--others", root / "out", "--to", clone / "dist")
        done = package("release", *made, project=clone, seconds=2400)
        if done.returncode:
            raise Finding(f"script/package release: {done.stderr}")
        report.tell(f"script/package release --others, on this machine: {time.monotonic() - began:.0f} s")
        site = sign(folder, clone / "dist" / __version__, report)
        older = root / f"older-out/moxlite-{OLDER}-linux-aarch64"
        for place, suite in SUITES.items():
            bare = root_of(folder, f"{place}-arm64", suite, ARM)
            if suite == "trixie":
                dropin = bare / "etc/systemd/system/service.d/emulated.conf"
                dropin.parent.mkdir(exist_ok=True)
                dropin.write_text(UNCONFINED)
            hour = {"first hour": partial(_first_hour, folder / "root")}
            play(bare, folder, site, older, f"{suite} for arm64", report, hour)


@contextmanager
def _emulated(folder: Path) -> Iterator[None]:
    """Tell the kernel who runs programs of aarch64 meanwhile. Needs root."""
    program = shutil.which(QEMU)
    if program is None or _version(program) < OLDEST:
        program = _fetched(folder)
    if not (FORMATS / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", FORMATS], check=True)
    if (FORMATS / NAME).exists():  # from a campaign that was killed
        (FORMATS / NAME).write_text("-1")
    (FORMATS / "register").write_text(FORMAT.format(program=program))  # goes before those that are there
    try:
        yield
    finally:
        (FORMATS / NAME).write_text("-1")


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[2].partition(".")[0])


def _fetched(folder: Path) -> str:
    """The emulator of Debian 13."""
    here = folder / "qemu"
    for place in ("lists/partial", "cache/archives/partial"):
        (here / place).mkdir(parents=True)
    (here / "sources.list").write_text(f"deb {QEMU_DEBIAN}\n")
    options = {
        "Dir::Etc::sourcelist": here / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": here / "lists",
        "Dir::Cache": here / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    for verb in (["update"], ["download", "qemu-user"]):
        done = subprocess.run([*apt, *verb], cwd=here, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Finding(f"qemu {OLDEST} or newer is needed, and Debian 13's can't be had: {done.stderr}")
    subprocess.run(["dpkg-deb", "-x", next(here.glob("qemu-user_*.deb")), here], check=True)
    return str(here / "usr/bin/qemu-aarch64")


def _builder(folder: Path, clone: Path, report: Report) -> Path:
    """A Debian 12 for arm64 with what a build needs, and the source of the release and of an older version."""
    began = time.monotonic()
    root = folder / "builder"
    if kept := os.environ.get("MOXLITE_ROOTS"):
        subprocess.run(["cp", "--archive", Path(kept) / "builder-arm64", root], check=True)
    else:
        run_program("mmdebstrap", "--quiet", "--variant=minbase", ARM, f"--include={INCLUDE}", SUITE, str(root))
    with suppress(FileNotFoundError):  # the package index is asked as this machine asks it
        shutil.copy("/" + CERTIFICATES, root / CERTIFICATES)
    for name in ("src", "older"):
        run_program("git", "clone", "--quiet", str(clone), str(root / name))
    make_older(root / "older")
    report.tell(f"{SUITE} for arm64: {time.monotonic() - began:.0f} s")
    return root


def _build(machine: Machine, report: Report) -> None:
    began = time.monotonic()
    certificates = f"export PIP_CERT=/{CERTIFICATES}\n" if "PIP_CERT" in os.environ else ""
    machine.run(f"set -e\n{certificates}{BUILD.format(version=__version__, older=OLDER)}", seconds=7200)
    size = int(machine.run(f"stat --format=%s /out/moxlite-{__version__}-linux-aarch64"))
    report.tell(f"file of {size / 1e6:.1f} MB, package and image, and an older file: {time.monotonic() - began:.0f} s")


def _first_hour(root: Path, machine: Machine) -> None:
    """The README's file and localserve, by a user without rights, and a first hour in it."""
    lines = commands("../README.md", "Install")
    fetch = typed(lines[: lines.index("./moxlite self install")])
    machine.run("useradd --create-home ann")
    (root / "home/ann/fetch").write_text(f"set -e\n{fetch}\nexec ./moxlite localserve\n")
    machine.run(
        "setpriv --reuid=ann --regid=ann --clear-groups env HOME=/home/ann sh -c 'cd; nohup sh fetch >said 2>&1 &'"
    )
    said = root / "home/ann/said"
    until(lambda: "moxlite: ready" in said.read_text(), seconds=300, what="localserve")
    (certificate,) = (root / "home/ann").rglob("localhost.crt")
    context = ssl.create_default_context(cafile=str(certificate))

    def live() -> None:
        with imaplib.IMAP4("127.0.0.1", 1143, timeout=60) as imap:
            imap.login(USER, PASSWORD)
            hour = FirstHour(
                USER,
                PASSWORD,
                port=1080,
                dav="https://localhost:1443/dav/",
                imap=imap,
                send=_send,
                context=context,
            )
            hour.live("eve@example.com")

    machine.inside(live)
    machine.run("pkill --uid ann")
    if "Traceback" in said.read_text():
        raise Finding(said.read_text())


def _send(message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", 1025, timeout=60) as smtp:
        smtp.send_message(message)
