"""The junk filter and its mailboxes (WEB-66)."""

from __future__ import annotations

import trio

from moxlite.config.domains import Account
from moxlite.store.junk.words import read_meta, teach
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.web.account.calls.common import AccountCalls
from moxlite.web.account.forms import JunkForm, check_patterns, names_of, shown, table_of
from moxlite.web.account.types import Junk, Taught, Training
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, UserError


class JunkCalls(AccountCalls):
    """The calls about junk."""

    @call()
    async def junk(self, caller: Caller) -> Junk:
        """The settings, what the filter has learned, and the names of the mailboxes."""
        settings = self._settings(caller)
        async with self._open(caller) as account:
            active, _ = await account.read(read_meta, op="account_junk")
            boxes = await account.read(mailbox_rows.mailboxes, op="account_junk")
        return Junk(
            form=shown(JunkForm, settings),
            hams=0 if active is None else active.hams,
            spams=0 if active is None else active.spams,
            mailboxes=[box.name for box in boxes if not box.system],
        )

    @call(audit="junk settings changed")
    async def junk_save(self, caller: Caller, old: JunkForm, changed: JunkForm) -> JunkForm:
        """Save the settings; returns them as they are now. A conflict if they are no longer the old ones."""
        path = ("accounts", caller.require().account)
        wanted = table_of(changed)
        await trio.to_thread.run_sync(check_patterns, wanted, self._settings(caller))
        await self._change(Account, path, table_of(old), wanted, names_of(JunkForm))
        return shown(JunkForm, self._settings(caller))

    @call()
    async def junk_teach(self, caller: Caller) -> Taught:
        """Learn from the mail in Archive and Junk; returns how many messages were marked."""
        self._with_filter(caller)
        async with self._open(caller) as account:
            wanted, junk = await teach(account)
        return Taught(wanted, junk)

    @call()
    async def junk_retrain(self, caller: Caller) -> int:
        """Forget what was learned, and learn all marked messages again; returns their number when it is done."""
        name = caller.require().account
        self._with_filter(caller)
        if name in self._server.training:
            raise Conflict("the filter is learning already")
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
            raise UserError("this account has no junk filter: switch it on and save first")
