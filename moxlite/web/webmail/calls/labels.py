"""The calls for labels (WEBMAIL-84)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta

from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.labels import save_label, take_off
from moxlite.web.webmail.settings import Keyword, Label


class LabelCalls(AccountCalls):
    """Calls for the labels of the user's own account. Messages get them by `flags_add` with the label's keyword."""

    @call()
    async def label_save(
        self,
        caller: Caller,
        name: Annotated[str, Meta(min_length=1, max_length=100)],
        color: Annotated[int, Meta(ge=0, le=8)],
        keyword: Keyword | None = None,
    ) -> Label:
        """Give a keyword this name and colour. Without a keyword, make a label of this name; a label that has the name
        already is returned unchanged.
        """
        async with self._accounts.use(caller.require().account) as account:
            return await account.write(lambda tx: save_label(tx, name, color, keyword or ""))

    @call()
    async def label_remove(self, caller: Caller, keyword: Keyword) -> int:
        """Take a label off all messages, some hundred in a transaction, then remove it; returns their number."""
        count = 0
        async with self._accounts.use(caller.require().account) as account:
            while done := await account.write(partial(take_off, keyword=keyword)):
                count += done
        return count
