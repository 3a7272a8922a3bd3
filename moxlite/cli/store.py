"""``moxlite store``: checking and repairing the stored mail."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import Failure, json_option, load_config, note, perform, settings, show
from moxlite.cli.files import on_files, served
from moxlite.escapes import printable
from moxlite.operations import store as operations
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.admin.storage.checks import Maintenance

FULL_SPEED: Final = 1 << 40
"""Octets a second for reading a stopped server's files, in practice unlimited: no other task waits for the disk."""


@click.group()
def store() -> None:
    """Inspect, check, and repair stored mail."""


@store.command()
@click.argument("name", required=False)
@click.option("--deep", is_flag=True, help="Also read and check all stored data.")
@json_option
def check(name: str | None, deep: bool, as_json: bool) -> None:
    """Check the database of account NAME. If you don't specify NAME, check all accounts, auth.db, queue.db, and
    reports.db.

    You can run this while the server is running. Exit code 1 if there's a problem.
    """
    reports = _reports(name or "", deep=deep)
    if as_json:
        show(reports, (), as_json=True)
    else:
        for report in reports:
            print(f"{report.account}: {'ok' if not report.problems else ''}".rstrip())
            for problem in report.problems:
                print(f"  {printable(problem)}")
    bad = [report.account for report in reports if report.problems]
    if bad:
        raise Failure(f"problems in {', '.join(bad)}")


def _reports(name: str, *, deep: bool) -> list[operations.CheckReport]:
    return served(lambda: perform(operations.StoreCheck(name, deep)), lambda: _check_stopped(name, deep=deep))


def _check_stopped(name: str, *, deep: bool) -> list[operations.CheckReport]:
    from moxlite.admin.storage.checks import check_server_files, check_stopped
    from moxlite.process.lock import Locked

    snapshot = load_config()
    if name and snapshot.account(name) is None:
        raise Failure(snapshot.no_account(name))
    try:
        check_reports = check_stopped(snapshot, lambda accounts: [name] if name else accounts.names(), deep=deep)
        return check_reports if name else check_reports + check_server_files(snapshot.static.data_dir)
    except Locked as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"can't use the data directory {snapshot.static.data_dir}: {error.strerror or error}") from None


@store.command("create")
@click.argument("name", required=False)
@click.option(
    "--file",
    "file",
    type=click.Choice(["auth.db", "queue.db", "reports.db"]),
    help="Use this file instead of an account.",
)
def create(name: str | None, file: str | None) -> None:
    """Create an empty database for account NAME. It replaces a lost one.

    The server must be stopped. If the file isn't empty, use `moxlite account recover` or `moxlite store recover` to
    recover its data instead. Files from the lost database are moved to a folder next to it.
    """
    from moxlite.admin.storage.checks import create_account_file, create_server_file
    from moxlite.process.lock import Locked
    from moxlite.store.errors import StoreError

    if (name is None) == (file is None):
        raise click.UsageError("specify an account NAME or --file")
    snapshot = load_config()
    try:
        if name is not None:
            if snapshot.account(name) is None:
                raise Failure(snapshot.no_account(name))
            made, aside = create_account_file(snapshot, name)
        else:
            made, aside = create_server_file(snapshot, file or "")
    except (Locked, FileExistsError, StoreError) as error:
        raise Failure(printable(str(error))) from None
    except OSError as error:
        raise Failure(f"{error.filename or name or file}: {error.strerror or error}") from None
    print(f"created empty {made}" + (f"; moved the old files to {aside}" if aside is not None else ""))


