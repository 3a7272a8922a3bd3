"""Sending mail on to other addresses (SMTP-159, QUEUE-179, WEB-158a)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.admin.delivery.forwarding import NoWayToAsk
from moxlite.config.domains import Account
from moxlite.store.delivery.forwarding import Target, confirm_target, linked_target, refuse_target
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
        found = await self._server.forwarding.look(caller.require().account)
        aliases = self._passed_on(caller.require().account)
        targets = [
            msgspec.structs.replace(_target(address, target), alias=aliases.get(address.lower(), ""))
            for address, target in found
        ]
        return Forwards(shown(ForwardForm, self._settings(caller)), targets, problem)

    @call(confirm=True, audit="forwarding changed")
    async def forward_save(self, caller: Caller, old: ForwardForm, changed: ForwardForm) -> Forwards:
        """Save the addresses, and ask the owners of new ones. A conflict if they are no longer the old ones."""
        name = caller.require().account
        kept = [one.strip() for one in changed.forward_to if one.strip()]
        table = {"keep_copy": changed.keep_copy} | ({"forward_to": kept} if kept else {})
        await self._change(Account, ("accounts", name), table_of(old), table, names_of(ForwardForm))
        problem = ""
        for address, target in await self._server.forwarding.look(name):
            if target is None:
                try:
                    await self._server.forwarding.ask(name, address)
                except (NoWayToAsk, StoreError) as error:
                    problem = f"{address} was not asked: {error}"
        return await self._forwards(caller, problem)

    @call()
    async def forward_ask(self, caller: Caller, address: AddressText) -> None:
        """Ask the owner of an address again, once a day at most."""
        self._own(caller, address)
        try:
            await self._server.forwarding.ask(caller.require().account, address)
        except (NoWayToAsk, StoreError) as error:
            raise UserError(reason_of(error)) from error

    @call(audit="forwarding started again")
    async def forward_start(self, caller: Caller, address: AddressText) -> None:
        """Send mail again to an address that was stopped."""
        self._own(caller, address)
        if not await self._server.forwarding.start(caller.require().account, address):
            raise UserError("the owner of the address does not want this mail, or it is not stopped")

    def _own(self, caller: Caller, address: str) -> None:
        if address.lower() not in self._passed_on(caller.require().account):
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
        """An own address of the account, and the address of the link. Raises Gone, also for unknown accounts: only one
        that forwards mail is opened.
        """
        settings, passed_on = self._server.config.current.account(name), self._passed_on(name)
        if settings is None or not passed_on:
            raise Gone(GONE)
        async with self._server.accounts.use(name) as account:
            found = await account.read(lambda r: linked_target(r, token, now()), op="forwarding")
        if found is None or found.address not in passed_on:
            raise Gone(GONE)
        own = passed_on[found.address] or next((one for one in settings.destinations if not one.startswith("@")), name)
        return own, found

    def _passed_on(self, name: str) -> dict[str, str]:
        """The addresses to which the account sends mail on, in lower case, each with the alias that it is a member of,
        "" for none.
        """
        found = self._server.config.current.passed_on(name)
        return {address.lower(): str(alias or "") for address, alias in found.items()}


def _target(address: str, target: Target | None) -> ForwardTarget:
    if target is None:
        return ForwardTarget(address=address, state="new", since=None, failing=None, error="")
    if target.stopped is not None:
        return ForwardTarget(
            address=address, state="stopped", since=moment(target.stopped), failing=None, error=target.error
        )
    if target.confirmed is None:
        return ForwardTarget(address=address, state="asked", since=moment(target.asked), failing=None, error="")
    failing = None if target.failing is None else moment(target.failing)
    since = moment(target.confirmed)
    return ForwardTarget(address=address, state="confirmed", since=since, failing=failing, error=target.error)
