"""``moxlite restore`` (docs/spec/admin.md §8)."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Unpack

import click

from moxlite.cli.backups.backup import IDENTITY, PASSPHRASE, SNAPSHOT, failures, open_repository, report, trust
from moxlite.cli.backups.sourceoptions import SourceKeys, named_places, source_options, standby_source
from moxlite.cli.common import Failure, config_path, load_config, note, perform, root_advice, settings
from moxlite.cli.moments import past_moment
from moxlite.escapes import printable
from moxlite.operations.store import RestoreMail
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.admin.ownsettings import Accept, Settings, SkippedSetting
    from moxlite.admin.restoring import RestoredConfig, RestoredMachine
    from moxlite.admin.standby.following import Source

PIECE: Final = 1 << 20
"""Octets read at a time from a file that goes to the server."""


ADVICE: Final = (
    "Use an older one (--snapshot ID from `moxlite backup list`, --at an earlier time). If there isn't one, fix "
    "a copy and restore it: `moxlite backup restore --out DIR` creates one from a snapshot; move the damaged "
    "account's folder out of DIR/data/accounts, and delete DIR/INCOMPLETE"
)
"""Ways on where a backup lacks something, which is told before."""


PREVIEW: Final = (
    "it's from a preview version before 0.1.0. To upgrade a full backup, use `moxlite store upgrade-preview DIR`, then "
    "restore DIR. To create one from a snapshot, use `moxlite backup restore --out DIR`"
)


class SelectedSnapshot(NamedTuple):
    """A snapshot of a repository, the newest without `snapshot`; the rest as for `open_repository`."""

    snapshot: str | None
    identity: str | None
    passphrase_file: str | None
    trusted: frozenset[str] | None


@click.command()
@click.argument("source", metavar="SRC")
@click.option("--with-config", is_flag=True, help="Also restore the configuration, if this machine doesn't have one.")
@click.option("--config-dir", metavar="DIR", help="Configuration directory.  [default: from --config]")
@click.option("--data-dir", metavar="DIR", help="Data directory.  [default: from the configuration]")
@click.option("--resume-queue", is_flag=True, help="Send queued messages instead of holding them.")
@click.option("--account", metavar="NAME", help="Only restore this account's mail, to the running server.")
@click.option("--from", "origin", metavar="NAME", help="Account name in the backup, if different.")
@click.option("--mailbox", metavar="MAILBOX", help="Only restore this mailbox and submailboxes.")
@click.option(
    "--as", "target", metavar="MAILBOX", default="Restored", show_default=True, help="Mailbox to restore mail to."
)
@click.option("--at", metavar="TIME", help="Restore the state at this time from standby.target, like 2026-11-20T10:15.")
@SNAPSHOT
@IDENTITY
@PASSPHRASE
@source_options
@click.option("--verbose", is_flag=True, help="List each file or mailbox.")
def restore(
    source: str,
    with_config: bool,
    config_dir: str | None,
    data_dir: str | None,
    resume_queue: bool,
    account: str | None,
    origin: str | None,
    mailbox: str | None,
    target: str,
    at: str | None,
    snapshot: str | None,
    identity: str | None,
    passphrase_file: str | None,
    verbose: bool,
    **keys: Unpack[SourceKeys],
) -> None:
    """Restore the backup or repository SRC. It can be on another machine or in object storage: ssh://user@host/path,
    s3://bucket/prefix.

    By default, this restores everything to a stopped server's data directory. SRC is checked first, and won't be
    changed. The data directory must be empty, so move the old one first. To restore the configuration, copy it from
    SRC/config. Mail clients will download all mailboxes again. Queued messages are put on hold because they may have
    been sent already: see `moxlite queue list`, `queue unhold`, and `queue drop`.

    With --with-config, this restores a whole server as root on a machine that doesn't have one: configuration, keys,
    and data, with the file owners that `serve` requires. The hashes of all mail are verified. You'll see a new admin
    password, and what to change in moxlite.toml and DNS if this machine has other addresses. The server isn't started.
    You'll be asked about settings that belong to this machine: user, paths, targets, and programs. Without a terminal,
    they're skipped. To decide before, add your values to CONFIG-own.toml next to the configuration directory.

    With --account, this restores one account's mail to the running server. Messages are only added, below the mailbox
    in --as.

    With --at, this restores any time in the last days from a standby target (`moxlite standby`): everything, or one
    account.
    """
    if account is None and (mailbox is not None or origin is not None):
        raise click.UsageError("--mailbox and --from require --account")
    if with_config and account is not None:
        raise click.UsageError("--account is for a running server, and can't be used with --with-config")
    if not with_config and (config_dir is not None or data_dir is not None):
        raise click.UsageError("--config-dir and --data-dir require --with-config")
    if at is not None and (snapshot is not None or passphrase_file is not None):
        raise click.UsageError("--snapshot and --passphrase-file are for repositories, and can't be used with --at")
    if at is not None and with_config and identity is None:
        raise click.UsageError(
            "--with-config requires --identity, because configuration and keys in the target are encrypted"
        )
    from moxlite.cli.archives.transfer import Signs
    from moxlite.process.backuptargets import target_of
    from moxlite.store.backup.verify import check_folder, check_plain

    given = named_places("backup" if at is None else "standby", source, **keys)
    with failures(source), contextlib.ExitStack() as stack:
        tell = stack.enter_context(Signs("restoring", verbose=verbose)).tell
        trusted = trust(keys["signer"], identity, unsigned=keys["unsigned"])
        if at is not None:
            chosen_source = standby_source(source, identity=identity, **keys)
            wanted = None if account is None else origin or account
            source = str(stack.enter_context(_at_moment(chosen_source, at, wanted, tell)))
        place = target_of(source)
        if isinstance(place, Path):
            check_folder(place)
        backup = place if isinstance(place, Path) else None
        is_repo = backup is None or (backup / "repository.json").exists()
        if with_config:
            if backup is not None and not is_repo and not (backup / "config").is_dir():
                raise Failure(f"{backup} doesn't include the configuration: can't find {backup / 'config'}")
            config = Path(config_dir) if config_dir is not None else config_path().parent
            data = None if data_dir is None else Path(data_dir).absolute()
            chosen = SelectedSnapshot(snapshot, identity, passphrase_file, trusted) if is_repo else None
            restore_whole(source, chosen, config.absolute(), data, given=given, resume_queue=resume_queue, tell=tell)
            return
        if account is not None:
            name = origin or account
            if is_repo:
                scratch = tempfile.TemporaryDirectory(prefix=".moxlite-restore-", dir=roomy_folder())
                file = Path(stack.enter_context(scratch)) / "account.db"
                with open_repository(source, identity, passphrase_file, trusted) as repository:
                    repository.extract_account(name, file, snapshot_id=snapshot)
            else:
                assert backup is not None
                file = backup / "data/accounts" / name / "account.db"
                check_plain(backup)
            restore_mail_file(file, account, mailbox, target, tell)
            return
        from moxlite.admin.backup.restores import owner_of, restore_stopped, unpacked

        current = load_config()
        if is_repo:
            repository = stack.enter_context(open_repository(source, identity, passphrase_file, trusted))
            owner = owner_of(current.static)
            beside = current.static.data_dir
            backup = stack.enter_context(unpacked(repository, beside, owner=owner, snapshot_id=snapshot, tell=tell))
        assert backup is not None
        problems = restore_stopped(current, backup, resume_queue=resume_queue, tell=tell)
    if problems:
        raise _refusal(source, problems)
    print(f"restored {printable(source)} to {printable(str(current.static.data_dir))}; start the server to use it")
    if not resume_queue:
        print("Queued messages are on hold. To see them, run: moxlite queue list")


def _refusal(source: str, problems: list[str]) -> Failure:
    """The failure of a restore whose source has problems, which are printed."""
    from moxlite.store.errors import OF_PREVIEW

    report((), problems)
    if any(OF_PREVIEW in problem for problem in problems):
        return Failure(f"can't restore {source}: {PREVIEW}")
    return Failure(f"can't restore because {source} is damaged. {ADVICE}")


def _at_moment(
    source: "Source", at: str, account: str | None, tell: Callable[[str], None]
) -> contextlib.AbstractContextManager[Path]:
    """A moment of a stand-by's target as a full backup, while the block lasts. Raises Failure."""
    import datetime as dt

    from moxlite.admin.standby.moments import restored_at

    when = dt.datetime.fromtimestamp(past_moment(at, "--at") / 1_000_000, dt.UTC)
    return restored_at(source, when, account=account, beside=roomy_folder(), tell=tell, left_out=note)


