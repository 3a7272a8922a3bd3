"""The command line ``moxlite GROUP VERB`` (ADMIN-18, ADMIN-19, ADMIN-83).

This module has only the top group. The other groups are imported when one of their commands is used, so that each
command starts within 200 ms. Commands of a running server go through its control socket (`common.call`). Not here: the
work of a command on accounts, configuration and files is in `admin`.
"""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from moxlite import __version__
from moxlite.cli.common import FAILED, Failure, LazyGroup, global_options
from moxlite.escapes import printable
from moxlite.ownprogram import UPDATING, installed_form
from moxlite.store.errors import StoreError

__all__ = ["main", "run"]

COMMANDS = {
    "account": ("moxlite.cli.account:account", "Manage account passwords and restore mail."),
    "address": ("moxlite.cli.account:address", "Manage masked addresses, one for each site."),
    "admin": ("moxlite.cli.account:admin", "Manage the administrator's password and tools."),
    "audit": ("moxlite.cli.account:audit", "Show who changed what, when, and from where."),
    "backup": ("moxlite.cli.backups.backup:backup", "Back up configuration and data."),
    "calendar": ("moxlite.cli.groupware:calendar", "Manage calendars."),
    "checkupdate": ("moxlite.cli.info:checkupdate", "Look for a newer version."),
    "cid": ("moxlite.cli.info:cid", "Find log lines for the ID in a Received header."),
    "config": ("moxlite.cli.config:config", "Check, describe, and change the configuration."),
    "contacts": ("moxlite.cli.groupware:contacts", "Manage contacts and address books."),
    "arc": ("moxlite.cli.checks.arc:arc", "Verify and seal ARC chains."),
    "dmarc": ("moxlite.cli.checks.dmarc:dmarc", "Look up and evaluate DMARC, and send reports."),
    "dane": ("moxlite.cli.checks.dane:dane", "Check servers against their TLSA records."),
    "dkim": ("moxlite.cli.checks.dkim:dkim", "Verify and create DKIM signatures, and create keys."),
    "dns": ("moxlite.cli.checks.lookups:dns", "Look up names in DNS, and update your records."),
    "dnsbl": ("moxlite.cli.checks.lookups:dnsbl", "Look up DNS block lists."),
    "doctor": ("moxlite.cli.setup.doctor:doctor", "Check this server for problems and suggest fixes."),
    "gentestdata": ("moxlite.cli.backups.orphans:gentestdata", "Create a data directory for upgrade tests."),
    "export": ("moxlite.cli.archives.exports:export", "Export an account's mail to files."),
    "healthcheck": ("moxlite.cli.serving:healthcheck", "Exit with code 0 if the server is healthy."),
    "help": ("moxlite.cli.info:help_", "Find commands by words."),
    "iprev": ("moxlite.cli.checks.lookups:iprev", "Check reverse DNS names."),
    "junk": ("moxlite.cli.junk:junk", "Manage accounts' junk filters."),
    "imap": ("moxlite.cli.imap:imap", "Manage IMAP sessions, and copy mail between servers."),
    "jmap": ("moxlite.cli.imap:jmap", "Manage JMAP clients on the running server."),
    "import": ("moxlite.cli.archives.imports:import_", "Add mail from files to an account."),
    "limits": ("moxlite.cli.account:limits", "Show failed logins and their limits."),
    "link": ("moxlite.cli.imap:link", "Manage linked accounts at other providers."),
    "localserve": (
        "moxlite.cli.serving:localserve",
        "Try moxlite here without root and without sending mail.",
    ),
    "licenses": ("moxlite.cli.info:licenses", "Show licenses of moxlite and its dependencies."),
    "log": ("moxlite.cli.log:log", "Manage log levels on the running server."),
    "mtasts": ("moxlite.cli.checks.mtasts:mtasts", "Look up MTA-STS policies."),
    "message": ("moxlite.cli.message:message", "Inspect messages in files."),
    "move": (
        "moxlite.cli.move:move",
        "Migrate a whole server, with users and passwords.",
    ),
    "placement": ("moxlite.cli.setup.doctor:placement", "Check inbox placement at other providers."),
    "queue": ("moxlite.cli.queue:queue", "Manage messages waiting to be sent."),
    "quickstart": ("moxlite.cli.setup.quickstart:quickstart", "Create the configuration for a new mail server."),
    "rdap": ("moxlite.cli.checks.lookups:rdap", "Look up domain registrations."),
    "reports": ("moxlite.cli.reports:reports", "View DMARC and TLS reports about your domains."),
    "restore": (
        "moxlite.cli.backups.restore:restore",
        "Restore a backup to an empty directory or machine.",
    ),
    "sendmail": ("moxlite.cli.sendmail.command:sendmail", "Send mail from programs, like /usr/sbin/sendmail."),
    "self": ("moxlite.cli.setup.installation:self_", "Install, update, or remove the single-file version."),
    "serve": ("moxlite.cli.serving:serve", "Run the mail server."),
    "smtp": ("moxlite.cli.checks.smtp:smtp", "Connect to SMTP servers."),
    "sieve": ("moxlite.cli.sieve:sieve", "Check and test Sieve scripts."),
    "spf": ("moxlite.cli.checks.spf:spf", "Look up and evaluate SPF."),
    "standby": ("moxlite.cli.backups.standby:standby", "Manage a standby server."),
    "stop": ("moxlite.cli.serving:stop", "Stop the running server."),
    "store": ("moxlite.cli.store:store", "Inspect and repair stored mail."),
    "tls": ("moxlite.cli.config:tls", "Manage certificates on the running server."),
    "webapi": ("moxlite.cli.webapi:webapi", "Show web API methods, and call them."),
    "tlsrpt": ("moxlite.cli.checks.mtasts:tlsrpt", "Look up TLSRPT records, and send TLS reports."),
    "tlspubkey": ("moxlite.cli.config:tlspubkey", "Manage client certificates for logging in."),
    "verifydata": ("moxlite.cli.backups.orphans:verifydata", "Check a backup or a data directory."),
    "why": ("moxlite.cli.why:why", "Explain where a message was delivered and why."),
    "version": ("moxlite.cli.info:version", "Show version numbers for moxlite and dependencies."),
}

