"""The second step of a log-in, and the second factor of a confirmation (WEB-151, WEB-63a).

The password came first. Its caller gets a token for one log-in of one account, valid for `pending.LIFE` and
`MAX_GUESSES`; that the guesses of all log-ins together are limited per network and account is `logins.secondfactor`'s.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec
import trio

from moxlite.logins.identity import Identity, LoginRequest
from moxlite.logins.secondfactor import FactorKind, SecondFactors, VerifyKey
from moxlite.web.errors import LoginFailed
from moxlite.web.factors import keys
from moxlite.web.factors.keys import Ceremony
from moxlite.web.types import KeyElsewhere, SecondStep

if TYPE_CHECKING:
    from moxlite.store.auth.factors import Factors, SecurityKey
    from moxlite.web.http.exchange import Request


# Values that wait in memory for the browser's next call, such as challenges and begun set-ups; bounded in time and
# number.


T = TypeVar("T")

LIFE: Final = 300.0
"""Seconds to the next call; finding a phone or key takes a user one or two minutes."""

MAX: Final = 1000
"""Values of one kind, 2 KiB each; the oldest makes way."""


class Pending(Generic[T]):
    """Values by key. A restart forgets them: the user begins again."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value for `LIFE` seconds, in place of an earlier one."""
        self._kept.pop(key, None)
        while len(self._kept) >= MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (trio.current_time() + LIFE, value)

    def get(self, key: Hashable) -> T | None:
        """The value; None if there is no such value, or it is too old."""
        until, value = self._kept.get(key, (0.0, None))
        return value if trio.current_time() < until else None

    def take(self, key: Hashable) -> T | None:
        """As `get`; the value cannot be had again."""
        value = self.get(key)
        self._kept.pop(key, None)
        return value


MAX_GUESSES: Final = 10
"""Wrong factors of one log-in; then the password is asked for again."""

TOO_OLD: Final = "This log-in took too long, or the server was started again. Please give your password again."
LOST: Final = (
    "This account has two-step log-in, but its second factors are lost. Ask the owner of this server to run: moxlite "
    "account reset-second-factor"
)


class _Begun(msgspec.Struct):
    """A log-in whose password was right. `ceremony`: for its keys, until it is used up."""

    identity: Identity
    ceremony: Ceremony | None
    guesses: int = 0


class SecondSteps:
    """Log-ins of one app that wait for a second factor."""

    def __init__(self, factors: SecondFactors) -> None:
        self._factors = factors
        self._begun: Pending[_Begun] = Pending()
        self._confirming: Pending[Ceremony] = Pending()

    async def begin(self, request: Request, identity: Identity) -> SecondStep:
        """Begin the second step of a log-in whose password was right.

        Raises:
          LoginFailed: no factor is left.
          StoreError
        """
        found = await self._factors.of(identity.account)
        if not found:
            raise LoginFailed(LOST)
        token = secrets.token_urlsafe(16)
        step, ceremony = await _offer(request, found, token)
        self._begun.put(token, _Begun(identity, ceremony))
        return step

    async def finish(self, request: Request, origin: LoginRequest, token: str, kind: FactorKind, code: str) -> Identity:
        """Check the second factor of the log-in that `token` belongs to; returns who has logged in.

        Raises:
          LoginFailed: the token is too old, or had too many wrong factors.
          LoginRefused: see `SecondFactors.check`.
          StoreError
        """
        begun = self._begun.get(token)
        if begun is None or begun.guesses >= MAX_GUESSES:
            raise LoginFailed(TOO_OLD)
        begun.guesses += 1  # before the check: parallel guesses count
        ceremony = None
        if kind == "key":
            ceremony, begun.ceremony = begun.ceremony, None  # a challenge serves once
        verify = _verifier(ceremony, code)
        await self._factors.check(origin, begun.identity, kind, code, mechanism="weblogin", verify_key=verify)
        if self._begun.take(token) is None:
            raise LoginFailed(TOO_OLD)  # a parallel call has begun the session
        return begun.identity

    async def offer(self, request: Request, account: str, session_id: int) -> SecondStep:
        """The second factors by which a user may confirm in a session. Raises StoreError."""
        step, ceremony = await _offer(request, await self._factors.of(account), "")
        if ceremony is not None:
            self._confirming.put(session_id, ceremony)
        return step

    async def confirm(
        self, origin: LoginRequest, session_id: int, identity: Identity, kind: FactorKind, code: str
    ) -> None:
        """Check a second factor of the user of a session. Raises as `SecondFactors.check`."""
        verify = _verifier(self._confirming.take(session_id) if kind == "key" else None, code)
        await self._factors.check(origin, identity, kind, code, mechanism="webconfirm", verify_key=verify)


async def _offer(request: Request, found: Factors, token: str) -> tuple[SecondStep, Ceremony | None]:
    host = keys.host_of(request)
    here = [key for key in found.keys if key.host == host]
    ceremony, asked = await keys.begin_assertion(request, here) if here else (None, "")
    step = SecondStep(
        token=token,
        apps=[app.name for app in found.apps],
        keys=[key.name for key in here],
        keys_elsewhere=[KeyElsewhere(key.name, key.host) for key in found.keys if key.host != host],
        key_request=asked,
        codes=found.codes > 0,
        server_time=time.time_ns() // 1_000_000,
    )
    return step, ceremony


def _verifier(ceremony: Ceremony | None, answer: str) -> VerifyKey | None:
    return None if ceremony is None else partial(_verified, ceremony, answer)


async def _verified(ceremony: Ceremony, answer: str, known: tuple[SecurityKey, ...]) -> tuple[SecurityKey, int] | None:
    try:
        return await keys.verify(ceremony, answer, known)
    except keys.BadAnswer:
        return None
