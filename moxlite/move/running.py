"""A plan carried out: begin, pause, finish (MOVE-6, MOVE-7).

Theory of operation
-------------------
The plan is in memory only, because it has passwords. What is on disk has no secrets, and lets people see after a
restart how far the move was.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec
import trio

from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.encoding import from_json, to_json
from moxlite.migration.copies import Copies
from moxlite.move.plan import ANYWHERE, NOWHERE, Plan, User
from moxlite.move.steps import Steps, note
from moxlite.net.control.server import CommandFailed
from moxlite.operations.move import AccountMove, MoveState
from moxlite.operations.performing import Perform
from moxlite.store.accounts.accounts import Accounts
from moxlite.supervision import FailurePolicy, Supervisor

logger = logging.getLogger("moxlite.admin.move")

ACCOUNTS_AT_ONCE: Final = 3
"""Accounts that are copied at a time: two cores are busy with that, it takes 98 MB more, and others wait 35 ms."""

STATE: Final = "move.json"

SAVE_SECONDS: Final = 5.0
"""Seconds between two writings of the state while accounts are copied: more often would wear flash memory."""

LOGGED: Final = 60.0
"""Seconds between two lines in the log about a move that goes on."""

RATE_SECONDS: Final = 60.0
"""Seconds over which the rate is measured."""


class Moves:
    """The move of a server, one at a time.

    Args:
      perform: performs operations as the command line.

    Attributes:
      steps: what it does with each account.
    """

    def __init__(
        self, *, config: ConfigHolder, accounts: Accounts, copies: Copies, perform: Perform, tree: Supervisor
    ) -> None:
        self._config = config
        self._tree = tree
        self.steps = Steps(config=config, accounts=accounts, copies=copies, perform=perform)
        self._plan: Plan | None = None
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        self._state: MoveState | None = None
        self._marks: list[tuple[float, int]] = []
        self._scopes: dict[str, trio.CancelScope] = {}  # by account
        config.on_change(self._reconfigured)

    def _reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """End the steps of accounts that are being removed: a later account of that name gets nothing by this run."""
        for name in old.domains.accounts.keys() - new.domains.accounts.keys():
            if name in self._scopes:
                self._scopes[name].cancel()
            for move in () if self._state is None else self._state.accounts:
                if move.account == name and move.phase in ("running", "done"):
                    move.phase, move.step, move.left = "failed", "", -1
                    note(move, "the account was deleted")

    async def run(self, plan: Plan) -> None:
        """Begin to carry out a plan, or go on with it. Raises CommandFailed."""
        if (await self.state()).phase in ("running", "paused"):
            raise CommandFailed(
                "refused", "a migration is already running; to check its progress, run `moxlite move status`"
            )
        if plan.finished:
            raise CommandFailed(
                "refused", "this migration is already complete, and the secrets in the plan have been deleted"
            )
        if undecided := [user.address for user in plan.users if user.login_from not in ("", ANYWHERE, NOWHERE)]:
            raise CommandFailed(
                "refused", f'set login_from to "{ANYWHERE}" or "{NOWHERE}" in the plan for: {", ".join(undecided)}'
            )
        self._plan = plan
        self._state = MoveState(
            kind=plan.kind, problems=list(plan.problems), accounts=[_waiting(user) for user in plan.users]
        )
        self._start()

    async def state(self) -> MoveState:
        """How far the move is."""
        if self._state is None:
            self._state = await trio.to_thread.run_sync(_read_state, self._path)
        state = self._state
        state.rate = self._rate() if state.phase == "running" else 0.0
        left = [one.left for one in state.accounts if one.phase in ("waiting", "running")]
        known = state.rate > 0 and all(number >= 0 for number in left)
        state.seconds = int(sum(left) / state.rate) if known else -1
        return state

    async def pause(self) -> None:
        """Stop copying, with the plan kept. Raises CommandFailed."""
        await self._require("running")
        await self._end("paused")

    async def resume(self) -> None:
        """Go on after a pause. Raises CommandFailed."""
        await self._require("paused")
        self._start()

    async def stop(self) -> None:
        """End the move; the plan is forgotten. Raises CommandFailed."""
        await self._require("running", "paused")
        await self._end("stopped")

    async def finish(self, plan: Plan) -> list[str]:
        """End the move for good; returns what is to be done on the old server. Raises CommandFailed."""
        state = await self.state()
        if state.phase in ("running", "paused"):
            raise CommandFailed(
                "refused",
                "the migration is still running; to check its progress, run `moxlite move status`; to stop it, run "
                "`moxlite move stop`",
            )
        state.phase = "finished"
        self._plan = None
        await self._save()
        return last_steps(plan)

    # --- the run

    @property
    def _path(self) -> Path:
        return self._config.current.static.data_dir / STATE

    async def _require(self, *phases: str) -> None:
        if (await self.state()).phase not in phases:
            raise CommandFailed(
                "refused", f"there's no {' or '.join(phases)} migration; to check the status, run `moxlite move status`"
            )

    def _start(self) -> None:
        assert self._state is not None
        self._state.phase = "running"
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        self._marks = []
        self._tree.start("move.run", self._serve, FailurePolicy.ONCE)

    async def _end(self, phase: Literal["paused", "stopped"]) -> None:
        """End the run. Its task is waited for: one that still ends would take the next run for its own."""
        assert self._state is not None
        self._state.phase = phase
        self._scope.cancel()
        await self._ended.wait()
        for move in self._state.accounts:
            move.phase = "waiting" if move.phase == "running" else move.phase
        if phase == "stopped":
            self._plan = None
        await self._save()

    async def _save(self) -> None:
        assert self._state is not None
        octets = to_json(self._state)
        try:
            await trio.to_thread.run_sync(partial(write_atomically, self._path, octets, mode=0o600))
        except OSError as error:  # a full disk: the move goes on or fails by itself
            logger.warning("failed to store migration state", extra={"kv": {"err": str(error)}})

    async def _serve(self) -> None:
        state, plan = self._state, self._plan
        assert state is not None
        assert plan is not None
        logger.info("migration started", extra={"kv": {"kind": plan.kind, "accounts": len(plan.users)}})
        try:
            with self._scope:
                await self._save()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._save_often)
                    nursery.start_soon(self._log_often, state)
                    await self._carry_out(plan, state)
                    nursery.cancel_scope.cancel()
                state.phase = "done"
                self._plan = None
        except trio.Cancelled:  # the server ends
            state.phase = "stopped"
            raise
        finally:
            if state.phase == "running":  # a bug: the log has it
                state.phase = "stopped"
                state.problems.append("server error; see the server log")
            try:
                with trio.CancelScope(shield=True):  # bounded: one small file
                    await self._save()
            finally:
                self._ended.set()
            messages = sum(one.messages for one in state.accounts)
            logger.info("migration ended", extra={"kv": {"phase": state.phase, "messages": messages}})

    async def _save_often(self) -> None:
        while True:
            await trio.sleep(SAVE_SECONDS)
            await self._save()

    async def _log_often(self, state: MoveState) -> None:
        began = trio.current_time()
        while True:
            await trio.sleep(LOGGED)
            kv = {
                "work": "move",
                "at": ", ".join(f"{one.address}: {one.step}" for one in state.accounts if one.phase == "running"),
                "messages": sum(one.messages for one in state.accounts),
                "seconds": round(trio.current_time() - began),
            }
            logger.info("still working", extra={"kv": kv})

    async def _carry_out(self, plan: Plan, state: MoveState) -> None:
        for name in plan.domains:
            async with _noting(state.problems, f"domain {name}"):
                await self.steps.domain(name, [key for key in plan.keys if key.domain == name])
        limiter = trio.CapacityLimiter(ACCOUNTS_AT_ONCE)
        async with trio.open_nursery() as nursery:
            for user, move in zip(plan.users, state.accounts, strict=True):
                nursery.start_soon(self._account, plan, user, move, limiter)
        for user, move in zip(plan.users, state.accounts, strict=True):
            if move.phase == "done":  # where mail could not come, nothing is there to be shared
                await self._step(move, self.steps.shares(plan, user, move))
        for alias in plan.aliases:
            async with _noting(state.problems, f"alias {alias.address}"):
                await self.steps.alias(alias)

    async def _account(self, plan: Plan, user: User, move: AccountMove, limiter: trio.CapacityLimiter) -> None:
        async with limiter:
            move.phase, move.left, move.problem_count = "running", -1, 0
            move.problems = []
            for problem in user.problems:
                note(move, problem)
            await self._step(move, self.steps.account(plan, user, move))

    async def _step(self, move: AccountMove, step: Awaitable[bool]) -> None:
        """Take a step with an account; it ends when the account is removed."""
        with trio.CancelScope() as scope:
            self._scopes[move.account] = scope
            try:
                came = await step
            finally:
                del self._scopes[move.account]
            if scope.cancel_called:
                return
            move.phase, move.step, move.left = ("done", "", 0) if came else ("failed", "", -1)

    def _rate(self) -> float:
        assert self._state is not None
        now, total = trio.current_time(), sum(one.messages for one in self._state.accounts)
        self._marks = [(when, number) for when, number in self._marks if when > now - RATE_SECONDS]
        self._marks.append((now, total))
        (since, number) = self._marks[0]
        return (total - number) / (now - since) if now > since else 0.0


@asynccontextmanager
async def _noting(problems: list[str], what: str) -> AsyncIterator[None]:
    """Note the failure of the block as a problem, once."""
    try:
        yield
    except CommandFailed as error:
        text = f"{what}: {error}"
        if text not in problems:
            problems.append(text)


def _waiting(user: User) -> AccountMove:
    return AccountMove(user.address, user.account)


def _read_state(path: Path) -> MoveState:
    """The state that was stored; what ran when the server ended has stopped. Blocks."""
    try:
        state = from_json(path.read_bytes(), MoveState)
    except (OSError, msgspec.DecodeError):
        return MoveState()
    if state.phase in ("running", "paused"):
        state.phase = "stopped"
        for move in state.accounts:
            move.phase = "waiting" if move.phase == "running" else move.phase
    return state


def last_steps(plan: Plan) -> list[str]:
    """Steps on the old server when everything is here."""
    steps = [
        f"if you haven't yet, point the MX records of {', '.join(plan.domains)} here: moxlite config dnscheck DOMAIN"
    ]
    if plan.imap is not None and plan.imap.master_user:
        steps.append(f"remove the master user {plan.imap.master_user} from {plan.imap.host}")
    steps += [
        "stop the old server's mail services, but keep its disk until you've checked the backups here",
        "remove its addresses from SPF now, and its DKIM selectors from DNS a week after its last mail",
        "stop forwarding mail for unknown addresses there: moxlite config domain peer rm DOMAIN",
    ]
    return steps