SYNONYMS = {
    "accounts": "account",
    "addresses": "address",
    "cert": "tls",
    "certs": "tls",
    "create": "add",
    "del": "rm",
    "delete": "rm",
    "domains": "domain",
    "init": "quickstart",
    "logs": "log",
    "ls": "list",
    "new": "add",
    "passwd": "set-password",
    "password": "set-password",
    "remove": "rm",
    "setup": "quickstart",
    "start": "serve",
    "status": "healthcheck",
    "user": "account",
    "users": "account",
}
"""Words of other programs, and what they are here."""

PHRASES = {
    "cert": "Certificates are renewed automatically. To check them, run: moxlite doctor",
    "config set": "To change a setting, edit moxlite.toml (`moxlite config describe-static` explains it), and restart. "
    "For an account, run: moxlite config account set NAME KEY VALUE",
    "logs": "To read the log, run: journalctl -u moxlite",
    "adduser": "To add an account, run: moxlite config account add NAME ADDRESS",
    "tls renew": "Certificates are renewed automatically. To check them, run: moxlite doctor",
    "dns check": "To check DNS records, run: moxlite config dnscheck DOMAIN",
    "reload": "To read changed certificates, run: systemctl reload moxlite",
    "restart": "To restart the server, run: systemctl restart moxlite",
    "uninstall": "To uninstall moxlite, run `moxlite help uninstall.md`",
    "update": UPDATING[installed_form()],
    "upgrade": UPDATING[installed_form()],
    "useradd": "To add an account, run: moxlite config account add NAME ADDRESS",
}
"""What people try first, and what leads to it, where no command here has a word of it."""


MOST_COMMANDS: Final = 12
"""Commands that are named to a user who typed one that isn't there."""

MOST_OPTIONS: Final = 16
"""Options that are named to a user who typed a word that the command doesn't take."""

ALIKE: Final = 0.75
"""Share of letters in common of an option that was mistyped; below it, other words are meant."""

MOST_SENTENCES: Final = 2
"""Sentences of the help that are repeated to a user who left out an argument."""


@click.group(
    cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}, params=global_options()
)
@click.version_option(__version__, prog_name="moxlite", message="%(prog)s %(version)s")
def main() -> None:
    """Moxlite, an all-in-one mail server.

    To search for commands, use `moxlite help WORDS`. For help with a command, use `moxlite COMMAND --help`.
    """


def _words() -> list[str]:
    """The words of the command line. If the program is called as ``sendmail``, that command comes first (ADMIN-21)."""
    return ["sendmail", *sys.argv[1:]] if Path(sys.argv[0]).name == "sendmail" else sys.argv[1:]


