"""Backups of a running server, through the control socket, and of a stopped one (ADMIN-50..52)."""

import contextlib
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec
import outcome
import trio

from moxlite.admin.commandedits import named_account
from moxlite.admin.dnsproviders.accounts import PROVIDER
from moxlite.admin.hostkeys import HOST_KEYS
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import DNS_FOLDER
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import Backup, Static
from moxlite.net.control.protocol import StreamBroken
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations.performing import commands
from moxlite.operations.server import BackedUp, BackUp
from moxlite.operations.store import ImportAccount, ImportedAccount, RestoredMail, RestoreMail
from moxlite.process.backuptargets import URLS, Access, Target, login_for, opened, owner_word, target_of
from moxlite.process.fences import lost, told_of_target
from moxlite.process.keys import Read, backup_key_files, certificate_files, host_key_files, read_named, selectors_of
from moxlite.process.privileges import acting_as, service_user
from moxlite.process.stopped import stopped
from moxlite.safefile import read_file
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.copying import back_up, inside
from moxlite.store.backup.keys import Signer, load_signer, make_key
from moxlite.store.backup.layout import NamedFile, Source
from moxlite.store.backup.packs import exists, is_encrypted
from moxlite.store.backup.repository import create_repository
from moxlite.store.backup.restore import is_unused, restore_mail, unpack_account
from moxlite.store.backup.storage import Storage
from moxlite.store.blockmaps import BlockChanges
from moxlite.store.errors import (
    AccountExists,
    AccountUnknown,
    BackupCancelled,
    BackupError,
    BadTarget,
    StorageFull,
    StoreError,
)
from moxlite.store.file.threads import in_thread
from moxlite.store.rows import mailboxes as mailbox_rows

T = TypeVar("T")

logger = logging.getLogger("moxlite.admin.backup.backups")

TMP: Final = "tmp"
"""The folder in the data directory for what lasts no longer than the server."""

LOGGED: Final = 60.0
"""Seconds between two lines in the log about work that goes on."""

PROGRESS: Final = 64
"""Lines of progress that may wait for a slow client; more are dropped, for the next ones tell as much."""


def back_up_stopped(snapshot: Snapshot, config: Path, args: BackUp, tell: Callable[[str], None]) -> BackedUp:
    """Back up without a server.

    Raises:
      Locked: another process uses the data directory.
      UnknownUser: as root, and there is no service user.
      BackupError, OSError: nothing was backed up.
    """
    static = snapshot.static
    ids = service_user(static.user)

    def readable(path: Path) -> bool:
        with acting_as(*ids) if ids is not None else contextlib.nullcontext():
            return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)

    # before this process acts as another user
    read = partial(read_named, ids=ids)
    source = source_of(snapshot, config, {}, read, readable)
    target = target_of(args.target)
    login = login_for(target, static.backup, read)
    with stopped(static.data_dir):
        (static.data_dir / TMP).mkdir(mode=0o750, exist_ok=True)
        return _back_up(source, target, login, static.backup, args, tell, lambda: False)


