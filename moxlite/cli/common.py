"""Code shared by the commands: lazy groups, global options, failures with exit codes, calls to the running server,
listings.
"""

import codecs
import datetime as dt
import importlib
import os
import shutil
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, Protocol, TypeVar

import click
import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.escapes import escaped_json, printable
from moxlite.operations import Operation, description, result_line

if TYPE_CHECKING:
    from moxlite.config.load import ConfigError
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.control.client import CtlClient


class HostPort(NamedTuple):
    """A server of an option or argument."""

    host: str
    port: int


class HostPortType(click.ParamType[HostPort]):
    """``HOST[:PORT]``: a name or an address. An IPv6 address has brackets before a port."""

    def __init__(self, port: int, *, ip: bool = False) -> None:
        """`port`: used without one. `ip`: names are refused."""
        self._port = port
        self._ip = ip
        self.name = "IP[:PORT]" if ip else "HOST[:PORT]"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The form, for the help."""
        return self.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> HostPort:
        """Parse a word."""
        if isinstance(value, HostPort):
            return value
        try:
            return self._parsed(value)
        except ValueError:
            host, example = ("an IP address", "192.0.2.7") if self._ip else ("a host name", "mail.example.org")
            self.fail(
                f"{value!r} must be {host}, optionally with a port, like {example} or {example}:{self._port or 993}",
                param,
                ctx,
            )

    def _parsed(self, text: str) -> HostPort:
        host, colon, number = text, "", ""
        if text.startswith("[") or text.count(":") == 1:
            host, colon, number = text.rpartition(":") if not text.endswith("]") else (text, "", "")
        if host.startswith("["):
            host = str(IPv6Address(host.removeprefix("[").removesuffix("]")))
        elif self._ip or ":" in host:
            host = str(ip_address(host))
        if not host or set(host) & set("/@ "):
            raise ValueError
        if colon and not (number.isascii() and number.isdecimal() and 0 < int(number[:6]) < 65536):
            raise ValueError
        return HostPort(host, int(number or self._port))


# Untrusted octets on stdout: unchanged into a file or pipe, made safe on a terminal (ADMIN-65).


class Sink(Protocol):
    """A writer of octets."""

    def write(self, data: bytes, /) -> object:
        """Write octets."""


class _Terminal:
    """Shows octets as UTF-8 text: lines and tabs stay, and characters that could deceive or control the terminal are
    escaped.
    """

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = b""

    def write(self, data: bytes, /) -> None:
        # CR LF is one line end, also if two writes split it.
        data = self._held + data
        self._held = b"\r" if data.endswith(b"\r") else b""
        text = self._decoder.decode(data.removesuffix(b"\r").replace(b"\r\n", b"\n"))
        shown = "".join(part if part in ("\n", "\t") else printable(part) for part in _parts(text))
        self._to.write(shown.encode())
        self._to.flush()


def _parts(text: str) -> list[str]:
    """A text split before and after each line end and tab."""
    found: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            found.append("\n")
        for place, cell in enumerate(line.split("\t")):
            if place:
                found.append("\t")
            found.append(cell)
    return found


def raw_output() -> Sink:
    """The output for a command that passes octets through."""
    return _Terminal(sys.stdout.buffer) if sys.stdout.isatty() else sys.stdout.buffer


T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

FAILED: Final = 1
NOT_RUNNING: Final = 3
OTHER_VERSION: Final = 4
"""Exit codes (ADMIN-18), beside 2 for wrong usage: a script tells a server that is down from a refusal."""

HYPHENS: Final = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""Settings of a command with an argument that may begin with "-", and even with "-h"."""


class Failure(Exception):
    """The command failed; the text is for stderr, one line for each fault. `context`: the command with its words."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code
        self.context: Final = click.get_current_context(silent=True)


NARROWEST: Final = 60
"""Columns of a terminal for which listings are made at least."""

SHORTEST: Final = 8
"""Characters that each column of a listing keeps."""


class Settings(msgspec.Struct, frozen=True):
    """The global options."""

    config_path: str | None = None
    pedantic: bool = False
    log_level: str | None = None
    as_json: bool = False
    yes: bool = False
    wide: bool = False


class LazyGroup(click.Group):
    """A group that imports its commands when they are used; `lazy` maps names to ``module:attribute`` and help text."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy: Final = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        place, about = self.lazy[cmd_name]
        module, _, name = place.partition(":")
        # Here, not when the groups are made: each command would pay for the imports of all (ADMIN-83).
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        command.help = command.help or about
        _take_globals(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest similar names: click does not know the lazy ones."""
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx) and not ctx.resilient_parsing:
            raise click.NoSuchCommand(name, possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands; the lazy ones without importing them."""
        names = self.list_commands(ctx)
        own = {name: first_sentence(command) for name, command in self.commands.items()}
        lazy = {name: words for name, (_, words) in self.lazy.items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, {**own, **lazy}[name]) for name in names])


