"""Writing all files of a new configuration, or none (ADMIN-25, 31, 34, 35)."""

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.admin.dkimkeys import made_keys, write_new
from moxlite.admin.hostkeys import HOST_KEYS, KINDS, Kind, make_host_key
from moxlite.admin.quickstart.files import domains_file, static_file
from moxlite.admin.quickstart.listeners import Places
from moxlite.admin.quickstart.webserver import Webserver
from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.load import DKIM_FOLDER, DOMAINS_FILE, is_error
from moxlite.logins.adminpassword import write_admin_password
from moxlite.process.configtest import test_config
from moxlite.process.permissions import NamedFiles, fix_config, fix_data
from moxlite.process.privileges import UnknownUser, user_ids
from moxlite.proto.address import Address, Domain
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.folders import MADE
from moxlite.store.auth.credentials import change_password, generate_password
from moxlite.store.backup.keys import SIGNING_KEY, load_signer
from moxlite.store.options import Options

ADMIN_PASSWORD: Final = "adminpasswd"  # noqa: S105 - the file of its hash
DATA: Final = "data"
"""Name of the data directory, next to the folder of the configuration."""
ETC: Final = Path("/etc")
VARIABLE: Final = Path("/var/lib")
"""Parent of the data directory for a configuration in a folder of ``/etc``: /etc/moxlite has /var/lib/moxlite (FHS)."""
MARKER: Final = ".quickstart-unfinished"
"""Name of a file that marks the configuration folder of an unfinished run."""
ACCOUNT: Final = "main"
"""Account name for an address whose localpart cannot be one."""


class QuickstartFailed(Exception):
    """Nothing was made; the text says why."""


class NewInstallation(msgspec.Struct, frozen=True):
    """The new account and its passwords, which are not stored anywhere else."""

    account: str
    account_password: str
    admin_password: str
    warnings: tuple[str, ...]


def account_name(address: Address) -> str:
    """The name of the account for an address."""
    name = address.localpart.lower()
    return ACCOUNT if account_name_problem(name) else name


def existing(config: Path) -> list[Path]:
    """Files and folders that prevent a new configuration: quickstart never overwrites them (ADMIN-35)."""
    if _interrupted(config):
        return []
    folder = config.parent
    names = (DOMAINS_FILE, ADMIN_PASSWORD, HOST_KEYS, DKIM_FOLDER, SIGNING_KEY)
    data = data_folder(config)
    files = [path for path in (config, *(folder / name for name in names)) if path.exists()]
    return files + ([data] if data.exists() and (not data.is_dir() or any(data.iterdir())) else [])


def make(
    config: Path,
    address: Address,
    user: str,
    hostname: Domain,
    places: Places,
    webserver: Webserver | None = None,
    *,
    publish: bool = False,
    admin_inside: bool = False,
    strict: bool = False,
    agree: Callable[[Path], bool] = lambda _: True,
) -> NewInstallation:
    """Write configuration, keys, and the account with its password. Takes some seconds, for the keys.

    Args:
      config: the absolute path of the new moxlite.toml. domains.toml and keys are written next to it, the data
        directory where `data_folder` says.
      user: name or number of the service user.
      webserver: another web server, which keeps ports 80 and 443. Then no certificates are ordered, and no host keys
        are made for them.
      publish: serve webmail and account app on the internet.
      admin_inside: serve the admin app in the private networks of the machine, too, not on the machine alone.
      strict: DNS records of the domain bind others.
      agree: called with the path of a valid draft, before anything is final, for questions that need the whole
        configuration. Returns False to not bind others. What it raises comes out, as all files are removed again.

    Raises:
      QuickstartFailed: all files are removed again, also after an interruption.
    """
    folder = config.parent
    if _interrupted(config):
        _clear(config)
    warnings: list[str] = []
    with contextlib.ExitStack() as undo:
        try:
            keys = (folder / HOST_KEYS,) if webserver is None else ()
            for path in (folder, *keys, data_folder(config)):
                _new_folder(path, undo)
            _write(folder / MARKER, "", undo)
            made = _make(
                config,
                address,
                user,
                hostname,
                places,
                webserver,
                undo,
                warnings,
                publish=publish,
                admin_inside=admin_inside,
                strict=strict,
                agree=agree,
            )
        except PermissionError as error:
            path = error.filename or folder
            raise QuickstartFailed(
                f"{path}: {error.strerror}. Run this as root, or choose a folder with --config"
            ) from None
        except OSError as error:
            raise QuickstartFailed(f"{error.filename or folder}: {error.strerror or error}") from None
        undo.pop_all()
    _remove(folder / MARKER)
    return made


