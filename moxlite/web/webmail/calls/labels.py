"""The calls for labels: names and colours for IMAP keywords (WEBMAIL-84)."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from msgspec import Meta

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.flags import strip_keyword, unread_with
from moxlite.store.mail.labels import MAX_LABELS, Keyword, Label, clean_name, free_keyword, labels_of
from moxlite.store.mail.settings import patch_settings
from moxlite.store.names import split_flags
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.wording import worded

MOST_COUNTED: Final = 1000
"""Unread messages of a label that are counted."""


class LabelCalls(AccountCalls):
    """Calls for the labels of the user's own account. Messages get them by `flags_add` with the label's keyword."""

    @call(once=True)
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
    async def label_counts(self, caller: Caller, keywords: Annotated[list[Keyword], Meta(max_length=200)]) -> list[int]:
        """Numbers of unread messages with each of these labels, outside of Trash and Junk; 1,000 stands for more."""
        async with self._accounts.use(caller.require().account) as account:
            return await account.scan(
                lambda r: [unread_with(r, keyword, MOST_COUNTED) for keyword in keywords], op="webmail_label_counts"
            )

    @call(once=True)
    async def label_remove(self, caller: Caller, keyword: Keyword) -> int:
        """Take a label off all messages, some hundred in a transaction, then remove it; returns their number."""
        count = 0
        async with self._accounts.use(caller.require().account) as account:
            while done := await account.write(partial(take_off, keyword=keyword)):
                count += done
        return count


def save_label(tx: AccountTx, name: str, color: int, keyword: str) -> Label:
    """Name and colour a keyword, or with "" make a label of this name; returns the label.

    Raises UserError: the name is empty, or there are too many labels. Conflict: another label has this name.
    NotFound: the keyword is a flag.
    """
    _check(keyword)
    name = clean_name(name)
    if not name:
        raise UserError("name: enter a label name")
    labels = labels_of(tx)
    same = next((known for known in labels if known.name.casefold() == name.casefold()), None)
    if same is not None and keyword not in ("", same.keyword):
        raise Conflict(worded("you already have a label named {name}", name=same.name))
    if same is not None and not keyword:
        return same
    label = Label(keyword or free_keyword(name, {known.keyword for known in labels}), name, color)
    others = [known for known in labels if known.keyword != label.keyword]
    if len(others) >= MAX_LABELS:
        raise UserError(worded("you can have up to {most} named labels", most=MAX_LABELS))
    place = next((i for i, known in enumerate(labels) if known.keyword == label.keyword), len(others))
    patch_settings(tx, {"labels": [*others[:place], label, *others[place:]]})
    return label


def take_off(tx: AccountTx, keyword: str) -> int:
    """Remove a label from the next messages that have it; when none is left, its name and colour, too. Returns the
    number of messages, 0 at the end. Raises NotFound for a name of a flag.
    """
    _check(keyword)
    count = strip_keyword(tx, keyword)
    labels = labels_of(tx)
    others = [label for label in labels if label.keyword != keyword]
    if not count and len(others) < len(labels):
        patch_settings(tx, {"labels": others})
    return count


def _check(keyword: str) -> None:
    """Raise NotFound for the name of a flag."""
    bits, _ = split_flags([keyword])
    if bits:
        raise NotFound("this isn't a label")
