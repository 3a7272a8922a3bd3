"""Keys of moxlite.toml that belong to the machine: its user, paths, targets and commands (ADMIN-52c).

Such a key gives a right on the machine, or names a place there. A server signs its own backups, so a server that was
taken over decides what they say. A machine that gets a configuration from a backup or from another machine therefore
takes none of these values from it, unless the user confirms them (`admin.ownsettings`).

A file below the folder of the configuration comes along with it, so its path names nothing else of the machine.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from moxlite.config.toml.decode import KeyPath
from moxlite.config.values import Section

ANY: Final = "*"
"""In a key, any name that the owner chose."""


Use = Literal["", "read by root", "read by user", "run", "written"]
"""How the server uses the paths of a key. read by root: before it gives up root, if it starts as root. The others: as
the service user. "": the values aren't paths.
"""


class OwnKey(msgspec.Struct, frozen=True):
    """A key that belongs to the machine.

    Attributes:
      key: its names from the top. All that is below it belongs to the machine, too.
      without: the consequence if the machine has no value of its own, as a sentence; "" if it always has one.
      use: of the files or folders that the texts name.
      files: the texts are paths, and those below the folder of the configuration may come from another machine.
      also: other keys of the same table that are of no use without this one.
    """

    key: tuple[str, ...]
    without: str = ""
    use: Use = ""
    files: bool = False
    also: tuple[str, ...] = ()


NO_BACKUPS: Final = "scheduled backups are off"
NO_STANDBY: Final = "changes aren't copied to a standby target"

BY_ROOT: Final = "read by root"
BY_USER: Final = "read by user"

OWN_KEYS: Final = (
    OwnKey(("data_dir",), use="written"),
    OwnKey(("user",)),
    OwnKey(("admin_password_file",), use=BY_USER, files=True),
    OwnKey(("log_file",), "the log goes to stderr", "written", files=True),
    OwnKey(("listeners", ANY, "tls", "key_certs"), "the server uses a self-signed certificate", BY_ROOT, files=True),
    OwnKey(("listeners", ANY, "tls", "host_private_key_files"), "new host keys are created", BY_ROOT, files=True),
    OwnKey(("tls", "ca"), "only the system's CAs are trusted", BY_USER, files=True),
    OwnKey(("acme", ANY, "ca_cert_file"), "only the system's CAs are trusted", BY_USER, files=True),
    OwnKey(("acme", ANY, "external_account_binding"), "a new account at the CA may be rejected", BY_ROOT, files=True),
    OwnKey(("backup", "ssh_key_file"), NO_BACKUPS, BY_ROOT, files=True, also=("target", "schedule")),
    OwnKey(("backup", "storage_keys_file"), NO_BACKUPS, BY_ROOT, files=True, also=("target", "schedule")),
    OwnKey(("backup", "target"), NO_BACKUPS, "written", also=("schedule",)),
    OwnKey(("backup", "rehearsal_identity"), "encrypted backups aren't tested", BY_USER, files=True),
    OwnKey(("standby", "ssh_key_file"), NO_STANDBY, BY_ROOT, files=True, also=("target",)),
    OwnKey(("standby", "storage_keys_file"), NO_STANDBY, BY_ROOT, files=True, also=("target",)),
    OwnKey(("standby", "target"), NO_STANDBY, "written"),
    OwnKey(("standby", "litestream"), "Litestream is used from PATH or the package", "run"),
    OwnKey(("doctor", "command"), "the doctor doesn't run a program"),
    OwnKey(("oidc", "client_secret_file"), "the login provider may reject logins", BY_USER, files=True),
    OwnKey(("updates",), "the server doesn't look for new versions", also=("check_updates",)),  # signs what root runs
)
"""In the order in which they are decided: the data directory before the user, who may be its owner; keys for a target
before the target. `tests/unit/test_config_ownkeys.py`
compares the table with all keys of the configuration.
"""


def present(key: OwnKey, settings: Mapping[str, object]) -> list[tuple[tuple[str, ...], object]]:
    """The paths at which the settings of a moxlite.toml have this key, with their values."""
    tables: list[tuple[tuple[str, ...], object]] = [((), settings)]
    for name in key.key:
        found: list[tuple[tuple[str, ...], object]] = []
        for path, table in tables:
            if isinstance(table, Mapping):
                names = list(table) if name == ANY else [name]
                found += [((*path, one), table[one]) for one in names if one in table]
        tables = found
    return tables


def own_key_of(path: tuple[str, ...]) -> OwnKey | None:
    """The key that a path from the top means, if it belongs to the machine."""
    for key in OWN_KEYS:
        if len(key.key) == len(path) and all(name in (ANY, one) for name, one in zip(key.key, path, strict=True)):
            return key
    return None


class OwnPath(NamedTuple):
    """A file or folder that a moxlite.toml names at `path`, below the key `own`."""

    path: KeyPath
    file: Path
    own: OwnKey


def own_paths(static: Section) -> Iterator[OwnPath]:
    """All files and folders that a moxlite.toml names."""
    for key in OWN_KEYS:
        yield from (OwnPath(path, file, key) for path, file in _paths(static, key.key, ()))


def _paths(value: object, names: tuple[str, ...], path: KeyPath) -> Iterator[tuple[KeyPath, Path]]:
    match value:
        case Path():
            yield path, value
        case Section():
            for name in names[:1] or value.__struct_fields__:
                yield from _paths(getattr(value, name), names[1:], (*path, name))
        case Mapping():
            for name, item in value.items():
                yield from _paths(item, names[1:], (*path, name))
        case tuple():
            for index, item in enumerate(value):
                yield from _paths(item, names, (*path, index))
