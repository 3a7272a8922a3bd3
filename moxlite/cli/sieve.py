"""Sieve on the command line: scripts and vacation form of accounts, scripts tried in files, and mail sorted again.

Running and keeping scripts does not belong here but to `acceptance.sieve`.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click
import msgspec

from moxlite.cli.common import Failure, ask, json_option, note, perform, raw_output, show_json
from moxlite.cli.filekinds import START_SIZE, kind_of
from moxlite.encoding import from_json, to_json
from moxlite.escapes import printable
from moxlite.operations import sieve as operations
from moxlite.operations.sieve import SortFind, SortMove, SortPlace
from moxlite.store.forms import VacationChange
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.proto.sieve.message import Mailbox, Message
    from moxlite.proto.sieve.program import Program
    from moxlite.proto.sieve.script import Script


MAX_TEXT: Final = 64 << 10
"""Octets read of a text or script."""


@click.group()
def vacation() -> None:
    """Manage vacation replies."""


@vacation.command("show")
@click.argument("name")
@json_option
def vacation_show(name: str, as_json: bool) -> None:
    """Show account NAME's vacation reply and recent recipients."""
    info = perform(operations.VacationShow(account=name))
    if as_json:
        show_json(info)
        return
    print(f"vacation reply: {'on' if info.enabled else 'off'}")
    for label, moment in (("from", info.start), ("until", info.end)):
        if moment:
            print(f"{label}: {_shown(moment)}")
    if info.addresses:
        print(printable(f"also for: {', '.join(info.addresses)}"))
    if info.known_only:
        print("only to people the user has written to")
    if info.subject:
        print(printable(f"subject: {info.subject}"))
    _print_indented(info.text)
    if info.html:
        print("HTML version:")
        _print_indented(info.html)
    for vacation_answer in info.answered:
        print(printable(f"replied to {vacation_answer.address} at {_shown(vacation_answer.sent)}"))


def _print_indented(text: str) -> None:
    for line in text.splitlines():
        print(printable(f"  {line}"))


@vacation.command("set")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@click.option("--subject", metavar="TEXT", default="", help='Subject.  [default: "Auto: " and the original subject]')
@click.option("--from", "start", metavar="TIME", help="Start date or time (UTC), like 2026-12-20 or 2026-12-20T12:00.")
@click.option("--until", "end", metavar="TIME", help="End date or time, in the same format.")
@click.option("--known-only", is_flag=True, help="Only reply to people the user has written to.")
@click.option(
    "--address",
    "addresses",
    metavar="ADDRESS",
    multiple=True,
    help="Also reply to mail for this address, such as an alias. Repeat for more.",
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.File("rb"),
    help="HTML version of the text, or an empty file to remove it.  [default: no change]",
)
def vacation_set(
    name: str,
    file: BinaryIO,
    subject: str,
    start: str | None,
    end: str | None,
    known_only: bool,
    addresses: tuple[str, ...],
    html: BinaryIO | None,
) -> None:
    """Set a vacation reply for account NAME. The text is in FILE (- for stdin).

    Senders get one reply every 7 days. Mailing lists, automated mail, and unverified senders don't get a reply.
    """
    changed = VacationChange(
        enabled=True,
        start=_moment(start),
        end=_moment(end),
        subject=subject,
        text=_text(file),
        html=msgspec.UNSET if html is None else _text(html),
        known_only=known_only,
        addresses=addresses,
    )
    perform(operations.VacationSet(changed, account=name), done="turned on the vacation reply of account {account}")
    if html is None and perform(operations.VacationShow(account=name)).html:
        note("kept the HTML version of the reply; to replace it: --html FILE")


@vacation.command("off")
@click.argument("name")
def vacation_off(name: str) -> None:
    """Turn off the vacation reply for account NAME. You can use the same text again later."""
    off = VacationChange(enabled=False)
    perform(operations.VacationSet(off, account=name), done="turned off the vacation reply of account {account}")


@click.group("sieve")
def account_sieve() -> None:
    """Manage Sieve scripts saved by mail clients over ManageSieve."""


@account_sieve.command("list")
@click.argument("name")
@json_option
def sieve_list(name: str, as_json: bool) -> None:
    """List account NAME's scripts. This also shows runtime errors of the active script."""
    sieve_scripts = perform(operations.SieveList(account=name))
    if as_json:
        show_json(sieve_scripts)
        return
    for script in sieve_scripts.scripts:
        print(printable(f"{script.name}{' (active)' if script.active else ''}"))
    for failed in sieve_scripts.failures:
        place = f"{failed.script}, line {failed.line}" if failed.line else failed.script or "redirect"
        print(printable(f"failed at {_shown(failed.moment)}: {place}: {failed.text}"))


