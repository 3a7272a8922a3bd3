"""The calls of searches whose answer is no view: the first hits while a search is typed (WEBMAIL-73), and the files of
messages (WEBMAIL-184).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio
from msgspec.structs import replace

from moxlite.proto.mime.text import fold
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.search.finding import Search
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotAllowed
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.filters import kind_of, wanted_of
from moxlite.web.webmail.holders import number_of
from moxlite.web.webmail.live.view import resolve_all
from moxlite.web.webmail.queryactions import mark_of, place_of
from moxlite.web.webmail.querytypes import Filter, Mark, Query
from moxlite.web.webmail.types import Attachment, FileList, MailboxName, MessageItem

if TYPE_CHECKING:
    from moxlite.store.types import Mailbox
    from moxlite.web.webmail.holders import Holder

HITS: Final = 5
"""Hits of one glance."""

PATIENCE: Final = 0.5
"""Seconds of one glance: an answer that comes later is about a text that was typed further meanwhile. A list of files
ends then, too, and the browser asks for more.
"""

FILES: Final = 50
"""Messages with files after which an answer ends. Its last step may add as many."""

BESIDE: Final = 2
"""Searches of an account that run at a time: the one of its list, and the glance."""


class SearchCalls(AccountCalls):
    """The calls of the search bar."""

    @call()
    async def search_glance(self, caller: Caller, query: Query) -> list[MessageItem]:
        """The newest five messages of a query, or as many of them as are found in half a second."""
        async with self._searched(caller, query) as (home, boxes):
            search = Search(home.account, wanted_of(query, [box.id for box in boxes]), beside=BESIDE)
            found: list[int] = []
            with trio.move_on_after(PATIENCE):
                while len(found) < HITS and not search.done:
                    found += [one.message_id for one in await search.step()]
            return await _items(home, found[:HITS])

    @call()
    async def files(self, caller: Caller, query: Query, after: Mark | None = None) -> FileList:
        """The messages of a query with files, the newest first, each with the files that the query means. The list
        starts behind the mark of the last answer, and ends after 50 to 100 messages or half a second.
        """
        async with self._searched(caller, query) as (home, boxes):
            reached = None if after is None else place_of(after)
            search = Search(home.account, wanted_of(query, [box.id for box in boxes]), beside=BESIDE, after=reached)
            messages: list[MessageItem] = []
            more = True
            until = trio.current_time() + PATIENCE
            while more and len(messages) < FILES and trio.current_time() < until:
                hits = await search.step()
                part = hits[:FILES]
                messages += _with_files(await _items(home, [hit.message_id for hit in part]), query.filter)
                last = search.reached if len(part) == len(hits) else part[-1]
                reached = reached if last is None else last.place
                more = len(part) < len(hits) or not search.done
        names = [MailboxName(box.id, box.name) for box in boxes]
        return FileList(messages, names, mark_of(reached) if more and reached is not None else None)

    @asynccontextmanager
    async def _searched(self, caller: Caller, query: Query) -> AsyncIterator[tuple[Holder, list[Mailbox]]]:
        """The user's account and its mailboxes in which a query searches. Raises NotAllowed for a shared mailbox."""
        if number_of(query.filter.mailbox_id):
            raise NotAllowed("you can only search shared folders in the list view")
        session = caller.require()
        async with self._holders.at(session) as home:
            settings = self._server.config.current.account(session.account)
            rejects = (settings.rejects_mailbox if settings is not None else None) or ""
            boxes = await home.account.read(lambda r: resolve_all(r, query, rejects, home), op="webmail_view")
            yield home, boxes


async def _items(home: Holder, ids: Sequence[int]) -> list[MessageItem]:
    """The messages with these ids, in their order."""
    rows = await home.account.read(lambda r: home.items(r, rows_by_ids(r, ids)), op="webmail_items")
    return sorted(rows, key=lambda message_item: ids.index(message_item.id))


def _with_files(items: Sequence[MessageItem], f: Filter) -> list[MessageItem]:
    """The items that have files beside their text that the filter asks for, with these alone."""
    names = [fold(name) for name in f.filenames]

    def meant(file: Attachment) -> bool:
        if file.inside or (
            f.attachments not in (None, "any") and kind_of(file.content_type, file.filename) != f.attachments
        ):
            return False
        return not names or any(name in fold(file.filename) for name in names)

    listed = [replace(message, attachments=[file for file in message.attachments if meant(file)]) for message in items]
    return [message for message in listed if message.attachments]
