"""``moxlite backup`` (docs/spec/admin.md §8)."""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.backups.sourceoptions import SIGNER, UNSIGNED, trusted_signers
from moxlite.cli.common import NOT_RUNNING, Failure, config_path, json_option, load_config, note, perform, show
from moxlite.escapes import printable
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.operations.server import BackedUp, BackUp
    from moxlite.store.backup.repository import Repository
    from moxlite.store.backup.storage import Storage

KEY_BEGINS: Final = "AGE-SECRET-KEY-1"


class BackupGroup(click.Group):
    """``moxlite backup DEST`` is short for ``moxlite backup run DEST``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb in where it was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=BackupGroup)
def backup() -> None:
    """Back up configuration and data. The server can be running or stopped.

    `moxlite backup DEST` is short for `moxlite backup run DEST`. Back up before you upgrade, because a newer version
    upgrades the databases and an older one can't open them afterwards. To return to the older version, restore the
    backup.
    """


def _repo_or_target(_: click.Context, __: click.Parameter, repo: str | None) -> str:
    """The repository that was named, else `backup.target`."""
    target = load_config().static.backup.target if repo is None else repo
    if target is None:
        raise click.UsageError("missing --repo DIR, and backup.target isn't set in moxlite.toml")
    return str(target)


REPO = click.option(
    "--repo",
    metavar="DIR",
    callback=_repo_or_target,
    help="Repository, as a folder, ssh://user@host/path, or s3://bucket/prefix.  [default: backup.target]",
)
IDENTITY = click.option("--identity", metavar="FILE", help="Identity (private key) for an encrypted repository.")
PASSPHRASE = click.option("--passphrase-file", metavar="FILE", help="File with the repository passphrase.")
SNAPSHOT = click.option("--snapshot", metavar="ID", help="Snapshot from `backup list`.  [default: newest]")


@backup.command("run")
@click.argument("dest", required=False)
@click.option("--repo", metavar="DIR", help="Add a snapshot to this repository, creating the repository if necessary.")
@click.option(
    "--encrypt-to", metavar="RECIPIENT", multiple=True, help="Encrypt a new repository to this age recipient."
)
@click.option("--passphrase-file", metavar="FILE", help="Encrypt a new repository with the passphrase in this file.")
@click.option("--verbose", is_flag=True, help="List each file.")
def run(
    dest: str | None, repo: str | None, encrypt_to: tuple[str, ...], passphrase_file: str | None, verbose: bool
) -> None:
    """Back up configuration and data. DEST is a new directory, or a repository for a snapshot. The default is the
    repository in backup.target.

    To use a repository on another machine or in object storage, set `backup.target`: ssh://user@host/path,
    s3://bucket/prefix. Repositories there are always encrypted.

    A repository only stores changes since the last snapshot. An encrypted repository requires the Python package
    pyrage.

    You can run this while the server is running. On a terminal, you'll see the progress and the result. Otherwise,
    there's no output on success. This won't overwrite existing files. If you see a file INCOMPLETE, the copy isn't
    complete.

    The host's private keys are included in encrypted repositories, and in other backups with `backup.include_keys`.
    You'll see a warning for each file that isn't included. The admin password hash is never backed up.
    """
    if dest is not None and repo is not None:
        raise click.UsageError("specify either a directory DEST or --repo DIR")
    if dest is None and repo is None:
        target = load_config().static.backup.target
        if target is None:
            raise click.UsageError("missing destination; specify a directory DEST or --repo DIR, or set backup.target")
        repo = str(target)
    if repo is None and (encrypt_to or passphrase_file):
        raise click.UsageError("encryption requires a repository; use --repo DIR")
    from moxlite.cli.archives.transfer import Signs, stopped_config
    from moxlite.operations.server import BackUp
    from moxlite.process.backuptargets import target_of

    with failures(repo or dest or ""):
        target = target_of(repo or dest or "")
    phrase = _passphrase(passphrase_file) or ""
    request = BackUp(str(target), verbose, repo is not None, list(encrypt_to), phrase)
    with Signs("backing up", verbose=verbose, silent=True) as signs:
        try:
            done = perform(request, progress=signs.tell)
        except Failure as failure:
            if failure.code != NOT_RUNNING:
                raise
            done = _stopped(stopped_config(failure), request, signs.tell)
    report([*done.warnings, *done.left_out], done.errors)
    if done.errors:
        raise Failure(f"{target} is incomplete")
    if verbose or sys.stdout.isatty():  # cron sends mail about any output
        new = f", {done.stored} new" if repo else ""
        print(
            f"backed up to {printable(str(target))}: {counted(done.databases, 'database')}, "
            f"{counted(done.octets, 'byte')}{new}"
        )


def _stopped(snapshot: "Snapshot", request: "BackUp", tell: Callable[[str], None]) -> "BackedUp":
    from moxlite.admin.backup.backups import back_up_stopped
    from moxlite.process.fences import told_of_target

    with failures(request.target):
        try:
            return back_up_stopped(snapshot, config_path(), request, tell)
        except PermissionError as error:
            path = Path(error.filename or request.target)
            raise Failure(f"{path}: {told_of_target(error, path, Path(request.target))}") from None


@contextlib.contextmanager
def failures(what: str) -> Iterator[None]:
    """Say what failed."""
    from moxlite.process.lock import Locked
    from moxlite.process.privileges import UnknownUser
    from moxlite.store.errors import StoreError

    try:
        yield
    except (Locked, StoreError, UnknownUser) as error:
        raise Failure(printable(str(error))) from None
    except (FileExistsError, NotADirectoryError) as error:
        raise Failure(f"{error.filename or what} isn't a folder; choose another place") from None
    except OSError as error:
        raise Failure(f"{error.filename or what}: {error.strerror or error}") from None


def _passphrase(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"can't read {path}: {error}") from None
    if not lines or not lines[0]:
        raise Failure(f"the first line of {path} must contain the passphrase")
    return lines[0]


@contextlib.contextmanager
def open_storage(repo: str) -> "Iterator[Storage]":
    """The storage of a repository. The key for another machine is that of the configuration, where it has this target;
    else the settings of ssh for this user count.
    """
    from moxlite.process.backuptargets import login_for, opened, target_of
    from moxlite.process.keys import read_named
    from moxlite.process.privileges import service_user

    target, login = target_of(repo), None
    if not isinstance(target, Path):
        with contextlib.suppress(Failure):  # a machine that is restored has no configuration yet
            static = load_config().static
            login = login_for(target, static.backup, partial(read_named, ids=service_user(static.user)))
    with opened(target, login) as storage:
        yield storage


@contextlib.contextmanager
def open_repository(
    repo: str, identity: str | None, passphrase_file: str | None, trusted: frozenset[str] | None = None
) -> "Iterator[Repository]":
    """An open repository. `trusted`: as in `Repository`."""
    from moxlite.store.backup.packs import is_encrypted
    from moxlite.store.backup.repository import Repository

    identity_file = None if identity is None else Path(identity)
    passphrase, key = _passphrase(passphrase_file), None
    with open_storage(repo) as storage:
        if identity_file is None and passphrase is None and is_encrypted(storage):
            asked = _ask(repo)
            key, passphrase = (asked, None) if asked.startswith(KEY_BEGINS) else (None, asked)
        yield Repository(storage, identity_file=identity_file, passphrase=passphrase, identity=key, trusted=trusted)


def trust(signer: tuple[str, ...], identity: str | None, *, unsigned: bool) -> frozenset[str] | None:
    """The signers of which a snapshot must have one; None for any snapshot, with a warning."""
    if not unsigned:
        return trusted_signers(signer, identity)
    note(
        "warning: this backup's origin isn't verified (--unsigned); anyone who can write to its location could have "
        "created it"
    )
    return None


def _ask(repo: str) -> str:
    """The key or the passphrase of a repository, typed at the terminal and not shown. Raises Failure."""
    if not sys.stdin.isatty():
        raise Failure(f"{repo} is encrypted; add --identity FILE or --passphrase-file FILE")
    asked = click.prompt(f"Key (AGE-SECRET-KEY-1...) or passphrase of {printable(repo)}", hide_input=True, err=True)
    return str(asked).strip()


@backup.command()
@REPO
def init(repo: str) -> None:
    """Create an encrypted repository and print the key once.

    You'll need this key to restore, and it isn't stored on this machine. Write it down, or save it in a password
    manager. The key is an age identity (AGE-SECRET-KEY-1...) for `--identity FILE`. If you omit this option, `moxlite
    restore` and `moxlite backup verify` will prompt you for the key. This requires the Python package pyrage. You can
    use `backup.target` or a folder.
    """
    from moxlite.admin.backup.backups import make_encrypted
    from moxlite.process.backuptargets import target_of

    with failures(repo):
        target = target_of(repo)
        key, recipient, signer = make_encrypted(load_config(), config_path().parent, target)
    place = printable(str(target))
    print(f"Created encrypted repository {place}. Save its key now. You won't be able to see it again:\n")
    if signer:
        print(f"  # signed by {signer}")
    print(f"  {key}\n")
    print(
        "You can't restore without this key. Save both lines in a single file. The first line is used to verify "
        "backups."
    )
    print("In moxlite.toml:\n")
    print(f'  [backup]\n  schedule = "24h"\n  target = "{place}"\n  encrypt_to = ["{recipient}"]')


@backup.command("signer")
def signer_() -> None:
    """Print the signer of this server's backups.

    Keep it with the backup key. To restore on another machine, use it with --signer, or as a comment in the --identity
    file. The signer is public. The private key is in the file backup-signing.key next to moxlite.toml. The first backup
    creates this file.
    """
    from moxlite.store.backup.keys import load_signer

    with failures("backup-signing.key"):
        signer, _ = load_signer(config_path().parent, create=False)
    if signer is None:
        raise Failure("this server hasn't signed any backups yet")
    print(signer.public)


@backup.command("list")
@REPO
@IDENTITY
@PASSPHRASE
@json_option
def list_(repo: str, identity: str | None, passphrase_file: str | None, as_json: bool) -> None:
    """List a repository's snapshots, oldest first. Incomplete snapshots are marked with errors (encrypted repositories
    require a key for this).
    """
    from moxlite.store.backup.repository import Repository

    with failures(repo):
        if identity is None and passphrase_file is None:
            with open_storage(repo) as storage:
                snapshot_infos = Repository.infos(storage)
        else:
            with open_repository(repo, identity, passphrase_file) as repository:
                snapshot_infos = repository.snapshots()
    closed = bool(snapshot_infos) and all(info.files is None for info in snapshot_infos)
    show(snapshot_infos, ("id",) if closed else ("id", "files", "octets", "errors"), as_json=as_json)
    if closed:
        note("This repository is encrypted. To see files and errors, add --identity FILE or --passphrase-file FILE.")


@backup.command()
@REPO
@click.option("--deep", is_flag=True, help="Read all blocks and verify their checksums.")
@click.option("--fix", is_flag=True, help="With --deep, first move damaged packs away.")
@IDENTITY
@PASSPHRASE
def verify(repo: str, deep: bool, fix: bool, identity: str | None, passphrase_file: str | None) -> None:
    """Check for missing blocks and changed snapshots. A snapshot counts as changed if it doesn't match its signature.

    Prints the signer. Exit code 1 if there's a problem. With --deep --fix, damaged packs are moved to the folder
    REPO/damaged, and good blocks are kept. The next backup will restore lost blocks if the server still has the data.
    Other snapshots that need these blocks will still be damaged.
    """
    from moxlite.process.stopped import as_owner
    from moxlite.store.errors import StoreError

    if fix and not deep:
        raise click.UsageError("--fix requires --deep to find damaged blocks")
    with failures(repo), open_repository(repo, identity, passphrase_file) as repository:
        folder = repository.storage.folder
        if fix:
            # What root makes here must be the server's, which goes on with it.
            with as_owner(folder) if folder is not None else contextlib.nullcontext():
                packs = repository.set_aside()
            for pack in packs:
                print(f"fixed: moved pack {printable(pack)} to {printable(repo)}/damaged")
            if packs:
                print("To store lost data again: moxlite backup --repo " + printable(repo))

        signers = Counter[str]()
        problems = repository.verify(deep=deep and not fix)
        for one in repository.ids():
            with contextlib.suppress(StoreError):  # a wrong signature is among the problems
                signers.update(repository.signers(one)[:1] or ["no one"])
    for name, count in signers.items():
        print(f"{counted(count, 'snapshot')} signed by {name}")
    for line in problems:
        print(printable(line))
    if problems:
        raise Failure(f"{repo}: {counted(len(problems), 'problem')}")
    print(f"{printable(repo)}: OK")


@backup.command("restore")
@REPO
@click.option("--out", metavar="DIR", required=True, help="New directory for the backup.")
@SNAPSHOT
@IDENTITY
@PASSPHRASE
@SIGNER
@UNSIGNED
@click.option("--verbose", is_flag=True, help="List each file.")
def extract(
    repo: str,
    out: str,
    snapshot: str | None,
    identity: str | None,
    passphrase_file: str | None,
    signer: tuple[str, ...],
    unsigned: bool,
    verbose: bool,
) -> None:
    """Write a snapshot as a full backup. You can use it with `moxlite verifydata` and `moxlite restore`.

    Damaged data is skipped, and incomplete accounts and files are listed.
    """
    from moxlite.cli.archives.transfer import Signs

    with failures(repo):
        trusted = trust(signer, identity, unsigned=unsigned)
    with (
        failures(out),
        open_repository(repo, identity, passphrase_file, trusted) as repository,
        Signs("restoring", verbose=verbose) as signs,
    ):
        lacks = repository.extract(Path(out), snapshot_id=snapshot, tell=signs.tell)
    report((), lacks)
    if lacks:
        raise Failure(f"couldn't export all data: {out} is incomplete")


@backup.command()
@REPO
@click.option(
    "--keep-daily", type=click.IntRange(0), default=14, show_default=True, help="Number of daily snapshots to keep."
)
@click.option(
    "--keep-weekly",
    type=click.IntRange(0),
    default=8,
    show_default=True,
    help="Number of weekly snapshots to keep.",
)
@IDENTITY
@PASSPHRASE
def prune(repo: str, keep_daily: int, keep_weekly: int, identity: str | None, passphrase_file: str | None) -> None:
    """Delete old snapshots and unused blocks. This won't delete the newest snapshot or the newest complete snapshot."""
    from moxlite.process.stopped import as_owner

    with failures(repo), open_repository(repo, identity, passphrase_file) as repository:
        folder = repository.storage.folder
        # What root makes here must be the server's, which goes on with it.
        with as_owner(folder) if folder is not None else contextlib.nullcontext():
            pruned = repository.prune(keep_daily=keep_daily, keep_weekly=keep_weekly)
    for snapshot in pruned.snapshots:
        print(f"removed {snapshot}")
    if pruned.blocks:
        print(f"removed {counted(pruned.blocks, 'block')}, {counted(pruned.octets, 'byte')}")


ALIKE: Final = 2
"""Errors with the same words that are printed: a full disk has the same one for each file."""


def report(warnings: Sequence[str], errors: Sequence[str]) -> None:
    for line in warnings:
        print(f"moxlite: warning: {printable(line)}", file=sys.stderr)
    alike = Counter[str]()
    for line in errors:
        why = line.rpartition(": ")[2]
        alike[why] += 1
        if alike[why] <= ALIKE:
            print(f"moxlite: {printable(line)}", file=sys.stderr)
    for why, number in alike.items():
        if number > ALIKE:
            print(f"moxlite: {counted(number - ALIKE, 'more file')}: {printable(why)}", file=sys.stderr)
