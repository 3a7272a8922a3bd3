"""From an operation to the function that performs it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, cast

import msgspec
import trio

from moxlite.net.control.server import Command, CommandFailed, Commands, Exchange
from moxlite.operations import Bound, Operation, R, Role, UserOperation, description
from moxlite.store.errors import StorageBusy, StoreError
from moxlite.store.forms import BadForm, FormChanged
from moxlite.wording import reason_of


class Perform(Protocol):
    """Performs operations for callers of one role."""

    async def __call__(self, operation: Operation[R], /) -> R:
        """The result. Raises CommandFailed."""


def for_caller(operation: Operation[R], actor: str) -> Operation[R]:
    """An operation as a caller may ask for it: a user's is about the user's own account, whether it is named or not.

    Raises CommandFailed for another account. Other callers, whose names begin with "(", name the account.
    """
    if not isinstance(operation, UserOperation) or actor.startswith("("):
        return operation
    if operation.account not in ("", actor):
        raise CommandFailed("notAllowed", "you can't do this for another account")
    return msgspec.structs.replace(operation, account=actor)


class _Silent(Exchange):
    """An exchange without streams; progress is not shown."""

    def __init__(self) -> None:
        """Not connected to anything."""

    async def progress(self, value: object) -> None:
        """Forget the value."""
        await trio.lowlevel.checkpoint()


SILENT: Final = _Silent()


def commands(
    *operations: Bound, refusals: tuple[type[Exception], ...] = (), missing: tuple[type[Exception], ...] = ()
) -> Mapping[str, Command]:
    """Operations by name, for the control socket and the apps; errors as `answering`."""
    found = {
        operation.description.name: Command(
            operation.description.request,
            operation.run,
            audit=operation.description.audit,
            local=Role.COMMAND_LINE in operation.description.who,
        )
        for operation in operations
    }
    return answering(found, *refusals, missing=missing)


def answering(
    found: Mapping[str, Command], *refusals: type[Exception], missing: tuple[type[Exception], ...] = ()
) -> Mapping[str, Command]:
    """The same commands, with errors translated to `CommandFailed` (STORE-158a). Of the store, "busy" can be tried
    again, and "failed" needs the owner; `refusals` are for who asked, at the argument that their `field` names;
    `missing` name what is not there.
    """

    def translate(run: Callable[[Any, Exchange], Awaitable[object]]) -> Callable[[Any, Exchange], Awaitable[object]]:
        async def answer(args: Any, exchange: Exchange) -> object:
            try:
                return await run(args, exchange)
            except StorageBusy as error:  # before its base class: only this one is worth another try by itself
                raise CommandFailed("busy", reason_of(error)) from error
            except BadForm as error:
                raise CommandFailed("badRequest", reason_of(error), error.field) from None
            except FormChanged as error:
                raise CommandFailed("conflict", reason_of(error)) from None
            except missing as error:
                raise CommandFailed("notFound", reason_of(error)) from None
            except refusals as error:
                raise CommandFailed("badRequest", reason_of(error), getattr(error, "field", "")) from None
            except StoreError as error:
                raise CommandFailed("failed", reason_of(error)) from error

        return answer

    return {name: msgspec.structs.replace(command, run=translate(command.run)) for name, command in found.items()}


def performer(table: Commands, role: Role) -> Perform:
    """The door to all operations for callers of a role. An operation that is not for them is refused, and so is one
    whose part of the server does not run.
    """

    async def perform(operation: Operation[R], /) -> R:
        known = description(type(operation))
        command = (await table()).get(known.name)
        # The role once more, though each door checks it: a call that a door forgets is refused here.
        if not role & known.who or command is None:
            raise CommandFailed("busy", "This part of the server isn't running. See the server log.")
        return cast(R, await command.run(operation, SILENT))

    return perform
