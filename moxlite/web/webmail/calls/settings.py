"""The calls for settings (WEBMAIL-55, 105)."""

from __future__ import annotations

import logging
import time
from typing import Annotated

import msgspec
from msgspec import Meta

from moxlite.acceptance.sieve.keeping import SortingNotices, end_vacation, sorting_notices
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.settings import load_settings, save_settings, set_address_view
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.reading.parsed import sender_key
from moxlite.web.webmail.settings import Settings, ViewMode


class SettingsCalls(AccountCalls):
    """Calls for the user's settings of the webmail. The event stream sends them at its start, and when they change."""

    @call()
    async def settings_save(self, caller: Caller, settings: Settings) -> None:
        """Save all settings but `labels`; the user's other pages are notified."""

        def unit(tx: AccountTx) -> None:
            # labels have calls of their own: a page with older settings would lose those that another one has made
            labels = load_settings(tx, Settings).labels
            save_settings(tx, msgspec.structs.replace(settings, labels=labels))

        async with self._accounts.use(caller.require().account) as account:
            await account.write(unit)

    @call()
    async def from_address_settings_save(
        self, caller: Caller, from_address: Annotated[str, Meta(min_length=1, max_length=1000)], view_mode: ViewMode
    ) -> None:
        """Store how messages of a sender are shown; "" removes the entry."""
        key = sender_key(from_address)
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: set_address_view(tx, key, view_mode or None))


# The calls for notices about sorting: answers while away, failed scripts, stopped forwarding (WEB-158b).


logger = logging.getLogger("moxlite.web.webmail")


class SortingCalls(AccountCalls):
    """Calls for notices about the sorting of the user's own mail."""

    @call()
    async def sorting_notices(self, caller: Caller) -> SortingNotices:
        """Answers that are being sent, the newest error, and addresses to which nothing is sent on any more."""
        name = caller.require().account
        passed_on = self._server.config.current.passed_on(name)
        async with self._accounts.use(name) as account:
            return await sorting_notices(account, passed_on, time.time_ns() // 1000)

    @call()
    async def vacation_end(self, caller: Caller) -> None:
        """Send no more answers by the vacation form."""
        name = caller.require().account
        async with self._accounts.use(name) as account:
            await account.write(end_vacation)
        logger.info("vacation ended", extra={"kv": {"account": name}})
