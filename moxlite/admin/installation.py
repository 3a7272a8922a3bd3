"""The one file as an installation of its own (ADMIN-60d to 60f)."""

import contextlib
import ctypes
import fcntl
import glob
import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Mapping
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, Literal
from urllib.parse import urljoin

import msgspec

from moxlite import __version__
from moxlite.admin.quickstart.files import follow_unit_file, unit_file
from moxlite.admin.updates import Change, UpdateError
from moxlite.config.files import write_atomically
from moxlite.config.static import Static, Updates
from moxlite.encoding import from_json, to_json
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.ownprogram import FILE_VARIABLE, PACKAGE_PROGRAM, UPDATING, installed_form, own_program
from moxlite.process.startup import VERSION as VERSION_FILE

# Program, user, folders and unit of `moxlite self install`, as the Debian package has them, and their removal.

PROGRAM: Final = Path("/usr/local/bin/moxlite")
PREVIOUS: Final = Path("/usr/local/bin/moxlite.previous")
"""The program before the last update."""

UNPACKED: Final = Path("/opt/moxlite-file")
"""Folder in which the one file unpacks itself as root."""

UNIT: Final = Path("/etc/systemd/system/moxlite.service")
FOLLOW_UNIT: Final = UNIT.with_name("moxlite-follow.service")
CONFIG: Final = Path("/etc/moxlite/moxlite.toml")
DATA: Final = Path("/var/lib/moxlite")
BACKUPS: Final = Path("/var/backups/moxlite")
"""The server may write there too."""

UNITS: Final[tuple[Path, ...]] = (UNIT, FOLLOW_UNIT)
USER: Final = "moxlite"
PACKAGE: Final = Path("/var/lib/dpkg/info/moxlite.list")
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
    form = installed_form()
    if form != "file":
        raise Refused(f"this command requires the single file, moxlite-VERSION-linux-MACHINE. {UPDATING[form]}")
    if os.geteuid() != 0:
        raise Refused(f"this requires root; run: sudo {named} self install")
    return Path(named)


def install(say: Say) -> None:
    """Install the one file. What is there already stays; so a second run completes one that was cut short.

    Raises Refused, OSError.
    """
    file = own_file()
    if PACKAGE.exists() and Path(PACKAGE_PROGRAM).exists():
        raise Refused("moxlite is installed as a Debian package; to replace it, first run: apt-get remove moxlite")
    octets = file.read_bytes()
    if PROGRAM.exists() and PROGRAM.read_bytes() != octets:
        raise Refused(f"{PROGRAM} is a different version; run `moxlite self update` or `moxlite self remove` first")
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
    write_units()
    say(f"installed {PROGRAM}, {UNIT}, {FOLLOW_UNIT}, and the user {USER}")
    if not AUTHORITIES.exists():
        say("CA certificates aren't installed. Run `apt-get install ca-certificates`")
    if SYSTEMD.exists():
        run("systemctl", "enable", "--quiet", *(unit.stem for unit in UNITS))
        if CONFIG.exists():
            run("systemctl", "start", "moxlite")
        run("systemctl", "start", FOLLOW_UNIT.stem)  # it waits for its options
    else:
        say(f"systemd isn't running; start the server with {PROGRAM} serve")
    if not CONFIG.exists():
        say("next: moxlite quickstart --hostname mx.YOUR-DOMAIN YOU@YOUR-DOMAIN")


def write_units() -> None:
    """Write the units of this version, which has the rights that it needs, in place of another version's. Drop-ins of
    the owner stay. Raises Refused, OSError.
    """
    texts = {
        UNIT: unit_file(program=str(PROGRAM), config=CONFIG, data=DATA, more=[BACKUPS], waits=True),
        FOLLOW_UNIT: follow_unit_file(program=str(PROGRAM), config=CONFIG, data=DATA),
    }
    UNIT.parent.mkdir(parents=True, exist_ok=True)
    for unit, text in texts.items():
        write_atomically(unit, text.encode(), mode=0o644, owner=(0, 0))
    reload_units()


def reload_units() -> None:
    """Let systemd read the units again, where it runs. Raises Refused."""
    if SYSTEMD.exists():
        run("systemctl", "daemon-reload")


