"""The calls about session and messages, and the API of them and of `calls` (WEBMAIL-23..27). Each call that changes
something is one transaction of the account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Final, Literal, TypeVar

import trio
from msgspec import Meta

from moxlite.operations import description
from moxlite.operations.groupware import ListLinks, MakeLink, RemoveLink, ShareAddressBook, ShareCalendar
from moxlite.operations.leaving import ListLeaving, StopLeaving
from moxlite.operations.masked import MakeAddress, SwitchOff, SwitchOn
from moxlite.operations.sieve import VacationSet
from moxlite.proto.mime.words import decode_words
from moxlite.store.accounts.access import flag_rights
from moxlite.store.auth.sessions import Session
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.threadlinks import set_thread_flags
from moxlite.store.names import INBOX, split_flags
from moxlite.store.people.devices import forget_devices
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.types import MessageID
from moxlite.web.calls import Source, call
from moxlite.web.composing.answering import own_of
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotAllowed, NotFound
from moxlite.web.guards import require_fresh
from moxlite.web.notices.calls import NoticeCalls
from moxlite.web.preferences import TemplateCalls
from moxlite.web.providerlogin import ProviderCalls
from moxlite.web.types import Name
from moxlite.web.webmail.calls.alarms import AlarmCalls
from moxlite.web.webmail.calls.birthdays import BirthdayCalls
from moxlite.web.webmail.calls.books import BookCalls
from moxlite.web.webmail.calls.busy import BusyCalls
from moxlite.web.webmail.calls.calendars import CalendarCalls, SubscribingCalls
from moxlite.web.webmail.calls.collectionfiles import FileCalls
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.calls.composing import ComposeCalls
from moxlite.web.webmail.calls.contacts import ContactCalls
from moxlite.web.webmail.calls.deleted import DeletedCalls
from moxlite.web.webmail.calls.details import DetailCalls
from moxlite.web.webmail.calls.eventnews import EventNewsCalls
from moxlite.web.webmail.calls.events import EventCalls
from moxlite.web.webmail.calls.eventundo import EventUndoCalls
from moxlite.web.webmail.calls.groups import GroupCalls
from moxlite.web.webmail.calls.importing import ImportCalls
from moxlite.web.webmail.calls.invitations import InvitationCalls
from moxlite.web.webmail.calls.labels import LabelCalls
from moxlite.web.webmail.calls.later import LaterCalls
from moxlite.web.webmail.calls.mailboxes import MailboxCalls
from moxlite.web.webmail.calls.newsletters import NewsletterCalls, UnsubscribeCalls
from moxlite.web.webmail.calls.notices import DeviceLogins, PushCalls
from moxlite.web.webmail.calls.receipts import ReceiptCalls
from moxlite.web.webmail.calls.rules import RuleCalls
from moxlite.web.webmail.calls.searching import SearchCalls
from moxlite.web.webmail.calls.sent import SentCalls
from moxlite.web.webmail.calls.settings import SettingsCalls, SortingCalls
from moxlite.web.webmail.filters import is_plain
from moxlite.web.webmail.holders import Holder, by_account, number_of
from moxlite.web.webmail.queryactions import TAKING, act, act_on_search, move
from moxlite.web.webmail.querytypes import ID, AnyID, IDs, QueryAction, QueryDone, Request
from moxlite.web.webmail.reading.parsed import parse_message
from moxlite.web.webmail.types import MessageItem, ParsedMessage

T = TypeVar("T")

Flags = Annotated[list[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(min_length=1, max_length=100)]

OWN_THREADS: Final = "you can only mute and collapse your own conversations"
"""Subject of the error that a guest gets from `Holder.refuse_guest`."""


class SessionCalls(AccountCalls):
    """The page's own session, and its streams."""

    @call()
    async def export_prep(self, caller: Caller) -> None:
        """Check that mail or contacts may be exported now: on a device that stays logged in, the user must have
        confirmed that (WEB-63a).
        """
        require_fresh(self._sessions, caller.require())

    @call()
    async def hand_on(self, caller: Caller) -> str:
        """Make a token by which the account app at this address takes over the session within 30 seconds."""
        await trio.lowlevel.checkpoint()
        if "account" not in caller.siblings:
            raise NotFound("the account page isn't available at this URL")
        return await self._sessions.hand_on(caller)

    @call()
    async def logout(self, caller: Caller) -> None:
        """End the session, its streams, and the notices to the device that subscribed in it."""
        session = caller.require()
        await self._sessions.log_out(caller)
        # Before the account is opened: streams end even if its file is broken.
        self._server.streams.end_session(session)
        async with self._accounts.use(session.account) as account:
            await forget_devices(account, session.id)

    @call()
    async def inbox_unread(self, caller: Caller) -> int:
        """The number of unread messages in Inbox, which pages of the browser's other accounts show (WEBMAIL-179)."""
        async with self._accounts.use(caller.require().account) as account:
            inbox = await account.read(lambda r: mailbox_rows.mailbox_by_name(r, INBOX), op="webmail_unread")
        return 0 if inbox is None else inbox.unread

    @call()
    async def token(self, caller: Caller) -> str:
        """Make a token that opens one event stream within a minute."""
        return self._server.streams.token(caller.require())

    @call()
    async def request(self, caller: Caller, request: Request) -> None:
        """Ask a stream for another view, or for more of its current view; the answer comes on the stream."""
        self._server.streams.find(caller.require(), request.stream_id).submit(request)


