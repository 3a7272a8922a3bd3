"""Sending mail on to other addresses (SMTP-159, QUEUE-179, WEB-158a)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from moxlite.admin.delivery.forwarding import NoWayToAsk, PassedOn
from moxlite.config.domains import Account
from moxlite.store.delivery.scripts import active_script
from moxlite.store.errors import StoreError
from moxlite.web.account.calls.common import AccountCalls, moment
from moxlite.web.account.forms import names_of, shown, table_of
from moxlite.web.account.mailtypes import ForwardForm, Forwards, ForwardTarget
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.wording import reason_of, worded

AddressText = Annotated[str, Meta(max_length=1000)]


class ForwardCalls(AccountCalls):
    """The calls about forwarding. The owners of the addresses answer on `moxlite.web.account.consent`."""

    @call()
    async def forwards(self, caller: Caller) -> Forwards:
        """The addresses to which mail is sent on, with their states."""
        return await self._forwards(caller, "")

    async def _forwards(self, caller: Caller, problem: str) -> Forwards:
        name = caller.require().account
        found = await self._server.forwarding.look(name)
        async with self._server.accounts.use(name) as account:
            script = await account.read(active_script, op="forwarding")
        return Forwards(shown(ForwardForm, self._settings(caller)), list(map(_target, found)), problem, script)

    @call(confirm=True, audit="forwarding changed")
    async def forward_save(self, caller: Caller, old: ForwardForm, changed: ForwardForm) -> Forwards:
        """Save the addresses, and ask the owners of new ones. A conflict if they are no longer the old ones."""
        name = caller.require().account
        kept = [one.strip() for one in changed.forward_to if one.strip()]
        table = {"keep_copy": changed.keep_copy} | ({"forward_to": kept} if kept else {})
        await self._change(Account, ("accounts", name), table_of(old), table, names_of(ForwardForm))
        problems = await self._server.forwarding.ask_new(name)
        return await self._forwards(caller, "\n".join(problems))

    @call()
    async def forward_ask(self, caller: Caller, address: AddressText) -> None:
        """Ask the owner of an address again, once a day at most."""
        await self._own(caller, address)
        try:
            await self._server.forwarding.ask(caller.require().account, address)
        except (NoWayToAsk, StoreError) as error:
            raise UserError(reason_of(error)) from error

    @call(audit="forwarding started again")
    async def forward_start(self, caller: Caller, address: AddressText) -> None:
        """Send mail again to an address that was stopped."""
        await self._own(caller, address)
        if not await self._server.forwarding.start(caller.require().account, address):
            raise UserError("the owner of the address does not want this mail, or it is not stopped")

    async def _own(self, caller: Caller, address: str) -> None:
        if await self._server.forwarding.find(caller.require().account, address) is None:
            raise NotFound(worded("mail is not forwarded to {address}", address=address))


def _target(one: PassedOn) -> ForwardTarget:
    target = one.target
    shown = ForwardTarget(
        address=one.address,
        state="new",
        since=None,
        failing=None,
        error="",
        alias=str(one.alias or ""),
        script=one.script,
        ran=one.ran,
    )
    if target is None or one.is_new:
        return shown
    if target.stopped is not None:
        return replace(shown, state="stopped", since=moment(target.stopped), error=target.error)
    if target.confirmed is None:
        return replace(shown, state="asked", since=moment(target.asked))
    failing = None if target.failing is None else moment(target.failing)
    taken = not target.asked
    return replace(
        shown, state="confirmed", since=moment(target.confirmed), failing=failing, error=target.error, taken_over=taken
    )
