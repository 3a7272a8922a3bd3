"""Scheduled backups: whether they run, are complete, and would survive the loss of the disk (STORE-187, ADMIN-70)."""

import contextlib
import os
import re
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import trio

from moxlite.admin.backup.rehearsal import FILE as REHEARSED, read_rehearsed
from moxlite.admin.backup.schedule import FILE, read_sampled
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.running import schedule_findings
from moxlite.config.static import Static
from moxlite.findings import Finding
from moxlite.process.backuptargets import Target
from moxlite.process.configtest import backup_fault
from moxlite.process.keys import host_key_files, read_named
from moxlite.process.privileges import UnknownUser, service_user
from moxlite.store.backup.packs import is_encrypted, time_of
from moxlite.store.backup.repository import CLOCKS
from moxlite.store.backup.storage import Folder
from moxlite.store.errors import BackupError
from moxlite.wording import counted


async def check_backups(examination: Examination) -> list[Finding]:
    """Findings about the scheduled backup."""
    static, target = examination.snapshot.static, examination.snapshot.static.backup.target
    findings = schedule_findings(examination.path, static, examination.running)
    if static.backup.schedule is None or target is None:
        return findings
    return findings + await trio.to_thread.run_sync(_of_target, static, target, examination)


def _of_target(static: Static, target: Target, examination: Examination) -> list[Finding]:
    """Findings about the repository."""
    inside = examination.inside
    findings: list[Finding] = []
    about = str(target)
    try:
        ids = None if inside else service_user(static.user)
        read = examination.read if inside else partial(read_named, ids=ids)
        tried = inside or (os.name == "posix" and os.geteuid() == 0)
        if tried and (fault := backup_fault(static.backup, ids, read)):
            findings.append(Finding(grade="error", code="backup-unwritable", about=about, text=fault))
    except UnknownUser:
        pass  # reported as a fault of the permissions
    if (
        isinstance(target, Path)
        and host_key_files(static)
        and not static.backup.include_keys
        and not _encrypted(static, target)
    ):
        findings.append(
            Finding(
                grade="warning",
                code="backup-without-keys",
                about=about,
                text=f"the backup in {target} doesn't include the host's private keys. To restore to a new machine, "
                f"you'd have to change the TLSA records in DNS",
                commands=("set backup.include_keys = true in moxlite.toml", "systemctl restart moxlite"),
            )
        )
    findings += _of_sample(static, about)
    findings += _of_rehearsal(static, about)
    findings += _of_clock(static, about)
    if not isinstance(target, Path):
        return findings
    try:
        shared = share_a_disk(static.data_dir, target)
    except OSError:
        return findings
    if shared:
        text = (
            f"the only scheduled backup, {target}, is on the same disk as the data; if the disk fails, you'll lose both"
        )
        commands = ("set backup.target to a folder on another disk or machine (ssh://...)",)
        findings.append(Finding(grade="warning", code="backup-same-disk", about=about, text=text, commands=commands))
    return findings


def _of_sample(static: Static, about: str) -> list[Finding]:
    """The sample that was read back after the last scheduled backup, and old snapshots that stay."""
    last = read_sampled(static.data_dir)
    if last is None:
        return []
    when = time.strftime("%Y-%m-%d", time.gmtime(last.at))
    findings: list[Finding] = []
    if last.problem:
        text = f"can't read a backup sample: {last.problem}"
        commands = (f"moxlite backup verify --repo {about} --deep --fix",)
        findings.append(
            Finding(grade="error", code="backup-sample", about=about, text=text, commands=commands, detail=f"({when})")
        )
    else:
        how = "contents verified" if last.compared else "encrypted, so a complete check requires a key"
        text = f"backup sample is readable: {counted(last.blocks, 'block')} on {when}, {how}"
        findings.append(Finding(grade="note", code="backup-sample", about=about, text=text))
    if last.kept:
        text = f"can't delete old snapshots: not permitted on this target: {last.kept}"
        commands = ("if you or a storage lifecycle rule delete old snapshots, you can ignore this",)
        findings.append(Finding(grade="note", code="backup-kept", about=about, text=text, commands=commands))
    return findings


