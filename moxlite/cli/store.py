"""``moxlite store``: checking and repairing the stored mail."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import Failure, json_option, load_config, note, perform, settings, show
from moxlite.cli.files import on_files, served
from moxlite.escapes import printable
from moxlite.operations import store as operations

if TYPE_CHECKING:
    from moxlite.admin.storage.checks import Maintenance

FULL_SPEED: Final = 1 << 40
"""Octets a second for reading a stopped server's files, in practice unlimited: no other task waits for the disk."""


@click.group()
def store() -> None:
    """Look at, check and repair the stored mail."""


@store.command()
@click.argument("name", required=False)
@click.option("--deep", is_flag=True, help="Read and check all stored octets as well.")
@json_option
def check(name: str | None, deep: bool, as_json: bool) -> None:
    """Check the database of account NAME; without a name of all accounts, and auth.db, queue.db and reports.db.

    A running server goes on meanwhile; without one, the files are opened directly. Exit code 1 if something is wrong.
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
        raise Failure(f"cannot use the data directory {snapshot.static.data_dir}: {error.strerror or error}") from None


@store.command("create")
@click.argument("name", required=False)
@click.option(
    "--file", "file", type=click.Choice(["auth.db", "queue.db", "reports.db"]), help="Not of an account: this file."
)
def create(name: str | None, file: str | None) -> None:
    """Make an empty database for account NAME in place of one that was lost.

    The server must be stopped. A file that is there and has octets is refused: `moxlite account recover` and `moxlite
    store recover` save what is in it. What is left of the lost one is moved into a folder beside it.
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
    print(f"made {made}, empty" + (f"; what was left is in {aside}" if aside is not None else ""))


@store.command("recover")
@click.option(
    "--file", "file", type=click.Choice(["auth.db", "queue.db", "reports.db"]), required=True, help="Which file."
)
@click.option("--out", metavar="DIR", required=True, help="The new directory for the recovered file.")
def recover(file: str, out: str) -> None:
    """Save what can be saved of a damaged auth.db, queue.db or reports.db.

    The server must be stopped. The damaged file stays as it is. The new database is DIR/auth.db, DIR/queue.db or
    DIR/reports.db; to use it, put it in the place of the damaged one, whose files ending in -wal and -shm must
    go. Sessions of the web end; messages of the queue are on hold. Prints what is lost; exit code 1 if something is.
    For accounts: `moxlite account recover`.
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
    print(f"saved {done.rows} rows")
    if done.losses:
        raise Failure(f"{len(done.losses)} losses")


@store.command("fix-counts")
@click.argument("name")
def fix_counts(name: str) -> None:
    """Count the messages of account NAME anew, per mailbox and in all."""
    _repair("fix-counts", name)


@store.command("fix-sizes")
@click.argument("name")
def fix_sizes(name: str) -> None:
    """Compute the sizes of the messages of account NAME anew, and count them."""
    _repair("fix-sizes", name)


@store.command("fix-uidmeta")
@click.argument("name")
def fix_uidmeta(name: str) -> None:
    """Have the next UIDs and the next UIDVALIDITY of account NAME above all that were given out."""
    _repair("fix-uidmeta", name)


@store.command("reassign-uids")
@click.argument("name")
@click.argument("mailbox", required=False)
def reassign_uids(name: str, mailbox: str | None) -> None:
    """Number the messages of MAILBOX, or of all, of account NAME from 1.

    Mail programs read the mailbox anew.
    """
    _repair("reassign-uids", name, mailbox or "")


@store.command("bump-uidvalidity")
@click.argument("name")
@click.argument("mailbox", required=False)
def bump_uidvalidity(name: str, mailbox: str | None) -> None:
    """Have mail programs read MAILBOX, or all, of account NAME anew."""
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
        raise Failure(f"cannot use the data directory {snapshot.static.data_dir}: {error.strerror or error}") from None


@store.command()
@click.argument("name", required=False)
@json_option
def stats(name: str | None, as_json: bool) -> None:
    """Tell what the mail of account NAME, or of all accounts, takes on the disk.

    Messages count in full for the quota (logical); equal bodies are stored once (plain), and compressed (stored). In
    the file is all else as well; what is free in it is used again.
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
    head = ("account", "messages", *sizes, "saved")
    lines = [
        (
            store_stat.account,
            str(store_stat.messages),
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
    """Store the mail of account NAME, or of all accounts, anew as store.compress says.

    That setting is for new mail; this command brings older mail to it. In a running server it goes on slowly in the
    background (20 MiB a second), without one as fast as it can. Interrupted and begun again, it passes what is done.
    """
    _maintain(operations.StoreRecompress(name or ""), "recompress", "pieces stored anew")


@store.command()
@click.argument("name", required=False)
def reparse(name: str | None) -> None:
    """Read the messages of account NAME, or of all accounts, anew: for what lists, views and searches show of them.

    Mail is served meanwhile. A new version of moxlite does so by itself where it is needed.
    """
    _maintain(operations.StoreReparse(name or ""), "reparse", "messages read anew")


@store.command("reassign-threads")
@click.argument("name", required=False)
def reassign_threads(name: str | None) -> None:
    """Make the threads of account NAME, or of all accounts, anew, from the headers of the messages.

    Mail is served meanwhile; in the end the sessions of the account end, and mail programs connect again.
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
        raise Failure(f"not done for {', '.join(account for account, _ in failed)}")
