"""``moxlite sendmail`` (QUEUE-141..144, ADMIN-21): /usr/sbin/sendmail for machines without a mail server."""

import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import Failure, note
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.cli.sendmail.message import Flags, OutgoingMessage
    from moxlite.cli.sendmail.settings import Settings

TEMPFAIL: Final = 75
"""EX_TEMPFAIL of sysexits.h."""

FOLDER: Final = "moxlite-submit.failures"
"""Folder in the caller's home directory for messages that were not accepted (QUEUE-144)."""


class _Unread(click.Command):
    """A command whose words click does not parse, because sendmail's flags have rules of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep all words unparsed, except for a single ``--help``, which prints the help."""
        return super().parse_args(ctx, args if args == ["--help"] else ["--", *args])


@click.command(cls=_Unread, context_settings={"help_option_names": ["--help"]})
@click.argument(
    "words", nargs=-1, type=click.UNPROCESSED, metavar="[-t] [-i] [-bs] [-f ADDR] [-F NAME] [-C FILE] [RCPT…]"
)
def sendmail(words: tuple[str, ...]) -> None:
    """Send the message on stdin, like /usr/sbin/sendmail. It goes through a mail server.

    Set the server and login in /etc/moxlite-submit.toml, or in FILE with -C. For an example, run `moxlite config
    describe-sendmail`. With -t, recipients are also read from To, Cc, and Bcc. With -i, a line with a single dot
    doesn't end the message. -F NAME names a sender without a name, -f ADDR sets the envelope sender if the server
    accepts it. With -bs, programs can speak SMTP on stdin and stdout. Other sendmail flags are ignored.

    Rejected messages are saved in ~/moxlite-submit.failures. Exit code 75 means you can try again.
    """
    from moxlite.cli.sendmail.message import parse_flags

    flags = parse_flags(words)
    if flags.mode == "s":
        _speak(flags)
    elif flags.mode == "m":
        _send(flags)
    else:
        raise click.UsageError(f"-b{flags.mode[:1]} isn't supported")


def _speak(flags: "Flags") -> None:
    from moxlite.cli.sendmail.handing import speak
    from moxlite.cli.sendmail.settings import BadSettings

    try:
        settings = _settings(flags)
    except BadSettings as error:
        raise Failure(printable(str(error))) from None
    speak(settings, sys.stdin.fileno(), sys.stdout.buffer)


def _send(flags: "Flags") -> None:
    from moxlite.cli.sendmail.message import MAX_MESSAGE, BadLetter, make_letter
    from moxlite.cli.sendmail.settings import BadSettings

    data = sys.stdin.buffer.read(MAX_MESSAGE + 1)
    if len(data) > MAX_MESSAGE:
        raise Failure(f"message exceeds {MAX_MESSAGE >> 20} MiB")
    try:
        settings = _settings(flags)
        letter = make_letter(data, flags, settings)
    except (BadSettings, BadLetter) as error:
        raise Failure(f"{printable(str(error))}; {_keep(data)}") from None
    _hand_in(letter, settings)


def _settings(flags: "Flags") -> "Settings":
    from moxlite.cli.sendmail.settings import DEFAULT_PATH, read_settings

    path = Path(flags.config) if flags.config else DEFAULT_PATH
    settings = read_settings(path)
    if path.stat().st_mode & stat.S_IROTH and not settings.client_auth_cert_private_key_pem_file:
        note(f"note: all users on this machine can read {path}. To fix this, run `chmod 640 {path}`")
    return settings


def _hand_in(letter: "OutgoingMessage", settings: "Settings") -> None:
    import trio

    from moxlite.cli.sendmail.handing import BadKey, NotAccepted, hand_in

    try:
        trio.run(hand_in, letter, settings)
    except NotAccepted as error:
        code = TEMPFAIL if error.temporary else 1
        raise Failure(f"{printable(str(error))}; {_keep(letter.octets)}", code) from None
    except BadKey as error:
        raise Failure(f"{printable(str(error))}; {_keep(letter.octets)}") from None


def _keep(octets: bytes) -> str:
    """Keep a message that was not sent; returns its path, for people."""
    folder = Path("~") / FOLDER
    try:
        folder = folder.expanduser()
        folder.mkdir(mode=0o700, exist_ok=True)
        # For its owner alone, and never over another: the program that called has no other copy.
        number, name = tempfile.mkstemp(prefix="newmsg.", dir=folder)
        with os.fdopen(number, "wb") as file:
            file.write(octets)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        return f"couldn't save it in {folder}: {error}"
    return f"saved as {name}"
