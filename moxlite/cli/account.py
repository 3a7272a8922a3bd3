"""``moxlite account`` and ``moxlite admin``: setting passwords, and getting lost mail back."""

from pathlib import Path

import click

from moxlite.cli.common import Failure, call, load_config, moment, new_password
from moxlite.cli.imap import imapserve
from moxlite.cli.recover import recover

__all__ = ["account", "admin"]


@click.group()
def account() -> None:
    """Passwords of accounts, and lost mail."""


account.add_command(recover)


@account.command("set-password")
@click.argument("name")
def account_set_password(name: str) -> None:
    """Set the password of account NAME: asked for twice, or the first line of stdin. Ends its sessions."""
    from moxlite.admin.requests import SetPassword

    call("account set-password", SetPassword(name, new_password()), type(None))


@account.command()
@click.argument("name")
@click.option("--since", metavar="TIME", help="Only what was removed since: 2h, 3d, or 2026-11-20T08:00 (UTC).")
@click.option("--mailbox", metavar="MAILBOX", default="", help="Only what was removed from this mailbox.")
def undelete(name: str, since: str | None, mailbox: str) -> None:
    """Bring back messages that were removed from account NAME, into the mailboxes where they were.

    That is possible for the time that store.undelete_grace says, unless the disk got short of space.
    """
    from moxlite.admin.requests import Undelete, UndeletedMail

    request = Undelete(name, 0 if since is None else moment(since), mailbox)
    done = call("account undelete", request, UndeletedMail)
    print(f"{done.messages} messages are back")
    if done.damaged:
        raise Failure(f"{done.damaged} messages are damaged and were left out")


@account.command("export-full")
@click.argument("name")
@click.argument("file")
def export_full(name: str, file: str) -> None:
    """Write all of account NAME to the new FILE, for another server; the account goes on meanwhile.

    Mail, UIDs, password and junk words are in it: keep it safe. Stop using the account here before.
    """
    import apsw

    from moxlite.store.accounts import check_account_name
    from moxlite.store.backup.whole import export_account
    from moxlite.store.errors import StoreError

    try:
        source = load_config().static.data_dir / "accounts" / check_account_name(name) / "account.db"
        if not source.is_file():
            raise Failure(f"there is no account {name!r}")
        export_account(source, name, Path(file))
    except (StoreError, apsw.Error) as error:
        raise Failure(str(error)) from None
    except FileExistsError:
        raise Failure(f"{file} exists") from None
    except OSError as error:
        raise Failure(f"{error.filename or file}: {error.strerror or error}") from None


@account.command("import-full")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def import_full(name: str, file: str) -> None:
    """Take over FILE, of `account export-full`, as account NAME of the running server.

    Add the account to the configuration first: as long as it never had a message, it is replaced.
    """
    from moxlite.admin.requests import AccountName

    with Path(file).open("rb") as octets:
        call("account import-full", AccountName(name), type(None), upload=iter(lambda: octets.read(1 << 20), b""))


@click.group()
def admin() -> None:
    """The administrator's password and tools."""


admin.add_command(imapserve)


@admin.command("set-password")
def admin_set_password() -> None:
    """Set the password of the admin app: asked for twice, or the first line of stdin."""
    from moxlite.admin.adminpassword import write_admin_password
    from moxlite.store.errors import BadPassword

    path = load_config().static.admin_password_file
    if path is None:
        raise Failure('moxlite.toml has no admin_password_file: add admin_password_file = "adminpasswd"')
    try:
        write_admin_password(path, new_password())
    except BadPassword as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None