class MessageCalls(AccountCalls):
    """Messages as they are shown, moved, flagged and removed."""

    @call()
    async def message_item(self, caller: Caller, message_id: ID) -> MessageItem:
        """The row of a message in lists."""
        async with self._holders.at(caller.require(), message_id) as holder:

            def read(r: Reader) -> MessageItem:
                holder.known(r, [message_id])
                return holder.items(r, [message_rows.message(r, holder.local_id(message_id))])[0]

            return await holder.account.read(read, op="webmail_item")

    @call()
    async def parsed_message(self, caller: Caller, message_id: ID) -> ParsedMessage:
        """A message for reading: its header, texts and parts."""
        session = caller.require()
        own = partial(own_of, self._server.config.current, session.account, session.address)
        async with self._server.views.shown(session.account), self._holders.at(session, message_id) as holder:
            return await parse_message(holder, message_id, own)

    @call()
    async def flags_add(self, caller: Caller, message_ids: IDs, flags: Flags) -> None:
        """Set flags (`\\seen`, `$junk`, ...) and keywords."""
        await self._flag(caller, message_ids, flags, "add")

    @call()
    async def flags_clear(self, caller: Caller, message_ids: IDs, flags: Flags) -> None:
        """Remove flags and keywords."""
        await self._flag(caller, message_ids, flags, "remove")

    @call()
    async def message_move(
        self,
        caller: Caller,
        message_ids: IDs,
        mailbox_id: ID,
        mark_seen: bool = False,
        from_mailbox_id: AnyID = 0,
    ) -> None:
        """Move messages to a mailbox; a conflict if one of them is in it already.

        With `from_mailbox_id`, messages that are no longer in that mailbox stay where they are. Undo uses it
        (WEBMAIL-124).
        """
        session = caller.require()
        await self._check(session, message_ids, TAKING)
        async with self._holders.at(session, mailbox_id) as target:
            for ids in by_account(message_ids):
                async with self._holders.at(session, ids[0]) as source:
                    await move(
                        source,
                        ids,
                        target,
                        mailbox_id,
                        seen=mark_seen,
                        only_in=from_mailbox_id,
                        tmp=self._server.tmp,
                    )

    @call(once=True)
    async def query_action(self, caller: Caller, action: QueryAction) -> QueryDone:
        """Change, move or remove messages of a query, at most a thousand in one call (WEBMAIL-137).

        The next call continues at `after` of the result.
        """
        session = caller.require()
        if number_of(action.query.filter.mailbox_id) or number_of(action.mailbox_id):
            # a move between accounts is not one transaction, and messages that came since are recognised by the modseq
            # of one account only
            raise NotAllowed("messages that aren't loaded yet can only be changed in your own folders")
        async with self._holders.at(session) as home:
            if is_plain(action.query):
                return await home.account.write(lambda tx: act(tx, action, home))
            settings = self._server.config.current.account(session.account)
            rejects = (settings.rejects_mailbox if settings is not None else None) or ""
            return await act_on_search(home, action, rejects)

    @call()
    async def thread_mute(self, caller: Caller, message_ids: IDs, mute: bool) -> None:
        """Mute or unmute messages with all answers below them: new messages of a muted thread arrive read.

        Muting also collapses the thread (WEBMAIL-67).
        """
        await self._set_threads(caller, message_ids, lambda tx, ids: set_thread_flags(tx, ids, muted=mute))

    @call()
    async def thread_collapse(self, caller: Caller, message_ids: IDs, collapse: bool) -> None:
        """Store whether messages, with all answers below them, are shown collapsed (WEBMAIL-66)."""
        await self._set_threads(caller, message_ids, lambda tx, ids: set_thread_flags(tx, ids, collapsed=collapse))

    @call()
    async def message_delete(self, caller: Caller, message_ids: IDs) -> None:
        """Remove messages permanently."""
        await self._change(caller, message_ids, TAKING, expunge_ids)

    @call()
    async def decode_mime_words(self, caller: Caller, text: Name) -> str:
        """Decode encoded words (RFC 2047)."""
        caller.require()
        return decode_words(text.encode())

    async def _flag(self, caller: Caller, shown: Sequence[int], flags: Flags, mode: Literal["add", "remove"]) -> None:
        bits, keywords = split_flags(flags)

        def change(tx: AccountTx, ids: list[MessageID]) -> None:
            store_flags_ids(tx, ids, mode=mode, flags=bits, keywords=keywords)

        await self._change(caller, shown, flag_rights(bits, bool(keywords)), change)

    async def _set_threads(
        self, caller: Caller, shown: Sequence[int], change: Callable[[AccountTx, list[MessageID]], object]
    ) -> None:
        """Change threads, as their owner only: a thread may extend to mailboxes that are not shared (WEBMAIL-62)."""
        await self._change(caller, shown, "", change, own=True)

    async def _change(
        self,
        caller: Caller,
        shown: Sequence[int],
        needed: str,
        change: Callable[[AccountTx, list[MessageID]], object],
        *,
        own: bool = False,
    ) -> None:
        """Change messages, with one transaction per account. A guest needs the rights in `needed`; with `own` guests
        are refused.
        """
        session = caller.require()
        await self._check(session, shown, needed, own=own)
        for ids in by_account(shown):
            async with self._holders.at(session, ids[0]) as holder:

                def unit(tx: AccountTx, holder: Holder = holder, ids: Sequence[int] = ids) -> None:
                    # Rights again, now in the transaction: they may have been taken back since `_check`, which spares
                    # the usual case half a change.
                    message_ids = list(holder.known(tx, ids, needed))
                    if own:
                        holder.refuse_guest(OWN_THREADS)
                    change(tx, message_ids)

                await holder.account.write(unit)

    async def _check(self, session: Session, shown: Sequence[int], needed: str, *, own: bool = False) -> None:
        """Check messages of several accounts before any is changed, so that a missing right at one account is not found
        after others were changed. Arguments as for `_change`. Raises NotFound, NoRight, NotAllowed, and errors of
        opening an account.
        """
        parts = by_account(shown)
        for ids in parts if len(parts) > 1 else ():
            async with self._holders.at(session, ids[0]) as holder:
                known = partial(holder.known, shown=ids, needed=needed)
                await holder.account.read(known, op="webmail_rights")
                if own:
                    holder.refuse_guest(OWN_THREADS)


