"""The calls for the user's settings of the webmail (WEBMAIL-55, WEBMAIL-105), and for notices about what sorts own mail
(WEB-158b).
"""

from __future__ import annotations

import time
from typing import Annotated

from msgspec import Meta

from moxlite.acceptance.sieve.keeping import SortingNotices, sorting_notices
from moxlite.proto.address import one_spelling
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.settings import set_address_view, set_fixed_width
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.preferences import SomeSettings, ViewMode, change_settings
from moxlite.web.webmail.calls.common import AccountCalls


class SettingsCalls(AccountCalls):
    """Calls for the user's settings of the webmail. The event stream sends them at its start, and when they change."""

    @call(once=True)
    async def settings_save(self, caller: Caller, settings: SomeSettings) -> None:
        """Save these settings; `labels` and those that are left out stay. The user's other pages are notified."""
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: change_settings(tx, settings))

    @call()
    async def from_address_settings_save(
        self,
        caller: Caller,
        from_address: Annotated[str, Meta(min_length=1, max_length=1000)],
        view_mode: ViewMode,
        fixed_width: bool = False,
    ) -> None:
        """Store how messages of a sender are shown, and whether their text is in a font of fixed width; "" and false
        remove the entry.
        """
        key = one_spelling(from_address.strip())

        def store(tx: AccountTx) -> None:
            set_address_view(tx, key, view_mode or None)
            set_fixed_width(tx, key, fixed=fixed_width)

        async with self._accounts.use(caller.require().account) as account:
            await account.write(store)


class SortingCalls(AccountCalls):
    """Calls for notices about the sorting of the user's own mail."""

    @call()
    async def sorting_notices(self, caller: Caller) -> SortingNotices:
        """Answers that are being sent, the newest error, and addresses to which nothing is sent on any more."""
        name = caller.require().account
        passed_on = self._server.config.current.passed_on(name)
        async with self._accounts.use(name) as account:
            return await sorting_notices(account, passed_on, time.time_ns() // 1000)
