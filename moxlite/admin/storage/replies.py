"""Answers of the control socket's commands when the store fails (STORE-158a)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.store.errors import StorageBusy, StoreError


def answering(commands: Mapping[str, Command]) -> Mapping[str, Command]:
    """The same commands, with the store's errors translated to `CommandFailed`: "busy" can be tried again, "failed"
    needs the owner.
    """
    return {name: Command(command.args, _Answering(command)) for name, command in commands.items()}


class _Answering:
    def __init__(self, command: Command) -> None:
        self._command = command

    async def __call__(self, args: Any, exchange: Exchange) -> object:
        try:
            return await self._command.run(args, exchange)
        except StorageBusy as error:
            raise CommandFailed("busy", str(error)) from error
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from error
