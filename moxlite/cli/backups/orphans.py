"""``moxlite standby orphans`` and ``send-rest``: mail that only the machine of before has (docs/spec/store.md,
STORE-186j).
"""

import contextlib
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

import click

from moxlite.cli.backups.backup import failures, silent, tell_line
from moxlite.cli.backups.restore import restore_mail_file
from moxlite.cli.backups.sourceoptions import SourceKeys, source_options, standby_source
from moxlite.cli.common import Failure, data_dir, load_config, note
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.admin.standby.layout import Beginning


TARGET: Final = "Orphans"
"""The mailbox below which orphans come."""


@click.command("send-rest")
def send_rest() -> None:
    """Send what only this machine has, after the other one has taken over. The server must be stopped.

    It goes to the folder of the epoch in which this machine was the first one, beside that of the other machine, where
    `moxlite standby orphans` finds it. Nothing here is changed.
    """
    from moxlite.admin.standby import orphans as sending
    from moxlite.process.backuptargets import login_for
    from moxlite.process.keys import read_named
    from moxlite.process.lock import DataLock
    from moxlite.process.privileges import acting_as, service_user

    static = load_config().static
    if static.standby.target is None:
        raise Failure("standby.target is not set")
    with failures(str(static.standby.target)):
        ids = service_user(static.user)
        login = login_for(static.standby.target, static.standby, partial(read_named, ids=ids))
        with acting_as(*ids) if ids is not None else contextlib.nullcontext(), DataLock(static.data_dir / "lock"):
            epoch = sending.send_rest(static, login, note)
    print(f"sent, as epoch {epoch}. Next, on the machine that serves: moxlite standby orphans SOURCE")


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option("--import", "importing", is_flag=True, help="Add the mail to the accounts, below the mailbox Orphans.")
@click.option("--out", metavar="DIR", help="With --import: a new folder for messages of the queue.")
@source_options
@click.option("--verbose", is_flag=True, help="Tell each file.")
def orphans(source: str, importing: bool, out: str | None, verbose: bool, **keys: Unpack[SourceKeys]) -> None:
    """List mail that the machine of before acknowledged and this one has not. SOURCE is standby.target.

    The machine of before must have sent it: `moxlite standby send-rest` there. With --import it is added to the
    accounts of the running server, below the mailbox Orphans; messages that were on their way out are written to
    the folder of --out, to be looked at and sent by `moxlite sendmail`.
    """
    if importing and out is None:
        raise click.UsageError("--import needs --out DIR for messages that wait to be sent")
    import datetime as dt

    from moxlite.admin.standby.layout import read_beginning, read_head
    from moxlite.admin.standby.moments import restored_at

    tell = tell_line if verbose else silent
    folder = None if out is None else Path(out)
    with failures(source):
        chosen = standby_source(source, identity=None, **keys)
        with chosen.storage(Path.cwd()) as storage:
            head = read_head(storage)
            beginning = None if head is None else read_beginning(storage, head.epoch)
        if beginning is None:
            raise Failure(f"{source} tells of no take-over")
        if folder is not None:
            folder.mkdir(mode=0o700)
        now = dt.datetime.now(dt.UTC)
        with restored_at(chosen, now, account=None, beside=None, tell=tell, epoch=beginning.earlier) as backup:
            count = _mail(backup / "data/accounts", beginning, importing=importing)
            if (backup / "data/queue.db").exists():
                count += _queued(backup / "data/queue.db", beginning.queued, folder)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(beginning.at))
    print(f"{count} messages are only in epoch {beginning.earlier}, which ended {when}" + (": imported" * importing))


def _mail(accounts: Path, beginning: "Beginning", *, importing: bool) -> int:
    from moxlite.store.backup.verify import keep_later

    count = 0
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
        if later_messages and importing:
            restore_mail_file(file, account, None, TARGET, note_quietly)
        count += len(later_messages)
    return count


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
                    with (folder / f"{message.id}.eml").open("xb") as copy:
                        async for piece in octets():
                            copy.write(piece)
                count += 1
        return count

    return trio.run(run)


