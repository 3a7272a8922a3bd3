"""The start before Trio runs: configuration, data directory and its lock, ports, keys, the log, and giving up root
(ADMIN-24, 36, 38, 41, 66).

A step that fails raises `StartFailed` with one line that says how to fix it; everything opened before is closed again.
"""

import contextlib
import logging
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from moxlite import __version__
from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.config.listeners import TLS_FIRST, Listener, Protocol, enabled_services
from moxlite.config.load import DOMAINS_FILE, parse, read_source
from moxlite.config.static import DATA_DIR, SERVICE_USER, Static
from moxlite.findings import Finding, fault
from moxlite.net import listeners, log
from moxlite.net.limits import IPAddress
from moxlite.net.listeners import Bind, BindError, is_here
from moxlite.process.errors import AlreadyRunning, PortTaken, StartFailed
from moxlite.process.fences import explain_os_error
from moxlite.process.keys import (
    KEY_SIZE,
    ACMEKeys,
    Certificates,
    SigningKeys,
    backup_key_files,
    certificate_files,
    host_key_files,
    load_key,
    load_keys,
    read_authorities,
    read_named,
)
from moxlite.process.lock import DataLock, Locked
from moxlite.process.parent import Parent, split
from moxlite.process.permissions import NamedFiles, fix_config, fix_data
from moxlite.process.privileges import (
    UMASK,
    UnknownUser,
    Unreadable,
    acting_as,
    as_its_author,
    drop_privileges,
    service_user,
)
from moxlite.process.stopped import DATA_MODE, make_data
from moxlite.safefile import openings, read_file
from moxlite.store.backup.layout import RESTORING

logger = logging.getLogger("moxlite.process.startup")

OLDEST_CLOCK: Final = 1704067200.0
"""Seconds UTC of 1 January 2024. An earlier clock is not set; certificates, signatures and times of messages would all
be wrong.
"""

HTTP_PORT: Final = 80
"""The port to which a CA connects for http-01 (RFC 8555 §8.3)."""

VERSION: Final = "version"
"""Name of the file with the version of moxlite that last used the data directory."""


class Endpoint(msgspec.Struct, frozen=True):
    """A port to serve. The web services of a listener share endpoints; the component `web` looks up which of them an
    endpoint has.
    """

    listener: str
    service: Protocol
    ip: IPAddress
    port: int

    @property
    def tls(self) -> bool:
        """Whether TLS starts with the connection."""
        return self.service in TLS_FIRST


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The results of the start. `close` closes everything that the server has not taken over."""

    holder: ConfigHolder
    keys: SigningKeys
    warnings: tuple[Finding, ...]
    lock: DataLock
    sockets: tuple[tuple[Endpoint, socket.socket], ...]
    certificates: Certificates
    acme_keys: ACMEKeys
    parent: Parent | None
    """Reads files that only root may read; only in a process that has given up root."""
    log_handler: log.LogHandler
    install_key: bytes
    faults: list[Finding]
    """Faults that keep the server from being healthy."""
    first: bool
    """No server has used this data directory before, so this one may make auth.db and queue.db (STORE-158d)."""

    def read(self, path: Path) -> bytes:
        """The octets of a file with certificates or keys that moxlite.toml names. Blocks. Raises OSError."""
        for name, acme in self.holder.current.static.acme.items():
            binding = acme.external_account_binding
            if binding is not None and binding.key_file == path and name in self.acme_keys.bindings:
                return f"{self.acme_keys.bindings[name]}\n".encode()  # no PEM, so the parent does not pass it on
        return read_file(path) if self.parent is None else self.parent.read(path)

    def close(self) -> None:
        """Close the sockets and release the lock; both may be closed already."""
        _close_all(self.sockets)
        if self.parent is not None:
            self.parent.close()
        self.lock.release()


def endpoints(static: Static) -> list[Endpoint]:
    """The ports of all listeners, each once, in the order of the file."""
    found: dict[tuple[str, IPAddress, int], Endpoint] = {}
    for name, listener in static.listeners.items():
        for service, port in _ports(static, listener):
            for ip in listener.ips:
                found.setdefault((name, ip, port), Endpoint(name, service, ip, port))
    return list(found.values())


def _clash(endpoint: Endpoint, bound: Iterable[Endpoint]) -> str:
    """The port of ours that prevents another from being bound, in words; "" if there is no such port."""
    ip, port = endpoint.ip, endpoint.port
    for one in bound:
        if (
            one.port == port
            and one.ip.version == ip.version
            and (one.ip == ip or one.ip.is_unspecified or ip.is_unspecified)
        ):
            return (
                f"{ip} port {port} for the listener {endpoint.listener} is already used by the listener "
                f"{one.listener} ({one.ip} port {port}); use different addresses in `ips`, or another port"
            )
    return ""


def _ports(static: Static, listener: Listener) -> Iterator[tuple[Protocol, int]]:
    """The services' ports, and one for ACME challenges (RFC 8737) if a CA could ask at none of them."""
    used = {(protocol, port): None for _, protocol, port in enabled_services(listener)}
    yield from used
    if listener.tls is None or listener.tls.acme is None:
        return
    port = static.acme[listener.tls.acme].port
    if ("http", HTTP_PORT) not in used and port not in {number for _, number in used}:
        yield "https", port


