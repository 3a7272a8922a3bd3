"""``moxlite account sort``: rules and scripts for mail that is there already (WEBMAIL-130b)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from moxlite.cli.common import Failure, ask, note, perform
from moxlite.decoders import from_json
from moxlite.escapes import printable
from moxlite.operations.sieve import SortFind, SortMove, SortPlace

PIECE: Final = 200
"""Messages that are moved in one transaction."""


class Moves(msgspec.Struct, frozen=True):
    """Messages of the mailbox `source` that go to `target`."""

    source: str
    target: str
    ids: list[int]


class Record(msgspec.Struct, frozen=True):
    """The moves of one call, written before the first of them, so that they can be undone or gone on with."""

    account: str
    moves: list[Moves]


@click.group()
def sort() -> None:
    """Rules and scripts for mail that is there already."""


@sort.command("apply")
@click.argument("name")
@click.option("--rules", "address", metavar="ADDRESS", default="", help="By the rules of this address of the account.")
@click.option("--script", metavar="SCRIPT", default="", help="By this Sieve script of the account.")
@click.option("--dry-run", is_flag=True, help="Only tell how many messages would go where.")
@click.option("--record", metavar="FILE", type=click.Path(path_type=Path), help="New file, by which `undo` works.")
def sort_apply(name: str, address: str, script: str, dry_run: bool, record: Path | None) -> None:
    """File the mail of account NAME as rules or a script would have filed it.

    Rules are asked about messages to their address that are in its mailbox, a script about those in the Inbox. It only
    files: it sends nothing on, answers nothing and discards nothing. The moves are shown first.
    """
    if bool(address) == bool(script):
        raise click.UsageError("give one of --rules and --script")
    if not dry_run and record is None:
        raise click.UsageError("give --record FILE, by which the moves can be undone, or --dry-run")
    moves = _find(name, address, script)
    for one in moves:
        print(printable(f"{len(one.ids)} messages from {one.source} to {one.target}"))
    if not moves:
        print("no message would go elsewhere")
    if not moves or dry_run or record is None:
        return
    ask("Move them?")
    _write(record, Record(name, moves))
    print(f"moved {_move(name, moves)} messages")
    print(printable(f"undo: moxlite account sort undo {record}"))


@sort.command("undo")
@click.argument("file", type=click.Path(path_type=Path))
def sort_undo(file: Path) -> None:
    """Move the messages of a record FILE back, as far as they are still where `apply` has put them."""
    try:
        record = from_json(file.read_bytes(), Record)
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise Failure(f"{file} is no record of moves: {error}") from None
    back = [Moves(one.target, one.source, one.ids) for one in reversed(record.moves)]
    print(f"moved {_move(record.account, back)} messages back")


def _find(name: str, address: str, script: str) -> list[Moves]:
    """All moves, by mailbox."""
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    looked = 0
    after: SortPlace | None = None
    while True:
        args = SortFind(account=name, address=address, script=script, after=after)
        page = perform(args)
        for one in page.moves:
            found[page.source, one.mailbox].append(one.id)
        looked, after = looked + page.looked, page.next
        if after is None:
            return [Moves(source, target, ids) for (source, target), ids in sorted(found.items())]
        note(f"{looked} messages looked at")


def _pieces(moves: Iterable[Moves]) -> Iterator[Moves]:
    for one in moves:
        for at in range(0, len(one.ids), PIECE):
            yield Moves(one.source, one.target, one.ids[at : at + PIECE])


def _move(name: str, moves: list[Moves]) -> int:
    """Move piece by piece; the number of messages that were still there."""
    moved, total = 0, sum(len(one.ids) for one in moves)
    for one in _pieces(moves):
        moved += perform(SortMove(name, one.ids, one.source, one.target))
        if total > PIECE:
            note(f"moved {moved} of {total}")
    return moved


def _write(path: Path, record: Record) -> None:
    """Write the record; never over another one."""
    try:
        with path.open("xb") as file:
            file.write(msgspec.json.encode(record))
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None