def first_sentence(command: click.Command) -> str:
    """The line of a command in the list of its group: never cut, on a narrow terminal in several lines (ADMIN-18a)."""
    return command.get_short_help_str(1_000)


def global_options() -> list[click.Option]:
    """The options that every command has, before its name or after it (ADMIN-18)."""
    levels = click.Choice(["error", "warn", "info", "debug", "trace", "traceauth", "tracedata"])
    path = "The static configuration file.  [default: $MOXLITE_CONF, else config/moxlite.toml]"
    return [
        _global(["--config", "config_path"], metavar="FILE", help=path),
        _global(["--pedantic"], is_flag=True, help="Treat protocol violations as errors."),
        _global(["--log-level"], type=levels, help="Log level of this process."),
        _global(["--json", "as_json"], is_flag=True, help="Print listings as JSON."),
        _global(["--yes"], is_flag=True, help="Skip confirmation prompts."),
        _global(["--wide"], is_flag=True, help="Don't shorten listings to fit the terminal."),
    ]


def _global(names: list[str], **kwargs: Any) -> click.Option:
    return click.Option(names, expose_value=False, is_eager=True, callback=_keep, **kwargs)


def _keep(context: click.Context, option: click.Parameter, value: object) -> None:
    """Save a global option for this command and its subcommands."""
    if value:
        assert option.name is not None
        context.obj = msgspec.structs.replace(context.find_object(Settings) or Settings(), **{option.name: value})


def _take_globals(command: click.Command) -> None:
    """Add the global options to a command, or to all commands in a group, except for names that the command uses
    itself.
    """
    command.short_help = first_sentence(command)
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _take_globals(one)
        return
    own = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    # a command's own --json means more than the global one
    command.params += (option for option in _hidden_options() if own.isdisjoint(option.opts))


@cache
def _hidden_options() -> Sequence[click.Option]:
    """The global options after a command's name: made once, for a group has them for each of its commands."""
    options = global_options()
    for option in options:
        option.hidden = True
    return options


def settings() -> Settings:
    """The global options of the running command."""
    return click.get_current_context().find_object(Settings) or Settings()


def json_option(command: F) -> F:
    """Give a listing its own ``--json``, which the global one before the command turns on, too."""
    return click.option("--json", "as_json", is_flag=True, default=lambda: settings().as_json, help="Print as JSON.")(
        command
    )


def config_path() -> Path:
    """The static configuration file: ``--config``, ``$MOXLITE_CONF``, ``config/moxlite.toml`` (ADMIN-1)."""
    return Path(settings().config_path or os.environ.get("MOXLITE_CONF") or "config/moxlite.toml")


def root_advice(error: OSError) -> str:
    """The advice to run the command as root if access was denied; "" for another error."""
    refused = isinstance(error, PermissionError) and hasattr(os, "geteuid") and os.geteuid() != 0
    return "; run it as root" if refused else ""


def load_config(path: Path | None = None) -> "Snapshot":
    """Load the configuration from disk, that of `--config` by default. Raises Failure with all its mistakes."""
    from moxlite.config.load import ConfigError, load

    try:
        snapshot, _ = load(config_path() if path is None else path, as_author)
    except ConfigError as error:
        raise unusable(error) from None
    return snapshot


@contextmanager
def as_author() -> Iterator[None]:
    """Within the block, read domains.toml and the files that it names as the service user, if this process is root and
    that user could replace them (ADMIN-37).
    """
    if os.name != "posix" or os.geteuid() != 0:
        yield
        return
    from moxlite.process import privileges  # imported here: other users do not need it

    with privileges.as_author(config_path()):
        yield