def remove(data: Path, *, purge: bool, say: Say) -> None:
    """Stop the server and remove what `install` has made. Without `purge` configuration, mail, backups and user stay.

    Raises Refused, OSError.
    """
    own_file()
    if SYSTEMD.exists() and UNIT.exists():
        run("systemctl", "disable", "--now", "--quiet", *(unit.stem for unit in UNITS if unit.exists()))
    elif (data / "ctl").is_socket():  # started by hand
        with contextlib.suppress(Refused):  # and stopped since
            run(*own_program(), "--config", str(CONFIG), "stop")
    for unit in UNITS:
        unit.unlink(missing_ok=True)
        _former(unit).unlink(missing_ok=True)
    reload_units()
    kept = kept_of(data)
    if purge:
        for path in kept:
            shutil.rmtree(path)
        run("userdel", USER)
    PREVIOUS.unlink(missing_ok=True)
    PROGRAM.unlink(missing_ok=True)
    say("removed" if purge else f"kept, with user {USER}: {' '.join(map(str, kept))}")
    shutil.rmtree(UNPACKED, ignore_errors=True)


def kept_of(data: Path) -> list[Path]:
    """Folders that outlive the program: configuration, mail with the copies of updates (`Notes`), backups."""
    copies = [path for name in ("before", "of") for path in data.parent.glob(f"{glob.escape(data.name)}.{name}-*")]
    return [path for path in (CONFIG.parent, data, *sorted(copies), BACKUPS) if path.exists()]


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
        raise Refused(f"can't run {command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Refused(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


# The next signed version in place of this one, and the way back (ADMIN-60e).
#
# Theory of operation
# -------------------
# All that can be wrong with a new version is found out before anything stops: its signature, its hash, whether it runs
# on this machine, and room. The rest is done by `finish` in a unit of its own, which systemd starts again if it is
# killed: its steps are noted in a file, and each can be repeated. The program is replaced by a rename, and so are data
# at the way back (renameat2(2), RENAME_EXCHANGE): after a loss of power the machine starts with the old or with the new
# program.
#
# The copy of the data is made while the server runs, and made equal once it has stopped (`bring`): mail stands still
# for as long as what came since takes, and the copy has all that was acknowledged. It is put back by itself only if the
# new program has never been ready. Later than that the owner decides, for mail may have come since.

NEW: Final = PROGRAM.with_name(".moxlite.new")
NOTES: Final = UNPACKED / "update.json"
MARK: Final = "before-update"
"""File in the copy of the data, by which a way back that was cut short knows which folder is which."""

MAX_FILE: Final = 200 << 20
"""Octets of a program."""

DOWNLOAD_SECONDS: Final = 1800.0
"""Seconds for the download: the largest file then needs 1 Mbit/s."""

PAUSE: Final = 0.5
"""Seconds between two looks at the notes."""

STEADY: Final = 5.0
"""Seconds for which a new program must run after it was ready."""

EXCHANGE: Final = 2
HERE: Final = -100
"""RENAME_EXCHANGE and AT_FDCWD of renameat2(2)."""


State = Literal["copy", "switch", "start", "back", "done", "gone-back", "failed"]


class Notes(msgspec.Struct, frozen=True):
    """How far an update is.

    Args:
      state: `copy`, `switch`, `start` and `back` are steps to do; `done`, `gone-back` and `failed` are ends.
      version, former: of the new and the old program.
      data: the data directory.
      boot, began: when the new program was started: the boot's id, and microseconds of the monotonic clock.
      text: of a failure.
    """

    state: State
    version: str
    former: str
    data: str
    boot: str = ""
    began: int = 0
    text: str = ""

    @property
    def copy(self) -> Path:
        """Copy of the data as the old program left it."""
        return Path(f"{self.data}.before-{self.version}")

    @property
    def newer(self) -> Path:
        """Place of the new program's data after the way back."""
        return Path(f"{self.data}.of-{self.version}")


def read_notes() -> Notes | None:
    """The notes of the last update."""
    try:
        return from_json(NOTES.read_bytes(), Notes)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _note(notes: Notes, state: str, **more: object) -> Notes:
    notes = msgspec.structs.replace(notes, state=state, **more)
    write_atomically(NOTES, to_json(notes), mode=0o600, owner=(0, 0))
    return notes


def check_updatable(static: Static) -> None:
    """Raise Refused if this installation is not one of `self install`, or an update cannot be undone here."""
    if own_file() != PROGRAM or not UNIT.exists():
        raise Refused(f"this isn't the installed program; run `self install` first, then `{PROGRAM} self update`")
    if not SYSTEMD.exists():
        raise Refused("systemd isn't running; to update, stop the server, replace the file, and start the server again")
    data = static.data_dir
    if data.stat().st_dev != data.parent.stat().st_dev:
        text = "because it's on its own file system; to upgrade manually, read `moxlite help upgrade.md`"
        raise Refused(f"can't swap {data} {text}")
    needed = sum(path.lstat().st_size for path in data.rglob("*")) + static.store.min_free_space
    free = shutil.disk_usage(data.parent).free
    if free < needed:
        raise Refused(
            f"not enough space to copy {data} (need {needed >> 20} MiB, {free >> 20} MiB free); no changes made"
        )


async def fetch(http: HTTPClient, source: Updates, newest: str, changes: list[Change]) -> bytes:
    """The program of version `newest` for this machine, by the hash in its signed change. Raises UpdateError."""
    name = f"moxlite-{newest}-linux-{os.uname().machine}"
    signed = next((change.text for change in changes if change.version == newest), "")
    match = re.search(rf"(?m)^ *([0-9a-f]{{64}})  {re.escape(name)}$", signed)
    if match is None:
        raise UpdateError(f"the signed changelog for {newest} doesn't include the file {name}")
    url = urljoin(str(source.changelog_url), f"{newest}/{name}")
    try:
        answer = await http.request("GET", url, seconds=DOWNLOAD_SECONDS, max_body=MAX_FILE)
    except HTTPError as error:
        raise UpdateError(f"{url}: {error}") from None
    if answer.status != 200 or answer.cut:
        raise UpdateError(f"{url}: {'too long' if answer.cut else f'status {answer.status}'}")
    if hashlib.sha256(answer.body).hexdigest() != match[1]:
        raise UpdateError(f"{url}: file doesn't match the signed changelog")
    return answer.body


def begin(octets: bytes, version: str, data: Path) -> None:
    """Try the new program, then let systemd run `finish`. Raises Refused, OSError: nothing was changed."""
    write_atomically(NEW, octets, mode=0o755, owner=(0, 0))
    try:
        said = run(str(NEW), "version").partition("\n")[0]
        if said != f"moxlite {version}":
            raise Refused(f"expected moxlite {version}, but the new program reports {said!r}")
    except Refused:
        NEW.unlink()
        raise
    old = read_notes()
    if old is not None:  # the way back of the update before ends here
        shutil.rmtree(old.copy, ignore_errors=True)
    _note(Notes("copy", version, __version__, str(data)), "copy")
    _start_unit()


def begin_back() -> None:
    """Let systemd run the way back of the last update. Raises Refused."""
    own_file()
    notes = read_notes()
    if notes is None or not PREVIOUS.exists() or not (notes.copy / MARK).exists():
        raise Refused("previous program and data not found; restore a backup (docs/restore.md)")
    _note(notes, "back", text="asked for")
    _start_unit()


def _start_unit() -> None:
    again = ("--property=Restart=on-failure", "--property=RestartSec=1")
    run("systemd-run", "--unit=moxlite-update", "--collect", "--quiet", *again, *own_program(), "self", "finish")


def wait(say: Say) -> Notes:
    """Wait until `finish` has ended in its unit; the notes then. Each step is told. Raises Refused: it cannot go on."""
    told = ""
    while True:
        notes = read_notes()
        assert notes is not None
        if notes.state != told:
            say(STEPS[notes.state])
            told = notes.state
        if notes.state in ("done", "gone-back", "failed"):
            return notes
        time.sleep(PAUSE)
        state = run("systemctl", "show", "--property=ActiveState", "--value", "moxlite-update")
        if state not in ("active", "activating") and read_notes() == notes:
            raise Refused(f"stopped while {STEPS[notes.state]}; see journalctl -u moxlite-update and run `self finish`")


STEPS: Final[Mapping[State, str]] = {
    "copy": "copying data, then new data with the server stopped",
    "switch": "replacing the program and its unit",
    "start": "starting the new program",
    "back": "restoring the previous program and its data",
    "done": "the new program is ready",
    "gone-back": "the previous program and its data are restored",
    "failed": "stopped",
}


def finish() -> None:
    """Do what is left of an update. Can be killed and started again at any place.

    Raises Refused, OSError: systemd starts it again.
    """
    notes = read_notes()
    if notes is None:
        return
    if notes.state == "copy":
        notes = _copy(notes)
    if notes.state == "switch":
        notes = _switch(notes)
    if notes.state == "start":
        notes = _start(notes)
    if notes.state == "back":
        _go_back(notes)
    tidy()


def _copy(notes: Notes) -> Notes:
    data, part = Path(notes.data), Path(f"{notes.copy}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(notes.copy, ignore_errors=True)
    try:
        known = bring(data, part, {})
        run("systemctl", "stop", "moxlite")
        bring(data, part, known)
        (part / MARK).write_text(f"{notes.former}\n")
        _dress(part, data.stat())
    except (Refused, OSError) as error:
        shutil.rmtree(part, ignore_errors=True)
        NEW.unlink(missing_ok=True)
        run("systemctl", "start", "moxlite")
        return _note(notes, "failed", text=f"couldn't copy the data; still running {notes.former}: {error}")
    os.sync()  # the copy must be whole on disk before its name says so
    part.replace(notes.copy)
    return _note(notes, "switch")


def _switch(notes: Notes) -> Notes:
    if NEW.exists():
        for unit in filter(Path.exists, UNITS):
            _link(unit, _former(unit))
        _link(PROGRAM, PREVIOUS)
        NEW.replace(PROGRAM)
    try:
        run(str(PROGRAM), "self", "units")  # the new version's own
    except Refused as error:
        return _note(notes, "back", text=str(error))
    return _note(notes, "start", boot=_boot(), began=time.monotonic_ns() // 1000)


def _former(unit: Path) -> Path:
    """Name of a unit's file as it was before the last update."""
    return unit.with_name(f"{unit.name}.previous")


def _start(notes: Notes) -> Notes:
    why = "the server exited after starting"
    try:
        run("systemctl", "restart", "moxlite")  # waits as long as the server says that its migrations go on
        time.sleep(STEADY)
        if run("systemctl", "show", "--property=ActiveState", "--value", "moxlite") == "active":
            return _note(notes, "done")
    except Refused:
        why = "the server didn't start; see journalctl -u moxlite"
    if not _acknowledged(notes):
        return _note(notes, "back", text=why)
    text = f"version {notes.version} failed: {why}. It may have accepted mail. To go back to {notes.former} without it"
    return _note(notes, "failed", text=f"{text}: {PREVIOUS} self back")


def _acknowledged(notes: Notes) -> bool:
    """Whether the new program may have acknowledged anything: it has noted its version in the data, which comes before
    its ports are served, or was ready, or the machine has started since.
    """
    with contextlib.suppress(FileNotFoundError):
        if (Path(notes.data) / VERSION_FILE).read_text().strip() == notes.version:
            return True
    run("systemctl", "stop", "moxlite")
    entered = run("systemctl", "show", "--property=ActiveEnterTimestampMonotonic", "--value", "moxlite")
    return notes.boot != _boot() or not entered.isdecimal() or int(entered) > notes.began


def _go_back(notes: Notes) -> None:
    run("systemctl", "stop", "moxlite")
    data = Path(notes.data)
    if (notes.copy / MARK).exists():
        _exchange(data, notes.copy)
    if notes.copy.exists() and not notes.newer.exists():
        notes.copy.rename(notes.newer)
    _link(PREVIOUS, PROGRAM)
    for unit in UNITS:
        if _former(unit).exists():
            _link(_former(unit), unit)
    reload_units()
    (data / MARK).unlink(missing_ok=True)
    run("systemctl", "start", "moxlite")
    _note(notes, "gone-back")


def _link(file: Path, name: Path) -> None:
    """Let `name` be `file` too, in place of what it is now."""
    new = name.with_name(f".{name.name}.link")
    new.unlink(missing_ok=True)
    new.hardlink_to(file)
    new.replace(name)
    new.unlink(missing_ok=True)  # rename(2) does nothing for two names of one file


def _exchange(first: Path, second: Path) -> None:
    """Exchange the names of two folders. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(HERE, os.fsencode(first), HERE, os.fsencode(second), EXCHANGE):
        raise OSError(ctypes.get_errno(), f"couldn't swap {first} and {second}")
    os.sync()


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


# A copy of the data directory that is made while the server writes to it, and made equal once it has stopped.
#
# A file counts as unchanged if size, times and inode are as before its first copy, and were not of that moment, in
# which a file can change twice with the same times. Of the others blocks are compared, so that a database of which some
# pages have changed is read, and hardly written; a file system with reflinks (XFS, btrfs) clones them in no time.

BLOCK: Final = 1 << 20
"""Octets that are compared and written at a time."""

RACY: Final = 2_000_000_000
"""Nanoseconds after a change in which another one may have the same times: FAT and old file systems count in twos."""

FICLONE: Final = 0x40049409
"""Request of ioctl_ficlone(2)."""

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""Flags by which a file is opened to read it: a pipe that has taken its place must not make root wait."""

Stamp = tuple[int, int, int, int]
"""Size, time of the last change of content and of the inode, inode."""


def bring(source: Path, target: Path, known: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """Make `target` equal to the folder `source`, whose files may change or go meanwhile; returns stamps of files for
    the next call. Those with a stamp in `known` are left alone. Sockets are left out.

    The service user may have the folder in hand while root reads it: nothing is reached through a symbolic link, and
    only root can enter `target`. Raises OSError.
    """
    stamps: dict[str, Stamp] = {}
    target.mkdir(mode=0o700, exist_ok=True)
    for at, folders, files, folder_fd in os.fwalk(source, onerror=_pass_over_gone, follow_symlinks=False):
        place = target / Path(at).relative_to(source)
        for name in {path.name for path in place.iterdir()} - {*folders, *files}:
            _remove(place / name)
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                _bring_entry(name, folder_fd, place / name, f"{at}/{name}", known, stamps)
    return stamps


def _pass_over_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _bring_entry(
    name: str, folder_fd: int, target: Path, path: str, known: Mapping[str, Stamp], stamps: dict[str, Stamp]
) -> None:
    """Raises FileNotFoundError: it is gone."""
    entry = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    if target.is_symlink() or (target.exists() and stat.S_IFMT(target.lstat().st_mode) != stat.S_IFMT(entry.st_mode)):
        _remove(target)
    if stat.S_ISDIR(entry.st_mode):
        target.mkdir(exist_ok=True)
        _dress(target, entry)
    elif stat.S_ISLNK(entry.st_mode):
        target.symlink_to(os.readlink(name, dir_fd=folder_fd))
        os.chown(target, entry.st_uid, entry.st_gid, follow_symlinks=False)
    elif stat.S_ISREG(entry.st_mode):
        stamp = (entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns, entry.st_ino)
        if known.get(path) == stamp and target.exists():
            return
        settled = time.time_ns() - max(entry.st_mtime_ns, entry.st_ctime_ns) > RACY
        with (
            os.fdopen(os.open(name, READ, dir_fd=folder_fd), "rb") as reader,
            os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b", buffering=0) as writer,
        ):
            _bring_content(reader, writer)
        _dress(target, entry)
        if settled:
            stamps[path] = stamp


def _bring_content(reader: BinaryIO, writer: FileIO) -> None:
    """Make a file's content equal to that of another one."""
    try:
        fcntl.ioctl(writer, FICLONE, reader.fileno())
        writer.truncate(os.fstat(reader.fileno()).st_size)
        return
    except OSError:  # no reflinks here
        pass
    end = 0
    while block := reader.read(BLOCK):
        if os.pread(writer.fileno(), BLOCK, end) != block:
            writer.seek(end)
            while block:
                block = block[writer.write(block) :]
        end = reader.tell()
    writer.truncate(end)


def _dress(path: Path, entry: os.stat_result) -> None:
    """Give a file or folder owner, mode and times of another one."""
    os.chown(path, entry.st_uid, entry.st_gid)
    path.chmod(stat.S_IMODE(entry.st_mode))
    os.utime(path, ns=(entry.st_atime_ns, entry.st_mtime_ns))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
