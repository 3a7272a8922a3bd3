"""What the admin app's pages share: the operations and commands that the command line uses too (WEB-165)."""

from __future__ import annotations

from typing import TypeVar, cast

import msgspec

from moxlite.decoders import from_builtins
from moxlite.net.control.server import Command, Commands
from moxlite.operations import Operation
from moxlite.operations.performing import SILENT
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.admin.surroundings import Surroundings
from moxlite.web.errors import Unavailable, translated

R = TypeVar("R")


class Console:
    """Runs commands by name."""

    def __init__(self, commands: Commands) -> None:
        """`commands` returns all commands of the running server."""
        self._commands = commands

    async def run(self, name: str, args: msgspec.Struct, result: type[R]) -> R:
        """Run a command; returns its result as `result`.

        Raises NotFound, UserError, Unavailable, ServerFailed, with the command's words.
        """
        command = await self._command(name)
        with translated():
            found = await command.run(_for(command, args), SILENT)
        return from_builtins(msgspec.to_builtins(found), result)

    async def do(self, name: str, args: msgspec.Struct, **fields: str) -> None:
        """Run a command that has no result. Errors as `run`; `fields`: parameters of the call that the command knows by
        another name.
        """
        command = await self._command(name)
        with translated(**fields):
            await command.run(_for(command, args), SILENT)

    async def _command(self, name: str) -> Command:
        found = (await self._commands()).get(name)
        if found is None:
            raise Unavailable("This part of the server does not run: the log says why.")
        return found


def _for(command: Command, args: msgspec.Struct) -> msgspec.Struct:
    """Convert the arguments of a call to the argument type of the control socket's command."""
    same = isinstance(args, command.args)
    return args if same else cast(msgspec.Struct, from_builtins(msgspec.to_builtins(args), command.args))


class AdminCalls:
    """Calls that use the server's parts, and its operations."""

    def __init__(self, surroundings: Surroundings, sessions: AdminSessions) -> None:
        self._server = surroundings
        self._sessions = sessions
        self._console = Console(surroundings.commands)

    async def _perform(self, operation: Operation[R], **fields: str) -> R:
        """The result of an operation. `fields`: names of its fields in the call. Raises APIError."""
        with translated(**fields):
            return await self._server.perform(operation)