def _back_up(
    source: Source,
    target: Target,
    login: Access | None,
    settings: Backup,
    args: BackUp,
    tell: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> BackedUp:
    """Do what is asked for. Blocks. Raises BackupError, OSError."""
    from moxlite.store.backup.repository import Repository  # 0.3 MB

    if not isinstance(target, Path) and (login is None or not args.repo):
        raise BackupError("the server's remote backup key only works with the repository in backup.target")
    if args.repo:
        if isinstance(target, Path):
            inside(source, target)
        # `target` has no links and no `..` any more.
        own = settings.target is not None and target == target_of(str(settings.target))
        with _opened(target, login, source.data, cancelled, settings.upload_limit) as storage:
            if not exists(storage):
                recipients = tuple(args.recipients)
                # What the owner types for another place says how it is encrypted; the settings are for their own one.
                if own and not args.passphrase:
                    recipients = recipients or settings.encrypt_to
                create_repository(storage, source.data, recipients=recipients, passphrase=args.passphrase or None)
            elif args.recipients or args.passphrase:
                raise BackupError(f"can't change encryption for the existing repository {target}")
            signer, notes = own_signer(source.config)
            if own and settings.encrypt_to and not is_encrypted(storage):
                notes.append(
                    f"{target} isn't encrypted because it was created before backup.encrypt_to was set. "
                    "To encrypt backups, set a new backup.target"
                )
            # The blocks of unchanged files come from the last snapshot, and are signed with the new one.
            trusted = None if signer is None else signer.known
            report = Repository(storage, data=source.data, trusted=trusted).back_up(
                source, signer=signer, tell=tell, cancelled=cancelled
            )
            report.warnings += notes
    else:
        assert isinstance(target, Path)
        report = back_up(source, target, tell=tell, cancelled=cancelled)
    return BackedUp(report.databases, report.octets, report.stored, report.errors, report.warnings, report.left_out)


def _opened(
    target: Target, login: Access | None, data: Path, cancelled: Callable[[], bool], upload_limit: int
) -> contextlib.AbstractContextManager[Storage]:
    """The storage of a target, for the one who has the data directory."""

    def check() -> None:
        if cancelled():
            raise BackupCancelled("the backup was canceled")

    return opened(target, login, scratch=data / TMP, owner=owner_word(data), check=check, upload_limit=upload_limit)


class LiveFiles:
    """`LiveAccounts` of this server."""

    def __init__(self, accounts: Accounts, token: trio.lowlevel.TrioToken) -> None:
        self._accounts = accounts
        self._token = token

    def mark(self, path: Path, at: int) -> None:
        """See `LiveAccounts`."""
        self._accounts.options.blocks.mark(path, at)

    def changed_blocks(
        self, account: str, at: int, size: int, taken: Callable[[], int]
    ) -> tuple[BlockChanges, BinaryIO] | None:
        """See `LiveAccounts`."""
        blocks = self._accounts.options.blocks.get(self._accounts.path(account) / "account.db")
        if blocks is None or blocks.since(at) is None:
            return None  # an account that isn't in use is not opened for nothing
        tmp = self._accounts.directory / TMP

        async def ask() -> tuple[BlockChanges, BinaryIO] | None:
            async with self._accounts.use(account) as used:
                return await used.database.changed_blocks(at, size, tmp, taken)

        try:
            return trio.from_thread.run(ask, trio_token=self._token)
        except (StoreError, trio.Cancelled, trio.RunFinishedError):
            return None

    def distrust(self, path: Path) -> None:
        """See `LiveAccounts`."""
        if (blocks := self._accounts.options.blocks.get(path)) is not None:
            blocks.forget("a block was wrong")


class BackupCommands:
    """The commands of the control socket that make backups. One runs at a time: two would only share the disk."""

    def __init__(self, *, config: ConfigHolder, accounts: Accounts, read: Read = read_file) -> None:
        """`read` reads files that moxlite.toml names, which only root may be able to open."""
        self._config = config
        self._accounts = accounts
        self.read = read
        self._lock = trio.Lock()

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(
            BackUp.bind_stream(self.back_up),
            RestoreMail.bind_stream(self.restore_mail),
            ImportAccount.bind_stream(self.import_full),
        )

    @property
    def running(self) -> bool:
        """Whether a backup is being made."""
        return self._lock.locked()

    async def back_up(self, args: BackUp, exchange: Exchange) -> BackedUp:
        """A full copy of configuration and data, or a snapshot in a repository (STORE-141, STORE-183)."""
        if not args.target.startswith(("/", *URLS)):
            raise CommandFailed("badRequest", "the target must be an absolute path or a URL")
        return await self.make_alone(args, exchange)

    async def make_alone(self, args: BackUp, exchange: Exchange | None = None) -> BackedUp:
        """Make a backup unless one is being made. Raises CommandFailed."""
        async with self._alone(args.target):
            return await self._make(args, exchange)

    async def _make(self, args: BackUp, exchange: Exchange | None) -> BackedUp:
        current, path, broken = self._config.current, self._config.path, self._accounts.broken()
        live = LiveFiles(self._accounts, trio.lowlevel.current_trio_token())

        def work(tell: Callable[[str], None], cancelled: Callable[[], bool]) -> BackedUp:
            settings = current.static.backup
            source = source_of(current, path, broken, self.read, partial(os.access, mode=os.R_OK))
            source = msgspec.structs.replace(source, live=live)
            target = target_of(args.target)
            if isinstance(target, Path) and (why := lost(target)):
                raise BackupError(f"can't back up to {target}: {why}; choose another folder")
            login = login_for(target, settings, self.read)
            return _back_up(source, target, login, settings, args, tell, cancelled)

        return await run_told(work, exchange, name="backup")

    async def at_storage(self, target: Target, work: Callable[[Storage], T]) -> T:
        """Run `work` with the storage of a target, in a thread. Raises its errors, BackupError, OSError."""
        static = self._config.current.static

        def run(tell: Callable[[str], None], cancelled: Callable[[], bool]) -> T:
            login = login_for(target, static.backup, self.read)
            with _opened(target, login, static.data_dir, cancelled, static.backup.upload_limit) as storage:
                return work(storage)

        return await run_told(run, None, name="backup")

    async def restore_mail(self, args: RestoreMail, exchange: Exchange) -> RestoredMail:
        """Add mail of a backup to an account; the client sends the account's database (STORE-185)."""
        tmp = self._accounts.directory / "tmp"
        try:
            async with self._accounts.use(args.account) as account, temporary_folder("restore-", tmp) as folder:
                file = folder / "account.db"
                await _receive(exchange, file, account.options.min_free_space)
                done = await restore_mail(
                    account,
                    file,
                    mailbox=args.mailbox or None,
                    target=args.target,
                    tmp=tmp,
                    tell=exchange.progress,
                )
        except StreamBroken as error:
            raise CommandFailed("failed", f"can't read the backup: {error}") from None
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from None
        except OSError as error:
            raise CommandFailed("failed", f"{error.filename or tmp}: {error.strerror or error}") from None
        return RestoredMail(done.messages, done.mailboxes, done.damaged)

    async def import_full(self, args: ImportAccount, exchange: Exchange) -> ImportedAccount:
        """Take over a whole account that the client sends, as one of the configuration, which must not be in use
        (STORE-197).
        """
        named_account(self._config, args.account)
        tmp = self._accounts.directory / "tmp"
        try:
            if self._accounts.exists(args.account):
                async with self._accounts.use(args.account) as account:
                    if not await account.scan(is_unused, op="import_full"):
                        raise AccountExists(args.account)
            async with temporary_folder("import-", tmp) as work:
                file, folder = work / "file", work / "account"
                await _receive(exchange, file, self._accounts.options.min_free_space)
                await trio.to_thread.run_sync(unpack_account, file, folder, self._accounts.options)
                # Only now: the file is whole and has passed its checks, so an account is never without its mail.
                with trio.CancelScope(shield=True):  # bounded: who uses the account is told to leave
                    with contextlib.suppress(AccountUnknown):
                        # Asked again: mail may have come while the file did.
                        await self._accounts.remove(args.account, only=is_unused)
                    await self._accounts.adopt(args.account, folder)
            async with self._accounts.use(args.account) as account:
                boxes = await account.read(mailbox_rows.mailboxes, op="import_full")
        except StreamBroken as error:
            raise CommandFailed("failed", f"can't read the file: {error}") from None
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from None
        except OSError as error:
            raise CommandFailed("failed", f"{error.filename or tmp}: {error.strerror or error}") from None
        return ImportedAccount(sum(box.total for box in boxes), sum(not box.system for box in boxes))

    @contextlib.asynccontextmanager
    async def _alone(self, target: str) -> AsyncIterator[None]:
        """One backup at a time; what it cannot do becomes words for the caller."""
        try:
            self._lock.acquire_nowait()
        except trio.WouldBlock:
            raise CommandFailed("refused", "a backup is already running") from None
        try:
            yield
        except BackupError as error:
            raise CommandFailed("failed", str(error)) from None
        except OSError as error:
            path = Path(os.fsdecode(error.filename or "backup"))
            raise CommandFailed("failed", f"{path}: {told_of_target(error, path, Path(target))}") from None
        finally:
            self._lock.release()


async def _receive(exchange: Exchange, file: Path, reserve: int) -> None:
    """Write what the client sends to a new file. Raises StreamBroken, OSError; StorageFull: less than `reserve` octets
    of the disk would stay free.
    """
    async with await trio.open_file(file, "xb") as copy:
        async for chunk in exchange.upload:
            # Each time: the copy itself takes the room that mail needs.
            if (await trio.to_thread.run_sync(shutil.disk_usage, file.parent)).free - len(chunk) < reserve:
                raise StorageFull(f"not enough space: at least {reserve} bytes must remain free")
            await copy.write(chunk)


@contextlib.asynccontextmanager
async def temporary_folder(prefix: str, place: Path) -> AsyncIterator[Path]:
    """A new folder in `place`, removed after the block in a thread: that takes a second for each gigabyte. Raises
    OSError.
    """
    folder = Path(await trio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix=prefix, dir=place)))
    try:
        yield folder
    finally:
        with trio.CancelScope(shield=True):  # bounded by the disk
            await trio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))


