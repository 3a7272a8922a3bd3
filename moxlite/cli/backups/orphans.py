"""``moxlite standby orphans`` and ``send-rest``: mail that only the machine of before has (docs/spec/store.md,
STORE-186j).
"""

import contextlib
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

import click

from moxlite.cli.backups.backup import failures, report
from moxlite.cli.backups.restore import restore_mail_file, roomy_folder
from moxlite.cli.backups.sourceoptions import SourceKeys, source_options, standby_source
from moxlite.cli.common import NOT_RUNNING, Failure, data_dir, load_config, note
from moxlite.escapes import printable
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.admin.standby.layout import EpochStart


TARGET: Final = "Orphans"
"""The mailbox below which orphans come."""


@click.command("send-rest")
def send_rest() -> None:
    """Send changes that are only on this machine. Do this after the other machine has taken over. Stop the server
    first.

    The changes are sent to the folder for this machine's epoch, next to the other machine's, so you can find them with
    `moxlite standby orphans`. This doesn't change anything here.
    """
    from moxlite.admin.standby import orphans as sending
    from moxlite.process.backuptargets import login_for
    from moxlite.process.keys import read_named
    from moxlite.process.lock import DataLock
    from moxlite.process.privileges import acting_as, service_user

    static = load_config().static
    if static.standby.target is None:
        raise Failure("standby.target isn't set")
    with failures(str(static.standby.target)):
        ids = service_user(static.user)
        login = login_for(static.standby.target, static.standby, partial(read_named, ids=ids))
        with acting_as(*ids) if ids is not None else contextlib.nullcontext(), DataLock(static.data_dir / "lock"):
            epoch = sending.send_rest(static, login, note)
    print(f"sent as epoch {epoch}. Now run this on the active machine: moxlite standby orphans SOURCE")


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option("--import", "importing", is_flag=True, help="Add the mail to the accounts, below the mailbox Orphans.")
@click.option("--out", metavar="DIR", help="New folder for mail that can't be added to an account, with --import.")
@source_options
@click.option("--verbose", is_flag=True, help="List each file.")
def orphans(source: str, importing: bool, out: str | None, verbose: bool, **keys: Unpack[SourceKeys]) -> None:
    """List mail that the previous machine accepted alone. It's missing on this machine. SOURCE is standby.target.

    First run `moxlite standby send-rest` on the previous machine. With --import, mail is added to accounts on the
    running server, below the mailbox Orphans. Outgoing messages are written to the --out folder, so you can review them
    and send them with `moxlite sendmail`. Mail for deleted accounts is also written to that folder. Then the exit code
    is 1, and you'll see the command to add the mail to another account.
    """
    if importing and out is None:
        raise click.UsageError("--import requires --out DIR for queued messages")
    from moxlite.admin.standby.layout import read_beginning, read_head
    from moxlite.admin.standby.moments import restored_at
    from moxlite.cli.archives.transfer import Signs

    folder = None if out is None else Path(out)
    if folder is not None and folder.exists():
        raise Failure(f"{out} already exists; use --out with a new folder")
    with failures(source), Signs("reading", verbose=verbose) as signs:
        chosen = standby_source(source, identity=None, **keys)
        with chosen.storage(None) as storage:
            head = read_head(storage)
            beginning = None if head is None else read_beginning(storage, head.epoch)
        if beginning is None:
            raise Failure(f"no takeover found in {source}")
        earlier = beginning.earlier
        rest = restored_at(
            chosen, None, account=None, beside=roomy_folder(), tell=signs.tell, left_out=note, epoch=earlier
        )
        with rest as backup:
            count, left = _mail(backup / "data/accounts", beginning, folder if importing else None)
            if (backup / "data/queue.db").exists():
                count += _queued(backup / "data/queue.db", beginning.queued, folder)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(beginning.at))
    done = ": imported" if importing and not left else ""
    print(f"{counted(count, 'message')} only in epoch {earlier}, which ended {when}{done}")
    if left:
        report((), left)
        raise Failure(
            f"couldn't import mail from {counted(len(left), 'account')} (saved in {out}). For each account, run: "
            f"moxlite restore {out} "
            f"--from ACCOUNT --account NAME --as {TARGET}, where NAME is the account for the mail"
        )


def _mail(accounts: Path, beginning: "EpochStart", out: Path | None) -> tuple[int, list[str]]:
    """List the mail, and import it where there is a folder `out`, to which goes what no account here takes. Returns
    the number of messages, and why which account's were not imported.
    """
    from moxlite.store.backup.verify import keep_later

    count, left = 0, list[str]()
    for file in sorted(accounts.glob("*/account.db")):
        account = file.parent.name
        later_messages = keep_later(file, beginning.modseqs.get(account, 0))
        for later_message in later_messages:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(later_message.received))
            print(
                printable(
                    f"{when} {account} {later_message.mailbox} {later_message.message_id} {later_message.subject}"
                )
            )
        count += len(later_messages)
        if not later_messages or out is None:
            continue
        try:
            restore_mail_file(file, account, None, TARGET, note_quietly)
        except Failure as failure:
            if failure.code == NOT_RUNNING:
                raise
            # A full backup of what is left, so that a second run need not import the mail of the others twice.
            place = _made(out) / "data/accounts" / account / file.name
            place.parent.mkdir(parents=True)
            shutil.move(file, place)
            left.append(f"{account}: couldn't import {len(later_messages)} of its messages: {failure}")
    return count, left


