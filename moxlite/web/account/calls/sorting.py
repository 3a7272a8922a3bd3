"""Rules and scripts for mail that is there already (WEBMAIL-130a)."""

from __future__ import annotations

import logging
from functools import partial
from typing import Annotated

from msgspec import Meta

from moxlite.acceptance.rules.existing import Place, RuleTooSlow, SortPage, by_rules, mail_to, move_sorted, sort_page
from moxlite.processor import off_loop
from moxlite.web.account.calls.addresses import TOO_SLOW, Rules, rulesets_of
from moxlite.web.account.calls.common import AccountCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, NotFound
from moxlite.web.types import Name
from moxlite.wording import worded

logger = logging.getLogger("moxlite.web.account")

AddressText = Annotated[str, Meta(max_length=1000)]
ScriptName = Annotated[str, Meta(min_length=1, max_length=200)]
IDs = Annotated[list[Annotated[int, Meta(ge=1)]], Meta(min_length=1, max_length=200)]


class SortingCalls(AccountCalls):
    """The calls that count and move stored mail by rules or by a script."""

    @call()
    async def rules_count(self, caller: Caller, address: AddressText, rules: Rules, after: Place | None) -> SortPage:
        """Find where rules would put the messages to an address that are in its mailbox: a page, the latest first.
        Nothing is moved.
        """
        destination = self._settings(caller).destinations.get(address)
        if destination is None:
            raise NotFound(worded("{address} is not an address of this account", address=address))
        name, snapshot = caller.require().account, self._server.config.current
        rulesets = await off_loop(partial(rulesets_of, rules, self._settings(caller)), kind="rules")

        concerns = mail_to(snapshot, name, address)
        async with self._open(caller) as account:
            try:
                return await sort_page(account, destination.mailbox, by_rules(rulesets), concerns, after)
            except RuleTooSlow as error:
                raise FieldErrors([FieldError(f"rulesets[{error.rule}]", TOO_SLOW)]) from error

    @call()
    async def script_count(self, caller: Caller, name: ScriptName, after: Place | None) -> SortPage:
        """Find into which mailboxes a script would file the messages in the Inbox: a page, the latest first. Nothing is
        moved, and the script does nothing else.
        """
        from moxlite.acceptance.sieve.stored import sort_page_by_script

        async with self._open(caller) as account:
            return await sort_page_by_script(account, name, after)

    @call(audit="mail sorted")
    async def sort_move(self, caller: Caller, ids: IDs, source: Name, target: Name) -> int:
        """Move messages from one mailbox to another, which is made if it is missing; returns the number of those that
        were still there. With the mailboxes exchanged it undoes the same call.
        """
        async with self._open(caller) as account:
            return await account.write(lambda tx: move_sorted(tx, ids, source, target))
