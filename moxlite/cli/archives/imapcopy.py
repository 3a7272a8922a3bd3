"""``moxlite imap import`` and ``moxlite imap export`` (IMAP-137)."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from moxlite.cli.common import FAILED, Failure, performed, settings, talk
from moxlite.cli.moments import since_moment
from moxlite.encoding import from_json, to_json
from moxlite.escapes import escaped_json, printable
from moxlite.operations.copies import Copied, CopyByImap, Event, ExportByImap, ImportByImap, MailboxPlan, MailboxStep
from moxlite.wording import counted

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
            click.option("--port", type=click.IntRange(1, 65535), help="Port.  [default: 993 or 143]"),
            click.option(
                "--tls",
                type=click.Choice(["implicit", "starttls", "none"]),
                default="implicit",
                show_default=True,
                help="When to start TLS. With none, the password may be sent in plain text.",
            ),
            click.option("--user", required=True, help="User name on the other server."),
            click.option("--password-file", type=file, help="File with the password in the first line."),
            click.option("--oauth-token-file", type=file, help="File with an OAuth 2 access token."),
            click.option(
                "--map",
                "maps",
                multiple=True,
                metavar="OLD=NEW",
                help="Import mailbox OLD and submailboxes as NEW. Can be repeated.",
            ),
            click.option(
                "--exclude",
                "excludes",
                multiple=True,
                metavar="PATTERN",
                help="Skip matching mailboxes and their submailboxes. Use * to match anything, % to match anything "
                "except the separator.",
            ),
            click.option(
                "--prefix",
                default="",
                metavar="MAILBOX",
                help="Parent mailbox for imported or exported mailboxes.",
            ),
            click.option(
                "--since", metavar="DATE", help="Only messages received since this time, like 2024-01-31 or 90d."
            ),
            click.option("--dry-run", is_flag=True, help="Only show what would be copied."),
            click.argument("account"),
        )
    ):
        command = option(command)
    return command


@click.command("import")
@_options
@click.option("--continuous", is_flag=True, help="Keep importing new mail until interrupted.")
@click.option("--delete", is_flag=True, help="Delete imported messages here after they're deleted there.")
def import_(**options: Any) -> None:
    """Import mail from another IMAP server to ACCOUNT.

    This copies mailboxes with their messages, flags, dates, subscriptions, and special uses. To get new mail, or to
    continue after an interruption, run this command again. This won't create duplicates or change anything on the other
    server. Use --password-file, enter the password when prompted, or use the first line of stdin.
    """
    _copy(ImportByImap, **options)


@click.command()
@_options
def export(**options: Any) -> None:
    """Export ACCOUNT's mail to another IMAP server.

    This is the reverse of import. To send new mail, or to continue after an interruption, run this command again. This
    won't delete anything on the other server.
    """
    _copy(ExportByImap, **options)


def _copy(kind: type[CopyByImap], **options: Any) -> None:
    password_file, token_file = options.pop("password_file"), options.pop("oauth_token_file")
    if password_file is not None and token_file is not None:
        raise click.UsageError("--password-file can't be used with --oauth-token-file")
    maps = [_pair(one) for one in options.pop("maps")]
    since = options.pop("since")
    port = options.pop("port")
    order = kind(
        **options,
        maps=maps,
        port=port or 0,
        since=None if since is None else since_moment(since),
        token=_secret(token_file) if token_file is not None else "",
        password=stated_password(password_file, options["user"]) if token_file is None else "",
    )
    told = _EventPrinter()

    async def ask_server(client: "CtlClient") -> Copied:
        return await performed(client, order, progress=lambda raw: told.event(from_json(raw, Event)))

    try:
        copied = talk(ask_server, broken=FAILED)
    except KeyboardInterrupt:
        told.end()
        raise Failure("interrupted; run the same command again to continue") from None
    finally:
        told.end()
    if settings().as_json:
        print(escaped_json(to_json(copied).decode()))
    elif not order.dry_run:
        print(_summary(copied))


def _summary(copied: Copied) -> str:
    parts = [f"{counted(copied.messages, 'message')} copied", f"copied flags of {copied.flags}"]
    if copied.removed:
        parts.append(f"{copied.removed} removed")
    return ", ".join([*parts, f"{counted(copied.mailboxes, 'mailbox')}, {counted(copied.problems, 'problem')}"])


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not old or not equals or not new:
        raise click.UsageError(f"--map must be OLD=NEW, not {text!r}")
    return old, new


def _secret(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            line = file.read(MAX_SECRET).split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from None
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
        raise Failure("no password; use --password-file or stdin")
    return line


class _EventPrinter:
    """Prints events as lines. On a terminal, the line of the present mailbox is overwritten."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._open = False
        self._mailbox = ""

    def event(self, event: Event) -> None:
        """Print an event."""
        if isinstance(event, MailboxPlan):
            print(
                printable(
                    f"{event.source} -> {event.target}: {counted(event.messages, 'message')}, {event.new} to copy"
                )
            )
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
        text = printable(f"{mailbox}: {done:,} of {counted(total, 'message')}{left}")
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
