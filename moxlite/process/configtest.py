"""`moxlite config test`: the files of the configuration, and beside them the machine (ADMIN-11, ADMIN-11a). Cross
checks of keys are in `config.checks`.
"""

import contextlib
import datetime as dt
import errno
import os
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moxlite.config.domains import Domains, Selector
from moxlite.config.listeners import KeyCert
from moxlite.config.load import ConfigError, Source, check_files, finding_at, parse, read_source, read_sources
from moxlite.config.ownkeys import own_paths
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import DATA_DIR, SERVICE_USER, Backup, Standby, Static
from moxlite.config.toml.decode import KeyPath, Mistake, warning
from moxlite.findings import Finding
from moxlite.mailauth.dkim.sign import GOOD_RSA, PrivateKeyError, load_private_key
from moxlite.net.listeners import is_here
from moxlite.net.metrics import PACKAGES
from moxlite.net.tls.certificates import CertificateError, KeyPair, load_private_key as load_host_key
from moxlite.process.backuptargets import reach_fault
from moxlite.process.fences import hidden, hiding, not_owned, read_only, runs_systemd, writable_paths
from moxlite.process.keys import ONLY_SHA256, Read, authority_files, read_named, selectors_of
from moxlite.process.permissions import NamedFiles
from moxlite.process.privileges import UnknownUser, as_author, is_root, service_user
from moxlite.process.startup import VERSION
from moxlite.safefile import openings, read_file

STAYS_ROOT: Final = "keeps all of root's rights, so anyone who breaks in to the server is root"

NO_ADMIN: Final = "no one can log in to the admin app with a password"

APPS: Final = ("account", "admin", "webmail", "webapi")


def test_config(path: Path, *, machine: bool) -> list[Finding]:
    """Test both files, which are read once.

    Args:
      path: of the static file.
      machine: also report what `test_machine` finds.

    Returns:
      Findings with file, line and key.
    """
    try:
        static, domains = read_sources(path, lambda: as_author(path))
    except ConfigError as error:
        return [*error.problems, *_openings(path)]
    snapshot, findings = check_files(static, domains)
    findings += _openings(path)
    if snapshot is None:
        return findings
    with as_author(path):
        of_domains = [*_domains(snapshot.domains), *_shared_hosts(snapshot), *_clear_passwords(snapshot)]
    of_static = [*_static(snapshot.static), *_paths(snapshot.static), *_inside_config(snapshot.static, path)]
    findings += static.findings(of_static) + domains.findings(of_domains)
    return findings + (test_machine(snapshot, static, domains) if machine else [])


def _openings(path: Path) -> list[Finding]:
    """By what others than root could change the static file: then the server does not start as root (ADMIN-37). Asked
    of root alone.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return []
    try:
        user = parse(read_source(path)).get("user", SERVICE_USER)
        if not isinstance(user, str) or service_user(user) is None:
            return []
        found = openings(path)
    except (ConfigError, UnknownUser, OSError):
        return []  # told elsewhere
    text = "users other than root can change this file, so the server can't start as root"
    return [finding_at(path, 1, Mistake((), f"{text}: {opening.words}", opening.cure)) for opening in found]


def _static(static: Static) -> Iterator[Mistake]:
    if is_root(static.user):
        yield warning(("user",), STAYS_ROOT, f"create a user for it: useradd --system --no-create-home {SERVICE_USER}")
    for name in static.package_log_levels:
        if name not in PACKAGES:
            yield Mistake(
                ("package_log_levels", name),
                "isn't a known package",
                f"use one of these packages: {', '.join(PACKAGES)}",
            )
    for authority, certificates in authority_files(static):
        yield from _authority(authority, certificates)
    for name, listener in static.listeners.items():
        if listener.tls is None:
            continue
        for index, pair in enumerate(listener.tls.key_certs):
            path: KeyPath = ("listeners", name, "tls", "key_certs", index)
            yield from _exposed((*path, "key_file"), pair.key_file)
            yield from _key_pair(path, pair)
        for index, key in enumerate(listener.tls.host_private_key_files):
            path = ("listeners", name, "tls", "host_private_key_files", index)
            yield from _exposed(path, key)
            yield from _host_key(path, key)


def _paths(static: Static) -> Iterator[Mistake]:
    """Paths of moxlite.toml that lead nowhere, or to something of another kind. The server goes on without these files;
    the files of listeners, without which it doesn't start, are read by `_key_pair` and `_host_key`.
    """
    for key, file, own in own_paths(static):
        if own.use in ("", "written") or key[0] == "listeners":
            continue
        try:
            fault = _kind_fault(file, program=own.use == "run")
        except PermissionError:
            yield _closed(key, file)
            continue
        if fault:
            without, cure = (own.without, "") if own.without else (NO_ADMIN, "moxlite admin set-password")
            yield warning(key, f"{file} {fault}, so {without}", cure)


def _kind_fault(file: Path, *, program: bool) -> str:
    """The reason why a path can't be read as a file, or run as a program; "" for none. Raises PermissionError."""
    try:
        mode = file.stat().st_mode
    except PermissionError:
        raise
    except OSError:
        return "doesn't exist"
    if not stat.S_ISREG(mode):
        return "isn't a file"
    return "isn't executable" if program and not os.access(file, os.X_OK) else ""