def start(
    path: Path, *, log_level: str | None = None, pedantic: bool = False, drop: bool = True, bind: Bind | None = None
) -> Started:
    """Prepare everything that must happen before Trio runs, and give up root.

    Args:
      path: the static configuration file.
      log_level: overrides the configured one.
      pedantic: pedantic mode, whatever the configuration says.
      drop: become the configured user when started as root.
      bind: makes the sockets of the ports. None: `listeners.bind`.

    Raises:
      ConfigError: mistakes in the configuration.
      StartFailed: any other fault.
    """
    if time.time() < OLDEST_CLOCK:
        raise StartFailed("this machine's clock is wrong (before 2024); set the clock and try again")
    if os.name == "posix":
        os.umask(UMASK)
    ids = None
    changes: list[str] = []
    if drop and os.name == "posix" and os.geteuid() == 0:
        _refuse_replaceable(path)
        ids = _service_user(path)
        if ids is not None:
            changes = _open_config(path, *ids)
    keys = SigningKeys()
    holder, warnings = ConfigHolder.open(
        path, pedantic=pedantic, examine=keys.read, reading=partial(as_its_author, path.parent / DOMAINS_FILE, ids)
    )
    static = holder.current.static
    with contextlib.ExitStack() as undo:
        try:
            make_data(static.data_dir, ids)
        except OSError as error:
            raise StartFailed(f"can't use the data directory {static.data_dir}: {error.strerror}") from None
        if ids is not None and not static.no_fix_permissions:
            changes += fix_data(static.data_dir, ids[0])
        # Before keys and ports: a second start by mistake says that a server runs, not that a port is taken.
        lock = undo.enter_context(_lock(static.data_dir, ids))
        read = partial(read_named, ids=ids)
        certificates, acme_keys = load_keys(static, read)
        sockets: list[tuple[Endpoint, socket.socket]] = []
        undo.callback(_close_all, sockets)
        missing = _bind_all(static, bind, sockets)
        parent = None
        if ids is not None:
            # After the last step that needs root, and before any thread: fork(2) takes along only the one that calls.
            parent = split([*certificate_files(static), *host_key_files(static), *backup_key_files(static)])
            undo.callback(parent.close)
            try:
                drop_privileges(*ids)
            except (OSError, Unreadable) as error:
                raise StartFailed(f"can't switch to user {static.user}: {error}") from None
        # By the service user: a log file that root had made could not be opened again after it was rotated.
        handler, unusable = _log(static, log_level)
        unusable += read_authorities(static)[1]
        if drop and ids is None and os.name == "posix" and os.geteuid() == 0:
            logger.warning("running as root", extra={"kv": {"user": static.user}})
        for finding in [*missing, *unusable]:
            logger.error("serving without a part of the configuration", extra={"kv": {"err": finding.text}})
        for line in changes:
            logger.info("permissions fixed", extra={"kv": {"change": line}})
        install_key, faults = _prepare_data(static.data_dir)
        undo.pop_all()
    return Started(
        holder=holder,
        keys=keys,
        warnings=tuple(warnings),
        lock=lock,
        sockets=tuple(sockets),
        certificates=certificates,
        acme_keys=acme_keys,
        parent=parent,
        log_handler=handler,
        install_key=install_key,
        faults=[*faults, *unusable],
        first=not (static.data_dir / VERSION).exists(),
    )


def _bind_all(static: Static, bind: Bind | None, sockets: list[tuple[Endpoint, socket.socket]]) -> list[Finding]:
    """Bind the ports of all listeners, and return findings about addresses that this machine doesn't have. Raises
    StartFailed, also if it has none of them.
    """
    for endpoint in endpoints(static):
        if (sock := _bound(endpoint, bind or partial(listeners.bind, absent=True), sockets)) is not None:
            sockets.append((endpoint, sock))
    missing = [] if bind else missing_addresses(static)
    if missing and len(missing) == len({endpoint.ip for endpoint in endpoints(static)}):
        raise StartFailed("; ".join(finding.text for finding in missing))
    return missing


def _bound(endpoint: Endpoint, bind: Bind, sockets: Sequence[tuple[Endpoint, socket.socket]]) -> socket.socket | None:
    """The socket of a port. None if this machine doesn't have the address and the system lets no one bind it: the other
    ports don't need it. Raises StartFailed.
    """
    try:
        return bind(endpoint.ip, endpoint.port)
    except BindError as error:
        if error.absent:
            return None
        if not error.taken:
            raise StartFailed(str(error)) from None
        if ours := _clash(endpoint, [one for one, _ in sockets]):
            raise StartFailed(ours) from None
        raise PortTaken(str(error)) from None