async def run_told(
    work: Callable[[Callable[[str], None], Callable[[], bool]], T], exchange: Exchange | None, *, name: str
) -> T:
    """Run `work(tell, cancelled)` in a thread; what it tells goes to the client as progress.

    Cancellation: `cancelled()` is true from then on, and the thread is waited for.
    """
    stopped = threading.Event()
    if exchange is None:
        tell_log = logged(_silent, name)
        return await in_thread(lambda: work(tell_log, stopped.is_set), interrupt=stopped.set, name=name)
    send, receive = trio.open_memory_channel[str](PROGRESS)
    token = trio.lowlevel.current_trio_token()

    def put(line: str) -> None:
        # Never waits: a terminal that was suspended must not hold up the backup.
        with contextlib.suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            send.send_nowait(line)

    def tell(line: str) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(put, line)

    async def forward() -> None:
        async for line in receive:
            await exchange.progress(line)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(forward)
        tell_log = logged(tell, name)
        # captured: in a nursery an error of the work would become one of a group
        result = await outcome.acapture(
            in_thread, lambda: work(tell_log, stopped.is_set), interrupt=stopped.set, name=name
        )
        send.close()
    return result.unwrap()


def logged(tell: Callable[[str], None], name: str) -> Callable[[str], None]:
    """As `tell`, with a line a minute in the log: the newest one."""
    began = told = time.monotonic()

    def tell_both(line: str) -> None:
        nonlocal told
        tell(line)
        if (now := time.monotonic()) - told >= LOGGED:
            told = now
            logger.info("still working", extra={"kv": {"work": name, "at": line, "seconds": round(now - began)}})

    return tell_both