@account_sieve.command("get")
@click.argument("name")
@click.argument("script")
def sieve_get(name: str, script: str) -> None:
    """Print account NAME's SCRIPT."""

    raw_output().write(perform(operations.SieveGet(script, account=name)).encode())


@account_sieve.command("put")
@click.argument("name")
@click.argument("script")
@click.argument("file", type=click.File("rb"))
@click.option("--activate", is_flag=True, help="Activate the script.")
def sieve_put(name: str, script: str, file: BinaryIO, activate: bool) -> None:
    """Save FILE (- for stdin) as SCRIPT for account NAME. You can't save a script with errors."""
    perform(operations.SievePut(script, _text(file), activate, account=name))


@account_sieve.command("activate")
@click.argument("name")
@click.argument("script", default="")
def sieve_activate(name: str, script: str) -> None:
    """Activate SCRIPT for account NAME. If you don't specify SCRIPT, turn off the active script."""

    done = "" if script else "account {account} no longer uses a script"
    perform(operations.SieveActivate(script, account=name), done=done)


@account_sieve.command("rename")
@click.argument("name")
@click.argument("script")
@click.argument("new_name")
def sieve_rename(name: str, script: str, new_name: str) -> None:
    """Rename account NAME's SCRIPT."""

    perform(operations.SieveRename(script, new_name, account=name))


@account_sieve.command("rm")
@click.argument("name")
@click.argument("script")
def sieve_rm(name: str, script: str) -> None:
    """Delete SCRIPT from account NAME. You can't delete the active script."""

    perform(operations.SieveRemove(script, account=name))


def _text(file: BinaryIO) -> str:
    octets = file.read(MAX_TEXT + 1)
    if kind := kind_of(octets[:START_SIZE]):
        raise Failure(f"{file.name} {kind.what}, so its text can't be used")
    if len(octets) > MAX_TEXT:
        raise Failure(f"text exceeds {MAX_TEXT} bytes")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Failure("the text isn't valid UTF-8") from None


