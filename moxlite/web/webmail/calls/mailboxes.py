"""The calls about mailboxes: making, renaming and removing them, importing files into one (WEBMAIL-141), the first hits
of a search (WEBMAIL-73), and labels (WEBMAIL-84).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import trio
from msgspec import Meta

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.imports.engine import take_back
from moxlite.store.imports.items import Into
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.flags import store_flags_ids, strip_keyword, unread_with
from moxlite.store.mail.labels import MAX_LABELS, Keyword, Label, clean_name, free_keyword, labels_of
from moxlite.store.mail.mailboxes import SLICE, create_mailbox, delete_in_slices, rename_subscribed, set_special_use
from moxlite.store.mail.settings import patch_settings
from moxlite.store.names import split_flags
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.rows.views import unseen_ids
from moxlite.store.search.finding import Search
from moxlite.store.types import Flag, MailboxID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotAllowed, NotFound, UserError
from moxlite.web.http.exchange import query_parameters
from moxlite.web.importing.browser import Chosen
from moxlite.web.types import Name
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.filters import wanted_of
from moxlite.web.webmail.holders import Holder, by_account, number_of
from moxlite.web.webmail.items import use_of_roles
from moxlite.web.webmail.live.importing import importing
from moxlite.web.webmail.live.view import resolve_all
from moxlite.web.webmail.queryactions import TAKING
from moxlite.web.webmail.querytypes import ID, IDs, Query
from moxlite.web.webmail.types import Importing, MessageItem, Role
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import ResponseWriter


T = TypeVar("T")


class MailboxCalls(AccountCalls):
    """Calls for the mailboxes of the user's own account, and of those that others share."""

    @call()
    async def mailboxes_mark_read(self, caller: Caller, mailbox_ids: IDs) -> None:
        """Mark all messages of these mailboxes as read."""
        for ids in by_account(mailbox_ids):
            async with self._holders.at(caller.require(), ids[0]) as holder:
                read = partial(_unread, holder=holder, shown=ids)
                left: Sequence[tuple[MailboxID, int]] = await holder.account.read(read, op="webmail_unread")
                while left:
                    left = await holder.account.write(partial(_read_next, holder=holder, left=left))

    @call()
    async def mailbox_create(self, caller: Caller, name: Name) -> int:
        """Create a mailbox and its missing parents; returns its id."""
        return await self._write(caller, lambda tx: int(create_mailbox(tx, name)[-1].id))

    @call()
    async def mailbox_rename(self, caller: Caller, mailbox_id: ID, name: Name) -> None:
        """Rename a mailbox and the mailboxes in it."""
        await self._write(caller, lambda tx: rename_subscribed(tx, MailboxID(mailbox_id), name))

    @call()
    async def mailbox_delete(self, caller: Caller, mailbox_id: ID) -> None:
        """Remove a mailbox with its messages; refused while it contains other mailboxes."""
        async with self._accounts.use(caller.require().account) as account:
            await delete_in_slices(account, lambda _: MailboxID(mailbox_id))

    @call()
    async def mailbox_set_special_use(self, caller: Caller, mailbox_id: ID, roles: list[Role]) -> None:
        """Give a mailbox exactly these roles; other mailboxes lose them."""
        use = use_of_roles(roles)
        await self._write(caller, lambda tx: set_special_use(tx, MailboxID(mailbox_id), use))

    async def _write(self, caller: Caller, unit: Callable[[AccountTx], T]) -> T:
        async with self._accounts.use(caller.require().account) as account:
            return await account.write(unit)


def _unread(r: Reader, holder: Holder, shown: Sequence[int]) -> list[tuple[MailboxID, int]]:
    """Each of the mailboxes with its next UID: mail that comes later stays unread. Raises NoSuchMailbox, NoRight."""
    ends: list[tuple[MailboxID, int]] = []
    for mailbox_id in dict.fromkeys(map(holder.local_id, shown)):
        holder.check_box(r, mailbox_id, "s")
        box = mailbox_rows.mailbox(r, mailbox_id)
        ends.append((box.id, box.uidnext))
    return ends


def _read_next(tx: AccountTx, holder: Holder, left: Sequence[tuple[MailboxID, int]]) -> Sequence[tuple[MailboxID, int]]:
    """Mark the next slice of messages as read; returns the mailboxes that are left."""
    room = SLICE
    for place, (mailbox_id, uidnext) in enumerate(left):
        holder.check_box(tx, mailbox_id, "s")
        message_ids = unseen_ids(tx, mailbox_id, uidnext, room)
        if message_ids:
            store_flags_ids(tx, message_ids, mode="add", flags=Flag.SEEN)
        room -= len(message_ids)
        if not room:
            return left[place:]
    return []