def roomy_folder() -> Path | None:
    """A folder with room for databases: that on the disk of the data, else as `scratch_folder`; `/tmp` may be in
    memory.
    """
    from moxlite.process.backuptargets import scratch_folder

    with contextlib.suppress(Failure):
        beside = load_config().static.data_dir.parent
        if os.access(beside, os.W_OK):
            return beside
    return scratch_folder()


def ask_about(setting: "SkippedSetting") -> bool:
    """Ask at the terminal whether to use a value of the other machine. Without one, and with --yes, it isn't used."""
    if settings().yes or not sys.stdin.isatty():
        return False
    print(f"In the other machine's moxlite.toml: {printable(str(setting))}")
    return click.confirm(f"Use this value on this machine? Otherwise, {printable(setting.instead)}.")


def unattended(setting: "SkippedSetting") -> bool:
    """Use no value of the other machine, where no person looks."""
    return False


def prepare_folder(
    backup: Path, config: Path, data: Path | None, given: "Settings", accept: "Accept"
) -> "RestoredConfig":
    """The configuration of a full backup, adapted to this machine; as `prepare`."""
    from moxlite.admin.restoring import prepare
    from moxlite.safefile import Tree, plain_parts
    from moxlite.store.backup.layout import CONFIG_FOLDER, NAMED
    from moxlite.store.backup.verify import check_plain

    check_plain(backup)
    found = [path.relative_to(backup).as_posix() for path in (backup / NAMED).rglob("*") if path.is_file()]
    named = [name for name in found if name != f"{NAMED}/{CONFIG_FOLDER}"]

    def read(name: str) -> bytes:
        with Tree(backup) as tree, tree.open_file(plain_parts(name)) as file:
            return file.read()

    return prepare(read, named, config, data, given=given, accept=accept)


