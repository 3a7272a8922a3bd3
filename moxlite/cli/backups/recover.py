"""``moxlite account recover`` (docs/spec/store.md, STORE-188)."""

from pathlib import Path

import click

from moxlite.cli.common import Failure, data_dir
from moxlite.escapes import printable


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
