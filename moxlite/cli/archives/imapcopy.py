"""``moxlite imap import`` and ``moxlite imap export`` (IMAP-137)."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from moxlite.cli.common import FAILED, Failure, moment, performed, settings, talk
from moxlite.decoders import from_json
from moxlite.escapes import escaped_json, printable
from moxlite.operations.copies import (
    Copied,
    CopyByImap,
    Event,
    ExportByImap,
    ImportByImap,
    MailboxPlan,
    MailboxStep,
)

if TYPE_CHECKING:
    from moxlite.net.control.client import CtlClient

F = TypeVar("F", bound=Callable[..., object])

MAX_SECRET: Final = 64 << 10
"""Octets of a file with a password or token: tokens of large providers have 4 KiB."""


def _options(command: F) -> F:
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in reversed(
        (
            click.option("--host", required=True, help="The other server."),
            click.option("--port", type=click.IntRange(1, 65535), help="Its port, if it is not 993 or 143."),
            click.option(
                "--tls",
                type=click.Choice(["implicit", "starttls", "none"]),
                default="implicit",
                show_default=True,
                help="When TLS begins. Without it the password may go in clear.",
            ),
            click.option("--user", required=True, help="The user name there."),
            click.option("--password-file", type=file, help="A file whose first line is the password."),
            click.option("--oauth-token-file", type=file, help="A file with an access token of OAuth 2."),
            click.option(
                "--map",
                "maps",
                multiple=True,
                metavar="OLD=NEW",
                help="Put the mailbox OLD, with all below it, at NEW. Any number of times.",
            ),
            click.option(
                "--exclude",
                "excludes",
                multiple=True,
                metavar="PATTERN",
                help="Leave out mailboxes that match, with all below; * is anything, % anything but the separator.",
            ),
            click.option("--prefix", default="", metavar="MAILBOX", help="Put all mailboxes below this one."),
            click.option("--since", metavar="DATE", help="Only messages received at or after this: 2024-01-31, 90d."),
            click.option("--dry-run", is_flag=True, help="Only tell what there is to copy."),
            click.argument("account"),
        )
    ):
        command = option(command)
    return command


@click.command("import")
@_options
@click.option("--continuous", is_flag=True, help="Go on with what is new there, until interrupted.")
@click.option("--delete", is_flag=True, help="Remove here what was removed there since it was imported.")
def import_(**options: Any) -> None:
    """Copy the mail of another IMAP server into ACCOUNT.

    Mailboxes with their messages, flags, dates, subscriptions and special uses. Run it again to get what is new, or
    after it was interrupted: nothing is copied twice. Nothing is changed on the other server. The password comes from
    --password-file, or is asked for, or is the first line of stdin.
    """
    _copy(ImportByImap, **options)


@click.command()
@_options
def export(**options: Any) -> None:
    """Copy the mail of ACCOUNT to another IMAP server.

    The reverse of import: run it again to send what is new, or after it was interrupted. Nothing is removed there.
    """
    _copy(ExportByImap, **options)


def _copy(kind: type[CopyByImap], **options: Any) -> None:
    password_file, token_file = options.pop("password_file"), options.pop("oauth_token_file")
    if password_file is not None and token_file is not None:
        raise click.UsageError("--password-file and --oauth-token-file exclude one another")
    maps = [_pair(one) for one in options.pop("maps")]
    since = options.pop("since")
    port = options.pop("port")
    order = kind(
        **options,
        maps=maps,
        port=port or 0,
        since=None if since is None else moment(since),
        token=_secret(token_file) if token_file is not None else "",
        password=stated_password(password_file, options["user"]) if token_file is None else "",
    )
    told = _Told()

    async def ask_server(client: "CtlClient") -> Copied:
        return await performed(client, order, progress=lambda raw: told.event(from_json(raw, Event)))

    try:
        copied = talk(ask_server, broken=FAILED)
    except KeyboardInterrupt:
        told.end()
        raise Failure("interrupted: the same command goes on where this one ended") from None
    finally:
        told.end()
    if settings().as_json:
        print(escaped_json(msgspec.json.encode(copied).decode()))
    elif not order.dry_run:
        print(_summary(copied))


def _summary(copied: Copied) -> str:
    parts = [f"{copied.messages} messages copied", f"flags of {copied.flags} carried over"]
    if copied.removed:
        parts.append(f"{copied.removed} removed")
    return ", ".join([*parts, f"{copied.mailboxes} mailboxes, {copied.problems} problems"])


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not old or not equals or not new:
        raise click.UsageError(f"--map wants OLD=NEW, not {text!r}")
    return old, new


def _secret(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            line = file.read(MAX_SECRET).split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if not line:
        raise Failure(f"{path} is empty")
    return line


def stated_password(path: Path | None, user: str) -> str:
    """A password for another server: of a file, asked for, or the first line of stdin. Raises Failure."""
    if path is not None:
        return _secret(path)
    if sys.stdin.isatty():
        answer: str = click.prompt(f"Password of {user}", hide_input=True, err=True)
        return answer
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Failure("no password: use --password-file, or give it on stdin")
    return line


class _Told:
    """Prints events as lines. On a terminal, the line of the present mailbox is overwritten."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._open = False
        self._mailbox = ""

    def event(self, event: Event) -> None:
        """Print an event."""
        if isinstance(event, MailboxPlan):
            print(printable(f"{event.source} -> {event.target}: {event.messages} messages, {event.new} to copy"))
        elif isinstance(event, MailboxStep):
            self._step(event.mailbox, event.done, event.total, event.seconds)
        else:
            self.end()
            print(printable(f"problem: {event.text}" if event.problem else event.text), file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line that is being overwritten."""
        if self._open:
            print(file=sys.stderr)
            self._open = False

    def _step(self, mailbox: str, done: int, total: int, seconds: int) -> None:
        left = f", {_duration(seconds)} left in all" if seconds >= 0 and done < total else ""
        text = printable(f"{mailbox}: {done} of {total} messages{left}")
        if not self._terminal:
            if done == total:
                print(text, file=sys.stderr, flush=True)
            return
        if mailbox != self._mailbox:
            self.end()
            self._mailbox = mailbox
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        self._open = True


def _duration(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