@store.command("recover")
@click.option(
    "--file", "file", type=click.Choice(["auth.db", "queue.db", "reports.db"]), required=True, help="File to recover."
)
@click.option("--out", metavar="DIR", required=True, help="New directory for the recovered file.")
def recover(file: str, out: str) -> None:
    """Recover readable data from a damaged database. It's an auth.db, queue.db, or reports.db.

    The server must be stopped. The damaged file isn't changed. The new database is DIR/auth.db, DIR/queue.db, or
    DIR/reports.db. To use the new database, replace the damaged file, and delete the files ending in -wal and -shm.
    Users will have to log in to web apps again, and queued messages are put on hold. Prints any losses. Exit code 1 if
    data was lost. To recover an account, use `moxlite account recover`.
    """
    from moxlite.admin.storage.checks import recover_server_file
    from moxlite.process.lock import Locked
    from moxlite.store.errors import StoreError

    try:
        done = recover_server_file(load_config(), file, Path(out))
    except (Locked, StoreError) as error:
        raise Failure(printable(str(error))) from None
    except OSError as error:
        raise Failure(f"{error.filename or file}: {error.strerror or error}") from None
    for line in done.losses:
        print(f"lost: {printable(line)}")
    print(f"saved {counted(done.rows, 'row')}")
    if done.losses:
        raise Failure(f"{len(done.losses)} losses")


@store.command("upgrade-preview")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(exists=True, file_okay=False))
def upgrade_preview_(folder: str | None) -> None:
    """Upgrade data from preview versions before 0.1.0.

    DIR is a data directory or a full backup. The default is the configured data directory. The server must be stopped.

    Prints the required disk space. Old databases aren't kept, so make a backup with the old version first. If the
    upgrade is interrupted, run this command again to complete it. The server will rebuild the search index.
    """
    from moxlite.cli.backups.backup import failures
    from moxlite.process.stopped import stopped
    from moxlite.store.backup.preview import upgrade_preview
    from moxlite.store.backup.verify import data_of

    place = load_config().static.data_dir if folder is None else Path(folder)
    with failures(str(place)), stopped(data_of(place)):
        done = upgrade_preview(place, lambda line: print(printable(line), flush=True))
    print(f"upgraded {counted(done, 'database')}" if done else "already up to date")


@store.command("fix-counts")
@click.argument("name")
def fix_counts(name: str) -> None:
    """Recount account NAME's messages, per mailbox and in total."""
    _repair("fix-counts", name)


@store.command("fix-sizes")
@click.argument("name")
def fix_sizes(name: str) -> None:
    """Recalculate the sizes of account NAME's messages. This also updates their total."""
    _repair("fix-sizes", name)


@store.command("fix-uidmeta")
@click.argument("name")
def fix_uidmeta(name: str) -> None:
    """Raise account NAME's next UIDs and UIDVALIDITY. They will be above all values in use."""
    _repair("fix-uidmeta", name)


@store.command("reassign-uids")
@click.argument("name")
@click.argument("mailbox", required=False)
def reassign_uids(name: str, mailbox: str | None) -> None:
    """Renumber account NAME's messages from 1. This is for MAILBOX, or for all mailboxes.

    Mail clients will download the mailbox again.
    """
    _repair("reassign-uids", name, mailbox or "")


@store.command("bump-uidvalidity")
@click.argument("name")
@click.argument("mailbox", required=False)
def bump_uidvalidity(name: str, mailbox: str | None) -> None:
    """Make mail clients download account NAME's mail again. With MAILBOX, only this one."""
    _repair("bump-uidvalidity", name, mailbox or "")


def _repair(verb: str, name: str, mailbox: str = "") -> None:
    """Run a repair, and print each change. In a running server, the account's sessions end if there was a change."""
    request = operations.StoreRepair(name, verb, mailbox)
    for line in served(lambda: perform(request), lambda: _repair_stopped(request)):
        print(printable(line))


def _repair_stopped(request: operations.StoreRepair) -> list[str]:
    from moxlite.admin.storage.checks import repair_stopped
    from moxlite.process.lock import Locked
    from moxlite.store.errors import StoreError

    snapshot = load_config()
    try:
        return repair_stopped(snapshot, request)
    except (Locked, StoreError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"can't use the data directory {snapshot.static.data_dir}: {error.strerror or error}") from None