def _moment(text: str | None) -> int:
    """µs UTC of a day or time, 0 for none."""
    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text!r} isn't a valid time. For example, use 2026-12-20T12:00") from None
    return round((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000


def _shown(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment // 1_000_000))


# ``moxlite sieve``: checking and trying Sieve scripts in files, without configuration and server (IMAP-142).

MAX_MESSAGE: Final = 256 << 20
"""Most octets of a message."""

MAX_INCLUDED: Final = 20
"""Most scripts read beside the one that is tried, as many as an account has (IMAP-141)."""

REFUSED: Final = 1
"""Exit code for a script with mistakes, as for other failures: the mistakes themselves are printed."""


@click.group()
def sieve() -> None:
    """Check and test Sieve scripts (RFC 5228)."""


@sieve.command()
@click.argument("file", type=click.File("rb"))
@json_option
def check(file: BinaryIO, as_json: bool) -> int:
    """Check the script in FILE. FILE is - for stdin. Errors are printed with line and column.

    Exit code 0 if the script is valid, otherwise 1.
    """
    from moxlite.proto.sieve.checker import check as check_script
    from moxlite.proto.sieve.errors import ScriptError

    try:
        script = check_script(_octets(file))
    except ScriptError as error:
        _tell_faults(error, file.name, as_json, {"requires": list(error.requires)})
        return REFUSED
    if as_json:
        show_json({"ok": True, "errors": [], "requires": list(script.requires)})
    else:
        click.echo("Script is valid.")
    return 0


@sieve.command("test")
@click.argument("file", type=click.File("rb"))
@click.argument("message", type=click.File("rb"))
@click.option("--from", "sender", metavar="ADDR", help='Envelope sender, or "" for none.  [default: From]')
@click.option("--to", "recipient", metavar="ADDR", help="Envelope recipient.  [default: first address in To]")
@click.option("--mailbox", "mailboxes", metavar="NAME", multiple=True, help="Existing mailbox, in addition to Inbox.")
@click.option("--now", metavar="RFC3339", help="Time. For example, 2026-11-20T07:00:00+01:00.  [default: now]")
@json_option
def try_script(
    file: BinaryIO,
    message: BinaryIO,
    sender: str | None,
    recipient: str | None,
    mailboxes: tuple[str, ...],
    now: str | None,
    as_json: bool,
) -> int:
    """Preview what the script in FILE does with a message. It's in MESSAGE (- for stdin).

    Included scripts are read from FILE's folder, with the extension .sieve. Exit code 1 if the script isn't valid.
    If there's a runtime error, this prints the error. The message would be kept.
    """
    from moxlite.proto.sieve.checker import check as check_script
    from moxlite.proto.sieve.errors import ScriptError
    from moxlite.proto.sieve.outcome import described
    from moxlite.proto.sieve.program import Program, run
    from moxlite.proto.sieve.state import Mailboxes, World

    try:
        script = check_script(_octets(file))
    except ScriptError as error:
        _tell_faults(error, file.name, as_json, {"actions": [], "error": "the script was rejected"})
        return REFUSED
    program = Program(script)
    read = _message(message.read(MAX_MESSAGE + 1))
    moment, offset = _parse_moment(now)
    outcome = run(
        program,
        read,
        World(
            now=moment,
            offset=offset,
            sender=_address(sender, read, "from", "--from"),
            recipient=_address(recipient, read, "to", "--to"),
            mailboxes=Mailboxes(names=frozenset({"Inbox", *map(Mailboxes.canonical, mailboxes)})),
            scripts=_included(Path(file.name).parent, program) if file.name not in {"-", "<stdin>"} else {},
            items={"name": "moxlite", "location": "MDA", "phase": "during"},
        ),
    )
    error_text = f"line {outcome.line}: {outcome.error}" if outcome.error else None
    if as_json:
        show_json({"actions": list(map(described, outcome.actions)), "error": error_text})
        return 0
    for action in outcome.actions:
        said = described(action)
        name = said.pop("action")
        words = [f"{key}={value!r}" for key, value in said.items() if value not in (None, "", False, [])]
        click.echo(printable(f"{name} {' '.join(words)}".strip()))
    if error_text:
        click.echo(printable(f"error at {error_text}"))
    return 0


def _octets(file: BinaryIO) -> bytes:
    """The octets of a script, one more than allowed at most."""
    from moxlite.proto.sieve.limits import MAX_SCRIPT

    return file.read(MAX_SCRIPT + 1)


def _tell_faults(error: Exception, name: str, as_json: bool, more: Mapping[str, object]) -> None:
    from moxlite.proto.sieve.errors import ScriptError

    assert isinstance(error, ScriptError)
    if as_json:
        faults = [{"line": one.line, "column": one.column, "text": one.text} for one in error.faults]
        show_json({"ok": False, "errors": faults, **more})
        return
    for fault in error.faults:
        print(printable(f"{name}:{fault.line}:{fault.column}: {fault.text}"), file=sys.stderr)


def _message(octets: bytes) -> Message:
    from moxlite.proto.mime.headers import HeaderSection
    from moxlite.proto.mime.structure import scan
    from moxlite.proto.sieve.message import Body, Message

    if len(octets) > MAX_MESSAGE:
        raise Failure(f"message exceeds {MAX_MESSAGE} bytes")
    structure = scan(octets)
    section = HeaderSection(octets, hint=structure.root.hint)
    return Message(section, len(octets), lambda: Body(structure, lambda start, end: octets[start:end]))


def _parse_moment(text: str | None) -> tuple[int, Callable[[int], int]]:
    """The time in µs UTC, and the offset of the local zone in minutes: that of the text, else of this machine."""
    if text is None:
        return time.time_ns() // 1000, lambda moment: time.localtime(moment // 1_000_000).tm_gmtoff // 60
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"--now: {text!r} isn't a valid time. For example, use 2026-11-20T07:00:00+01:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    minutes = round((moment.utcoffset() or timedelta()).total_seconds() / 60)
    return round(moment.timestamp() * 1_000_000), lambda _: minutes


def _address(text: str | None, message: Message, field: str, option: str) -> Mailbox | None:
    """The address of an option, or the first one of a field."""
    from moxlite.proto.address import Address, AddressError
    from moxlite.proto.sieve.limits import Budget
    from moxlite.proto.sieve.message import Mailbox

    if text is None:
        return next((address for mailboxes in message.addresses(field, Budget()) for address in mailboxes), None)
    if text in {"", "<>"}:
        return None
    try:
        address = Address.parse(text.removeprefix("<").removesuffix(">"))
    except AddressError as error:
        raise click.UsageError(f"{option}: {error}") from None
    return Mailbox(address.localpart, address.domain.ascii)


def _included(folder: Path, program: Program) -> dict[str, Program]:
    """The scripts that a script includes, and those that they include; without missing and refused ones."""
    from moxlite.proto.sieve.program import Program as Ready

    programs: dict[str, Program] = {}
    wanted = list(program.includes)
    while wanted and len(programs) < MAX_INCLUDED:
        name = wanted.pop()
        if name not in programs and "/" not in name and (script := _script(folder / f"{name}.sieve")) is not None:
            programs[name] = Ready(script)
            wanted += programs[name].includes
    return programs


def _script(path: Path) -> Script | None:
    from moxlite.proto.sieve.checker import check as check_script
    from moxlite.proto.sieve.errors import ScriptError

    try:
        with path.open("rb") as file:
            return check_script(_octets(file))
    except FileNotFoundError:
        return None
    except ScriptError as error:
        _tell_faults(error, str(path), False, {})
        return None


# ``moxlite account sort``: rules and scripts for mail that is there already (WEBMAIL-130b).

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
    """Apply rules and scripts to existing mail."""


@sort.command("apply")
@click.argument("name")
@click.option("--rules", "address", metavar="ADDRESS", default="", help="Use the rules for this address.")
@click.option("--script", metavar="SCRIPT", default="", help="Use this Sieve script.")
@click.option("--dry-run", is_flag=True, help="Only show how many messages would be moved.")
@click.option(
    "--record", metavar="FILE", type=click.Path(path_type=Path), help="New file to record the moves for `undo`."
)
def sort_apply(name: str, address: str, script: str, dry_run: bool, record: Path | None) -> None:
    """File account NAME's mail with rules or a script.

    Rules apply to messages for their address in its mailbox, scripts to messages in the Inbox. Messages are only filed,
    and won't be forwarded, answered, or discarded. You'll see a preview first.
    """
    if bool(address) == bool(script):
        raise click.UsageError("use either --rules or --script")
    if not dry_run and record is None:
        raise click.UsageError("add --record FILE so you can undo the moves, or --dry-run")
    moves = _find(name, address, script)
    for move in moves:
        print(printable(f"{counted(len(move.ids), 'message')} from {move.source} to {move.target}"))
    if not moves:
        print("no messages to move")
    if not moves or dry_run or record is None:
        return
    ask("Move them?")
    _write(record, Record(name, moves))
    print(f"moved {counted(_move(name, moves), 'message')}")
    print(printable(f"undo: moxlite account sort undo {record}"))


@sort.command("undo")
@click.argument("file", type=click.Path(path_type=Path))
def sort_undo(file: Path) -> None:
    """Undo moves recorded in FILE. Messages that have been moved again stay where they are."""
    try:
        record = from_json(file.read_bytes(), Record)
    except OSError as error:
        raise Failure(f"can't read {file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise Failure(f"{file} isn't a file created with --record: {error}") from None
    back = [Moves(move.target, move.source, move.ids) for move in reversed(record.moves)]
    print(f"moved {counted(_move(record.account, back), 'message')} back")


def _find(name: str, address: str, script: str) -> list[Moves]:
    """All moves, by mailbox."""
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    looked = 0
    after: SortPlace | None = None
    while True:
        args = SortFind(account=name, address=address, script=script, after=after)
        page = perform(args)
        for move in page.moves:
            found[page.source, move.mailbox].append(move.id)
        looked, after = looked + page.looked, page.next
        if after is None:
            return [Moves(source, target, ids) for (source, target), ids in sorted(found.items())]
        note(f"{counted(looked, 'message')} looked at")


def _pieces(moves: Iterable[Moves]) -> Iterator[Moves]:
    for move in moves:
        for at in range(0, len(move.ids), PIECE):
            yield Moves(move.source, move.target, move.ids[at : at + PIECE])


def _move(name: str, moves: list[Moves]) -> int:
    """Move piece by piece; the number of messages that were still there."""
    moved, total = 0, sum(len(move.ids) for move in moves)
    for piece in _pieces(moves):
        moved += perform(SortMove(name, piece.ids, piece.source, piece.target))
        if total > PIECE:
            note(f"moved {moved} of {total}")
    return moved


def _write(path: Path, record: Record) -> None:
    """Write the record; never over another one."""
    try:
        with path.open("xb") as file:
            file.write(to_json(record))
    except OSError as error:
        raise Failure(f"can't write {path}: {error.strerror}") from None