def _inside_config(static: Static, path: Path) -> Iterator[Mistake]:
    """Targets in the folder of the configuration, which a backup contains: it would contain the ones before."""
    folder = path.absolute().parent.resolve()
    for section, target in (("backup", static.backup.target), ("standby", static.standby.target)):
        if isinstance(target, Path) and target.resolve().is_relative_to(folder):
            cure = "use an absolute path like /var/backups/moxlite"
            yield Mistake((section, "target"), f"{target} is inside the configuration folder, which is backed up", cure)


def _authority(key: KeyPath, path: Path) -> Iterator[Mistake]:
    """A file without certificates. If it can't be read by the service user, `_unreadable` reports it."""
    with contextlib.suppress(OSError):
        try:
            x509.load_pem_x509_certificates(read_file(path))
        except ValueError:
            yield warning(key, f"no PEM certificates found in {path}")


def _closed(path: KeyPath, file: object) -> Mistake:
    """A file that this user can't look at."""
    return Mistake(path, f"couldn't check {file}: this user can't read it", code="not-checked")


def _key_pair(path: KeyPath, pair: KeyCert) -> Iterator[Mistake]:
    try:
        loaded = KeyPair.read(pair.cert_file, pair.key_file)
    except PermissionError as error:
        yield _closed(path, error.filename)
    except OSError as error:
        yield Mistake(path, f"can't read {error.filename}: {error.strerror}")
    except CertificateError as error:
        yield Mistake(path, str(error))
    else:
        end = loaded.leaf.not_valid_after_utc
        if end < dt.datetime.now(dt.UTC):
            yield warning(path, f"the certificate in {pair.cert_file} expired on {end:%Y-%m-%d}")


def _domains(domains: Domains) -> Iterator[Mistake]:
    for path, selector in selectors_of(domains):
        yield from _exposed(path, selector.key_file)
        yield from _dkim_key(path, selector)


def _shared_hosts(snapshot: Snapshot) -> list[Mistake]:
    """Other content at a host of our apps: it can act there with the cookies of the visitor (WEB-45)."""
    names = {
        snapshot.hostname(name)
        for name, listener in snapshot.static.listeners.items()
        if any(getattr(listener, f"{app}_{scheme}").enabled for app in APPS for scheme in ("http", "https"))
    }
    if not names:
        return []
    settings = snapshot.domains.domains.values()
    hosts = {name.ascii for name in names} | {"localhost"}
    hosts |= {host.ascii for setting in settings for host in setting.client_hosts}
    return [
        warning(
            ("web_handlers", index, "domain"),
            "is also used by the web apps; scripts in these files could act as users who are logged in"
            if handler.forward is None
            else "is also used by the web apps; scripts on that server could act as users who are logged in",
            "use a separate host for it",
        )
        for index, handler in enumerate(snapshot.domains.web_handlers)
        if (handler.static is not None or handler.forward is not None) and handler.domain.ascii in hosts
    ]


