"""Cross checks of the section [backup] (STORE-187, STORE-184a)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from moxlite.config.static import Backup, Static
from moxlite.config.toml.decode import Finding
from moxlite.proto.objecturl import ObjectURL
from moxlite.proto.sshurl import SSHURL

SHORTEST_BACKUP: Final = 600.0
"""Seconds: each one reads all that has changed."""

ENCRYPT: Final = (
    "a backup on another machine is encrypted: `age-keygen -o backup-key.txt` makes a key and prints the age1... for "
    "here; keep that file, but not on this machine"
)

KEY_TEXT: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=@.-")
"""Characters of the type of a public key and of its base64."""


SLOWEST_UPLOAD: Final = 16 << 10
"""Octets a second: a pack of 64 MiB has to be sent before another machine may take the lock over, after 2 hours."""


def backup_findings(static: Static) -> Iterator[Finding]:
    """Findings within [backup]."""
    backup = static.backup
    if (backup.schedule is None) != (backup.target is None):
        missing = "target" if backup.target is None else "schedule"
        yield Finding(("backup",), f"needs {missing} as well", 'such as schedule = "24h" and target = "/mnt/backup"')
    if backup.schedule is not None and backup.schedule < SHORTEST_BACKUP:
        yield Finding(("backup", "schedule"), "must be at least 10m")
    if 0 < backup.upload_limit < SLOWEST_UPLOAD:
        yield Finding(("backup", "upload_limit"), "must be 0, or at least 16k a second", 'such as upload_limit = "1m"')
    if isinstance(backup.target, SSHURL):
        yield from _far_backup(backup)
    elif isinstance(backup.target, ObjectURL):
        yield from missing_findings(
            "backup",
            backup,
            {
                "storage_keys_file": "a file with access_key_id, secret_access_key, region and endpoint, one a line",
                "encrypt_to": ENCRYPT,
            },
        )
    elif backup.target is not None and backup.target.resolve().is_relative_to(static.data_dir.resolve()):
        yield Finding(("backup", "target"), "must not be inside data_dir")
    for key in ("keep_daily", "keep_weekly"):
        if getattr(backup, key) < 0:
            yield Finding(("backup", key), "must not be negative")


def missing_findings(section: str, settings: object, needed: Mapping[str, str]) -> Iterator[Finding]:
    """Settings that a target elsewhere needs and that are not there; `needed` has a hint for each."""
    for key, hint in needed.items():
        if not getattr(settings, key):
            yield Finding((section, key), "is missing, for the target is on another machine", hint)


def _far_backup(backup: Backup) -> Iterator[Finding]:
    """Problems of a target on another machine: keys and values that it needs."""
    needed = {
        "ssh_key_file": "made by `ssh-keygen -t ed25519 -N '' -f FILE`; the other machine must let FILE.pub in",
        "ssh_host_keys": "the lines of /etc/ssh/ssh_host_*_key.pub on the other machine",
        "encrypt_to": ENCRYPT,
    }
    yield from missing_findings("backup", backup, needed)
    yield from host_key_findings("backup", backup.ssh_host_keys)


def host_key_findings(section: str, lines: Sequence[str]) -> Iterator[Finding]:
    """Lines of `ssh_host_keys` that are no public keys."""
    for index, line in enumerate(lines):
        words = line.split()
        if len(words) < 2 or not KEY_TEXT.issuperset(words[0] + words[1]) or words[0].startswith("@"):
            hint = 'such as "ssh-ed25519 AAAA..."'
            yield Finding((section, "ssh_host_keys", index), "is no public key of a host", hint)