API: Final[tuple[Source, ...]] = (
    DeviceLogins,
    ProviderCalls,
    NoticeCalls,
    PushCalls,
    TemplateCalls,
    ReceiptCalls,
    InvitationCalls,
    DeletedCalls,
    SubscribingCalls,
    BusyCalls,
    EventCalls,
    EventUndoCalls,
    CalendarCalls,
    BirthdayCalls,
    BookCalls,
    ContactCalls,
    GroupCalls,
    AlarmCalls,
    EventNewsCalls,
    FileCalls,
    NewsletterCalls,
    LaterCalls,
    SortingCalls,
    ImportCalls,
    MailboxCalls,
    LabelCalls,
    UnsubscribeCalls,
    DetailCalls,
    RuleCalls,
    SettingsCalls,
    SentCalls,
    SearchCalls,
    ComposeCalls,
    SessionCalls,
    MessageCalls,
    description(VacationSet),
    description(ListLeaving),
    description(StopLeaving),
    description(MakeAddress),
    description(SwitchOn),
    description(SwitchOff),
    description(ShareCalendar),
    description(ShareAddressBook),
    description(MakeLink),
    description(ListLinks),
    description(RemoveLink),
)
"""The pages of the webmail, whose marked methods are its calls, and operations for users. All but the public ones need
a session.
"""