# Importing files into a mailbox, with its end before the time, and the way back (WEBMAIL-141).


Token = Annotated[str, Meta(max_length=64)]
Size = Annotated[int, Meta(ge=0, le=1 << 50)]
Number = Annotated[int, Meta(ge=1, le=100_000)]
"""Messages that Undo takes back: 250 units, some seconds."""

FLAGGING = "stw"
"""Rights that set flags; an import goes without those that the user lacks."""


class ImportCalls(AccountCalls):
    """Calls for imports into mailboxes of the user, and of others who let the user add messages."""

    async def receive_import(self, caller: Caller, writer: ResponseWriter) -> None:
        """Answer ``POST import?mailbox_id=…``: the form has the files, the answer a token."""
        shown = query_parameters(caller.request).get("mailbox_id", "")
        mailbox_id = int(shown) if shown.isascii() and shown.isdigit() and len(shown) <= 16 else 0
        await self._server.imports.receive(caller, self._sessions, writer, partial(self._choose, mailbox_id=mailbox_id))

    @call()
    async def import_check(self, caller: Caller, mailbox_id: ID, size: Size) -> None:
        """Check whether files of this size can be imported into a mailbox now; an error gives the reason."""
        chosen = await self._choose(caller.require(), mailbox_id)
        await self._server.imports.check(chosen.account, size)

    @call()
    async def import_state(self, caller: Caller, token: Token) -> Importing | None:
        """The state of an import that the user began; null for one that ended over a minute ago, or with the server."""
        for progress, job in self._server.imports.begun_by(caller.require().account):
            if progress.token.hex() == token:
                return importing(progress, job)
        return None

    @call()
    async def import_abort(self, caller: Caller, token: Token) -> None:
        """Abort an import with nothing changed; refused if it has finished already."""
        self._server.imports.abort(caller.require().account, token)

    @call()
    async def import_undo(self, caller: Caller, first_id: ID, messages: Number) -> int:
        """Remove the messages of an import, by the id of the first, that were not moved since; returns their number.

        Raises NotFound if all of them are gone.
        """
        async with self._holders.at(caller.require(), first_id) as holder:

            def allowed(r: Reader, mailbox_id: MailboxID) -> bool:
                try:
                    holder.check_box(r, mailbox_id)
                except NoSuchMailbox:  # to the guest there is nothing
                    return False
                holder.check_box(r, mailbox_id, TAKING)
                return True

            removed = await take_back(holder.account, holder.local_id(first_id), messages, allowed)
        if not removed:
            raise NotFound(worded("message {missing} no longer exists", missing=str(first_id)))
        return removed

    async def _choose(self, session: Session, mailbox_id: int) -> Chosen:
        """The chosen mailbox. Raises NoSuchMessage, NoSuchMailbox, NoRight, MailboxNotAllowed."""
        async with self._holders.at(session, mailbox_id) as holder:
            return await holder.account.read(lambda r: _chosen(r, holder, mailbox_id), op="webmail_import")


def _chosen(r: Reader, holder: Holder, shown: int) -> Chosen:
    there = MailboxID(holder.local_id(shown))
    holder.check_box(r, there, "i")
    box = mailbox_rows.mailbox(r, there)
    holder.require(r, box, "i")
    rights = holder.rights_to(r, box) if holder.guest else RIGHTS
    needed = "i" + "".join([letter for letter in FLAGGING if letter in rights])
    return Chosen(holder.owner, box.name, Into(box.id, holder.guest, needed), shown)


# The call for the first hits of a search, while it is typed (WEBMAIL-73).


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


# The calls for labels (WEBMAIL-84).


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
    async def label_counts(self, caller: Caller, keywords: Annotated[list[Keyword], Meta(max_length=200)]) -> list[int]:
        """Numbers of unread messages with each of these labels, outside of Trash and Junk; 1,000 stands for more."""
        async with self._accounts.use(caller.require().account) as account:
            return await account.scan(
                lambda r: [unread_with(r, keyword, MOST_COUNTED) for keyword in keywords], op="webmail_label_counts"
            )

    @call()
    async def label_remove(self, caller: Caller, keyword: Keyword) -> int:
        """Take a label off all messages, some hundred in a transaction, then remove it; returns their number."""
        count = 0
        async with self._accounts.use(caller.require().account) as account:
            while done := await account.write(partial(take_off, keyword=keyword)):
                count += done
        return count


# Labels: names and colours for IMAP keywords (WEBMAIL-84).


MOST_COUNTED: Final = 1000
"""Unread messages of a label that are counted."""


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
        raise Conflict(worded("another label is called {name}", name=same.name))
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
