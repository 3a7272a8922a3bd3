"""The calls for the user's settings of the webmail (WEBMAIL-55, WEBMAIL-105)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from moxlite.store.mail.settings import set_address_view
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.preferences import SomeSettings, ViewMode, change_settings
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.reading.parsed import sender_key

if TYPE_CHECKING:
    pass


class SettingsCalls(AccountCalls):
    """Calls for the user's settings of the webmail. The event stream sends them at its start, and when they change."""

    @call()
    async def settings_save(self, caller: Caller, settings: SomeSettings) -> None:
        """Save these settings; `labels` and those that are left out stay. The user's other pages are notified."""
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: change_settings(tx, settings))

    @call()
    async def from_address_settings_save(
        self, caller: Caller, from_address: Annotated[str, Meta(min_length=1, max_length=1000)], view_mode: ViewMode
    ) -> None:
        """Store how messages of a sender are shown; "" removes the entry."""
        key = sender_key(from_address)
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: set_address_view(tx, key, view_mode or None))
