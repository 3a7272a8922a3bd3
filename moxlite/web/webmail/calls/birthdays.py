"""Calls for birthdays of contacts, which the webmail shows as a calendar (WEBMAIL-175d)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from moxlite.store.groupware.contacts import birthdays_of, birthdays_shown, show_birthdays
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.webmail.calls.entries import EntryCalls

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader


class Birthday(msgspec.Struct, frozen=True):
    """The birthday of a contact. ``date``: 1988-03-14, or --03-14 without a year; ``address``: "" for none."""

    id: int
    name: str
    address: str
    date: str


class Birthdays(msgspec.Struct, frozen=True):
    """The birthdays of the user's contacts; none where they are not ``shown``."""

    shown: bool
    people: list[Birthday]


class BirthdayCalls(EntryCalls):
    """Calls about birthdays."""

    @call()
    async def birthdays(self, caller: Caller, show: Literal["", "on", "off"] = "") -> Birthdays:
        """The birthdays of all contacts in the user's address books; at most 2,000. ``show`` turns them on or off
        first.
        """

        def read(r: Reader) -> Birthdays:
            shown = birthdays_shown(r)
            people = [Birthday(one.id, one.name, one.address, one.date) for one in birthdays_of(r)] if shown else []
            return Birthdays(shown, people)

        async with self._entries(caller) as visit:
            if show:
                await visit.account.write(lambda tx: show_birthdays(tx, shown=show == "on"))
            # In a thread: all cards are looked at.
            return await visit.account.scan(read, op="birthdays")
