"""The call for the first hits of a search, while it is typed (WEBMAIL-73)."""

from __future__ import annotations

from typing import Final

import trio

from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.search.finding import Search
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotAllowed
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.filters import wanted_of
from moxlite.web.webmail.holders import number_of
from moxlite.web.webmail.live.view import resolve_all
from moxlite.web.webmail.querytypes import Query
from moxlite.web.webmail.types import MessageItem

HITS: Final = 5
"""Hits of one glance."""

PATIENCE: Final = 0.5
"""Seconds of one glance: an answer that comes later is about a text that was typed further meanwhile."""

BESIDE: Final = 2
"""Searches of an account that run at a time: the one of its list, and the glance."""


class SearchCalls(AccountCalls):
    """The calls of the search bar."""

    @call()
    async def search_glance(self, caller: Caller, query: Query) -> list[MessageItem]:
        """The newest five messages of a query, or as many of them as are found in half a second."""
        if number_of(query.filter.mailbox_id):
            raise NotAllowed("you can only search shared folders in the list view")
        session = caller.require()
        async with self._holders.at(session) as home:
            settings = self._server.config.current.account(session.account)
            rejects = (settings.rejects_mailbox if settings is not None else None) or ""
            account = home.account
            boxes = await account.read(lambda r: resolve_all(r, query, rejects, home), op="webmail_view")
            search = Search(account, wanted_of(query, [box.id for box in boxes]), beside=BESIDE)
            found: list[int] = []
            with trio.move_on_after(PATIENCE):
                while len(found) < HITS and not search.done:
                    found += [one.message_id for one in await search.step()]
            ids = found[:HITS]
            rows = await account.read(lambda r: home.items(r, rows_by_ids(r, ids)), op="webmail_items")
        return sorted(rows, key=lambda message_item: ids.index(message_item.id))
