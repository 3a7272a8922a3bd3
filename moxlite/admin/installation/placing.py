"""Program, user, folders and unit of `moxlite self install`, as the Debian package has them, and their removal."""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from moxlite.admin.quickstart.files import unit_file
from moxlite.config.files import write_atomically
from moxlite.ownprogram import FILE_VARIABLE, FROZEN, own_program

PROGRAM: Final = Path("/usr/local/bin/moxlite")
PREVIOUS: Final = Path("/usr/local/bin/moxlite.previous")
"""The program before the last update."""

UNPACKED: Final = Path("/opt/moxlite-file")
"""Folder in which the one file unpacks itself as root."""

UNIT: Final = Path("/etc/systemd/system/moxlite.service")
CONFIG: Final = Path("/etc/moxlite/moxlite.toml")
DATA: Final = Path("/var/lib/moxlite")
BACKUPS: Final = Path("/var/backups/moxlite")
"""The server may write there too."""

USER: Final = "moxlite"
PACKAGE: Final = Path("/var/lib/dpkg/info/moxlite.list")
PACKAGE_PROGRAM: Final = Path("/usr/bin/moxlite")
AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
SYSTEMD: Final = Path("/run/systemd/system")
"""There where systemd runs (sd_booted(3))."""

HEAD: Final = 4096
"""Octets of the one file in which its head names its unpacked folder."""

Say = Callable[[str], None]


class Refused(Exception):
    """Nothing was changed; the text says why, and what to do."""


def own_file() -> Path:
    """The one file that runs. Raises Refused: there is no such file, or the user is not root."""
    named = os.environ.get(FILE_VARIABLE, "")
    if FROZEN and named == str(PACKAGE_PROGRAM):
        raise Refused("this is the Debian package: apt installs, updates and removes it")
    if not FROZEN or not named:
        raise Refused("this is for the one file, moxlite-VERSION-linux-MACHINE: pip and apt have their own ways")
    if os.geteuid() != 0:
        raise Refused(f"only root installs: sudo {named} self install")
    return Path(named)


def install(say: Say) -> None:
    """Install the one file. What is there already stays; so a second run completes one that was cut short.

    Raises Refused, OSError.
    """
    file = own_file()
    if PACKAGE.exists() and PACKAGE_PROGRAM.exists():
        raise Refused("the Debian package is installed, and updates by apt; to replace it: apt-get remove moxlite")
    octets = file.read_bytes()
    if PROGRAM.exists() and PROGRAM.read_bytes() != octets:
        raise Refused(f"{PROGRAM} is another version: `moxlite self update` or `moxlite self remove` come first")
    if not PROGRAM.exists():
        write_atomically(PROGRAM, octets, mode=0o755, owner=(0, 0))
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        how = ("--system", "--user-group", "--no-create-home", f"--home-dir={DATA}", "--shell=/usr/sbin/nologin")
        run("useradd", *how, USER)
        user = pwd.getpwnam(USER)
    for folder in (CONFIG.parent, DATA):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not BACKUPS.exists():
        BACKUPS.mkdir(mode=0o750, parents=True)
        os.chown(BACKUPS, user.pw_uid, user.pw_gid)
    text = unit_file(program=str(PROGRAM), config=CONFIG, data=DATA, more=[BACKUPS], waits=True)
    UNIT.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(UNIT, text.encode(), mode=0o644, owner=(0, 0))
    say(f"installed {PROGRAM}, {UNIT}, and the user {USER}")
    if not AUTHORITIES.exists():
        say("no certificates of public authorities are here: apt-get install ca-certificates")
    if SYSTEMD.exists():
        run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--quiet", "moxlite")
        if CONFIG.exists():
            run("systemctl", "start", "moxlite")
    else:
        say(f"systemd does not run here: start the server with {PROGRAM} serve")
    if not CONFIG.exists():
        say("next: moxlite quickstart YOU@YOUR-DOMAIN")


def remove(data: Path, *, purge: bool, say: Say) -> None:
    """Stop the server and remove what `install` has made. Without `purge` configuration, mail, backups and user stay.

    Raises Refused, OSError.
    """
    own_file()
    if SYSTEMD.exists() and UNIT.exists():
        run("systemctl", "disable", "--now", "--quiet", "moxlite")
    elif (data / "ctl").is_socket():  # started by hand
        with contextlib.suppress(Refused):  # and stopped since
            run(*own_program(), "--config", str(CONFIG), "stop")
    UNIT.unlink(missing_ok=True)
    if SYSTEMD.exists():
        run("systemctl", "daemon-reload")
    kept = [path for path in (CONFIG.parent, data, BACKUPS) if path.exists()]
    if purge:
        for path in kept:
            shutil.rmtree(path)
        run("userdel", USER)
    PREVIOUS.unlink(missing_ok=True)
    PROGRAM.unlink(missing_ok=True)
    say("removed" if purge else f"kept, with user {USER}: {' '.join(map(str, kept))}")
    shutil.rmtree(UNPACKED, ignore_errors=True)


def tidy() -> None:
    """Remove what other versions than the present and the previous one have unpacked."""
    kept = {Path(own_program()[0]).parent.name}
    for file in (PROGRAM, PREVIOUS):
        if file.exists():
            with file.open("rb") as opened:
                named = re.search(rb"(?m)^home=\$top/(\S+)$", opened.read(HEAD))
            kept |= {named[1].decode()} if named else set()
    for folder in UNPACKED.iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def run(*command: str) -> str:
    """Run a program of the system; its output. Raises Refused with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - words of ours, no shell
    except OSError as error:
        raise Refused(f"cannot run {command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Refused(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()
