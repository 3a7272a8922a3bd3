"""The calls for calendars that are read from addresses (DAV-44)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from moxlite.groupware.subscribing import Subscriptions
from moxlite.store.groupware.collection import ensure_defaults
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import UserError
from moxlite.web.webmail.calls.calendars import COLOUR
from moxlite.web.webmail.calls.entries import EntryCalls
from moxlite.web.webmail.querytypes import ID


class SubscribingCalls(EntryCalls):
    """Calls about calendars that are read from addresses; `calendar_remove` ends a subscription."""

    @call(audit="calendar subscribed")
    async def calendar_subscribe(
        self,
        caller: Caller,
        calendar_url: Annotated[str, Meta(min_length=1, max_length=2000)],
        name: Annotated[str, Meta(max_length=200)] = "",
        colour: Annotated[str, Meta(pattern=COLOUR)] = "",
    ) -> int:
        """Make a calendar of the events at an address, https:// or webcal://, which is read now and each hour; returns
        its id. ``name``: by default as the file has it.
        """
        async with self._entries(caller) as (account, _):
            await account.write(ensure_defaults)
            return await self._subscriptions().add(account, calendar_url, " ".join(name.split()), colour)

    @call()
    async def calendar_refresh(self, caller: Caller, calendar_id: ID) -> None:
        """Read a subscribed calendar now. An error if it cannot be read: then it stays as it was."""
        async with self._entries(caller) as (account, _):
            failure = await self._subscriptions().refresh(account, calendar_id)
        if failure:
            raise UserError(failure)

    def _subscriptions(self) -> Subscriptions:
        return Subscriptions(self._server.sandbox, self._server.http)