def later_skipped(folder: Path, source: str) -> "tuple[SkippedSetting, ...]":
    """The values that a take-over of the copy in `folder` would skip here, so that they can be confirmed in time.
    `source`: the target that is followed. Why the copy can't be put in place at all is told elsewhere. Blocks.
    """
    from moxlite.config.load import ConfigError
    from moxlite.process.privileges import UnknownUser
    from moxlite.store.errors import StoreError

    given: Settings = {("standby", "target"): source}
    try:
        return prepare_folder(folder, config_path().parent.absolute(), None, given, unattended).skipped
    except (ConfigError, OSError, StoreError, UnknownUser):
        return ()


def restore_whole(
    source: str,
    chosen: "SelectedSnapshot | None",
    config: Path,
    data: Path | None,
    *,
    resume_queue: bool,
    tell: Callable[[str], None],
    given: "Settings",
    accept: "Accept" = ask_about,
    quick: bool = False,
    keep_uids: bool = False,
    succeed: bool = False,
) -> None:
    """Restore all. `chosen`: of a repository; `given`, `accept`: as `prepare`; `quick`, `keep_uids`, `succeed`: as
    `restore_machine`.
    """
    from moxlite.admin.backup.restores import unpacked
    from moxlite.admin.restoring import check_empty, prepare, restore_machine
    from moxlite.config.load import ConfigError
    from moxlite.store.backup.layout import CONFIG_FOLDER, NAMED

    with contextlib.ExitStack() as stack:
        try:
            if chosen is None:
                backup = Path(source).resolve()
                prepared = prepare_folder(backup, config, data, given, accept)
                check_empty(prepared)
            else:
                snapshot = chosen.snapshot
                repository = stack.enter_context(
                    open_repository(source, chosen.identity, chosen.passphrase_file, chosen.trusted)
                )
                named = [name for name in repository.names(snapshot) if name.startswith(f"{NAMED}/")]
                named = [one for one in named if one != f"{NAMED}/{CONFIG_FOLDER}"]
                read = partial(repository.read, snapshot_id=snapshot)
                prepared = prepare(read, named, config, data, given=given, accept=accept)
                check_empty(prepared)  # before hours of copying
                place = prepared.snapshot.static.data_dir
                backup = stack.enter_context(unpacked(repository, place, owner=None, snapshot_id=snapshot, tell=tell))
        except ConfigError as error:
            report((), list(map(str, error.problems)))
            raise Failure("can't restore because there are errors in the backup's configuration") from None
        _say_places(prepared)
        try:
            done = restore_machine(
                backup,
                prepared,
                resume_queue=resume_queue,
                quick=quick,
                keep_uids=keep_uids,
                succeed=succeed,
                tell=tell,
            )
        except PermissionError as error:
            raise Failure(f"{error.filename or config}: {error.strerror}{root_advice(error)}") from None
    if isinstance(done, list):
        raise _refusal(source, done)
    _say(prepared, done)
    if done.problems:
        report((), done.problems)
        raise Failure("restored, but some data was already damaged in the backup")


