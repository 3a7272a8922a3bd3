"""The calls of the account app about sorting: rules and scripts for mail that is there already (WEBMAIL-130a), Sieve
scripts (WEB-158, IMAP-141), what the junk filter learns (WEB-66).
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Annotated

import trio
from msgspec import Meta

from moxlite.acceptance.rules import Place, RuleTooSlow, SortPage, by_rules, mail_to, move_sorted, sort_page
from moxlite.acceptance.sieve.keeping import check_script
from moxlite.admin.accountforms import rulesets_of
from moxlite.operations.rules import AddressText, Rules
from moxlite.processor import off_loop
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.limits import MAX_SCRIPT
from moxlite.store.delivery.scripts import failures, scripts
from moxlite.store.junk.trainer import teach
from moxlite.web.account.calls.addresses import TOO_SLOW
from moxlite.web.account.calls.common import AccountCalls, moment
from moxlite.web.account.mailtypes import Script, ScriptFailure, ScriptFault, Scripts
from moxlite.web.account.types import Taught, Training
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, FieldError, FieldErrors, NotFound, UserError
from moxlite.web.types import Name as MailboxName
from moxlite.wording import remark, worded

logger = logging.getLogger("moxlite.web.account")

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
            raise NotFound(worded("{address} doesn't belong to this account", address=address))
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
        from moxlite.acceptance.sieve.keeping import sort_page_by_script

        async with self._open(caller) as account:
            return await sort_page_by_script(account, name, after)

    @call(audit="mail sorted")
    async def sort_move(self, caller: Caller, ids: IDs, source: MailboxName, target: MailboxName) -> int:
        """Move messages from one mailbox to another, which is made if it is missing; returns the number of those that
        were still there. With the mailboxes exchanged it undoes the same call.
        """
        async with self._open(caller) as account:
            return await account.write(lambda tx: move_sorted(tx, ids, source, target))


Name = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=MAX_SCRIPT)]


class ScriptCalls(AccountCalls):
    """The calls about Sieve scripts."""

    @call()
    async def script_list(self, caller: Caller) -> Scripts:
        """All scripts by name, and errors when they ran."""
        from moxlite.proto.sieve.validation import EXTENSIONS

        async with self._open(caller) as account:
            stored_scripts = await account.read(scripts, op="scripts")
            failed = await account.read(failures, op="scripts")
        return Scripts(
            [
                Script(stored_script.name, stored_script.size, stored_script.active, stored_script.changed)
                for stored_script in stored_scripts
            ],
            [
                ScriptFailure(moment(failure.moment), failure.script, failure.line, remark(failure.text))
                for failure in failed
            ],
            list(EXTENSIONS),
        )

    @call()
    async def script_check(self, caller: Caller, text: Text) -> list[ScriptFault]:
        """The faults of a script, at most 20. Nothing is stored."""
        caller.require()
        try:
            await check_script(text.encode())
        except ScriptError as error:
            return [ScriptFault(fault.line, fault.column, fault.text) for fault in error.faults]
        return []


class JunkCalls(AccountCalls):
    """The calls about what the junk filter learns."""

    @call(audit="junk filter trained")
    async def junk_teach(self, caller: Caller) -> Taught:
        """Learn from the mail in Archive and Junk; returns how many messages were marked."""
        self._with_filter(caller)
        async with self._open(caller) as account:
            wanted, junk = await teach(account)
        return Taught(wanted, junk)

    @call(audit="junk filter retrained")
    async def junk_retrain(self, caller: Caller) -> int:
        """Forget what was learned, and learn all marked messages again; returns their number when it is done."""
        name = caller.require().account
        self._with_filter(caller)
        if name in self._server.training:
            raise Conflict("the junk filter is already being trained")
        # No await since the look, so that two calls cannot begin.
        self._server.training[name] = Training(True, 0, 0)

        def note(done: int, total: int) -> None:
            self._server.training[name] = Training(True, done, total)

        try:
            async with self._open(caller) as account:
                return await account.trainer.retrain(note)
        finally:
            del self._server.training[name]

    @call()
    async def junk_training(self, caller: Caller) -> Training:
        """How far `junk_retrain` is."""
        await trio.lowlevel.checkpoint()
        return self._server.training.get(caller.require().account, Training(False, 0, 0))

    def _with_filter(self, caller: Caller) -> None:
        if self._settings(caller).junk_filter is None:
            raise UserError("to use the junk filter, turn it on and save your changes first")
