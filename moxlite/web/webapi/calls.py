"""What a method of the web API gets beside its parameters, and what it can return beside a struct."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from moxlite.web.webapi.bodies import Body

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.logins.identity import Identity
    from moxlite.process.keys.signing import SigningKeys
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.changelog.account import Account
    from moxlite.store.delivery.accountqueue import APIQueue
    from moxlite.web.http.exchange import Request
    from moxlite.web.webapi.answers import Turns


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """The services that methods use. `queue` is None if the server has no queue; `turns` of calls with the same
    Idempotency-Key.
    """

    config: CurrentConfig
    accounts: Accounts
    keys: SigningKeys
    queue: APIQueue | None
    tmp: Path
    turns: Turns


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `snapshot`: the configuration for all decisions about it."""

    service: Service
    identity: Identity
    request: Request
    body: Body
    snapshot: Snapshot

    def account(self) -> AbstractAsyncContextManager[OpenAccount]:
        """The account of the user, opened."""
        return self.service.accounts.use(self.identity.account)


class Octets(msgspec.Struct, frozen=True):
    """A result that is not JSON: `pieces` reads it from the opened account. `size`: number of its octets, None if
    unknown.
    """

    content_type: str
    pieces: Callable[[Account], AsyncIterator[bytes]]
    size: int | None = None
