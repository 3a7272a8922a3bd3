"""Restoring a whole server from a backup on a new machine (ADMIN-52a). Restoring the data alone is
`admin.backup.restores`.
"""

import datetime as dt
import json
import os
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from moxlite.admin.dkimkeys import write_new
from moxlite.admin.dns.wanted import tlsa_records
from moxlite.admin.dns.zonefile import zone_line
from moxlite.admin.hostkeys import ensure_host_keys, name_host_keys
from moxlite.admin.ownsettings import (
    CERTIFICATE,
    STATIC_FILE,
    Accept,
    LocalSettings,
    Settings,
    SkippedSetting,
    own_file,
)
from moxlite.admin.storage.settings import store_options
from moxlite.config.files import write_atomically
from moxlite.config.load import DOMAINS_FILE, ConfigError, check_files, parse, read_source, source_of
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.config.toml.decode import Mistake
from moxlite.logins.adminpassword import write_admin_password
from moxlite.net.limits import IPAddress
from moxlite.net.tls.certificates import self_signed
from moxlite.process.keys import selectors_of
from moxlite.process.lock import DataLock
from moxlite.process.permissions import NamedFiles, fix_config, fix_data
from moxlite.process.privileges import UnknownUser, service_user
from moxlite.proto.address import Domain
from moxlite.safefile import Tree, plain_parts, read_file
from moxlite.store.auth.credentials import generate_password
from moxlite.store.backup.keys import rotate_signer
from moxlite.store.backup.layout import CONFIG, CONFIG_FOLDER, NAMED, RESTORING
from moxlite.store.backup.restore import copy_restored, restore
from moxlite.store.backup.storage import make_durable
from moxlite.store.backup.verify import VerificationResult, verify
from moxlite.store.errors import BadTarget
from moxlite.store.file.boundary import Edge, storage

FOLDER_MODE: Final = 0o750
"""Mode of folders that are made; the start gives them their last one."""

CLOSED: Final = 0o700
"""Mode of the data directory until all in it has its owner."""
TEXT_MODE: Final = 0o640
"""Mode of the two files of the configuration."""

EMPTY: Final = frozenset({"lost+found", "lock", RESTORING})
"""Names that may be in an empty data directory."""

Tell = Callable[[str], None]


class RestoredConfig(msgspec.Struct, frozen=True):
    """The configuration of a backup, adapted to this machine.

    Attributes:
      config: its folder.
      texts: the two files, by name.
      snapshot: the parsed configuration.
      named: the files of ``named/`` that the configuration names, by their names in the backup; they go to the same
        place below `config`.
      unnamed: those that it does not name; they are not restored.
      skipped: values of the backup that are the other machine's own.
      self_signed: listeners that get a self-signed certificate.
      ids: user and group id of the service user, who gets the files; None if this process cannot change owners.
    """

    config: Path
    texts: dict[str, str]
    snapshot: Snapshot
    named: tuple[str, ...]
    unnamed: tuple[str, ...]
    skipped: tuple[SkippedSetting, ...]
    self_signed: tuple[str, ...]
    ids: tuple[int, int] | None


class RestoredMachine(msgspec.Struct, frozen=True):
    """Result of a restore.

    Attributes:
      admin_password: the new one; "" if the configuration has no administrator.
      new_keys: TLSA records of host keys that were made because the backup had no keys.
      problems: of the restored data.
      notes: owners and modes that could not be set.
      messages: number of messages read and compared with their hashes.
      signer: the new signer of backups, where one succeeds that of the other machine; "" else.
    """

    admin_password: str
    new_keys: list[str]
    problems: list[str]
    notes: list[str]
    messages: int
    signer: str


