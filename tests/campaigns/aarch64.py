"""The program on aarch64, as on a Raspberry Pi: built in Debian 12 and 13 for arm64, whose programs qemu-user emulates,
installed there as the package, and used (ADMIN-42, 43): localserve and a user's first hour in it, quickstart, mail, a
backup, an upgrade.

What emulation cannot show: Landlock and the filter of system calls, which it does not know, systemd, and how long
anything takes. Only the full count runs: it fetches Debian, and takes most of an hour.
"""

import imaplib
import os
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import time
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from tests.campaigns.install import ADDRESS
from tests.campaigns.report import Finding, Report
from tests.containers import SUITES, Machine, entered
from tests.firsthour import FirstHour, mail_to_oneself
from tests.tools import need, top, until

__all__ = ["run"]

QEMU: Final = "qemu-aarch64-static"

FORMATS: Final = Path("/proc/sys/fs/binfmt_misc")
FORMAT: Final = (
    rf":{QEMU}:M::\x7fELF\x02\x01\x01" + r"\x00" * 9 + r"\x02\x00\xb7\x00:" + r"\xff" * 7 + r"\x00" + r"\xff" * 8
    + r"\xfe\xff\xff\xff:{program}:OCF"
)  # fmt: skip
"""Programs of aarch64, for the kernel (binfmt_misc). F: it opens the emulator now, so that it is there in any root."""

INCLUDE: Final = (
    "python3,python3-venv,libpython3-dev,procps,binutils,git,ca-certificates,iproute2,adduser,init-system-helpers"
)
CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"

BUILD: Final = """\
cd /src && export LANG=C.UTF-8 PYTHONPATH=/src:/src/script
python3 -m venv /venv && /venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \\
    --no-binary=dkimpy -r requirements/build.lock -r requirements/frozen.lock
/venv/bin/python -m packages binary --to /out --version 1.0~soak1
for number in 1 2; do
    /venv/bin/python -m packages deb --to /out --version 1.0~soak$number --program /out/moxlite --compression gzip
done
"""

USER, PASSWORD = "moxlite@localhost", "moxmoxmox"
"""Of localserve."""


def run(seed: int, share: float, report: Report) -> None:
    """Both releases of Debian, once; `seed` decides nothing."""
    if share < 1:
        report.tell("left to the full count: it emulates another processor")
        return
    for program in ("mmdebstrap", "systemd-nspawn", "arch-test", "git"):
        need(program)
    _register(need(QEMU))
    with tempfile.TemporaryDirectory(prefix="moxlite-aarch64-") as name:
        for suite in SUITES.values():
            root = Path(name) / suite
            _make(root, suite, report)
            with entered(root) as machine:
                _build(machine, suite, report)
            with entered(root, "--private-network") as machine:
                machine.run(f"ip link set lo up && ip addr add {ADDRESS}/32 dev lo")
                machine.run("dpkg --install /out/moxlite_1.0~soak1_arm64.deb")
                _try_it(machine, root, report)
                _set_up(machine, report)
            shutil.rmtree(root)


def _register(program: str) -> None:
    """Tell the kernel who runs programs of aarch64, where it doesn't know. Needs root."""
    if not (FORMATS / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", FORMATS], check=True)
    if not any("aarch64" in path.name for path in FORMATS.iterdir()):
        (FORMATS / "register").write_text(FORMAT.format(program=program))


def _make(root: Path, suite: str, report: Report) -> None:
    began = time.monotonic()
    made = ("mmdebstrap", "--quiet", "--variant=minbase", "--architectures=arm64", f"--include={INCLUDE}", suite)
    subprocess.run([*made, root], check=True, capture_output=True, timeout=3600)
    with suppress(FileNotFoundError):  # the package index is asked as this machine asks it
        shutil.copy("/" + CERTIFICATES, root / CERTIFICATES)
    subprocess.run(["git", "clone", "--quiet", top(), root / "src"], check=True)
    report.tell(f"{suite} for arm64: {time.monotonic() - began:.0f} s")


def _build(machine: Machine, suite: str, report: Report) -> None:
    began = time.monotonic()
    certificates = f"export PIP_CERT=/{CERTIFICATES}\n" if "PIP_CERT" in os.environ else ""
    machine.run(certificates + BUILD, seconds=5400)
    size = int(machine.run("stat --format=%s /out/moxlite-1.0~soak1-linux-aarch64"))
    report.tell(f"{suite}: file of {size / 1e6:.1f} MB and package built in {time.monotonic() - began:.0f} s")


def _try_it(machine: Machine, root: Path, report: Report) -> None:
    """Localserve of the one file, by a user without rights, and a first hour in it."""
    began = time.monotonic()
    machine.run("useradd --create-home ann")
    serve = "cd && nohup /out/moxlite-1.0~soak1-linux-aarch64 localserve >said 2>&1 &"
    machine.run(f"setpriv --reuid=ann --regid=ann --clear-groups env HOME=/home/ann sh -c '{serve}'")
    said = root / "home/ann/said"
    until(lambda: "moxlite: ready" in said.read_text(), seconds=300, what="localserve")
    report.tell(f"localserve is ready after {time.monotonic() - began:.0f} s")
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
    report.tell(
        f"with a first hour (HTML, answer, repeating event, invitation, script): {time.monotonic() - began:.0f} s"
    )


def _send(message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", 1025, timeout=60) as smtp:
        smtp.send_message(message)


def _set_up(machine: Machine, report: Report) -> None:
    """A server of the package, its backup and its upgrade."""
    run, began = machine.run, time.monotonic()
    said = run("moxlite quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9 you@example.org")
    password = said.partition("account password: ")[2].split()[0]
    _serve(machine)
    came = machine.inside(lambda: mail_to_oneself(ADDRESS, password))
    run("moxlite backup /var/backups/moxlite/one && moxlite verifydata --deep /var/backups/moxlite/one")
    run("moxlite stop && dpkg --install /out/moxlite_1.0~soak2_arm64.deb")
    _serve(machine)
    if machine.inside(lambda: mail_to_oneself(ADDRESS, password)) != came + 1:
        raise Finding("mail of before the upgrade is not there")
    report.tell(f"quickstart, mail, backup, upgrade, mail: {time.monotonic() - began:.0f} s")


def _serve(machine: Machine) -> None:
    machine.run("nohup moxlite --config /etc/moxlite/moxlite.toml serve >>/var/log/moxlite 2>&1 &")
    until(lambda: "you" in machine.run("moxlite config account list", check=False), seconds=300, what="the server")