def _make(
    config: Path,
    address: Address,
    user: str,
    hostname: Domain,
    places: Places,
    webserver: Webserver | None,
    undo: contextlib.ExitStack,
    warnings: list[str],
    *,
    publish: bool,
    admin_inside: bool,
    strict: bool,
    agree: Callable[[Path], bool],
) -> NewInstallation:
    now = dt.datetime.now(dt.UTC)
    folder, data = config.parent, data_folder(config)
    account = account_name(address)
    kinds = KINDS if webserver is None else ()
    hostkeys = [_host_key(folder, hostname, kind, now, undo) for kind in kinds]
    with made_keys(folder, address.domain, now) as keys:
        admin_password, account_password = generate_password(), generate_password()
        undo.callback(_remove, folder / ADMIN_PASSWORD)
        write_admin_password(folder / ADMIN_PASSWORD, admin_password)
        static = static_file(
            data=str(data) if folder.parent == ETC else f"../{DATA}",
            hostname=hostname,
            domain=address.domain,
            user=user,
            account=account,
            contact=str(address) if address.localpart.isascii() else f"postmaster@{address.domain.unicode}",
            places=places,
            hostkeys=hostkeys,
            webserver=webserver,
            publish=publish,
            admin_inside=admin_inside,
        )
        domains = folder / DOMAINS_FILE
        _write(domains, domains_file(address, account, keys, now, strict=strict), undo)
        draft = folder / f".{config.name}.new"
        _write(draft, static, undo)
        findings = test_config(draft, machine=False)
        if error := next(filter(is_error, findings), None):
            if error.file == str(domains):  # of which the address alone is not ours
                raise QuickstartFailed(f"can't use {address} as the first address: {error.text}; choose another one")
            raise QuickstartFailed(str(error))
        warnings += [str(finding).replace(str(draft), str(config)) for finding in findings]
        if not agree(draft) and strict:
            domains.write_text(domains_file(address, account, keys, now, strict=False), "utf-8")
        for path in _of_accounts(data):
            undo.callback(shutil.rmtree, path, ignore_errors=True)
        trio.run(_make_account, data, account, account_password)
        undo.callback(_remove, folder / SIGNING_KEY)
        load_signer(folder, create=True)
        warnings += _give(config, user)
        draft.replace(config)  # from here on, the configuration is complete
    return NewInstallation(account, account_password, admin_password, tuple(warnings))


def data_folder(config: Path) -> Path:
    """The data directory of a configuration."""
    folder = config.parent
    return VARIABLE / folder.name if folder.parent == ETC else folder.parent / DATA


def _interrupted(config: Path) -> bool:
    """Whether an earlier run was killed; then all files at these places are its own. Where a server has run since, with
    a configuration that is elsewhere now, they are its owner's.
    """
    if config.exists() or not (config.parent / MARKER).exists():
        return False
    data = data_folder(config)
    return not data.exists() or set(data.iterdir()) <= {*_of_accounts(data)}


def _clear(config: Path) -> None:
    """Remove the files of a run that was killed; its passwords were never shown."""
    folder = config.parent
    for path in (folder / HOST_KEYS, folder / DKIM_FOLDER, *_of_accounts(data_folder(config))):
        shutil.rmtree(path, ignore_errors=True)
    for name in (DOMAINS_FILE, ADMIN_PASSWORD, SIGNING_KEY, f".{config.name}.new", MARKER):
        _remove(folder / name)


def _of_accounts(data: Path) -> tuple[Path, Path]:
    """Paths that making the first account creates in the data directory."""
    return data / "accounts", data / MADE


def _new_folder(path: Path, undo: contextlib.ExitStack) -> None:
    """Make a folder, and its missing parents, through which the service user has to come."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        one.chmod(0o750 if one == path else 0o755)  # whatever the umask
        undo.callback(_remove_folder, one)


def _host_key(folder: Path, hostname: Domain, kind: Kind, now: dt.datetime, undo: contextlib.ExitStack) -> str:
    """Make a key of the host; its path relative to the configuration's folder."""
    name = make_host_key(folder, hostname.ascii, kind, now)
    undo.callback(_remove, folder / name)
    return name


def _write(path: Path, text: str, undo: contextlib.ExitStack) -> None:
    write_new(path, text.encode())
    undo.callback(_remove, path)
    path.chmod(0o640)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _remove_folder(path: Path) -> None:
    with contextlib.suppress(OSError):  # it has another program's file
        path.rmdir()


async def _make_account(data: Path, name: str, password: str) -> None:
    accounts = Accounts(data, Options())
    try:
        async with accounts.use(name) as account:
            await change_password(account, password)
    finally:
        with trio.CancelScope(shield=True):  # bounded: one account without users
            await accounts.aclose()


def _give(config: Path, user: str) -> Sequence[str]:
    """As root: give the service user what it has to read, as the start of `serve` does."""
    if os.name != "posix" or os.geteuid() != 0:
        return ()
    try:
        uid, gid = user_ids(user)
    except UnknownUser as error:
        return (f"{error}",)
    data = data_folder(config)
    named = NamedFiles(config.parent / ADMIN_PASSWORD, {})
    fix_config(config, DOMAINS_FILE, data, uid, gid, named=named)
    fix_data(data, uid)
    return ()
