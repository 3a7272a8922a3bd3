"""Cross checks of the section [standby] (STORE-186)."""

from collections.abc import Iterator
from typing import Final

from moxlite.config.checks.backup import host_key_findings, missing_findings
from moxlite.config.static import Static
from moxlite.config.toml.decode import Finding
from moxlite.proto.objecturl import ObjectURL
from moxlite.proto.sshurl import SSHURL

SHORTEST: Final = 3600.0
"""Seconds: a follower that was away for some minutes must still find all changes."""

ENCRYPT: Final = (
    "configuration and private keys travel encrypted: `age-keygen -o standby-key.txt` makes a key and prints the "
    "age1... for here; the second machine gets that file"
)


def standby_findings(static: Static) -> Iterator[Finding]:
    """Findings within [standby]."""
    standby = static.standby
    target = standby.target
    if target is None:
        return
    if isinstance(target, SSHURL):
        needed = {
            "ssh_key_file": "made by `ssh-keygen -t ed25519 -N '' -f FILE`; the other machine must let FILE.pub in",
            "ssh_host_keys": "a line of /etc/ssh/ssh_host_ed25519_key.pub on the other machine",
        }
        yield from missing_findings("standby", standby, needed)
        yield from host_key_findings("standby", standby.ssh_host_keys)
        if target.user == "":
            yield Finding(("standby", "target"), "names no user", "ssh://USER@host/path")
    elif isinstance(target, ObjectURL):
        if target.scheme != "s3://":
            yield Finding(("standby", "target"), "is neither s3:// nor ssh:// nor a folder")
        needed = {"storage_keys_file": "a file with access_key_id, secret_access_key, region and endpoint, one a line"}
        yield from missing_findings("standby", standby, needed)
    elif target.resolve().is_relative_to(static.data_dir.resolve()):
        yield Finding(("standby", "target"), "must not be inside data_dir")
    if standby.lease and not isinstance(target, ObjectURL):
        hint = "without it a person says when the second machine takes over: moxlite standby takeover"
        yield Finding(("standby", "lease"), "needs a target in object storage (s3://)", hint)
    if target == static.backup.target:
        yield Finding(("standby", "target"), "must not be backup.target", "another folder of the same place will do")
    if not standby.encrypt_to:
        yield Finding(("standby", "encrypt_to"), "is missing", ENCRYPT)
    if standby.keep < SHORTEST:
        yield Finding(("standby", "keep"), "must be at least 1h")