def _drop_unwritten() -> None:
    """Discard output that stdout cannot take. Otherwise Python would try again at exit, and print its own error."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _message(error: click.UsageError) -> str:
    """The message of a mistake, without the options that are spelled alike, which often mean something else."""
    return error.message if isinstance(error, click.NoSuchCommand | click.NoSuchOption) else error.format_message()


def _advice(error: click.UsageError, args: Sequence[str]) -> str:
    """What leads on after a wrong word, "" if click's own error does."""
    if isinstance(error, click.NoSuchCommand):
        return _other_command(error, args)
    if isinstance(error, click.BadOptionUsage):
        return _value_of(error.option_name, args)
    if error.ctx is None:
        return ""
    if isinstance(error, click.NoSuchOption):
        import difflib  # only for mistakes

        close = difflib.get_close_matches(error.option_name, error.possibilities or (), n=1, cutoff=ALIKE)
        return f"Did you mean {close[0]}?" if close else _options(error.ctx.command)
    if isinstance(error, click.MissingParameter):
        return _missing_option(error, args) or _about_argument(error.ctx, error.param)
    if not error.message.startswith("Got unexpected extra argument"):
        return ""
    return _option_for(error.ctx, error.message.partition("(")[2].rpartition(")")[0], args)


def _other_command(error: click.NoSuchCommand, args: Sequence[str]) -> str:
    words = " ".join(word for word in args if not word.startswith("-"))
    if phrase := next((advice for phrase, advice in PHRASES.items() if f"{words} ".startswith(f"{phrase} ")), ""):
        return phrase
    if meant := _meant(error, args):
        return f"Did you mean {' or '.join(map(repr, meant))}?"
    return "" if error.possibilities else _commands_of(error.ctx)


def _option_for(context: click.Context, extra: str, args: Sequence[str]) -> str:
    """The option, or the form, that a user needs who typed words that the command doesn't take."""
    command, words = context.command, extra.split()
    options = [option for parameter in command.params for option in parameter.opts]
    if "--ids" in options and extra.replace(" ", "").isdecimal():
        return f"To choose messages, run: {context.command_path} --ids {','.join(words)}"
    if "--to" in options and "@" in extra:
        return f"To choose messages, run: {context.command_path} --to {words[0]} (or --from, for the sender)"
    if "--password-file" in options or re.search(r"(?i)(password|hash)[^$]{0,500}stdin", command.help or ""):
        return "Passwords aren't arguments. Leave it out, and type it when asked, or send it to stdin."
    if extra.isdecimal() and any("[:PORT]" in parameter.make_metavar(context) for parameter in _arguments(command)):
        return f"To give a port, write {args[list(args).index(extra) - 1]}:{extra}"
    return _options(command) or ("" if _arguments(command) else "This command takes no arguments.")


def _arguments(command: click.Command) -> list[click.Argument]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Argument)]


def _about_argument(context: click.Context, parameter: click.Parameter | None) -> str:
    """The sentences of the help about an argument that is missing, or its first one."""
    if not isinstance(parameter, click.Argument) or isinstance(parameter.type, click.Choice):
        return ""  # of a choice, click names the words
    sentences = re.split(r"(?<=[.:)])\s+", " ".join((context.command.help or "").split()))
    name = re.escape(parameter.make_metavar(context).strip("[]."))
    about = [sentence for sentence in sentences if re.search(rf"(?<!\w){name}(?!\w)", sentence)]
    return " ".join([*(about[:MOST_SENTENCES] or sentences[:1]), *_given(context)])


def _given(context: click.Context) -> Iterator[str]:
    """Sentences that say for which arguments the typed words were taken: often these are in another order."""
    for argument in _arguments(context.command):
        if context.params.get(argument.name or "") and not isinstance(argument.type, click.Choice):
            name = argument.make_metavar(context).strip("[].")
            yield f"{name} is now {str(context.params[argument.name or ''])!r}."


def _value_of(name: str, args: Sequence[str]) -> str:
    """The form of an option that was typed without its value, or with one that it doesn't take."""
    context = click.Context(main)
    for word in args:
        if isinstance(context.command, click.Group) and (command := context.command.get_command(context, word)):
            context = click.Context(command)
    option = next((option for option in context.command.params if name in option.opts), None)
    if not isinstance(option, click.Option):
        return ""
    return f"Use {name}" if option.is_flag else f"Use {name} {option.make_metavar(context)}"