def _say_places(prepared: "RestoredConfig") -> None:
    """Print where files go, before any is written."""
    static = prepared.snapshot.static
    print(f"restoring: configuration to {prepared.config}, data to {printable(str(static.data_dir))}", flush=True)
    for name in prepared.named:
        print(f"  /{printable(name.partition('/')[2])} to {prepared.config}/{printable(name)}", flush=True)
    for name in prepared.unnamed:
        note(f"warning: skipped {printable(name)} because it isn't in the configuration")
    for setting in prepared.skipped:
        note(f"warning: skipped {printable(str(setting))}; {printable(setting.instead)}")
    if prepared.skipped:
        note(f"To use a skipped setting, add it to {prepared.config}/moxlite.toml before you start the server.")
    for handler in prepared.snapshot.domains.web_handlers:
        if handler.static is not None:
            print(f"  files in {printable(handler.static.root)} will be served at {handler.domain}", flush=True)


def _say(prepared: "RestoredConfig", done: "RestoredMachine") -> None:
    """Print the outcome, and what is left to do."""
    from moxlite.admin.quickstart.listeners import machine_addresses
    from moxlite.admin.restoring import compare_addresses

    static = prepared.snapshot.static
    checked = f", {counted(done.messages, 'message')} checked" if done.messages else ""
    print(f"restored: configuration in {prepared.config}, data in {static.data_dir}{checked}")
    if done.signer:
        print(f"backup signer: {done.signer}")
    if done.admin_password:
        print(f"admin password: {done.admin_password}")
    for line in done.notes:
        note(f"warning: {line}")
    if done.new_keys:
        print("Some host keys were missing in the backup, so new keys were created. In DNS, replace all")
        print("other TLSA records with these before you start the server:")
        for line in done.new_keys:
            print(f"  {printable(line)}")
    try:
        machine = [machine_address.ip for machine_address in machine_addresses()]
    except OSError as error:
        note(f"warning: can't find this machine's addresses: {error.strerror or error}")
        return
    changes = compare_addresses(prepared, machine)
    if changes.configuration:
        print("This machine has other addresses. Change these lines before you start the server:")
        for line in changes.configuration:
            print(f"  {printable(line)}")
        print("and in DNS:")
        for line in changes.dns:
            print(f"  {printable(line)}")
    else:
        print("The addresses are the same as in the backup, so you don't have to change DNS.")
    print("The server isn't started yet. Next: moxlite config test")


def restore_mail_file(file: Path, account: str, mailbox: str | None, target: str, tell: Callable[[str], None]) -> None:
    """Add the mail of an account's database to the running server. Raises Failure."""
    if not file.is_file():
        raise Failure(f"account not found in the backup: missing {file}")
    with file.open("rb") as octets:
        pieces = iter(lambda: octets.read(PIECE), b"")
        request = RestoreMail(account, target, mailbox or "")
        done = perform(request, upload=pieces, progress=tell)
    print(f"{counted(done.messages, 'message')} in {counted(done.mailboxes, 'mailbox')}")
    if done.damaged:
        raise Failure(f"skipped {done.damaged} damaged messages")