def _clear_passwords(snapshot: Snapshot) -> list[Mistake]:
    """Rules whose passwords pass the network in the clear (WEB-162)."""
    return [
        warning(
            ("web_handlers", index, "basic_auth"),
            "also prompts for passwords over plain http",
            "remove dont_redirect_plain_http",
        )
        for index, handler in enumerate(snapshot.domains.web_handlers)
        if handler.basic_auth is not None and handler.dont_redirect_plain_http
    ]


def _dkim_key(path: KeyPath, selector: Selector) -> Iterator[Mistake]:
    try:
        key = load_private_key(read_file(selector.key_file), thorough=True)
    except PermissionError:
        yield _closed(path, selector.key_file)
    except OSError as error:
        yield Mistake(path, f"can't read {selector.key_file}: {error.strerror}")
    except PrivateKeyError as error:
        yield Mistake(path, f"{selector.key_file} {error}")
    else:
        if isinstance(key, Ed25519PrivateKey):
            if selector.hash == "sha1":
                yield Mistake((*path[:-1], "hash"), ONLY_SHA256)
        elif key.key_size < GOOD_RSA:
            yield warning(path, f"has only {key.key_size} bits", f"create one with {GOOD_RSA}")


def _host_key(path: KeyPath, file: Path) -> Iterator[Mistake]:
    try:
        load_host_key(read_file(file))
    except PermissionError:
        yield _closed(path, file)
    except OSError as error:
        cure = (
            "to create it again, run `moxlite config ensure-acme-host-keys`"
            if isinstance(error, FileNotFoundError)
            else ""
        )
        yield Mistake(path, f"can't read {file}: {error.strerror}", cure)
    except CertificateError as error:
        yield Mistake(path, f"{file}: {error}")


def _exposed(path: KeyPath, file: Path) -> Iterator[Mistake]:
    """A private key that everybody on the machine can read."""
    if os.name != "posix":
        return
    try:
        mode = file.stat().st_mode
    except OSError:  # unreadable or missing: told elsewhere
        return
    if mode & stat.S_IROTH:
        yield warning(path, f"all users on this machine can read {file}", f"chmod 600 {file}")


# A configuration beside the machine that it is on: all that a start as root would refuse there (ADMIN-11a).
#
# `configtest` looks at the files alone; these findings depend on users, owners, addresses and systemd.

SECONDS: Final = 30.0
"""For making a file: a disk may have to spin up."""

USUAL_DATA: Final = Path("/var/lib/moxlite")
"""The data folder of quickstart and of the package."""