def missing_addresses(static: Static) -> list[Finding]:
    """Addresses of listeners that this machine doesn't have now. With a lease the other machine may have them, which is
    no fault. A loopback address is a warning: only programs of this machine could use it.
    """
    if static.standby.lease:
        return []
    names: dict[IPAddress, dict[str, None]] = {}
    for endpoint in endpoints(static):
        names.setdefault(endpoint.ip, {})[endpoint.listener] = None
    return [
        Finding(
            grade="warning" if ip.is_loopback else "error",
            code="port-closed",
            about=str(ip),
            text=f"this machine doesn't have the address {ip}, so clients can't use it to reach the listener "
            f"{', '.join(names[ip])}",
            commands=("add the address, or remove it from the listener's `ips`",),
        )
        for ip in names
        if not is_here(ip)
    ]


def _close_all(sockets: Sequence[tuple[Endpoint, socket.socket]]) -> None:
    for _, sock in sockets:
        sock.close()


def _refuse_replaceable(path: Path) -> None:
    """Raise StartFailed if another user than root could change ``moxlite.toml``, which decides the files that root
    reads, and the service user (ADMIN-37).
    """
    try:
        found = openings(path)
    except OSError:
        return  # the read that follows reports it
    if found:
        why, cures = "; ".join(one.words for one in found), "; ".join(one.cure for one in found)
        raise StartFailed(
            f"can't start as root because other users can change {path}: {why}. Make root the owner of the file "
            f"and its folders ({cures}), or start as another user"
        )


def _open_config(path: Path, uid: int, gid: int) -> list[str]:
    """Fix the permissions of the configuration before it is read, partly as the service user: a folder made by root, as
    by quickstart or an editor, is closed to that user. Returns a line for each change.

    Raises ConfigError: the file isn't TOML.
    """
    settings = parse(read_source(path))
    data = settings.get("data_dir", DATA_DIR)
    if settings.get("no_fix_permissions") is True or not isinstance(data, str):
        return []  # disabled; or a mistake, which is reported later
    named = NamedFiles.of(settings, path.absolute().parent)
    return fix_config(path, DOMAINS_FILE, path.parent / data, uid, gid, named=named)


def _service_user(path: Path) -> tuple[int, int] | None:
    """User and group id of the service user that the static configuration names; None if that is root itself.

    Raises:
      ConfigError: the file isn't TOML.
      StartFailed: the user does not exist.
    """
    user = parse(read_source(path)).get("user", SERVICE_USER)
    if not isinstance(user, str):
        return None  # a mistake, which is reported later
    try:
        return service_user(user)
    except UnknownUser as error:
        raise StartFailed(str(error)) from None


def _lock(data_dir: Path, ids: tuple[int, int] | None) -> DataLock:
    """Lock the data directory, as the service user."""
    try:
        with acting_as(*ids) if ids is not None else contextlib.nullcontext():
            lock = DataLock(data_dir / "lock")
    except Locked as error:
        raise AlreadyRunning(str(error)) from None
    except OSError as error:
        raise StartFailed(f"can't use the data directory {data_dir}: {error.strerror}") from None
    # After the lock: a restore that still runs holds it, and is told as that.
    if (data_dir / RESTORING).exists():
        lock.release()
        raise StartFailed(f"a restore to {data_dir} wasn't finished; run `moxlite restore` again")
    return lock


def _log(static: Static, level: str | None) -> tuple[log.LogHandler, list[Finding]]:
    """The handler, and a finding if the log goes to stderr because the file can't be written. Raises StartFailed."""
    setup = partial(log.setup, level or static.log_level, static.package_log_levels, format=static.log_format)
    try:
        return setup(path=static.log_file), []
    except ValueError as error:
        raise StartFailed(f"package_log_levels: {error}") from None
    except OSError as error:
        assert static.log_file is not None
        why = explain_os_error(error, static.log_file.parent)
        text = f"can't write log_file {static.log_file} as user {static.user}, so the log goes to stderr: {why}"
        return setup(), [fault("log_file", text)]


def note_version(data_dir: Path) -> None:
    """Save the version that uses the data directory, once auth.db and queue.db are open: from now on they must exist. A
    failure is logged.
    """
    version = data_dir / VERSION
    line = f"{__version__}\n".encode()
    try:
        if not version.exists() or read_file(version) != line:
            write_atomically(version, line)
    except OSError as error:
        kv = {"path": version, "err": error.strerror or str(error)}
        logger.error("failed to write version", extra={"kv": kv})


def _prepare_data(data_dir: Path) -> tuple[bytes, list[Finding]]:
    """Make an empty ``tmp``, and load the key of the installation. If its file cannot be used, the key is made for this
    run only, and the second result has a finding about it.
    """
    faults = []
    tmp = data_dir / "tmp"
    try:
        # Spool files of a killed server: none was acknowledged, and their senders try again.
        shutil.rmtree(tmp, ignore_errors=True)
        tmp.mkdir(mode=DATA_MODE, exist_ok=True)
    except OSError as error:
        raise StartFailed(f"can't use the data directory {data_dir}: {error}") from None
    try:
        key = load_key(data_dir)
    except OSError as error:
        key = secrets.token_bytes(KEY_SIZE)
        text = f"can't use the installation key, so opaque IDs are only valid until the server stops: {error}"
        faults.append(fault("key", text))
        logger.error("installation key unusable", extra={"kv": {"err": str(error)}})
    return key, faults
