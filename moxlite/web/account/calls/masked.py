"""Addresses to give away, one for each site (MASK-12)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

from msgspec import Meta

from moxlite.admin.masked import MaskedAddresses, New, domains_of, state_of
from moxlite.store.mail.masked import MAX_MASKED, MaskedChange, MaskedRow
from moxlite.web.account.calls.common import AccountCalls, moment, now
from moxlite.web.account.mailtypes import GivenItem, GivenPage, GivenSender
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors

PAGE: Final = 50
"""Addresses of a page."""

EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)

Text = Annotated[str, Meta(max_length=2000)]
MaskedAddress = Annotated[str, Meta(max_length=400)]
Senders = Annotated[list[Annotated[str, Meta(max_length=400)]], Meta(max_length=100)]
Offset = Annotated[int, Meta(ge=0, le=MAX_MASKED)]


class MaskedCalls(AccountCalls):
    """The calls about addresses to give away."""

    @call()
    async def masked_list(self, caller: Caller, text: Text, offset: Offset) -> GivenPage:
        """A page of addresses, the newest first, after the first ``offset``; with ``text`` those that have it in
        address, site or note.
        """
        name, given = caller.require().account, self._given
        at = now()
        total = await given.count(name, text)
        masked_rows = await given.list(name, text, limit=PAGE, offset=offset)
        domains = [domain.unicode for domain in domains_of(self._server.config.current, name)]
        return GivenPage([_item(masked_row, at) for masked_row in masked_rows], total, domains)

    @call(audit="address to give away made")
    async def masked_make(self, caller: Caller, site: Text, word: Text, domain: Text, note: Text) -> GivenItem:
        """Make an address for a site. ``word`` in front: "" for the site's name; ``domain``: "" for the first one."""
        new = New(site=site, word=word, domain=domain, note=note)
        return _item(await self._given.make(caller.require().account, new), now())

    @call(audit="address to give away changed")
    async def masked_change(
        self,
        caller: Caller,
        address: MaskedAddress,
        site: Text,
        note: Text,
        only_from: Senders,
        expires: dt.datetime | None,
    ) -> GivenItem:
        """Change what is known of an address; without ``expires`` it does not expire."""
        if expires is not None and expires.tzinfo is None:
            raise FieldErrors([FieldError("expires", "has no time zone")])
        change = MaskedChange(
            given_to=site,
            note=note,
            only_from=tuple(only_from),
            expires=0 if expires is None else (expires - EPOCH) // dt.timedelta(microseconds=1),
        )
        return _item(await self._given.change(caller.require().account, address, change), now())

    @call(audit="address to give away switched")
    async def masked_switch(self, caller: Caller, address: MaskedAddress, active: bool) -> GivenItem:
        """Take mail to an address, or refuse it from now on (550)."""
        change = MaskedChange(active=active)
        return _item(await self._given.change(caller.require().account, address, change), now())

    @call(audit="address to give away removed")
    async def masked_remove(self, caller: Caller, address: MaskedAddress) -> None:
        """Forget an address, with who wrote to it."""
        await self._given.remove(caller.require().account, address)

    @property
    def _given(self) -> MaskedAddresses:
        return MaskedAddresses(self._server.config, self._server.accounts, self._server.auth.masked)


def _item(masked_row: MaskedRow, at: int) -> GivenItem:
    strangers = masked_row.strangers
    return GivenItem(
        address=masked_row.address,
        state=state_of(masked_row, at),
        site=masked_row.given_to,
        note=masked_row.note,
        only_from=list(masked_row.only_from),
        created=moment(masked_row.created),
        expires=None if masked_row.expires is None else EPOCH + dt.timedelta(microseconds=masked_row.expires),
        last_mail=None if masked_row.last_mail is None else moment(masked_row.last_mail),
        messages=masked_row.messages,
        senders=[GivenSender(two.domain, moment(two.first), two.messages) for two in masked_row.senders],
        strangers=len(strangers),
        strangers_since=moment(strangers[0].first) if strangers else None,
    )