def _made(folder: Path) -> Path:
    """The folder of --out, made with the first that goes into it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def note_quietly(line: str) -> None:
    """Nothing: the messages are listed already."""


def _queued(file: Path, after: int, folder: Path | None) -> int:
    """List, and write, messages that were on their way out."""
    import trio

    from moxlite.queue.data.content import leftover

    async def run() -> int:
        count = 0
        async with contextlib.aclosing(leftover(file, after)) as found:
            async for message, octets in found:
                print(printable(f"queue: for {message.recipient_address} {message.message_id} {message.subject}"))
                if folder is not None:
                    with (_made(folder) / f"{message.id}.eml").open("xb") as copy:
                        async for piece in octets():
                            copy.write(piece)
                count += 1
        return count

    return trio.run(run)


# ``moxlite account recover`` (docs/spec/store.md, STORE-188).


@click.command()
@click.argument("name")
@click.option("--out", metavar="DIR", required=True, help="New directory for the recovered account.")
@click.option("--file", metavar="FILE", help="Damaged database.  [default: account's database]")
def recover(name: str, out: str, file: str | None) -> None:
    """Recover readable data from account NAME's damaged database.

    The server must be stopped, unless --file is a copy. The damaged file isn't changed. The new database is
    DIR/accounts/NAME/account.db. To use the new database, replace the damaged file, and delete account.db-wal and
    account.db-shm. You can find messages without a mailbox in the mailbox Recovered. Prints any losses, and writes them
    to DIR/losses.txt. Exit code 1 if data was lost.
    """
    from moxlite.cli.archives.transfer import Signs
    from moxlite.process.lock import Locked
    from moxlite.process.stopped import stopped
    from moxlite.store.accounts.folders import check_account_name
    from moxlite.store.errors import StoreError
    from moxlite.store.recover.rebuild import recover as run

    target = Path(out)
    try:
        check_account_name(name)
        damaged = data_dir() / "accounts" / name / "account.db" if file is None else Path(file)
        with stopped(data_dir()) if file is None else contextlib.nullcontext():
            with Signs("recovering") as signs:
                done = run(name, damaged, target, tell=signs.tell)
            if done.losses:  # by the owner of what is there, who may have planted a link
                (target / "losses.txt").write_text("".join(f"{line}\n" for line in done.losses))
    except (Locked, StoreError) as error:
        raise Failure(printable(str(error))) from None
    except OSError as error:
        raise Failure(f"{error.filename or name}: {error.strerror or error}") from None
    for line in done.losses:
        print(f"lost: {printable(line)}")
    print(
        f"recovered {counted(done.saved, 'message')} in {counted(done.mailboxes, 'mailbox')}, "
        f"and {done.orphans} not in any mailbox"
    )
    if done.losses:
        raise Failure(f"found {len(done.losses)} losses; see {target / 'losses.txt'}")


# ``moxlite verifydata`` and ``gentestdata`` (docs/spec/admin.md §8).


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--deep", is_flag=True, help="Also read and check all stored data.")
@click.option("--fix", is_flag=True, help="Repair counts, sizes, and next UIDs first.")
@click.option("--upgrade", is_flag=True, help="Test upgrading older databases on a copy.")
@click.option("--verbose", is_flag=True, help="List each file.")
def verifydata(folder: str, deep: bool, fix: bool, upgrade: bool, verbose: bool) -> None:
    """Check a backup, or a stopped server's data directory.

    Prints `DIR: OK`, or the problems and the commands to repair them, with exit code 1. To make changes and print
    them, use --fix.
    """
    from moxlite.admin.backup.restores import verify_stopped
    from moxlite.cli.archives.transfer import Signs
    from moxlite.process.lock import Locked
    from moxlite.store.errors import StoreError

    try:
        with Signs("checking", verbose=verbose) as signs:
            fixed, verification_result = verify_stopped(
                Path(folder), deep=deep, upgrade=upgrade, fix=fix, tell=signs.tell
            )
    except (Locked, StoreError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{error.filename or folder}: {error.strerror or error}") from None
    for line in fixed:
        print(f"fixed: {printable(line)}")
    if any(str(problem).endswith(": no databases found") for problem in verification_result.problems):
        raise Failure(f"{folder} is neither a backup nor a data directory: no databases found{_own_data()}")
    for line in verification_result.notes:
        print(f"moxlite: note: {printable(line)}", file=sys.stderr)
    for problem in verification_result.problems:
        print(printable(str(problem)))
    if verification_result.problems:
        raise Failure(f"{folder}: {counted(len(verification_result.problems), 'problem')}")
    print(f"{printable(folder)}: OK")


def _own_data() -> str:
    """The data directory of this server, to a user who named another folder; "" if there's no configuration."""
    try:
        return f"; this server's data directory is {data_dir()}"
    except Failure:
        return ""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
def gentestdata(folder: str) -> None:
    """Create sample data in the new directory DIR. It has accounts and messages for upgrade tests.

    To log in to an account, use the password `test NAME`.
    """
    from moxlite.queue.testdata import generate

    try:
        generate(Path(folder))
    except FileExistsError:
        raise Failure(f"{folder} exists") from None
    except OSError as error:
        raise Failure(f"{error.filename or folder}: {error.strerror or error}") from None
