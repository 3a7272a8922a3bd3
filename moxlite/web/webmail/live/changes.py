"""Events of the change bus as JSON for browsers, encoded once per account for all its streams (WEBMAIL-43, 45, 148)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.store import types as store
from moxlite.store.names import flag_names
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.rows.views import Place
from moxlite.web.preferences import Settings, shown_settings
from moxlite.web.webmail.items import ITEM_SLICE, linked_mailboxes, mailbox_of, make_items, roles_of, with_ids
from moxlite.web.webmail.types import (
    Change,
    CollectionChanged,
    LinkedMailbox,
    LinksChange,
    MailboxAdd,
    MailboxCounts,
    MailboxKeywords,
    MailboxRemove,
    MailboxRename,
    MailboxSpecialUse,
    MsgAdd,
    MsgFlags,
    MsgRemove,
    MsgThread,
    SettingsChange,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader

KEPT: Final = 1000  # encoded changes per account, some 700 octets each: two slices of the bus


class EncodedChange(msgspec.Struct, frozen=True):
    """A change as JSON. If `mailbox_id` is 0 it is sent to all streams, else to streams that show this mailbox.

    ``place`` is the position of an added message in the order of its mailbox. ``unread`` is whether it is unread.
    """

    data: bytes
    mailbox_id: int = 0
    place: Place | None = None
    unread: bool = False


class SharedChanges:
    """The changes of one account. Streams that wake for the same events share one read and one encoding of them."""

    def __init__(self, shown_id: Callable[[int], int]) -> None:
        """`shown_id` converts ids to the browser's form. Streams of the owner and streams of guests have different ids,
        so each kind has its own instance.
        """
        self._shown_id = shown_id
        self._encoded: OrderedDict[store.Event, EncodedChange | None] = OrderedDict()
        self._making: trio.Event | None = None  # set when the stream that is encoding now has finished

    async def encode(self, account: Account, events: Sequence[store.Event]) -> list[EncodedChange]:
        """Encode the changes of these events, in their order. Events that no browser needs are left out."""
        known = self._known(events)
        while missing := [event for event in events if event not in known]:
            # an event, not a lock: all waiting streams go on at once, not one after the other
            if self._making is not None:
                await self._making.wait()
                known |= self._known(missing)
                continue
            made = self._making = trio.Event()
            try:
                for start in range(0, len(missing), ITEM_SLICE):
                    known |= await self._make(account, missing[start : start + ITEM_SLICE])
                self._keep(known)
            finally:
                self._making = None
                made.set()
        return [change for event in events if (change := known[event]) is not None]

    def _known(self, events: Sequence[store.Event]) -> dict[store.Event, EncodedChange | None]:
        return {event: self._encoded[event] for event in events if event in self._encoded}

    def _keep(self, known: dict[store.Event, EncodedChange | None]) -> None:
        for event, change in known.items():
            self._encoded[event] = change
            self._encoded.move_to_end(event)
        while len(self._encoded) > KEPT:
            self._encoded.popitem(last=False)

    async def _make(self, account: Account, events: Sequence[store.Event]) -> dict[store.Event, EncodedChange | None]:
        added = [event for event in events if isinstance(event, store.MessageAdded)]
        created = [event for event in events if isinstance(event, store.MailboxAdded)]
        changed = any(isinstance(event, store.SettingsChanged) for event in events)
        linked = any(isinstance(event, store.LinksChanged) for event in events)

        def read(
            r: Reader,
        ) -> tuple[
            dict[store.MessageID, EncodedChange], dict[store.MailboxID, store.Mailbox], Settings, list[LinkedMailbox]
        ]:
            rows = message_rows.rows_by_ids(r, [event.message_id for event in added])
            items = {
                row.id: EncodedChange(
                    to_json(MsgAdd(with_ids(item, self._shown_id))),
                    row.mailbox_id,
                    Place(row.received, row.id),
                    unread=not row.flags & store.Flag.SEEN,
                )
                for row, item in zip(rows, make_items(r, rows), strict=True)
            }
            mailbox_ids = {event.mailbox_id for event in created}
            boxes = {box.id: box for box in mailbox_rows.mailboxes(r) if box.id in mailbox_ids} if mailbox_ids else {}
            settings = shown_settings(r) if changed else Settings()
            return items, boxes, settings, linked_mailboxes(r) if linked else []

        items: dict[store.MessageID, EncodedChange] = {}
        mailboxes: dict[store.MailboxID, store.Mailbox] = {}
        settings = Settings()
        links: list[LinkedMailbox] = []
        if added or created or changed or linked:
            items, mailboxes, settings, links = await account.read(read, op="webmail_changes")
        made: dict[store.Event, EncodedChange | None] = {}
        for event in events:
            match event:
                case store.MessageAdded():
                    item = items.get(event.message_id)
                    # it may have been removed or moved since the event; another event covers that
                    made[event] = item if item is not None and item.mailbox_id == event.mailbox_id else None
                case store.MailboxAdded():
                    box = mailboxes.get(event.mailbox_id)
                    made[event] = None if box is None else encoded(MailboxAdd(mailbox_of(box)))
                case store.SettingsChanged():
                    made[event] = encoded(SettingsChange(settings))
                case store.LinksChanged():
                    made[event] = encoded(LinksChange(links))
                case _:
                    made[event] = _plain(event, self._shown_id)
        return made


def encoded(change: Change, mailbox_id: int = 0) -> EncodedChange:
    """A change as JSON; `mailbox_id` is the account's form of the id."""
    return EncodedChange(to_json(change), mailbox_id)


def _plain(event: store.Event, shown_id: Callable[[int], int]) -> EncodedChange | None:
    """The change of an event that needs no read; None if it concerns no browser."""
    match event:
        case store.MessagesRemoved():
            return encoded(MsgRemove(shown_id(event.mailbox_id), [*map(shown_id, event.message_ids)]), event.mailbox_id)
        case store.FlagsChanged():
            names = flag_names(event.flags)
            message_id, mailbox_id = shown_id(event.message_id), shown_id(event.mailbox_id)
            change = MsgFlags(message_id, mailbox_id, event.modseq, names, list(event.keywords))
            return encoded(change, event.mailbox_id)
        case store.ThreadChanged():
            return encoded(MsgThread(list(event.message_ids), event.muted, event.collapsed))
        case store.MailboxRemoved():
            return encoded(MailboxRemove(event.mailbox_id, event.name))
        case store.MailboxRenamed():
            return encoded(MailboxRename(event.mailbox_id, event.old_name, event.name))
        case store.MailboxCounts():
            return encoded(
                MailboxCounts(event.mailbox_id, event.total, event.unread, event.unseen, event.deleted, event.size)
            )
        case store.MailboxSpecialUse():
            return encoded(MailboxSpecialUse(event.mailbox_id, roles_of(event.special_use)))
        case store.MailboxKeywords():
            return encoded(MailboxKeywords(event.mailbox_id, list(event.keywords)))
        case store.GroupwareChanged():
            return encoded(CollectionChanged(event.kind, event.collection_id))
        case _:
            return None
