"""What the groups of calls about events share: the user as a calendar user, and the account with its refusals."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from moxlite.groupware.entries import BadEntry, Expander, TooBusy
from moxlite.groupware.people import addresses_of, user_of
from moxlite.groupware.subscribing import SubscriptionFailed
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.editing import Author
from moxlite.proto.cards.itip import NotAllowed
from moxlite.store.groupware.collection import BadName, NoSuchCollection, ReadOnly
from moxlite.store.groupware.resources import NoSuchResource, UIDTaken
from moxlite.store.groupware.scheduling import Elsewhere
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, Unavailable, UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.store.accounts.opened import OpenAccount


class EntryCalls(AccountCalls):
    """Calls about the entries of calendars."""

    def _own(self, caller: Caller) -> frozenset[str]:
        return user_of(self._server.config.current, caller.require().account).addresses

    def _author(self, caller: Caller) -> Author:
        session, snapshot = caller.require(), self._server.config.current
        settings = snapshot.account(session.account)
        name = "" if settings is None else settings.full_name
        addresses = addresses_of(snapshot, session.account, session.address)
        return Author(name, addresses[0], self._own(caller), int(time.time()))

    @asynccontextmanager
    async def _entries(self, caller: Caller) -> AsyncIterator[tuple[OpenAccount, Expander]]:
        """The account and what reads its entries; refusals become errors of calls."""
        try:
            async with self._accounts.use(caller.require().account) as account:
                yield account, Expander(account, self._server.sandbox)
        except (BadEntry, BadObject, NotAllowed, BadName, ReadOnly, SubscriptionFailed) as error:
            raise UserError(reason_of(error)) from None
        except TooBusy:
            raise Unavailable("the server is busy, try again in a moment") from None
        except NoSuchCollection:
            raise NotFound("this calendar was removed") from None
        except NoSuchResource:
            raise NotFound("this event was removed") from None
        except (Elsewhere, UIDTaken) as error:
            raise Conflict(str(error)) from None
