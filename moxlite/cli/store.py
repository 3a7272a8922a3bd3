"""``moxlite store``: care for the stored mail."""

from typing import TYPE_CHECKING

import click

from moxlite.cli.common import NOT_RUNNING, Failure, call, json_option, load_config, printable, settings, show

if TYPE_CHECKING:
    from moxlite.admin.requests import CheckReport, StoreRepair

__all__ = ["store"]


@click.group()
def store() -> None:
    """Check and repair the stored mail."""


@store.command()
@click.argument("name", required=False)
@click.option("--deep", is_flag=True, help="Read and check all stored octets as well.")
@json_option
def check(name: str | None, deep: bool, as_json: bool) -> None:
    """Check the database of account NAME, or of all accounts.

    A running server goes on meanwhile; without one, the files are opened directly. Exit code 1 if something is wrong.
    """
    reports = _reports(name or "", deep=deep)
    if as_json or settings().as_json:
        show(reports, (), as_json=True)
    else:
        for report in reports:
            print(f"{report.account}: {'ok' if not report.problems else ''}".rstrip())
            for problem in report.problems:
                print(f"  {printable(problem)}")
    bad = [report.account for report in reports if report.problems]
    if bad:
        raise Failure(f"problems in {', '.join(bad)}")


def _reports(name: str, *, deep: bool) -> "list[CheckReport]":
    from moxlite.admin.requests import CheckReport, StoreCheck

    try:
        return call("store check", StoreCheck(name, deep), list[CheckReport])
    except Failure as failure:
        if failure.code != NOT_RUNNING:
            raise
    from moxlite.admin.storecheck import check_stopped
    from moxlite.net.lock import Locked

    snapshot = load_config()
    if name and snapshot.account(name) is None:
        raise Failure(f'there is no account "{name}"')
    try:
        return check_stopped(snapshot, lambda accounts: [name] if name else accounts.names(), deep=deep)
    except Locked as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"cannot use the data directory {snapshot.static.data_dir}: {error.strerror or error}") from None


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
    """Repair, and print each change; in a running server the sessions of the account end when there was one."""
    from moxlite.admin.requests import StoreRepair

    request = StoreRepair(name, verb, mailbox)
    try:
        changed = call("store repair", request, list[str])
    except Failure as failure:
        if failure.code != NOT_RUNNING:
            raise
        changed = _repair_stopped(request)
    for line in changed:
        print(printable(line))


def _repair_stopped(request: "StoreRepair") -> list[str]:
    from moxlite.admin.storerepair import repair_stopped
    from moxlite.net.lock import Locked
    from moxlite.store.errors import StoreError

    snapshot = load_config()
    try:
        return repair_stopped(snapshot, request)
    except (Locked, StoreError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"cannot use the data directory {snapshot.static.data_dir}: {error.strerror or error}") from None