# ``moxlite account recover`` (docs/spec/store.md, STORE-188).


@click.command()
@click.argument("name")
@click.option("--out", metavar="DIR", required=True, help="The new directory for the recovered account.")
@click.option("--file", metavar="FILE", help="The damaged database.  [default: the account's own]")
def recover(name: str, out: str, file: str | None) -> None:
    """Save what can be saved of the damaged database of account NAME.

    The server must be stopped, unless --file names a copy. The damaged file stays as it is. The new database is
    DIR/accounts/NAME/account.db; to use it, put it in the place of the damaged one, whose files account.db-wal and
    account.db-shm must go. Messages that have lost their mailbox are in the mailbox Recovered. Prints what is lost,
    also to DIR/losses.txt; exit code 1 if something is.
    """
    from moxlite.process.lock import Locked
    from moxlite.process.stopped import stopped
    from moxlite.store.accounts.folders import check_account_name
    from moxlite.store.errors import StoreError
    from moxlite.store.recover.rebuild import recover as run

    target = Path(out)
    try:
        check_account_name(name)
        if file is not None:
            done = run(name, Path(file), target)
        else:
            data = data_dir()
            with stopped(data):
                done = run(name, data / "accounts" / name / "account.db", target)
        if done.losses:
            (target / "losses.txt").write_text("".join(f"{line}\n" for line in done.losses))
    except (Locked, StoreError) as error:
        raise Failure(printable(str(error))) from None
    except OSError as error:
        raise Failure(f"{error.filename or name}: {error.strerror or error}") from None
    for line in done.losses:
        print(f"lost: {printable(line)}")
    print(f"saved {done.saved} messages in {done.mailboxes} mailboxes, {done.orphans} of them without their mailbox")
    if done.losses:
        raise Failure(f"{len(done.losses)} losses, see {target / 'losses.txt'}")


# ``moxlite verifydata`` and ``gentestdata`` (docs/spec/admin.md §8).


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--deep", is_flag=True, help="Read and check all stored octets as well.")
@click.option("--fix", is_flag=True, help="Repair counts, sizes and next UIDs first.")
@click.option("--upgrade", is_flag=True, help="Try the upgrade of older databases on a copy, and check that.")
@click.option("--verbose", is_flag=True, help="Tell each file.")
def verifydata(folder: str, deep: bool, fix: bool, upgrade: bool, verbose: bool) -> None:
    """Check a backup, or the data directory of a stopped server.

    Prints `DIR: OK`, or what is wrong and the command that repairs it; exit code 1 then. Changes nothing but with
    --fix, and then prints each change.
    """
    from moxlite.admin.backup.restores import verify_stopped
    from moxlite.process.lock import Locked
    from moxlite.store.errors import StoreError

    def tell(line: str) -> None:
        if verbose:
            print(printable(line))

    try:
        fixed, verification_result = verify_stopped(Path(folder), deep=deep, upgrade=upgrade, fix=fix, tell=tell)
    except (Locked, StoreError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{error.filename or folder}: {error.strerror or error}") from None
    for line in fixed:
        print(f"fixed: {printable(line)}")
    for line in verification_result.notes:
        print(f"moxlite: note: {printable(line)}", file=sys.stderr)
    for problem in verification_result.problems:
        print(printable(str(problem)))
    if verification_result.problems:
        raise Failure(f"{folder}: {len(verification_result.problems)} problems")
    print(f"{printable(folder)}: OK")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
def gentestdata(folder: str) -> None:
    """Make the new data directory DIR with something of everything, for tests of upgrades.

    Its accounts, messages and passwords are made up; the password of each account is in its name's place: `test NAME`.
    """
    from moxlite.queue.testdata import generate

    try:
        generate(Path(folder))
    except FileExistsError:
        raise Failure(f"{folder} exists") from None
    except OSError as error:
        raise Failure(f"{error.filename or folder}: {error.strerror or error}") from None