def data_dir() -> Path:
    """The data folder, found despite mistakes elsewhere in the configuration. Raises Failure."""
    from moxlite.config.datadir import data_dir_of
    from moxlite.config.load import ConfigError

    try:
        return data_dir_of(config_path())
    except ConfigError as error:
        raise unusable(error) from None


def unusable(error: "ConfigError") -> Failure:
    """A failure with all mistakes, a line each; files that only root can read are mentioned once."""
    closed = [problem for problem in error.problems if for_root(problem.file)]
    if closed:
        return Failure(f"this user can't read {closed[0].file}; run this as root")
    return Failure("\n".join(map(str, error.problems)))


def for_root(path: str) -> bool:
    """Whether root could open a file that this user cannot open."""
    if os.name != "posix" or os.geteuid() == 0:
        return False
    try:
        with Path(path).open("rb"):
            return False
    except PermissionError:
        return True
    except OSError:
        return False


def _obstacle() -> str:
    """The mistake that keeps the server from starting, as a further line; "" if the configuration seems fine."""
    try:
        load_config()
    except Failure as failure:
        return f"\nfirst fix the configuration: {str(failure).partition(chr(10))[0]}"
    return ""


def _note_mistakes(*, told: str = "") -> None:
    """Print, once in a command, that the configuration has mistakes, unless the text `told` names the first one; the
    command goes on without it.
    """
    from moxlite.config.load import ConfigError, load

    context = click.get_current_context(silent=True)
    if context is None or context.meta.setdefault(f"{__name__}.looked", False):
        return
    context.meta[f"{__name__}.looked"] = True
    try:
        load(config_path(), as_author)
    except ConfigError as error:
        first, more = error.problems[0], len(error.problems) - 1
        if for_root(first.file) or str(first) in told:
            return
        rest = f" (and {more} more: moxlite config test)" if more else ""
        note(f"moxlite: the configuration has an error, so the previous version is still active: {first}{rest}")


def call(
    command: str,
    args: object,
    result: type[T],
    *,
    output: Sink | None = None,
    progress: Callable[[str], None] | None = None,
    upload: bytes | Iterable[bytes] = b"",
    noting: bool = True,
) -> T:
    """Run a command of the running server. Octets from the server go to `output`, progress lines to `progress`; the
    octets of `upload` are sent to it. `noting` as in `talk`.

    Raises:
      Failure: the server refused (exit code 1), doesn't run (3), or has another version (4).
    """

    async def write(data: bytes) -> None:
        assert output is not None
        output.write(data)

    def told(line: msgspec.Raw) -> None:
        assert progress is not None
        progress(from_json(line, str))

    async def octets() -> AsyncIterator[bytes]:
        for piece in (upload,) if isinstance(upload, bytes) else upload:
            yield piece

    async def ask_server(client: "CtlClient") -> T:
        return await client.call(
            command,
            args,
            result,
            upload=octets() if upload else None,
            download=None if output is None else write,
            progress=None if progress is None else told,
        )

    if not (noting and command.startswith("config ")):
        return talk(ask_server, noting=noting)
    # commands that change the configuration refuse with its mistakes, which are then not told twice
    try:
        found = talk(ask_server, noting=False)
    except Failure as failure:
        if failure.code == FAILED:
            _note_mistakes(told=str(failure))
        if failure.code == NOT_RUNNING:
            raise Failure(f"{failure}{_obstacle()}", NOT_RUNNING) from None
        raise
    _note_mistakes()
    return found


def perform(
    operation: Operation[T],
    *,
    output: Sink | None = None,
    progress: Callable[[str], None] | None = None,
    upload: bytes | Iterable[bytes] = b"",
    done: str = "",
) -> T:
    """The result of an operation of the running server. Arguments and errors as `call`.

    Args:
      done: what was done, if the description's words don't say it.
    """
    known = description(type(operation))
    result = call(known.name, operation, known.result, output=output, progress=progress, upload=upload)
    say_done(done or known.done, msgspec.structs.asdict(operation))
    return result  # type: ignore[no-any-return]


async def performed(
    client: "CtlClient",
    operation: Operation[T],
    *,
    upload: AsyncIterable[bytes] | None = None,
    download: Callable[[bytes], Awaitable[None]] | None = None,
    progress: Callable[[msgspec.Raw], None] | None = None,
) -> T:
    """The result of an operation, in a conversation of `talk`. Arguments and errors as `CtlClient.call`."""
    known = description(type(operation))
    return await client.call(known.name, operation, known.result, upload=upload, download=download, progress=progress)