def _of_rehearsal(static: Static, about: str) -> list[Finding]:
    """The last rehearsal of a restore, good or bad; none before the first."""
    last = read_rehearsed(static.data_dir)
    if last is None:
        return []
    when = time.strftime("%Y-%m-%d", time.gmtime(last.at))
    if last.problem:
        return [
            Finding(
                grade="error",
                code="backup-rehearsal",
                about=about,
                text=f"test restore failed for account {last.account or '?'}: {last.problem}",
                commands=(f"moxlite backup verify --repo {about} --deep --fix",),
                detail=f"({when})",
            )
        ]
    if last.unreadable:
        text = "can't test restores: the repository is encrypted, and the server doesn't have a key"
        commands = (f"moxlite restore {about} --identity KEY --account NAME --as Rehearsal",)
        return [Finding(grade="note", code="backup-rehearsal", about=about, text=text, commands=commands)]
    text = (
        f"test restore works: account {last.account} took {last.seconds:.0f} s on {when}, with {last.messages} "
        f"messages; {last.newer} arrived after the backup"
    )
    return [Finding(grade="note", code="backup-rehearsal", about=about, text=text)]


def _of_clock(static: Static, about: str) -> list[Finding]:
    """Backups and rehearsals that were made while the clock was ahead."""
    sampled, rehearsed = read_sampled(static.data_dir), read_rehearsed(static.data_dir)
    soon = time.time() + CLOCKS
    names = set[str]()
    if sampled is not None:
        names.update(
            snapshot_id for snapshot_id in (sampled.snapshot, sampled.ahead) if time_of(snapshot_id) > soon * 1e6
        )
        if sampled.at > soon:
            names.add(FILE)
    if rehearsed is not None and rehearsed.at > soon:
        names.add(REHEARSED)
    if not names:
        return []
    text = (
        f"some backups are dated in the future, because this machine's clock was wrong: {', '.join(sorted(names))}. "
        "Scheduled backups will continue. A restore will use the most recently created snapshot"
    )
    commands = ("timedatectl", f"moxlite backup list --repo {about}")
    return [Finding(grade="warning", code="backup-clock", about=about, text=text, commands=commands)]


def _encrypted(static: Static, target: Path) -> bool:
    """Whether the repository is encrypted, or will be when it is made."""
    try:
        return is_encrypted(Folder(target))
    except (BackupError, OSError):
        return bool(static.backup.encrypt_to)


# The disks below a file, as far as Linux shows them (proc_pid_mountinfo(5), sysfs(5)).


MOUNTS: Final = Path("/proc/self/mountinfo")
BLOCKS: Final = Path("/sys/dev/block")
OCTAL: Final = re.compile(rb"\\([0-7]{3})")
"""An octet of a path in it, such as a blank (proc_pid_mountinfo(5))."""

MAX_DEPTH: Final = 8
"""Layers of device mapper, RAID and encryption below a file system."""


def share_a_disk(path: Path, other: Path) -> bool:
    """Whether the loss of one disk destroys both. A missing path counts as the folder above it. Raises OSError."""
    return bool(disks_of(path) & disks_of(other))


def disks_of(path: Path) -> frozenset[str]:
    """Names of the disks below a path. A file system without a disk (in memory, network) counts as one itself."""
    existing = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    device = existing.stat().st_dev
    source = _source(existing)
    if source.startswith("/dev/"):
        with contextlib.suppress(OSError):
            device = Path(source).stat().st_rdev  # btrfs: each subvolume has a device number that no disk has
    found = _below(BLOCKS / f"{os.major(device)}:{os.minor(device)}", MAX_DEPTH)
    return found or frozenset({f"{source} {device}"})


def _source(path: Path) -> str:
    """The device of the file system that has a path, "" if unknown."""
    best: tuple[int, str] = (-1, "")
    for fields in _mounts():
        place = Path(os.fsdecode(OCTAL.sub(lambda match: bytes([int(match[1], 8)]), fields[4])))
        if path.is_relative_to(place) and len(place.parts) >= best[0]:
            best = len(place.parts), os.fsdecode(fields[fields.index(b"-") + 2])
    return best[1]


def _mounts() -> list[Sequence[bytes]]:
    try:
        return [line.split() for line in MOUNTS.read_bytes().splitlines()]
    except OSError:
        return []


def _below(block: Path, depth: int) -> frozenset[str]:
    """Disks below a block device: a partition's disk, or the disks that a mapped device consists of."""
    try:
        place = block.resolve(strict=True)
        slaves = sorted((place / "slaves").iterdir()) if (place / "slaves").is_dir() else []
    except OSError:
        return frozenset()
    if slaves and depth:
        return frozenset().union(*(_below(path, depth - 1) for path in slaves))
    return frozenset({place.parent.name if (place / "partition").exists() else place.name})
