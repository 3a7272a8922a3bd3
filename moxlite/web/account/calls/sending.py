"""Webhooks, suppressed addresses, and the account's own mail in the queue (WEB-68, WEB-69)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from moxlite.config.checks.accounts import WEBHOOK_EVENTS
from moxlite.config.domains import Account
from moxlite.web.account.calls.common import AccountCalls, moment, now
from moxlite.web.account.forms import OutgoingForm, SendingForm, names_of, shown, table_of
from moxlite.web.account.types import HookTest, Left, Outgoing, QueuedItem, Sending, SuppressedItem
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors

PAGE: Final = 100
"""Messages of one page of the queue."""

FINISHED: Final = 7 * 24 * 3600 * 1_000_000
"""Microseconds for which finished messages are shown."""

AddressText = Annotated[str, Meta(max_length=1000)]
Reason = Annotated[str, Meta(max_length=300)]
IDs = Annotated[list[Annotated[int, Meta(ge=1, le=2**53)]], Meta(min_length=1, max_length=1000)]
Before = Annotated[int, Meta(ge=0, le=2**53)]


class SendingCalls(AccountCalls):
    """Calls of the account app for sending: webhooks, suppressed addresses, own queue."""

    @call()
    async def sending(self, caller: Caller) -> Sending:
        """Webhooks, addresses with unique senders, and how long finished mail stays listed."""
        return Sending(shown(SendingForm, self._settings(caller)), list(WEBHOOK_EVENTS))

    @call(confirm=True, audit="sending settings changed")
    async def sending_save(self, caller: Caller, old: SendingForm, changed: SendingForm) -> SendingForm:
        """Save these settings; returns them as they are now. A conflict if they are no longer the old ones."""
        path = ("accounts", caller.require().account)
        await self._change(Account, path, table_of(old), table_of(changed), names_of(SendingForm))
        return shown(SendingForm, self._settings(caller))

    @call()
    async def webhook_test(self, caller: Caller, hook: OutgoingForm, incoming: bool) -> HookTest:
        """Call a webhook with a made-up event, saved or not; returns the answer."""
        if not hook.url.startswith(("http://", "https://")):
            raise FieldErrors([FieldError("url", "is not an http or https URL")])
        if not (hook.authorization.isascii() and hook.authorization.isprintable()):
            raise FieldErrors([FieldError("authorization", "must be printable ASCII")])
        name = caller.require().account
        found = await self._queue().test_webhook(name, hook.url, hook.authorization, hook.secret, incoming=incoming)
        return HookTest(found.status, found.seconds, found.error, found.response)

    @call()
    async def suppression_list(self, caller: Caller) -> list[SuppressedItem]:
        """Addresses to which the account sends nothing more."""
        return [
            SuppressedItem(
                address=one.address,
                manual=one.manual,
                reason=one.reason,
                created=moment(one.created),
                expires=None if one.expires is None else moment(one.expires),
            )
            for one in await self._queue().suppressed(caller.require().account)
        ]

    @call(audit="suppression added")
    async def suppression_add(self, caller: Caller, address: AddressText, reason: Reason) -> None:
        """Send nothing more to an address."""
        await self._queue().suppress(caller.require().account, address.strip(), reason)

    @call(audit="suppression removed")
    async def suppression_remove(self, caller: Caller, address: AddressText) -> None:
        """Send to an address again."""
        await self._queue().unsuppress(caller.require().account, address)

    @call()
    async def outgoing(self, caller: Caller, before: Before) -> Outgoing:
        """The account's mail that waits, the newest first: a page with ids below ``before``, or with 0 the first page,
        with what was sent within a week.
        """
        name, queue = caller.require().account, self._queue()
        found = await queue.waiting(name, before=before or 2**62, limit=PAGE)
        ended = [] if before else await queue.finished(name, since=now() - FINISHED, limit=PAGE)
        return Outgoing(
            [
                QueuedItem(
                    id=one.id,
                    sender=one.sender,
                    recipient=one.recipient,
                    subject=one.subject,
                    queued=moment(one.queued),
                    attempts=one.attempts,
                    last_attempt=None if one.last_attempt is None else moment(one.last_attempt),
                    next_attempt=None if one.hold else moment(one.next_attempt),
                    error=one.error,
                    hold=one.hold,
                    stopped=one.guarded,
                )
                for one in found
            ],
            len(found) == PAGE,
            [Left(one.recipient, one.state, moment(one.ended)) for one in ended],
        )

    @call(audit="delivery tried")
    async def outgoing_try(self, caller: Caller, ids: IDs) -> int:
        """Make the next attempt now, also for messages on hold; returns the number of messages."""
        return await self._queue().try_now(caller.require().account, ids)

    @call(audit="delivery cancelled")
    async def outgoing_cancel(self, caller: Caller, ids: IDs) -> int:
        """Take messages out of the queue; returns their number."""
        return await self._queue().cancel(caller.require().account, ids)