@store.command()
@click.argument("name", required=False)
@json_option
def stats(name: str | None, as_json: bool) -> None:
    """Show disk usage for account NAME's mail. Without NAME, for all accounts.

    For the quota, messages count in full (logical). Identical bodies are stored once (plain), and compressed (stored).
    The file also has other data. Free space in the file is reused. Searches in message text are fast in indexed
    messages.
    """

    def directly() -> list[operations.StoreStats]:
        from moxlite.admin.storage.checks import read_stats

        return on_files(name, read_stats)

    store_stats = served(lambda: perform(operations.StoreMeasure(name or "")), directly)
    if as_json:
        show(store_stats, (), as_json=True)
    else:
        print(_table(store_stats))
    _complain([(store_stat.account, store_stat.problem) for store_stat in store_stats])


def _table(store_stats: list[operations.StoreStats]) -> str:
    """A line per account, with readable sizes."""
    sizes = ("logical", "plain", "stored", "file", "free", "index")
    head = ("account", "messages", "indexed", *sizes, "saved")
    lines = [
        (
            store_stat.account,
            str(store_stat.messages),
            str(store_stat.indexed),
            *(_size(getattr(store_stat, name)) for name in sizes),
            f"{1 - store_stat.stored / store_stat.logical:.0%}" if store_stat.logical else "",
        )
        for store_stat in store_stats
        if not store_stat.problem
    ]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *lines)
    )


def _size(octets: int) -> str:
    """A size with about three digits: ``1.5 GiB``."""
    value, unit = float(octets), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1000 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


@store.command()
@click.argument("name", required=False)
def recompress(name: str | None) -> None:
    """Recompress older mail for NAME or all accounts. This uses store.compress.

    By default, that setting only applies to new mail. If the server is running, this works slowly in the background (20
    MiB per second), otherwise at full speed. To continue after an interruption, run this command again.
    """
    _maintain(operations.StoreRecompress(name or ""), "recompress", "chunks recompressed")


@store.command()
@click.argument("name", required=False)
def reparse(name: str | None) -> None:
    """Reparse messages for NAME or all accounts. This updates lists, views, and searches.

    Mail service isn't interrupted. A new version of moxlite does this automatically if needed.
    """
    _maintain(operations.StoreReparse(name or ""), "reparse", "messages reparsed")


@store.command("reassign-threads")
@click.argument("name", required=False)
def reassign_threads(name: str | None) -> None:
    """Rebuild threads for NAME or all accounts. This uses message headers.

    You can use mail as usual in the meantime. When threads are ready, mail clients will have to reconnect.
    """
    _maintain(operations.StoreReassignThreads(name or ""), "reassign-threads", "messages placed")


def _maintain(request: operations.StoreMaintenance, maintenance: "Maintenance", what: str) -> None:
    """Run a maintenance command in the running server, or on the files of a stopped one; prints how much was done."""

    def directly() -> list[operations.StoreDone]:
        from moxlite.admin.storage.checks import maintain
        from moxlite.admin.storage.settings import compression

        async def tell(line: str) -> None:
            note(line)

        target = compression(load_config())
        return on_files(
            request.account,
            lambda accounts, names: maintain(accounts, names, maintenance, tell, target=target, rate=FULL_SPEED),
        )

    done = served(lambda: perform(request, progress=note), directly)
    if settings().as_json:
        show(done, (), as_json=True)
    else:
        for one in done:
            if not one.problem:
                print(f"{one.account}: {one.count} {what}")
    _complain([(one.account, one.problem) for one in done])


def _complain(found: list[tuple[str, str]]) -> None:
    """Print failures by account. If there are any, the command has failed."""
    failed = [(account, problem) for account, problem in found if problem]
    for account, problem in failed:
        note(f"{account}: {problem}")
    if failed:
        raise Failure(f"failed for {', '.join(account for account, _ in failed)}")