def prepare(
    read: Callable[[str], bytes],
    named: list[str],
    config: Path,
    data: Path | None,
    *,
    given: Settings,
    accept: Accept,
) -> RestoredConfig:
    """Adapt the configuration of a backup to this machine. Nothing is written.

    Args:
      read: returns the octets of a file of the backup, by its name there.
      named: names of files below ``named/``.
      config: the absolute folder for the configuration.
      data: the data directory; None: this machine's own one.
      given: places that the command line names, and may be used.
      accept: asks whether to use a value that belongs to the other machine.

    Raises:
      ConfigError: mistakes in the configuration, or in this machine's own values.
      UnknownUser: this process is root, and there is no service user.
      BackupError, OSError: the backup cannot be read.
    """
    origin = Path(read(f"{NAMED}/{CONFIG_FOLDER}").decode().strip()) if named else config
    moves = {f"/{name.removeprefix(f'{NAMED}/')}": name for name in named}
    texts, used = {}, set[str]()
    for name in (STATIC_FILE, DOMAINS_FILE):
        texts[name], found = _moved(source_of(config / name, read(f"{CONFIG}/{name}")).text, origin, moves)
        used |= found
    local = LocalSettings(
        source_of(config / STATIC_FILE, texts[STATIC_FILE].encode()), config, given=given, accept=accept
    )
    texts[STATIC_FILE] = local.settle(data)
    snapshot, errors = check_files(*(source_of(config / name, text.encode()) for name, text in texts.items()))
    if snapshot is None:
        raise ConfigError(errors)
    unnamed = tuple(sorted({*named} - used))
    user = snapshot.static.user
    try:
        ids = service_user(user)
    except UnknownUser:
        raise UnknownUser(
            f"user {user!r} doesn't exist; create it (useradd --system --no-create-home {user}), or set `user` in "
            f"{own_file(config)}"
        ) from None
    skipped, self_signed = tuple(local.skipped), tuple(local.self_signed)
    return RestoredConfig(config, texts, snapshot, tuple(sorted(used)), unnamed, skipped, self_signed, ids)


def _moved(text: str, origin: Path, moves: Mapping[str, str]) -> tuple[str, set[str]]:
    """Replace the paths of files that were moved; the text, and the new paths that are in it.

    Args:
      origin: the folder at which relative paths begin.
      moves: new paths, relative to the new folder, by the old absolute ones.
    """
    used = set[str]()
    try:
        found = set(_strings(tomllib.loads(text)))
    except tomllib.TOMLDecodeError:
        return text, used  # the check of the file reports it
    for old in found:
        new = moves.get(os.path.normpath(origin / old))
        if new is not None:
            used.add(new)
            for quoted in (json.dumps(old, ensure_ascii=False), f"'{old}'"):
                text = text.replace(quoted, json.dumps(new, ensure_ascii=False))
    return text, used


