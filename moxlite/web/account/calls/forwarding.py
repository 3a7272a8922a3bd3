"""Sending mail on to other addresses (SMTP-159, QUEUE-179, WEB-158a)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta
from msgspec.structs import replace

from moxlite.admin.delivery.forwarding import NoWayToAsk, PassedOn
from moxlite.config.domains import Account
from moxlite.store.delivery.forwarding import Target, confirm_target, linked_target, refuse_target
from moxlite.store.delivery.scripts import active_script
from moxlite.store.errors import StoreError
from moxlite.web.account.calls.common import AccountCalls, moment, now
from moxlite.web.account.forms import names_of, shown, table_of
from moxlite.web.account.mailtypes import ForwardForm, ForwardQuestion, Forwards, ForwardTarget
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Gone, NotFound, UserError
from moxlite.wording import reason_of, worded

__all__ = ["ForwardCalls"]

GONE: Final = "this link was answered already, or its week is over; the sender can ask again"

AddressText = Annotated[str, Meta(max_length=1000)]
Token = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(max_length=100)]


class ForwardCalls(AccountCalls):
    """The calls about forwarding, and the calls of the page for the owner of an address."""

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

    @call(public=True)
    async def forward_question(self, caller: Caller, account: Name, token: Token) -> ForwardQuestion:
        """The question behind a link. Looking does not answer it."""
        own, target = await self._linked(account, token)
        return ForwardQuestion(own, target.address)

    @call(public=True)
    async def forward_answer(self, caller: Caller, account: Name, token: Token, agree: bool) -> None:
        """Answer the question, once."""
        _, target = await self._linked(account, token)
        async with self._server.accounts.use(account) as opened:
            await opened.write(lambda tx: (confirm_target if agree else refuse_target)(tx, target.address))

    async def _linked(self, name: str, token: str) -> tuple[str, Target]:
        """An own address of the account, and the address of the link. Raises Gone, also for unknown accounts."""
        settings = self._server.config.current.account(name)
        if settings is None:
            raise Gone(GONE)
        async with self._server.accounts.use(name) as account:
            target = await account.read(lambda r: linked_target(r, token, now()), op="forwarding")
        found = None if target is None else await self._server.forwarding.find(name, target.address)
        if target is None or found is None:
            raise Gone(GONE)
        own = next((one for one in settings.destinations if not one.startswith("@")), name)
        return str(found.alias or own), target


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
