"""What the admin app's groups of calls share: the commands of the control socket, which the command line uses too, and
the base class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar, cast

import msgspec
import trio

from moxlite.decoders import from_builtins
from moxlite.net.control.server import Command, CommandFailed, Commands, Exchange
from moxlite.web import errors
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.admin.surroundings import Surroundings
from moxlite.web.factorcalls import FactorCalls

# The commands of the control socket, for the calls of the admin app: the same functions that the command line uses,
# with the same arguments and results (WEB-165).


T = TypeVar("T")

_ERRORS: Final[Mapping[str, type[errors.APIError]]] = {
    "notFound": errors.NotFound,
    "busy": errors.Unavailable,
    "failed": errors.ServerFailed,
}


class _Silent(Exchange):
    """An exchange without streams; progress is not shown."""

    def __init__(self) -> None:
        """Not connected to anything."""

    async def progress(self, value: object) -> None:
        """Forget the value."""
        await trio.lowlevel.checkpoint()


class _Enough(Exception):
    """As many octets have come as are wanted."""


class _Collector:
    """Takes the first octets that a command sends."""

    def __init__(self, limit: int) -> None:
        self.octets = bytearray()
        self._limit = limit

    async def send(self, octets: bytes) -> None:
        """Keep them; raises _Enough at the limit."""
        await trio.lowlevel.checkpoint()
        self.octets += octets[: self._limit - len(self.octets)]
        if len(self.octets) >= self._limit:
            raise _Enough

    async def end(self) -> None:
        """Nothing more comes."""
        await trio.lowlevel.checkpoint()


class Console:
    """Runs commands by name."""

    def __init__(self, commands: Commands) -> None:
        """`commands` returns all commands of the running server."""
        self._commands = commands

    async def has(self, name: str) -> bool:
        """Whether there is such a command now: without a queue its commands are missing."""
        return name in await self._commands()

    async def run(self, name: str, args: msgspec.Struct, result: type[T]) -> T:
        """Run a command; returns its result as `result`.

        Raises NotFound, UserError, Unavailable, ServerFailed, with the command's words.
        """
        command = await self._command(name)
        with translated():
            found = await command.run(_for(command, args), _Silent())
        return from_builtins(msgspec.to_builtins(found), result)

    async def do(self, name: str, args: msgspec.Struct, **fields: str) -> None:
        """Run a command that has no result. Errors as `run`; `fields`: parameters of the call that the command knows by
        another name.
        """
        command = await self._command(name)
        with translated(**fields):
            await command.run(_for(command, args), _Silent())

    async def octets(self, name: str, args: msgspec.Struct, limit: int) -> bytes:
        """The first octets that a command sends. Errors as `run`."""
        command = await self._command(name)
        exchange, collector = _Silent(), _Collector(limit)
        exchange.download = cast("Any", collector)
        with translated(), suppress(_Enough):
            await command.run(_for(command, args), exchange)
        return bytes(collector.octets)

    async def _command(self, name: str) -> Command:
        found = (await self._commands()).get(name)
        if found is None:
            raise errors.Unavailable("This part of the server does not run: the log says why.")
        return found


def _for(command: Command, args: msgspec.Struct) -> msgspec.Struct:
    """Convert the arguments of a call to the argument type of the control socket's command."""
    if isinstance(args, command.args):
        return args
    return from_builtins(msgspec.to_builtins(args), command.args)


@contextmanager
def translated(**fields: str) -> Iterator[None]:
    """Turn a command's refusal into an error of the API, at the field that is wrong if it is a single one (WEB-64a)."""
    try:
        yield
    except CommandFailed as error:
        if error.field:
            problem = errors.FieldError(fields.get(error.field, error.field), str(error))
            raise errors.FieldErrors([problem], str(error)) from None
        raise _ERRORS.get(error.code, errors.UserError)(str(error)) from None


class AdminCalls(FactorCalls):
    """Calls that use the server's parts, and its commands."""

    def __init__(self, surroundings: Surroundings, sessions: AdminSessions) -> None:
        super().__init__(sessions, surroundings.factors)
        self._server = surroundings
        self._admin_sessions = sessions
        self._console = Console(surroundings.commands)
