"""``moxlite account vacation`` and ``moxlite account sieve``: answers while away, and Sieve scripts (WEBMAIL-131,
IMAP-141).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import BinaryIO, Final

import click

from moxlite.cli.common import Failure, json_option, perform, settings, show_json
from moxlite.escapes import printable
from moxlite.operations import sieve

MAX_TEXT: Final = 64 << 10
"""Octets read of a text or script."""


@click.group()
def vacation() -> None:
    """Answers while the owner of an account is away."""


@vacation.command("show")
@click.argument("name")
@json_option
def vacation_show(name: str, as_json: bool) -> None:
    """Show the form of account NAME, and who got an answer."""
    info = perform(sieve.VacationShow(name))
    if as_json or settings().as_json:
        show_json(info)
        return
    print(f"answers: {'on' if info.enabled else 'off'}")
    for label, moment in (("from", info.start), ("until", info.end)):
        if moment:
            print(f"{label}: {_shown(moment)}")
    if info.known_only:
        print("only to people to whom the owner has written")
    if info.subject:
        print(printable(f"subject: {info.subject}"))
    for line in info.text.splitlines():
        print(printable(f"  {line}"))
    for one in info.answered:
        print(printable(f"answered {one.address} at {_shown(one.sent)}"))


@vacation.command("set")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@click.option("--subject", metavar="TEXT", default="", help='Subject.  [default: "Auto: " and that of the message]')
@click.option("--from", "start", metavar="TIME", help="Begin, as 2026-12-20 or 2026-12-20T12:00 (UTC).")
@click.option("--until", "end", metavar="TIME", help="End, in the same form.")
@click.option("--known-only", is_flag=True, help="Answer only people to whom the owner has written.")
def vacation_set(name: str, file: BinaryIO, subject: str, start: str | None, end: str | None, known_only: bool) -> None:
    """Answer mail to account NAME with the text in FILE (- for stdin).

    Each sender gets one answer in 7 days; lists, programs and senders that may be forged get none.
    """
    form = sieve.VacationSet(
        account=name,
        enabled=True,
        start=_moment(start),
        end=_moment(end),
        subject=subject,
        text=_text(file),
        known_only=known_only,
    )
    perform(form)


@vacation.command("off")
@click.argument("name")
def vacation_off(name: str) -> None:
    """Send no more answers for account NAME; the text stays in the form."""
    info = perform(sieve.VacationShow(name))
    form = sieve.VacationSet(
        account=name,
        enabled=False,
        start=info.start,
        end=info.end,
        subject=info.subject,
        text=info.text,
        known_only=info.known_only,
    )
    perform(form)


@click.group("sieve")
def account_sieve() -> None:
    """Sieve scripts of accounts, as mail programs store them by ManageSieve."""


@account_sieve.command("list")
@click.argument("name")
@json_option
def sieve_list(name: str, as_json: bool) -> None:
    """List the scripts of account NAME, and what went wrong when the active one ran."""
    found = perform(sieve.SieveList(name))
    if as_json or settings().as_json:
        show_json(found)
        return
    for one in found.scripts:
        print(printable(f"{one.name}{' (active)' if one.active else ''}"))
    for failed in found.failures:
        place = f"{failed.script}, line {failed.line}" if failed.line else failed.script or "redirect"
        print(printable(f"failed at {_shown(failed.moment)}: {place}: {failed.text}"))


@account_sieve.command("get")
@click.argument("name")
@click.argument("script")
def sieve_get(name: str, script: str) -> None:
    """Print the text of SCRIPT of account NAME."""

    click.echo(perform(sieve.SieveGet(name, script)), nl=False)


@account_sieve.command("put")
@click.argument("name")
@click.argument("script")
@click.argument("file", type=click.File("rb"))
@click.option("--activate", is_flag=True, help="Make it the active script.")
def sieve_put(name: str, script: str, file: BinaryIO, activate: bool) -> None:
    """Store FILE (- for stdin) as SCRIPT of account NAME. A script with a fault is refused."""
    perform(sieve.SievePut(name, script, _text(file), activate))


@account_sieve.command("activate")
@click.argument("name")
@click.argument("script", default="")
def sieve_activate(name: str, script: str) -> None:
    """Make SCRIPT the active one of account NAME; without SCRIPT none is active."""

    perform(sieve.SieveActivate(name, script))


@account_sieve.command("rm")
@click.argument("name")
@click.argument("script")
def sieve_rm(name: str, script: str) -> None:
    """Delete SCRIPT of account NAME, which may not be the active one."""

    perform(sieve.SieveRemove(name, script))


def _text(file: BinaryIO) -> str:
    octets = file.read(MAX_TEXT + 1)
    if len(octets) > MAX_TEXT:
        raise Failure(f"the text has more than {MAX_TEXT} octets")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Failure("the text is not UTF-8") from None


def _moment(text: str | None) -> int:
    """µs UTC of a day or time, 0 for none."""
    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no time as 2026-12-20T12:00") from None
    return round((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000


def _shown(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment // 1_000_000))
