"""``moxlite sieve``: checking and trying Sieve scripts in files, without configuration and server (IMAP-142)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from moxlite.cli.common import Failure, json_option, show_json
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.proto.sieve.message import Mailbox, Message
    from moxlite.proto.sieve.program import Program
    from moxlite.proto.sieve.script import Script

MAX_MESSAGE: Final = 256 << 20
"""Most octets of a message."""

MAX_INCLUDED: Final = 20
"""Most scripts read beside the one that is tried, as many as an account has (IMAP-141)."""

REFUSED: Final = 1


@click.group()
def sieve() -> None:
    """Check and try Sieve scripts (RFC 5228)."""


@sieve.command()
@click.argument("file", type=click.File("rb"))
@json_option
def check(file: BinaryIO, as_json: bool) -> int:
    """Check the script in FILE (- for stdin), and print each fault with its line and column.

    Exit code 0 if the script is right, 1 if it is refused.
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
        click.echo("The script has no fault.")
    return 0


@sieve.command("test")
@click.argument("file", type=click.File("rb"))
@click.argument("message", type=click.File("rb"))
@click.option("--from", "sender", metavar="ADDR", help='Sender of the envelope, "" for none.  [default: as in From]')
@click.option("--to", "recipient", metavar="ADDR", help="Recipient of the envelope.  [default: the first of To]")
@click.option("--mailbox", "mailboxes", metavar="NAME", multiple=True, help="A mailbox that exists, beside Inbox.")
@click.option("--now", metavar="RFC3339", help="The time, as 2026-11-20T07:00:00+01:00.  [default: now]")
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
    """Print what the script in FILE does with the message in MESSAGE (- for stdin), without doing it.

    Included scripts are read from the folder of FILE, with the ending .sieve. Exit code 1 if the script is refused. An
    error at run time is printed; the message would be kept.
    """
    from moxlite.proto.sieve.checker import check as check_script
    from moxlite.proto.sieve.errors import ScriptError
    from moxlite.proto.sieve.outcome import described
    from moxlite.proto.sieve.program import Program, run
    from moxlite.proto.sieve.state import Mailboxes, World

    try:
        script = check_script(_octets(file))
    except ScriptError as error:
        _tell_faults(error, file.name, as_json, {"actions": [], "error": "the script is refused"})
        return REFUSED
    program = Program(script)
    read = _message(message.read(MAX_MESSAGE + 1))
    moment, offset = _moment(now)
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
        raise Failure(f"the message has more than {MAX_MESSAGE} octets")
    return Message(HeaderSection(octets), len(octets), lambda: Body(scan(octets), lambda start, end: octets[start:end]))


def _moment(text: str | None) -> tuple[int, Callable[[int], int]]:
    """The time in µs UTC, and the offset of the local zone in minutes: that of the text, else of this machine."""
    if text is None:
        return time.time_ns() // 1000, lambda moment: time.localtime(moment // 1_000_000).tm_gmtoff // 60
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--now: {text!r} is no time as 2026-11-20T07:00:00+01:00") from None
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
        return next((address for one in message.addresses(field, Budget()) for address in one), None)
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

    found: dict[str, Program] = {}
    wanted = list(program.includes)
    while wanted and len(found) < MAX_INCLUDED:
        name = wanted.pop()
        if name not in found and "/" not in name and (script := _script(folder / f"{name}.sieve")) is not None:
            found[name] = Ready(script)
            wanted += found[name].includes
    return found


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
