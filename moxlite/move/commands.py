"""``moxlite move`` on the control socket and for the admin app (MOVE-6 to MOVE-10)."""

from collections.abc import Mapping
from typing import Final

import trio

from moxlite.move.counting import Checks
from moxlite.move.plan import MAX_FILE, BadPlan, Plan, read_plan
from moxlite.move.running import Moves
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations import move as operations
from moxlite.operations.access import MakeLink
from moxlite.operations.performing import Perform, commands
from moxlite.store.errors import StoreError
from moxlite.wording import reason_of

DAYS: Final = 7
"""Days for which a link can be used: a whole house can't be reached in one."""


class MoveCommands:
    """The operations."""

    def __init__(self, moves: Moves, checks: Checks, perform: Perform) -> None:
        self._moves = moves
        self._checks = checks
        self._perform = perform

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.RunMove.bind_stream(self.run),
            operations.ShowMove.bind(self.show),
            operations.PauseMove.bind(lambda args: self._moves.pause()),
            operations.ResumeMove.bind(lambda args: self._moves.resume()),
            operations.StopMove.bind(lambda args: self._moves.stop()),
            operations.CheckMove.bind_stream(self.check),
            operations.MakeMoveLinks.bind_stream(self.links),
            operations.FinishMove.bind_stream(self.finish),
        )

    async def show(self, _: operations.ShowMove) -> operations.MoveState:
        """How far the move is."""
        return await self._moves.state()

    async def run(self, _: operations.RunMove, exchange: Exchange) -> None:
        """Begin to carry out a plan."""
        await self._moves.run(await _plan(exchange))

    async def finish(self, _: operations.FinishMove, exchange: Exchange) -> list[str]:
        """End the move."""
        return await self._moves.finish(await _plan(exchange))

    async def check(self, _: operations.CheckMove, exchange: Exchange) -> operations.MoveCount:
        """Count both sides."""
        return await self._checks.count(await _plan(exchange), exchange.progress)

    async def links(self, _: operations.MakeMoveLinks, exchange: Exchange) -> list[operations.MoveLink]:
        """Make links for those without a password."""
        plan = await _plan(exchange)
        made = []
        for user in plan.users:
            try:
                if self._moves.steps.is_locked(user.account) or await self._moves.steps.has_password(user.account):
                    continue
                link = await self._perform(MakeLink(user.account, days=DAYS))
                made.append(operations.MoveLink(user.address, user.full_name, link.url, link.expires))
            except (CommandFailed, StoreError) as error:
                made.append(operations.MoveLink(user.address, user.full_name, "", "", reason_of(error)))
        return made


async def _plan(exchange: Exchange) -> Plan:
    """The plan whose octets the client sends. Raises CommandFailed."""
    octets = bytearray()
    async for piece in exchange.upload:
        octets += piece
        if len(octets) > MAX_FILE:
            raise CommandFailed("badRequest", f"plan exceeds {MAX_FILE >> 20} MiB")
    try:
        return await trio.to_thread.run_sync(read_plan, octets.decode())
    except (BadPlan, UnicodeDecodeError) as error:
        raise CommandFailed("badRequest", f"can't read the plan: {error}") from None