def test_machine(snapshot: Snapshot, static: Source, domains: Source) -> list[Finding]:
    """Compare a configuration, read from `static` and `domains`, with the machine.

    Returns:
      Findings with file, line and key; none for another user than root, since a server that such a user starts becomes
      no other.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return []
    mistakes = [*_addresses(snapshot)]
    closed: list[Mistake] = []
    try:
        ids = service_user(snapshot.static.user)
    except UnknownUser as error:  # on a machine that is being set up it comes a step later
        mistakes.append(warning(("user",), str(error)))
    else:
        places: dict[str, Backup | Standby] = {
            "backup": snapshot.static.backup,
            "standby": snapshot.static.standby,
        }
        absent = {mistake.path[0] for mistake in _paths(snapshot.static)}  # of these, the target says no more
        places = {section: place for section, place in places.items() if section not in absent}
        faults = {section: backup_fault(place, ids, partial(read_named, ids=ids)) for section, place in places.items()}
        mistakes += [Mistake((section, "target"), fault) for section, fault in faults.items() if fault]
        mistakes += _data_folder(snapshot.static, static.path, ids)
        if ids is not None:
            mistakes += [*_unreadable(snapshot.static, static, ids), *_log_file(snapshot.static, ids)]
            closed += _closed_sites(snapshot, ids)
    return static.findings(mistakes) + domains.findings(closed) + _hidden(snapshot, static, domains)


def _addresses(snapshot: Snapshot) -> Iterator[Mistake]:
    """Addresses of listeners that this machine does not have: with a lease the other machine has them."""
    named = {ip: name for name, listener in snapshot.static.listeners.items() for ip in listener.ips}
    absent = {ip: name for ip, name in named.items() if not is_here(ip)}
    mistake: Callable[..., Mistake] = warning
    hint = "clients can't use this address until the machine has it"
    if snapshot.static.standby.lease:  # the addresses are the other machine's, as long as that one serves
        hint = "binding anyway, for the other machine"
    elif len(absent) == len(named):
        mistake, hint = Mistake, "the server won't start"
    for ip, name in absent.items():
        yield mistake(("listeners", name, "ips"), f"this machine doesn't have the address {ip}", hint)


def unreadable_files(path: Path, static: Static) -> list[Finding]:
    """Files that the server has to read as its user, and can't, for an examination by root or by the server itself.

    Args:
      path: of the static file.
      static: its settings.

    Raises ConfigError: it has mistakes now.
    """
    try:
        ids = service_user(static.user) if os.geteuid() == 0 else None
    except UnknownUser:
        return []  # told elsewhere
    source = read_source(path)
    return source.findings([*_unreadable(static, source, ids)])


def _unreadable(static: Static, source: Source, ids: tuple[int, int] | None) -> Iterator[Mistake]:
    """Files that the service user has to read, and cannot: the server goes on without them. The start puts right those
    in the folder of the configuration.

    Args:
      ids: of the service user, where this process is root; None: it's the service user itself.
    """
    folder = source.path.parent.absolute()
    named = NamedFiles.of(parse(source), folder)
    files = dict(named.read)
    if named.password is not None:
        files["admin_password_file",] = named.password
    for key, path in files.items():
        mended = ids is not None and not static.no_fix_permissions and path.resolve().is_relative_to(folder.resolve())
        if mended or not path.is_file():  # `_paths` tells
            continue
        if why := _open_fault(path, ids):
            yield warning(key, f"the server can't read {path}: {why}", f"the server runs as user {static.user}")


def _open_fault(path: Path, ids: tuple[int, int] | None) -> str:
    """Open a file, as the server will do it: access(2) proves nothing on network file systems. Returns the error of the
    system in words, "" for none.
    """
    if ids is not None:  # the path is an argument of the shell, so that nothing in its name is run
        return _as_user(("sh", "-c", ': <"$0"', str(path)), *ids).fault
    try:
        read_file(path)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _data_folder(static: Static, path: Path, ids: tuple[int, int] | None) -> Iterator[Mistake]:
    """A data folder that the server can't use, or that isn't the one with the mail. The start puts its owner right."""
    data = static.data_dir
    parent = next(folder for folder in data.parents if folder.exists())
    writable = writable_paths() if ids is not None else None
    if (data.exists() and not data.is_dir()) or not parent.is_dir():
        yield Mistake(("data_dir",), f"{data if data.exists() else parent} isn't a folder")
    elif writable is not None and not any(data.is_relative_to(folder) for folder in writable):
        yield Mistake(("data_dir",), f"the server can't write to {data}: {read_only(data)}")
    elif ids is not None and (why := _as_user(("ls", "-d", f"{parent}/."), *ids).fault):
        yield Mistake(("data_dir",), f"the server can't open {parent}: {why}", f"the server runs as user {static.user}")
    usual = (path.absolute().parent / DATA_DIR).resolve(), USUAL_DATA
    used = [folder for folder in usual if (folder / VERSION).exists()]
    if used and not (data / VERSION).exists():
        text = f"the server will start with empty mailboxes: {data} is new, but {used[0]} has data"
        yield warning(("data_dir",), text, f"stop the server, and copy the data: cp -a {used[0]} {data}")


def _log_file(static: Static, ids: tuple[int, int]) -> Iterator[Mistake]:
    """The log file, if the service user cannot write it. It is not made."""
    path = static.log_file
    if path is None:
        return
    folder = path.parent
    writable = writable_paths()
    if writable is not None and not any(path.is_relative_to(one) for one in writable):
        why = read_only(folder)
    elif path.exists():
        why = _as_user(("sh", "-c", ': >>"$0"', str(path)), *ids).fault
    else:
        why = _make_as_user(folder, ids) if folder.is_dir() else os.strerror(errno.ENOENT)
    if why:
        cure = f"use a separate folder like /var/log/moxlite: install -d -o {static.user} -m 0750 FOLDER"
        yield warning(("log_file",), f"the server can't write {path}: {why}", cure)


def _closed_sites(snapshot: Snapshot, ids: tuple[int, int]) -> Iterator[Mistake]:
    """Directories of the web server that the service user may not enter: it answers 403 for all that is there."""
    for index, handler in enumerate(snapshot.domains.web_handlers):
        root = "" if handler.static is None else handler.static.root
        if root.startswith("/") and (why := _as_user(("ls", "-d", f"{root}/."), *ids).fault):
            cure = f"it reads it as user {snapshot.static.user}"
            yield warning(("web_handlers", index, "static", "root"), f"the server can't open {root}: {why}", cure)


def _hidden(snapshot: Snapshot, static: Source, domains: Source) -> list[Finding]:
    """Paths that the unit of systemd hides from the server, as errors; as warnings, where there is no unit yet, those
    that the unit of `config printservice` would hide.
    """
    if not runs_systemd():
        return []
    settings = hiding()
    keys = ((path, selector.key_file) for path, selector in selectors_of(snapshot.domains))
    return [
        *static.findings(list(_hidden_paths(((path, file) for path, file, _ in own_paths(snapshot.static)), settings))),
        *domains.findings(list(_hidden_paths(keys, settings))),
    ]


def _hidden_paths(paths: Iterator[tuple[KeyPath, Path]], settings: set[str] | None) -> Iterator[Mistake]:
    mistake = warning if settings is None else Mistake
    for key, path in paths:
        if (setting := hidden(path)) and (settings is None or setting in settings):
            yield mistake(
                key,
                f"systemd hides {path} from the server ({setting} in its unit)",
                "move it to another folder, like /etc/moxlite",
            )


def backup_fault(backup: Backup | Standby, ids: tuple[int, int] | None, read: Read) -> str:
    """The reason why the server cannot write to a target, "" for none. Tried by a file that is removed again.

    Args:
      backup: the settings.
      ids: of the service user, where this process is root; None: this process is the server, or runs as it.
      read: reads the key for another machine.
    """
    target = backup.target
    if target is None:
        return ""
    return _folder_fault(target, ids) if isinstance(target, Path) else reach_fault(target, backup, read)


def _folder_fault(target: Path, ids: tuple[int, int] | None) -> str:
    existing = next(path for path in (target.absolute(), *target.absolute().parents) if path.exists())
    if not existing.is_dir():
        return f"{existing} isn't a folder"
    writable = writable_paths() if ids is not None else None
    if writable is not None and not any(target.is_relative_to(path) for path in writable):
        return f"the server can't write to {target}: {read_only(target)}"
    why = _as_this_process(existing) if ids is None else _make_as_user(existing, ids)
    if not why:
        return ""
    if why == os.strerror(errno.EROFS):
        return f"the server can't write to {target}: {read_only(target)}"
    return f"the server can't write to {target}: {why} ({not_owned(target)})"


def _as_this_process(folder: Path) -> str:
    """Make a file in a folder, and remove it. Returns the error of the system in words, "" for none."""
    path = folder / f".moxlite-{os.getpid()}"
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        path.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _make_as_user(folder: Path, ids: tuple[int, int]) -> str:
    """The same as another user."""
    done = _as_user(("mktemp", str(folder / ".moxlite-XXXXXXXX")), *ids)
    if not done.fault:
        Path(done.said).unlink(missing_ok=True)
    return done.fault


class _Done(NamedTuple):
    said: str
    fault: str
    """The error of the system in words, "" for none."""


def _as_user(command: Sequence[str], uid: int, gid: int) -> _Done:
    """Run a command as another user, in a process of its own: other threads of this one go on being root."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed but for the folder
            command,
            user=uid,
            group=gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _Done("", str(error))
    return _Done(done.stdout.rstrip("\n"), done.stderr.strip().rpartition(": ")[2] if done.returncode else "")
