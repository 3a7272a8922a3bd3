"""How the user writes and reads in the webmail: the settings of `web.preferences` (WEBMAIL-105)."""

from __future__ import annotations

import msgspec

from moxlite.store.file.transaction import Reader
from moxlite.submission.authors import offered_addresses
from moxlite.web.account.calls.common import AccountCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.preferences import Settings, SomeSettings, change_settings, shown_settings


class Preferences(msgspec.Struct, frozen=True):
    """The settings; ``addresses`` from which the user may send, each of which can have a signature; ``offline``:
    whether browsers may keep mail.
    """

    settings: Settings
    addresses: list[str]
    offline: bool


class PreferenceCalls(AccountCalls):
    """The calls of these settings."""

    @call()
    async def preferences(self, caller: Caller) -> Preferences:
        """All settings of writing and reading."""
        name, snapshot = caller.require().account, self._server.config.current

        def read(r: Reader) -> Preferences:
            addresses = [address for address in offered_addresses(r, snapshot, name) if not address.startswith("@")]
            return Preferences(shown_settings(r), addresses, snapshot.static.webmail_offline)

        async with self._open(caller) as account:
            return await account.read(read, op="account_preferences")

    @call()
    async def preferences_save(self, caller: Caller, settings: SomeSettings) -> None:
        """Save these settings; `labels` and those that are left out stay. Open pages of the webmail are notified."""
        async with self._open(caller) as account:
            await account.write(lambda tx: change_settings(tx, settings))