def _silent(line: str) -> None:
    """For those who do not want to know."""


# A new encrypted repository with a key of its own, which only its owner keeps (STORE-184c).


def make_encrypted(snapshot: Snapshot, config: Path, target: Target) -> tuple[str, str, str]:
    """Make a repository. Returns its identity and recipient, of which the first is kept nowhere, and the signer of the
    server with the folder `config`, "" if none could be made. Blocks.

    As root the files belong to the service user, who writes backups.

    Raises BadTarget: something is there; BackupError, UnknownUser, OSError.
    """
    static = snapshot.static
    ids = service_user(static.user)
    login = login_for(target, static.backup, partial(read_named, ids=ids))  # before this process acts as another user
    if not isinstance(target, Path) and login is None:
        raise BadTarget(f"this server only has keys for backup.target, not {target}; change backup.target first")
    if not static.data_dir.is_dir():
        raise BadTarget(f"data directory {static.data_dir} doesn't exist; to create it, start the server once")
    key, recipient = make_key()
    with acting_as(*ids) if ids is not None else contextlib.nullcontext(), opened(target, login) as storage:
        if exists(storage):
            raise BadTarget(f"can't change encryption or keys for the existing repository {storage}")
        create_repository(storage, static.data_dir, recipients=(recipient,))
        signer, _ = own_signer(config)
    return key, recipient, "" if signer is None else signer.public


# The subject of a backup: which files of the configuration it holds, and which of them are private keys (STORE-141a).
#
# | File                                             | In a backup                                                   |
# |--------------------------------------------------|---------------------------------------------------------------|
# | the folder of the configuration                  | always, but for the two below                                 |
# | keys of the host (``hostkeys``, and named ones)  | in an encrypted one; else with ``backup.include_keys``        |
# | other named keys that only root can read         | the same                                                      |
# | tokens of DNS providers (``dns``)                | the same                                                      |
# | ``admin_password_file``                          | never: a restore makes a new password                         |
# | DKIM keys, certificates of CAs, in other folders | always                                                        |
# | certificates and their keys in other folders     | never: another program makes them, and renews them there      |


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
    return list(dict.fromkeys([*others, *(key for key in keys if _below(key, folder))]))


def _read(path: Path, read: Read) -> NamedFile:
    try:
        return NamedFile(path, private=True, content=read(path))
    except OSError as error:
        return NamedFile(path, private=True, problem=f"can't be read: {error.strerror or error}")


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
        return None, [f"backups aren't signed: {os.fsdecode(reason)}"]
    assert signer is not None
    if not made:
        return signer, []
    return signer, [f"backups are now signed by {signer.public}; keep this signer with your backup key"]