def _strings(value: object) -> Iterator[str]:
    """All strings in a TOML value that could be paths."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def check_empty(prepared: RestoredConfig) -> None:
    """Raise BadTarget if this machine has a server already, or a part of one."""
    data = prepared.snapshot.static.data_dir
    for one in (prepared.config, *(prepared.config.iterdir() if prepared.config.exists() else ())):
        if one.is_symlink():
            raise BadTarget(
                f"can't restore to the symbolic link {one}; to move it out of the way, run: mv {one} {one}.old"
            )
    if _interrupted(data):
        return
    for name in prepared.texts:
        if (prepared.config / name).exists():
            raise BadTarget(
                f"{prepared.config} already has a configuration, and restore only works on a machine without one. "
                f"To start over, run: mv {prepared.config} {prepared.config}.old"
            )
    if data.exists() and (there := sorted({path.name for path in data.iterdir()} - EMPTY)):
        raise BadTarget(f"{data} isn't empty (found {there[0]}); to move it out of the way, run: mv {data} {data}.old")


def _interrupted(data: Path) -> bool:
    """Whether a restore into this data directory was interrupted. It was root's until the end, so that the service user
    cannot make it look so.
    """
    try:
        mark = (data / RESTORING).lstat()
        return stat.S_ISREG(mark.st_mode) and (os.geteuid() != 0 or data.stat().st_uid == 0)
    except FileNotFoundError:
        return False


def restore_machine(
    backup: Path,
    prepared: RestoredConfig,
    *,
    resume_queue: bool,
    tell: Tell,
    quick: bool = False,
    keep_uids: bool = False,
    succeed: bool = False,
) -> RestoredMachine | list[str]:
    """Write configuration, keys and data. Blocks. If the backup is damaged, nothing is changed, and its problems are
    returned instead.

    Args:
      quick: mail waits: nothing is verified, for a follower has checked it daily, and databases are moved, not copied.
      keep_uids: as `store.backup.restore.restore`.
      succeed: the machine of before is replaced: this one signs by a key of its own, for which the old one vouches.

    Raises:
      BadTarget: see `check_empty`.
      Locked: another process uses the data directory.
      BackupError, StoreError, OSError: the restore can be run again.
    """
    check_empty(prepared)
    verification_result = VerificationResult() if quick else verify(backup, tell=tell)
    if verification_result.problems:
        return [str(problem) for problem in verification_result.problems]
    snapshot, config = prepared.snapshot, prepared.config
    static, data, path = snapshot.static, snapshot.static.data_dir, prepared.config / STATIC_FILE
    for folder in (config, data):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if prepared.ids is not None:
        for folder in (config, data):
            os.chown(folder, 0, 0, follow_symlinks=False)
            folder.chmod(CLOSED)
    with DataLock(data / "lock"):
        mark = data / RESTORING
        mark.touch()
        with storage(Edge(str(backup))):
            options = store_options(FixedConfig(snapshot))
            restore(
                backup,
                data,
                options,
                resume_queue=resume_queue,
                move=quick,
                keep_uids=keep_uids,
                keep_mark=True,  # until the configuration is complete
                tell=tell,
            )
        never = {path.name} if static.admin_password_file is None else {path.name, static.admin_password_file.name}
        _copy(backup, prepared, never | {DOMAINS_FILE}, tell)
        password = ""
        if static.admin_password_file is not None:
            password = generate_password()
            write_admin_password(static.admin_password_file, password)
        # moxlite.toml last: without it no server starts.
        for name, text in reversed(prepared.texts.items()):
            write_atomically(config / name, text.encode(), mode=TEXT_MODE)
        _make_certificate(prepared)
        missing = ensure_host_keys(config, static, dt.datetime.now(dt.UTC))
        if missing:
            name_host_keys(path, missing)
        signer = rotate_signer(config) if succeed else ""
        notes = _give_config(prepared, path)
        mark.unlink()
        make_durable(data)
        notes += [] if prepared.ids is None else _failures(fix_data(data, prepared.ids[0]))
        verified = VerificationResult() if quick else verify(data, deep=True, tell=tell)
    return RestoredMachine(
        password,
        _tlsa(path) if missing else [],
        [str(problem) for problem in verified.problems],
        notes,
        verified.messages,
        signer,
    )


def _make_certificate(prepared: RestoredConfig) -> None:
    """Make the certificate of listeners whose own one stays on the other machine: other servers can send mail."""
    if not prepared.self_signed:
        return
    static = prepared.snapshot.static
    names = {(static.listeners[name].hostname or static.hostname).ascii: None for name in prepared.self_signed}
    pair = self_signed([*names])
    for key, octets in (("key_file", pair.key_pem()), ("cert_file", pair.certificate_pem())):
        path = prepared.config / CERTIFICATE[key]
        path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        path.unlink(missing_ok=True)  # of an interrupted run
        write_new(path, octets)


def _copy(backup: Path, prepared: RestoredConfig, never: set[str], tell: Tell) -> None:
    """Copy all regular files below ``config/``, and those that the configuration names below ``named/``. Existing files
    are overwritten only after an interrupted run. `never`: names at the top that are not copied.
    """
    with Tree(backup) as source, Tree(prepared.config) as target:
        for folder, folders, names in os.walk(backup / CONFIG):
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                below = path.relative_to(backup / CONFIG)
                if str(below) not in never and stat.S_ISREG(path.lstat().st_mode):
                    tell(str(path))
                    copy_restored(source, (CONFIG, *below.parts), target, below.parts, replace=True)
        for name in prepared.named:
            tell(name)
            copy_restored(source, plain_parts(name), target, plain_parts(name), replace=True)


def _give_config(prepared: RestoredConfig, path: Path) -> list[str]:
    """Give the files of the configuration to their owners; lines about failures."""
    if prepared.ids is None:
        return []
    uid, gid = prepared.ids
    static, config = prepared.snapshot.static, prepared.config
    named = NamedFiles.of(parse(read_source(path)), path.absolute().parent)
    failures = _failures(fix_config(path, DOMAINS_FILE, static.data_dir, uid, gid, named=named))
    with Tree(config) as tree:
        for _, selector in selectors_of(prepared.snapshot.domains):
            try:
                below = os.path.normpath(selector.key_file)
                tree.give(plain_parts(Path(below).relative_to(config).as_posix()), uid, gid)
            except (ValueError, FileNotFoundError):
                continue  # in another folder, where the configuration of a backup gives nothing away; or not there
            except OSError as error:
                failures.append(f"{selector.key_file}: permissions not changed: {error.strerror}")
    return failures


def _failures(changed: list[str]) -> list[str]:
    """The lines of `fix_config` and `fix_data` that tell no change."""
    return [line for line in changed if " is now " not in line]


def _tlsa(path: Path) -> list[str]:
    """TLSA records of the keys that the configuration names now."""
    texts = [source_of(one, read_file(one)) for one in (path, path.parent / DOMAINS_FILE)]
    snapshot, _ = check_files(*texts)
    return [] if snapshot is None else [zone_line(tlsa_record) for tlsa_record in tlsa_records(snapshot)]


# The addresses of a restored configuration, compared with those that its present machine has (ADMIN-52a).


class NewAddresses(msgspec.Struct, frozen=True):
    """Lines for people: lines of moxlite.toml to change before the start, and DNS records to change."""

    configuration: list[str]
    dns: list[str]


def compare_addresses(prepared: RestoredConfig, machine: Sequence[IPAddress]) -> NewAddresses:
    """Compare the listeners with `machine`, all addresses of this machine. The result is empty if the machine has them
    all.
    """
    static = prepared.snapshot.static
    have = [str(ip) for ip in machine if not ip.is_loopback]
    mistakes: list[Mistake] = []
    lost: dict[str, None] = {}
    for name, listener in static.listeners.items():
        gone = [ip for ip in listener.ips if not (ip.is_unspecified or ip.is_loopback or ip in machine)]
        if not gone:
            continue
        lost.update(dict.fromkeys(map(str, listener.nat_ips or gone)))
        text = f"this machine doesn't have the address {', '.join(map(str, gone))}"
        mistakes.append(Mistake(("listeners", name, "ips"), text, f"this machine's addresses: {json.dumps(have)}"))
        if listener.nat_ips:
            text = "public address of the old machine"
            mistakes.append(Mistake(("listeners", name, "nat_ips"), text, "use the new public address"))
    if not mistakes:
        return NewAddresses([], [])
    source = source_of(prepared.config / STATIC_FILE, prepared.texts[STATIC_FILE].encode())
    hosts = {snapshot_host.ascii for snapshot_host in map(prepared.snapshot.hostname, static.listeners)}
    hosts = {one for one in hosts | {static.hostname.ascii} if "." in one}
    old = ", ".join(lost)
    dns = [f"{host}. A, AAAA: the new address instead of {old}" for host in sorted(hosts)]
    dns += [f"reverse name of the new address: {static.hostname.ascii}. (set by your provider)"]
    dns += [
        f"{name}. TXT v=spf1: the new address instead of {old}" for name in _with_spf(prepared, static.hostname.ascii)
    ]
    return NewAddresses([str(finding) for finding in source.findings(mistakes)], dns)


def _with_spf(prepared: RestoredConfig, hostname: str) -> list[str]:
    """Names whose SPF record lists addresses: the host's and all domains'."""
    domains = [Domain.parse(name).ascii for name in prepared.snapshot.domains.domains]
    return list(dict.fromkeys([hostname, *domains]))
