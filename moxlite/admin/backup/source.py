"""The subject of a backup: which files of the configuration it holds, and which of them are private keys (STORE-141a).

| File                                             | In a backup                                                   |
|--------------------------------------------------|---------------------------------------------------------------|
| the folder of the configuration                  | always, but for the two below                                 |
| keys of the host (``hostkeys``, and named ones)  | in an encrypted one; else with ``backup.include_keys``        |
| other named keys that only root can read         | the same                                                      |
| tokens of DNS providers (``dns``)                | the same                                                      |
| ``admin_password_file``                          | never: a restore makes a new password                         |
| DKIM keys, certificates of CAs, in other folders | always                                                        |
| certificates and their keys in other folders     | never: another program makes them, and renews them there      |
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from moxlite.admin.dnsproviders.accounts import PROVIDER
from moxlite.admin.hostkeys import HOST_KEYS
from moxlite.config.load import DNS_FOLDER
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import Static
from moxlite.process.keys import Read, backup_key_files, certificate_files, host_key_files, selectors_of
from moxlite.store.backup.keys import Signer, load_signer
from moxlite.store.backup.sources import NamedFile, Source
from moxlite.store.errors import BackupError


def source_of(
    snapshot: Snapshot, config: Path, broken: Mapping[str, str], read: Read, readable: Callable[[Path], bool]
) -> Source:
    """The subject of a backup. Blocks.

    Args:
      config: the static configuration file.
      broken: accounts that are known to be damaged, with the reason.
      read: reads files that moxlite.toml names.
      readable: whether the service user can read a file by itself.
    """
    static, folder = snapshot.static, config.resolve().parent
    others = [path for path in _other_keys(static, folder) if not readable(path)]
    named = [_read(path, read) for path in (*host_key_files(static), *others)]
    known = {named_file.path for named_file in named}
    named += [NamedFile(path, private=True) for path in _beside(folder) if path not in known]
    named += [NamedFile(path) for path in _public(snapshot) if not _below(path, folder)]
    named += [NamedFile(path) for path in _other_keys(static, folder) if readable(path) and not _below(path, folder)]
    password = static.admin_password_file
    return Source(
        data=static.data_dir,
        config=folder,
        configured=frozenset(snapshot.domains.accounts),
        broken=dict(broken),
        named=tuple(named),
        never=frozenset() if password is None else frozenset({password}),
        foreign=tuple(foreign_files(static, folder)),
        include_keys=static.backup.include_keys,
    )


def foreign_files(static: Static, folder: Path) -> list[Path]:
    """Certificates and their keys that another program keeps in its own folder."""
    return [path for path in certificate_files(static) if not _below(path, folder)]


def _other_keys(static: Static, folder: Path) -> list[Path]:
    """Keys of bindings at a CA, of the other machine of backups, and of certificates in the configuration's folder."""
    bindings = [one.external_account_binding.key_file for one in static.acme.values() if one.external_account_binding]
    pairs = [
        pair for listener in static.listeners.values() if listener.tls is not None for pair in listener.tls.key_certs
    ]
    others, keys = [*bindings, *backup_key_files(static)], [pair.key_file for pair in pairs]
    if static.imap.apple_push is not None:
        keys.append(static.imap.apple_push.key_file)
    return list(dict.fromkeys([*others, *(key for key in keys if _below(key, folder))]))


def _read(path: Path, read: Read) -> NamedFile:
    try:
        return NamedFile(path, private=True, content=read(path))
    except OSError as error:
        return NamedFile(path, private=True, problem=f"cannot be read: {error.strerror or error}")


def _beside(folder: Path) -> Iterator[Path]:
    """Keys of the host in its folder that no listener names, not yet or not any more, and tokens of DNS providers."""
    for name, ending in ((HOST_KEYS, ""), (DNS_FOLDER, PROVIDER)):
        try:
            yield from sorted(
                path for path in (folder / name).iterdir() if path.is_file() and path.name.endswith(ending)
            )
        except OSError:
            continue


def _public(snapshot: Snapshot) -> Iterator[Path]:
    """Files that the service user can read, and that the configuration names."""
    static = snapshot.static
    yield from (selector.key_file for _, selector in selectors_of(snapshot.domains))
    if static.tls is not None and static.tls.ca is not None:
        yield from static.tls.ca.cert_files
    yield from (one.ca_cert_file for one in static.acme.values() if one.ca_cert_file is not None)


def _below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder)


# The key by which this server signs its backups (STORE-184f): made with the first one that is signed.


def own_signer(config: Path) -> tuple[Signer | None, list[str]]:
    """The signer of the server with this folder of configuration, and notes for its owner: that it was made, or why
    it is missing. A backup without signature does better than no backup. Blocks.
    """
    try:
        signer, made = load_signer(config, create=True)
    except (BackupError, OSError) as error:
        reason = f"{error.filename or config}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
        return None, [f"backups are not signed: {os.fsdecode(reason)}"]
    assert signer is not None
    if not made:
        return signer, []
    return signer, [f"backups are signed from now on, by {signer.public}: keep that with the key of your backups"]