def talk(conversation: Callable[["CtlClient"], Awaitable[T]], *, broken: int = NOT_RUNNING, noting: bool = True) -> T:
    """Have a conversation with the running server.

    Args:
      broken: the exit code if the server closes the connection in the middle.
      noting: write mistakes in the configuration to stderr first.

    Raises:
      Failure: as `call`.
      KeyboardInterrupt: Ctrl-C, which the server takes as the end of the command.
    """
    import trio

    from moxlite.admin.doctor.elsewhere import still_running
    from moxlite.net.control.client import CtlFailed, NotRunning, VersionMismatch, connect_ctl

    path = data_dir() / "ctl"
    connected = False

    async def run() -> T:
        nonlocal connected
        async with connect_ctl(path) as client:
            connected = True
            if noting:
                _note_mistakes()
            return await conversation(client)

    try:
        return trio.run(run)
    except BaseExceptionGroup as group:  # Ctrl-C comes out of a nursery as a group
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raise KeyboardInterrupt from None
    except NotRunning as error:
        text = (not connected and trio.run(still_running)) or str(error) + (_obstacle() if noting else "")
        raise Failure(text, broken if connected else NOT_RUNNING) from None
    except VersionMismatch as error:
        raise Failure(str(error), OTHER_VERSION) from None
    except CtlFailed as error:
        raise Failure(printable(str(error))) from None


def say_done(text: str, args: Mapping[str, object]) -> None:
    """Print what was done with these arguments to stderr (`Description.done`); nothing for ""."""
    if text:
        note(result_line(text, args))


def note(line: str) -> None:
    """Print a line about progress to stderr."""
    print(printable(line), file=sys.stderr)


def show(
    rows: Sequence[msgspec.Struct], columns: Iterable[str], *, as_json: bool = False, fewer: Iterable[str] = ()
) -> None:
    """Print a listing: JSON with all fields, or a table of some. Lists in a field are joined by commas.

    Args:
      fewer: the columns on a terminal without `--wide`, if all are too many for one.
    """
    if as_json or settings().as_json:
        show_json(list(rows))
        return
    if not rows and sys.stdout.isatty():
        note("Nothing to list.")
        return
    narrow = sys.stdout.isatty() and not settings().wide
    names = [*fewer] if narrow and fewer else [*columns]
    table = [
        [name.replace("_", " ") for name in names],
        *([_cell(getattr(row, name)) for name in names] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    fitting = _fitting(widths) if narrow else widths
    for line in table:
        shown = [_shortened(cell, width).ljust(width) for cell, width in zip(line, fitting, strict=True)]
        print("  ".join(shown).rstrip())
    if narrow and (fewer or fitting != widths):
        note("Shortened to fit. To see everything, add --wide.")


def _fitting(widths: list[int]) -> list[int]:
    """Widths of columns that fit the terminal, the widest ones narrower."""
    room = max(NARROWEST, shutil.get_terminal_size().columns) - 2 * (len(widths) - 1)
    limit = max(widths, default=0)
    while limit > SHORTEST and sum(min(width, limit) for width in widths) > room:
        limit -= 1
    return [min(width, limit) for width in widths]


def _shortened(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"


def show_json(value: object) -> None:
    """Print a value, or ready JSON (`msgspec.Raw`), for programs and for people."""
    print(escaped_json(msgspec.json.format(to_json(value), indent=2).decode()))


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else printable(str(value))  # subjects and addresses are strangers' words


def ask(question: str) -> None:
    """Continue only if the user says yes, or has given ``--yes``. The question says what goes."""
    if settings().yes:
        return
    if not sys.stdin.isatty():  # what a pipe holds is data, of which a line could pass for an answer
        raise Failure(f"{question} To confirm, run this command again with --yes.")
    click.confirm(question, abort=True)


def new_password(prompt: str = "Password") -> str:
    """Read a new password: twice on a terminal, else from the first line of stdin."""
    if sys.stdin.isatty():
        answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True)
        return answer
    line = sys.stdin.readline()
    if not line.strip("\r\n"):
        raise Failure("no password on stdin")
    return line.rstrip("\r\n")
