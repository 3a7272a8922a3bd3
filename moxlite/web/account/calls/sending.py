"""Webhooks and addresses to give away (WEB-68, MASK-12)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from moxlite.admin.accountforms import save, shown, table_of
from moxlite.admin.masked import MaskedAddresses, domains_of, given
from moxlite.config.checks.accounts import WEBHOOK_EVENTS
from moxlite.config.domains import Account
from moxlite.queue.errors import QueueError
from moxlite.queue.schedule import SECOND
from moxlite.store.changelog.origin import WayKind, note_way
from moxlite.store.mail.masked import MAX_MASKED
from moxlite.web.account.calls.common import AccountCalls, now
from moxlite.web.account.mailtypes import GivenPage
from moxlite.web.account.types import HookTest, IncomingForm, OutgoingForm, Sending, SendingForm
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, UserError


class SendingCalls(AccountCalls):
    """Calls of the account app for sending: webhooks."""

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
        await self._note_hook(caller, "outgoing_webhook", old.outgoing_webhook, changed.outgoing_webhook)
        await self._note_hook(caller, "incoming_webhook", old.incoming_webhook, changed.incoming_webhook)
        return shown(SendingForm, self._settings(caller))

    async def _note_hook(
        self, caller: Caller, kind: WayKind, old: OutgoingForm | IncomingForm, changed: OutgoingForm | IncomingForm
    ) -> None:
        """Note who set up a webhook, if it is a new one."""
        if changed.url and changed != old:
            async with self._open(caller) as account:
                await account.write(lambda tx: note_way(tx, kind, "config"))

    @call(once=True)
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
