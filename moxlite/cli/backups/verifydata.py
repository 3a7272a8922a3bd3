"""``moxlite verifydata`` and ``gentestdata`` (docs/spec/admin.md §8)."""

import sys
from pathlib import Path

import click

from moxlite.cli.common import Failure
from moxlite.escapes import printable


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
        fixed, found = verify_stopped(Path(folder), deep=deep, upgrade=upgrade, fix=fix, tell=tell)
    except (Locked, StoreError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{error.filename or folder}: {error.strerror or error}") from None
    for line in fixed:
        print(f"fixed: {printable(line)}")
    for line in found.notes:
        print(f"moxlite: note: {printable(line)}", file=sys.stderr)
    for problem in found.problems:
        print(printable(str(problem)))
    if found.problems:
        raise Failure(f"{folder}: {len(found.problems)} problems")
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