def _missing_option(error: click.MissingParameter, args: Sequence[str]) -> str:
    """The command with the option that is missing, if its value was typed without it."""
    if error.ctx is None or not isinstance(error.param, click.Option) or any(word.startswith("-") for word in args):
        return ""
    words = args[len(error.ctx.command_path.split()) - 1 :]
    most = len(_arguments(error.ctx.command))
    if len(words) != most + 1:
        return ""
    line = [*words[:most], error.param.opts[0], words[most]]
    return f"To give one, run: {error.ctx.command_path} {shlex.join(line)}"


def _commands_of(context: click.Context | None) -> str:
    """The commands of a small group, to a user who guessed one."""
    if context is None or not isinstance(context.command, click.Group):
        return ""
    names = context.command.list_commands(context)
    return f"Use one of: {', '.join(names)}" if len(names) <= MOST_COMMANDS else ""


def _options(command: click.Command) -> str:
    """The options of a command, with their values; none that every command has."""
    own = [parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden]
    context = click.Context(command)
    names = [" ".join([option.opts[0], *([] if option.is_flag else [option.make_metavar(context)])]) for option in own]
    more = ", …" if len(names) > MOST_OPTIONS else ""
    return f"Options: {', '.join(names[:MOST_OPTIONS])}{more}" if names else ""


def _meant(error: click.NoSuchCommand, args: Sequence[str]) -> list[str]:
    """Commands for words that other programs use, or that are in another group here: at most two, the shortest."""
    from moxlite.cli.info import all_commands  # loads all commands, for a mistake alone

    assert error.ctx is not None
    root = error.ctx.find_root()
    assert isinstance(root.command, click.Group)
    group = error.ctx.command_path.split()[1:]
    behind = [word for word in args[list(args).index(error.command_name) + 1 :] if not word.startswith("-")]
    words = [*group, error.command_name, *behind[:2]]
    names = {name for name, _ in all_commands(root.command, root)}
    names |= {name.rpartition(" ")[0] for name in names if " " in name}
    found = {name: _in_order(words, name.split()) for name in names}
    best = max(found.values())
    if best <= len(group):
        return []
    last = [SYNONYMS.get(word, word) for word in words[:best]]
    close = [name for name in sorted(names, key=lambda name: (len(name.split()), name)) if found[name] == best]
    exact = [name for name in close if name.split()[-best:] == last]
    return [f"moxlite {name}" for name in (exact or close)[:2]]


def _in_order(words: Sequence[str], name: Sequence[str]) -> int:
    """How many of the words, from the first on, a command's name has in this order, by synonyms too."""
    at = 0
    for count, word in enumerate(words):
        at = next((i + 1 for i in range(at, len(name)) if name[i] in {word, SYNONYMS.get(word)}), 0)
        if not at:
            return count
    return len(words)


def _way_on(failure: Failure) -> str:
    if failure.code != FAILED:
        return ""
    from moxlite.cli.leading import way_on  # only for mistakes

    return way_on(failure)


def run(args: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code. One clear line on stderr says what failed."""
    try:
        result = main.main(args=_words() if args is None else list(args), prog_name="moxlite", standalone_mode=False)
        sys.stdout.flush()  # a full disk is reported here, not by Python at exit
    except click.UsageError as error:
        if advice := _advice(error, _words() if args is None else args):
            error = click.UsageError(f"{_message(error)} {advice}", error.ctx)
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return 1
    except click.Abort:
        print("moxlite: aborted", file=sys.stderr)
        return 1
    except Failure as failure:
        for line in f"{failure}{_way_on(failure)}".split("\n"):
            print(f"moxlite: {printable(line)}", file=sys.stderr)
        return failure.code
    except StoreError as error:  # from a command that opens the store's files itself
        print(f"moxlite: {printable(str(error))}", file=sys.stderr)
        return 1
    except UnicodeError as error:  # a word of the command line, or a line of stdin
        print(f"moxlite: not valid UTF-8: {printable(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as shells count: 128 and the number of the signal
    except BrokenPipeError:  # `moxlite queue list | head`
        sys.stderr.close()
        return 1
    except OSError as error:
        print(f"moxlite: {printable(str(error))}", file=sys.stderr)
        _drop_unwritten()
        return 1
    return result if isinstance(result, int) else 0
