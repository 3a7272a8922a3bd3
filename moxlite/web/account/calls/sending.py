"""Webhooks, addresses to give away, and the account's own mail in the queue (WEB-68, WEB-69)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from moxlite.admin.forms import save, shown, table_of
from moxlite.admin.masked import MaskedAddresses, domains_of, given
from moxlite.config.checks.accounts import WEBHOOK_EVENTS
from moxlite.config.domains import Account
from moxlite.queue.errors import QueueError
from moxlite.queue.schedule import SECOND
from moxlite.store.mail.masked import MAX_MASKED
from moxlite.web.account.calls.common import AccountCalls, moment, now
from moxlite.web.account.mailtypes import GivenPage
from moxlite.web.account.types import HookTest, Left, Outgoing, OutgoingForm, QueuedItem, Sending, SendingForm
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, UserError

PAGE: Final = 100
"""Messages of one page of the queue."""

FINISHED: Final = 7 * 24 * 3600 * 1_000_000
"""Microseconds for which finished messages are shown."""

IDs = Annotated[list[Annotated[int, Meta(ge=1, le=2**53)]], Meta(min_length=1, max_length=1000)]
Before = Annotated[int, Meta(ge=0, le=2**53)]


class SendingCalls(AccountCalls):
    """Calls of the account app for sending: webhooks, own queue."""

    @call()
    async def sending(self, caller: Caller) -> Sending:
        """Webhooks, addresses with unique senders, and how long finished mail stays listed."""
        return Sending(shown(SendingForm, self._settings(caller)), list(WEBHOOK_EVENTS))

    @call(confirm=True, audit="sending settings changed")
    async def sending_save(self, caller: Caller, old: SendingForm, changed: SendingForm) -> SendingForm:
        """Save these settings; returns them as they are now. A conflict if they are no longer the old ones."""
        path = ("accounts", caller.require().account)
        names = SendingForm.__struct_fields__
        await save(self._server.edit, Account, path, table_of(old), table_of(changed), names)
        return shown(SendingForm, self._settings(caller))

    @call()
    async def webhook_test(self, caller: Caller, hook: OutgoingForm, incoming: bool) -> HookTest:
        """Call a webhook with a made-up event, saved or not; returns the answer."""
        if not hook.url.startswith(("http://", "https://")):
            raise FieldErrors([FieldError("url", "must be an http or https URL")])
        if not (hook.authorization.isascii() and hook.authorization.isprintable()):
            raise FieldErrors([FieldError("authorization", "must be printable ASCII")])
        name = caller.require().account
        try:
            call_result = await self._queue().webhooks.try_out(
                name, hook.url, hook.authorization, hook.secret, incoming=incoming
            )
        except QueueError as error:
            raise UserError(str(error)) from None
        return HookTest(call_result.status, call_result.duration / SECOND, call_result.error, call_result.response)

    @call()
    async def outgoing(self, caller: Caller, before: Before) -> Outgoing:
        """The account's mail that waits, the newest first: a page with ids below ``before``, or with 0 the first page,
        with what was sent within a week.
        """
        name, messages = caller.require().account, self._queue().deliveries
        found = await messages.waiting_of(name, before or 2**62, PAGE)
        ended = [] if before else await messages.ended_of(name, now() - FINISHED, PAGE)
        return Outgoing(
            [
                QueuedItem(
                    id=message.id,
                    sender=message.sender_address,
                    recipient=message.recipient_address,
                    subject=message.subject,
                    queued=moment(message.queued),
                    attempts=message.attempts,
                    last_attempt=None if message.last_attempt is None else moment(message.last_attempt),
                    next_attempt=None if message.hold else moment(message.next_attempt),
                    error=message.last_result.error
                    if message.last_result is not None and not message.last_result.success
                    else "",
                    hold=message.hold,
                    stopped=message.guarded,
                )
                for message in found
            ],
            len(found) == PAGE,
            [Left(recipient, state, moment(at)) for _, recipient, state, at in ended],
        )

    @call(audit="delivery tried")
    async def outgoing_try(self, caller: Caller, ids: IDs) -> int:
        """Make the next attempt now, also for messages on hold; returns the number of messages."""
        return await self._queue().deliveries.try_now(caller.require().account, ids)

    @call(audit="delivery cancelled")
    async def outgoing_cancel(self, caller: Caller, ids: IDs) -> int:
        """Take messages out of the queue; returns their number."""
        return await self._queue().deliveries.cancel(caller.require().account, ids)


# Addresses to give away, one for each site (MASK-12).


MASKED_PAGE: Final = 50
"""Addresses of a page."""

Text = Annotated[str, Meta(max_length=2000)]
Offset = Annotated[int, Meta(ge=0, le=MAX_MASKED)]


class MaskedCalls(AccountCalls):
    """The page of addresses to give away; operations make and change them."""

    @call()
    async def masked_list(self, caller: Caller, text: Text, offset: Offset) -> GivenPage:
        """A page of addresses, the newest first, after the first ``offset``; with ``text`` those that have it in
        address, site or note.
        """
        name, addresses, at = caller.require().account, self._given, now()
        total = await addresses.count(name, text)
        masked_rows = await addresses.list(name, text, limit=MASKED_PAGE, offset=offset)
        domains = [domain.unicode for domain in domains_of(self._server.config.current, name)]
        return GivenPage([given(masked_row, at) for masked_row in masked_rows], total, domains)

    @property
    def _given(self) -> MaskedAddresses:
        return MaskedAddresses(self._server.config, self._server.accounts, self._server.auth.masked)
